//! How far is each threshold?

use levee::{PotView, RescueView};
use levee_model::{Asset, Bps, Rate, Shares, Units, Wei, prorata};

/// A threshold of the terms and what its condition looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Threshold {
    /// The threshold.
    pub(super) threshold: Bps,
    /// Value of the tiers that it would make active.
    pub(super) coverage: Wei,
    /// The coverage that meets it.
    pub(super) required: Wei,
}

impl Threshold {
    /// Whether it is met.
    pub(super) fn is_met(self) -> bool {
        self.coverage >= self.required
    }
}

/// The distinct thresholds of the terms, rising. Empty while shares cannot be valued.
pub(super) fn thresholds(view: &RescueView, rate: Option<Rate>) -> Vec<Threshold> {
    if view.coverage.is_none() {
        return Vec::new();
    }
    let mut distinct: Vec<Bps> = view.terms.tiers.iter().map(|tier| tier.threshold).collect();
    distinct.dedup();
    let look = |threshold| Threshold {
        threshold,
        coverage: coverage(view, threshold, rate),
        required: prorata::required_up(view.terms.target, threshold),
    };
    distinct.into_iter().map(look).collect()
}

/// Value of the pots of all tiers up to `threshold`.
fn coverage(view: &RescueView, threshold: Bps, rate: Option<Rate>) -> Wei {
    let is_active = |pot: &PotView| view.terms.tier(pot.tier).is_some_and(|tier| tier.threshold <= threshold);
    value_down(view.pots.iter().filter(|pot| is_active(pot)).map(|pot| (pot.asset, pot.total)), rate)
}

/// What amounts of pots are worth: their ETH, and their shares added first and rounded once.
pub(super) fn value_down(amounts: impl Iterator<Item = (Asset, Units)>, rate: Option<Rate>) -> Wei {
    let (mut ether, mut shares) = (Wei::ZERO, Shares::ZERO);
    for (asset, amount) in amounts {
        match asset {
            Asset::Eth => ether += Wei::new(amount.get()),
            Asset::StEth | Asset::WstEth => shares += Shares::new(amount.get()),
        }
    }
    ether + rate.map_or(Wei::ZERO, |rate| prorata::shares_value_down(shares, rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{ether, open};

    #[test]
    fn a_threshold_looks_at_the_tiers_up_to_it() {
        let page = open();
        let found = thresholds(&page.view, page.rate());
        let expected =
            [(5_000, 40, 50), (10_000, 70, 100)].map(|(threshold, coverage, required)| Threshold {
                threshold: Bps::new(threshold),
                coverage: Wei::new(ether(coverage)),
                required: Wei::new(ether(required)),
            });
        assert_eq!(found, expected);
        assert!(!found[0].is_met());
    }

    #[test]
    fn a_threshold_is_met_at_its_last_wei() {
        let met = Threshold { threshold: Bps::ONE, coverage: Wei::new(5), required: Wei::new(5) };
        assert!(met.is_met());
        assert!(!Threshold { coverage: Wei::new(4), ..met }.is_met());
    }
}
