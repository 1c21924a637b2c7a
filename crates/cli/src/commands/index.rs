//! `levee index`: the logs of all rescues and compacts of a chain, kept on this machine or in a database.

use std::time::Duration;

use alloy::providers::DynProvider;
use clap::{Args, Subcommand};
use eyre::Result;
use levee::scan;
use levee_index::{
    Added, Contract, Cursor, Difference, IndexError, Indexer, Kind, Node, Progress, Source as _, Step, Store,
    Verdict, differences, differences_from_views,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    connection::{Connection, NetworkArgs},
    error::UserError,
    event,
    interruption::interruption,
    output::Output,
    store::StoreArgs,
};

/// How often to look for new blocks: three times an Ethereum block.
const LOOK: Duration = Duration::from_secs(4);

/// Arguments of `levee index`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Finds every rescue and every compact by the event with which it begins, proves it by its address, and keeps the logs of it, of a rescue's \
pools and of the board. Follows the chain until it is interrupted, and then goes on where it was. What the chain drops is undone. Any number of \
these may write to one store.

With `--json`, each step is one line.

Examples:
  levee index --rpc-url https://node.example
  levee index --store postgres://levee@db.example/levee --once"
)]
pub(crate) struct IndexArgs {
    #[command(subcommand)]
    command: Option<IndexCommand>,

    #[command(flatten)]
    follow: FollowArgs,
}

/// The subcommands of `levee index`.
#[derive(Debug, Subcommand)]
enum IndexCommand {
    /// Build the index again from a node, and compare it with the store and with what the contracts say
    Check(CheckArgs),
}

/// From where on, and how long.
#[derive(Debug, Args)]
struct FollowArgs {
    #[command(flatten)]
    store: StoreArgs,

    /// Block where a new index begins; default: the first that can have logs of Levee's contracts.
    #[arg(long, value_name = "NUMBER")]
    from_block: Option<u64>,

    /// Stop at the latest block instead of waiting for more.
    #[arg(long)]
    once: bool,

    #[command(flatten)]
    network: NetworkArgs,
}

/// What to compare.
#[derive(Debug, Args)]
#[command(after_help = "\
The node must have the state of the block up to which the store has come: run `levee index --once` just before, unless it is an \
archive node. The exit code is 1 if there are differences.

Example:
  levee index check --rpc-url https://node.example")]
struct CheckArgs {
    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    network: NetworkArgs,
}

/// The result of `levee index check`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Checked {
    /// The block up to which both were compared.
    block: Cursor,
    /// Where they do not agree.
    differences: Vec<Difference>,
}

impl IndexArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match self.command {
            Some(IndexCommand::Check(args)) => args.run(output).await,
            None => self.follow.run(output).await,
        }
    }
}

impl FollowArgs {
    async fn run(self, output: Output) -> Result<()> {
        let stop = interruption()?;
        let store = self.store.open().await?;
        let connection = self.network.connect(None).await?;
        let indexer = indexer(&connection, &store, self.from_block).await?;
        let followed = tokio::select! {
            biased;
            () = stop => Ok(()),
            followed = follow(indexer, (&store, connection.chain), self.once, output) => followed,
        };
        store.close().await;
        followed
    }
}

/// Carries on the index of the chain in a store, or begins one at `from_block`.
pub(crate) async fn indexer(
    connection: &Connection,
    store: &Store,
    from_block: Option<u64>,
) -> Result<Indexer<Node<DynProvider>>> {
    let begin = match (store.cursor(connection.chain).await?, from_block) {
        (Some(Cursor { first, .. }), Some(block)) if first != block => {
            return Err(UserError::new(format!("the index begins at block {first}, not at block {block}"))
                .hint("leave `--from-block` out, or use another store")
                .into());
        }
        (Some(Cursor { first, .. }), _) => first,
        (None, Some(block)) => final_one(connection, block).await?,
        (None, None) => {
            let (latest, _) = connection.latest_block().await?;
            scan::first_block(&connection.provider, connection.chain, latest).await?
        }
    };
    Ok(Indexer::new(node(connection), store.clone(), connection.chain, begin))
}

/// The block, if it is final: an index cannot undo its first one.
async fn final_one(connection: &Connection, block: u64) -> Result<u64> {
    let finalized = node(connection).tip().await?.finalized;
    if block <= finalized {
        return Ok(block);
    }
    Err(UserError::new(format!("block {block} is not final yet: the latest final one is {finalized}"))
        .hint("begin there or before")
        .into())
}

fn node(connection: &Connection) -> Node<DynProvider> {
    Node::new(connection.provider.clone())
}

