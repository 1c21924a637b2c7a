//! The stage: a chain with tokens, the escrow, what is around it and the contributors' money, and the models beside it.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, U256},
    rpc::types::Log,
};
use eyre::{Result, WrapErr};
use levee::{Declaration, Error, Event};
use levee_model::{Asset, Goal, Moment, Payment, PositionId, Timestamp, Units, Wei};

use super::{
    action::{Action, Declare, Positions, Step, With},
    agree,
    cast::{self, ANYONE, Cast},
    chain::{Chain, REVERTING},
    lido::{Tokens, shares_down},
    moves::Move,
    scenario::Scenario,
    sides::{Contracts, Models},
    when::{Anchor, When},
};
use crate::{amount::Amount, error::UserError};

/// A rescue that is being played.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) chain: Chain,
    pub(crate) contracts: Contracts,
    pub(crate) tokens: Tokens,
    pub(crate) models: Models,
    pub(crate) cast: Cast,
    pub(crate) now: Timestamp,
    /// What each has put into the bonus pool, and into the recovery pool.
    pub(crate) added: BTreeMap<String, Wei>,
    pub(crate) recovered: BTreeMap<String, Wei>,
    start: Timestamp,
    /// Who takes no ETH.
    refusing: Vec<Address>,
}

/// What came of one call or event of a step.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) time: Timestamp,
    /// Who did it; none for what befalls stETH.
    pub(crate) who: Option<String>,
    /// The verb, as in the scenario.
    pub(crate) verb: &'static str,
    /// What befell stETH.
    pub(crate) told: Option<String>,
    pub(crate) events: Vec<Event>,
    /// Why the call was refused, as the scenario says that it must be.
    pub(crate) refusal: Option<Error>,
    pub(crate) note: Option<String>,
}

/// What a contributor holds of an asset, in the asset's own unit.
pub(crate) fn units_of(amount: Amount, tokens: &Tokens) -> (Asset, Units) {
    let units = match amount {
        Amount::Eth(wei) => Units::new(wei.get()),
        Amount::StEth(wei) => Units::new(shares_down(wei, tokens.rate()).get()),
        Amount::Shares(shares) => Units::new(shares.get()),
        Amount::WstEth(units) => units,
    };
    (amount.asset(), units)
}

impl Stage {
    /// Puts the tokens, the escrow, what is around it and everyone's money on the chain.
    pub(crate) async fn set(chain: Chain, scenario: &Scenario) -> Result<Self> {
        let (start, terms) = (scenario.start, &scenario.terms);
        chain.pass_until(start).await?;
        let tokens = Tokens::deploy(&chain, start, scenario.rate).await?;
        let contracts = Contracts::create(&chain, start, terms).await?;
        let address = contracts.escrow.address();
        for contributor in &scenario.contributors {
            let account = cast::address(&contributor.name);
            for held in &contributor.holds {
                fund(&chain, &tokens, start, account, units_of(*held, &tokens), address).await?;
            }
        }
        Ok(Self {
            models: Models::new(&contracts, terms, start)?,
            chain,
            contracts,
            tokens,
            cast: scenario.cast.clone(),
            now: start,
            added: BTreeMap::new(),
            recovered: BTreeMap::new(),
            start,
            refusing: Vec::new(),
        })
    }

    /// The block that calls find, as far as the rules see it.
    pub(crate) const fn moment(&self) -> Moment {
        Moment { time: self.now, lido: self.tokens.condition() }
    }

