//! The client against the contracts' bytecode on a local chain.

mod edition;
mod environment;
mod escrow;
mod lies;
mod nodes;
mod outbox;
mod proof;
mod satellites;
mod signers;
mod snapshot;
mod wallet;
