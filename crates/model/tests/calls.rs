//! Every call at the edges of its time, and every reason to refuse it.

mod common;

use alloy_primitives::{Address, B256};
use common::*;
use levee_model::{
    Amendment, Asset, Departure, EndReason, Goal, Lido, Moment, Payment, Refusal, Rescue, Status, Terms,
    TermsError, Timestamp, Units, Wei,
};

/// Settled at 500: ALICE pledged 900 G wei and BOB 300 G, into tier 0; five sixths of it are drawn.
fn settled() -> Rescue {
    let mut rescue = rescue();
    rescue.pledge(at(10), id(ALICE, 0, Asset::Eth), UNAMENDED, units(900_000_000_000)).expect("accepted");
    rescue.pledge(at(10), id(BOB, 0, Asset::Eth), UNAMENDED, units(300_000_000_000)).expect("accepted");
    assert_eq!(rescue.settle(at(500)), Ok(Status::Settled));
    rescue
}

/// Settled at 500: 500 G wei of ETH and 500 G shares, worth 600 G, both of ALICE.
fn settled_with_shares(asset: Asset) -> Rescue {
    let mut rescue = rescue();
    rescue.pledge(at(10), id(ALICE, 0, Asset::Eth), UNAMENDED, units(500_000_000_000)).expect("accepted");
    rescue.pledge(at(10), id(ALICE, 0, asset), UNAMENDED, units(500_000_000_000)).expect("accepted");
    rescue.settle(at(500)).expect("accepted");
    rescue
}

fn goal(target: u128, deadline: Timestamp) -> Goal {
    Goal { target: Wei::new(target), deadline, terms_hash: B256::repeat_byte(7) }
}

fn status(status: Status) -> Refusal {
    Refusal::WrongStatus { status }
}

mod pledge {
    use super::*;

    #[test]
    fn is_taken_up_to_and_including_the_deadline() {
        let mut rescue = rescue();
        let alice = id(ALICE, 1, Asset::WstEth);
        rescue.pledge(at(DEADLINE), alice, UNAMENDED, units(3)).unwrap();
        rescue.pledge(broken(DEADLINE), alice, UNAMENDED, units(4)).unwrap();
        assert_eq!(rescue.position(alice).amount, units(7));
        let closed = Refusal::PledgingClosed { status: Status::Open, deadline: DEADLINE, time: DEADLINE + 1 };
        assert_eq!(rescue.pledge(at(DEADLINE + 1), alice, UNAMENDED, units(1)), Err(closed));
        assert_eq!(rescue.stored_status(), Status::Open);
        assert_eq!(rescue.pot(at(DEADLINE), 1, Asset::WstEth).total, units(7));
    }

    #[test]
    fn is_refused_for_the_first_of_several_reasons() {
        let ether_only = Terms { steth: Address::ZERO, wsteth: Address::ZERO, ..terms() };
        let mut rescue = Rescue::open(ESCROW, ether_only, CREATED).unwrap();
        let closed = Refusal::PledgingClosed { status: Status::Open, deadline: DEADLINE, time: DEADLINE + 1 };
        let (nobody, much, most) = (Address::ZERO, units(1 << 101), Units::MAX_POT);
        let refusals = [
            (DEADLINE + 1, id(nobody, 3, Asset::StEth), 7, units(0), closed),
            (1, id(nobody, 3, Asset::StEth), 7, units(0), Refusal::AmendmentDiffers { named: 7, latest: 0 }),
            (1, id(nobody, 3, Asset::StEth), 0, units(0), Refusal::ZeroAmount),
            (1, id(nobody, 3, Asset::StEth), 0, units(1), Refusal::AssetNotAccepted { asset: Asset::StEth }),
            (1, id(nobody, 3, Asset::Eth), 0, much, Refusal::InvalidAccount { account: nobody }),
            (1, id(ESCROW, 3, Asset::Eth), 0, much, Refusal::InvalidAccount { account: ESCROW }),
            (1, id(ALICE, 3, Asset::Eth), 0, much, Refusal::UnknownTier { tier: 3, count: 3 }),
            (1, id(ALICE, 2, Asset::Eth), 0, much, Refusal::AmountTooLarge { amount: much, limit: most }),
        ];
        for (time, id, amendment, amount, refusal) in refusals {
            assert_eq!(rescue.pledge(broken(time), id, amendment, amount), Err(refusal));
        }
    }

    #[test]
    fn is_not_taken_for_the_tokens() {
        let mut rescue = rescue();
        for account in [terms().steth, terms().wsteth] {
            let pledged = rescue.pledge(at(1), id(account, 0, Asset::Eth), UNAMENDED, units(1));
            assert_eq!(pledged, Err(Refusal::InvalidAccount { account }));
        }
    }

    #[test]
    fn names_the_amendment_proposed_last_pending_or_in_force() {
        let mut rescue = rescue();
        let alice = id(ALICE, 0, Asset::Eth);
        let pledge =
            |rescue: &mut Rescue, time, amendment| rescue.pledge(at(time), alice, amendment, units(1));
        let differs = |named, latest| Err(Refusal::AmendmentDiffers { named, latest });
        rescue.amend(at(100), GUARDIAN, goal(TARGET * 2, 900)).unwrap();
        assert_eq!(pledge(&mut rescue, 100, UNAMENDED), differs(0, 300));
        assert_eq!(pledge(&mut rescue, 100, 300), Ok(()));
        assert_eq!(pledge(&mut rescue, 300, 300), Ok(()));
        rescue.amend(at(400), GUARDIAN, goal(TARGET, 800)).unwrap();
        assert_eq!(pledge(&mut rescue, 400, 300), differs(300, 600));
        assert_eq!(pledge(&mut rescue, 400, 600), Ok(()));
        assert_eq!(rescue.latest_amendment(), 600);
        rescue.cancel(at(599), GUARDIAN).unwrap();
        assert_eq!((rescue.latest_amendment(), rescue.goal(599).target), (0, Wei::new(TARGET * 2)));
    }

