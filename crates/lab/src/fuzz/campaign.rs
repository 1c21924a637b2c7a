//! Many walks on all cores, each with a seed of its own; the first that fails is shrunk and kept.

use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use std::{
    cell::RefCell,
    collections::hash_map::RandomState,
    fmt, fs,
    hash::{BuildHasher, Hasher},
    io,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};
use thiserror::Error;

use super::{
    lockstep::{Difference, Lockstep},
    mix::Mix,
    resolve,
    scenes::scenes,
    throws::{Throw, throws},
};
use crate::walk::{Builds, Scene, Walk};

/// Enough to shrink any walk to the few steps that matter; more makes only numbers rounder.
const SHRINKS: u32 = 3_000;

/// Nobody waits longer for that.
const SHRINK_MILLISECONDS: u32 = 40_000;

/// What a walk is made from.
type Thrown = (Scene, Vec<Option<Throw>>);

/// What to play.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// The seed of the first walk; each further one has the next.
    pub seed: u64,
    /// How many walks.
    pub walks: u64,
    /// Steps of each.
    pub steps: usize,
    /// The directory in which a walk that fails is written.
    pub failures: PathBuf,
    /// What is deployed.
    pub builds: Builds,
}

/// What was played without a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many walks.
    pub walks: u64,
    /// What they did.
    pub mix: Mix,
}

impl Report {
    fn add(&mut self, other: &Self) {
        self.walks += other.walks;
        self.mix.merge(&other.mix);
    }
}

/// A walk on which the model and the bytecode differ.
#[derive(Debug)]
pub struct Finding {
    /// Its seed: with this one a campaign begins with the same walk.
    pub seed: u64,
    /// Walks of the campaign that had begun by then, this one included.
    pub walks: u64,
    /// What differs at the end of the shrunk walk.
    pub difference: String,
    /// The walk, shrunk.
    pub walk: Walk,
    /// Where it is written.
    pub file: PathBuf,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, walks, difference, walk, file } = self;
        let (steps, file) = (walk.steps.len(), file.display());
        write!(f, "walk {walks} (seed {seed}), shrunk to {steps} steps in `{file}`: {difference}")
    }
}

/// Why a campaign ended early.
#[derive(Debug, Error)]
pub enum Failed {
    /// A walk fails.
    #[error("{0}")]
    Found(Box<Finding>),
    /// It could not be written.
    #[error("seed {seed}: the walk that fails cannot be written: {error}")]
    NotWritten {
        /// Its seed.
        seed: u64,
        /// Why.
        error: io::Error,
    },
}

impl Failed {
    /// Of the walk that fails.
    fn seed(&self) -> u64 {
        match self {
            Self::Found(finding) => finding.seed,
            Self::NotWritten { seed, .. } => *seed,
        }
    }
}

impl Campaign {
    /// Plays all walks, on as many threads as the machine has, or until the first that fails.
    ///
    /// # Errors
    /// What was found, of several the one of the lowest seed.
    pub fn run(&self) -> Result<Report, Failed> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let (next, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
        let reports: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> =
                (0..threads).map(|_| scope.spawn(|| self.run_some(&next, &stopped))).collect();
            running.into_iter().map(|one| one.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        let (mut sum, mut failures) = (Report::default(), Vec::new());
        for report in reports {
            match report {
                Ok(report) => sum.add(&report),
                Err(failed) => failures.push(failed),
            }
        }
        failures.into_iter().min_by_key(Failed::seed).map_or(Ok(sum), Err)
    }

    /// Takes the next walk until there is none, or one has failed.
    fn run_some(&self, next: &AtomicU64, stopped: &AtomicBool) -> Result<Report, Failed> {
        let mut report = Report::default();
        while !stopped.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= self.walks {
                break;
            }
            match self.run_one(self.seed.wrapping_add(index)) {
                Ok(mix) => report.mix.merge(&mix),
                Err(smallest) => {
                    stopped.store(true, Ordering::Relaxed);
                    return Err(self.keep(index, &smallest));
                }
            }
            report.walks += 1;
        }
        Ok(report)
    }

