//! Who is drawn, and how far. Nothing here depends on the order or the number of pledges.

use serde::Serialize;

use crate::{
    asset::Asset,
    books::Pots,
    lido::Lido,
    prorata,
    refusal::Refusal,
    schedule::Timestamp,
    terms::{Terms, Tier},
    units::{Bps, Rate, Units, Wei},
};

/// The tiers of one draw order that were active at settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Group {
    /// Their draw order.
    #[serde(rename = "drawOrder")]
    pub order: u8,
    /// Value of their pots.
    #[serde(rename = "valueWei")]
    pub value: Wei,
    /// The part of it that is drawn.
    #[serde(rename = "drawWei")]
    pub draw: Wei,
}

/// What settlement recorded, apart from the draw from each pot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Settlement {
    /// The time.
    #[serde(rename = "settledAtUnix")]
    pub settled_at: Timestamp,
    /// The rate at which shares are valued; none if no pot held any.
    #[serde(rename = "rateWeiPer1e27Shares")]
    pub rate: Option<Rate>,
    /// The highest threshold that was met. Tiers up to it are active, and come first because tiers are
    /// sorted.
    #[serde(rename = "thresholdBps")]
    pub threshold: Bps,
    /// The number of active tiers.
    pub active_tiers: u8,
    /// The value drawn; at most the target.
    #[serde(rename = "drawnValueWei")]
    pub drawn_value: Wei,
    /// The last group that was drawn. Lower orders are drawn in full, higher ones not at all.
    pub marginal: Group,
}

impl Settlement {
    /// Whether a tier is active.
    pub const fn is_active(&self, tier: u8) -> bool {
        tier < self.active_tiers
    }

    /// The drawn value of `amount` in an active or inactive `tier`, in wei at the settlement rate:
    /// floor(value * D / V) of its group.
    pub fn drawn_value_down(&self, tiers: &[Tier], tier: u8, asset: Asset, amount: Units) -> Wei {
        let order = tiers[usize::from(tier)].draw_order;
        if !self.is_active(tier) || order > self.marginal.order {
            return Wei::ZERO;
        }
        // Without a rate there were no shares at settlement, so no position in shares has an amount.
        let value = prorata::value_down(amount.of(asset), self.rate).unwrap_or(Wei::ZERO);
        if order < self.marginal.order {
            return value;
        }
        prorata::drawn_value_down(value, self.marginal.draw, self.marginal.value)
    }
}

/// The rate, if needed: read once, and only if some pot holds shares.
pub fn rate_of(pots: &Pots, lido: Lido) -> Result<Option<Rate>, Refusal> {
    if !pots.hold_shares() {
        return Ok(None);
    }
    lido.rate().map(Some).ok_or(Refusal::RateUnreadable)
}

/// Value of the pots of the first `tiers` tiers.
pub fn coverage_down(pots: &Pots, tiers: u8, rate: Option<Rate>) -> Wei {
    pots.value_down(0..tiers, rate)
}

/// The number of active tiers: those up to the highest threshold that their own coverage meets; 0 if none
/// is met.
pub fn active_tiers(pots: &Pots, terms: &Terms, target: Wei, rate: Option<Rate>) -> u8 {
    // The last tier with a threshold covers the most, so it decides whether the threshold is met.
    let met = |count: &u8| {
        let threshold = terms.tiers[usize::from(count - 1)].threshold;
        coverage_down(pots, *count, rate) >= prorata::required_up(target, threshold)
    };
    (1..=terms.tier_count()).rev().find(met).unwrap_or(0)
}

/// Draws the first `active` tiers, at least one of which is worth something: writes each pot's draw, and
/// returns the total value drawn and the marginal group. A group that is worth nothing (dust at a low rate)
/// is not drawn.
pub(crate) fn draw(
    pots: &mut Pots,
    tiers: &[Tier],
    active: u8,
    target: Wei,
    rate: Option<Rate>,
) -> (Wei, Group) {
    let mut need = target;
    let mut marginal = Group { order: 0, value: Wei::ZERO, draw: Wei::ZERO };
    let active_tiers = &tiers[..usize::from(active)];
    let mut next = lowest_order(active_tiers, |_| true);
    while let Some(order) = next.filter(|_| !need.is_zero()) {
        let members = || (0..active).filter(|&tier| tiers[usize::from(tier)].draw_order == order);
        let value = pots.value_down(members(), rate);
        if !value.is_zero() {
            marginal = Group { order, value, draw: value.min(need) };
            need = need - marginal.draw;
            members().for_each(|tier| draw_tier(pots, tier, marginal));
        }
        next = lowest_order(active_tiers, |candidate| candidate > order);
    }
    (target - need, marginal)
}

fn lowest_order(tiers: &[Tier], allowed: impl Fn(u8) -> bool) -> Option<u8> {
    tiers.iter().map(|tier| tier.draw_order).filter(|&order| allowed(order)).min()
}

