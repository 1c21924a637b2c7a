//! `levee report`: the page of a rescue, as one file, for a forum or for a program.

mod markdown;

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{Declared, History, board::Compared, compact::CompactHistory, text::Hole};
use levee_model::{PledgerView, json::Account};
use levee_pages::{Basis, CompactPage, Holes, Place, RescuePage};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    declarations::{self, Declarations, against_history},
    pledgers,
};
use crate::{
    address,
    documents::DocumentArgs,
    error::UserError,
    event::counted,
    file,
    history::HistoryArgs,
    output::{self, Output},
    page::{Page, RescueJson},
    spreadsheet,
};

/// The rescue, and where its page goes.
#[derive(Debug, Args)]
#[command(after_help = "\
The page is one file that needs no script, no server and no network: what is locked against the target, by \
what it may be used for; what is only said; the thresholds and what they need; payments, acts of the \
guardian, contributors; and the commands that check it. With an index, no node is asked; the value of stETH \
before a rescue is decided is then not known.

With `--markdown` or `--json`, the same goes to stdout. With `--csv`, the contributors do, all of them in the order of the page, as \
`levee pledgers --csv` writes them.

Examples:
  levee report --rescue 0x… --html rescue.html --rpc-url https://node.example
  levee report --rescue 0x… --markdown --store index.db
  levee report --rescue 0x… --csv --store index.db
  levee report --rescue 0x… --html rescue.html --store index.db
  levee report --compact 0x… --html compact.html --store index.db")]
pub(crate) struct ReportArgs {
    /// File to write the page to, as HTML; one that is there is replaced.
    #[arg(long, value_name = "FILE", conflicts_with = "markdown")]
    html: Option<PathBuf>,

    /// Write Markdown, for a forum.
    #[arg(long, help_heading = "Output")]
    markdown: bool,

    /// Write all contributors, a line for each position and debt, for a spreadsheet.
    #[arg(long, conflicts_with_all = ["html", "markdown"], help_heading = "Output")]
    csv: bool,

    /// The page of this compact, instead of a rescue's, as HTML.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse, requires = "html", conflicts_with_all = ["rescue", "terms", "page", "document"])]
    compact: Option<Address>,

    /// Page of the contributors, who are listed by the value of what they pledged.
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "csv")]
    page: NonZeroUsize,

    #[command(flatten)]
    documents: DocumentArgs,

    #[command(flatten)]
    history: HistoryArgs,
}

/// The result of `levee report --html`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Reported<'a> {
    #[serde(with = "Account")]
    rescue: Address,
    chain: u64,
    /// The page tells the rescue at the end of this block.
    block: u64,
    /// The file that was written.
    html: &'a Path,
    /// The page of the contributors, and how many there are.
    page: usize,
    pages: usize,
}

/// The result of `levee report --compact --html`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReportedCompact<'a> {
    #[serde(with = "Account")]
    compact: Address,
    chain: u64,
    /// The page tells the compact at the end of this block.
    block: u64,
    /// The file that was written.
    html: &'a Path,
}

/// What `levee report --json` tells where no file is written: what is on the page.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportJson<'a> {
    #[serde(flatten)]
    state: RescueJson<'a>,
    /// What the target in force is the net of, by its document; null without `--document`.
    hole: Option<&'a Hole>,
    /// What was declared and stands, compared with what is locked.
    declared: Declarations<'a>,
    /// A page of those who have something in it, by the value of what they pledged, the largest first.
    pledgers: &'a [PledgerView],
    /// The page, from 1, and how many there are.
    page: usize,
    pages: usize,
}

/// Everything that a report tells.
#[derive(Debug)]
struct Report<'a> {
    state: Page,
    hole: Option<&'a Hole>,
    compared: &'a [Compared],
    pledgers: &'a [PledgerView],
    page: usize,
    pages: usize,
    count: usize,
}

