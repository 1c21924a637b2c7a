//! A transaction: prepared, simulated, sent, and awaited.

use std::time::Duration;

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes},
    providers::Provider,
    rpc::types::{TransactionReceipt, TransactionRequest},
    transports::RpcError,
};
use levee_model::Wei;
use serde::Serialize;

use crate::{error::Error, event::Event, operation::Transaction};

/// How long [`Call::execute`] waits for a receipt: about fifteen blocks on Ethereum.
pub const RECEIPT_TIMEOUT: Duration = Duration::from_secs(180);

/// How long [`Sent::wait`] waits before it looks for the receipt again: the first delay, because a local
/// chain has it at once, and the longest, a third of an Ethereum block. Each delay is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// A prepared transaction. Nothing is sent until [`send`](Self::send) or [`execute`](Self::execute).
#[derive(Debug, Clone)]
pub struct Call<P> {
    provider: P,
    transaction: Transaction,
    events_of: Vec<Address>,
}

/// A simulated call, with its gas limit and maximum cost.
#[derive(Debug, Clone)]
pub struct Prepared<P> {
    call: Call<P>,
    request: TransactionRequest,
    sender: Address,
    gas: u64,
    price: u128,
}

/// A transaction that the node has accepted.
#[derive(Debug, Clone)]
pub struct Sent<P> {
    provider: P,
    transaction: B256,
    events_of: Vec<Address>,
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
    /// What it cost.
    pub gas_used: u64,
    /// The events of the contracts that it may change, in order.
    pub events: Vec<Event>,
}

impl<P: Provider + Clone> Call<P> {
    /// A transaction that may change the contracts `events_of`.
    pub(crate) const fn of(provider: P, transaction: Transaction, events_of: Vec<Address>) -> Self {
        Self { provider, transaction, events_of }
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

    /// The transaction as `from` would send it, without nonce and gas.
    pub fn request(&self, from: Address) -> TransactionRequest {
        self.transaction.request(from)
    }

    /// What to call, with which data and how much ETH.
    pub fn into_transaction(self) -> Transaction {
        self.transaction
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
                let called = self.provider.call(self.request(from)).block(BlockId::pending()).await;
                Err(called.map_err(failed).err().unwrap_or(error))
            }
            estimated => estimated,
        }
    }

    /// Simulates the call as `from`, and determines what it will cost.
    ///
    /// The gas limit is a quarter above what the simulation needed, because others' transactions in the
    /// meantime can make a call more expensive.
    ///
    /// # Errors
    /// Like [`simulate`](Self::simulate).
    pub async fn prepare(&self, from: Address) -> Result<Prepared<P>, Error> {
        let gas = self.simulate(from).await?;
        let request = self.request(from).with_gas_limit(gas.saturating_add(gas / 4));
        let (request, price) = match self.provider.estimate_eip1559_fees().await {
            Ok(fees) => {
                let (max, tip) = (fees.max_fee_per_gas, fees.max_priority_fee_per_gas);
                // The maximum is twice the base fee plus the tip, so this is the current base fee plus the
                // tip.
                let price = max.saturating_add(tip) / 2;
                (request.with_max_fee_per_gas(max).with_max_priority_fee_per_gas(tip), price)
            }
            // A chain without a base fee.
            Err(RpcError::UnsupportedFeature(_)) => {
                let price = self.provider.get_gas_price().await?;
                (request.with_gas_price(price), price)
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Prepared { call: self.clone(), request, sender: from, gas, price })
    }

    /// Simulates the call, then signs and sends it as `from`, an account of the provider's wallet or node.
    ///
    /// # Errors
    /// Like [`simulate`](Self::simulate).
    pub async fn send(&self, from: Address) -> Result<Sent<P>, Error> {
        self.prepare(from).await?.send().await
    }

    /// Simulates and sends the call, and waits for it for up to [`RECEIPT_TIMEOUT`].
    ///
    /// # Errors
    /// Like [`simulate`](Self::simulate) and [`Sent::wait`].
    pub async fn execute(&self, from: Address) -> Result<Executed, Error> {
        self.send(from).await?.wait(RECEIPT_TIMEOUT).await
    }
}

impl<P: Provider + Clone> Prepared<P> {
    /// The gas that the simulation needed.
    pub const fn gas(&self) -> u64 {
        self.gas
    }

    /// The current cost of that gas. The sender needs more, in case the price rises before the call is
    /// mined.
    pub const fn fee(&self) -> Wei {
        Wei::new((self.gas as u128).saturating_mul(self.price))
    }

    /// Signs and sends it, without another simulation.
    ///
    /// # Errors
    /// [`Error::InsufficientFunds`], [`Error::Rpc`].
    pub async fn send(&self) -> Result<Sent<P>, Error> {
        let Call { provider, transaction: Transaction { contract, .. }, events_of } = &self.call;
        let pending = provider.send_transaction(self.request.clone()).await;
        let pending = pending.map_err(|error| Error::from_transport(error, *contract, self.sender))?;
        let transaction = *pending.tx_hash();
        Ok(Sent { provider: provider.clone(), transaction, events_of: events_of.clone() })
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
    /// [`Error::NotMined`] after `timeout`, [`Error::FailedInBlock`], [`Error::Malformed`].
    pub async fn wait(&self, timeout: Duration) -> Result<Executed, Error> {
        let transaction = self.transaction;
        let late = |_| Error::NotMined { transaction, waited: timeout };
        let receipt = tokio::time::timeout(timeout, self.receipt()).await.map_err(late)?;
        self.executed(&receipt)
    }

    /// Retries until it is there: a node that fails to answer may answer the next time.
    async fn receipt(&self) -> TransactionReceipt {
        let mut pause = FIRST_PAUSE;
        loop {
            if let Ok(Some(receipt)) = self.provider.get_transaction_receipt(self.transaction).await {
                return receipt;
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
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
