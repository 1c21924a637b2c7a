//! The stream of events: only that the index is at another block, and which rescues have news.

use std::{convert::Infallible, sync::Arc, time::Duration};

use alloy::primitives::Address;
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response, Sse, sse},
};
use futures_util::stream;
use prometheus_client::metrics::gauge::Gauge;
use serde::Serialize;
use tokio::sync::{
    OwnedSemaphorePermit,
    broadcast::{Receiver, error::RecvError},
    watch,
};

use super::{Site, archive::News, problem::Problem};
use crate::error::UserError;

/// How many streams there are at most, so that they leave connections for others.
pub(super) const STREAMS: usize = 512;
/// How often a stream says that it is still there.
const PULSE: Duration = Duration::from_secs(20);

/// The data of an event `block`.
#[derive(Serialize)]
struct Event {
    /// The block that everything is told of.
    block: u64,
    /// The rescues with news; null if any may have some.
    rescues: Option<Vec<String>>,
}

impl From<News> for Event {
    fn from(news: News) -> Self {
        let name =
            |rescues: std::collections::BTreeSet<Address>| rescues.iter().map(Address::to_string).collect();
        Self { block: news.block, rescues: news.rescues.map(name) }
    }
}

/// A reader of the stream.
struct Reader {
    site: Arc<Site>,
    news: Receiver<News>,
    stop: watch::Receiver<bool>,
    is_new: bool,
    _open: Open,
}

/// Counts a stream for as long as it is open.
struct Open(Gauge, #[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Reader {
    /// The next event; none when the server ends.
    async fn next(mut self) -> Option<(Result<sse::Event, Infallible>, Self)> {
        let block = || self.site.archive.issue().block.number;
        let news = if std::mem::take(&mut self.is_new) {
            // Whoever begins to listen cannot know what it has missed.
            News { block: block(), rescues: None }
        } else {
            let received = tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return None,
                received = self.news.recv() => received,
            };
            match received {
                Ok(news) => news,
                Err(RecvError::Lagged(_)) => News { block: block(), rescues: None },
                Err(RecvError::Closed) => return None,
            }
        };
        // Texts and numbers are always written.
        let data = serde_json::to_string(&Event::from(news)).unwrap_or_default();
        Some((Ok(sse::Event::default().event("block").data(data)), self))
    }
}

/// Streams events.
pub(super) async fn events(State(site): State<Arc<Site>>) -> Response {
    let Ok(permit) = site.streams.clone().try_acquire_owned() else {
        let error =
            UserError::new("there are too many streams of events").hint("the pages can be read without");
        return Problem::later(StatusCode::SERVICE_UNAVAILABLE, 30, error).answer("/api/events");
    };
    let gauge = site.archive.metrics.streams.clone();
    gauge.inc();
    let (news, stop) = (site.archive.listen(), site.stop.subscribe());
    let reader = Reader { site, news, stop, is_new: true, _open: Open(gauge, permit) };
    let stream = stream::unfold(reader, Reader::next);
    let mut response = Sse::new(stream).keep_alive(sse::KeepAlive::new().interval(PULSE)).into_response();
    // Proxies must pass on each event at once.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
