//! The events of a compact, and how each changes its state.

use alloy_primitives::{Address, U256};
use serde::Serialize;

use super::{
    standing::Standing,
    state::{CallRecord, Compact, Gift, Started},
    terms::CompactTerms,
};
use crate::{
    event::Inconsistent,
    schedule::Timestamp,
    units::{Bps, Units},
};

/// An event of a compact, by the name that it has in the contract. Amounts are in units of wstETH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all_fields = "camelCase")]
pub enum CompactEvent {
    /// `CompactCreated`: the compact was created.
    #[serde(rename = "CompactCreated")]
    Created {
        /// Its terms.
        terms: CompactTerms,
    },
    /// `account` may commit from now on.
    Admitted {
        /// The account.
        #[serde(with = "crate::json::Account")]
        account: Address,
    },
    /// `member` committed `amount`; everything pending seasons anew.
    Committed {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
        /// How much more.
        #[serde(rename = "amountUnits")]
        amount: Units,
        /// When.
        #[serde(rename = "committedAtUnix")]
        committed_at: Timestamp,
    },
    /// Everything pending of `member` went to `recipient`.
    TakenBack {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
        /// Where it went.
        #[serde(with = "crate::json::Account")]
        recipient: Address,
        /// How much.
        #[serde(rename = "amountUnits")]
        amount: Units,
    },
    /// Everything pending of `member` counts from now on.
    Activated {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
        /// How much.
        #[serde(rename = "amountUnits")]
        amount: Units,
        /// Since when.
        #[serde(rename = "activatedAtUnix")]
        activated_at: Timestamp,
    },
    /// `amount` of `member` is under notice, instead of what was.
    Noticed {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
        /// How much; 0 takes the notice back.
        #[serde(rename = "amountUnits")]
        amount: Units,
        /// When notice was given.
        #[serde(rename = "noticedAtUnix")]
        noticed_at: Timestamp,
    },
    /// `member` left with what it had under notice.
    Left {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
        /// Where it went.
        #[serde(with = "crate::json::Account")]
        recipient: Address,
        /// How much.
        #[serde(rename = "amountUnits")]
        amount: Units,
        /// When.
        #[serde(rename = "leftAtUnix")]
        left_at: Timestamp,
    },
    /// `approver` proposes and approves in the stead of `member`.
    ApproverNamed {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
        /// Its approver; zero for none.
        #[serde(with = "crate::json::AccountOrNone")]
        approver: Address,
    },
    /// A call was proposed for `member`.
    Proposed {
        /// Its number, from 0.
        call: u64,
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
        /// What is called for.
        #[serde(flatten)]
        record: CallRecord,
    },
    /// `member` approved a call.
    Approved {
        /// The call.
        call: u64,
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
        /// Its weight.
        #[serde(rename = "weightUnits")]
        weight: Units,
    },
    /// `member` withdrew its approval.
    ApprovalWithdrawn {
        /// The call.
        call: u64,
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
        /// Its weight.
        #[serde(rename = "weightUnits")]
        weight: Units,
    },
    /// The call has enough approvals.
    Passed {
        /// The call.
        call: u64,
        /// Since when.
        #[serde(rename = "passedAtUnix")]
        passed_at: Timestamp,
    },
    /// The call gives for the first time.
    CallStarted(Started),
    /// A member's share was pledged in its name.
    Given(Gift),
    /// A premium was shared by everything that had weight.
    PremiumPaid {
        /// Who paid it.
        #[serde(with = "crate::json::Account")]
        payer: Address,
        /// How much.
        #[serde(rename = "amountUnits")]
        amount: Units,
        /// All weight at that time.
        #[serde(rename = "weightUnits")]
        weight: Units,
    },
    /// What `member` had earned was paid to it.
    PremiumClaimed {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
        /// How much.
        #[serde(rename = "amountUnits")]
        amount: Units,
    },
}

/// Refuses an event that does not follow.
fn require(follows: bool, event: &'static str) -> Result<(), Inconsistent> {
    if follows { Ok(()) } else { Err(Inconsistent::OutOfPlace { event }) }
}

