use std::time::{Duration, Instant};

use alloy::{primitives::B256, rpc::types::Log};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use levee::Error;
use serde::Serialize;

use crate::{
    books::Books,
    contract::Contract,
    error::IndexError,
    source::{Header, Source, Tip},
    store::Store,
};

/// How many requests are under way at a time.
const AT_ONCE: usize = 8;

/// How many of the latest final blocks are asked for by their hashes, like those that are not final. A node that is behind, which some
/// services let answer now and then, gives fewer logs of a range, and no error; of a hash that it does not know it gives an error.
const RECENT: u64 = 256;

/// How far the index of a chain has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cursor {
    /// The block where it begins.
    pub first: u64,
    /// The latest block whose logs it has.
    pub number: u64,
    /// Its hash.
    #[serde(with = "levee_model::json::Hash")]
    pub hash: B256,
    /// The latest block of the index that was final then.
    pub finalized: u64,
}

/// Where an index is, and what it has just read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progress {
    /// How far it has come; none if it has not begun.
    pub cursor: Option<Cursor>,
    /// The latest block of the chain, as far as the node knows.
    pub head: u64,
    /// How many logs this step has added.
    pub logs: u64,
}

/// What a step has added, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Added {
    /// How far the index has come.
    #[serde(flatten)]
    pub progress: Progress,
    /// The rescues and compacts with a log that does not follow from those before it: all later logs of theirs are kept, but add up to nothing.
    pub broken: Vec<IndexError>,
}

/// What one step has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "step", rename_all = "camelCase")]
pub enum Step {
    /// It added more blocks.
    Indexed(Added),
    /// There are no more blocks.
    UpToDate(Progress),
    /// The chain dropped blocks, and so did the index.
    Undone {
        /// Where it was.
        from: Cursor,
        /// Where it is.
        to: Cursor,
    },
    /// Nothing: another process has carried on this index in the meantime.
    Overtaken,
    /// Nothing: what was read does not fit together, mostly because the chain changed meanwhile.
    Changed,
}

/// Carries on the index of one chain.
///
/// Any number of processes may do so on one store: each batch is written at once, by the one that comes first, and is seen by all.
#[derive(Debug)]
pub struct Indexer<S> {
    source: S,
    store: Store,
    chain: u64,
    begin: u64,
    end: u64,
    pace: Pace,
    /// None until they are needed, and after anything went wrong.
    books: Option<Books>,
    /// Whether logs did not follow from each other when they were last read, which is believed the second time.
    is_doubted: bool,
    /// How long what is read may not fit together.
    patience: Duration,
    /// Since when it has not.
    changing: Option<Instant>,
}

/// One batch, as it was read.
struct Batch {
    /// Of the last block, and of all blocks that are not final.
    headers: Vec<Header>,
    logs: Vec<Log>,
    next: Cursor,
    head: u64,
}

impl<S: Source> Indexer<S> {
    /// The index in `store` of the chain `chain`, which `source` is of. If it has not begun, it begins at block `begin`.
    pub fn new(source: S, store: Store, chain: u64, begin: u64) -> Self {
        Self {
            source,
            store,
            chain,
            begin,
            end: u64::MAX,
            pace: Pace::default(),
            books: None,
            is_doubted: false,
            patience: Duration::MAX,
            changing: None,
        }
    }

    /// The same up to a block, as if the chain ended there.
    #[must_use]
    pub fn until(self, end: u64) -> Self {
        Self { end, ..self }
    }

    /// The same, with an error instead of steps that only find [`Changed`](Step::Changed) for so long.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Does what is next: adds a batch of blocks, or removes those that the chain dropped. Interrupted at any point, it has done
    /// all of it or nothing.
    ///
    /// # Errors
    /// Any [`IndexError`] but those of opening a store.
    pub async fn step(&mut self) -> Result<Step, IndexError> {
        let step = self.attempt().await?;
        if step != Step::Changed {
            self.changing = None;
            return Ok(step);
        }
        let waited = self.changing.get_or_insert_with(Instant::now).elapsed();
        if waited < self.patience {
            return Ok(step);
        }
        self.changing = None;
        let number = self.next(self.store.cursor(self.chain).await?);
        Err(IndexError::Incoherent { number, seconds: waited.as_secs() })
    }

