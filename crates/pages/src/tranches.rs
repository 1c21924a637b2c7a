//! What the beneficiary gets, and when.

use levee::text::{event::tranches_text, time::duration};
use levee_model::{Asset, Status, TrancheState, Wei};
use maud::{Markup, html};

use crate::{
    RescuePage,
    html::{eth, table, units},
};

impl RescuePage<'_> {
    pub(crate) fn tranches(&self) -> Markup {
        html! {
            section #tranches {
                h2 { "Payments to the beneficiary" }
                @if self.view.status == Status::Failed { p { "None: the rescue failed." } }
                @else if self.view.settled_at.is_none() { p { (self.plan()) } }
                @else {
                    (self.objections())
                    (table("Tranches, when they fall due, and what became of them", ["Tranche", "Due", "ETH", "stETH", "wstETH"], &self.tranche_rows()))
                }
            }
        }
    }

    /// What the terms provide, before a settlement fixes the times.
    fn plan(&self) -> String {
        let terms = &self.view.terms;
        let first = duration(terms.objection_period.into());
        let apart = match terms.tranches {
            1 => String::new(),
            _ => format!(", {} apart", duration(terms.tranche_interval.into())),
        };
        format!("{}, the first {first} after settlement{apart}.", tranches_text(terms.tranches))
    }

    fn objections(&self) -> Markup {
        let view = &self.view;
        if view.objected == Wei::ZERO {
            return html! {};
        }
        html! { p { "Objections: " (eth(view.objected)) " of the " (eth(view.drawn)) " that were drawn." } }
    }

    fn tranche_rows(&self) -> Vec<[Markup; 5]> {
        let row = |number| {
            let due = self.view.due_at(number).map_or_else(|| html! {}, |due| self.time_from(due));
            let [ether, steth, wsteth] = Asset::ALL.map(|asset| self.part(number, asset));
            [html! { (number) }, due, ether, steth, wsteth]
        };
        (1..=self.view.terms.tranches).map(row).collect()
    }

    /// One tranche of an asset, and its state.
    fn part(&self, number: u8, asset: Asset) -> Markup {
        let Some(state) = self.view.tranche_state(number, asset) else { return html! { "–" } };
        let part = self.view.tranches_between(asset, number - 1, number);
        let (class, text) = match state {
            TrancheState::Delivered => ("delivered", "paid"),
            TrancheState::Due => ("due", "due"),
            TrancheState::ToCome => ("to-come", "not yet due"),
            TrancheState::GoesBack => ("back", "goes back"),
            TrancheState::Stopped => ("back", "stopped"),
        };
        html! { (units(part, asset, self.view.rate.known())) " " span class={ "state " (class) } { (text) } }
    }
}
