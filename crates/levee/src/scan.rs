//! Searches for logs, in windows that fit the node. They may go on where they were cut off.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::{self, Future},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use alloy::{
    eips::{BlockId, BlockNumHash, BlockNumberOrTag},
    primitives::B256,
    providers::Provider,
    rpc::types::{Filter, Log},
    transports::{RpcError, TransportError, TransportErrorKind},
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use levee_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{error::Error, provider::LOCAL_CHAIN, redacted::RedactedError};

/// How many blocks the first request for logs covers. The next covers more if the node answers, and half if it refuses.
const WINDOW: u64 = 10_000;

/// 2026-09-10, when the compiler that makes the contracts was released: there are none in a block before.
/// See <https://github.com/argotorg/solidity/releases/tag/v0.8.37>.
const COMPILER_RELEASED: Timestamp = 1_788_998_400;

/// How many blocks a request covers at most.
const LARGEST_WINDOW: u64 = 1_000_000;

/// How many requests are under way at a time.
const AT_ONCE: usize = 4;

/// Keeps what a scan has read, so that it goes on from there when it is repeated. Only finalized blocks are kept, which the chain
/// does not drop; whatever the nodes told of them is believed again.
///
/// A scan is known by its chain and a text that says what it looks for.
pub trait ScanStore: fmt::Debug + Send + Sync {
    /// All parts of a scan that were kept, by their first blocks.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn parts(&self, chain: u64, scan: &str) -> impl Future<Output = Result<Vec<Part>, Error>> + Send;

    /// Keeps one more part. If one with the same first block is kept already, either may stay.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn keep(&self, chain: u64, scan: &str, part: &Part) -> impl Future<Output = Result<(), Error>> + Send;

    /// Keeps nothing of a scan any more.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn forget(&self, chain: u64, scan: &str) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Finalized blocks that a scan has read, and all that it found in them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The block where the whole scan began.
    pub begin: u64,
    /// The first block.
    pub first: u64,
    /// The last block.
    pub last: u64,
    /// A block that was finalized then, and not before the last: while the chain has it, it has these.
    pub finalized: BlockNumHash,
    /// The logs, in order, each with the time of its block.
    pub logs: Vec<Log>,
}

/// What to look for, and from where on.
#[derive(Debug, Serialize)]
pub(crate) struct Search {
    pub(crate) filter: Filter,
    pub(crate) begin: Begin,
}

/// Where a scan begins.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) enum Begin {
    /// At this block.
    Block(u64),
    /// Not after the first block of this time.
    Time(Timestamp),
}

/// How many blocks a node answers for in one request, as far as it is known. Who keeps it between scans does not have to find it
/// out again.
#[derive(Debug)]
pub struct Window(AtomicU64);

impl Default for Window {
    fn default() -> Self {
        Self(AtomicU64::new(WINDOW))
    }
}

impl Begin {
    /// At a block of the chain `chain`; if none is given, where there can be logs of Levee's contracts.
    pub(crate) fn of(chain: u64, block: Option<u64>) -> Self {
        match block {
            Some(block) => Self::Block(block),
            // Its clock is nobody's.
            None if chain == LOCAL_CHAIN => Self::Block(0),
            None => Self::Time(COMPILER_RELEASED),
        }
    }

    async fn block(self, provider: &impl Provider, last: u64) -> Result<u64, Error> {
        match self {
            Self::Block(first) => Ok(first),
            Self::Time(time) => block_before(provider, time, last).await,
        }
    }
}

/// A block of the chain `chain` before which there are no logs of Levee's contracts; of those up to `last`.
///
/// # Errors
/// [`Error::Rpc`]; [`Error::Malformed`] if the node does not have the blocks among which it is looked for.
pub async fn first_block(provider: &impl Provider, chain: u64, last: u64) -> Result<u64, Error> {
    Begin::of(chain, None).block(provider, last).await
}

/// The logs that match a filter in the blocks from `first` to `last`, in order, each with the time of its block.
///
/// # Errors
/// [`Error::Rpc`]; [`Error::Malformed`] if the node answers with logs that were not asked for.
pub async fn logs_in(
    provider: &impl Provider,
    filter: &Filter,
    (first, last): (u64, u64),
    window: &Window,
) -> Result<Vec<Log>, Error> {
    in_windows(provider, filter, (first, last), window, async |_, _, _| Ok(())).await
}

