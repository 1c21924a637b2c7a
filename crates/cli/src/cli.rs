//! From arguments to a command. Mistakes of every kind, also clap's, are rendered in one way.

use std::{env, error::Error, future::Future, process::ExitCode};

use clap::{ArgAction, Parser, Subcommand, error::ErrorKind};
use eyre::{Result, WrapErr};

use crate::{
    commands,
    error::{EXIT_USER, UserError},
    output::{self, Output},
    rehearse, trace,
};

/// Rescues by rule: pledges toward a shortfall, locked in a contract whose terms were fixed before the first coin.
#[derive(Debug, Parser)]
#[command(
    name = "levee",
    version,
    max_term_width = 100,
    after_help = "\
Amounts carry a unit: `1.5 ETH`, `2500 stETH`, `30 wstETH`, `123 wei` of ETH, or `100 shares` of stETH, which is the \
unit that its books are in.
The result goes to stdout, everything else to stderr.
Exit codes: 0 done; 1 you can mend it; 2 the network, or a defect."
)]
pub(crate) struct Cli {
    /// Write results and errors as JSON.
    #[arg(long, global = true)]
    json: bool,

    /// Write nothing but the result, warnings and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// Tell on stderr what the node is asked; given twice, also what it answers.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,

    #[command(subcommand)]
    command: Command,
}

/// One verb.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write, check and show the terms of a rescue
    #[command(subcommand)]
    Terms(commands::terms::TermsCommand),
    /// Compute the address of a rescue from its terms, without a network
    Address(commands::address::AddressArgs),
    /// Create a rescue
    Deploy(commands::deploy::DeployArgs),
    /// Say what will be pledged, before the money
    Declare(commands::declare::DeclareArgs),
    /// Show what was declared, against what was locked
    Declarations(commands::declarations::DeclarationsArgs),
    /// Lock a pledge
    Pledge(commands::pledge::PledgeArgs),
    /// Decide a rescue: fix what is drawn, or find that it failed (anyone)
    Settle(commands::settle::SettleArgs),
    /// Deliver to the beneficiary what is due of an asset (anyone)
    Release(commands::release::ReleaseArgs),
    /// Return to a pledger what is not needed (anyone)
    Refund(commands::refund::RefundArgs),
    /// Take your pledge out while an amendment is pending
    Exit(commands::exit::ExitArgs),
    /// Pay a pledger what its exit or decline could not (anyone)
    Collect(commands::collect::CollectArgs),
    /// Object with your pledge to what is not yet due
    Object(commands::object::ObjectArgs),
    /// End an open rescue, stop what is not yet due, or let go what objections stopped (guardian)
    Cancel(commands::cancel::CancelArgs),
    /// Send back what the beneficiary did not collect in time (anyone)
    Lapse(commands::lapse::LapseArgs),
    /// Fail a rescue whose stETH cannot be valued (anyone)
    Expire(commands::expire::ExpireArgs),
    /// Decline a pledge or propose an amendment (guardian)
    #[command(subcommand)]
    Guardian(commands::guardian::GuardianCommand),
    /// Add, enlist for, claim or take back what pledges get whose condition is not met
    #[command(subcommand)]
    Bonus(commands::bonus::BonusCommand),
    /// Share out what was recovered after a rescue (anyone)
    Recover(commands::recover::RecoverArgs),
    /// Pay a pledger what was recovered for it (anyone)
    Claim(commands::claim::ClaimArgs),
    /// Show a rescue on one page
    Status(commands::status::StatusArgs),
    /// Show what an account has in a rescue
    Positions(commands::positions::PositionsArgs),
    /// Play a rescue from a file, on a local chain of its own
    Rehearse(rehearse::RehearseArgs),
    /// Print a script that completes arguments in a shell
    Completions(commands::shell::CompletionsArgs),
    /// Print the manual page, or write the pages of all commands
    Man(commands::shell::ManArgs),
}

