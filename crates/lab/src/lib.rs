//! Levee's bytecode in an in-process EVM.
//!
//! [`chain`] is the EVM, [`lido`] the two token models on it, and [`steth`] checks those models against a recording of
//! the real contracts; [`walk`] replays random walks through the rules of a rescue on an [`escrow`], and [`gas`] measures
//! what its calls cost. None of these needs a node, a network or a Solidity compiler: the bytecode is the committed
//! artifacts of the `levee` crate. [`source`] compiles it again.
//!
//! [`faults`] plays the built command against anvil, through a [`proxy`] that fails and lies.

pub mod chain;
pub mod compact;
pub mod escrow;
pub mod faults;
pub mod fuzz;
pub mod gas;
pub mod lido;
pub mod proxy;
pub mod source;
pub mod steth;
pub mod walk;
