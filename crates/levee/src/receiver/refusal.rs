//! Why a receiver refuses a call, in its own words or those of the queue that it passes on.

use alloy::{
    primitives::{Address, Bytes},
    sol_types::{Revert, SolError, SolInterface},
};
use levee_model::{Wei, display};
use serde::Serialize;
use strum::IntoStaticStr;
use thiserror::Error;

use super::queue::raw::Queue;
use crate::{
    bindings::{DebtRepayer::DebtRepayerErrors, StakedEtherUnwinder::StakedEtherUnwinderErrors},
    convert,
    redacted::redact,
};

/// An error of a receiver, one variant for each, under its name.
#[derive(Debug, Clone, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum ReceiverError {
    /// Money that is sent to the zero address, or to the receiver, would be lost.
    #[error("a receiver cannot serve `{account}`: what goes there would be lost")]
    InvalidAccount {
        /// The account.
        #[serde(with = "levee_model::json::Account")]
        account: Address,
    },
    /// The pool does not lend this WETH.
    #[error("the pool `{pool}` does not lend `{weth}`")]
    UnknownReserve {
        /// The pool.
        #[serde(with = "levee_model::json::Account")]
        pool: Address,
        /// The asset.
        #[serde(with = "levee_model::json::Account")]
        weth: Address,
    },
    /// There is nothing of a token to move.
    #[error("the receiver holds nothing of `{token}`")]
    NothingHeld {
        /// The token.
        #[serde(with = "levee_model::json::Account")]
        token: Address,
    },
    /// The pool took nothing, and there was nothing above the debt.
    #[error(
        "the pool takes nothing now of the {} that is offered to it, toward a debt of {}{}",
        display::ether(*offered),
        display::ether(*debt),
        said(failure)
    )]
    NothingTaken {
        /// What is owed.
        #[serde(rename = "debtWei")]
        debt: Wei,
        /// What the pool could have taken.
        #[serde(rename = "offeredWei")]
        offered: Wei,
        /// The pool's error, cut off after 256 bytes; empty if it did not fail.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        failure: Bytes,
    },
    /// WETH goes to the debt first.
    #[error("`{token}` goes to the debt first, and only what is above it to `rest`")]
    OnlyForDebt {
        /// WETH.
        #[serde(with = "levee_model::json::Account")]
        token: Address,
    },
    /// A token reported a failure without a reason.
    #[error("the token `{token}` refused the call without a reason")]
    SafeERC20FailedOperation {
        /// The token.
        #[serde(with = "levee_model::json::Account")]
        token: Address,
    },
    /// There is less stETH than the least that can be requested.
    #[error("the receiver holds {held} of stETH, less than the {least} of the smallest request")]
    NothingToRequest {
        /// What it holds.
        #[serde(rename = "heldWei")]
        held: Wei,
        /// The least that can be requested.
        #[serde(rename = "leastWei")]
        least: Wei,
    },
    /// There is no ETH.
    #[error("the receiver holds no ETH")]
    NothingToForward,
    /// The recipient does not accept the ETH.
    #[error("the recipient `{recipient}` does not accept {}", display::ether(*amount))]
    PaymentFailed {
        /// The recipient.
        #[serde(with = "levee_model::json::Account")]
        recipient: Address,
        /// How much it did not accept.
        #[serde(rename = "amountWei")]
        amount: Wei,
    },
    /// The queue's own error while it is paused.
    #[error("Lido's withdrawal queue is paused")]
    ResumedExpected,
}

/// What a pool said when it failed: a text, or data in hexadecimal digits.
fn said(failure: &Bytes) -> String {
    match Revert::abi_decode_validate(failure) {
        _ if failure.is_empty() => String::new(),
        Ok(revert) => format!("; it says `{}`", redact(&revert.reason)),
        Err(_) => format!("; its error is `{failure}`"),
    }
}

impl ReceiverError {
    /// Whether the receiver has nothing that the call could move, because somebody else was faster.
    pub const fn finds_nothing(&self) -> bool {
        matches!(self, Self::NothingHeld { .. } | Self::NothingToRequest { .. } | Self::NothingToForward)
    }

