//! The state of a rescue, rebuilt from its logs alone.
//!
//! [`fetch`] reads an escrow's events, and [`fold`] turns them into the [`Rescue`] that they add up to. Its
//! views at a [`Moment`](levee_model::Moment) equal the escrow's views at that time, so the logs alone
//! suffice, without a node that has the state.

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::{Filter, Log},
    transports::RpcError,
};
use levee_model::{Creation, Inconsistent, Rescue, Timestamp};
use serde::Serialize;

use crate::{error::Error, event::Event};

/// Number of blocks in the first request for logs: halved each time a node refuses, down to one.
const WINDOW: u64 = 10_000;

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
    let mut entries = Vec::new();
    let (mut first, mut window) = (from_block, WINDOW);
    while first <= end {
        let last = end.min(first.saturating_add(window - 1));
        let logs = match provider.get_logs(&filter.clone().from_block(first).to_block(last)).await {
            Ok(logs) => logs,
            // Nodes limit the blocks or the results of a request, each with a different limit and a
            // different message.
            Err(RpcError::ErrorResp(_)) if window > 1 => {
                window /= 2;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for log in logs {
            entries.push(entry(provider, &log).await?);
        }
        first = last + 1;
    }
    Ok(entries)
}

async fn number_of(provider: &impl Provider, block: BlockId) -> Result<u64, Error> {
    if block.is_latest() {
        return Ok(provider.get_block_number().await?);
    }
    let found = provider.get_block(block).await?.ok_or(Error::Malformed { what: "a block" })?;
    Ok(found.header.number)
}

/// Not every node gives a log its time.
async fn entry(provider: &impl Provider, log: &Log) -> Result<Entry, Error> {
    let malformed = Error::Malformed { what: "a log" };
    let (Some(block), Some(transaction)) = (log.block_number, log.transaction_hash) else {
        return Err(malformed);
    };
    let time = match log.block_timestamp {
        Some(time) => time,
        None => {
            let block = provider.get_block_by_number(BlockNumberOrTag::Number(block)).await?;
            block.ok_or(malformed)?.header.timestamp
        }
    };
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
    use crate::redacted::RedactedError;
    use alloy::{
        primitives::U64,
        providers::ProviderBuilder,
        transports::{TransportError, mock::Asserter},
    };
    use levee_model::RescueEvent;

    const ESCROW: Address = Address::repeat_byte(0xe5);

    #[tokio::test]
    async fn a_node_that_gives_few_logs_at_a_time_is_asked_for_fewer() {
        let asserter = Asserter::new();
        asserter.push_success(&U64::from(WINDOW - 1));
        asserter.push_failure_msg("query exceeds limits");
        for _ in 0..2 {
            asserter.push_success(&Vec::<Log>::new());
        }
        let provider = ProviderBuilder::new().connect_mocked_client(asserter.clone());
        assert_eq!(fetch(&provider, ESCROW, 0).await, Ok(vec![]));
        assert!(asserter.read_q().is_empty(), "two halves were asked for");
        // After thirteen halvings the range is one block, and any other error is reported.
        asserter.push_success(&U64::from(1));
        for _ in 0..14 {
            asserter.push_failure_msg("out of order");
        }
        let error = fetch(&provider, ESCROW, 0).await.unwrap_err();
        assert_eq!(error.to_string(), "the RPC request failed: out of order");
        let source = StdError::source(&error).and_then(|source| source.downcast_ref::<RedactedError>());
        assert!(source.is_some_and(|source| source.secret().is::<TransportError>()), "{error:?}");
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
