//! The rescues and compacts that a service looks after, as the index has them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy::{
    eips::BlockId,
    primitives::{Address, B256},
    providers::DynProvider,
};
use eyre::Result;
use levee::{Block, History, PoolBooks, compact::CompactHistory, lido};
use levee_index::{Contract, Cursor, IndexError, Kind, LogPlace, Store, Verdict};
use levee_model::{Compact, Inconsistent, Lido, Moment, Rate, Rescue, Status, Timestamp};

/// How much is kept of each rescue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What the escrow's events add up to.
    Rescue,
    /// What those of the pools add up to, too.
    Pools,
    /// All events, too.
    Events,
}

impl Detail {
    /// Whether logs of a contract of this kind change what is kept.
    const fn counts(self, kind: Kind) -> bool {
        match kind {
            Kind::Rescue => true,
            Kind::RecoveryPool | Kind::BonusPool => !matches!(self, Self::Rescue),
            Kind::Board | Kind::Compact => false,
        }
    }
}

/// A rescue, and the places of the latest logs that it was added up from, by contract.
#[derive(Debug)]
struct Known {
    places: Vec<Option<LogPlace>>,
    /// As of no block in particular, and without what is not kept.
    history: History,
}

/// A compact, and the place of the latest log that it was added up from.
#[derive(Debug)]
struct KnownCompact {
    place: Option<LogPlace>,
    /// As of no block in particular; without events, unless they are kept.
    history: CompactHistory,
}

/// The rescues and compacts, added up when they change.
#[derive(Debug)]
pub(crate) struct Watched {
    store: Store,
    provider: DynProvider,
    chain: u64,
    /// All if it is empty.
    wanted: BTreeSet<Address>,
    detail: Detail,
    /// Those of the wanted that the index has, whether they can be added up or not.
    indexed: BTreeSet<Address>,
    /// Where the index was when they were looked at.
    at: Option<Cursor>,
    rescues: BTreeMap<Address, Known>,
    compacts: BTreeMap<Address, KnownCompact>,
    /// Those rescues and compacts whose logs cannot be added up.
    broken: BTreeSet<Address>,
    /// What shares are worth, by token; none while it does not tell.
    rates: BTreeMap<Address, Option<Rate>>,
}

impl Watched {
    /// The rescues and compacts `wanted`, or all if there are none, of the index of a chain in `store`.
    pub(crate) fn new(
        store: Store,
        provider: DynProvider,
        chain: u64,
        wanted: BTreeSet<Address>,
        detail: Detail,
    ) -> Self {
        let (indexed, rescues, compacts, broken, rates) = Default::default();
        Self { store, provider, chain, wanted, detail, indexed, at: None, rescues, compacts, broken, rates }
    }

    /// How many rescues there are.
    pub(crate) fn len(&self) -> usize {
        self.rescues.len()
    }

    /// Those of the wanted that the index does not know.
    pub(crate) fn missing(&self) -> Vec<Address> {
        self.wanted.difference(&self.indexed).copied().collect()
    }

    /// Those whose logs cannot be added up.
    pub(crate) fn broken(&self) -> impl Iterator<Item = Address> {
        self.broken.iter().copied()
    }

    /// The compacts that can be added up.
    pub(crate) fn compacts(&self) -> impl Iterator<Item = &Compact> {
        self.compact_histories().map(|history| &history.compact)
    }

    /// The same with what is kept of their events.
    pub(crate) fn compact_histories(&self) -> impl Iterator<Item = &CompactHistory> {
        self.compacts.values().map(|known| &known.history)
    }

    /// All of them that can be added up.
    pub(crate) fn histories(&self) -> impl Iterator<Item = &History> {
        self.rescues.values().map(|known| &known.history)
    }

    /// Whether the index does not have a rescue or a compact that is wanted: the chain may have dropped it.
    pub(crate) fn lacks(&self, contract: Address) -> bool {
        (self.wanted.is_empty() || self.wanted.contains(&contract)) && !self.indexed.contains(&contract)
    }

    /// Where the index was when they were looked at.
    pub(crate) const fn at(&self) -> Option<Cursor> {
        self.at
    }

    /// What the rules see of a rescue at a time.
    pub(crate) fn moment(&self, rescue: &Rescue, time: Timestamp) -> Moment {
        Moment { time, lido: self.lido(rescue) }
    }

    /// What a call would find of stETH, as far as it matters: what shares are worth while that is not recorded. Whether it is paused, only
    /// the simulation of a payment tells.
    fn lido(&self, rescue: &Rescue) -> Lido {
        match self.rates.get(&rescue.terms().steth) {
            Some(rate) if rescue.stored_status() == Status::Open => rate.map_or(Lido::Broken, Lido::Working),
            _ => Lido::Working(Rate::PAR),
        }
    }

