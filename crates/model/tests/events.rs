//! Events that add up to a rescue, and events that do not.

mod common;

use RescueEvent as E;
use common::*;
use levee_model::{
    Amendment, Asset, Bps, EndReason, Goal, Inconsistent, PerAsset, PositionView, PotView, Refusal, Rescue,
    RescueEvent, ShareRate, Status, TermsError, Timestamp, Units, Wei,
};

const G: u128 = 1_000_000_000;

fn created() -> Rescue {
    Rescue::created(ESCROW, &E::Created { terms: terms() }, CREATED).expect("the terms are allowed")
}

/// What is wrong with these events after the creation.
fn fold(events: &[RescueEvent]) -> Result<Rescue, Inconsistent> {
    let mut rescue = created();
    events.iter().try_for_each(|event| rescue.apply(event))?;
    Ok(rescue)
}

/// 1,200 G wei of ALICE, of which a target of 1,000 G is drawn at 500.
fn pledged() -> RescueEvent {
    E::Pledged { position: id(ALICE, 0, Asset::Eth), amount: units(1_200 * G) }
}

fn settled(drawn: u128, target: u128) -> RescueEvent {
    let mut draws = vec![Units::ZERO; 9];
    draws[0] = units(drawn);
    let (drawn, target) = (Wei::new(drawn), Wei::new(target));
    E::Settled { threshold: Bps::ONE, rate: None, target, drawn, settled_at: 500, draws }
}

fn refunded(amount: u128) -> RescueEvent {
    E::Refunded { position: id(ALICE, 0, Asset::Eth), recipient: BOB, amount: units(amount) }
}

fn released(tranches: u8, amount: u128) -> RescueEvent {
    E::Released { asset: Asset::Eth, tranches, amount: units(amount) }
}

fn objected(weight: u128) -> RescueEvent {
    E::Objected { position: id(ALICE, 0, Asset::Eth), weight: Wei::new(weight) }
}

fn cancelled(reason: EndReason, kept: u8, cancelled_at: Timestamp) -> RescueEvent {
    E::Cancelled { reason, kept, cancelled_at }
}

#[test]
fn a_whole_life_adds_up_to_what_its_calls_did() {
    let settle = settled(1_000 * G, 1_000 * G);
    let events = [pledged(), settle, released(1, 250 * G), refunded(200 * G), objected(1_000 * G)];
    let mut rescue = fold(&events).unwrap();
    rescue.apply(&cancelled(EndReason::Vetoed, 2, 612)).unwrap();
    rescue.apply(&released(2, 250 * G)).unwrap();
    rescue.apply(&E::Finalized { final_at: 615 }).unwrap();

    let mut played = common::rescue();
    let alice = id(ALICE, 0, Asset::Eth);
    played.pledge(at(10), alice, UNAMENDED, units(1_200 * G)).unwrap();
    played.settle(at(500)).unwrap();
    played.release(at(600), Asset::Eth).unwrap();
    played.refund(at(601), alice).unwrap();
    played.object(at(612), alice).unwrap();
    played.release(at(615), Asset::Eth).unwrap();
    for time in [615, 620, 630, 9_999] {
        assert_eq!(rescue.view(at(time)), played.view(at(time)), "{time}");
        assert_eq!(rescue.position_views(at(time), ALICE), played.position_views(at(time), ALICE), "{time}");
    }
}

#[test]
fn a_view_says_what_the_rules_give() {
    let rescue = fold(&[pledged(), settled(1_000 * G, 1_000 * G), released(1, 250 * G)]).unwrap();
    let view = rescue.view(broken(615));
    assert_eq!((view.status, view.end_reason, view.created_block), (Status::Settled, None, CREATED.block));
    assert_eq!((view.rate, view.coverage), (ShareRate::NotNeeded, Some(Wei::new(1_200 * G))));
    assert_eq!((view.threshold_met, view.drawn), (Bps::ONE, Wei::new(1_000 * G)));
    assert_eq!((view.settled_at, view.due, view.next_tranche_at), (Some(500), 2, Some(620)));
    assert_eq!(view.kept, PerAsset::from_fn(|asset| if asset == Asset::Eth { 4 } else { 0 }));
    assert_eq!((view.held, view.delivered[Asset::Eth]), (view.kept, 1));
    let [total, drawn, delivered] = [1_200 * G, 1_000 * G, 250 * G].map(units);
    assert_eq!(view.pots, [PotView { tier: 0, asset: Asset::Eth, total, drawn, delivered }]);
    let position = PositionView {
        tier: 0,
        asset: Asset::Eth,
        amount: total,
        refunded: Units::ZERO,
        refundable: units(200 * G),
        weight: Wei::new(1_000 * G),
        objected: false,
    };
    assert_eq!(rescue.position_views(broken(615), ALICE), [position]);
    assert_eq!(rescue.position_views(broken(615), BOB), []);
}

