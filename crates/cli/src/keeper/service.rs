//! What a keeper says of itself: metrics for Prometheus, and whether it is healthy.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use eyre::Result;
use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::error::UserError;

/// What Prometheus takes for its text.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long it may be since the chain was last seen, at most: ten Ethereum blocks.
const PATIENCE: Duration = Duration::from_secs(120);

/// What became of duties, by a word.
type Outcomes = Family<[(&'static str, &'static str); 1], Counter>;

/// The figures of a keeper. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    /// The block that the index has come to, and the latest of the chain.
    pub(crate) block: Gauge,
    pub(crate) head: Gauge,
    pub(crate) rescues: Gauge,
    pub(crate) due: Gauge,
    /// What the account can spend, in gwei, and for how many transactions that is enough.
    pub(crate) balance: Gauge,
    pub(crate) affordable: Gauge,
    /// How often the nodes or the store failed.
    pub(crate) failures: Counter,
    outcomes: Outcomes,
    health: Arc<Mutex<Health>>,
}

/// When all was well the last time, and what was wrong since.
#[derive(Debug, Default)]
struct Health {
    well: Option<Instant>,
    error: Option<String>,
}

/// The answer to whoever asks whether a service is healthy.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Checkup {
    pub(crate) healthy: bool,
    /// The block that the index has come to.
    pub(crate) block: i64,
    /// What went wrong the last time, if it has not been well since.
    pub(crate) error: Option<String>,
}

impl IntoResponse for Checkup {
    fn into_response(self) -> Response {
        let status = if self.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        // Texts and numbers are always written.
        let body = serde_json::to_string(&self).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

/// The figures of a registry, as Prometheus reads them.
pub(crate) fn exposed(registry: &Registry) -> Response {
    let mut text = String::new();
    match text::encode(&mut text, registry) {
        Ok(()) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Listens at the address of `--listen`.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, UserError> {
    TcpListener::bind(address).await.map_err(|error| {
        UserError::new(format!("nothing can be served at `{address}`: {error}"))
            .hint("choose another address with `--listen`")
    })
}

impl Metrics {
    /// Counts what became of a duty.
    pub(crate) fn count(&self, outcome: &'static str) {
        self.outcomes.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// Takes note that the chain was seen.
    pub(crate) fn well(&self) {
        *self.health() = Health { well: Some(Instant::now()), error: None };
    }

    /// Takes note of what went wrong.
    pub(crate) fn failed(&self, error: String) {
        self.failures.inc();
        self.health().error = Some(error);
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn checkup(&self, patience: Duration) -> Checkup {
        let health = self.health();
        let healthy = health.well.is_some_and(|well| well.elapsed() <= patience);
        Checkup { healthy, block: self.block.get(), error: health.error.clone() }
    }

    fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("levee_keeper");
        registry.register("block", "Block that the index has come to", self.block.clone());
        registry.register("head", "Latest block of the chain", self.head.clone());
        registry.register("rescues", "Rescues that are looked after", self.rescues.clone());
        registry.register("due", "Duties that are due", self.due.clone());
        registry.register("balance_gwei", "What the account has", self.balance.clone());
        let affordable = "Transactions that the balance is enough for, at the highest price";
        registry.register("affordable_transactions", affordable, self.affordable.clone());
        registry.register("failures", "Times that the nodes or the store failed", self.failures.clone());
        registry.register("duties", "Duties that were tried, by what became of them", self.outcomes.clone());
        registry
    }

    /// Serves `/metrics` and `/health` at an address, in the background, as long as the runtime lives. Returns the address.
    pub(crate) async fn serve(&self, address: SocketAddr) -> Result<SocketAddr> {
        let listener = listen(address).await?;
        let address = listener.local_addr()?;
        let routes = Router::new().route("/metrics", get(metrics)).route("/health", get(health));
        let server = axum::serve(listener, routes.with_state(self.clone()));
        tokio::spawn(async move { server.await });
        Ok(address)
    }
}

async fn metrics(State(metrics): State<Metrics>) -> Response {
    exposed(&metrics.registry())
}

async fn health(State(metrics): State<Metrics>) -> Response {
    metrics.checkup(PATIENCE).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_written_as_prometheus_reads_them() {
        let metrics = Metrics::default();
        metrics.block.set(7);
        metrics.count("done");
        metrics.count("done");
        metrics.count("reverted");
        let mut text = String::new();
        text::encode(&mut text, &metrics.registry()).unwrap();
        for line in [
            "# TYPE levee_keeper_block gauge",
            "levee_keeper_block 7",
            "# TYPE levee_keeper_duties counter",
            "levee_keeper_duties_total{outcome=\"done\"} 2",
            "levee_keeper_duties_total{outcome=\"reverted\"} 1",
            "levee_keeper_failures_total 0",
            "# EOF",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
    }

    #[test]
    fn it_is_healthy_for_a_while_after_it_has_seen_the_chain() {
        let metrics = Metrics::default();
        metrics.block.set(5);
        let unknown = Checkup { healthy: false, block: 5, error: None };
        assert_eq!(metrics.checkup(PATIENCE), unknown);
        metrics.well();
        metrics.failed("no node answers".into());
        let error = Some("no node answers".to_owned());
        assert_eq!(metrics.checkup(PATIENCE), Checkup { healthy: true, block: 5, error: error.clone() });
        assert_eq!(metrics.checkup(Duration::ZERO), Checkup { healthy: false, block: 5, error });
        metrics.well();
        assert_eq!(metrics.checkup(PATIENCE), Checkup { healthy: true, block: 5, error: None });
        assert_eq!(metrics.failures.get(), 1);
    }
}
