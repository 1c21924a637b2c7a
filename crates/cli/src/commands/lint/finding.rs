//! What is found, where, why it matters and what to do.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{document::Document, error::UserError, table};

/// What kind of mistake it is; the names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) enum Kind {
    /// The file, or a value in it, cannot be read.
    Unreadable,
    /// The same account says twice what it pledges or offers for a tier.
    SaidTwice,
    /// What is locked is counted as an offer too.
    CountedTwice,
    /// A loan is said to be for a tier of grants.
    LoanAmongGrants,
    /// There is not that much ether.
    TooLarge,
    /// So little that another unit must be meant.
    TooSmall,
    /// The same number, once of stETH and once of shares.
    SharesForStEth,
    /// Nothing to count.
    NoAmount,
    /// It is not valid any more.
    Expired,
    /// It is not valid until the deadline.
    ExpiresEarly,
    /// The rescue has no such tier.
    UnknownTier,
    /// The rescue does not take this asset.
    AssetNotAccepted,
    /// The terms are not those of the rescue.
    OtherTerms,
}

/// Whether the file must be corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Error,
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    pub(crate) severity: Severity,
    file: PathBuf,
    /// Counted from 1; null where the whole file is meant.
    pub(crate) line: Option<usize>,
    pub(crate) what: String,
    why: String,
    advice: String,
}

/// Where something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) line: Option<usize>,
}

impl Place {
    /// The line with the byte at `offset`.
    pub(crate) fn of(document: &Document, offset: usize) -> Self {
        Self { file: document.path().to_owned(), line: Some(document.line(offset)) }
    }

    /// `offers.toml:3`.
    pub(crate) fn to_text(&self) -> String {
        let line = self.line.map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{line}", self.file.display())
    }

    /// Something that must be corrected.
    pub(crate) fn error(&self, kind: Kind, what: String, why: impl Into<String>, advice: &str) -> Finding {
        self.finding(kind, Severity::Error, what, why.into(), advice)
    }

    /// Something that may be right.
    pub(crate) fn warning(&self, kind: Kind, what: String, why: impl Into<String>, advice: &str) -> Finding {
        self.finding(kind, Severity::Warning, what, why.into(), advice)
    }

    fn finding(&self, kind: Kind, severity: Severity, what: String, why: String, advice: &str) -> Finding {
        let Self { file, line } = self.clone();
        Finding { kind, severity, file, line, what, why, advice: advice.to_owned() }
    }
}

impl Finding {
    /// A file, or something in it, that cannot be read.
    pub(crate) fn unreadable(file: &Path, error: &UserError) -> Self {
        let text = error.to_string();
        // `file:line: what is wrong`.
        let placed =
            text.strip_prefix(&format!("{}:", file.display())).and_then(|rest| rest.split_once(": "));
        let found = placed.and_then(|(line, what)| Some((line.parse().ok()?, what.to_owned())));
        let (line, what) = found.map_or((None, text), |(line, what)| (Some(line), what));
        let advice = error.hint.clone().unwrap_or_else(|| "correct it".to_owned());
        Place { file: file.to_owned(), line }.error(
            Kind::Unreadable,
            what,
            "nothing can be said of what is not understood",
            &advice,
        )
    }

    /// `offers.toml:3: error: what`, and below it why and what to do.
    pub(crate) fn to_text(&self) -> String {
        let place = Place { file: self.file.clone(), line: self.line }.to_text();
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let headline = table::hanging(&format!("{place}: {severity}: {}", self.what), 2);
        let below = table::facts_below(&[("why", self.why.clone()), ("do", self.advice.clone())]);
        format!("{headline}{below}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_file_keeps_its_line_and_its_advice() {
        let error = UserError::new("amount: `5` has no unit").within("a.toml:7").hint("add a unit");
        let finding = Finding::unreadable(Path::new("a.toml"), &error);
        let expected = "\
a.toml:7: error: amount: `5` has no unit
  why  nothing can be said of what is not understood
  do   add a unit
";
        assert_eq!((finding.line, finding.to_text().as_str()), (Some(7), expected));
    }
}
