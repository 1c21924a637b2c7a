//! The books of the two pools of a rescue, rebuilt from their logs alone.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use levee_model::{BonusView, Enlistment, PositionId, Wei};

use crate::{bonus::BonusEvent, event::Event, recovery::RecoveryEvent};

/// What the events of both pools add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolBooks {
    /// What each draw order has received of what was recovered.
    pub received: BTreeMap<u8, Wei>,
    /// What each position was paid of that.
    pub claimed: BTreeMap<PositionId, Wei>,
    /// The bonus, and whose it is.
    pub bonus: BonusView,
    /// What each sponsor has added and not taken back.
    pub contributions: BTreeMap<Address, Wei>,
    /// What counts of each position that was ever enlisted.
    pub enlistments: BTreeMap<PositionId, Enlistment>,
    /// What each position was paid of the bonus.
    pub bonus_claimed: BTreeMap<PositionId, Wei>,
}

impl PoolBooks {
    /// Adds the next event of either pool; others change nothing.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Recovery(event) => self.apply_recovery(event),
            Event::Bonus(event) => self.apply_bonus(event),
            Event::Rescue(_) | Event::Board(_) => {}
        }
    }

    fn apply_recovery(&mut self, event: &RecoveryEvent) {
        match *event {
            RecoveryEvent::Repaid { draw_order, interest, principal, rest } => {
                *self.received.entry(draw_order).or_default() += interest + principal + rest;
            }
            RecoveryEvent::Claimed { position, amount, .. } => {
                *self.claimed.entry(position).or_default() += amount;
            }
            RecoveryEvent::Created { .. } | RecoveryEvent::Recovered { .. } => {}
        }
    }

    fn apply_bonus(&mut self, event: &BonusEvent) {
        match *event {
            BonusEvent::Created { .. } => {}
            BonusEvent::Added { sponsor, amount } => {
                *self.contributions.entry(sponsor).or_default() += amount;
                self.bonus.total += amount;
            }
            BonusEvent::Enlisted { position, enlistment } => {
                self.enlistments.insert(position, enlistment);
            }
            BonusEvent::Decided(decision) => self.bonus.decision = Some(decision),
            BonusEvent::Claimed { position, amount, .. } => {
                *self.bonus_claimed.entry(position).or_default() += amount;
            }
            BonusEvent::Returned { sponsor, .. } => {
                // Whatever is left of it, it goes back at once.
                let added = self.contributions.remove(&sponsor).unwrap_or_default();
                if self.bonus.decision.is_none() {
                    // What a sponsor added is part of the total.
                    self.bonus.total = self.bonus.total - added;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee_model::{Asset, BonusDecision, Units, WeiSeconds};

    #[test]
    fn the_logs_of_both_pools_are_added_up() {
        let [sponsor, other, pledger] = [1, 2, 3].map(Address::repeat_byte);
        let id = PositionId { pledger, tier: 0, asset: Asset::Eth };
        let wei = Wei::new;
        let recovery = [
            RecoveryEvent::Repaid { draw_order: 1, interest: wei(1), principal: wei(2), rest: wei(0) },
            RecoveryEvent::Repaid { draw_order: 1, interest: wei(0), principal: wei(0), rest: wei(4) },
            RecoveryEvent::Claimed { position: id, recipient: pledger, amount: wei(6) },
        ];
        let enlistment = Enlistment { enlisted: Units::new(9), ..Enlistment::default() };
        let value = WeiSeconds::default();
        let decision = BonusDecision { bonus: wei(5), pledgers: wei(2), value, rate: None };
        let bonus = [
            BonusEvent::Added { sponsor, amount: wei(8) },
            BonusEvent::Added { sponsor: other, amount: wei(5) },
            BonusEvent::Enlisted { position: id, enlistment },
            BonusEvent::Returned { sponsor, recipient: pledger, amount: wei(8) },
            BonusEvent::Decided(decision),
            BonusEvent::Claimed { position: id, recipient: pledger, amount: wei(2) },
            BonusEvent::Returned { sponsor: other, recipient: other, amount: wei(3) },
        ];
        let mut books = PoolBooks::default();
        let events = recovery.map(Event::Recovery).into_iter().chain(bonus.map(Event::Bonus));
        events.for_each(|event| books.apply(&event));
        let expected = PoolBooks {
            received: [(1, wei(7))].into(),
            claimed: [(id, wei(6))].into(),
            // What left before the decision is no part of it; what leaves after it was.
            bonus: BonusView { total: wei(5), decision: Some(decision) },
            contributions: BTreeMap::new(),
            enlistments: [(id, enlistment)].into(),
            bonus_claimed: [(id, wei(2))].into(),
        };
        assert_eq!(books, expected);
    }
}
