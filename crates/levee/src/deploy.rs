//! Creating escrows, and telling them from anything else.

use std::sync::LazyLock;

use alloy::{
    eips::BlockId, network::TransactionBuilder, primitives::Address, providers::Provider,
    rpc::types::TransactionRequest,
};
use levee_model::{Asset, Terms, Wei};
use serde::Deserialize;

use crate::{
    bindings::{PledgeEscrow, WstETH},
    call::{Call, Executed, RECEIPT_TIMEOUT},
    error::Error,
    provider::check_chain,
    rpc,
    terms::{CREATE2_DEPLOYER, SALT, address_of, init_code},
};

/// What [`deploy`] found or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deployment {
    /// The escrow was there; nothing was sent, or somebody else was faster.
    Already {
        /// Where it is.
        address: Address,
    },
    /// The escrow was created.
    Created {
        /// Where it is.
        address: Address,
        /// The transaction that did it.
        executed: Executed,
    },
}

impl Deployment {
    /// Where the escrow is.
    pub const fn address(&self) -> Address {
        match self {
            Self::Already { address } | Self::Created { address, .. } => *address,
        }
    }
}

/// Creates the escrow with these terms on the chain `chain_id`, paid by `from`, unless it is there already.
///
/// May be repeated: an interrupted deployment is taken up where it is.
///
/// # Errors
/// As [`prepare`]; what [`Call::execute`] fails with; [`Error::NotCreated`].
pub async fn deploy<P: Provider + Clone>(
    provider: &P,
    chain_id: u64,
    terms: &Terms,
    from: Address,
) -> Result<Deployment, Error> {
    let address = address_of(terms, SALT)?;
    let Some(call) = prepare(provider, chain_id, terms, from).await? else {
        return Ok(Deployment::Already { address });
    };
    let sent = call.send(from).await?;
    let result = sent.wait(RECEIPT_TIMEOUT).await;
    // The deployer fails where there is code already: then somebody else created the same escrow.
    match (result, verify_code(provider, address).await) {
        (Ok(executed), Ok(())) => Ok(Deployment::Created { address, executed }),
        (Err(Error::FailedInBlock { .. }), Ok(())) => Ok(Deployment::Already { address }),
        (Ok(_), Err(Error::NoCode { .. } | Error::NotLevee { .. })) => {
            Err(Error::NotCreated { transaction: sent.transaction(), address })
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// The transaction that creates the escrow, after all checks that can be made before; `None` when it is there already.
///
/// # Errors
/// [`Error::WrongChain`], [`Error::NoDeployer`], [`Error::NoToken`], [`Error::Refused`] with the rule that the terms
/// break, [`Error::NotLevee`] when other code is at the address, [`Error::Unencodable`], [`Error::Rpc`].
pub async fn prepare<P: Provider + Clone>(
    provider: &P,
    chain_id: u64,
    terms: &Terms,
    from: Address,
) -> Result<Option<Call<P>>, Error> {
    let address = address_of(terms, SALT)?;
    check_chain(provider, chain_id).await?;
    match verify_code(provider, address).await {
        Ok(()) => return Ok(None),
        Err(Error::NoCode { .. }) => {}
        Err(error) => return Err(error),
    }
    if !rpc::has_code(provider, CREATE2_DEPLOYER).await? {
        return Err(Error::NoDeployer);
    }
    check_tokens(provider, terms).await?;
    try_constructor(provider, terms, from).await?;
    let input = [SALT.as_slice(), &init_code(terms)?].concat().into();
    Ok(Some(Call::raw(provider.clone(), address, CREATE2_DEPLOYER, Wei::ZERO, input)))
}

/// Checks that the tokens of the terms exist and belong together. The constructor does too, with less to say.
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
    let mismatch = crate::EscrowError::TokensMismatch { steth, wsteth }.into();
    if steth.is_zero() || wsteth.is_zero() {
        return Err(mismatch);
    }
    match rpc::read(provider, wsteth, &WstETH::stETHCall {}, BlockId::latest()).await {
        Ok(wrapped) if wrapped == steth => Ok(()),
        Ok(_) | Err(Error::Malformed { .. } | Error::UnknownRevert { .. }) => Err(mismatch),
        Err(error) => Err(error),
    }
}

/// Runs the constructor without the deployer, which would keep the reason of a failure to itself.
async fn try_constructor(provider: &impl Provider, terms: &Terms, from: Address) -> Result<(), Error> {
    let request = TransactionRequest::default().with_from(from).with_deploy_code(init_code(terms)?);
    let tried = provider.call(request).block(BlockId::pending()).await;
    tried.map(drop).map_err(|error| Error::from_transport(&error, from))
}

/// Checks that the code at `address` is a Levee escrow's, whatever its terms.
///
/// The code is compared with this crate's artifact byte by byte, except where the constructor wrote the terms.
///
/// # Errors
/// [`Error::NoCode`], [`Error::NotLevee`], [`Error::Rpc`].
pub async fn verify_code(provider: &impl Provider, address: Address) -> Result<(), Error> {
    let code = provider.get_code_at(address).await?;
    if code.is_empty() {
        Err(Error::NoCode { address })
    } else if is_escrow_code(&code) {
        Ok(())
    } else {
        Err(Error::NotLevee { address })
    }
}

/// Whether `code` is an escrow's runtime code, whatever its terms.
pub fn is_escrow_code(code: &[u8]) -> bool {
    mask_immutables(code).is_some_and(|masked| masked == PledgeEscrow::DEPLOYED_BYTECODE[..])
}

/// `code` with zeros for all immutables; `None` when it is too short to hold them.
fn mask_immutables(code: &[u8]) -> Option<Vec<u8>> {
    let mut masked = code.to_vec();
    for &(start, length) in IMMUTABLES.iter() {
        masked.get_mut(start..start + length)?.fill(0);
    }
    Some(masked)
}

/// Where the immutables are in the escrow's runtime code: (start, length).
static IMMUTABLES: LazyLock<Vec<(usize, usize)>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Artifact {
        immutable_references: Vec<(usize, usize)>,
    }
    let artifact: Artifact = serde_json::from_str(include_str!("../artifacts/PledgeEscrow.json"))
        .expect("the checked-in artifact has immutable references");
    artifact.immutable_references
});
