//! Checks that the two pools, their logs and their models agree.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use eyre::Result;
use levee::{BonusEvent, Event, RecoveryEvent, history};
use levee_model::{Enlistment, Moment, PositionId, Wei};

use super::{
    super::{
        cast::{self, Cast},
        sides::{Contracts, Models},
    },
    same,
};

/// Checks that the recovery pool's views agree with its model about the waterfall and everyone's positions.
pub(super) async fn recovery_with_model(contracts: &Contracts, models: &Models, at: Moment) -> Result<()> {
    let (pool, model) = (&contracts.recovery, &models.recovery);
    let expected = model.view(&models.rescue, at.time);
    same("the recovery pool", &pool.recovery().await?, "the model", &expected)?;
    for id in models.known() {
        let expected = model.earnings(&models.rescue, id);
        same("the recovery pool", &pool.earnings(id).await?, "the model", &expected)?;
    }
    Ok(())
}

/// The same for the bonus pool, its enlistments and every sponsor.
pub(super) async fn bonus_with_model(contracts: &Contracts, models: &Models, cast: &Cast) -> Result<()> {
    let (pool, model) = (&contracts.bonus, &models.bonus);
    same("the bonus pool", &pool.bonus().await?, "the model", &model.view())?;
    for id in models.known() {
        same("the bonus pool", &pool.enlisted(id).await?, "the model", &model.enlistment(id))?;
        let expected = model.share(&models.rescue, id);
        same("the bonus pool", &pool.share_of(id).await?, "the model", &expected)?;
    }
    for sponsor in cast.names().map(cast::address) {
        let expected = model.contribution_of(sponsor);
        same("the bonus pool", &pool.contribution_of(sponsor).await?, "the model", &expected)?;
    }
    Ok(())
}

/// Checks that the pools' logs add up to what the models say.
pub(super) async fn logs_with_models(
    contracts: &Contracts,
    models: &Models,
    at: Moment,
    cast: &Cast,
) -> Result<()> {
    let logged = Logged::read(contracts).await?;
    same("the pools' logs", &logged, "the models", &Logged::of_models(models, at, cast))
}

/// What the logs of the pools add up to, without zeros.
#[derive(Debug, Default, PartialEq)]
struct Logged {
    /// What each draw order received.
    received: BTreeMap<u8, Wei>,
    /// What each position was paid of that.
    claimed: BTreeMap<PositionId, Wei>,
    /// What each sponsor has in the bonus pool.
    sponsored: BTreeMap<Address, Wei>,
    /// The enlistment of each position.
    enlisted: BTreeMap<PositionId, Enlistment>,
    /// What each position was paid of the bonus.
    bonus: BTreeMap<PositionId, Wei>,
}

impl Logged {
    async fn read(contracts: &Contracts) -> Result<Self> {
        let mut logged = Self::default();
        for pool in [contracts.recovery.address(), contracts.bonus.address()] {
            for entry in history::fetch(contracts.escrow.provider(), pool, 0).await? {
                logged.apply(&entry.event);
            }
        }
        Ok(Self { received: nonzero(logged.received.into_iter()), ..logged })
    }

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Recovery(RecoveryEvent::Repaid { draw_order, interest, principal, rest }) => {
                *self.received.entry(draw_order).or_default() += interest + principal + rest;
            }
            Event::Recovery(RecoveryEvent::Claimed { position, amount, .. }) => {
                *self.claimed.entry(position).or_default() += amount;
            }
            Event::Bonus(BonusEvent::Added { sponsor, amount }) => {
                *self.sponsored.entry(sponsor).or_default() += amount;
            }
            // Whatever is left of it, it goes back at once.
            Event::Bonus(BonusEvent::Returned { sponsor, .. }) => {
                self.sponsored.remove(&sponsor);
            }
            Event::Bonus(BonusEvent::Enlisted { position, enlistment }) => {
                self.enlisted.insert(position, enlistment);
            }
            Event::Bonus(BonusEvent::Claimed { position, amount, .. }) => {
                *self.bonus.entry(position).or_default() += amount;
            }
            _ => {}
        }
    }

    fn of_models(models: &Models, at: Moment, cast: &Cast) -> Self {
        let Models { recovery, bonus, .. } = models;
        let groups = recovery.groups(at.time);
        let accounts = || cast.names().map(cast::address);
        let enlisted = models.known().map(|id| (id, bonus.enlistment(id)));
        Self {
            received: nonzero(groups.iter().map(|group| (group.order, group.received))),
            claimed: nonzero(models.known().map(|id| (id, recovery.claimed(id)))),
            sponsored: nonzero(accounts().map(|account| (account, bonus.contribution_of(account)))),
            enlisted: enlisted.filter(|(_, enlistment)| *enlistment != Enlistment::default()).collect(),
            bonus: nonzero(models.known().map(|id| (id, models.bonus_paid(id)))),
        }
    }
}

fn nonzero<K: Ord>(amounts: impl Iterator<Item = (K, Wei)>) -> BTreeMap<K, Wei> {
    amounts.filter(|(_, amount)| !amount.is_zero()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee_model::{Asset, Units};

    #[test]
    fn a_pools_log_is_added_up() {
        let [sponsor, other, pledger] = ["s", "o", "p"].map(cast::address);
        let id = PositionId { pledger, tier: 0, asset: Asset::Eth };
        let wei = Wei::new;
        let events = [
            RecoveryEvent::Repaid { draw_order: 1, interest: wei(1), principal: wei(2), rest: wei(0) },
            RecoveryEvent::Repaid { draw_order: 1, interest: wei(0), principal: wei(0), rest: wei(4) },
            RecoveryEvent::Claimed { position: id, recipient: pledger, amount: wei(6) },
        ];
        let enlistment = Enlistment { enlisted: Units::new(9), ..Enlistment::default() };
        let bonus = [
            BonusEvent::Added { sponsor, amount: wei(8) },
            BonusEvent::Added { sponsor: other, amount: wei(5) },
            BonusEvent::Enlisted { position: id, enlistment },
            BonusEvent::Returned { sponsor, recipient: pledger, amount: wei(3) },
            BonusEvent::Claimed { position: id, recipient: pledger, amount: wei(2) },
        ];
        let mut logged = Logged::default();
        let all = events.map(Event::Recovery).into_iter().chain(bonus.map(Event::Bonus));
        all.for_each(|event| logged.apply(&event));
        let expected = Logged {
            received: [(1, wei(7))].into(),
            claimed: [(id, wei(6))].into(),
            sponsored: [(other, wei(5))].into(),
            enlisted: [(id, enlistment)].into(),
            bonus: [(id, wei(2))].into(),
        };
        assert_eq!(logged, expected);
    }
}
