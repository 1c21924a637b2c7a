//! `levee lapse`: return what the beneficiary did not collect.

use clap::Args;
use eyre::Result;

use crate::{
    output::Output,
    transaction::{ChangeArgs, Step},
};

/// Which rescue.
#[derive(Debug, Args)]
#[command(after_help = "\
Possible once the release window has passed since the last tranche fell due, or since a cancellation. Anyone \
may call.

Example:
  levee lapse --terms rescue.toml --account anyone")]
pub(crate) struct LapseArgs {
    #[command(flatten)]
    change: ChangeArgs,
}

impl LapseArgs {
    /// Ends it.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let session = self.change.open(output).await?;
        let headline =
            format!("End the rescue {}: what was not collected in time goes back", session.page.address);
        session.run(Step { call: session.escrow.lapse(), headline, facts: Vec::new() }).await
    }
}
