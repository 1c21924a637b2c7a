//! Errors as the user sees them: what went wrong, what to do about it, and the exit code.
//!
//! Everything fails with an [`eyre::Report`]. If its chain contains a [`UserError`], or an error of the client that
//! says so, it is a user error; otherwise it is a network failure or a bug.

use std::error::Error as StdError;

use eyre::Report;
use levee_index::IndexError;
use serde_json::Value;

use crate::{
    escape, hint,
    json::{Cause, CommandError, ErrorFacts, ErrorJson},
};

/// Exit code of a user error: bad input, a refusal by the escrow, insufficient funds.
pub(crate) const EXIT_USER: u8 = 1;
/// Exit code of a network failure or a bug.
pub(crate) const EXIT_INTERNAL: u8 = 2;

/// An error that the user can correct: one sentence, and a hint on how.
pub(crate) use levee::text::TextError as UserError;

/// The exit code for an error.
pub(crate) fn exit_code(report: &Report) -> u8 {
    let is_users = of_user(report).is_some() || report.chain().any(is_of_user);
    if is_users { EXIT_USER } else { EXIT_INTERNAL }
}

fn is_of_user(cause: &(dyn StdError + 'static)) -> bool {
    cause.is::<UserError>()
        || cause.downcast_ref().is_some_and(levee::Error::is_users)
        || cause.downcast_ref().is_some_and(IndexError::is_users)
}

/// The user error that a report is, or that was wrapped around another error, which in its chain looks like neither.
fn of_user(report: &Report) -> Option<&UserError> {
    report.downcast_ref()
}

/// What to do about an error.
pub(crate) fn hint_for(report: &Report) -> Option<&str> {
    of_user(report).and_then(|error| error.hint.as_deref()).or_else(|| report.chain().find_map(hint_of))
}

fn hint_of<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a str> {
    match cause.downcast_ref::<UserError>() {
        Some(error) => error.hint.as_deref(),
        None => cause
            .downcast_ref()
            .and_then(hint::for_client)
            .or_else(|| cause.downcast_ref().and_then(hint::for_index)),
    }
}

/// The causes of the error, without those that only repeat the message above them.
fn causes(report: &Report) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut above = report.to_string();
    for cause in report.chain().skip(1).map(ToString::to_string) {
        if !above.contains(&cause) {
            causes.push(cause.clone());
            above = cause;
        }
    }
    causes
}

/// An error and its causes in one line.
pub(crate) fn in_a_line(report: &Report) -> String {
    let causes = causes(report).into_iter().map(|cause| format!(": {cause}"));
    format!("{report}{}", causes.collect::<String>())
}

/// An error as text, in color. No part of it can start a new line.
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

/// An error as JSON.
pub(crate) fn to_json(report: &Report) -> ErrorJson {
    let hint = hint_for(report).map(str::to_owned);
    ErrorJson {
        error: ErrorFacts {
            cause: cause(report),
            message: report.to_string(),
            causes: causes(report),
            code: exit_code(report),
            hint,
        },
    }
}

/// The first error of a type among the causes.
fn first<E: StdError + 'static>(report: &Report) -> Option<&E> {
    report.chain().find_map(|cause| cause.downcast_ref())
}

