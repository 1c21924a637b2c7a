//! A compact by the words that its contract has stored, and what its views make of them.

use alloy_primitives::{Address, U256};

use super::{
    standing::Standing,
    state::{CallRecord, earned_since},
    terms::CompactTerms,
    view::{CallView, MemberView},
};
use crate::{schedule::Timestamp, units::Units};

/// A member as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredMember {
    /// Whether it was admitted.
    pub admitted: bool,
    /// What is committed and not activated.
    pub pending: Units,
    /// When the last commitment was made.
    pub committed_at: Option<Timestamp>,
    /// Premiums accrued and not paid.
    pub earned: Units,
    /// The index at the last accrual.
    pub index: U256,
    /// Zero for none.
    pub approver: Address,
    /// When notice was given.
    pub noticed_at: Option<Timestamp>,
    /// The latest of its history.
    pub standing: Standing,
    /// Whether it has left since that was written.
    pub has_left: bool,
}

/// A call as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredCall {
    /// What was proposed.
    pub record: CallRecord,
    /// The weight that approves it.
    pub approvals: Units,
    /// Seconds from the proposal until it passed.
    pub passed_after: u32,
}

impl StoredMember {
    /// What the contract's view says of it while `index` is that of premiums; none if its own is later, which cannot be.
    pub fn view(&self, terms: &CompactTerms, index: U256) -> Option<MemberView> {
        let standing = if self.has_left { self.standing.left() } else { self.standing };
        let gained = index.checked_sub(self.index)?;
        Some(MemberView {
            admitted: terms.admitter.is_zero() || self.admitted,
            approver: self.approver,
            pending: self.pending,
            committed_at: self.committed_at,
            standing,
            noticed_at: self.noticed_at,
            earned: earned_since(self.earned, standing.weight(), gained),
        })
    }
}

impl StoredCall {
    /// What the contract's view says of it.
    pub fn view(&self, terms: &CompactTerms) -> CallView {
        let CallRecord { escrow, tier, bps, amendment, active, proposed_at } = self.record;
        let required = terms.required(active);
        let passed_at = proposed_at.saturating_add(self.passed_after.into());
        CallView {
            escrow,
            tier,
            bps,
            proposed_at,
            amendment,
            active,
            required,
            approvals: self.approvals,
            passed_at: (self.approvals >= required).then_some(passed_at),
        }
    }
}
