//! The two channels: the result goes to stdout, everything else to stderr. With `--json` the form changes,
//! the channel does not. Colors are left to anstream.

use std::io::{self, IsTerminal, Write};

use eyre::{Report, Result, WrapErr};
use serde::Serialize;

use crate::{error, escape};

/// Where a command writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    /// Writes JSON if `json`, otherwise text; no progress and explanations if `quiet`.
    pub(crate) const fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Whether results and errors are JSON.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Whether somebody is watching who wants to know what the command waits for.
    pub(crate) fn shows_progress(self) -> bool {
        !self.json && !self.quiet && io::stderr().is_terminal()
    }

    /// The result of a command: `text`, which ends in `\n`, or `value` as one JSON document.
    pub(crate) fn result(self, text: &str, value: &impl Serialize) -> Result<()> {
        if self.json {
            return write(&escape::json(&format!("{}\n", serde_json::to_string_pretty(value)?)));
        }
        write_stdout(text)
    }

    /// One of many results, as they come: a note, or `value` as one line of JSON on stdout.
    pub(crate) fn event(self, text: &str, value: &impl Serialize) -> Result<()> {
        self.note(text);
        if self.json { write(&escape::json(&format!("{}\n", serde_json::to_string(value)?))) } else { Ok(()) }
    }

    /// Progress and explanations: `text` and a newline. Silent with `--json`.
    pub(crate) fn note(self, text: &str) {
        if !self.json && !self.quiet {
            write_stderr(&escape::text(&format!("{text}\n")));
        }
    }

    /// What must be known before anything is signed, so that it is never silent: `text`, which ends in `\n`, or `value` as one
    /// line of JSON.
    pub(crate) fn tell(self, text: &str, value: &impl Serialize) {
        // Texts and numbers are always written.
        let json = || format!("{}\n", serde_json::to_string(value).unwrap_or_default());
        write_stderr(&if self.json { escape::json(&json()) } else { escape::text(text) });
    }

    /// What a person must do elsewhere for the command to go on. At a terminal, it is never silent; elsewhere, as a note.
    pub(crate) fn ask(self, text: &str) {
        if io::stderr().is_terminal() {
            write_stderr(&escape::text(&format!("{text}\n")));
        } else {
            self.note(text);
        }
    }

    /// Prints a warning about something that is allowed but unwise.
    pub(crate) fn warn(self, warnings: &[String]) {
        let style = anstyle::AnsiColor::Yellow.on_default().bold();
        for warning in warnings.iter().filter(|_| !self.json) {
            write_stderr(&format!("{style}warning{style:#}: {}\n", escape::line(warning)));
        }
    }

    /// An error.
    pub(crate) fn error(self, report: &Report) {
        if self.json {
            write_stderr(&escape::json(&error_document(report)));
        } else {
            write_stderr(&error::to_text(report));
        }
    }
}

fn error_document(report: &Report) -> String {
    let written = serde_json::to_string_pretty(&error::to_json(report));
    // Texts and numbers are always written.
    format!("{}\n", written.unwrap_or_default())
}

/// Writes to stdout, with what could move the cursor escaped.
pub(crate) fn write_stdout(text: &str) -> Result<()> {
    write(&escape::text(text))
}

/// Writes to stdout unchanged, including colors: for the command's own text. A reader that closes early, as
/// in `levee status | head -1`, got what it wanted.
pub(crate) fn write(text: &str) -> Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.wrap_err("the result cannot be written"),
    }
}

/// Writes to stderr unchanged. If stderr is closed, there is no one left to tell.
pub(crate) fn write_stderr(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _gone = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
