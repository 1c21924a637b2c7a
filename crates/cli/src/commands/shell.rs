//! `levee completions` and `levee man`: files for shells and manual readers, generated from the command itself.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::Man;
use eyre::Result;
use serde_json::json;

use crate::{
    cli::Cli,
    error::UserError,
    output::{self, Output},
};

/// Arguments of `levee completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  levee completions bash > ~/.local/share/bash-completion/completions/levee
  levee completions zsh > ~/.zfunc/_levee
  levee completions fish > ~/.config/fish/completions/levee.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Arguments of `levee man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  levee man | man -l -
  levee man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Directory for the pages of all commands; default: only the page of `levee`, on stdout.
    #[arg(value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl CompletionsArgs {
    /// Runs the command.
    pub(crate) fn run(self, output: Output) -> Result<()> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "levee", &mut script);
        written(output, &String::from_utf8(script)?)
    }
}

impl ManArgs {
    /// Runs the command.
    pub(crate) fn run(self, output: Output) -> Result<()> {
        if let Some(directory) = self.directory {
            return all_pages(output, &directory);
        }
        let mut page = Vec::new();
        Man::new(Cli::command()).render(&mut page)?;
        written(output, &String::from_utf8(page)?)
    }
}

/// Writes text for other programs unchanged.
fn written(output: Output, text: &str) -> Result<()> {
    if output.is_json() { output.result("", &json!({ "text": text })) } else { output::write(text) }
}

fn all_pages(output: Output, directory: &Path) -> Result<()> {
    let written =
        std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
    let shown = directory.display().to_string();
    written.map_err(|error| {
        UserError::new(format!("the pages cannot be written to `{shown}`: {error}")).hint("check the path")
    })?;
    output.result(&format!("wrote the manual pages to `{shown}`\n"), &json!({ "directory": shown }))
}
