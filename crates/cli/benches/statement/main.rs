//! How long `levee statement` takes from an index in SQLite, process and output included. The last line is a figure and its unit: that of
//! the slowest form.

#[expect(dead_code, reason = "other benchmarks need the rest")]
#[path = "../../../index/benches/walk/mod.rs"]
mod walk;

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use levee_index::{Indexer, Step, Store};
use walk::{CHAIN, Walk};

/// How often each form is made; the median counts.
const RUNS: usize = 5;
/// How many pledges each pledger has made, on average.
const PLEDGES: u64 = 5;

async fn index(path: &Path, walk: Walk) -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::open(&path.display().to_string()).await?;
    let mut indexer = Indexer::new(walk, store.clone(), CHAIN, 0);
    while !matches!(indexer.step().await?, Step::UpToDate(_)) {}
    store.close().await;
    Ok(())
}

/// How long a run took, and how much it wrote.
fn run(arguments: &[&str]) -> Result<(Duration, usize), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_levee"));
    let output = command.args(arguments).stderr(Stdio::inherit()).output()?;
    let took = begun.elapsed();
    output.status.success().then_some((took, output.stdout.len())).ok_or_else(|| "it failed".into())
}

fn median(arguments: &[&str]) -> Result<(Duration, usize), Box<dyn std::error::Error>> {
    let mut runs = (0..RUNS).map(|_| run(arguments)).collect::<Result<Vec<_>, _>>()?;
    runs.sort_unstable();
    Ok(runs[RUNS / 2])
}

#[expect(clippy::print_stdout, reason = "it is what a benchmark is for")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pledgers = env::var("PLEDGERS").map_or(Ok(10_000), |pledgers| pledgers.parse::<u64>())?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("index.db");
    let walk = Walk::new(pledgers * PLEDGES);
    let (rescue, store) = (walk.rescue().to_string(), path.display().to_string());
    index(&path, walk).await?;
    println!("{} pledges by {pledgers} accounts", pledgers * PLEDGES);
    let mut slowest = Duration::ZERO;
    for form in ["", "--json", "--csv", "--markdown"] {
        let mut arguments = vec!["statement", "--rescue", &rescue, "--store", &store];
        arguments.extend((!form.is_empty()).then_some(form));
        let (took, written) = median(&arguments)?;
        let name = if form.is_empty() { "text" } else { form };
        println!("{name}: {:.2} s, {} kB", took.as_secs_f64(), written / 1_000);
        slowest = slowest.max(took);
    }
    println!("{:.2} s", slowest.as_secs_f64());
    Ok(())
}
