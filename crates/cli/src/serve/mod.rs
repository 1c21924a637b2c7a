//! `levee serve`: pages and an interface for programs about all rescues of an index, for anyone to read. It only reads, holds no key, and asks a
//! node for nothing but what shares are worth, if it is given one.
//!
//! A request goes through `guard`, which says who may ask how often and what every answer carries, to a handler in `pages`, `api` or `live`.
//! These make an answer from the latest `Issue` of the `archive`: everything of one block, added up once.

mod act;
mod api;
mod archive;
mod asked;
mod bodies;
mod compacts;
mod connections;
mod feeds;
mod guard;
mod live;
mod metrics;
#[cfg(test)]
mod openapi;
mod pages;
mod problem;
mod rates;
mod shares;
mod what_if;

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    thread,
    time::Duration,
};

use axum::{
    Router,
    http::Uri,
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use eyre::Result;
use levee_index::Store;
use levee_pages::Holes;
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{self, JoinError},
};
use tower_http::compression::CompressionLayer;

use crate::error::UserError;
use alloy::{primitives::Address, providers::DynProvider};
use archive::{Archive, Issue, Told};
use bodies::{Body, Room};
use guard::Allowance;
use metrics::Metrics;
use problem::Problem;
use shares::Shares;

/// How a server is run.
#[derive(Debug)]
pub(crate) struct Settings {
    /// How often to look for another block.
    pub(crate) every: Duration,
    /// Requests a second of one client.
    pub(crate) rate: NonZeroU32,
    /// Peers that ask for others.
    pub(crate) proxies: Vec<IpAddr>,
    /// From how many seconds on a block is too old.
    pub(crate) stale: u64,
    /// A public node that visitors' wallets are offered that do not know the chain.
    pub(crate) wallet_node: Option<String>,
    /// A node that says what shares are worth before a rescue is decided.
    pub(crate) node: Option<DynProvider>,
    /// What documents say that targets are the net of.
    pub(crate) holes: Holes,
}

/// A server, before it takes connections.
#[derive(Debug)]
pub(crate) struct Server {
    site: Arc<Site>,
    listener: TcpListener,
    every: Duration,
}

/// What all requests share.
#[derive(Debug)]
struct Site {
    archive: Arc<Archive>,
    allowance: Allowance,
    /// For making answers: one for each processor, so that the others stay for what is made already.
    hands: Arc<Semaphore>,
    /// For answers that are made.
    room: Room,
    streams: Arc<Shares>,
    /// Whether streams must end.
    stop: watch::Sender<bool>,
    stale: u64,
    wallet_node: Option<String>,
    holes: Arc<Holes>,
}

impl Server {
    /// Reads the index of a chain, and listens.
    pub(crate) async fn open(
        store: Store,
        chain: u64,
        listener: TcpListener,
        settings: Settings,
    ) -> Result<Self> {
        let archive = Archive::open(store, chain, settings.node, Metrics::default()).await?;
        let site = Site {
            archive: Arc::new(archive),
            allowance: Allowance::new(settings.rate, settings.proxies),
            hands: Arc::new(Semaphore::new(thread::available_parallelism().map_or(1, usize::from))),
            room: Room::default(),
            streams: live::shares(),
            stop: watch::Sender::new(false),
            stale: settings.stale,
            wallet_node: settings.wallet_node,
            holes: Arc::new(settings.holes),
        };
        Ok(Self { site: Arc::new(site), listener, every: settings.every })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Answers until `stop`, and then ends what has begun.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>) {
        let Self { site, listener, every } = self;
        let routes = routes(site.clone());
        let ending = async {
            stop.await;
            site.stop.send_replace(true);
        };
        tokio::select! {
            () = connections::serve(listener, routes, site.clone(), ending) => (),
            () = site.archive.follow(every) => (),
            () = site.allowance.sweep() => (),
        }
        site.archive.store.close().await;
    }
}

fn routes(site: Arc<Site>) -> Router {
    for_readers()
        .merge(for_programs())
        .route("/events", get(live::events))
        .route("/health", get(api::health))
        .route("/metrics", get(api::metrics))
        .fallback(async |uri: Uri| nothing(uri.path()))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(guard::conditional))
        .layer(middleware::from_fn_with_state(site.clone(), guard::outermost))
        .with_state(site)
}

