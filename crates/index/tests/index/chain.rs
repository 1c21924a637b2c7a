//! A chain that a test writes, block by block, and may write anew from any block on.

use std::sync::{Arc, Mutex, MutexGuard};

use alloy::{
    primitives::{Address, B256, Bytes, Log as Inner, LogData, U256, aliases::U40, keccak256},
    rpc::types::Log,
    sol_types::SolEvent,
};
use levee::{
    Blueprint, Edition, Error, Event,
    bindings::{Compact as RawCompact, PledgeEscrow},
    compact::encode_terms,
    model::{Bps, CompactTerms, PositionId, Terms, Tier, Units, Wei},
};
use levee_index::{Header, Source, Tip};

/// The chain's ID: no network of Levee's.
pub(crate) const CHAIN: u64 = 424_242;
/// How far below the head blocks are final.
pub(crate) const FINALITY: u64 = 64;

/// The chain; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain(Arc<Mutex<Blocks>>);

#[derive(Debug, Default)]
struct Blocks {
    blocks: Vec<(Header, Vec<Log>)>,
    finalized: u64,
    /// How many were ever mined, dropped ones included.
    mined: u64,
}

impl Chain {
    /// Adds a block with these logs. Its hash commits to them and to the block before, and is never that of a dropped block.
    pub(crate) fn mine(&self, logs: impl IntoIterator<Item = Inner>) {
        let mut chain = self.lock();
        let number = chain.blocks.len() as u64;
        let parent = chain.blocks.last().map(|(header, _)| header.hash).unwrap_or_default();
        let logs: Vec<_> = logs.into_iter().collect();
        chain.mined += 1;
        let hash = keccak256(format!("{parent} {} {logs:?}", chain.mined));
        let time = 1_800_000_000 + number * 12;
        let placed = (0..).zip(logs).map(|(index, inner)| Log {
            inner,
            block_hash: Some(hash),
            block_number: Some(number),
            block_timestamp: Some(time),
            transaction_hash: Some(keccak256(hash)),
            log_index: Some(index),
            ..Log::default()
        });
        let block = (Header { number, hash, parent, time }, placed.collect());
        chain.blocks.push(block);
        chain.finalized = chain.finalized.max(number.saturating_sub(FINALITY));
    }

    /// Drops the latest blocks.
    pub(crate) fn drop_latest(&self, count: usize) {
        let mut chain = self.lock();
        let left = chain.blocks.len() - count;
        chain.blocks.truncate(left);
    }

    /// How many blocks it may drop.
    pub(crate) fn not_final(&self) -> usize {
        let chain = self.lock();
        chain.blocks.len() - 1 - chain.finalized as usize
    }

    /// The number of the latest block.
    pub(crate) fn head(&self) -> u64 {
        self.lock().blocks.len() as u64 - 1
    }

    fn lock(&self) -> MutexGuard<'_, Blocks> {
        self.0.lock().expect("no test panics while it holds the chain")
    }
}

impl Source for Chain {
    async fn tip(&self) -> Result<Tip, Error> {
        Ok(Tip { head: self.head(), finalized: self.lock().finalized })
    }

    async fn header(&self, number: u64) -> Result<Option<Header>, Error> {
        Ok(self.lock().blocks.get(number as usize).map(|(header, _)| *header))
    }

    async fn logs(&self, first: u64, last: u64) -> Result<Vec<Log>, Error> {
        let chain = self.lock();
        let blocks = &chain.blocks[first as usize..=last as usize];
        Ok(blocks.iter().flat_map(|(_, logs)| logs.clone()).collect())
    }

    async fn logs_of(&self, header: &Header) -> Result<Vec<Log>, Error> {
        let chain = self.lock();
        let found = chain.blocks.iter().find(|(other, _)| other.hash == header.hash);
        found.map(|(_, logs)| logs.clone()).ok_or(Error::Malformed { what: "a block" })
    }
}

