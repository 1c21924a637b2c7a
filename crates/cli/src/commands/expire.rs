//! `levee expire`: fail a rescue that cannot be valued.

use clap::Args;
use eyre::Result;
use levee::Purpose;
use levee_model::Operation;

use crate::{output::Output, plan::Step, transaction::ChangeArgs};

/// The rescue.
#[derive(Debug, Args)]
#[command(after_help = "\
Possible only while the value of stETH shares cannot be read, after the deadline plus the release window: \
the rescue cannot settle then, and everything goes back. Anyone may call.

Example:
  levee expire --terms rescue.toml --account anyone")]
pub(crate) struct ExpireArgs {
    #[command(flatten)]
    change: ChangeArgs,
}

impl ExpireArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let purpose = Purpose::new("expire");
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let headline =
            format!("Fail the rescue {}, because its shares cannot be valued", session.page.address);
        let call = session.escrow.call(Operation::Expire)?;
        session.run(Step::new("expire", headline, call)).await
    }
}
