//! What can be called now, and by whom?

use levee::ShareRate;
use levee_model::{Asset, Status, schedule};

use super::{
    Page,
    around::{Whose, decidable_after, whose},
};

/// A call that would not be refused, as far as the rescue itself is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// What to type after `levee`.
    pub(super) command: String,
    /// Who may: `anyone`, `pledgers`, `sponsors` or `guardian`.
    pub(super) who: &'static str,
    /// What it does.
    pub(super) effect: &'static str,
}

fn call(command: impl Into<String>, who: &'static str, effect: &'static str) -> Call {
    Call { command: command.into(), who, effect }
}

impl Page {
    /// What can be called now.
    pub(super) fn next_calls(&self) -> Vec<Call> {
        let mut calls = match self.view.status {
            Status::Open if self.now <= self.view.terms.deadline => self.calls_before_the_deadline(),
            Status::Open => self.calls_without_a_rate(),
            Status::Settled => self.calls_of_a_settled_rescue(),
            Status::Cancelled => self.calls_of_a_cancelled_rescue(),
            Status::Released | Status::Failed => Vec::new(),
        };
        if self.can_lapse() {
            calls.push(call("lapse", "anyone", "sends back what the beneficiary did not collect in time"));
        }
        if self.view.status != Status::Open {
            calls.push(call("refund", "anyone", "returns to a pledger what is not, or no longer, needed"));
        }
        calls.extend(self.calls_of_the_pools());
        calls
    }

    fn calls_of_the_pools(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        if self.view.final_at.is_some() && self.view.pots.iter().any(|pot| !pot.delivered.is_zero()) {
            calls.push(call("recover AMOUNT", "anyone", "shares out ETH that was recovered"));
        }
        if self.around.recovery.as_ref().is_some_and(|pool| !pool.view.received().is_zero()) {
            calls.push(call("claim", "anyone", "pays a pledger what was recovered for it"));
        }
        match self.bonus().map(|pool| whose(&self.view, &pool.view)) {
            Some(Whose::Shared(None)) if self.now <= decidable_after(&self.view) => {
                calls.push(call("bonus enlist", "anyone", "strikes what has left the rescue"));
            }
            Some(Whose::Shared(_)) => {
                calls.push(call("bonus claim", "anyone", "pays a pledger its share of the bonus"));
                calls.push(call("bonus take-back", "anyone", "returns to a sponsor its part of the rest"));
            }
            Some(Whose::Sponsors) => {
                calls.push(call("bonus take-back", "anyone", "returns to a sponsor what it added"));
            }
            Some(Whose::Open) | None => {}
        }
        calls
    }

    fn calls_before_the_deadline(&self) -> Vec<Call> {
        let view = &self.view;
        let mut calls = vec![
            call("pledge AMOUNT --tier N", "anyone", "locks a pledge"),
            call("bonus add AMOUNT", "anyone", "adds to what pledges get whose condition is not met"),
        ];
        if self.around.bonus.is_some() {
            calls.push(call("bonus enlist", "anyone", "makes a pledge count for the bonus from now on"));
        }
        if self.pending().is_some() {
            calls.extend(self.calls_of_an_exit_window());
        } else if view.coverage.is_some_and(|coverage| coverage >= view.terms.target) {
            calls.push(call("settle", "anyone", "everything is covered: fixes the draw now"));
        }
        if !view.terms.guardian.is_zero() {
            calls.push(call("guardian decline", "guardian", "returns a pledge, whole"));
            if self.pending().is_none() {
                calls.push(call("guardian amend", "guardian", "proposes a new target, deadline or document"));
            }
            calls.push(call("cancel", "guardian", "ends the rescue; everything goes back"));
        }
        calls
    }

    fn calls_of_an_exit_window(&self) -> Vec<Call> {
        let mut calls = vec![call("exit", "pledgers", "takes a pledge out before the amendment is in force")];
        if self.bonus().is_some() && self.sponsors_may_leave() {
            calls.push(call("bonus take-back", "sponsors", "takes a bonus back: in the window's first half"));
        }
        calls
    }

