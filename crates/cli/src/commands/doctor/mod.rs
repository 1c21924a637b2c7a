//! `levee doctor`: whether everything that a command needs is there and works, before money depends on it.

mod chain;
mod machine;

use std::fmt::{self, Display};

use clap::Args;
use eyre::{Report, Result, eyre};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    account::AccountArgs,
    connection::{NetworkArgs, RescueArgs},
    error::{self, EXIT_USER, UserError},
    escape,
    output::Output,
    signing::JournalArgs,
    table,
};

/// Arguments of `levee doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Looks at this machine, at each node, at the chain, and, if they are given, at an account and a rescue. Asks for no password, signs \
nothing, and sends nothing.

Examples:
  levee doctor --rpc-url https://node.example
  levee doctor --account treasury --terms rescue.toml")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    account: AccountArgs,

    #[command(flatten)]
    rescue: RescueArgs,

    #[command(flatten)]
    journal: JournalArgs,
}

/// The result of `levee doctor`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Checkup {
    checks: Vec<Check>,
    /// The exit code of the worst failure.
    #[serde(skip)]
    code: u8,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
struct Check {
    /// What was looked at; the names are stable.
    subject: &'static str,
    state: State,
    /// What was found.
    finding: String,
    /// What to do about it.
    hint: Option<String>,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It works.
    Ok,
    /// Something is missing that not every command needs.
    Warning,
    /// Commands that need it will fail.
    Failed,
}

impl DoctorArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let mut checkup = Checkup::default();
        machine::look(&mut checkup, &self.journal).await;
        chain::look(&mut checkup, &self).await;
        checkup.report(output)
    }
}

impl Checkup {
    fn ok(&mut self, subject: &'static str, finding: impl Display) {
        self.add(subject, State::Ok, finding, None);
    }

    fn warn(&mut self, subject: &'static str, finding: impl Display, hint: &str) {
        self.add(subject, State::Warning, finding, Some(hint.to_owned()));
    }

    fn fail(&mut self, subject: &'static str, report: &Report) {
        self.code = self.code.max(error::exit_code(report));
        let hint = error::hint_for(report).map(str::to_owned);
        self.add(subject, State::Failed, error::in_a_line(report), hint);
    }

    /// Something that is in order if it could be found out.
    fn found<T: Display>(&mut self, subject: &'static str, found: Result<T>) {
        match found {
            Ok(finding) => self.ok(subject, finding),
            Err(report) => self.fail(subject, &report),
        }
    }

    fn add(&mut self, subject: &'static str, state: State, finding: impl Display, hint: Option<String>) {
        self.checks.push(Check { subject, state, finding: finding.to_string(), hint });
    }

    fn report(&self, output: Output) -> Result<()> {
        let lines: Vec<_> = self.checks.iter().map(Check::line).collect();
        output.result(&table::render(["", "", ""], &lines), self)?;
        let failed = self.checks.iter().filter(|check| check.state == State::Failed).count();
        let message = format!("{failed} of {} checks failed", self.checks.len());
        match self.code {
            0 => Ok(()),
            EXIT_USER => Err(UserError::new(message).hint("the list above says what to do").into()),
            _ => Err(eyre!(message)),
        }
    }
}

impl Check {
    fn line(&self) -> [String; 3] {
        let hint = self.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        [self.state.to_string(), self.subject.to_owned(), escape::line(&format!("{}{hint}", self.finding))]
    }
}

impl Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        })
    }
}
