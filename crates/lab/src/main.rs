//! `levee-lab`: checks of Levee's bytecode in an in-process EVM, from the command line.

use clap::{Parser, Subcommand};
use eyre::{Context, Result, bail};
use levee_lab::{
    gas::{
        self,
        peers::{self, Peers},
        snapshot,
    },
    steth::{self, Recording},
    walk::{self, bytecode::Bytecode, model::Model},
};
use std::{
    fs,
    io::{Write, stderr, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Checks Levee's bytecode in an in-process EVM: replays recordings, measures gas.
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
    /// Replay recorded walks through the rules of a rescue, on the model and on the bytecode.
    Replay {
        /// The walks, as JSON.
        file: PathBuf,
    },
    /// Measure the gas of the escrow's calls, one figure a line.
    Gas {
        /// Compare exactly with this file.
        #[arg(long, value_name = "FILE", conflicts_with = "write")]
        check: Option<PathBuf>,
        /// Write this file.
        #[arg(long, value_name = "FILE")]
        write: Option<PathBuf>,
    },
    /// Measure Levee beside OpenZeppelin's RefundEscrow and RefundableCrowdsale, as a table.
    GasPeers {
        /// Their creation code, as `tools/peers/compile.mjs` prints it.
        code: PathBuf,
        /// A page that must have just this table.
        #[arg(long, value_name = "FILE")]
        check: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::ReplaySteth { file } => replay_steth(&file),
        Command::Replay { file } => replay_walks(&file),
        Command::Gas { check, write } => measure_gas(check.as_deref(), write.as_deref()),
        Command::GasPeers { code, check } => measure_peers(&code, check.as_deref()),
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
    let recording: Recording = serde_json::from_str(&text_of(file)?)
        .wrap_err_with(|| format!("`{}` is not a recording", file.display()))?;
    let steth::Summary { steps, paused_calls } = steth::replay(&recording)?;
    writeln!(stdout(), "replayed {steps} steps and {paused_calls} paused calls: all equal")?;
    Ok(())
}

fn replay_walks(file: &Path) -> Result<()> {
    let walks = walk::read(&text_of(file)?)
        .wrap_err_with(|| format!("`{}` is not a file of walks", file.display()))?;
    walk::replay_all::<Model>(&walks).wrap_err("model")?;
    let tally = walk::replay_all::<Bytecode>(&walks).wrap_err("bytecode")?;
    writeln!(stdout(), "replayed {} walks, {} steps: model and bytecode agree", tally.walks, tally.steps())?;
    Ok(())
}

/// Prints the figures; fails with every one that is not as it should be.
fn measure_gas(check: Option<&Path>, write: Option<&Path>) -> Result<()> {
    let figures = gas::measure()?;
    let text = snapshot::render(&figures);
    write!(stdout(), "{text}")?;
    if let Some(file) = write {
        fs::write(file, text).wrap_err_with(|| format!("cannot write `{}`", file.display()))?;
    }
    let mut faults = snapshot::violations(&figures);
    if let Some(file) = check {
        faults.extend(snapshot::differences(&figures, &snapshot::parse(&text_of(file)?)?));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let list: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    bail!("the figures are not as they should be:{list}")
}

/// Prints the table; fails if the page has another.
fn measure_peers(code: &Path, check: Option<&Path>) -> Result<()> {
    let peers: Peers = serde_json::from_str(&text_of(code)?)
        .wrap_err_with(|| format!("`{}` is not the peers' code", code.display()))?;
    let table = peers::table(&peers)?;
    write!(stdout(), "{table}")?;
    match check {
        Some(page) if !text_of(page)?.contains(&table) => {
            bail!("`{}` does not have this table: put it there", page.display())
        }
        _ => Ok(()),
    }
}

fn text_of(file: &Path) -> Result<String> {
    fs::read_to_string(file).wrap_err_with(|| format!("cannot read `{}`", file.display()))
}
