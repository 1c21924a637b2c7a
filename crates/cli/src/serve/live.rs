//! The stream of events: only that the index is at another block, and which rescues have news.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

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

use super::{Site, archive::News, guard::Client, problem::Problem};
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

/// Who has how many streams open.
#[derive(Debug, Default)]
pub(super) struct Listeners(Mutex<BTreeMap<IpAddr, usize>>);

impl Listeners {
    /// Opens a stream for a client, unless there are too many.
    fn open(&self, client: IpAddr) -> bool {
        let mut open = self.lock();
        let all: usize = open.values().sum();
        let own = open.get(&client).copied().unwrap_or_default();
        let is_allowed = all < STREAMS && own < OF_ONE_CLIENT;
        if is_allowed {
            open.insert(client, own + 1);
        }
        is_allowed
    }

    fn close(&self, client: IpAddr) {
        let mut open = self.lock();
        let own = open.get(&client).copied().unwrap_or_default();
        match own {
            0 | 1 => open.remove(&client),
            _ => open.insert(client, own - 1),
        };
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader of the stream.
struct Reader {
    open: Open,
    news: Receiver<News>,
    stop: watch::Receiver<bool>,
    is_new: bool,
}

/// A stream, for as long as it is open.
struct Open {
    site: Arc<Site>,
    client: IpAddr,
}

impl Open {
    fn of(site: Arc<Site>, client: IpAddr) -> Option<Self> {
        if !site.listeners.open(client) {
            return None;
        }
        site.archive.metrics.streams.inc();
        Some(Self { site, client })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.site.archive.metrics.streams.dec();
        self.site.listeners.close(self.client);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn one_client_cannot_have_all_streams() {
        let listeners = Listeners::default();
        let client = |number: u32| IpAddr::from(Ipv4Addr::from_bits(number));
        assert!((0..OF_ONE_CLIENT).all(|_| listeners.open(client(0))));
        assert!(!listeners.open(client(0)) && listeners.open(client(1)));
        listeners.close(client(0));
        assert!(listeners.open(client(0)) && !listeners.open(client(0)));
        let others = (2..).take(STREAMS - OF_ONE_CLIENT - 1);
        assert!(others.map(client).all(|other| listeners.open(other)));
        assert!(!listeners.open(client(u32::MAX)));
        listeners.close(client(1));
        assert!(listeners.open(client(u32::MAX)) && !listeners.lock().contains_key(&client(1)));
    }
}
