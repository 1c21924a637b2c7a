//! End-to-end tests: the built `levee` binary against anvil.

mod accounts;
mod bad_input;
mod cli_docs;
mod contract;
mod lifecycle;
mod prompt;
mod readme;
mod rehearse;
mod support;
