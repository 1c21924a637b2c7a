//! The bonus pool: what counts of a position and for how long, whose the bonus is after every end of a rescue, every
//! refusal, and shares on random pledges.

mod common;

use alloy_primitives::{Address, B256, U256};
use common::*;
use levee_model::{
    Asset, BonusBooks, BonusDecision, BonusRefusal, Enlistment, Goal, Lido, Moment, Payment, PositionId,
    Rate, Refusal, Rescue, Status, Terms, Timestamp, UnitSeconds, Units, Wei, WeiSeconds,
};
use proptest::{prelude::*, sample::select, test_runner::Config};

const POOL: Address = Address::repeat_byte(0x90);
const CAROL: Address = Address::repeat_byte(0xca);
const DAVE: Address = Address::repeat_byte(0xda);
const BONUS: Wei = Wei::new(1_000_000);
/// Of [`terms`]: up to an exit window after the deadline positions may be brought up to date.
const LIMIT: Timestamp = DEADLINE + 200;

fn paid(to: Address, amount: u128) -> Result<Payment, BonusRefusal> {
    Ok(Payment { to, asset: Asset::Eth, amount: Units::new(amount) })
}

fn unit_seconds(number: u128) -> UnitSeconds {
    UnitSeconds::new(U256::from(number))
}

fn decision(pledgers: u128, value: u128, rate: Option<Rate>) -> Option<BonusDecision> {
    let value = WeiSeconds::new(U256::from(value));
    Some(BonusDecision { bonus: BONUS, pledgers: Wei::new(pledgers), value, rate })
}

fn alice() -> PositionId {
    id(ALICE, 0, Asset::Eth)
}

fn bob() -> PositionId {
    id(BOB, 1, Asset::WstEth)
}

fn nothing_to_enlist(id: PositionId) -> Result<(), BonusRefusal> {
    Err(BonusRefusal::NothingToEnlist { id })
}

fn nothing_to_claim(id: PositionId) -> Result<Payment, BonusRefusal> {
    Err(BonusRefusal::NothingToClaim { id })
}

fn nothing_to_take_back(sponsor: Address) -> Result<Payment, BonusRefusal> {
    Err(BonusRefusal::NothingToTakeBack { sponsor })
}

fn goal(deadline: Timestamp) -> Goal {
    Goal { target: Wei::new(TARGET), deadline, terms_hash: B256::ZERO }
}

/// Pledges and enlists in one second.
fn join(rescue: &mut Rescue, pool: &mut BonusBooks, time: Timestamp, id: PositionId, amount: u128) {
    rescue.pledge(at(time), id, rescue.latest_amendment(), units(amount)).expect("accepted");
    pool.enlist(rescue, at(time), id).expect("accepted");
}

/// A rescue with a bonus of CAROL; 100 wei of ALICE, locked for 990 s, and 10 shares of BOB, worth 12 and enlisted for
/// 495 s. That is 99,000 and 5,940 wei-seconds.
fn open() -> (Rescue, BonusBooks) {
    let (mut rescue, mut pool) = (rescue(), BonusBooks::new(POOL));
    pool.add(&rescue, at(10), CAROL, BONUS).expect("accepted");
    join(&mut rescue, &mut pool, 10, alice(), 100);
    join(&mut rescue, &mut pool, 505, bob(), 10);
    (rescue, pool)
}

/// With 250 G wei of ALICE in a tier that is met, and 100 G of BOB in one that is not.
fn partly_met() -> (Rescue, BonusBooks) {
    let (mut rescue, mut pool) = (rescue(), BonusBooks::new(POOL));
    pool.add(&rescue, at(10), CAROL, BONUS).expect("accepted");
    join(&mut rescue, &mut pool, 10, alice(), 250_000_000_000);
    join(&mut rescue, &mut pool, 10, id(BOB, 2, Asset::Eth), 100_000_000_000);
    (rescue, pool)
}

/// Covered by ALICE in the last tier.
fn covered() -> (Rescue, BonusBooks) {
    let (mut rescue, mut pool) = open();
    join(&mut rescue, &mut pool, 510, id(ALICE, 2, Asset::Eth), 2_000_000_000_000);
    (rescue, pool)
}

mod add {
    use super::*;

