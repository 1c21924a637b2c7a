//! `levee cancel`: the guardian ends a rescue, or stops what is not yet due.

use clap::Args;
use eyre::Result;
use levee_model::Status;

use crate::{
    event,
    output::Output,
    page::Page,
    transaction::{ChangeArgs, Step},
};

/// Which rescue.
#[derive(Debug, Args)]
#[command(after_help = "\
For the guardian only. An open rescue fails and everything goes back. Of a settled one, what is due stays the \
beneficiary's and the rest goes back, pro rata. It cannot be undone.

Example:
  levee cancel --terms rescue.toml --account guardian")]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    change: ChangeArgs,
}

impl CancelArgs {
    /// Cancels it.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let session = self.change.open(output).await?;
        let headline = format!("Cancel the rescue {}, for ever", session.page.address);
        let facts = vec![("effect", effect(&session.page))];
        session.run(Step { call: session.escrow.cancel(), headline, facts }).await
    }
}

fn effect(page: &Page) -> String {
    match page.view.status {
        Status::Open => "the rescue fails and everything goes back".into(),
        _ => {
            let (due, all) = (event::tranches_text(page.view.due), page.view.terms.tranches);
            format!("the beneficiary keeps what is due, {due} of {all}; the rest goes back")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{open, settled};

    #[test]
    fn the_effect_depends_on_the_status() {
        assert_eq!(effect(&open()), "the rescue fails and everything goes back");
        let kept = "the beneficiary keeps what is due, 1 tranche of 4; the rest goes back";
        assert_eq!(effect(&settled()), kept);
    }
}
