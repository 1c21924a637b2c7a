//! End-to-end tests: the built `levee` binary against anvil.

mod accounts;
mod bad_input;
mod bonus;
mod cli_docs;
mod contract;
mod counterfeit;
mod declarations;
mod inputs;
mod lifecycle;
mod prompt;
mod readme;
mod recovery;
mod rehearse;
mod router;
mod support;
