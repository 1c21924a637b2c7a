//! The `levee` command: create, pledge to, release, refund and read rescues, and what is around them.

mod account;
mod address;
mod amended;
mod amount;
mod cli;
mod commands;
mod connection;
mod declaration;
mod document;
mod environment;
mod error;
mod escape;
mod event;
mod file;
mod hint;
mod output;
mod page;
mod percent;
mod position;
mod prompt;
mod public_keys;
mod rehearse;
mod route;
mod table;
mod terms;
mod time;
mod transaction;
mod warnings;

use std::process::ExitCode;

fn main() -> ExitCode {
    let (output, parsed) = cli::parse();
    let done = match parsed {
        Ok(Some(command)) => command.run(output),
        Ok(None) => Ok(()),
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
