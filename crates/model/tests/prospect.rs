//! What would come of a rescue, with changes that are only supposed, and the least that would decide otherwise.

mod common;

use common::*;
use levee_model::{
    Amount, Asset, Bps, Change, Goal, Lido, Moment, Pivotal, Reach, Refusal, Rescue, Shares, Status,
    TermsError, Units, Wei,
};
use proptest::prelude::*;

const G: u128 = 1_000_000_000;

fn pledged(pledges: &[(alloy_primitives::Address, u8, Asset, u128)]) -> Rescue {
    let mut rescue = rescue();
    for &(pledger, tier, asset, amount) in pledges {
        rescue.pledge(at(10), id(pledger, tier, asset), UNAMENDED, units(amount)).expect("accepted");
    }
    rescue
}

/// 300 G wei of tier 0 and 500 G shares of tier 1, worth 600 G: 90 % of 1,000 G, of which the tiers up to 75 % are drawn.
fn nine_tenths() -> Rescue {
    pledged(&[(ALICE, 0, Asset::Eth, 300 * G), (BOB, 1, Asset::StEth, 500 * G)])
}

fn eth(amount: u128) -> Amount {
    Amount::Eth(Wei::new(amount))
}

fn steth(amount: u128) -> Amount {
    Amount::StEth(Shares::new(amount))
}

#[test]
fn an_outcome_is_what_settling_after_the_deadline_gives() {
    let rescue = pledged(&[(ALICE, 0, Asset::Eth, 900 * G), (BOB, 1, Asset::StEth, 500 * G)]);
    let outcome = rescue.outcome(at(20));
    assert_eq!((outcome.at.time, outcome.view.status), (DEADLINE + 1, Status::Settled));
    assert_eq!(
        (outcome.view.threshold_met, outcome.view.drawn, outcome.surplus(), outcome.uncovered()),
        (Bps::ONE, Wei::new(1_000 * G), Some(Wei::new(500 * G)), Wei::ZERO)
    );
    // 100 of the 600 G that tier 1 is worth: a sixth of its shares, rounded down.
    assert_eq!(outcome.pot(1, Asset::StEth).drawn, units(83_333_333_333));
    assert!(outcome.pot(2, Asset::Eth).total.is_zero());
    let shares: Vec<_> = outcome
        .positions
        .iter()
        .map(|(id, statement)| (id.pledger, statement.drawn.get(), statement.view.refundable.get()))
        .collect();
    assert_eq!(shares, [(ALICE, 900 * G, 0), (BOB, 83_333_333_333, 500 * G - 83_333_333_333)]);
    // Nothing was done to the rescue itself.
    assert_eq!(rescue.stored_status(), Status::Open);
}

#[test]
fn what_is_decided_stays_and_only_time_passes() {
    let mut rescue = nine_tenths();
    rescue.settle(at(DEADLINE + 5)).unwrap();
    let later = rescue.outcome(broken(DEADLINE + 130));
    assert_eq!((later.at.time, later.view.due, later.view.drawn), (DEADLINE + 130, 3, Wei::new(900 * G)));
    let closed =
        Refusal::PledgingClosed { status: Status::Settled, deadline: DEADLINE, time: DEADLINE + 130 };
    let change = Change::Without { pledger: ALICE };
    assert_eq!(rescue.suppose(DEADLINE + 130, change), Err(closed));
    assert_eq!(rescue.reaches(at(DEADLINE + 130)), Err(closed));
    assert_eq!(rescue.pivotal(at(DEADLINE + 130)), Err(closed));
}

#[test]
fn each_change_changes_what_it_says() {
    let result = |changes: &[Change]| {
        let mut rescue = nine_tenths();
        for change in changes {
            rescue.suppose(20, *change).unwrap();
        }
        let view = rescue.outcome(at(20)).view;
        (view.threshold_met.get(), view.drawn.get() / G, view.coverage.map(|coverage| coverage.get() / G))
    };
    let tier_0 = id(ALICE, 0, Asset::Eth);
    assert_eq!(result(&[]), (7_500, 900, Some(900)));
    assert_eq!(result(&[Change::Without { pledger: BOB }]), (2_500, 300, Some(300)));
    assert_eq!(result(&[Change::Without { pledger: ALICE }]), (0, 0, Some(600)));
    assert_eq!(result(&[Change::Without { pledger: GUARDIAN }]), (7_500, 900, Some(900)));
    let more = Change::Pledge { position: tier_0, amount: units(150 * G) };
    assert_eq!(result(&[more]), (10_000, 1_000, Some(1_050)));
    let amount = |amount| Change::Amount { position: tier_0, amount: units(amount * G) };
    assert_eq!(result(&[amount(400)]), (10_000, 1_000, Some(1_000)));
    assert_eq!(result(&[amount(0)]), (0, 0, Some(600)));
    assert_eq!(result(&[Change::Target { target: Wei::new(900 * G) }]), (10_000, 900, Some(900)));
    // In their order: a further pledge after the amount is set counts, one before it does not.
    assert_eq!(result(&[more, amount(300)]), (7_500, 900, Some(900)));
    assert_eq!(result(&[amount(300), more]), (10_000, 1_000, Some(1_050)));
    // 150 of tier 0 with 600 of tier 1 are 75 %, though not 25 % of tier 0 alone.
    assert_eq!(result(&[Change::Without { pledger: ALICE }, more]), (7_500, 750, Some(750)));
}

