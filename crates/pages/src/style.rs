//! The one stylesheet, and the policy that lets a page have it and nothing else.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::PreEscaped;
use sha2::{Digest as _, Sha256};

const SHEET: &str = include_str!("style.css");

/// The stylesheet, which has nothing that ends its element.
pub(crate) const fn sheet() -> PreEscaped<&'static str> {
    PreEscaped(SHEET)
}

/// A content security policy: no script, no picture, no request, and this stylesheet only.
pub(crate) fn policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let hash = STANDARD.encode(Sha256::digest(SHEET));
        format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
    });
    &POLICY
}
