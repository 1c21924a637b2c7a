//! What each call does, and when it is refused.

use std::collections::BTreeSet;

use alloy_primitives::Address;

use super::{
    event::CompactEvent,
    operation::Proposal,
    refusal::{CompactRefusal, CompactRefused},
    state::{Call, CallRecord, Compact, Gift, Started},
};
use crate::{
    asset::Asset, books::PositionId, lido::Moment, rescue::Rescue, schedule::Timestamp, units::Units,
};

type Outcome = Result<CompactEvent, CompactRefusal>;

impl Compact {
    pub(super) fn admit(&self, caller: Address, account: Address) -> Outcome {
        let admitter = self.terms.admitter;
        if caller != admitter {
            return Err(CompactRefusal::NotAdmitter { caller, admitter });
        }
        if self.admitted.contains(&account) {
            return Err(CompactRefusal::AlreadyAdmitted { account });
        }
        Ok(CompactEvent::Admitted { account })
    }

    pub(super) fn commit(&self, time: Timestamp, member: Address, amount: Units) -> Outcome {
        if !self.may_commit(member) {
            return Err(CompactRefusal::NotAdmitted { account: member });
        }
        let pending = self.pending(member);
        require_room(Units::ZERO, amount)?;
        require_room(pending, amount)?;
        if (pending + amount).is_zero() {
            return Err(CompactRefusal::ZeroAmount);
        }
        Ok(CompactEvent::Committed { member, amount, committed_at: time })
    }

    pub(super) fn take_back(&self, member: Address, recipient: Address) -> Outcome {
        self.require_account(recipient)?;
        Ok(CompactEvent::TakenBack { member, recipient, amount: self.require_pending(member)? })
    }

    pub(super) fn activate(&self, time: Timestamp, member: Address) -> Outcome {
        let amount = self.require_pending(member)?;
        if let Some(window) = self.windows(member).activation {
            if time < window.from {
                return Err(CompactRefusal::StillSeasoning { ready_at: window.from, time });
            }
            if time > window.until {
                return Err(CompactRefusal::SeasonedTooLong { limit: window.until, time });
            }
        }
        let active = self.standing(member).active;
        require_room(active, amount)?;
        // Others' part of all that is active.
        require_room(self.all.now().active - active, active + amount)?;
        Ok(CompactEvent::Activated { member, amount, activated_at: time })
    }

    pub(super) fn notice(&self, time: Timestamp, member: Address, amount: Units) -> Outcome {
        let active = self.standing(member).active;
        if amount > active {
            return Err(CompactRefusal::NoticeTooLarge { amount, active });
        }
        Ok(CompactEvent::Noticed { member, amount, noticed_at: time })
    }

    /// Nothing and nobody can delay it: it asks for nothing but the notice and the clock.
    pub(super) fn leave(&self, time: Timestamp, member: Address, recipient: Address) -> Outcome {
        self.require_account(recipient)?;
        let window = self.windows(member).leaving.ok_or(CompactRefusal::NothingNoticed { member })?;
        if time < window.from {
            return Err(CompactRefusal::NoticeRunning { ready_at: window.from, time });
        }
        if time > window.until {
            return Err(CompactRefusal::NoticeLapsed { limit: window.until, time });
        }
        let amount = self.standing(member).noticed;
        Ok(CompactEvent::Left { member, recipient, amount, left_at: time })
    }

