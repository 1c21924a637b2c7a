//! What can a walk begin with? Terms of every shape that an escrow accepts, and a share rate.

use levee_model::{Bps, Rate, Tier, Timestamp, Wei, units::RATE_UNIT};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    strategy::{BoxedStrategy, Just},
};

use crate::walk::{Builds, Cast, SIGNER, Scene, WalkTerms};

/// Everyone who pledges, and one who only pays and is paid.
pub(super) const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// Draw orders need not be dense.
const ORDERS: [u8; 4] = [0, 1, 2, 255];

/// Seconds from the start of a rescue to its deadline, and the windows and waits of its terms.
#[derive(Debug, Clone, Copy)]
struct Times {
    life: u32,
    extension: u32,
    objection_period: u32,
    interval: u32,
    release_window: u32,
    exit_window: u32,
}

/// All scenes. None is shrunk but by dropping tiers and making numbers smaller.
pub(super) fn scenes() -> impl Strategy<Value = Scene> {
    let start = select(vec![1_800_000_000, 1]);
    let sides = (prop::bool::weighted(0.9), prop::bool::weighted(0.1));
    (start, rates(), targets(), tiers(), times(), releases(), sides).prop_map(
        |(start, rate, target, tiers, times, (tranches, veto_bps), (guardian, eth_only))| Scene {
            start,
            rate,
            terms: WalkTerms {
                target,
                deadline: start + Timestamp::from(times.life),
                latest_deadline: start + Timestamp::from(times.life) + Timestamp::from(times.extension),
                tiers,
                objection_period: times.objection_period,
                veto_bps,
                tranches,
                tranche_interval: times.interval,
                release_window: times.release_window,
                exit_window: times.exit_window,
                guardian,
                eth_only,
            },
            cast: Cast::new(PEOPLE.into_iter().chain([SIGNER])),
            builds: Builds::default(),
        },
    )
}

/// One wei a share, as things are, and from a hundredth of that to fifty times as much.
fn rates() -> BoxedStrategy<Rate> {
    let near = RATE_UNIT..RATE_UNIT / 10 * 13;
    let far = RATE_UNIT / 100..RATE_UNIT * 50;
    prop_oneof![1 => Just(RATE_UNIT), 4 => near, 2 => far]
        .prop_map(|rate| Rate::new(rate).expect("a rate in bounds"))
        .boxed()
}

/// From the least there is to ten thousand ETH.
fn targets() -> impl Strategy<Value = Wei> {
    let (least, ether) = (10u128.pow(9), 10u128.pow(18));
    prop_oneof![1 => Just(least), 2 => least..1_000 * least, 3 => ether..10_000 * ether].prop_map(Wei::new)
}

/// One to eight tiers, in any order of drawing, often with a threshold in common.
fn tiers() -> impl Strategy<Value = Vec<Tier>> {
    let threshold = prop_oneof![3 => select(vec![10_000u16, 1, 2_500, 5_000, 7_500]), 1 => 1..=10_000u16];
    let rates = prop::array::uniform4(select(vec![0u16, 0, 1, 400, 1_200, 65_535]));
    (vec((threshold, 0..ORDERS.len()), 1..=8), rates).prop_map(|(mut drawn, rates)| {
        drawn.sort_by_key(|&(threshold, _)| threshold);
        if let Some(last) = drawn.last_mut() {
            last.0 = Bps::ONE.get();
        }
        let tier = |(threshold, order): (u16, usize)| Tier {
            threshold: Bps::new(threshold),
            draw_order: ORDERS[order],
            rate: Bps::new(rates[order]),
        };
        drawn.into_iter().map(tier).collect()
    })
}

/// Terms of seconds and of months.
fn times() -> impl Strategy<Value = Times> {
    let life = prop_oneof![1..100u32, 3_600..5_000_000u32];
    let waits = (0..=255u32, 0..=255u32);
    let windows = (0..=255u32, 0..=255u32, 0..=255u32);
    (life, waits, windows).prop_map(|(life, (objection, interval), (release, exit, extension))| {
        let part = |bytes: u32| (u64::from(life) * u64::from(bytes) / 256) as u32;
        Times {
            life,
            extension: part(extension) * 2,
            objection_period: 1 + part(objection),
            interval: 1 + part(interval) / 4,
            release_window: 1 + part(release),
            exit_window: 1 + part(exit) / 4,
        }
    })
}

/// How many tranches, and how large a veto.
fn releases() -> impl Strategy<Value = (u8, u16)> {
    let tranches = prop_oneof![3 => 1..=4u8, 2 => 1..=64u8];
    let veto = prop_oneof![2 => select(vec![0u16, 1, 3_300, 5_000, 9_999]), 1 => 0..10_000u16];
    (tranches, veto)
}