fn for_readers() -> Router<Arc<Site>> {
    Router::new()
        .route("/", get(pages::rescues))
        .route("/rescue/{rescue}", get(pages::rescue))
        .route("/rescue/{rescue}/check", get(pages::check))
        .route("/rescue/{rescue}/act", get(act::page))
        .route("/rescue/{rescue}/what-if", get(what_if::page))
        .route("/rescue/{rescue}/act/batch.json", get(act::batch))
        .route("/rescue/{rescue}/contributor/{account}", get(pages::contributor))
        .route("/rescue/{rescue}/badge.svg", get(pages::picture))
        .route("/rescue/{rescue}/chart.svg", get(pages::chart))
        .route("/rescue/{rescue}/feed.atom", get(feeds::news))
        .route("/rescue/{rescue}/dates.ics", get(feeds::dates))
        .route("/compacts", get(compacts::list))
        .route("/compact/{compact}", get(compacts::compact))
        .route("/assets/{name}", get(api::asset))
}

/// The addresses are those of the pages, below `/api/v1`.
fn for_programs() -> Router<Arc<Site>> {
    Router::new()
        .route("/api/v1/rescues", get(api::rescues))
        .route("/api/v1/rescue/{rescue}", get(api::rescue))
        .route("/api/v1/rescue/{rescue}/pledgers", get(api::pledgers))
        .route("/api/v1/rescue/{rescue}/declarations", get(api::declarations))
        .route("/api/v1/rescue/{rescue}/contributor/{account}/statement", get(api::statement))
        .route("/api/v1/rescue/{rescue}/contributor/{account}/statement.csv", get(api::statement_csv))
        .route("/api/v1/openapi.json", get(api::openapi))
}

/// There is nothing at a path.
fn nothing(path: &str) -> Response {
    let error = UserError::new(format!("there is nothing at `{path}`")).hint("begin at `/`");
    Problem::missing(error).answer(path)
}

impl Site {
    /// What was made, or why it was not, for who asks below `path`.
    async fn answer(&self, path: &str, make: impl AsyncFnOnce(&Self) -> Result<Body>) -> Response {
        match make(self).await {
            Ok(body) => body.into_response(),
            Err(report) => Problem::from(report).answer(path),
        }
    }

    /// Makes an answer of an issue, unless it was made meanwhile, and keeps it for as long as the issue is the latest. The hand stays with the
    /// work until there is room for what it made: whoever leaves before cannot have more made at once, nor more kept in memory.
    async fn made(
        &self,
        issue: &Issue,
        key: String,
        kind: &'static str,
        make: impl FnOnce() -> Result<String> + Send + 'static,
    ) -> Result<Body> {
        let hand = self.hands.clone().acquire_owned().await?;
        if let Some(body) = issue.bodies.get(&key) {
            return Ok(body);
        }
        let body = self.made_by(hand, issue, kind, make).await?;
        issue.bodies.put(key, body.clone());
        Ok(body)
    }

    async fn made_by(
        &self,
        hand: OwnedSemaphorePermit,
        issue: &Issue,
        kind: &'static str,
        make: impl FnOnce() -> Result<String> + Send + 'static,
    ) -> Result<Body> {
        let (text, _hand) = worked(hand, make).await?;
        let text = text?;
        let place = self.room.place(text.len(), &issue.bodies).await?;
        Ok(Body::new(kind, text, place, issue.at()))
    }

    /// Answers about a rescue with what is made for one visitor, and not kept: whoever asks for many of these must not drop what others ask for.
    async fn once(
        &self,
        rescue: Address,
        kind: &'static str,
        make: impl FnOnce(&Told, &str) -> Result<String> + Send + 'static,
    ) -> Response {
        self.answer("/", async |site: &Self| {
            let (issue, told) = site.archive.told(rescue).await?;
            let age = pages::age(issue.block);
            let hand = site.hands.clone().acquire_owned().await?;
            site.made_by(hand, &issue, kind, move || make(&told, &age)).await
        })
        .await
    }
}

/// What work gives, and the hand that did it, which the work keeps if nobody waits for it any more.
async fn worked<T: Send + 'static>(
    hand: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<(T, OwnedSemaphorePermit), JoinError> {
    task::spawn_blocking(move || (work(), hand)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_hand() {
        let hands = Arc::new(Semaphore::new(1));
        let (end, ended) = mpsc::channel();
        let hand = hands.clone().acquire_owned().await.unwrap();
        let mut work = Box::pin(worked(hand, move || ended.recv()));
        assert!(futures_util::poll!(work.as_mut()).is_pending());
        drop(work);
        assert_eq!(hands.available_permits(), 0);
        end.send(()).unwrap();
        drop(hands.acquire().await.unwrap());
    }
}
