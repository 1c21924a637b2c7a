//! What people write: terms files, and the amounts, times, percentages and addresses in them; and how what they read is written.
//!
//! Whatever is not wholly understood is refused: a number without a unit, a duration that could be read in two ways, a key
//! that is not known, an address that fails its checksum. Files are read up to a limit.
//!
//! ```
//! use levee::text::{amount, percent, time};
//!
//! assert_eq!(amount::parse_eth("1.5 ETH")?.get(), 1_500_000_000_000_000_000);
//! assert_eq!(percent::parse("3.8 %")?.get(), 380);
//! assert_eq!(time::parse_duration("1 day 6 hours")?, 108_000);
//! let error = time::parse_duration("1,440 hours").unwrap_err();
//! assert_eq!(error.to_string(), "`1,440 hours` is not a duration");
//! # Ok::<(), levee::text::TextError>(())
//! ```
//!
//! All functions here fail with a [`TextError`]. A [`TermsFile`] is what `levee terms new` writes and the other commands read.

use std::fmt;

pub mod address;
pub mod amendment;
pub mod amount;
pub mod compact;
pub mod document;
pub mod escape;
pub mod event;
pub mod file;
pub mod hole;
pub mod percent;
pub mod status;
pub mod terms;
pub mod time;

pub use compact::CompactFile;
pub use document::Document;
pub use hole::Hole;
pub use terms::TermsFile;

/// A text that cannot be accepted: one sentence, and a hint on how to correct it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextError {
    message: String,
    /// Advice on what to do about it.
    pub hint: Option<String>,
}

impl TextError {
    /// `message` is one sentence without a full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Adds advice on what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error, with the `place` where it occurred before the sentence.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TextError {}
