//! The serialized form of the public types: every key has its unit, every field its own value.

use alloy_primitives::{Address, B256};
use levee_model::{
    Amendment, Amount, Asset, BonusDecision, BonusOwner, BonusShare, BonusView, Creation, Departure,
    Earnings, EndReason, Enlistment, Goal, Lido, Moment, Operation, Payment, PerAsset, Pledge, PositionId,
    PositionView, PotView, Rate, RecoveryGroup, RecoveryView, RescueEvent, RescueView, Route, ShareRate,
    Shares, Status, Terms, Threshold, Tier, UnitSeconds, Units, Wei, WeiSeconds, units::Bps,
};
use serde::Serialize;
use serde_json::{Value, json};

/// Addresses of which the case is a checksum.
const PLEDGER: &str = "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84";
const RECIPIENT: &str = "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0";

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn value(written: impl Serialize) -> Value {
    serde_json::to_value(written).expect("it is written")
}

fn position(tier: u8, asset: Asset) -> PositionId {
    PositionId { pledger: address(PLEDGER), tier, asset }
}

fn terms() -> Terms {
    let tier = |threshold, draw_order, rate| Tier {
        threshold: Bps::new(threshold),
        draw_order,
        rate: Bps::new(rate),
    };
    Terms {
        beneficiary: address(PLEDGER),
        guardian: address(RECIPIENT),
        steth: Address::repeat_byte(3),
        wsteth: Address::repeat_byte(4),
        target: Wei::new(5_000_000_000),
        deadline: 6,
        latest_deadline: 19,
        tiers: vec![tier(7, 8, 9), tier(10_000, 10, 11)],
        objection_period: 12,
        veto: Bps::new(13),
        tranches: 14,
        tranche_interval: 15,
        release_window: 16,
        exit_window: 17,
        terms_hash: B256::repeat_byte(18),
    }
}

fn terms_json() -> Value {
    json!({
        "beneficiary": PLEDGER, "guardian": RECIPIENT, "stETH": format!("0x{}", "03".repeat(20)),
        "wstETH": format!("0x{}", "04".repeat(20)), "targetWei": "5000000000", "deadlineUnix": 6,
        "latestDeadlineUnix": 19,
        "tiers": [
            { "thresholdBps": 7, "drawOrder": 8, "rateBps": 9 },
            { "thresholdBps": 10_000, "drawOrder": 10, "rateBps": 11 },
        ],
        "objectionPeriodSeconds": 12, "vetoBps": 13, "tranches": 14, "trancheIntervalSeconds": 15,
        "releaseWindowSeconds": 16, "exitWindowSeconds": 17, "termsHash": format!("0x{}", "12".repeat(32)),
    })
}

#[test]
fn terms_carry_their_units_and_can_be_read_again() {
    assert_eq!(value(terms()), terms_json());
    assert_eq!(serde_json::from_value::<Terms>(terms_json()).unwrap(), terms());
}

#[test]
fn what_the_terms_have_none_of_is_null() {
    let (guardian, steth, wsteth) = (Address::ZERO, Address::ZERO, Address::ZERO);
    let terms = Terms { guardian, steth, wsteth, ..terms() };
    let json = value(&terms);
    assert_eq!([&json["guardian"], &json["stETH"], &json["wstETH"]], [&Value::Null; 3]);
    assert_eq!(serde_json::from_value::<Terms>(json).unwrap(), terms);
}

#[test]
fn an_address_that_is_mistyped_is_not_read() {
    let read = |beneficiary: &str| {
        let mut json = terms_json();
        json["beneficiary"] = beneficiary.into();
        serde_json::from_value::<Terms>(json)
            .map(|terms| terms.beneficiary)
            .map_err(|error| error.to_string())
    };
    let upper = format!("0x{}", PLEDGER[2..].to_uppercase());
    for text in [PLEDGER, &PLEDGER.to_lowercase(), &upper] {
        assert_eq!(read(text), Ok(address(PLEDGER)));
    }
    let swapped = PLEDGER.replacen("ae7", "aE7", 1);
    for text in [&swapped, &PLEDGER[2..], &PLEDGER[..41], "", "0x"] {
        let message = format!("`{text}` is not an address, or fails its checksum");
        assert_eq!(read(text), Err(message));
    }
}

