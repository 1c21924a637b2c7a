//! `levee settle`: decide a rescue.

use clap::Args;
use eyre::Result;
use levee::Purpose;
use levee_model::{Operation, Status};

use crate::{amount, output::Output, page::Page, percent, plan::Step, transaction::ChangeArgs};

/// The rescue.
#[derive(Debug, Args)]
#[command(after_help = "\
Before the deadline, a rescue settles only if the target is fully covered. After the deadline, it settles at \
the highest threshold met, or fails. A rescue settles once; anyone may call.

Example:
  levee settle --terms rescue.toml --account anyone")]
pub(crate) struct SettleArgs {
    #[command(flatten)]
    change: ChangeArgs,
}

impl SettleArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let purpose = Purpose::new("settle");
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let headline = format!("Settle the rescue {}", session.page.address);
        let facts = vec![("result", result(&session.page))];
        let call = session.escrow.call(Operation::Settle)?;
        session.run(Step::new("settle", headline, call).facts(facts)).await
    }
}

/// The result of settling, which the page already shows once the deadline has passed. If coverage on the
/// page is too low, only a block after the deadline can settle, and its result is not known in advance.
fn result(page: &Page) -> String {
    let view = &page.view;
    let is_covered = view.coverage.is_some_and(|coverage| coverage >= view.terms.target);
    match view.status {
        Status::Failed => "the rescue fails: no threshold is met, and everything goes back".into(),
        Status::Settled => {
            let threshold = percent::percent(view.threshold_met);
            format!("{} is drawn, at a threshold of {threshold}", amount::eth_and_wei(view.drawn))
        }
        _ if is_covered => {
            format!("the full target of {} is drawn, because it is covered", amount::eth(view.terms.target))
        }
        _ => "at the highest threshold met once the deadline has passed, or the rescue fails".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{open, settled};

    #[test]
    fn the_result_is_told_before() {
        let mut page = open();
        let late = "at the highest threshold met once the deadline has passed, or the rescue fails";
        assert_eq!(result(&page), late);
        page.view.coverage = Some(page.view.terms.target);
        assert_eq!(result(&page), "the full target of 100 ETH is drawn, because it is covered");
        let drawn = "100 ETH (100000000000000000000 wei) is drawn, at a threshold of 100 %";
        assert_eq!(result(&settled()), drawn);
    }
}
