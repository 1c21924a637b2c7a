//! Many runs at once, each with a seed of its own; the first that fails is shrunk.

use std::{
    cell::{Cell, RefCell},
    fmt,
    panic::resume_unwind,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use eyre::Result;
use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestCaseError, TestError, TestRunner},
};

use super::{
    plan::{Plan, plans},
    run::play,
    world::World,
};
use crate::fuzz;

/// Enough to leave out whatever a run can fail without.
const SHRINKS: u32 = 60;

/// How many runs share an anvil, because it keeps all that it ever had in memory.
const RUNS_OF_A_WORLD: u64 = 6;

/// What to run.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// The command `levee`.
    pub levee: PathBuf,
    /// The seed of the first run; each further one has the next.
    pub seed: u64,
    /// How many runs.
    pub runs: u64,
    /// How many at once.
    pub workers: usize,
}

/// What was run without a finding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// How many runs.
    pub runs: u64,
    /// How many processes of the command.
    pub processes: u64,
}

/// A run that did not end as it should.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Its seed.
    pub seed: u64,
    /// Runs of the campaign that had begun by then, this one included.
    pub runs: u64,
    /// What failed.
    pub plan: Plan,
    /// What is wrong at its end, and what was run.
    pub wrong: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, runs, plan, wrong } = self;
        writeln!(f, "run {runs} (make faults SEED={seed} RUNS=1): {wrong}")?;
        write!(f, "it is: make faults PLAN='{plan}'")
    }
}

impl Campaign {
    /// Plays all runs, or until the first that fails.
    ///
    /// # Errors
    /// If there is no chain to play on.
    pub fn run(&self) -> Result<Result<Report, Box<Finding>>> {
        let (next, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
        let reports: Vec<_> = thread::scope(|scope| {
            let workers = (0..self.workers).map(|_| scope.spawn(|| self.run_some(&next, &stopped)));
            let workers: Vec<_> = workers.collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        });
        let mut sum = Report::default();
        for report in reports {
            match report? {
                Ok(report) => sum = sum.and(report),
                Err(finding) => return Ok(Err(finding)),
            }
        }
        Ok(Ok(sum))
    }

    /// Takes the next run until there is none, or one has failed.
    fn run_some(&self, next: &AtomicU64, stopped: &AtomicBool) -> Result<Result<Report, Box<Finding>>> {
        let mut world = World::start(&self.levee).inspect_err(|_| stopped.store(true, Ordering::Relaxed))?;
        let mut report = Report::default();
        while !stopped.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= self.runs {
                break;
            }
            let seed = self.seed.wrapping_add(index);
            if report.runs > 0 && report.runs.is_multiple_of(RUNS_OF_A_WORLD) {
                world = World::start(&self.levee)?;
            }
            match run_one(&mut world, seed, 0) {
                Ok(processes) => report = report.and(Report { runs: 1, processes }),
                Err((plan, wrong)) => {
                    stopped.store(true, Ordering::Relaxed);
                    return Ok(Err(Box::new(Finding { seed, runs: index + 1, plan, wrong })));
                }
            }
        }
        Ok(Ok(report))
    }

    /// Plays one plan; says what is wrong, if anything is.
    ///
    /// # Errors
    /// If there is no chain to play on.
    pub fn replay(&self, plan: &Plan) -> Result<Option<String>> {
        Ok(play(&mut World::start(&self.levee)?, plan)?.wrong)
    }

    /// The smallest run like a finding that fails too. That may take an hour.
    ///
    /// # Errors
    /// If there is no chain to play on.
    pub fn shrunk(&self, finding: &Finding) -> Result<Option<Finding>> {
        let Finding { seed, runs, .. } = *finding;
        let smallest = run_one(&mut World::start(&self.levee)?, seed, SHRINKS).err();
        Ok(smallest.map(|(plan, wrong)| Finding { seed, runs, plan, wrong }))
    }
}

/// Plays the run of a seed, and counts its processes; if it fails, what is wrong, with the smallest plan that fails among so many.
fn run_one(world: &mut World, seed: u64, max_shrink_iters: u32) -> Result<u64, (Plan, String)> {
    let config = Config { failure_persistence: None, max_shrink_iters, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, fuzz::rng(seed));
    let tree = plans().new_tree(&mut runner).expect("no strategy here rejects");
    let (world, processes) = (RefCell::new(world), Cell::new(0));
    let outcome = runner.run_one(tree, |plan| {
        let played = play(&mut world.borrow_mut(), &plan);
        let played =
            played.map_err(|error| TestCaseError::fail(format!("it cannot be played: {error:#}")))?;
        processes.set(played.processes);
        played.wrong.map_or(Ok(()), |wrong| Err(TestCaseError::fail(wrong)))
    });
    match outcome {
        Err(TestError::Fail(wrong, plan)) => Err((plan, wrong.message().to_owned())),
        Ok(_) | Err(TestError::Abort(_)) => Ok(processes.get()),
    }
}

impl Report {
    const fn and(self, other: Self) -> Self {
        Self { runs: self.runs + other.runs, processes: self.processes + other.processes }
    }
}
