//! The recorded walks: every step's outcome, payment and stored status, and the final books.

#[path = "common/walks.rs"]
mod walks;

use levee_model::{Asset, Models, Moment, Operation, Payment, Rate, RecoveryRefusal, Refusal, Refused};
use serde_json::{Value, json};
use walks::{WALKS, Walk, list, open, play};

#[test]
fn every_step_of_every_walk_does_what_the_rules_say() {
    let file: Vec<Value> = serde_json::from_str(WALKS).expect("the walks are JSON");
    let mut steps = 0;
    for json in &file {
        steps += replay(json).unwrap_or_else(|difference| panic!("walk {}, {difference}", json["seed"]));
    }
    assert_eq!((file.len(), steps), (160, 11_240));
}

#[test]
fn a_difference_is_noticed_where_it_is() {
    let file: Vec<Value> = serde_json::from_str(WALKS).expect("the walks are JSON");
    let changed = |change: fn(&mut Value)| {
        let mut walk = file[0].clone();
        change(&mut walk);
        replay(&walk).expect_err("a difference")
    };
    let starts = |text: String, with: &str| assert!(text.starts_with(with), "{text}");
    starts(changed(|walk| walk["steps"][0]["ok"] = json!(false)), "step 0:");
    starts(changed(|walk| walk["steps"][4]["why"] = json!("pending")), "step 4:");
    starts(changed(|walk| walk["steps"][10]["pays"][0][2] = json!("1")), "step 10:");
    starts(changed(|walk| walk["steps"][11]["status"] = json!("Failed")), "step 11:");
    starts(changed(|walk| walk["final"]["owed"] = json!([1])), "final books:");
    starts(changed(|walk| walk["final"]["pots"][0]["total"] = json!("1")), "final books:");
}

/// Plays a walk; returns how many steps it has, or the first difference.
fn replay(json: &Value) -> Result<usize, String> {
    let walk = Walk::read(json);
    let mut models = open(&walk);
    let steps = list(&json["steps"]);
    let mut last = Moment { time: walk.start, lido: levee_model::Lido::Broken };
    for (index, ((at, call), step)) in walk.steps.iter().zip(steps).enumerate() {
        let outcome = play(&mut models, *at, *call);
        let Some((_, operation)) = call else { continue };
        last = if outcome.is_ok() { *at } else { last };
        let (expected, found) = (said(step), seen(&walk, &models, operation, outcome));
        if expected != found {
            return Err(format!("step {index}: expected {expected}, found {found}"));
        }
    }
    let found = books(&walk, &models, last);
    if json["final"] == found {
        return Ok(steps.len());
    }
    Err(format!("final books: expected {}, found {found}", json["final"]))
}

/// What a step of the file says of its outcome.
fn said(step: &Value) -> Value {
    let pays = step.get("pays").cloned().unwrap_or_else(|| json!([]));
    json!({ "ok": step["ok"], "why": step["why"], "pays": pays, "status": step["status"] })
}

fn seen(
    walk: &Walk,
    models: &Models,
    operation: &Operation,
    outcome: Result<Option<Payment>, Refused>,
) -> Value {
    let pays: Vec<_> = outcome.ok().flatten().map(|payment| pay(walk, payment)).into_iter().collect();
    let why = outcome.err().map(|refused| why(walk, models, operation, refused));
    json!({ "ok": why.is_none(), "why": why, "pays": pays, "status": models.rescue.stored_status() })
}

fn pay(walk: &Walk, Payment { to, asset, amount }: Payment) -> Value {
    json!([walk.names[&to], asset, amount])
}

/// The file's word for a refusal.
fn why(walk: &Walk, models: &Models, operation: &Operation, refused: Refused) -> &'static str {
    match refused {
        Refused::ByRescue(refusal) => why_by_rescue(operation, refusal),
        // Where somebody is pledged into the tiers of one order, a claim finds nothing; else the wrong status.
        Refused::ByRecovery(RecoveryRefusal::NotDrawn { tier }) => {
            if is_pledged(walk, models, tier) {
                "nothing"
            } else {
                "status"
            }
        }
        Refused::ByRecovery(RecoveryRefusal::NotFinal { .. }) => "status",
        Refused::ByRecovery(RecoveryRefusal::ZeroAmount) => "zero",
        Refused::ByRecovery(RecoveryRefusal::NothingDelivered) => "nobody was drawn",
        Refused::ByRecovery(RecoveryRefusal::NothingToClaim { .. }) => "nothing",
        other => panic!("no word for: {other}"),
    }
}

