//! Creating an escrow on a [`Chain`].

use crate::chain::{Chain, Failure};
use alloy::{
    primitives::{Address, B256, keccak256},
    sol_types::SolConstructor,
};
use levee::bindings::PledgeEscrow;

/// The published text whose hash is the salt of every escrow.
const SALT_TEXT: &str = "levee.PledgeEscrow.v1";

/// Creates the escrow of `terms` through the CREATE2 deployer; returns its address and the gas.
///
/// # Errors
/// A revert without data when the terms are not allowed, or when the escrow exists.
pub fn create(chain: &mut Chain, terms: PledgeEscrow::Terms) -> Result<(Address, u64), Failure> {
    let arguments = PledgeEscrow::constructorCall { terms_: terms }.abi_encode();
    let init_code = [PledgeEscrow::BYTECODE.as_ref(), &arguments].concat();
    chain.deploy_create2(salt(), &init_code)
}

fn salt() -> B256 {
    keccak256(SALT_TEXT)
}
