//! Simulating calls one after the other, as one account and in one block, now or at a later time.

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, U256},
    providers::Provider,
    rpc::types::{
        BlockOverrides, TransactionRequest,
        simulate::{SimBlock, SimCallResult, SimulatePayload},
        state::StateOverridesBuilder,
    },
};

use crate::{blueprint::Contract, call::Call, error::Error};

/// What came of calls that were simulated one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// How many were: all, or only the first where the node does not offer `eth_simulateV1`.
    pub calls: usize,
    /// The gas that each needs as a transaction of its own, if all were.
    pub gas: Vec<u64>,
}

/// Simulates calls that `sender`, a contract, makes in one transaction, at the Unix time `at` or in the next block. Changes nothing.
///
/// # Errors
/// Why the first of them fails that does: like [`Call::simulate`]. [`Error::Rpc`], also if the node simulates nothing at another
/// time.
pub async fn simulate_all<P: Provider + Clone>(
    provider: &P,
    sender: Address,
    calls: &[&Call<P>],
    at: Option<u64>,
) -> Result<Simulated, Error> {
    if let Some(results) = run(provider, sender, calls, at).await? {
        let gas = calls.iter().zip(&results).map(|(call, result)| call.gas_of(result));
        return Ok(Simulated { calls: calls.len(), gas: gas.collect::<Result<_, _>>()? });
    }
    if let Some(first) = calls.first() {
        first.call_at(sender, at).await?;
    }
    Ok(Simulated { calls: calls.len().min(1), gas: Vec::new() })
}

/// Whether `recipient` accepts ETH from `sender` now: a wei is sent in a simulation in which the sender has one. Changes nothing.
///
/// # Errors
/// [`Error::Rpc`], also if the node cannot simulate with a balance that is not there.
pub async fn accepts_ether(
    provider: &impl Provider,
    sender: Address,
    recipient: Address,
) -> Result<bool, Error> {
    let wei = U256::from(1);
    let request = TransactionRequest::default().with_from(sender).with_to(recipient).with_value(wei);
    let funded = StateOverridesBuilder::default().with_balance(sender, wei).build();
    let tried = provider.call(request).overrides(funded).await;
    match tried.map_err(|error| Error::from_transport(error, Contract::PledgeEscrow, sender)) {
        Ok(_) => Ok(true),
        Err(error) if error.is_unanswered() || matches!(error, Error::InsufficientFunds { .. }) => Err(error),
        Err(_) => Ok(false),
    }
}

/// What becomes of each call in one block after the latest. None where the node does not offer `eth_simulateV1`.
///
/// # Errors
/// [`Error::Rpc`] if no node answers.
pub(crate) async fn run<P: Provider + Clone>(
    provider: &P,
    sender: Address,
    calls: &[&Call<P>],
    at: Option<u64>,
) -> Result<Option<Vec<SimCallResult>>, Error> {
    let block_overrides = at.map(|time| BlockOverrides { time: Some(time), ..BlockOverrides::default() });
    let requests = calls.iter().map(|call| call.request(sender)).collect();
    let block = SimBlock { block_overrides, calls: requests, ..SimBlock::default() };
    let payload = SimulatePayload { block_state_calls: vec![block], ..SimulatePayload::default() };
    match provider.simulate(&payload).block_id(BlockId::latest()).await {
        Ok(blocks) => {
            let results: Vec<_> = blocks.into_iter().flat_map(|block| block.calls).collect();
            Ok(Some(results).filter(|results| results.len() == calls.len()))
        }
        // The node answered: it does not know the method, or refuses it.
        Err(error) if error.is_error_resp() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl<P: Provider + Clone> Call<P> {
    /// The gas that a simulated call needed, before refunds, which are a fifth at most (EIP-3529).
    pub(crate) fn gas_of(&self, result: &SimCallResult) -> Result<u64, Error> {
        if !result.status {
            let data = result.error.as_ref().and_then(|error| error.data.clone());
            return Err(self.reverted(&data.unwrap_or_else(|| result.return_data.clone())));
        }
        let used = result.max_used_gas;
        let used = used.unwrap_or_else(|| result.gas_used.saturating_add(result.gas_used / 4));
        Ok(used.max(self.least_gas()))
    }
}
