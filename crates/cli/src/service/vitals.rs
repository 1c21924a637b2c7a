//! What a service says of itself: metrics for Prometheus, and whether it is healthy.

use std::{
    io::ErrorKind,
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
use eyre::{Report, Result, eyre};
use prometheus_client::{
    encoding,
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::error::{UserError, in_a_line};

/// What Prometheus takes for its text.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long it may be since the chain was last seen, at most: ten Ethereum blocks.
const PATIENCE: Duration = Duration::from_secs(120);

/// The figures that every service has. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vitals {
    /// The block that the index has come to, and the latest of the chain.
    pub(crate) block: Gauge,
    pub(crate) head: Gauge,
    pub(crate) rescues: Gauge,
    /// Rescues that cannot be looked after.
    pub(crate) broken: Gauge,
    /// How often the nodes or the store failed.
    pub(crate) failures: Counter,
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

/// Figures as text for Prometheus.
pub(crate) fn text(figures: &Registry) -> Result<String, std::fmt::Error> {
    let mut written = String::new();
    encoding::text::encode(&mut written, figures)?;
    Ok(written)
}

/// The answer with the figures of a registry.
pub(crate) fn exposed(registry: &Registry) -> Response {
    match text(registry) {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Reads an address to listen at.
pub(crate) fn parse_listen(text: &str) -> Result<SocketAddr, UserError> {
    text.parse().map_err(|_| {
        UserError::new(format!("`{text}` is not an address with a port"))
            .hint("write it as in `127.0.0.1:9464`")
    })
}

/// Listens at the address of `--listen`.
///
/// # Errors
/// A user error if it is the address that does not do; otherwise the machine's, such as without file descriptors.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let error = match TcpListener::bind(address).await {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    let message = format!("nothing can be served at `{address}`: {error}");
    Err(match error.kind() {
        ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable => {
            UserError::new(message).hint("choose another address with `--listen`").into()
        }
        ErrorKind::PermissionDenied => {
            UserError::new(message).hint("choose a port above 1023 with `--listen`").into()
        }
        _ => eyre!(message),
    })
}

impl Vitals {
    /// Takes note that the chain was seen.
    pub(crate) fn well(&self) {
        *self.health() = Health { well: Some(Instant::now()), error: None };
    }

    /// Takes note of what went wrong, and says that it is tried again.
    pub(crate) fn note_failure(&self, report: &Report) {
        let error = in_a_line(report);
        tracing::error!(target: "service", error, "it is tried again");
        self.failed(error);
    }

    /// Takes note that a round has not ended yet.
    pub(crate) fn note_slow(&self, elapsed: Duration) {
        let error =
            format!("a round has not ended for {} seconds: the nodes may not answer", elapsed.as_secs());
        tracing::warn!(target: "service", "{error}");
        self.health().error = Some(error);
    }

    fn failed(&self, error: String) {
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

    /// These figures, with names that begin with `prefix`.
    pub(crate) fn registry(&self, prefix: &str) -> Registry {
        let mut registry = Registry::with_prefix(prefix);
        registry.register("block", "Block that the index has come to", self.block.clone());
        registry.register("head", "Latest block of the chain", self.head.clone());
        registry.register("rescues", "Rescues that are looked after", self.rescues.clone());
        let help = "Rescues that cannot be looked after: see the log";
        registry.register("broken", help, self.broken.clone());
        registry.register("failures", "Times that the nodes or the store failed", self.failures.clone());
        registry
    }

    /// Serves `/metrics` and `/health` at an address, in the background, as long as the runtime lives. Returns the address.
    pub(crate) async fn serve(&self, address: SocketAddr, figures: Registry) -> Result<SocketAddr> {
        let listener = listen(address).await?;
        let address = listener.local_addr()?;
        let routes = Router::new().route("/metrics", get(metrics)).route("/health", get(health));
        let served = Served { vitals: self.clone(), figures: Arc::new(figures) };
        let server = axum::serve(listener, routes.with_state(served));
        tokio::spawn(async move { server.await });
        Ok(address)
    }
}

/// What is served.
#[derive(Debug, Clone)]
struct Served {
    vitals: Vitals,
    figures: Arc<Registry>,
}

async fn metrics(State(served): State<Served>) -> Response {
    exposed(&served.figures)
}

async fn health(State(served): State<Served>) -> Response {
    served.vitals.checkup(PATIENCE).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_healthy_for_a_while_after_it_has_seen_the_chain() {
        let vitals = Vitals::default();
        vitals.block.set(5);
        let unknown = Checkup { healthy: false, block: 5, error: None };
        assert_eq!(vitals.checkup(PATIENCE), unknown);
        vitals.well();
        vitals.failed("no node answers".into());
        let error = Some("no node answers".to_owned());
        assert_eq!(vitals.checkup(PATIENCE), Checkup { healthy: true, block: 5, error: error.clone() });
        assert_eq!(vitals.checkup(Duration::ZERO), Checkup { healthy: false, block: 5, error });
        vitals.well();
        assert_eq!(vitals.checkup(PATIENCE), Checkup { healthy: true, block: 5, error: None });
        assert_eq!(vitals.failures.get(), 1);
    }
}
