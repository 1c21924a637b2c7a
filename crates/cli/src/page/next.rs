//! The calls that are possible now, and who may make them.

use levee::PotView;
use levee_model::{Asset, BonusOwner, Bps, Status, prorata};
use schemars::JsonSchema;
use serde::Serialize;

use super::Page;

/// A call that would not be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Call {
    /// The arguments to `levee`.
    pub(super) command: String,
    /// `anyone`, `pledgers`, `sponsors` or `guardian`.
    pub(super) who: &'static str,
    /// Its effect.
    pub(super) effect: &'static str,
}

fn call(command: impl Into<String>, who: &'static str, effect: &'static str) -> Call {
    Call { command: command.into(), who, effect }
}

impl Page {
    /// What can be called now.
    pub(super) fn next_calls(&self) -> Vec<Call> {
        let mut calls = match self.view.status {
            Status::Open if self.view.is_pledging(self.now) => self.calls_before_the_deadline(),
            Status::Open => self.calls_without_a_rate(),
            Status::Settled => self.calls_of_a_settled_rescue(),
            Status::Cancelled => self.calls_of_a_cancelled_rescue(),
            Status::Released | Status::Failed => Vec::new(),
        };
        if self.view.can_lapse(self.now) {
            calls.push(call("lapse", "anyone", "returns what was not delivered in time"));
        }
        if self.may_owe_refunds() {
            calls.push(call("refund", "anyone", "returns what is left of a pledge that is not needed"));
        }
        calls.extend(self.calls_of_the_pools());
        calls
    }

    /// Whether something goes back to pledgers according to the pots, which do not count what is already refunded.
    fn may_owe_refunds(&self) -> bool {
        let view = &self.view;
        let reserved =
            |pot: &PotView| prorata::tranches_down(pot.drawn, view.held[pot.asset], view.terms.tranches);
        view.status != Status::Open && view.pots.iter().any(|pot| pot.total > reserved(pot))
    }

    fn calls_of_the_pools(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        if self.view.final_at.is_some() && self.view.pots.iter().any(|pot| !pot.delivered.is_zero()) {
            calls.push(call("recover AMOUNT", "anyone", "distributes recovered ETH"));
        }
        if self.satellites.recovery.as_ref().is_some_and(|pool| !pool.view.received().is_zero()) {
            calls.push(call(
                "claim",
                "anyone",
                "pays a pledger what is left of its share of recovered funds",
            ));
        }
        match self.bonus().map(|pool| pool.view.owner(&self.view)) {
            Some(BonusOwner::Shared(None)) if self.now <= self.view.enlistable_until() => {
                calls.push(call("bonus enlist", "anyone", "removes positions that have left the rescue"));
            }
            Some(BonusOwner::Shared(_)) => {
                calls.push(call("bonus claim", "anyone", "pays a pledger its share of the bonus"));
                calls.push(call("bonus take-back", "anyone", "returns a sponsor's part of the remainder"));
            }
            Some(BonusOwner::Sponsors) => {
                calls.push(call("bonus take-back", "anyone", "returns a sponsor's contribution"));
            }
            Some(BonusOwner::Open) | None => {}
        }
        calls
    }

    fn calls_before_the_deadline(&self) -> Vec<Call> {
        let mut calls = vec![
            call("pledge AMOUNT --tier N", "anyone", "locks a pledge"),
            call("bonus add AMOUNT", "anyone", "adds to the bonus"),
        ];
        if self.satellites.bonus.is_some() {
            calls.push(call("bonus enlist", "anyone", "enlists a pledge for the bonus"));
        }
        if self.pending().is_some() {
            calls.extend(self.calls_of_an_exit_window());
        } else if self.view.can_settle_early(self.now) {
            calls.push(call("settle", "anyone", "fixes the draw: the target is covered"));
        }
        if !self.view.terms.guardian.is_zero() {
            calls.push(call("guardian decline", "guardian", "returns a whole pledge"));
            if self.pending().is_none() {
                calls.push(call("guardian amend", "guardian", "proposes a new target, deadline or document"));
            }
            calls.push(call("cancel", "guardian", "ends the rescue; everything goes back"));
        }
        calls
    }

    fn calls_of_an_exit_window(&self) -> Vec<Call> {
        let mut calls =
            vec![call("exit", "pledgers", "withdraws a pledge before the amendment takes effect")];
        if self.bonus().is_some() && self.view.sponsors_may_leave(self.now) {
            calls.push(call(
                "bonus take-back",
                "sponsors",
                "takes a bonus back, in the first half of the exit window",
            ));
        }
        calls
    }

    /// Past the deadline a view is open only while the share rate cannot be read.
    fn calls_without_a_rate(&self) -> Vec<Call> {
        if !self.view.can_expire(self.now) {
            return Vec::new();
        }
        vec![call(
            "expire",
            "anyone",
            "fails the rescue, as its shares cannot be valued; everything goes back",
        )]
    }

    fn calls_of_a_settled_rescue(&self) -> Vec<Call> {
        let view = &self.view;
        let mut calls = self.releases();
        if view.settled_at.is_none() {
            calls.push(call(
                "settle",
                "anyone",
                "records the settlement, as a refund, an objection or a cancel does too",
            ));
        }
        if view.can_be_stopped() {
            if view.terms.veto > Bps::ZERO {
                calls.push(call("object", "pledgers", "objects to tranches that are not yet due"));
            }
            if !view.terms.guardian.is_zero() {
                calls.push(call("cancel", "guardian", "stops tranches that are not yet due"));
            }
        }
        calls
    }

