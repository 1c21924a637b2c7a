//! What a keeper sees: the index, carried on step by step, and what is due by it.

use std::time::Duration;

use alloy::{primitives::Address, providers::DynProvider};
use eyre::Result;
use levee_index::{Added, Cursor, Indexer, Node, Progress, Step, Store};

use crate::history;

use super::{
    agenda::{Now, Task},
    service::Metrics,
    watched::Watched,
};

/// Follows the chain.
#[derive(Debug)]
pub(crate) struct Lookout {
    pub(crate) indexer: Indexer<Node<DynProvider>>,
    pub(crate) store: Store,
    pub(crate) chain: u64,
    pub(crate) watched: Watched,
    pub(crate) metrics: Metrics,
    /// The rescues that it should see, and does not, as it was last told.
    pub(crate) missing: Vec<Address>,
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
    /// Carries on the index by a step and, once it has caught up, adds up what has changed. Interrupted at any point, nothing is lost.
    pub(crate) async fn look(&mut self) -> Result<Sight> {
        let progress = match self.indexer.step().await? {
            Step::Indexed(Added { progress, broken }) => {
                broken
                    .iter()
                    .for_each(|error| tracing::error!(target: "keeper", %error, "it is not looked after"));
                progress
            }
            Step::UpToDate(progress) => progress,
            Step::Undone { from, to } => {
                tracing::warn!(target: "keeper", first = to.number + 1, last = from.number, "the chain dropped blocks");
                return Ok(Sight::Behind);
            }
            Step::Overtaken => return Ok(Sight::Behind),
            Step::Changed => return Ok(Sight::Nothing),
        };
        let Progress { cursor: Some(cursor), head, .. } = progress else { return Ok(Sight::Nothing) };
        self.count(&cursor, head);
        self.metrics.well();
        if cursor.number < head {
            return Ok(Sight::Behind);
        }
        let headers = self.store.headers(self.chain).await?;
        let Some(header) = headers.first().filter(|header| header.hash == cursor.hash) else {
            // Another process has carried on the index meanwhile.
            return Ok(Sight::Behind);
        };
        self.watched.update(cursor).await?;
        self.tell_missing();
        self.metrics.rescues.set(i64::try_from(self.watched.len()).unwrap_or(i64::MAX));
        Ok(Sight::At(Now { block: header.number, time: header.time }))
    }

    /// Looks until the index has caught up with the chain.
    pub(crate) async fn caught_up(&mut self, every: Duration) -> Result<Now> {
        loop {
            match self.look().await? {
                Sight::At(now) => return self.require_all(now),
                Sight::Behind => {}
                Sight::Nothing => tokio::time::sleep(every).await,
            }
        }
    }

    /// Whoever looks once must be told if a rescue is not there: there is no second look at which it may be.
    fn require_all(&self, now: Now) -> Result<Now> {
        let Some(rescue) = self.missing.first() else { return Ok(now) };
        Err(history::unknown(self.chain, *rescue).into())
    }

    /// All that is due by what was seen.
    pub(crate) fn tasks(&self, now: Now) -> Vec<Task> {
        self.watched.tasks(now.time)
    }

    fn tell_missing(&mut self) {
        let missing = self.watched.missing();
        for rescue in missing.iter().filter(|rescue| !self.missing.contains(rescue)) {
            tracing::warn!(target: "keeper", %rescue, "the index has no such rescue");
        }
        self.missing = missing;
    }

    fn count(&self, cursor: &Cursor, head: u64) {
        self.metrics.block.set(cursor.number.cast_signed());
        self.metrics.head.set(head.cast_signed());
    }
}
