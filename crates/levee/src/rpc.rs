//! A single read of a contract, or call to a token, with this crate's errors.

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, Bytes},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::SolCall,
    transports::TransportResult,
};

use levee_model::Wei;

use crate::{blueprint::Contract, call::Call, error::Error, operation::Transaction};

/// The result of a view of `to` at `block`.
pub(crate) async fn read<C: SolCall>(
    provider: &impl Provider,
    to: Address,
    call: &C,
    block: BlockId,
) -> Result<C::Return, Error> {
    let answer = ask(provider, to, call, block).await?;
    C::abi_decode_returns_validate(&answer).map_err(|_| Error::Malformed { what: "an answer" })
}

/// The same at the latest block; none if the contract does not know the call, or is none.
///
/// # Errors
/// [`Error::Rpc`] if no node answers.
pub(crate) async fn read_if_known<C: SolCall>(
    provider: &impl Provider,
    to: Address,
    call: &C,
) -> Result<Option<C::Return>, Error> {
    read_if_known_at(provider, to, call, BlockId::latest()).await
}

/// The same at a block.
///
/// # Errors
/// [`Error::Rpc`] if no node answers.
pub(crate) async fn read_if_known_at<C: SolCall>(
    provider: &impl Provider,
    to: Address,
    call: &C,
    block: BlockId,
) -> Result<Option<C::Return>, Error> {
    match read(provider, to, call, block).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_unanswered() => Err(error),
        Err(_) => Ok(None),
    }
}

/// The result of a view, not decoded.
pub(crate) async fn ask(
    provider: &impl Provider,
    to: Address,
    call: &impl SolCall,
    block: BlockId,
) -> TransportResult<Bytes> {
    let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
    provider.call(request).block(block).await
}

/// Whether there is a contract at `address`.
pub(crate) async fn has_code(provider: &impl Provider, address: Address) -> Result<bool, Error> {
    Ok(!provider.get_code_at(address).await?.is_empty())
}

/// A call to a token: it refuses with its own message, and its events are not Levee's.
pub(crate) fn token_call<P: Provider + Clone>(provider: &P, token: Address, call: &impl SolCall) -> Call<P> {
    let transaction = Transaction::new(Contract::PledgeEscrow, token, Wei::ZERO, call);
    Call::of(provider.clone(), transaction, Vec::new())
}
