//! What would come of a rescue, with sliders for what is supposed.

use levee::{History, display::ether, text::address::short};
use levee_model::{Bps, RescueView, prorata};
use maud::{Markup, html};

use super::{Frame, header};
use crate::money::condition;

/// The page.
#[derive(Debug)]
pub struct WhatIfPage<'a> {
    /// What happened in the rescue.
    pub history: &'a History,
    /// The rescue as the next call would find it.
    pub view: &'a RescueView,
    /// How old its block is, in words.
    pub age: &'a str,
    /// What is supposed.
    pub supposed: Supposed,
    /// What comes of it: each fact as it is, and as it is supposed, if anything is.
    pub rows: Vec<WhatIfRow>,
    /// Why there is no such outcome.
    pub refused: Option<String>,
    /// The command that says the same.
    pub command: String,
}

/// What the sliders say.
#[derive(Debug, Clone, Default)]
pub struct Supposed {
    /// What is pledged besides, in percent of the target, by tier.
    pub tiers: Vec<u8>,
    /// What a share of stETH is worth, in thousandths of an ETH; none where there is no slider for it.
    pub rate: Option<u16>,
}

/// A fact, before and after.
#[derive(Debug)]
pub struct WhatIfRow {
    /// Its name.
    pub name: &'static str,
    /// As it is.
    pub before: String,
    /// As it is supposed; none if nothing is.
    pub after: Option<String>,
}

/// The least and the most that a share is supposed to be worth, in thousandths of an ETH.
pub const RATES: std::ops::RangeInclusive<u16> = 500..=2_000;

impl WhatIfPage<'_> {
    /// The page.
    pub fn document(&self) -> String {
        let title = format!("What if: rescue {}", short(self.history.address));
        Frame::new(&title, Some(self.history.address), header("What if: the rescue", self.history, self.age))
            .document(&html! {
                (self.sliders())
                (self.outcome())
            })
    }

    fn sliders(&self) -> Markup {
        if !self.view.is_pledging(self.history.block.time) {
            return html! { section #suppose { p { "Nothing can be pledged any more, so nothing is supposed." } } };
        }
        html! {
            section #suppose {
                h2 { "Suppose" }
                form method="get" action="#outcome" {
                    @for (number, (tier, percent)) in self.view.terms.tiers.iter().zip(&self.supposed.tiers).enumerate() {
                        label {
                            "Tier " (number) ", " (condition(*tier)) ": " (self.amount(*percent)) " more"
                            input type="range" name={ "tier" (number) } min="0" max="100" value=(percent);
                        }
                    }
                    @if let Some(rate) = self.supposed.rate {
                        label {
                            "A share of stETH is worth " (thousandths(rate)) " ETH"
                            input type="range" name="rate" min=(RATES.start()) max=(RATES.end()) value=(rate);
                        }
                    }
                    button { "What comes of it" }
                }
                p.note { "A slider for a tier goes up to the whole target. Nothing is sent, and nothing is kept." }
            }
        }
    }

    fn amount(&self, percent: u8) -> String {
        ether(prorata::required_up(self.view.terms.target, Bps::new(u16::from(percent) * 100)))
    }

    fn outcome(&self) -> Markup {
        let has_after = self.rows.iter().any(|row| row.after.is_some());
        html! {
            section #outcome {
                h2 { "What comes of it" }
                @if let Some(refused) = &self.refused { p.warning { (refused) } }
                table {
                    caption { "If nothing but time passes until the rescue is decided" }
                    thead { tr { th scope="col" { "What" } th scope="col" { "As it is" } @if has_after { th scope="col" { "As supposed" } } } }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                th scope="row" data-label="What" { (row.name) }
                                td data-label="As it is" { (row.before) }
                                @if let Some(after) = &row.after { td data-label="As supposed" { (after) } }
                            }
                        }
                    }
                }
                p { "This command says the same, with each pledge:" }
                pre tabindex="0" { code { (self.command) } }
            }
        }
    }
}

/// `1.25`, of 1250 thousandths.
pub fn thousandths(number: u16) -> String {
    let (whole, part) = (number / 1_000, number % 1_000);
    let text = format!("{whole}.{part:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_are_exact() {
        assert_eq!([500, 1_000, 1_250, 1_001].map(thousandths), ["0.5", "1", "1.25", "1.001"]);
    }
}
