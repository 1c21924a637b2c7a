//! What the server says of itself: metrics for Prometheus, and whether it is healthy.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::response::Response;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{archive::Issue, problem::unreadable};
use crate::{
    error::in_a_line,
    service::vitals::{Checkup, exposed},
    time,
};

/// How long it may be since the store was last read, at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// The figures of a server. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Metrics {
    block: Gauge,
    block_time: Gauge,
    rescues: Gauge,
    /// Streams of events that are open.
    pub(super) streams: Gauge,
    failures: Counter,
    requests: Family<[(&'static str, u16); 1], Counter>,
    health: Arc<Mutex<Health>>,
}

/// When the store was last read, and whether it failed since.
#[derive(Debug, Default)]
struct Health {
    well: Option<Instant>,
    failed: bool,
}

impl Metrics {
    /// Takes note of a block.
    pub(super) fn at(&self, issue: &Issue) {
        self.block.set(issue.block.number.cast_signed());
        self.block_time.set(issue.block.time.cast_signed());
        self.rescues.set(i64::try_from(issue.rescues.len()).unwrap_or(i64::MAX));
        self.well();
    }

    /// Takes note that the store was read.
    pub(super) fn well(&self) {
        *self.health() = Health { well: Some(Instant::now()), failed: false };
    }

    /// Takes note that it could not be read.
    pub(super) fn failed(&self) {
        self.failures.inc();
        self.health().failed = true;
    }

    /// Counts an answer.
    pub(super) fn answered(&self, code: u16) {
        self.requests.get_or_create(&[("code", code)]).inc();
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the store is read, and its block is at most `stale` seconds old.
    pub(super) fn checkup(&self, stale: u64) -> Checkup {
        self.checkup_at(time::clock(), stale)
    }

    fn checkup_at(&self, now: u64, stale: u64) -> Checkup {
        let (block, health) = (self.block.get(), self.health());
        let is_read = health.well.is_some_and(|well| well.elapsed() <= PATIENCE);
        let age = now.saturating_sub(self.block_time.get().cast_unsigned());
        let is_old = age > stale;
        let old = || is_old.then(|| format!("the latest block of the index is {age} seconds old"));
        // The log has the words of the store, which are not for everybody.
        let failed = || health.failed.then(|| in_a_line(&unreadable()));
        Checkup { healthy: is_read && !is_old, block, error: failed().or_else(old) }
    }

    /// All of them, for Prometheus.
    pub(super) fn exposed(&self) -> Response {
        let mut registry = Registry::with_prefix("levee_serve");
        registry.register("block", "Block that is told", self.block.clone());
        registry.register("block_time_seconds", "Time of that block", self.block_time.clone());
        registry.register("rescues", "Rescues of the index, with counterfeits", self.rescues.clone());
        registry.register("streams", "Streams of events that are open", self.streams.clone());
        registry.register("failures", "Times that the index could not be read", self.failures.clone());
        registry.register("requests", "Requests, by the code of the answer", self.requests.clone());
        exposed(&registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_healthy_while_it_reads_an_index_that_follows_the_chain() {
        let metrics = Metrics::default();
        metrics.block.set(7);
        metrics.block_time.set(1_000);
        let told =
            |healthy, error: Option<&str>| Checkup { healthy, block: 7, error: error.map(str::to_owned) };
        assert_eq!(metrics.checkup_at(1_000, 300), told(false, None));
        metrics.well();
        assert_eq!(metrics.checkup_at(1_300, 300), told(true, None));
        let old = Some("the latest block of the index is 301 seconds old");
        assert_eq!(metrics.checkup_at(1_301, 300), told(false, old));
        // A chain whose clock is ahead.
        assert_eq!(metrics.checkup_at(10, 300), told(true, None));
        metrics.failed();
        assert_eq!(metrics.checkup_at(1_300, 300), told(true, Some("the index cannot be read now")));
        assert_eq!(metrics.failures.get(), 1);
    }
}
