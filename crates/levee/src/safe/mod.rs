//! Safe, the contract wallet: what its owners sign for it.

use alloy::{
    dyn_abi::TypedData,
    primitives::{Address, B256, U256},
    providers::Provider,
    sol_types::{Eip712Domain, SolStruct},
};

use crate::{error::Error, rpc};
use raw::{SafeMessage, Wallet};

pub mod batch;

pub use batch::{Batch, BatchCall};

mod raw {
    alloy::sol! {
        interface Wallet {
            function domainSeparator() external view returns (bytes32);
            function getThreshold() external view returns (uint256);
        }

        /// What the owners sign for their Safe to have signed `message`.
        #[derive(serde::Serialize)]
        struct SafeMessage {
            bytes message;
        }
    }
}

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

    /// What its owners sign for the Safe to have signed `digest`; the hash of it is what Safe calls the message hash.
    pub(crate) fn message(&self, digest: B256) -> TypedData {
        TypedData::from_struct(&SafeMessage { message: digest.into() }, Some(self.domain.clone()))
    }

    /// The hash of [`message`](Self::message).
    pub(crate) fn message_hash(&self, digest: B256) -> B256 {
        SafeMessage { message: digest.into() }.eip712_signing_hash(&self.domain)
    }

    /// # Errors
    /// [`Error::SafeNeedsMore`] if the signature of one owner is not enough.
    pub(crate) fn require_one_signature(&self, digest: B256) -> Result<(), Error> {
        if self.threshold <= U256::ONE {
            return Ok(());
        }
        let (safe, threshold) = (self.address, self.threshold.saturating_to());
        Err(Error::SafeNeedsMore { safe, threshold, message: self.message_hash(digest) })
    }
}

/// The domain with the chain, since Safe 1.3.0, and that without it.
fn domains(chain_id: u64, safe: Address) -> impl Iterator<Item = Eip712Domain> {
    let domain = move |chain| Eip712Domain::new(None, None, chain, Some(safe), None);
    [Some(U256::from(chain_id)), None].into_iter().map(domain)
}
