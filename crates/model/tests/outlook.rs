//! What follows from a view.

mod common;

use common::*;
use levee_model::{
    Asset, BonusDecision, BonusOwner, BonusView, Bps, EndReason, Rescue, RescueView, Status, Threshold,
    TrancheState, Units, Wei, WeiSeconds,
};

const G: u128 = 1_000_000_000;

fn pledged(eth: u128, steth: u128) -> Rescue {
    let mut rescue = rescue();
    for (tier, asset, amount) in [(0, Asset::Eth, eth), (1, Asset::StEth, steth)] {
        if amount > 0 {
            rescue.pledge(at(10), id(ALICE, tier, asset), UNAMENDED, units(amount)).expect("accepted");
        }
    }
    rescue
}

/// 900 G wei of tier 0 and 500 G shares of tier 1, worth 600 G, settled at 500: all of the first and 100 G wei worth of the
/// second are drawn.
fn settled() -> Rescue {
    let mut rescue = pledged(900 * G, 500 * G);
    assert_eq!(rescue.settle(at(DEADLINE + 1)), Ok(Status::Settled));
    rescue
}

#[test]
fn a_threshold_looks_at_the_tiers_up_to_it() {
    let threshold = |threshold, coverage, required| Threshold {
        threshold: Bps::new(threshold),
        coverage: Wei::new(coverage),
        required: Wei::new(required),
    };
    let expected = [
        threshold(2_500, 250 * G - 1, 250 * G),
        threshold(7_500, 850 * G - 1, 750 * G),
        threshold(10_000, 850 * G - 1, 1_000 * G),
    ];
    let rescue = pledged(250 * G - 1, 500 * G);
    assert_eq!(rescue.view(at(20)).thresholds(), expected);
    assert_eq!(expected.map(Threshold::is_met), [false, true, false]);
    assert_eq!(rescue.view(broken(20)).thresholds(), []);
    assert!(Threshold { coverage: Wei::new(250 * G), ..expected[0] }.is_met());
}

#[test]
fn calls_before_the_deadline_have_their_edges() {
    let view = pledged(400 * G, 500 * G).view(at(DEADLINE));
    assert!(view.can_settle_early(DEADLINE) && view.is_pledging(DEADLINE));
    assert!(!view.can_settle_early(DEADLINE + 1) && !view.is_pledging(DEADLINE + 1));
    assert!(!pledged(400 * G - 1, 500 * G).view(at(DEADLINE)).can_settle_early(DEADLINE));
    let stuck = pledged(400 * G, 500 * G).view(broken(DEADLINE + 1));
    assert!(stuck.is_stuck(DEADLINE + 1) && !stuck.can_settle_early(DEADLINE + 1));
    assert_eq!([DEADLINE + 50, DEADLINE + 51].map(|now| stuck.can_expire(now)), [false, true]);
    assert_eq!(view.enlistable_until(), DEADLINE + 200);
}

#[test]
fn a_sponsor_leaves_in_the_first_half_of_an_exit_window() {
    let mut rescue = rescue();
    let goal = levee_model::Goal { deadline: 1_400, ..levee_model::Goal::from(&terms()) };
    rescue.amend(at(100), GUARDIAN, goal).unwrap();
    let view = |now| rescue.view(at(now));
    let may_leave = [100, 199, 200, 299, 300].map(|now| view(now).sponsors_may_leave(now));
    assert_eq!(may_leave, [true, true, false, false, false]);
    let pending = [100, 299, 300].map(|now| view(now).pending_amendment(now).is_some());
    assert_eq!(pending, [true, true, false]);
    assert_eq!(view(300).latest_amendment(), 300);
}

