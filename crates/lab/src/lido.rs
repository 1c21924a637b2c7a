//! Deployment of the test model of Lido's tokens (`tests/lido`).

use crate::chain::{Chain, Failure};
use alloy::{
    primitives::{Address, U256},
    sol_types::SolConstructor,
};

pub use levee::bindings::{StETH, WstETH};

/// Where the two tokens are on a [`Chain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lido {
    /// The rebasing token, booked in shares.
    pub steth: Address,
    /// The wrapper: one unit is one share.
    pub wsteth: Address,
}

impl Lido {
    /// Deploys both tokens; `deployer` then holds all of `total_shares`, which stand for `total_pooled_ether` wei.
    pub fn deploy(
        chain: &mut Chain,
        deployer: Address,
        total_shares: U256,
        total_pooled_ether: U256,
    ) -> Result<Self, Failure> {
        let steth_terms =
            StETH::constructorCall { totalShares: total_shares, totalPooledEther: total_pooled_ether };
        let (steth, _) = chain.deploy(deployer, init_code(&StETH::BYTECODE, &steth_terms))?;
        let wsteth_terms = WstETH::constructorCall { stETH_: steth };
        let (wsteth, _) = chain.deploy(deployer, init_code(&WstETH::BYTECODE, &wsteth_terms))?;
        Ok(Self { steth, wsteth })
    }
}

/// What creates a contract with these arguments.
pub(crate) fn init_code<C: SolConstructor>(code: &[u8], arguments: &C) -> alloy::primitives::Bytes {
    [code, &arguments.abi_encode()].concat().into()
}
