//! Many walks on all cores, each with a seed of its own; the first that fails is shrunk and kept.

use alloy::primitives::Bytes;
use proptest::strategy::{BoxedStrategy, Strategy};
use std::path::{Path, PathBuf};

use super::{
    format::{Step, Walk},
    lockstep::{Difference, Lockstep},
    resolve,
    scene::Scene,
    throws::{Throw, scenes, throws},
};
use crate::fuzz::{Failed, Game, Mix, Recorded, Report, unpanicked};

/// What to play.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// The seed of the first walk; each further one has the next.
    pub seed: u64,
    /// How many walks.
    pub walks: u64,
    /// Throws of each.
    pub steps: usize,
    /// The directory in which a walk that fails is written.
    pub failures: PathBuf,
    /// The init code of the compact, without the arguments of its constructor.
    pub build: Bytes,
}

impl Campaign {
    /// Plays all walks, on as many threads as the machine has, or until the first that fails.
    ///
    /// # Errors
    /// What was found, of several the one of the lowest seed.
    pub fn run(&self) -> Result<Report, Failed<Walk>> {
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
        (scenes(self.build.clone()), throws(self.steps)).boxed()
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

fn play(lockstep: &mut Lockstep, throws: &[Option<Throw>]) -> Result<(), Difference> {
    for throw in throws.iter().flatten() {
        for (time, op) in resolve::steps(lockstep.model(), lockstep.now(), *throw) {
            lockstep.play(time, op)?;
        }
    }
    lockstep.finish()
}
