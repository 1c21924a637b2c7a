//! A call of a contract: encoded, simulated, and executed by an outbox.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes},
    providers::Provider,
    rpc::types::{BlockOverrides, TransactionRequest},
};
use levee_model::Wei;
use serde::Serialize;

use crate::{
    error::Error,
    event::Event,
    operation::Transaction,
    outbox::{Journal, Outbox},
};

/// A call of a contract. Nothing is sent until [`execute`](Self::execute).
#[derive(Debug, Clone)]
pub struct Call<P> {
    provider: P,
    transaction: Transaction,
    events_of: Vec<Address>,
    least_gas: u64,
}

/// The result of a transaction in its block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Executed {
    /// Its hash.
    #[serde(with = "levee_model::json::Hash")]
    pub transaction: B256,
    /// The number of its block.
    pub block: u64,
    /// The gas that it used.
    pub gas_used: u64,
    /// The events of the contracts that it may change, in order.
    pub events: Vec<Event>,
}

impl<P: Provider + Clone> Call<P> {
    /// A transaction that may change the contracts `events_of`.
    pub(crate) const fn of(provider: P, transaction: Transaction, events_of: Vec<Address>) -> Self {
        Self { provider, transaction, events_of, least_gas: 0 }
    }

    /// The same, which needs at least so much gas, whatever a simulation says.
    pub(crate) fn needing(self, gas: u64) -> Self {
        Self { least_gas: gas, ..self }
    }

    /// The gas that it needs at least, if a simulation can say less: zero for most.
    pub const fn least_gas(&self) -> u64 {
        self.least_gas
    }

    pub(crate) const fn provider(&self) -> &P {
        &self.provider
    }

    /// The contract to be called.
    pub const fn to(&self) -> Address {
        self.transaction.to
    }

    /// The ETH to be sent with the call.
    pub const fn value(&self) -> Wei {
        self.transaction.value
    }

    /// The call's data, for a multisig or another signer.
    pub const fn input(&self) -> &Bytes {
        &self.transaction.input
    }

    /// The contracts whose events tell what the call did.
    pub fn contracts(&self) -> &[Address] {
        &self.events_of
    }

    /// The transaction as `from` would send it, without nonce and gas.
    pub fn request(&self, from: Address) -> TransactionRequest {
        self.transaction.request(from)
    }

    /// What to call, with which data and how much ETH.
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// Simulates the call as `from` in the next block, and returns the gas that it needs. Changes nothing.
    ///
    /// # Errors
    /// The reason why the call would fail: [`Error::Refused`] or another contract's error,
    /// [`Error::TokenRefused`], [`Error::UnknownRevert`], [`Error::InsufficientFunds`]; [`Error::Rpc`].
    pub async fn simulate(&self, from: Address) -> Result<u64, Error> {
        let failed = |error| Error::from_transport(error, self.transaction.contract, from);
        let estimated = self.provider.estimate_gas(self.request(from)).block(BlockId::pending()).await;
        match estimated.map_err(failed) {
            // Some nodes give no reason for a failed estimate, but do for a call.
            Err(error @ (Error::UnknownRevert { .. } | Error::Rpc { .. })) => {
                Err(self.call_at(from, None).await.err().unwrap_or(error))
            }
            estimated => estimated.map(|gas| gas.max(self.least_gas)),
        }
    }

    /// Calls it as `from` at the Unix time `at`, or in the next block. Changes nothing.
    pub(crate) async fn call_at(&self, from: Address, at: Option<u64>) -> Result<(), Error> {
        let call = self.provider.call(self.request(from)).block(BlockId::pending());
        let overrides = at.map(|time| BlockOverrides { time: Some(time), ..BlockOverrides::default() });
        let called = match overrides {
            Some(overrides) => call.with_block_overrides(overrides).await,
            None => call.await,
        };
        called.map(drop).map_err(|error| Error::from_transport(error, self.transaction.contract, from))
    }

    /// Why the contract reverted with `data`.
    pub(crate) fn reverted(&self, data: &Bytes) -> Error {
        Error::from_revert_of(self.transaction.contract, data)
    }

    /// Simulates and sends the call, and waits for it: [`Outbox::execute`].
    ///
    /// # Errors
    /// Like [`Outbox::execute`].
    pub async fn execute<J: Journal>(&self, outbox: &Outbox<P, J>) -> Result<Executed, Error> {
        outbox.execute(self).await
    }
}