impl Compact {
    /// The compact at `address`, from its creation event.
    ///
    /// # Errors
    /// `NoCreation`, `CompactTerms`.
    pub fn created(address: Address, event: &CompactEvent) -> Result<Self, Inconsistent> {
        let CompactEvent::Created { terms } = event else { return Err(Inconsistent::NoCreation) };
        Ok(Self::create(address, terms.clone())?)
    }

    /// Applies the next event.
    ///
    /// # Errors
    /// If no compact would have emitted it now; this one must not be used after that.
    pub fn apply(&mut self, event: &CompactEvent) -> Result<(), Inconsistent> {
        use CompactEvent as E;
        match *event {
            E::Created { .. } => require(false, "a second creation"),
            E::Admitted { account } => require(self.admitted.insert(account), "an admission"),
            E::ApproverNamed { member, approver } => {
                self.member_mut(member).approver = approver;
                Ok(())
            }
            E::Committed { .. } | E::TakenBack { .. } | E::Activated { .. } => self.apply_pending(event),
            E::Noticed { .. } | E::Left { .. } => self.apply_notice(event),
            E::Proposed { call, record, .. } => {
                require(call == self.call_count() && self.is_part_of_all(record), "a proposal")?;
                self.calls.push(record.into());
                Ok(())
            }
            E::Approved { .. } | E::ApprovalWithdrawn { .. } | E::Passed { .. } => self.apply_vote(event),
            E::CallStarted(started) => {
                let call = self.call(started.call).filter(|call| call.passed_at.is_some());
                require(call.is_some(), "a start")?;
                self.started = Some(started);
                Ok(())
            }
            E::Given(gift) => self.apply_gift(gift),
            E::PremiumPaid { amount, weight, .. } => self.apply_premium(amount, weight),
            E::PremiumClaimed { member, amount } => {
                require(self.earned(member) == amount && !amount.is_zero(), "a claim")?;
                let index = self.index;
                let member = self.member_mut(member);
                (member.earned, member.index) = (Units::ZERO, index);
                Ok(())
            }
        }
    }

    /// What was recorded of all active units is what there was.
    fn is_part_of_all(&self, record: CallRecord) -> bool {
        record.active == self.all.at(record.weighed_at()).active && record.bps <= Bps::ONE
    }

    fn apply_pending(&mut self, event: &CompactEvent) -> Result<(), Inconsistent> {
        use CompactEvent as E;
        match *event {
            E::Committed { member, amount, committed_at } => {
                let member = self.member_mut(member);
                require(Self::room(member.pending) >= amount, "a commitment")?;
                member.pending += amount;
                member.committed_at = Some(committed_at);
                require(!member.pending.is_zero(), "a commitment")
            }
            E::TakenBack { member, amount, .. } => self.remove_pending(member, amount),
            E::Activated { member, amount, activated_at } => {
                self.remove_pending(member, amount)?;
                require(Self::room(self.all.now().active) >= amount, "an activation")?;
                self.reweigh(member, activated_at, |standing| standing.joined(amount))
            }
            _ => unreachable!("{event:?} is applied elsewhere"),
        }
    }

    fn remove_pending(&mut self, member: Address, amount: Units) -> Result<(), Inconsistent> {
        let member = self.member_mut(member);
        require(member.pending == amount && !amount.is_zero(), "the end of a commitment")?;
        (member.pending, member.committed_at) = (Units::ZERO, None);
        Ok(())
    }

    fn apply_notice(&mut self, event: &CompactEvent) -> Result<(), Inconsistent> {
        match *event {
            CompactEvent::Noticed { member, amount, noticed_at } => {
                require(amount <= self.standing(member).active, "a notice")?;
                self.reweigh(member, noticed_at, |standing| standing.with_notice(amount))?;
                self.member_mut(member).noticed_at = Some(noticed_at).filter(|_| !amount.is_zero());
                Ok(())
            }
            CompactEvent::Left { member, amount, left_at, .. } => {
                require(self.standing(member).noticed == amount && !amount.is_zero(), "a leaving")?;
                // Its weight stays.
                self.restand(member, left_at, |standing| standing.left())?;
                self.member_mut(member).noticed_at = None;
                Ok(())
            }
            _ => unreachable!("{event:?} is applied elsewhere"),
        }
    }

