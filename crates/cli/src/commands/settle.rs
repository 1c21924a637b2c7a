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
Until the deadline, a rescue settles only if everything is covered. After it, it settles at the highest \
threshold that is met, or fails. It settles once; anyone may call.

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

/// The result of settling, which the page already shows once the deadline has passed. If coverage on the
/// page is too low, only a block after the deadline can settle, and its result is not known in advance.
fn result(page: &Page) -> String {
    let view = &page.view;
    let is_covered = view.coverage.is_some_and(|coverage| coverage >= view.terms.target);
    match view.status {
        Status::Failed => "it fails: no threshold is met, and everything goes back".into(),
        Status::Settled => {
            let threshold = percent::percent(view.threshold_met);
            format!("{} is drawn, at a threshold of {threshold}", amount::eth_and_wei(view.drawn))
        }
        _ if is_covered => {
            format!("all of the {} is drawn, because everything is covered", amount::eth(view.terms.target))
        }
        _ => "by the highest threshold that is met once the deadline has passed, or it fails".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{open, settled};

    #[test]
    fn the_result_is_told_before() {
        let mut page = open();
        let late = "by the highest threshold that is met once the deadline has passed, or it fails";
        assert_eq!(result(&page), late);
        page.view.coverage = Some(page.view.terms.target);
        assert_eq!(result(&page), "all of the 100 ETH is drawn, because everything is covered");
        let drawn = "100 ETH (100000000000000000000 wei) is drawn, at a threshold of 100 %";
        assert_eq!(result(&settled()), drawn);
    }
}
