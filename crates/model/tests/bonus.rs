//! The bonus pool: whose the bonus is after every end of a rescue, every refusal, and shares on random pledges.

mod common;

use alloy_primitives::{Address, B256};
use common::*;
use levee_model::{
    Asset, BonusFor, BonusPool, BonusRefusal, FailReason, Goal, Payment, PositionId, Rate, Refusal, Rescue,
    Status, Timestamp, Units, Wei,
};
use proptest::{prelude::*, sample::select, test_runner::Config};

const POOL: Address = Address::repeat_byte(0x90);
const CAROL: Address = Address::repeat_byte(0xca);
const DAVE: Address = Address::repeat_byte(0xda);
const BONUS: Wei = Wei::new(1_000_000);
/// Of [`terms`]: the rate may be waited for so long.
const LIMIT: Timestamp = DEADLINE + 50;

fn paid(to: Address, amount: Wei) -> Result<Payment, BonusRefusal> {
    Ok(Payment { to, asset: Asset::Eth, amount: Units::new(amount.get()) })
}

/// A rescue with 100 wei of ALICE and 10 shares of BOB, worth 12, and a bonus of CAROL.
fn open() -> (Rescue, BonusPool) {
    let mut rescue = rescue();
    rescue.pledge(at(10), id(ALICE, 0, Asset::Eth), units(100)).expect("accepted");
    rescue.pledge(at(10), id(BOB, 1, Asset::WstEth), units(10)).expect("accepted");
    let mut pool = BonusPool::new(POOL);
    pool.add(&rescue, at(10), CAROL, BONUS).expect("accepted");
    (rescue, pool)
}

/// The same with 2,000 G wei more, so that it settles.
fn covered() -> (Rescue, BonusPool) {
    let (mut rescue, pool) = open();
    rescue.pledge(at(10), id(ALICE, 2, Asset::Eth), units(2_000_000_000_000)).expect("accepted");
    (rescue, pool)
}

const fn pledgers(rate: Option<Rate>, value: u128) -> BonusFor {
    BonusFor::Pledgers { rate, value: Wei::new(value) }
}

mod add {
    use super::*;

    #[test]
    fn is_taken_up_to_the_deadline_in_force() {
        let (rescue, mut pool) = open();
        pool.add(&rescue, at(DEADLINE), CAROL, Wei::new(1)).unwrap();
        pool.add(&rescue, broken(DEADLINE), DAVE, Wei::new(2)).unwrap();
        assert_eq!(
            (pool.contribution_of(CAROL), pool.contribution_of(DAVE)),
            (BONUS + Wei::new(1), Wei::new(2))
        );
        assert_eq!(pool.total(), BONUS + Wei::new(3));
        let time = DEADLINE + 1;
        let closed = BonusRefusal::AddingClosed { status: Status::Open, deadline: DEADLINE, time };
        assert_eq!(pool.add(&rescue, at(time), CAROL, Wei::ZERO), Err(closed));
    }

    #[test]
    fn is_refused_for_the_first_of_several_reasons() {
        let (mut rescue, mut pool) = covered();
        assert_eq!(pool.add(&rescue, at(20), Address::ZERO, Wei::ZERO), Err(BonusRefusal::ZeroAmount));
        for account in [Address::ZERO, POOL] {
            let refusal = Err(BonusRefusal::InvalidAccount { account });
            assert_eq!(pool.add(&rescue, at(20), account, BONUS), refusal);
        }
        rescue.settle(at(20)).unwrap();
        let closed = BonusRefusal::AddingClosed { status: Status::Settled, deadline: DEADLINE, time: 20 };
        assert_eq!(pool.add(&rescue, at(20), CAROL, Wei::ZERO), Err(closed));
    }
}

mod claim {
    use super::*;

