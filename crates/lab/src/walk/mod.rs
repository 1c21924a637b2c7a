//! Random walks through the rules, made by an independent model: `tests/vectors/rescue.json`.
//!
//! [`replay`] plays a walk on a [`Subject`] and compares every step and the final books, wei by wei. [`model`] is the
//! subject over `levee-model`, [`bytecode`] the one over the escrow's bytecode.

pub mod bytecode;
mod cast;
mod format;
mod holdings;
pub mod model;
mod recovery;
mod refusal;
mod replay;
mod views;
mod world;

pub use cast::{BENEFICIARY, Builds, Cast, ESCROW, GUARDIAN, POOL, STETH, Scene, WSTETH, address_of, terms};
pub use format::{Balances, Books, Op, Pay, PositionBook, PotBook, Step, Walk, WalkTerms, Why, read};
pub use recovery::Recovery;
pub use refusal::Refused;
pub(crate) use replay::word;
pub use replay::{Mismatch, Outcome, ReplayError, Subject, Tally, replay, replay_all};
