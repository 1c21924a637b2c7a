//! One walk, on the model and on the bytecode at once.

use levee_model::{Timestamp, compact::CompactTermsError};
use std::fmt::Debug;
use thiserror::Error;

use super::{
    bytecode::Bytecode,
    format::{Books, Op, Step, Walk},
    model::Model,
    replay::{Subject, recorded},
    scene::{Outcome, PEOPLE, Scene},
};
use crate::{
    fuzz::Mix,
    walk::{address_of, bytecode::BytecodeError},
};

/// The model and the bytecode differ.
#[derive(Debug, Error)]
pub enum Difference {
    /// The model does not allow terms that the compact was created with, or the other way round.
    #[error("the model does not allow the terms: {0}")]
    Terms(#[from] CompactTermsError),
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
    mix: Mix,
}

impl Lockstep {
    /// Creates the compact of a scene on both sides.
    ///
    /// # Errors
    /// When either cannot be created.
    pub fn start(scene: Scene) -> Result<Self, Difference> {
        let bytecode = Bytecode::start(&scene)?;
        let model = Model::start_at(&scene, bytecode.contracts())?;
        Ok(Self { scene, model, bytecode, steps: Vec::new(), mix: Mix::default() })
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
        self.steps.push(Step { t: time, op: op.clone(), ok: Some(true), why: None, pays: Vec::new() });
        let by_model = self.model.play(time, &op)?;
        if let Some(step) = self.steps.last_mut() {
            *step = recorded(self.model.compact(), step, &by_model);
        }
        self.count(&op, &by_model);
        let by_bytecode = self.bytecode.play(time, &op)?;
        same("outcome", &by_model, &by_bytecode)?;
        self.compare_states(time)
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
        same("final books", &self.model.books()?, &self.bytecode.books()?)
    }

    /// The walk so far as the model tells it.
    ///
    /// # Errors
    /// None: the model's books can always be read.
    pub fn recorded(&mut self, seed: u64) -> Result<Walk, CompactTermsError> {
        let books: Books = self.model.books()?;
        let (start, terms) = (self.scene.start, self.scene.terms.clone());
        Ok(Walk { seed, start, terms, steps: self.steps.clone(), books })
    }

    fn count(&mut self, op: &Op, outcome: &Outcome) {
        let is_accepted = !matches!(outcome, Outcome::Refused(_) | Outcome::RescueRefused(_));
        self.mix.count(op.title(), is_accepted);
    }

    /// The bytecode's events have told its state by now, and its views have said the same; here that is compared with
    /// the model's.
    fn compare_states(&self, time: Timestamp) -> Result<(), Difference> {
        let (model, bytecode) = (self.model.compact(), self.bytecode.compact());
        same("compact", &model.view(time), &bytecode.view(time))?;
        let rescues = self.model.rescues().iter().zip(self.bytecode.rescues());
        same("rescues", &self.model.rescues().len(), &self.bytecode.rescues().len())?;
        let at = self.model.moment(time);
        for (index, (models, history)) in rescues.enumerate() {
            for name in PEOPLE {
                let pledger = address_of(name);
                let [expected, found] =
                    [&models.rescue, history].map(|rescue| rescue.position_views(at, pledger));
                same(&format!("positions of {name} in rescue {index}"), &expected, &found)?;
            }
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
