//! The state of a rescue, rebuilt from its logs alone.
//!
//! [`fetch`] reads an escrow's events, and [`fold`] turns them into the [`Rescue`] that they add up to. Its
//! views at a [`Moment`](levee_model::Moment) equal the escrow's views at that time, so the logs alone
//! suffice, without a node that has the state.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::{Filter, Log},
    transports::{RpcError, TransportError, TransportErrorKind},
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use levee_model::{Creation, Inconsistent, Rescue, Timestamp};
use serde::Serialize;

use crate::{error::Error, event::Event};

/// How many blocks the first request for logs covers. The next covers more if the node answers, and half if it refuses.
const WINDOW: u64 = 10_000;

/// How many blocks a request covers at most.
const LARGEST_WINDOW: u64 = 1_000_000;

/// How many requests are under way at a time.
const AT_ONCE: usize = 4;

/// An event and its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// The number of its block.
    pub block: u64,
    /// The time of its block.
    #[serde(rename = "timeUnix")]
    pub time: Timestamp,
    /// The transaction that emitted it.
    #[serde(with = "levee_model::json::Hash")]
    pub transaction: B256,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// Reads all events of the escrow at `address`, in order, from block `from_block` to the latest.
///
/// # Errors
/// [`Error::Rpc`], [`Error::Malformed`].
pub async fn fetch(provider: &impl Provider, address: Address, from_block: u64) -> Result<Vec<Entry>, Error> {
    fetch_at(provider, address, from_block, BlockId::latest()).await
}

/// The same up to the end of a block.
///
/// # Errors
/// Like [`fetch`].
pub async fn fetch_at(
    provider: &impl Provider,
    address: Address,
    from_block: u64,
    block: BlockId,
) -> Result<Vec<Entry>, Error> {
    fetch_matching(provider, &Filter::new().address(address), from_block, block).await
}

/// The same for all logs that match a filter.
pub(crate) async fn fetch_matching(
    provider: &impl Provider,
    filter: &Filter,
    from_block: u64,
    block: BlockId,
) -> Result<Vec<Entry>, Error> {
    let end = number_of(provider, block).await?;
    let scan = Scan { provider, filter, window: AtomicU64::new(WINDOW) };
    let windows = stream::unfold(from_block, async |first| {
        let last = end.min(first.saturating_add(scan.window.load(Relaxed) - 1));
        (first <= end).then_some(((first, last), last + 1))
    });
    let found = windows.map(|(first, last)| scan.logs(first, last)).buffered(AT_ONCE);
    let logs = in_order(found.try_concat().await?);
    let times = missing_times(provider, &logs).await?;
    logs.iter().map(|log| entry(log, &times)).collect()
}

/// A search for logs, in windows that fit the node: nodes limit the blocks or the results of a request, each with a
/// different limit and a different message.
struct Scan<'a, P> {
    provider: &'a P,
    filter: &'a Filter,
    window: AtomicU64,
}

