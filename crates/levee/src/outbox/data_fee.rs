//! What rollups take for the data of a transaction, outside of its gas.

use alloy::{
    consensus::SignableTransaction,
    network::{NetworkTransactionBuilder, TransactionBuilder},
    primitives::{Address, U256, address},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol,
    sol_types::{SolCall, SolValue},
};
use alloy_chains::{Chain, NamedChain};
use levee_model::Wei;

use crate::{error::Error, rpc};

sol! {
    /// Of the oracles of both kinds of rollups.
    function getL1Fee(bytes data) external view returns (uint256 fee);
    /// Of OP Stack chains since Isthmus.
    function getOperatorFee(uint256 gas) external view returns (uint256 fee);
}

/// The `GasPriceOracle` of OP Stack chains, at the same address on all of them
/// (<https://specs.optimism.io/protocol/predeploys.html>).
const OP_STACK: Address = address!("420000000000000000000000000000000000000F");
/// Scroll's `L1GasPriceOracle` (<https://docs.scroll.io/en/developers/scroll-contracts/>).
const SCROLL: Address = address!("5300000000000000000000000000000000000002");

/// What the chain would take for the data of a transaction now, outside of its gas, with the fee of its operator. Chains that are known
/// to have no such fee are not asked; of others it is read where one of the oracles is there.
pub(super) async fn read(
    provider: &impl Provider,
    chain: u64,
    request: &TransactionRequest,
) -> Result<Wei, Error> {
    let Some(oracle) = oracle(provider, chain).await? else { return Ok(Wei::ZERO) };
    let untold = || Error::DataFeeUnknown { chain };
    let data = unsigned(request, chain).ok_or_else(untold)?.into();
    let data = ask(provider, chain, oracle, &getL1FeeCall { data }).await?.ok_or_else(untold)?;
    let gas = U256::from(request.gas.unwrap_or_default());
    let operator = match oracle {
        // Before Isthmus there is none.
        OP_STACK => ask(provider, chain, oracle, &getOperatorFeeCall { gas }).await?.unwrap_or_default(),
        _ => 0,
    };
    Ok(Wei::new(data.saturating_add(operator)))
}

/// What the oracle says; none if it has no such function.
async fn ask(
    provider: &impl Provider,
    chain: u64,
    oracle: Address,
    call: &impl SolCall<Return = U256>,
) -> Result<Option<u128>, Error> {
    let asked = TransactionRequest::default().with_to(oracle).with_input(call.abi_encode());
    match provider.call(asked).await {
        Ok(answer) => Ok(U256::abi_decode_validate(&answer).ok().and_then(|fee| u128::try_from(fee).ok())),
        Err(error) if error.as_error_resp().is_some_and(|said| said.message.contains("revert")) => Ok(None),
        Err(error) if error.is_error_resp() => Err(Error::DataFeeUnknown { chain }),
        Err(error) => Err(error.into()),
    }
}

/// The contract that tells the fee; none if there is no fee.
async fn oracle(provider: &impl Provider, chain: u64) -> Result<Option<Address>, Error> {
    let chain = Chain::from_id(chain);
    match chain.named() {
        Some(NamedChain::Scroll | NamedChain::ScrollSepolia) => return Ok(Some(SCROLL)),
        Some(NamedChain::AnvilHardhat | NamedChain::Dev) => return Ok(None),
        _ if chain.is_optimism() => return Ok(Some(OP_STACK)),
        // Arbitrum takes its fee as gas.
        _ if chain.is_ethereum() || chain.is_gnosis() || chain.is_arbitrum() => return Ok(None),
        _ => {}
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
