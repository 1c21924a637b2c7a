//! The books of the two pools of a rescue, rebuilt from their logs alone.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use levee_model::{
    BonusView, Duty, Enlistment, Models, Operation, PositionId, RecoveryBooks, Rescue, StoredBonus, Wei,
    recovery,
};
use serde::Serialize;

use crate::{
    bonus::BonusEvent, error::Error, event::Event, history::History, operation::Contracts,
    recovery::RecoveryEvent,
};

/// What the events of both pools add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PoolBooks {
    /// What each draw order has received of what was recovered.
    #[serde(rename = "receivedWei")]
    pub received: BTreeMap<u8, Wei>,
    /// What each position was paid of that.
    #[serde(serialize_with = "json::paid")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<json::Paid>"))]
    pub claimed: BTreeMap<PositionId, Wei>,
    /// The bonus, and whose it is.
    pub bonus: BonusView,
    /// What each sponsor has added and not taken back.
    #[serde(rename = "contributionsWei", serialize_with = "json::contributions")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, Wei>"))]
    pub contributions: BTreeMap<Address, Wei>,
    /// What counts of each position that was ever enlisted.
    #[serde(serialize_with = "json::enlistments")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<json::Enlisted>"))]
    pub enlistments: BTreeMap<PositionId, Enlistment>,
    /// What each position was paid of the bonus.
    #[serde(serialize_with = "json::paid")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<json::Paid>"))]
    pub bonus_claimed: BTreeMap<PositionId, Wei>,
}

/// What is kept by position or account, as lists and objects.
mod json {
    use std::collections::BTreeMap;

    use alloy::primitives::Address;
    use levee_model::{
        Enlistment, PositionId, Wei,
        json::{EnlistedAmount, PositionAndUnit},
    };
    use serde::{Serialize, Serializer};

    #[derive(Serialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    pub(super) struct Paid {
        #[serde(flatten)]
        id: PositionId,
        #[serde(rename = "amountWei")]
        amount: Wei,
    }

    #[derive(Serialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    pub(super) struct Enlisted {
        #[serde(flatten, with = "PositionAndUnit")]
        id: PositionId,
        #[serde(flatten, with = "EnlistedAmount")]
        enlistment: Enlistment,
    }

    pub(super) fn paid<S: Serializer>(
        paid: &BTreeMap<PositionId, Wei>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(paid.iter().map(|(&id, &amount)| Paid { id, amount }))
    }

    pub(super) fn enlistments<S: Serializer>(
        enlistments: &BTreeMap<PositionId, Enlistment>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(enlistments.iter().map(|(&id, &enlistment)| Enlisted { id, enlistment }))
    }

    pub(super) fn contributions<S: Serializer>(
        contributions: &BTreeMap<Address, Wei>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(contributions.iter().map(|(sponsor, amount)| (sponsor.to_string(), amount)))
    }
}

impl PoolBooks {
    /// What the recovery pool can pay to the pledgers of its rescue: each claim that the rules accept. None of them ever expires.
    pub fn claims<'a>(&'a self, rescue: &'a Rescue) -> impl Iterator<Item = Duty> + 'a {
        let ids = rescue.positions().map(|(id, _)| id);
        let open = ids.filter(|&id| self.earned_down(rescue, id) > self.claimed_by(id));
        open.map(|id| Duty::at_any_time(Operation::Claim(id)))
    }

    /// What strikes from the bonus what has left the rescue, so that others get its part; the rules accept each until the bonus is decided.
    pub fn strikes<'a>(&'a self, rescue: &'a Rescue) -> impl Iterator<Item = Duty> + 'a {
        let matters = self.bonus.decision.is_none() && !self.bonus.total.is_zero();
        let counted = self.enlistments.iter().filter(move |_| matters);
        let outdated = counted.filter(|(id, counted)| counted.is_outdated(rescue.position(**id).departures));
        outdated.map(|(&id, _)| Duty::at_any_time(Operation::Enlist(id)))
    }

    /// What a position has earned in all of what was recovered.
    fn earned_down(&self, rescue: &Rescue, id: PositionId) -> Wei {
        let order = rescue.terms().tier(id.tier).map(|tier| tier.draw_order);
        let received = order.and_then(|order| self.received.get(&order)).copied().unwrap_or_default();
        recovery::earned_of_down(rescue, id, received)
    }

    fn claimed_by(&self, id: PositionId) -> Wei {
        self.claimed.get(&id).copied().unwrap_or_default()
    }

