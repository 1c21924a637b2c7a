//! What holds for every request: who may ask how often, how long an answer may take, and what every answer carries.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use axum::{
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use levee_pages::site::POLICY;
use tokio::time::timeout;

use super::{Site, problem::Problem};
use crate::error::UserError;

/// How long it may take to make an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// How many times the rate a client may ask at once: a page with all that it loads, in several tabs.
const BURST: u32 = 5;
/// How many allowances there are at most. Clients have them by chance, so that however many come, each shares its own with few others, and
/// nobody can choose with whom.
const CLIENTS: u64 = 100_000;
/// How often those are forgotten that have their whole allowance again.
const SWEEP: Duration = Duration::from_secs(30);

/// The header with which a proxy says for whom it asks.
const FORWARDED: &str = "x-forwarded-for";

/// What every answer carries.
static HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Who asks, as far as it counts: a network, or the one that a proxy asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client(pub(super) IpAddr);

/// Who may ask how often.
#[derive(Debug)]
pub(super) struct Allowance {
    limiter: DefaultKeyedRateLimiter<u64>,
    chance: RandomState,
    /// Peers that ask for others.
    proxies: Vec<IpAddr>,
}

impl Allowance {
    /// So many requests a second for each client, on average.
    pub(super) fn new(rate: NonZeroU32, proxies: Vec<IpAddr>) -> Self {
        let quota = Quota::per_second(rate)
            .allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST - 1)));
        let proxies = proxies.into_iter().map(|proxy| proxy.to_canonical()).collect();
        Self { limiter: RateLimiter::keyed(quota), chance: RandomState::new(), proxies }
    }

    /// Takes one request off a client's allowance; if there is none left, the time until there is.
    fn take(&self, Client(client): Client) -> Result<(), Duration> {
        let place = self.chance.hash_one(client) % CLIENTS;
        let refused = self.limiter.check_key(&place).err();
        refused.map_or(Ok(()), |refused| Err(refused.wait_time_from(DefaultClock::default().now())))
    }

    /// Who has a connection, as far as it counts; none for a proxy, which has those of all for whom it asks.
    pub(super) fn client_at(&self, peer: IpAddr) -> Option<IpAddr> {
        let peer = peer.to_canonical();
        (!self.proxies.contains(&peer)).then(|| network_of(peer))
    }

    /// Who asks: the peer, or the one that a proxy says it asks for. What is further to the left, anyone could have written.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.proxies.contains(&peer) {
            return peer;
        }
        let said = headers.get_all(FORWARDED).iter().filter_map(|value| value.to_str().ok());
        let said: Vec<_> = said.flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut hops = said.into_iter().rev().map_while(address_of);
        hops.find(|hop| !self.proxies.contains(hop)).unwrap_or(peer)
    }

    /// Forgets who has its whole allowance again, from time to time.
    pub(super) async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }
}

/// The address of one hop, to which some proxies add the port that it came from.
fn address_of(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse().ok().map(|hop: SocketAddr| hop.ip());
    hop.parse().ok().or_else(with_port).map(|hop: IpAddr| hop.to_canonical())
}

/// The network that is one client: of an IPv6 address the first 64 bits, because whoever has one has all of them.
fn network_of(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
    }
}

/// Counts the answer, and says how a browser must treat it.
pub(super) async fn outermost(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let client = site.client(&request);
    request.extensions_mut().insert(client);
    let mut response = match site.admits(client, &request) {
        Ok(()) => match timeout(PATIENCE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => too_slow().answer(&path),
        },
        Err(problem) => problem.answer(&path),
    };
    let headers = response.headers_mut();
    for (name, value) in &HEADERS {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    let others = is_for_others(&path);
    let resource = if others { "cross-origin" } else { "same-origin" };
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static(resource));
    if others {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    }
    site.archive.metrics.answered(response.status().as_u16());
    response
}

/// Whether pages of other origins may show or read it.
fn is_for_others(path: &str) -> bool {
    path.starts_with("/api/") || path.ends_with("/badge.svg") || path.ends_with("/chart.svg")
}

fn too_slow() -> Problem {
    let error = UserError::new("the answer took too long to make").hint("ask again later");
    Problem::later(StatusCode::SERVICE_UNAVAILABLE, PATIENCE.as_secs(), error)
}

impl Site {
    fn client(&self, request: &Request) -> Client {
        let peer = request.extensions().get::<Peer>().map_or(Ipv6Addr::UNSPECIFIED.into(), |peer| peer.0);
        Client(network_of(self.allowance.client(peer, request.headers())))
    }

