//! RPC addresses hold keys in their path, query or user name: none of that is ever printed.

use std::{error::Error as StdError, fmt, str::FromStr, sync::Arc};

use alloy::transports::{RpcError, TransportError};
use url::{Host, Url};

use crate::error::Error;

/// The address of an RPC node. `Display` and `Debug` show its scheme and host only.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedUrl(Box<Url>); // boxed, since errors hold it and results hold errors

impl RedactedUrl {
    /// Of an address that was connected to.
    pub(crate) fn new(url: Url) -> Self {
        Self(Box::new(url))
    }

    /// The whole address, to connect to; not to be printed.
    pub const fn secret(&self) -> &Url {
        &self.0
    }

    /// Whether it is of this machine itself.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl FromStr for RedactedUrl {
    type Err = Error;

    /// # Errors
    /// [`Error::InvalidUrl`], which does not repeat the text.
    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |source| Error::InvalidUrl { source };
        let url = Url::parse(text).map_err(|error| invalid(RedactedError::new(error)))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self::new(url)),
            _ => Err(invalid(RedactedError::new("it must be an http or https URL"))),
        }
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// A text without the secret parts of the addresses in it.
pub fn redact(text: &str) -> String {
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
    match url.parse::<RedactedUrl>() {
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
        for text in ["SECRET", "ftp://SECRET", "https://"] {
            let error = text.parse::<RedactedUrl>().unwrap_err();
            assert!(matches!(error, Error::InvalidUrl { .. }), "{error}");
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
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
        let expected = "error sending request for url (https://node.example/…), … failed";
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
            ("wss://SECRET, ftp://x, http:// and ://", "…, ftp://x, http:// and ://"),
            ("'http://node.example/SECRET': no", "'http://node.example/…': no"),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text), expected);
        }
        let many = "http://node.example/SECRET ".repeat(100_000);
        assert!(!redact(&many).contains("SECRET"));
    }
}