    #[test]
    fn shares_the_bonus_of_a_failed_rescue_by_value_and_settles_it_first() {
        let (mut rescue, mut pool) = open();
        let (alice, bob) = (id(ALICE, 0, Asset::Eth), id(BOB, 1, Asset::WstEth));
        assert_eq!(pool.share_of(&rescue, alice), Wei::ZERO);
        assert_eq!(pool.claim(&mut rescue, at(DEADLINE + 1), bob), paid(BOB, Wei::new(107_142)));
        assert_eq!(rescue.stored_status(), Status::Failed);
        assert_eq!(pool.decision(), Some(pledgers(Some(rate(RATE)), 112)));
        assert_eq!(
            pool.claim_to(&mut rescue, broken(DEADLINE + 2), alice, DAVE),
            paid(DAVE, Wei::new(892_857))
        );
        assert_eq!((pool.share_of(&rescue, alice), pool.has_claimed(alice)), (Wei::new(892_857), true));
    }

    #[test]
    fn pays_once_whatever_was_refunded() {
        let (mut rescue, mut pool) = open();
        let (late, bob) = (at(DEADLINE + 1), id(BOB, 1, Asset::WstEth));
        rescue.refund(late, bob).unwrap();
        pool.claim(&mut rescue, late, bob).unwrap();
        let nothing = |id| Err(BonusRefusal::NothingToClaim { id });
        assert_eq!(pool.claim(&mut rescue, late, bob), nothing(bob));
        assert_eq!(
            pool.claim(&mut rescue, late, id(CAROL, 0, Asset::Eth)),
            nothing(id(CAROL, 0, Asset::Eth))
        );
    }

    #[test]
    fn fixes_the_rate_once() {
        let (mut rescue, mut pool) = open();
        pool.claim(&mut rescue, at(DEADLINE + 1), id(ALICE, 0, Asset::Eth)).unwrap();
        let dear =
            levee_model::Moment { lido: levee_model::Lido::Working(rate(2 * RATE)), ..at(DEADLINE + 2) };
        let claim = pool.claim(&mut rescue, dear, id(BOB, 1, Asset::WstEth));
        assert_eq!(claim, paid(BOB, Wei::new(107_142)));
    }

    #[test]
    fn waits_for_the_rate_and_then_takes_shares_one_to_one() {
        let (mut rescue, mut pool) = open();
        let bob = id(BOB, 1, Asset::WstEth);
        let refusal = BonusRefusal::ByRescue(Refusal::RateUnreadable);
        assert_eq!(pool.claim(&mut rescue, broken(DEADLINE + 1), bob), Err(refusal));
        rescue.settle(at(DEADLINE + 1)).unwrap();
        let refusal = BonusRefusal::RateUnreadable { limit: LIMIT, time: LIMIT };
        assert_eq!(pool.claim(&mut rescue, broken(LIMIT), bob), Err(refusal));
        assert_eq!(pool.claim(&mut rescue, broken(LIMIT + 1), bob), paid(BOB, Wei::new(90_909)));
        assert_eq!(pool.decision(), Some(pledgers(Some(Rate::PAR), 110)));
    }

    #[test]
    fn is_for_pledgers_too_when_the_rate_was_what_failed() {
        let (mut rescue, mut pool) = open();
        rescue.expire(broken(LIMIT + 1)).unwrap();
        assert_eq!(rescue.fail_reason(at(LIMIT + 1)), Some(FailReason::RateUnreadable));
        let claim = pool.claim(&mut rescue, at(LIMIT + 2), id(BOB, 1, Asset::WstEth));
        assert_eq!(claim, paid(BOB, Wei::new(107_142)));
    }

    #[test]
    fn needs_no_rate_where_no_shares_are() {
        let (mut rescue, mut pool) = open();
        rescue.decline(at(20), GUARDIAN, id(BOB, 1, Asset::WstEth)).unwrap();
        let claim = pool.claim(&mut rescue, broken(DEADLINE + 1), id(ALICE, 0, Asset::Eth));
        assert_eq!((claim, pool.decision()), (paid(ALICE, BONUS), Some(pledgers(None, 100))));
    }