    /// The block to be read next.
    fn next(&self, cursor: Option<Cursor>) -> u64 {
        cursor.map_or(self.begin, |cursor| cursor.number + 1)
    }

    async fn attempt(&mut self) -> Result<Step, IndexError> {
        let cursor = self.store.cursor(self.chain).await?;
        let Tip { head, finalized } = self.source.tip().await?;
        let tip = Tip { head: head.min(self.end), finalized: finalized.min(self.end) };
        if let Some(from) = cursor
            && let Some(common) = self.common_if_dropped(tip.head).await?
        {
            return self.undo(from, common).await;
        }
        let first = self.next(cursor);
        if first > tip.head {
            return Ok(Step::UpToDate(Progress { cursor, head: tip.head, logs: 0 }));
        }
        let begun = Instant::now();
        let last = tip.head.min(first.saturating_add(self.pace.blocks() - 1));
        let Some(batch) = self.read(cursor, (first, last), tip).await? else { return Ok(Step::Changed) };
        let found = batch.logs.len();
        let step = self.write(cursor, batch).await?;
        self.pace.adapt(found, begun.elapsed());
        Ok(step)
    }

    // ------------------------------------------------------------------------------------------- reading

    /// If the chain dropped blocks of the index, the latest one that it still has.
    async fn common_if_dropped(&self, head: u64) -> Result<Option<Header>, IndexError> {
        let headers = self.store.headers(self.chain).await?;
        let mut dropped = None;
        for header in headers.into_iter().filter(|header| header.number <= head) {
            match self.hash(header.number).await? {
                Some(found) if found == header.hash => return Ok(dropped.map(|_| header)),
                Some(found) => dropped = Some((header, found)),
                // This node is behind, which says nothing about the chain.
                None => {}
            }
        }
        dropped.map_or(Ok(None), |(Header { number, hash, .. }, found)| {
            let location = self.store.location().into();
            Err(IndexError::FinalBlockChanged { location, number, indexed: hash, found })
        })
    }

    async fn hash(&self, number: u64) -> Result<Option<B256>, Error> {
        Ok(self.source.header(number).await?.map(|header| header.hash))
    }

    /// Reads the blocks from `first` to `last`; none if the chain changed meanwhile.
    ///
    /// Final blocks are asked for by their numbers, in large ranges. The others, and the most recent final ones, are asked for one by
    /// one, by their hashes, so that neither a reorganization nor another node can come between a block and its logs.
    async fn read(
        &self,
        cursor: Option<Cursor>,
        (first, last): (u64, u64),
        tip: Tip,
    ) -> Result<Option<Batch>, IndexError> {
        let finalized = tip.finalized.min(last);
        let settled = tip.finalized.saturating_sub(RECENT).min(last);
        let Some(headers) = self.headers(first.max(settled), last).await? else { return Ok(None) };
        let follows = |header: &Header| cursor.is_none_or(|cursor| header.parent == cursor.hash);
        if headers.first().is_some_and(|header| header.number == first && !follows(header)) {
            return Ok(None);
        }
        let mut logs = if first <= settled { self.source.logs(first, settled).await? } else { Vec::new() };
        let recent: Vec<_> = headers.iter().filter(|header| header.number > settled).copied().collect();
        let found = stream::iter(recent).map(|header| self.logs_of(header)).buffered(AT_ONCE);
        let found = found.try_collect::<Vec<_>>().await?.into_iter().collect::<Option<Vec<_>>>();
        let Some(found) = found else { return Ok(None) };
        logs.extend(found.into_iter().flatten());
        let hash = headers.last().map(|header| header.hash).unwrap_or_default();
        let begin = cursor.map_or(self.begin, |cursor| cursor.first);
        let next = Cursor { first: begin, number: last, hash, finalized };
        Ok(Some(Batch { headers, logs, next, head: tip.head }))
    }

    /// The headers from `first` to `last`, each the parent of the next; none if they do not hang together.
    async fn headers(&self, first: u64, last: u64) -> Result<Option<Vec<Header>>, IndexError> {
        let read = stream::iter(first..=last).map(|number| self.source.header(number)).buffered(AT_ONCE);
        let Some(headers) = read.try_collect::<Vec<_>>().await?.into_iter().collect::<Option<Vec<_>>>()
        else {
            return Ok(None);
        };
        let hang_together = headers.windows(2).all(|pair| pair[1].parent == pair[0].hash);
        Ok(Some(headers).filter(|_| hang_together))
    }

