//! Why was a call refused? Each reason has the name of the contract's error, and carries the facts that it turned on.

use alloy_primitives::Address;
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    asset::Asset,
    bonus::BonusRefusal,
    books::PositionId,
    display::{self, ether, utc},
    recovery::RecoveryRefusal,
    schedule::Timestamp,
    status::Status,
    terms::TermsError,
    units::{Rate, Units, Wei},
};

/// Why an escrow refused a call, or its creation. A refused call changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr)]
pub enum Refusal {
    /// Terms that no escrow accepts; of the target, also by amend.
    #[error(transparent)]
    #[strum(transparent)]
    Terms(#[from] TermsError),
    /// The caller is not the guardian.
    #[error("`{caller}` is not the guardian `{guardian}`")]
    NotGuardian {
        /// The caller.
        caller: Address,
        /// The guardian; zero for none.
        guardian: Address,
    },
    /// By pledge, decline and amend: the rescue is not open, or its deadline has passed.
    #[error("pledging is closed: the rescue is {status}, its deadline is {} and it is {}", utc(*.deadline), utc(*.time))]
    PledgingClosed {
        /// The stored status.
        status: Status,
        /// The deadline in force.
        deadline: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// The status does not allow the call.
    #[error("the rescue is {status}, which does not allow this")]
    WrongStatus {
        /// The status that the call found.
        status: Status,
    },
    /// There is no such tier.
    #[error("there is no tier {tier}; there are {count}, counted from 0")]
    UnknownTier {
        /// The tier asked for.
        tier: u8,
        /// How many there are.
        count: u8,
    },
    /// The rescue is in ETH only.
    #[error("this rescue is in ETH only and does not take {asset}")]
    AssetNotAccepted {
        /// The asset offered.
        asset: Asset,
    },
    /// A pledge of nothing.
    #[error("a pledge of nothing is refused")]
    ZeroAmount,
    /// By pledge: the latest amendment is not the one that the pledge names.
    #[error("the pledge names {}, and the latest is {}; read the terms again and name that one", amendment_text(*.named), amendment_text(*.latest))]
    AmendmentDiffers {
        /// When the amendment that the pledge names comes into force; 0 for none.
        named: Timestamp,
        /// When the latest one does or did; 0 for none.
        latest: Timestamp,
    },
    /// More than the books can hold.
    #[error("{amount} are more than the {limit} that the pot still takes")]
    AmountTooLarge {
        /// The amount offered, in the asset's own unit.
        amount: Units,
        /// The most that its pot still takes.
        limit: Units,
    },
    /// The pledger or the recipient is zero, the escrow itself, or one of its tokens.
    #[error("`{account}` can neither pledge nor receive")]
    InvalidAccount {
        /// The account.
        account: Address,
    },
    /// By refund, exit and decline: the position has nothing that the call could return.
    #[error("there is nothing to return of the {} of `{}` in tier {}", .id.asset, .id.pledger, .id.tier)]
    NothingToReturn {
        /// The position.
        id: PositionId,
    },
    /// By collect: nothing is owed.
    #[error("no {asset} of exits or declines is owed to `{pledger}`")]
    NothingOwed {
        /// To whom.
        pledger: Address,
        /// In what.
        asset: Asset,
    },
    /// By exit: no amendment is pending.
    #[error("no amendment is pending, so nobody can leave; it is {}", utc(*.time))]
    NoExitWindow {
        /// When the latest amendment came into force; 0 for none.
        effective_at: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// By amend, and by settle up to the deadline: an amendment is pending.
    #[error("an amendment is pending until {} and it is {}", utc(*.effective_at), utc(*.time))]
    AmendmentPending {
        /// When it comes into force.
        effective_at: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// By amend: the exit window would end after the deadline in force.
    #[error("the exit window would end at {}, after the deadline {}", utc(*.effective_at), utc(*.deadline))]
    AmendmentTooLate {
        /// When the amendment would come into force.
        effective_at: Timestamp,
        /// The deadline in force.
        deadline: Timestamp,
    },
    /// By amend: the new deadline is not after the exit window.
    #[error("the new deadline {} is not after the exit window's end {}", utc(*.new_deadline), utc(*.effective_at))]
    AmendedDeadlineTooEarly {
        /// The deadline proposed.
        new_deadline: Timestamp,
        /// When the amendment would come into force.
        effective_at: Timestamp,
    },
    /// By amend: the new deadline is after the latest that the terms allow.
    #[error("the new deadline {} is after the latest that the terms allow, {}", utc(*.new_deadline), utc(*.latest_deadline))]
    AmendedDeadlineTooLate {
        /// The deadline proposed.
        new_deadline: Timestamp,
        /// The latest deadline.
        latest_deadline: Timestamp,
    },
    /// By settle up to the deadline: not everything is covered.
    #[error("the pledges cover {} of {}; before the deadline everything must be covered", ether(*.coverage), ether(*.required))]
    CoverageTooLow {
        /// Value of all pots.
        coverage: Wei,
        /// The target.
        required: Wei,
    },
    /// The rescue would settle, some pot holds shares, and their rate cannot be read.
    #[error("stETH does not say what its shares are worth, so the rescue cannot settle now")]
    RateUnreadable,
    /// By expire: the rate can be read.
    #[error("the share rate can be read, so the rescue need not expire: settle it")]
    RateReadable {
        /// The rate.
        rate: Rate,
    },
    /// By expire: no pot holds shares.
    #[error("the rescue holds no shares and needs no share rate, so it need not expire: settle it")]
    RateNotNeeded,
    /// By expire: too little gas is left for a failed read to prove anything.
    #[error("{left} gas is not enough, {required} gas is needed")]
    GasTooLow {
        /// What was left.
        left: u64,
        /// What must be.
        required: u64,
    },
    /// By release: every tranche of the asset that is due is delivered.
    #[error("no tranche of {asset} is due: {delivered} of the {due} due are delivered")]
    NothingDue {
        /// The asset.
        asset: Asset,
        /// Tranches due that the beneficiary keeps.
        due: u8,
        /// Tranches delivered.
        delivered: u8,
    },
    /// By cancel and object: every tranche is due already.
    #[error("{due} of {tranches} tranches are due, so there is nothing to stop")]
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
    #[error("`{}` has objected with its {} in tier {} before", .id.pledger, .id.asset, .id.tier)]
    AlreadyObjected {
        /// The position.
        id: PositionId,
    },
    /// By object: nothing was drawn from the position.
    #[error("nothing of value was drawn of the {} of `{}` in tier {}", .id.asset, .id.pledger, .id.tier)]
    NothingDrawn {
        /// The position.
        id: PositionId,
    },
    /// By lapse and expire: the time has not come.
    #[error("it is {}, and must be later than {}", utc(*.time), utc(*.limit))]
    TooEarly {
        /// The last second at which it is too early.
        limit: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// By pledge: the token itself refused the transfer. It has words of its own for it, or none.
    #[error("{asset} cannot be moved")]
    TokenFailed {
        /// The token.
        asset: Asset,
    },
    /// The recipient does not take the ETH, or the token does not move.
    #[error("`{recipient}` could not be paid {}", display::amount(*.asset, *.amount))]
    PaymentFailed {
        /// Who was to be paid.
        recipient: Address,
        /// In what.
        asset: Asset,
        /// How much.
        amount: Units,
    },
}

fn amendment_text(effective_at: Timestamp) -> String {
    if effective_at == 0 {
        "no amendment".to_owned()
    } else {
        format!("the amendment of {}", utc(effective_at))
    }
}

/// Why an escrow or one of its pools refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr)]
pub enum Refused {
    /// The escrow, though a pool may have been called, which passes it on.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_sentence_with_values_and_times() {
        let (deadline, time) = (1_785_542_400, 1_785_546_000);
        let closed = Refusal::PledgingClosed { status: Status::Open, deadline, time };
        let text = "pledging is closed: the rescue is Open, its deadline is 2026-08-01T00:00:00Z and it is \
                    2026-08-01T01:00:00Z";
        assert_eq!(closed.to_string(), text);
        let [coverage, required] = [5, 10].map(|tenths| Wei::new(tenths * 10u128.pow(17)));
        let text = "the pledges cover 0.5 ETH of 1 ETH; before the deadline everything must be covered";
        assert_eq!(Refusal::CoverageTooLow { coverage, required }.to_string(), text);
        let differs = Refusal::AmendmentDiffers { named: 0, latest: deadline };
        let text = "the pledge names no amendment, and the latest is the amendment of 2026-08-01T00:00:00Z; read the \
                    terms again and name that one";
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
