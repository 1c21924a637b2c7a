//! Payments from the recovery pool and the bonus pool, compared with their actual balances.

use alloy::primitives::Address;
use eyre::{Result, ensure};
use levee::statement::RecoveryParts;
use levee_model::{Asset, Bps, RecoveryGroup, Wei};
use serde::Serialize;

use super::{stage::Stage, statement::Line};

/// What was recovered. total = claimed + claimable + dust, and the pool holds all but what was claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Recovery {
    /// All deposits.
    #[serde(rename = "totalWei")]
    pub(crate) total: Wei,
    /// Where they are.
    #[serde(flatten)]
    pub(crate) parts: RecoveryParts,
    /// By falling draw order, which is the order of repayment.
    pub(crate) groups: Vec<Group>,
}

/// One draw order in the waterfall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    #[serde(rename = "drawOrder")]
    pub(crate) order: u8,
    #[serde(rename = "rateBps")]
    pub(crate) rate: Bps,
    /// What must still be repaid; zero for the last group, which takes the rest.
    #[serde(rename = "principalWei")]
    pub(crate) principal: Wei,
    /// The interest due now.
    #[serde(rename = "interestWei")]
    pub(crate) interest: Wei,
    #[serde(rename = "receivedWei")]
    pub(crate) received: Wei,
}

/// The bonus. total = paid + reclaimed + what the pool has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Bonus {
    /// The pledgers' part; the rest goes back to the sponsors. None until it is decided.
    #[serde(rename = "pledgersWei")]
    pub(crate) pledgers: Option<Wei>,
    /// The total added.
    #[serde(rename = "totalWei")]
    pub(crate) total: Wei,
    /// What pledgers received of it.
    #[serde(rename = "paidWei")]
    pub(crate) paid: Wei,
    pub(crate) sponsors: Vec<Sponsor>,
}

/// One sponsor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Sponsor {
    pub(crate) who: String,
    /// Everything it ever added.
    #[serde(rename = "addedWei")]
    pub(crate) added: Wei,
    /// What it took back.
    #[serde(rename = "reclaimedWei")]
    pub(crate) reclaimed: Wei,
}

impl Recovery {
    /// Adds up what the model says, and compares it with the pool's balance.
    pub(crate) async fn of(stage: &Stage, lines: &[Line]) -> Result<Self> {
        let groups = stage.models.recovery.groups(stage.now);
        let total: Wei = groups.iter().map(|group| group.received).sum();
        let claimed: Wei = lines.iter().map(|line| line.claimed).sum();
        let earned: Wei = lines.iter().map(|line| line.earned).sum();
        let balance = balance(stage, stage.contracts.recovery.address()).await?;
        ensure!(
            total - claimed == balance,
            "{total} was recovered and {claimed} claimed, but the pool holds {balance}"
        );
        let parts = RecoveryParts::of(&groups, earned, claimed, lines.len()).map_err(eyre::Report::msg)?;
        let groups = groups.into_iter().map(Group::from).collect();
        Ok(Self { total, parts, groups })
    }
}

impl From<RecoveryGroup> for Group {
    fn from(group: RecoveryGroup) -> Self {
        let RecoveryGroup { order, rate, principal, interest, received, .. } = group;
        Self { order, rate, principal, interest, received }
    }
}

impl Bonus {
    /// The same for the bonus.
    pub(crate) async fn of(stage: &Stage, lines: &[Line]) -> Result<Self> {
        let view = stage.contracts.bonus.bonus().await?;
        let sponsors: Vec<_> =
            stage.added.iter().map(|(who, added)| Sponsor::of(stage, who, *added)).collect();
        let paid: Wei = lines.iter().map(|line| line.bonus).sum();
        let reclaimed: Wei = sponsors.iter().map(|sponsor| sponsor.reclaimed).sum();
        let total: Wei = sponsors.iter().map(|sponsor| sponsor.added).sum();
        let balance = balance(stage, stage.contracts.bonus.address()).await?;
        ensure!(
            total - paid - reclaimed == balance,
            "the bonus was {total}, of which {paid} was paid and {reclaimed} taken back, but the pool holds {balance}"
        );
        Ok(Self { pledgers: view.decision.map(|decision| decision.pledgers), total, paid, sponsors })
    }
}

impl Sponsor {
    fn of(stage: &Stage, who: &str, added: Wei) -> Self {
        let reclaimed = stage.reclaimed.get(who).copied().unwrap_or_default();
        Self { who: who.to_owned(), added, reclaimed }
    }
}

async fn balance(stage: &Stage, pool: Address) -> Result<Wei> {
    let balance = stage.tokens.balance(&stage.chain, pool, Asset::Eth).await?;
    Ok(balance.of(Asset::Eth).wei_and_shares().0)
}