#[test]
fn events_of_positions_name_them_and_their_unit() {
    let (recipient, amount) = (address(RECIPIENT), Units::new(7));
    let pledged = RescueEvent::Pledged { position: position(2, Asset::StEth), amount };
    let of = |event: &str, tier: u8, asset: &str, unit: &str| json!({ "event": event, "pledger": PLEDGER, "tier": tier, "asset": asset, "unit": unit, "amount": "7" });
    assert_eq!(value(pledged), of("Pledged", 2, "stETH", "stETH shares"));
    let declined = RescueEvent::Declined { position: position(3, Asset::Eth), amount };
    assert_eq!(value(declined), of("Declined", 3, "ETH", "wei"));
    let mut expected = of("Exited", 4, "wstETH", "units of 10^-18 wstETH");
    expected["recipient"] = RECIPIENT.into();
    let exited = RescueEvent::Exited { position: position(4, Asset::WstEth), recipient, amount };
    assert_eq!(value(exited), expected);
    expected["event"] = "Refunded".into();
    let refunded = RescueEvent::Refunded { position: position(4, Asset::WstEth), recipient, amount };
    assert_eq!(value(refunded), expected);
    let objected = RescueEvent::Objected { position: position(5, Asset::Eth), weight: Wei::new(8) };
    let expected = json!({
        "event": "Objected", "pledger": PLEDGER, "tier": 5, "asset": "ETH", "unit": "wei", "weightWei": "8",
    });
    assert_eq!(value(objected), expected);
}

#[test]
fn events_of_payments_name_the_asset_and_its_unit() {
    let (pledger, recipient, amount) = (address(PLEDGER), address(RECIPIENT), Units::new(10u128.pow(18)));
    let (unit, number) = ("stETH shares", "1000000000000000000");
    let owed = RescueEvent::Owed { pledger, asset: Asset::StEth, amount };
    let expected =
        json!({ "event": "Owed", "pledger": PLEDGER, "asset": "stETH", "unit": unit, "amount": number });
    assert_eq!(value(owed), expected);
    let collected = RescueEvent::Collected { pledger, asset: Asset::StEth, recipient, amount };
    let expected = json!({
        "event": "Collected", "pledger": PLEDGER, "asset": "stETH", "unit": unit, "recipient": RECIPIENT,
        "amount": number,
    });
    assert_eq!(value(collected), expected);
    let released = RescueEvent::Released { asset: Asset::StEth, tranches: 3, amount };
    let expected =
        json!({ "event": "Released", "asset": "stETH", "unit": unit, "tranches": 3, "amount": number });
    assert_eq!(value(released), expected);
}

#[test]
fn creation_and_amendment_carry_the_terms() {
    let created = RescueEvent::Created { terms: terms() };
    assert_eq!(value(created), json!({ "event": "RescueCreated", "terms": terms_json() }));
    let goal = Goal { target: Wei::new(1), deadline: 2, terms_hash: B256::repeat_byte(3) };
    let amendment = Amendment { goal, effective_at: 4 };
    let expected = json!({
        "event": "AmendmentProposed", "targetWei": "1", "deadlineUnix": 2,
        "termsHash": format!("0x{}", "03".repeat(32)), "inForceFromUnix": 4,
    });
    assert_eq!(value(RescueEvent::AmendmentProposed { amendment }), expected);
}