    /// Plays one step on the chain and on the model, and checks that they agree.
    pub(crate) async fn play(&mut self, step: &Step) -> Result<Vec<Scene>> {
        self.go_to(step).await?;
        let mut scenes = Vec::new();
        match &step.action {
            Action::Wait => scenes.push(self.scene(None, "wait")),
            Action::Lido(change) => {
                self.tokens.change(&self.chain, self.now, *change).await?;
                let told = Some(change.told());
                scenes.push(Scene { told, ..self.scene(None, change.verb()) });
            }
            Action::Refuse { who } => {
                self.chain.replace_code(cast::address(who), REVERTING).await?;
                self.refusing.push(cast::address(who));
                let told = Some("takes no ETH from now on".to_owned());
                scenes.push(Scene { told, ..self.scene(Some(who.clone()), "refuse") });
            }
            _ => {
                for (caller, call) in self.moves(step).await? {
                    scenes.push(self.make(step, &caller, call).await?);
                }
            }
        }
        if let Some(last) = scenes.last_mut() {
            last.note.clone_from(&step.note);
        }
        agree::with_models(&self.contracts, &self.models, self.moment(), &self.cast)
            .await
            .wrap_err_with(|| step.place.clone())?;
        Ok(scenes)
    }

    fn scene(&self, who: Option<String>, verb: &'static str) -> Scene {
        Scene { time: self.now, who, verb, told: None, events: Vec::new(), refusal: None, note: None }
    }

    /// Lets time pass until the step happens.
    async fn go_to(&mut self, step: &Step) -> Result<()> {
        let within = |error: UserError| error.within(&step.place);
        let time = step.when.map_or(Ok(self.now), |when| self.time_of(when)).map_err(within)?;
        if time < self.now {
            let [time, now] = [time, self.now].map(crate::time::time);
            return Err(within(
                UserError::new(format!("the step is of {time}, and it is {now} already"))
                    .hint("steps are played in the order of the file, and time never goes back"),
            )
            .into());
        }
        self.chain.pass_until(time).await?;
        self.now = time;
        Ok(())
    }

    fn time_of(&self, when: When) -> Result<Timestamp, UserError> {
        let (anchor, shift) = match when {
            When::At(time) => return Ok(time),
            When::Later(seconds) => return Ok(self.now + Timestamp::from(seconds)),
            When::Around(anchor, shift) => (anchor, shift),
        };
        let rescue = &self.models.rescue;
        let terms = rescue.terms();
        let settled_at = rescue.settlement(self.moment()).map(|settlement| settlement.settled_at);
        let not_settled =
            || UserError::new("the rescue is not settled yet").hint("let a `settle` step come before");
        let time = match anchor {
            Anchor::Start => self.start,
            Anchor::Deadline => rescue.goal(self.now).deadline,
            Anchor::Final => rescue.final_at().ok_or_else(|| {
                UserError::new("the rescue is not final yet").hint("let all that is due be released before")
            })?,
            Anchor::Settlement => settled_at.ok_or_else(not_settled)?,
            Anchor::Tranche(number) => {
                let first = levee_model::schedule::first_due(terms, settled_at.ok_or_else(not_settled)?);
                first + u64::from(number - 1) * u64::from(terms.tranche_interval)
            }
        };
        time.checked_add_signed(shift).ok_or_else(|| UserError::new("that is before 1970"))
    }

    /// Makes one call on both sides.
    async fn make(&mut self, step: &Step, caller: &str, call: Move) -> Result<Scene> {
        let (at, from) = (self.moment(), cast::address(caller));
        let chain = self.make_on_chain(step, caller, &call).await.wrap_err_with(|| step.place.clone())?;
        if let Some(model) = self.on_models(&call, at, from) {
            agree::outcomes(&chain, &model).wrap_err_with(|| step.place.clone())?;
        }
        if let Ok(events) = &chain {
            self.record(caller, &call, events).wrap_err_with(|| step.place.clone())?;
        }
        let scene = self.scene(Some(caller.to_owned()), call.verb());
        match (chain, &step.fails) {
            (Ok(events), None) => Ok(Scene { events, ..scene }),
            (Err(error), Some(expected)) if agree::refusal_name(&error) == *expected => {
                Ok(Scene { refusal: Some(error), ..scene })
            }
            (chain, _) => {
                let message = unexpected(step, caller, &call, chain.as_ref().err());
                let hint = "`fails = \"...\"` names the error of a call that must be refused";
                Err(UserError::new(self.cast.with_names(&message)).hint(hint).into())
            }
        }
    }

