//! How long `levee status` and `levee pledge` take, beside `cast call` of the same view and `cast send` of the same call; how fast
//! the library sends many transactions; and what a write to the command's journal costs.
//!
//! The two of a pair run right after each other, so that whatever else the machine does slows both. Run by
//! `make bench-cli`, which has `cast` on the path.

#[path = "../../src/environment.rs"]
#[allow(dead_code, reason = "the command uses the rest")]
mod environment;
#[path = "../../src/journal.rs"]
#[allow(dead_code, unused_imports, reason = "the command and its tests use the rest")]
mod journal;
mod pipeline;
#[path = "../../src/state.rs"]
#[allow(dead_code, reason = "the command uses the rest")]
mod state;
mod writes;

#[path = "../../../../tests/e2e/support.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest")]
mod support;

use std::{
    fmt,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use support::{ANN, BEN, World};

/// What the journal's source uses of the command.
mod error {
    pub(crate) use levee::text::TextError as UserError;
}
mod output {
    #[derive(Clone, Copy)]
    pub(crate) struct Output;

    impl Output {
        pub(crate) fn note(self, _: &str) {}
    }
}

const PAIRS: usize = 100;

#[tokio::main]
async fn main() {
    let world = World::with_rescue().await;
    world.pledge_all();
    let rescue = world.rescue().to_string();

    let status = || command(&world, &format!("status --rescue {rescue}"));
    let call = || cast(&world, &format!("call {rescue} rescue()"));
    let [status, call] = measure(status, call);
    row("levee status", &status);
    row("cast call", &call);

    let line = format!("pledge 1 wei --tier 0 --rescue {rescue} --dev {ANN} --yes");
    let pledge = || command(&world, &line);
    let (key, ben) = (world.key(BEN), world.address(BEN));
    let send =
        format!("send {rescue} pledgeETH(address,uint8,uint64) {ben} 0 0 --value 1 --private-key {key}");
    let [pledge, send] = measure(pledge, || cast(&world, &send));
    row("levee pledge", &pledge);
    row("cast send", &send);

    let percent = 100 * status.median().as_micros() / call.median().as_micros();
    print(&format!("levee status: {percent} % of cast call"));
    print(&format!("levee pledge: {} ms", Milliseconds(pledge.median())));

    pipeline::measure(&world).await;
    writes::measure().await;
}

fn command(world: &World, line: &str) -> Command {
    let mut command = world.command();
    command.args(line.split_whitespace());
    command
}

fn cast(world: &World, line: &str) -> Command {
    let mut command = Command::new("cast");
    command.args(line.split_whitespace()).args(["--rpc-url", &world.endpoint()]);
    command
}

/// Rising times.
struct Times(Vec<Duration>);

impl Times {
    fn median(&self) -> Duration {
        self.at(50)
    }

    fn at(&self, percent: usize) -> Duration {
        self.0[(self.0.len() - 1) * percent / 100]
    }
}

/// Runs both by turns.
fn measure(ours: impl Fn() -> Command, theirs: impl Fn() -> Command) -> [Times; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..PAIRS {
        times[0].push(time(ours()));
        times[1].push(time(theirs()));
    }
    times.map(|mut times| {
        times.sort_unstable();
        Times(times)
    })
}

fn time(mut command: Command) -> Duration {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    let taken = start.elapsed();
    assert!(status.success(), "{command:?} failed");
    taken
}

fn row(what: &str, times: &Times) {
    let [median, ninetieth] = [times.median(), times.at(90)].map(Milliseconds);
    print(&format!("{what:14} {median:>6} ms median {ninetieth:>6} ms 90th percentile"));
}

/// With one decimal.
struct Milliseconds(Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.as_micros() / 100;
        f.pad(&format!("{}.{}", tenths / 10, tenths % 10))
    }
}

#[allow(clippy::print_stdout, reason = "a benchmark tells what it measured")]
fn print(line: &str) {
    println!("{line}");
}
