//! End-to-end tests: the built `levee` binary against anvil.

mod accounts;
mod bad_input;
mod contract;
mod lifecycle;
mod rehearse;
mod support;
