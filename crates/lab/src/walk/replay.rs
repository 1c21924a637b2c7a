//! Does a subject do what a walk says?

use levee_model::{Payment, RecoveryRefusal, Refused, Status, Tier, Timestamp};
use std::{fmt, num::NonZero, panic::resume_unwind, thread};
use thiserror::Error;

use super::{
    bonus::Bonus,
    cast::Scene,
    format::{Books, Op, Pay, Step, Walk, Why},
    recovery::Recovery,
};

/// What a call did: what it paid, or why it was refused.
pub type Outcome = Result<Vec<Payment>, Refused>;

/// What a walk can be played on.
pub trait Subject: Sized {
    /// What can go wrong that no walk speaks of.
    type Error: std::error::Error + 'static;

    /// Creates the rescue of a walk.
    ///
    /// # Errors
    /// When it cannot be created.
    fn start(scene: &Scene) -> Result<Self, Self::Error>;

    /// Makes a call, or changes the world.
    ///
    /// # Errors
    /// When the call ended in a way that no rule knows.
    fn play(&mut self, time: Timestamp, op: &Op) -> Result<Outcome, Self::Error>;

    /// The status that the last call stored.
    ///
    /// # Errors
    /// When it cannot be read.
    fn stored_status(&mut self) -> Result<Status, Self::Error>;

    /// Whether the pledges into a tier are worth something to anyone now.
    ///
    /// # Errors
    /// When it cannot be read.
    fn is_pledged(&mut self, tier: u8) -> Result<bool, Self::Error>;

    /// What the recovery pool's views say at `time`.
    ///
    /// # Errors
    /// When they cannot be read.
    fn recovery(&mut self, time: Timestamp) -> Result<Recovery, Self::Error>;

    /// What the bonus pool's views say.
    ///
    /// # Errors
    /// When they cannot be read.
    fn bonus(&mut self) -> Result<Bonus, Self::Error>;

    /// The books as they stand at `time`, that of the last call that went through, in the order of [`Books`]. Later
    /// views may look ahead: a walk ends with what its calls have stored.
    ///
    /// # Errors
    /// When they cannot be read.
    fn books(&mut self, time: Timestamp) -> Result<Books, Self::Error>;
}

/// What was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Walks, each with its final books.
    pub walks: usize,
    /// Calls that went through.
    pub accepted: usize,
    /// Calls that were refused.
    pub refused: usize,
    /// Changes of the world: nothing to compare by themselves.
    pub world: usize,
}

impl Tally {
    /// All steps of the walks: calls, and changes of the world.
    pub const fn steps(&self) -> usize {
        self.accepted + self.refused + self.world
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.walks += other.walks;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.world += other.world;
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |mut sum, tally| {
            sum += tally;
            sum
        })
    }
}

/// A subject did something else than a walk says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The walk.
    pub seed: u64,
    /// The step, from 0; none for the final books.
    pub step: Option<usize>,
    /// What the walk says.
    pub expected: String,
    /// What the subject did.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "walk {}, step {step}", self.seed)?,
            None => write!(f, "walk {}, final books", self.seed)?,
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)
    }
}

/// Why a replay ended early.
#[derive(Debug, Error)]
pub enum ReplayError<E: std::error::Error + 'static> {
    /// The subject and the walk differ.
    #[error("{0}")]
    Mismatch(Mismatch),
    /// The subject could not be created or read.
    #[error("walk {seed}: {error}")]
    Subject {
        /// The walk.
        seed: u64,
        /// What went wrong.
        error: E,
    },
}

/// What there is to see of a step.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    ok: Option<bool>,
    why: Option<Why>,
    pays: Vec<Pay>,
    status: Option<Status>,
}

/// Plays many walks, on as many threads as the machine has.
///
/// # Errors
/// As [`replay`]: of each thread the first, of these the one of the earliest walk.
pub fn replay_all<S>(walks: &[Walk]) -> Result<Tally, ReplayError<S::Error>>
where
    S: Subject<Error: Send>,
{
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let shares = walks.chunks(walks.len().div_ceil(threads).max(1));
        let running: Vec<_> =
            shares.map(|share| scope.spawn(|| share.iter().map(replay::<S>).sum())).collect();
        running.into_iter().map(|share| share.join().unwrap_or_else(|panic| resume_unwind(panic))).sum()
    })
}

