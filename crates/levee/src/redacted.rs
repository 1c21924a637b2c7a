//! RPC addresses hold keys in their path, query or user name: none of that is ever printed, nor what a node repeats of it.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    error::Error as StdError,
    fmt, path,
    path::PathBuf,
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
};

use alloy::transports::{RpcError, TransportError};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::error::Error;

/// The shortest part of an address that is taken for a secret: shorter ones, as in `/v3/`, are words of messages.
const SHORTEST_SECRET: usize = 4;

/// The secret parts of all addresses that this process has read: a node may repeat its own, or one that a proxy told it.
static SECRETS: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());

/// The address of an RPC node: `http`, `https`, `ws` or `wss`, or the path of a socket (IPC), which is a `file` URL or an
/// absolute path or ends with `.ipc`. `Display` and `Debug` show the scheme and the host only, or the path of a socket.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedUrl(Box<Url>); // boxed, since errors hold it and results hold errors

impl RedactedUrl {
    fn of_socket(path: &str) -> Option<Self> {
        let is_socket = path.starts_with('/') || path.ends_with(".ipc") && !path.contains("://");
        let absolute = path::absolute(path).ok().filter(|_| is_socket)?;
        Url::from_file_path(absolute).ok().map(|url| Self(Box::new(url)))
    }

    fn of_url(text: &str) -> Result<Self, RedactedError> {
        let url = Url::parse(text).map_err(RedactedError::new)?;
        match url.scheme() {
            "http" | "https" | "ws" | "wss" if url.has_host() => Ok(Self(Box::new(url))),
            "file" if url.host().is_none() && url.path() != "/" => Ok(Self(Box::new(url))),
            _ => Err(RedactedError::new("it must be an http, https, ws or wss URL, or the path of a socket")),
        }
    }

    /// Whether it is reached by HTTP.
    pub(crate) fn is_http(&self) -> bool {
        matches!(self.0.scheme(), "http" | "https")
    }

    /// The path of the socket, if it is one.
    pub(crate) fn path_of_socket(&self) -> Option<PathBuf> {
        if self.0.scheme() == "file" { self.0.to_file_path().ok() } else { None }
    }

    /// The whole address, to connect to; not to be printed.
    pub const fn secret(&self) -> &Url {
        &self.0
    }

    /// Whether it is of this machine itself.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name == "localhost" || name.ends_with(".localhost")
            }
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
            None => true,
        }
    }
}

/// The parts of an address that may be secret, as they are and decoded.
fn secrets(url: &Url) -> Vec<String> {
    let pairs = url
        .query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').map_or(pair, |pair| pair.1));
    let parts = [url.username(), url.password().unwrap_or_default()].into_iter();
    let parts = parts.chain(url.path().split('/')).chain(pairs);
    let both = parts.flat_map(|part| [part.into(), percent_decode_str(part).decode_utf8_lossy()]);
    both.filter(|part| part.len() >= SHORTEST_SECRET).map(String::from).collect()
}

impl FromStr for RedactedUrl {
    type Err = Error;

    /// What is secret in the address is no longer printed by this process, wherever it appears.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`], which does not repeat the text.
    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(socket) = Self::of_socket(text) {
            return Ok(socket);
        }
        let url = Self::of_url(text).map_err(|source| Error::InvalidUrl { source })?;
        if url.path_of_socket().is_none() {
            SECRETS.write().unwrap_or_else(PoisonError::into_inner).extend(secrets(&url.0));
        }
        Ok(url)
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.path_of_socket() {
            return write!(f, "{}", path.display());
        }
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "{}://{host}", self.0.scheme())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        let is_bare = matches!(self.0.path(), "" | "/") && self.0.query().is_none();
        f.write_str(if is_bare { "" } else { "/…" })
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An error of a transport or a signer, whose own messages may hold an RPC key: `Display`, `Debug` and all sources show it
/// [redacted](redact). `{:#}` shows the sources too. Two are equal if they show the same.
#[derive(Clone)]
pub struct RedactedError(Arc<Link>);

/// An error of a chain.
struct Link {
    /// The first error of the chain.
    first: Arc<dyn StdError + Send + Sync>,
    /// How many sources below the first this one is.
    depth: usize,
    source: Option<RedactedError>,
}

