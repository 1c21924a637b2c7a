//! What shares of stETH are worth, by the token itself.

use alloy::{
    eips::BlockId,
    primitives::{Address, U256},
    providers::Provider,
};
use levee_model::Rate;

use crate::{bindings::StETH, error::Error, rpc};

/// As many shares as a rate is the value of.
const SHARES: u128 = 10u128.pow(27);

/// What 10^27 shares of `steth` are worth at a block; none while the token does not tell, so that an escrow cannot read it
/// either.
///
/// # Errors
/// [`Error::Rpc`] if no node answers.
pub async fn share_rate(
    provider: &impl Provider,
    steth: Address,
    block: BlockId,
) -> Result<Option<Rate>, Error> {
    let call = StETH::getPooledEthBySharesCall { shares: U256::from(SHARES) };
    let worth = rpc::read_if_known_at(provider, steth, &call, block).await?;
    Ok(worth.and_then(|worth| u128::try_from(worth).ok()).and_then(Rate::new))
}
