//! Parses the arguments. All errors, including clap's, are rendered in the same way.

use std::{
    env,
    error::Error,
    future::Future,
    net::AddrParseError,
    num::{IntErrorKind, ParseIntError},
    process::ExitCode,
};

use clap::{
    ArgAction, ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use eyre::{Result, WrapErr};

use crate::{
    commands,
    error::{EXIT_USER, UserError},
    names::{self, Known, Names},
    output::{self, Output},
    rehearse,
    trace::{self, LogFormat},
};

/// Fund rescues in DeFi with binding pledges, locked under terms that are fixed in advance.
#[derive(Debug, Parser)]
#[command(
    name = "levee",
    version,
    max_term_width = 100,
    after_help = "\
Amounts need a unit: `1.5 ETH`, `123 wei`, `2500 stETH`, `100 shares` (of stETH, which is booked in shares) \
or `30 wstETH`.
An argument that is an address may also be an ENS name, such as `treasury.eth`, on Ethereum and Sepolia.
Results go to stdout, everything else to stderr.
Exit codes: 0 success, 1 user error, 2 network failure or bug."
)]
pub(crate) struct Cli {
    /// Print results and errors as JSON.
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,

    /// Print only the result, warnings and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    quiet: bool,

    /// Log requests to the node on stderr; with `-vv`, also its responses.
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    verbose: u8,

    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write, check and show the terms of a rescue
    #[command(subcommand)]
    Terms(commands::terms::TermsCommand),
    /// Compute the address of a rescue from its terms, offline
    Address(commands::address::AddressArgs),
    /// Create a rescue
    Deploy(commands::deploy::DeployArgs),
    /// Declare an intended pledge, without locking anything
    Declare(commands::declare::DeclareArgs),
    /// Compare declarations with the pledges that are locked
    Declarations(commands::declarations::DeclarationsArgs),
    /// Lock a pledge
    Pledge(commands::pledge::PledgeArgs),
    /// Create a receiver for a beneficiary, and move on what it was paid
    #[command(subcommand)]
    Receiver(commands::receiver::ReceiverCommand),
    /// Agree in advance to rescue: commit, call, approve, give
    #[command(subcommand)]
    Compact(commands::compact::CompactCommand),
    /// Settle a rescue: fix the draw, or record that it failed (anyone)
    Settle(commands::settle::SettleArgs),
    /// Deliver what is due in one asset to the beneficiary (anyone)
    Release(commands::release::ReleaseArgs),
    /// Return the part of a pledge that is not needed (anyone)
    Refund(commands::refund::RefundArgs),
    /// Withdraw your pledge while an amendment is pending
    Exit(commands::exit::ExitArgs),
    /// Pay out what an exit or a decline could not (anyone)
    Collect(commands::collect::CollectArgs),
    /// Object to tranches that are not yet due
    Object(commands::object::ObjectArgs),
    /// End an open rescue, stop tranches not yet due, or return what a veto stopped (guardian)
    Cancel(commands::cancel::CancelArgs),
    /// Return what was not delivered to the beneficiary in time (anyone)
    Lapse(commands::lapse::LapseArgs),
    /// Fail a rescue whose stETH cannot be valued (anyone)
    Expire(commands::expire::ExpireArgs),
    /// Decline a pledge or propose an amendment (guardian)
    #[command(subcommand)]
    Guardian(commands::guardian::GuardianCommand),
    /// Manage the bonus for pledges whose condition is not met
    #[command(subcommand)]
    Bonus(commands::bonus::BonusCommand),
    /// Distribute funds that were recovered after a rescue (anyone)
    Recover(commands::recover::RecoverArgs),
    /// Pay a pledger its share of recovered funds (anyone)
    Claim(commands::claim::ClaimArgs),
    /// Show the state of a rescue
    Status(commands::status::StatusArgs),
    /// Prove a rescue from its address, against the hash of a block
    Verify(commands::verify::VerifyArgs),
    /// Show an account's positions in a rescue
    Positions(commands::positions::PositionsArgs),
    /// Write a page about a rescue, for anyone to read and check
    Report(commands::report::ReportArgs),
    /// List everyone who has something in a rescue, what is due to them, and what they may do
    Pledgers(commands::pledgers::PledgersArgs),
    /// Account for every wei and share of a rescue, from its logs
    Statement(commands::statement::StatementArgs),
    /// Show what calls, files and transactions do, and compare it with what is expected
    Decode(commands::decode::DecodeArgs),
    /// Send transactions that were signed elsewhere
    Send(commands::send::SendArgs),
    /// Propose, sign and execute transactions of a Safe, without a service
    #[command(subcommand)]
    Safe(commands::safe::SafeCommand),
    /// Show or finish what this machine has signed
    #[command(subcommand)]
    Journal(commands::journal::JournalCommand),
    /// Keep the logs of all rescues of a chain, and what they add up to
    Index(commands::index::IndexArgs),
    /// Serve pages about all rescues of an index, for anyone to read
    Serve(Box<commands::serve::ServeArgs>),
    /// Do what is due for rescues, and go on doing it (anyone)
    Keeper(Box<commands::keeper::KeeperArgs>),
    /// Tell people in time what happens in rescues, and what is about to
    Watch(Box<commands::watch::WatchArgs>),
    /// Check this machine, the nodes, an account and a rescue, before money depends on them
    Doctor(Box<commands::doctor::DoctorArgs>),
    /// List the networks that Levee knows, with the contracts on them
    Networks(commands::networks::NetworksArgs),
    /// Print the ABI of a contract, for programs in other languages
    Abi(commands::abi::AbiArgs),
    /// Show what would come of a rescue, as it is and otherwise
    WhatIf(Box<commands::what_if::WhatIfArgs>),
    /// Find the least that meets a threshold, and whose withdrawal would break one
    Solve(Box<commands::solve::SolveArgs>),
    /// Find what would make the sum of scenarios, offers and declarations wrong
    Lint(commands::lint::LintArgs),
    /// Rehearse a rescue from a scenario file, on a temporary local chain
    Rehearse(rehearse::RehearseArgs),
    /// Print a shell completion script
    Completions(commands::shell::CompletionsArgs),
    /// Print the manual page, or write the pages of all commands to a directory
    Man(commands::shell::ManArgs),
}