    #[test]
    fn is_refused_while_the_rescue_is_open_and_leaves_it_so() {
        let (mut rescue, mut pool) = open();
        let refused = pool.claim(&mut rescue, at(20), id(ALICE, 0, Asset::Eth));
        assert!(
            matches!(refused, Err(BonusRefusal::ByRescue(Refusal::CoverageTooLow { .. }))),
            "{refused:?}"
        );
        let unknown = BonusRefusal::ByRescue(Refusal::UnknownTier { tier: 3, count: 3 });
        assert_eq!(pool.claim(&mut rescue, at(DEADLINE + 1), id(ALICE, 3, Asset::Eth)), Err(unknown));
        assert_eq!((rescue.stored_status(), pool.decision()), (Status::Open, None));
    }

    #[test]
    fn is_refused_when_the_bonus_is_the_sponsors_and_then_decides_nothing() {
        let (mut rescue, mut pool) = covered();
        let refusal = BonusRefusal::WrongOutcome { whose: BonusFor::Sponsors };
        assert_eq!(pool.claim(&mut rescue, at(20), id(ALICE, 0, Asset::Eth)), Err(refusal));
        assert_eq!((rescue.stored_status(), pool.decision()), (Status::Open, None));
        for account in [Address::ZERO, POOL] {
            let refusal = Err(BonusRefusal::InvalidAccount { account });
            assert_eq!(pool.claim_to(&mut rescue, at(20), id(ALICE, 0, Asset::Eth), account), refusal);
            assert_eq!(pool.take_back_to(&mut rescue, at(20), CAROL, account), refusal);
        }
    }
}

mod take_back {
    use super::*;

    #[test]
    fn settles_a_covered_rescue_and_returns_all() {
        let (mut rescue, mut pool) = covered();
        assert_eq!(pool.take_back(&mut rescue, at(20), DAVE, CAROL), paid(CAROL, BONUS));
        assert_eq!((rescue.stored_status(), pool.decision()), (Status::Settled, Some(BonusFor::Sponsors)));
        let refusal = Err(BonusRefusal::NothingToTakeBack { sponsor: CAROL });
        assert_eq!(pool.take_back(&mut rescue, at(20), DAVE, CAROL), refusal);
        assert_eq!((pool.total(), pool.contribution_of(CAROL)), (Wei::ZERO, Wei::ZERO));
        assert_eq!(pool.share_of(&rescue, id(ALICE, 0, Asset::Eth)), Wei::ZERO);
    }

    #[test]
    fn is_for_sponsors_when_the_guardian_ends_the_rescue() {
        let (mut rescue, mut pool) = open();
        rescue.cancel(at(20), GUARDIAN).unwrap();
        assert_eq!(rescue.fail_reason(at(20)), Some(FailReason::EndedByGuardian));
        assert_eq!(pool.take_back_to(&mut rescue, at(20), CAROL, DAVE), paid(DAVE, BONUS));
    }

    #[test]
    fn is_for_sponsors_when_nothing_of_worth_was_pledged() {
        for shares in [0, 1] {
            let mut rescue = rescue();
            let cheap = levee_model::Lido::Working(rate(RATE / 2));
            let moment = |time| levee_model::Moment { time, lido: cheap };
            if shares > 0 {
                rescue.pledge(moment(1), id(ALICE, 0, Asset::StEth), units(shares)).unwrap();
            }
            let mut pool = BonusPool::new(POOL);
            pool.add(&rescue, moment(1), CAROL, BONUS).unwrap();
            assert_eq!(pool.take_back(&mut rescue, moment(DEADLINE + 1), DAVE, CAROL), paid(CAROL, BONUS));
            assert_eq!(rescue.fail_reason(moment(DEADLINE + 1)), Some(FailReason::NoThresholdMet));
        }
    }

