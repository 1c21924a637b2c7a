//! What went wrong, who can mend it, and what to do next.
//!
//! Everything fails with an [`eyre::Report`]. Whatever the caller can mend is a [`UserError`], or an error of the client
//! that says so, somewhere in its chain; the rest is the network or a defect.

use std::fmt;

use eyre::Report;

use crate::{
    escape, hint,
    json::{ErrorFacts, ErrorJson},
};

/// Exit code when the caller can mend it: bad input, a refusal by the escrow, too little money.
pub(crate) const EXIT_USER: u8 = 1;
/// Exit code of the network or a defect.
const EXIT_UNEXPECTED: u8 = 2;

/// A mistake that whoever called the command can mend: one sentence, and what to do about it.
#[derive(Debug, Clone)]
pub(crate) struct UserError {
    message: String,
    hint: Option<String>,
}

impl UserError {
    /// What is wrong, in one sentence without a full stop.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same mistake, seen in a larger thing: `place` comes before the sentence.
    pub(crate) fn within(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for UserError {}

/// The exit code for an error.
pub(crate) fn exit_code(report: &Report) -> u8 {
    let is_users = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<UserError>() || cause.downcast_ref().is_some_and(levee::Error::is_users)
    };
    if report.chain().any(is_users) { EXIT_USER } else { EXIT_UNEXPECTED }
}

fn hint_for(report: &Report) -> Option<&str> {
    report.chain().find_map(|cause| match cause.downcast_ref::<UserError>() {
        Some(error) => error.hint.as_deref(),
        None => cause.downcast_ref().and_then(hint::for_client),
    })
}

/// The causes below the first message, without those that only repeat it.
fn causes(report: &Report) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut above = report.to_string();
    for cause in report.chain().skip(1).map(ToString::to_string) {
        if !above.contains(&cause) {
            causes.push(cause.clone());
        }
        above = cause;
    }
    causes
}

/// An error as a person reads it, in colors. Nothing in it can begin a line of its own.
pub(crate) fn to_text(report: &Report) -> String {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let mut text = format!("{style}error{style:#}: {}\n", escape::line(&report.to_string()));
    for cause in causes(report) {
        text.push_str(&format!("  caused by: {}\n", escape::line(&cause)));
    }
    if let Some(hint) = hint_for(report) {
        text.push_str(&format!("\nhint: {}\n", escape::line(hint)));
    }
    text
}

/// An error as a program reads it.
pub(crate) fn to_json(report: &Report) -> ErrorJson {
    let hint = hint_for(report).map(str::to_owned);
    ErrorJson {
        error: ErrorFacts {
            kind: kind(report).to_owned(),
            message: report.to_string(),
            causes: causes(report),
            code: exit_code(report),
            hint,
        },
    }
}

/// The name of an error: that of the client where it is one of its own, else who can mend it.
fn kind(report: &Report) -> &'static str {
    let of_client = report.chain().find_map(|cause| cause.downcast_ref().map(levee::Error::kind));
    of_client.unwrap_or(if exit_code(report) == EXIT_USER { "Mistake" } else { "Unexpected" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eyre::eyre;
    use serde_json::json;

    fn mistake() -> Report {
        Report::new(UserError::new("`5` has no unit").hint("write `5 ETH`"))
    }

    #[test]
    fn a_mistake_reads_as_a_sentence_and_a_hint() {
        let text = anstream::adapter::strip_str(&to_text(&mistake())).to_string();
        assert_eq!(text, "error: `5` has no unit\n\nhint: write `5 ETH`\n");
        assert_eq!(exit_code(&mistake()), 1);
    }

    #[test]
    fn what_is_not_a_mistake_has_causes_and_the_other_code() {
        let report = eyre!("connection refused").wrap_err("the node does not answer");
        let text = anstream::adapter::strip_str(&to_text(&report)).to_string();
        assert_eq!(text, "error: the node does not answer\n  caused by: connection refused\n");
        assert_eq!(exit_code(&report), 2);
    }

    #[test]
    fn json_has_the_same_facts() {
        let expected = json!({ "error": {
            "kind": "Mistake", "message": "pledging", "causes": ["`5` has no unit"], "code": 1, "hint": "write `5 ETH`",
        } });
        let value = |report: &Report| serde_json::to_value(to_json(report)).unwrap();
        assert_eq!(value(&mistake().wrap_err("pledging")), expected);
        let refusal = levee::Error::from(levee::Refusal::NoVeto);
        assert_eq!(value(&refusal.into())["error"]["kind"], "NoVeto");
        assert_eq!(value(&levee::Error::NoDeployer.into())["error"]["kind"], "NoDeployer");
        assert_eq!(value(&eyre!("connection refused"))["error"]["kind"], "Unexpected");
    }

    #[test]
    fn no_part_of_an_error_can_forge_a_line() {
        let cause = Report::new(UserError::new("a\nok: b\u{202e}").hint("e\rf"))
            .wrap_err("c\u{1b}[2K")
            .wrap_err("d\n");
        let text = anstream::adapter::strip_str(&to_text(&cause)).to_string();
        let expected =
            "error: d\\n\n  caused by: c\\u{1b}[2K\n  caused by: a\\nok: b\\u{202e}\n\nhint: e\\rf\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_mistake_within_something_names_it_first() {
        let error = UserError::new("`5` has no unit").within("terms.toml:3");
        assert_eq!(error.to_string(), "terms.toml:3: `5` has no unit");
    }
}
