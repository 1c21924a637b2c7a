//! The rescues that a keeper looks after, as the index has them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy::{primitives::Address, providers::DynProvider};
use eyre::Result;
use levee::{History, PoolBooks, lido};
use levee_index::{Contract, Cursor, IndexError, Kind, LogPlace, Store, Verdict};
use levee_model::{Inconsistent, Lido, Moment, Operation, PositionId, Rate, Rescue, Status, Timestamp};

use super::agenda::Task;

/// Which payments to pledgers a keeper makes, of those that anyone may make.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payouts {
    pub(crate) refund: bool,
    pub(crate) collect: bool,
    pub(crate) claim: bool,
    /// To whom; everyone if it is empty.
    pub(crate) pledgers: BTreeSet<Address>,
}

impl Payouts {
    /// Whether a keeper makes this one.
    fn includes(&self, operation: Operation) -> bool {
        let (is_wanted, pledger) = match operation {
            Operation::Refund(PositionId { pledger, .. }) => (self.refund, pledger),
            Operation::Collect { pledger, .. } => (self.collect, pledger),
            Operation::Claim(PositionId { pledger, .. }) => (self.claim, pledger),
            _ => return false,
        };
        is_wanted && (self.pledgers.is_empty() || self.pledgers.contains(&pledger))
    }
}

/// A rescue, and the places of the latest logs that it was added up from: of the escrow, and of its recovery pool.
#[derive(Debug)]
struct Known {
    places: [Option<LogPlace>; 2],
    rescue: Rescue,
    pools: PoolBooks,
}

/// The rescues, added up when they change.
#[derive(Debug)]
pub(crate) struct Watched {
    store: Store,
    provider: DynProvider,
    chain: u64,
    /// All if it is empty.
    wanted: BTreeSet<Address>,
    payouts: Payouts,
    /// Where the index was when they were looked at.
    at: Option<Cursor>,
    rescues: BTreeMap<Address, Known>,
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
        payouts: Payouts,
    ) -> Self {
        let (rescues, rates) = (BTreeMap::new(), BTreeMap::new());
        Self { store, provider, chain, wanted, payouts, at: None, rescues, rates }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rescues.len()
    }

    /// Those of the wanted rescues that the index does not know.
    pub(crate) fn missing(&self) -> Vec<Address> {
        self.wanted.iter().filter(|address| !self.rescues.contains_key(*address)).copied().collect()
    }

    /// All that is due by the clock of a block, at which the index is.
    pub(crate) fn tasks(&self, time: Timestamp) -> Vec<Task> {
        self.rescues.iter().flat_map(|(&rescue, known)| self.tasks_of(rescue, known, time)).collect()
    }

    fn tasks_of(&self, rescue: Address, known: &Known, time: Timestamp) -> Vec<Task> {
        let at = Moment { time, lido: self.lido(&known.rescue) };
        let Payouts { refund, collect, claim, .. } = self.payouts;
        // There can be many positions.
        let payouts = (refund || collect).then(|| known.rescue.payouts(at)).into_iter().flatten();
        let claims = known.pools.claims(&known.rescue).filter(|_| claim);
        let payouts = payouts.chain(claims).filter(|duty| self.payouts.includes(duty.operation));
        let duties = known.rescue.duties(at).into_iter().filter(|duty| duty.makes_sense(time));
        duties.chain(payouts).map(|duty| Task { rescue, duty }).collect()
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
            Ok(known) => drop(self.rescues.insert(address, known)),
            // One rescue whose logs are wrong does not keep the others waiting.
            Err(error @ IndexError::HistoryBroken { .. }) => {
                tracing::error!(target: "keeper", rescue = %address, %error, "its logs cannot be added up");
                self.rescues.remove(&address);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn places(
        &self,
        rescue: Address,
        contracts: &[Contract],
    ) -> Result<[Option<LogPlace>; 2], IndexError> {
        let is_pool = |one: &&Contract| one.kind == Kind::RecoveryPool && one.rescue == rescue;
        let of_pool = match contracts.iter().find(is_pool).filter(|_| self.payouts.claim) {
            Some(pool) => self.store.latest_log(self.chain, pool.address).await?,
            None => None,
        };
        Ok([self.store.latest_log(self.chain, rescue).await?, of_pool])
    }

    async fn read(&self, address: Address, places: [Option<LogPlace>; 2]) -> Result<Known, IndexError> {
        if !self.payouts.claim {
            let rescue = self.store.rescue(self.chain, address).await?;
            return Ok(Known { places, rescue, pools: PoolBooks::default() });
        }
        let broken =
            || IndexError::HistoryBroken { rescue: address, number: 0, source: Inconsistent::NoCreation };
        let History { rescue, pools, .. } =
            self.store.history(self.chain, address).await?.ok_or_else(broken)?;
        let (rescue, pools) = (Arc::unwrap_or_clone(rescue), Arc::unwrap_or_clone(pools));
        Ok(Known { places, rescue, pools })
    }

    /// Asks each token of the rescues that are open.
    async fn update_rates(&mut self) -> Result<()> {
        let open = self.rescues.values().map(|known| &known.rescue);
        let open = open.filter(|rescue| rescue.stored_status() == Status::Open);
        let tokens: BTreeSet<_> =
            open.map(|rescue| rescue.terms().steth).filter(|it| !it.is_zero()).collect();
        self.rates.clear();
        for token in tokens {
            // One token that cannot be read does not keep the other rescues waiting.
            let rate = lido::share_rate(&self.provider, token).await.unwrap_or_else(|error| {
                tracing::error!(target: "keeper", %token, %error, "the value of its shares is not known");
                None
            });
            self.rates.insert(token, rate);
        }
        Ok(())
    }
}
