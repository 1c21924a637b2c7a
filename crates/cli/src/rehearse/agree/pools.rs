//! Checks that the two pools, their logs and their models agree.

use std::collections::BTreeMap;

use eyre::Result;
use levee::{PoolBooks, history};
use levee_model::{Models, Moment, Wei};

use super::{
    super::{
        cast::{self, Cast},
        contracts::Contracts,
    },
    same,
};

/// Checks that the recovery pool's views agree with its model about the waterfall and everyone's positions.
pub(super) async fn recovery_with_model(contracts: &Contracts, models: &Models, at: Moment) -> Result<()> {
    let (pool, model) = (&contracts.recovery, &models.recovery);
    let expected = model.view(&models.rescue, at.time);
    same("the recovery pool", &pool.recovery().await?, "the model", &expected)?;
    for id in models.rescue.known_positions() {
        let expected = model.earnings(&models.rescue, id);
        same("the recovery pool", &pool.earnings(id).await?, "the model", &expected)?;
    }
    Ok(())
}

/// The same for the bonus pool, its enlistments and every sponsor.
pub(super) async fn bonus_with_model(contracts: &Contracts, models: &Models, cast: &Cast) -> Result<()> {
    let (pool, model) = (&contracts.bonus, &models.bonus);
    same("the bonus pool", &pool.bonus().await?, "the model", &model.view())?;
    for id in models.rescue.known_positions() {
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
    let mut logged = PoolBooks::default();
    for pool in [contracts.recovery.address(), contracts.bonus.address()] {
        for entry in history::fetch(contracts.escrow.provider(), pool, 0).await? {
            logged.apply(&entry.event)?;
        }
    }
    logged.received.retain(|_, amount| !amount.is_zero());
    same("the pools' logs", &logged, "the models", &books(models, at, cast))
}

/// What the logs of the pools should add up to, by their models.
fn books(models: &Models, at: Moment, cast: &Cast) -> PoolBooks {
    let Models { rescue, recovery, bonus } = models;
    let groups = recovery.groups(at.time);
    let contribution = |account| (account, bonus.contribution_of(account));
    PoolBooks {
        received: nonzero(groups.iter().map(|group| (group.order, group.received))),
        claimed: nonzero(rescue.known_positions().map(|id| (id, recovery.claimed(id)))),
        bonus: bonus.view(),
        contributions: nonzero(cast.names().map(cast::address).map(contribution)),
        enlistments: bonus.enlistments().collect(),
        bonus_claimed: nonzero(rescue.known_positions().map(|id| (id, bonus.paid(rescue, id)))),
    }
}

fn nonzero<K: Ord>(amounts: impl Iterator<Item = (K, Wei)>) -> BTreeMap<K, Wei> {
    amounts.filter(|(_, amount)| !amount.is_zero()).collect()
}
