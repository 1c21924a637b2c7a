//! What a service sees: the index, carried on step by step, and the rescues by it.

use std::time::Duration;

use alloy::{primitives::Address, providers::DynProvider};
use eyre::{Result, eyre};
use levee_index::{Added, Cursor, Indexer, Node, Progress, Step, Store};

use super::{
    Now,
    vitals::Vitals,
    watched::{Detail, Watched},
};
use crate::{commands::index, connection::Connection, error::UserError, history, store::StoreArgs};

/// Follows the chain.
#[derive(Debug)]
pub(crate) struct Lookout {
    pub(crate) indexer: Indexer<Node<DynProvider>>,
    pub(crate) store: Store,
    pub(crate) chain: u64,
    pub(crate) watched: Watched,
    pub(crate) vitals: Vitals,
    /// The rescues that it should see, and does not, as it was last told.
    pub(crate) missing: Vec<Address>,
    /// Those that can be added up, and cannot be looked after all the same, as of the last time that it was tried.
    untold: Vec<Address>,
}

/// What one look has found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sight {
    /// The index has not caught up with the chain: there is more to read at once.
    Behind,
    /// There is nothing to be seen yet.
    Nothing,
    /// The index is at this block, the latest.
    At(Now),
}

impl Lookout {
    /// Opens the index, to look after the rescues `wanted`, or all if there are none. A new index begins at `from_block`.
    pub(crate) async fn open(
        connection: &Connection,
        store: &StoreArgs,
        from_block: Option<u64>,
        wanted: &[Address],
        detail: Detail,
    ) -> Result<Self> {
        let (provider, chain, store) = (connection.provider.clone(), connection.chain, store.open().await?);
        let indexer = index::indexer(connection, &store, from_block).await?;
        let watched = Watched::new(store.clone(), provider, chain, wanted.iter().copied().collect(), detail);
        let (vitals, missing, untold) = (Vitals::default(), Vec::new(), Vec::new());
        Ok(Self { indexer, store, chain, watched, vitals, missing, untold })
    }

    /// Carries on the index by a step and, once it has caught up, adds up what has changed. Interrupted at any point, nothing is lost.
    pub(crate) async fn look(&mut self) -> Result<Sight> {
        let progress = match self.indexer.step().await? {
            Step::Indexed(Added { progress, broken }) => {
                broken
                    .iter()
                    .for_each(|error| tracing::error!(target: "service", %error, "it is not looked after"));
                progress
            }
            Step::UpToDate(progress) => progress,
            Step::Undone { from, to } => {
                tracing::warn!(target: "service", first = to.number + 1, last = from.number, "the chain dropped blocks");
                return Ok(Sight::Behind);
            }
            Step::Overtaken => return Ok(Sight::Behind),
            Step::Changed => return Ok(Sight::Nothing),
        };
        let Progress { cursor: Some(cursor), head, .. } = progress else { return Ok(Sight::Nothing) };
        self.count(&cursor, head);
        if let Some(lost) = index::lost(&progress) {
            // What happens now is not seen, though all that is known was right.
            return Err(eyre!(lost));
        }
        self.vitals.well();
        if cursor.number < head {
            return Ok(Sight::Behind);
        }
        let headers = self.store.headers(self.chain).await?;
        let Some(header) = headers.first().filter(|header| header.hash == cursor.hash) else {
            // Another process has carried on the index meanwhile.
            return Ok(Sight::Behind);
        };
        self.watched.update(cursor).await?;
        self.tell_missing().await?;
        self.count_broken();
        self.vitals.rescues.set(i64::try_from(self.watched.len()).unwrap_or(i64::MAX));
        Ok(Sight::At(Now { block: header.number, time: header.time }))
    }

    /// Looks until the index has caught up with the chain.
    pub(crate) async fn caught_up(&mut self, every: Duration) -> Result<Now> {
        loop {
            match self.look().await? {
                Sight::At(now) => return self.require_all(now).await,
                Sight::Behind => {}
                Sight::Nothing => tokio::time::sleep(every).await,
            }
        }
    }

    /// Whoever looks once must be told if a rescue is not there: there is no second look at which it may be.
    async fn require_all(&self, now: Now) -> Result<Now> {
        match self.missing.first() {
            Some(contract) => Err(self.why_missing(*contract).await?.into()),
            None => Ok(now),
        }
    }

    /// Why a rescue or a compact cannot be looked after: it is a counterfeit, or not in the index.
    async fn why_missing(&self, contract: Address) -> Result<UserError> {
        let unknown = || history::unknown_of_either(self.chain, contract);
        let contracts = self.store.contracts(self.chain).await?;
        // It is missing, and so not genuine, unless the index has moved on meanwhile.
        Ok(history::require_genuine(&contracts, contract, unknown).err().unwrap_or_else(unknown))
    }

    /// Takes note of those that can be added up, and cannot be looked after all the same.
    pub(crate) fn set_untold(&mut self, untold: Vec<Address>) {
        self.untold = untold;
        self.count_broken();
    }

    /// The rescues and compacts that cannot be looked after.
    pub(crate) fn broken(&self) -> impl Iterator<Item = Address> {
        self.watched.broken().chain(self.untold.iter().copied())
    }

    fn count_broken(&self) {
        self.vitals.broken.set(i64::try_from(self.broken().count()).unwrap_or(i64::MAX));
    }

    async fn tell_missing(&mut self) -> Result<()> {
        let missing = self.watched.missing();
        for rescue in missing.iter().filter(|rescue| !self.missing.contains(rescue)) {
            let error = self.why_missing(*rescue).await?;
            tracing::warn!(target: "service", %rescue, %error, "it is not looked after");
        }
        self.missing = missing;
        Ok(())
    }

    fn count(&self, cursor: &Cursor, head: u64) {
        self.vitals.block.set(cursor.number.cast_signed());
        self.vitals.head.set(head.cast_signed());
    }
}
