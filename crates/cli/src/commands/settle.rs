//! `levee settle`: decide a rescue.

use clap::Args;
use eyre::Result;
use levee_model::Status;

use crate::{
    amount,
    output::Output,
    page::Page,
    percent,
    transaction::{ChangeArgs, Step},
};

/// Which rescue.
#[derive(Debug, Args)]
#[command(after_help = "\
Up to the deadline only when everything is covered; after it, by the highest threshold that is met, or the rescue fails. \
Anyone may call it, once; the result does not depend on who or when.

Example:
  levee settle --terms rescue.toml --account anyone")]
pub(crate) struct SettleArgs {
    #[command(flatten)]
    change: ChangeArgs,
}

impl SettleArgs {
    /// Settles it.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let session = self.change.open(output).await?;
        let headline = format!("Settle the rescue {}", session.page.address);
        let facts = vec![("result", result(&session.page))];
        session.run(Step { call: session.escrow.settle(), headline, facts }).await
    }
}

/// What settling gives; the page has it already when the deadline has passed.
fn result(page: &Page) -> String {
    let view = &page.view;
    match view.status {
        Status::Failed => "it fails: no threshold is met, and everything goes back".into(),
        Status::Settled => {
            let threshold = percent::percent(view.threshold_met);
            format!("{} is drawn, at a threshold of {threshold}", amount::eth_and_wei(view.drawn))
        }
        _ => format!("all of the {} is drawn, as everything is covered", amount::eth(view.terms.target)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{open, settled};

    #[test]
    fn the_result_is_told_before() {
        assert_eq!(result(&open()), "all of the 100 ETH is drawn, as everything is covered");
        let drawn = "100 ETH (100000000000000000000 wei) is drawn, at a threshold of 100 %";
        assert_eq!(result(&settled()), drawn);
    }
}