/// The logs of one block that match a filter, in order. A node that refuses so many is asked for the receipts of the block, which
/// cannot be too many: anyone could fill a block with logs that look like those that are looked for.
///
/// # Errors
/// [`Error::Rpc`]; [`Error::Malformed`] if the node answers with logs that were not asked for, or that the chain dropped.
pub async fn logs_of_block(provider: &impl Provider, filter: &Filter, hash: B256) -> Result<Vec<Log>, Error> {
    let filter = filter.clone().at_block_hash(hash);
    let found = match provider.get_logs(&filter).await {
        Ok(found) => found,
        Err(refused) => by_receipts(provider, &filter, BlockId::hash(hash), refused).await?,
    };
    let is_of_block = |log: &Log| log.block_hash == Some(hash) && !log.removed && filter.rpc_matches(log);
    if found.iter().all(is_of_block) { in_order(found) } else { Err(Error::Malformed { what: "a log" }) }
}

/// The logs of a block that match a filter, by its receipts, where the node has refused to look for them.
async fn by_receipts(
    provider: &impl Provider,
    filter: &Filter,
    block: BlockId,
    refused: TransportError,
) -> Result<Vec<Log>, TransportError> {
    if !is_too_much(&refused) {
        return Err(refused);
    }
    let Ok(Some(receipts)) = provider.get_block_receipts(block).await else { return Err(refused) };
    let logs = receipts.iter().flat_map(|receipt| receipt.logs());
    Ok(logs.filter(|log| filter.rpc_matches(log)).cloned().collect())
}

/// The same for a scan that is not repeated.
pub(crate) async fn logs(
    provider: &impl Provider,
    filter: &Filter,
    first: u64,
    last: u64,
) -> Result<Vec<Log>, Error> {
    logs_in(provider, filter, (first, last), &Window::default()).await
}

impl Search {
    /// The logs up to the block `last`, in order, each with the time of its block.
    pub(crate) async fn logs(&self, provider: &impl Provider, last: u64) -> Result<Vec<Log>, Error> {
        logs(provider, &self.filter, self.begin.block(provider, last).await?, last).await
    }

    /// The same, but what the store has of the chain's finalized blocks is not asked for again.
    pub(crate) async fn kept_logs(
        &self,
        provider: &impl Provider,
        last: u64,
        (chain, store): (u64, &impl ScanStore),
    ) -> Result<Vec<Log>, Error> {
        let scan = serde_json::to_string(self)
            .map_err(|error| Error::Journal { source: RedactedError::new(error) })?;
        let parts = still_true(provider, &scan, (chain, store)).await?;
        let (begin, mut next) = match parts.last() {
            Some(part) => (part.begin, part.last + 1),
            None => {
                let first = self.begin.block(provider, last).await?;
                (first, first)
            }
        };
        let mut logs: Vec<_> = parts.into_iter().flat_map(|part| part.logs).collect();
        if let Some(finalized) = finalized(provider).await {
            let keep = async |first, last, logs: &[Log]| {
                let part = Part { begin, first, last, finalized, logs: logs.to_vec() };
                store.keep(chain, &scan, &part).await
            };
            let (blocks, window) = ((next, last.min(finalized.number)), Window::default());
            logs.extend(in_windows(provider, &self.filter, blocks, &window, keep).await?);
            next = next.max(finalized.number + 1);
        }
        logs.extend(self::logs(provider, &self.filter, next, last).await?);
        logs.retain(|log| log.block_number <= Some(last));
        Ok(logs)
    }
}

/// The parts that were kept, without a gap, if the chain is still the one that they are of.
async fn still_true(
    provider: &impl Provider,
    scan: &str,
    (chain, store): (u64, &impl ScanStore),
) -> Result<Vec<Part>, Error> {
    let parts = without_gap(store.parts(chain, scan).await?);
    let Some(Part { finalized, .. }) = parts.last() else { return Ok(parts) };
    let block = provider.get_block_by_number(finalized.number.into()).await?;
    if block.is_some_and(|block| block.header.hash == finalized.hash) {
        return Ok(parts);
    }
    // Another chain with the same ID, such as a local one that was started again.
    store.forget(chain, scan).await?;
    Ok(Vec::new())
}