#[test]
fn past_the_deadline_a_view_says_what_settling_would_give() {
    let id = id(ALICE, 0, Asset::StEth);
    let rescue = fold(&[E::Pledged { position: id, amount: units(500 * G) }]).unwrap();
    let before = rescue.view(at(DEADLINE));
    assert_eq!((before.status, before.coverage), (Status::Open, Some(Wei::new(600 * G))));
    assert_eq!((before.threshold_met, before.rate), (Bps::new(2_500), ShareRate::Known(rate(RATE))));
    let after = rescue.view(at(DEADLINE + 1));
    assert_eq!((after.status, after.settled_at, after.drawn), (Status::Settled, None, Wei::new(600 * G)));
    assert_eq!((after.kept[Asset::StEth], after.next_tranche_at), (4, Some(DEADLINE + 101)));
    let unreadable = rescue.view(broken(DEADLINE + 1));
    assert_eq!((unreadable.status, unreadable.coverage), (Status::Open, None));
    assert_eq!((unreadable.threshold_met, unreadable.rate), (Bps::ZERO, ShareRate::Unreadable));
    assert_eq!(rescue.pledging_view(DEADLINE + 1).status, Status::Open);
}

#[test]
fn events_that_do_not_add_up_are_noticed() {
    let alice = id(ALICE, 0, Asset::Eth);
    let declined = |amount| E::Declined { position: alice, amount: units(amount) };
    let (pledger, asset) = (ALICE, Asset::Eth);
    let owed = |amount| E::Owed { pledger, asset, amount: units(amount) };
    let collected = |amount| E::Collected { pledger, asset, recipient: BOB, amount: units(amount) };
    let settle = || settled(1_000 * G, 1_000 * G);
    let no_threshold = |rate| E::Failed { reason: EndReason::NoThresholdMet, rate, failed_at: 1_001 };
    let goal = Goal { deadline: 1_100, ..Goal::from(&terms()) };
    let amended = |effective_at| E::AmendmentProposed { amendment: Amendment { goal, effective_at } };
    let cases = [
        (vec![E::Created { terms: terms() }], "a second creation"),
        (vec![declined(5)], "a decline"),
        (vec![pledged(), declined(5)], "a decline"),
        (vec![pledged(), settled(999 * G, 1_000 * G)], "a settlement"),
        (vec![pledged(), settled(1_000 * G, 999 * G)], "a settlement"),
        (vec![pledged(), settle(), settle()], "a settlement"),
        (vec![pledged(), settle(), pledged()], "a pledge"),
        (vec![pledged(), no_threshold(None)], "a failure"),
        (vec![no_threshold(Some(rate(RATE)))], "a failure"),
        (vec![pledged(), settle(), refunded(200 * G + 1)], "a refund"),
        (vec![pledged(), settle(), refunded(200 * G), refunded(1)], "a refund"),
        (vec![pledged(), refunded(1)], "a refund"),
        (vec![pledged(), settle(), released(5, 1_250 * G)], "a release"),
        (vec![pledged(), settle(), released(1, 250 * G + 1)], "a release"),
        (vec![pledged(), settle(), released(0, 0)], "a release"),
        (vec![pledged(), objected(0)], "an objection"),
        (vec![pledged(), settle(), objected(1)], "an objection"),
        (vec![pledged(), settle(), objected(1_000 * G), objected(1_000 * G)], "an objection"),
        (vec![pledged(), cancelled(EndReason::Vetoed, 1, 1)], "a cancellation"),
        (vec![pledged(), E::Lapsed { lapsed_at: 1 }], "a lapse"),
        (vec![E::Finalized { final_at: 1 }], "an end"),
        (vec![pledged(), settle(), E::Finalized { final_at: 1 }], "an end"),
        (vec![owed(2), collected(1)], "a collection"),
        (vec![collected(1)], "a collection"),
        (vec![E::HoldLifted { lifted_at: 1 }], "a lifted hold"),
        (vec![amended(300), amended(499)], "an amendment"),
    ];
    for (events, event) in cases {
        assert_eq!(fold(&events).unwrap_err(), Inconsistent::OutOfPlace { event }, "{events:?}");
    }
    assert!(fold(&[amended(300), amended(500)]).is_ok());
}

#[test]
fn what_the_rules_refuse_says_why() {
    let refused = |events: &[RescueEvent]| match fold(events) {
        Err(Inconsistent::Refused { refusal, .. }) => refusal,
        other => panic!("{other:?}"),
    };
    let (coverage, required) = (Wei::ZERO, Wei::new(TARGET));
    assert_eq!(refused(&[settled(0, TARGET)]), Refusal::CoverageTooLow { coverage, required });
    let position = id(ALICE, 3, Asset::Eth);
    let unknown = E::Pledged { position, amount: units(1) };
    assert_eq!(refused(&[unknown]), Refusal::UnknownTier { tier: 3, count: 3 });
}

#[test]
fn a_rescue_begins_with_a_creation_that_is_possible() {
    let created = |event| Rescue::created(ESCROW, &event, CREATED).unwrap_err();
    assert_eq!(created(E::Finalized { final_at: 1 }), Inconsistent::NoCreation);
    let terms = levee_model::Terms { objection_period: 0, ..terms() };
    assert_eq!(created(E::Created { terms }), Inconsistent::Terms(TermsError::ObjectionPeriodZero));
}

#[test]
fn only_an_amendment_in_force_outlives_the_end() {
    let goal = Goal { target: Wei::new(3 * G), ..Goal::from(&terms()) };
    let amendment = Amendment { goal, effective_at: 320 };
    for (failed_at, target) in [(319, 1_000 * G), (320, 3 * G)] {
        let failed = E::Failed { reason: EndReason::EndedByGuardian, rate: None, failed_at };
        let rescue = fold(&[E::AmendmentProposed { amendment }, failed]).unwrap();
        assert_eq!(rescue.terms_at(1_000).target, Wei::new(target));
    }
}
