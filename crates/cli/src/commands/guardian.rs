//! `levee guardian`: decline a pledge, or propose an amendment. Both only while the rescue is open.

use std::path::PathBuf;

use alloy::primitives::{Address, B256};
use clap::{Args, Subcommand};
use eyre::Result;
use levee::Purpose;
use levee_model::{Goal, Operation, PositionId, Wei};

use crate::{
    address, amount, output::Output, plan::Step, position::PositionArgs, terms, time, transaction::ChangeArgs,
};

/// Subcommands of `levee guardian`.
#[derive(Debug, Subcommand)]
pub(crate) enum GuardianCommand {
    /// Return a whole pledge to its pledger
    #[command(after_help = "\
If the pledger does not accept the payment, or stETH is paused, the amount is owed to the pledger: anyone \
can pay it later with `levee collect`.

Example:
  levee guardian decline 0x… --terms rescue.toml --account guardian")]
    Decline(DeclineArgs),
    /// Propose a new target, deadline or document, which takes effect after the exit window
    #[command(after_help = "\
Values that you leave out stay unchanged. Until the amendment takes effect, everyone may withdraw their \
whole pledge, and the rescue cannot settle. Pledges prepared before the proposal are refused afterwards, \
because each pledge names the latest amendment it knows of.

Example:
  levee guardian amend --target \"45000 ETH\" --terms rescue.toml --account guardian")]
    Amend(AmendArgs),
}

/// Arguments of `levee guardian decline`.
#[derive(Debug, Args)]
pub(crate) struct DeclineArgs {
    /// The pledger whose pledge to decline.
    #[arg(value_name = "PLEDGER", value_parser = address::parse)]
    pledger: Address,

    #[command(flatten)]
    position: PositionArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

/// Arguments of `levee guardian amend`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("changes").required(true).multiple(true)))]
pub(crate) struct AmendArgs {
    /// The new target, as in `45000 ETH`.
    #[arg(long, value_name = "AMOUNT", value_parser = amount::parse_eth, group = "changes")]
    target: Option<Wei>,

    /// The new deadline, as in `2026-08-01T00:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = time::parse_time, group = "changes")]
    deadline: Option<u64>,

    /// The new document, whose Keccak-256 becomes the terms hash.
    #[arg(long, value_name = "FILE", group = "changes")]
    document: Option<PathBuf>,

    /// The new terms hash itself.
    #[arg(long, value_name = "HASH", value_parser = terms::parse_hash, group = "changes", conflicts_with = "document")]
    terms_hash: Option<B256>,

    #[command(flatten)]
    change: ChangeArgs,
}

impl GuardianCommand {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        match self {
            Self::Decline(args) => args.run(output).await,
            Self::Amend(args) => args.run(output).await,
        }
    }
}

impl DeclineArgs {
    async fn run(self, output: Output) -> Result<()> {
        let purpose = self.position.narrow(Purpose::new("guardian decline").with("pledger", self.pledger));
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let positions = session.escrow.positions(self.pledger).await?;
        let fits = |position: &levee::PositionView| !position.amount.is_zero();
        let position = self.position.choose(self.pledger, &positions, "pledge to decline", fits)?;
        let (pledger, tier, asset) = (self.pledger, position.tier, position.asset);
        let call = session.escrow.call(Operation::Decline(PositionId { pledger, tier, asset }))?;
        let headline = format!("Decline a pledge to the rescue {}", session.page.address);
        let facts = vec![
            ("amount", amount::units_exact(position.amount, asset, session.page.rate())),
            ("tier", tier.to_string()),
            ("returned to", pledger.to_string()),
        ];
        session.run(Step::new("decline", headline, call).facts(facts)).await
    }
}

impl AmendArgs {
    async fn run(self, output: Output) -> Result<()> {
        let new_hash = self.new_hash()?;
        let purpose = Purpose::new("guardian amend")
            .with_some("target", self.target.map(amount::eth))
            .with_some("deadline", self.deadline.map(time::time))
            .with_some("terms-hash", new_hash);
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let (page, terms) = (&session.page, &session.page.view.terms);
        let goal = Goal {
            target: self.target.unwrap_or(terms.target),
            deadline: self.deadline.unwrap_or(terms.deadline),
            terms_hash: new_hash.unwrap_or(terms.terms_hash),
        };
        let call = session.escrow.call(Operation::Amend(goal))?;
        let headline = format!("Propose an amendment to the rescue {}", page.address);
        let (old, new) = (amount::eth(terms.target), amount::eth_and_wei(goal.target));
        let facts = vec![
            ("target", format!("{new}, now {old}")),
            ("deadline", format!("{}, now {}", time::time(goal.deadline), time::time(terms.deadline))),
            ("at latest", time::time(terms.latest_deadline)),
            ("terms hash", goal.terms_hash.to_string()),
            ("takes effect", format!("{} after this transaction", time::duration(terms.exit_window.into()))),
        ];
        session.run(Step::new("amend", headline, call).facts(facts)).await
    }

    fn new_hash(&self) -> Result<Option<B256>> {
        match &self.document {
            Some(path) => Ok(Some(terms::hash_of_file(path)?)),
            None => Ok(self.terms_hash),
        }
    }
}
