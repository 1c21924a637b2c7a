//! What signs for an account: a key in memory, a device, a wallet, a service.

use std::{fmt, sync::Arc};

use alloy::{
    dyn_abi::TypedData,
    network::TxSigner,
    primitives::{Address, B256, Signature},
    signers::{self, Signer, local::PrivateKeySigner},
};
use serde::Serialize;
use strum::IntoStaticStr;
use thiserror::Error;

use crate::{error::Error, outbox::Wallet, redacted::RedactedError, signature};

/// Signs for one account. All sign transactions; whether one also signs typed data (EIP-712), as declarations and permits are,
/// it tells by [`typed_data`](Self::typed_data).
///
/// An implementation reports what a person can mend as a [`SignerError`] in [`signers::Error::other`].
pub trait AccountSigner: TxSigner<Signature> + fmt::Debug + Send + Sync {
    /// What signs typed data for the account; none for a device that cannot.
    fn typed_data(&self) -> Option<&(dyn Signer + Send + Sync)>;

    /// The wallet that sends the account's transactions itself, instead of signing them; none if it signs them.
    fn wallet(self: Arc<Self>) -> Option<Arc<dyn Wallet>> {
        None
    }
}

impl AccountSigner for PrivateKeySigner {
    fn typed_data(&self) -> Option<&(dyn Signer + Send + Sync)> {
        Some(self)
    }
}

impl<S: AccountSigner + ?Sized> AccountSigner for Arc<S> {
    fn typed_data(&self) -> Option<&(dyn Signer + Send + Sync)> {
        (**self).typed_data()
    }
}

/// Why a device or a wallet did not sign. The person who holds it can mend each of these; nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, IntoStaticStr, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "facts", rename_all_fields = "camelCase")]
pub enum SignerError {
    /// There is none.
    #[error("no {signer} was found")]
    SignerNotFound {
        /// What was looked for, as in `Ledger`.
        signer: &'static str,
    },
    /// Another program uses it, or this one may not.
    #[error("the {signer} cannot be opened")]
    SignerNotOpened {
        /// What it is.
        signer: &'static str,
    },
    /// More than one is connected.
    #[error("there are several {signer}s, and only one can be used")]
    SeveralSigners {
        /// What they are.
        signer: &'static str,
    },
    /// It is locked.
    #[error("the {signer} is locked")]
    SignerLocked {
        /// What it is.
        signer: &'static str,
    },
    /// Another app than Ethereum's is open on it, or none.
    #[error("the Ethereum app is not open on the {signer}")]
    WrongApp {
        /// What it is.
        signer: &'static str,
    },
    /// It cannot show what it is to sign, and is not set to sign it all the same.
    #[error("the {signer} does not sign what it cannot show: blind signing is disabled")]
    BlindSigningDisabled {
        /// What it is.
        signer: &'static str,
    },
    /// The person refused.
    #[error("the request was rejected on the {signer}")]
    RejectedBySigner {
        /// What it is.
        signer: &'static str,
    },
}

/// Signs typed data, and checks the signature.
///
/// # Errors
/// [`Error::NoTypedData`]; [`Error::NotSigned`], [`Error::SignerRefused`], [`Error::NotOwnSignature`].
pub(crate) async fn sign_typed_data(
    signer: &dyn AccountSigner,
    data: &TypedData,
) -> Result<Signature, Error> {
    let account = TxSigner::address(signer);
    let typed = signer.typed_data().ok_or(Error::NoTypedData { account })?;
    let signature = typed.sign_dynamic_typed_data(data).await.map_err(not_signed)?.normalized_s();
    let digest = data.eip712_signing_hash().map_err(|error| not_signed(error.into()))?;
    require_own(account, &signature, digest)?;
    Ok(signature)
}

/// Refuses a signature that is not by `account`, as of a device that was asked for one account and signed with another.
pub(crate) fn require_own(account: Address, signature: &Signature, digest: B256) -> Result<(), Error> {
    // No node takes a transaction whose signature has a high `s` (EIP-2).
    if signature.normalize_s().is_none() && signature::is_by(signature, account, digest) {
        Ok(())
    } else {
        Err(Error::NotOwnSignature { account })
    }
}

/// What it means that an account did not sign.
pub(crate) fn not_signed(error: signers::Error) -> Error {
    let ours = match &error {
        signers::Error::Other(source) => source.downcast_ref().copied(),
        _ => None,
    };
    ours.map_or_else(|| Error::NotSigned { source: RedactedError::new(error) }, Error::SignerRefused)
}