#[test]
fn what_no_rule_allows_cannot_be_supposed() {
    let mut rescue = nine_tenths();
    let nothing = Change::Pledge { position: id(ALICE, 0, Asset::Eth), amount: Units::ZERO };
    assert_eq!(rescue.suppose(20, nothing), Err(Refusal::ZeroAmount));
    let elsewhere = Change::Amount { position: id(ALICE, 3, Asset::Eth), amount: units(1) };
    assert_eq!(rescue.suppose(20, elsewhere), Err(Refusal::UnknownTier { tier: 3, count: 3 }));
    let too_much = Change::Amount { position: id(BOB, 1, Asset::StEth), amount: Units::MAX_POT + units(1) };
    assert!(matches!(rescue.suppose(20, too_much), Err(Refusal::AmountTooLarge { .. })));
    let target = Wei::new(1);
    let refused = Err(TermsError::TargetOutOfBounds { target }.into());
    assert_eq!(rescue.suppose(20, Change::Target { target }), refused);
    let closed = Change::Without { pledger: ALICE };
    assert!(matches!(rescue.suppose(DEADLINE + 1, closed), Err(Refusal::PledgingClosed { .. })));
    // Nothing of it was done.
    assert_eq!(rescue.outcome(at(20)), nine_tenths().outcome(at(20)));
}

#[test]
fn an_amendment_that_is_pending_is_in_force_by_then_unless_another_target_is_supposed() {
    let mut rescue = nine_tenths();
    let goal = Goal { target: Wei::new(800 * G), deadline: 1_400, ..Goal::from(&terms()) };
    rescue.amend(at(100), GUARDIAN, goal).unwrap();
    let outcome = rescue.outcome(at(101));
    assert_eq!((outcome.at.time, outcome.view.threshold_met), (1_401, Bps::ONE));
    assert_eq!((outcome.view.drawn, outcome.surplus()), (Wei::new(800 * G), Some(Wei::new(100 * G))));
    rescue.suppose(101, Change::Target { target: Wei::new(1_000 * G) }).unwrap();
    assert_eq!(rescue.outcome(at(101)).view.threshold_met, Bps::new(7_500));
    // A pledge that is only supposed knows of the amendment.
    let more = Change::Pledge { position: id(BOB, 2, Asset::Eth), amount: units(100 * G) };
    rescue.suppose(101, more).unwrap();
    assert_eq!(rescue.outcome(at(101)).view.threshold_met, Bps::ONE);
}

#[test]
fn a_paused_steth_can_be_supposed_and_a_broken_one_not_valued() {
    let paused = Moment { time: 20, lido: Lido::Paused(rate(RATE)) };
    let mut rescue = nine_tenths();
    let more = Change::Pledge { position: id(BOB, 1, Asset::StEth), amount: units(83_333_333_334) };
    rescue.suppose(20, more).unwrap();
    assert_eq!(rescue.outcome(paused).view.threshold_met, Bps::ONE);
    let unknown = rescue.outcome(broken(20));
    assert_eq!((unknown.view.status, unknown.view.coverage, unknown.surplus()), (Status::Open, None, None));
    assert_eq!(rescue.reaches(broken(20)), Err(Refusal::RateUnreadable));
    assert_eq!(rescue.pivotal(broken(20)), Err(Refusal::RateUnreadable));
}

#[test]
fn another_rate_is_another_coverage() {
    let dearer = |bps| Moment { time: 20, lido: Lido::Working(rate(RATE).part_down(bps).unwrap()) };
    let coverage = |bps| nine_tenths().outcome(dearer(bps)).view.coverage;
    assert_eq!(coverage(9_500), Some(Wei::new(870 * G)));
    assert_eq!(coverage(11_000), Some(Wei::new(960 * G)));
    assert_eq!(rate(1).part_down(9_999), None);
    assert_eq!(rate(3).part_down(5_000), Some(rate(1)));
}

