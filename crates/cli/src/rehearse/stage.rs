//! The stage: a chain with tokens, the escrow, the contracts around it and the contributors' money, and the
//! models.

use std::collections::BTreeMap;

use alloy::{primitives::Address, rpc::types::Log};
use eyre::{Result, WrapErr};
use levee::{BonusEvent, Error, Event};
use levee_model::{
    Amount, Asset, BonusRefusal, Creation, Models, Moment, Operation, Payment, Pledge, RecoveryRefusal,
    Refusal, Refused, Route, Timestamp, Wei, schedule,
};

use super::{
    agree,
    cast::{self, Cast},
    chain::{Chain, REVERTING},
    contracts::{Contracts, Move},
    lido::Tokens,
    scenario::Scenario,
    step::{Action, Step},
    when::{Anchor, When},
};
use crate::error::UserError;

/// A rescue that is being played.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) chain: Chain,
    pub(crate) contracts: Contracts,
    pub(crate) tokens: Tokens,
    pub(crate) models: Models,
    pub(crate) cast: Cast,
    pub(crate) now: Timestamp,
    /// What each account has paid into the bonus pool and the recovery pool.
    pub(crate) added: BTreeMap<String, Wei>,
    pub(crate) recovered: BTreeMap<String, Wei>,
    /// What each sponsor took back of the bonus.
    pub(crate) reclaimed: BTreeMap<String, Wei>,
    start: Timestamp,
    /// The accounts that refuse ETH.
    refusing: Vec<Address>,
}

/// The result of one call or event of a step.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) time: Timestamp,
    /// The caller; none for a change of stETH.
    pub(crate) who: Option<String>,
    /// The name of the step in the scenario.
    pub(crate) step: &'static str,
    /// What happened, apart from events.
    pub(crate) summary: Option<String>,
    pub(crate) events: Vec<Event>,
    /// Why the call was refused, as the scenario expects.
    pub(crate) refusal: Option<Error>,
    pub(crate) note: Option<String>,
}

impl Stage {
    /// Puts the tokens, the escrow, the contracts around it and everyone's money on the chain.
    pub(crate) async fn set(chain: Chain, scenario: &Scenario) -> Result<Self> {
        let (start, terms) = (scenario.start, &scenario.terms);
        chain.pass_until(start).await?;
        let tokens = Tokens::deploy(&chain, start, scenario.rate).await?;
        let contracts = Contracts::create(&chain, start, terms, scenario.edition).await?;
        let address = contracts.escrow.address();
        for contributor in &scenario.contributors {
            let account = cast::address(&contributor.name);
            for held in &contributor.holds {
                fund(&chain, &tokens, start, account, tokens.booked(*held), address).await?;
            }
        }
        let created = Creation { block: contracts.escrow.created_block().await?, time: start };
        Ok(Self {
            models: contracts.models(terms, created)?,
            chain,
            contracts,
            tokens,
            cast: scenario.cast.clone(),
            now: start,
            added: BTreeMap::new(),
            recovered: BTreeMap::new(),
            reclaimed: BTreeMap::new(),
            start,
            refusing: Vec::new(),
        })
    }

    /// The block in which calls are made, as far as it matters to the rules.
    pub(crate) const fn moment(&self) -> Moment {
        Moment { time: self.now, lido: self.tokens.condition() }
    }