    /// Past the deadline a view is open only while the share rate cannot be read.
    fn calls_without_a_rate(&self) -> Vec<Call> {
        let limit = self.view.terms.deadline.saturating_add(self.view.terms.release_window.into());
        if self.now <= limit {
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
            calls.push(call("settle", "anyone", "records the settlement; any other call does so too"));
        }
        if view.due < view.terms.tranches {
            if !view.terms.veto.get().eq(&0) {
                calls.push(call("object", "pledgers", "objects to what is not yet due"));
            }
            if !view.terms.guardian.is_zero() {
                calls.push(call("cancel", "guardian", "stops what is not yet due"));
            }
        }
        calls
    }

    fn calls_of_a_cancelled_rescue(&self) -> Vec<Call> {
        let mut calls = self.releases();
        if self.held_back() > 0 && !self.view.terms.guardian.is_zero() {
            calls.push(call("cancel", "guardian", "lets go at once what objections stopped"));
        }
        calls
    }

    fn releases(&self) -> Vec<Call> {
        let view = &self.view;
        let is_due = |asset: &Asset| view.delivered[*asset] < view.due.min(view.kept[*asset]);
        let release = |asset| call(format!("release {asset}"), "anyone", "delivers what is due of it");
        Asset::ALL.into_iter().filter(is_due).map(release).collect()
    }

    fn can_lapse(&self) -> bool {
        let view = &self.view;
        let undelivered = Asset::ALL.into_iter().any(|asset| view.delivered[asset] < view.kept[asset]);
        undelivered && self.last_collection().is_some_and(|last| self.now > last)
    }

    /// The last second at which nothing can lapse; none when the rescue was never settled.
    pub(crate) fn last_collection(&self) -> Option<u64> {
        let view = &self.view;
        let start = match view.status {
            Status::Settled => schedule::last_due(&view.terms, view.settled_at?),
            Status::Cancelled => view.cancelled_at?,
            _ => return None,
        };
        Some(start.saturating_add(view.terms.release_window.into()))
    }
}

impl Page {
    /// Whether an amendment is pending, and less than half of its exit window has passed.
    pub(crate) fn sponsors_may_leave(&self) -> bool {
        // A pending amendment is in force later than now.
        let left = self.pending().map(|amendment| amendment.effective_at - self.now);
        left.is_some_and(|left| 2 * left > self.view.terms.exit_window.into())
    }

    /// Why a rescue past its deadline is still open, if it is.
    pub(crate) fn is_stuck(&self) -> bool {
        self.view.status == Status::Open
            && self.now > self.view.terms.deadline
            && self.view.rate == ShareRate::Unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{DAY, ether, open, settled, vetoed};
    use alloy::primitives::Address;
    use levee_model::{Amendment, Goal, PerAsset, Wei};

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
        assert!(page.sponsors_may_leave());
        page.now += DAY / 2;
        assert!(!page.sponsors_may_leave());
        page.now += DAY / 2;
        assert!(commands(&page).contains(&"settle".to_owned()));
    }

    #[test]
    fn the_guardian_may_let_go_what_a_veto_stopped() {
        let mut page = vetoed();
        assert_eq!(commands(&page), ["release ETH", "release stETH", "refund"]);
        page.view.terms.guardian = Address::repeat_byte(1);
        assert_eq!(commands(&page), ["release ETH", "release stETH", "cancel", "refund"]);
        page.view.due = 4;
        assert_eq!(commands(&page), ["release ETH", "release stETH", "refund"]);
    }

    #[test]
    fn a_rescue_that_cannot_be_valued_expires() {
        let mut page = open();
        page.view.rate = ShareRate::Unreadable;
        page.view.coverage = None;
        assert!(!page.is_stuck());
        page.now = page.view.terms.deadline + 30 * DAY;
        assert!(page.is_stuck());
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
