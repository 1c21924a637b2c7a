//! `levee journal`: what this machine has signed, and what became of it.

use alloy::providers::DynProvider;
use clap::{Args, Subcommand};
use eyre::Result;
use levee::{
    Executed, Intent, Journal, Outbox,
    outbox::{IntentState, Signed},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    connection::NetworkArgs,
    error::UserError,
    journal::SqliteJournal,
    output::Output,
    progress,
    signing::{JournalArgs, SigningArgs, WaitingArgs, about},
    table, time, transaction,
};

/// The subcommands of `levee journal`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Whatever a command signs is recorded before it is sent. If its answer is lost, or it is interrupted, run the same command \
again: it finds its record, sends the same transaction again, and never a second one. These subcommands are for everything \
else.")]
pub(crate) enum JournalCommand {
    /// List what was recorded, the newest first
    List(ListArgs),
    /// Show one record with its transactions
    Show(ShowArgs),
    /// Send the transactions of a record again, and wait for them; needs no key
    Resume(ResumeArgs),
    /// Replace a transaction that is stuck by the same one at a higher price
    Bump(Box<BumpArgs>),
    /// Stop following a record; what was sent of it may still be included
    Forget(ShowArgs),
}

/// What to list.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only what is unfinished.
    #[arg(long)]
    unfinished: bool,

    #[command(flatten)]
    journal: JournalArgs,
}

/// Which record.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Number of the record, which `levee journal list` shows.
    #[arg(value_name = "NUMBER")]
    intent: i64,

    #[command(flatten)]
    journal: JournalArgs,
}

/// Which record, and where.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  levee journal resume 3 --rpc-url https://node.example")]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    record: ShowArgs,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    waiting: WaitingArgs,
}

/// Which record, and who signs.
#[derive(Debug, Args)]
#[command(after_help = "\
At most one of the transactions is ever included, because they have the same nonce. The price is an eighth above the old one, \
or what the network asks for if that is more.

Example:
  levee journal bump 3 --account treasury --rpc-url https://node.example")]
pub(crate) struct BumpArgs {
    /// Number of the record, which `levee journal list` shows.
    #[arg(value_name = "NUMBER")]
    intent: i64,

    #[command(flatten)]
    signing: SigningArgs,
}

impl JournalCommand {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match self {
            Self::List(args) => args.run(output).await,
            Self::Show(args) => args.run(output).await,
            Self::Resume(args) => args.run(output).await,
            Self::Bump(args) => args.run(output).await,
            Self::Forget(args) => args.forget(output).await,
        }
    }
}

impl ListArgs {
    async fn run(self, output: Output) -> Result<()> {
        let journal = self.journal.open().await?;
        let is_wanted = |intent: &Intent| !self.unfinished || intent.state == IntentState::Unfinished;
        let mut records = Vec::new();
        for intent in journal.intents().await?.into_iter().filter(is_wanted) {
            let transactions = journal.transactions(intent.id).await?;
            records.push(Record { intent, transactions });
        }
        let text: String = records.iter().map(|record| line(&record.intent)).collect();
        let text = if text.is_empty() { "nothing is recorded\n".into() } else { text };
        output.result(&text, &Records { intents: records })
    }
}

impl ShowArgs {
    async fn run(self, output: Output) -> Result<()> {
        let (_, intent, transactions) = self.read().await?;
        let mut text = format!("{}\n{}", intent.draft.purpose, table::facts_below(&facts(&intent)));
        for signed in &transactions {
            text.push_str(&format!("{}\n{}", signed.step, table::facts_below(&transaction_facts(signed))));
        }
        output.result(&text, &Record { intent, transactions })
    }

    async fn forget(self, output: Output) -> Result<()> {
        let (journal, intent, transactions) = self.read().await?;
        let _turn = journal.turn(intent.draft.chain, intent.draft.account, output).await?;
        // A command may have finished it while this one waited.
        let mut intent = journal.intent(intent.id).await?;
        if intent.state != IntentState::Unfinished {
            let (id, state) = (intent.id, intent.state);
            return Err(
                UserError::new(format!("intent {id} is {state}, so there is nothing to forget")).into()
            );
        }
        journal.close(intent.id, IntentState::Forgotten).await?;
        intent.state = IntentState::Forgotten;
        let text = "forgotten; what was sent of it may still be included, so check before you send anything instead\n";
        output.result(text, &Record { intent, transactions })
    }

    async fn read(&self) -> Result<(SqliteJournal, Intent, Vec<Signed>)> {
        let journal = self.journal.open().await?;
        let intent = journal.intent(self.intent).await?;
        let transactions = journal.transactions(intent.id).await?;
        Ok((journal, intent, transactions))
    }
}

