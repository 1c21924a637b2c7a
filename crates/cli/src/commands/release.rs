//! `levee release`: deliver to the beneficiary what is due.

use clap::Args;
use eyre::Result;
use levee_model::Asset;

use crate::{
    amount,
    output::Output,
    transaction::{ChangeArgs, Step},
};

/// What to deliver.
#[derive(Debug, Args)]
#[command(after_help = "\
Each asset is delivered by a call of its own, so that a paused token holds back only itself. Anyone may call.

Example:
  levee release ETH --terms rescue.toml --account anyone")]
pub(crate) struct ReleaseArgs {
    /// Asset to deliver: ETH, stETH or wstETH.
    #[arg(value_name = "ASSET", value_parser = amount::parse_asset)]
    asset: Asset,

    #[command(flatten)]
    change: ChangeArgs,
}

impl ReleaseArgs {
    /// Delivers it.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let session = self.change.open(output).await?;
        let (asset, view) = (self.asset, &session.page.view);
        let due = view.due.min(view.kept[asset]);
        let headline = format!("Deliver the {asset} that is due from the rescue {}", session.page.address);
        let facts = vec![
            ("beneficiary", view.terms.beneficiary.to_string()),
            (
                "tranches",
                format!("{due} of {} due, {} delivered before", view.terms.tranches, view.delivered[asset]),
            ),
        ];
        session.run(Step { call: session.escrow.release(asset), headline, facts }).await
    }
}