/// Steps forever, or until there is nothing more, if only `once`. Dropped at any point, it has written each step whole or not at all.
async fn follow(
    mut indexer: Indexer<Node<DynProvider>>,
    (store, chain): (&Store, u64),
    once: bool,
    output: Output,
) -> Result<()> {
    let mut was_up_to_date = false;
    loop {
        let step = indexer.step().await?;
        let is_up_to_date = matches!(step, Step::UpToDate(_));
        if once {
            require_behind(&step)?;
        }
        if !(was_up_to_date && is_up_to_date) {
            let counted = if is_up_to_date { counted(store, chain).await? } else { String::new() };
            output.event(&format!("{}{counted}", text(&step)), &step)?;
        }
        if let Step::Indexed(Added { broken, .. }) = &step {
            output.warn(&broken.iter().map(broken_text).collect::<Vec<_>>());
        }
        if once && is_up_to_date {
            return Ok(());
        }
        was_up_to_date = is_up_to_date;
        if is_up_to_date || step == Step::Changed {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// How many genuine rescues and compacts the index has.
async fn counted(store: &Store, chain: u64) -> Result<String> {
    let contracts = store.contracts(chain).await?;
    let count = |kind| {
        let is_genuine = |one: &&Contract| one.kind == kind && one.verdict == Verdict::Genuine;
        contracts.iter().filter(is_genuine).count()
    };
    let [rescues, compacts] = [(Kind::Rescue, "rescue"), (Kind::Compact, "compact")]
        .map(|(kind, name)| event::counted(count(kind), name));
    Ok(format!(", with {rescues} and {compacts}"))
}

/// Refuses to call an index up to date that is ahead of the node.
fn require_behind(step: &Step) -> Result<()> {
    match step {
        Step::UpToDate(Progress { cursor: Some(cursor), head, .. }) if cursor.number > *head => {
            let number = cursor.number;
            let message = format!("the node is only at block {head}, but the index is at block {number}");
            let hint = "ask another node; if a local chain was started again, use another store";
            Err(UserError::new(message).hint(hint).into())
        }
        _ => Ok(()),
    }
}

fn text(step: &Step) -> String {
    match step {
        Step::Indexed(Added { progress: Progress { cursor, head, logs }, .. }) => {
            let number = cursor.map_or(0, |cursor| cursor.number);
            let logs = if *logs == 1 { "1 new log".to_owned() } else { format!("{logs} new logs") };
            format!("block {number} of {head}: {logs}")
        }
        Step::UpToDate(Progress { head, .. }) => format!("up to date with block {head}"),
        Step::Undone { from, to } => {
            format!("the chain dropped blocks {} to {}; they are undone", to.number + 1, from.number)
        }
        Step::Overtaken => "another process wrote these blocks first".into(),
        Step::Changed => "what was read does not fit together, so it is read again".into(),
    }
}

fn broken_text(error: &IndexError) -> String {
    format!(
        "{error}; what comes after it adds up to nothing: index again with another node, into another store"
    )
}

impl CheckArgs {
    async fn run(self, output: Output) -> Result<()> {
        let store = self.store.open_to_read().await?;
        let connection = self.network.connect(None).await?;
        let chain = connection.chain;
        let Some(block) = store.cursor(chain).await? else {
            return Err(UserError::new(format!("the store has no index of chain {chain}"))
                .hint("check `--store`, or run `levee index` first")
                .into());
        };
        let mut found = Vec::new();
        let directory = tempfile::tempdir()?;
        let fresh = build_again(&connection, &directory, block).await?;
        let compared = async {
            differences(&store, &fresh, chain, |difference| found.push(difference)).await?;
            differences_from_views(&store, &connection.provider, chain, |difference| found.push(difference))
                .await
        };
        let compared = compared.await;
        // What was read before it and after it is not of one block.
        if store.cursor(chain).await? != Some(block) {
            return Err(UserError::new("another process carried on the index while it was checked")
                .hint("stop `levee index` before you check what it writes")
                .into());
        }
        compared?;
        let text: String = found.iter().map(difference_text).collect();
        let agreed = format!("the index agrees with the chain up to block {}\n", block.number);
        let checked = Checked { block, differences: found };
        output.result(if text.is_empty() { &agreed } else { &text }, &checked)?;
        match checked.differences.len() {
            0 => Ok(()),
            count => Err(UserError::new(format!("the index differs from the chain in {count} places"))
                .hint("index again into another store, or check whether the node is right")
                .into()),
        }
    }
}

/// A new index of the same blocks.
async fn build_again(connection: &Connection, directory: &tempfile::TempDir, block: Cursor) -> Result<Store> {
    let fresh = Store::open(&directory.path().join("index.db").display().to_string()).await?;
    let indexer = Indexer::new(node(connection), fresh.clone(), connection.chain, block.first);
    let mut indexer = indexer.until(block.number);
    loop {
        match indexer.step().await? {
            Step::UpToDate(_) => break,
            Step::Changed => tokio::time::sleep(LOOK).await,
            Step::Indexed(_) | Step::Undone { .. } | Step::Overtaken => {}
        }
    }
    match fresh.cursor(connection.chain).await? {
        Some(reached) if reached.hash == block.hash => Ok(fresh),
        _ => Err(UserError::new(format!("the node does not have block {} of the index", block.number))
            .hint("run `levee index --once` first, which undoes what the chain dropped; for a local chain that was started again, use another store")
            .into()),
    }
}

fn difference_text(difference: &Difference) -> String {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
    let Difference { what, index, chain } = difference;
    format!("{what}\n  index: {}\n  chain: {}\n", side(index), side(chain))
}