#[test]
fn the_least_pledges_meet_each_higher_threshold() {
    let reach = |threshold, tier, amount| Reach { threshold: Bps::new(threshold), tier, amount };
    // 700 G wei worth of shares are 583,333,333,334 of them, since one less is worth less: 83,333,333,334 more.
    let shares = 83_333_333_334;
    let of_tier = |tier| {
        [eth(100 * G), steth(shares), Amount::WstEth(units(shares))].map(|amount| reach(10_000, tier, amount))
    };
    assert_eq!(nine_tenths().reaches(at(20)).unwrap(), [of_tier(0), of_tier(1), of_tier(2)].concat());
    let in_eth = |rescue: Rescue| {
        let all = rescue.reaches(at(20)).unwrap().into_iter();
        all.filter(|reach| reach.amount.asset() == Asset::Eth)
            .map(|reach| (reach.threshold.get(), reach.tier, reach.amount.units().get() / G))
            .collect::<Vec<_>>()
    };
    let all = [
        (2_500, 0, 250),
        (7_500, 0, 750),
        (7_500, 1, 750),
        (10_000, 0, 1_000),
        (10_000, 1, 1_000),
        (10_000, 2, 1_000),
    ];
    assert_eq!(in_eth(rescue()), all);
    // Without a rate, nothing is said of shares.
    assert_eq!(rescue().reaches(broken(20)).unwrap().len(), all.len());
    // 1 G completes the rescue, and so meets more than 25 %, which alone would take 250 G.
    let nearly = pledged(&[(ALICE, 2, Asset::Eth, 999 * G)]);
    assert!(in_eth(nearly).into_iter().all(|(_, _, amount)| amount == 1));
    assert_eq!(pledged(&[(ALICE, 2, Asset::Eth, 1_000 * G)]).reaches(at(20)), Ok(vec![]));
}

#[test]
fn who_leaves_a_threshold_unmet_is_pivotal() {
    let one =
        |pledger, value, without| Pivotal { pledger, value: Wei::new(value * G), without: Bps::new(without) };
    let pivotal = [one(ALICE, 300, 0), one(BOB, 600, 2_500)];
    assert_eq!(nine_tenths().pivotal(at(20)).unwrap(), pivotal);
    // With 50 G more than 25 %, who gave no more than that is not.
    let rescue = pledged(&[(ALICE, 0, Asset::Eth, 250 * G), (BOB, 0, Asset::Eth, 50 * G)]);
    assert_eq!(rescue.pivotal(at(20)).unwrap(), [one(ALICE, 250, 0)]);
    // All positions of a pledger leave together.
    let rescue = pledged(&[
        (ALICE, 0, Asset::Eth, 250 * G),
        (BOB, 0, Asset::Eth, 25 * G),
        (BOB, 1, Asset::StEth, 500 * G),
    ]);
    assert_eq!(rescue.pivotal(at(20)).unwrap(), [one(ALICE, 250, 0), one(BOB, 625, 2_500)]);
    // None breaks what is not there.
    assert_eq!(pledged(&[(ALICE, 2, Asset::Eth, 999 * G)]).pivotal(at(20)), Ok(vec![]));
}

proptest! {
    /// What is said to be the least is played: it meets the threshold, and one unit less does not.
    #[test]
    fn the_least_is_exact(
        amounts in prop::collection::vec((0u8..3, 0usize..3, 1..400 * G), 0..8),
        number in RATE / 2..RATE * 2,
    ) {
        let lido = Lido::Working(rate(number));
        let (now, end) = (Moment { time: 20, lido }, Moment { time: DEADLINE + 1, lido });
        let mut rescue = rescue();
        for (tier, asset, amount) in amounts {
            rescue.pledge(now, id(ALICE, tier, Asset::ALL[asset]), UNAMENDED, units(amount)).expect("accepted");
        }
        for Reach { threshold, tier, amount } in rescue.reaches(now).expect("it is open") {
            let met_with = |units: Units| {
                let mut played = rescue.clone();
                let made = played.pledge(now, id(BOB, tier, amount.asset()), UNAMENDED, units);
                prop_assert!(made.is_ok() || units.is_zero());
                Ok(played.settlement(end).map_or(Bps::ZERO, |settled| settled.threshold))
            };
            prop_assert!(met_with(amount.units())? >= threshold);
            prop_assert!(met_with(amount.units() - units(1))? < threshold);
        }
        let met = |rescue: &Rescue| rescue.settlement(end).map_or(Bps::ZERO, |settled| settled.threshold);
        let pivotal = rescue.pivotal(now).expect("it is open");
        let mut without = rescue.clone();
        without.suppose(20, Change::Without { pledger: ALICE }).expect("it is open");
        let expected = (met(&without) < met(&rescue)).then_some(met(&without));
        prop_assert_eq!(pivotal.first().map(|one| one.without), expected);
    }
}