impl ResumeArgs {
    async fn run(self, output: Output) -> Result<()> {
        let (journal, intent, _) = self.record.read().await?;
        let (chain, account) = (intent.draft.chain, intent.draft.account);
        let connection = self.network.connect_on(chain).await?;
        let _turn = journal.turn(chain, account, output).await?;
        let outbox = Outbox::watching(connection.provider.clone(), chain, account)
            .with_journal(journal)
            .waiting(self.waiting.confirmations(), self.waiting.limit(connection.nodes.patience()));
        let executed = resume(&outbox, &intent, output).await?;
        let (text, json) = transaction::summary(&executed, None);
        output.result(&text, &json)
    }
}

impl BumpArgs {
    async fn run(self, output: Output) -> Result<()> {
        let journal = self.signing.journal().open().await?;
        let intent = journal.intent(self.intent).await?;
        let (chain, account) = (intent.draft.chain, intent.draft.account);
        let connection = self.signing.network().connect_on(chain).await?;
        let hand = self.signing.hand(&connection, output).await?;
        if hand.address() != account {
            let (id, other) = (intent.id, hand.address());
            return Err(UserError::new(format!("intent {id} is of account `{account}`, not of `{other}`"))
                .hint("sign with that account")
                .into());
        }
        let _turn = journal.turn(chain, account, output).await?;
        let outbox = self.signing.outbox(&connection, hand, journal);
        let stuck = stuck(&outbox, &intent).await?;
        let prepared = outbox.prepare_replacement(&stuck).await?;
        let plan = [
            ("instead of", format!("{}, at most {}", stuck.hash, about(stuck.fee_limit))),
            (
                "gas",
                format!("at most {}, likely {}", about(prepared.cost_limit()), about(prepared.likely_fee())),
            ),
            ("signs", format!("{account} on chain {chain}")),
        ];
        self.signing.confirm(&format!("{} again\n{}", stuck.step, table::facts_below(&plan)), output)?;
        let signed = outbox.replace(&intent, &stuck, &prepared).await?;
        output.note(&format!("sent {}", signed.hash));
        let (text, json) = transaction::summary(&resume(&outbox, &intent, output).await?, None);
        output.result(&text, &json)
    }
}

/// The latest attempt at the first transaction of an intent that is in no block.
async fn stuck(outbox: &Outbox<DynProvider, SqliteJournal>, intent: &Intent) -> Result<Signed> {
    let is_open = intent.state == IntentState::Unfinished;
    let first = if is_open { outbox.settle_pending(intent).await? } else { None };
    let all = outbox.journal().transactions(intent.id).await?;
    let nonce = all.iter().find(|signed| Some(signed.hash) == first).map(|signed| signed.nonce);
    let latest = all.into_iter().rev().find(|signed| Some(signed.nonce) == nonce);
    let id = intent.id;
    Ok(latest.ok_or_else(|| {
        UserError::new(format!("intent {id} has no transaction that waits to be included"))
            .hint(format!("`levee journal show {id}` shows what became of its transactions"))
    })?)
}

/// Finishes what was signed. The steps that were not are for the command that planned them.
async fn resume(
    outbox: &Outbox<DynProvider, SqliteJournal>,
    intent: &Intent,
    output: Output,
) -> Result<Vec<Executed>> {
    let (what, resumed) = (format!("intent {}", intent.id), outbox.resume(intent));
    let done = progress::during(resumed, &what, outbox.provider(), output).await?;
    if intent.state == IntentState::Unfinished && intent.is_done_by(&done) {
        outbox.journal().close(intent.id, IntentState::Done).await?;
    }
    Ok(done.into_iter().map(|(_, executed)| executed).collect())
}

/// `3  2026-08-01T00:00:00Z  unfinished  pledge amount=5 ETH tier=0`.
fn line(intent: &Intent) -> String {
    let Intent { id, draft, recorded_at, state, .. } = intent;
    format!("{id}  {}  {:<10}  {}\n", time::time(*recorded_at), state.to_string(), draft.purpose)
}

fn facts(intent: &Intent) -> Vec<(&'static str, String)> {
    let Intent { id, draft, recorded_at, state, .. } = intent;
    let mut facts = vec![
        ("intent", id.to_string()),
        ("state", state.to_string()),
        ("recorded", time::time(*recorded_at)),
        ("account", format!("{} on chain {}", draft.account, draft.chain)),
    ];
    facts.extend(draft.rescue.map(|rescue| ("rescue", rescue.to_string())));
    facts.extend(draft.key.clone().map(|key| ("key", key)));
    facts
}

fn transaction_facts(signed: &Signed) -> Vec<(&'static str, String)> {
    vec![
        ("transaction", signed.hash.to_string()),
        ("state", signed.state.to_string()),
        ("signed", time::time(signed.signed_at)),
        ("nonce", signed.nonce.to_string()),
        ("gas", format!("at most {}", about(signed.fee_limit))),
    ]
}

/// The result of `levee journal list`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Records {
    intents: Vec<Record>,
}

/// What was recorded of an intent: the result of `levee journal show` and `levee journal forget`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Record {
    #[serde(flatten)]
    intent: Intent,
    transactions: Vec<Signed>,
}
