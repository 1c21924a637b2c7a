//! One read of a contract, with this crate's errors.

use alloy::{
    eips::BlockId, network::TransactionBuilder, primitives::Address, providers::Provider,
    rpc::types::TransactionRequest, sol_types::SolCall,
};

use crate::error::Error;

/// What a view of `to` returns at `block`.
pub(crate) async fn read<C: SolCall>(
    provider: &impl Provider,
    to: Address,
    call: &C,
    block: BlockId,
) -> Result<C::Return, Error> {
    let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
    let answer = provider.call(request).block(block).await?;
    C::abi_decode_returns_validate(&answer).map_err(|_| Error::Malformed { what: "an answer" })
}

/// Whether there is a contract at `address`.
pub(crate) async fn has_code(provider: &impl Provider, address: Address) -> Result<bool, Error> {
    Ok(!provider.get_code_at(address).await?.is_empty())
}