fn draw_tier(pots: &mut Pots, tier: u8, group: Group) {
    for asset in Asset::ALL {
        let pot = pots.get_mut(tier, asset);
        pot.drawn = prorata::drawn_down(pot.total, group.draw, group.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::tests::terms;

    fn pots(entries: &[(u8, Asset, u128)]) -> Pots {
        let mut pots = Pots::default();
        for &(tier, asset, total) in entries {
            pots.get_mut(tier, asset).total = Units::new(total);
        }
        pots
    }

    fn rate(number: u128) -> Option<Rate> {
        Rate::new(number)
    }

    #[test]
    fn the_highest_met_threshold_counts_only_the_tiers_up_to_it() {
        let target = Wei::new(1_000_000_000_000);
        let active = |entries: &[_]| active_tiers(&pots(entries), &terms(), target, None);
        assert_eq!(active(&[(0, Asset::Eth, 249_999_999_999)]), 0);
        assert_eq!(active(&[(0, Asset::Eth, 250_000_000_000)]), 1);
        assert_eq!(active(&[(2, Asset::Eth, 999_999_999_999)]), 0);
        assert_eq!(active(&[(1, Asset::Eth, 750_000_000_000)]), 2);
        assert_eq!(active(&[(0, Asset::Eth, 1), (2, Asset::Eth, 999_999_999_999)]), 3);
    }

    #[test]
    fn a_later_order_is_drawn_only_for_what_earlier_ones_leave_open() {
        let mut pots = pots(&[(0, Asset::Eth, 300), (1, Asset::Eth, 500), (2, Asset::WstEth, 100)]);
        let (drawn, marginal) = draw(&mut pots, &terms().tiers, 3, Wei::new(600), rate(10u128.pow(27)));
        assert_eq!(drawn, Wei::new(600));
        assert_eq!(marginal, Group { order: 1, value: Wei::new(500), draw: Wei::new(200) });
        let draws =
            [(0, Asset::Eth), (1, Asset::Eth), (2, Asset::WstEth)].map(|(t, a)| pots.get(t, a).drawn.get());
        assert_eq!(draws, [300, 200, 100]);
    }

    #[test]
    fn once_the_need_is_met_nothing_more_is_drawn() {
        let mut pots = pots(&[(0, Asset::Eth, 600), (1, Asset::Eth, 500)]);
        let (drawn, marginal) = draw(&mut pots, &terms().tiers, 3, Wei::new(600), None);
        assert_eq!((drawn, marginal.order), (Wei::new(600), 0));
        assert_eq!(pots.get(1, Asset::Eth).drawn, Units::ZERO);
    }

    #[test]
    fn a_group_worth_nothing_is_not_drawn_and_divides_nothing() {
        let mut pots = pots(&[(0, Asset::StEth, 1), (1, Asset::Eth, 500)]);
        let (drawn, marginal) = draw(&mut pots, &terms().tiers, 3, Wei::new(600), rate(10u128.pow(26)));
        assert_eq!((drawn, marginal.order), (Wei::new(500), 1));
        assert_eq!(pots.get(0, Asset::StEth).drawn, Units::ZERO);
    }

    #[test]
    fn a_drawn_value_is_whole_below_the_marginal_order_and_nothing_above() {
        let terms = terms();
        let settlement = Settlement {
            settled_at: 0,
            rate: rate(1_500_000_000_000_000_000_000_000_000),
            threshold: Bps::ONE,
            active_tiers: 2,
            drawn_value: Wei::new(10),
            marginal: Group { order: 1, value: Wei::new(3), draw: Wei::new(2) },
        };
        let value = |tier, asset| settlement.drawn_value_down(&terms.tiers, tier, asset, Units::new(5)).get();
        assert_eq!([value(0, Asset::Eth), value(0, Asset::StEth)], [5, 7]);
        assert_eq!([value(1, Asset::Eth), value(1, Asset::WstEth)], [3, 4]);
        assert_eq!(value(2, Asset::Eth), 0);
        let earlier = Settlement { marginal: Group { order: 0, ..settlement.marginal }, ..settlement };
        assert_eq!(earlier.drawn_value_down(&terms.tiers, 1, Asset::Eth, Units::new(5)), Wei::ZERO);
    }

    #[test]
    fn the_rate_is_read_only_when_needed() {
        assert_eq!(rate_of(&pots(&[(0, Asset::Eth, 1)]), Lido::Broken), Ok(None));
        assert_eq!(rate_of(&pots(&[(0, Asset::WstEth, 1)]), Lido::Broken), Err(Refusal::RateUnreadable));
        let paused = Lido::Paused(Rate::MAX);
        assert_eq!(rate_of(&pots(&[(0, Asset::StEth, 1)]), paused), Ok(Some(Rate::MAX)));
    }
}
