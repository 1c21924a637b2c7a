//! The client against the contracts' bytecode on a local chain.

mod edition;
mod environment;
mod escrow;
mod nodes;
mod outbox;
#[path = "../../../../tests/e2e/proxy.rs"]
mod proxy;
mod satellites;
mod signers;
mod snapshot;
mod wallet;
