//! The models of an escrow and its pools together, as one call changes them.

mod common;

use alloy_primitives::{Address, U256};
use common::{ALICE, BOB, CREATED, DEADLINE, ESCROW, RATE, UNAMENDED, at, broken, id, rate, terms, units};
use levee_model::{
    Asset, BonusRefusal, Lido, Models, Moment, Operation, Payment, Pledge, PositionId, Refusal, Refused,
    Route, Status, Terms, UnitSeconds,
};

fn models(terms: Terms) -> Models {
    let [recovery, bonus] = [0x90, 0xb1].map(Address::repeat_byte);
    Models::open([ESCROW, recovery, bonus], terms, CREATED).expect("the terms are allowed")
}

fn pledge(PositionId { pledger, tier, asset }: PositionId, amount: u128, route: Route) -> Operation {
    Operation::Pledge(Pledge { pledger, tier, amount: units(amount).of(asset), amendment: UNAMENDED, route })
}

#[test]
fn the_router_pledges_and_enlists_or_does_neither() {
    let deadline = 1 << 30;
    let mut models = models(Terms { deadline, latest_deadline: deadline, ..terms() });
    let (id, amount) = (id(ALICE, 0, Asset::Eth), 1 << 100);
    let counted = UnitSeconds::new(U256::from(amount) * U256::from(deadline - 10));
    let limit = UnitSeconds::new(U256::from(u128::MAX));
    let refused = models.play(at(10), BOB, pledge(id, amount, Route::Router { enlist: true }));
    assert_eq!(refused, Err(BonusRefusal::AmountTooLarge { amount: counted, limit }.into()));
    assert_eq!(models.rescue.known_positions().count(), 0);
    assert_eq!(models.play(at(10), BOB, pledge(id, amount, Route::Router { enlist: false })), Ok(None));
    assert_eq!(models.rescue.position(id).amount, units(amount));
    assert_eq!(models.bonus.enlistment(id).enlisted, units(0));
}

#[test]
fn an_enlisted_pledge_counts_until_the_deadline() {
    let mut models = models(terms());
    let id = id(ALICE, 0, Asset::WstEth);
    assert_eq!(models.play(at(400), BOB, pledge(id, 7, Route::Router { enlist: true })), Ok(None));
    assert_eq!(models.bonus.enlistment(id).unit_seconds, UnitSeconds::new(U256::from(7 * 600)));
    let eth = PositionId { asset: Asset::Eth, ..id };
    assert_eq!(models.play(at(900), BOB, pledge(eth, 3, Route::Weth { enlist: true })), Ok(None));
    assert_eq!(models.bonus.enlistment(eth).unit_seconds, UnitSeconds::new(U256::from(3 * 100)));
}

#[test]
fn the_router_takes_the_asset_before_the_escrow_is_asked() {
    let mut models = models(terms());
    let (id, time) = (id(ALICE, 0, Asset::StEth), DEADLINE + 1);
    let paused = Moment { time, lido: Lido::Paused(rate(RATE)) };
    let closed = Refused::from(Refusal::PledgingClosed { status: Status::Open, deadline: DEADLINE, time });
    let failed = Refused::from(Refusal::TokenFailed { asset: Asset::StEth });
    let routed = pledge(id, 5, Route::Router { enlist: false });
    assert_eq!(models.play(paused, ALICE, pledge(id, 5, Route::Direct)), Err(closed));
    assert_eq!(models.play(paused, ALICE, routed), Err(failed));
    assert_eq!(models.play(broken(time), ALICE, routed), Err(failed));
    assert_eq!(models.play(at(time), ALICE, routed), Err(closed));
}

#[test]
fn a_call_for_oneself_is_about_the_callers_position() {
    let mut models = models(terms());
    let (id, failed) = (id(ALICE, 0, Asset::Eth), at(DEADLINE + 1));
    assert_eq!(models.play(at(10), BOB, pledge(id, 5, Route::Direct)), Ok(None));
    let refund = Operation::RefundTo { tier: 0, asset: Asset::Eth, to: BOB };
    let nothing = Refusal::NothingToReturn { id: PositionId { pledger: BOB, ..id } };
    assert_eq!(models.play(failed, BOB, refund), Err(nothing.into()));
    let paid = Payment { to: BOB, asset: Asset::Eth, amount: units(5) };
    assert_eq!(models.play(failed, ALICE, refund), Ok(Some(paid)));
}
