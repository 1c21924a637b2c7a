//! `levee lapse`: return what the beneficiary did not collect.

use clap::Args;
use eyre::Result;
use levee::Purpose;
use levee_model::Operation;

use crate::{output::Output, plan::Step, transaction::ChangeArgs};

/// The rescue.
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
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let purpose = Purpose::new("lapse");
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let headline =
            format!("End the rescue {}: what was not delivered in time goes back", session.page.address);
        let call = session.escrow.call(Operation::Lapse)?;
        session.run(Step::new("lapse", headline, call)).await
    }
}