    #[test]
    fn never_overfills_a_pot() {
        let mut rescue = rescue();
        rescue.pledge(at(1), id(ALICE, 0, Asset::Eth), UNAMENDED, Units::MAX_POT - units(1)).unwrap();
        let refusal = Refusal::AmountTooLarge { amount: units(2), limit: units(1) };
        assert_eq!(rescue.pledge(at(1), id(BOB, 0, Asset::Eth), UNAMENDED, units(2)), Err(refusal));
        assert_eq!(rescue.pledge(at(1), id(BOB, 0, Asset::Eth), UNAMENDED, units(1)), Ok(()));
        assert_eq!(rescue.settle(at(1)), Ok(Status::Settled));
    }

    #[test]
    fn up_to_every_bound_settles_and_pays_without_overflow() {
        let target = Wei::new((1 << 96) - 1);
        let tiers = (0..8).map(|order| tier(10_000, order, 0)).collect();
        let mut rescue = Rescue::open(ESCROW, Terms { target, tiers, ..terms() }, CREATED).unwrap();
        let pots = || (0..8).flat_map(|tier| Asset::ALL.map(|asset| id(ALICE, tier, asset)));
        let dear = |time| Moment { time, lido: Lido::Working(levee_model::Rate::MAX) };
        pots().for_each(|id| rescue.pledge(dear(1), id, UNAMENDED, Units::MAX_POT).unwrap());
        assert_eq!(rescue.settle(dear(2)), Ok(Status::Settled));
        assert_eq!(rescue.settlement(dear(2)).map(|settlement| settlement.drawn_value), Some(target));
        let back: u128 = pots().map(|id| rescue.refund(dear(2), id).unwrap().amount.get()).sum();
        let out: u128 =
            Asset::ALL.map(|asset| rescue.release(dear(999), asset).unwrap().amount.get()).iter().sum();
        assert_eq!(back + out, 24 * Units::MAX_POT.get());
        assert_eq!(rescue.stored_status(), Status::Released);
    }

    #[test]
    fn of_steth_needs_steth_to_move() {
        let mut rescue = rescue();
        let paused = Moment { time: 1, lido: Lido::Paused(rate(RATE)) };
        let failed = Err(Refusal::TokenFailed { asset: Asset::StEth });
        assert_eq!(rescue.pledge(paused, id(ALICE, 0, Asset::StEth), UNAMENDED, units(1)), failed);
        assert_eq!(rescue.pledge(broken(1), id(ALICE, 0, Asset::StEth), UNAMENDED, units(1)), failed);
        assert_eq!(rescue.pledge(paused, id(ALICE, 0, Asset::WstEth), UNAMENDED, units(1)), Ok(()));
    }
}

mod settle {
    use super::*;

    #[test]
    fn up_to_the_deadline_needs_everything_covered() {
        let mut rescue = rescue();
        rescue.pledge(at(1), id(ALICE, 2, Asset::Eth), UNAMENDED, units(TARGET - 1)).unwrap();
        let low = Refusal::CoverageTooLow { coverage: Wei::new(TARGET - 1), required: Wei::new(TARGET) };
        assert_eq!(rescue.settle(at(DEADLINE)), Err(low));
        rescue.pledge(at(2), id(ALICE, 2, Asset::Eth), UNAMENDED, units(1)).unwrap();
        assert_eq!(rescue.settle(at(2)), Ok(Status::Settled));
        assert_eq!(rescue.settle(at(2)), Err(status(Status::Settled)));
    }

    #[test]
    fn past_the_deadline_takes_the_highest_met_threshold() {
        let mut rescue = rescue();
        rescue.pledge(at(1), id(ALICE, 0, Asset::Eth), UNAMENDED, units(250_000_000_000)).unwrap();
        rescue.pledge(at(1), id(BOB, 2, Asset::Eth), UNAMENDED, units(600_000_000_000)).unwrap();
        assert_eq!(rescue.settle(at(DEADLINE + 1)), Ok(Status::Settled));
        let settlement = rescue.settlement(at(DEADLINE + 1)).unwrap();
        assert_eq!((settlement.threshold.get(), settlement.active_tiers), (2_500, 1));
        assert_eq!(settlement.drawn_value, Wei::new(250_000_000_000));
        assert_eq!(rescue.refundable(at(DEADLINE + 1), id(BOB, 2, Asset::Eth)), units(600_000_000_000));
        assert_eq!(rescue.refundable(at(DEADLINE + 1), id(ALICE, 0, Asset::Eth)), units(0));
    }

