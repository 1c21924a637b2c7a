//! One request by HTTP. alloy's own transport reads a `Retry-After` in seconds, but not one that is a date.

use std::{
    io,
    time::{Duration, SystemTime},
};

use alloy::{
    rpc::json_rpc::{RequestPacket, ResponsePacket},
    transports::{
        TransportError, TransportErrorKind, TransportResult,
        http::reqwest::{Client, Response, Url, header},
    },
};

use super::transient;

/// The longest answer that is read: a node cannot fill the memory.
const LONGEST_ANSWER: usize = 256 << 20;

/// How much of the body of an HTTP error is kept.
const LONGEST_REASON: usize = 300;

/// Posts a request, and reads the answer.
pub(super) async fn post(
    client: &Client,
    url: &Url,
    request: &RequestPacket,
) -> TransportResult<ResponsePacket> {
    let response = client.post(url.clone()).json(request).send().await.map_err(TransportErrorKind::custom)?;
    let status = response.status();
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| delay(value.to_str().ok()?, SystemTime::now()));
    let body = body(response).await?;
    tracing::debug!(%status, bytes = body.len(), "received an answer");
    tracing::trace!(body = %String::from_utf8_lossy(&body), "the answer");
    // Many nodes give an error of JSON-RPC a status of its own; that of an overloaded server says more than its body.
    match serde_json::from_slice::<ResponsePacket>(&body) {
        Ok(answer) if status.is_success() || answer.is_error() && !transient::is_not_now(status.as_u16()) => {
            Ok(answer)
        }
        Err(error) if status.is_success() => Err(TransportError::deser_err(error, reason(&body))),
        _ => {
            Err(TransportErrorKind::http_error_with_retry_after(status.as_u16(), reason(&body), retry_after))
        }
    }
}

async fn body(mut response: Response) -> TransportResult<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(TransportErrorKind::custom)? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            let message = format!("the answer is longer than {LONGEST_ANSWER} bytes");
            return Err(TransportErrorKind::non_retryable(io::Error::other(message)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The start of a body, for an error.
fn reason(body: &[u8]) -> String {
    String::from_utf8_lossy(body).trim().chars().take(LONGEST_REASON).collect()
}

/// The delay that `Retry-After` asks for at the time `now`: seconds, or an HTTP date.
fn delay(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let seconds = value.parse().map(Duration::from_secs).ok();
    let date = || Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default());
    seconds.or_else(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // 1994-11-06 08:49:37
        let delay = |value| delay(value, now);
        assert_eq!(delay("120"), Some(Duration::from_secs(120)));
        assert_eq!(delay(" 0 "), Some(Duration::ZERO));
        assert_eq!(delay("Sun, 06 Nov 1994 08:49:40 GMT"), Some(Duration::from_secs(3)));
        assert_eq!(delay("Sunday, 06-Nov-94 08:49:39 GMT"), Some(Duration::from_secs(2)));
        assert_eq!(delay("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        for value in ["", "-1", "soon", "1.5"] {
            assert_eq!(delay(value), None, "{value}");
        }
    }

    #[test]
    fn a_reason_is_short() {
        assert_eq!(reason(b" busy\n"), "busy");
        assert_eq!(reason(&[b'x'; 1_000]).len(), LONGEST_REASON);
    }
}
