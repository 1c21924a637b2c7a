//! `levee object`: object to what is not yet due.

use clap::Args;
use eyre::Result;

use crate::{
    amount,
    output::Output,
    percent,
    position::PositionArgs,
    transaction::{ChangeArgs, Step},
};

/// With what.
#[derive(Debug, Args)]
#[command(after_help = "\
A position objects once, with the value that was drawn from it. When objections reach the terms' veto, what is not yet \
due goes back to the pledgers; what is due stays the beneficiary's.

Example:
  levee object --terms rescue.toml --account treasury")]
pub(crate) struct ObjectArgs {
    #[command(flatten)]
    position: PositionArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

impl ObjectArgs {
    /// Objects.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let session = self.change.open(output).await?;
        let (pledger, view) = (session.signer.from, &session.page.view);
        let positions = session.escrow.positions(pledger).await?;
        let fits = |position: &levee::PositionView| !position.objected && !position.weight.is_zero();
        let position = self.position.choose(pledger, &positions, "position to object with", fits)?;
        let call = session.escrow.object(position.tier, position.asset);
        let headline = format!("Object to what is not yet due of the rescue {}", session.page.address);
        let facts = vec![
            ("weight", amount::eth_and_wei(position.weight)),
            (
                "objected so far",
                format!("{} of {} drawn", amount::eth(view.objected), amount::eth(view.drawn)),
            ),
            ("stops the rest at", percent::percent(view.terms.veto)),
        ];
        session.run(Step { call, headline, facts }).await
    }
}