impl Report<'_> {
    fn to_json(&self) -> ReportJson<'_> {
        let declared = declarations::to_json(self.compared, self.state.address);
        let Self { hole, pledgers, page, pages, .. } = *self;
        ReportJson { state: self.state.to_json(), hole, declared, pledgers, page, pages }
    }
}

impl ReportArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        self.check_form(output)?;
        self.html.as_deref().map_or(Ok(()), file::require_directory_of)?;
        if self.csv {
            return table(&self.history.read().await?);
        }
        if let (Some(compact), Some(html)) = (self.compact, &self.html) {
            return write_compact(html, &self.history.read_compact(compact).await?, output);
        }
        let (history, entries) = self.history.read_with_declarations(output).await?;
        let declarations = declarations::declared(&entries);
        let holes = self.documents.holes_of(&history)?;
        let basis = Basis::of(&history)?;
        let (number, pages) = (self.page.get(), basis.pages());
        if number > pages {
            let message =
                format!("there is no page {number}: the contributors take {}", counted(pages, "page"));
            return Err(UserError::new(message).hint("choose one of these with `--page`").into());
        }
        match &self.html {
            Some(html) => write(html, &history, (&declarations, &holes), (number, pages), output),
            None => tell(&history, &basis, (&declarations, &holes), (number, pages), output),
        }
    }

    /// A report has one form.
    fn check_form(&self, output: Output) -> Result<(), UserError> {
        if (self.markdown || self.csv) && output.is_json() {
            return Err(UserError::new("a report has one form: HTML, Markdown, CSV or JSON")
                .hint("give one of `--html`, `--markdown`, `--csv` and `--json`"));
        }
        if self.html.is_none() && !self.markdown && !self.csv && !output.is_json() {
            return Err(UserError::new("the report needs a form")
                .hint("give one of `--html FILE`, `--markdown`, `--csv` and `--json`"));
        }
        Ok(())
    }
}

/// Writes all contributors to stdout, the largest first.
fn table(history: &History) -> Result<()> {
    let Basis { models, ranking } = Basis::of(history)?;
    let all = models.pledgers_among(history.moment(), ranking);
    output::write_stdout(&spreadsheet::document(all.iter().flat_map(pledgers::rows))?)
}

/// Writes the page to a file.
fn write(
    html: &Path,
    history: &History,
    (declarations, holes): (&[Declared], &Holes),
    (page, pages): (usize, usize),
    output: Output,
) -> Result<()> {
    let names = BTreeMap::new();
    let document = RescuePage::new(history, Some(declarations), &names)?.with_holes(holes).document(page);
    file::replace(html, &document)?;
    let History { chain, block, address: rescue, .. } = *history;
    let text = format!(
        "wrote page {page} of {pages} about the rescue {rescue}, at block {}, to {}\n",
        block.number,
        html.display()
    );
    output.result(&text, &Reported { rescue, chain, block: block.number, html, page, pages })
}

/// Writes the page of a compact to a file.
fn write_compact(html: &Path, history: &CompactHistory, output: Output) -> Result<()> {
    file::replace(html, &CompactPage::new(history, Place::File).document())?;
    let (compact, block, chain) = (history.compact.address(), history.block.number, history.chain);
    let text = format!("wrote a page about the compact {compact}, at block {block}, to {}\n", html.display());
    output.result(&text, &ReportedCompact { compact, chain, block, html })
}

/// Writes the same to stdout.
fn tell(
    history: &History,
    basis: &Basis,
    (declarations, holes): (&[Declared], &Holes),
    (page, pages): (usize, usize),
    output: Output,
) -> Result<()> {
    let state = Page::of_history(history, &basis.models, history.edition()?);
    let compared = against_history(history, declarations);
    let pledgers = basis.models.pledgers_among(history.moment(), basis.listed(page));
    let count = basis.ranking.len();
    let hole = holes.get(&state.view.terms.terms_hash);
    let report = Report { state, hole, compared: &compared, pledgers: &pledgers, page, pages, count };
    output.result(&report.to_markdown(), &report.to_json())
}
