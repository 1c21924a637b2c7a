//! The path of every transaction: simulated, shown, confirmed, recorded, sent, and reported by its events.

use std::io::{self, BufRead, IsTerminal};

use alloy::{
    primitives::Address,
    providers::{DynProvider, Provider},
};
use clap::Args;
use eyre::{Result, WrapErr};
use levee::{
    Blueprint, BonusRefusal, CREATE2_DEPLOYER, Call, Error, Escrow, Executed, Intent, Journal, Prepared,
    Purpose, outbox::IntentState,
};
use levee_model::{Rate, Wei, json::Account};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    amount,
    connection::RescueArgs,
    error::UserError,
    escape, event,
    output::{self, Output},
    page::Page,
    signing::{Signer, SigningArgs, about},
    table,
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
    /// The signer.
    pub(crate) signer: Signer,
}

/// One transaction and what it does: a headline, by which a repeated command recognizes it, and facts below.
#[derive(Debug)]
pub(crate) struct Step {
    /// What to send.
    pub(crate) call: Call<DynProvider>,
    /// Its effect, as a sentence without a full stop.
    pub(crate) headline: String,
    /// Details that the user should know before confirming.
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl ChangeArgs {
    /// Whether the rescue is given by a terms file.
    pub(crate) const fn names_terms(&self) -> bool {
        self.rescue.terms.is_some()
    }

    /// Opens the rescue first, then the account, so that a wrong address is reported before a password is
    /// asked for. None if an earlier run of the same command has done it all.
    pub(crate) async fn open(&self, purpose: Purpose, output: Output) -> Result<Option<Session>> {
        let (connection, snapshot) = self.rescue.read(self.signing.network(), None).await?;
        connection.check_current(&snapshot).await?;
        let address = Some(snapshot.contracts.escrow);
        let opened = self.signing.signer(&connection, address, purpose, output).await?;
        let Some(signer) = opened.or_report(output).await? else { return Ok(None) };
        let snapshot = if signer.has_waited {
            self.rescue.read(self.signing.network(), None).await?.1
        } else {
            snapshot
        };
        let escrow = Escrow::of(signer.provider.clone(), &snapshot);
        Ok(Some(Session { escrow, page: Page::of(&snapshot), signer }))
    }
}

impl Session {
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

    /// Shows the steps, asks for confirmation, and sends them one after the other. Only the first can be simulated before it
    /// is confirmed: the others depend on it, and are simulated right before they are sent. `report` gets the outcomes, those of
    /// an earlier run included, before the work is recorded as done: what nobody was told is not done. In a dry run, the plan
    /// is the result.
    pub(crate) async fn execute(
        &self,
        steps: &[Step],
        report: impl AsyncFnOnce(&[Executed]) -> Result<()>,
    ) -> Result<()> {
        let mut executed: Vec<_> = self.done.iter().map(|(_, executed)| executed.clone()).collect();
        if let Some((steps, shown)) = self.needed(steps).await? {
            let value = steps.iter().fold(Wei::ZERO, |sum, step| sum + step.call.value());
            self.require_funds(value, shown.fees().limit()).await?;
            if self.dry_run {
                return self.output.result(&self.plan(steps, &shown), &self.plan_json(steps, &shown));
            }
            confirm(&self.plan(steps, &shown), self.confirmed, self.output)?;
            let intent = self.begin(steps).await?;
            executed.extend(self.send_all(&intent, steps, &shown).await?);
            report(&executed).await?;
            return Ok(self.outbox.journal().close(intent.id, IntentState::Done).await?);
        }
        report(&executed).await?;
        self.close().await
    }