    #[test]
    fn is_taken_up_to_the_deadline_in_force() {
        let (rescue, mut pool) = open();
        pool.add(&rescue, at(DEADLINE), CAROL, Wei::new(1)).unwrap();
        pool.add(&rescue, broken(DEADLINE), DAVE, Wei::new(2)).unwrap();
        assert_eq!(pool.contribution_of(CAROL), BONUS + Wei::new(1));
        assert_eq!((pool.contribution_of(DAVE), pool.total()), (Wei::new(2), BONUS + Wei::new(3)));
        let time = DEADLINE + 1;
        let closed = BonusRefusal::AddingClosed { status: Status::Open, deadline: DEADLINE, time };
        assert_eq!(pool.add(&rescue, at(time), CAROL, Wei::ZERO), Err(closed));
    }

    #[test]
    fn is_refused_for_the_first_of_several_reasons() {
        let (mut rescue, mut pool) = covered();
        assert_eq!(pool.add(&rescue, at(520), Address::ZERO, Wei::ZERO), Err(BonusRefusal::ZeroAmount));
        for account in [Address::ZERO, POOL, ESCROW, terms().steth, terms().wsteth] {
            let refusal = Err(BonusRefusal::InvalidAccount { account });
            assert_eq!(pool.add(&rescue, at(520), account, BONUS), refusal);
        }
        rescue.settle(at(520)).unwrap();
        let closed = BonusRefusal::AddingClosed { status: Status::Settled, deadline: DEADLINE, time: 520 };
        assert_eq!(pool.add(&rescue, at(520), CAROL, Wei::ZERO), Err(closed));
    }
}

mod enlist {
    use super::*;

    #[test]
    fn counts_what_is_new_by_the_time_until_the_deadline() {
        let (mut rescue, mut pool) = open();
        let first = Enlistment { departures: 0, enlisted: units(100), unit_seconds: unit_seconds(99_000) };
        assert_eq!(pool.enlistment(alice()), first);
        join(&mut rescue, &mut pool, 600, alice(), 50);
        let second = Enlistment { departures: 0, enlisted: units(150), unit_seconds: unit_seconds(119_000) };
        assert_eq!(pool.enlistment(alice()), second);
        assert_eq!(pool.unit_seconds(0, Asset::Eth), unit_seconds(119_000));
        assert_eq!(pool.unit_seconds(1, Asset::WstEth), unit_seconds(4_950));
        join(&mut rescue, &mut pool, DEADLINE, alice(), 7);
        assert_eq!(pool.enlistment(alice()), Enlistment { enlisted: units(157), ..second });
    }

    #[test]
    fn counts_no_further_than_the_earliest_of_three_deadlines() {
        let (mut rescue, mut pool) = (rescue(), BonusBooks::new(POOL));
        rescue.amend(at(100), GUARDIAN, goal(700)).unwrap();
        join(&mut rescue, &mut pool, 200, alice(), 1);
        assert_eq!(pool.unit_seconds(0, Asset::Eth), unit_seconds(500), "up to the pending one");
        rescue.amend(at(300), GUARDIAN, goal(LATEST_DEADLINE)).unwrap();
        join(&mut rescue, &mut pool, 400, id(BOB, 1, Asset::Eth), 1);
        assert_eq!(pool.unit_seconds(1, Asset::Eth), unit_seconds(300), "up to the one in force");
        join(&mut rescue, &mut pool, 600, id(BOB, 2, Asset::Eth), 1);
        assert_eq!(pool.unit_seconds(2, Asset::Eth), unit_seconds(400), "up to the original one");
        join(&mut rescue, &mut pool, 1_200, id(ALICE, 2, Asset::Eth), 1);
        assert_eq!(pool.unit_seconds(2, Asset::Eth), unit_seconds(400), "and then no more");
    }

    #[test]
    fn strikes_what_has_left_and_starts_anew() {
        let (mut rescue, mut pool) = open();
        rescue.decline(at(600), GUARDIAN, alice()).unwrap();
        rescue.pledge(at(700), alice(), UNAMENDED, units(40)).unwrap();
        pool.enlist(&rescue, at(700), alice()).unwrap();
        let anew = Enlistment { departures: 1, enlisted: units(40), unit_seconds: unit_seconds(12_000) };
        assert_eq!((pool.enlistment(alice()), pool.unit_seconds(0, Asset::Eth)), (anew, anew.unit_seconds));
        rescue.decline(broken(800), GUARDIAN, bob()).unwrap();
        pool.enlist(&rescue, at(DEADLINE + 1), bob()).unwrap();
        let struck = Enlistment { departures: 1, ..Enlistment::default() };
        assert_eq!(
            (pool.enlistment(bob()), pool.unit_seconds(1, Asset::WstEth)),
            (struck, UnitSeconds::ZERO)
        );
    }

