//! How many steps of the recorded walks the model does in a second.
//!
//! The calls are made ready outside the measurement; inside it, each walk is played from the creation of its rescue on,
//! with its pools.

#![allow(missing_docs, reason = "the macros of criterion make undocumented functions")]

#[path = "../tests/common/walks.rs"]
mod walks;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Value;
use std::hint::black_box;
use walks::{WALKS, Walk, list};

/// What of the file the benchmark is checked with.
struct Expected {
    steps: usize,
    accepted: usize,
}

fn bench(criterion: &mut Criterion) {
    let file: Vec<Value> = serde_json::from_str(WALKS).expect("the walks are JSON");
    let expected = expected(&file);
    let walks: Vec<_> = file.iter().map(Walk::read).collect();
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
    let mut models = walks::open(walk);
    walk.steps
        .iter()
        .filter(|(at, call)| call.is_some() && walks::play(&mut models, *at, *call).is_ok())
        .count()
}

criterion_group!(benches, bench);
criterion_main!(benches);
