//! The pools around a rescue: what was recovered, and whose the bonus is.

use alloy::primitives::Address;
use levee::{Blueprint, BonusView, RecoveryView, Snapshot};
use levee_model::{BonusOwner, RecoveryGroup, Wei};
use serde_json::{Value, json};

use super::Page;
use crate::{amount, percent, time};

/// The pools that were created for a rescue.
#[derive(Debug, Default)]
pub(crate) struct Around {
    pub(super) recovery: Option<Pool<RecoveryView>>,
    pub(super) bonus: Option<Pool<BonusView>>,
}

/// A pool and its books.
#[derive(Debug)]
pub(super) struct Pool<V> {
    pub(super) address: Address,
    pub(super) view: V,
}

impl Around {
    /// Those in a snapshot.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let recovery = |view| Pool { address: Blueprint::recovery_pool(snapshot.escrow).address(), view };
        let bonus = |view| Pool { address: Blueprint::bonus_pool(snapshot.escrow).address(), view };
        Self { recovery: snapshot.recovery.clone().map(recovery), bonus: snapshot.bonus.map(bonus) }
    }
}

impl Page {
    /// The books of the bonus pool, if it was created.
    pub(crate) fn bonus_books(&self) -> Option<BonusView> {
        self.around.bonus.as_ref().map(|pool| pool.view)
    }

    /// The books of the recovery pool, if it was created.
    pub(crate) fn recovery_books(&self) -> Option<&RecoveryView> {
        self.around.recovery.as_ref().map(|pool| &pool.view)
    }

    /// The bonus pool, if there is anything in its books.
    pub(super) fn bonus(&self) -> Option<&Pool<BonusView>> {
        self.around.bonus.as_ref().filter(|pool| !pool.view.total.is_zero())
    }

    /// A line for each pool.
    pub(super) fn pools(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let Some(Pool { address, view }) = &self.around.recovery {
            facts.push(("recovered", format!("{}, by {address}", amount::eth(view.received()))));
            facts.extend(view.groups.iter().filter_map(owed).map(|line| ("owed", line)));
        }
        if let Some(Pool { address, view }) = self.bonus() {
            facts.push(("bonus", format!("{}, {}, in {address}", amount::eth(view.total), self.whose(view))));
        }
        facts
    }

    fn whose(&self, bonus: &BonusView) -> String {
        match bonus.owner(&self.view) {
            BonusOwner::Open => {
                "for pledges whose condition is not met, by the time that they are locked".into()
            }
            BonusOwner::Sponsors => "the sponsors' again".into(),
            BonusOwner::Shared(None) => {
                let after = time::time(self.view.enlistable_until());
                format!("shared by pledges whose condition was not met, later than {after}")
            }
            BonusOwner::Shared(Some(pledgers)) => format!("{} of it the pledgers'", amount::eth(pledgers)),
        }
    }
}

/// What a draw order is owed before the next; none if nothing.
fn owed(group: &RecoveryGroup) -> Option<String> {
    let (principal, interest) = (group.principal, group.interest);
    if principal + interest == Wei::ZERO {
        return None;
    }
    let order = group.order;
    let (principal, interest) = (amount::eth(principal), amount::eth(interest));
    let rate = percent::percent(group.rate);
    Some(format!("{principal} and {interest} of interest at {rate} to draw order {order}, before the next"))
}

pub(super) fn recovery_json(pool: &Pool<RecoveryView>) -> Value {
    json!({
        "address": pool.address.to_string(),
        "accruedAtUnix": pool.view.accrued_at,
        "receivedWei": pool.view.received(),
        "groups": pool.view.groups.iter().map(group_json).collect::<Value>(),
    })
}

fn group_json(group: &RecoveryGroup) -> Value {
    json!({
        "drawOrder": group.order,
        "rateBps": group.rate,
        "valueWei": group.value,
        "principalWei": group.principal,
        "interestWei": group.interest,
        "receivedWei": group.received,
    })
}

pub(super) fn bonus_json(pool: &Pool<BonusView>) -> Value {
    let BonusView { total, decision } = pool.view;
    json!({
        "address": pool.address.to_string(),
        "totalWei": total,
        "decided": decision.is_some(),
        "pledgersPartWei": decision.map(|decision| decision.pledgers),
        "rateWeiPer1e27Shares": decision.and_then(|decision| decision.rate),
        "valueWeiSeconds": decision.map(|decision| decision.value.get().to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{ether, settled};
    use levee_model::Bps;

    #[test]
    fn pools_are_lines_of_the_page() {
        let mut page = settled();
        let address = Address::repeat_byte(7);
        let group = |order, principal, interest| RecoveryGroup {
            order,
            rate: Bps::new(380),
            value: Wei::new(ether(60)),
            principal: Wei::new(ether(principal)),
            interest: Wei::new(interest),
            received: Wei::new(ether(5)),
        };
        let groups = vec![group(1, 30, 1), group(0, 0, 0)];
        page.around = Around {
            recovery: Some(Pool { address, view: RecoveryView { accrued_at: Some(1), rate: None, groups } }),
            bonus: Some(Pool { address, view: BonusView { total: Wei::new(ether(2)), decision: None } }),
        };
        let expected = [
            ("recovered", format!("10 ETH, by {address}")),
            (
                "owed",
                "30 ETH and 0.000000000000000001 ETH of interest at 3.8 % to draw order 1, before the next"
                    .into(),
            ),
            ("bonus", format!("2 ETH, the sponsors' again, in {address}")),
        ];
        assert_eq!(page.pools(), expected);
        assert_eq!(recovery_json(page.around.recovery.as_ref().unwrap())["groups"][0]["interestWei"], "1");
        assert_eq!(bonus_json(page.around.bonus.as_ref().unwrap())["totalWei"], ether(2).to_string());
    }
}