/// Terms of a rescue in ETH, with one tier; each number makes another rescue.
pub(crate) fn terms(number: u8) -> Terms {
    let tier = Tier { threshold: Bps::new(10_000), draw_order: 0, rate: Bps::ZERO };
    Terms {
        beneficiary: Address::repeat_byte(1),
        guardian: Address::repeat_byte(2),
        steth: Address::ZERO,
        wsteth: Address::ZERO,
        target: Wei::new(1 << 90),
        deadline: 1_900_000_000,
        latest_deadline: 1_900_000_000,
        tiers: vec![tier],
        objection_period: 86_400,
        veto: Bps::ZERO,
        tranches: 1,
        tranche_interval: 0,
        release_window: 86_400,
        exit_window: 86_400,
        terms_hash: B256::repeat_byte(number),
    }
}

/// Where the rescue with these terms is.
pub(crate) fn address(terms: &Terms) -> Address {
    Blueprint::escrow(terms).expect("the terms are valid").address()
}

/// The event with which the contract at `address` announces a rescue with these terms.
pub(crate) fn announcement(address: Address, terms: &Terms) -> Inner {
    let blueprint = Blueprint::escrow(terms).expect("the terms are valid");
    let created = blueprint.edition().creation_code(blueprint.contract()).len();
    let topics = vec![Event::CREATION, terms.beneficiary.into_word(), terms.guardian.into_word()];
    // The constructor has the same one argument as the event.
    let arguments = Bytes::copy_from_slice(&blueprint.init_code()[created..]);
    Inner { address, data: LogData::new_unchecked(topics, arguments) }
}

/// Terms of a compact; each number makes another one.
pub(crate) fn compact_terms(number: u8) -> CompactTerms {
    const DAY: u32 = 86_400;
    CompactTerms {
        wsteth: Address::repeat_byte(3),
        escrow_code_hash: keccak256(Edition::LATEST.creation_code(levee::Contract::PledgeEscrow)),
        admitter: Address::ZERO,
        guardian: Address::ZERO,
        terms_hash: B256::repeat_byte(number),
        quorum: Bps::new(6_000),
        max_call: Bps::new(5_000),
        voting_period: DAY,
        fulfill_period: DAY,
        notice_period: 3 * DAY,
        leave_window: 2 * DAY,
        seasoning: 5 * DAY,
        min_threshold: Bps::ONE,
        min_rate: Bps::ZERO,
        min_objection_period: DAY,
        min_exit_window: DAY,
        max_veto: Bps::new(4_000),
        max_lock: 100 * DAY,
    }
}

/// The event with which the contract at `address` announces a compact with these terms.
pub(crate) fn announcement_of_compact(address: Address, terms: &CompactTerms) -> Inner {
    let event = RawCompact::CompactCreated { terms: encode_terms(terms) };
    Inner { address, data: event.encode_log_data() }
}

/// A commitment.
pub(crate) fn committed(address: Address, member: Address, amount: Units) -> Inner {
    let event =
        RawCompact::Committed { member, amount: narrow(amount), committedAt: U40::from(1_800_000_000u64) };
    Inner { address, data: event.encode_log_data() }
}

/// A pledge.
pub(crate) fn pledged(address: Address, id: PositionId, amount: Units) -> Inner {
    let PositionId { pledger, tier, asset } = id;
    let event = PledgeEscrow::Pledged { pledger, tier, asset: asset as u8, amount: narrow(amount) };
    Inner { address, data: event.encode_log_data() }
}

/// A decline.
pub(crate) fn declined(address: Address, id: PositionId, amount: Units) -> Inner {
    let PositionId { pledger, tier, asset } = id;
    let event = PledgeEscrow::Declined { pledger, tier, asset: asset as u8, amount: narrow(amount) };
    Inner { address, data: event.encode_log_data() }
}

fn narrow(amount: Units) -> alloy::primitives::Uint<104, 2> {
    U256::from(amount.get()).to()
}