#[test]
fn a_settlement_names_the_pots_that_were_drawn() {
    let mut draws = vec![Units::ZERO; 6];
    (draws[2], draws[4]) = (Units::new(8), Units::new(9));
    let settled = RescueEvent::Settled {
        threshold: Bps::new(1),
        rate: Rate::new(2),
        target: Wei::new(3),
        drawn: Wei::new(4),
        settled_at: 5,
        draws,
    };
    let expected = json!({
        "event": "Settled", "thresholdBps": 1, "rateWeiPer1e27Shares": "2", "targetWei": "3", "drawnWei": "4",
        "settledAtUnix": 5,
        "draws": [
            { "tier": 0, "asset": "wstETH", "unit": "units of 10^-18 wstETH", "amount": "8" },
            { "tier": 1, "asset": "stETH", "unit": "stETH shares", "amount": "9" },
        ],
    });
    assert_eq!(value(settled), expected);
}

#[test]
fn events_of_an_end_have_a_reason_and_a_time() {
    let failed = RescueEvent::Failed { reason: EndReason::NoThresholdMet, rate: None, failed_at: 1 };
    let expected = json!({
        "event": "Failed", "reason": "NoThresholdMet", "rateWeiPer1e27Shares": null, "failedAtUnix": 1,
    });
    assert_eq!(value(failed), expected);
    let cancelled = RescueEvent::Cancelled { reason: EndReason::Vetoed, kept: 2, cancelled_at: 3 };
    let expected = json!({ "event": "Cancelled", "reason": "Vetoed", "kept": 2, "cancelledAtUnix": 3 });
    assert_eq!(value(cancelled), expected);
    let times = [
        (RescueEvent::HoldLifted { lifted_at: 4 }, json!({ "event": "HoldLifted", "liftedAtUnix": 4 })),
        (RescueEvent::Lapsed { lapsed_at: 5 }, json!({ "event": "Lapsed", "lapsedAtUnix": 5 })),
        (RescueEvent::Finalized { final_at: 6 }, json!({ "event": "Finalized", "finalAtUnix": 6 })),
    ];
    for (event, expected) in times {
        assert_eq!(value(event), expected);
    }
}

#[test]
fn amounts_have_their_asset_and_unit() {
    let expected = json!({ "asset": "stETH", "unit": "stETH shares", "amount": "5" });
    assert_eq!(value(Amount::StEth(Shares::new(5))), expected);
    let all = PerAsset::from_fn(|asset| asset as u8 + 1);
    assert_eq!(value(all), json!({ "ETH": 1, "stETH": 2, "wstETH": 3 }));
}

#[test]
fn pots_and_positions_are_in_their_assets_unit() {
    let [one, two, three] = [1, 2, 3].map(Units::new);
    let pot = PotView { tier: 9, asset: Asset::Eth, total: one, drawn: two, delivered: three };
    let expected = json!({
        "tier": 9, "asset": "ETH", "unit": "wei", "total": "1", "drawn": "2", "delivered": "3",
    });
    assert_eq!(value(pot), expected);
    let view = PositionView {
        tier: 8,
        asset: Asset::StEth,
        amount: one,
        refunded: two,
        refundable: three,
        weight: Wei::new(4),
        objected: true,
    };
    let expected = json!({
        "tier": 8, "asset": "stETH", "unit": "stETH shares", "amount": "1", "refunded": "2", "refundable": "3",
        "drawnValueWei": "4", "objected": true,
    });
    assert_eq!(value(view), expected);
    let threshold = Threshold { threshold: Bps::new(1), coverage: Wei::new(2), required: Wei::new(3) };
    let expected = json!({ "thresholdBps": 1, "coverageWei": "2", "requiredWei": "3" });
    assert_eq!(value(threshold), expected);
}

