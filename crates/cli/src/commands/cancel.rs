//! `levee cancel`: the guardian ends a rescue, stops tranches that are not yet due, or returns at once what a veto
//! stopped.

use clap::Args;
use eyre::Result;
use levee::Purpose;
use levee_model::{Operation, PerAsset, Status};

use crate::{amount, event, output::Output, page::Page, plan::Step, time, transaction::ChangeArgs};

/// The rescue.
#[derive(Debug, Args)]
#[command(after_help = "\
Only the guardian may call. An open rescue fails and everything goes back. In a settled rescue, what is due \
still goes to the beneficiary and the rest goes back at once, pro rata. After a veto, what would go back \
tranche by tranche goes back at once. This cannot be undone.

Example:
  levee cancel --terms rescue.toml --account guardian")]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    change: ChangeArgs,
}

impl CancelArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let purpose = Purpose::new("cancel");
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let headline = match session.page.view.status {
            Status::Cancelled => {
                format!("Return at once what the veto stopped in the rescue {}", session.page.address)
            }
            _ => format!("Cancel the rescue {} permanently", session.page.address),
        };
        let facts = effect(&session.page);
        let call = session.escrow.call(Operation::Cancel)?;
        session.run(Step::new("cancel", headline, call).facts(facts)).await
    }
}

fn effect(page: &Page) -> Vec<(&'static str, String)> {
    let view = &page.view;
    match view.status {
        Status::Open => {
            let pledged: Vec<_> =
                page.pledged().map(|(asset, amount)| amount::units(amount, asset, page.rate())).collect();
            let all = if pledged.is_empty() {
                "nothing, because nothing is pledged".into()
            } else {
                pledged.join(", ")
            };
            vec![
                ("effect", "the rescue fails".into()),
                ("goes back at once", format!("{all}, to the pledgers")),
            ]
        }
        Status::Settled => {
            let due = PerAsset::from_fn(|asset| view.due.min(view.kept[asset]));
            let kept = format!("{} of {}", event::tranches_text(view.due), view.terms.tranches);
            vec![
                ("beneficiary", view.terms.beneficiary.to_string()),
                ("it keeps", format!("{kept}: {}", page.tranches_text(PerAsset::default(), due))),
                ("goes back at once", format!("{}, to the pledgers", page.tranches_text(due, view.kept))),
            ]
        }
        _ => {
            let last = view.calendar().map_or_else(String::new, |(_, last)| time::time(last));
            let held = page.tranches_text(view.kept, view.held);
            vec![(
                "goes back at once",
                format!("{held}, to the pledgers, instead of one by one until {last}"),
            )]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{open, settled, vetoed};

    #[test]
    fn the_effect_depends_on_the_status() {
        let facts = |page| {
            effect(&page).into_iter().map(|(name, text)| format!("{name}: {text}")).collect::<Vec<_>>()
        };
        let everything = "goes back at once: 40 ETH, 30 stETH (24000000000000000000 shares), to the pledgers";
        assert_eq!(facts(open()), ["effect: the rescue fails", everything]);
        // A quarter of 40 and 30 ETH and of 24 shares at 1.25, and three.
        let settled_facts = [
            format!("beneficiary: {}", settled().view.terms.beneficiary),
            "it keeps: 1 tranche of 4: 17.5 ETH, 7.5 stETH (6000000000000000000 shares)".into(),
            "goes back at once: 52.5 ETH, 22.5 stETH (18000000000000000000 shares), to the pledgers".into(),
        ];
        assert_eq!(facts(settled()), settled_facts);
        let lifted = "goes back at once: 52.5 ETH, 22.5 stETH (18000000000000000000 shares), to the pledgers, instead of one \
                      by one until 2026-08-21T00:00:00Z";
        assert_eq!(facts(vetoed()), [lifted]);
    }
}
