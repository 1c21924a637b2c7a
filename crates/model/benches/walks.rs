//! How many steps of the recorded walks the model does in a second.
//!
//! The calls are made ready outside the measurement; inside it, each walk is played from the creation of its rescue on,
//! with its recovery pool.

#![allow(missing_docs, reason = "the macros of criterion make undocumented functions")]

use alloy_primitives::{Address, B256};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use levee_model::{
    Asset, Bps, Goal, Lido, Moment, PositionId, RecoveryPool, Rescue, Terms, Timestamp, Units, Wei,
};
use serde_json::Value;
use std::{collections::BTreeMap, hint::black_box};

const WALKS: &str = include_str!("../../../tests/vectors/rescue.json");

const BENEFICIARY: Address = Address::repeat_byte(0xbe);
const GUARDIAN: Address = Address::repeat_byte(0x6a);
const ESCROW: Address = Address::repeat_byte(0xe5);
const POOL: Address = Address::repeat_byte(0x90);

enum Call {
    Pledge(PositionId, Units),
    Settle,
    Release(Asset),
    Refund(PositionId),
    Exit(PositionId),
    Decline(PositionId),
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

struct Walk {
    start: Timestamp,
    terms: Terms,
    steps: Vec<(Moment, Call)>,
}

/// What of the file the benchmark is checked with.
struct Expected {
    steps: usize,
    accepted: usize,
}

fn bench(criterion: &mut Criterion) {
    let file: Vec<Value> = serde_json::from_str(WALKS).expect("the walks are JSON");
    let expected = expected(&file);
    let walks: Vec<_> = file.iter().map(walk).collect();
    assert_eq!(play_all(&walks), expected.accepted, "calls went through, of {}", expected.steps);

    let mut group = criterion.benchmark_group("model");
    group.throughput(Throughput::Elements(expected.steps as u64));
    group.bench_function("walks", |bencher| bencher.iter(|| play_all(black_box(&walks))));
    group.finish();
}

fn expected(file: &[Value]) -> Expected {
    let steps = || file.iter().flat_map(|walk| list(&walk["steps"]));
    Expected { steps: steps().count(), accepted: steps().filter(|step| step["ok"] == true).count() }
}

/// Plays the walks; returns how many calls went through.
fn play_all(walks: &[Walk]) -> usize {
    walks.iter().map(play).sum()
}

fn play(walk: &Walk) -> usize {
    let mut rescue = Rescue::open(ESCROW, walk.terms.clone(), walk.start).expect("the terms are allowed");
    let mut pool = RecoveryPool::new(POOL, &walk.terms);
    walk.steps.iter().filter(|(at, call)| is_accepted(&mut rescue, &mut pool, *at, call)).count()
}

fn is_accepted(rescue: &mut Rescue, pool: &mut RecoveryPool, at: Moment, call: &Call) -> bool {
    match *call {
        Call::Pledge(id, amount) => rescue.pledge(at, id, amount).is_ok(),
        Call::Settle => rescue.settle(at).is_ok(),
        Call::Release(asset) => rescue.release(at, asset).is_ok(),
        Call::Refund(id) => rescue.refund(at, id).is_ok(),
        Call::Exit(id) => rescue.exit(at, id, id.pledger).is_ok(),
        Call::Decline(id) => rescue.decline(at, GUARDIAN, id).is_ok(),
        Call::Amend(goal) => rescue.amend(at, GUARDIAN, goal).is_ok(),
        Call::Cancel => rescue.cancel(at, GUARDIAN).is_ok(),
        Call::Object(id) => rescue.object(at, id).is_ok(),
        Call::Lapse => rescue.lapse(at).is_ok(),
        Call::Expire => rescue.expire(at).is_ok(),
        Call::Recover(amount) => pool.recover(rescue, at.time, amount).is_ok(),
        Call::Claim(id) => pool.claim(rescue, id).is_ok(),
        Call::World => false,
    }
}

fn walk(json: &Value) -> Walk {
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
    Walk { start: number(&json["start"]), steps: steps.collect(), terms: terms(&json["terms"]) }
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
    let mut id = || PositionId {
        pledger: address_of(&step["who"], pledgers),
        tier: number(&step["tier"]) as u8,
        asset: from_json(&step["asset"]),
    };
    match step["op"].as_str().expect("a step has an operation") {
        "pledge" => Call::Pledge(id(), Units::new(amount().get())),
        "settle" => Call::Settle,
        "release" => Call::Release(from_json(&step["asset"])),
        "refund" => Call::Refund(id()),
        "exit" => Call::Exit(id()),
        "decline" => Call::Decline(id()),
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

fn address_of(name: &Value, pledgers: &mut BTreeMap<String, Address>) -> Address {
    let next = pledgers.len() as u8 + 1;
    *pledgers.entry(name.to_string()).or_insert(Address::repeat_byte(next))
}

fn list(json: &Value) -> &[Value] {
    json.as_array().expect("a list")
}

fn number(json: &Value) -> u64 {
    json.as_u64().expect("a number")
}

fn from_json<T: serde::de::DeserializeOwned>(json: &Value) -> T {
    T::deserialize(json).expect("of the format")
}

criterion_group!(benches, bench);
criterion_main!(benches);
