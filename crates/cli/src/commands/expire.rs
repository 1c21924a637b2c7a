//! `levee expire`: fail a rescue that cannot be valued.

use clap::Args;
use eyre::Result;
use levee::{Error, Purpose, Refusal};
use levee_model::{Asset, Operation, Terms};

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
        require_shares(&session.page.view.terms)?;
        let headline =
            format!("Fail the rescue {}, because its shares cannot be valued", session.page.address);
        let call = session.escrow.call(Operation::Expire)?;
        session.run(Step::new("expire", headline, call)).await
    }
}

/// Refuses what time does not change: the escrow says first that it is too early.
fn require_shares(terms: &Terms) -> Result<(), Error> {
    match terms.accepts(Asset::StEth) {
        true => Ok(()),
        false => Err(Refusal::RateNotNeeded.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::open;
    use alloy::primitives::Address;

    #[test]
    fn a_rescue_in_ether_only_never_expires() {
        let mut terms = open().view.terms;
        require_shares(&terms).unwrap();
        (terms.steth, terms.wsteth) = (Address::ZERO, Address::ZERO);
        let never = "the rescue holds no stETH or wstETH, so it cannot expire";
        assert_eq!(require_shares(&terms).unwrap_err().to_string(), never);
    }
}
