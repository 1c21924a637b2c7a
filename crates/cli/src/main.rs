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
mod environment;
mod error;
mod escape;
mod event;
mod hint;
mod journal;
mod json;
mod keystore;
mod output;
mod page;
mod pledging;
mod position;
mod progress;
mod prompt;
mod public_keys;
mod rehearse;
mod route;
mod signing;
mod table;
mod time;
mod trace;
mod transaction;
mod warnings;

use std::process::ExitCode;

use levee::text::{address, document, file, percent, terms};

use crate::cli::Parsed;

fn main() -> ExitCode {
    table::fit_terminal();
    let (output, parsed) = cli::parse();
    let done = match parsed {
        Ok(Parsed::Run(command)) => command.run(output),
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