    /// Refuses what has no answer, whatever is asked.
    fn admits(&self, client: Client, request: &Request) -> Result<(), Problem> {
        self.allowance.take(client).map_err(|wait| {
            let error =
                UserError::new("there were too many requests from your address").hint("ask again later");
            Problem::later(StatusCode::TOO_MANY_REQUESTS, wait.as_secs() + 1, error)
        })?;
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let error = UserError::new(format!("`{}` does nothing here", request.method()))
                .hint("everything here is only read, with `GET`");
            return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, error));
        }
        if !request.body().is_end_stream() {
            let error = UserError::new("the request has a body").hint("send none");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error));
        }
        Ok(())
    }
}

/// Answers with a mere 304 if the client has this very content. It stands outside of the compression, whose content is another.
pub(super) async fn conditional(request: Request, next: Next) -> Response {
    let known = request.headers().get_all(header::IF_NONE_MATCH).iter();
    let known: Vec<_> = known.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect();
    let mut response = next.run(request).await;
    let Some(tag) = tag_of(response.headers()) else { return response };
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    if response.status() == StatusCode::OK && known.iter().any(|known| matches(known, &tag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_ENCODING);
    }
    response
}

/// The tag of an answer as it is sent.
fn tag_of(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(header::ETAG)?.to_str().ok()?;
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|encoding| encoding.to_str().ok());
    Some(match encoding {
        Some(encoding) => format!("{}-{encoding}\"", tag.trim_end_matches('"')),
        None => tag.to_owned(),
    })
}

/// Whether a list of tags, which a proxy may have made weak, has one.
fn matches(list: &str, tag: &str) -> bool {
    list.split(',')
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_is_whom_a_known_proxy_asks_for() {
        let allowance = Allowance::new(NonZeroU32::MIN, vec![address("10.0.0.1"), address("10.0.0.2")]);
        let client = |peer, said: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in said {
                headers.append(FORWARDED, HeaderValue::from_str(value).unwrap());
            }
            allowance.client(address(peer), &headers).to_string()
        };
        // Anyone can write the header.
        assert_eq!(client("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.5, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.5", "198.51.100.1"]), "198.51.100.1");
        // What follows something unreadable is not believed.
        assert_eq!(client("10.0.0.1", &["198.51.100.1, nonsense"]), "10.0.0.1");
        assert_eq!(client("::ffff:10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.5:1, 198.51.100.1:40000, 10.0.0.2:443"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["[2001:db8::5]:40000"]), "2001:db8::5");
        assert_eq!(client("10.0.0.1", &["[::ffff:198.51.100.1]:1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["2001:db8::5"]), "2001:db8::5");
        assert_eq!(client("10.0.0.1", &["198.51.100.1:http"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn an_allowance_is_that_of_one_network() {
        let allowance = Allowance::new(NonZeroU32::MIN, Vec::new());
        let take = |client| allowance.take(Client(network_of(address(client)))).is_ok();
        assert!((0..BURST).all(|_| take("2001:db8::1")));
        assert!(!take("2001:db8::1") && !take("2001:db8::ffff:1"));
        assert!(take("2001:db8:0:1::1") && take("192.0.2.1"));
        assert!(
            allowance.take(Client(network_of(address("2001:db8::1")))).unwrap_err() <= Duration::from_secs(1)
        );
    }

    #[test]
    fn many_clients_lock_out_nobody() {
        let allowance = Allowance::new(NonZeroU32::MIN, Vec::new());
        let take = |number: u128| allowance.take(Client(network_of(Ipv6Addr::from(number << 64).into())));
        let all = u128::from(2 * CLIENTS);
        // Each asks once, of the five times that it may.
        assert!((0..all).filter(|number| take(*number).is_err()).count() < 20_000);
        assert!(allowance.limiter.len() <= 100_000);
        // Nearly all of those who come then have some left.
        assert!((all..all + 1_000).filter(|number| take(*number).is_ok()).count() > 900);
    }

    #[test]
    fn a_proxy_that_is_known_has_no_share_of_the_connections() {
        let allowance = Allowance::new(NonZeroU32::MIN, vec![address("10.0.0.1")]);
        assert_eq!(allowance.client_at(address("::ffff:10.0.0.1")), None);
        assert_eq!(allowance.client_at(address("10.0.0.2")), Some(address("10.0.0.2")));
        assert_eq!(allowance.client_at(address("2001:db8::5")), Some(address("2001:db8::")));
    }

    #[test]
    fn a_tag_is_known_in_a_list_and_if_it_was_made_weak() {
        for (list, is_known) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("", false),
        ] {
            assert_eq!(matches(list, "\"a\""), is_known, "{list}");
        }
        let mut headers = HeaderMap::new();
        assert_eq!(tag_of(&headers), None);
        headers.insert(header::ETAG, HeaderValue::from_static("\"a\""));
        assert_eq!(tag_of(&headers).unwrap(), "\"a\"");
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(tag_of(&headers).unwrap(), "\"a-gzip\"");
    }
}