    #[test]
    fn is_refused_when_nothing_would_change() {
        let (mut rescue, mut pool) = open();
        let nobody = id(CAROL, 0, Asset::Eth);
        assert_eq!(pool.enlist(&rescue, at(600), alice()), nothing_to_enlist(alice()));
        assert_eq!(pool.enlist(&rescue, at(600), nobody), nothing_to_enlist(nobody));
        rescue.pledge(at(600), nobody, UNAMENDED, units(5)).unwrap();
        assert_eq!(pool.enlist(&rescue, at(DEADLINE + 1), nobody), nothing_to_enlist(nobody));
        let unknown = BonusRefusal::ByRescue(Refusal::UnknownTier { tier: 3, count: 3 });
        assert_eq!(pool.enlist(&rescue, at(600), id(ALICE, 3, Asset::Eth)), Err(unknown));
        rescue.decline(at(700), GUARDIAN, alice()).unwrap();
        pool.claim(&mut rescue, at(LIMIT + 1), bob()).unwrap();
        assert_eq!(pool.enlist(&rescue, at(LIMIT + 1), alice()), nothing_to_enlist(alice()), "decided");
    }

    #[test]
    fn counts_no_more_than_the_bound_of_a_position() {
        let far = Terms { deadline: 1 << 28, latest_deadline: 1 << 28, ..terms() };
        let (mut rescue, mut pool) = (Rescue::open(ESCROW, far, CREATED).unwrap(), BonusBooks::new(POOL));
        rescue.pledge(at(0), alice(), UNAMENDED, units(1 << 100)).unwrap();
        let too_large = BonusRefusal::AmountTooLarge {
            amount: UnitSeconds::MAX_POSITION + unit_seconds(1),
            limit: UnitSeconds::MAX_POSITION,
        };
        assert_eq!(pool.enlist(&rescue, at(0), alice()), Err(too_large));
        pool.enlist(&rescue, at(1), alice()).unwrap();
    }
}

mod claim {
    use super::*;

