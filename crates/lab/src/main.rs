//! `levee-lab`: checks of Levee's bytecode in an in-process EVM, from the command line.

use alloy::primitives::{Address, Bytes};
use clap::{Parser, Subcommand};
use eyre::{Context, Result, bail};
use levee::bindings;
use levee_lab::{
    compact,
    faults::{self, Plan},
    fuzz::{self, Campaign},
    gas::{
        self,
        peers::{self, Peers},
        snapshot,
    },
    source::{self, Found},
    steth::{self, Recording},
    walk::{self, Builds, bytecode::Bytecode, model::Model},
};
use serde::Deserialize;
use std::{
    env, fs,
    io::{Write, stderr, stdout},
    num::NonZero,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Instant,
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
    /// Replay recorded walks through the rules of a rescue or of a compact, on the model and on the bytecode.
    Replay {
        /// The walks, as JSON.
        file: PathBuf,
    },
    /// Play random walks on the model and on the bytecode in lockstep.
    Fuzz {
        /// How many walks.
        #[arg(long, default_value_t = 2_000)]
        walks: u64,
        /// Steps of each walk.
        #[arg(long, default_value_t = 100)]
        steps: usize,
        /// Seed of the first walk; a fresh one each time by default.
        #[arg(long)]
        seed: Option<u64>,
        /// Where a walk that fails is written.
        #[arg(long, value_name = "DIR", default_value = "tests/fuzz/regressions")]
        failures: PathBuf,
        /// The artifact of another build of the escrow, as one with a seeded bug.
        #[arg(long, value_name = "FILE")]
        escrow: Option<PathBuf>,
        /// The artifact of another build of the recovery pool.
        #[arg(long, value_name = "FILE")]
        pool: Option<PathBuf>,
        /// The artifact of another build of the bonus pool.
        #[arg(long, value_name = "FILE")]
        bonus: Option<PathBuf>,
    },
    /// Play random walks of a compact and of its escrows on the model and on the bytecode in lockstep.
    FuzzCompact {
        /// How many walks.
        #[arg(long, default_value_t = 1_000)]
        walks: u64,
        /// Throws of each walk.
        #[arg(long, default_value_t = 100)]
        steps: usize,
        /// Seed of the first walk; a fresh one each time by default.
        #[arg(long)]
        seed: Option<u64>,
        /// Where a walk that fails is written.
        #[arg(long, value_name = "DIR", default_value = "tests/fuzz/compact")]
        failures: PathBuf,
        /// The artifact of another build of the compact, as one with a seeded bug.
        #[arg(long, value_name = "FILE")]
        compact: Option<PathBuf>,
    },
    /// Run the command `levee` behind nodes that fail and lie, kill it, repeat it, and check what became of it.
    Faults {
        /// How many runs.
        #[arg(long, default_value_t = 150)]
        runs: u64,
        /// Seed of the first run; a fresh one each time by default.
        #[arg(long)]
        seed: Option<u64>,
        /// A single run, as a campaign prints it.
        #[arg(long, value_name = "JSON", conflicts_with_all = ["runs", "seed"])]
        plan: Option<Plan>,
        /// Runs that once failed, one JSON a line, which are played first.
        #[arg(long, value_name = "FILE", conflicts_with = "plan")]
        plans: Option<PathBuf>,
        /// Report a run that fails as it was found, instead of the smallest like it.
        #[arg(long)]
        no_shrink: bool,
        /// How many runs at once; default: two for each core, because they often wait.
        #[arg(long)]
        workers: Option<usize>,
        /// The command; default: `levee` beside this program.
        #[arg(long, value_name = "FILE")]
        levee: Option<PathBuf>,
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
    /// Compile the contracts from source, and compare the code at an address with them. Needs `npm ci`.
    VerifySource {
        /// The address of an escrow, or of one of its pools.
        address: Address,
        /// A node, by http.
        #[arg(long, value_name = "URL", default_value = "http://localhost:8545")]
        rpc_url: String,
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
        Command::Fuzz { walks, steps, seed, failures, escrow, pool, bonus } => {
            let seed = seed.unwrap_or_else(fuzz::fresh_seed);
            builds(escrow.as_deref(), pool.as_deref(), bonus.as_deref())
                .map(|builds| Campaign { seed, walks, steps, failures, builds })
                .and_then(|campaign| report(seed, || Ok(campaign.run()?)))
        }
        Command::FuzzCompact { walks, steps, seed, failures, compact } => {
            let seed = seed.unwrap_or_else(fuzz::fresh_seed);
            let build =
                compact.map_or_else(|| Ok(bindings::Compact::BYTECODE.clone()), |file| init_code(&file));
            build.and_then(|build| {
                let campaign = compact::Campaign { seed, walks, steps, failures, build };
                report(seed, || Ok(campaign.run()?))
            })
        }
        Command::Faults { runs, seed, plan, plans, no_shrink, workers, levee } => {
            built(levee).and_then(|levee| {
                let seed = seed.unwrap_or_else(fuzz::fresh_seed);
                let workers =
                    workers.unwrap_or_else(|| 2 * thread::available_parallelism().map_or(1, NonZero::get));
                let campaign = faults::Campaign { levee, seed, runs, workers };
                match plan {
                    Some(plan) => replay_plan(&campaign, &plan),
                    None => fail(&campaign, plans.as_deref(), !no_shrink),
                }
            })
        }
        Command::Gas { check, write } => measure_gas(check.as_deref(), write.as_deref()),
        Command::VerifySource { address, rpc_url } => verify_source(&rpc_url, address),
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

fn verify_source(url: &str, address: Address) -> Result<()> {
    let Found { contract, source, immutables } = source::verify(url, address)?;
    writeln!(stdout(), "the code at {address} is the {contract} of {source}, with these immutables:")?;
    immutables.iter().try_for_each(|value| writeln!(stdout(), "  {value}"))?;
    Ok(())
}

fn replay_steth(file: &Path) -> Result<()> {
    let recording: Recording = serde_json::from_str(&text_of(file)?)
        .wrap_err_with(|| format!("`{}` is not a recording", file.display()))?;
    let steth::Summary { steps, paused_calls } = steth::replay(&recording)?;
    writeln!(stdout(), "replayed {steps} steps and {paused_calls} paused calls: all equal")?;
    Ok(())
}

fn replay_walks(file: &Path) -> Result<()> {
    let text = text_of(file)?;
    let no_walks = || format!("`{}` is not a file of walks", file.display());
    // Walks of a compact have other terms, so that no file is both.
    let tally = if let Ok(walks) = compact::read(&text) {
        compact::replay_all::<compact::model::Model>(&walks).wrap_err("model")?;
        compact::replay_all::<compact::bytecode::Bytecode>(&walks).wrap_err("bytecode")?
    } else {
        let walks = walk::read(&text).wrap_err_with(no_walks)?;
        walk::replay_all::<Model>(&walks).wrap_err("model")?;
        walk::replay_all::<Bytecode>(&walks).wrap_err("bytecode")?
    };
    writeln!(stdout(), "replayed {} walks, {} steps: model and bytecode agree", tally.walks, tally.steps())?;
    Ok(())
}

/// Plays a campaign, and tells what it played.
fn report(seed: u64, run: impl FnOnce() -> Result<fuzz::Report>) -> Result<()> {
    let start = Instant::now();
    let report = run()?;
    let (walks, steps, seconds) = (report.walks, report.mix.steps(), start.elapsed().as_secs());
    writeln!(stdout(), "{}", report.mix)?;
    writeln!(stdout(), "{walks} walks from seed {seed}, {steps} steps in {seconds} s: all equal")?;
    Ok(())
}

/// Plays one plan.
fn replay_plan(campaign: &faults::Campaign, plan: &Plan) -> Result<()> {
    match campaign.replay(plan)? {
        Some(wrong) => bail!("{wrong}\nit is: make faults PLAN='{plan}'"),
        None => Ok(writeln!(stdout(), "it ends as it should")?),
    }
}

/// Plays a campaign, after the plans of a file. What is found is told before its smallest form is looked for.
fn fail(campaign: &faults::Campaign, plans: Option<&Path>, shrinks: bool) -> Result<()> {
    for line in plans.map(text_of).transpose()?.unwrap_or_default().lines() {
        let plan = line.parse().wrap_err_with(|| format!("`{line}` is no plan"))?;
        replay_plan(campaign, &plan)?;
    }
    let start = Instant::now();
    let report = match campaign.run()? {
        Ok(report) => report,
        Err(finding) if shrinks => {
            writeln!(stderr(), "{finding}\nlooking for the smallest run like it")?;
            match campaign.shrunk(&finding)? {
                Some(smallest) => bail!("{smallest}"),
                None => bail!("played again, it ends as it should: {finding}"),
            }
        }
        Err(finding) => bail!("{finding}"),
    };
    let (runs, processes, seconds, seed) =
        (report.runs, report.processes, start.elapsed().as_secs(), campaign.seed);
    writeln!(
        stdout(),
        "{runs} runs from seed {seed}, {processes} processes in {seconds} s: each has one effect"
    )?;
    Ok(())
}

/// The command to be run: `given`, or what was built beside this program.
fn built(given: Option<PathBuf>) -> Result<PathBuf> {
    let levee = given.map_or_else(|| env::current_exe().map(|lab| lab.with_file_name("levee")), Ok)?;
    let found = levee.canonicalize();
    found.wrap_err_with(|| {
        format!("`{}` is not there; build it with `cargo build --workspace`", levee.display())
    })
}

/// The checked in builds, but for those that files give.
fn builds(escrow: Option<&Path>, pool: Option<&Path>, bonus: Option<&Path>) -> Result<Builds> {
    let mut builds = Builds::default();
    if let Some(file) = escrow {
        builds.escrow = init_code(file)?;
    }
    if let Some(file) = pool {
        builds.pool = init_code(file)?;
    }
    if let Some(file) = bonus {
        builds.bonus = init_code(file)?;
    }
    Ok(builds)
}

fn init_code(file: &Path) -> Result<Bytes> {
    let no_artifact = || format!("`{}` is not an artifact", file.display());
    let artifact: Artifact = serde_json::from_str(&text_of(file)?).wrap_err_with(no_artifact)?;
    Ok(artifact.bytecode)
}

/// What is read of an artifact.
#[derive(Debug, Deserialize)]
struct Artifact {
    bytecode: Bytes,
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
