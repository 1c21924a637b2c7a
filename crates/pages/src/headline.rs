//! What is locked against the target, and where the rescue stands.

use levee::{
    display::ether,
    text::{
        percent::{self, of_down, percent},
        status,
    },
};
use levee_model::{Bps, Status, Wei};
use maud::{Markup, html};

use crate::{
    RescuePage,
    chart::{self, Fill},
    html::eth_or_unknown,
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
                    div { dt { (pledged) } dd #locked { (eth_or_unknown(view.coverage)) } }
                    div { dt { "Target" } dd #target { (eth_or_unknown(Some(target))) } }
                    div { dt { (pledged) " of the target" } dd { (self.share()) } }
                    @if !view.drawn.is_zero() {
                        div { dt { "Drawn" } dd #drawn { (eth_or_unknown(Some(view.drawn))) } }
                    }
                }
                @if let Some(coverage) = view.coverage { (self.whole_bar(coverage)) }
            }
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

/// What objections do.
pub(crate) fn veto(veto: Bps) -> String {
    match veto {
        Bps::ZERO => "none".into(),
        _ => format!("objections of {} of the draw stop what is not yet due", percent::percent(veto)),
    }
}
