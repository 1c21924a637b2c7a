//! `levee safe`: transactions of a Safe as files, without a service in between.

mod execute;
mod files;
mod propose;
pub(crate) mod show;
mod sign;

use clap::Subcommand;
use eyre::Result;

use crate::output::Output;

/// The subcommands of `levee safe`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A Safe is a wallet with several owners, of whom some number must approve each transaction. The transaction is a file, which \
the owners pass on to each other; no server sees it. Whatever it says is part of a hash that each owner signs: compare the \
hash with the one that your hardware wallet shows.

Example:
  levee safe propose batch.json pledge.json
  levee safe show pledge.json
  levee safe sign pledge.json --ledger
  levee safe execute pledge.json --account anyone")]
pub(crate) enum SafeCommand {
    /// Propose a batch of calls as a transaction of a Safe
    Propose(propose::ProposeArgs),
    /// Show a transaction, its hashes, and who has approved it
    Show(show::ShowArgs),
    /// Sign a transaction as an owner
    Sign(Box<sign::SignArgs>),
    /// Execute a transaction that enough owners have approved (anyone)
    Execute(Box<execute::ExecuteArgs>),
}

impl SafeCommand {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match self {
            Self::Propose(args) => args.run(output).await,
            Self::Show(args) => args.run(output).await,
            Self::Sign(args) => args.run(output).await,
            Self::Execute(args) => args.run(output).await,
        }
    }
}
