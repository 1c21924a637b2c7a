//! `levee object`: object to what is not yet due.

use clap::Args;
use eyre::Result;
use levee_model::{Wei, prorata};

use crate::{
    amount, event,
    output::Output,
    page::{Page, back_by_calendar},
    percent,
    position::PositionArgs,
    transaction::{ChangeArgs, Step},
};

/// With what.
#[derive(Debug, Args)]
#[command(after_help = "\
A position objects once, with the value that was drawn from it. When objections reach the terms' veto, the rescue is \
stopped for good: what is due stays the beneficiary's, and the rest goes back to the pledgers tranche by tranche, at the \
times at which it would have fallen due. A guardian can let it go at once, with `levee cancel`.

Example:
  levee object --terms rescue.toml --account treasury")]
pub(crate) struct ObjectArgs {
    #[command(flatten)]
    position: PositionArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

impl ObjectArgs {
    /// Objects.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let session = self.change.open(output).await?;
        let (pledger, view) = (session.signer.from, &session.page.view);
        let positions = session.escrow.positions(pledger).await?;
        let fits = |position: &levee::PositionView| !position.objected && !position.weight.is_zero();
        let position = self.position.choose(pledger, &positions, "position to object with", fits)?;
        let call = session.escrow.object(position.tier, position.asset);
        let headline = format!("Object to what is not yet due of the rescue {}", session.page.address);
        let mut facts = vec![
            ("weight", amount::eth_and_wei(position.weight)),
            (
                "objected so far",
                format!("{} of {} drawn", amount::eth(view.objected), amount::eth(view.drawn)),
            ),
        ];
        facts.extend(effect(&session.page, position.weight));
        session.run(Step { call, headline, facts }).await
    }
}

/// What an objection of `weight` brings about, as the rescue stands.
fn effect(page: &Page, weight: Wei) -> Vec<(&'static str, String)> {
    let view = &page.view;
    let (veto, drawn) = (view.terms.veto, view.drawn);
    let (after, needed) = (view.objected + weight, prorata::required_up(drawn, veto));
    let limit = format!("{}, which is {} of the draw", amount::eth(needed), percent::percent(veto));
    if let Some(missing) = needed.checked_sub(after).filter(|missing| !missing.is_zero()) {
        return vec![("stops at", format!("{limit}: {} more is missing", amount::eth(missing)))];
    }
    // No more are due than there are.
    let stopped = view.terms.tranches - view.due;
    let back = view.calendar().map(|(first, last)| back_by_calendar(stopped, first, last));
    let kept = format!("{} of {}", event::tranches_text(view.due), view.terms.tranches);
    let mut facts = vec![
        ("stops at", format!("{limit}: this objection stops the rescue for good")),
        ("beneficiary keeps", kept),
    ];
    facts.extend(back.map(|text| ("goes back", text)));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{ether, settled};

    #[test]
    fn an_objection_says_whether_it_stops_the_rescue() {
        // 10 of 100 ETH drawn has objected, and 33 stop it.
        let effect = |wei| effect(&settled(), Wei::new(wei));
        let missing = "33 ETH, which is 33 % of the draw: 0.000000000000000001 ETH more is missing";
        assert_eq!(effect(ether(23) - 1), [("stops at", missing.to_owned())]);
        let expected = [
            ("stops at", "33 ETH, which is 33 % of the draw: this objection stops the rescue for good"),
            ("beneficiary keeps", "1 tranche of 4"),
            ("goes back", "3 tranches go back one by one, from 2026-08-07T00:00:00Z to 2026-08-21T00:00:00Z"),
        ];
        assert_eq!(effect(ether(23)), expected.map(|(name, text)| (name, text.to_owned())));
    }
}