impl RedactedError {
    /// Wraps an error, or a message.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::nested(Arc::from(error.into()), 0)
    }

    fn nested(first: Arc<dyn StdError + Send + Sync>, depth: usize) -> Self {
        let has_source = nth_source(&*first, depth).source().is_some();
        let source = has_source.then(|| Self::nested(first.clone(), depth + 1));
        Self(Arc::new(Link { first, depth, source }))
    }

    /// The error itself, to be downcast; not to be printed.
    pub fn secret(&self) -> &(dyn StdError + 'static) {
        nth_source(&*self.0.first, self.0.depth)
    }

    fn message(&self) -> String {
        match self.secret().downcast_ref::<TransportError>() {
            Some(RpcError::ErrorResp(payload)) => redact(&payload.message),
            _ => redact(&self.secret().to_string()),
        }
    }

    /// The message and those of all sources. Wrappers often repeat what they wrap, which is shown once.
    fn messages(&self) -> Vec<String> {
        let mut messages: Vec<String> = Vec::new();
        let mut next = Some(self);
        while let Some(error) = next {
            let message = error.message();
            if !messages.iter().any(|earlier| earlier.contains(&message)) {
                messages.push(message);
            }
            next = error.0.source.as_ref();
        }
        messages
    }
}

/// The source of an error's source, and so on.
fn nth_source<'a>(error: &'a (dyn StdError + 'static), depth: usize) -> &'a (dyn StdError + 'static) {
    (0..depth).fold(error, |error, _| error.source().expect("a source that was there before"))
}

impl fmt::Display for RedactedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&if f.alternate() { self.messages().join(": ") } else { self.message() })
    }
}

impl fmt::Debug for RedactedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedactedError").field(&self.messages()).finish()
    }
}

impl StdError for RedactedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

impl PartialEq for RedactedError {
    fn eq(&self, other: &Self) -> bool {
        self.messages() == other.messages()
    }
}

impl Eq for RedactedError {}

/// A text without the secret parts of the addresses in it, and of all that this process has read as a [`RedactedUrl`].
pub fn redact(text: &str) -> String {
    let known = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
    let mut secrets: Vec<_> = known.iter().filter(|secret| text.contains(*secret)).collect();
    // The longest first, as one may be a part of another.
    secrets.sort_by_key(|secret| Reverse(secret.len()));
    redact_urls(&secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, "…")))
}

fn redact_urls(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut redacted, mut done) = (String::new(), 0);
    while let Some(found) = lower[done..].find("://") {
        let colon = done + found;
        let schemes = ["https", "http", "wss", "ws"];
        let Some(scheme) = schemes.into_iter().find(|scheme| lower[done..colon].ends_with(scheme)) else {
            redacted.push_str(&text[done..colon + 3]);
            done = colon + 3;
            continue;
        };
        let start = colon - scheme.len();
        let end = start + length_of_url(&text[start..]);
        redacted.push_str(&text[done..start]);
        redacted.push_str(&redacted_url(&text[start..end]));
        done = end;
    }
    redacted.push_str(&text[done..]);
    redacted
}

/// The length of the URL that a text begins with, without what closes a bracket or a sentence after it.
fn length_of_url(text: &str) -> usize {
    let end = text.find(|c: char| c.is_whitespace() || "\"`<>".contains(c)).unwrap_or(text.len());
    text[..end].trim_end_matches([')', ']', '}', '\'', ',', '.', ';', ':']).len()
}