impl Command {
    /// Does it. The asynchronous runtime is made only for verbs that reach a node.
    pub(crate) fn run(self, output: Output) -> Result<()> {
        match self {
            Self::Terms(command) => command.run(output),
            Self::Address(args) => args.run(output),
            Self::Deploy(args) => block_on(args.run(output)),
            Self::Declare(args) => block_on(args.run(output)),
            Self::Declarations(args) => block_on(args.run(output)),
            Self::Pledge(args) => block_on(args.run(output)),
            Self::Settle(args) => block_on(args.run(output)),
            Self::Release(args) => block_on(args.run(output)),
            Self::Refund(args) => block_on(args.run(output)),
            Self::Exit(args) => block_on(args.run(output)),
            Self::Collect(args) => block_on(args.run(output)),
            Self::Object(args) => block_on(args.run(output)),
            Self::Cancel(args) => block_on(args.run(output)),
            Self::Lapse(args) => block_on(args.run(output)),
            Self::Expire(args) => block_on(args.run(output)),
            Self::Guardian(command) => block_on(command.run(output)),
            Self::Bonus(command) => block_on(command.run(output)),
            Self::Recover(args) => block_on(args.run(output)),
            Self::Claim(args) => block_on(args.run(output)),
            Self::Status(args) => block_on(args.run(output)),
            Self::Positions(args) => block_on(args.run(output)),
            Self::Rehearse(args) => block_on(args.run(output)),
            Self::Completions(args) => args.run(output),
            Self::Man(args) => args.run(output),
        }
    }
}

fn block_on(command: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.wrap_err("the runtime does not start")?.block_on(command)
}

/// What the arguments ask for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// To do something.
    Run(Box<Command>),
    /// Nothing more: help or the version was asked for, and shown; or nothing was, and help is shown all the same.
    Shown(ExitCode),
}

/// Reads the arguments.
pub(crate) fn parse() -> (Output, Result<Asked>) {
    match Cli::try_parse() {
        Ok(cli) => {
            trace::start(cli.verbose);
            (Output::new(cli.json, cli.quiet), Ok(Asked::Run(Box::new(cli.command))))
        }
        Err(error) => {
            let output = Output::new(env::args_os().any(|argument| argument == "--json"), false);
            (output, shown_or_mistake(error, output))
        }
    }
}

fn shown_or_mistake(error: clap::Error, output: Output) -> Result<Asked> {
    let help = error.render().ansi().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::write(&help)?;
            Ok(Asked::Shown(ExitCode::SUCCESS))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !output.is_json() => {
            output::write_stderr(&help);
            Ok(Asked::Shown(ExitCode::from(EXIT_USER)))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            Err(UserError::new("no command is given").hint("`levee help` lists the commands").into())
        }
        _ => Err(mistake(&error).into()),
    }
}

/// A refusal by one of our own parsers says what to do; of clap's own, the first sentence is what is wrong.
fn mistake(error: &clap::Error) -> UserError {
    if let Some(ours) = error.source().and_then(|source| source.downcast_ref::<UserError>()) {
        return ours.clone();
    }
    let text = error.render().to_string();
    let mut paragraphs = text.trim_start_matches("error: ").split("\n\n").map(one_line);
    let message = paragraphs.next().unwrap_or_default();
    let tip = paragraphs.find_map(|paragraph| paragraph.strip_prefix("tip: ").map(str::to_owned));
    UserError::new(message)
        .hint(tip.unwrap_or_else(|| "`levee help` and `--help` after any verb explain".into()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn refusal(arguments: &[&str]) -> String {
        let arguments = ["levee"].iter().chain(arguments);
        let report = mistake(&Cli::try_parse_from(arguments).unwrap_err()).into();
        anstream::adapter::strip_str(&crate::error::to_text(&report)).to_string()
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn mistakes_in_arguments_read_like_all_others() {
        let help = "hint: `levee help` and `--help` after any verb explain\n";
        assert_eq!(
            refusal(&["setle"]),
            "error: unrecognized subcommand 'setle'\n\nhint: a similar subcommand exists: 'settle'\n"
        );
        assert_eq!(
            refusal(&["release"]),
            format!("error: the following required arguments were not provided: <ASSET>\n\n{help}")
        );
        assert_eq!(
            refusal(&["release", "WETH"]),
            "error: `WETH` is not an asset of a rescue\n\nhint: say ETH, stETH or wstETH\n"
        );
    }
}
