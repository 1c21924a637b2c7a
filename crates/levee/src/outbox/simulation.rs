//! Simulating what is sent in several transactions, before the first of them is.

use alloy::{
    eips::BlockId,
    providers::Provider,
    rpc::types::simulate::{SimBlock, SimCallResult, SimulatePayload},
};

use super::{Outbox, Prepared};
use crate::{call::Call, error::Error, outbox::Journal};

impl<P: Provider + Clone, J: Journal> Outbox<P, J> {
    /// Simulates calls that are to be sent after `first`, one after the other, and fixes their fees at its price. Sends nothing.
    /// Each that would fail has its reason. None where the node does not offer `eth_simulateV1`, without which they cannot
    /// be simulated, because they depend on those before them.
    ///
    /// # Errors
    /// [`Error::Rpc`] if no node answers.
    pub async fn prepare_after(
        &self,
        first: (&Call<P>, &Prepared),
        rest: &[&Call<P>],
    ) -> Result<Option<Vec<Result<Prepared, Error>>>, Error> {
        let calls = [&[first.0], rest].concat();
        let Some(results) = self.simulate(&calls).await? else { return Ok(None) };
        let mut prepared = Vec::new();
        for (call, result) in rest.iter().zip(results.iter().skip(1)) {
            prepared.push(self.priced_as(first.1, call, result).await);
        }
        Ok(Some(prepared))
    }

    async fn priced_as(
        &self,
        first: &Prepared,
        call: &Call<P>,
        result: &SimCallResult,
    ) -> Result<Prepared, Error> {
        let gas = call.gas_of(result)?;
        let fees = first.fees.of_another(gas, &self.fees)?;
        self.prepared(call.request(self.account), call.contracts().to_vec(), gas, fees).await
    }

    /// What becomes of each call in one block after the latest.
    async fn simulate(&self, calls: &[&Call<P>]) -> Result<Option<Vec<SimCallResult>>, Error> {
        let calls: Vec<_> = calls.iter().map(|call| call.request(self.account)).collect();
        let count = calls.len();
        let block = SimBlock { calls, ..SimBlock::default() };
        let payload = SimulatePayload { block_state_calls: vec![block], ..SimulatePayload::default() };
        match self.provider.simulate(&payload).block_id(BlockId::latest()).await {
            Ok(blocks) => {
                let results: Vec<_> = blocks.into_iter().flat_map(|block| block.calls).collect();
                Ok(Some(results).filter(|results| results.len() == count))
            }
            // The node answered: it does not know the method, or refuses it.
            Err(error) if error.is_error_resp() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl<P: Provider + Clone> Call<P> {
    /// The gas that a simulated call needed, before refunds, which are a fifth at most (EIP-3529).
    fn gas_of(&self, result: &SimCallResult) -> Result<u64, Error> {
        if !result.status {
            let data = result.error.as_ref().and_then(|error| error.data.clone());
            return Err(self.reverted(&data.unwrap_or_else(|| result.return_data.clone())));
        }
        Ok(result.max_used_gas.unwrap_or_else(|| result.gas_used.saturating_add(result.gas_used / 4)))
    }
}
