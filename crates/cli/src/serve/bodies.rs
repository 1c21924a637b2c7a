//! Answers that were made before, for as long as their block is the latest, and the memory that all answers take.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy::primitives::{B256, hex};
use axum::{
    body::{Body as HttpBody, Bytes},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use eyre::Result;
use levee_model::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many bytes are kept, in all.
const KEPT: usize = 16 << 20;
/// A longer answer is made each time.
const LARGEST: usize = 2 << 20;
/// How many bytes all answers have that are kept, or that somebody still reads: as much as all connections need for pages of the usual size.
const ROOM: usize = 48 << 20;
/// What is counted together.
const UNIT: usize = 1 << 10;

/// The block that an answer is true at, in the headers of the answer.
static BLOCK: [HeaderName; 3] = [
    HeaderName::from_static("levee-block"),
    HeaderName::from_static("levee-block-hash"),
    HeaderName::from_static("levee-block-time"),
];

/// The block that an answer is true at.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) number: u64,
    pub(super) hash: B256,
    /// In Unix seconds.
    pub(super) time: Timestamp,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(super) struct Body {
    kind: &'static str,
    bytes: Bytes,
    /// A hash of the content, so it is the same on all servers of one index.
    etag: String,
    /// None if it is the same at any.
    at: Option<At>,
}

/// The memory for all answers: one is counted once, however many read it, until the last of them has it.
#[derive(Debug)]
pub(super) struct Room(Arc<Semaphore>);

/// The memory of one answer.
#[derive(Debug)]
pub(super) struct Place {
    _units: OwnedSemaphorePermit,
}

/// A text in its place.
struct Placed {
    text: String,
    _place: Place,
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM / UNIT)))
    }
}

impl Room {
    /// A place for so many bytes. If there is none, what is kept is given up first, and then readers are waited for.
    pub(super) async fn place(&self, bytes: usize, kept: &Bodies) -> Result<Place> {
        let units = u32::try_from(bytes.div_ceil(UNIT).min(ROOM / UNIT))?;
        if let Ok(place) = self.0.clone().try_acquire_many_owned(units) {
            return Ok(Place { _units: place });
        }
        kept.clear();
        Ok(Place { _units: self.0.clone().acquire_many_owned(units).await? })
    }
}

impl Body {
    /// A text about a block.
    pub(super) fn new(kind: &'static str, text: String, place: Place, at: At) -> Self {
        let etag = etag(&text);
        let bytes = Bytes::from_owner(Placed { text, _place: place });
        Self { kind, bytes, etag, at: Some(at) }
    }

    /// A text that is part of the server.
    pub(super) fn fixed(kind: &'static str, text: &'static str) -> Self {
        Self { kind, bytes: Bytes::from_static(text.as_bytes()), etag: etag(text), at: None }
    }
}

fn etag(text: &str) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(text)[..16]))
}

impl At {
    fn values(self) -> [String; 3] {
        [self.number.to_string(), self.hash.to_string(), self.time.to_string()]
    }
}

impl IntoResponse for Body {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.kind),
            (header::ETAG, self.etag.as_str()),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        let mut response = (headers, HttpBody::from(self.bytes)).into_response();
        for (name, value) in BLOCK.iter().zip(self.at.into_iter().flat_map(At::values)) {
            // Digits of a number are always a value.
            let value = HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static(""));
            response.headers_mut().insert(name, value);
        }
        response
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
        self.lock().bodies.get(key).cloned()
    }

    /// Keeps an answer. When there are too many, all begin anew.
    pub(super) fn put(&self, key: String, body: Body) {
        let size = key.len() + body.bytes.len();
        if size > LARGEST {
            return;
        }
        let mut kept = self.lock();
        if kept.bytes + size > KEPT {
            *kept = Kept::default();
        }
        if kept.bodies.insert(key, body).is_none() {
            kept.bytes += size;
        }
    }

    fn clear(&self) {
        *self.lock() = Kept::default();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: At = At { number: 7, hash: B256::repeat_byte(1), time: 9 };

    async fn body(room: &Room, bodies: &Bodies, size: usize) -> Body {
        let text = "x".repeat(size);
        let place = room.place(size, bodies).await.unwrap();
        Body::new("text/plain", text, place, AT)
    }

    #[tokio::test]
    async fn no_more_is_kept_than_there_is_room_for() {
        let (room, bodies) = (Room::default(), Bodies::default());
        bodies.put("long key".into(), body(&room, &bodies, LARGEST - 1).await);
        assert!(bodies.get("long key").is_none());
        for key in 0..9 {
            bodies.put(key.to_string(), body(&room, &bodies, LARGEST - 1).await);
            assert!(bodies.lock().bytes <= KEPT);
        }
        assert!(bodies.get("8").is_some() && bodies.get("0").is_none());
    }

    #[tokio::test]
    async fn who_reads_slowly_keeps_others_waiting_but_takes_no_more_memory() {
        let (room, bodies) = (Room::default(), Bodies::default());
        bodies.put("kept".into(), body(&room, &bodies, LARGEST / 2).await);
        let mut read = Vec::new();
        for _ in 0..ROOM / LARGEST - 1 {
            read.push(body(&room, &bodies, LARGEST).await);
        }
        assert!(bodies.get("kept").is_some());
        // What is kept makes room, and is not counted twice while somebody reads it.
        read.push(body(&room, &bodies, LARGEST).await);
        assert!(bodies.get("kept").is_none());
        let more = room.place(1, &bodies);
        futures_util::pin_mut!(more);
        assert!(futures_util::poll!(more.as_mut()).is_pending());
        let readers = [read[0].clone(), read.remove(0)];
        for reader in readers {
            assert!(futures_util::poll!(more.as_mut()).is_pending());
            drop(reader.into_response());
        }
        assert!(futures_util::poll!(more).is_ready());
    }

    #[test]
    fn a_tag_is_that_of_the_content() {
        // By `printf a | sha256sum`.
        assert_eq!(Body::fixed("text/plain", "a").etag, "\"ca978112ca1bbdcafac231b39a23dc4d\"");
    }

    #[tokio::test]
    async fn an_answer_names_its_block() {
        let answer = body(&Room::default(), &Bodies::default(), 1).await.into_response();
        let told = BLOCK.each_ref().map(|name| answer.headers()[name].to_str().unwrap().to_owned());
        assert_eq!(told, ["7".to_owned(), format!("0x{}", "01".repeat(32)), "9".to_owned()]);
        assert_eq!(Body::fixed("text/plain", "a").into_response().headers().get(&BLOCK[0]), None);
    }
}