/// The parts that follow on each other, from the begin on. They are kept as they are read, several at a time, and by two commands at
/// once, so some may be missing, and some may overlap.
fn without_gap(parts: Vec<Part>) -> Vec<Part> {
    let mut next = parts.iter().find(|part| part.first == part.begin).map(|part| part.first);
    let follows = |part: &Part| {
        let follows = next == Some(part.first);
        next = if follows { Some(part.last + 1) } else { next };
        follows
    };
    parts.into_iter().filter(follows).collect()
}

/// The latest finalized block; none where the node does not tell.
async fn finalized(provider: &impl Provider) -> Option<BlockNumHash> {
    let header = provider.get_block(BlockId::finalized()).await.ok()??.header;
    Some(BlockNumHash { number: header.number, hash: header.hash })
}

/// A block that is not after the first one of `time`, and less than a window before it; of those up to `last`. It is looked for from
/// there backward, because nodes may have dropped old blocks.
async fn block_before(provider: &impl Provider, time: Timestamp, last: u64) -> Result<u64, Error> {
    let (mut after, mut distance) = (last, WINDOW);
    let mut before = last.saturating_sub(distance);
    while before > 0 && time_of(provider, before).await? >= time {
        (after, distance) = (before, distance.saturating_mul(4));
        before = last.saturating_sub(distance);
    }
    while after - before > WINDOW {
        let middle = before + (after - before) / 2;
        *(if time_of(provider, middle).await? < time { &mut before } else { &mut after }) = middle;
    }
    Ok(before)
}

/// The logs in these blocks, in order. What each request finds is given to `keep`, in no order.
async fn in_windows(
    provider: &impl Provider,
    filter: &Filter,
    (first, end): (u64, u64),
    window: &Window,
    keep: impl AsyncFn(u64, u64, &[Log]) -> Result<(), Error>,
) -> Result<Vec<Log>, Error> {
    let scan = Scan { provider, filter, window: &window.0, keep };
    let windows = stream::unfold(first, |first| {
        let last = end.min(first.saturating_add(scan.window.load(Relaxed) - 1));
        future::ready((first <= end).then_some(((first, last), last + 1)))
    });
    let found = windows.map(|(first, last)| scan.logs(first, last));
    found.buffered(AT_ONCE).try_concat().await
}

/// A search for logs, in windows that fit the node: nodes limit the blocks or the results of a request, each with a
/// different limit and a different message.
struct Scan<'a, P, K> {
    provider: &'a P,
    filter: &'a Filter,
    window: &'a AtomicU64,
    keep: K,
}

