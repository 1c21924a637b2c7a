//! End-to-end tests: the built `levee` binary against anvil.

mod aave;
mod accounts;
mod act;
mod bad_input;
mod bonus;
mod browser;
mod cli_docs;
mod compact;
mod configuration;
mod contract;
mod counterfeit;
mod declarations;
mod decode;
mod devices;
mod edition;
mod guides;
mod index;
mod inputs;
mod journal;
mod keeper;
mod languages;
#[cfg(target_os = "linux")]
mod ledger;
mod lifecycle;
mod names;
mod nodes;
mod operator;
mod pages;
mod payers;
mod payouts;
#[expect(dead_code, reason = "the tests of the index use more of it")]
#[path = "../../crates/index/tests/index/postgres.rs"]
mod postgres;
mod prompt;
mod readme;
mod receivers;
mod recovery;
mod rehearse;
mod requests;
mod router;
mod safe;
mod safes;
mod serve;
mod services;
mod signatures;
mod solidity;
mod statement;
mod support;
mod usb;
mod verify;
mod watch;
mod what_if;
