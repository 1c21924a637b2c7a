//! What is the least that changes which threshold is met?
//!
//! Nothing is computed backward: an amount is found by trying, with the rules that settle a rescue, so it is exact to the last unit,
//! and one unit less does not suffice.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use serde::Serialize;

use crate::{
    asset::{Amount, Asset},
    books::{PositionId, Pots, value_down},
    lido::Moment,
    refusal::Refusal,
    rescue::Rescue,
    units::{Bps, Units, Wei},
    view::ShareRate,
};

/// The least further pledge of one asset into one tier by which a threshold, or a higher one, is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reach {
    /// The threshold, which is above the one met now.
    #[serde(rename = "thresholdBps")]
    pub threshold: Bps,
    /// The tier, which counts toward it.
    pub tier: u8,
    /// The pledge.
    #[serde(flatten)]
    pub amount: Amount,
}

/// A pledger without whom the threshold met now is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pivotal {
    /// The pledger.
    #[serde(with = "crate::json::Account")]
    pub pledger: Address,
    /// The value of all its pledges, rounded down.
    #[serde(rename = "valueWei")]
    pub value: Wei,
    /// The highest threshold met without it; zero for none.
    #[serde(rename = "thresholdWithoutBps")]
    pub without: Bps,
}

impl Rescue {
    /// The least further pledges that meet each higher threshold than the one met now, one for each tier that counts toward it and
    /// each asset that is accepted and can be valued. Left out where no pledge that fits into the pot suffices.
    ///
    /// # Errors
    /// `PledgingClosed`, `RateUnreadable`.
    pub fn reaches(&self, now: Moment) -> Result<Vec<Reach>, Refusal> {
        let (met, terms) = (self.threshold_with(now, |_| {})?, self.terms());
        let is_valued = |asset: &Asset| !asset.is_shares() || now.lido.rate().is_some();
        let mut higher: Vec<Bps> = terms.tiers.iter().map(|tier| tier.threshold).collect();
        higher.dedup();
        let mut reaches = Vec::new();
        for threshold in higher.into_iter().filter(|threshold| *threshold > met) {
            let counting = (0..).zip(&terms.tiers).filter(|(_, tier)| tier.threshold <= threshold);
            for (tier, _) in counting {
                for asset in Asset::ALL.into_iter().filter(|asset| terms.accepts(*asset) && is_valued(asset))
                {
                    let amount = self.least(now, threshold, tier, asset)?;
                    reaches.extend(amount.map(|units| Reach { threshold, tier, amount: units.of(asset) }));
                }
            }
        }
        Ok(reaches)
    }

    /// By bisection: if a pledge suffices, so does any larger one.
    fn least(&self, now: Moment, threshold: Bps, tier: u8, asset: Asset) -> Result<Option<Units>, Refusal> {
        let suffices = |amount: u128| {
            let pledge = |pots: &mut Pots| pots.get_mut(tier, asset).total += Units::new(amount);
            self.threshold_with(now, pledge).map(|met| met >= threshold)
        };
        let room = Units::MAX_POT - self.state.pots.get(tier, asset).total;
        // Nothing does not suffice, since the threshold is not met.
        let (mut too_little, mut enough) = (0, room.get());
        if !suffices(enough)? {
            return Ok(None);
        }
        while enough - too_little > 1 {
            let middle = too_little + (enough - too_little) / 2;
            if suffices(middle)? { enough = middle } else { too_little = middle }
        }
        Ok(Some(Units::new(enough)))
    }

    /// Every pledger whose withdrawal alone would lower the threshold met now, by ascending value of its pledges.
    ///
    /// # Errors
    /// `PledgingClosed`, `RateUnreadable`.
    pub fn pivotal(&self, now: Moment) -> Result<Vec<Pivotal>, Refusal> {
        let met = self.threshold_with(now, |_| {})?;
        let mut pledgers: BTreeMap<Address, Vec<(PositionId, Units)>> = BTreeMap::new();
        for (id, position) in self.positions() {
            pledgers.entry(id.pledger).or_default().push((id, position.amount));
        }
        let mut pivotal = Vec::new();
        for (pledger, positions) in pledgers {
            let leave = |pots: &mut Pots| {
                for &(id, amount) in &positions {
                    let pot = pots.get_mut(id.tier, id.asset);
                    // The position is part of its pot.
                    pot.total = pot.total - amount;
                }
            };
            let without = self.threshold_with(now, leave)?;
            let value = value_down(positions.iter().map(|(id, amount)| amount.of(id.asset)), now.lido.rate());
            pivotal.extend((without < met).then_some(Pivotal { pledger, value, without }));
        }
        pivotal.sort_by_key(|one| (one.value, one.pledger));
        Ok(pivotal)
    }

    /// The highest threshold that is met if the open rescue is decided with other pots; zero for none.
    fn threshold_with(&self, now: Moment, change: impl FnOnce(&mut Pots)) -> Result<Bps, Refusal> {
        self.require_pledging(now.time)?;
        let mut state = self.state.clone();
        change(&mut state.pots);
        match state.share_rate(now.lido) {
            ShareRate::Unreadable => Err(Refusal::RateUnreadable),
            rate => Ok(state.threshold_met(self.terms(), self.decided_by(now.time), rate)),
        }
    }
}