impl Command {
    /// Runs the command. The asynchronous runtime is started only for commands that can reach a node.
    pub(crate) fn run(self, output: Output) -> Result<()> {
        match self {
            Self::Terms(command) => block_on(command.run(output)),
            Self::Address(args) => args.run(output),
            Self::Deploy(args) => block_on(args.run(output)),
            Self::Declare(args) => block_on(args.run(output)),
            Self::Declarations(args) => block_on(args.run(output)),
            Self::Pledge(args) => block_on(args.run(output)),
            Self::Receiver(command) => block_on(command.run(output)),
            Self::Compact(command) => block_on(command.run(output)),
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
            Self::Verify(args) => block_on(args.run(output)),
            Self::Positions(args) => block_on(args.run(output)),
            Self::Report(args) => block_on(args.run(output)),
            Self::Pledgers(args) => block_on(args.run(output)),
            Self::Statement(args) => block_on(args.run(output)),
            Self::Decode(args) => args.run(output),
            Self::Send(args) => block_on(args.run(output)),
            Self::Safe(command) => block_on(command.run(output)),
            Self::Journal(command) => block_on(command.run(output)),
            Self::Index(args) => block_on(args.run(output)),
            Self::Serve(args) => block_on_threads(args.run(output)),
            Self::Keeper(args) => block_on(args.run(output)),
            Self::Watch(args) => block_on(args.run(output)),
            Self::Doctor(args) => block_on(args.run(output)),
            Self::Networks(args) => args.run(output),
            Self::Abi(args) => args.run(output),
            Self::WhatIf(args) => block_on(args.run(output)),
            Self::Solve(args) => block_on(args.run(output)),
            Self::Lint(args) => block_on(args.run(output)),
            Self::Rehearse(args) => block_on(args.run(output)),
            Self::Completions(args) => args.run(output),
            Self::Man(args) => args.run(output),
        }
    }
}

pub(crate) fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.wrap_err("the asynchronous runtime could not be started")?.block_on(command)
}

/// The same on all processors, for a command that answers many at once.
fn block_on_threads<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.wrap_err("the asynchronous runtime could not be started")?.block_on(command)
}

/// The parsed arguments.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// The arguments of a command, whose names of ENS are yet to be resolved.
    Run(Box<ArgMatches>),
    /// Help or the version was printed, so nothing is left to do but exit.
    Exit(ExitCode),
}

/// Reads the arguments.
pub(crate) fn parse() -> (Output, Result<Parsed>) {
    match names::taken_by(Cli::command()).try_get_matches() {
        Ok(matches) => {
            let service = of_command(&matches).try_get_one::<LogFormat>("log").ok().flatten();
            trace::start(matches.get_count("verbose"), service.copied(), matches.get_flag("quiet"));
            let output = Output::new(matches.get_flag("json"), matches.get_flag("quiet"));
            (output, Ok(Parsed::Run(Box::new(matches))))
        }
        Err(error) => {
            let output = Output::new(env::args_os().any(|argument| argument == "--json"), false);
            (output, help_or_usage_error(error, output))
        }
    }
}

