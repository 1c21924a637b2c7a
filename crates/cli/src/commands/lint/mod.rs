//! `levee lint`: what is wrong with scenarios, offers and signed declarations, before anybody adds them up.
//!
//! | file | question |
//! |---|---|
//! | [`finding`] | what is a finding? |
//! | [`amount`] | is an amount in the unit that is meant? |
//! | [`offers`], [`scenario`], [`declaration`] | what is wrong with a file of this kind? |
//! | [`against`] | does it fit the rescue? |
//! | [`statement`] | is the same said twice? |

mod against;
mod amount;
mod declaration;
mod finding;
mod offers;
mod scenario;
mod statement;

use std::path::{Path, PathBuf};

use clap::Args;
use eyre::Result;
use levee_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{
    against::Against,
    finding::{Finding, Severity},
    statement::Statement,
};
use crate::{document::Document, error::UserError, history::HistoryArgs, output::Output, time};

/// Arguments of `levee lint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads scenarios of `levee rehearse`, files of offers (as for `levee what-if`) and signed declarations (`levee declare --sign`), and \
names whatever would make their sum wrong: what is said or counted twice, loans among grants, amounts in the wrong unit or without \
one, statements without an amount or out of date, and terms that are not those of the rescue. The exit code is 1 if there are errors, \
and 0 if there are only warnings.

No node is asked unless `--rescue` is given.

Examples:
  levee lint scenarios/*.toml
  levee lint offers.toml --terms rescue.toml
  levee lint offers.toml signed.json --rescue 0x… --rpc-url https://node.example --json")]
pub(crate) struct LintArgs {
    /// Files: scenarios and offers (TOML), and signed declarations (JSON).
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// When statements must still be valid, such as `2026-08-01T00:00:00Z`; default: now.
    #[arg(long, value_name = "TIME", value_parser = time::parse_time)]
    at: Option<Timestamp>,

    #[command(flatten)]
    history: HistoryArgs,
}

/// The result of `levee lint`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Linted {
    files: usize,
    errors: usize,
    warnings: usize,
    findings: Vec<Finding>,
}

/// What a file says, and what is wrong with it by itself.
#[derive(Debug, Default)]
struct Read {
    findings: Vec<Finding>,
    statements: Vec<Statement>,
}

impl LintArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let against = Against::read(&self.history).await?;
        let now = self.at.unwrap_or_else(time::clock);
        let linted = Linted::of(&self.files, against.as_ref(), now);
        output.result(&linted.to_text(), &linted)?;
        match linted.errors {
            0 => Ok(()),
            1 => Err(wrong("1 error was found")),
            count => Err(wrong(&format!("{count} errors were found"))),
        }
    }
}

fn wrong(message: &str) -> eyre::Report {
    UserError::new(message).hint("correct what is named above").into()
}

impl Linted {
    fn of(files: &[PathBuf], against: Option<&Against>, now: Timestamp) -> Self {
        let mut all = Read::default();
        for file in files {
            let read = lint(file, against, now);
            all.findings.extend(read.findings);
            all.statements.extend(read.statements);
        }
        all.findings.extend(statement::said_twice(&all.statements));
        let count = |severity| all.findings.iter().filter(|finding| finding.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        Self { files: files.len(), errors, warnings, findings: all.findings }
    }

    fn to_text(&self) -> String {
        let findings: String = self.findings.iter().map(Finding::to_text).collect();
        let counted =
            |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let Self { files, errors, warnings, .. } = *self;
        let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
        format!("{findings}{errors} and {warnings} in {}\n", counted(files, "file"))
    }
}

/// Reads one file. Whatever is wrong with it is a finding.
fn lint(file: &Path, against: Option<&Against>, now: Timestamp) -> Read {
    let read = match file.extension().is_some_and(|extension| extension == "json") {
        true => declaration::lint(file, against, now),
        false => Document::read(file).and_then(|document| lint_document(&document, against, now)),
    };
    read.unwrap_or_else(|error| Read { findings: vec![Finding::unreadable(file, &error)], ..Read::default() })
}

/// The key that a scenario has and a file of offers has not.
#[derive(Debug, Deserialize)]
struct Shape {
    terms: Option<toml::Table>,
}

fn lint_document(document: &Document, against: Option<&Against>, now: Timestamp) -> Result<Read, UserError> {
    match document.parse::<Shape>()?.terms {
        Some(_) => scenario::lint(document, against),
        None => offers::lint(document, against, now),
    }
}

#[cfg(test)]
mod tests {
    use super::{finding::Kind, *};

    #[test]
    fn the_scenarios_of_the_project_are_clean() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
        assert_eq!(files.len(), 11);
        let linted = Linted::of(&files, None, 0);
        assert_eq!(linted.to_text(), "0 errors and 0 warnings in 11 files\n");
    }

    #[test]
    fn what_cannot_be_read_is_a_finding_with_its_line() {
        let directory = tempfile::tempdir().unwrap();
        let [toml, json] = ["offers.toml", "signed.json"].map(|name| directory.path().join(name));
        std::fs::write(&toml, "tier_names = []\nname = 1\n").unwrap();
        std::fs::write(&json, "{}").unwrap();
        let files = [toml, json, directory.path().join("none.toml")];
        let linted = Linted::of(&files, None, 0);
        let found: Vec<_> = linted.findings.iter().map(|one| (one.kind, one.line)).collect();
        assert_eq!(found, [(Kind::Unreadable, Some(2)), (Kind::Unreadable, None), (Kind::Unreadable, None)]);
        assert!(linted.to_text().ends_with("3 errors and 0 warnings in 3 files\n"));
    }
}
