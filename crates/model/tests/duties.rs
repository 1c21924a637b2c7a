//! What is due, since when, and until when it makes sense.

#[path = "common/walks.rs"]
mod walks;

mod common;

use common::*;
use levee_model::{
    Asset, Duty, EndReason, Goal, Operation, PositionId, RecoveryRefusal, Refused, Rescue, Status, Terms,
    Timestamp, Wei, recovery,
};
use serde_json::Value;
use std::collections::BTreeMap;

const G: u128 = 1_000_000_000;
/// When the first of four tranches falls due, if the rescue settles right after its deadline; the others follow every 10 seconds.
const FIRST: Timestamp = DEADLINE + 101;
/// The last second at which what is due then cannot lapse.
const COLLECTABLE: Timestamp = FIRST + 30 + 50;

fn since(operation: Operation, since: Timestamp) -> Duty {
    Duty { operation, since: Some(since), until: None }
}

fn release(asset: Asset, since: Timestamp, until: Timestamp) -> Duty {
    Duty { operation: Operation::Release(asset), since: Some(since), until: Some(until) }
}

/// 900 G wei of tier 0 and 500 G shares, worth 600 G wei, of tier 1.
fn pledged() -> Rescue {
    let mut rescue = rescue();
    rescue.pledge(at(10), id(ALICE, 0, Asset::Eth), UNAMENDED, units(900 * G)).expect("accepted");
    rescue.pledge(at(10), id(BOB, 1, Asset::StEth), UNAMENDED, units(500 * G)).expect("accepted");
    rescue
}

#[test]
fn a_rescue_settles_as_soon_as_it_may() {
    let mut open = rescue();
    assert_eq!([DEADLINE, DEADLINE + 1].map(|now| open.duties(at(now)).len()), [0, 1]);
    assert_eq!(open.duties(at(DEADLINE + 9)), [since(Operation::Settle, DEADLINE + 1)]);
    // Covered before its deadline: nobody can tell since when from the state alone.
    let covered = Duty { operation: Operation::Settle, since: None, until: None };
    assert_eq!(pledged().duties(at(20)), [covered]);
    // An amendment is in the way, and then moves the deadline.
    let goal = Goal { deadline: 1_400, ..Goal::from(&terms()) };
    open.amend(at(100), GUARDIAN, goal).unwrap();
    assert_eq!(open.duties(at(1_401)), [since(Operation::Settle, 1_401)]);
    assert_eq!(open.duties(at(1_400)), []);
}

#[test]
fn each_asset_is_released_as_its_tranches_fall_due_until_they_can_lapse() {
    let mut rescue = pledged();
    rescue.settle(at(DEADLINE + 1)).unwrap();
    assert_eq!(rescue.duties(at(FIRST - 1)), []);
    let both = [Asset::Eth, Asset::StEth].map(|asset| release(asset, FIRST, COLLECTABLE));
    assert_eq!(rescue.duties(at(FIRST)), both);
    rescue.release(at(FIRST + 9), Asset::Eth).unwrap();
    assert_eq!(rescue.duties(at(FIRST + 9)), both[1..]);
    assert_eq!(rescue.duties(at(FIRST + 10))[0], release(Asset::Eth, FIRST + 10, COLLECTABLE));
    // While stETH does not move, it is not due.
    assert_eq!(rescue.duties(broken(FIRST + 9)), []);
    let lapse = since(Operation::Lapse, COLLECTABLE + 1);
    let late = rescue.duties(at(COLLECTABLE + 1));
    assert_eq!((late.len(), late[2]), (3, lapse));
    let sensible: Vec<_> = late.into_iter().filter(|duty| duty.makes_sense(COLLECTABLE + 1)).collect();
    assert_eq!(sensible, [lapse]);
    assert!(both[0].makes_sense(COLLECTABLE));
    rescue.lapse(at(COLLECTABLE + 1)).unwrap();
    assert_eq!(rescue.duties(at(99_999)), []);
}