    fn apply_vote(&mut self, event: &CompactEvent) -> Result<(), Inconsistent> {
        use CompactEvent as E;
        match *event {
            E::Approved { call, member, weight } => {
                let is_weight = Some(weight) == self.weight_for(call, member);
                let call = self.voting_mut(call)?;
                require(is_weight && call.approved.insert(member), "an approval")?;
                call.approvals += weight;
                Ok(())
            }
            E::ApprovalWithdrawn { call, member, weight } => {
                let is_weight = Some(weight) == self.weight_for(call, member);
                let call = self.voting_mut(call)?;
                require(is_weight && call.approved.remove(&member), "a withdrawal")?;
                // It was added before.
                call.approvals = call.approvals - weight;
                Ok(())
            }
            E::Passed { call, passed_at } => {
                let required = self.call(call).map(|call| self.required(&call.record));
                let call = self.voting_mut(call)?;
                let is_in_time = passed_at >= call.record.proposed_at;
                require(is_in_time && Some(call.approvals) >= required, "a passing")?;
                call.passed_at = Some(passed_at);
                Ok(())
            }
            _ => unreachable!("{event:?} is applied elsewhere"),
        }
    }

    /// A call that has not passed.
    fn voting_mut(&mut self, call: u64) -> Result<&mut super::state::Call, Inconsistent> {
        let found = usize::try_from(call).ok().and_then(|call| self.calls.get_mut(call));
        found.filter(|call| call.passed_at.is_none()).ok_or(Inconsistent::OutOfPlace { event: "a vote" })
    }

    fn apply_gift(&mut self, gift: Gift) -> Result<(), Inconsistent> {
        let Gift { call, member, amount, given_at } = gift;
        let is_share = !amount.is_zero() && self.share(call, member) == Some(amount);
        require(is_share && self.started.is_some_and(|started| started.call == call), "a gift")?;
        self.reweigh(member, given_at, |standing| standing.called(amount))?;
        if self.standing(member).noticed.is_zero() {
            self.member_mut(member).noticed_at = None;
        }
        let found = usize::try_from(call).ok().and_then(|call| self.calls.get_mut(call));
        require(found.is_some_and(|call| call.given.insert(member, amount).is_none()), "a gift")
    }

    fn apply_premium(&mut self, amount: Units, weight: Units) -> Result<(), Inconsistent> {
        require(weight == self.all.now().weight() && !weight.is_zero(), "a premium")?;
        let grown = self.index.checked_add(super::state::index_down(amount, weight));
        require(grown.is_some(), "a premium")?;
        self.index = grown.unwrap_or(U256::MAX);
        Ok(())
    }

    /// Changes a member's weight from `time` on. Premiums accrue by the weight before.
    fn reweigh(
        &mut self,
        member: Address,
        time: Timestamp,
        change: impl FnOnce(Standing) -> Standing,
    ) -> Result<(), Inconsistent> {
        let (earned, index) = (self.earned(member), self.index);
        let booked = self.member_mut(member);
        (booked.earned, booked.index) = (earned, index);
        self.restand(member, time, change)
    }

    /// Changes a member's standing from `time` on. Nothing accrues: each accrual rounds down.
    fn restand(
        &mut self,
        member: Address,
        time: Timestamp,
        change: impl FnOnce(Standing) -> Standing,
    ) -> Result<(), Inconsistent> {
        require(time >= self.all.changed_at(), "an earlier event")?;
        let standings = &mut self.member_mut(member).standings;
        let before = standings.now();
        let after = change(before);
        standings.set(time, after);
        self.all.set(time, self.all.now().replaced(before, after));
        Ok(())
    }
}
