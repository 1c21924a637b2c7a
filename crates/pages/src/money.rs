//! What is locked, by what it may be used for, and beside it what is only said. The kinds are never added up.

use levee::{
    Stage,
    display::ether,
    text::percent::{of_down, percent},
};
use levee_model::{Bps, Status, Tier, Wei, books};
use maud::{Markup, html};

use crate::{
    RescuePage,
    chart::{self, Fill},
    html::eth_or_unknown,
};

/// What a pledge may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Grant,
    ConditionalGrant,
    Loan,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Grant, Self::ConditionalGrant, Self::Loan];

    fn of(tier: Tier) -> Self {
        match (tier.rate, tier.threshold) {
            (Bps::ZERO, Bps::ONE) => Self::ConditionalGrant,
            (Bps::ZERO, _) => Self::Grant,
            _ => Self::Loan,
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Grant => "Grants",
            Self::ConditionalGrant => "Grants only if all is covered",
            Self::Loan => "Loans",
        }
    }

    const fn fill(self) -> Fill {
        match self {
            Self::Grant => Fill::Grant,
            Self::ConditionalGrant => Fill::Conditional,
            Self::Loan => Fill::Loan,
        }
    }
}

/// The condition and the footing of a tier, in words.
pub(crate) fn condition(tier: Tier) -> String {
    let kind = match tier.rate {
        Bps::ZERO => "grant".into(),
        rate => format!("loan at {} a year", percent(rate)),
    };
    match tier.threshold {
        Bps::ONE => format!("{kind}, only if all is covered"),
        threshold => format!("{kind}, if {} is covered", percent(threshold)),
    }
}

/// One bar.
struct Row {
    label: String,
    /// None while shares cannot be valued.
    value: Option<Wei>,
    fill: Fill,
}

impl RescuePage<'_> {
    pub(crate) fn money(&self) -> Markup {
        let (locked, said) = (self.locked_rows(), self.said_rows());
        let all = locked.iter().chain(&said).filter_map(|row| row.value);
        // A target is never zero, so neither is the scale.
        let scale = all.fold(self.view.terms.target, Wei::max);
        html! {
            section #money {
                h2 { "What it consists of" }
                p.note { "All bars have one scale; the line is the target. They are of different kinds, and are not added up." }
                h3 { (if self.view.status == Status::Open { "Locked in the contract" } else { "Pledged" }) }
                (self.bars(&locked, scale))
                h3 { "Said, and not locked" }
                @if self.said.is_none() { p { "The board of declarations was not read for this page." } }
                @else if said.is_empty() { p { "Nothing stands on the board that is not locked." } }
                @else { (self.bars(&said, scale)) }
            }
        }
    }

    fn bars(&self, rows: &[Row], scale: Wei) -> Markup {
        let target = self.view.terms.target;
        html! {
            dl.bars {
                @for Row { label, value, fill } in rows {
                    div {
                        dt { (label) }
                        dd {
                            span.amount { (eth_or_unknown(*value)) }
                            @if let Some(value) = *value {
                                @let share = of_down(value, target);
                                @let title = format!("{label}: {}, {share} of the target", ether(value));
                                (chart::bar(value, scale, *fill, &[target], &title))
                            }
                        }
                    }
                }
            }
        }
    }

    /// The value of the pots of each kind of tier that the terms have.
    fn locked_rows(&self) -> Vec<Row> {
        let tiers = &self.view.terms.tiers;
        let exists = |kind: &Kind| tiers.iter().any(|tier| Kind::of(*tier) == *kind);
        let row =
            |kind: Kind| Row { label: kind.label().into(), value: self.locked_of(kind), fill: kind.fill() };
        Kind::ALL.into_iter().filter(exists).map(row).collect()
    }

    fn locked_of(&self, kind: Kind) -> Option<Wei> {
        self.view.coverage?;
        let is_meant = |tier| self.view.terms.tier(tier).is_some_and(|tier| Kind::of(tier) == kind);
        let pots = self.view.pots.iter().filter(|pot| is_meant(pot.tier));
        Some(books::value_down(pots.map(|pot| pot.total.of(pot.asset)), self.view.rate.known()))
    }

    /// By stage, what was declared and is not locked.
    fn said_rows(&self) -> Vec<Row> {
        let missing = self.said.iter().flat_map(|said| said.missing());
        let row = |(stage, missing): (Stage, Wei)| Row {
            label: stage.to_string(),
            value: Some(missing),
            fill: Fill::Said,
        };
        missing.map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_says_when_and_on_what_footing() {
        let tier = |threshold, rate| {
            condition(Tier { threshold: Bps::new(threshold), draw_order: 0, rate: Bps::new(rate) })
        };
        assert_eq!(tier(5_000, 0), "grant, if 50 % is covered");
        assert_eq!(tier(10_000, 0), "grant, only if all is covered");
        assert_eq!(tier(10_000, 380), "loan at 3.8 % a year, only if all is covered");
    }
}
