//! The client against the contracts' bytecode on a local chain.

mod around;
mod environment;
mod escrow;
