//! What the contract's views say, and what follows from it for the next call.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use serde::Serialize;

use super::{
    standing::Standing,
    state::{Call, Compact, Started},
};
use crate::{
    schedule::Timestamp,
    units::{Bps, Units},
};

/// One member, as booked. Amounts are in units of wstETH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// Whether it may commit.
    pub admitted: bool,
    /// Who proposes and approves in its stead; zero for nobody.
    #[serde(with = "crate::json::AccountOrNone")]
    pub approver: Address,
    /// What is committed and not activated.
    #[serde(rename = "pendingUnits")]
    pub pending: Units,
    /// When the last commitment was made; none if nothing is pending.
    #[serde(rename = "committedAtUnix")]
    pub committed_at: Option<Timestamp>,
    /// What is active, and what of it is under notice.
    #[serde(flatten)]
    pub standing: Standing,
    /// When notice was given; none if nothing is under notice.
    #[serde(rename = "noticedAtUnix")]
    pub noticed_at: Option<Timestamp>,
    /// What a claim would pay now.
    #[serde(rename = "earnedUnits")]
    pub earned: Units,
}

/// Seconds in which something is possible, the first and the last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// The first.
    #[serde(rename = "fromUnix")]
    pub from: Timestamp,
    /// The last.
    #[serde(rename = "untilUnix")]
    pub until: Timestamp,
}

/// When a member can do what it has to wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MemberWindows {
    /// When what is pending can be activated; none if nothing is.
    pub activation: Option<Window>,
    /// When what is under notice can be taken out; none if nothing is.
    pub leaving: Option<Window>,
}

/// One call. Amounts are in units of wstETH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CallView {
    /// The escrow of the rescue.
    #[serde(with = "crate::json::Account")]
    pub escrow: Address,
    /// The tier that is paid into.
    pub tier: u8,
    /// What it takes of what each member had active one second before it was proposed.
    pub bps: Bps,
    /// When it was proposed.
    #[serde(rename = "proposedAtUnix")]
    pub proposed_at: Timestamp,
    /// The latest amendment of the rescue at that time; 0 for none.
    #[serde(rename = "amendmentUnix")]
    pub amendment: Timestamp,
    /// All that was active one second before.
    #[serde(rename = "activeUnits")]
    pub active: Units,
    /// The approvals at which it passes, rounded up.
    #[serde(rename = "requiredUnits")]
    pub required: Units,
    /// The weight that approves it.
    #[serde(rename = "approvalsUnits")]
    pub approvals: Units,
    /// When it passed.
    #[serde(rename = "passedAtUnix")]
    pub passed_at: Option<Timestamp>,
}

/// Where a call is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all_fields = "camelCase")]
pub enum CallState {
    /// It can be approved.
    Voting {
        /// The last second of it.
        #[serde(rename = "untilUnix")]
        until: Timestamp,
    },
    /// It has passed, and can be fulfilled, if no other call has begun that is too near.
    Passed {
        /// When it can begin to give, and until when it can give. A first second after the last: it never will.
        window: Window,
    },
    /// It was not approved in time, or its fulfillment is over.
    Over,
}

/// The whole compact at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactView {
    /// What all members have active.
    pub all: Standing,
    /// Premiums per unit of weight, times 2^128.
    pub index: U256,
    /// Everyone who was ever a member, by address.
    pub members: Vec<(Address, MemberView, MemberWindows)>,
    /// All calls, by number.
    pub calls: Vec<(CallView, CallState)>,
    /// The last call that gave anything.
    pub started: Option<Started>,
}

/// What a compact has stored, as its views show it, whatever the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactBooks {
    /// What all members have active.
    pub all: Standing,
    /// Premiums per unit of weight, times 2^128.
    pub index: U256,
    /// Everyone who was ever a member.
    pub members: BTreeMap<Address, MemberView>,
    /// All calls, by number.
    pub calls: Vec<CallView>,
    /// The last call that gave anything.
    pub started: Option<Started>,
}

impl Compact {
    /// What is stored, to be compared with what the contract says.
    pub fn books(&self) -> CompactBooks {
        CompactBooks {
            all: self.all.now(),
            index: self.index,
            members: self.members.keys().map(|&account| (account, self.member_view(account))).collect(),
            calls: self.calls.iter().map(|call| self.view_of(call)).collect(),
            started: self.started,
        }
    }

    /// The whole compact, as a call at `time` would find it.
    pub fn view(&self, time: Timestamp) -> CompactView {
        let member = |&account: &Address| (account, self.member_view(account), self.windows(account));
        let call = |(number, call): (u64, &Call)| (self.view_of(call), self.state_of(number, call, time));
        CompactView {
            all: self.all.now(),
            index: self.index,
            members: self.members.keys().map(member).collect(),
            calls: (0..).zip(&self.calls).map(call).collect(),
            started: self.started,
        }
    }

    /// One account, whether it is a member or not.
    pub fn member_view(&self, account: Address) -> MemberView {
        let member = self.member(account).cloned().unwrap_or_default();
        MemberView {
            admitted: self.may_commit(account),
            approver: member.approver,
            pending: member.pending,
            committed_at: member.committed_at,
            standing: member.standings.now(),
            noticed_at: member.noticed_at,
            earned: self.earned(account),
        }
    }

    /// When a member can activate what it has pending, and leave with what it has under notice.
    pub fn windows(&self, account: Address) -> MemberWindows {
        let window = |since: Timestamp, wait: u32| {
            let from = since.saturating_add(wait.into());
            Window { from, until: from.saturating_add(self.terms.leave_window.into()) }
        };
        let Some(member) = self.member(account) else { return MemberWindows::default() };
        MemberWindows {
            activation: member.committed_at.map(|since| window(since, self.terms.seasoning)),
            leaving: member.noticed_at.map(|since| window(since, self.terms.notice_period)),
        }
    }

    /// One call; none if there is none of this number.
    pub fn call_view(&self, number: u64) -> Option<CallView> {
        Some(self.view_of(self.call(number)?))
    }

    fn view_of(&self, call: &Call) -> CallView {
        let record = call.record;
        CallView {
            escrow: record.escrow,
            tier: record.tier,
            bps: record.bps,
            proposed_at: record.proposed_at,
            amendment: record.amendment,
            active: record.active,
            required: self.required(&record),
            approvals: call.approvals,
            passed_at: call.passed_at,
        }
    }

    fn state_of(&self, number: u64, call: &Call, time: Timestamp) -> CallState {
        let Some(passed_at) = call.passed_at else {
            let until = self.votable_until(&call.record);
            return if time > until { CallState::Over } else { CallState::Voting { until } };
        };
        let until = self.fulfillable_until(passed_at);
        let other = self.started.filter(|started| started.call != number);
        let free = other.map_or(passed_at, |other| other.started_at.saturating_add(self.terms.spacing() + 1));
        let window = Window { from: free.max(passed_at), until };
        if time > until { CallState::Over } else { CallState::Passed { window } }
    }
}