fn why_by_rescue(operation: &Operation, refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::AmendmentPending { .. } if matches!(operation, Operation::Settle) => "pending",
        Refusal::PledgingClosed { .. } | Refusal::AmendmentPending { .. } => "closed",
        Refusal::WrongStatus { .. } | Refusal::NoVeto => "status",
        Refusal::TooEarly { .. } if matches!(operation, Operation::Expire) => "status",
        Refusal::TooEarly { .. } => "early",
        Refusal::ZeroAmount => "zero",
        Refusal::TokenFailed { .. } | Refusal::PaymentFailed { .. } | Refusal::RateUnreadable => "stETH",
        Refusal::NotGuardian { .. } => "guardian",
        Refusal::AmendmentTooLate { .. }
        | Refusal::AmendedDeadlineTooEarly { .. }
        | Refusal::AmendedDeadlineTooLate { .. }
        | Refusal::Terms(_) => "amendment",
        Refusal::CoverageTooLow { .. } => "coverage",
        Refusal::NoExitWindow { .. } => "no exit",
        Refusal::NothingToReturn { .. } | Refusal::NothingOwed { .. } => "nothing",
        Refusal::NothingDue { .. } => "nothing due",
        Refusal::NothingToStop { .. } => "late",
        Refusal::AlreadyObjected { .. } | Refusal::NothingDrawn { .. } => "objection",
        Refusal::RateReadable { .. } | Refusal::RateNotNeeded => "readable",
        other => panic!("no word for: {other}"),
    }
}

fn is_pledged(walk: &Walk, models: &Models, tier: u8) -> bool {
    let order = |tier: u8| walk.terms.tiers[usize::from(tier)].draw_order;
    models.rescue.positions().any(|(id, _)| order(id.tier) == order(tier))
}

/// The books as they stand at the last call that went through: later views may look ahead.
fn books(walk: &Walk, Models { rescue, recovery, .. }: &Models, at: Moment) -> Value {
    let goal = rescue.goal(at.time);
    let settlement = rescue.settlement(at);
    let received = |asset| rescue.delivered_amount(asset);
    let owed =
        rescue.all_owed().map(|(pledger, asset, amount)| (pledger, asset, json!({ "amount": amount })));
    let positions = rescue.positions().map(|(id, position)| {
        let (amount, refunded) = (position.amount, position.refunded);
        let book =
            json!({ "tier": id.tier, "amount": amount, "refunded": refunded, "recovered": recovery.claimed(id) });
        (id.pledger, id.asset, book)
    });
    json!({
        "status": rescue.stored_status(),
        "target": goal.target,
        "deadline": goal.deadline,
        "activeThresholdBps": settlement.map(|settlement| settlement.threshold),
        // A settlement that needed no rate is recorded with a rate of 0.
        "settlementRate": settlement.map(|settlement| settlement.rate.map_or(0, Rate::get).to_string()),
        "pots": pots(walk, rescue, at),
        "positions": named(walk, positions),
        "owed": named(walk, owed),
        "beneficiary": {
            "ETH": received(Asset::Eth), "stETH": received(Asset::StEth), "wstETH": received(Asset::WstEth),
        },
    })
}

fn pots(walk: &Walk, rescue: &levee_model::Rescue, at: Moment) -> Vec<Value> {
    let all = (0..walk.terms.tier_count()).flat_map(|tier| Asset::ALL.map(|asset| (tier, asset)));
    let pots = all.map(|(tier, asset)| (tier, asset, rescue.pot(at, tier, asset)));
    let held = pots.filter(|(_, _, pot)| !pot.total.is_zero());
    held.map(
        |(tier, asset, pot)| json!({ "tier": tier, "asset": asset, "total": pot.total, "drawn": pot.drawn }),
    )
    .collect()
}

/// Books of pledgers with their names, in the order of names.
fn named(walk: &Walk, books: impl Iterator<Item = (alloy_primitives::Address, Asset, Value)>) -> Vec<Value> {
    let mut named: Vec<_> = books
        .map(|(pledger, asset, mut book)| {
            book["who"] = json!(walk.names[&pledger]);
            book["asset"] = json!(asset);
            book
        })
        .collect();
    // Stable: by tier and asset within a name, as they came.
    named.sort_by_key(|book| book["who"].to_string());
    named
}
