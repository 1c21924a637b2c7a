//! A call that changes the chain: prepared, simulated, sent, and waited for.

use std::time::Duration;

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256},
    providers::{PendingTransactionBuilder, PendingTransactionError, Provider, WatchTxError},
    rpc::types::{TransactionReceipt, TransactionRequest},
    sol_types::SolCall,
};
use levee_model::Wei;

use crate::{
    blueprint::Contract,
    error::{Error, message_of},
    event::Event,
};

/// How long [`Call::execute`] waits for a receipt: some fifteen blocks of Ethereum.
pub const RECEIPT_TIMEOUT: Duration = Duration::from_secs(180);

/// A prepared transaction. Nothing is sent until [`send`](Self::send) or [`execute`](Self::execute).
#[derive(Debug, Clone)]
pub struct Call<P> {
    provider: P,
    contract: Contract,
    to: Address,
    value: Wei,
    input: Bytes,
    events_of: Vec<Address>,
}

/// A transaction that the node has accepted.
#[derive(Debug, Clone)]
pub struct Sent<P> {
    provider: P,
    transaction: B256,
    events_of: Vec<Address>,
}

/// What a transaction left in its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// Its hash.
    pub transaction: B256,
    /// The number of its block.
    pub block: u64,
    /// What it cost.
    pub gas_used: u64,
    /// The events of the contracts that it could change, in order.
    pub events: Vec<Event>,
}

impl<P: Provider + Clone> Call<P> {
    /// A call of the function `call` of `to`, whose errors are those of `contract`, and its events its own.
    pub(crate) fn new(provider: P, contract: Contract, to: Address, call: &impl SolCall) -> Self {
        Self::raw(provider, contract, to, Wei::ZERO, call.abi_encode().into()).telling(vec![to])
    }

    pub(crate) const fn raw(provider: P, contract: Contract, to: Address, value: Wei, input: Bytes) -> Self {
        Self { provider, contract, to, value, input, events_of: Vec::new() }
    }

    /// The same call with ETH.
    pub(crate) const fn paying(mut self, value: Wei) -> Self {
        self.value = value;
        self
    }

    /// The same call, which changes other contracts than the one it calls.
    pub(crate) fn telling(mut self, events_of: Vec<Address>) -> Self {
        self.events_of = events_of;
        self
    }

    /// The contract to be called.
    pub const fn to(&self) -> Address {
        self.to
    }

    /// The ETH to be sent with the call.
    pub const fn value(&self) -> Wei {
        self.value
    }

    /// The call's data, for a multisig or another signer.
    pub const fn input(&self) -> &Bytes {
        &self.input
    }

    /// The transaction as `from` would send it, without nonce and gas.
    pub fn request(&self, from: Address) -> TransactionRequest {
        TransactionRequest::default()
            .with_from(from)
            .with_to(self.to)
            .with_value(U256::from(self.value.get()))
            .with_input(self.input.clone())
    }

    /// Tries the call as `from` in the next block, and returns the gas that it needs. Changes nothing.
    ///
    /// # Errors
    /// Why the call would fail: [`Error::Refused`] or what else the contract's errors are, [`Error::TokenRefused`],
    /// [`Error::UnknownRevert`], [`Error::InsufficientFunds`]; [`Error::Rpc`].
    pub async fn simulate(&self, from: Address) -> Result<u64, Error> {
        let failed = |error| Error::from_transport(&error, self.contract, from);
        self.provider.call(self.request(from)).block(BlockId::pending()).await.map_err(failed)?;
        self.provider.estimate_gas(self.request(from)).block(BlockId::pending()).await.map_err(failed)
    }

    /// Simulates the call, then signs and sends it as `from`, an account of the provider's wallet or node.
    ///
    /// The gas limit is a quarter above what the simulation needed: what others do in the meantime can make a call
    /// dearer.
    ///
    /// # Errors
    /// As [`simulate`](Self::simulate).
    pub async fn send(&self, from: Address) -> Result<Sent<P>, Error> {
        let gas = self.simulate(from).await?;
        let request = self.request(from).with_gas_limit(gas.saturating_add(gas / 4));
        let pending = self.provider.send_transaction(request).await;
        let pending = pending.map_err(|error| Error::from_transport(&error, self.contract, from))?;
        let transaction = *pending.tx_hash();
        Ok(Sent { provider: self.provider.clone(), transaction, events_of: self.events_of.clone() })
    }

    /// Simulates and sends the call, and waits for it up to [`RECEIPT_TIMEOUT`].
    ///
    /// # Errors
    /// As [`simulate`](Self::simulate) and [`Sent::wait`].
    pub async fn execute(&self, from: Address) -> Result<Executed, Error> {
        self.send(from).await?.wait(RECEIPT_TIMEOUT).await
    }
}

impl<P: Provider> Sent<P> {
    /// The transaction's hash.
    pub const fn transaction(&self) -> B256 {
        self.transaction
    }

    /// Waits until the transaction is in a block.
    ///
    /// # Errors
    /// [`Error::NotMined`] after `timeout`, [`Error::FailedInBlock`], [`Error::Rpc`], [`Error::Malformed`].
    pub async fn wait(&self, timeout: Duration) -> Result<Executed, Error> {
        let pending = PendingTransactionBuilder::new(self.provider.root().clone(), self.transaction);
        let receipt = pending.with_timeout(Some(timeout)).get_receipt().await;
        self.executed(&receipt.map_err(|error| self.waiting_failed(error, timeout))?)
    }

    fn waiting_failed(&self, error: PendingTransactionError, waited: Duration) -> Error {
        match error {
            PendingTransactionError::TxWatcher(WatchTxError::Timeout) => {
                Error::NotMined { transaction: self.transaction, waited }
            }
            PendingTransactionError::TransportError(error) => error.into(),
            other => Error::Rpc { message: message_of(&other) },
        }
    }

    fn executed(&self, receipt: &TransactionReceipt) -> Result<Executed, Error> {
        let transaction = self.transaction;
        if !receipt.status() {
            return Err(Error::FailedInBlock { transaction });
        }
        let logs = receipt.logs().iter().filter(|log| self.events_of.contains(&log.address()));
        Ok(Executed {
            transaction,
            block: receipt.block_number.ok_or(Error::Malformed { what: "a receipt" })?,
            gas_used: receipt.gas_used,
            events: logs.map(|log| Event::decode(&log.inner)).collect::<Result<_, _>>()?,
        })
    }
}
