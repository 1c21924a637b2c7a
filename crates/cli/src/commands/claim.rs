//! `levee claim`: pay pledgers their part of what was recovered.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{Purpose, RecoveryPool};
use levee_model::{Operation, PositionId};

use super::recover::{nothing_recovered, require_final};
use crate::{
    amount, error::UserError, output::Output, payouts::AllArgs, position::PayoutArgs, transaction::ChangeArgs,
};

/// The pledger and the recipient.
#[derive(Debug, Args)]
#[command(after_help = "\
Pays everything that a pledger's positions have earned from recovered funds, in one transaction per \
position. Claims never expire. Anyone may claim for a pledger, who receives the payment. Only the pledger \
may send it elsewhere.

Examples:
  levee claim --terms rescue.toml --account treasury
  levee claim --pledger 0x… --tier 1 --asset stETH --rescue 0x… --account anyone
  levee claim --to 0x… --rescue 0x… --account treasury
  levee claim --all --rescue 0x… --account anyone")]
pub(crate) struct ClaimArgs {
    #[command(flatten)]
    payout: PayoutArgs,

    #[command(flatten)]
    everyone: AllArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

impl ClaimArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let purpose = self.payout.narrow(Purpose::new("claim"));
        let purpose = purpose.with_some("all", self.everyone.all.then_some(true));
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        require_final(&session.page.view)?;
        session.page.recovery_books().ok_or_else(nothing_recovered)?;
        if self.everyone.all {
            let is_meant = |call: &Operation| matches!(call, Operation::Claim(id) if self.payout.is_meant(id.tier, id.asset));
            return self.everyone.pay(&session, "claim", is_meant, output).await;
        }
        let pledger = self.payout.pledger(session.signer.from)?;
        let pool = RecoveryPool::of(&session.escrow);
        let mut steps = Vec::new();
        for position in self.payout.choose(&session.escrow.positions(pledger).await?) {
            let id = PositionId { pledger, tier: position.tier, asset: position.asset };
            let due = pool.earnings(id).await?.due();
            if !due.is_zero() {
                let (PositionId { tier, asset, .. }, to) = (id, self.payout.to);
                let claim = to.map_or(Operation::Claim(id), |to| Operation::ClaimTo { tier, asset, to });
                let (due, call) = (amount::eth_and_wei(due), session.escrow.call(claim)?);
                steps.push(self.payout.step(id, "recovered funds", due, call));
            }
        }
        if steps.is_empty() {
            return Err(nothing_to_claim(pledger).into());
        }
        session.run_all(&steps).await
    }
}

fn nothing_to_claim(pledger: Address) -> UserError {
    UserError::new(format!("`{pledger}` has nothing to claim"))
        .hint("its earnings are already claimed, or none of its pledges has been drawn and repaid yet")
}
