//! A throw of dice for each step, and the scenes of walks. What a throw means is read in the light of the state: see
//! [`super::resolve`].

use alloy::primitives::Bytes;
use levee_model::compact::{MIN_PERIOD, MIN_QUORUM};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    strategy::{BoxedStrategy, Strategy},
};

use super::{
    format::{CompactWalkTerms, Policy},
    scene::Scene,
};

/// Numbers for one step. Smaller numbers mean simpler steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Throw {
    /// How the clock moves.
    pub(super) wait: u8,
    /// Where to.
    pub(super) when: u8,
    /// Which call.
    pub(super) kind: u8,
    /// Whether it is meant to go through.
    pub(super) aim: u8,
    /// Whose.
    pub(super) who: u8,
    /// Who else.
    pub(super) other: u8,
    /// About which call or rescue.
    pub(super) which: u8,
    /// What is unusual about it.
    pub(super) twist: u8,
    /// How much.
    pub(super) size: u64,
}

/// So many throws; each shrinks to no step at all first.
pub(super) fn throws(count: usize) -> BoxedStrategy<Vec<Option<Throw>>> {
    vec(option::weighted(0.999, throw()), count).boxed()
}

fn throw() -> impl Strategy<Value = Throw> {
    (any::<[u8; 8]>(), any::<u64>()).prop_map(|([wait, when, kind, aim, who, other, which, twist], size)| {
        Throw { wait, when, kind, aim, who, other, which, twist, size }
    })
}

/// Compacts of every shape, of this build.
pub(super) fn scenes(build: Bytes) -> impl Strategy<Value = Scene> {
    (1_700_000_000..2_000_000_000u64, terms()).prop_map(move |(start, terms)| Scene {
        start,
        terms,
        build: build.clone(),
    })
}

fn terms() -> impl Strategy<Value = CompactWalkTerms> {
    let quorum = prop_oneof![2 => select(vec![MIN_QUORUM.get(), 6_667, 8_500, 10_000]), 1 => MIN_QUORUM.get()..=10_000];
    let most = prop_oneof![2 => select(vec![1u16, 2_500, 5_000, 10_000]), 1 => 1..=10_000u16];
    let more = || prop_oneof![1 => Just(0u32), 2 => 0..10 * MIN_PERIOD];
    (quorum, most, [more(), more(), more(), more(), more()], policy()).prop_map(
        |(quorum_bps, max_call_bps, [voting, fulfill, notice, leave, seasoning], policy)| {
            let (voting_period, fulfill_period) = (MIN_PERIOD + voting, MIN_PERIOD + fulfill);
            let notice_period = voting_period + fulfill_period + 1 + notice;
            let leave_window = MIN_PERIOD + leave;
            let seasoning = notice_period + leave_window + seasoning;
            CompactWalkTerms {
                quorum_bps,
                max_call_bps,
                voting_period,
                fulfill_period,
                notice_period,
                leave_window,
                seasoning,
                policy,
            }
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let threshold = select(vec![1u16, 2_500, 5_000, 10_000]);
    let rate = select(vec![0u16, 0, 400]);
    let veto = select(vec![9_999u16, 3_300, 1]);
    let lock = prop_oneof![2 => Just(u32::MAX), 1 => 30 * MIN_PERIOD..200 * MIN_PERIOD];
    (any::<bool>(), any::<bool>(), threshold, rate, veto, lock).prop_map(
        |(admitter, guardian, min_threshold_bps, min_rate_bps, max_veto_bps, max_lock)| Policy {
            admitter,
            guardian,
            min_threshold_bps,
            min_rate_bps,
            max_veto_bps,
            max_lock,
        },
    )
}