    /// Makes a call on the chain: what it did, or why it was refused.
    async fn make_on_chain(
        &self,
        step: &Step,
        caller: &str,
        call: &Move,
    ) -> Result<Result<Vec<Event>, Error>> {
        self.pay_for(step, caller, call).await?;
        let request = self.contracts.prepare(call, self.now, caller).await?.request(cast::address(caller));
        Ok(match self.chain.call(self.now, request).await? {
            Ok(logs) => Ok(self.decode(&logs)?),
            Err(data) => Err(Error::from_revert_of(call.contract(), &data)),
        })
    }

    /// Turns ETH into the WETH that a call takes, and gives to [`ANYONE`] what comes from outside the story.
    async fn pay_for(&self, step: &Step, caller: &str, call: &Move) -> Result<()> {
        let (chain, account) = (&self.chain, cast::address(caller));
        match (call, &step.action) {
            (Move::Pledge(_, amount, With::Weth), _) => {
                let (amount, router) = (U256::from(amount.get()), self.contracts.router.address());
                Tokens::wrap(chain, self.now, account, amount, router).await
            }
            (Move::Recover(amount), Action::Recover { by: None, .. }) => {
                chain.add_balance(account, *amount).await
            }
            _ => Ok(()),
        }
    }

    /// Keeps what a call put into a pool, and checks what it put on the board.
    fn record(&mut self, caller: &str, call: &Move, events: &[Event]) -> Result<()> {
        let from = cast::address(caller);
        match call {
            Move::AddBonus(amount) => *self.added.entry(caller.to_owned()).or_default() += *amount,
            Move::Recover(amount) => *self.recovered.entry(caller.to_owned()).or_default() += *amount,
            Move::Declare(declaration) => agree::announced(events, from, declaration, self.now)?,
            Move::DeclareFor(signed) => {
                agree::announced(events, signed.contributor, &signed.declaration, self.now)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Makes a call on the models, which know nothing of accounts that cannot be paid.
    fn on_models(
        &mut self,
        call: &Move,
        at: Moment,
        from: Address,
    ) -> Option<Result<Option<Payment>, String>> {
        let before = self.models.clone();
        match self.models.make(call, at, from)? {
            Ok(Some(payment)) if payment.asset == Asset::Eth && self.refusing.contains(&payment.to) => {
                self.models = before;
                Some(Err("PaymentFailed".to_owned()))
            }
            done => Some(done),
        }
    }

    /// What a call did, as the escrow and the contracts around it tell it.
    fn decode(&self, logs: &[Log]) -> Result<Vec<Event>> {
        let ours = self.contracts.addresses();
        let told = logs.iter().filter(|log| ours.contains(&log.address()));
        Ok(told.map(|log| Event::decode(&log.inner)).collect::<Result<_, _>>()?)
    }

    /// The calls that a step stands for, and who makes them.
    async fn moves(&self, step: &Step) -> Result<Vec<(String, Move)>> {
        let one = |caller: &str, call| Ok(vec![(caller.to_owned(), call)]);
        match &step.action {
            Action::Pledge { who, tier, amount, with } => {
                let (asset, units) = units_of(*amount, &self.tokens);
                let id = PositionId { pledger: cast::address(who), tier: *tier, asset };
                one(who, Move::Pledge(id, units, *with))
            }
            Action::Settle => one(ANYONE, Move::Settle),
            Action::Expire => one(ANYONE, Move::Expire),
            Action::Lapse => one(ANYONE, Move::Lapse),
            Action::Cancel { by } => one(by, Move::Cancel),
            Action::Amend { by, target, deadline } => {
                let goal = self.models.rescue.goal(self.now);
                let deadline = deadline.unwrap_or(goal.deadline);
                one(by, Move::Amend(Goal { target: *target, deadline, ..goal }))
            }
            Action::Release(Some(asset)) => one(ANYONE, Move::Release(*asset)),
            Action::Release(None) => self.releases(step),
            Action::Refund(positions) => self.refunds(step, positions),
            Action::Exit(positions) => self.own(step, positions, Move::Exit),
            Action::Object(positions) => self.own(step, positions, Move::Object),
            Action::Decline { by, positions } => {
                let calls = self.own(step, positions, Move::Decline)?;
                Ok(calls.into_iter().map(|(_, call)| (by.clone(), call)).collect())
            }
            _ => self.moves_around(step).await,
        }
    }

    /// Those of a step that is about a contract around the escrow.
    async fn moves_around(&self, step: &Step) -> Result<Vec<(String, Move)>> {
        let one = |caller: &str, call| Ok(vec![(caller.to_owned(), call)]);
        match &step.action {
            Action::Recover { by, amount } => one(by.as_deref().unwrap_or(ANYONE), Move::Recover(*amount)),
            Action::Claim(positions) => self.claims(step, positions),
            Action::AddBonus { who, amount } => one(who, Move::AddBonus(*amount)),
            Action::ClaimBonus(positions) => self.bonus_claims(step, positions),
            Action::TakeBack { who } => self.returns(step, who.as_deref()),
            Action::Declare(declare) => self.declare(step, declare).await,
            _ => Ok(Vec::new()),
        }
    }

    /// One claim for each position that is meant and has earned something that it has not had.
    fn claims(&self, step: &Step, positions: &Positions) -> Result<Vec<(String, Move)>> {
        let Models { rescue, recovery, .. } = &self.models;
        let due = |id| step.fails.is_some() || !recovery.claimable(rescue, id).is_zero();
        self.for_anyone(step, positions, due, Move::Claim)
    }

    /// One claim of the bonus for each position that is meant and has not had its share.
    fn bonus_claims(&self, step: &Step, positions: &Positions) -> Result<Vec<(String, Move)>> {
        let due = |id| step.fails.is_some() || !self.models.bonus.has_claimed(id);
        self.for_anyone(step, positions, due, Move::ClaimBonus)
    }

    /// One return for each sponsor that is meant and has something in the bonus pool.
    fn returns(&self, step: &Step, who: Option<&str>) -> Result<Vec<(String, Move)>> {
        let left = |name: &&str| !self.models.bonus.contribution_of(cast::address(name)).is_zero();
        let take_back = |name: &str| (ANYONE.to_owned(), Move::TakeBack(cast::address(name)));
        let calls = match who {
            Some(name) => vec![take_back(name)],
            None => self.cast.names().filter(left).map(take_back).collect(),
        };
        some(step, calls, "nobody has anything in the bonus pool")
    }

    /// A declaration, by its contributor or signed by it and brought by somebody else.
    async fn declare(&self, step: &Step, said: &Declare) -> Result<Vec<(String, Move)>> {
        let deadline = self.models.rescue.goal(self.now).deadline;
        let expiry = said.expiry.map_or(Ok(deadline), |when| self.time_of(when));
        let declaration = Declaration {
            escrow: self.contracts.escrow.address(),
            stage: said.stage,
            tier: said.tier,
            amount: said.amount,
            expiry: expiry.map_err(|error| error.within(&step.place))?,
            link: said.link.clone(),
        };
        let Some(by) = &said.by else { return Ok(vec![(said.who.clone(), Move::Declare(declaration))]) };
        let (signer, contributor) = (cast::signer(&said.who), cast::address(&said.who));
        let signed = self.contracts.board.sign(&signer, contributor, declaration, self.now).await?;
        Ok(vec![(by.clone(), Move::DeclareFor(signed))])
    }

    /// One release for each asset of which something is due.
    fn releases(&self, step: &Step) -> Result<Vec<(String, Move)>> {
        let due = |asset: &Asset| !self.models.rescue.deliverable(self.moment(), *asset).is_zero();
        let release = |asset| (ANYONE.to_owned(), Move::Release(asset));
        some(step, Asset::ALL.into_iter().filter(due).map(release).collect(), "nothing is due")
    }

    /// One refund for each position that is meant and owed something.
    fn refunds(&self, step: &Step, positions: &Positions) -> Result<Vec<(String, Move)>> {
        let rescue = &self.models.rescue;
        let owed = |id| step.fails.is_some() || !rescue.refundable(self.moment(), id).is_zero();
        self.for_anyone(step, positions, owed, Move::Refund)
    }

    /// One call by [`ANYONE`] for each position that is meant and `owed` something.
    fn for_anyone(
        &self,
        step: &Step,
        positions: &Positions,
        owed: impl Fn(PositionId) -> bool,
        call: impl Fn(PositionId) -> Move,
    ) -> Result<Vec<(String, Move)>> {
        let calls = self.positions(positions, owed).map(|id| (ANYONE.to_owned(), call(id)));
        some(step, calls.collect(), "nothing is owed")
    }

    /// One call for each position that is meant, made by its pledger.
    fn own(
        &self,
        step: &Step,
        positions: &Positions,
        call: impl Fn(PositionId) -> Move,
    ) -> Result<Vec<(String, Move)>> {
        let calls = self.positions(positions, |_| true).map(|id| (self.cast.name_of(id.pledger), call(id)));
        some(step, calls.collect(), "there is no such position")
    }

    /// The positions that are meant. One that is named in full need not exist.
    fn positions<'a>(
        &'a self,
        positions: &'a Positions,
        fits: impl Fn(PositionId) -> bool + 'a,
    ) -> Box<dyn Iterator<Item = PositionId> + 'a> {
        let who = positions.who.as_deref().map(cast::address);
        if let (Some(pledger), Some(tier), Some(asset)) = (who, positions.tier, positions.asset) {
            return Box::new(std::iter::once(PositionId { pledger, tier, asset }));
        }
        let meant = move |id: &PositionId| {
            who.is_none_or(|who| who == id.pledger)
                && positions.tier.is_none_or(|tier| tier == id.tier)
                && positions.asset.is_none_or(|asset| asset == id.asset)
        };
        // In the order of the scenario's contributors, which means more than that of their addresses.
        let all =
            self.cast.contributors().flat_map(|name| self.models.rescue.positions_of(cast::address(name)));
        Box::new(all.map(|(id, _)| id).filter(meant).filter(move |id| fits(*id)))
    }
}

async fn fund(
    chain: &Chain,
    tokens: &Tokens,
    time: Timestamp,
    account: Address,
    (asset, units): (Asset, Units),
    escrow: Address,
) -> Result<()> {
    match asset {
        Asset::Eth => chain.add_balance(account, Wei::new(units.get())).await,
        _ => tokens.give(chain, time, account, (asset, units), escrow).await,
    }
}

/// A step must stand for some call; otherwise it does not mean what its author thinks.
fn some(step: &Step, moves: Vec<(String, Move)>, nothing: &str) -> Result<Vec<(String, Move)>> {
    if moves.is_empty() {
        return Err(UserError::new(nothing)
            .within(&step.place)
            .hint("the step would do nothing: leave it out")
            .into());
    }
    Ok(moves)
}

/// What a call did that the step does not say. `refused` is why it was refused; none when it was not.
fn unexpected(step: &Step, caller: &str, call: &Move, refused: Option<&Error>) -> String {
    let instead =
        step.fails.as_ref().map_or_else(String::new, |expected| format!(", not refused with {expected}"));
    let came = match refused {
        Some(error) => format!("was refused with {}{instead}: {error}", agree::refusal_name(error)),
        None => format!("was accepted{instead}"),
    };
    format!("{}: {} by {caller} {came}", step.place, call.verb())
}
