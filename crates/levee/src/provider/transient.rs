//! Whether a failed request is worth another try. Everything that repeats a request asks here.

use std::{error::Error as StdError, io, iter, time::Duration};

use alloy::{
    rpc::json_rpc::ErrorPayload,
    transports::{RpcError, TransportError, TransportErrorKind, http::reqwest},
};

use super::request;

/// What an error says about the same request at another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may succeed, but not before this delay, if the node named one.
    Transient(Option<Duration>),
    /// It fails again.
    Final,
}

/// Parts of messages that stand for the state of a node, not for what it was asked.
const OF_THE_NODE: [&str; 17] = [
    "transaction indexing is in progress",
    "too many requests",
    "rate limit",
    "rate exceeded",
    "request limit",
    "try again",
    "temporarily",
    "overloaded",
    "service unavailable",
    "server is busy",
    "bad gateway",
    "timed out",
    "request timeout",
    "deadline exceeded",
    "connection refused",
    "connection reset",
    "header not found",
];

/// Parts of messages by which nodes refuse logs, each with its own limit: a smaller request will do.
const TOO_MANY_LOGS: [&str; 8] = [
    "range",
    "results",
    "too large",
    "response size",
    "too many blocks",
    "limit the query",
    "timed out",
    "timeout",
];

/// Parts of messages by which nodes say that they have a transaction already.
const KNOWN: [&str; 4] = ["already known", "alreadyknown", "already imported", "same hash"];

/// Statuses of servers in front of a node, and of nodes that cannot answer now, whatever they write in the body.
const NOT_NOW: [u16; 6] = [408, 425, 429, 502, 503, 504];

/// Whether a status alone says that the node cannot answer now.
pub(super) fn is_not_now(status: u16) -> bool {
    // Cloudflare's are from 520 to 530.
    NOT_NOW.contains(&status) || (520..=530).contains(&status)
}

/// Whether the node refuses a transaction because it has it already.
pub(crate) fn has_transaction(payload: &ErrorPayload) -> bool {
    let message = payload.message.to_lowercase();
    message.starts_with("known transaction") || KNOWN.iter().any(|words| message.contains(words))
}

/// The verdict on an error in place of an answer to `method`. What is no read may have had its effect before the answer
/// was lost, and is not repeated, except a signed transaction, which cannot have it twice.
pub(super) fn verdict(method: &str, error: &TransportError) -> Verdict {
    match error {
        _ if !request::is_repeatable(method) => Verdict::Final,
        RpcError::ErrorResp(payload) => of_response(method, payload),
        RpcError::Transport(kind) => of_transport(kind),
        // An answer that is no JSON-RPC: a page of a proxy, or half an answer.
        RpcError::DeserError { .. } | RpcError::NullResp => Verdict::Transient(None),
        RpcError::UnsupportedFeature(_) | RpcError::LocalUsageError(_) | RpcError::SerError(_) => {
            Verdict::Final
        }
    }
}

/// The verdict on an error that the node answered with.
pub(super) fn of_response(method: &str, payload: &ErrorPayload) -> Verdict {
    let message = payload.message.to_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    let is_about_the_request = says(&["revert", "insufficient funds"])
        || matches!(payload.code, -32601 | -32602)
        || method == "eth_getLogs" && says(&TOO_MANY_LOGS) && !says(&["rate limit"]);
    let is_nameless =
        payload.code == -32603 && matches!(message.as_str(), "internal error" | "internal json-rpc error.");
    if !is_about_the_request && (payload.is_retry_err() || says(&OF_THE_NODE) || is_nameless) {
        Verdict::Transient(None)
    } else {
        Verdict::Final
    }
}

fn of_transport(kind: &TransportErrorKind) -> Verdict {
    if let Some(error) = kind.as_http_error() {
        let is_transient = is_not_now(error.status) || error.status == 500;
        return if is_transient { Verdict::Transient(kind.retry_after()) } else { Verdict::Final };
    }
    match kind {
        // Time-outs, and connections that were refused, reset or closed.
        TransportErrorKind::Custom(_)
        | TransportErrorKind::MissingBatchResponse(_)
        | TransportErrorKind::BackendGone => Verdict::Transient(None),
        _ => Verdict::Final,
    }
}

