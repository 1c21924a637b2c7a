//! Random walks through the rules, made by an independent model: `tests/vectors/rescue.json`.
//!
//! [`replay`] plays a walk on a [`Subject`] and compares every step and the final books, wei by wei. [`model`] is the
//! subject over `levee-model`, [`bytecode`] the one over the escrow's bytecode.

mod bonus;
pub mod bytecode;
mod cast;
mod format;
mod holdings;
pub mod model;
mod recovery;
mod replay;
mod router;
pub(crate) mod views;
mod world;

pub use bonus::Bonus;
pub(crate) use cast::signer;
pub use cast::{
    BENEFICIARY, BONUS, Builds, Cast, ESCROW, GUARDIAN, POOL, SIGNER, STETH, Scene, WSTETH, address_of, terms,
};
pub use format::{
    Balances, Books, Op, OwedBook, Pay, PositionBook, PotBook, Route, Step, Via, Walk, WalkTerms, Why, read,
};
pub(crate) use holdings::Holdings;
pub use recovery::Recovery;
pub(crate) use replay::word;
pub use replay::{Mismatch, Outcome, ReplayError, Subject, Tally, replay, replay_all, replay_on};
pub(crate) use router::sign_permit;
pub(crate) use world::World;