    fn calls_of_a_cancelled_rescue(&self) -> Vec<Call> {
        let mut calls = self.releases();
        if self.view.held_back() > 0 && !self.view.terms.guardian.is_zero() {
            calls.push(call("cancel", "guardian", "returns at once what the veto stopped"));
        }
        calls
    }

    fn releases(&self) -> Vec<Call> {
        let release = |asset| call(format!("release {asset}"), "anyone", "delivers what is due");
        Asset::ALL.into_iter().filter(|&asset| self.view.can_release(asset)).map(release).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{DAY, ether, open, settled, vetoed};
    use alloy::primitives::Address;
    use levee::ShareRate;
    use levee_model::{Amendment, Goal, PerAsset, Wei, schedule};

    fn commands(page: &Page) -> Vec<String> {
        page.next_calls().into_iter().map(|call| call.command).collect()
    }

    #[test]
    fn an_open_rescue_takes_pledges() {
        let mut page = open();
        assert_eq!(commands(&page), ["pledge AMOUNT --tier N", "bonus add AMOUNT"]);
        page.view.coverage = Some(Wei::new(ether(100)));
        assert_eq!(commands(&page), ["pledge AMOUNT --tier N", "bonus add AMOUNT", "settle"]);
        page.view.coverage = Some(Wei::new(ether(100) - 1));
        page.view.terms.guardian = Address::repeat_byte(1);
        let guardian =
            ["pledge AMOUNT --tier N", "bonus add AMOUNT", "guardian decline", "guardian amend", "cancel"];
        assert_eq!(commands(&page), guardian);
        let goal = Goal::from(&page.view.terms);
        page.view.amendment = Some(Amendment { goal, effective_at: page.now + DAY });
        assert_eq!(
            commands(&page),
            ["pledge AMOUNT --tier N", "bonus add AMOUNT", "exit", "guardian decline", "cancel"]
        );
        // Nothing settles while an amendment is pending.
        page.view.coverage = Some(Wei::new(ether(100)));
        assert!(!commands(&page).contains(&"settle".to_owned()));
        assert!(page.view.sponsors_may_leave(page.now));
        page.now += DAY / 2;
        assert!(!page.view.sponsors_may_leave(page.now));
        page.now += DAY / 2;
        assert!(commands(&page).contains(&"settle".to_owned()));
    }

    #[test]
    fn the_guardian_may_let_go_what_a_veto_stopped() {
        let mut page = vetoed();
        assert_eq!(commands(&page), ["release ETH", "release stETH", "refund"]);
        page.view.terms.guardian = Address::repeat_byte(1);
        assert_eq!(commands(&page), ["release ETH", "release stETH", "cancel", "refund"]);
        (page.view.due, page.view.held) = (4, page.view.kept);
        assert_eq!(commands(&page), ["release ETH", "release stETH", "refund"]);
    }

    #[test]
    fn a_rescue_that_cannot_be_valued_expires() {
        let mut page = open();
        page.view.rate = ShareRate::Unreadable;
        page.view.coverage = None;
        assert!(!page.view.is_stuck(page.now));
        page.now = page.view.terms.deadline + 30 * DAY;
        assert!(page.view.is_stuck(page.now));
        assert_eq!(commands(&page), [""; 0]);
        page.now += 1;
        assert_eq!(commands(&page), ["expire"]);
    }

    #[test]
    fn a_settled_rescue_delivers_by_asset() {
        let mut page = settled();
        assert_eq!(commands(&page), ["release ETH", "release stETH", "object", "refund"]);
        page.view.delivered[Asset::Eth] = 1;
        page.view.terms.guardian = Address::repeat_byte(1);
        page.view.settled_at = None;
        assert_eq!(commands(&page), ["release stETH", "settle", "object", "cancel", "refund"]);
    }

    #[test]
    fn a_refund_is_told_of_only_where_something_goes_back() {
        let mut page = settled();
        assert!(commands(&page).contains(&"refund".to_owned()));
        page.view.pots[1].total = page.view.pots[1].drawn;
        assert_eq!(commands(&page), ["release ETH", "release stETH", "object"]);
        // The guardian has stopped three of four tranches.
        page.view.held = PerAsset::from_fn(|asset| u8::from(asset != Asset::WstEth));
        assert!(commands(&page).contains(&"refund".to_owned()));
        page.view.pots.clear();
        page.view.status = Status::Failed;
        assert_eq!(commands(&page), [""; 0]);
    }

    #[test]
    fn what_is_not_collected_lapses() {
        let mut page = settled();
        page.view.due = 4;
        page.now = schedule::last_due(&page.view.terms, page.view.settled_at.unwrap()) + 30 * DAY;
        assert_eq!(commands(&page), ["release ETH", "release stETH", "refund"]);
        page.now += 1;
        assert_eq!(commands(&page), ["release ETH", "release stETH", "lapse", "refund"]);
        page.view.delivered = page.view.kept;
        assert_eq!(commands(&page), ["refund"]);
    }

    #[test]
    fn a_cancelled_rescue_delivers_what_was_due_and_then_lapses() {
        let mut page = settled();
        page.view.status = Status::Cancelled;
        page.view.cancelled_at = Some(page.now);
        page.view.kept = PerAsset::from_fn(|asset| u8::from(asset != Asset::WstEth));
        assert_eq!(commands(&page), ["release ETH", "release stETH", "refund"]);
        page.now += 30 * DAY + 1;
        assert_eq!(commands(&page), ["release ETH", "release stETH", "lapse", "refund"]);
        page.view.final_at = Some(page.now);
        page.view.kept = PerAsset::default();
        assert_eq!(commands(&page), ["refund"]);
    }
}
