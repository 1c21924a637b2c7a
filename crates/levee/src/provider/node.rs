//! One node: how it is reached, and what of its answers is an answer.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use alloy::{
    pubsub::PubSubConnect,
    rpc::json_rpc::{ErrorPayload, RequestPacket, ResponsePacket},
    transports::{
        BoxTransport, RpcError, Transport as _, TransportError, TransportErrorKind, TransportResult,
        http::reqwest::{Client, redirect::Policy},
        ipc::IpcConnect,
        ws::WsConnect,
    },
};
use tokio::{sync::Mutex, time};
use tower::Service as _;

use super::{
    http,
    request::{self, at_block, names},
    transient::{self, Verdict},
};
use crate::{
    error::Error,
    redacted::{RedactedError, RedactedUrl},
};

/// Parts of messages by which nodes say that they have no pending block.
const NO_PENDING: [&str; 5] =
    ["pending", "header not found", "block not found", "unknown block", "block tag"];

/// A node, contacted with its first request.
pub(super) struct Node {
    pub(super) url: RedactedUrl,
    link: Link,
    has_answered: AtomicBool,
    lacks_pending: AtomicBool,
    is_left_out: AtomicBool,
}

/// How a node is reached.
enum Link {
    /// By HTTP, one request at a time.
    Http(Client),
    /// Over a connection that lasts, by WebSocket or IPC; none before the first request, and after it broke.
    Lasting(Mutex<Option<BoxTransport>>),
}

/// No answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", .0.as_secs_f32())]
struct TimedOut(Duration);

