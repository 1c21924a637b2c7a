//! The `levee` command: create, pledge to, release, refund and read rescues, and the contracts around them.

mod account;
mod amended;
mod amount;
mod browser;
mod cli;
mod commands;
mod config;
mod connection;
mod declaration;
mod device;
mod documents;
mod environment;
mod error;
mod gateway;
mod handed;
mod hint;
mod history;
mod interruption;
mod journal;
mod json;
mod keeper;
mod keystore;
#[cfg(any(feature = "aws", feature = "gcp"))]
mod kms;
mod markdown;
mod names;
mod output;
mod page;
mod payer;
mod payouts;
mod plan;
mod pledging;
mod position;
mod progress;
mod prompt;
mod prospect;
mod public_keys;
mod receiver;
mod rehearse;
mod route;
mod serve;
mod service;
mod signing;
mod spreadsheet;
mod state;
mod store;
mod table;
mod time;
mod trace;
mod transaction;
mod unsigned;
mod warnings;
mod watch;

use std::{
    panic::{self, PanicHookInfo},
    process::{self, ExitCode},
};

use eyre::eyre;
use levee::text::{address, document, escape, event, file, percent, terms};

use crate::{cli::Parsed, output::Output};

fn main() -> ExitCode {
    table::fit_terminal();
    let (output, parsed) = cli::parse();
    panic::set_hook(Box::new(move |panic| end_by(panic, output)));
    let done = match parsed {
        Ok(Parsed::Run(arguments)) => cli::run(&arguments, output),
        Ok(Parsed::Exit(code)) => return code,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            output.error(&report);
            ExitCode::from(error::exit_code(&report))
        }
    }
}

/// A panic, of ours or of a library, is a bug: it ends the command at once, and is told as an error.
#[allow(clippy::exit, reason = "nothing else ends the other threads, and the journal is whole at any time")]
fn end_by(panic: &PanicHookInfo<'_>, output: Output) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let reason = panic.payload_as_str().unwrap_or_default();
    output.error(&eyre!("the command has a bug, in {place}: {reason}"));
    process::exit(error::EXIT_INTERNAL.into());
}
