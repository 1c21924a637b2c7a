//! Random walks through the rules of a compact, with real escrows in the same world.
//!
//! [`replay()`] plays a walk, one of `tests/vectors/compact.json` or one that the campaign found, on a [`Subject`], and
//! compares every step and the final books. [`model`] is the subject over `levee-model`, [`bytecode`] the one over the
//! bytecode of the compact and of its escrows. A [`Campaign`] plays random walks on both in lockstep.

pub mod bytecode;
mod campaign;
mod format;
mod lockstep;
pub mod model;
mod replay;
mod resolve;
mod scene;
mod throws;

pub use campaign::Campaign;
pub use format::{Books, CallBook, CompactWalkTerms, Forgery, MemberBook, Op, Pay, Policy, Step, Walk, read};
pub use lockstep::{Lockstep, agree};
pub use replay::{Subject, replay, replay_all};
pub use scene::{ADMITTER, OUTSIDER, Outcome, PEOPLE, Places, Scene, compact_terms};