    #[test]
    fn past_the_deadline_with_nothing_met_fails() {
        let mut rescue = rescue();
        rescue.pledge(at(1), id(ALICE, 0, Asset::Eth), UNAMENDED, units(249_999_999_999)).unwrap();
        let late = at(DEADLINE + 1);
        assert_eq!(rescue.settle(late), Ok(Status::Failed));
        assert_eq!((rescue.final_at(), rescue.recorded_rate(late)), (None, None));
        assert_eq!(rescue.end_reason(late), Some(EndReason::NoThresholdMet));
    }

    #[test]
    fn past_the_deadline_records_the_rate_by_which_nothing_was_met() {
        let mut rescue = rescue();
        rescue.pledge(at(1), id(ALICE, 0, Asset::WstEth), UNAMENDED, units(1)).unwrap();
        assert_eq!(rescue.recorded_rate(at(DEADLINE)), None);
        rescue.settle(at(DEADLINE + 1)).unwrap();
        assert_eq!(rescue.recorded_rate(broken(DEADLINE + 2)), Some(rate(RATE)));
    }

    #[test]
    fn up_to_the_deadline_waits_for_a_pending_amendment() {
        let mut rescue = rescue();
        rescue.pledge(at(1), id(ALICE, 0, Asset::Eth), UNAMENDED, units(TARGET)).unwrap();
        rescue.amend(at(100), GUARDIAN, goal(TARGET, 900)).unwrap();
        let pending = Refusal::AmendmentPending { effective_at: 300, time: 299 };
        assert_eq!(rescue.settle(at(299)), Err(pending));
        rescue.pledge(at(299), id(ALICE, 0, Asset::WstEth), 300, units(1)).unwrap();
        assert_eq!(rescue.settle(broken(299)), Err(Refusal::RateUnreadable));
        assert_eq!(rescue.settle(at(300)), Ok(Status::Settled));
        assert_eq!(rescue.latest_amendment(), 300);
    }

    #[test]
    fn reads_the_rate_first_and_only_when_shares_are_in_the_books() {
        let mut rescue = rescue();
        rescue.pledge(at(1), id(ALICE, 0, Asset::Eth), UNAMENDED, units(TARGET)).unwrap();
        assert_eq!(rescue.clone().settle(broken(2)), Ok(Status::Settled));
        rescue.pledge(at(1), id(ALICE, 2, Asset::WstEth), UNAMENDED, units(1)).unwrap();
        assert_eq!(rescue.settle(broken(2)), Err(Refusal::RateUnreadable));
        assert_eq!(rescue.settle(Moment { time: 2, lido: Lido::Paused(rate(RATE)) }), Ok(Status::Settled));
    }

    #[test]
    fn comes_first_in_any_late_call_and_is_undone_with_it() {
        let mut rescue = rescue();
        let alice = id(ALICE, 0, Asset::Eth);
        rescue.pledge(at(1), alice, UNAMENDED, units(TARGET)).unwrap();
        let late = at(DEADLINE + 1);
        assert_eq!(rescue.status(late), Status::Settled);
        assert_eq!(rescue.refund(late, alice), Err(Refusal::NothingToReturn { id: alice }));
        assert_eq!(rescue.stored_status(), Status::Open);
        let nothing_due = Refusal::NothingDue { asset: Asset::Eth, due: 0, delivered: 0 };
        assert_eq!(rescue.release(late, Asset::Eth), Err(nothing_due));
        rescue.object(late, alice).unwrap();
        assert_eq!(rescue.stored_status(), Status::Cancelled);
        assert_eq!(rescue.refund(late, alice), Err(Refusal::NothingToReturn { id: alice }));
        assert_eq!(rescue.refund(at(DEADLINE + 131), alice).map(|payment| payment.amount), Ok(units(TARGET)));
    }
}

mod release {
    use super::*;

    #[test]
    fn delivers_each_tranche_from_its_second_on() {
        let mut rescue = settled();
        let none = |delivered| Refusal::NothingDue { asset: Asset::Eth, due: delivered, delivered };
        assert_eq!(rescue.release(at(599), Asset::Eth), Err(none(0)));
        let quarter = Payment { to: BENEFICIARY, asset: Asset::Eth, amount: units(250_000_000_000) };
        assert_eq!(rescue.release(at(600), Asset::Eth), Ok(quarter));
        assert_eq!(rescue.release(at(609), Asset::Eth), Err(none(1)));
        assert_eq!(rescue.deliverable(at(629), Asset::Eth), units(500_000_000_000));
        assert_eq!(rescue.release(at(629), Asset::Eth).unwrap().amount, units(500_000_000_000));
        assert_eq!((rescue.stored_status(), rescue.final_at()), (Status::Settled, None));
        assert_eq!(rescue.release(at(630), Asset::Eth), Ok(quarter));
        assert_eq!((rescue.stored_status(), rescue.final_at()), (Status::Released, Some(630)));
        assert_eq!(rescue.release(at(631), Asset::Eth), Err(status(Status::Released)));
        assert_eq!(rescue.delivered_amount(Asset::Eth), units(TARGET));
    }

    #[test]
    fn of_one_asset_does_not_wait_for_another() {
        let mut rescue = settled_with_shares(Asset::StEth);
        let (asset, amount) = (Asset::StEth, units(454_545_454_545));
        let failed = Refusal::PaymentFailed { recipient: BENEFICIARY, asset, amount };
        assert_eq!(rescue.release(broken(630), Asset::StEth), Err(failed));
        assert_eq!(rescue.release(broken(630), Asset::Eth).unwrap().amount, units(454_545_454_545));
        assert_eq!(rescue.stored_status(), Status::Settled);
        assert_eq!(rescue.release(at(631), Asset::StEth).unwrap().amount, units(454_545_454_545));
        assert_eq!((rescue.stored_status(), rescue.final_at()), (Status::Released, Some(631)));
    }

