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
    store::{Store, contracts, fold},
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
    /// What a store has at this block; none if it is elsewhere, because another process wrote to it.
    pub(crate) async fn load(
        store: &Store,
        chain: u64,
        at: Option<Cursor>,
    ) -> Result<Option<Self>, IndexError> {
        let Some(mut reader) = store.reader_at(chain, at).await? else { return Ok(None) };
        // Before an index begins, it has no rows, but there may be a board.
        let contracts = contracts(&mut reader, chain).await?.into_iter().chain([Contract::board()]);
        let contracts = contracts.map(|contract| (contract.address, contract)).collect();
        Ok(Some(Self { chain, at, contracts, rescues: HashMap::new() }))
    }

    /// Whether they are of this block.
    pub(crate) fn are_at(&self, cursor: Option<Cursor>) -> bool {
        self.at == cursor
    }

    /// Says that they are of this block now.
    pub(crate) const fn advance(&mut self, cursor: Cursor) {
        self.at = Some(cursor);
    }

    /// Adds the logs that follow; none if the store is elsewhere by now. Unless there are changes, they must not be used any more.
    pub(crate) async fn add(&mut self, store: &Store, logs: Vec<Log>) -> Result<Option<Changes>, IndexError> {
        if !self.load_rescues(store, &logs).await? {
            return Ok(None);
        }
        let mut changes = Changes::default();
        let mut changed = BTreeSet::new();
        for log in logs {
            let address = log.address();
            if log.topic0() == Some(&Event::CREATION) && !self.contracts.contains_key(&address) {
                changes.contracts.extend(self.announce(&log)?);
            }
            match self.genuine(address) {
                Some(Kind::Rescue) => changed.extend(self.add_to_rescue(&log)?.map(|id| (address, id))),
                Some(_) => {}
                // Anyone can make a contract whose events look like Levee's.
                None => continue,
            }
            changes.logs.push(log);
        }
        changes.positions = changed.into_iter().map(|place| (place, self.position(place))).collect();
        Ok(Some(changes))
    }

    /// What a contract is, if it is known and genuine.
    fn genuine(&self, address: Address) -> Option<Kind> {
        let contract = self.contracts.get(&address);
        contract.filter(|contract| contract.verdict == Verdict::Genuine).map(|contract| contract.kind)
    }

    /// Adds up what the store has of the rescues that logs are of. Whether the store is still where they are.
    async fn load_rescues(&mut self, store: &Store, logs: &[Log]) -> Result<bool, IndexError> {
        let mut missing: BTreeSet<_> = logs.iter().map(Log::address).collect();
        missing.retain(|&rescue| {
            self.genuine(rescue) == Some(Kind::Rescue) && !self.rescues.contains_key(&rescue)
        });
        if missing.is_empty() {
            return Ok(true);
        }
        let Some(mut reader) = store.reader_at(self.chain, self.at).await? else { return Ok(false) };
        for rescue in missing {
            let folded = fold(&mut reader, self.chain, rescue).await?;
            self.rescues.insert(rescue, Some(folded));
        }
        Ok(true)
    }

    fn announce(&mut self, log: &Log) -> Result<Vec<Contract>, IndexError> {
        let block = log.block_number.ok_or(Error::Malformed { what: "a log" })?;
        let contracts = Contract::announced(self.chain, block, log);
        self.contracts.extend(contracts.iter().map(|contract| (contract.address, *contract)));
        self.rescues.insert(log.address(), None);
        Ok(contracts)
    }

    /// Adds a log to its rescue, and tells which position it changes.
    fn add_to_rescue(&mut self, log: &Log) -> Result<Option<PositionId>, IndexError> {
        let (address, entry) = (log.address(), Entry::try_from(log)?);
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