    /// Adds the next event of either pool; others change nothing.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the amounts add up to more ETH than fits in 128 bits, which are then no pool's logs.
    pub fn apply(&mut self, event: &Event) -> Result<(), Error> {
        match event {
            Event::Recovery(event) => self.apply_recovery(event),
            Event::Bonus(event) => self.apply_bonus(event),
            Event::Rescue(_) | Event::Board(_) | Event::Receiver(_) | Event::Compact(_) => Ok(()),
        }
    }

    fn apply_recovery(&mut self, event: &RecoveryEvent) -> Result<(), Error> {
        match *event {
            RecoveryEvent::Repaid { draw_order, interest, principal, rest } => {
                let received = self.received.entry(draw_order).or_default();
                [interest, principal, rest].into_iter().try_for_each(|part| add(received, part))
            }
            RecoveryEvent::Claimed { position, amount, .. } => {
                add(self.claimed.entry(position).or_default(), amount)
            }
            RecoveryEvent::Created { .. } | RecoveryEvent::Recovered { .. } => Ok(()),
        }
    }

    fn apply_bonus(&mut self, event: &BonusEvent) -> Result<(), Error> {
        match *event {
            BonusEvent::Created { .. } => {}
            BonusEvent::Added { sponsor, amount } => {
                add(&mut self.bonus.total, amount)?;
                add(self.contributions.entry(sponsor).or_default(), amount)?;
            }
            BonusEvent::Enlisted { position, enlistment } => {
                self.enlistments.insert(position, enlistment);
            }
            BonusEvent::Decided(decision) => self.bonus.decision = Some(decision),
            BonusEvent::Claimed { position, amount, .. } => {
                add(self.bonus_claimed.entry(position).or_default(), amount)?;
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
        Ok(())
    }
}

/// The models of a rescue and its pools, by all of their events. Its address tells their edition, and so where they are.
pub(crate) fn models(history: &History) -> Result<Models, String> {
    let (rescue, PoolBooks { bonus, enlistments, bonus_claimed, contributions, .. }) =
        (&history.rescue, &*history.pools);
    let edition = history.edition().map_err(|error| error.to_string())?;
    let contracts = Contracts::of(history.address, edition);
    let bonus = StoredBonus {
        view: *bonus,
        enlisted: enlistments.clone(),
        claimed: bonus_claimed.keys().copied().collect(),
        added: contributions.clone(),
    };
    let bonus = bonus.restored(contracts.bonus).ok_or("no bonus pool can have these events")?;
    let mut recovery = RecoveryBooks::new(contracts.recovery, rescue.terms());
    for entry in history.entries.iter() {
        if let Event::Recovery(event) = &entry.event {
            replay(&mut recovery, rescue, event)?;
        }
    }
    Ok(Models { rescue: Rescue::clone(rescue), recovery, bonus })
}

/// Plays what an event of a recovery pool reports. A pool begins when its rescue is final, and then changes no more.
fn replay(recovery: &mut RecoveryBooks, rescue: &Rescue, event: &RecoveryEvent) -> Result<(), String> {
    match *event {
        RecoveryEvent::Recovered { amount, recovered_at, .. } => {
            recovery.recover(rescue, recovered_at, amount).map_err(|refusal| refusal.to_string())
        }
        RecoveryEvent::Claimed { position, amount, .. } => {
            let paid = recovery.claim(rescue, position).map_err(|refusal| refusal.to_string())?;
            let paid = Wei::new(paid.amount.get());
            if paid == amount {
                return Ok(());
            }
            Err(format!(
                "{} was paid {amount} of what was recovered, and by the rules {paid}",
                position.pledger
            ))
        }
        RecoveryEvent::Created { .. } | RecoveryEvent::Repaid { .. } => Ok(()),
    }
}

fn add(sum: &mut Wei, amount: Wei) -> Result<(), Error> {
    *sum = sum.checked_add(amount).ok_or(Error::Malformed { what: "the amounts in a pool's logs" })?;
    Ok(())
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
        events.for_each(|event| books.apply(&event).unwrap());
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

    #[test]
    fn more_than_fits_is_no_pools_log() {
        let whole = Wei::new(u128::MAX);
        let repaid =
            RecoveryEvent::Repaid { draw_order: 1, interest: whole, principal: Wei::new(1), rest: Wei::ZERO };
        let malformed = Err(Error::Malformed { what: "the amounts in a pool's logs" });
        assert_eq!(PoolBooks::default().apply(&Event::Recovery(repaid)), malformed);
        let mut books = PoolBooks::default();
        let added = Event::Bonus(BonusEvent::Added { sponsor: Address::ZERO, amount: whole });
        assert_eq!(books.apply(&added), Ok(()));
        assert_eq!(books.apply(&added), malformed);
    }
}
