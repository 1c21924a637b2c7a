//! Takes connections, as many as there may be, and lets them end.

use std::{convert::Infallible, future::Future, io, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tower::Service as _;

use super::{
    Site,
    guard::{PATIENCE, Peer},
    shares::Shares,
};

/// How many connections there are at most. Others wait until one ends.
const CONNECTIONS: usize = 1_024;
/// How many of them one client may have: browsers that share an address. A proxy that is known may have all.
const OF_ONE_CLIENT: usize = 64;
/// How long a client may take to say what it asks for, or to ask for more.
const IDLE: Duration = Duration::from_secs(15);
/// How long a connection lives at most, so that nobody holds one by reading slowly. A stream of events begins again by itself.
const LIFETIME: Duration = Duration::from_secs(900);
/// How long to wait for the answers that are being made when the server is to end: as long as making one may take, and some time to send it.
const GRACE: Duration = Duration::from_secs(PATIENCE.as_secs() + 5);
/// How long to wait when no connection can be taken, such as without file descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// The largest head of a request.
const HEAD: usize = 16 * 1024;

/// Answers with `routes` until `stop`, and then ends what has begun.
pub(super) async fn serve(
    listener: TcpListener,
    routes: Router,
    site: Arc<Site>,
    stop: impl Future<Output = ()>,
) {
    let (graceful, permits) = (GracefulShutdown::new(), Arc::new(Semaphore::new(CONNECTIONS)));
    let shares = Shares::new(CONNECTIONS, OF_ONE_CLIENT);
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let permit = permits.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            () = &mut stop => break,
            next = next => next,
        };
        let Some((stream, peer)) = taken(accepted).await else { continue };
        let client = site.allowance.client_at(peer);
        let share = client.map(|client| shares.take(client));
        if share.as_ref().is_some_and(Option::is_none) {
            // There is nothing that can be told before it is read what is asked; whoever has that many can read the others.
            continue;
        }
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .max_buf_size(HEAD)
            .serve_connection(TokioIo::new(stream), service_fn(answering(routes.clone(), Peer(peer))));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Whoever breaks off or is too slow is not told.
            drop(timeout(LIFETIME, connection).await);
            drop((permit, share));
        });
    }
    drop(listener);
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!(target: "serve", "some answers were cut off");
    }
}

async fn taken(
    accepted: io::Result<(TcpStream, std::net::SocketAddr)>,
) -> Option<(TcpStream, std::net::IpAddr)> {
    match accepted {
        Ok((stream, peer)) => {
            // It only makes answers faster.
            drop(stream.set_nodelay(true));
            Some((stream, peer.ip()))
        }
        Err(error) => {
            tracing::warn!(target: "serve", %error, "a connection was not taken");
            sleep(PAUSE).await;
            None
        }
    }
}

fn answering(
    routes: Router,
    peer: Peer,
) -> impl Fn(Request<Incoming>) -> axum::routing::future::RouteFuture<Infallible> {
    move |request| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        routes.clone().call(request)
    }
}