    pub(super) fn propose(
        &self,
        at: Moment,
        caller: Address,
        member: Address,
        proposal: &Proposal,
        rescue: Option<&Rescue>,
    ) -> Outcome {
        let Proposal { ref terms, code_hash, escrow, tier, bps } = *proposal;
        self.require_approver(caller, member)?;
        // A block's time is never zero.
        let before = at.time.saturating_sub(1);
        if self.standing_at(member, before).weight().is_zero() {
            return Err(CompactRefusal::NoWeight { member, time: before });
        }
        let maximum = self.terms.max_call;
        if bps.get() == 0 || bps > maximum {
            return Err(CompactRefusal::BpsOutOfBounds { bps, maximum });
        }
        let expected = self.terms.escrow_code_hash;
        if code_hash != expected {
            return Err(CompactRefusal::WrongEscrowCode { code_hash, expected });
        }
        let rescue = rescue.ok_or(CompactRefusal::NoEscrow { escrow })?;
        self.require_terms(at.time, terms, tier)?;
        let all = self.all.at(before);
        self.require_rescue(at, rescue, proposal, all)?;
        let amendment = rescue.latest_amendment();
        let record = CallRecord { escrow, tier, bps, amendment, active: all.active, proposed_at: at.time };
        Ok(CompactEvent::Proposed { call: self.call_count(), member, record })
    }

    pub(super) fn approve(
        &self,
        time: Timestamp,
        caller: Address,
        number: u64,
        member: Address,
    ) -> Result<Vec<CompactEvent>, CompactRefusal> {
        self.require_approver(caller, member)?;
        let call = self.require_voting(time, number)?;
        if call.approved.contains(&member) {
            return Err(CompactRefusal::AlreadyApproved { call: number, member });
        }
        let weight = self.weight_for(number, member).unwrap_or_default();
        if weight.is_zero() {
            return Err(CompactRefusal::NoWeight { member, time: call.record.weighed_at() });
        }
        let approved = CompactEvent::Approved { call: number, member, weight };
        let passes = call.approvals + weight >= self.required(&call.record);
        let passed = passes.then_some(CompactEvent::Passed { call: number, passed_at: time });
        Ok([approved].into_iter().chain(passed).collect())
    }

    pub(super) fn withdraw(&self, time: Timestamp, member: Address, number: u64) -> Outcome {
        let call = self.require_voting(time, number)?;
        if !call.approved.contains(&member) {
            return Err(CompactRefusal::NotApproved { call: number, member });
        }
        let weight = self.weight_for(number, member).unwrap_or_default();
        Ok(CompactEvent::ApprovalWithdrawn { call: number, member, weight })
    }

    /// All or nothing: if the escrow refuses one pledge, nothing moves.
    pub(super) fn fulfill(
        &self,
        at: Moment,
        number: u64,
        members: &[Address],
        rescue: Option<&mut Rescue>,
    ) -> Result<Vec<CompactEvent>, CompactRefused> {
        let record = self.require_fulfilling(at.time, number)?.record;
        let start = self.start(at.time, number)?;
        let gifts = self.gifts(at.time, number, members);
        if gifts.is_empty() {
            return Err(CompactRefusal::NothingToGive { call: number }.into());
        }
        let rescue = rescue.ok_or(CompactRefusal::NoEscrow { escrow: record.escrow })?;
        let mut after = rescue.clone();
        for gift in &gifts {
            let id = PositionId { pledger: gift.member, tier: record.tier, asset: Asset::WstEth };
            after.pledge(at, id, record.amendment, gift.amount)?;
        }
        *rescue = after;
        let started = start.map(CompactEvent::CallStarted);
        Ok(started.into_iter().chain(gifts.into_iter().map(CompactEvent::Given)).collect())
    }

    /// What those on the list give who have anything to give, each once.
    fn gifts(&self, time: Timestamp, call: u64, members: &[Address]) -> Vec<Gift> {
        let mut seen = BTreeSet::new();
        let gift = |&member: &Address| {
            let amount = self.share(call, member).filter(|amount| !amount.is_zero())?;
            seen.insert(member).then_some(Gift { call, member, amount, given_at: time })
        };
        members.iter().filter_map(gift).collect()
    }

    /// The start of a call that has not given yet; none if it has. It must be so long after that of another that everyone
    /// who disagrees has left.
    fn start(&self, time: Timestamp, call: u64) -> Result<Option<Started>, CompactRefusal> {
        match self.started {
            Some(last) if last.call == call => return Ok(None),
            Some(last) => {
                let limit = last.started_at + self.terms.spacing();
                if time <= limit {
                    return Err(CompactRefusal::CallTooSoon { limit, time });
                }
            }
            None => {}
        }
        Ok(Some(Started { call, started_at: time }))
    }

