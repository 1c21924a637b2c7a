//! `levee refund`: return what is not needed of a pledge.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{PositionView, Purpose};
use levee_model::{Operation, PositionId, Status};

use crate::{
    address, amount,
    error::UserError,
    output::Output,
    page::Page,
    payouts::AllArgs,
    plan::Summary,
    position::{PositionArgs, require_own},
    time,
    transaction::ChangeArgs,
};

/// Arguments of `levee refund`.
#[derive(Debug, Args)]
#[command(after_help = "\
Refunds never expire, and nothing can pause them. Anyone may call for a pledger, who receives the refund. \
Only the pledger may send it elsewhere.

Examples:
  levee refund --terms rescue.toml --account treasury
  levee refund --pledger 0x… --tier 0 --asset ETH --rescue 0x… --account anyone
  levee refund --to 0x… --rescue 0x… --account treasury
  levee refund --all --rescue 0x… --account anyone")]
pub(crate) struct RefundArgs {
    /// The pledger; default: the signer.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    pledger: Option<Address>,

    #[command(flatten)]
    position: PositionArgs,

    /// Recipient, if not the pledger; only for the signer's own pledge.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    to: Option<Address>,

    #[command(flatten)]
    everyone: AllArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

impl RefundArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let purpose = self
            .position
            .narrow(Purpose::new("refund"))
            .with_some("pledger", self.pledger)
            .with_some("to", self.to)
            .with_some("all", self.everyone.all.then_some(true));
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        if self.everyone.all {
            let is_meant = |call: &Operation| matches!(call, Operation::Refund(id) if self.position.is_meant(id.tier, id.asset));
            return self.everyone.pay(&session, "refund", is_meant, output).await;
        }
        let pledger = self.pledger.unwrap_or(session.signer.from);
        require_own(self.to, pledger, session.signer.from, "refund")?;
        let positions = session.escrow.positions(pledger).await?;
        let fits = |position: &PositionView| !position.refundable.is_zero();
        if !positions.iter().any(fits) {
            return Err(nothing_to_refund(&session.page, pledger, &positions).into());
        }
        let position = self.position.choose(pledger, &positions, "position to refund", fits)?;
        let (tier, asset) = (position.tier, position.asset);
        let refund = match self.to {
            Some(to) => Operation::RefundTo { tier, asset, to },
            None => Operation::Refund(PositionId { pledger, tier, asset }),
        };
        let call = session.escrow.call(refund)?;
        session.run(summary(&session.page, &position, (pledger, self.to.unwrap_or(pledger))).by(call)).await
    }
}

/// What a refund does.
pub(crate) fn summary(
    page: &Page,
    position: &PositionView,
    (pledger, recipient): (Address, Address),
) -> Summary {
    let (tier, asset, rate) = (position.tier, position.asset, page.rate());
    let headline = format!("Refund {asset} from the rescue {}", page.address);
    let facts = vec![
        ("amount", amount::units_exact(position.refundable, asset, rate)),
        ("of", format!("{} pledged into tier {tier}", amount::units(position.amount, asset, rate))),
        ("pledger", pledger.to_string()),
        ("recipient", recipient.to_string()),
    ];
    Summary::new("refund", headline, facts)
}

/// Why a pledger with nothing refundable has nothing to refund.
fn nothing_to_refund(page: &Page, pledger: Address, positions: &[PositionView]) -> UserError {
    let look = "`levee positions ADDRESS` shows an account's pledges and refunds";
    if page.view.is_stuck(page.now) {
        return UserError::new(
            "the value of stETH shares cannot be read, so the rescue cannot be decided now",
        )
        .hint("try again later; `levee status` shows when `levee expire` returns everything");
    }
    if page.view.status == Status::Open {
        let until = time::time_from(page.view.terms.deadline, page.now);
        return UserError::new(format!(
            "the rescue is open until {until}, and pledges are locked until it is decided"
        ))
        .hint(
            "`levee status` shows whether an amendment is pending; if so, `levee exit` withdraws a pledge",
        );
    }
    if positions.iter().all(|position| position.amount.is_zero()) {
        return UserError::new(format!("`{pledger}` has nothing in this rescue")).hint(look);
    }
    if let Some((next, _)) = page.view.calendar().filter(|_| page.view.held_back() > 0) {
        let next = time::time_from(next, page.now);
        return UserError::new(format!(
            "nothing more can be refunded to `{pledger}` now: the next part goes back at {next}"
        ))
        .hint(look);
    }
    let why = match positions.iter().all(|position| position.refunded.is_zero()) {
        true => "all that it pledged was drawn",
        false => "what was not drawn has already been refunded",
    };
    UserError::new(format!("nothing can be refunded to `{pledger}`: {why}")).hint(look)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        page::tests::{open, settled, vetoed},
        position::tests::position,
    };
    use levee_model::{Asset, Units};

    #[test]
    fn why_nothing_is_refunded_is_said() {
        let pledger = Address::ZERO;
        let positions = [position(0, Asset::Eth, 5)];
        let text =
            |page: &Page, positions: &[PositionView]| nothing_to_refund(page, pledger, positions).to_string();
        let locked = "the rescue is open until 2026-08-03T00:00:00Z (in 2 days), and pledges are locked until it is decided";
        assert_eq!(text(&open(), &positions), locked);
        assert_eq!(text(&settled(), &[]), format!("`{pledger}` has nothing in this rescue"));
        let drawn = format!("nothing can be refunded to `{pledger}`: all that it pledged was drawn");
        assert_eq!(text(&settled(), &positions), drawn);
        let before =
            format!("nothing can be refunded to `{pledger}`: what was not drawn has already been refunded");
        let refunded = PositionView { refunded: Units::new(1), ..position(0, Asset::Eth, 5) };
        assert_eq!(text(&settled(), &[refunded]), before);
        let later = format!(
            "nothing more can be refunded to `{pledger}` now: the next part goes back at 2026-08-07T00:00:00Z (in 6 days)"
        );
        assert_eq!(text(&vetoed(), &positions), later);
    }
}
