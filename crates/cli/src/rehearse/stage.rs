//! The stage: a chain with tokens, the escrow, the contracts around it and the contributors' money, and the
//! models.

use std::collections::BTreeMap;

use alloy::{primitives::Address, rpc::types::Log};
use eyre::{Result, WrapErr};
use levee::{Blueprint, BonusEvent, Edition, Error, Event};
use levee_model::{
    Amount, Asset, BonusRefusal, Creation, Models, Moment, Operation, Payment, Pledge, RecoveryRefusal,
    Refusal, Refused, Rescue, Route, Terms, Timestamp, Wei, schedule,
};

use super::{
    agree,
    cast::{self, Cast},
    chain::{Chain, REVERTING},
    compact::{self, Agreement, Deed},
    contracts::{Contracts, Move},
    lido::Tokens,
    scenario::{Agreed, Scenario},
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
    pub(crate) agreement: Option<Agreement>,
    edition: Edition,
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

impl Scene {
    fn of(time: Timestamp, step: &Step, who: Option<String>) -> Self {
        let (summary, events, refusal, note) = (None, Vec::new(), None, None);
        Self { time, who, step: step.kind, summary, events, refusal, note }
    }

    /// The scene of a call, if it did what the step says.
    fn judged(
        time: Timestamp,
        (step, caller): (&Step, &str),
        chain: Result<Vec<Event>, Error>,
        cast: &Cast,
    ) -> Result<Self> {
        let scene = Self::of(time, step, Some(caller.to_owned()));
        match (chain, &step.fails) {
            (Ok(events), None) => Ok(Self { events, ..scene }),
            (Err(error), Some(expected)) if agree::kind(&error) == expected.as_str() => {
                Ok(Self { refusal: Some(error), ..scene })
            }
            (chain, _) => {
                let message = unexpected(step, caller, chain.as_ref().err());
                let hint = "`fails = \"...\"` names the error of a call that must be refused";
                Err(UserError::new(cast.with_names(&message)).hint(hint).into())
            }
        }
    }
}

/// Where and when steps of a compact are played.
struct Part<'a> {
    chain: &'a Chain,
    cast: &'a Cast,
    at: Moment,
}

impl Part<'_> {
    /// Makes the calls that make up a step, and compares the compact with its model.
    async fn play(
        &self,
        agreement: &mut Agreement,
        (step, deed): (&Step, &Deed),
        about: (&Terms, Edition),
        mut rescue: Option<&mut Rescue>,
    ) -> Result<Vec<Scene>> {
        let within = || step.place.clone();
        let calls = agreement.calls(deed, (self.cast, self.at.time), about).wrap_err_with(within)?;
        if calls.is_empty() {
            let nothing = UserError::new("nobody has anything to do here").within(&step.place);
            return Err(nothing.hint("the step would do nothing: remove it").into());
        }
        let mut scenes = Vec::new();
        for (caller, operation) in calls {
            let call = (caller.as_str(), &operation);
            let done = agreement.make(self.chain, self.at, call, rescue.as_deref_mut()).await;
            let done = done.wrap_err_with(within)?;
            scenes.push(Scene::judged(self.at.time, (step, &caller), done, self.cast)?);
        }
        agreement.agree().await.wrap_err_with(within)?;
        Ok(scenes)
    }
}

/// What happens before there is a rescue.
struct Prologue<'a> {
    chain: &'a Chain,
    tokens: Tokens,
    agreement: Option<Agreement>,
    now: Timestamp,
}

impl<'a> Prologue<'a> {
    /// With the compact, if there is one.
    async fn open(chain: &'a Chain, tokens: Tokens, scenario: &Scenario) -> Result<Self> {
        let now = scenario.begin();
        let members = scenario.cast.contributors().map(cast::address);
        let agreement = match &scenario.compact {
            Some(Agreed { file, .. }) => Some(Agreement::found(chain, now, file, members).await?),
            None => None,
        };
        Ok(Self { chain, tokens, agreement, now })
    }

