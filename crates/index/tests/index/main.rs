//! The index against chains that tests write, against contracts on a local chain, and on both databases.

mod chain;
mod compact;
#[expect(dead_code, reason = "the tests of the client use more of it")]
#[path = "../../../levee/tests/anvil/environment.rs"]
mod environment;
mod live;
mod postgres;
mod stores;
mod tls;
mod undo;
mod writers;
