//! The path of every transaction: simulated, shown, confirmed, recorded, sent, and reported by its events.

use std::{
    io::{self, BufRead, IsTerminal},
    time::Instant,
};

use alloy::{
    eips::BlockId,
    providers::{DynProvider, Provider},
};
use clap::Args;
use eyre::{Result, WrapErr};
use levee::{
    AccountView, Blueprint, BonusPool, BonusRefusal, Error, Escrow, Executed, Intent, Journal, Prepared,
    Purpose, outbox::IntentState,
};
use levee_model::{Rate, Timestamp, Wei};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    amount,
    connection::RescueArgs,
    error::UserError,
    escape, event,
    output::{self, Output},
    page::Page,
    plan::{Cost, Limit, Meanwhile, Needed, Step, is_of_payment, saturating_sum, says_nothing_left},
    progress,
    signing::{self, BLOCK, Signer, SigningArgs, about},
};

/// The options of a command that changes a rescue.
#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    #[command(flatten)]
    rescue: RescueArgs,

    #[command(flatten)]
    signing: SigningArgs,
}

/// A rescue in its current state, with an account that can sign.
#[derive(Debug)]
pub(crate) struct Session {
    /// Its client.
    pub(crate) escrow: Escrow<DynProvider>,
    /// Its current state.
    pub(crate) page: Page,
    /// What the account that signs has in it, and can spend.
    pub(crate) account: AccountView,
    /// The signer.
    pub(crate) signer: Signer,
}

impl ChangeArgs {
    /// Whether the rescue is given by a terms file.
    pub(crate) const fn names_terms(&self) -> bool {
        self.rescue.terms.is_some()
    }

    /// Opens the rescue first, then the account, so that a wrong address is reported before a password is
    /// asked for. None if an earlier run of the same command has done it all.
    pub(crate) async fn open(&self, purpose: Purpose, output: Output) -> Result<Option<Session>> {
        let network = self.signing.network();
        let (likely, read) = (self.signing.likely_account(), Instant::now());
        let (connection, snapshot) = self.rescue.read(network, likely).await?;
        connection.check_current(&snapshot).await?;
        let address = Some(snapshot.contracts.escrow);
        let opened = self.signing.signer(&connection, address, purpose, output).await?;
        let Some(mut signer) = opened.or_report(output).await? else { return Ok(None) };
        // A password or a wallet may take its time, and others may not be known before.
        let is_old = signer.has_waited || read.elapsed() > BLOCK || likely != Some(signer.from);
        let snapshot = if is_old {
            let (connection, snapshot) = self.rescue.read(network, Some(signer.from)).await?;
            connection.check_current(&snapshot).await?;
            snapshot
        } else {
            snapshot
        };
        signer.balance = Some(snapshot.account.balance);
        let (escrow, page) = (Escrow::of(signer.provider.clone(), &snapshot), Page::of(&snapshot));
        Ok(Some(Session { escrow, page, account: snapshot.account, signer }))
    }
}

impl Session {
    /// Time of the block in which the next call is simulated, so that what is shown of it agrees with what it does.
    pub(crate) async fn next_time(&self) -> Result<Timestamp, Error> {
        let block = self.signer.provider.get_block(BlockId::pending()).await?;
        let time = block.map(|block| block.header.timestamp);
        // Some nodes know no other block than the latest.
        Ok(time.unwrap_or_default().max(self.page.now))
    }

    /// Sends one transaction and reports the result.
    pub(crate) async fn run(&self, step: Step) -> Result<()> {
        self.run_all(&[step]).await
    }

    /// Sends several transactions, confirmed together and sent one after the other, and reports the
    /// results.
    pub(crate) async fn run_all(&self, steps: &[Step]) -> Result<()> {
        self.signer.run(steps, self.page.rate()).await
    }
}

impl Signer {
    /// Like [`Session::run_all`], and reports the results. `rate` gives the value of shares.
    pub(crate) async fn run(&self, steps: &[Step], rate: Option<Rate>) -> Result<()> {
        let report = async |executed: &[Executed]| {
            let (text, json) = summary(executed, rate);
            self.output.result(&text, &json)
        };
        self.execute(steps, report).await
    }

