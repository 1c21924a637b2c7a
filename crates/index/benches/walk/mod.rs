//! The logs of a walk of pledges to one rescue, with a seed, made block by block as they are asked for, so that the source holds none of
//! them.

use alloy::{
    primitives::{Address, B256, Bytes, Log as Inner, LogData, U256, keccak256},
    rpc::types::Log,
    sol_types::SolEvent as _,
};
use levee::{
    Blueprint, Error, Event,
    bindings::PledgeEscrow,
    model::{Bps, Terms, Tier, Wei},
};
use levee_index::{Header, Source, Tip};

/// No network's.
pub(crate) const CHAIN: u64 = 424_242;
/// Pledges in a block: as many as Ethereum fits into one by gas, and more.
const IN_A_BLOCK: u64 = 100;
const SEED: u64 = 0x1e7ee;

/// One rescue, and a number of pledges to it.
pub(crate) struct Walk {
    events: u64,
    /// By so many accounts, at random; none if each is by another.
    accounts: Option<u64>,
    announcement: Inner,
}

impl Walk {
    /// A walk of so many pledges by a fifth as many accounts.
    pub(crate) fn new(events: u64) -> Self {
        Self::by(events, Some(events / 5 + 1))
    }

    /// A walk with so many pledgers, of a pledge each.
    pub(crate) fn of_pledgers(pledgers: u64) -> Self {
        Self::by(pledgers, None)
    }

    fn by(events: u64, accounts: Option<u64>) -> Self {
        let blueprint = Blueprint::escrow(&terms()).expect("the terms are valid");
        let created = blueprint.edition().creation_code(blueprint.contract()).len();
        let topics = vec![Event::CREATION, B256::ZERO, B256::ZERO];
        let arguments = Bytes::copy_from_slice(&blueprint.init_code()[created..]);
        let data = LogData::new_unchecked(topics, arguments);
        Self { events, accounts, announcement: Inner { address: blueprint.address(), data } }
    }

    /// The latest block.
    pub(crate) const fn head(&self) -> u64 {
        self.events.div_ceil(IN_A_BLOCK)
    }

    /// The address of the rescue.
    pub(crate) const fn rescue(&self) -> Address {
        self.announcement.address
    }

    fn hash(number: u64) -> B256 {
        keccak256((SEED ^ number).to_be_bytes())
    }

    /// The logs of a block.
    pub(crate) fn of_block(&self, number: u64) -> Vec<Log> {
        let first = number.saturating_sub(1) * IN_A_BLOCK;
        let pledges = first..(first + IN_A_BLOCK).min(self.events);
        let inner: Vec<_> = match number {
            0 => vec![self.announcement.clone()],
            _ => pledges.map(|pledge| self.pledge(pledge)).collect(),
        };
        let placed = (0..).zip(inner).map(|(index, inner)| Log {
            inner,
            block_hash: Some(Self::hash(number)),
            block_number: Some(number),
            block_timestamp: Some(1_800_000_000 + number),
            transaction_hash: Some(keccak256([number, index].map(u64::to_be_bytes).concat())),
            log_index: Some(index),
            ..Log::default()
        });
        placed.collect()
    }

    fn pledge(&self, number: u64) -> Inner {
        let random = keccak256((SEED.rotate_left(32) ^ number).to_be_bytes());
        let chosen = |accounts| U256::from_be_bytes(random.0) % U256::from(accounts);
        let account = self.accounts.map_or_else(|| U256::from(number), chosen);
        let pledger = Address::from_word(keccak256(account.to_be_bytes::<32>()));
        let amount = U256::from(u64::from_be_bytes(random[..8].try_into().unwrap_or_default()) | 1).to();
        let event = PledgeEscrow::Pledged { pledger, tier: 0, asset: 0, amount };
        Inner { address: self.announcement.address, data: event.encode_log_data() }
    }
}

impl Source for Walk {
    async fn tip(&self) -> Result<Tip, Error> {
        Ok(Tip { head: self.head(), finalized: self.head() })
    }

    async fn header(&self, number: u64) -> Result<Option<Header>, Error> {
        let parent = Self::hash(number.wrapping_sub(1));
        Ok(Some(Header { number, hash: Self::hash(number), parent, time: 1_800_000_000 + number }))
    }

    async fn logs(&self, first: u64, last: u64) -> Result<Vec<Log>, Error> {
        Ok((first..=last).flat_map(|number| self.of_block(number)).collect())
    }

    async fn logs_of(&self, header: &Header) -> Result<Vec<Log>, Error> {
        Ok(self.of_block(header.number))
    }
}

fn terms() -> Terms {
    Terms {
        beneficiary: Address::repeat_byte(1),
        guardian: Address::ZERO,
        steth: Address::ZERO,
        wsteth: Address::ZERO,
        target: Wei::new(1 << 94),
        deadline: 1_900_000_000,
        latest_deadline: 1_900_000_000,
        tiers: vec![Tier { threshold: Bps::new(10_000), draw_order: 0, rate: Bps::ZERO }],
        objection_period: 86_400,
        veto: Bps::ZERO,
        tranches: 1,
        tranche_interval: 0,
        release_window: 86_400,
        exit_window: 86_400,
        terms_hash: B256::ZERO,
    }
}