impl<P: Provider> Scan<'_, P> {
    /// The logs from block `first` to block `last`; asks for half as many as long as the node refuses.
    async fn logs(&self, first: u64, last: u64) -> Result<Vec<Log>, Error> {
        let (mut logs, mut rest) = (Vec::new(), vec![(first, last)]);
        while let Some((first, last)) = rest.pop() {
            let filter = self.filter.clone().from_block(first).to_block(last);
            let blocks = last - first + 1;
            match self.provider.get_logs(&filter).await {
                Ok(found) if found.iter().all(|log| filter.rpc_matches(log)) => {
                    self.window.fetch_max((blocks + blocks / 4 + 1).min(LARGEST_WINDOW), Relaxed);
                    logs.extend(found);
                }
                Ok(_) => return Err(Error::Malformed { what: "a log" }),
                Err(error) if blocks > 1 && is_too_much(&error) => {
                    self.window.store(blocks / 2, Relaxed);
                    let middle = first + blocks / 2;
                    rest.extend([(middle, last), (first, middle - 1)]);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(logs)
    }
}

/// Whether the node may answer a smaller request.
fn is_too_much(error: &TransportError) -> bool {
    match error {
        RpcError::ErrorResp(_) | RpcError::Transport(TransportErrorKind::NonRetryable(_)) => true,
        RpcError::Transport(kind) => {
            kind.as_http_error().is_some_and(|error| matches!(error.status, 400 | 413))
        }
        _ => false,
    }
}

/// The logs in the order of the chain, each once, without those of blocks that the chain dropped.
fn in_order(mut logs: Vec<Log>) -> Vec<Log> {
    let place = |log: &Log| (log.block_number, log.log_index);
    logs.retain(|log| !log.removed);
    logs.sort_by_key(place);
    logs.dedup_by_key(|log| place(log));
    logs
}

/// The times of blocks, because not every node gives a log its time.
async fn missing_times(provider: &impl Provider, logs: &[Log]) -> Result<BTreeMap<u64, Timestamp>, Error> {
    let without = logs.iter().filter(|log| log.block_timestamp.is_none());
    let blocks: BTreeSet<u64> = without.filter_map(|log| log.block_number).collect();
    let times = stream::iter(blocks).map(async |number| {
        let block = provider.get_block_by_number(BlockNumberOrTag::Number(number)).await?;
        Ok((number, block.ok_or(Error::Malformed { what: "a block" })?.header.timestamp))
    });
    times.buffered(AT_ONCE).try_collect().await
}

async fn number_of(provider: &impl Provider, block: BlockId) -> Result<u64, Error> {
    if block.is_latest() {
        return Ok(provider.get_block_number().await?);
    }
    let found = provider.get_block(block).await?.ok_or(Error::Malformed { what: "a block" })?;
    Ok(found.header.number)
}

fn entry(log: &Log, times: &BTreeMap<u64, Timestamp>) -> Result<Entry, Error> {
    let placed = || {
        let block = log.block_number?;
        Some((block, log.block_timestamp.or_else(|| times.get(&block).copied())?, log.transaction_hash?))
    };
    let (block, time, transaction) = placed().ok_or(Error::Malformed { what: "a log" })?;
    Ok(Entry { block, time, transaction, event: Event::decode(&log.inner)? })
}

/// The rescue in the escrow at `escrow`, from all its events in order, starting with its creation.
///
/// # Errors
/// [`Error::BrokenHistory`].
pub fn fold(escrow: Address, entries: &[Entry]) -> Result<Rescue, Error> {
    let mut events = entries.iter().filter_map(|entry| Some((entry, entry.event.of_rescue()?)));
    let (created, creation) = events.next().ok_or(Inconsistent::NoCreation)?;
    let block = Creation { block: created.block, time: created.time };
    let mut rescue = Rescue::created(escrow, creation, block)?;
    events.try_for_each(|(_, event)| rescue.apply(event))?;
    Ok(rescue)
}

#[cfg(test)]
mod tests {
    use std::error::Error as StdError;

    use super::*;
    use crate::{bindings::PledgeEscrow, redacted::RedactedError};
    use alloy::{
        primitives::{U64, aliases::U40},
        providers::ProviderBuilder,
        sol_types::SolEvent as _,
        transports::mock::Asserter,
    };
    use levee_model::RescueEvent;

    const ESCROW: Address = Address::repeat_byte(0xe5);

    fn node() -> (Asserter, impl Provider) {
        let asserter = Asserter::new();
        (asserter.clone(), ProviderBuilder::new().connect_mocked_client(asserter))
    }

    /// A log of the escrow, at a place that may be another than it should be.
    fn log(block: u64, index: u64) -> Log {
        let event = PledgeEscrow::Finalized { finalAt: U40::from(block) };
        let inner = alloy::primitives::Log { address: ESCROW, data: event.encode_log_data() };
        Log {
            inner,
            block_hash: Some(B256::ZERO),
            block_number: Some(block),
            block_timestamp: Some(block),
            transaction_hash: Some(B256::ZERO),
            log_index: Some(index),
            ..Log::default()
        }
    }

    #[tokio::test]
    async fn a_node_that_gives_few_logs_at_a_time_is_asked_for_fewer() {
        let (asserter, provider) = node();
        asserter.push_success(&U64::from(WINDOW - 1));
        asserter.push_failure_msg("query exceeds limits");
        for _ in 0..2 {
            asserter.push_success(&Vec::<Log>::new());
        }
        assert_eq!(fetch(&provider, ESCROW, 0).await, Ok(vec![]));
        assert!(asserter.read_q().is_empty(), "two halves were asked for");
        // What is refused of one block is reported.
        asserter.push_success(&U64::from(1));
        for _ in 0..2 {
            asserter.push_failure_msg("out of order");
        }
        let error = fetch(&provider, ESCROW, 0).await.unwrap_err();
        assert_eq!(error.to_string(), "the RPC request failed: out of order");
        let source = StdError::source(&error).and_then(|source| source.downcast_ref::<RedactedError>());
        assert!(source.is_some_and(|source| source.secret().is::<TransportError>()), "{error:?}");
    }

    #[tokio::test]
    async fn windows_shrink_to_what_a_node_gives_and_grow_again() {
        let (asserter, provider) = node();
        asserter.push_failure_msg("block range too large");
        for _ in 0..2 {
            asserter.push_success(&Vec::<Log>::new());
        }
        let filter = Filter::new().address(ESCROW);
        let scan = Scan { provider: &provider, filter: &filter, window: AtomicU64::new(WINDOW) };
        scan.logs(0, WINDOW - 1).await.unwrap();
        let grown = scan.window.load(Relaxed);
        assert!(grown > WINDOW / 2 && grown < WINDOW, "{grown}");
    }

    #[tokio::test]
    async fn logs_are_put_in_order_once_and_dropped_ones_left_out() {
        let (asserter, provider) = node();
        asserter.push_success(&U64::from(5));
        let removed = Log { removed: true, ..log(3, 0) };
        asserter.push_success(&vec![log(4, 2), log(2, 9), removed, log(4, 1), log(2, 9)]);
        let entries = fetch(&provider, ESCROW, 0).await.unwrap();
        assert_eq!(entries.iter().map(|entry| entry.block).collect::<Vec<_>>(), [2, 4, 4]);
        let logs = in_order(vec![log(4, 2), log(4, 1), log(2, 9)]);
        let places: Vec<_> = logs.iter().map(|log| (log.block_number, log.log_index)).collect();
        assert_eq!(places, [(Some(2), Some(9)), (Some(4), Some(1)), (Some(4), Some(2))]);
    }

    #[tokio::test]
    async fn logs_that_nobody_asked_for_are_refused() {
        for other in [log(6, 0), Log { inner: Default::default(), ..log(1, 0) }] {
            let (asserter, provider) = node();
            asserter.push_success(&U64::from(5));
            asserter.push_success(&vec![other]);
            assert_eq!(fetch(&provider, ESCROW, 0).await, Err(Error::Malformed { what: "a log" }));
        }
    }

    #[test]
    fn a_history_begins_with_the_creation() {
        let event = Event::Rescue(RescueEvent::Finalized { final_at: 1 });
        let entry = Entry { block: 1, time: 1, transaction: B256::ZERO, event };
        let expected = Error::BrokenHistory(Inconsistent::NoCreation);
        assert_eq!(fold(ESCROW, &[entry]).unwrap_err(), expected);
        assert_eq!(fold(ESCROW, &[]).unwrap_err(), expected);
    }
}
