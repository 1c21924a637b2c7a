//! `levee report`: the page of a rescue, as one file.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{Declared, Entry, History};
use levee_model::json::Account;
use levee_pages::RescuePage;
use schemars::JsonSchema;
use serde::Serialize;

use super::declarations::Reading;
use crate::{error::UserError, event::counted, file, history::HistoryArgs, output::Output};

/// The rescue, and where its page goes.
#[derive(Debug, Args)]
#[command(after_help = "\
The page is one file that needs no script, no server and no network: what is locked against the target, by \
what it may be used for; what is only said; the thresholds and what they need; payments, acts of the \
guardian, contributors; and the commands that check it. With an index, no node is asked; the value of stETH \
before a rescue is decided is then not known.

Examples:
  levee report --rescue 0x… --html rescue.html --rpc-url https://node.example
  levee report --rescue 0x… --html rescue.html --store index.db")]
pub(crate) struct ReportArgs {
    /// File to write the page to, as HTML; one that is there is replaced.
    #[arg(long, value_name = "FILE")]
    html: PathBuf,

    /// Page of the contributors, who are listed by the value of what they pledged.
    #[arg(long, value_name = "N", default_value = "1")]
    page: NonZeroUsize,

    #[command(flatten)]
    history: HistoryArgs,
}

/// The result of `levee report`.
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

impl ReportArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        file::require_directory_of(&self.html)?;
        let (history, declarations) = self.history.read_with_declarations().await?;
        let declarations = self.declarations(&history, declarations, output).await?;
        let names = BTreeMap::new();
        let page = RescuePage::new(&history, Some(&declarations), &names)?;
        let (number, pages) = (self.page.get(), page.pages());
        if number > pages {
            let message =
                format!("there is no page {number}: the contributors take {}", counted(pages, "page"));
            return Err(UserError::new(message).hint("choose one of these with `--page`").into());
        }
        file::replace(&self.html, &page.document(number))?;
        let History { chain, block, address: rescue, .. } = history;
        let html = self.html.as_path();
        let text = format!(
            "wrote page {number} of {pages} about the rescue {rescue}, at block {}, to {}\n",
            block.number,
            html.display()
        );
        output.result(&text, &Reported { rescue, chain, block: block.number, html, page: number, pages })
    }

    /// All declarations for the rescue up to its block: those of the index, or else the node's.
    async fn declarations(
        &self,
        history: &History,
        of_index: Option<Vec<Entry>>,
        output: Output,
    ) -> Result<Vec<Declared>> {
        let mut declared = match of_index {
            Some(entries) => entries.iter().filter_map(|entry| entry.event.declared().cloned()).collect(),
            None => {
                let connection = self.history.network.connect_on(history.chain).await?;
                Reading::default().read(&connection, history.address, output).await?
            }
        };
        declared.retain(|one| one.made_at <= history.block.time);
        Ok(declared)
    }
}