impl<P: Provider, K: AsyncFn(u64, u64, &[Log]) -> Result<(), Error>> Scan<'_, P, K> {
    /// The logs from block `first` to block `last`; asks for half as many as long as the node refuses.
    async fn logs(&self, first: u64, last: u64) -> Result<Vec<Log>, Error> {
        let (mut logs, mut rest) = (Vec::new(), vec![(first, last)]);
        while let Some((first, last)) = rest.pop() {
            let filter = self.filter.clone().from_block(first).to_block(last);
            let blocks = last - first + 1;
            let found = match self.provider.get_logs(&filter).await {
                Err(refused) if blocks == 1 => {
                    by_receipts(self.provider, &filter, BlockId::number(first), refused).await
                }
                found => found,
            };
            match found {
                Ok(found) if found.iter().all(|log| filter.rpc_matches(log)) => {
                    self.window.fetch_max((blocks + blocks / 4 + 1).min(LARGEST_WINDOW), Relaxed);
                    let found = with_times(self.provider, in_order(found)?).await?;
                    (self.keep)(first, last, &found).await?;
                    logs.extend(found);
                }
                Ok(_) => return Err(Error::Malformed { what: "a log" }),
                Err(refused) if blocks > 1 && is_too_much(&refused) => {
                    self.window.store(blocks / 2, Relaxed);
                    let middle = first + blocks / 2;
                    rest.extend([(middle, last), (first, middle - 1)]);
                }
                Err(refused) => return Err(refused.into()),
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
///
/// # Errors
/// [`Error::Malformed`] if there are two in one place.
fn in_order(mut logs: Vec<Log>) -> Result<Vec<Log>, Error> {
    let place = |log: &Log| (log.block_number, log.log_index);
    logs.retain(|log| !log.removed);
    logs.sort_by_key(place);
    logs.dedup();
    let is_placed = logs.windows(2).all(|pair| place(&pair[0]) != place(&pair[1]));
    is_placed.then_some(logs).ok_or(Error::Malformed { what: "a log" })
}

/// The logs with the times of their blocks, which not every node gives; some give zero.
async fn with_times(provider: &impl Provider, mut logs: Vec<Log>) -> Result<Vec<Log>, Error> {
    logs.iter_mut().for_each(|log| log.block_timestamp = log.block_timestamp.filter(|&time| time > 0));
    let without = logs.iter().filter(|log| log.block_timestamp.is_none());
    let blocks: BTreeSet<u64> = without.filter_map(|log| log.block_number).collect();
    let times =
        stream::iter(blocks).map(async |number| Ok::<_, Error>((number, time_of(provider, number).await?)));
    let times: BTreeMap<_, _> = times.buffered(AT_ONCE).try_collect().await?;
    for log in &mut logs {
        log.block_timestamp = log.block_timestamp.or_else(|| times.get(&log.block_number?).copied());
    }
    Ok(logs)
}

async fn time_of(provider: &impl Provider, number: u64) -> Result<Timestamp, Error> {
    let block = provider.get_block_by_number(BlockNumberOrTag::Number(number)).await?;
    Ok(block.ok_or(Error::Malformed { what: "a block" })?.header.timestamp)
}

/// The number of a block.
pub(crate) async fn number_of(provider: &impl Provider, block: BlockId) -> Result<u64, Error> {
    if block.is_latest() {
        return Ok(provider.get_block_number().await?);
    }
    let found = provider.get_block(block).await?.ok_or(Error::Malformed { what: "a block" })?;
    Ok(found.header.number)
}

#[cfg(test)]
mod tests {
    use std::error::Error as StdError;

    use super::*;
    use crate::bindings::PledgeEscrow;
    use alloy::{
        consensus::{Receipt, ReceiptEnvelope},
        primitives::{Address, aliases::U40},
        providers::ProviderBuilder,
        rpc::types::{Block, TransactionReceipt},
        sol_types::SolEvent as _,
        transports::mock::Asserter,
    };

    const ESCROW: Address = Address::repeat_byte(0xe5);

    fn node() -> (Asserter, impl Provider) {
        let asserter = Asserter::new();
        (asserter.clone(), ProviderBuilder::new().connect_mocked_client(asserter))
    }

    /// What is found up to a block.
    async fn found(provider: &impl Provider, last: u64) -> Result<Vec<Log>, Error> {
        logs(provider, &Filter::new().address(ESCROW), 0, last).await
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
        asserter.push_failure_msg("query exceeds limits");
        for _ in 0..2 {
            asserter.push_success(&Vec::<Log>::new());
        }
        assert_eq!(found(&provider, WINDOW - 1).await, Ok(vec![]));
        assert!(asserter.read_q().is_empty(), "two halves were asked for");
        // What is refused of one block is reported, if the node does not give its receipts either.
        for _ in 0..3 {
            asserter.push_failure_msg("out of order");
        }
        let error = found(&provider, 1).await.unwrap_err();
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
        let scan = Scan {
            provider: &provider,
            filter: &filter,
            window: &AtomicU64::new(WINDOW),
            keep: async |_, _, _: &[Log]| Ok(()),
        };
        scan.logs(0, WINDOW - 1).await.unwrap();
        let grown = scan.window.load(Relaxed);
        assert!(grown > WINDOW / 2 && grown < WINDOW, "{grown}");
    }

    #[tokio::test]
    async fn logs_are_put_in_order_once_and_dropped_ones_left_out() {
        let (asserter, provider) = node();
        let removed = Log { removed: true, ..log(3, 0) };
        asserter.push_success(&vec![log(4, 2), log(2, 9), removed, log(4, 1), log(2, 9)]);
        let logs = found(&provider, 5).await.unwrap();
        let places: Vec<_> = logs.iter().map(|log| (log.block_number, log.log_index)).collect();
        assert_eq!(places, [(Some(2), Some(9)), (Some(4), Some(1)), (Some(4), Some(2))]);
    }

    #[tokio::test]
    async fn a_block_with_more_logs_than_a_node_gives_is_read_by_its_receipts() {
        let other = Log { inner: Default::default(), ..log(3, 2) };
        let wanted = [log(3, 0), log(3, 1)];
        for by_hash in [false, true] {
            let (asserter, provider) = node();
            asserter.push_failure_msg("query returned more than 10000 results");
            asserter.push_success(&vec![receipt(vec![log(3, 1)]), receipt(vec![other.clone(), log(3, 0)])]);
            let filter = Filter::new().address(ESCROW);
            let found = match by_hash {
                true => logs_of_block(&provider, &filter, B256::ZERO).await,
                false => logs(&provider, &filter, 3, 3).await,
            };
            assert_eq!(found.unwrap(), wanted);
        }
    }

    fn receipt(logs: Vec<Log>) -> TransactionReceipt {
        let receipt = Receipt { status: true.into(), cumulative_gas_used: 0, logs };
        TransactionReceipt {
            inner: ReceiptEnvelope::Legacy(receipt.into()),
            transaction_hash: B256::ZERO,
            transaction_index: None,
            block_hash: None,
            block_number: None,
            gas_used: 0,
            effective_gas_price: 0,
            blob_gas_used: None,
            blob_gas_price: None,
            from: Address::ZERO,
            to: None,
            contract_address: None,
        }
    }

    #[tokio::test]
    async fn two_logs_in_one_place_are_refused() {
        let (asserter, provider) = node();
        asserter.push_success(&vec![log(3, 0), Log { transaction_hash: None, ..log(3, 0) }]);
        assert_eq!(found(&provider, 5).await, Err(Error::Malformed { what: "a log" }));
    }

    #[tokio::test]
    async fn logs_that_nobody_asked_for_are_refused() {
        for other in [log(6, 0), Log { inner: Default::default(), ..log(1, 0) }] {
            let (asserter, provider) = node();
            asserter.push_success(&vec![other]);
            assert_eq!(found(&provider, 5).await, Err(Error::Malformed { what: "a log" }));
        }
    }

    #[tokio::test]
    async fn the_time_of_a_block_is_asked_for_where_a_log_has_none() {
        for block_timestamp in [None, Some(0)] {
            let (asserter, provider) = node();
            asserter.push_success(&vec![Log { block_timestamp, ..log(3, 0) }]);
            asserter.push_success(&block(3, 77));
            assert_eq!(found(&provider, 5).await.unwrap()[0].block_timestamp, Some(77));
        }
    }

    fn block(number: u64, timestamp: u64) -> Block {
        let mut block: Block = Block::default();
        (block.header.inner.number, block.header.inner.timestamp) = (number, timestamp);
        block
    }

    #[tokio::test]
    async fn a_scan_begins_at_most_a_window_before_its_time() {
        let (asserter, provider) = node();
        // A block each 10 seconds, and the time of block 45,000. Backward until one is before it, then half by half.
        for number in [90_000, 60_000, 30_000, 45_000, 37_500] {
            asserter.push_success(&block(number, number * 10));
        }
        assert_eq!(block_before(&provider, 450_000, 100_000).await, Ok(37_500));
        assert!(asserter.read_q().is_empty(), "all were asked for");
        // A chain that is shorter is read from its first block, and one that ends before that time nearly from its last.
        assert_eq!(block_before(&provider, 450_000, WINDOW).await, Ok(0));
        asserter.push_success(&block(90_000, 449_999));
        assert_eq!(block_before(&provider, 450_000, 100_000).await, Ok(90_000));
    }

    #[test]
    fn only_parts_without_a_gap_count() {
        let finalized = BlockNumHash::default();
        let part = |(first, last)| Part { begin: 5, first, last, finalized, logs: Vec::new() };
        let counted = |kept: &[_]| without_gap(kept.iter().copied().map(part).collect());
        let overlapping = [(5, 9), (10, 20), (12, 14), (15, 30), (21, 25), (27, 40)];
        assert_eq!(counted(&overlapping), [(5, 9), (10, 20), (21, 25)].map(part));
        assert_eq!(counted(&[(10, 20), (21, 25)]), []);
        assert_eq!(counted(&[(2, 4), (5, 9)]), [part((5, 9))]);
        assert_eq!(counted(&[]), []);
    }
}