    #[test]
    fn of_an_asset_that_was_not_drawn_has_nothing_due() {
        let none = Refusal::NothingDue { asset: Asset::WstEth, due: 0, delivered: 0 };
        assert_eq!(settled().release(at(700), Asset::WstEth), Err(none));
        assert_eq!(rescue().release(at(700), Asset::Eth), Err(status(Status::Open)));
    }

    #[test]
    fn of_a_tranche_that_rounds_to_nothing_pays_nothing_and_counts() {
        let mut rescue = rescue();
        rescue.pledge(at(1), id(ALICE, 0, Asset::Eth), UNAMENDED, units(TARGET)).unwrap();
        rescue.pledge(at(1), id(ALICE, 0, Asset::WstEth), UNAMENDED, units(2)).unwrap();
        rescue.settle(at(500)).unwrap();
        assert_eq!(rescue.pot(at(500), 0, Asset::WstEth).drawn, units(1));
        assert_eq!(rescue.release(at(620), Asset::WstEth).unwrap().amount, units(0));
        assert_eq!(rescue.delivered()[Asset::WstEth], 3);
        assert_eq!(rescue.release(at(630), Asset::WstEth).unwrap().amount, units(1));
    }
}

mod refund {
    use super::*;

    #[test]
    fn returns_once_what_is_not_reserved() {
        let mut rescue = settled();
        let alice = id(ALICE, 0, Asset::Eth);
        let payment = Payment { to: ALICE, asset: Asset::Eth, amount: units(150_000_000_000) };
        assert_eq!(rescue.refund(at(500), alice), Ok(payment));
        assert_eq!(rescue.refund(at(501), alice), Err(Refusal::NothingToReturn { id: alice }));
        let statement = rescue.statement(at(501), alice);
        assert_eq!(statement.view.amount, units(900_000_000_000));
        assert_eq!(
            (statement.drawn, statement.view.refunded),
            (units(750_000_000_000), units(150_000_000_000))
        );
        assert_eq!((statement.view.refundable, statement.held), (units(0), units(0)));
        assert_eq!(statement.view.weight, Wei::new(750_000_000_000));
    }

    #[test]
    fn goes_where_the_pledger_says_but_not_to_nobody() {
        let mut rescue = settled();
        let alice = id(ALICE, 0, Asset::Eth);
        for account in [Address::ZERO, ESCROW, terms().steth, terms().wsteth] {
            assert_eq!(rescue.refund_to(at(500), alice, account), Err(Refusal::InvalidAccount { account }));
        }
        assert_eq!(rescue.refund_to(at(500), alice, BOB).unwrap().to, BOB);
    }

    #[test]
    fn is_refused_while_open_without_a_tier_or_a_position_or_when_the_token_fails() {
        let alice = id(ALICE, 0, Asset::StEth);
        assert_eq!(rescue().refund(at(1), alice), Err(status(Status::Open)));
        let mut rescue = settled_with_shares(Asset::StEth);
        assert_eq!(
            rescue.refund(at(500), id(ALICE, 3, Asset::Eth)),
            Err(Refusal::UnknownTier { tier: 3, count: 3 })
        );
        let bob = id(BOB, 0, Asset::StEth);
        assert_eq!(rescue.refund(broken(500), bob), Err(Refusal::NothingToReturn { id: bob }));
        let (asset, amount) = (Asset::StEth, units(45_454_545_455));
        let failed = Refusal::PaymentFailed { recipient: ALICE, asset, amount };
        assert_eq!(rescue.refund(broken(500), alice), Err(failed));
        assert_eq!(rescue.refund(at(500), alice).unwrap().amount, units(45_454_545_455));
    }
}

mod exit {
    use super::*;

    #[test]
    fn is_open_until_the_amendment_is_in_force() {
        let mut rescue = rescue();
        let alice = id(ALICE, 0, Asset::Eth);
        rescue.pledge(at(1), alice, UNAMENDED, units(5)).unwrap();
        let shut = |effective_at, time| Err(Refusal::NoExitWindow { effective_at, time });
        assert_eq!(rescue.exit(at(99), alice, ALICE), shut(0, 99));
        let amendment = rescue.amend(at(100), GUARDIAN, goal(TARGET / 2, 400)).unwrap();
        assert_eq!(amendment, Amendment { goal: goal(TARGET / 2, 400), effective_at: 300 });
        assert_eq!(rescue.clone().exit(at(300), alice, ALICE), shut(300, 300));
        assert_eq!(
            rescue.exit(at(299), alice, Address::ZERO),
            Err(Refusal::InvalidAccount { account: Address::ZERO })
        );
        let payment = Payment { to: BOB, asset: Asset::Eth, amount: units(5) };
        assert_eq!(rescue.exit(at(299), alice, BOB), Ok(Departure::Paid(payment)));
        assert_eq!(rescue.exit(at(299), alice, BOB), Err(Refusal::NothingToReturn { id: alice }));
        assert_eq!(rescue.pot(at(299), 0, Asset::Eth).total, units(0));
        assert_eq!((rescue.goal(299).deadline, rescue.goal(300).deadline), (DEADLINE, 400));
    }