/// The kind and the facts of an error; null facts if it has none.
fn cause(report: &Report) -> Value {
    let cause = match (first::<levee::Error>(report), first::<IndexError>(report)) {
        (Some(error), _) => Cause::Client(error.clone()),
        (None, Some(error)) => Cause::Index(error.clone()),
        _ if exit_code(report) == EXIT_USER => Cause::Command(CommandError::UserError),
        _ => Cause::Command(CommandError::InternalError),
    };
    let mut cause = serde_json::to_value(cause).unwrap_or_default();
    if let Value::Object(cause) = &mut cause {
        cause.entry("facts").or_insert(Value::Null);
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{Address, B256, address};
    use eyre::eyre;
    use levee::{BonusRefusal, Refusal};
    use levee_model::{Asset, Inconsistent, PositionId, TermsError, Wei};
    use serde_json::json;
    use std::time::Duration;

    fn user_error() -> Report {
        Report::new(UserError::new("`5` has no unit").hint("write `5 ETH`"))
    }

    #[test]
    fn a_user_error_reads_as_a_sentence_and_a_hint() {
        let text = anstream::adapter::strip_str(&to_text(&user_error())).to_string();
        assert_eq!(text, "error: `5` has no unit\n\nhint: write `5 ETH`\n");
        assert_eq!(exit_code(&user_error()), 1);
    }

    #[test]
    fn any_other_error_has_causes_and_the_other_code() {
        let report = eyre!("connection refused").wrap_err("the node does not answer");
        let text = anstream::adapter::strip_str(&to_text(&report)).to_string();
        assert_eq!(text, "error: the node does not answer\n  caused by: connection refused\n");
        assert_eq!(exit_code(&report), 2);
    }

    #[test]
    fn json_has_the_same_facts() {
        let expected = json!({ "error": {
            "kind": "UserError", "facts": null, "message": "pledging", "causes": ["`5` has no unit"], "code": 1, "hint": "write `5 ETH`",
        } });
        let value = |report: &Report| serde_json::to_value(to_json(report)).unwrap();
        assert_eq!(value(&user_error().wrap_err("pledging")), expected);
        let refusal = levee::Error::from(levee::Refusal::NoVeto);
        assert_eq!(value(&refusal.into())["error"]["kind"], "NoVeto");
        assert_eq!(value(&levee::Error::NoDeployer.into())["error"]["kind"], "NoDeployer");
        assert_eq!(value(&levee::Error::NoDeployer.into())["error"]["facts"], Value::Null);
        assert_eq!(value(&eyre!("connection refused"))["error"]["kind"], "InternalError");
    }

    #[test]
    fn an_error_that_the_user_can_correct_keeps_its_kind() {
        let wrapped = UserError::new("`a` is empty: the deployer is missing").hint("give another");
        let report = Report::new(levee::Error::Malformed { what: "a block" }).wrap_err(wrapped);
        let error = serde_json::to_value(to_json(&report)).unwrap()["error"].take();
        assert_eq!(
            [&error["kind"], &error["code"], &error["hint"]],
            [&json!("Malformed"), &json!(1), &json!("give another")]
        );
    }

    #[test]
    fn the_facts_of_an_error_are_those_of_its_type() {
        let facts = |error: levee::Error| {
            serde_json::to_value(to_json(&error.into())).unwrap()["error"]["facts"].clone()
        };
        let caller = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
        let refusal = Refusal::NotGuardian { caller, guardian: Address::ZERO };
        let expected = json!({ "caller": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "guardian": null });
        assert_eq!(facts(refusal.into()), expected);
        let id = PositionId { pledger: caller, tier: 3, asset: Asset::StEth };
        let position = json!({ "pledger": caller.to_string(), "tier": 3, "asset": "stETH" });
        assert_eq!(facts(Refusal::NothingToReturn { id }.into()), position);
        let (coverage, required) = (Wei::new(5 * 10u128.pow(20)), Wei::new(10u128.pow(21)));
        let low = json!({ "coverageWei": "500000000000000000000", "requiredWei": "1000000000000000000000" });
        assert_eq!(facts(Refusal::CoverageTooLow { coverage, required }.into()), low);
        let differs = Refusal::AmendmentDiffers { named: 0, latest: 1_785_542_400 };
        assert_eq!(facts(differs.into()), json!({ "namedUnix": null, "latestUnix": 1_785_542_400 }));
        let passed_on = BonusRefusal::ByRescue(Refusal::from(TermsError::TierCountOutOfBounds { count: 9 }));
        assert_eq!(facts(passed_on.into()), json!({ "count": 9 }));
        let not_mined =
            levee::Error::NotMined { transaction: B256::repeat_byte(7), waited: Duration::from_secs(60) };
        let waited = json!({ "transaction": B256::repeat_byte(7).to_string(), "waitedSeconds": 60 });
        assert_eq!(facts(not_mined), waited);
        let broken = levee::Error::BrokenHistory(Inconsistent::NoCreation);
        assert_eq!(facts(broken), json!({ "reason": "they do not begin with its creation" }));
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