    /// Brings them up to date with the index, which is at `cursor`, and reads what shares are worth.
    pub(crate) async fn update(&mut self, cursor: Cursor) -> Result<()> {
        if self.at != Some(cursor) {
            self.at = None;
            let contracts = self.store.contracts(self.chain).await?;
            let [wanted, compacts] =
                [Kind::Rescue, Kind::Compact].map(|kind| self.wanted_of(kind, &contracts));
            // The chain may have dropped the block that created one.
            self.rescues.retain(|address, _| wanted.contains(address));
            self.compacts.retain(|address, _| compacts.contains(address));
            self.indexed = wanted.union(&compacts).copied().collect();
            self.broken.retain(|address| self.indexed.contains(address));
            for rescue in wanted {
                self.update_rescue(rescue, &contracts).await?;
            }
            for compact in compacts {
                self.update_compact(compact).await?;
            }
            self.at = Some(cursor);
        }
        self.update_rates().await
    }

    fn wanted_of(&self, kind: Kind, contracts: &[Contract]) -> BTreeSet<Address> {
        let is_wanted = |contract: &&Contract| {
            contract.kind == kind
                && contract.verdict == Verdict::Genuine
                && (self.wanted.is_empty() || self.wanted.contains(&contract.address))
        };
        contracts.iter().filter(is_wanted).map(|contract| contract.address).collect()
    }

    async fn update_compact(&mut self, address: Address) -> Result<()> {
        let place = self.store.latest_log(self.chain, address).await?;
        if self.compacts.get(&address).is_some_and(|known| known.place == place) {
            return Ok(());
        }
        match self.store.compact(self.chain, address).await {
            Ok(Some(mut history)) => {
                if self.detail != Detail::Events {
                    history.entries.clear();
                }
                self.broken.remove(&address);
                self.compacts.insert(address, KnownCompact { place, history });
            }
            Ok(None) => drop(self.compacts.remove(&address)),
            // One compact whose logs are wrong does not keep the others waiting.
            Err(error @ IndexError::CompactBroken { .. }) => {
                tracing::error!(target: "service", compact = %address, %error, "its logs cannot be added up");
                self.compacts.remove(&address);
                self.broken.insert(address);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn update_rescue(&mut self, address: Address, contracts: &[Contract]) -> Result<()> {
        let places = self.places(address, contracts).await?;
        if self.rescues.get(&address).is_some_and(|known| known.places == places) {
            return Ok(());
        }
        match self.read(address, places).await {
            Ok(known) => {
                self.broken.remove(&address);
                self.rescues.insert(address, known);
            }
            // One rescue whose logs are wrong does not keep the others waiting.
            Err(error @ IndexError::HistoryBroken { .. }) => {
                tracing::error!(target: "service", rescue = %address, %error, "its logs cannot be added up");
                self.rescues.remove(&address);
                self.broken.insert(address);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn places(
        &self,
        rescue: Address,
        contracts: &[Contract],
    ) -> Result<Vec<Option<LogPlace>>, IndexError> {
        let counts = |one: &&Contract| one.rescue == rescue && self.detail.counts(one.kind);
        let mut places = Vec::new();
        for contract in contracts.iter().filter(counts) {
            places.push(self.store.latest_log(self.chain, contract.address).await?);
        }
        Ok(places)
    }

    async fn read(&self, address: Address, places: Vec<Option<LogPlace>>) -> Result<Known, IndexError> {
        let broken =
            || IndexError::HistoryBroken { rescue: address, number: 0, source: Inconsistent::NoCreation };
        if self.detail == Detail::Rescue {
            let rescue = self.store.rescue(self.chain, address).await?;
            let block = Block { number: 0, parent_hash: B256::ZERO, time: 0 };
            let (entries, rescue, pools) = (Arc::default(), Arc::new(rescue), Arc::new(PoolBooks::default()));
            let rate = None;
            let history = History { chain: self.chain, block, address, entries, rescue, pools, rate };
            return Ok(Known { places, history });
        }
        let mut history = self.store.history(self.chain, address).await?.ok_or_else(broken)?;
        if self.detail == Detail::Pools {
            history.entries = Arc::default();
        }
        Ok(Known { places, history })
    }

    /// Asks each token of the rescues that are open.
    async fn update_rates(&mut self) -> Result<()> {
        let open = self.rescues.values().map(|known| &known.history.rescue);
        let open = open.filter(|rescue| rescue.stored_status() == Status::Open);
        let tokens: BTreeSet<_> =
            open.map(|rescue| rescue.terms().steth).filter(|it| !it.is_zero()).collect();
        self.rates.clear();
        for token in tokens {
            // One token that cannot be read does not keep the other rescues waiting.
            let rate = lido::share_rate(&self.provider, token, BlockId::latest()).await.unwrap_or_else(|error| {
                tracing::error!(target: "service", %token, %error, "the value of its shares is not known");
                None
            });
            self.rates.insert(token, rate);
        }
        Ok(())
    }
}