/// Plays a walk, and compares each step's outcome and stored status, and the final books.
///
/// # Errors
/// The first difference, or the subject's own error.
pub fn replay<S: Subject>(walk: &Walk) -> Result<Tally, ReplayError<S::Error>> {
    replay_on::<S>(walk, &Scene::of(walk))
}

/// The same with what `scene` deploys.
///
/// # Errors
/// As [`replay`].
pub fn replay_on<S: Subject>(walk: &Walk, scene: &Scene) -> Result<Tally, ReplayError<S::Error>> {
    let failed = |error| ReplayError::Subject { seed: walk.seed, error };
    let mut subject = S::start(scene).map_err(failed)?;
    let mut tally = Tally { walks: 1, ..Tally::default() };
    let mut last_accepted = walk.start;
    for (index, step) in walk.steps.iter().enumerate() {
        let expected = expected(step);
        // A way to end that no rule knows, or that has not the word it should have, is a difference too.
        let otherwise = |text| differs(walk.seed, Some(index), &expected, text);
        let outcome = match subject.play(step.t, &step.op).map_err(|error| otherwise(error.to_string()))? {
            Ok(payments) => Ok(scene.cast.pays(&payments)),
            Err(refused) => {
                let word = word(&mut subject, &walk.terms.tiers, refused, &step.op).map_err(failed)?;
                if word.is_none() && step.why.is_some() {
                    return Err(otherwise(format!("no word for: {refused}")));
                }
                Err(word)
            }
        };
        let status = subject.stored_status().map_err(failed)?;
        compare(walk.seed, Some(index), &expected, &found(step, outcome, status))?;
        match step.ok {
            None => tally.world += 1,
            Some(false) => tally.refused += 1,
            Some(true) => {
                tally.accepted += 1;
                last_accepted = step.t;
            }
        }
    }
    let books = subject.books(last_accepted).map_err(failed)?;
    compare(walk.seed, None, &walk.books, &books)?;
    Ok(tally)
}

/// The word for a refusal of `op`; none for reasons that no walk meets. A claim from a tier of whose group nothing was
/// paid meets the wrong status where nobody is pledged into that group, and else there is nothing to claim.
pub(crate) fn word<S: Subject>(
    subject: &mut S,
    tiers: &[Tier],
    refused: Refused,
    op: &Op,
) -> Result<Option<Why>, S::Error> {
    let Refused::ByRecovery(RecoveryRefusal::NotDrawn { tier }) = refused else {
        return Ok(Why::of(refused, op));
    };
    let order = tiers[usize::from(tier)].draw_order;
    for (other, _) in (0u8..).zip(tiers).filter(|(_, tier)| tier.draw_order == order) {
        if subject.is_pledged(other)? {
            return Ok(Some(Why::Nothing));
        }
    }
    Ok(Some(Why::Status))
}

fn expected(step: &Step) -> Seen {
    Seen { ok: step.ok, why: step.why, pays: step.pays.clone(), status: step.status }
}

/// What a step showed, as far as the walk speaks of it: of a change of the world it says nothing, and of a refusal it
/// need not say why.
fn found(step: &Step, outcome: Result<Vec<Pay>, Option<Why>>, status: Status) -> Seen {
    let ok = step.ok.map(|_| outcome.is_ok());
    let silent = step.ok == Some(false) && step.why.is_none();
    let why = outcome.as_ref().err().copied().flatten().filter(|_| !silent);
    Seen { ok, why, pays: outcome.unwrap_or_default(), status: step.ok.map(|_| status) }
}

fn compare<T: fmt::Debug + PartialEq, E: std::error::Error + 'static>(
    seed: u64,
    step: Option<usize>,
    expected: &T,
    found: &T,
) -> Result<(), ReplayError<E>> {
    if expected == found { Ok(()) } else { Err(differs(seed, step, expected, format!("{found:?}"))) }
}

fn differs<E: std::error::Error + 'static>(
    seed: u64,
    step: Option<usize>,
    expected: &impl fmt::Debug,
    found: String,
) -> ReplayError<E> {
    ReplayError::Mismatch(Mismatch { seed, step, expected: format!("{expected:?}"), found })
}