/// A view in which everything that can be none is `some`, or none.
fn view(some: bool) -> RescueView {
    let time = |time: u64| some.then_some(time);
    let tranches = |first: u8| PerAsset::from_fn(|asset| first + asset as u8);
    RescueView {
        status: Status::Cancelled,
        end_reason: some.then_some(EndReason::Lapsed),
        created_block: 1,
        terms: terms(),
        amendment: some.then(|| Amendment { goal: Goal::from(&terms()), effective_at: 2 }),
        pots: Vec::new(),
        rate: if some { ShareRate::Known(Rate::PAR) } else { ShareRate::Unreadable },
        coverage: some.then_some(Wei::new(3)),
        threshold_met: Bps::new(4),
        drawn: Wei::new(5),
        objected: Wei::new(6),
        settled_at: time(7),
        cancelled_at: time(8),
        lapsed_at: time(9),
        final_at: time(10),
        due: 11,
        kept: tranches(20),
        delivered: tranches(30),
        held: tranches(40),
        returns_by_calendar: true,
        next_tranche_at: time(12),
    }
}

#[test]
fn a_rescue_is_its_terms_and_its_state() {
    let terms_hash = format!("0x{}", "12".repeat(32));
    let expected = json!({
        "status": "Cancelled", "endReason": "Lapsed", "createdBlock": 1, "terms": terms_json(),
        "amendment": {
            "targetWei": "5000000000", "deadlineUnix": 6, "termsHash": terms_hash, "inForceFromUnix": 2,
        },
        "pots": [], "rateWeiPer1e27Shares": "1000000000000000000000000000", "coverageWei": "3",
        "thresholdMetBps": 4, "drawnWei": "5", "objectedWei": "6", "settledAtUnix": 7, "cancelledAtUnix": 8,
        "lapsedAtUnix": 9, "finalAtUnix": 10, "due": 11, "kept": { "ETH": 20, "stETH": 21, "wstETH": 22 },
        "delivered": { "ETH": 30, "stETH": 31, "wstETH": 32 }, "held": { "ETH": 40, "stETH": 41, "wstETH": 42 },
        "returnsByCalendar": true, "nextTrancheAtUnix": 12,
    });
    assert_eq!(value(view(true)), expected);
    let none = value(view(false));
    let keys = [
        "endReason",
        "amendment",
        "rateWeiPer1e27Shares",
        "coverageWei",
        "settledAtUnix",
        "cancelledAtUnix",
        "lapsedAtUnix",
        "finalAtUnix",
        "nextTrancheAtUnix",
    ];
    for key in keys {
        assert_eq!(none.get(key), Some(&Value::Null), "{key}");
    }
}

#[test]
fn a_recovery_pool_is_a_queue_of_amounts_in_wei() {
    let [worth, principal, interest, received] = [3, 4, 5, 6].map(Wei::new);
    let group = RecoveryGroup { order: 1, rate: Bps::new(2), value: worth, principal, interest, received };
    let view = RecoveryView { accrued_at: Some(7), rate: None, groups: vec![group] };
    let expected = json!({
        "accruedAtUnix": 7, "rateWeiPer1e27Shares": null,
        "groups": [{
            "drawOrder": 1, "rateBps": 2, "valueWei": "3", "principalWei": "4", "interestWei": "5",
            "receivedWei": "6",
        }],
    });
    assert_eq!(value(view), expected);
    let earnings = Earnings { earned: Wei::new(8), claimed: Wei::new(9) };
    assert_eq!(value(earnings), json!({ "earnedWei": "8", "claimedWei": "9" }));
}

#[test]
fn a_bonus_is_split_by_value_and_time() {
    let seconds = UnitSeconds::MAX_POSITION.get();
    let decision = BonusDecision {
        bonus: Wei::new(1),
        pledgers: Wei::new(2),
        value: WeiSeconds::new(seconds),
        rate: Rate::new(3),
    };
    let expected = json!({
        "totalWei": "4",
        "decision": {
            "bonusWei": "1", "pledgersPartWei": "2", "rateWeiPer1e27Shares": "3",
            "valueWeiSeconds": "340282366920938463463374607431768211455",
        },
    });
    assert_eq!(value(BonusView { total: Wei::new(4), decision: Some(decision) }), expected);
    let enlistment =
        Enlistment { departures: 5, enlisted: Units::new(6), unit_seconds: UnitSeconds::MAX_POSITION };
    let expected = json!({
        "departures": 5, "enlisted": "6", "unitSeconds": "340282366920938463463374607431768211455",
    });
    assert_eq!(value(enlistment), expected);
    let share = BonusShare { share: Wei::new(7), claimed: true };
    assert_eq!(value(share), json!({ "shareWei": "7", "claimed": true }));
    let shared = BonusOwner::Shared(Some(Wei::new(8)));
    assert_eq!(value(shared), json!({ "owner": "Shared", "pledgersPartWei": "8" }));
}