/// Whether no connection was made, in a way that another try will not change at an address that never answered: there is
/// no such host, nothing listens at the port, or what listens there does not speak TLS.
pub(super) fn is_no_connection(error: &TransportError) -> bool {
    let Some(error) = error.as_transport_err().and_then(TransportErrorKind::as_custom) else { return false };
    let sources = || iter::successors(Some(error as &(dyn StdError + 'static)), |&error| error.source());
    let was_cut = |kind| {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
        matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | TimedOut | UnexpectedEof)
    };
    let kinds = || sources().filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
    match error.downcast_ref::<reqwest::Error>() {
        Some(error) => error.is_connect() && !kinds().any(was_cut),
        None => kinds().next().is_some_and(|kind| !was_cut(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(method: &str, code: i64, message: &'static str) -> Verdict {
        of_response(method, &ErrorPayload { code, message: message.into(), data: None })
    }

    fn status(status: u16) -> Verdict {
        verdict("eth_call", &TransportErrorKind::http_error(status, String::new()))
    }

    #[test]
    fn a_status_of_the_server_passes_and_one_of_the_request_stays() {
        for transient in [408, 425, 429, 500, 502, 503, 504, 522, 529] {
            assert_eq!(status(transient), Verdict::Transient(None), "{transient}");
        }
        for stays in [301, 400, 401, 402, 403, 404, 405, 410, 413, 422, 501] {
            assert_eq!(status(stays), Verdict::Final, "{stays}");
        }
        let named = Some(Duration::from_secs(7));
        let error = TransportErrorKind::http_error_with_retry_after(429, String::new(), named);
        assert_eq!(verdict("eth_call", &error), Verdict::Transient(named));
        let error = TransportErrorKind::http_error_with_retry_after(403, String::new(), named);
        assert_eq!(verdict("eth_call", &error), Verdict::Final);
    }

    #[test]
    fn what_nodes_say_of_themselves_passes() {
        for (code, message) in [
            (-32000, "transaction indexing is in progress"),
            (-32005, "limit exceeded"),
            (-32005, "daily request count exceeded, request rate limited"),
            (429, "Your app has exceeded its compute units per second capacity"),
            (-32016, "Over rate limit"),
            (-32000, "Too Many Requests"),
            (-32002, "request timed out"),
            (-32000, "header not found"),
            (-32603, "Internal error"),
            (-32603, "upstream: Connection reset by peer"),
        ] {
            assert_eq!(answered("eth_call", code, message), Verdict::Transient(None), "{code} {message}");
        }
    }

    #[test]
    fn what_nodes_say_of_the_request_stays() {
        for (code, message) in [
            (3, "execution reverted"),
            (-32000, "execution reverted: rate limit of the token, try again"),
            (-32000, "insufficient funds for gas * price + value"),
            (-32000, "nonce too low: next nonce 5, tx nonce 4"),
            (-32601, "the method eth_simulateV1 does not exist/is not available"),
            (-32602, "invalid argument 0: json: cannot unmarshal"),
            (-32603, "EVM error OutOfGas"),
            (-32000, "required historical state unavailable (reexec=128)"),
        ] {
            assert_eq!(answered("eth_call", code, message), Verdict::Final, "{code} {message}");
        }
    }

    #[test]
    fn too_many_logs_are_no_reason_to_ask_for_as_many_again() {
        for (code, message) in [
            (-32005, "query returned more than 10000 results"),
            (-32005, "please limit the query to at most 1000 blocks"),
            (-32602, "Log response size exceeded."),
            (-32000, "query timeout exceeded"),
            (-32002, "request timed out"),
            (-32000, "block range is too wide"),
        ] {
            assert_eq!(answered("eth_getLogs", code, message), Verdict::Final, "{code} {message}");
        }
        let limited = answered("eth_getLogs", -32005, "project rate limit exceeded");
        assert_eq!(limited, Verdict::Transient(None));
    }

    #[test]
    fn a_cut_connection_is_not_a_missing_one() {
        let of = |kind: io::ErrorKind| is_no_connection(&TransportErrorKind::custom(io::Error::from(kind)));
        assert!(of(io::ErrorKind::ConnectionRefused) && of(io::ErrorKind::NotFound));
        assert!(!of(io::ErrorKind::ConnectionReset) && !of(io::ErrorKind::UnexpectedEof));
        assert!(!is_no_connection(&TransportErrorKind::backend_gone()));
        assert_eq!(verdict("eth_call", &TransportErrorKind::backend_gone()), Verdict::Transient(None));
    }

    #[test]
    fn what_could_have_its_effect_twice_is_not_repeated() {
        let lost = TransportErrorKind::backend_gone();
        for once in ["eth_sendTransaction", "evm_mine", "anvil_mine"] {
            assert_eq!(verdict(once, &lost), Verdict::Final, "{once}");
        }
        for again in ["eth_sendRawTransaction", "eth_call", "net_version", "web3_clientVersion"] {
            assert_eq!(verdict(again, &lost), Verdict::Transient(None), "{again}");
        }
    }

    #[test]
    fn garbage_passes() {
        let error = serde_json::from_str::<u8>("<html>").unwrap_err();
        assert_eq!(
            verdict("eth_call", &TransportError::deser_err(error, "<html>")),
            Verdict::Transient(None)
        );
    }
}
