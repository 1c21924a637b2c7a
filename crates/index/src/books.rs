//! The state of one chain at the cursor, held in memory: what the logs up to there add up to.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    slice,
};

use alloy::{primitives::Address, rpc::types::Log};
use levee::{
    Entry, Error, Event, history,
    model::{Compact, Inconsistent, Position, PositionId, Rescue, RescueEvent},
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
    /// Those rescues and compacts whose logs have been added up; of the others, the store has them.
    sums: HashMap<Address, Folded>,
}

/// What the logs of a rescue or a compact add up to, as far as each follows from those before it. One whose logs do not follow must not
/// keep the others waiting.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    sum: Option<Sum>,
    broken: Option<IndexError>,
}

/// What logs add up to.
#[derive(Debug)]
enum Sum {
    Rescue(Box<Rescue>),
    Compact(Box<Compact>),
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
    /// Rescues and compacts with a log that does not follow, which none before it did.
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
            return Err(IndexError::OtherRules { location: store.location().into(), chain });
        }
        // Before an index begins, it has no rows, but there may be a board.
        let contracts = contracts(&mut reader, chain).await?.into_iter().chain([Contract::board()]);
        let contracts = contracts.map(|contract| (contract.address, contract)).collect();
        Ok(Some(Self { chain, at, contracts, sums: HashMap::new() }))
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
        if !self.load_sums(store, &logs).await? {
            return Ok(None);
        }
        let mut changes = Changes::default();
        let mut changed = BTreeSet::new();
        for log in logs {
            let address = log.address();
            if Contract::is_announced(&log) && !self.contracts.contains_key(&address) {
                changes.contracts.extend(self.announce(&log)?);
            }
            match self.genuine(address) {
                Some(kind) if is_added_up(kind) => {
                    changed.extend(self.add_up(&log, &mut changes.broken)?.map(|id| (address, id)));
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

    /// Adds up what the store has of the rescues and compacts that logs are of. Whether the store is still where they are.
    async fn load_sums(&mut self, store: &Store, logs: &[Log]) -> Result<bool, IndexError> {
        let mut missing: BTreeSet<_> = logs.iter().map(Log::address).collect();
        missing.retain(|address| {
            self.genuine(*address).is_some_and(is_added_up) && !self.sums.contains_key(address)
        });
        if missing.is_empty() {
            return Ok(true);
        }
        let Some(mut reader) = store.reader_at(self.chain, self.at).await? else { return Ok(false) };
        for address in missing {
            self.sums.insert(address, fold(&mut reader, self.chain, address).await?);
        }
        Ok(true)
    }

    fn announce(&mut self, log: &Log) -> Result<Vec<Contract>, IndexError> {
        let block = log.block_number.ok_or(Error::Malformed { what: "a log" })?;
        let contracts = Contract::announced(self.chain, block, log);
        self.contracts.extend(contracts.iter().map(|contract| (contract.address, *contract)));
        self.sums.insert(log.address(), Folded::default());
        Ok(contracts)
    }

    /// Adds a log to its rescue or compact, and tells which position it changes.
    fn add_up(&mut self, log: &Log, broken: &mut Vec<IndexError>) -> Result<Option<PositionId>, IndexError> {
        let (address, entry) = (log.address(), Entry::try_from(log)?);
        broken.extend(self.sums.entry(address).or_default().add(address, &entry)?);
        Ok(entry.event.of_rescue().and_then(RescueEvent::position))
    }

    fn position(&self, (rescue, id): (Address, PositionId)) -> Position {
        self.sums.get(&rescue).map_or(Position::default(), |folded| folded.position(id))
    }
}

/// Whether the logs of such a contract are added up as they come.
const fn is_added_up(kind: Kind) -> bool {
    matches!(kind, Kind::Rescue | Kind::Compact)
}

impl Folded {
    /// Adds the next event, unless one before it did not follow; tells if this is the first that does not.
    pub(crate) fn add(&mut self, address: Address, entry: &Entry) -> Result<Option<IndexError>, Error> {
        if self.broken.is_some() {
            return Ok(None);
        }
        if let Err(source) = self.apply(address, entry)? {
            self.broken = Some(broken(address, entry, source));
        }
        Ok(self.broken.clone())
    }

    fn apply(&mut self, address: Address, entry: &Entry) -> Result<Result<(), Inconsistent>, Error> {
        let begun = match (&mut self.sum, &entry.event) {
            (Some(Sum::Rescue(rescue)), Event::Rescue(event)) => return Ok(rescue.apply(event)),
            (Some(Sum::Compact(compact)), Event::Compact(event)) => return Ok(compact.apply(event)),
            // Its address emits no other events.
            (Some(_), _) => return Err(Error::Malformed { what: "a log" }),
            (None, _) => begin(address, entry)?,
        };
        Ok(begun.map(|sum| self.sum = Some(sum)))
    }

    /// A position after the last event that follows.
    pub(crate) fn position(&self, id: PositionId) -> Position {
        match &self.sum {
            Some(Sum::Rescue(rescue)) => rescue.position(id),
            _ => Position::default(),
        }
    }

    /// The rescue, if all events follow.
    pub(crate) fn whole(self, rescue: Address) -> Result<Rescue, IndexError> {
        let source = Inconsistent::NoCreation;
        match (self.broken, self.sum) {
            (Some(broken), _) => Err(broken),
            (None, Some(Sum::Rescue(rescue))) => Ok(*rescue),
            (None, _) => Err(IndexError::HistoryBroken { rescue, number: 0, source }),
        }
    }

    /// The compact, if all events follow.
    pub(crate) fn whole_compact(self, compact: Address) -> Result<Compact, IndexError> {
        let source = Inconsistent::NoCreation;
        match (self.broken, self.sum) {
            (Some(broken), _) => Err(broken),
            (None, Some(Sum::Compact(compact))) => Ok(*compact),
            (None, _) => Err(IndexError::CompactBroken { compact, number: 0, source }),
        }
    }
}

/// What begins with a first event.
fn begin(address: Address, entry: &Entry) -> Result<Result<Sum, Inconsistent>, Error> {
    if let Some(event) = entry.event.of_compact() {
        return Ok(Compact::created(address, event).map(|compact| Sum::Compact(Box::new(compact))));
    }
    match history::fold(address, slice::from_ref(entry)) {
        Ok(rescue) => Ok(Ok(Sum::Rescue(Box::new(rescue)))),
        Err(Error::BrokenHistory(source)) => Ok(Err(source)),
        Err(other) => Err(other),
    }
}

/// An event that does not follow from those before it.
const fn broken(address: Address, entry: &Entry, source: Inconsistent) -> IndexError {
    let number = entry.block;
    match entry.event.of_compact() {
        Some(_) => IndexError::CompactBroken { compact: address, number, source },
        None => IndexError::HistoryBroken { rescue: address, number, source },
    }
}
