//! The state of one chain at the cursor, held in memory: what the logs up to there add up to.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    slice,
};

use alloy::{primitives::Address, rpc::types::Log};
use levee::{
    Entry, Error, Event, history,
    model::{Position, PositionId, Rescue, RescueEvent},
};

use crate::{
    contract::{Contract, Kind, Verdict},
    error::IndexError,
    indexer::Cursor,
    store::{Store, fold},
};

/// What is known of a chain at one block.
#[derive(Debug)]
pub(crate) struct Books {
    chain: u64,
    at: Option<Cursor>,
    contracts: BTreeMap<Address, Contract>,
    /// Those whose logs have been added up; of the others, the store has them.
    rescues: HashMap<Address, Option<Rescue>>,
}

/// What logs change.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Contracts that were not known.
    pub(crate) contracts: Vec<Contract>,
    /// The logs of genuine contracts.
    pub(crate) logs: Vec<Log>,
    /// The positions that changed, as they are now.
    pub(crate) positions: BTreeMap<(Address, PositionId), Position>,
}

impl Books {
    pub(crate) async fn load(store: &Store, chain: u64, at: Option<Cursor>) -> Result<Self, IndexError> {
        // Before an index begins, it has no rows, but there may be a board.
        let contracts = store.contracts(chain).await?.into_iter().chain([Contract::board()]);
        let contracts = contracts.map(|contract| (contract.address, contract)).collect();
        Ok(Self { chain, at, contracts, rescues: HashMap::new() })
    }

    /// Whether they are of this block.
    pub(crate) fn are_at(&self, cursor: Option<Cursor>) -> bool {
        let place = |cursor: Option<Cursor>| cursor.map(|cursor| (cursor.number, cursor.hash));
        place(self.at) == place(cursor)
    }

    /// Says that they are of this block now.
    pub(crate) const fn advance(&mut self, cursor: Cursor) {
        self.at = Some(cursor);
    }

    /// Adds the logs that follow. After an error, they must not be used any more.
    pub(crate) async fn add(&mut self, store: &Store, logs: Vec<Log>) -> Result<Changes, IndexError> {
        let mut changes = Changes::default();
        let mut changed = BTreeSet::new();
        for log in logs {
            let address = log.address();
            if log.topic0() == Some(&Event::CREATION) && !self.contracts.contains_key(&address) {
                changes.contracts.extend(self.announce(&log)?);
            }
            match self.contracts.get(&address) {
                Some(Contract { verdict: Verdict::Genuine, kind, .. }) => {
                    if *kind == Kind::Rescue {
                        changed.extend(self.add_to_rescue(store, &log).await?.map(|id| (address, id)));
                    }
                }
                // Anyone can make a contract whose events look like Levee's.
                _ => continue,
            }
            changes.logs.push(log);
        }
        changes.positions = changed.into_iter().map(|place| (place, self.position(place))).collect();
        Ok(changes)
    }

    fn announce(&mut self, log: &Log) -> Result<Vec<Contract>, IndexError> {
        let block = log.block_number.ok_or(Error::Malformed { what: "a log" })?;
        let contracts = Contract::announced(self.chain, block, log);
        self.contracts.extend(contracts.iter().map(|contract| (contract.address, *contract)));
        self.rescues.insert(log.address(), None);
        Ok(contracts)
    }

    /// Adds a log to its rescue, and tells which position it changes.
    async fn add_to_rescue(&mut self, store: &Store, log: &Log) -> Result<Option<PositionId>, IndexError> {
        let (address, entry) = (log.address(), Entry::try_from(log)?);
        if !self.rescues.contains_key(&address) {
            let last = self.at.map_or(0, |cursor| cursor.number);
            let folded = fold(&mut *store.reader().await?, self.chain, address, last).await?;
            self.rescues.insert(address, Some(folded));
        }
        add(self.rescues.entry(address).or_default(), address, &entry)?;
        Ok(entry.event.of_rescue().and_then(RescueEvent::position))
    }

    fn position(&self, (rescue, id): (Address, PositionId)) -> Position {
        let rescue = self.rescues.get(&rescue).and_then(Option::as_ref);
        rescue.map_or(Position::default(), |rescue| rescue.position(id))
    }
}

/// Adds the next event to a rescue, or begins it.
pub(crate) fn add(folded: &mut Option<Rescue>, rescue: Address, entry: &Entry) -> Result<(), IndexError> {
    let broken = |source| IndexError::HistoryBroken { rescue, number: entry.block, source };
    match (folded.as_mut(), entry.event.of_rescue()) {
        (Some(folded), Some(event)) => folded.apply(event).map_err(broken),
        // Its address emits no other events.
        (Some(_), None) => Err(Error::Malformed { what: "a log" }.into()),
        (None, _) => {
            let first = history::fold(rescue, slice::from_ref(entry)).map_err(|error| match error {
                Error::BrokenHistory(source) => broken(source),
                other => other.into(),
            });
            *folded = Some(first?);
            Ok(())
        }
    }
}
