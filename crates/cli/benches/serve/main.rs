//! How fast `levee serve` answers about a rescue with many pledgers, on loopback: the time until the first byte at a fixed rate of requests, whatever
//! the earlier ones take. Also how soon it is ready, how large the page is, and how much memory it takes. The last line is a figure and its unit.

#[expect(dead_code, reason = "other benchmarks need the rest")]
#[path = "../../../index/benches/walk/mod.rs"]
mod walk;

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use alloy::transports::http::reqwest::Client;
use levee_index::{Indexer, Step, Store};
use walk::{CHAIN, Walk};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Requests a second.
const RATE: u32 = 200;

async fn index(path: &Path, walk: Walk) -> Result<()> {
    let store = Store::open(&path.display().to_string()).await?;
    let mut indexer = Indexer::new(walk, store.clone(), CHAIN, 0);
    while !matches!(indexer.step().await?, Step::UpToDate(_)) {}
    store.close().await;
    Ok(())
}

/// Starts a server, and returns it with its address.
fn start(store: &Path) -> Result<(Child, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_levee"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--rate", "100000", "--json", "--store"]).arg(store);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().ok_or("it is piped")?).read_line(&mut line)?;
    let ready: serde_json::Value = serde_json::from_str(&line)?;
    let url = ready["url"].as_str().ok_or("it says where it is")?;
    Ok((child, url.to_owned()))
}

/// How long it takes until the head of an answer is there.
async fn first_byte(client: Client, url: String) -> Result<Duration> {
    let begun = Instant::now();
    let answer = client.get(url).header("accept-encoding", "gzip").send().await?.error_for_status()?;
    let took = begun.elapsed();
    answer.bytes().await?;
    Ok(took)
}

/// Asks at the fixed rate, and returns how long each took, sorted.
async fn load(client: &Client, urls: &[String], seconds: u32) -> Result<Vec<Duration>> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
    let mut asked = Vec::new();
    for url in urls.iter().cycle().take((seconds * RATE) as usize) {
        ticks.tick().await;
        asked.push(tokio::spawn(first_byte(client.clone(), url.clone())));
    }
    let mut took = Vec::new();
    for answer in asked {
        took.push(answer.await??);
    }
    took.sort_unstable();
    Ok(took)
}

/// The most memory that a process has had, in MB.
fn most_memory(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1_000
}

#[expect(clippy::print_stdout, reason = "it is what a benchmark is for")]
#[tokio::main]
async fn main() -> Result<()> {
    let number = |name: &str, default| env::var(name).map_or(Ok(default), |text| text.parse::<u32>());
    let (pledgers, seconds) = (number("PLEDGERS", 10_000)?, number("SECONDS", 5)?);
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("index.db");
    let walk = Walk::of_pledgers(pledgers.into());
    let rescue = walk.rescue();
    index(&path, walk).await?;

    let begun = Instant::now();
    let (mut child, url) = start(&path)?;
    let client = Client::new();
    let page = format!("{url}rescue/{rescue}");
    let size = client.get(&page).send().await?.error_for_status()?.bytes().await?.len();
    let ready = begun.elapsed();
    let second = format!("{page}?page=2");
    let urls = [url.clone(), page.clone(), format!("{url}api/v1/rescue/{rescue}"), page, second];
    let took = load(&client, &urls, seconds).await?;
    let memory = most_memory(&child);
    child.kill()?;
    child.wait()?;

    let place = |part: usize| {
        let micros = took[took.len() * part / 100].as_micros();
        format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
    };
    println!("{pledgers} pledgers; {} requests, {RATE} a second", took.len());
    println!("{:.2} s from the start to the whole first page, of {} kB", ready.as_secs_f64(), size / 1_000);
    println!("{memory} MB of memory at most");
    println!("{} to the first byte for a half of the requests", place(50));
    println!("{} to the first byte for 99 of 100", place(99));
    println!("{}", place(99));
    Ok(())
}
