//! `levee refund`: return to a pledger what is not needed.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;

use crate::{
    address, amount,
    output::Output,
    position::{PositionArgs, require_own},
    transaction::{ChangeArgs, Step},
};

/// Whose position.
#[derive(Debug, Args)]
#[command(after_help = "\
Refunds never expire and nothing can pause them. Anyone may refund anyone: it goes to the pledger. Only the pledger may \
send it elsewhere.

Examples:
  levee refund --terms rescue.toml --account treasury
  levee refund --pledger 0x… --tier 0 --asset ETH --rescue 0x… --account anyone
  levee refund --to 0x… --rescue 0x… --account treasury")]
pub(crate) struct RefundArgs {
    /// Whose pledge; the signer's, if left out.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    pledger: Option<Address>,

    #[command(flatten)]
    position: PositionArgs,

    /// Where it goes, if not to the pledger; only for the signer's own pledge.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    to: Option<Address>,

    #[command(flatten)]
    change: ChangeArgs,
}

impl RefundArgs {
    /// Refunds it.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let session = self.change.open(output).await?;
        let pledger = self.pledger.unwrap_or(session.signer.from);
        require_own(self.to, pledger, session.signer.from, "refund")?;
        let positions = session.escrow.positions(pledger).await?;
        let fits = |position: &levee::PositionView| !position.refundable.is_zero();
        let position = self.position.choose(pledger, &positions, "position to refund", fits)?;
        let (tier, asset) = (position.tier, position.asset);
        let call = match self.to {
            Some(recipient) => session.escrow.refund_to(tier, asset, recipient),
            None => session.escrow.refund(pledger, tier, asset),
        };
        let rate = session.page.rate();
        let headline = format!("Refund {asset} from the rescue {}", session.page.address);
        let facts = vec![
            ("amount", amount::units_exact(position.refundable, asset, rate)),
            ("of", format!("{} pledged into tier {tier}", amount::units(position.amount, asset, rate))),
            ("pledger", pledger.to_string()),
            ("recipient", self.to.unwrap_or(pledger).to_string()),
        ];
        session.run(Step { call, headline, facts }).await
    }
}
