//! Creating an escrow on a [`Chain`].

use crate::chain::{Chain, Failure, Receipt};
use alloy::primitives::Address;
use levee::{bindings::PledgeEscrow, model::Terms};
use thiserror::Error;

/// Why there is no escrow, or why a call of it failed.
#[derive(Debug, Error)]
pub enum EscrowError {
    /// The terms cannot be encoded.
    #[error(transparent)]
    Terms(#[from] levee::Error),
    /// A call failed; the creation without saying why when the terms are not allowed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Creates the escrow of `terms` at its published address.
///
/// # Errors
/// When the terms cannot be encoded, are not allowed, or have an escrow already.
pub fn create(chain: &mut Chain, terms: &Terms) -> Result<(Address, Receipt), EscrowError> {
    create_with(chain, &PledgeEscrow::BYTECODE, terms)
}

/// As [`create`], with the init code of another build.
///
/// # Errors
/// As [`create`].
pub fn create_with(
    chain: &mut Chain,
    init_code: &[u8],
    terms: &Terms,
) -> Result<(Address, Receipt), EscrowError> {
    let published = levee::terms::init_code(terms)?;
    let arguments = &published[PledgeEscrow::BYTECODE.len()..];
    Ok(chain.deploy_create2(levee::SALT, &[init_code, arguments].concat())?)
}
