//! What rollups take for the data of a transaction, outside of its gas.

use alloy::{
    consensus::SignableTransaction,
    network::{NetworkTransactionBuilder, TransactionBuilder},
    primitives::{Address, address},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol,
    sol_types::SolCall,
};
use alloy_chains::{Chain, NamedChain};
use levee_model::Wei;

use crate::{error::Error, rpc};

sol! {
    /// Of the oracles of both kinds of rollups.
    function getL1Fee(bytes data) external view returns (uint256 fee);
}

/// The `GasPriceOracle` of OP Stack chains, at the same address on all of them
/// (<https://specs.optimism.io/protocol/predeploys.html>).
const OP_STACK: Address = address!("420000000000000000000000000000000000000F");
/// Scroll's `L1GasPriceOracle` (<https://docs.scroll.io/en/developers/scroll-contracts/>).
const SCROLL: Address = address!("5300000000000000000000000000000000000002");

/// The price of data follows that of another chain's gas and can rise until the transaction is included: so often what it costs now
/// counts as the most.
const MARGIN: u128 = 2;

/// The most that the chain takes for the data of a transaction, outside of its gas. Chains that are known to have no such fee are not
/// asked; of unknown chains it is read where one of the oracles is there.
pub(super) async fn read(
    provider: &impl Provider,
    chain: u64,
    request: &TransactionRequest,
) -> Result<Wei, Error> {
    let Some(oracle) = oracle(provider, chain).await? else { return Ok(Wei::ZERO) };
    let untold = || Error::DataFeeUnknown { chain };
    let data = unsigned(request, chain).ok_or_else(untold)?;
    let asked = TransactionRequest::default()
        .with_to(oracle)
        .with_input(getL1FeeCall { data: data.into() }.abi_encode());
    let answer = match provider.call(asked).await {
        Ok(answer) => answer,
        Err(error) if error.is_error_resp() => return Err(untold()),
        Err(error) => return Err(error.into()),
    };
    let fee = getL1FeeCall::abi_decode_returns_validate(&answer).map_err(|_| untold())?;
    let fee = u128::try_from(fee).map_err(|_| untold())?;
    Ok(Wei::new(fee.saturating_mul(MARGIN)))
}

/// The contract that tells the fee; none if there is no fee.
async fn oracle(provider: &impl Provider, chain: u64) -> Result<Option<Address>, Error> {
    let chain = Chain::from_id(chain);
    match chain.named() {
        Some(NamedChain::Scroll | NamedChain::ScrollSepolia) => return Ok(Some(SCROLL)),
        Some(_) => return Ok(chain.is_optimism().then_some(OP_STACK)),
        None => {}
    }
    for oracle in [OP_STACK, SCROLL] {
        if rpc::has_code(provider, oracle).await? {
            return Ok(Some(oracle));
        }
    }
    Ok(None)
}

/// The transaction as it is signed, with the longest nonce: the oracles add the signature themselves.
fn unsigned(request: &TransactionRequest, chain: u64) -> Option<Vec<u8>> {
    let request = request.clone().with_chain_id(chain).with_nonce(u64::MAX - 1);
    let mut data = Vec::new();
    request.build_unsigned().ok()?.encode_for_signing(&mut data);
    Some(data)
}
