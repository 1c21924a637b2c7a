//! By which rule was a call refused? The contracts' errors in the words of the model, with the same facts.

use levee::{Contract, Error};
use levee_model::{Refusal, Refused};

use super::{format::Op, world::BROKEN_DATA};
use crate::chain::Failure;

/// The rule by which a call failed; none when it is no rule's refusal.
pub(super) fn refused(failure: &Failure, op: &Op) -> Option<Refused> {
    let Failure::Revert(data) = failure else { return None };
    let error = Error::from_revert_of(contract_of(op), data);
    let is_tokens = *data == BROKEN_DATA || matches!(error, Error::TokenRefused { .. });
    match op {
        // What a token says that is broken, or has not been allowed enough.
        Op::Pledge { asset, .. } if is_tokens => Some(Refusal::TokenFailed { asset: *asset }.into()),
        _ => error.refused(),
    }
}

fn contract_of(op: &Op) -> Contract {
    match op {
        Op::Pledge { via: Some(_), .. } => Contract::PledgeRouter,
        _ if op.is_of_pool() => Contract::RecoveryPool,
        _ if op.is_of_bonus() => Contract::BonusPool,
        _ => Contract::PledgeEscrow,
    }
}
