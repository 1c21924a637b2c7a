//! The state of a rescue, rebuilt from its logs alone.
//!
//! [`fetch`] reads an escrow's events, and [`fold`] turns them into the [`Rescue`] that they add up to. Its
//! views at a [`Moment`] equal the escrow's views at that time, so the logs alone
//! suffice, without a node that has the state.

use std::sync::Arc;

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes},
    providers::Provider,
    rpc::types::{Filter, Log},
};
use levee_model::{Creation, Goal, Inconsistent, Lido, Models, Moment, Rate, Rescue, RescueEvent, Timestamp};
use serde::Serialize;

use crate::{
    blueprint::{Blueprint, Contract},
    edition::Edition,
    error::Error,
    event::Event,
    immutables,
    operation::Contracts,
    pools::{self, PoolBooks},
    scan,
    snapshot::{Block, Snapshot},
};

/// Everything that happened in a rescue and its pools, up to the end of a block, and what it adds up to. Clones share it.
#[derive(Debug, Clone)]
pub struct History {
    /// The chain ID.
    pub chain: u64,
    /// The block.
    pub block: Block,
    /// The address of the escrow.
    pub address: Address,
    /// The events of the escrow and its pools, in the order of the chain.
    pub entries: Arc<Vec<Entry>>,
    /// What those of the escrow add up to.
    pub rescue: Arc<Rescue>,
    /// What those of the pools add up to.
    pub pools: Arc<PoolBooks>,
    /// What shares are worth at the block, of which logs say nothing; none if it is not known.
    pub rate: Option<Rate>,
}

impl History {
    /// What was to be reached by the original terms, and by each amendment that was proposed, in order.
    pub fn goals(&self) -> impl Iterator<Item = Goal> {
        let proposed = self.entries.iter().filter_map(|entry| match &entry.event {
            Event::Rescue(RescueEvent::AmendmentProposed { amendment }) => Some(amendment.goal),
            _ => None,
        });
        std::iter::once(Goal::from(self.rescue.terms())).chain(proposed)
    }

    /// The history of the escrow at `address`, from all events of it and its pools up to the end of a block, in order.
    ///
    /// # Errors
    /// [`Error::BrokenHistory`]; [`Error::Malformed`] if the amounts in the logs of the pools cannot be.
    pub fn of(chain: u64, block: Block, address: Address, entries: Vec<Entry>) -> Result<Self, Error> {
        let rescue = fold(address, &entries)?;
        let mut pools = PoolBooks::default();
        entries.iter().try_for_each(|entry| pools.apply(&entry.event))?;
        let (entries, rescue, pools) = (Arc::new(entries), Arc::new(rescue), Arc::new(pools));
        Ok(Self { chain, block, address, entries, rescue, pools, rate: None })
    }

    /// The history of the rescue that a snapshot is of, up to its block. The node must have the logs since the rescue was created.
    ///
    /// What they add up to must be what the contracts say in the snapshot, so a node that leaves out what changed the rescue or its pools
    /// is found. What changed only one account, a refund or a claim, it could leave out.
    ///
    /// # Errors
    /// [`Error::Rpc`], [`Error::Malformed`]; [`Error::BrokenHistory`]; [`Error::HistoryDiffers`].
    pub async fn read(provider: &impl Provider, snapshot: &Snapshot) -> Result<Self, Error> {
        let Contracts { escrow, recovery, bonus, .. } = snapshot.contracts;
        let filter = Filter::new().address(vec![escrow, recovery, bonus]);
        let (first, last) = (snapshot.rescue.created_block, snapshot.block.number);
        let logs = scan::logs(provider, &filter, first, last).await?;
        let history = Self::of(snapshot.chain, snapshot.block, escrow, entries(&logs)?)?;
        let history = Self { rate: snapshot.rescue.rate.known(), ..history };
        match history.agrees(snapshot) {
            true => Ok(history),
            false => Err(Error::HistoryDiffers { rescue: escrow, block: last }),
        }
    }

    /// The moment of the block, as the rules see it. If the rate is not known, nothing can be said of an open rescue's coverage, as
    /// if stETH did not answer.
    pub fn moment(&self) -> Moment {
        Moment { time: self.block.time, lido: self.rate.map_or(Lido::Broken, Lido::Working) }
    }

    /// The edition of its contracts, which its address follows from.
    ///
    /// # Errors
    /// [`Error::Unencodable`] if a deadline exceeds what a contract can hold.
    pub fn edition(&self) -> Result<Edition, Error> {
        let blueprint = Blueprint::escrow(self.rescue.terms())?;
        Ok(blueprint.edition_at(self.address).unwrap_or(blueprint.edition()))
    }

    /// The code that is at the address of the escrow, as follows from its terms and its edition.
    ///
    /// # Errors
    /// Like [`edition`](Self::edition).
    pub fn code(&self) -> Result<Bytes, Error> {
        let code = self.edition()?.code(Contract::PledgeEscrow);
        Ok(code.created_with(&immutables::of_escrow(self.rescue.terms())).into())
    }

    /// The models of the escrow and its pools at the block.
    ///
    /// # Errors
    /// [`Error::NotReconciled`] if what the events of the pools report is not what the rules give.
    pub fn models(&self) -> Result<Models, Error> {
        pools::models(self).map_err(|reason| Error::NotReconciled { rescue: self.address, reason })
    }

    fn agrees(&self, snapshot: &Snapshot) -> bool {
        let received = |order| self.pools.received.get(&order).copied().unwrap_or_default();
        let mut groups = snapshot.recovery.iter().flat_map(|view| &view.groups);
        self.rescue.view(snapshot.moment()) == snapshot.rescue
            && self.pools.bonus == snapshot.bonus.unwrap_or_default()
            && groups.all(|group| received(group.order) == group.received)
    }
}

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
