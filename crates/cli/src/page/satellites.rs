//! The satellites of a rescue: its recovery pool and its bonus pool.

use alloy::primitives::Address;
use levee::{
    BonusEvent, BonusView, Contracts, Edition, Event, History, RecoveryEvent, RecoveryView, Snapshot,
};
use levee_model::{BonusOwner, Models, Rate, RecoveryGroup, Wei, WeiSeconds, json::Account};
use schemars::JsonSchema;
use serde::Serialize;

use super::Page;
use crate::{amount, percent, time};

/// The pools that were created for a rescue.
#[derive(Debug, Default)]
pub(crate) struct Satellites {
    pub(super) recovery: Option<Pool<RecoveryView>>,
    pub(super) bonus: Option<Pool<BonusView>>,
}

/// A pool and its books.
#[derive(Debug)]
pub(super) struct Pool<V> {
    pub(super) address: Address,
    pub(super) view: V,
}

impl Satellites {
    /// Those in a snapshot.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let recovery = |view| Pool { address: snapshot.contracts.recovery, view };
        let bonus = |view| Pool { address: snapshot.contracts.bonus, view };
        Self { recovery: snapshot.recovery.clone().map(recovery), bonus: snapshot.bonus.map(bonus) }
    }

    /// Those that were created by the events of a history.
    pub(super) fn of_history(history: &History, models: &Models, edition: Edition) -> Self {
        let contracts = Contracts::of(history.address, edition);
        let has =
            |is_creation: fn(&Event) -> bool| history.entries.iter().any(|entry| is_creation(&entry.event));
        let has_recovery = has(|event| matches!(event, Event::Recovery(RecoveryEvent::Created { .. })));
        let has_bonus = has(|event| matches!(event, Event::Bonus(BonusEvent::Created { .. })));
        let recovered = || models.recovery.view(&models.rescue, history.block.time);
        Self {
            recovery: has_recovery.then(|| Pool { address: contracts.recovery, view: recovered() }),
            bonus: has_bonus.then(|| Pool { address: contracts.bonus, view: history.pools.bonus }),
        }
    }
}

impl Page {
    /// The books of the bonus pool, if it was created.
    pub(crate) fn bonus_books(&self) -> Option<BonusView> {
        self.satellites.bonus.as_ref().map(|pool| pool.view)
    }

    /// The books of the recovery pool, if it was created.
    pub(crate) fn recovery_books(&self) -> Option<&RecoveryView> {
        self.satellites.recovery.as_ref().map(|pool| &pool.view)
    }

    /// The bonus pool, if it holds anything.
    pub(super) fn bonus(&self) -> Option<&Pool<BonusView>> {
        self.satellites.bonus.as_ref().filter(|pool| !pool.view.total.is_zero())
    }

    /// A line for each pool.
    pub(super) fn pools(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let Some(Pool { address, view }) = &self.satellites.recovery {
            facts.push((
                "recovered",
                format!("{}, paid into the recovery pool {address}", amount::eth(view.received())),
            ));
            facts.extend(view.groups.iter().filter_map(owed).map(|line| ("owed", line)));
        }
        if let Some(Pool { address, view }) = self.bonus() {
            facts.push(("bonus", format!("{}, {}, in {address}", amount::eth(view.total), self.whose(view))));
        }
        facts
    }

    fn whose(&self, bonus: &BonusView) -> String {
        match bonus.owner(&self.view) {
            BonusOwner::Open => "for pledges whose condition is not met, by value and time locked".into(),
            BonusOwner::Sponsors => "going back to the sponsors".into(),
            BonusOwner::Shared(None) => {
                let after = time::time(self.view.enlistable_until());
                format!("to be shared by pledges whose condition was not met, after {after}")
            }
            BonusOwner::Shared(Some(pledgers)) => {
                format!("of which {} goes to pledgers", amount::eth(pledgers))
            }
        }
    }
}

/// The debt to a draw order, which is repaid before the next one; none if zero.
fn owed(group: &RecoveryGroup) -> Option<String> {
    let (principal, interest) = (group.principal, group.interest);
    if principal + interest == Wei::ZERO {
        return None;
    }
    let order = group.order;
    let (principal, interest) = (amount::eth(principal), amount::eth(interest));
    let rate = percent::percent(group.rate);
    Some(format!(
        "{principal} and {interest} of interest at {rate} to draw order {order}, before the next order"
    ))
}

/// The recovery pool: funds recovered, and the order of repayment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecoveryJson<'a> {
    #[serde(with = "Account")]
    address: Address,
    received_wei: Wei,
    #[serde(flatten)]
    view: &'a RecoveryView,
}

impl<'a> From<&'a Pool<RecoveryView>> for RecoveryJson<'a> {
    fn from(Pool { address, view }: &'a Pool<RecoveryView>) -> Self {
        Self { address: *address, received_wei: view.received(), view }
    }
}

/// The bonus pool.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BonusJson {
    #[serde(with = "Account")]
    address: Address,
    total_wei: Wei,
    decided: bool,
    /// Null until the bonus is decided, as are the next two.
    pledgers_part_wei: Option<Wei>,
    #[serde(rename = "rateWeiPer1e27Shares")]
    rate: Option<Rate>,
    value_wei_seconds: Option<WeiSeconds>,
}

impl From<&Pool<BonusView>> for BonusJson {
    fn from(pool: &Pool<BonusView>) -> Self {
        let BonusView { total, decision } = pool.view;
        Self {
            address: pool.address,
            total_wei: total,
            decided: decision.is_some(),
            pledgers_part_wei: decision.map(|decision| decision.pledgers),
            rate: decision.and_then(|decision| decision.rate),
            value_wei_seconds: decision.map(|decision| decision.value),
        }
    }
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
        page.satellites = Satellites {
            recovery: Some(Pool { address, view: RecoveryView { accrued_at: Some(1), rate: None, groups } }),
            bonus: Some(Pool { address, view: BonusView { total: Wei::new(ether(2)), decision: None } }),
        };
        let expected = [
            ("recovered", format!("10 ETH, paid into the recovery pool {address}")),
            (
                "owed",
                "30 ETH and 0.000000000000000001 ETH of interest at 3.8 % to draw order 1, before the next order"
                    .into(),
            ),
            ("bonus", format!("2 ETH, going back to the sponsors, in {address}")),
        ];
        assert_eq!(page.pools(), expected);
        let json = serde_json::to_value(page.to_json()).unwrap();
        assert_eq!(json["recoveryPool"]["groups"][0]["interestWei"], "1");
        assert_eq!(json["bonusPool"]["totalWei"], ether(2).to_string());
    }
}
