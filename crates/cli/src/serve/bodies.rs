//! Answers that were made before, for as long as their block is the latest.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use alloy::primitives::hex;
use axum::{
    body::{Body as HttpBody, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use sha2::{Digest as _, Sha256};

/// How many bytes are kept, in all.
const KEPT: usize = 16 << 20;
/// A longer answer is made each time.
const LARGEST: usize = 2 << 20;

/// What is answered.
#[derive(Debug, Clone)]
pub(super) struct Body {
    kind: &'static str,
    bytes: Bytes,
    /// A hash of the content, which says of which block it is: so it is the same on all servers of one index.
    etag: String,
}

impl Body {
    pub(super) fn new(kind: &'static str, text: String) -> Self {
        let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..16]));
        Self { kind, bytes: text.into(), etag }
    }
}

impl IntoResponse for Body {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.kind),
            (header::ETAG, self.etag.as_str()),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        (headers, HttpBody::from(self.bytes)).into_response()
    }
}

/// The answers of one block, by what was asked for.
#[derive(Debug, Default)]
pub(super) struct Bodies(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    bodies: HashMap<String, Body>,
    bytes: usize,
}

impl Bodies {
    pub(super) fn get(&self, key: &str) -> Option<Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).bodies.get(key).cloned()
    }

    /// Keeps an answer. When there are too many, all begin anew.
    pub(super) fn put(&self, key: String, body: Body) {
        let size = key.len() + body.bytes.len();
        if size > LARGEST {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + size > KEPT {
            *kept = Kept::default();
        }
        if kept.bodies.insert(key, body).is_none() {
            kept.bytes += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let bodies = Bodies::default();
        let large = || Body::new("text/plain", "x".repeat(LARGEST - 1));
        bodies.put("long key".into(), large());
        assert!(bodies.get("long key").is_none());
        for key in 0..9 {
            bodies.put(key.to_string(), large());
            assert!(bodies.0.lock().unwrap().bytes <= KEPT);
        }
        assert!(bodies.get("8").is_some() && bodies.get("0").is_none());
    }

    #[test]
    fn a_tag_is_that_of_the_content() {
        // By `printf a | sha256sum`.
        assert_eq!(Body::new("text/plain", "a".into()).etag, "\"ca978112ca1bbdcafac231b39a23dc4d\"");
    }
}
