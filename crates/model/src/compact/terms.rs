//! What was fixed when the compact was created, and which terms are allowed?

use alloy_primitives::{Address, B256};
use serde::Serialize;
use strum::IntoStaticStr;
use thiserror::Error;

use super::refusal::part;
use crate::units::{Bps, Units};

/// The least quorum: with half or less, two calls could pass against each other.
pub const MIN_QUORUM: Bps = Bps::new(5_001);

/// The least for every period in which people must act, in seconds: a day. A shorter one may hold no block, or nobody
/// awake.
pub const MIN_PERIOD: u32 = 86_400;

/// The terms of a compact; all of them are fixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CompactTerms {
    /// The one asset.
    #[serde(rename = "wstETH", with = "crate::json::Account")]
    pub wsteth: Address,
    /// Keccak256 of the creation code of the escrows that a call may pay into, without arguments; not zero.
    #[serde(with = "crate::json::Hash")]
    pub escrow_code_hash: B256,
    /// Only accounts that it admitted may commit; zero if anyone may.
    #[serde(with = "crate::json::AccountOrNone")]
    pub admitter: Address,
    /// The guardian of a called rescue is this or none.
    #[serde(with = "crate::json::AccountOrNone")]
    pub guardian: Address,
    /// Hash of the human-readable agreement.
    #[serde(with = "crate::json::Hash")]
    pub terms_hash: B256,
    /// The part of all that is active that must approve a call; [`MIN_QUORUM`] to 100 %.
    #[serde(rename = "quorumBps")]
    pub quorum: Bps,
    /// The most that a call takes of what each member has active; 1 to 10,000.
    #[serde(rename = "maxCallBps")]
    pub max_call: Bps,
    /// Seconds for which a call can be approved; at least [`MIN_PERIOD`].
    #[serde(rename = "votingPeriodSeconds")]
    pub voting_period: u32,
    /// Seconds for which a call that passed can be fulfilled; at least [`MIN_PERIOD`].
    #[serde(rename = "fulfillPeriodSeconds")]
    pub fulfill_period: u32,
    /// Seconds from notice to leaving; more than the two above together: nobody can vote and be gone before
    /// fulfillment ends.
    #[serde(rename = "noticePeriodSeconds")]
    pub notice_period: u32,
    /// Seconds for which a notice that has run out may be used, and for which money that has seasoned may be activated;
    /// at least [`MIN_PERIOD`].
    #[serde(rename = "leaveWindowSeconds")]
    pub leave_window: u32,
    /// Seconds from committing to counting; at least the two above together: members who distrust a newcomer can
    /// leave before it counts.
    #[serde(rename = "seasoningSeconds")]
    pub seasoning: u32,
    /// The least threshold of the tier that is paid into; 1 to 10,000.
    #[serde(rename = "minThresholdBps")]
    pub min_threshold: Bps,
    /// Its least yearly interest.
    #[serde(rename = "minRateBps")]
    pub min_rate: Bps,
    /// The least objection period of the rescue, in seconds; at least [`MIN_PERIOD`].
    #[serde(rename = "minObjectionPeriodSeconds")]
    pub min_objection_period: u32,
    /// The least exit window of the rescue, in seconds; at least [`MIN_PERIOD`].
    #[serde(rename = "minExitWindowSeconds")]
    pub min_exit_window: u32,
    /// The veto of the rescue is 1 to this; 1 to 9,999.
    #[serde(rename = "maxVetoBps")]
    pub max_veto: Bps,
    /// The longest that a called rescue may hold money, in seconds from the proposal; not zero.
    #[serde(rename = "maxLockSeconds")]
    pub max_lock: u32,
}

/// The rule that the terms break, by the name of the constructor's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum CompactTermsError {
    /// There is no contract at wstETH. Only a chain can say so.
    #[error("there is no contract at wstETH `{wsteth}`")]
    TokenWithoutCode {
        /// The address.
        #[serde(rename = "wstETH", with = "crate::json::Account")]
        wsteth: Address,
    },
    /// The hash of the escrow's creation code is zero.
    #[error("the hash of the escrow's creation code is zero")]
    EscrowCodeHashZero,
    /// The quorum is half or less, or more than all.
    #[error("a quorum of {} is not between {} and {}", part(*.quorum), part(MIN_QUORUM), part(Bps::ONE))]
    QuorumOutOfBounds {
        /// The quorum.
        #[serde(rename = "quorumBps")]
        quorum: Bps,
    },
    /// A call may take nothing, or more than all.
    #[error("a call of at most {} is not between 0.01 % and {}", part(*.max_call), part(Bps::ONE))]
    MaxCallOutOfBounds {
        /// The most.
        #[serde(rename = "maxCallBps")]
        max_call: Bps,
    },
    /// The voting period is too short.
    #[error("a voting period of {voting_period} s is shorter than {MIN_PERIOD} s")]
    VotingPeriodTooShort {
        /// The period.
        #[serde(rename = "votingPeriodSeconds")]
        voting_period: u32,
    },
    /// The fulfillment period is too short.
    #[error("a fulfillment period of {fulfill_period} s is shorter than {MIN_PERIOD} s")]
    FulfillPeriodTooShort {
        /// The period.
        #[serde(rename = "fulfillPeriodSeconds")]
        fulfill_period: u32,
    },
    /// The notice period is not longer than voting and fulfillment.
    #[error("a notice period of {notice_period} s is shorter than {minimum} s")]
    NoticePeriodTooShort {
        /// The period.
        #[serde(rename = "noticePeriodSeconds")]
        notice_period: u32,
        /// One second more than voting and fulfillment take.
        #[serde(rename = "minimumSeconds")]
        minimum: u64,
    },
    /// The leave window is too short.
    #[error("a leave window of {leave_window} s is shorter than {MIN_PERIOD} s")]
    LeaveWindowTooShort {
        /// The window.
        #[serde(rename = "leaveWindowSeconds")]
        leave_window: u32,
    },
    /// Seasoning is shorter than leaving takes.
    #[error("seasoning of {seasoning} s is shorter than {minimum} s")]
    SeasoningTooShort {
        /// The period.
        #[serde(rename = "seasoningSeconds")]
        seasoning: u32,
        /// What notice and leaving take.
        #[serde(rename = "minimumSeconds")]
        minimum: u64,
    },
    /// The least threshold is zero or more than all.
    #[error("a least threshold of {} is not between 0.01 % and {}", part(*.min_threshold), part(Bps::ONE))]
    MinThresholdOutOfBounds {
        /// The threshold.
        #[serde(rename = "minThresholdBps")]
        min_threshold: Bps,
    },
    /// The least objection period is too short.
    #[error("a least objection period of {min_objection_period} s is shorter than {MIN_PERIOD} s")]
    MinObjectionPeriodTooShort {
        /// The period.
        #[serde(rename = "minObjectionPeriodSeconds")]
        min_objection_period: u32,
    },
    /// The least exit window is too short.
    #[error("a least exit window of {min_exit_window} s is shorter than {MIN_PERIOD} s")]
    MinExitWindowTooShort {
        /// The window.
        #[serde(rename = "minExitWindowSeconds")]
        min_exit_window: u32,
    },
    /// The largest veto is zero or all.
    #[error("a veto of at most {} is not between 0.01 % and 99.99 %", part(*.max_veto))]
    MaxVetoOutOfBounds {
        /// The veto.
        #[serde(rename = "maxVetoBps")]
        max_veto: Bps,
    },
    /// Nothing may be locked for any time.
    #[error("the longest lock must not be zero")]
    MaxLockZero,
}

