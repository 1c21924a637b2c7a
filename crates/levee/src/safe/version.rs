//! The versions of Safe, and what changed between them.

use std::{fmt, str::FromStr};

/// A version of Safe's contract, from 1.1.1 to 1.5.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SafeVersion {
    minor: u8,
    patch: u8,
}

/// What is no version that this crate knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a version of Safe from {} to {}", SafeVersion::FIRST, SafeVersion::LAST)]
pub struct UnknownVersion;

impl SafeVersion {
    /// The first version that is known.
    pub const FIRST: Self = Self::new(1, 1);
    /// The last version that is known.
    pub const LAST: Self = Self::new(5, 0);

    pub(super) const fn new(minor: u8, patch: u8) -> Self {
        Self { minor, patch }
    }

    /// Whether what is signed names the chain, and whether a call that fails makes its transaction revert.
    pub const fn is_since_1_3(self) -> bool {
        self.minor >= 3
    }

    /// Whether contracts among the owners are asked as EIP-1271 says.
    pub const fn is_since_1_5(self) -> bool {
        self.minor >= 5
    }
}

impl fmt::Display for SafeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}.{}", self.minor, self.patch)
    }
}

impl FromStr for SafeVersion {
    type Err = UnknownVersion;

    /// Reads what the contract says, as in `1.4.1`.
    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let (minor, patch) =
            text.strip_prefix("1.").and_then(|rest| rest.split_once('.')).ok_or(UnknownVersion)?;
        let number = |digits: &str| digits.parse().map_err(|_| UnknownVersion);
        let version = Self::new(number(minor)?, number(patch)?);
        let is_known = (Self::FIRST..=Self::LAST).contains(&version) && version.to_string() == text;
        is_known.then_some(version).ok_or(UnknownVersion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_known_from_the_first_to_the_last() {
        for text in ["1.1.1", "1.2.0", "1.3.0", "1.4.0", "1.4.1", "1.5.0"] {
            assert_eq!(text.parse().map(|version: SafeVersion| version.to_string()), Ok(text.to_owned()));
        }
        for text in ["1.1.0", "1.0.0", "1.5.1", "1.6.0", "2.3.0", "1.3", "1.3.0.0", "1.03.0", "1.+3.0", ""] {
            assert_eq!(text.parse::<SafeVersion>(), Err(UnknownVersion), "{text}");
        }
        let since_1_3 = ["1.2.0", "1.3.0"].map(|text| text.parse::<SafeVersion>().unwrap().is_since_1_3());
        let since_1_5 = ["1.4.1", "1.5.0"].map(|text| text.parse::<SafeVersion>().unwrap().is_since_1_5());
        assert_eq!((since_1_3, since_1_5), ([false, true], [false, true]));
    }
}
