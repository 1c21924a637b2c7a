//! Messages of a Safe: what its owners sign for it to have signed something.

use alloy::{
    dyn_abi::TypedData,
    primitives::{Address, B256, Bytes, U256},
    providers::Provider,
    sol_types::{Eip712Domain, SolStruct},
};

use super::{
    domain,
    raw::{SafeMessage, Wallet},
};
use crate::{error::Error, rpc};

/// A Safe, read from the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Safe {
    address: Address,
    threshold: U256,
    domain: Eip712Domain,
}

impl Safe {
    /// The Safe at `address` on the chain `chain_id`; none if something else is there, or nothing.
    ///
    /// # Errors
    /// [`Error::Rpc`].
    pub(crate) async fn at(
        provider: &impl Provider,
        chain_id: u64,
        address: Address,
    ) -> Result<Option<Self>, Error> {
        let separator = rpc::read_if_known(provider, address, &Wallet::domainSeparatorCall {}).await?;
        let domain = domains(chain_id, address).find(|domain| Some(domain.separator()) == separator);
        let threshold = rpc::read_if_known(provider, address, &Wallet::getThresholdCall {}).await?;
        Ok(domain.zip(threshold).map(|(domain, threshold)| Self { address, threshold, domain }))
    }

    /// What its owners sign for the Safe to have signed `message`; the hash of it is what Safe calls the message hash.
    pub(crate) fn message(&self, message: Bytes) -> TypedData {
        TypedData::from_struct(&SafeMessage { message }, Some(self.domain.clone()))
    }

    /// The hash of [`message`](Self::message).
    pub(crate) fn message_hash(&self, message: Bytes) -> B256 {
        SafeMessage { message }.eip712_signing_hash(&self.domain)
    }

    /// # Errors
    /// [`Error::SafeNeedsMore`] if the signature of one owner is not enough.
    pub(crate) fn require_one_signature(&self, message: Bytes) -> Result<(), Error> {
        if self.threshold <= U256::ONE {
            return Ok(());
        }
        let (safe, threshold) = (self.address, self.threshold.saturating_to());
        Err(Error::SafeNeedsMore { safe, threshold, message: self.message_hash(message) })
    }
}

/// The domains of all versions.
fn domains(chain_id: u64, safe: Address) -> impl Iterator<Item = Eip712Domain> {
    [Some(chain_id), None].into_iter().map(move |chain_id| domain(chain_id, safe))
}
