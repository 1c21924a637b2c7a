//! RPC addresses hold keys in their path, query or user name: none of that is ever printed.

use std::{fmt, str::FromStr};

use url::{Host, Url};

use crate::error::Error;

/// The address of an RPC node. `Display` and `Debug` show its scheme and host only.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedUrl(Url);

impl RedactedUrl {
    /// Of an address that was connected to.
    pub(crate) const fn new(url: Url) -> Self {
        Self(url)
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
        let url = Url::parse(text).map_err(|error| Error::InvalidUrl { reason: error.to_string() })?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self(url)),
            _ => Err(Error::InvalidUrl { reason: "it must begin with http:// or https://".to_owned() }),
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

/// A text without the secret parts of the addresses in it.
pub fn redact(text: &str) -> String {
    let Some(start) = ["http://", "https://", "ws://", "wss://"].iter().filter_map(|s| text.find(s)).min()
    else {
        return text.to_owned();
    };
    let (before, rest) = text.split_at(start);
    let end = rest.find(|c: char| c.is_whitespace() || "\"'`<>)]},".contains(c)).unwrap_or(rest.len());
    let (address, after) = rest.split_at(end);
    let shown = address.parse::<RedactedUrl>().map_or_else(|_| "…".to_owned(), |url| url.to_string());
    format!("{before}{shown}{}", redact(after))
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
    fn addresses_inside_a_text_are_redacted() {
        let text =
            "error sending request for url (https://node.example/SECRET), wss://x.example/SECRET failed";
        let expected = "error sending request for url (https://node.example/…), … failed";
        assert_eq!(redact(text), expected);
    }
}
