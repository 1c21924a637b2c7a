//! The files that pages load. Their names have a hash of their content, so a browser may keep them for good.

use std::sync::LazyLock;

use levee::alloy::primitives::hex;
use sha2::{Digest as _, Sha256};

use crate::style;

/// A file.
#[derive(Debug)]
pub struct Asset {
    path: String,
    /// Its media type.
    pub kind: &'static str,
    /// Its content.
    pub text: &'static str,
}

impl Asset {
    fn new(name: &str, extension: &str, kind: &'static str, text: &'static str) -> Self {
        let hash = hex::encode(&Sha256::digest(text)[..8]);
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
    LazyLock::new(|| Asset::new("live", "js", "text/javascript; charset=utf-8", include_str!("live.js")));

pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("levee", "svg", "image/svg+xml", include_str!("icon.svg")));

/// All of them.
pub static ALL: [&LazyLock<Asset>; 3] = [&SHEET, &SCRIPT, &ICON];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_changes_with_the_content() {
        let path = |text| Asset::new("a", "css", "text/css", text).path;
        // By `printf b | sha256sum`.
        assert_eq!(path("b"), "/assets/a-3e23e8160039594a.css");
        assert_ne!(path("b"), path("c"));
        assert!(ALL.iter().all(|asset| asset.path().starts_with("/assets/")));
    }
}