    /// Plays one walk; if it fails, the smallest like it that fails too.
    fn run_one(&self, seed: u64) -> Result<Mix, Box<Thrown>> {
        let config = Config {
            failure_persistence: None,
            max_shrink_iters: SHRINKS,
            max_shrink_time: SHRINK_MILLISECONDS,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, rng(seed));
        let builds = self.builds.clone();
        let scenes = scenes().prop_map(move |scene| Scene { builds: builds.clone(), ..scene });
        let walks = (scenes, throws(self.steps));
        let tree = walks.new_tree(&mut runner).expect("no strategy here rejects");
        let mix = RefCell::default();
        let outcome = runner.run_one(tree, |(scene, throws)| {
            let lockstep =
                play_all(scene, &throws).map_err(|found| TestCaseError::fail(found.to_string()))?;
            *mix.borrow_mut() = lockstep.mix().clone();
            Ok(())
        });
        match outcome {
            Err(TestError::Fail(_, smallest)) => Err(Box::new(smallest)),
            Ok(_) | Err(TestError::Abort(_)) => Ok(mix.into_inner()),
        }
    }

    /// Writes down a walk that fails.
    fn keep(&self, index: u64, (scene, throws): &Thrown) -> Failed {
        let seed = self.seed.wrapping_add(index);
        let (walk, difference) = record(seed, scene, throws);
        let file = self.failures.join(format!("seed-{seed}.json"));
        let text = serde_json::to_string(&[&walk]).expect("a walk is JSON");
        match fs::create_dir_all(&self.failures).and_then(|()| fs::write(&file, text)) {
            Ok(()) => Failed::Found(Box::new(Finding { seed, walks: index + 1, difference, walk, file })),
            Err(error) => Failed::NotWritten { seed, error },
        }
    }
}

/// A seed that no campaign had before.
pub fn fresh_seed() -> u64 {
    // Short enough for every reader of JSON.
    RandomState::new().build_hasher().finish() >> 16
}

/// The randomness of one walk, or of another run with a seed.
pub(crate) fn rng(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

/// Plays a whole walk.
fn play_all(scene: Scene, throws: &[Option<Throw>]) -> Result<Lockstep, Difference> {
    let mut lockstep = Lockstep::start(scene)?;
    play(&mut lockstep, throws)?;
    Ok(lockstep)
}

fn play(lockstep: &mut Lockstep, throws: &[Option<Throw>]) -> Result<(), Difference> {
    for throw in throws.iter().flatten() {
        for (time, op) in resolve::steps(lockstep.model(), lockstep.now(), *throw) {
            lockstep.play(time, op)?;
        }
    }
    lockstep.finish()
}

/// What differs when `play` plays on a scene, if anything does, and the walk up to there. A panic is a finding too.
fn found(
    scene: &Scene,
    seed: u64,
    play: impl FnOnce(&mut Lockstep) -> Result<(), Difference>,
) -> (Walk, Option<String>) {
    let mut lockstep = Lockstep::start(scene.clone()).expect("a scene that could be created before");
    let difference = match catch_unwind(AssertUnwindSafe(|| play(&mut lockstep))) {
        Ok(Ok(())) => None,
        Ok(Err(difference)) => Some(difference.to_string()),
        Err(_) => Some("a panic".to_owned()),
    };
    (lockstep.recorded(seed).expect("the model can be read"), difference)
}

/// Plays a walk that fails, and leaves out every step that it can fail without: a throw shrinks only together with what
/// the throws after it mean.
fn record(seed: u64, scene: &Scene, throws: &[Option<Throw>]) -> (Walk, String) {
    let (mut walk, difference) = found(scene, seed, |lockstep| play(lockstep, throws));
    let mut difference = difference.unwrap_or_else(|| "it did not fail again".to_owned());
    loop {
        let count = walk.steps.len();
        for index in (0..count).rev() {
            let mut steps = walk.steps.clone();
            // A shorter walk may have failed earlier too.
            if steps.get(index).is_none() {
                continue;
            }
            steps.remove(index);
            let (shorter, still) = found(scene, seed, |lockstep| lockstep.play_all(&steps));
            if let Some(still) = still {
                (walk, difference) = (shorter, still);
            }
        }
        // Without an earlier step a later one may do no more.
        if walk.steps.len() == count {
            return (walk, difference);
        }
    }
}