#[test]
fn tranches_have_times_states_and_amounts() {
    let mut rescue = settled();
    let first = DEADLINE + 101;
    rescue.release(at(first), Asset::Eth).unwrap();
    let view = rescue.view(at(first + 10));
    assert_eq!([1, 4].map(|tranche| view.due_at(tranche)), [Some(first), Some(first + 30)]);
    assert_eq!(view.calendar(), Some((first + 20, first + 30)));
    let states = |asset| [1, 2, 3].map(|tranche| view.tranche_state(tranche, asset));
    use TrancheState as S;
    assert_eq!(states(Asset::Eth), [Some(S::Delivered), Some(S::Due), Some(S::ToCome)]);
    assert_eq!(states(Asset::StEth), [Some(S::Due), Some(S::Due), Some(S::ToCome)]);
    assert_eq!(states(Asset::WstEth), [None; 3]);
    assert!(view.can_release(Asset::Eth) && !view.can_release(Asset::WstEth));
    // A quarter of 900 G wei, and of 500 G shares * 100 / 600.
    let second = [Asset::Eth, Asset::StEth].map(|asset| view.tranches_between(asset, 1, 2));
    assert_eq!(second, [units(225 * G), units(20_833_333_333)]);
    assert_eq!(
        (view.tranches_between(Asset::Eth, 2, 1), view.pledged(Asset::StEth)),
        (units(0), units(500 * G))
    );
    assert_eq!(view.tranches_down(Asset::WstEth, 4), Units::ZERO);
}

#[test]
fn what_is_due_lapses_after_the_release_window() {
    let view = settled().view(at(DEADLINE + 131));
    let until = DEADLINE + 131 + 50;
    assert_eq!(view.collectable_until(), Some(until));
    assert_eq!([until, until + 1].map(|now| view.can_lapse(now)), [false, true]);
    assert!(!view.can_be_stopped());
    let mut rescue = settled();
    rescue.cancel(at(DEADLINE + 110), GUARDIAN).unwrap();
    assert_eq!(rescue.view(at(DEADLINE + 111)).collectable_until(), Some(DEADLINE + 160));
    rescue.lapse(at(DEADLINE + 161)).unwrap();
    assert_eq!(rescue.view(at(9_999)).collectable_until(), None);
}

#[test]
fn what_a_veto_stopped_is_held_back_tranche_by_tranche() {
    let mut rescue = settled();
    rescue.object(at(DEADLINE + 101), id(ALICE, 0, Asset::Eth)).unwrap();
    let held = |now| rescue.view(at(now)).held_back();
    assert_eq!([101, 110, 111, 131].map(|after| held(DEADLINE + after)), [3, 3, 2, 0]);
    let view = rescue.view(at(DEADLINE + 111));
    let states = [2, 3].map(|tranche| view.tranche_state(tranche, Asset::Eth));
    assert_eq!(states, [Some(TrancheState::Stopped), Some(TrancheState::GoesBack)]);
}

#[test]
fn whose_a_bonus_is_follows_from_the_rescue_until_it_is_decided() {
    let owner = |view: &RescueView, pledgers: Option<u128>| {
        let (value, rate, bonus) = (WeiSeconds::ZERO, None, Wei::new(2));
        let decided = |pledgers| BonusDecision { bonus, pledgers: Wei::new(pledgers), value, rate };
        BonusView { total: bonus, decision: pledgers.map(decided) }.owner(view)
    };
    let mut view = rescue().view(at(20));
    assert_eq!(owner(&view, None), BonusOwner::Open);
    view.status = Status::Failed;
    view.end_reason = Some(EndReason::NoThresholdMet);
    assert_eq!(owner(&view, None), BonusOwner::Shared(None));
    view.end_reason = Some(EndReason::EndedByGuardian);
    assert_eq!(owner(&view, None), BonusOwner::Sponsors);
    let mut view = settled().view(at(DEADLINE + 2));
    assert_eq!(owner(&view, None), BonusOwner::Sponsors);
    view.threshold_met = Bps::new(5_000);
    assert_eq!(owner(&view, None), BonusOwner::Shared(None));
    assert_eq!(owner(&view, Some(0)), BonusOwner::Sponsors);
    assert_eq!(owner(&view, Some(1)), BonusOwner::Shared(Some(Wei::new(1))));
}
