//! How long it takes to index pledges into a file of SQLite, and how much memory. The last line is a figure and its unit.
//!
//! The logs are those of a walk with a seed, made block by block as they are asked for, so that the source holds none of them.

use std::{env, fs, hint::black_box, time::Instant};

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
use levee_index::{Header, Indexer, Source, Step, Store, Tip};

/// No network's.
const CHAIN: u64 = 424_242;
/// Pledges in a block: as many as Ethereum fits into one by gas, and more.
const IN_A_BLOCK: u64 = 100;
const SEED: u64 = 0x1e7ee;

/// One rescue, and a number of pledges to it by a fifth as many accounts.
struct Walk {
    events: u64,
    announcement: Inner,
}

impl Walk {
    fn new(events: u64) -> Self {
        let blueprint = Blueprint::escrow(&terms()).expect("the terms are valid");
        let created = blueprint.edition().creation_code(blueprint.contract()).len();
        let topics = vec![Event::CREATION, B256::ZERO, B256::ZERO];
        let arguments = Bytes::copy_from_slice(&blueprint.init_code()[created..]);
        let data = LogData::new_unchecked(topics, arguments);
        Self { events, announcement: Inner { address: blueprint.address(), data } }
    }

    const fn head(&self) -> u64 {
        self.events.div_ceil(IN_A_BLOCK)
    }

    fn hash(number: u64) -> B256 {
        keccak256((SEED ^ number).to_be_bytes())
    }

    fn of_block(&self, number: u64) -> Vec<Log> {
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
        let account = U256::from_be_bytes(random.0) % U256::from(self.events / 5 + 1);
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

/// The most memory that this process has had, in MB.
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1_000
}

#[expect(clippy::print_stdout, reason = "it is what a benchmark is for")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let events = env::var("EVENTS").map_or(Ok(100_000), |events| events.parse())?;
    let generating = Instant::now();
    let walk = Walk::new(events);
    (0..=walk.head()).for_each(|number| drop(black_box(walk.of_block(number))));
    let generating = generating.elapsed();
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("index.db");
    let store = Store::open(&path.display().to_string()).await?;
    let begun = Instant::now();
    let mut indexer = Indexer::new(walk, store.clone(), CHAIN, 0);
    while !matches!(indexer.step().await?, Step::UpToDate(_)) {}
    store.close().await;
    let took = begun.elapsed();
    let size = fs::metadata(&path)?.len() / 1_000_000;
    println!("{events} pledges by {} accounts, in {size} MB", events / 5 + 1);
    println!("{:.1} s of it to make the logs", generating.as_secs_f64());
    println!("{} MB of memory at most", most_memory());
    println!("{:.1} s", took.as_secs_f64());
    Ok(())
}
