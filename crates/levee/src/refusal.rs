//! Why an escrow refused: its custom errors, with the facts that they carry.

use alloy::{
    primitives::{Address, U256},
    sol_types::SolInterface,
};
use levee_model::{Asset, Bps, PositionId, Rate, Status, Timestamp, Units, Wei};
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{
    bindings::PledgeEscrow::PledgeEscrowErrors as Raw,
    convert::{self, narrow},
    display::{self, ether, utc},
    error,
};

/// An error of the escrow, one variant for each, under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr)]
pub enum EscrowError {
    /// In terms: the beneficiary is the zero address.
    #[error("the beneficiary is the zero address")]
    BeneficiaryZero,
    /// In terms: only one of stETH and wstETH is set, or wstETH does not wrap this stETH.
    #[error("wstETH `{wsteth}` does not wrap stETH `{steth}`; set both, or neither")]
    TokensMismatch {
        /// stETH.
        steth: Address,
        /// wstETH.
        wsteth: Address,
    },
    /// In terms and by amend: the target is too small or too large.
    #[error("the target of {} is not within {} and {}", ether(*.target), ether(*.minimum), ether(*.maximum))]
    TargetOutOfBounds {
        /// The target.
        target: Wei,
        /// The smallest.
        minimum: Wei,
        /// The largest.
        maximum: Wei,
    },
    /// In terms: the deadline is not after the block's time.
    #[error("the deadline {} has passed, it is {}", utc(*.deadline), utc(*.time))]
    DeadlinePassed {
        /// The deadline.
        deadline: Timestamp,
        /// Block time.
        time: Timestamp,
    },
    /// In terms: no tier, or too many.
    #[error("{count} tiers are not within 1 and {limit}")]
    TierCountOutOfBounds {
        /// How many.
        count: u64,
        /// The most.
        limit: u64,
    },
    /// In terms: a tier's threshold is zero, above 100 %, or below the one of the tier before.
    #[error("tier {tier} has a threshold of {threshold}, not within {previous} and {}", Bps::ONE)]
    ThresholdOutOfOrder {
        /// Index of the tier.
        tier: u64,
        /// Its threshold.
        threshold: Bps,
        /// The lowest that it could be.
        previous: Bps,
    },
    /// In terms: the last tier's threshold is not 100 %.
    #[error("the last tier has a threshold of {threshold}, not {}", Bps::ONE)]
    LastThresholdNotFull {
        /// Its threshold.
        threshold: Bps,
    },
    /// In terms: two tiers have one draw order and two rates.
    #[error("tiers {other} and {tier} have the same draw order and different rates")]
    RatesDiffer {
        /// Index of the later tier.
        tier: u64,
        /// Index of the earlier tier.
        other: u64,
    },
    /// In terms: the latest deadline is before the deadline.
    #[error("the latest deadline {} is before the deadline {}; set it at or after that", utc(*.latest_deadline), utc(*.deadline))]
    LatestDeadlineTooEarly {
        /// The latest deadline.
        latest_deadline: Timestamp,
        /// The deadline.
        deadline: Timestamp,
    },
    /// In terms: the objection period is zero.
    #[error("the objection period must not be zero, else something is due in the block that settles")]
    ObjectionPeriodZero,
    /// In terms: the veto is 100 % or more, which rounded weights cannot reach.
    #[error("a veto of {veto} is not less than {}", Bps::ONE)]
    VetoOutOfBounds {
        /// The veto.
        veto: Bps,
    },
    /// In terms: no tranche, or too many.
    #[error("{tranches} tranches are not within 1 and {limit}")]
    TranchesOutOfBounds {
        /// How many.
        tranches: u64,
        /// The most.
        limit: u64,
    },
    /// In terms: several tranches and no time between them.
    #[error("{tranches} tranches need an interval; it must not be zero")]
    TrancheIntervalZero {
        /// How many.
        tranches: u64,
    },
    /// In terms: the release window or the exit window is zero.
    #[error("the release window ({release_window} s) and the exit window ({exit_window} s) must not be zero")]
    WindowZero {
        /// The release window.
        release_window: u64,
        /// The exit window.
        exit_window: u64,
    },
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
        tier: u64,
        /// How many there are.
        count: u64,
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
        /// When the amendment that it names comes into force, if it names one.
        named: Option<Timestamp>,
        /// When the latest one does, if there is one.
        latest: Option<Timestamp>,
    },
    /// More than the books can hold.
    #[error("{amount} units are more than the {limit} units that the pot still takes")]
    AmountTooLarge {
        /// The amount offered, in the asset's own unit.
        amount: U256,
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
        /// When the last amendment came into force, if there was one.
        effective_at: Option<Timestamp>,
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
        /// The rate, which no escrow leaves out.
        rate: Option<Rate>,
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
        due: u64,
        /// Tranches delivered.
        delivered: u64,
    },
    /// By cancel and object: every tranche is due already.
    #[error("{due} of {tranches} tranches are due, so there is nothing to stop")]
    NothingToStop {
        /// Tranches due.
        due: u64,
        /// Tranches in all.
        tranches: u64,
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
    /// The recipient does not take the ETH, or a token reports a failed transfer.
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

fn amendment_text(effective_at: Option<Timestamp>) -> String {
    effective_at.map_or_else(|| "no amendment".to_owned(), |time| format!("the amendment of {}", utc(time)))
}

impl EscrowError {
    /// Reads revert data; `None` when it is no error of the escrow.
    pub fn decode(data: &[u8]) -> Option<Self> {
        let raw = Raw::abi_decode_validate(data).ok()?;
        Self::of_terms(&raw).or_else(|_| Self::of_calls(&raw)).ok()
    }

    /// The errors of the constructor, most of them of `amend` too.
    fn of_terms(raw: &Raw) -> Result<Self, error::Error> {
        Ok(match raw {
            Raw::BeneficiaryZero(_) => Self::BeneficiaryZero,
            Raw::TokensMismatch(e) => Self::TokensMismatch { steth: e.stETH, wsteth: e.wstETH },
            Raw::TargetOutOfBounds(e) => Self::TargetOutOfBounds {
                target: convert::wei(e.target)?,
                minimum: convert::wei(e.minimum)?,
                maximum: convert::wei(e.maximum)?,
            },
            Raw::DeadlinePassed(e) => {
                Self::DeadlinePassed { deadline: convert::time(e.deadline)?, time: convert::time(e.time)? }
            }
            Raw::TierCountOutOfBounds(e) => {
                Self::TierCountOutOfBounds { count: count(e.count)?, limit: count(e.limit)? }
            }
            Raw::ThresholdOutOfOrder(e) => Self::ThresholdOutOfOrder {
                tier: count(e.tier)?,
                threshold: bps(e.thresholdBps)?,
                previous: bps(e.previousBps)?,
            },
            Raw::LastThresholdNotFull(e) => Self::LastThresholdNotFull { threshold: bps(e.thresholdBps)? },
            Raw::RatesDiffer(e) => Self::RatesDiffer { tier: count(e.tier)?, other: count(e.otherTier)? },
            Raw::LatestDeadlineTooEarly(e) => Self::LatestDeadlineTooEarly {
                latest_deadline: convert::time(e.latestDeadline)?,
                deadline: convert::time(e.deadline)?,
            },
            Raw::ObjectionPeriodZero(_) => Self::ObjectionPeriodZero,
            Raw::TrancheIntervalZero(e) => Self::TrancheIntervalZero { tranches: count(e.tranches)? },
            Raw::VetoOutOfBounds(e) => Self::VetoOutOfBounds { veto: bps(e.vetoBps)? },
            Raw::TranchesOutOfBounds(e) => {
                Self::TranchesOutOfBounds { tranches: count(e.tranches)?, limit: count(e.limit)? }
            }
            Raw::WindowZero(e) => Self::WindowZero {
                release_window: count(e.releaseWindow)?,
                exit_window: count(e.exitWindow)?,
            },
            _ => return Err(error::Error::Malformed { what: "an error of terms" }),
        })
    }

    fn of_calls(raw: &Raw) -> Result<Self, error::Error> {
        Ok(match raw {
            Raw::NotGuardian(e) => Self::NotGuardian { caller: e.caller, guardian: e.guardian },
            Raw::PledgingClosed(e) => Self::PledgingClosed {
                status: convert::status(e.status)?,
                deadline: convert::time(e.deadline)?,
                time: convert::time(e.time)?,
            },
            Raw::WrongStatus(e) => Self::WrongStatus { status: convert::status(e.status)? },
            Raw::UnknownTier(e) => Self::UnknownTier { tier: count(e.tier)?, count: count(e.count)? },
            Raw::AssetNotAccepted(e) => Self::AssetNotAccepted { asset: convert::asset(e.asset)? },
            Raw::ZeroAmount(_) => Self::ZeroAmount,
            Raw::AmountTooLarge(e) => {
                Self::AmountTooLarge { amount: e.amount, limit: Units::new(narrow(e.limit, "an amount")?) }
            }
            Raw::InvalidAccount(e) => Self::InvalidAccount { account: e.account },
            Raw::NothingToReturn(e) => {
                Self::NothingToReturn { id: convert::wide_position(e.pledger, e.tier, e.asset)? }
            }
            Raw::NothingOwed(e) => Self::NothingOwed { pledger: e.pledger, asset: convert::asset(e.asset)? },
            Raw::AlreadyObjected(e) => {
                Self::AlreadyObjected { id: convert::wide_position(e.pledger, e.tier, e.asset)? }
            }
            Raw::NothingDrawn(e) => {
                Self::NothingDrawn { id: convert::wide_position(e.pledger, e.tier, e.asset)? }
            }
            Raw::RateUnreadable(_) => Self::RateUnreadable,
            Raw::RateReadable(e) => Self::RateReadable { rate: convert::rate(e.rate) },
            Raw::RateNotNeeded(_) => Self::RateNotNeeded,
            Raw::GasTooLow(e) => Self::GasTooLow { left: count(e.left)?, required: count(e.required)? },
            Raw::NoVeto(_) => Self::NoVeto,
            Raw::PaymentFailed(e) => Self::PaymentFailed {
                recipient: e.recipient,
                asset: convert::asset(e.asset)?,
                amount: convert::units(e.amount),
            },
            _ => return Self::of_time(raw),
        })
    }

    /// The errors that turn on a time, or on what is due by it.
    fn of_time(raw: &Raw) -> Result<Self, error::Error> {
        Ok(match raw {
            Raw::NoExitWindow(e) => {
                Self::NoExitWindow { effective_at: amendment(e.effectiveAt)?, time: convert::time(e.time)? }
            }
            Raw::AmendmentDiffers(e) => {
                Self::AmendmentDiffers { named: amendment(e.named)?, latest: amendment(e.latest)? }
            }
            Raw::AmendmentPending(e) => Self::AmendmentPending {
                effective_at: convert::time(e.effectiveAt)?,
                time: convert::time(e.time)?,
            },
            Raw::AmendmentTooLate(e) => Self::AmendmentTooLate {
                effective_at: convert::time(e.effectiveAt)?,
                deadline: convert::time(e.deadline)?,
            },
            Raw::AmendedDeadlineTooEarly(e) => Self::AmendedDeadlineTooEarly {
                new_deadline: convert::time(e.newDeadline)?,
                effective_at: convert::time(e.effectiveAt)?,
            },
            Raw::AmendedDeadlineTooLate(e) => Self::AmendedDeadlineTooLate {
                new_deadline: convert::time(e.newDeadline)?,
                latest_deadline: convert::time(e.latestDeadline)?,
            },
            Raw::CoverageTooLow(e) => Self::CoverageTooLow {
                coverage: convert::wei(e.coverage)?,
                required: convert::wei(e.required)?,
            },
            Raw::NothingDue(e) => Self::NothingDue {
                asset: convert::asset(e.asset)?,
                due: count(e.due)?,
                delivered: count(e.delivered)?,
            },
            Raw::NothingToStop(e) => Self::NothingToStop { due: count(e.due)?, tranches: count(e.tranches)? },
            Raw::TooEarly(e) => {
                Self::TooEarly { limit: convert::time(e.limit)?, time: convert::time(e.time)? }
            }
            _ => return Err(error::Error::Malformed { what: "an error" }),
        })
    }
}

/// 0 stands for no amendment.
fn amendment(effective_at: U256) -> Result<Option<Timestamp>, error::Error> {
    Ok(Some(convert::time(effective_at)?).filter(|&time| time != 0))
}

fn count(number: U256) -> Result<u64, error::Error> {
    narrow(number, "a count")
}

fn bps(number: U256) -> Result<Bps, error::Error> {
    narrow(number, "basis points").map(Bps::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{primitives::hex, sol_types::SolError};

    use crate::{bindings::PledgeEscrow, convert::tests::every_error_has_its_variant};

    #[test]
    fn every_error_of_the_escrow_has_its_variant() {
        every_error_has_its_variant(include_str!("../artifacts/PledgeEscrow.json"), 42, EscrowError::decode);
    }

    #[test]
    fn an_error_is_one_sentence_with_values_and_times() {
        let ether = U256::from(10).pow(U256::from(18));
        let closed = PledgeEscrow::PledgingClosed {
            status: 0,
            deadline: U256::from(1_785_542_400),
            time: U256::from(1_785_546_000),
        };
        assert_eq!(
            EscrowError::decode(&closed.abi_encode()).unwrap().to_string(),
            "pledging is closed: the rescue is Open, its deadline is 2026-08-01T00:00:00Z and it is \
             2026-08-01T01:00:00Z"
        );
        let coverage = PledgeEscrow::CoverageTooLow { coverage: ether / U256::from(2), required: ether };
        assert_eq!(
            EscrowError::decode(&coverage.abi_encode()).unwrap().to_string(),
            "the pledges cover 0.5 ETH of 1 ETH; before the deadline everything must be covered"
        );
    }

    #[test]
    fn other_data_is_no_error_of_the_escrow() {
        let unknown_asset = PledgeEscrow::AssetNotAccepted { asset: 3 };
        let text = hex!("08c379a0");
        for data in [&[][..], &text, &unknown_asset.abi_encode(), &PledgeEscrow::NoVeto::SELECTOR[..3]] {
            assert_eq!(EscrowError::decode(data), None);
        }
    }
}