    #[test]
    fn shares_the_bonus_of_a_failed_rescue_by_value_and_time_and_settles_it_first() {
        let (mut rescue, mut pool) = open();
        assert_eq!(pool.share_of(&rescue, alice()), Wei::ZERO);
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), bob()), paid(BOB, 56_603));
        assert_eq!(rescue.stored_status(), Status::Failed);
        assert_eq!(pool.decision(), decision(1_000_000, 104_940, Some(rate(RATE))));
        assert_eq!(pool.claim_to(&mut rescue, broken(LIMIT + 2), alice(), DAVE), paid(DAVE, 943_396));
        assert_eq!((pool.share_of(&rescue, alice()), pool.has_claimed(alice())), (Wei::new(943_396), true));
    }

    #[test]
    fn waits_an_exit_window_for_what_has_left_to_be_struck() {
        let (mut rescue, mut pool) = open();
        let early = BonusRefusal::TooEarly { limit: LIMIT, time: LIMIT };
        assert_eq!(pool.claim(&mut rescue, at(LIMIT), alice()), Err(early));
        assert_eq!(pool.take_back(&mut rescue, at(LIMIT), CAROL, CAROL), Err(early));
        assert_eq!((rescue.stored_status(), pool.decision()), (Status::Open, None));
    }

    #[test]
    fn pays_each_position_once_whatever_was_refunded() {
        let (mut rescue, mut pool) = open();
        let other = id(BOB, 1, Asset::Eth);
        join(&mut rescue, &mut pool, 505, other, 12);
        let late = at(LIMIT + 1);
        rescue.refund(late, bob()).unwrap();
        assert_eq!(pool.claim(&mut rescue, late, bob()), paid(BOB, 53_571));
        assert_eq!(pool.claim(&mut rescue, late, bob()), nothing_to_claim(bob()));
        assert_eq!(
            pool.claim(&mut rescue, late, other),
            paid(BOB, 53_571),
            "once a pot, not an asset or tier"
        );
        let nobody = id(CAROL, 0, Asset::Eth);
        assert_eq!(pool.claim(&mut rescue, late, nobody), nothing_to_claim(nobody));
    }

    #[test]
    fn is_for_those_alone_whose_condition_was_not_met() {
        let (mut rescue, mut pool) = partly_met();
        let waiting = id(BOB, 2, Asset::Eth);
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), alice()), nothing_to_claim(alice()));
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), waiting), paid(BOB, 285_714));
        assert_eq!(pool.decision(), decision(285_714, 350_000_000_000 * 990, None));
        assert_eq!(rescue.stored_status(), Status::Settled);
        assert_eq!(pool.take_back(&mut rescue, at(LIMIT + 1), DAVE, CAROL), paid(CAROL, 714_286));
    }

    #[test]
    fn gives_the_last_second_a_seconds_worth() {
        let (mut rescue, mut pool) = open();
        let sniper = id(DAVE, 0, Asset::Eth);
        join(&mut rescue, &mut pool, DEADLINE - 1, sniper, 9_000);
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), sniper), paid(DAVE, 78_988), "9,000 of 113,940");
    }

    #[test]
    fn is_not_diluted_by_what_only_passed_through() {
        let (mut rescue, mut pool) = open();
        let flash = id(DAVE, 0, Asset::Eth);
        rescue.amend(at(600), GUARDIAN, goal(DEADLINE)).unwrap();
        join(&mut rescue, &mut pool, 600, flash, 1_000_000_000);
        rescue.exit(at(600), flash, DAVE).unwrap();
        pool.enlist(&rescue, at(DEADLINE + 1), flash).unwrap();
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), alice()), paid(ALICE, 943_396));
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), flash), nothing_to_claim(flash));
    }

    #[test]
    fn leaves_in_the_pool_what_an_outdated_position_would_have_got() {
        let (mut rescue, mut pool) = open();
        rescue.decline(at(600), GUARDIAN, bob()).unwrap();
        rescue.pledge(at(600), bob(), UNAMENDED, units(10)).unwrap();
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), alice()), paid(ALICE, 943_396));
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), bob()), nothing_to_claim(bob()));
    }

    #[test]
    fn values_shares_by_the_rate_that_the_rescue_recorded() {
        let (mut rescue, mut pool) = open();
        rescue.settle(at(DEADLINE + 1)).unwrap();
        let dear = Moment { lido: Lido::Working(rate(2 * RATE)), ..at(LIMIT + 1) };
        assert_eq!(pool.claim(&mut rescue, dear, bob()), paid(BOB, 56_603));
    }

    #[test]
    fn takes_shares_one_to_one_when_the_rate_was_what_failed() {
        let (mut rescue, mut pool) = open();
        rescue.expire(broken(DEADLINE + 51)).unwrap();
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), bob()), paid(BOB, 47_619));
        assert_eq!(pool.decision(), decision(1_000_000, 103_950, Some(Rate::PAR)));
    }

    #[test]
    fn counts_shares_nothing_that_all_left_before_the_end() {
        let (mut rescue, mut pool) = open();
        rescue.decline(at(600), GUARDIAN, bob()).unwrap();
        assert_eq!(pool.claim(&mut rescue, broken(LIMIT + 1), alice()), paid(ALICE, 1_000_000));
        assert_eq!(pool.decision(), decision(1_000_000, 99_000, None));
    }

    #[test]
    fn stays_decided_whatever_becomes_of_a_settled_rescue() {
        let long = Terms { objection_period: 1_000, ..terms() };
        let (mut rescue, mut pool) = (Rescue::open(ESCROW, long, CREATED).unwrap(), BonusBooks::new(POOL));
        pool.add(&rescue, at(10), CAROL, BONUS).unwrap();
        join(&mut rescue, &mut pool, 10, alice(), 250_000_000_000);
        join(&mut rescue, &mut pool, 10, id(BOB, 2, Asset::Eth), 100_000_000_000);
        rescue.settle(at(DEADLINE + 1)).unwrap();
        rescue.cancel(at(LIMIT), GUARDIAN).unwrap();
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), alice()), nothing_to_claim(alice()));
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), id(BOB, 2, Asset::Eth)), paid(BOB, 285_714));
    }

    #[test]
    fn is_refused_as_settling_is_while_the_rescue_is_open_and_leaves_it_so() {
        let (mut rescue, mut pool) = open();
        let refused = pool.claim(&mut rescue, at(520), alice());
        assert!(
            matches!(refused, Err(BonusRefusal::ByRescue(Refusal::CoverageTooLow { .. }))),
            "{refused:?}"
        );
        let unreadable = BonusRefusal::ByRescue(Refusal::RateUnreadable);
        assert_eq!(pool.claim(&mut rescue, broken(LIMIT + 1), alice()), Err(unreadable));
        let unknown = BonusRefusal::ByRescue(Refusal::UnknownTier { tier: 3, count: 3 });
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), id(ALICE, 3, Asset::Eth)), Err(unknown));
        for account in [Address::ZERO, POOL, ESCROW, terms().steth, terms().wsteth] {
            let refusal = Err(BonusRefusal::InvalidAccount { account });
            assert_eq!(pool.claim_to(&mut rescue, at(LIMIT + 1), alice(), account), refusal);
            assert_eq!(pool.take_back_to(&mut rescue, at(LIMIT + 1), CAROL, account), refusal);
        }
        assert_eq!((rescue.stored_status(), pool.decision()), (Status::Open, None));
    }
}

