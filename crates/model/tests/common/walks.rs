//! The recorded walks, ready to be played on the model: an independent model made them from the rules.

#![allow(dead_code, reason = "the benchmark looks at less than the test")]

use alloy_primitives::{Address, B256};
use levee_model::{
    Asset, Bps, Creation, Goal, Lido, Moment, Payment, PositionId, RecoveryBooks, Refused, Rescue, Terms,
    Timestamp, Units, Wei,
};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const WALKS: &str = include_str!("../../../../tests/vectors/rescue.json");

const BENEFICIARY: Address = Address::repeat_byte(0xbe);
const GUARDIAN: Address = Address::repeat_byte(0x6a);
const ESCROW: Address = Address::repeat_byte(0xe5);
const POOL: Address = Address::repeat_byte(0x90);

pub(crate) enum Call {
    Pledge(PositionId, Units),
    Settle,
    Release(Asset),
    Refund(PositionId),
    Exit(PositionId),
    Decline(PositionId),
    Collect(Address, Asset),
    Amend(Goal),
    Cancel,
    Object(PositionId),
    Lapse,
    Expire,
    Recover(Wei),
    Claim(PositionId),
    /// A change of the world: it shows in the [`Moment`] of what follows.
    World,
}

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

/// A rescue and its recovery pool.
pub(crate) struct Played {
    pub(crate) rescue: Rescue,
    pub(crate) pool: RecoveryBooks,
}

impl Played {
    pub(crate) fn new(walk: &Walk) -> Self {
        let rescue = Rescue::open(ESCROW, walk.terms.clone(), Creation { block: 1, time: walk.start })
            .expect("the terms are allowed");
        Self { rescue, pool: RecoveryBooks::new(POOL, &walk.terms) }
    }

    pub(crate) fn play(&mut self, at: Moment, call: &Call) -> Result<Option<Payment>, Refused> {
        let Self { rescue, pool } = self;
        match *call {
            // Every pledge of a walk names the amendment of its moment.
            Call::Pledge(id, amount) => rescue.pledge(at, id, rescue.latest_amendment(), amount)?,
            Call::Settle => drop(rescue.settle(at)?),
            Call::Release(asset) => return Ok(Some(rescue.release(at, asset)?)),
            Call::Refund(id) => return Ok(Some(rescue.refund(at, id)?)),
            Call::Exit(id) => return Ok(rescue.exit(at, id, id.pledger)?.payment()),
            Call::Decline(id) => return Ok(rescue.decline(at, GUARDIAN, id)?.payment()),
            Call::Collect(pledger, asset) => return Ok(Some(rescue.collect(at, pledger, asset)?)),
            Call::Amend(goal) => drop(rescue.amend(at, GUARDIAN, goal)?),
            Call::Cancel => rescue.cancel(at, GUARDIAN)?,
            Call::Object(id) => rescue.object(at, id)?,
            Call::Lapse => rescue.lapse(at)?,
            Call::Expire => rescue.expire(at)?,
            Call::Recover(amount) => pool.recover(rescue, at.time, amount)?,
            Call::Claim(id) => return Ok(Some(pool.claim(rescue, id)?)),
            Call::World => {}
        }
        Ok(None)
    }
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
    match step["op"].as_str().expect("a step has an operation") {
        "pledge" => Call::Pledge(id(), Units::new(amount().get())),
        "settle" => Call::Settle,
        "release" => Call::Release(asset()),
        "refund" => Call::Refund(id()),
        "exit" => Call::Exit(id()),
        "decline" => Call::Decline(id()),
        "collect" => Call::Collect(who(), asset()),
        "amend" => Call::Amend(Goal {
            target: from_json(&step["target"]),
            deadline: number(&step["deadline"]),
            terms_hash: B256::ZERO,
        }),
        "cancel" => Call::Cancel,
        "object" => Call::Object(id()),
        "lapse" => Call::Lapse,
        "expire" => Call::Expire,
        "recover" => Call::Recover(amount()),
        "claim" => Call::Claim(id()),
        "rebase" | "break" => Call::World,
        other => panic!("no such operation: {other}"),
    }
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
