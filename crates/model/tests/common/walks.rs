//! The recorded walks, ready to be played on the model: an independent model made them from the rules.

#![allow(dead_code, reason = "the benchmark looks at less than the test")]

use alloy_primitives::{Address, B256};
use levee_model::{
    Bps, Creation, Goal, Lido, Models, Moment, Operation, Payment, Pledge, PositionId, Refused, Route, Terms,
    Timestamp, Units, Wei,
};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const WALKS: &str = include_str!("../../../../tests/vectors/rescue.json");

const BENEFICIARY: Address = Address::repeat_byte(0xbe);
const GUARDIAN: Address = Address::repeat_byte(0x6a);
const ESCROW: Address = Address::repeat_byte(0xe5);
const POOL: Address = Address::repeat_byte(0x90);
const BONUS: Address = Address::repeat_byte(0xb0);
const ANYONE: Address = Address::repeat_byte(0xaa);

/// A call and its caller; none is a change of the world, which shows in the [`Moment`] of what follows.
pub(crate) type Call = Option<(Address, Operation)>;

pub(crate) struct Walk {
    pub(crate) start: Timestamp,
    pub(crate) terms: Terms,
    pub(crate) steps: Vec<(Moment, Call)>,
    /// Everyone who takes part.
    pub(crate) names: BTreeMap<Address, String>,
}

impl Walk {
    pub(crate) fn read(json: &Value) -> Self {
        let mut pledgers = BTreeMap::new();
        let mut world = (from_json(&json["rate"]), false);
        let steps = list(&json["steps"]).iter().map(|step| {
            match &step["op"] {
                op if op == "rebase" => world.0 = from_json(&step["rate"]),
                op if op == "break" => world.1 = step["broken"] == true,
                _ => {}
            }
            let lido = if world.1 { Lido::Broken } else { Lido::Working(world.0) };
            (Moment { time: number(&step["t"]), lido }, call(step, &mut pledgers))
        });
        let steps = steps.collect();
        let names = pledgers.into_iter().map(|(name, address)| (address, name));
        let names = names.chain([(BENEFICIARY, "beneficiary".to_owned())]).collect();
        Self { start: number(&json["start"]), steps, terms: terms(&json["terms"]), names }
    }
}

/// The rescue of a walk, and its pools.
pub(crate) fn open(walk: &Walk) -> Models {
    let creation = Creation { block: 1, time: walk.start };
    Models::open([ESCROW, POOL, BONUS], walk.terms.clone(), creation).expect("the terms are allowed")
}

/// Makes a call.
pub(crate) fn play(models: &mut Models, at: Moment, call: Call) -> Result<Option<Payment>, Refused> {
    let Some((caller, mut operation)) = call else { return Ok(None) };
    // Every pledge of a walk names the amendment of its moment.
    if let Operation::Pledge(pledge) = &mut operation {
        pledge.amendment = models.rescue.latest_amendment();
    }
    models.play(at, caller, operation)
}

fn terms(json: &Value) -> Terms {
    let seconds = |name: &str| number(&json[name]) as u32;
    Terms {
        beneficiary: BENEFICIARY,
        guardian: if json["guardian"] == true { GUARDIAN } else { Address::ZERO },
        steth: Address::repeat_byte(0x51),
        wsteth: Address::repeat_byte(0x52),
        target: from_json(&json["target"]),
        deadline: number(&json["deadline"]),
        latest_deadline: number(&json["latestDeadline"]),
        tiers: list(&json["tiers"]).iter().map(from_json).collect(),
        objection_period: seconds("objectionPeriod"),
        veto: Bps::new(seconds("vetoBps") as u16),
        tranches: seconds("tranches") as u8,
        tranche_interval: seconds("trancheInterval"),
        release_window: seconds("releaseWindow"),
        exit_window: seconds("exitWindow"),
        terms_hash: B256::ZERO,
    }
}

fn call(step: &Value, pledgers: &mut BTreeMap<String, Address>) -> Call {
    let amount = || from_json::<Wei>(&step["amount"]);
    let asset = || from_json(&step["asset"]);
    let mut who = || address_of(step["who"].as_str().expect("a step names its pledger"), pledgers);
    let mut id = || PositionId { pledger: who(), tier: number(&step["tier"]) as u8, asset: asset() };
    Some(match step["op"].as_str().expect("a step has an operation") {
        "pledge" => (ANYONE, pledge(id(), from_json(&step["amount"]))),
        "settle" => (ANYONE, Operation::Settle),
        "release" => (ANYONE, Operation::Release(asset())),
        "refund" => (ANYONE, Operation::Refund(id())),
        "exit" => {
            let PositionId { pledger, tier, asset } = id();
            (pledger, Operation::Exit { tier, asset, to: pledger })
        }
        "decline" => (GUARDIAN, Operation::Decline(id())),
        "collect" => (ANYONE, Operation::Collect { pledger: who(), asset: asset() }),
        "amend" => (GUARDIAN, Operation::Amend(goal(step))),
        "cancel" => (GUARDIAN, Operation::Cancel),
        "object" => {
            let PositionId { pledger, tier, asset } = id();
            (pledger, Operation::Object { tier, asset })
        }
        "lapse" => (ANYONE, Operation::Lapse),
        "expire" => (ANYONE, Operation::Expire),
        "recover" => (ANYONE, Operation::Recover(amount())),
        "claim" => (ANYONE, Operation::Claim(id())),
        "rebase" | "break" => return None,
        other => panic!("no such operation: {other}"),
    })
}

fn pledge(PositionId { pledger, tier, asset }: PositionId, amount: Units) -> Operation {
    Operation::Pledge(Pledge { pledger, tier, amount: amount.of(asset), amendment: 0, route: Route::Direct })
}

fn goal(step: &Value) -> Goal {
    Goal { target: from_json(&step["target"]), deadline: number(&step["deadline"]), terms_hash: B256::ZERO }
}

fn address_of(name: &str, pledgers: &mut BTreeMap<String, Address>) -> Address {
    let next = pledgers.len() as u8 + 1;
    *pledgers.entry(name.to_owned()).or_insert(Address::repeat_byte(next))
}

pub(crate) fn list(json: &Value) -> &[Value] {
    json.as_array().expect("a list")
}

fn number(json: &Value) -> u64 {
    json.as_u64().expect("a number")
}

fn from_json<T: serde::de::DeserializeOwned>(json: &Value) -> T {
    T::deserialize(json).expect("of the format")
}