#[test]
fn what_was_stopped_lapses_earlier() {
    let mut rescue = pledged();
    rescue.settle(at(DEADLINE + 1)).unwrap();
    rescue.cancel(at(FIRST + 5), GUARDIAN).unwrap();
    let until = FIRST + 55;
    assert_eq!(rescue.duties(at(FIRST + 20))[0], release(Asset::Eth, FIRST, until));
    assert_eq!(rescue.duties(at(until + 1)).last(), Some(&since(Operation::Lapse, until + 1)));
}

#[test]
fn a_rescue_whose_shares_have_no_value_expires() {
    let mut rescue = pledged();
    let until = DEADLINE + 50;
    assert_eq!(rescue.duties(broken(until)), []);
    assert_eq!(rescue.duties(broken(until + 1)), [since(Operation::Expire, until + 1)]);
    // If they have one after all, it settles.
    assert_eq!(rescue.duties(at(until + 1)), [since(Operation::Settle, DEADLINE + 1)]);
    rescue.expire(broken(until + 1)).unwrap();
    assert_eq!(rescue.end_reason(broken(until + 1)), Some(EndReason::RateUnreadable));
    assert_eq!(rescue.duties(at(until + 2)), []);
}

#[test]
fn what_is_owed_to_pledgers_can_be_paid_to_them() {
    let mut rescue = pledged();
    assert_eq!(rescue.payouts(at(DEADLINE)).count(), 0);
    // stETH does not answer: the decline is owed, and nothing can be collected.
    rescue.decline(broken(20), GUARDIAN, id(BOB, 1, Asset::StEth)).unwrap();
    assert_eq!(rescue.payouts(broken(30)).count(), 0);
    let collect = Operation::Collect { pledger: BOB, asset: Asset::StEth };
    assert_eq!(rescue.payouts(at(30)).collect::<Vec<_>>(), [Duty::at_any_time(collect)]);
    rescue.collect(at(30), BOB, Asset::StEth).unwrap();
    rescue.cancel(at(40), GUARDIAN).unwrap();
    assert_eq!(rescue.stored_status(), Status::Failed);
    let refund = Operation::Refund(id(ALICE, 0, Asset::Eth));
    assert_eq!(rescue.payouts(at(40)).collect::<Vec<_>>(), [Duty::at_any_time(refund)]);
    rescue.refund(at(40), id(ALICE, 0, Asset::Eth)).unwrap();
    assert_eq!(rescue.payouts(at(99_999)).count(), 0);
}

/// By the books of the pool itself, after every step of the recorded walks.
#[test]
fn what_a_position_has_earned_follows_from_what_its_order_received() {
    let file: Vec<Value> = serde_json::from_str(walks::WALKS).expect("the walks are JSON");
    let (mut earned, mut refused) = (0, 0);
    for walk in file.iter().map(walks::Walk::read) {
        let mut models = walks::open(&walk);
        for &(at, call) in &walk.steps {
            if let Err(Refused::ByRecovery(RecoveryRefusal::NothingToClaim { .. })) =
                walks::play(&mut models, at, call)
            {
                refused += 1;
            }
            let groups = models.recovery.groups(at.time);
            let received: BTreeMap<u8, Wei> =
                groups.iter().map(|group| (group.order, group.received)).collect();
            let Terms { tiers, .. } = models.rescue.terms();
            let ids: Vec<PositionId> = models.rescue.positions().map(|(id, _)| id).collect();
            for id in ids {
                let received = received[&tiers[usize::from(id.tier)].draw_order];
                let found = recovery::earned_of_down(&models.rescue, id, received);
                assert_eq!(found, models.recovery.earned_down(&models.rescue, id), "{id:?}");
                earned += u32::from(!found.is_zero());
            }
        }
    }
    assert!(earned > 500 && refused > 0, "{earned} {refused}");
}
