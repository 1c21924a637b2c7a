//! `levee journal`: what this machine has signed, and what became of it.

use alloy::{primitives::B256, providers::DynProvider};
use clap::{Args, Subcommand};
use eyre::Result;
use levee::{
    Intent, Journal, Outbox,
    outbox::{Handover, IntentState, Signed},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    address,
    connection::NetworkArgs,
    error::UserError,
    journal::SqliteJournal,
    output::Output,
    signing::{self, JournalArgs, SigningArgs, WaitingArgs, about},
    table, terms, time, transaction,
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

    /// Transaction that a wallet in a browser has sent of the record, if it is not found by itself.
    #[arg(long, value_name = "HASH", value_parser = terms::parse_hash)]
    transaction: Option<B256>,

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
            let handed_over = journal.handovers(intent.id).await?;
            records.push(Record { intent, transactions, handed_over });
        }
        let rows: Vec<_> = records.iter().map(|record| row(&record.intent)).collect();
        let header = ["record", "recorded", "state", "account", "what"];
        let text =
            if rows.is_empty() { "nothing is recorded\n".into() } else { table::render(header, &rows) };
        output.result(&text, &Records { intents: records })
    }
}

impl ShowArgs {
    async fn run(self, output: Output) -> Result<()> {
        let (_, record) = self.read().await?;
        let Record { intent, transactions, handed_over } = &record;
        let mut text = format!("{}\n{}", intent.draft.purpose, table::facts_below(&facts(intent)));
        for signed in transactions {
            text.push_str(&format!("{}\n{}", signed.step, table::facts_below(&transaction_facts(signed))));
        }
        for handover in handed_over {
            text.push_str(&format!("{}\n{}", handover.step, table::facts_below(&handover_facts(handover))));
        }
        output.result(&text, &record)
    }

    async fn forget(self, output: Output) -> Result<()> {
        let (journal, mut record) = self.read().await?;
        let _turn = journal.turn(record.intent.draft.chain, record.intent.draft.account, output).await?;
        // A command may have finished it while this one waited.
        record.intent = journal.intent(record.intent.id).await?;
        if record.intent.state != IntentState::Unfinished {
            let (id, state) = (record.intent.id, record.intent.state);
            return Err(
                UserError::new(format!("record {id} is {state}, so there is nothing to forget")).into()
            );
        }
        journal.close(record.intent.id, IntentState::Forgotten).await?;
        record.intent.state = IntentState::Forgotten;
        let text = "forgotten; what was sent of it may still be included, so check before you send anything instead\n";
        output.result(text, &record)
    }

    async fn read(&self) -> Result<(SqliteJournal, Record)> {
        let journal = self.journal.open().await?;
        let intent = journal.intent(self.intent).await?;
        let transactions = journal.transactions(intent.id).await?;
        let handed_over = journal.handovers(intent.id).await?;
        Ok((journal, Record { intent, transactions, handed_over }))
    }
}

impl ResumeArgs {
    async fn run(self, output: Output) -> Result<()> {
        let (journal, Record { intent, .. }) = self.record.read().await?;
        let (chain, account) = (intent.draft.chain, intent.draft.account);
        let connection = self.network.connect_on(chain).await?;
        let _turn = journal.turn(chain, account, output).await?;
        // A command may have finished it, or given it up, while this one waited.
        let intent = journal.intent(intent.id).await?;
        require_followed(&intent)?;
        let outbox = Outbox::watching(connection.provider.clone(), chain, account)
            .with_journal(journal)
            .waiting(self.waiting.confirmations(), self.waiting.limit(connection.nodes.patience()));
        if let Some(transaction) = self.transaction {
            identify(&outbox, &intent, transaction).await?;
        }
        let has_reported = finish(&outbox, &intent, output).await?;
        // What a wallet may still send of it is not finished.
        if !outbox.journal().handovers(intent.id).await?.is_empty() {
            outbox.require_answered().await?;
        }
        if has_reported { Ok(()) } else { Err(nothing_to_finish(&intent).into()) }
    }
}

fn require_followed(intent: &Intent) -> Result<(), UserError> {
    if intent.state != IntentState::Forgotten {
        return Ok(());
    }
    let id = intent.id;
    Err(UserError::new(format!("record {id} was forgotten, so nothing of it is sent again"))
        .hint(format!("`levee journal show {id}` shows what was signed")))
}

fn nothing_to_finish(intent: &Intent) -> UserError {
    UserError::new(format!("no transaction of record {} can have an effect", intent.id))
        .hint("run its command again, which signs it anew")
}

