//! Does a subject do what a walk says?

use levee_model::{Compact, CompactEvent, CompactRefused, Timestamp};
use std::fmt;

use super::{
    format::{Books, Op, Pay, Step, Walk, word},
    scene::{Outcome, Scene, name},
};
use crate::walk::{Mismatch, ReplayError, Tally, address_of};

/// What a walk can be played on.
pub trait Subject: Sized {
    /// What can go wrong that no walk speaks of.
    type Error: std::error::Error + 'static;

    /// Creates the compact of a walk.
    ///
    /// # Errors
    /// When it cannot be created.
    fn start(scene: &Scene) -> Result<Self, Self::Error>;

    /// Makes a call, or changes the world.
    ///
    /// # Errors
    /// When the call ended in a way that no rule knows.
    fn play(&mut self, time: Timestamp, op: &Op) -> Result<Outcome, Self::Error>;

    /// The compact, by the rules or by its events.
    fn compact(&self) -> &Compact;

    /// The books as they stand.
    ///
    /// # Errors
    /// When they cannot be read.
    fn books(&mut self) -> Result<Books, Self::Error>;
}

/// Plays many walks, one after the other.
///
/// # Errors
/// The first difference, or the subject's own error.
pub fn replay_all<S: Subject>(walks: &[Walk]) -> Result<Tally, ReplayError<S::Error>> {
    walks.iter().map(replay::<S>).sum()
}

/// Plays a walk, and compares each step's outcome and the final books.
///
/// # Errors
/// The first difference, or the subject's own error.
pub fn replay<S: Subject>(walk: &Walk) -> Result<Tally, ReplayError<S::Error>> {
    let failed = |error| ReplayError::Subject { seed: walk.seed, error };
    let mut subject = S::start(&Scene::of(walk)).map_err(failed)?;
    let mut tally = Tally { walks: 1, ..Tally::default() };
    for (index, step) in walk.steps.iter().enumerate() {
        let outcome = subject.play(step.t, &step.op).map_err(failed)?;
        let found = recorded(subject.compact(), step, &outcome);
        same(walk.seed, Some(index), step, &found)?;
        match step.ok {
            None => tally.world += 1,
            Some(false) => tally.refused += 1,
            Some(true) => tally.accepted += 1,
        }
    }
    let expected = Books {
        members: walk.books.members.iter().filter(|book| !book.is_empty()).cloned().collect(),
        ..walk.books.clone()
    };
    same(walk.seed, None, &expected, &subject.books().map_err(failed)?)?;
    Ok(tally)
}

/// The step as a walk would tell it that had this outcome. `compact` is as it was left. Where a walk does not say
/// whether a step went through, nothing is told.
pub(super) fn recorded(compact: &Compact, step: &Step, outcome: &Outcome) -> Step {
    let Step { t, op, .. } = step.clone();
    let told = Step { t, op, ok: None, why: None, pays: Vec::new() };
    match outcome {
        _ if step.ok.is_none() => told,
        Outcome::Made(events) => Step { ok: Some(true), pays: pays(compact, events), ..told },
        Outcome::Refused(refused) => {
            let why = Some(why(compact, &step.op, *refused).to_owned());
            Step { ok: Some(false), why, ..told }
        }
        Outcome::RescueRefused(refused) => {
            Step { ok: Some(false), why: Some(refused.kind().to_owned()), ..told }
        }
        Outcome::Paid(_) => Step { ok: Some(true), ..told },
        Outcome::Changed => told,
    }
}

fn why(compact: &Compact, op: &Op, refused: CompactRefused) -> &'static str {
    let who = op.who().map(address_of).unwrap_or_default();
    let (has_approved, has_given) = compact.vote_of(op.call().unwrap_or(u64::MAX), who);
    word(op, refused, has_approved, has_given)
}

/// What the compact paid by its events. Money that comes in is not listed.
fn pays(compact: &Compact, events: &[CompactEvent]) -> Vec<Pay> {
    let pay = |event: &CompactEvent| match *event {
        CompactEvent::Given(gift) => {
            Some(Pay::Into(format!("rescue{}", gift.call), gift.amount, name(gift.member)))
        }
        _ => {
            let (from, to, amount) = super::scene::movement(compact.address(), event, |_| compact.address())?;
            (from == compact.address()).then(|| Pay::To(name(to), amount))
        }
    };
    events.iter().filter_map(pay).collect()
}

fn same<T: fmt::Debug + PartialEq, E: std::error::Error + 'static>(
    seed: u64,
    step: Option<usize>,
    expected: &T,
    found: &T,
) -> Result<(), ReplayError<E>> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
    Err(ReplayError::Mismatch(Mismatch { seed, step, expected, found }))
}