#[test]
fn calls_name_their_operation_and_what_it_is_about() {
    let (to, id) = (address(RECIPIENT), position(2, Asset::StEth));
    let of = |operation: &str, rest: Value| {
        let mut json = rest;
        json["operation"] = operation.into();
        json
    };
    assert_eq!(value(Operation::Settle), of("Settle", json!({})));
    assert_eq!(value(Operation::Release(Asset::WstEth)), of("Release", json!({ "asset": "wstETH" })));
    let refund = json!({ "pledger": PLEDGER, "tier": 2, "asset": "stETH" });
    assert_eq!(value(Operation::Refund(id)), of("Refund", refund));
    let exit = json!({ "tier": 3, "asset": "ETH", "to": RECIPIENT });
    assert_eq!(value(Operation::Exit { tier: 3, asset: Asset::Eth, to }), of("Exit", exit));
    let goal = Goal { target: Wei::new(4), deadline: 5, terms_hash: B256::repeat_byte(6) };
    assert_eq!(value(Operation::Amend(goal)), of("Amend", value(goal)));
    assert_eq!(value(Operation::Recover(Wei::new(7))), of("Recover", json!({ "amountWei": "7" })));
    let added = json!({ "sponsor": RECIPIENT, "amountWei": "8" });
    assert_eq!(value(Operation::AddBonus { sponsor: to, amount: Wei::new(8) }), of("AddBonus", added));
}

#[test]
fn a_pledge_carries_its_unit_its_amendment_and_its_route() {
    let pledge = |amendment, route| {
        let amount = Amount::StEth(Shares::new(9));
        value(Operation::Pledge(Pledge { pledger: address(PLEDGER), tier: 1, amount, amendment, route }))
    };
    let mut expected = json!({
        "operation": "Pledge", "pledger": PLEDGER, "tier": 1, "asset": "stETH", "unit": "stETH shares",
        "amount": "9", "amendmentUnix": null, "route": "Direct",
    });
    assert_eq!(pledge(0, Route::Direct), expected);
    expected["amendmentUnix"] = 10.into();
    expected["route"] = "Router".into();
    expected["enlist"] = true.into();
    assert_eq!(pledge(10, Route::Router { enlist: true }), expected);
}

#[test]
fn a_moment_tells_what_steth_does() {
    let moment = |lido| value(Moment { time: 11, lido });
    let rate = Rate::new(12).expect("a rate");
    let working = json!({ "timeUnix": 11, "steth": "Working", "rateWeiPer1e27Shares": "12" });
    assert_eq!(moment(Lido::Working(rate)), working);
    assert_eq!(moment(Lido::Broken), json!({ "timeUnix": 11, "steth": "Broken" }));
    assert_eq!(value(Creation { block: 13, time: 14 }), json!({ "block": 13, "timeUnix": 14 }));
}

#[test]
fn what_leaves_is_paid_or_owed() {
    let payment = Payment { to: address(RECIPIENT), asset: Asset::Eth, amount: Units::new(15) };
    let paid = json!({ "paid": { "to": RECIPIENT, "asset": "ETH", "unit": "wei", "amount": "15" } });
    assert_eq!(value(Departure::Paid(payment)), paid);
    assert_eq!(value(Departure::Owed(Units::new(16))), json!({ "owed": "16" }));
}