/// Runs the command, with the names among its arguments resolved.
pub(crate) fn run(arguments: &ArgMatches, output: Output) -> Result<()> {
    let known = match Names::among(of_command(arguments)) {
        Some(names) => block_on(names.resolve(output))?,
        None => Known::default(),
    };
    let matches = known.taken_by(Cli::command()).try_get_matches();
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    cli.map_err(|error| usage_error(&error))?.command.run(output)
}

/// The arguments of the command itself.
fn of_command(arguments: &ArgMatches) -> &ArgMatches {
    arguments.subcommand().map_or(arguments, |(_, inner)| of_command(inner))
}

fn help_or_usage_error(error: clap::Error, output: Output) -> Result<Parsed> {
    let help = error.render().ansi().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::write(&help)?;
            Ok(Parsed::Exit(ExitCode::SUCCESS))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !output.is_json() => {
            output::write_stderr(&help);
            Ok(Parsed::Exit(ExitCode::from(EXIT_USER)))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            Err(UserError::new("no command given").hint("`levee help` lists the commands").into())
        }
        _ => Err(usage_error(&error).into()),
    }
}

/// Our own parsers fail with a [`UserError`]; of clap's own errors, the first paragraph becomes the message.
fn usage_error(error: &clap::Error) -> UserError {
    if let Some(ours) = error.source().and_then(|source| source.downcast_ref::<UserError>()) {
        return ours.clone();
    }
    if let Some(plain) = value_error(error) {
        return plain;
    }
    let text = error.render().to_string();
    let mut paragraphs = text.trim_start_matches("error: ").split("\n\n").map(one_line);
    let message = paragraphs.next().unwrap_or_default();
    let tip = paragraphs.find_map(|paragraph| paragraph.strip_prefix("tip: ").map(str::to_owned));
    UserError::new(message)
        .hint(tip.unwrap_or_else(|| "see `levee help`, or add `--help` to any command".into()))
}

/// What is wrong with a number or an address to listen at: the standard library says it in a programmer's words.
fn value_error(error: &clap::Error) -> Option<UserError> {
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else { return None };
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let source = error.source()?;
    if source.is::<AddrParseError>() {
        return Some(
            UserError::new(format!("`{value}` is not an address and a port"))
                .hint("write both, as in `127.0.0.1:9464`"),
        );
    }
    let hint = match source.downcast_ref::<ParseIntError>()?.kind() {
        IntErrorKind::Zero => "it must be at least 1",
        IntErrorKind::PosOverflow => "it is too large",
        _ => "write digits alone",
    };
    Some(UserError::new(format!("`{value}` is not a number for `{argument}`")).hint(hint))
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
        let report = usage_error(&Cli::try_parse_from(arguments).unwrap_err()).into();
        anstream::adapter::strip_str(&crate::error::to_text(&report)).to_string()
    }

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn usage_errors_read_like_all_others() {
        let help = "hint: see `levee help`, or add `--help` to any command\n";
        assert_eq!(
            refusal(&["networkz"]),
            "error: unrecognized subcommand 'networkz'\n\nhint: a similar subcommand exists: 'networks'\n"
        );
        assert_eq!(
            refusal(&["release"]),
            format!("error: the following required arguments were not provided: <ASSET>\n\n{help}")
        );
        assert_eq!(
            refusal(&["release", "WETH"]),
            "error: `WETH` is not an asset that rescues accept\n\nhint: use ETH, stETH or wstETH\n"
        );
    }

    #[test]
    fn numbers_and_addresses_are_refused_in_the_words_of_users() {
        for (arguments, expected) in [
            (
                ["watch", "--listen", "9464"],
                "`9464` is not an address with a port\n\nhint: write it as in `127.0.0.1:9464`",
            ),
            (
                ["watch", "--every", "0"],
                "`0` is not a number for `--every <SECONDS>`\n\nhint: it must be at least 1",
            ),
            (
                ["watch", "--every", "4s"],
                "`4s` is not a number for `--every <SECONDS>`\n\nhint: write digits alone",
            ),
            (
                ["declarations", "--from-block", "99999999999999999999"],
                "`99999999999999999999` is not a number for `--from-block <NUMBER>`\n\nhint: it is too large",
            ),
        ] {
            assert_eq!(refusal(&arguments), format!("error: {expected}\n"));
        }
    }
}
