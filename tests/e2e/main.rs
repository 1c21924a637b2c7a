//! End-to-end tests: the built `levee` binary against anvil.

mod accounts;
mod bad_input;
mod bonus;
mod browser;
mod cli_docs;
mod configuration;
mod contract;
mod counterfeit;
mod declarations;
mod devices;
mod edition;
mod inputs;
mod journal;
mod languages;
#[cfg(target_os = "linux")]
mod ledger;
mod lifecycle;
mod names;
mod nodes;
mod operator;
mod payers;
mod prompt;
mod readme;
mod recovery;
mod rehearse;
mod requests;
mod router;
mod safe;
mod safes;
mod services;
mod signatures;
mod solidity;
mod support;
mod usb;
mod verify;
