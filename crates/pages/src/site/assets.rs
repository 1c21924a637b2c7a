//! The files that pages load. Their names have a hash of their content, so a browser may keep them for good.

use std::{borrow::Cow, sync::LazyLock};

use levee::alloy::primitives::hex;
use sha2::{Digest as _, Sha256};

use crate::style;

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// A file.
#[derive(Debug)]
pub struct Asset {
    path: String,
    /// Its media type.
    pub kind: &'static str,
    /// Its content.
    pub text: Cow<'static, str>,
}

impl Asset {
    fn new(name: &str, extension: &str, kind: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        let hash = hex::encode(&Sha256::digest(text.as_bytes())[..8]);
        Self { path: format!("/assets/{name}-{hash}.{extension}"), kind, text }
    }

    /// Where it is served.
    pub fn path(&self) -> &str {
        &self.path
    }
}

pub(super) static SHEET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("levee", "css", "text/css; charset=utf-8", style::sheet().0));

pub(super) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("live", "js", JAVASCRIPT, include_str!("live.js")));

/// What the pages have in common that ask a wallet: these here, and the one with which a command signs.
pub static WALLET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("wallet", "js", JAVASCRIPT, include_str!("wallet.js")));

/// It names the other by its hash.
pub(super) static ACT: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("act.js").replace("./wallet.js", WALLET.path());
    Asset::new("act", "js", JAVASCRIPT, text)
});

pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("levee", "svg", "image/svg+xml", include_str!("icon.svg")));

/// All of them.
pub static ALL: [&LazyLock<Asset>; 5] = [&SHEET, &SCRIPT, &WALLET, &ACT, &ICON];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_changes_with_the_content() {
        let path = |text: &'static str| Asset::new("a", "css", "text/css", text).path;
        // By `printf b | sha256sum`.
        assert_eq!(path("b"), "/assets/a-3e23e8160039594a.css");
        assert_ne!(path("b"), path("c"));
        assert!(ALL.iter().all(|asset| asset.path().starts_with("/assets/")));
    }
}