mod take_back {
    use super::*;

    #[test]
    fn settles_a_covered_rescue_and_returns_all_at_once() {
        let (mut rescue, mut pool) = covered();
        assert_eq!(pool.claim(&mut rescue, at(520), alice()), nothing_to_claim(alice()));
        assert_eq!((rescue.stored_status(), pool.decision()), (Status::Open, None));
        assert_eq!(pool.take_back(&mut rescue, at(520), DAVE, CAROL), paid(CAROL, 1_000_000));
        assert_eq!(
            (rescue.stored_status(), pool.decision().map(|whose| whose.pledgers)),
            (Status::Settled, Some(Wei::ZERO))
        );
        assert_eq!(pool.take_back(&mut rescue, at(520), DAVE, CAROL), nothing_to_take_back(CAROL));
        assert_eq!(pool.share_of(&rescue, alice()), Wei::ZERO);
    }

    #[test]
    fn returns_all_when_the_guardian_ends_the_rescue() {
        let (mut rescue, mut pool) = open();
        rescue.cancel(at(520), GUARDIAN).unwrap();
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), alice()), nothing_to_claim(alice()));
        assert_eq!(pool.take_back_to(&mut rescue, at(520), CAROL, DAVE), paid(DAVE, 1_000_000));
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), alice()), nothing_to_claim(alice()));
    }

    #[test]
    fn returns_all_at_once_when_nothing_of_worth_was_enlisted() {
        let (mut rescue, mut pool) = (rescue(), BonusBooks::new(POOL));
        pool.add(&rescue, at(1), CAROL, BONUS).unwrap();
        rescue.pledge(at(1), alice(), UNAMENDED, units(100)).unwrap();
        assert_eq!(pool.take_back(&mut rescue, at(DEADLINE + 1), DAVE, CAROL), paid(CAROL, 1_000_000));
    }

    #[test]
    fn returns_all_at_once_when_only_met_conditions_were_enlisted() {
        let (mut rescue, mut pool) = (rescue(), BonusBooks::new(POOL));
        pool.add(&rescue, at(1), CAROL, BONUS).unwrap();
        join(&mut rescue, &mut pool, 10, alice(), 250_000_000_000);
        rescue.pledge(at(10), id(BOB, 2, Asset::Eth), UNAMENDED, units(1)).unwrap();
        assert_eq!(pool.take_back(&mut rescue, at(DEADLINE + 1), DAVE, CAROL), paid(CAROL, 1_000_000));
    }

    #[test]
    fn shares_the_rest_by_what_each_sponsor_added_rounded_down() {
        let (mut rescue, mut pool) = partly_met();
        pool.add(&rescue, at(20), DAVE, Wei::new(7)).unwrap();
        // Of 1,000,007 the pledgers have 285,716; 714,291 are left.
        assert_eq!(pool.take_back(&mut rescue, at(LIMIT + 1), DAVE, CAROL), paid(CAROL, 714_285));
        assert_eq!(pool.take_back(&mut rescue, at(LIMIT + 1), CAROL, DAVE), paid(DAVE, 5));
        assert_eq!(pool.take_back(&mut rescue, at(LIMIT + 1), DAVE, DAVE), nothing_to_take_back(DAVE));
        assert_eq!(pool.claim(&mut rescue, at(LIMIT + 1), id(BOB, 2, Asset::Eth)), paid(BOB, 285_716));
    }

    #[test]
    fn returns_nothing_when_all_of_it_is_the_pledgers() {
        let (mut rescue, mut pool) = open();
        assert_eq!(pool.take_back(&mut rescue, at(LIMIT + 1), CAROL, CAROL), nothing_to_take_back(CAROL));
        assert_eq!((rescue.stored_status(), pool.decision()), (Status::Open, None));
    }

    #[test]
    fn lets_a_sponsor_leave_in_the_first_half_of_an_exit_window() {
        let (mut rescue, mut pool) = open();
        pool.add(&rescue, at(510), DAVE, Wei::new(7)).unwrap();
        let effective_at = rescue.amend(at(511), GUARDIAN, goal(DEADLINE + 100)).unwrap().effective_at;
        assert_eq!(effective_at, 711);
        let pending = |time| Err(BonusRefusal::ByRescue(Refusal::AmendmentPending { effective_at, time }));
        assert_eq!(pool.take_back(&mut rescue, at(512), DAVE, CAROL), pending(512), "by itself alone");
        assert_eq!(pool.take_back(&mut rescue, at(512), ALICE, ALICE), nothing_to_take_back(ALICE));
        assert_eq!(pool.take_back_to(&mut rescue, at(610), CAROL, ALICE), paid(ALICE, 1_000_000));
        assert_eq!(
            (pool.decision(), pool.total(), pool.contribution_of(CAROL)),
            (None, Wei::new(7), Wei::ZERO)
        );
        assert_eq!(
            pool.take_back(&mut rescue, at(611), DAVE, DAVE),
            pending(611),
            "then pledgers can still follow"
        );
    }
}