    #[test]
    fn leaves_the_books_and_is_owed_when_the_token_does_not_move() {
        let mut rescue = rescue();
        let (alice, other) = (id(ALICE, 0, Asset::StEth), id(ALICE, 1, Asset::StEth));
        rescue.pledge(at(1), alice, UNAMENDED, units(5)).unwrap();
        rescue.pledge(at(1), other, UNAMENDED, units(2)).unwrap();
        rescue.amend(at(100), GUARDIAN, goal(TARGET / 2, 400)).unwrap();
        assert_eq!(rescue.exit(broken(299), alice, BOB), Ok(Departure::Owed(units(5))));
        assert_eq!((rescue.position(alice).amount, rescue.position(alice).departures), (units(0), 1));
        let paused = Moment { time: 299, lido: Lido::Paused(rate(RATE)) };
        assert_eq!(rescue.decline(paused, GUARDIAN, other), Ok(Departure::Owed(units(2))));
        assert_eq!(rescue.pot(at(299), 0, Asset::StEth).total, units(0));
        assert_eq!(
            rescue.owed(ALICE, Asset::StEth),
            units(7),
            "to the pledger, whatever recipient was named"
        );
        assert_eq!(rescue.owed(BOB, Asset::StEth), units(0));
        assert_eq!(rescue.positions().count(), 0);
        rescue.pledge(at(299), alice, 300, units(3)).unwrap();
        assert_eq!((rescue.position(alice).amount, rescue.position(alice).departures), (units(3), 1));
    }

    #[test]
    fn is_shut_again_when_the_rescue_ends_first() {
        let mut rescue = rescue();
        let alice = id(ALICE, 0, Asset::Eth);
        rescue.pledge(at(1), alice, UNAMENDED, units(TARGET)).unwrap();
        rescue.amend(at(100), GUARDIAN, goal(TARGET * 2, 400)).unwrap();
        rescue.cancel(at(200), GUARDIAN).unwrap();
        assert_eq!(
            rescue.exit(at(201), alice, ALICE),
            Err(Refusal::NoExitWindow { effective_at: 0, time: 201 })
        );
        assert_eq!(rescue.goal(300), Goal::from(rescue.terms()));
    }
}

mod collect {
    use super::*;

    /// Declined at 10 while stETH is broken.
    fn owing() -> Rescue {
        let mut rescue = rescue();
        rescue.pledge(at(1), id(BOB, 0, Asset::StEth), UNAMENDED, units(9)).expect("accepted");
        rescue.decline(broken(10), GUARDIAN, id(BOB, 0, Asset::StEth)).expect("accepted");
        rescue
    }

    #[test]
    fn pays_once_what_is_owed_as_soon_as_the_token_moves() {
        let mut rescue = owing();
        let failed = Refusal::PaymentFailed { recipient: BOB, asset: Asset::StEth, amount: units(9) };
        assert_eq!(rescue.collect(broken(11), BOB, Asset::StEth), Err(failed));
        let nothing = |asset| Err(Refusal::NothingOwed { pledger: BOB, asset });
        assert_eq!(rescue.collect(at(11), BOB, Asset::WstEth), nothing(Asset::WstEth));
        let payment = Payment { to: BOB, asset: Asset::StEth, amount: units(9) };
        assert_eq!(rescue.collect(at(11), BOB, Asset::StEth), Ok(payment));
        assert_eq!(rescue.collect(broken(11), BOB, Asset::StEth), nothing(Asset::StEth));
        assert_eq!(rescue.all_owed().count(), 0);
    }

    #[test]
    fn goes_where_the_pledger_says_but_not_to_nobody() {
        let mut rescue = owing();
        for account in [Address::ZERO, ESCROW, terms().steth, terms().wsteth] {
            let refused = rescue.collect_to(at(11), BOB, Asset::StEth, account);
            assert_eq!(refused, Err(Refusal::InvalidAccount { account }));
        }
        assert_eq!(rescue.collect_to(at(11), BOB, Asset::StEth, ALICE).unwrap().to, ALICE);
    }

    #[test]
    fn is_possible_in_any_status_and_never_settles() {
        let mut rescue = owing();
        rescue.clone().collect(at(DEADLINE + 1), BOB, Asset::StEth).unwrap();
        assert_eq!(rescue.stored_status(), Status::Open);
        rescue.settle(at(DEADLINE + 1)).unwrap();
        assert_eq!(rescue.collect(at(DEADLINE + 2), BOB, Asset::StEth).unwrap().amount, units(9));
        assert_eq!(rescue.stored_status(), Status::Failed);
    }
}

mod guardian {
    use super::*;

    #[test]
    fn alone_may_decline_amend_and_cancel() {
        let mut rescue = rescue();
        let refusal = Refusal::NotGuardian { caller: ALICE, guardian: GUARDIAN };
        assert_eq!(rescue.decline(at(1), ALICE, id(BOB, 0, Asset::Eth)), Err(refusal));
        assert_eq!(rescue.amend(at(1), ALICE, goal(TARGET, 900)), Err(refusal));
        assert_eq!(rescue.cancel(at(1), ALICE), Err(refusal));
        let none = Terms { guardian: Address::ZERO, ..terms() };
        let mut rescue = Rescue::open(ESCROW, none, CREATED).unwrap();
        let refusal = Refusal::NotGuardian { caller: Address::ZERO, guardian: Address::ZERO };
        assert_eq!(rescue.cancel(at(1), Address::ZERO), Err(refusal));
    }