/// An answer to something else, or none.
#[derive(Debug, thiserror::Error)]
#[error("the node answered {0}")]
struct NotAnAnswer(&'static str);

impl Node {
    pub(super) fn new(url: RedactedUrl) -> Result<Self, Error> {
        let link = if url.is_http() { Link::Http(client(&url)?) } else { Link::Lasting(Mutex::default()) };
        let (has_answered, lacks_pending, is_left_out) = Default::default();
        Ok(Self { url, link, has_answered, lacks_pending, is_left_out })
    }

    /// Whether nothing is asked of it.
    pub(super) fn is_left_out(&self) -> bool {
        self.is_left_out.load(Relaxed)
    }

    /// Whether anything is asked of it.
    pub(super) fn set_left_out(&self, is_left_out: bool) {
        if self.is_left_out.swap(is_left_out, Relaxed) != is_left_out {
            let is_told = if is_left_out { "is behind, and left out" } else { "has caught up" };
            tracing::warn!(node = %self.url, "{is_told}");
        }
    }

    /// The node's answer, which may be an error that will stay; all others are errors here. A node without a pending
    /// block is asked about the latest instead.
    pub(super) async fn ask(
        &self,
        request: &RequestPacket,
        limit: Duration,
    ) -> TransportResult<ResponsePacket> {
        if !names(request, "pending") {
            return checked(request, self.answer(request, limit).await?);
        }
        let at_latest = at_block(request, "pending", "latest")?;
        if !self.lacks_pending.load(Relaxed) {
            let answer = self.answer(request, limit).await?;
            if !is_without_pending(&answer) {
                return checked(request, answer);
            }
        }
        let answer = checked(&at_latest, self.answer(&at_latest, limit).await?)?;
        self.lacks_pending.store(true, Relaxed);
        Ok(answer)
    }

    /// Whether it is certain that nothing will ever answer there.
    pub(super) fn is_absent(&self, error: &TransportError) -> bool {
        !self.has_answered.load(Relaxed) && transient::is_no_connection(error)
    }

    /// That no node is there.
    pub(super) fn absent(&self, error: TransportError) -> TransportError {
        let source = RedactedError::new(error);
        TransportErrorKind::custom(Error::Unreachable { url: self.url.clone(), source })
    }

    /// Whatever it answers within `limit`.
    async fn answer(&self, request: &RequestPacket, limit: Duration) -> TransportResult<ResponsePacket> {
        tracing::debug!(node = %self.url, method = request::method(request), "asking");
        let answered = time::timeout(limit, self.send(request)).await;
        let answered = answered.unwrap_or_else(|_| Err(TransportErrorKind::custom(TimedOut(limit))));
        if !matches!(&answered, Err(RpcError::Transport(TransportErrorKind::Custom(_)))) {
            self.has_answered.store(true, Relaxed);
        }
        answered
    }

    async fn send(&self, request: &RequestPacket) -> TransportResult<ResponsePacket> {
        let lasting = match &self.link {
            Link::Http(client) => return http::post(client, self.url.secret(), request).await,
            Link::Lasting(lasting) => lasting,
        };
        let mut transport = self.connected(&mut *lasting.lock().await).await?;
        let answered = transport.call(request.clone()).await;
        if let Err(RpcError::Transport(TransportErrorKind::BackendGone)) = &answered {
            *lasting.lock().await = None;
        }
        answered
    }

    async fn connected(&self, lasting: &mut Option<BoxTransport>) -> TransportResult<BoxTransport> {
        if let Some(transport) = lasting {
            return Ok(transport.clone());
        }
        let url = self.url.secret();
        let frontend = match self.url.path_of_socket() {
            Some(path) => IpcConnect::new(path).into_service().await?,
            // It reconnects once by itself; after that, the next request connects.
            None => WsConnect::new(url.as_str()).with_max_retries(1).into_service().await?,
        };
        Ok(lasting.insert(frontend.boxed()).clone())
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Node").field(&self.url).finish()
    }
}

fn client(url: &RedactedUrl) -> Result<Client, Error> {
    // A redirection would tell the key in the address to another server, as where the request came from.
    let builder = Client::builder().redirect(Policy::none());
    // A proxy of the environment cannot reach this machine's own ports. WebSockets use none.
    let builder = if url.is_loopback() { builder.no_proxy() } else { builder };
    let built = builder.build();
    built.map_err(|error| Error::Unreachable { url: url.clone(), source: RedactedError::new(error) })
}

/// An answer, unless it is none to this request, or an error that passes.
fn checked(request: &RequestPacket, answer: ResponsePacket) -> TransportResult<ResponsePacket> {
    let (asked, answers) = (request.requests(), answer.responses());
    if asked.len() != answers.len()
        || !asked.iter().all(|asked| answer.response_ids().any(|id| id == asked.id()))
    {
        return Err(TransportErrorKind::custom(NotAnAnswer("another request")));
    }
    if request::is_never_null(request)
        && answer.payloads().any(|payload| payload.as_success().is_some_and(|result| result.get() == "null"))
    {
        return Err(TransportErrorKind::custom(NotAnAnswer("null")));
    }
    let Some(error) = answer.as_error() else { return Ok(answer) };
    match (request, request::transaction_hash(request)) {
        // Sent again after a lost answer, or to a node that heard of it from another.
        (RequestPacket::Single(request), Some(hash)) if transient::has_transaction(error) => {
            request::answer(request, &hash)
        }
        _ if matches!(transient::of_response(request::method(request), error), Verdict::Transient(_)) => {
            Err(RpcError::ErrorResp(error.clone()))
        }
        _ => Ok(answer),
    }
}

fn is_without_pending(answer: &ResponsePacket) -> bool {
    let is_refused = |error: &ErrorPayload| error.as_revert_data().is_none() && says(error, &NO_PENDING);
    answer.as_error().is_some_and(is_refused)
}

fn says(error: &ErrorPayload, parts: &[&str]) -> bool {
    let message = error.message.to_lowercase();
    parts.iter().any(|part| message.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::request::{SEND, tests::request};
    use alloy::primitives::keccak256;
    use serde_json::{Value, json};

    fn answer(id: u64, key: &str, value: Value) -> ResponsePacket {
        serde_json::from_value(json!({ "jsonrpc": "2.0", "id": id, key: value })).unwrap()
    }

    fn message(message: &str) -> Value {
        json!({ "code": -32000, "message": message })
    }

    #[test]
    fn an_answer_is_one_to_the_request() {
        let asked = request("eth_getBalance", json!([]));
        assert!(checked(&asked, answer(7, "result", json!("0x1"))).is_ok());
        for (id, result) in [(8, json!("0x1")), (7, json!(null))] {
            assert!(checked(&asked, answer(id, "result", result)).is_err());
        }
        let twice = ResponsePacket::Batch(vec![]);
        assert!(checked(&asked, twice).is_err());
    }

    #[test]
    fn an_error_that_stays_is_an_answer() {
        let asked = request("eth_call", json!([]));
        assert!(checked(&asked, answer(7, "error", message("execution reverted"))).is_ok());
        assert!(checked(&asked, answer(7, "error", message("too many requests"))).is_err());
    }

    #[test]
    fn a_transaction_that_a_node_has_is_sent() {
        let asked = request(SEND, json!(["0x02c0"]));
        for known in ["already known", "AlreadyKnown", "transaction already imported"] {
            let sent = checked(&asked, answer(7, "error", message(known))).unwrap();
            let expected = serde_json::to_string(&keccak256([0x02, 0xc0])).unwrap();
            assert_eq!(sent.first_payload().unwrap().as_success().unwrap().get(), expected);
        }
        let low = checked(&asked, answer(7, "error", message("nonce too low"))).unwrap();
        assert_eq!(low.first_error_message(), Some("nonce too low"));
    }

    #[test]
    fn no_pending_block_is_known_by_the_message() {
        let lacks = |text| is_without_pending(&answer(7, "error", message(text)));
        for text in ["pending block is not available", "unsupported block tag", "header not found"] {
            assert!(lacks(text), "{text}");
        }
        assert!(!lacks("insufficient funds for transfer"));
        assert!(!is_without_pending(&answer(7, "result", json!("0x"))));
        let reverted = json!({ "code": 3, "message": "execution reverted: pending", "data": "0x" });
        assert!(!is_without_pending(&answer(7, "error", reverted)));
    }
}