    #[test]
    fn lets_a_sponsor_leave_while_an_amendment_is_pending() {
        let (mut rescue, mut pool) = open();
        pool.add(&rescue, at(10), DAVE, Wei::new(7)).unwrap();
        let goal = Goal { target: Wei::new(TARGET), deadline: DEADLINE + 100, terms_hash: B256::ZERO };
        let in_force_from = rescue.amend(at(11), GUARDIAN, goal).unwrap().in_force_from;
        let refused = pool.take_back(&mut rescue, at(12), DAVE, CAROL);
        assert!(
            matches!(refused, Err(BonusRefusal::ByRescue(Refusal::CoverageTooLow { .. }))),
            "{refused:?}"
        );
        let last = in_force_from - 1;
        assert_eq!(pool.take_back_to(&mut rescue, at(last), CAROL, ALICE), paid(ALICE, BONUS));
        assert_eq!(
            (pool.decision(), pool.total(), pool.contribution_of(CAROL)),
            (None, Wei::new(7), Wei::ZERO)
        );
        let refused = pool.take_back(&mut rescue, at(in_force_from), DAVE, DAVE);
        assert!(
            matches!(refused, Err(BonusRefusal::ByRescue(Refusal::CoverageTooLow { .. }))),
            "{refused:?}"
        );
    }

    #[test]
    fn is_refused_when_the_bonus_is_the_pledgers() {
        let (mut rescue, mut pool) = open();
        let whose = pledgers(Some(rate(RATE)), 112);
        let refusal = Err(BonusRefusal::WrongOutcome { whose });
        assert_eq!(pool.take_back(&mut rescue, at(DEADLINE + 1), DAVE, CAROL), refusal);
        assert_eq!((rescue.stored_status(), pool.decision()), (Status::Open, None));
    }
}

fn pledges() -> impl Strategy<Value = Vec<(PositionId, Units)>> {
    let ids = (0..5u8, 0..3u8, select(Asset::ALL.to_vec()));
    let ids = ids.prop_map(|(who, tier, asset)| id(Address::repeat_byte(who + 1), tier, asset));
    let amounts = prop_oneof![1..10u128, 1..200_000_000_000u128].prop_map(Units::new);
    // Not a quarter of the target, so that no threshold is met.
    prop::collection::vec((ids, amounts), 1..8).prop_filter("it would settle", |list| {
        list.iter().map(|(_, amount)| amount.get()).sum::<u128>() < 100_000_000_000
    })
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    /// All shares together are the bonus, but for less than a wei for each position and each floor of its value; claims
    /// in any order come to the same.
    #[test]
    fn shares_leave_only_dust_in_any_order(pledges in pledges(), bonus in 1..u128::from(u64::MAX)) {
        let (mut rescue, mut pool) = (rescue(), BonusPool::new(POOL));
        pool.add(&rescue, at(1), CAROL, Wei::new(bonus)).unwrap();
        for &(id, amount) in &pledges {
            rescue.pledge(at(1), id, amount).unwrap();
        }
        let ids: Vec<_> = rescue.positions().map(|(id, _)| id).collect();
        let late = at(DEADLINE + 1);
        let claim_all = |ids: &mut dyn Iterator<Item = PositionId>| {
            let (mut rescue, mut pool) = (rescue.clone(), pool.clone());
            let paid = ids.map(|id| (id, pool.claim(&mut rescue, late, id).map(|payment| payment.amount.get())));
            let paid: std::collections::BTreeMap<_, _> = paid.collect();
            (paid, pool)
        };
        let (paid, pool) = claim_all(&mut ids.iter().copied());
        let (backwards, _) = claim_all(&mut ids.iter().rev().copied());
        prop_assert_eq!(&paid, &backwards);
        let Some(BonusFor::Pledgers { value, .. }) = pool.decision() else { panic!("{:?}", pool.decision()) };
        let total: u128 = paid.values().flatten().sum();
        let positions = ids.len() as u128;
        let dust = positions + bonus.saturating_mul(positions) / value.get() + 1;
        prop_assert!(total <= bonus && bonus - total <= dust, "{total} of {bonus}");
    }
}