    #[test]
    fn returns_a_declined_position_whole_up_to_the_deadline() {
        let mut rescue = rescue();
        let bob = id(BOB, 0, Asset::StEth);
        rescue.pledge(at(1), bob, UNAMENDED, units(9)).unwrap();
        let closed = Refusal::PledgingClosed { status: Status::Open, deadline: DEADLINE, time: DEADLINE + 1 };
        assert_eq!(rescue.decline(at(DEADLINE + 1), GUARDIAN, bob), Err(closed));
        let payment = Payment { to: BOB, asset: Asset::StEth, amount: units(9) };
        assert_eq!(rescue.decline(at(DEADLINE), GUARDIAN, bob), Ok(Departure::Paid(payment)));
        let nothing = Refusal::NothingToReturn { id: bob };
        assert_eq!(rescue.decline(at(DEADLINE), GUARDIAN, bob), Err(nothing));
        assert_eq!(rescue.positions().count(), 0);
    }

    #[test]
    fn amends_within_bounds_and_one_at_a_time() {
        let mut rescue = rescue();
        let mut amend =
            |time, target, deadline| rescue.amend(at(time), GUARDIAN, goal(target, deadline)).err();
        let too_late = Refusal::AmendmentTooLate { effective_at: 1_001, deadline: DEADLINE };
        assert_eq!(amend(801, TARGET, 2_000), Some(too_late));
        let too_early = Refusal::AmendedDeadlineTooEarly { new_deadline: 1_000, effective_at: 1_000 };
        assert_eq!(amend(800, TARGET, 1_000), Some(too_early));
        let out_of_bounds = |target| Refusal::Terms(TermsError::TargetOutOfBounds { target });
        let small = out_of_bounds(Wei::new(999_999_999));
        assert_eq!(amend(800, 999_999_999, 1_000), Some(small));
        let large = out_of_bounds(Wei::new(1 << 96));
        assert_eq!(amend(800, 1 << 96, 1_000), Some(large));
        let beyond =
            Refusal::AmendedDeadlineTooLate { new_deadline: 1_501, latest_deadline: LATEST_DEADLINE };
        assert_eq!(amend(800, TARGET, 1_501), Some(beyond));
        assert_eq!(amend(800, TARGET, 1_201), None);
        assert_eq!(amend(999, 0, 0), Some(Refusal::AmendmentPending { effective_at: 1_000, time: 999 }));
        assert_eq!(amend(1_000, TARGET, 1_500), None);
        assert_eq!(rescue.goal(1_199).deadline, 1_201);
        assert_eq!(rescue.goal(1_200).deadline, 1_500);
    }

    #[test]
    fn ends_an_open_rescue_without_a_rate() {
        let mut rescue = rescue();
        let alice = id(ALICE, 0, Asset::WstEth);
        rescue.pledge(at(1), alice, UNAMENDED, units(TARGET)).unwrap();
        rescue.cancel(broken(DEADLINE), GUARDIAN).unwrap();
        assert_eq!(rescue.stored_status(), Status::Failed);
        assert_eq!(rescue.end_reason(at(DEADLINE)), Some(EndReason::EndedByGuardian));
        assert_eq!(rescue.recorded_rate(at(DEADLINE)), None);
        assert_eq!(rescue.refund(broken(DEADLINE), alice).unwrap().amount, units(TARGET));
        assert_eq!(rescue.cancel(at(DEADLINE), GUARDIAN), Err(status(Status::Failed)));
    }

    #[test]
    fn cannot_cancel_late_what_fails_anyway() {
        let mut rescue = rescue();
        assert_eq!(rescue.cancel(at(DEADLINE + 1), GUARDIAN), Err(status(Status::Failed)));
        assert_eq!(rescue.stored_status(), Status::Open);
    }

    #[test]
    fn stops_only_what_is_not_yet_due() {
        let mut rescue = settled();
        let all_due = Refusal::NothingToStop { due: 4, tranches: 4 };
        assert_eq!(rescue.clone().cancel(at(630), GUARDIAN), Err(all_due));
        rescue.cancel(at(610), GUARDIAN).unwrap();
        assert_eq!((rescue.stored_status(), rescue.final_at()), (Status::Cancelled, None));
        assert_eq!((rescue.cancelled_at(), rescue.lapsed_at()), (Some(610), None));
        assert_eq!(rescue.end_reason(at(610)), Some(EndReason::StoppedByGuardian));
        assert_eq!((rescue.returns_by_calendar(), rescue.held(at(610))), (false, rescue.kept(at(610))));
        assert_eq!(rescue.cancel(at(610), GUARDIAN), Err(status(Status::Cancelled)));
        let kept = rescue.kept(at(610));
        assert_eq!(Asset::ALL.map(|asset| kept[asset]), [2, 0, 0]);
        assert_eq!(rescue.refund(at(700), id(ALICE, 0, Asset::Eth)).unwrap().amount, units(525_000_000_000));
        assert_eq!(rescue.release(at(700), Asset::Eth).unwrap().amount, units(500_000_000_000));
        assert_eq!((rescue.stored_status(), rescue.final_at()), (Status::Cancelled, Some(700)));
        let none = Refusal::NothingDue { asset: Asset::Eth, due: 2, delivered: 2 };
        assert_eq!(rescue.release(at(701), Asset::Eth), Err(none));
    }