fn redacted_url(url: &str) -> String {
    match RedactedUrl::of_url(url) {
        Ok(url) => url.to_string(),
        Err(_) if url.ends_with("//") => url.to_owned(),
        Err(_) => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_and_host_are_shown() {
        let shown = |text: &str| text.parse::<RedactedUrl>().unwrap().to_string();
        assert_eq!(shown("https://user:pass@node.example/v3/SECRET?key=SECRET"), "https://node.example/…");
        assert_eq!(shown("http://127.0.0.1:8545"), "http://127.0.0.1:8545");
        let url: RedactedUrl = "https://node.example/v3/SECRET".parse().unwrap();
        assert_eq!(format!("{url:?}"), "https://node.example/…");
    }

    #[test]
    fn this_machine_is_known_by_all_its_names() {
        let is_loopback = |text: &str| text.parse::<RedactedUrl>().unwrap().is_loopback();
        for url in [
            "http://localhost:8545",
            "http://127.0.0.1",
            "http://127.8.9.1",
            "http://[::1]:1",
            "http://[::ffff:127.0.0.1]",
            "ws://LOCALHOST.:8545",
            "http://a.localhost",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "https://node.example",
            "http://128.0.0.1",
            "http://[::2]",
            "https://localhost.example",
            "http://0.0.0.0",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn what_is_no_address_is_not_repeated() {
        for text in ["SECRET", "ftp://SECRET", "https://", "node.example/SECRET", "file://SECRET/x.ipc"] {
            let error = text.parse::<RedactedUrl>().unwrap_err();
            assert!(matches!(error, Error::InvalidUrl { .. }), "{error}");
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }

    #[test]
    fn a_socket_is_shown_with_its_path() {
        for text in ["/var/run/geth.ipc", "file:///var/run/geth.ipc"] {
            let socket: RedactedUrl = text.parse().unwrap();
            assert_eq!(socket.path_of_socket(), Some("/var/run/geth.ipc".into()));
            assert_eq!((socket.to_string().as_str(), socket.is_loopback()), ("/var/run/geth.ipc", true));
        }
        assert!("geth.ipc".parse::<RedactedUrl>().unwrap().to_string().ends_with("/geth.ipc"));
    }

    #[test]
    fn what_a_node_repeats_of_an_address_is_not_shown() {
        let _: RedactedUrl =
            "wss://some-user:pass%40word@node.example/v3/path-key?n=1&key=query%2Bkey".parse().unwrap();
        for secret in ["some-user", "pass%40word", "pass@word", "path-key", "query%2Bkey", "query+key"] {
            assert_eq!(redact(&format!("v3: {secret} is not valid")), "v3: … is not valid");
        }
        let error = RedactedError::new(format!("no project {}", "path-key"));
        assert_eq!(format!("{error} {error:#}"), "no project … no project …");
    }

    #[test]
    fn an_error_and_its_sources_are_shown_without_addresses() {
        #[derive(Debug, thiserror::Error)]
        #[error("the request to https://node.example/SECRET failed")]
        struct Outer(#[source] std::num::ParseIntError);

        let error = RedactedError::new(Outer("".parse::<u8>().unwrap_err()));
        assert_eq!(error.to_string(), "the request to https://node.example/… failed");
        let whole = "the request to https://node.example/… failed: cannot parse integer from empty string";
        assert_eq!(format!("{error:#}"), whole);
        assert!(!format!("{error:?} {error:#?}").contains("SECRET"));
        let source = StdError::source(&error).unwrap();
        assert_eq!(source.to_string(), "cannot parse integer from empty string");
        assert!(source.source().is_none());
        assert!(source.downcast_ref::<RedactedError>().unwrap().secret().is::<std::num::ParseIntError>());
        assert!(error.secret().is::<Outer>());
    }

    #[test]
    fn addresses_inside_a_text_are_redacted() {
        let text =
            "error sending request for url (https://node.example/SECRET), wss://x.example/SECRET failed";
        let expected = "error sending request for url (https://node.example/…), wss://x.example/… failed";
        assert_eq!(redact(text), expected);
        assert_eq!(
            redact("http:// or https://, not http://node.example://x"),
            "http:// or https://, not http://node.example/…"
        );
    }

    #[test]
    fn no_part_of_an_address_is_left_in_a_text() {
        let cases = [
            ("(https://node.example/v3/a,SECRET)", "(https://node.example/…)"),
            ("at HTTPS://node.example/v3/it's)SECRET.", "at https://node.example/…."),
            ("http://[SECRET, ftp://x, http:// and ://", "…, ftp://x, http:// and ://"),
            ("'http://node.example/SECRET': no", "'http://node.example/…': no"),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text), expected);
        }
        let many = "http://node.example/SECRET ".repeat(100_000);
        assert!(!redact(&many).contains("SECRET"));
    }
}