    /// The steps from the first that is needed, and what that will cost; none if none is.
    async fn needed<'a>(&self, steps: &'a [Step]) -> Result<Option<(&'a [Step], Prepared)>, Error> {
        for (number, step) in steps.iter().enumerate() {
            match self.outbox.prepare(&step.call).await {
                Ok(prepared) => return Ok(Some((&steps[number..], prepared))),
                Err(error) if self.is_not_needed(step, &error).await => self.not_needed(),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn not_needed(&self) {
        self.output.note("somebody else has done this in the meantime");
    }

    /// Records that the earlier run of the same command came to its end, if there was one.
    pub(crate) async fn close(&self) -> Result<()> {
        if let Some(intent) = &self.intent {
            self.outbox.journal().close(intent.id, IntentState::Done).await?;
        }
        Ok(())
    }

    /// The intent of the steps: that of the earlier run, or a new one.
    async fn begin(&self, steps: &[Step]) -> Result<Intent, Error> {
        let plan: Vec<_> = steps.iter().map(|step| step.headline.clone()).collect();
        match &self.intent {
            Some(intent) => Ok(intent.clone()),
            None => self.outbox.journal().begin(&self.draft, &plan).await,
        }
    }

    async fn send_all(&self, intent: &Intent, steps: &[Step], shown: &Prepared) -> Result<Vec<Executed>> {
        let mut executed = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let prepared = (number == 0).then(|| shown.clone());
            match self.send(intent, step, prepared, shown).await {
                Ok(done) => executed.push(done),
                Err(error) if self.is_not_needed(step, &error).await => self.not_needed(),
                Err(error) => return Err(self.outbox.failed(intent, error).await?.into()),
            }
        }
        Ok(executed)
    }

    /// Sends one step and waits for it. The first was shown, and is signed as it was; but because the user may have taken a
    /// while to answer, it is simulated again. The others pay at most the price that was shown.
    async fn send(
        &self,
        intent: &Intent,
        step: &Step,
        prepared: Option<Prepared>,
        shown: &Prepared,
    ) -> Result<Executed, Error> {
        let prepared = match prepared {
            Some(prepared) if self.confirmed => prepared,
            Some(prepared) => {
                step.call.simulate(self.from).await?;
                prepared
            }
            None => self.outbox.prepare(&step.call).await?.at_most(shown)?,
        };
        let signed = self.outbox.send(intent, &step.headline, &prepared).await?;
        self.output.note(&format!("sent {}", signed.hash));
        self.outbox.confirm(&signed).await
    }

    /// Whether an earlier run of the same command has done this step.
    pub(crate) fn has_done(&self, headline: &str) -> bool {
        self.done.iter().any(|(done, _)| done == headline)
    }

    /// Whether a step that failed is not needed any more, because anybody may do it and somebody has.
    async fn is_not_needed(&self, step: &Step, error: &Error) -> bool {
        match error {
            Error::BonusRefused(BonusRefusal::NothingToEnlist { .. }) => true,
            Error::FailedInBlock { .. } | Error::NonceUsed { .. } | Error::UnknownRevert { .. } => {
                self.exists_meanwhile(step).await
            }
            _ => false,
        }
    }

    /// Whether the step creates a contract that exists by now. Nothing else can be at the address.
    async fn exists_meanwhile(&self, step: &Step) -> bool {
        let [created] = step.call.contracts() else { return false };
        let code = self.provider.get_code_at(*created).await;
        step.call.to() == CREATE2_DEPLOYER && code.is_ok_and(|code| !code.is_empty())
    }

    /// The step that creates a contract that the next step needs; none if it exists.
    pub(crate) async fn creation(&self, blueprint: &Blueprint) -> Result<Option<Step>> {
        let prepared = blueprint.prepare(&self.provider, self.outbox.chain(), self.from).await?;
        let (contract, address) = (blueprint.contract(), blueprint.address());
        let headline = format!("Create the {contract} at {address}, which does not exist yet");
        Ok(prepared.map(|call| Step { call, headline, facts: Vec::new() }))
    }

    /// Fails before the user is asked, because a simulation does not charge the fee.
    async fn require_funds(&self, value: Wei, fee: Wei) -> Result<()> {
        let has = match self.balance {
            Some(balance) => balance,
            None => {
                let balance = self.provider.get_balance(self.from).await.map_err(Error::from)?;
                Wei::new(balance.saturating_to())
            }
        };
        let needs = Wei::new(value.get().saturating_add(fee.get()));
        if has >= needs {
            return Ok(());
        }
        let (has, needs) = (amount::eth(has), about(needs));
        let message = format!("it has {has}, but the amount and the gas can cost {needs}");
        let source = levee::RedactedError::new(message);
        Err(Error::InsufficientFunds { account: self.from, source }.into())
    }

    fn plan_json(&self, steps: &[Step], first: &Prepared) -> Plan {
        let step = |step: &Step| PlannedStep {
            summary: step.headline.clone(),
            to: step.call.to(),
            value: step.call.value(),
            data: step.call.input().to_string(),
        };
        Plan {
            account: self.from,
            chain: self.outbox.chain(),
            steps: steps.iter().map(step).collect(),
            gas: first.gas(),
            fee_limit: first.fees().limit(),
            likely_fee: first.likely_fee(),
        }
    }

    fn plan(&self, steps: &[Step], first: &Prepared) -> String {
        let (most, likely) = (about(first.fees().limit()), about(first.likely_fee()));
        let rest = if steps.len() > 1 { ", for the first transaction" } else { "" };
        let signing = [
            ("signs", format!("{} on chain {}", self.from, self.outbox.chain())),
            ("gas", format!("{}, at most {most}, likely {likely}{rest}", first.gas())),
        ];
        let mut text = String::new();
        for (number, step) in steps.iter().enumerate() {
            let is_last = number + 1 == steps.len();
            let signing = signing.iter().filter(|_| is_last);
            let facts: Vec<_> = step.facts.iter().chain(signing).cloned().collect();
            text.push_str(&format!("{}\n{}", escape::line(&step.headline), table::facts_below(&facts)));
        }
        text
    }
}

/// Continues with `--yes`, or if the user confirms.
pub(crate) fn confirm(plan: &str, confirmed: bool, output: Output) -> Result<()> {
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
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).wrap_err("the answer cannot be read")?;
    match answer.trim() {
        "yes" => Ok(()),
        _ => Err(UserError::new("not confirmed; nothing was sent").into()),
    }
}

/// The result of every command that changes something, with `--dry-run`: what it would send.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plan {
    /// Who would sign.
    #[serde(with = "Account")]
    account: Address,
    chain: u64,
    /// The transactions, in their order.
    steps: Vec<PlannedStep>,
    /// What the first transaction needs.
    gas: u64,
    /// The most that its gas could cost.
    #[serde(rename = "feeLimitWei")]
    fee_limit: Wei,
    /// What its gas would cost in the next block.
    #[serde(rename = "likelyFeeWei")]
    likely_fee: Wei,
}

/// A transaction that would be sent.
#[derive(Debug, Serialize, JsonSchema)]
struct PlannedStep {
    summary: String,
    #[serde(with = "Account")]
    to: Address,
    #[serde(rename = "valueWei")]
    value: Wei,
    /// The call's data, in hexadecimal digits.
    data: String,
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
