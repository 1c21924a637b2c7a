//! The stream of events: only that the index is at another block, and which rescues have news.

use std::{collections::BTreeSet, convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use alloy::primitives::Address;
use axum::{
    extract::{Extension, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response, Sse, sse},
};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    watch,
};

use super::{
    Site,
    archive::News,
    guard::Client,
    problem::Problem,
    shares::{Share, Shares},
};
use crate::error::UserError;

/// How many streams there are at most, so that they leave connections for others.
const STREAMS: usize = 512;
/// How many of them one client may have: browsers that share an address.
const OF_ONE_CLIENT: usize = 32;
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
        let name = |rescues: BTreeSet<Address>| rescues.iter().map(Address::to_string).collect();
        Self { block: news.block, rescues: news.rescues.map(name) }
    }
}

/// A reader of the stream.
struct Reader {
    open: Open,
    news: Receiver<News>,
    stop: watch::Receiver<bool>,
    is_new: bool,
}

/// Shares of the streams.
pub(super) fn shares() -> Arc<Shares> {
    Shares::new(STREAMS, OF_ONE_CLIENT)
}

/// A stream, for as long as it is open.
struct Open {
    site: Arc<Site>,
    _share: Share,
}

impl Open {
    fn of(site: Arc<Site>, client: IpAddr) -> Option<Self> {
        let share = site.streams.take(client)?;
        site.archive.metrics.streams.inc();
        Some(Self { site, _share: share })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.site.archive.metrics.streams.dec();
    }
}

impl Reader {
    /// The next event; none when the server ends.
    async fn next(mut self) -> Option<(Result<sse::Event, Infallible>, Self)> {
        let block = || self.open.site.archive.issue().block.number;
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
pub(super) async fn events(State(site): State<Arc<Site>>, Extension(client): Extension<Client>) -> Response {
    let (news, stop) = (site.archive.listen(), site.stop.subscribe());
    let Some(open) = Open::of(site, client.0) else {
        let error = UserError::new("there are too many streams of events")
            .hint("close some; the pages can be read without");
        return Problem::later(StatusCode::SERVICE_UNAVAILABLE, PULSE.as_secs(), error).answer("/api/events");
    };
    let stream = stream::unfold(Reader { open, news, stop, is_new: true }, Reader::next);
    let mut response = Sse::new(stream).keep_alive(sse::KeepAlive::new().interval(PULSE)).into_response();
    // Proxies must pass on each event at once.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
