//! Many walks on all cores, each with a seed of its own; the first that fails is shrunk and kept.

use proptest::{
    strategy::{BoxedStrategy, Strategy},
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use serde::Serialize;
use std::{
    cell::RefCell,
    collections::hash_map::RandomState,
    fmt, fs,
    hash::{BuildHasher, Hasher},
    io,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
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
use crate::walk::{Builds, Scene, Step, Walk};

/// Enough to shrink any walk to the few steps that matter; more makes only numbers rounder.
const SHRINKS: u32 = 3_000;

/// Nobody waits longer for that.
const SHRINK_MILLISECONDS: u32 = 40_000;

/// A walk as it is written down.
pub trait Recorded: Serialize {
    /// One of its steps.
    type Step: Clone;

    /// What it does, in order.
    fn steps(&self) -> &[Self::Step];
}

/// What a campaign plays many walks of.
pub(crate) trait Game: Sync {
    /// What a walk is made from.
    type Thrown: Clone + fmt::Debug + Send;
    /// What becomes of it.
    type Walk: Recorded + Send;

    /// The seed of the first walk; each further one has the next.
    fn seed(&self) -> u64;

    /// How many walks.
    fn walks(&self) -> u64;

    /// The directory in which a walk that fails is written.
    fn failures(&self) -> &Path;

    /// All walks that there are.
    fn strategy(&self) -> BoxedStrategy<Self::Thrown>;

    /// Plays a walk: what it did, or what differs.
    fn play(&self, thrown: Self::Thrown) -> Result<Mix, String>;

    /// Plays a walk, or these steps instead of its own: the walk up to a difference, and that, if there is one. A panic is a
    /// difference too.
    fn found(
        &self,
        seed: u64,
        thrown: &Self::Thrown,
        steps: Option<&[<Self::Walk as Recorded>::Step]>,
    ) -> (Self::Walk, Option<String>);

    /// Plays all walks, on as many threads as the machine has, or until the first that fails: of several the one of the
    /// lowest seed.
    fn run_all(&self) -> Result<Report, Failed<Self::Walk>> {
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
    fn run_some(&self, next: &AtomicU64, stopped: &AtomicBool) -> Result<Report, Failed<Self::Walk>> {
        let mut report = Report::default();
        while !stopped.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= self.walks() {
                break;
            }
            match self.run_one(self.seed().wrapping_add(index)) {
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
    fn run_one(&self, seed: u64) -> Result<Mix, Box<Self::Thrown>> {
        let config = Config {
            failure_persistence: None,
            max_shrink_iters: SHRINKS,
            max_shrink_time: SHRINK_MILLISECONDS,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, rng(seed));
        let tree = self.strategy().new_tree(&mut runner).expect("no strategy here rejects");
        let mix = RefCell::default();
        let outcome = runner.run_one(tree, |thrown| {
            *mix.borrow_mut() = self.play(thrown).map_err(TestCaseError::fail)?;
            Ok(())
        });
        match outcome {
            Err(TestError::Fail(_, smallest)) => Err(Box::new(smallest)),
            Ok(_) | Err(TestError::Abort(_)) => Ok(mix.into_inner()),
        }
    }

    /// Writes down a walk that fails.
    fn keep(&self, index: u64, thrown: &Self::Thrown) -> Failed<Self::Walk> {
        let seed = self.seed().wrapping_add(index);
        let (walk, difference) = self.record(seed, thrown);
        let file = self.failures().join(format!("seed-{seed}.json"));
        let text = serde_json::to_string(&[&walk]).expect("a walk is JSON");
        match fs::create_dir_all(self.failures()).and_then(|()| fs::write(&file, text)) {
            Ok(()) => Failed::Found(Box::new(Finding { seed, walks: index + 1, difference, walk, file })),
            Err(error) => Failed::NotWritten { seed, error },
        }
    }

    /// Plays a walk that fails, and leaves out every step that it can fail without: a throw shrinks only together with
    /// what the throws after it mean.
    fn record(&self, seed: u64, thrown: &Self::Thrown) -> (Self::Walk, String) {
        let (mut walk, difference) = self.found(seed, thrown, None);
        let mut difference = difference.unwrap_or_else(|| "it did not fail again".to_owned());
        loop {
            let count = walk.steps().len();
            for index in (0..count).rev() {
                let mut steps = walk.steps().to_vec();
                // A shorter walk may have failed earlier too.
                if steps.get(index).is_none() {
                    continue;
                }
                steps.remove(index);
                let (shorter, still) = self.found(seed, thrown, Some(&steps));
                if let Some(still) = still {
                    (walk, difference) = (shorter, still);
                }
            }
            // Without an earlier step a later one may do no more.
            if walk.steps().len() == count {
                return (walk, difference);
            }
        }
    }
}

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
pub struct Finding<W = Walk> {
    /// Its seed: with this one a campaign begins with the same walk.
    pub seed: u64,
    /// Walks of the campaign that had begun by then, this one included.
    pub walks: u64,
    /// What differs at the end of the shrunk walk.
    pub difference: String,
    /// The walk, shrunk.
    pub walk: W,
    /// Where it is written.
    pub file: PathBuf,
}

impl<W: Recorded> fmt::Display for Finding<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, walks, difference, walk, file } = self;
        let (steps, file) = (walk.steps().len(), file.display());
        write!(f, "walk {walks} (seed {seed}), shrunk to {steps} steps in `{file}`: {difference}")
    }
}

/// Why a campaign ended early.
#[derive(Debug, Error)]
pub enum Failed<W: Recorded = Walk> {
    /// A walk fails.
    #[error("{0}")]
    Found(Box<Finding<W>>),
    /// It could not be written.
    #[error("seed {seed}: the walk that fails cannot be written: {error}")]
    NotWritten {
        /// Its seed.
        seed: u64,
        /// Why.
        error: io::Error,
    },
}

impl<W: Recorded> Failed<W> {
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
        self.run_all()
    }
}

impl Recorded for Walk {
    type Step = Step;

    fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Game for Campaign {
    type Thrown = (Scene, Vec<Option<Throw>>);
    type Walk = Walk;

    fn seed(&self) -> u64 {
        self.seed
    }

    fn walks(&self) -> u64 {
        self.walks
    }

    fn failures(&self) -> &Path {
        &self.failures
    }

    fn strategy(&self) -> BoxedStrategy<Self::Thrown> {
        let builds = self.builds.clone();
        let scenes = scenes().prop_map(move |scene| Scene { builds: builds.clone(), ..scene });
        (scenes, throws(self.steps)).boxed()
    }

    fn play(&self, (scene, throws): Self::Thrown) -> Result<Mix, String> {
        let play_all = || {
            let mut lockstep = Lockstep::start(scene)?;
            play(&mut lockstep, &throws)?;
            Ok(lockstep.mix().clone())
        };
        play_all().map_err(|difference: Difference| difference.to_string())
    }

    fn found(
        &self,
        seed: u64,
        (scene, throws): &Self::Thrown,
        steps: Option<&[Step]>,
    ) -> (Walk, Option<String>) {
        let mut lockstep = Lockstep::start(scene.clone()).expect("a scene that could be created before");
        let played = unpanicked(|| match steps {
            Some(steps) => lockstep.play_all(steps),
            None => play(&mut lockstep, throws),
        });
        (lockstep.recorded(seed).expect("the model can be read"), played.err())
    }
}

/// What differs, in words. A panic is a difference too.
pub(crate) fn unpanicked<E: fmt::Display>(play: impl FnOnce() -> Result<(), E>) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(play)) {
        Ok(played) => played.map_err(|difference| difference.to_string()),
        Err(_) => Err("a panic".to_owned()),
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

fn play(lockstep: &mut Lockstep, throws: &[Option<Throw>]) -> Result<(), Difference> {
    for throw in throws.iter().flatten() {
        for (time, op) in resolve::steps(lockstep.model(), lockstep.now(), *throw) {
            lockstep.play(time, op)?;
        }
    }
    lockstep.finish()
}
