//! Creates contracts, each exactly once, whoever sends the transaction.

use alloy::{
    eips::BlockId, network::TransactionBuilder, primitives::Address, providers::Provider,
    rpc::types::TransactionRequest,
};
use levee_model::{Asset, Terms, Wei};
use serde::Serialize;

use crate::{
    bindings::WstETH,
    blueprint::{Blueprint, Contract},
    call::{Call, Executed},
    error::Error,
    network,
    operation::Transaction,
    outbox::{Journal, Outbox},
    provider::check_chain,
    rpc,
    terms::{self, CREATE2_DEPLOYER},
};

/// The result of [`Blueprint::deploy`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "deployment")]
pub enum Deployment {
    /// It existed already, so nothing was sent, or someone else was faster.
    Already {
        /// Its address.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
    },
    /// It was created.
    Created {
        /// Its address.
        #[serde(with = "levee_model::json::Account")]
        address: Address,
        /// The transaction that created it.
        #[serde(flatten)]
        executed: Executed,
    },
}

impl Deployment {
    /// Its address.
    pub const fn address(&self) -> Address {
        match self {
            Self::Already { address } | Self::Created { address, .. } => *address,
        }
    }
}

impl Blueprint {
    /// Creates the contract on the chain of `outbox`, whose account pays, unless it exists.
    ///
    /// Can be repeated: once it exists, nothing is sent.
    ///
    /// # Errors
    /// Like [`prepare`](Self::prepare) and [`Call::execute`]; [`Error::NotCreated`].
    pub async fn deploy<P: Provider + Clone, J: Journal>(
        &self,
        outbox: &Outbox<P, J>,
    ) -> Result<Deployment, Error> {
        let (contract, address) = (self.contract(), self.address());
        let provider = outbox.provider();
        let Some(call) = self.prepare(provider, outbox.chain(), outbox.account()).await? else {
            return Ok(Deployment::Already { address });
        };
        let result = call.execute(outbox).await;
        // The deployer fails if there is code already: someone else has then created the same contract, before the simulation
        // or after it.
        match (result, self.verify(provider).await) {
            (Ok(executed), Ok(())) => Ok(Deployment::Created { address, executed }),
            (Err(_), Ok(())) => Ok(Deployment::Already { address }),
            (Ok(executed), Err(Error::NoCode { .. } | Error::NotLevee { .. })) => {
                Err(Error::NotCreated { contract, transaction: executed.transaction, address })
            }
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// The transaction that creates the contract, after all checks that can be made in advance; `None` if
    /// it exists.
    ///
    /// # Errors
    /// [`Error::WrongChain`], [`Error::NoDeployer`], the constructor's errors (for an escrow,
    /// [`Error::Refused`] with the rule that the terms violate, [`Error::NoToken`] or
    /// [`Error::ForeignTokens`]), [`Error::NotLevee`] if other code is at the address, [`Error::Rpc`].
    pub async fn prepare<P: Provider + Clone>(
        &self,
        provider: &P,
        chain_id: u64,
        from: Address,
    ) -> Result<Option<Call<P>>, Error> {
        if !self.is_missing(provider, chain_id).await? {
            return Ok(None);
        }
        if self.contract() == Contract::PledgeEscrow {
            let terms = terms::from_arguments(self.arguments())?;
            network::check_tokens(chain_id, &terms)?;
            check_tokens(provider, &terms).await?;
        }
        self.creation(provider, from).await.map(Some)
    }

    /// Whether it must be created, on a chain where it can be.
    async fn is_missing(&self, provider: &impl Provider, chain_id: u64) -> Result<bool, Error> {
        check_chain(provider, chain_id).await?;
        if self.exists(provider).await? {
            return Ok(false);
        }
        if rpc::has_code(provider, CREATE2_DEPLOYER).await? { Ok(true) } else { Err(Error::NoDeployer) }
    }

    /// The transaction that creates what is missing. The constructor is simulated without the deployer,
    /// which would hide the reason of a failure.
    async fn creation<P: Provider + Clone>(&self, provider: &P, from: Address) -> Result<Call<P>, Error> {
        let request = TransactionRequest::default().with_from(from).with_deploy_code(self.init_code());
        let tried = provider.call(request).block(BlockId::pending()).await;
        tried.map_err(|error| Error::from_transport(error, self.contract(), from))?;
        let (contract, to, value) = (self.contract(), CREATE2_DEPLOYER, Wei::ZERO);
        let input = [self.salt().as_slice(), &self.init_code()].concat().into();
        let transaction = Transaction { contract, to, value, input };
        Ok(Call::of(provider.clone(), transaction, vec![self.address()]))
    }
}

/// Checks that the tokens of the terms exist and belong together. So does the constructor, with less
/// informative errors.
async fn check_tokens(provider: &impl Provider, terms: &Terms) -> Result<(), Error> {
    let (steth, wsteth) = (terms.steth, terms.wsteth);
    if steth.is_zero() && wsteth.is_zero() {
        return Ok(());
    }
    for (asset, address) in [(Asset::StEth, steth), (Asset::WstEth, wsteth)] {
        if !address.is_zero() && !rpc::has_code(provider, address).await? {
            return Err(Error::NoToken { asset, address });
        }
    }
    let mismatch =
        levee_model::Refusal::Terms(levee_model::TermsError::TokensMismatch { steth, wsteth }).into();
    if steth.is_zero() || wsteth.is_zero() {
        return Err(mismatch);
    }
    match rpc::read(provider, wsteth, &WstETH::stETHCall {}, BlockId::latest()).await {
        Ok(wrapped) if wrapped == steth => Ok(()),
        Ok(_) | Err(Error::Malformed { .. } | Error::UnknownRevert { .. }) => Err(mismatch),
        Err(error) => Err(error),
    }
}