fn pledges() -> impl Strategy<Value = Vec<(PositionId, Units, Timestamp)>> {
    let ids = (0..5u8, 0..3u8, select(Asset::ALL.to_vec()));
    let ids = ids.prop_map(|(who, tier, asset)| id(Address::repeat_byte(who + 1), tier, asset));
    let amounts = prop_oneof![1..10u128, 1..200_000_000_000u128].prop_map(Units::new);
    prop::collection::vec((ids, amounts, 0..DEADLINE), 1..8).prop_map(|mut list| {
        list.sort_by_key(|&(_, _, time)| time);
        list
    })
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    /// Pledgers and sponsors together get no more than the bonus, and no less but for a wei for each of them and each
    /// floor of a value; claims in any order come to the same.
    #[test]
    fn shares_leave_only_dust_in_any_order(pledges in pledges(), bonus in 1..u128::from(u64::MAX)) {
        let (mut rescue, mut pool) = (rescue(), BonusBooks::new(POOL));
        pool.add(&rescue, at(0), CAROL, Wei::new(bonus)).unwrap();
        pool.add(&rescue, at(0), DAVE, Wei::new(1)).unwrap();
        pledges.iter().for_each(|&(id, amount, time)| join(&mut rescue, &mut pool, time, id, amount.get()));
        let ids: Vec<_> = rescue.positions().map(|(id, _)| id).collect();
        let late = at(LIMIT + 1);
        let end = |ids: &mut dyn Iterator<Item = PositionId>| {
            let (mut rescue, mut pool) = (rescue.clone(), pool.clone());
            let amount = |paid: Result<Payment, _>| paid.map_or(0, |payment| payment.amount.get());
            let claims: std::collections::BTreeMap<_, _> =
                ids.map(|id| (id, amount(pool.claim(&mut rescue, late, id)))).collect();
            let back = [CAROL, DAVE].map(|sponsor| amount(pool.take_back(&mut rescue, late, sponsor, sponsor)));
            (claims, back, pool.decision())
        };
        let (claims, back, decision) = end(&mut ids.iter().copied());
        prop_assert_eq!((&claims, back), { let (claims, back, _) = end(&mut ids.iter().rev().copied()); (&claims.clone(), back) });
        let Some(BonusDecision { bonus, pledgers, value, .. }) = decision else { return Ok(()) };
        let (claimed, back) = (claims.values().sum::<u128>(), back.iter().sum::<u128>());
        let (left, positions) = (bonus.get() - pledgers.get(), ids.len() as u128);
        let floors = (U256::from(bonus.get() * positions) / value.get().max(U256::ONE)).to::<u128>();
        prop_assert!(claimed <= pledgers.get() && pledgers.get() - claimed <= positions + floors + 1, "{claimed} of {pledgers}");
        prop_assert!(back <= left && left - back <= 2, "{back} of {left}");
    }
}