    #[test]
    fn makes_a_rescue_final_when_nothing_is_due_yet() {
        let mut rescue = settled();
        rescue.cancel(at(599), GUARDIAN).unwrap();
        assert_eq!(rescue.final_at(), Some(599));
        assert_eq!(rescue.refundable(at(599), id(BOB, 0, Asset::Eth)), units(300_000_000_000));
    }
}

mod object {
    use super::*;

    #[test]
    fn counts_once_and_cancels_when_the_veto_is_reached() {
        let mut rescue = settled();
        let (alice, bob) = (id(ALICE, 0, Asset::Eth), id(BOB, 0, Asset::Eth));
        rescue.object(at(610), bob).unwrap();
        assert_eq!(rescue.objected(), Wei::new(250_000_000_000));
        assert_eq!(rescue.object(at(610), bob), Err(Refusal::AlreadyObjected { id: bob }));
        assert_eq!(rescue.stored_status(), Status::Settled);
        rescue.object(at(610), alice).unwrap();
        assert_eq!((rescue.stored_status(), rescue.cancelled_at()), (Status::Cancelled, Some(610)));
        assert_eq!(rescue.end_reason(at(610)), Some(EndReason::Vetoed));
        assert_eq!(rescue.kept(at(610))[Asset::Eth], 2);
        assert_eq!(rescue.object(at(610), alice), Err(status(Status::Cancelled)));
    }

    /// Settled and vetoed at 610, with two of four tranches due and none delivered.
    fn vetoed() -> Rescue {
        let mut rescue = settled();
        rescue.object(at(610), id(ALICE, 0, Asset::Eth)).expect("accepted");
        rescue
    }

    #[test]
    fn that_stops_the_rescue_gives_back_when_it_would_have_fallen_due() {
        let (mut rescue, alice) = (vetoed(), id(ALICE, 0, Asset::Eth));
        assert!(rescue.returns_by_calendar());
        let held = |rescue: &Rescue, time| rescue.held(at(time))[Asset::Eth];
        assert_eq!([610, 619, 620, 629, 630, 999].map(|time| held(&rescue, time)), [4, 4, 3, 3, 2, 2]);
        assert_eq!(rescue.refund(at(619), alice).unwrap().amount, units(150_000_000_000));
        let statement = rescue.statement(at(619), alice);
        assert_eq!((statement.drawn, statement.held), (units(375_000_000_000), units(375_000_000_000)));
        assert_eq!(rescue.refund(at(620), alice).unwrap().amount, units(187_500_000_000));
        assert_eq!(rescue.statement(at(620), alice).held, units(187_500_000_000));
        assert_eq!(rescue.refund(at(630), alice).unwrap().amount, units(187_500_000_000));
        assert_eq!(rescue.refund(at(9_999), alice), Err(Refusal::NothingToReturn { id: alice }));
        assert_eq!(rescue.release(at(9_999), Asset::Eth).unwrap().amount, units(500_000_000_000));
        assert_eq!(rescue.final_at(), Some(9_999));
    }

    #[test]
    fn holds_nobody_longer_than_the_guardian_wants() {
        let (mut rescue, alice) = (vetoed(), id(ALICE, 0, Asset::Eth));
        let late = rescue.clone().cancel(at(630), GUARDIAN);
        assert_eq!(late, Err(status(Status::Cancelled)), "everything has fallen due");
        rescue.release(at(611), Asset::Eth).unwrap();
        rescue.cancel(at(629), GUARDIAN).unwrap();
        assert_eq!((rescue.cancelled_at(), rescue.final_at()), (Some(610), Some(611)));
        assert_eq!(rescue.end_reason(at(629)), Some(EndReason::Vetoed));
        assert_eq!((rescue.returns_by_calendar(), rescue.held(at(629))[Asset::Eth]), (false, 2));
        assert_eq!(rescue.refund(at(629), alice).unwrap().amount, units(525_000_000_000));
        assert_eq!(rescue.cancel(at(629), GUARDIAN), Err(status(Status::Cancelled)));
    }

    #[test]
    fn leaves_the_beneficiary_what_is_due_until_that_lapses() {
        let slow = Terms { objection_period: 1_000, tranche_interval: 1_000, ..terms() };
        let mut rescue = Rescue::open(ESCROW, slow, CREATED).unwrap();
        let alice = id(ALICE, 0, Asset::Eth);
        rescue.pledge(at(10), alice, UNAMENDED, units(TARGET)).unwrap();
        rescue.settle(at(500)).unwrap();
        rescue.object(at(1_500), alice).unwrap();
        assert_eq!((rescue.kept(at(1_500))[Asset::Eth], rescue.held(at(1_500))[Asset::Eth]), (1, 4));
        assert_eq!(rescue.lapse(at(1_550)), Err(Refusal::TooEarly { limit: 1_550, time: 1_550 }));
        rescue.lapse(at(1_551)).unwrap();
        assert_eq!((rescue.lapsed_at(), rescue.final_at()), (Some(1_551), Some(1_551)));
        assert_eq!((rescue.kept(at(1_551))[Asset::Eth], rescue.held(at(1_551))[Asset::Eth]), (0, 3));
        assert_eq!(rescue.refundable(at(1_551), alice), units(TARGET / 4));
        assert_eq!(rescue.refundable(at(4_499), alice), units(TARGET * 3 / 4));
        assert_eq!(rescue.refundable(at(4_500), alice), units(TARGET));
    }