    /// Shows the steps, asks for confirmation, and sends them one after the other. They are simulated together before that where
    /// the node can do it, and each again right before it is sent. `report` gets the outcomes, those of
    /// an earlier run included, before the work is recorded as done: what nobody was told is not done. In a dry run, the plan
    /// is the result.
    pub(crate) async fn execute(
        &self,
        steps: &[Step],
        report: impl AsyncFnOnce(&[Executed]) -> Result<()>,
    ) -> Result<()> {
        let mut executed: Vec<_> = self.done.iter().map(|(_, executed)| executed.clone()).collect();
        if let Some(payer) = self.payer.as_ref().filter(|payer| payer.form.makes_calls()) {
            return self.hand_out(payer, steps).await;
        }
        let needed = match self.needed(steps).await {
            Err(error @ Error::InsufficientFunds { .. }) => {
                return Err(self.short_of_funds(steps, error).await);
            }
            needed => needed?,
        };
        if needed.is_empty() {
            report(&executed).await?;
            return self.close().await;
        }
        self.require_funds(&needed).await?;
        if let Some(payer) = &self.payer {
            return self.stop(payer, &needed).await;
        }
        confirm(&self.plan(&needed), self.confirmed, self.output).await?;
        let intent = self.begin(&needed).await?;
        executed.extend(self.send_all(&intent, &needed).await?);
        report(&executed).await?;
        Ok(self.outbox.journal().close(intent.id, IntentState::Done).await?)
    }

