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

/// How many blocks a node may be behind the index: several nodes behind one address are not at the same block.
const LAG: u64 = 3;

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
            let location = store.location();
            let message = format!("the index in `{location}` begins at block {first}, not at block {block}");
            return Err(UserError::new(message)
                .hint("leave `--from-block` out, or choose another store with `--store`")
                .into());
        }
        (Some(Cursor { first, .. }), _) => first,
        (None, Some(block)) => final_one(connection, block).await?,
        (None, None) => {
            let (latest, _) = connection.latest_block().await?;
            scan::first_block(&connection.provider, connection.chain, latest).await?
        }
    };
    let indexer = Indexer::new(node(connection), store.clone(), connection.chain, begin);
    Ok(indexer.with_patience(connection.nodes.patience()))
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
    let mut rested = None;
    loop {
        let Some(step) = stepped(&mut indexer, once, output).await? else { continue };
        if once {
            require_behind(&step, store)?;
        }
        let rest = rest(&step);
        if rest.is_none() || rest != rested {
            let counted =
                if rest == Some(Rest::UpToDate) { counted(store, chain).await? } else { String::new() };
            output.event(&format!("{}{counted}", text(&step)), &step)?;
        }
        if let Step::Indexed(Added { broken, .. }) = &step {
            output.warn(&broken.iter().map(broken_text).collect::<Vec<_>>());
        }
        if once && rest.is_some() {
            return Ok(());
        }
        rested = rest;
        if rest.is_some() || step == Step::Changed {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The next step; none if what was read has not fitted together for long, which ends the command only if it runs `once`.
async fn stepped(
    indexer: &mut Indexer<Node<DynProvider>>,
    once: bool,
    output: Output,
) -> Result<Option<Step>, IndexError> {
    match indexer.step().await {
        Err(error @ IndexError::Incoherent { .. }) if !once => {
            output.warn(&[format!("{error}; they are read again; if that does not help, ask another node")]);
            Ok(None)
        }
        step => step.map(Some),
    }
}

/// Why there is nothing to be read. It is told once, however long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    UpToDate,
    Ahead,
}

fn rest(step: &Step) -> Option<Rest> {
    let Step::UpToDate(progress) = step else { return None };
    Some(if lost(progress).is_some() { Rest::Ahead } else { Rest::UpToDate })
}

/// What is wrong with a node that is far behind the index; none if it is not. Whether the chain dropped these blocks or the node only
/// lacks them cannot be told until it has others in their place.
pub(crate) fn lost(progress: &Progress) -> Option<String> {
    let (number, head) = (progress.cursor?.number, progress.head);
    (head.saturating_add(LAG) < number).then(|| {
        format!(
            "the node is at block {head}, and the index at block {number}: the node stands still or lost its blocks"
        )
    })
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
fn require_behind(step: &Step, store: &Store) -> Result<()> {
    match step {
        Step::UpToDate(Progress { cursor: Some(cursor), head, .. }) if cursor.number > *head => {
            let (number, location) = (cursor.number, store.location());
            let message = format!(
                "the node is only at block {head}, but the index in `{location}` is at block {number}"
            );
            let hint =
                "ask another node; if a local chain was started again, choose another store with `--store`";
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
        Step::UpToDate(progress) => {
            lost(progress).unwrap_or_else(|| format!("up to date with block {}", progress.head))
        }
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
            return Err(UserError::new(format!(
                "the store `{}` has no index of chain {chain}",
                store.location()
            ))
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
    let mut indexer = indexer.until(block.number).with_patience(connection.nodes.patience());
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
            .hint("run `levee index --once` first, which undoes what the chain dropped; for a local chain that was started again, choose another store with `--store`")
            .into()),
    }
}

fn difference_text(difference: &Difference) -> String {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
    let Difference { what, index, chain } = difference;
    format!("{what}\n  index: {}\n  chain: {}\n", side(index), side(chain))
}
