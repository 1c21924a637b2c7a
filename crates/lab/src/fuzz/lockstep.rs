//! One walk, on the model and on the bytecode at once.

use levee_model::{Terms, TermsError, Timestamp};
use std::fmt::Debug;
use thiserror::Error;

use super::mix::Mix;
use crate::walk::{
    Op, Outcome, Scene, Step, Subject, Walk, address_of,
    bytecode::{Bytecode, BytecodeError},
    model::Model,
    word,
};

/// The model and the bytecode differ.
#[derive(Debug, Error)]
pub enum Difference {
    /// The model does not allow terms that the escrow was created with, or the other way round.
    #[error("the model does not allow the terms: {0}")]
    Terms(#[from] TermsError),
    /// The bytecode did what no rule knows, or its events, views and balances do not go together.
    #[error("the bytecode: {0}")]
    Bytecode(Box<BytecodeError>),
    /// They say different things.
    #[error("{what}:\n  the model says    {model}\n  the bytecode says {bytecode}")]
    Said {
        /// Of what.
        what: String,
        /// By the model.
        model: String,
        /// By the bytecode.
        bytecode: String,
    },
}

impl From<BytecodeError> for Difference {
    fn from(error: BytecodeError) -> Self {
        Self::Bytecode(Box::new(error))
    }
}

/// A walk that is being played.
#[derive(Debug)]
pub struct Lockstep {
    scene: Scene,
    model: Model,
    bytecode: Bytecode,
    steps: Vec<Step>,
    last_accepted: Timestamp,
    mix: Mix,
}

impl Lockstep {
    /// Creates the rescue of a scene on both sides.
    ///
    /// # Errors
    /// When either cannot be created.
    pub fn start(scene: Scene) -> Result<Self, Difference> {
        Ok(Self {
            model: Model::start(&scene)?,
            bytecode: Bytecode::start(&scene)?,
            steps: Vec::new(),
            last_accepted: scene.start,
            mix: Mix::default(),
            scene,
        })
    }

    /// The model's side.
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// When the last step was.
    pub fn now(&self) -> Timestamp {
        self.steps.last().map_or(self.scene.start, |step| step.t)
    }

    /// What was played.
    pub const fn mix(&self) -> &Mix {
        &self.mix
    }

    /// Makes a step on both sides, and compares all there is to see.
    ///
    /// # Errors
    /// What differs.
    pub fn play(&mut self, time: Timestamp, op: Op) -> Result<(), Difference> {
        // Recorded before it is played, so that a walk ends with the step that fails.
        self.steps.push(Step {
            t: time,
            op: op.clone(),
            ok: None,
            why: None,
            pays: Vec::new(),
            status: None,
        });
        let by_model = self.model.play(time, &op)?;
        self.record(&by_model)?;
        self.mix.add(&op, &by_model);
        let by_bytecode = self.bytecode.play(time, &op)?;
        same("outcome", &by_model, &by_bytecode)?;
        self.compare_views(time, &op)
    }

    /// Makes recorded steps, whatever they expect, to the end of the walk.
    ///
    /// # Errors
    /// What differs.
    pub fn play_all(&mut self, steps: &[Step]) -> Result<(), Difference> {
        for step in steps {
            self.play(step.t, step.op.clone())?;
        }
        self.finish()
    }

    /// Compares what is left when the walk is over.
    ///
    /// # Errors
    /// What differs.
    pub fn finish(&mut self) -> Result<(), Difference> {
        let time = self.last_accepted;
        same("bonus", &self.model.bonus()?, &self.bytecode.bonus()?)?;
        same("final books", &self.model.books(time)?, &self.bytecode.books(time)?)
    }

    /// The walk so far as the model tells it.
    ///
    /// # Errors
    /// None: the model's books can always be read.
    pub fn recorded(&mut self, seed: u64) -> Result<Walk, TermsError> {
        Ok(Walk {
            seed,
            start: self.scene.start,
            rate: self.scene.rate,
            terms: self.scene.terms.clone(),
            steps: self.steps.clone(),
            books: self.model.books(self.last_accepted)?,
        })
    }

    /// Writes down what the model made of the last step.
    fn record(&mut self, outcome: &Outcome) -> Result<(), Difference> {
        let Some(step) = self.steps.last_mut().filter(|step| step.op.is_call()) else { return Ok(()) };
        step.ok = Some(outcome.is_ok());
        match outcome {
            Ok(payments) => {
                step.pays = self.scene.cast.pays(payments);
                self.last_accepted = step.t;
            }
            Err(refused) => step.why = word(&mut self.model, &self.scene.terms.tiers, *refused, &step.op)?,
        }
        step.status = Some(self.model.stored_status()?);
        Ok(())
    }

    /// The bytecode's views are by now known to be what its events tell; here that is compared with the model.
    fn compare_views(&mut self, time: Timestamp, op: &Op) -> Result<(), Difference> {
        same("stored status", &self.model.stored_status()?, &self.bytecode.stored_status()?)?;
        let (rescue, at) = (self.model.rescue(), self.model.moment(time));
        let history = self.bytecode.history();
        let mut expected = rescue.view(at);
        // The model's tokens have addresses of their own.
        let Terms { steth, wsteth, .. } = *history.terms();
        expected.terms = Terms { steth, wsteth, ..expected.terms };
        same("rescue", &expected, &history.view(at))?;
        for name in self.scene.cast.names() {
            let pledger = address_of(name);
            let [expected, found] = [rescue, history].map(|rescue| rescue.position_views(at, pledger));
            same(&format!("positions of {name}"), &expected, &found)?;
            same(&format!("owed to {name}"), &rescue.owed_of(pledger), &history.owed_of(pledger))?;
        }
        // Until the rescue is final nothing can have reached the pool.
        if rescue.final_at().is_some() || op.is_of_pool() {
            same("recovery", &self.model.recovery(time)?, &self.bytecode.recovery(time)?)?;
        }
        if op.is_of_bonus() || op.via().is_some_and(|via| via.enlist) {
            same("bonus", &self.model.bonus()?, &self.bytecode.bonus()?)?;
        }
        Ok(())
    }
}

/// Plays a recorded walk, whatever it expects.
///
/// # Errors
/// What differs.
pub fn agree(walk: &Walk) -> Result<(), Difference> {
    Lockstep::start(Scene::of(walk))?.play_all(&walk.steps)
}

fn same<T: PartialEq + Debug>(what: &str, model: &T, bytecode: &T) -> Result<(), Difference> {
    if model == bytecode {
        return Ok(());
    }
    let (model, bytecode) = (format!("{model:?}"), format!("{bytecode:?}"));
    Err(Difference::Said { what: what.to_owned(), model, bytecode })
}
