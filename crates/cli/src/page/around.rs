//! The pools around a rescue: what was recovered, and whose the bonus is.

use alloy::{primitives::Address, providers::DynProvider};
use levee::{
    BonusFor, BonusPool, BonusView, Error, Escrow, FailReason, RecoveryPool, RecoveryView, RescueView,
};
use levee_model::{RecoveryGroup, Status, Wei};
use serde_json::{Value, json};

use super::Page;
use crate::{amount, percent};

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
    /// Looks for them.
    pub(crate) async fn read(escrow: &Escrow<DynProvider>) -> Result<Self, Error> {
        let (recovery, bonus) = (RecoveryPool::of(escrow), BonusPool::of(escrow));
        let node = escrow.provider();
        let mut around = Self::default();
        if recovery.blueprint().exists(node).await? {
            around.recovery = Some(Pool { address: recovery.address(), view: recovery.recovery().await? });
        }
        if bonus.blueprint().exists(node).await? {
            around.bonus = Some(Pool { address: bonus.address(), view: bonus.bonus().await? });
        }
        Ok(around)
    }
}

/// Whose the bonus is, or would be if somebody asked now; none while the rescue is open, or cannot be valued.
pub(crate) fn whose(view: &RescueView, bonus: &BonusView) -> Option<BonusFor> {
    match (bonus.whose, view.status) {
        (BonusFor::Undecided, Status::Open) => None,
        (BonusFor::Undecided, Status::Failed) => whose_of_failed(view),
        (BonusFor::Undecided, _) => Some(BonusFor::Sponsors),
        (decided, _) => Some(decided),
    }
}

fn whose_of_failed(view: &RescueView) -> Option<BonusFor> {
    if view.fail_reason == Some(FailReason::EndedByGuardian) {
        return Some(BonusFor::Sponsors);
    }
    view.coverage.map(|all| if all.is_zero() { BonusFor::Sponsors } else { BonusFor::Pledgers })
}

impl Page {
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
            let whose = match whose(&self.view, view) {
                Some(BonusFor::Pledgers) => "the pledgers'",
                Some(BonusFor::Sponsors) => "the sponsors' again",
                _ => "the pledgers' if the rescue fails",
            };
            facts.push(("bonus", format!("{}, {whose}, in {address}", amount::eth(view.total))));
        }
        facts
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
    let BonusView { whose, total, rate, value } = pool.view;
    json!({
        "address": pool.address.to_string(),
        "whose": whose.to_string(),
        "totalWei": total,
        "rateWeiPer1e27Shares": rate,
        "valueWei": value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{ether, open, settled};
    use levee_model::Bps;

    fn bonus(whose: BonusFor) -> BonusView {
        BonusView { whose, total: Wei::new(ether(2)), rate: None, value: Wei::ZERO }
    }

    #[test]
    fn whose_a_bonus_is_follows_from_the_rescue_until_it_is_decided() {
        let undecided = bonus(BonusFor::Undecided);
        let mut view = open().view;
        assert_eq!(whose(&view, &undecided), None);
        view.status = Status::Failed;
        assert_eq!(whose(&view, &undecided), Some(BonusFor::Pledgers));
        view.coverage = Some(Wei::ZERO);
        assert_eq!(whose(&view, &undecided), Some(BonusFor::Sponsors));
        view.coverage = None;
        assert_eq!(whose(&view, &undecided), None);
        view.fail_reason = Some(FailReason::EndedByGuardian);
        assert_eq!(whose(&view, &undecided), Some(BonusFor::Sponsors));
        assert_eq!(whose(&settled().view, &undecided), Some(BonusFor::Sponsors));
        assert_eq!(whose(&view, &bonus(BonusFor::Pledgers)), Some(BonusFor::Pledgers));
    }

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
            bonus: Some(Pool { address, view: bonus(BonusFor::Undecided) }),
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