/// Follows what a wallet has sent, by the user's word.
async fn identify(
    outbox: &Outbox<DynProvider, SqliteJournal>,
    intent: &Intent,
    transaction: B256,
) -> Result<()> {
    let id = intent.id;
    match outbox.identify(intent, transaction).await? {
        Some(_) => Ok(()),
        None => Err(UserError::new(format!(
            "the node knows no transaction `{transaction}`, or no wallet was asked for record {id}"
        ))
        .hint(format!("`levee journal show {id}` shows what was asked"))
        .into()),
    }
}

impl BumpArgs {
    async fn run(self, output: Output) -> Result<()> {
        if self.signing.is_handed_out() {
            return Err(UserError::new("`levee journal bump` has no dry run")
                .hint("leave `--dry-run` and `--yes` out: it shows what it would send, and asks")
                .into());
        }
        if let Some(option) = self.signing.only_for_new() {
            return Err(UserError::new(format!(
                "`levee journal bump` takes no `{option}`: it replaces a transaction of the record by the same one"
            ))
            .hint("leave it out")
            .into());
        }
        let id = self.intent;
        if self.signing.is_in_browser() {
            return Err(UserError::new("a wallet in a browser raises the price of its transactions itself")
                .hint(format!("speed it up in the wallet; `levee journal resume {id}` then finds it"))
                .into());
        }
        let journal = self.signing.journal().open().await?;
        let intent = journal.intent(id).await?;
        let (chain, account) = (intent.draft.chain, intent.draft.account);
        let connection = self.signing.network().connect_on(chain).await?;
        let hand = self.signing.hand(&connection, output).await?;
        if hand.address() != account {
            let other = hand.address();
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
        self.signing.confirm(&format!("{} again\n{}", stuck.step, table::facts_below(&plan)), output).await?;
        let signed = outbox.replace(&intent, &stuck, &prepared).await?;
        output.note(&format!("sent {}", signed.hash));
        finish(&outbox, &intent, output).await.map(drop)
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
        UserError::new(format!("record {id} has no transaction that waits to be included"))
            .hint(format!("`levee journal show {id}` shows what became of its transactions"))
    })?)
}

/// Finishes what was signed, reports it, and then records that it is done: what nobody was told is not done. The steps that were not
/// signed are for the command that planned them. Returns whether there was anything to report.
pub(super) async fn finish(
    outbox: &Outbox<DynProvider, SqliteJournal>,
    intent: &Intent,
    output: Output,
) -> Result<bool> {
    let done = signing::resume(outbox, intent, output).await?;
    let is_done = intent.is_done_by(&done);
    let executed: Vec<_> = done.into_iter().map(|(_, executed)| executed).collect();
    if executed.is_empty() {
        return Ok(false);
    }
    let (text, json) = transaction::summary(&executed, None);
    output.result(&text, &json)?;
    if is_done {
        outbox.journal().close(intent.id, IntentState::Done).await?;
    }
    Ok(true)
}

/// `3  2026-08-01T00:00:00Z  unfinished  0x7099…79C8  pledge amount=5 ETH tier=0, 0x5FbD…0aa3 on chain 1`.
/// The addresses are cut: `levee journal show` has them whole.
fn row(intent: &Intent) -> [String; 5] {
    let Intent { id, draft, recorded_at, state, .. } = intent;
    let account = address::short(draft.account);
    let rescue = draft.rescue.map_or_else(String::new, |rescue| format!("{} ", address::short(rescue)));
    let what = format!("{}, {rescue}on chain {}", draft.purpose, draft.chain);
    [id.to_string(), time::time(*recorded_at), state.to_string(), account, what]
}

fn facts(intent: &Intent) -> Vec<(&'static str, String)> {
    let Intent { id, draft, recorded_at, state, .. } = intent;
    let mut facts = vec![
        ("record", id.to_string()),
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

fn handover_facts(handover: &Handover) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("state", "handed to the wallet".to_owned()),
        ("handed over", time::time(handover.handed_at)),
        ("nonce", handover.nonce().to_string()),
        ("gas", format!("at most {}", about(handover.fee_limit()))),
    ];
    facts.extend(handover.transaction.map(|transaction| ("transaction", transaction.to_string())));
    facts
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
    /// What a wallet was asked to send, as long as it is not known what became of it.
    #[serde(rename = "handedOver")]
    handed_over: Vec<Handover>,
}
