//! How long it takes to index pledges into a file of SQLite, and how much memory. The last line is a figure and its unit.

#[expect(dead_code, reason = "other benchmarks need the rest")]
mod walk;

use std::{env, fs, hint::black_box, time::Instant};

use levee_index::{Indexer, Step, Store};
use walk::{CHAIN, Walk};

/// The most memory that this process has had, in MB.
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1_000
}

#[expect(clippy::print_stdout, reason = "it is what a benchmark is for")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let events = env::var("EVENTS").map_or(Ok(100_000), |events| events.parse())?;
    let generating = Instant::now();
    let walk = Walk::new(events);
    (0..=walk.head()).for_each(|number| drop(black_box(walk.of_block(number))));
    let generating = generating.elapsed();
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("index.db");
    let store = Store::open(&path.display().to_string()).await?;
    let begun = Instant::now();
    let mut indexer = Indexer::new(walk, store.clone(), CHAIN, 0);
    while !matches!(indexer.step().await?, Step::UpToDate(_)) {}
    store.close().await;
    let took = begun.elapsed();
    let size = fs::metadata(&path)?.len() / 1_000_000;
    println!("{events} pledges by {} accounts, in {size} MB", events / 5 + 1);
    println!("{:.1} s of it to make the logs", generating.as_secs_f64());
    println!("{} MB of memory at most", most_memory());
    println!("{:.1} s", took.as_secs_f64());
    Ok(())
}