    /// The logs of a block; none if the chain dropped it meanwhile.
    async fn logs_of(&self, header: Header) -> Result<Option<Vec<Log>>, IndexError> {
        match self.source.logs_of(&header).await {
            Ok(logs) => Ok(Some(logs)),
            Err(_) if self.hash(header.number).await? != Some(header.hash) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    // ------------------------------------------------------------------------------------------- writing

    async fn write(&mut self, cursor: Option<Cursor>, batch: Batch) -> Result<Step, IndexError> {
        let Batch { headers, logs, next, head } = batch;
        let books = match self.books.take().filter(|books| books.are_at(cursor)) {
            Some(books) => Some(books),
            None => Books::load(&self.store, self.chain, cursor).await?,
        };
        let Some(mut books) = books else { return Ok(Step::Overtaken) };
        // First, so that what another process wrote is not added up in vain.
        let mut writer = self.store.writer(self.chain).await?;
        if !writer.advance(cursor, next).await? {
            return Ok(Step::Overtaken);
        }
        let Some(changes) = books.add(&self.store, logs).await? else { return Ok(Step::Overtaken) };
        self.is_doubted = !changes.broken.is_empty() && !self.is_doubted;
        if self.is_doubted {
            return Ok(Step::Changed);
        }
        if cursor.is_none() {
            writer.add_contracts(&[Contract::board()]).await?;
        }
        writer.add_headers(&headers).await?;
        writer.remove_headers_below(next.finalized).await?;
        writer.add_contracts(&changes.contracts).await?;
        writer.add_logs(&changes.logs).await?;
        writer.put_positions(&changes.positions).await?;
        writer.commit().await?;
        books.advance(next);
        self.books = Some(books);
        let progress = Progress { cursor: Some(next), head, logs: changes.logs.len() as u64 };
        Ok(Step::Indexed(Added { progress, broken: changes.broken }))
    }

    /// Goes back to a block that the chain still has, as if no later one had been read.
    async fn undo(&mut self, from: Cursor, common: Header) -> Result<Step, IndexError> {
        self.books = None;
        let to = Cursor { number: common.number, hash: common.hash, ..from };
        let mut writer = self.store.writer(self.chain).await?;
        if !writer.advance(Some(from), to).await? {
            return Ok(Step::Overtaken);
        }
        let changed = writer.positions_above(to.number).await?;
        writer.remove_above(to.number).await?;
        writer.restore_positions(&changed).await?;
        writer.commit().await?;
        Ok(Step::Undone { from, to })
    }
}

/// How many blocks to read at a time: so many that a step takes some seconds, and its logs fit in memory.
#[derive(Debug)]
struct Pace(u64);

impl Default for Pace {
    fn default() -> Self {
        Self(64)
    }
}

impl Pace {
    const MOST: u64 = 1 << 20;
    const MANY_LOGS: usize = 20_000;
    const LONG: Duration = Duration::from_secs(4);

    const fn blocks(&self) -> u64 {
        self.0
    }

    fn adapt(&mut self, logs: usize, took: Duration) {
        if logs > Self::MANY_LOGS || took > Self::LONG {
            self.0 = (self.0 / 2).max(1);
        } else if logs < Self::MANY_LOGS / 2 && took < Self::LONG / 2 {
            self.0 = (self.0 * 2).min(Self::MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_grows_until_it_is_long_or_large() {
        let mut pace = Pace::default();
        let quick = Duration::from_millis(1);
        for (logs, took, blocks) in [
            (0, quick, 128),
            (10_000, quick, 128),
            (20_001, quick, 64),
            (0, Duration::from_secs(2), 64),
            (0, Duration::from_secs(5), 32),
        ] {
            pace.adapt(logs, took);
            assert_eq!(pace.blocks(), blocks);
        }
        (0..40).for_each(|_| pace.adapt(0, quick));
        assert_eq!(pace.blocks(), Pace::MOST);
        (0..40).for_each(|_| pace.adapt(0, Duration::from_secs(5)));
        assert_eq!(pace.blocks(), 1);
    }
}
