//! Random walks on the model and on the bytecode, in lockstep.
//!
//! A [`Campaign`] plays many walks: random terms, a random share rate, and a hundred random steps over every call of the
//! escrow and of its recovery pool, with the clock steered to the edges of time, rebases, slashings, and a stETH that
//! breaks. After each step of a walk a [`Lockstep`] compares what the call paid or why it was refused, everyone's
//! balances, all views, and the state rebuilt from the events.
//!
//! Each walk has a seed of its own. The one that fails is shrunk and written as a recorded walk, which `make replay`
//! plays and which stays as a regression case.

mod campaign;
mod lockstep;
mod mix;
mod resolve;
mod scenes;
mod throws;

pub use campaign::{Campaign, Failed, Finding, Recorded, Report, fresh_seed};
pub(crate) use campaign::{Game, rng, unpanicked};
pub use lockstep::{Difference, Lockstep, agree};
pub use mix::Mix;
