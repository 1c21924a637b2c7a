//! By which rule was a call refused? The contracts' errors in the words of the model, with the same facts.

use levee::{BonusError, EscrowError, RecoveryError};
use levee_model::{
    Asset, BonusRefusal, RecoveryRefusal, Refusal, UnitSeconds, Units,
    terms::{MAX_TARGET, MIN_TARGET},
};
use thiserror::Error;

use super::world::BROKEN_DATA;
use crate::chain::Failure;

/// Who refused a call, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// The rescue.
    #[error(transparent)]
    ByRescue(#[from] Refusal),
    /// The recovery pool.
    #[error(transparent)]
    ByPool(#[from] RecoveryRefusal),
    /// The bonus pool.
    #[error(transparent)]
    ByBonus(#[from] BonusRefusal),
}

/// The rule by which a call of the escrow failed; none when it is no rule's refusal.
pub(super) fn of_escrow(failure: &Failure) -> Option<Refusal> {
    let Failure::Revert(data) = failure else { return None };
    if *data == BROKEN_DATA {
        return Some(Refusal::TokenFailed { asset: Asset::StEth });
    }
    let error = EscrowError::decode(data)?;
    of_pledging(error).or_else(|| of_decided(error))
}

/// The same of a call of the recovery pool, which passes on what the escrow says.
pub(super) fn of_pool(failure: &Failure) -> Option<RecoveryRefusal> {
    use RecoveryError as E;
    let Failure::Revert(data) = failure else { return None };
    let Some(error) = E::decode(data) else {
        return of_escrow(failure).map(RecoveryRefusal::ByRescue);
    };
    Some(match error {
        E::NotFinal { status } => RecoveryRefusal::NotFinal { status },
        E::ZeroAmount => RecoveryRefusal::ZeroAmount,
        E::NothingDelivered => RecoveryRefusal::NothingDelivered,
        E::AmountTooLarge { amount, limit } => RecoveryRefusal::AmountTooLarge { amount, limit },
        E::NotDrawn { tier } => RecoveryRefusal::NotDrawn { tier: tier.try_into().ok()? },
        E::NothingToClaim { id } => RecoveryRefusal::NothingToClaim { id },
        E::InvalidAccount { account } => RecoveryRefusal::InvalidAccount { account },
        E::PaymentFailed { .. } => return None,
    })
}

/// The same of a call of the bonus pool, which passes on what the escrow says.
pub(super) fn of_bonus(failure: &Failure) -> Option<BonusRefusal> {
    use BonusError as E;
    let Failure::Revert(data) = failure else { return None };
    let Some(error) = E::decode(data) else {
        return of_escrow(failure).map(BonusRefusal::ByRescue);
    };
    Some(match error {
        E::AddingClosed { status, deadline, time } => BonusRefusal::AddingClosed { status, deadline, time },
        E::ZeroAmount => BonusRefusal::ZeroAmount,
        E::InvalidAccount { account } => BonusRefusal::InvalidAccount { account },
        E::NothingToEnlist { id } => BonusRefusal::NothingToEnlist { id },
        E::AmountTooLarge { amount, limit } => {
            BonusRefusal::AmountTooLarge { amount: UnitSeconds::new(amount), limit: UnitSeconds::new(limit) }
        }
        E::TooEarly { limit, time } => BonusRefusal::TooEarly { limit, time },
        E::NothingToClaim { id } => BonusRefusal::NothingToClaim { id },
        E::NothingToTakeBack { sponsor } => BonusRefusal::NothingToTakeBack { sponsor },
        E::PaymentFailed { .. } => return None,
    })
}

/// The same of a pledge through the router: what a token says that has not been allowed enough, or the escrow, or the bonus
/// pool that the router enlists at.
pub(super) fn of_router(failure: &Failure, asset: Asset) -> Option<Refused> {
    if failure.reason().is_some() {
        return Some(Refusal::TokenFailed { asset }.into());
    }
    of_escrow(failure).map(Refused::ByRescue).or_else(|| of_bonus(failure).map(Refused::ByBonus))
}

fn of_pledging(error: EscrowError) -> Option<Refusal> {
    use EscrowError as E;
    Some(match error {
        E::PledgingClosed { status, deadline, time } => Refusal::PledgingClosed { status, deadline, time },
        E::UnknownTier { tier, count } => {
            Refusal::UnknownTier { tier: tier.try_into().ok()?, count: count.try_into().ok()? }
        }
        E::AssetNotAccepted { asset } => Refusal::AssetNotAccepted { asset },
        E::ZeroAmount => Refusal::ZeroAmount,
        E::AmountTooLarge { amount, limit } => {
            Refusal::AmountTooLarge { amount: Units::new(amount.try_into().ok()?), limit }
        }
        E::InvalidAccount { account } => Refusal::InvalidAccount { account },
        E::AmendmentDiffers { named, latest } => {
            Refusal::AmendmentDiffers { named: named.unwrap_or_default(), latest: latest.unwrap_or_default() }
        }
        E::NothingToReturn { id } => Refusal::NothingToReturn { id },
        E::NothingOwed { pledger, asset } => Refusal::NothingOwed { pledger, asset },
        E::NotGuardian { caller, guardian } => Refusal::NotGuardian { caller, guardian },
        E::NoExitWindow { time, .. } => Refusal::NoExitWindow { time },
        E::TargetOutOfBounds { target, minimum: MIN_TARGET, maximum: MAX_TARGET } => {
            Refusal::TargetOutOfBounds { target }
        }
        _ => return of_amending(error),
    })
}

fn of_amending(error: EscrowError) -> Option<Refusal> {
    use EscrowError as E;
    Some(match error {
        E::AmendmentPending { effective_at, time } => Refusal::AmendmentPending { effective_at, time },
        E::AmendmentTooLate { effective_at, deadline } => {
            Refusal::AmendmentTooLate { effective_at, deadline }
        }
        E::AmendedDeadlineTooEarly { new_deadline, effective_at } => {
            Refusal::AmendedDeadlineTooEarly { new_deadline, effective_at }
        }
        E::AmendedDeadlineTooLate { new_deadline, latest_deadline } => {
            Refusal::AmendedDeadlineTooLate { new_deadline, latest_deadline }
        }
        _ => return None,
    })
}

fn of_decided(error: EscrowError) -> Option<Refusal> {
    use EscrowError as E;
    Some(match error {
        E::WrongStatus { status } => Refusal::WrongStatus { status },
        E::CoverageTooLow { coverage, required } => Refusal::CoverageTooLow { coverage, required },
        E::RateUnreadable => Refusal::RateUnreadable,
        E::RateReadable { rate: Some(rate) } => Refusal::RateReadable { rate },
        E::RateNotNeeded => Refusal::RateNotNeeded,
        // The tokens here refuse to move only while they are broken, and whoever is paid here takes ETH.
        E::PaymentFailed { asset, .. } if asset.is_shares() => Refusal::TokenFailed { asset },
        E::NothingDue { asset, due, delivered } => {
            Refusal::NothingDue { asset, due: due.try_into().ok()?, delivered: delivered.try_into().ok()? }
        }
        E::NothingToStop { due, tranches } => {
            Refusal::NothingToStop { due: due.try_into().ok()?, tranches: tranches.try_into().ok()? }
        }
        E::NoVeto => Refusal::NoVeto,
        E::AlreadyObjected { id } => Refusal::AlreadyObjected { id },
        E::NothingDrawn { id } => Refusal::NothingDrawn { id },
        E::TooEarly { limit, time } => Refusal::TooEarly { limit, time },
        _ => return None,
    })
}