    /// Plays one step on the chain and on the models, and checks that they agree.
    pub(crate) async fn play(&mut self, step: &Step) -> Result<Vec<Scene>> {
        self.go_to(step).await?;
        let mut scenes = Vec::new();
        match &step.action {
            Action::Wait => scenes.push(self.scene(step, None)),
            Action::Lido(change) => {
                self.tokens.change(&self.chain, self.now, *change).await?;
                let summary = Some(change.summary());
                scenes.push(Scene { summary, ..self.scene(step, None) });
            }
            Action::Refuse { who } => {
                self.chain.replace_code(cast::address(who), REVERTING).await?;
                self.refusing.push(cast::address(who));
                let summary = Some("refuses ETH from now on".to_owned());
                scenes.push(Scene { summary, ..self.scene(step, Some(who.clone())) });
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

    fn scene(&self, step: &Step, who: Option<String>) -> Scene {
        Scene {
            time: self.now,
            who,
            step: step.kind,
            summary: None,
            events: Vec::new(),
            refusal: None,
            note: None,
        }
    }

    /// Lets time pass until the step happens.
    async fn go_to(&mut self, step: &Step) -> Result<()> {
        let within = |error: UserError| error.within(&step.place);
        let time = step.when.map_or(Ok(self.now), |when| self.time_of(when)).map_err(within)?;
        if time < self.now {
            let [time, now] = [time, self.now].map(crate::time::time);
            return Err(within(
                UserError::new(format!("the step is at {time}, but it is already {now}"))
                    .hint("steps are played in the order of the file, and time never runs backward"),
            )
            .into());
        }
        self.chain.pass_until(time).await?;
        self.now = time;
        Ok(())
    }

    pub(super) fn time_of(&self, when: When) -> Result<Timestamp, UserError> {
        let (anchor, shift) = match when {
            When::At(time) => return Ok(time),
            When::Later(seconds) => return Ok(self.now + Timestamp::from(seconds)),
            When::Around(anchor, shift) => (anchor, shift),
        };
        let rescue = &self.models.rescue;
        let settled_at = rescue.settlement(self.moment()).map(|settlement| settlement.settled_at);
        let not_settled =
            || UserError::new("the rescue is not settled yet").hint("add a `settle` step before it");
        let time = match anchor {
            Anchor::Start => self.start,
            Anchor::Deadline => rescue.goal(self.now).deadline,
            Anchor::Final => rescue.final_at().ok_or_else(|| {
                UserError::new("the rescue is not final yet").hint("release everything that is due before it")
            })?,
            Anchor::Settlement => settled_at.ok_or_else(not_settled)?,
            Anchor::Tranche(number) => {
                schedule::due_at(rescue.terms(), settled_at.ok_or_else(not_settled)?, number)
            }
        };
        time.checked_add_signed(shift).ok_or_else(|| UserError::new("that is before 1970"))
    }

    /// Makes one call on both sides.
    async fn make(&mut self, step: &Step, caller: &str, call: Move) -> Result<Scene> {
        self.require_model(&call, caller).map_err(|error| error.within(&step.place))?;
        let chain = self.make_on_chain(step, caller, &call).await.wrap_err_with(|| step.place.clone())?;
        if let Move::Operation(operation) = call {
            let model = self.on_models(operation, cast::address(caller));
            let beneficiary = self.models.rescue.terms().beneficiary;
            agree::outcomes(operation, &chain, model, beneficiary).wrap_err_with(|| step.place.clone())?;
        }
        if let Ok(events) = &chain {
            self.record(caller, &call, events).wrap_err_with(|| step.place.clone())?;
        }
        let scene = self.scene(step, Some(caller.to_owned()));
        match (chain, &step.fails) {
            (Ok(events), None) => Ok(Scene { events, ..scene }),
            (Err(error), Some(expected)) if agree::kind(&error) == expected.as_str() => {
                Ok(Scene { refusal: Some(error), ..scene })
            }
            (chain, _) => {
                let message = unexpected(step, caller, chain.as_ref().err());
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
        let transaction = self.contracts.transaction(call, self.now, caller).await?;
        let request = transaction.request(cast::address(caller));
        Ok(match self.chain.call(self.now, request).await? {
            Ok(logs) => Ok(self.decode(&logs)?),
            Err(data) => Err(Error::from_revert_of(transaction.contract, &data)),
        })
    }

    /// Turns ETH into the WETH that a call needs, and gives [`cast::ANYONE`] money that comes from outside
    /// the scenario.
    async fn pay_for(&self, step: &Step, caller: &str, call: &Move) -> Result<()> {
        let Move::Operation(operation) = call else { return Ok(()) };
        let (chain, account) = (&self.chain, cast::address(caller));
        match (operation, &step.action) {
            (Operation::Pledge(Pledge { amount: Amount::Eth(wei), route: Route::Weth { .. }, .. }), _) => {
                Tokens::wrap(chain, self.now, account, *wei, self.contracts.router.address()).await
            }
            (Operation::Recover(amount), Action::Recover { by: None, .. }) => {
                chain.add_balance(account, *amount).await
            }
            _ => Ok(()),
        }
    }

    /// The models cover tokens that cannot be transferred, but not accounts that refuse ETH: there, a
    /// departure would be paid.
    fn require_model(&self, call: &Move, caller: &str) -> Result<(), UserError> {
        let (pledger, asset) = match call {
            Move::Operation(Operation::Exit { asset, .. }) => (cast::address(caller), *asset),
            Move::Operation(Operation::Decline(id)) => (id.pledger, id.asset),
            _ => return Ok(()),
        };
        if asset != Asset::Eth || !self.refusing.contains(&pledger) {
            return Ok(());
        }
        let who = self.cast.name_of(pledger);
        Err(UserError::new(format!("{who} refuses ETH, but rehearsals do not model what it would be owed"))
            .hint("withdraw the position in a step before `refuse`, or use a paused stETH instead"))
    }

    /// Records what a call put into a pool or took out of it, and checks what it put on the board.
    fn record(&mut self, caller: &str, call: &Move, events: &[Event]) -> Result<()> {
        let from = cast::address(caller);
        match call {
            Move::Operation(Operation::AddBonus { amount, .. }) => {
                *self.added.entry(caller.to_owned()).or_default() += *amount;
            }
            Move::Operation(Operation::TakeBack { sponsor }) => {
                let returned = events.iter().filter_map(|event| match event {
                    Event::Bonus(BonusEvent::Returned { amount, .. }) => Some(*amount),
                    _ => None,
                });
                *self.reclaimed.entry(self.cast.name_of(*sponsor)).or_default() += returned.sum::<Wei>();
            }
            Move::Operation(Operation::Recover(amount)) => {
                *self.recovered.entry(caller.to_owned()).or_default() += *amount;
            }
            Move::Declare(declaration) => agree::announced(events, from, declaration, self.now)?,
            Move::DeclareFor(signed) => {
                agree::announced(events, signed.contributor, &signed.declaration, self.now)?;
            }
            Move::Operation(_) => {}
        }
        Ok(())
    }

    /// Makes a call on the models, which do not cover accounts that cannot be paid.
    fn on_models(&mut self, operation: Operation, from: Address) -> Result<Option<Payment>, Refused> {
        let before = self.models.clone();
        match self.models.play(self.moment(), from, operation) {
            Ok(Some(payment)) if payment.asset == Asset::Eth && self.refusing.contains(&payment.to) => {
                self.models = before;
                Err(unpaid(operation, payment))
            }
            done => done,
        }
    }

    /// What a call did, according to the events of the escrow and the contracts around it.
    fn decode(&self, logs: &[Log]) -> Result<Vec<Event>> {
        let ours = self.contracts.addresses();
        let own = logs.iter().filter(|log| ours.contains(&log.address()));
        Ok(own.map(|log| Event::decode(&log.inner)).collect::<Result<_, _>>()?)
    }
}

/// How a contract refuses a call whose payment is not taken.
const fn unpaid(operation: Operation, Payment { to: recipient, asset, amount }: Payment) -> Refused {
    match (operation, amount.of(asset)) {
        (Operation::Claim(_), Amount::Eth(amount)) => {
            Refused::ByRecovery(RecoveryRefusal::PaymentFailed { recipient, amount })
        }
        (Operation::ClaimBonus(_) | Operation::TakeBack { .. }, Amount::Eth(amount)) => {
            Refused::ByBonus(BonusRefusal::PaymentFailed { recipient, amount })
        }
        _ => Refused::ByRescue(Refusal::PaymentFailed { recipient, asset, amount }),
    }
}

async fn fund(
    chain: &Chain,
    tokens: &Tokens,
    time: Timestamp,
    account: Address,
    amount: Amount,
    escrow: Address,
) -> Result<()> {
    match amount {
        Amount::Eth(wei) => chain.add_balance(account, wei).await,
        _ => tokens.give(chain, time, account, amount, escrow).await,
    }
}

/// The error if a call did not do what the step says. `refused` is the refusal; none if it was accepted.
fn unexpected(step: &Step, caller: &str, refused: Option<&Error>) -> String {
    let instead =
        step.fails.as_ref().map_or_else(String::new, |expected| format!(", not refused with {expected}"));
    let came = match refused {
        Some(error) => format!("was refused with {}{instead}: {error}", agree::kind(error)),
        None => format!("was accepted{instead}"),
    };
    format!("{}: {} by {caller} {came}", step.place, step.kind)
}