    /// Reads revert data of a debt repayer; `None` when it is no error of one.
    pub fn decode_repayer(data: &[u8]) -> Option<Self> {
        use DebtRepayerErrors as E;
        Some(match E::abi_decode_validate(data).ok()? {
            E::InvalidAccount(e) => Self::InvalidAccount { account: e.account },
            E::UnknownReserve(e) => Self::UnknownReserve { pool: e.pool, weth: e.weth },
            E::NothingHeld(e) => Self::NothingHeld { token: e.token },
            E::NothingTaken(e) => Self::NothingTaken {
                debt: convert::wei(e.debt).ok()?,
                offered: convert::wei(e.offered).ok()?,
                failure: e.failure,
            },
            E::OnlyForDebt(e) => Self::OnlyForDebt { token: e.token },
            E::SafeERC20FailedOperation(e) => Self::SafeERC20FailedOperation { token: e.token },
        })
    }

    /// Reads revert data of an unwinder of staked ether; `None` when it is no error of one, nor the queue's when it is paused.
    pub fn decode_unwinder(data: &[u8]) -> Option<Self> {
        use StakedEtherUnwinderErrors as E;
        if Queue::ResumedExpected::abi_decode_validate(data).is_ok() {
            return Some(Self::ResumedExpected);
        }
        Some(match E::abi_decode_validate(data).ok()? {
            E::InvalidAccount(e) => Self::InvalidAccount { account: e.account },
            E::NothingToForward(_) => Self::NothingToForward,
            E::NothingToRequest(e) => Self::NothingToRequest {
                held: convert::wei(e.held).ok()?,
                least: convert::wei(e.least).ok()?,
            },
            E::PaymentFailed(e) => {
                Self::PaymentFailed { recipient: e.recipient, amount: convert::wei(e.amount).ok()? }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bindings::{DebtRepayer as R, StakedEtherUnwinder as U},
        convert::tests::{case, every_error_is_decoded},
    };
    use alloy::primitives::{U256, bytes};

    const ACCOUNT: Address = Address::repeat_byte(1);

    #[test]
    fn every_error_of_a_repayer_keeps_its_facts() {
        use ReceiverError as E;
        let (token, account, pool) = (ACCOUNT, ACCOUNT, Address::repeat_byte(2));
        let failure = Bytes::from([7, 8]);
        let taken = R::NothingTaken { debt: U256::from(5), offered: U256::from(6), failure: failure.clone() };
        let cases = [
            case(&R::InvalidAccount { account }, E::InvalidAccount { account }),
            case(&R::UnknownReserve { pool, weth: token }, E::UnknownReserve { pool, weth: token }),
            case(&R::NothingHeld { token }, E::NothingHeld { token }),
            case(&taken, E::NothingTaken { debt: Wei::new(5), offered: Wei::new(6), failure }),
            case(&R::OnlyForDebt { token }, E::OnlyForDebt { token }),
            case(&R::SafeERC20FailedOperation { token }, E::SafeERC20FailedOperation { token }),
        ];
        let artifact = include_str!("../../artifacts/DebtRepayer.json");
        every_error_is_decoded(artifact, &[], &cases, E::decode_repayer);
    }

    #[test]
    fn every_error_of_an_unwinder_keeps_its_facts() {
        use ReceiverError as E;
        let (account, recipient) = (ACCOUNT, ACCOUNT);
        let (held, least, amount) = (U256::from(3), U256::from(4), U256::from(5));
        let too_little = E::NothingToRequest { held: Wei::new(3), least: Wei::new(4) };
        let failed = E::PaymentFailed { recipient, amount: Wei::new(5) };
        let cases = [
            case(&U::InvalidAccount { account }, E::InvalidAccount { account }),
            case(&U::NothingToForward {}, E::NothingToForward),
            case(&U::NothingToRequest { held, least }, too_little),
            case(&U::PaymentFailed { recipient, amount }, failed),
        ];
        let artifact = include_str!("../../artifacts/StakedEtherUnwinder.json");
        every_error_is_decoded(artifact, &[], &cases, E::decode_unwinder);
        let paused = Queue::ResumedExpected {}.abi_encode();
        assert_eq!(E::decode_unwinder(&paused), Some(E::ResumedExpected));
    }

    #[test]
    fn what_a_pool_says_is_told() {
        let text = |failure| {
            let (debt, offered) = (Wei::new(7 * 10u128.pow(18)), Wei::new(10u128.pow(18)));
            ReceiverError::NothingTaken { debt, offered, failure }.to_string()
        };
        let nothing = "the pool takes nothing now of the 1 ETH that is offered to it, toward a debt of 7 ETH";
        assert_eq!(text(Bytes::new()), nothing);
        let paused = Revert { reason: "29".into() }.abi_encode().into();
        assert_eq!(text(paused), format!("{nothing}; it says `29`"));
        assert_eq!(text(bytes!("90cd6f24")), format!("{nothing}; its error is `0x90cd6f24`"));
    }
}