    #[test]
    fn counts_by_what_was_drawn_and_not_by_the_target() {
        // 33 % of 250,000,000,001 is 82,500,000,000.33.
        for (weight, expected) in [(82_500_000_000, Status::Settled), (82_500_000_001, Status::Cancelled)] {
            let (mut rescue, late) = (rescue(), at(DEADLINE + 1));
            let (alice, bob) = (id(ALICE, 0, Asset::Eth), id(BOB, 0, Asset::Eth));
            rescue.pledge(at(1), alice, UNAMENDED, units(250_000_000_001 - weight)).unwrap();
            rescue.pledge(at(1), bob, UNAMENDED, units(weight)).unwrap();
            rescue.object(late, bob).unwrap();
            assert_eq!((rescue.stored_status(), rescue.objected()), (expected, Wei::new(weight)));
        }
    }

    #[test]
    fn is_refused_for_the_first_of_several_reasons() {
        let nobody = id(ALICE, 3, Asset::StEth);
        let no_veto = Terms { veto: levee_model::Bps::ZERO, ..terms() };
        let mut without = Rescue::open(ESCROW, no_veto, CREATED).unwrap();
        assert_eq!(without.object(at(1), nobody), Err(Refusal::NoVeto));
        assert_eq!(rescue().object(at(1), nobody), Err(status(Status::Open)));
        let mut rescue = settled();
        let all_due = Refusal::NothingToStop { due: 4, tranches: 4 };
        assert_eq!(rescue.object(at(630), nobody), Err(all_due));
        assert_eq!(rescue.object(at(629), nobody), Err(Refusal::UnknownTier { tier: 3, count: 3 }));
        let undrawn = id(ALICE, 1, Asset::Eth);
        assert_eq!(rescue.object(at(629), undrawn), Err(Refusal::NothingDrawn { id: undrawn }));
    }
}

mod lapse {
    use super::*;

    #[test]
    fn needs_the_window_after_the_last_tranche_to_pass() {
        let mut rescue = settled();
        rescue.release(at(600), Asset::Eth).unwrap();
        assert_eq!(rescue.lapse(at(680)), Err(Refusal::TooEarly { limit: 680, time: 680 }));
        rescue.lapse(at(681)).unwrap();
        assert_eq!((rescue.stored_status(), rescue.final_at()), (Status::Cancelled, Some(681)));
        assert_eq!((rescue.cancelled_at(), rescue.lapsed_at()), (Some(681), Some(681)));
        assert_eq!(rescue.end_reason(at(681)), Some(EndReason::Lapsed));
        assert!(!rescue.returns_by_calendar());
        assert_eq!(rescue.refundable(at(681), id(ALICE, 0, Asset::Eth)), units(712_500_000_000));
        assert_eq!(rescue.lapse(at(682)), Err(status(Status::Cancelled)));
    }

    #[test]
    fn counts_from_a_cancellation() {
        let mut rescue = settled();
        rescue.cancel(at(600), GUARDIAN).unwrap();
        assert_eq!(rescue.lapse(at(650)), Err(Refusal::TooEarly { limit: 650, time: 650 }));
        rescue.lapse(at(651)).unwrap();
        assert_eq!((rescue.cancelled_at(), rescue.lapsed_at()), (Some(600), Some(651)));
        assert_eq!(rescue.end_reason(at(651)), Some(EndReason::StoppedByGuardian));
        assert_eq!(rescue.final_at(), Some(651));
        assert_eq!(rescue.refundable(at(651), id(BOB, 0, Asset::Eth)), units(300_000_000_000));
    }

    #[test]
    fn is_refused_while_open_and_when_released() {
        assert_eq!(rescue().lapse(at(1)), Err(status(Status::Open)));
        let mut rescue = settled();
        rescue.release(at(630), Asset::Eth).unwrap();
        assert_eq!(rescue.lapse(at(9_999)), Err(status(Status::Released)));
    }
}

mod expire {
    use super::*;

    #[test]
    fn ends_what_cannot_be_valued_after_the_window() {
        let mut rescue = rescue();
        let alice = id(ALICE, 0, Asset::WstEth);
        rescue.pledge(at(1), alice, UNAMENDED, units(TARGET)).unwrap();
        assert_eq!(rescue.refund(broken(1_051), alice), Err(Refusal::RateUnreadable));
        assert_eq!(rescue.status(broken(1_051)), Status::Open);
        assert_eq!(rescue.expire(broken(1_050)), Err(Refusal::TooEarly { limit: 1_050, time: 1_050 }));
        let readable = Refusal::RateReadable { rate: rate(RATE) };
        assert_eq!(rescue.expire(at(1_051)), Err(readable));
        rescue.expire(broken(1_051)).unwrap();
        assert_eq!(rescue.end_reason(at(1_051)), Some(EndReason::RateUnreadable));
        assert_eq!(rescue.recorded_rate(at(1_051)), Some(levee_model::Rate::PAR));
        assert_eq!(rescue.refund(broken(1_052), alice).unwrap().amount, units(TARGET));
        assert_eq!(rescue.expire(broken(1_053)), Err(status(Status::Failed)));
    }

    #[test]
    fn does_not_end_what_needs_no_rate() {
        assert_eq!(rescue().expire(broken(1_051)), Err(Refusal::RateNotNeeded));
        assert_eq!(rescue().expire(at(1_051)), Err(Refusal::RateNotNeeded));
    }
}
