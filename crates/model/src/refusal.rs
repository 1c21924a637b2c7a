//! Why was a call refused? Each reason has the name of the contract's error, and carries the facts that it turned on.

use alloy_primitives::Address;
use serde::Serialize;
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    asset::Asset,
    bonus::BonusRefusal,
    books::PositionId,
    display::{ether, utc},
    recovery::RecoveryRefusal,
    schedule::Timestamp,
    status::Status,
    terms::TermsError,
    units::{Rate, Units, Wei},
};

/// Why an escrow refused a call, or its creation. A refused call changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum Refusal {
    /// The caller is not the guardian.
    #[error("`{caller}` is not the guardian `{guardian}`")]
    NotGuardian {
        /// The caller.
        #[serde(with = "crate::json::Account")]
        caller: Address,
        /// The guardian; zero for none.
        #[serde(with = "crate::json::AccountOrNone")]
        guardian: Address,
    },
    /// By pledge, decline and amend: the rescue is not open, or its deadline has passed.
    #[error("pledging is closed: the rescue is {status}, its deadline is {}, and it is now {}", utc(*.deadline), utc(*.time))]
    PledgingClosed {
        /// The stored status.
        status: Status,
        /// The deadline in force.
        #[serde(rename = "deadlineUnix")]
        deadline: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// The status does not allow the call.
    #[error("the rescue is {status}, which does not allow this call")]
    WrongStatus {
        /// The status that the call found.
        status: Status,
    },
    /// There is no such tier.
    #[error("there is no tier {tier}: the rescue has {count}, counted from 0")]
    UnknownTier {
        /// The tier asked for.
        tier: u8,
        /// How many there are.
        count: u8,
    },
    /// The rescue is in ETH only.
    #[error("this rescue accepts only ETH, not {asset}")]
    AssetNotAccepted {
        /// The asset offered.
        asset: Asset,
    },
    /// A pledge of nothing.
    #[error("the amount of a pledge must not be zero")]
    ZeroAmount,
    /// By pledge: the latest amendment is not the one that the pledge names.
    #[error("the pledge names {}, but the latest amendment is {}", named_text(*.named), latest_text(*.latest))]
    AmendmentDiffers {
        /// When the amendment that the pledge names comes into force; 0 for none.
        #[serde(rename = "namedUnix", with = "crate::json::TimeOrNone")]
        named: Timestamp,
        /// When the latest one does or did; 0 for none.
        #[serde(rename = "latestUnix", with = "crate::json::TimeOrNone")]
        latest: Timestamp,
    },
    /// More than the books can hold.
    #[error("the amount {amount} exceeds the {limit} that the pot can still hold")]
    AmountTooLarge {
        /// The amount offered, in the asset's own unit.
        amount: Units,
        /// The most that its pot can still hold.
        limit: Units,
    },
    /// The pledger or the recipient is zero, the escrow itself, or one of its tokens.
    #[error("`{account}` cannot be a pledger or a recipient")]
    InvalidAccount {
        /// The account.
        #[serde(with = "crate::json::Account")]
        account: Address,
    },
    /// By refund, exit and decline: the position has nothing to return.
    #[error("the {} position of `{}` in tier {} has nothing to return", .id.asset, .id.pledger, .id.tier)]
    NothingToReturn {
        /// The position.
        #[serde(flatten)]
        id: PositionId,
    },
    /// By collect: nothing is owed.
    #[error("no {asset} from exits or declines is owed to `{pledger}`")]
    NothingOwed {
        /// The pledger.
        #[serde(with = "crate::json::Account")]
        pledger: Address,
        /// The asset.
        asset: Asset,
    },
    /// By exit: no amendment is pending.
    #[error("no amendment is pending at {}, so no pledge can exit", utc(*.time))]
    NoExitWindow {
        /// When the latest amendment came into force; 0 for none.
        #[serde(rename = "effectiveAtUnix", with = "crate::json::TimeOrNone")]
        effective_at: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By amend, and by settle up to the deadline: an amendment is pending.
    #[error("an amendment is pending until {}, and it is now {}", utc(*.effective_at), utc(*.time))]
    AmendmentPending {
        /// When it comes into force.
        #[serde(rename = "effectiveAtUnix")]
        effective_at: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By amend: the exit window would end after the deadline in force.
    #[error("the exit window would end at {}, after the deadline {}", utc(*.effective_at), utc(*.deadline))]
    AmendmentTooLate {
        /// When the amendment would come into force.
        #[serde(rename = "effectiveAtUnix")]
        effective_at: Timestamp,
        /// The deadline in force.
        #[serde(rename = "deadlineUnix")]
        deadline: Timestamp,
    },
    /// By amend: the new deadline is not after the exit window.
    #[error("the new deadline {} is not after the end of the exit window, {}", utc(*.new_deadline), utc(*.effective_at))]
    AmendedDeadlineTooEarly {
        /// The deadline proposed.
        #[serde(rename = "newDeadlineUnix")]
        new_deadline: Timestamp,
        /// When the amendment would come into force.
        #[serde(rename = "effectiveAtUnix")]
        effective_at: Timestamp,
    },
    /// By amend: the new deadline is after the latest that the terms allow.
    #[error("the new deadline {} is after the latest that the terms allow, {}", utc(*.new_deadline), utc(*.latest_deadline))]
    AmendedDeadlineTooLate {
        /// The deadline proposed.
        #[serde(rename = "newDeadlineUnix")]
        new_deadline: Timestamp,
        /// The latest deadline.
        #[serde(rename = "latestDeadlineUnix")]
        latest_deadline: Timestamp,
    },
    /// By settle up to the deadline: not everything is covered.
    #[error("the pledges cover {} of {}; before the deadline, only a fully covered rescue can settle", ether(*.coverage), ether(*.required))]
    CoverageTooLow {
        /// Value of all pots.
        #[serde(rename = "coverageWei")]
        coverage: Wei,
        /// The target.
        #[serde(rename = "requiredWei")]
        required: Wei,
    },
    /// The rescue would settle, some pot holds shares, and their rate cannot be read.
    #[error("the value of stETH shares cannot be read, so the rescue cannot settle now")]
    RateUnreadable,
    /// By expire: the rate can be read.
    #[error("the value of stETH shares can be read, so the rescue cannot expire")]
    RateReadable {
        /// The rate.
        #[serde(rename = "rateWeiPer1e27Shares")]
        rate: Rate,
    },
    /// By expire: no pot holds shares.
    #[error("the rescue holds no stETH or wstETH, so it cannot expire")]
    RateNotNeeded,
    /// By expire: too little gas is left for a failed read to be conclusive.
    #[error("only {left} gas is left, but {required} is required")]
    GasTooLow {
        /// The gas that was left.
        #[serde(rename = "leftGas")]
        left: u64,
        /// The gas that is required.
        #[serde(rename = "requiredGas")]
        required: u64,
    },
    /// By release: every tranche of the asset that is due is delivered.
    #[error("no {asset} is due: {}", none_due(*due))]
    NothingDue {
        /// The asset.
        asset: Asset,
        /// Tranches due that the beneficiary keeps.
        due: u8,
        /// Tranches delivered.
        delivered: u8,
    },
    /// By cancel and object: every tranche is due already.
    #[error("{due} of {tranches} tranches are due, so there is nothing left to stop")]
    NothingToStop {
        /// Tranches due.
        due: u8,
        /// Tranches in all.
        tranches: u8,
    },
    /// By object: the terms have no veto.
    #[error("the terms have no veto")]
    NoVeto,
    /// By object: the position has objected before.
    #[error("`{}` has already objected with its {} in tier {}", .id.pledger, .id.asset, .id.tier)]
    AlreadyObjected {
        /// The position.
        #[serde(flatten)]
        id: PositionId,
    },
    /// By object: nothing was drawn from the position.
    #[error("nothing of value was drawn from the {} position of `{}` in tier {}", .id.asset, .id.pledger, .id.tier)]
    NothingDrawn {
        /// The position.
        #[serde(flatten)]
        id: PositionId,
    },
    /// By lapse and expire: it is too early.
    #[error("this is possible only after {}, and it is now {}", utc(*.limit), utc(*.time))]
    TooEarly {
        /// The last second at which it is too early.
        #[serde(rename = "limitUnix")]
        limit: Timestamp,
        /// Block time.
        #[serde(rename = "timeUnix")]
        time: Timestamp,
    },
    /// By pledge: the token itself refused the transfer, with its own error or none.
    #[error("{asset} cannot be transferred")]
    TokenFailed {
        /// The token.
        asset: Asset,
    },
    /// The recipient does not accept the ETH, or the token cannot be transferred.
    #[error("{} could not be paid to `{recipient}`", amount.of(*.asset))]
    PaymentFailed {
        /// The intended recipient.
        #[serde(with = "crate::json::Account")]
        recipient: Address,
        /// The asset.
        asset: Asset,
        /// The amount.
        amount: Units,
    },
    /// Terms that no escrow accepts; of the target, also by amend.
    #[error(transparent)]
    #[strum(transparent)]
    #[serde(untagged)]
    Terms(#[from] TermsError),
}

fn named_text(effective_at: Timestamp) -> String {
    if effective_at == 0 {
        "no amendment".to_owned()
    } else {
        format!("the amendment of {}", utc(effective_at))
    }
}

fn latest_text(effective_at: Timestamp) -> String {
    if effective_at == 0 { "none".to_owned() } else { format!("that of {}", utc(effective_at)) }
}

/// Why an escrow or one of its pools refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Refused {
    /// The escrow, possibly through a pool that passes its refusal on.
    #[error(transparent)]
    #[strum(transparent)]
    ByRescue(#[from] Refusal),
    /// The recovery pool.
    #[error(transparent)]
    #[strum(transparent)]
    ByRecovery(RecoveryRefusal),
    /// The bonus pool.
    #[error(transparent)]
    #[strum(transparent)]
    ByBonus(BonusRefusal),
}

impl Refused {
    /// The name of the contract's error.
    pub fn kind(&self) -> &'static str {
        self.into()
    }
}

impl From<RecoveryRefusal> for Refused {
    fn from(refusal: RecoveryRefusal) -> Self {
        match refusal {
            RecoveryRefusal::ByRescue(refusal) => Self::ByRescue(refusal),
            own => Self::ByRecovery(own),
        }
    }
}

impl From<BonusRefusal> for Refused {
    fn from(refusal: BonusRefusal) -> Self {
        match refusal {
            BonusRefusal::ByRescue(refusal) => Self::ByRescue(refusal),
            own => Self::ByBonus(own),
        }
    }
}

/// Why no tranche is due: a release is refused only while all that are due are delivered.
fn none_due(due: u8) -> String {
    match due {
        0 => "no tranche of it is due to the beneficiary".to_owned(),
        1 => "the one tranche of it due to the beneficiary is delivered already".to_owned(),
        due => format!("all {due} tranches of it due to the beneficiary are delivered already"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_sentence_with_values_and_times() {
        let (deadline, time) = (1_785_542_400, 1_785_546_000);
        let closed = Refusal::PledgingClosed { status: Status::Open, deadline, time };
        let text = "pledging is closed: the rescue is Open, its deadline is 2026-08-01T00:00:00Z, and it is now \
                    2026-08-01T01:00:00Z";
        assert_eq!(closed.to_string(), text);
        let [coverage, required] = [5, 10].map(|tenths| Wei::new(tenths * 10u128.pow(17)));
        let text =
            "the pledges cover 0.5 ETH of 1 ETH; before the deadline, only a fully covered rescue can settle";
        assert_eq!(Refusal::CoverageTooLow { coverage, required }.to_string(), text);
        let none_due = |due| none_due(due);
        let texts = [
            "no tranche of it is due to the beneficiary",
            "the one tranche of it due to the beneficiary is delivered already",
            "all 2 tranches of it due to the beneficiary are delivered already",
        ];
        assert_eq!([0, 1, 2].map(none_due), texts);
        let differs = Refusal::AmendmentDiffers { named: 0, latest: deadline };
        let text = "the pledge names no amendment, but the latest amendment is that of 2026-08-01T00:00:00Z";
        assert_eq!(differs.to_string(), text);
    }

    #[test]
    fn a_kind_is_the_name_of_the_contracts_error() {
        let terms = Refused::ByRescue(TermsError::ObjectionPeriodZero.into());
        let passed_on = Refused::from(BonusRefusal::ByRescue(Refusal::RateUnreadable));
        let own = Refused::from(RecoveryRefusal::NotDrawn { tier: 1 });
        assert_eq!(passed_on, Refused::ByRescue(Refusal::RateUnreadable));
        let kinds = [terms, passed_on, own].map(|refused| refused.kind());
        assert_eq!(kinds, ["ObjectionPeriodZero", "RateUnreadable", "NotDrawn"]);
    }
}
