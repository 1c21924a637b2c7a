//! Everything that happened in a rescue, from a node or from the index.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{
    Entry, History,
    compact::{CompactClient, CompactHistory},
};
use levee_index::{Contract, Kind, Store, Verdict};

use crate::{
    commands::declarations::Reading,
    connection::{NetworkArgs, RescueArgs},
    error::UserError,
    output::Output,
    store,
};

/// The rescue, and where its logs are.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    pub(crate) rescue: RescueArgs,

    /// Read this index, and ask no node: a file of SQLite, or the URL of a PostgreSQL database; default: the variable LEVEE_INDEX, unless
    /// `--rpc-url` is given.
    #[arg(long, value_name = "PATH_OR_URL", conflicts_with = "rpc_url", help_heading = "Index")]
    store: Option<String>,

    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

impl HistoryArgs {
    /// The history of the rescue at `rescue`, from this index or these nodes.
    pub(crate) const fn of(rescue: Address, store: Option<String>, network: NetworkArgs) -> Self {
        Self { rescue: RescueArgs::at(rescue), store, network }
    }

    /// Reads it: from the index up to the block that it has come to, from a node up to the latest.
    pub(crate) async fn read(&self) -> Result<History> {
        match self.store().await? {
            Some(store) => self.read_store(&store).await,
            None => self.read_node().await,
        }
    }

    /// The same, with the declarations for the rescue up to its block. A node is asked for the board's logs of all times, but for those that an
    /// earlier run has read.
    pub(crate) async fn read_with_declarations(&self, output: Output) -> Result<(History, Vec<Entry>)> {
        let (history, mut entries) = match self.store().await? {
            Some(store) => {
                let history = self.read_store(&store).await?;
                let entries = store.declarations(history.chain).await?;
                (history, entries)
            }
            None => {
                let (connection, snapshot) = self.rescue.read(&self.network, None).await?;
                let history = History::read(&connection.provider, &snapshot).await?;
                let entries = Reading::default().read(&connection, history.address, output).await?;
                (history, entries)
            }
        };
        entries.retain(|entry| {
            entry.block <= history.block.number && subject_of(entry) == Some(history.address)
        });
        Ok((history, entries))
    }

    /// A compact: from the index up to the block that it has come to, from a node up to the latest.
    pub(crate) async fn read_compact(&self, compact: Address) -> Result<CompactHistory> {
        if let Some(store) = self.store().await? {
            let chain = chain_of(&store, self.network.expected(None)?).await?;
            let found = store.compact(chain, compact).await?;
            return found.ok_or_else(|| unknown_compact(chain, compact).into());
        }
        let connection = self.network.connect(None).await?;
        let client = CompactClient::open(connection.provider.clone(), connection.chain, compact).await?;
        client.check_token()?;
        Ok(client.read(None).await?)
    }

    /// The index to read; none if a node is to be asked.
    async fn store(&self) -> Result<Option<Store>> {
        let of_environment = || store::in_environment().filter(|_| !self.network.names_node());
        match self.store.clone().or_else(of_environment) {
            Some(location) => Ok(Some(Store::open_to_read(&location).await?)),
            None => Ok(None),
        }
    }

    async fn read_store(&self, store: &Store) -> Result<History> {
        let named = self.rescue.named()?;
        let chain = chain_of(store, self.network.expected(named.terms.as_ref())?).await?;
        in_store(store, chain, named.address).await
    }

    async fn read_node(&self) -> Result<History> {
        let (connection, snapshot) = self.rescue.read(&self.network, None).await?;
        Ok(History::read(&connection.provider, &snapshot).await?)
    }
}

/// The rescue that a declaration is for; none if it is no declaration.
pub(crate) fn subject_of(entry: &Entry) -> Option<Address> {
    entry.event.declared().map(|declared| declared.declaration.escrow)
}

/// The history of a rescue that an index of its chain must have.
pub(crate) async fn in_store(store: &Store, chain: u64, rescue: Address) -> Result<History> {
    Ok(store.history(chain, rescue).await?.ok_or_else(|| unknown(chain, rescue))?)
}

/// The chain that is expected, or else the only one that a store has.
pub(crate) async fn chain_of(store: &Store, expected: Option<u64>) -> Result<u64> {
    let chains = store.chains().await?;
    let listed = || chains.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let location = store.location();
    match (expected, chains.as_slice()) {
        (Some(chain), _) if chains.contains(&chain) => Ok(chain),
        (None, &[chain]) => Ok(chain),
        (_, []) => Err(UserError::new(format!("the index in `{location}` is empty"))
            .hint("check `--store`, or run `levee index` first")
            .into()),
        (Some(chain), _) => {
            let message =
                format!("the index in `{location}` is of chain {}, and not of chain {chain}", listed());
            Err(UserError::new(message)
                .hint("run `levee index` with a node of that chain first, or choose another store with `--store`")
                .into())
        }
        (None, _) => {
            Err(UserError::new(format!("the index in `{location}` is of several chains: {}", listed()))
                .hint("choose one with `--chain`")
                .into())
        }
    }
}

/// Refuses a contract that is not among these, and a counterfeit.
pub(crate) fn require_genuine(
    contracts: &[Contract],
    address: Address,
    unknown: impl FnOnce() -> UserError,
) -> Result<(), UserError> {
    let contract = contracts.iter().find(|contract| contract.address == address).ok_or_else(unknown)?;
    let Verdict::Counterfeit(reason) = contract.verdict else { return Ok(()) };
    let what = if contract.kind == Kind::Compact { "compact" } else { "rescue" };
    Err(UserError::new(format!("`{address}` is a counterfeit of a {what}: {reason}"))
        .hint("do not send anything to it"))
}

/// The index of a chain does not have a compact.
pub(crate) fn unknown_compact(chain: u64, compact: Address) -> UserError {
    UserError::new(format!("the index of chain {chain} has no compact `{compact}`"))
        .hint("check the address, or let `levee index` catch up with the chain")
}

/// The index of a chain has neither a rescue nor a compact there.
pub(crate) fn unknown_of_either(chain: u64, contract: Address) -> UserError {
    UserError::new(format!("the index of chain {chain} has no rescue or compact `{contract}`"))
        .hint("check the address, or let `levee index` catch up with the chain")
}

/// The index of a chain does not have a rescue.
pub(crate) fn unknown(chain: u64, rescue: Address) -> UserError {
    UserError::new(format!("the index of chain {chain} has no rescue `{rescue}`"))
        .hint("check the address, or let `levee index` catch up with the chain")
}
