//! What the views of a recovery pool say.

use alloy::primitives::Address;
use levee::{Earnings, PoolBooks, RecoveryView, bindings::RecoveryPool as Abi};
use levee_model::{Models, PositionId, Timestamp};
use std::collections::BTreeMap;

use super::{bytecode::BytecodeError, views};
use crate::chain::Chain;

/// What the views of a recovery pool say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The waterfall now.
    pub waterfall: RecoveryView,
    /// What each position has earned and had.
    pub earnings: BTreeMap<PositionId, Earnings>,
}

impl Recovery {
    /// What the model says at `now`.
    pub fn of_model(Models { rescue, recovery, .. }: &Models, now: Timestamp) -> Self {
        Self {
            waterfall: recovery.view(rescue, now),
            earnings: rescue.positions().map(|(id, _)| (id, recovery.earnings(rescue, id))).collect(),
        }
    }
}

/// What the views of the pool at `pool` say of it and of `positions`. What the events have told must be the same.
pub(super) fn checked(
    chain: &mut Chain,
    pool: Address,
    books: &PoolBooks,
    positions: impl Iterator<Item = PositionId>,
) -> Result<Recovery, BytecodeError> {
    let waterfall = RecoveryView::try_from(chain.read(pool, &Abi::recoveryCall {})?)?;
    for group in &waterfall.groups {
        let told = books.received.get(&group.order).copied().unwrap_or_default();
        views::compare(&format!("received by order {}", group.order), &told, &group.received)?;
    }
    let earnings = positions.map(|id| Ok((id, checked_earnings(chain, pool, books, id)?)));
    Ok(Recovery { waterfall, earnings: earnings.collect::<Result<_, BytecodeError>>()? })
}

fn checked_earnings(
    chain: &mut Chain,
    pool: Address,
    books: &PoolBooks,
    id: PositionId,
) -> Result<Earnings, BytecodeError> {
    let call = Abi::earningsCall { pledger: id.pledger, tier: id.tier, asset: id.asset as u8 };
    let earnings = Earnings::try_from(chain.read(pool, &call)?)?;
    let told = books.claimed.get(&id).copied().unwrap_or_default();
    views::compare(&format!("claimed by {id:?}"), &told, &earnings.claimed)?;
    Ok(earnings)
}
