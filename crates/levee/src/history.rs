//! The state of a rescue, rebuilt from its logs alone.
//!
//! [`fetch`] reads an escrow's events, and [`fold`] turns them into the [`Rescue`] that they add up to. Its
//! views at a [`Moment`](levee_model::Moment) equal the escrow's views at that time, so the logs alone
//! suffice, without a node that has the state.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::{Filter, Log},
};
use levee_model::{Creation, Inconsistent, Rescue, Timestamp};
use serde::Serialize;

use crate::{error::Error, event::Event, scan};

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
    let last = scan::number_of(provider, block).await?;
    entries(&scan::logs(provider, &Filter::new().address(address), from_block, last).await?)
}

/// The events in logs.
pub(crate) fn entries(logs: &[Log]) -> Result<Vec<Entry>, Error> {
    logs.iter().map(Entry::try_from).collect()
}

impl TryFrom<&Log> for Entry {
    type Error = Error;

    fn try_from(log: &Log) -> Result<Self, Error> {
        let placed = || Some((log.block_number?, log.block_timestamp?, log.transaction_hash?));
        let (block, time, transaction) = placed().ok_or(Error::Malformed { what: "a log" })?;
        Ok(Self { block, time, transaction, event: Event::decode(&log.inner)? })
    }
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
    use super::*;
    use levee_model::RescueEvent;

    const ESCROW: Address = Address::repeat_byte(0xe5);

    #[test]
    fn a_history_begins_with_the_creation() {
        let event = Event::Rescue(RescueEvent::Finalized { final_at: 1 });
        let entry = Entry { block: 1, time: 1, transaction: B256::ZERO, event };
        let expected = Error::BrokenHistory(Inconsistent::NoCreation);
        assert_eq!(fold(ESCROW, &[entry]).unwrap_err(), expected);
        assert_eq!(fold(ESCROW, &[]).unwrap_err(), expected);
    }
}
