//! End-to-end tests: the built `levee` binary against anvil.

mod rehearse;
