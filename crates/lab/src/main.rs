//! `levee-lab`: checks of Levee's bytecode in an in-process EVM, from the command line.

use clap::{Parser, Subcommand};
use eyre::{Context, Result};
use levee_lab::steth::{self, Recording};
use std::{
    fs,
    io::{Write, stderr, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Replays recordings against Levee's bytecode in an in-process EVM.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay a recording of the real Lido contracts against the test model of them.
    ReplaySteth {
        /// The recording, as JSON.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::ReplaySteth { file } => replay_steth(&file),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell it to when stderr is gone.
            let _ = writeln!(stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn replay_steth(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).wrap_err_with(|| format!("cannot read `{}`", file.display()))?;
    let recording: Recording =
        serde_json::from_str(&text).wrap_err_with(|| format!("`{}` is not a recording", file.display()))?;
    let steth::Summary { steps, paused_calls } = steth::replay(&recording)?;
    writeln!(stdout(), "replayed {steps} steps and {paused_calls} paused calls: all equal")?;
    Ok(())
}
