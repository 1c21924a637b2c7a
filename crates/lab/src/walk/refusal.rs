//! By which rule was a call refused? The contracts' errors in the words of the model, with the same facts.

use levee::{EscrowError, RecoveryError};
use levee_model::{
    Asset, RecoveryRefusal, Refusal, Units,
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
        E::NothingToReturn { id } => Refusal::NothingToReturn { id },
        E::NotGuardian { caller, guardian } => Refusal::NotGuardian { caller, guardian },
        E::NoExitWindow { time, .. } => Refusal::NoExitWindow { time },
        E::AmendmentPending { effective_at, time } => {
            Refusal::AmendmentPending { in_force_from: effective_at, time }
        }
        E::AmendmentTooLate { effective_at, deadline } => {
            Refusal::AmendmentTooLate { in_force_from: effective_at, deadline }
        }
        E::AmendedDeadlineTooEarly { new_deadline, effective_at } => {
            Refusal::AmendedDeadlineTooEarly { new_deadline, in_force_from: effective_at }
        }
        E::TargetOutOfBounds { target, minimum: MIN_TARGET, maximum: MAX_TARGET } => {
            Refusal::TargetOutOfBounds { target }
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
        E::RateReadable { rate } => Refusal::RateReadable { rate },
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
