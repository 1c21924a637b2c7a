//! The path of every transaction: simulated, shown, confirmed, sent, and reported by its events.

use std::io::{self, BufRead, IsTerminal};

use alloy::{
    network::EthereumWallet,
    primitives::Address,
    providers::{DynProvider, Provider},
    signers::local::PrivateKeySigner,
};
use clap::Args;
use eyre::{Result, WrapErr};
use levee::{Blueprint, Call, Escrow, Executed, Prepared, call::RECEIPT_TIMEOUT};
use levee_model::{Rate, Wei};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    account::AccountArgs,
    amount,
    connection::{Connection, NetworkArgs, RescueArgs},
    error::UserError,
    escape, event,
    output::{self, Output},
    page::Page,
    table,
};

/// The signer, and whether to ask for confirmation.
#[derive(Debug, Args)]
pub(crate) struct SigningArgs {
    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    account: AccountArgs,

    /// Send without asking.
    #[arg(long, help_heading = "Account (or the variable LEVEE_PRIVATE_KEY)")]
    yes: bool,
}

/// The options of a command that changes a rescue.
#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    #[command(flatten)]
    rescue: RescueArgs,

    #[command(flatten)]
    signing: SigningArgs,
}

/// An account that can sign on a chain.
#[derive(Debug)]
pub(crate) struct Signer {
    /// Signs with the account.
    pub(crate) provider: DynProvider,
    /// The account.
    pub(crate) from: Address,
    /// Signs messages that are not transactions: declarations and permits.
    pub(crate) key: PrivateKeySigner,
    chain: u64,
    confirmed: bool,
    output: Output,
}

/// A rescue in its current state, with an account that can sign.
#[derive(Debug)]
pub(crate) struct Session {
    /// Its client, which signs.
    pub(crate) escrow: Escrow<DynProvider>,
    /// Its current state.
    pub(crate) page: Page,
    /// The signer.
    pub(crate) signer: Signer,
}

/// One transaction and what it does: a headline and, below it, facts.
#[derive(Debug)]
pub(crate) struct Step {
    /// What to send.
    pub(crate) call: Call<DynProvider>,
    /// Its effect, as a sentence without a full stop.
    pub(crate) headline: String,
    /// Details that the user should know before confirming.
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl SigningArgs {
    /// The network, for commands that read before they ask for an account.
    pub(crate) const fn network(&self) -> &NetworkArgs {
        &self.network
    }

    /// Opens the account. May ask for a password.
    pub(crate) fn signer(&self, connection: &Connection, output: Output) -> Result<Signer> {
        let chain = connection.chain;
        let key = self.account.signer(chain)?;
        let from = key.address();
        let wallet = EthereumWallet::from(key.clone());
        let provider = connection.nodes.signing(chain, wallet);
        Ok(Signer { provider, from, key, chain, confirmed: self.yes, output })
    }
}

impl ChangeArgs {
    /// Whether the rescue is given by a terms file.
    pub(crate) const fn names_terms(&self) -> bool {
        self.rescue.terms.is_some()
    }

    /// Opens the rescue first, then the account, so that a wrong address is reported before a password is
    /// asked for.
    pub(crate) async fn open(&self, output: Output) -> Result<Session> {
        let (connection, snapshot) = self.rescue.read(&self.signing.network, None).await?;
        connection.check_current(&snapshot).await?;
        let signer = self.signing.signer(&connection, output)?;
        let escrow = Escrow::of(signer.provider.clone(), &snapshot);
        Ok(Session { escrow, page: Page::of(&snapshot), signer })
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
        let (text, json) = summary(&self.execute(steps).await?, rate);
        self.output.result(&text, &json)
    }

    /// Shows `steps`, asks for confirmation, and sends them one after the other. Only the first can be simulated before
    /// it is confirmed: the others depend on it, and are simulated right before they are sent. So is the first, if the
    /// user was asked, because answering may have taken a while.
    pub(crate) async fn execute(&self, steps: &[Step]) -> Result<Vec<Executed>> {
        let Some(first) = steps.first() else { return Ok(Vec::new()) };
        let prepared = first.call.prepare(self.from).await?;
        let value = steps.iter().fold(Wei::ZERO, |sum, step| sum + step.call.value());
        self.require_funds(value, prepared.fee()).await?;
        self.confirm(&self.plan(steps, &prepared))?;
        let mut prepared = self.confirmed.then_some(prepared);
        let mut executed = Vec::new();
        for step in steps {
            let sent = match prepared.take() {
                Some(prepared) => prepared.send().await?,
                None => step.call.send(self.from).await?,
            };
            self.output.note(&format!("sent {}", sent.transaction()));
            executed.push(sent.wait(RECEIPT_TIMEOUT).await?);
        }
        Ok(executed)
    }

    /// The step that creates a contract that the next step needs; none if it exists.
    pub(crate) async fn creation(&self, blueprint: &Blueprint) -> Result<Option<Step>> {
        let prepared = blueprint.prepare(&self.provider, self.chain, self.from).await?;
        let (contract, address) = (blueprint.contract(), blueprint.address());
        let headline = format!("Create the {contract} at {address}, which does not exist yet");
        Ok(prepared.map(|call| Step { call, headline, facts: Vec::new() }))
    }

    /// Fails before the user is asked, because a simulation does not charge the fee.
    async fn require_funds(&self, value: Wei, fee: Wei) -> Result<()> {
        let balance = self.provider.get_balance(self.from).await.map_err(levee::Error::from)?;
        let has = Wei::new(balance.saturating_to());
        let needs = Wei::new(value.get().saturating_add(fee.get()));
        if has >= needs {
            return Ok(());
        }
        let (has, needs) = (amount::eth(has), amount::eth(about(needs)));
        let message = format!("it has {has}, but the amount and the gas cost about {needs}");
        let source = levee::RedactedError::new(message);
        Err(levee::Error::InsufficientFunds { account: self.from, source }.into())
    }

    fn plan(&self, steps: &[Step], first: &Prepared<DynProvider>) -> String {
        let (gas, fee) = (first.gas(), amount::eth(about(first.fee())));
        let rest = if steps.len() > 1 { " for the first transaction" } else { "" };
        let signing = [
            ("signs", format!("{} on chain {}", self.from, self.chain)),
            ("gas", format!("{gas}, about {fee}{rest}")),
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

    /// Continues with `--yes`, or if the user confirms.
    fn confirm(&self, plan: &str) -> Result<()> {
        if self.confirmed {
            self.output.note(plan.trim_end());
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            self.output.note(plan.trim_end());
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

/// An amount that includes a fee, rounded up to a millionth of an ETH: it is an estimate, so the digits
/// below are meaningless.
fn about(amount: Wei) -> Wei {
    const MILLIONTH: u128 = 10u128.pow(12);
    Wei::new(amount.get().div_ceil(MILLIONTH).saturating_mul(MILLIONTH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_estimated_fee_is_rounded_up() {
        assert_eq!(amount::eth(about(Wei::new(7_270_521_994_701_798))), "0.007271 ETH");
        assert_eq!(amount::eth(about(Wei::ZERO)), "0 ETH");
    }

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
