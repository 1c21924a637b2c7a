//! Why there is no answer, as a page or for a program (RFC 9457), in the words and with the kinds of every other command.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use eyre::{Report, eyre};
use levee_index::IndexError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    error::{self, UserError},
    escape,
    json::ErrorFacts,
};

/// How long a client should wait before it asks again, in seconds.
const PAUSE: u64 = 5;

/// Why a request is not answered.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    report: Report,
    /// After how many seconds it may be asked again.
    retry_after: Option<u64>,
}

/// A problem, for a program: as in RFC 9457, with the error as every command tells it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProblemJson {
    /// Always `about:blank`: the kind of the error says more than the status.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status, in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// One sentence, with a hint.
    detail: String,
    error: ErrorFacts,
}

impl Problem {
    pub(super) fn new(status: StatusCode, error: UserError) -> Self {
        Self { status, report: error.into(), retry_after: None }
    }

    /// What was asked for is not there.
    pub(super) fn missing(report: impl Into<Report>) -> Self {
        Self { status: StatusCode::NOT_FOUND, report: report.into(), retry_after: None }
    }

    /// What was asked for cannot be read.
    pub(super) fn unreadable(error: UserError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// It may be asked again after a while.
    pub(super) fn later(status: StatusCode, seconds: u64, error: UserError) -> Self {
        Self { status, report: error.into(), retry_after: Some(seconds) }
    }

    /// As a page, or for a program that asks below `/api`.
    pub(super) fn answer(&self, path: &str) -> Response {
        let (kind, body) = if path.starts_with("/api/") { self.for_program() } else { self.for_reader() };
        let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
        let mut response = (self.status, headers, body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }

    fn for_reader(&self) -> (&'static str, String) {
        let (message, hint) = (error::in_a_line(&self.report), error::hint_for(&self.report));
        ("text/html; charset=utf-8", levee_pages::site::problem(self.title(), &message, hint))
    }

    fn for_program(&self) -> (&'static str, String) {
        let hint = error::hint_for(&self.report).map_or_else(String::new, |hint| format!("; {hint}"));
        let problem = ProblemJson {
            kind: "about:blank",
            title: self.title(),
            status: self.status.as_u16(),
            detail: format!("{}{hint}", error::in_a_line(&self.report)),
            error: error::to_json(&self.report).error,
        };
        // Texts and numbers are always written.
        let text = serde_json::to_string_pretty(&problem).unwrap_or_default();
        ("application/problem+json", escape::json(&text))
    }
}

/// What the caller can correct was not found; all else is the server's. Only the log has the text of what failed there, which may name hosts
/// and files.
impl From<Report> for Problem {
    fn from(report: Report) -> Self {
        if error::exit_code(&report) == error::EXIT_USER {
            return Self::missing(report);
        }
        tracing::error!(target: "serve", error = %error::in_a_line(&report), "a request failed");
        let is_lasting = report.chain().any(|cause| {
            cause.is::<levee::Error>()
                || matches!(
                    cause.downcast_ref(),
                    Some(IndexError::HistoryBroken { .. } | IndexError::Client(_))
                )
        });
        match is_lasting {
            true => Self { status: StatusCode::INTERNAL_SERVER_ERROR, report, retry_after: None },
            false => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                report: unreadable(),
                retry_after: Some(PAUSE),
            },
        }
    }
}

/// What strangers are told of a store that fails.
pub(super) fn unreadable() -> Report {
    eyre!("the index cannot be read now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault_it_is_decides_the_status() {
        let status = |report: Report| Problem::from(report).status.as_u16();
        assert_eq!(status(UserError::new("there is no page 9").into()), 404);
        assert_eq!(status(eyre!("the store is gone")), 503);
        assert_eq!(status(levee::Error::Malformed { what: "a log" }.into()), 500);
    }

    #[test]
    fn strangers_are_not_told_what_failed_inside() {
        let problem = Problem::from(eyre!("/var/lib/levee/index.db: disk I/O error"));
        for text in [problem.for_reader().1, problem.for_program().1] {
            assert!(text.contains("the index cannot be read now") && !text.contains("/var/lib"), "{text}");
        }
    }

    #[test]
    fn what_others_wrote_is_escaped() {
        let error = UserError::new("there is no `<script>\u{202e}`").hint("<b>");
        let problem = Problem::unreadable(error);
        let (kind, page) = problem.for_reader();
        assert!(kind.starts_with("text/html") && page.contains("&lt;script&gt;\\u{202e}`"), "{page}");
        assert!(page.contains("<p class=\"note\">&lt;b&gt;</p>"), "{page}");
        let (kind, text) = problem.for_program();
        assert!(kind == "application/problem+json" && text.contains("\\u202e"), "{text}");
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&problem["status"], &problem["error"]["kind"]), (&400.into(), &"UserError".into()));
        assert_eq!(problem["detail"], "there is no `<script>\u{202e}`; <b>");
    }
}