    async fn play(mut self, scenario: &Scenario) -> Result<(Option<Agreement>, Tokens, Vec<Scene>)> {
        let mut scenes = Vec::new();
        for step in scenario.compact.iter().flat_map(|compact| &compact.steps) {
            self.go_to(step, scenario.start).await?;
            let played = self.play_step(step, scenario).await?;
            scenes.extend(played);
            if let Some(last) = scenes.last_mut() {
                last.note.clone_from(&step.note);
            }
        }
        Ok((self.agreement, self.tokens, scenes))
    }

    async fn play_step(&mut self, step: &Step, scenario: &Scenario) -> Result<Vec<Scene>> {
        let at = Moment { time: self.now, lido: self.tokens.condition() };
        match (&step.action, &mut self.agreement) {
            (Action::Compact(deed), Some(agreement)) => {
                let part = Part { chain: self.chain, cast: &scenario.cast, at };
                part.play(agreement, (step, deed), (&scenario.terms, scenario.edition), None).await
            }
            (Action::Lido(change), _) => {
                self.tokens.change(self.chain, self.now, *change).await?;
                let summary = Some(change.summary());
                Ok(vec![Scene { summary, ..Scene::of(self.now, step, None) }])
            }
            // The scenario was checked: there is nothing else.
            _ => Ok(vec![Scene::of(self.now, step, None)]),
        }
    }

    async fn go_to(&mut self, step: &Step, start: Timestamp) -> Result<()> {
        let time = match step.when {
            Some(When::At(time)) => time,
            Some(When::Later(seconds)) => self.now + Timestamp::from(seconds),
            Some(When::Around(..)) | None => self.now,
        };
        if time < self.now || time > start {
            return Err(UserError::new(
                "the step is not between those before it and the creation of the rescue",
            )
            .within(&step.place)
            .hint("steps are played in the order of the file, and time never runs backward")
            .into());
        }
        self.chain.pass_until(time).await?;
        self.now = time;
        Ok(())
    }
}

impl Stage {
    /// Puts the tokens and everyone's money on the chain, plays what happens before the rescue, and creates the escrow and the contracts
    /// around it.
    pub(crate) async fn set(chain: Chain, scenario: &Scenario) -> Result<(Self, Vec<Scene>)> {
        let (begin, start, terms) = (scenario.begin(), scenario.start, &scenario.terms);
        chain.pass_until(begin).await?;
        let tokens = Tokens::deploy(&chain, begin, scenario.rate).await?;
        let address = Blueprint::escrow(terms)?.in_edition(scenario.edition).address();
        for contributor in &scenario.contributors {
            let account = cast::address(&contributor.name);
            for held in &contributor.holds {
                fund(&chain, &tokens, begin, account, tokens.booked(*held), address).await?;
            }
        }
        let prologue = Prologue::open(&chain, tokens, scenario).await?;
        let (agreement, tokens, scenes) = prologue.play(scenario).await?;
        if begin < start {
            chain.pass_until(start).await?;
        }
        let contracts = Contracts::create(&chain, start, terms, scenario.edition).await?;
        let created = Creation { block: contracts.escrow.created_block().await?, time: start };
        let stage = Self {
            models: contracts.models(terms, created)?,
            agreement,
            edition: scenario.edition,
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
        };
        Ok((stage, scenes))
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
            Action::Compact(deed) => scenes.extend(self.play_compact(step, deed).await?),
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

    /// Makes the calls of the compact that make up a step, and compares it with its model.
    async fn play_compact(&mut self, step: &Step, deed: &Deed) -> Result<Vec<Scene>> {
        let at = self.moment();
        let terms = self.models.rescue.terms().clone();
        let agreement = self.agreement.as_mut().ok_or_else(|| compact::missing(&step.place))?;
        let rescue = &mut self.models.rescue;
        let part = Part { chain: &self.chain, cast: &self.cast, at };
        part.play(agreement, (step, deed), (&terms, self.edition), Some(rescue)).await
    }

    fn scene(&self, step: &Step, who: Option<String>) -> Scene {
        Scene::of(self.now, step, who)
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
        Scene::judged(self.now, (step, caller), chain, &self.cast)
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
