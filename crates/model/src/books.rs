//! Who pledged what.

use alloy_primitives::Address;
use serde::Serialize;

use crate::{
    asset::{Amount, Asset},
    prorata,
    terms::MAX_TIERS,
    units::{Rate, Shares, Units, Wei},
};

/// All pledges of one asset into one tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pot {
    /// The amount pledged; frozen once the rescue is settled.
    pub total: Units,
    /// The part of it drawn at settlement; at most `total`.
    pub drawn: Units,
}

/// A position's pledger, tier and asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PositionId {
    /// The pledger, to whom it is refunded.
    #[serde(with = "crate::json::Account")]
    pub pledger: Address,
    /// Number of the tier, counted from 0.
    pub tier: u8,
    /// The asset pledged.
    pub asset: Asset,
}

/// One pledger's part of a pot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Position {
    /// The amount pledged.
    pub amount: Units,
    /// The amount refunded; at most `amount`.
    pub refunded: Units,
    /// Whether it has objected.
    pub objected: bool,
    /// How often it was taken out of the books, by exit or decline; saturates at
    /// [`MAX_DEPARTURES`](Self::MAX_DEPARTURES).
    pub departures: u32,
}

impl Position {
    /// The most departures that are counted: 24 bits.
    pub const MAX_DEPARTURES: u32 = (1 << 24) - 1;

    /// What remains of it once it is taken out.
    pub fn departed(self) -> Self {
        let departures = self.departures.saturating_add(1).min(Self::MAX_DEPARTURES);
        Self { departures, ..Self::default() }
    }
}

/// The pots of all tiers, numbered tier by tier and by asset within a tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pots([Pot; MAX_TIERS * Asset::ALL.len()]);

impl Pots {
    /// The pot of a tier and an asset.
    pub fn get(&self, tier: u8, asset: Asset) -> Pot {
        self.0[Self::number(tier, asset)]
    }

    /// Pots as a contract numbers them.
    pub const fn new(pots: [Pot; MAX_TIERS * Asset::ALL.len()]) -> Self {
        Self(pots)
    }

    pub(crate) fn get_mut(&mut self, tier: u8, asset: Asset) -> &mut Pot {
        &mut self.0[Self::number(tier, asset)]
    }

    const fn number(tier: u8, asset: Asset) -> usize {
        tier as usize * Asset::ALL.len() + asset as usize
    }

    /// Whether some pot holds shares, so that valuing it needs the rate.
    pub fn hold_shares(&self) -> bool {
        self.0.chunks_exact(Asset::ALL.len()).any(|tier| {
            Asset::ALL.into_iter().any(|asset| asset.is_shares() && !tier[asset as usize].total.is_zero())
        })
    }

    /// Value of everything pledged into `tiers`.
    pub(crate) fn value_down(&self, tiers: impl Iterator<Item = u8>, rate: Option<Rate>) -> Wei {
        value_down(amounts(tiers, |tier, asset| self.get(tier, asset).total), rate)
    }
}

/// Calls `amount` for each pot of `tiers`.
pub(crate) fn amounts(
    tiers: impl Iterator<Item = u8>,
    amount: impl Fn(u8, Asset) -> Units,
) -> impl Iterator<Item = Amount> {
    tiers.flat_map(move |tier| Asset::ALL.map(|asset| amount(tier, asset).of(asset)))
}

/// Value of some amounts: the ETH + floor(the shares * rate / 10^27), with stETH shares and wstETH units
/// added first. Without a rate, shares count as zero, for books that hold none.
pub fn value_down(amounts: impl Iterator<Item = Amount>, rate: Option<Rate>) -> Wei {
    let add = |(ether, shares), amount: Amount| {
        let (wei, more) = amount.wei_and_shares();
        (ether + wei, shares + more)
    };
    let (ether, shares) = amounts.fold((Wei::ZERO, Shares::ZERO), add);
    ether + rate.map_or(Wei::ZERO, |rate| prorata::shares_value_down(shares, rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_both_tokens_are_added_before_the_one_floor() {
        let mut pots = Pots::default();
        pots.get_mut(0, Asset::Eth).total = Units::new(100);
        pots.get_mut(1, Asset::StEth).total = Units::new(1);
        pots.get_mut(2, Asset::WstEth).total = Units::new(1);
        let rate = Rate::new(1_500_000_000_000_000_000_000_000_000);
        assert_eq!(pots.value_down(0..3, rate), Wei::new(103));
        assert_eq!(pots.value_down(0..2, rate), Wei::new(101));
        assert_eq!(pots.value_down(0..1, None), Wei::new(100));
    }

    #[test]
    fn a_departure_takes_all_and_is_counted_up_to_a_bound() {
        let position = Position { amount: Units::new(7), departures: 1, ..Position::default() };
        assert_eq!(position.departed(), Position { departures: 2, ..Position::default() });
        let often = Position { departures: (1 << 24) - 2, ..position }.departed();
        assert_eq!([often.departures, often.departed().departures], [(1 << 24) - 1; 2]);
    }

    #[test]
    fn books_hold_shares_when_any_pot_does() {
        for (asset, expected) in [(Asset::Eth, false), (Asset::StEth, true), (Asset::WstEth, true)] {
            let mut pots = Pots::default();
            pots.get_mut(7, asset).total = Units::new(1);
            assert_eq!(pots.hold_shares(), expected, "{asset}");
        }
    }
}
