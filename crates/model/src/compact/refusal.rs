//! Why was a call of a compact refused? Each reason has the name of the contract's error, and carries its facts.

use alloy_primitives::{Address, B256};
use serde::Serialize;
use strum::IntoStaticStr;
use thiserror::Error;

use super::terms::CompactTermsError;
use crate::{
    asset::{Amount, Asset},
    display::{ether, percent, utc},
    refusal::Refusal,
    schedule::Timestamp,
    status::Status,
    units::{Bps, Units, Wei},
};

/// Why a compact refused a call, or its creation. A refused call changes nothing. Amounts are in units of wstETH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum CompactRefusal {
    /// By admit: the caller is not the admitter.
    #[error("`{caller}` is not the admitter `{admitter}`")]
    NotAdmitter {
        /// The caller.
        #[serde(with = "crate::json::Account")]
        caller: Address,
        /// The admitter; zero for none.
        #[serde(with = "crate::json::AccountOrNone")]
        admitter: Address,
    },
    /// By admit: it was admitted before.
    #[error("`{account}` was admitted before")]
    AlreadyAdmitted {
        /// The account.
        #[serde(with = "crate::json::Account")]
        account: Address,
    },
    /// By commit: the caller was not admitted.
    #[error("`{account}` was not admitted")]
    NotAdmitted {
        /// The caller.
        #[serde(with = "crate::json::Account")]
        account: Address,
    },
    /// A premium of nothing, or a commitment of nothing where nothing is pending.
    #[error("the amount must not be zero")]
    ZeroAmount,
    /// More than the books can hold.
    #[error("the amount {amount} exceeds the {limit} that the compact can still hold")]
    AmountTooLarge {
        /// The amount.
        amount: Units,
        /// The most that the books can still hold.
        limit: Units,
    },
    /// The recipient is zero, the compact or wstETH.
    #[error("`{account}` cannot be a recipient")]
    InvalidAccount {
        /// The recipient.
        #[serde(with = "crate::json::Account")]
        account: Address,
    },
    /// By take back and activate: nothing is pending.
    #[error("nothing of `{member}` is pending")]
    NothingPending {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
    },
    /// By activate: it is too early.
    #[error("the commitment seasons until {}, and it is now {}", utc(*.ready_at), utc(*.time))]
    StillSeasoning {
        /// From when on it can be activated.
        #[serde(rename = "readyAtUnix")]
        ready_at: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By activate: it is too late, and must season again.
    #[error("the commitment could be activated until {}, and it is now {}", utc(*.limit), utc(*.time))]
    SeasonedTooLong {
        /// The last second at which it could be activated.
        #[serde(rename = "limitUnix")]
        limit: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By notice: more than what is active.
    #[error("the notice of {} is for more than the {} that is active", wsteth(*.amount), wsteth(*.active))]
    NoticeTooLarge {
        /// The amount.
        amount: Units,
        /// What is active.
        active: Units,
    },
    /// By leave: nothing is under notice.
    #[error("nothing of `{member}` is under notice")]
    NothingNoticed {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
    },
    /// By leave: it is too early.
    #[error("the notice runs until {}, and it is now {}", utc(*.ready_at), utc(*.time))]
    NoticeRunning {
        /// From when on the member can leave.
        #[serde(rename = "readyAtUnix")]
        ready_at: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By leave: it is too late, and notice must be given again.
    #[error("the notice could be used until {}, and it is now {}", utc(*.limit), utc(*.time))]
    NoticeLapsed {
        /// The last second at which the member could leave.
        #[serde(rename = "limitUnix")]
        limit: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By pay premium: nobody has weight.
    #[error("nobody has weight, so nobody earns premiums")]
    NobodyEarns,
    /// By claim: nothing is to be paid.
    #[error("`{member}` has no premium to claim")]
    NothingToClaim {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
    },
    /// By propose and approve: the caller is neither the member nor its approver.
    #[error("`{caller}` is neither `{member}` nor its approver")]
    NotApprover {
        /// The caller.
        #[serde(with = "crate::json::Account")]
        caller: Address,
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
    },
    /// By propose and approve: the member had no weight.
    #[error("`{member}` had no weight at {}", utc(*.time))]
    NoWeight {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
        /// One second before the proposal.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By propose: the call takes nothing, or more than it may.
    #[error("a call of {} is not between 0.01 % and {}", part(*.bps), part(*.maximum))]
    BpsOutOfBounds {
        /// What it would take.
        bps: Bps,
        /// The most that it may.
        #[serde(rename = "maximumBps")]
        maximum: Bps,
    },
    /// By propose: the stored code is not that of the compact's escrows.
    #[error("the stored code has the hash {code_hash}, not {expected}")]
    WrongEscrowCode {
        /// Its hash.
        #[serde(with = "crate::json::Hash")]
        code_hash: B256,
        /// The hash of the code of the compact's escrows.
        #[serde(with = "crate::json::Hash")]
        expected: B256,
    },
    /// By propose: there is no escrow where it follows from code and terms.
    #[error("there is no escrow at `{escrow}`, which follows from the code and the terms")]
    NoEscrow {
        /// The address.
        #[serde(with = "crate::json::Account")]
        escrow: Address,
    },
    /// By propose: the rescue takes another wstETH, or none.
    #[error("the rescue takes wstETH `{wsteth}`, not `{expected}`")]
    OtherToken {
        /// The rescue's; zero for none.
        #[serde(rename = "wstETH", with = "crate::json::AccountOrNone")]
        wsteth: Address,
        /// The compact's.
        #[serde(with = "crate::json::Account")]
        expected: Address,
    },
    /// By propose: the rescue has a guardian that is not the compact's.
    #[error("the rescue's guardian `{guardian}` is not the compact's, `{expected}`")]
    ForeignGuardian {
        /// The rescue's.
        #[serde(with = "crate::json::Account")]
        guardian: Address,
        /// The compact's; zero for none.
        #[serde(with = "crate::json::AccountOrNone")]
        expected: Address,
    },
    /// By propose: the rescue has no veto, or one that is too large.
    #[error("the rescue's veto of {} is not between 0.01 % and {}", part(*.veto), part(*.maximum))]
    VetoOutsidePolicy {
        /// The rescue's.
        #[serde(rename = "vetoBps")]
        veto: Bps,
        /// The largest.
        #[serde(rename = "maximumBps")]
        maximum: Bps,
    },
    /// By propose: the rescue's objection period is too short.
    #[error("the rescue's objection period of {objection_period} s is shorter than {minimum} s")]
    ObjectionPeriodBelowPolicy {
        /// The rescue's.
        #[serde(rename = "objectionPeriodSeconds")]
        objection_period: u32,
        /// The least.
        #[serde(rename = "minimumSeconds")]
        minimum: u32,
    },
    /// By propose: the rescue's exit window is too short.
    #[error("the rescue's exit window of {exit_window} s is shorter than {minimum} s")]
    ExitWindowBelowPolicy {
        /// The rescue's.
        #[serde(rename = "exitWindowSeconds")]
        exit_window: u32,
        /// The least.
        #[serde(rename = "minimumSeconds")]
        minimum: u32,
    },
    /// By propose: the rescue may hold money for too long.
    #[error("the rescue may hold money until {}, but no call may after {}", utc(*.until), utc(*.limit))]
    LockTooLong {
        /// Until when it may.
        #[serde(rename = "untilUnix")]
        until: Timestamp,
        /// The latest that a call allows.
        #[serde(rename = "limitUnix")]
        limit: Timestamp,
    },
    /// By propose: the rescue has no such tier.
    #[error("there is no tier {tier}: the rescue has {count}, counted from 0")]
    UnknownTier {
        /// The tier asked for.
        tier: u8,
        /// How many there are.
        count: u8,
    },
    /// By propose: the tier's threshold is too low.
    #[error("the tier's threshold of {} is lower than {}", part(*.threshold), part(*.minimum))]
    ThresholdBelowPolicy {
        /// The tier's.
        #[serde(rename = "thresholdBps")]
        threshold: Bps,
        /// The least.
        #[serde(rename = "minimumBps")]
        minimum: Bps,
    },
    /// By propose: the tier's interest is too low.
    #[error("the tier's interest of {} a year is lower than {}", part(*.rate), part(*.minimum))]
    RateBelowPolicy {
        /// The tier's.
        #[serde(rename = "rateBps")]
        rate: Bps,
        /// The least.
        #[serde(rename = "minimumBps")]
        minimum: Bps,
    },
    /// By propose: the rescue is not stored as open, or its deadline has passed.
    #[error("the rescue takes no pledges: it is {status}, its deadline is {}, and it is now {}", utc(*.deadline), utc(*.time))]
    NotPledging {
        /// The stored status.
        status: Status,
        /// The deadline in force.
        #[serde(rename = "deadlineUnix")]
        deadline: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By propose: the rescue takes pledges for too short a time.
    #[error("the rescue's deadline {} is before {}, until when the call may be fulfilled", utc(*.deadline), utc(*.required))]
    DeadlineTooEarly {
        /// The deadline of the latest amendment.
        #[serde(rename = "deadlineUnix")]
        deadline: Timestamp,
        /// The last second of fulfillment, at the latest.
        #[serde(rename = "requiredUnix")]
        required: Timestamp,
    },
    /// By propose: the share rate cannot be read.
    #[error("the value of stETH shares cannot be read, so no call can be proposed now")]
    RateUnreadable,
    /// By propose: the call asks for more than is missing.
    #[error("the call asks for {}, but only {} is missing", ether(*.value), ether(*.missing))]
    CallTooLarge {
        /// What it asks for.
        #[serde(rename = "valueWei")]
        value: Wei,
        /// What is missing.
        #[serde(rename = "missingWei")]
        missing: Wei,
    },
    /// There is no such call.
    #[error("there is no call {call}: the compact has {count}, counted from 0")]
    UnknownCall {
        /// The number asked for.
        call: u64,
        /// How many there are.
        count: u64,
    },
    /// By approve and withdraw: the call has passed.
    #[error("call {call} has passed")]
    CallHasPassed {
        /// The call.
        call: u64,
    },
    /// By approve and withdraw: voting is over.
    #[error("the call could be voted on until {}, and it is now {}", utc(*.limit), utc(*.time))]
    VotingOver {
        /// The last second of voting.
        #[serde(rename = "limitUnix")]
        limit: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By approve: the member approves the call already.
    #[error("`{member}` has already approved call {call}")]
    AlreadyApproved {
        /// The call.
        call: u64,
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
    },
    /// By withdraw: the member does not approve the call.
    #[error("`{member}` has not approved call {call}")]
    NotApproved {
        /// The call.
        call: u64,
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
    },
    /// By fulfill: the call has not passed.
    #[error("call {call} has not passed: {} of {} approve it", wsteth(*.approvals), wsteth(*.required))]
    CallNotPassed {
        /// The call.
        call: u64,
        /// The weight that approves it.
        approvals: Units,
        /// The weight that must.
        required: Units,
    },
    /// By fulfill: it is too late.
    #[error("the call could be fulfilled until {}, and it is now {}", utc(*.limit), utc(*.time))]
    FulfillmentOver {
        /// The last second of fulfillment.
        #[serde(rename = "limitUnix")]
        limit: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By fulfill: another call has given, and not everyone who disagrees could leave yet.
    #[error("another call has given: this one can begin only after {}, and it is now {}", utc(*.limit), utc(*.time))]
    CallTooSoon {
        /// The last second at which it cannot begin.
        #[serde(rename = "limitUnix")]
        limit: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By fulfill: nobody on the list gives anything.
    #[error("nobody on the list has anything to give to call {call}")]
    NothingToGive {
        /// The call.
        call: u64,
    },
    /// Terms that no compact accepts.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    Terms(#[from] CompactTermsError),
}

pub(super) fn part(bps: Bps) -> String {
    percent(bps.get().into())
}

fn wsteth(amount: Units) -> Amount {
    amount.of(Asset::WstEth)
}

/// Why a compact, or in fulfill the escrow that it pledges into, refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum CompactRefused {
    /// The compact.
    #[error(transparent)]
    #[strum(transparent)]
    ByCompact(#[from] CompactRefusal),
    /// The escrow.
    #[error(transparent)]
    #[strum(transparent)]
    ByRescue(#[from] Refusal),
}

impl CompactRefused {
    /// The name of the contract's error.
    pub fn kind(&self) -> &'static str {
        self.into()
    }
}
