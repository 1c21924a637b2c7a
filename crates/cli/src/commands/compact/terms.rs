//! The file of a compact's terms: written, checked and shown without a node.

use std::path::PathBuf;

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::text::{CompactFile, compact};
use levee_model::{CompactTerms, json::Account};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::{
    escape, file,
    output::{self, Output},
    percent, table, time, warnings,
};

/// Arguments of `levee compact new`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  levee compact new compact.toml")]
pub(crate) struct NewArgs {
    /// File to write, which must not exist; default: stdout.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Arguments of `levee compact check` and `levee compact show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  levee compact check compact.toml
  levee compact show compact.toml --json")]
pub(crate) struct FileArgs {
    /// File of the terms (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// The result of `levee compact check` and `levee compact show`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CompactShown {
    /// Where the compact is, or will be.
    #[serde(with = "Account")]
    address: Address,
    #[serde(flatten)]
    file: CompactFile,
    /// What the contract accepts, but members may regret; or why the terms that are shown are not valid.
    warnings: Vec<String>,
}

impl NewArgs {
    pub(super) fn run(self, output: Output) -> Result<()> {
        let text = compact::template();
        match self.file {
            Some(path) => {
                file::create(&path, &text)?;
                let shown = escape::line(&path.display().to_string());
                let told = format!("wrote `{shown}`: fill it in, then `levee compact check {shown}`\n");
                output.result(&told, &json!({ "file": path }))
            }
            None if output.is_json() => output.result("", &json!({ "toml": text })),
            None => output::write_stdout(&text),
        }
    }
}

impl FileArgs {
    pub(super) fn check(self, output: Output) -> Result<()> {
        let file = CompactFile::read(&self.file)?;
        file.check()?;
        let shown = CompactShown::of(file, warnings::of_compact);
        let CompactShown { address, file, warnings } = &shown;
        output.warn(warnings);
        let text = format!("the terms are valid; the compact will be at {address} on chain {}\n", file.chain);
        output.result(&text, &shown)
    }

    pub(super) fn show(self, output: Output) -> Result<()> {
        let shown = CompactShown::of(CompactFile::read(&self.file)?, warnings::refusal_or_of_compact);
        output.warn(&shown.warnings);
        output.result(&shown.to_text(), &shown)
    }
}

impl CompactShown {
    fn of(file: CompactFile, warnings: fn(&CompactFile) -> Vec<String>) -> Self {
        Self { address: file.blueprint().address(), warnings: warnings(&file), file }
    }

    fn to_text(&self) -> String {
        let Self { address, file, .. } = self;
        let mut all = vec![
            ("address", format!("{address} on chain {}", file.chain)),
            ("contracts", format!("edition {}", file.edition)),
        ];
        all.extend(facts(&file.terms));
        table::facts(&all)
    }
}

/// All terms, to review before they bind.
pub(crate) fn facts(terms: &CompactTerms) -> Vec<(&'static str, String)> {
    let or_none = |address: Address| if address.is_zero() { "none".into() } else { address.to_string() };
    let days = |seconds: u32| time::duration(seconds.into());
    let admitter =
        if terms.admitter.is_zero() { "none: anyone may commit".into() } else { or_none(terms.admitter) };
    vec![
        ("wstETH", terms.wsteth.to_string()),
        ("admitter", admitter),
        ("quorum", format!("{} of everything active", percent::percent(terms.quorum))),
        ("a call takes", format!("at most {}", percent::percent(terms.max_call))),
        ("voting", days(terms.voting_period)),
        ("fulfillment", days(terms.fulfill_period)),
        ("between calls", time::duration(terms.spacing())),
        ("seasoning", days(terms.seasoning)),
        ("notice", format!("{}, then {} to leave", days(terms.notice_period), days(terms.leave_window))),
        ("a rescue needs", format!("a threshold of {} or more", percent::percent(terms.min_threshold))),
        ("  interest", format!("{} a year or more", percent::percent(terms.min_rate))),
        ("  objections", format!("{} or more", days(terms.min_objection_period))),
        ("  veto", format!("above 0 %, at most {}", percent::percent(terms.max_veto))),
        ("  exits", format!("{} or more", days(terms.min_exit_window))),
        ("  an end", format!("{} after the proposal, at most", days(terms.max_lock))),
        ("  guardian", or_none(terms.guardian)),
        ("escrow code", terms.escrow_code_hash.to_string()),
        ("terms hash", terms.terms_hash.to_string()),
    ]
}
