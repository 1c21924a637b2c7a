//! The rescues that a service looks after, as the index has them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy::{
    primitives::{Address, B256},
    providers::DynProvider,
};
use eyre::Result;
use levee::{Block, History, PoolBooks, lido};
use levee_index::{Contract, Cursor, IndexError, Kind, LogPlace, Store, Verdict};
use levee_model::{Inconsistent, Lido, Moment, Rate, Rescue, Status, Timestamp};

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
            Kind::RecoveryPool => !matches!(self, Self::Rescue),
            Kind::BonusPool => matches!(self, Self::Events),
            Kind::Board => false,
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

/// The rescues, added up when they change.
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
    /// Those whose logs cannot be added up.
    broken: BTreeSet<Address>,
    /// What shares are worth, by token; none while it does not tell.
    rates: BTreeMap<Address, Option<Rate>>,
}

impl Watched {
    /// The rescues `wanted`, or all if there are none, of the index of a chain in `store`.
    pub(crate) fn new(
        store: Store,
        provider: DynProvider,
        chain: u64,
        wanted: BTreeSet<Address>,
        detail: Detail,
    ) -> Self {
        let (indexed, rescues, broken, rates) = Default::default();
        Self { store, provider, chain, wanted, detail, indexed, at: None, rescues, broken, rates }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rescues.len()
    }

    /// Those of the wanted rescues that the index does not know.
    pub(crate) fn missing(&self) -> Vec<Address> {
        self.wanted.difference(&self.indexed).copied().collect()
    }

    /// Those whose logs cannot be added up.
    pub(crate) fn broken(&self) -> impl Iterator<Item = Address> {
        self.broken.iter().copied()
    }

    /// All of them that can be added up.
    pub(crate) fn histories(&self) -> impl Iterator<Item = &History> {
        self.rescues.values().map(|known| &known.history)
    }

    /// Whether the index does not have a rescue that is wanted: the chain may have dropped it.
    pub(crate) fn lacks(&self, rescue: Address) -> bool {
        (self.wanted.is_empty() || self.wanted.contains(&rescue)) && !self.indexed.contains(&rescue)
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
            let wanted = self.wanted_of(&contracts);
            // The chain may have dropped the block that created one.
            self.rescues.retain(|address, _| wanted.contains(address));
            self.broken.retain(|address| wanted.contains(address));
            self.indexed.clone_from(&wanted);
            for rescue in wanted {
                self.update_rescue(rescue, &contracts).await?;
            }
            self.at = Some(cursor);
        }
        self.update_rates().await
    }

    fn wanted_of(&self, contracts: &[Contract]) -> BTreeSet<Address> {
        let is_wanted = |contract: &&Contract| {
            contract.kind == Kind::Rescue
                && contract.verdict == Verdict::Genuine
                && (self.wanted.is_empty() || self.wanted.contains(&contract.address))
        };
        contracts.iter().filter(is_wanted).map(|contract| contract.address).collect()
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
            let rate = lido::share_rate(&self.provider, token).await.unwrap_or_else(|error| {
                tracing::error!(target: "service", %token, %error, "the value of its shares is not known");
                None
            });
            self.rates.insert(token, rate);
        }
        Ok(())
    }
}
