//! What is locked against the target, and where the rescue stands.

use levee::{
    display::ether,
    text::{
        percent::{self, of_down, percent},
        status,
    },
};
use levee_model::{Asset, Bps, RescueView, ShareRate, Shares, Status, Units, Wei, prorata};
use maud::{Markup, html};

use crate::{
    RescuePage,
    chart::{self, Fill},
    html::{eth, eth_or_unknown, units},
};

impl RescuePage<'_> {
    /// Never one number alone: what is locked stands beside what is needed.
    pub(crate) fn headline(&self) -> Markup {
        let (view, target) = (&self.view, self.view.terms.target);
        let pledged = if view.status == Status::Open { "Locked" } else { "Pledged" };
        html! {
            section.headline aria-labelledby="state" {
                (chart::patterns())
                h2 #state {
                    span.badge { (status::text(view, self.now())) }
                    " " span.lead { (self.state()) }
                }
                dl.figures {
                    div { dt { (pledged) } dd #locked { (locked(view)) } }
                    div { dt { "Target" } dd #target { (eth_or_unknown(Some(target))) } }
                    div { dt { (pledged) " of the target" } dd { (self.share()) } }
                    @if !view.drawn.is_zero() {
                        div { dt { "Drawn" } dd #drawn { (eth_or_unknown(Some(view.drawn))) } }
                    }
                }
                @if let Some(coverage) = view.coverage { (self.whole_bar(coverage)) }
                @if let Some(told) = self.rate_told() { p.note { (told) } }
            }
        }
    }

    /// Who says what shares are worth; nothing where it does not matter, or the logs say it.
    fn rate_told(&self) -> Option<Markup> {
        match self.view.rate {
            _ if self.history.rescue.stored_status() != Status::Open => None,
            ShareRate::NotNeeded => None,
            ShareRate::Known(rate) => {
                let worth = prorata::shares_value_down(Shares::new(10u128.pow(18)), rate);
                Some(html! {
                    "10^18 shares of stETH count as " (ether(worth)) ", by the word of the node of whoever made this page."
                })
            }
            ShareRate::Unreadable if self.history.rate.is_none() => Some(html! {
                "What shares of stETH are worth is in no log before the rescue is decided, so what they cover is not known here."
            }),
            ShareRate::Unreadable => None,
        }
    }

    fn share(&self) -> Markup {
        let share = self.view.coverage.map(|coverage| of_down(coverage, self.view.terms.target));
        html! { span.n { (share.unwrap_or_else(|| "unknown".into())) } }
    }

    fn whole_bar(&self, coverage: Wei) -> Markup {
        let target = self.view.terms.target;
        let share = of_down(coverage, target);
        let title = format!("{} locked of a target of {}: {share}", ether(coverage), ether(target));
        let marks: Vec<_> = self.view.thresholds().iter().map(|threshold| threshold.required).collect();
        chart::bar(coverage, coverage.max(target), Fill::Whole, &marks, &title)
    }

    /// Where it stands, and what comes next.
    fn state(&self) -> Markup {
        let (view, now) = (&self.view, self.now());
        match view.status {
            Status::Open if view.is_stuck(now) && self.history.rate.is_none() => html! {
                "The deadline has passed. What settling now would give is not known from logs alone."
            },
            Status::Open if view.is_stuck(now) => html! {
                "The deadline has passed, and the value of stETH shares cannot be read."
            },
            Status::Open => html! { "Pledges are accepted until " (self.time_from(view.terms.deadline)) },
            Status::Settled if view.settled_at.is_none() => html! {
                "The deadline has passed: as soon as a call records it, " (self.threshold_sentence())
            },
            Status::Settled => html! { "Settled: " (self.threshold_sentence()) },
            _ => html! {
                @if let Some(reason) = view.end_reason { "Ended: " (reason.to_string()) ". " }
                (self.end())
            },
        }
    }

    fn threshold_sentence(&self) -> Markup {
        html! { "pledges are drawn at a threshold of " (percent(self.view.threshold_met)) "." }
    }

    fn end(&self) -> Markup {
        match self.view.status {
            Status::Failed => html! { "Everything goes back to the pledgers." },
            Status::Released => html! { "All that was drawn was delivered to the beneficiary." },
            _ if self.view.final_at.is_none() => {
                html! { "What was due can still be delivered; the rest goes back." }
            }
            _ => html! { "Nothing more goes to the beneficiary." },
        }
    }
}

/// What is locked: its value, or each asset by itself where shares have none that is known.
pub(crate) fn locked(view: &RescueView) -> Markup {
    if let Some(coverage) = view.coverage {
        return eth(coverage);
    }
    let total = |asset| view.pots.iter().filter(|pot| pot.asset == asset).map(|pot| pot.total).sum::<Units>();
    let totals = Asset::ALL.map(|asset| (asset, total(asset)));
    html! {
        @for (place, (asset, amount)) in totals.into_iter().filter(|(_, amount)| !amount.is_zero()).enumerate() {
            @if place > 0 { " + " }
            (units(amount, asset, None))
        }
    }
}

/// What objections do.
pub(crate) fn veto(veto: Bps) -> String {
    match veto {
        Bps::ZERO => "none".into(),
        _ => format!("objections of {} of the draw stop what is not yet due", percent::percent(veto)),
    }
}
