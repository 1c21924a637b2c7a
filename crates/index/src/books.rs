//! The state of one chain at the cursor, held in memory: what the logs up to there add up to.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    slice,
};

use alloy::{primitives::Address, rpc::types::Log};
use levee::{
    Entry, Error, Event, history,
    model::{Inconsistent, Position, PositionId, Rescue, RescueEvent},
};

use crate::{
    contract::{self, Contract, Kind, Verdict},
    error::IndexError,
    indexer::Cursor,
    store::{Store, contracts, fold, rules},
};

/// What is known of a chain at one block.
#[derive(Debug)]
pub(crate) struct Books {
    chain: u64,
    at: Option<Cursor>,
    contracts: BTreeMap<Address, Contract>,
    /// Those whose logs have been added up; of the others, the store has them.
    rescues: HashMap<Address, Folded>,
}

/// What the logs of a rescue add up to, as far as each follows from those before it. One whose logs do not follow must not keep the
/// others waiting.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    rescue: Option<Rescue>,
    broken: Option<IndexError>,
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
    /// Rescues with a log that does not follow, which none before it did.
    pub(crate) broken: Vec<IndexError>,
}

impl Books {
    /// What a store has at this block; none if it is elsewhere, because another process wrote to it.
    pub(crate) async fn load(
        store: &Store,
        chain: u64,
        at: Option<Cursor>,
    ) -> Result<Option<Self>, IndexError> {
        let Some(mut reader) = store.reader_at(chain, at).await? else { return Ok(None) };
        if at.is_some() && rules(&mut reader, chain).await? != Some(contract::rules()) {
            return Err(IndexError::OtherRules { chain });
        }
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
                Some(Kind::Rescue) => {
                    changed.extend(self.add_to_rescue(&log, &mut changes.broken)?.map(|id| (address, id)));
                }
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
            self.rescues.insert(rescue, fold(&mut reader, self.chain, rescue).await?);
        }
        Ok(true)
    }

    fn announce(&mut self, log: &Log) -> Result<Vec<Contract>, IndexError> {
        let block = log.block_number.ok_or(Error::Malformed { what: "a log" })?;
        let contracts = Contract::announced(self.chain, block, log);
        self.contracts.extend(contracts.iter().map(|contract| (contract.address, *contract)));
        self.rescues.insert(log.address(), Folded::default());
        Ok(contracts)
    }

    /// Adds a log to its rescue, and tells which position it changes.
    fn add_to_rescue(
        &mut self,
        log: &Log,
        broken: &mut Vec<IndexError>,
    ) -> Result<Option<PositionId>, IndexError> {
        let (address, entry) = (log.address(), Entry::try_from(log)?);
        broken.extend(self.rescues.entry(address).or_default().add(address, &entry)?);
        Ok(entry.event.of_rescue().and_then(RescueEvent::position))
    }

    fn position(&self, (rescue, id): (Address, PositionId)) -> Position {
        self.rescues.get(&rescue).map_or(Position::default(), |folded| folded.position(id))
    }
}

impl Folded {
    /// Adds the next event, unless one before it did not follow; tells if this is the first that does not.
    pub(crate) fn add(&mut self, rescue: Address, entry: &Entry) -> Result<Option<IndexError>, Error> {
        if self.broken.is_some() {
            return Ok(None);
        }
        if let Err(source) = self.apply(rescue, entry)? {
            self.broken = Some(IndexError::HistoryBroken { rescue, number: entry.block, source });
        }
        Ok(self.broken.clone())
    }

    fn apply(&mut self, rescue: Address, entry: &Entry) -> Result<Result<(), Inconsistent>, Error> {
        match (self.rescue.as_mut(), entry.event.of_rescue()) {
            (Some(folded), Some(event)) => Ok(folded.apply(event)),
            // Its address emits no other events.
            (Some(_), None) => Err(Error::Malformed { what: "a log" }),
            (None, _) => match history::fold(rescue, slice::from_ref(entry)) {
                Ok(folded) => {
                    self.rescue = Some(folded);
                    Ok(Ok(()))
                }
                Err(Error::BrokenHistory(source)) => Ok(Err(source)),
                Err(other) => Err(other),
            },
        }
    }

    /// A position after the last event that follows.
    pub(crate) fn position(&self, id: PositionId) -> Position {
        self.rescue.as_ref().map_or(Position::default(), |rescue| rescue.position(id))
    }

    /// The rescue, if all events follow.
    pub(crate) fn whole(self, rescue: Address) -> Result<Rescue, IndexError> {
        let source = Inconsistent::NoCreation;
        match self.broken {
            Some(broken) => Err(broken),
            None => self.rescue.ok_or(IndexError::HistoryBroken { rescue, number: 0, source }),
        }
    }
}
