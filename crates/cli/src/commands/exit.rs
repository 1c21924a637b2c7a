//! `levee exit`: leave before an amendment.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{PositionView, Purpose};
use levee_model::Operation;

use crate::{
    address, amount, output::Output, page::Page, plan::Summary, position::PositionArgs, time,
    transaction::ChangeArgs,
};

/// Arguments of `levee exit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Possible only while an amendment is pending, and only for a whole position. `levee status` shows whether an \
amendment is pending, and until when.

Your position leaves the books at once. What cannot be paid in the same transaction, for example while stETH \
is paused, is owed to you: `levee collect` pays it later.

Example:
  levee exit --terms rescue.toml --account treasury")]
pub(crate) struct ExitArgs {
    #[command(flatten)]
    position: PositionArgs,

    /// Recipient; default: the signer.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    to: Option<Address>,

    #[command(flatten)]
    change: ChangeArgs,
}

impl ExitArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let purpose = self.position.narrow(Purpose::new("exit")).with_some("to", self.to);
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let (pledger, page) = (session.signer.from, &session.page);
        let positions = session.escrow.positions(pledger).await?;
        let fits = |position: &PositionView| !position.amount.is_zero();
        let position = self.position.choose(pledger, &positions, "pledge to withdraw", fits)?;
        let recipient = self.to.unwrap_or(pledger);
        let exit = Operation::Exit { tier: position.tier, asset: position.asset, to: recipient };
        let call = session.escrow.call(exit)?;
        session.run(summary(page, &position, recipient).by(call)).await
    }
}

/// What an exit does.
pub(crate) fn summary(page: &Page, position: &PositionView, recipient: Address) -> Summary {
    let until = page.pending().map(|amendment| time::time_from(amendment.effective_at, page.now));
    let headline = format!("Withdraw a whole pledge from the rescue {}", page.address);
    let facts = vec![
        ("amount", amount::units_exact(position.amount, position.asset, page.rate())),
        ("tier", position.tier.to_string()),
        ("recipient", recipient.to_string()),
        ("possible until", until.unwrap_or_else(|| "no amendment is pending".into())),
    ];
    Summary::new("exit", headline, facts)
}
