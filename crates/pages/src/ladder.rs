//! The thresholds, and what would unlock each of them.

use levee::text::percent::percent;
use levee_model::{Bps, Status, Threshold, Wei};
use maud::{Markup, html};

use crate::{
    RescuePage,
    chart::{self, Fill},
    html::{eth, table},
    money::condition,
};

impl RescuePage<'_> {
    pub(crate) fn ladder(&self) -> Markup {
        let thresholds = self.view.thresholds();
        let rows: Vec<_> = thresholds.iter().map(|threshold| self.rung(*threshold)).collect();
        let header = ["Threshold", "Makes usable", "Has", "Needs", "Missing"];
        html! {
            section #ladder {
                h2 { "Thresholds" }
                @if rows.is_empty() { p { "Unknown: shares of stETH count, and their value is not known from logs alone." } }
                @else {
                    p.note { (self.rule()) }
                    (table("The ladder of thresholds, and what would unlock each", header, &rows))
                }
            }
        }
    }

    fn rule(&self) -> &'static str {
        match self.view.status {
            Status::Open => "A pledge is used only if its threshold, or a higher one, is met at settlement.",
            _ => {
                "As it was decided: pledges at or below the threshold that was met are used, all others go back."
            }
        }
    }

    fn rung(&self, threshold: Threshold) -> [Markup; 5] {
        let Threshold { threshold: level, coverage, required } = threshold;
        let missing = required.checked_sub(coverage).unwrap_or(Wei::ZERO);
        let title =
            format!("{} of what {} needs", levee::text::percent::of_down(coverage, required), percent(level));
        [
            html! { (percent(level)) " " (chart::bar(coverage, required.max(coverage), Fill::Whole, &[required], &title)) },
            html! { ul { @for text in self.unlocked_by(level) { li { (text) } } } },
            eth(coverage),
            eth(required),
            if threshold.is_met() {
                html! { strong { "met" } }
            } else if self.view.is_overtaken(threshold) {
                html! { "nothing: a higher one is met" }
            } else {
                html! { (eth(missing)) " more" }
            },
        ]
    }

    /// The tiers of this very threshold.
    fn unlocked_by(&self, level: Bps) -> Vec<String> {
        let tiers = self.view.terms.tiers.iter().enumerate().filter(|(_, tier)| tier.threshold == level);
        tiers.map(|(index, tier)| format!("tier {index}: {}", condition(*tier))).collect()
    }
}
