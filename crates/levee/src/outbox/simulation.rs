//! Simulating what is sent in several transactions, before the first of them is.

use alloy::{eips::BlockId, providers::Provider, rpc::types::simulate::SimCallResult};

use super::{Outbox, Prepared};
use crate::{call::Call, error::Error, outbox::Journal, simulation};

impl<P: Provider + Clone, J: Journal> Outbox<P, J> {
    /// Runs the call in the next block with the gas and the fees that were fixed for it, which its contracts can read. Changes nothing.
    ///
    /// # Errors
    /// Why it would fail, as [`Call::simulate`].
    pub async fn try_out(&self, call: &Call<P>, prepared: &Prepared) -> Result<(), Error> {
        let run = self.provider.call(prepared.request.clone()).block(BlockId::pending()).await;
        run.map(drop).map_err(|error| Error::from_transport(error, call.transaction().contract, self.account))
    }

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
        let Some(results) = simulation::run(&self.provider, self.account, &calls, None).await? else {
            return Ok(None);
        };
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
}