    /// The steps that are needed, simulated.
    async fn needed<'a>(&self, steps: &'a [Step]) -> Result<Vec<Needed<'a>>, Error> {
        let mut steps = steps.iter();
        while let Some(step) = steps.next() {
            match self.outbox.prepare(&step.call).await {
                Ok(prepared) => return self.with_rest(step, prepared, steps.as_slice()).await,
                Err(error) if self.is_not_needed(step, &error).await => self.not_needed(step, &error),
                Err(error) => return Err(error),
            }
        }
        Ok(Vec::new())
    }

    async fn with_rest<'a>(
        &self,
        first: &'a Step,
        prepared: Prepared,
        rest: &'a [Step],
    ) -> Result<Vec<Needed<'a>>, Error> {
        let calls: Vec<_> = rest.iter().map(|step| &step.call).collect();
        let simulated = match calls.as_slice() {
            [] => None,
            calls => self.outbox.prepare_after((&first.call, &prepared), calls).await?,
        };
        let Some(simulated) = simulated else {
            let depends = |step| Needed { step, limit: Limit::PriceOf(prepared.clone()) };
            let mut needed: Vec<_> = rest.iter().map(depends).collect();
            needed.insert(0, Needed { step: first, limit: Limit::Shown(prepared) });
            return Ok(needed);
        };
        let mut needed = vec![Needed { step: first, limit: Limit::Shown(prepared) }];
        for (step, result) in rest.iter().zip(simulated) {
            match result {
                Ok(prepared) => needed.push(Needed { step, limit: Limit::Shown(prepared) }),
                // Nobody else acts within the simulation, so an enlistment that it refuses is not one that was made.
                Err(error)
                    if step.unless.as_ref().is_some_and(Meanwhile::is_told_ahead)
                        && self.is_not_needed(step, &error).await =>
                {
                    self.not_needed(step, &error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(needed)
    }

    /// Says why a step is passed over.
    fn not_needed(&self, step: &Step, error: &Error) {
        if matches!(step.unless, Some(Meanwhile::Paid)) && !says_nothing_left(error) {
            self.output.warn(&[error.to_string()]);
        } else {
            self.output.note("somebody else has done this in the meantime");
        }
    }

    /// Records that the earlier run of the same command came to its end, if there was one.
    pub(crate) async fn close(&self) -> Result<()> {
        if let Some(intent) = &self.intent {
            self.outbox.journal().close(intent.id, IntentState::Done).await?;
        }
        Ok(())
    }

    /// The intent of the steps: that of the earlier run, or a new one.
    async fn begin(&self, needed: &[Needed<'_>]) -> Result<Intent, Error> {
        let plan: Vec<_> = needed.iter().map(|needed| needed.step.name.clone()).collect();
        match &self.intent {
            Some(intent) => Ok(intent.clone()),
            None => self.outbox.journal().begin(&self.draft, &plan).await,
        }
    }

    async fn send_all(&self, intent: &Intent, needed: &[Needed<'_>]) -> Result<Vec<Executed>> {
        let mut executed = Vec::new();
        for (number, Needed { step, .. }) in needed.iter().enumerate() {
            match self.send(intent, needed, number).await {
                Ok(done) => executed.push(done),
                Err(error) if self.is_not_needed(step, &error).await => self.not_needed(step, &error),
                Err(error) => return Err(self.outbox.failed(intent, error).await?.into()),
            }
        }
        Ok(executed)
    }

    /// Sends one step and waits for it. The first is signed as it was shown; but because the user may have taken a while to
    /// answer, it is simulated again. The others cost at most what was shown, or have at most the first's price.
    async fn send(&self, intent: &Intent, needed: &[Needed<'_>], number: usize) -> Result<Executed, Error> {
        let Needed { step, limit } = &needed[number];
        let prepared = match limit {
            Limit::Shown(shown) if number == 0 => {
                if !self.confirmed {
                    self.outbox.prepare(&step.call).await?.within(shown)?;
                }
                shown.clone()
            }
            Limit::Shown(shown) => self.prepare(intent, step).await?.within(shown)?,
            Limit::PriceOf(first) => self.prepare(intent, step).await?.at_most(first)?,
        };
        let signed = self.outbox.send(intent, &step.name, &prepared.titled(step.headline.as_str())).await?;
        self.output.note(&format!("sent {}", signed.hash));
        let (hash, confirmed) = (signed.hash.to_string(), self.outbox.confirm(&signed));
        progress::during(confirmed, &hash, &self.provider, self.output).await
    }

    /// Whether an earlier run of the same command has done this step.
    pub(crate) fn has_done(&self, step: &str) -> bool {
        self.done.iter().any(|(done, _)| done == step)
    }

    /// Whether a step that failed is not needed any more, because somebody else has done it.
    async fn is_not_needed(&self, step: &Step, error: &Error) -> bool {
        match (&step.unless, error) {
            (
                Some(Meanwhile::Created(address)),
                Error::FailedInBlock { .. } | Error::NonceUsed { .. } | Error::UnknownRevert { .. },
            ) => self.provider.get_code_at(*address).await.is_ok_and(|code| !code.is_empty()),
            // There is nothing to enlist of a position that does not exist, either.
            (
                Some(Meanwhile::Enlisted(escrow, id)),
                Error::BonusRefused(BonusRefusal::NothingToEnlist { .. }),
            ) => BonusPool::of(escrow).has_all_of(*id).await.is_ok_and(|has_all| has_all),
            // One payment that fails does not stop the others; whoever pays several tells of it.
            (Some(Meanwhile::Paid), error) => is_of_payment(error),
            (Some(Meanwhile::Pushed), Error::ReceiverRefused(refusal)) => refusal.finds_nothing(),
            _ => false,
        }
    }

    /// Simulates a step of an intent. If it is refused, those before it may have been taken back by a reorganization: then they are
    /// brought back, and it is simulated again.
    async fn prepare(&self, intent: &Intent, step: &Step) -> Result<Prepared, Error> {
        let refused = match self.outbox.prepare(&step.call).await {
            Ok(prepared) => return Ok(prepared),
            Err(refused) => refused,
        };
        if !self.outbox.is_undone(intent).await? {
            return Err(refused);
        }
        self.output.note("a reorganization has taken back what was sent before; it is sent again");
        signing::resume(&self.outbox, intent, self.output).await?;
        self.outbox.prepare(&step.call).await
    }

    /// The step that creates a contract that the next step needs; none if it exists.
    pub(crate) async fn creation(&self, blueprint: &Blueprint) -> Result<Option<Step>> {
        let prepared = blueprint.prepare(&self.provider, self.outbox.chain(), self.from).await?;
        let (contract, address) = (blueprint.contract(), blueprint.address());
        let headline = format!("Create the {contract} at {address}, which does not exist yet");
        let step = |call| Step::new(format!("create {contract}"), headline, call);
        Ok(prepared.map(|call| step(call).unless(Meanwhile::Created(address))))
    }

    /// Fails before the user is asked, because a simulation does not charge the fee.
    async fn require_funds(&self, needed: &[Needed<'_>]) -> Result<()> {
        // Whoever is only looked at may have others pay for its gas, as a Safe has.
        let gas = if self.is_opened() { Cost::of(needed).most } else { Wei::ZERO };
        self.require_ether(needed.iter().map(|needed| needed.step), gas).await
    }

    /// What an account has and needs, where a node refused a simulation in its own words.
    async fn short_of_funds(&self, steps: &[Step], refused: Error) -> eyre::Report {
        self.require_ether(steps.iter(), Wei::ZERO).await.err().unwrap_or_else(|| refused.into())
    }

    /// Fails if the account has not what the steps send, and what is paid `besides`, such as gas.
    pub(crate) async fn require_ether(&self, steps: impl Iterator<Item = &Step>, besides: Wei) -> Result<()> {
        let value = steps.fold(Wei::ZERO, |sum, step| saturating_sum(sum, step.call.value()));
        let has = match self.balance {
            Some(balance) => balance,
            None => {
                let balance = self.provider.get_balance(self.from).await.map_err(Error::from)?;
                Wei::new(balance.saturating_to())
            }
        };
        let needs = saturating_sum(value, besides);
        if has >= needs {
            return Ok(());
        }
        let message = match has < value {
            true => format!("it has {}, but the amount alone is {}", amount::eth(has), amount::eth(value)),
            false => {
                format!("it has {}, but the amount and the gas can cost {}", amount::eth(has), about(needs))
            }
        };
        let source = levee::RedactedError::new(message);
        Err(Error::InsufficientFunds { account: self.from, source }.into())
    }
}

/// Continues with `--yes`, or if the user confirms. Whatever else the command does, such as serving a page, goes on meanwhile.
pub(crate) async fn confirm(plan: &str, confirmed: bool, output: Output) -> Result<()> {
    if confirmed {
        output.note(plan.trim_end());
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        output.note(plan.trim_end());
        return Err(UserError::new("there is no terminal to confirm in; nothing was sent")
            .hint("add `--yes` to send without asking")
            .into());
    }
    output::write_stderr(&format!("{}\nSend it? Type `yes`: ", escape::text(plan)));
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    let answer = answer.await?.wrap_err("the answer cannot be read")?;
    match answer.trim() {
        "yes" => Ok(()),
        _ => Err(UserError::new("not confirmed; nothing was sent").into()),
    }
}

/// The result of every command that changes something: the transactions sent.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Transactions {
    transactions: Vec<Executed>,
}

/// The effects of the transactions, from their events.
pub(crate) fn summary(executed: &[Executed], rate: Option<Rate>) -> (String, Transactions) {
    let mut text = String::new();
    for transaction in executed {
        for event in &transaction.events {
            text.push_str(&format!("{}\n", event::to_text(event, rate)));
        }
    }
    (text, Transactions { transactions: executed.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_done_is_told_as_nothing() {
        let (text, json) = summary(&[], None);
        assert_eq!((text.as_str(), serde_json::to_value(json).unwrap()), ("", json!({ "transactions": [] })));
    }

    #[test]
    fn what_was_done_is_told_by_its_events() {
        let events =
            [levee::RescueEvent::Lapsed { lapsed_at: 5 }, levee::RescueEvent::Finalized { final_at: 5 }]
                .map(levee::Event::Rescue)
                .into();
        let executed = Executed { transaction: [7; 32].into(), block: 3, gas_used: 21_000, events };
        let (text, json) = summary(&[executed], None);
        let json = serde_json::to_value(json).unwrap();
        assert_eq!(text, "stopped what was due but not delivered\nnothing more goes to the beneficiary\n");
        let events = json!([
            { "event": "Lapsed", "lapsedAtUnix": 5 },
            { "event": "Finalized", "finalAtUnix": 5 },
        ]);
        assert_eq!(json["transactions"][0]["events"], events);
        assert_eq!(json["transactions"][0]["gasUsed"], 21_000);
    }
}
