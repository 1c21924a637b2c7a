//! `levee object`: object to what is not yet due.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{Error, PositionView, Purpose, Refusal, RescueView};
use levee_model::{Bps, Operation, PerAsset, Status, Wei, prorata};

use crate::{
    amount,
    error::UserError,
    event,
    output::Output,
    page::{Page, back_by_calendar},
    percent,
    plan::Summary,
    position::PositionArgs,
    transaction::ChangeArgs,
};

/// The position to object with.
#[derive(Debug, Args)]
#[command(after_help = "\
A position can object once, with the value drawn from it. When objections reach the veto set in the terms, \
the rescue is stopped permanently: what is due still goes to the beneficiary, and the rest goes back to the \
pledgers tranche by tranche, when it would have fallen due. A guardian can return it at once with `levee \
cancel`.

Example:
  levee object --terms rescue.toml --account treasury")]
pub(crate) struct ObjectArgs {
    #[command(flatten)]
    position: PositionArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

impl ObjectArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let purpose = self.position.narrow(Purpose::new("object"));
        let Some(session) = self.change.open(purpose, output).await? else { return Ok(()) };
        let (pledger, view) = (session.signer.from, &session.page.view);
        let positions = session.escrow.positions(pledger).await?;
        require_a_say(view, pledger, &positions)?;
        let fits = |position: &PositionView| !position.objected && !position.weight.is_zero();
        let position = self.position.choose(pledger, &positions, "position to object with", fits)?;
        let object = Operation::Object { tier: position.tier, asset: position.asset };
        let call = session.escrow.call(object)?;
        session.run(summary(&session.page, &position).by(call)).await
    }
}

/// What an objection does.
pub(crate) fn summary(page: &Page, position: &PositionView) -> Summary {
    let view = &page.view;
    let headline = format!("Object to tranches that are not yet due in the rescue {}", page.address);
    let so_far = format!("{} of {} drawn", amount::eth(view.objected), amount::eth(view.drawn));
    let mut facts = vec![("weight", amount::eth_and_wei(position.weight)), ("objected so far", so_far)];
    facts.extend(effect(page, position.weight));
    Summary::new("object", headline, facts)
}

/// Explains why an objection is impossible, if it is.
fn require_a_say(view: &RescueView, pledger: Address, positions: &[PositionView]) -> Result<()> {
    if view.terms.veto == Bps::ZERO {
        return Err(Error::from(Refusal::NoVeto).into());
    }
    if view.status == Status::Open {
        return Err(UserError::new(
            "the rescue is open: nothing is drawn yet, so there is nothing to object to",
        )
        .hint("objections count from settlement until the last tranche is due")
        .into());
    }
    if view.status != Status::Settled {
        return Err(Error::from(Refusal::WrongStatus { status: view.status }).into());
    }
    let drawn = || positions.iter().filter(|position| !position.weight.is_zero());
    if drawn().next().is_none() {
        return Err(UserError::new(format!("nothing was drawn from `{pledger}`, so it cannot object"))
            .hint("`levee positions ADDRESS` shows what was drawn from an account")
            .into());
    }
    if drawn().all(|position| position.objected) {
        return Err(UserError::new(format!(
            "`{pledger}` has already objected, with everything drawn from it"
        ))
        .hint("`levee status` shows the total of the objections")
        .into());
    }
    Ok(())
}

/// The effect of an objection of `weight` in the current state.
fn effect(page: &Page, weight: Wei) -> Vec<(&'static str, String)> {
    let view = &page.view;
    let (veto, drawn) = (view.terms.veto, view.drawn);
    let (after, needed) = (view.objected + weight, prorata::required_up(drawn, veto));
    let limit = format!("{}, which is {} of the draw", amount::eth(needed), percent::percent(veto));
    if let Some(missing) = needed.checked_sub(after).filter(|missing| !missing.is_zero()) {
        return vec![("stops at", format!("{limit}: {} more is needed", amount::eth(missing)))];
    }
    // No more are due than there are.
    let stopped = view.terms.tranches - view.due;
    let back = view.calendar().map(|(first, last)| back_by_calendar(stopped, first, last));
    let due = PerAsset::from_fn(|asset| view.due.min(view.kept[asset]));
    let [kept_amounts, back_amounts] =
        [page.tranches_text(PerAsset::default(), due), page.tranches_text(due, view.kept)];
    let kept = format!("{} of {}: {kept_amounts}", event::tranches_text(view.due), view.terms.tranches);
    let mut facts = vec![
        ("stops at", format!("{limit}: this objection stops the rescue permanently")),
        ("beneficiary keeps", kept),
        ("pledgers get back", back_amounts),
    ];
    facts.extend(back.map(|text| ("goes back", text)));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        page::{
            self,
            tests::{ether, settled},
        },
        position::tests::position,
    };
    use levee_model::Asset;

    #[test]
    fn why_nobody_can_object_is_said() {
        let pledger = Address::ZERO;
        let text = |view: &RescueView, positions: &[PositionView]| {
            require_a_say(view, pledger, positions).unwrap_err().to_string()
        };
        let drawn = PositionView { weight: Wei::new(5), ..position(0, Asset::Eth, 5) };
        let open = "the rescue is open: nothing is drawn yet, so there is nothing to object to";
        assert_eq!(text(&page::tests::open().view, &[drawn]), open);
        let mut view = settled().view;
        require_a_say(&view, pledger, &[drawn]).unwrap();
        let none = format!("nothing was drawn from `{pledger}`, so it cannot object");
        assert_eq!(text(&view, &[]), none);
        assert_eq!(text(&view, &[position(0, Asset::Eth, 5)]), none);
        let objected = PositionView { objected: true, ..drawn };
        let already = format!("`{pledger}` has already objected, with everything drawn from it");
        assert_eq!(text(&view, &[objected, position(1, Asset::Eth, 5)]), already);
        view.terms.veto = Bps::ZERO;
        assert_eq!(text(&view, &[drawn]), "the terms have no veto");
    }

    #[test]
    fn an_objection_says_whether_it_stops_the_rescue() {
        // 10 of 100 ETH drawn has objected, and 33 stop it.
        let effect = |wei| effect(&settled(), Wei::new(wei));
        let missing = "33 ETH, which is 33 % of the draw: 0.000000000000000001 ETH more is needed";
        assert_eq!(effect(ether(23) - 1), [("stops at", missing.to_owned())]);
        let expected = [
            ("stops at", "33 ETH, which is 33 % of the draw: this objection stops the rescue permanently"),
            ("beneficiary keeps", "1 tranche of 4: 17.5 ETH, 7.5 stETH (6000000000000000000 shares)"),
            ("pledgers get back", "52.5 ETH, 22.5 stETH (18000000000000000000 shares)"),
            ("goes back", "3 tranches go back one by one, from 2026-08-07T00:00:00Z to 2026-08-21T00:00:00Z"),
        ];
        assert_eq!(effect(ether(23)), expected.map(|(name, text)| (name, text.to_owned())));
    }
}