impl CompactTerms {
    /// Finds the first rule that these terms break.
    pub fn check(&self) -> Result<(), CompactTermsError> {
        use CompactTermsError as E;
        if self.escrow_code_hash.is_zero() {
            return Err(E::EscrowCodeHashZero);
        }
        if !(MIN_QUORUM..=Bps::ONE).contains(&self.quorum) {
            return Err(E::QuorumOutOfBounds { quorum: self.quorum });
        }
        if !is_share(self.max_call) {
            return Err(E::MaxCallOutOfBounds { max_call: self.max_call });
        }
        self.check_periods()?;
        self.check_policy()
    }

    fn check_periods(&self) -> Result<(), CompactTermsError> {
        use CompactTermsError as E;
        let Self { voting_period, fulfill_period, notice_period, leave_window, seasoning, .. } = *self;
        if voting_period < MIN_PERIOD {
            return Err(E::VotingPeriodTooShort { voting_period });
        }
        if fulfill_period < MIN_PERIOD {
            return Err(E::FulfillPeriodTooShort { fulfill_period });
        }
        let minimum = u64::from(voting_period) + u64::from(fulfill_period) + 1;
        if u64::from(notice_period) < minimum {
            return Err(E::NoticePeriodTooShort { notice_period, minimum });
        }
        if leave_window < MIN_PERIOD {
            return Err(E::LeaveWindowTooShort { leave_window });
        }
        let minimum = u64::from(notice_period) + u64::from(leave_window);
        if u64::from(seasoning) < minimum {
            return Err(E::SeasoningTooShort { seasoning, minimum });
        }
        Ok(())
    }

    fn check_policy(&self) -> Result<(), CompactTermsError> {
        use CompactTermsError as E;
        let Self { min_threshold, min_objection_period, min_exit_window, max_veto, .. } = *self;
        if !is_share(min_threshold) {
            return Err(E::MinThresholdOutOfBounds { min_threshold });
        }
        if min_objection_period < MIN_PERIOD {
            return Err(E::MinObjectionPeriodTooShort { min_objection_period });
        }
        if min_exit_window < MIN_PERIOD {
            return Err(E::MinExitWindowTooShort { min_exit_window });
        }
        if !is_share(max_veto) || max_veto == Bps::ONE {
            return Err(E::MaxVetoOutOfBounds { max_veto });
        }
        if self.max_lock == 0 {
            return Err(E::MaxLockZero);
        }
        Ok(())
    }

    /// The approvals at which a call passes when so much was active: ceil(active * quorum / 10,000).
    pub fn required(&self, active: Units) -> Units {
        // 104 and 16 bits.
        let product = active.get() * u128::from(self.quorum.get());
        Units::new(product.div_ceil(u128::from(Bps::ONE.get())))
    }

    /// Seconds after the first fulfillment of a call in which no other may begin: in them, everyone who disagrees can
    /// leave.
    pub fn spacing(&self) -> u64 {
        u64::from(self.fulfill_period) + u64::from(self.notice_period) + u64::from(self.leave_window)
    }

    /// The least seconds for which any rescue that a call may name can hold money, from the proposal: it takes pledges until the call can no
    /// longer be fulfilled, has the least objection period, and two release windows of a second or more. With a shorter
    /// `max_lock`, no call can ever be proposed.
    pub fn least_lock(&self) -> u64 {
        let calling = u64::from(self.voting_period) + u64::from(self.fulfill_period);
        calling + u64::from(self.min_objection_period) + 2
    }
}

/// 1 to 10,000.
fn is_share(bps: Bps) -> bool {
    (Bps::new(1)..=Bps::ONE).contains(&bps)
}