    pub(super) fn pay_premium(&self, payer: Address, amount: Units) -> Outcome {
        if amount.is_zero() {
            return Err(CompactRefusal::ZeroAmount);
        }
        require_room(Units::ZERO, amount)?;
        let weight = self.all.now().weight();
        if weight.is_zero() {
            return Err(CompactRefusal::NobodyEarns);
        }
        Ok(CompactEvent::PremiumPaid { payer, amount, weight })
    }

    pub(super) fn claim(&self, member: Address) -> Outcome {
        let amount = self.earned(member);
        if amount.is_zero() {
            return Err(CompactRefusal::NothingToClaim { member });
        }
        Ok(CompactEvent::PremiumClaimed { member, amount })
    }

    // ---- may this happen

    pub(super) fn may_commit(&self, account: Address) -> bool {
        self.terms.admitter.is_zero() || self.admitted.contains(&account)
    }

    pub(super) fn pending(&self, member: Address) -> Units {
        self.member(member).map(|member| member.pending).unwrap_or_default()
    }

    fn require_pending(&self, member: Address) -> Result<Units, CompactRefusal> {
        let pending = self.pending(member);
        if pending.is_zero() { Err(CompactRefusal::NothingPending { member }) } else { Ok(pending) }
    }

    /// Value sent to the zero address, the compact or its token would be lost to its owner.
    fn require_account(&self, account: Address) -> Result<(), CompactRefusal> {
        if account.is_zero() || account == self.address || account == self.terms.wsteth {
            return Err(CompactRefusal::InvalidAccount { account });
        }
        Ok(())
    }

    fn require_approver(&self, caller: Address, member: Address) -> Result<(), CompactRefusal> {
        // Nobody calls from the zero address, which stands for no approver.
        let approver = self.member(member).map(|member| member.approver).unwrap_or_default();
        if caller == member || caller == approver {
            return Ok(());
        }
        Err(CompactRefusal::NotApprover { caller, member })
    }

    fn require_call(&self, call: u64) -> Result<&Call, CompactRefusal> {
        self.call(call).ok_or(CompactRefusal::UnknownCall { call, count: self.call_count() })
    }

    fn require_voting(&self, time: Timestamp, number: u64) -> Result<&Call, CompactRefusal> {
        let call = self.require_call(number)?;
        if call.passed_at.is_some() {
            return Err(CompactRefusal::CallHasPassed { call: number });
        }
        let limit = self.votable_until(&call.record);
        if time > limit { Err(CompactRefusal::VotingOver { limit, time }) } else { Ok(call) }
    }

    fn require_fulfilling(&self, time: Timestamp, number: u64) -> Result<&Call, CompactRefusal> {
        let call = self.require_call(number)?;
        let Some(passed_at) = call.passed_at else {
            let (approvals, required) = (call.approvals, self.required(&call.record));
            return Err(CompactRefusal::CallNotPassed { call: number, approvals, required });
        };
        let limit = self.fulfillable_until(passed_at);
        if time > limit { Err(CompactRefusal::FulfillmentOver { limit, time }) } else { Ok(call) }
    }

    /// The last second at which a call can be approved.
    pub(super) fn votable_until(&self, record: &CallRecord) -> Timestamp {
        record.proposed_at + u64::from(self.terms.voting_period)
    }

    /// The last second at which a call that passed then can be fulfilled.
    pub(super) fn fulfillable_until(&self, passed_at: Timestamp) -> Timestamp {
        passed_at + u64::from(self.terms.fulfill_period)
    }

    /// The approvals at which a call passes.
    pub(super) fn required(&self, record: &CallRecord) -> Units {
        self.terms.required(record.active)
    }
}

/// So much more fits beside what there is.
fn require_room(had: Units, amount: Units) -> Result<(), CompactRefusal> {
    let limit = Compact::room(had);
    if amount > limit { Err(CompactRefusal::AmountTooLarge { amount, limit }) } else { Ok(()) }
}
