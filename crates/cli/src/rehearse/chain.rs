//! The local chain of a rehearsal: every call in its own block, at the scenario's time.

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, Bytes, U256, bytes},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::{Log, TransactionRequest, state::StateOverridesBuilder},
    sol_types::SolCall,
    transports::RpcError,
};
use eyre::{Result, WrapErr, bail, ensure};
use levee_model::{Timestamp, Wei};

use super::cast::{self, Cast};
use crate::error::UserError;

/// Code that reverts whatever it is called with.
pub(crate) const REVERTING: Bytes = bytes!("5f5ffd");
/// More than any call here needs.
const GAS: u64 = 10_000_000;

/// Everyone's money for gas on a chain that is kept.
pub(crate) const FOR_GAS: Wei = Wei::new(10u128.pow(18));

/// A local chain, through a provider whose node signs for everyone.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    provider: DynProvider,
}

/// The result of a call: its logs, or its revert data.
pub(crate) type Outcome = Result<Vec<Log>, Bytes>;

impl Chain {
    pub(crate) const fn new(provider: DynProvider) -> Self {
        Self { provider }
    }

    pub(crate) const fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// Makes a call in a block with the time `time`, which the latest block must have too, because the call
    /// is first simulated there. A call that would be refused is not sent.
    pub(crate) async fn call(&self, time: Timestamp, request: TransactionRequest) -> Result<Outcome> {
        let request = request.with_gas_limit(GAS).with_max_fee_per_gas(0).with_max_priority_fee_per_gas(0);
        if let Some(data) = self.refusal(request.clone()).await? {
            return Ok(Err(data));
        }
        self.provider.anvil_set_next_block_timestamp(time).await?;
        let transaction = *self.provider.send_transaction(request).await?.tx_hash();
        self.provider.evm_mine(None).await?;
        let receipt = self.provider.get_transaction_receipt(transaction).await?;
        let receipt = receipt
            .ok_or_else(|| eyre::eyre!("`{transaction}` is not in the block that was mined for it"))?;
        ensure!(receipt.status(), "`{transaction}` failed in its block, and not before");
        Ok(Ok(receipt.inner.logs().to_vec()))
    }

    /// The same for a call that can only succeed; `what` names it.
    pub(crate) async fn must(&self, time: Timestamp, request: TransactionRequest, what: &str) -> Result<()> {
        match self.call(time, request).await? {
            Ok(_) => Ok(()),
            Err(data) => bail!("{what} was refused: {}", levee::Error::from_revert(&data)),
        }
    }

    /// What the call would revert with now.
    async fn refusal(&self, request: TransactionRequest) -> Result<Option<Bytes>> {
        match self.provider.call(request).block(BlockId::latest()).await {
            Ok(_) => Ok(None),
            Err(RpcError::ErrorResp(payload)) if payload.message.contains("revert") => {
                Ok(Some(payload.as_revert_data().unwrap_or_default()))
            }
            Err(RpcError::ErrorResp(payload)) if payload.message.contains("Insufficient funds") => {
                Err(UserError::new("the caller has less ETH than the call sends")
                    .hint("let its `[[contributor]]` hold more")
                    .into())
            }
            Err(error) => Err(error).wrap_err("anvil did not answer"),
        }
    }

    /// From now on, transactions are mined as they arrive, and everyone can pay for them.
    pub(crate) async fn open_to_others(&self, cast: &Cast) -> Result<()> {
        for name in cast.names() {
            self.add_balance(cast::address(name), FOR_GAS).await?;
        }
        // The latest block must say what the state is, or nothing can be proven by it.
        self.pass_until(self.now().await?).await?;
        Ok(self.provider.anvil_set_auto_mine(true).await?)
    }

    /// Time of the latest block.
    async fn now(&self) -> Result<Timestamp> {
        let block = self.provider.get_block(BlockId::latest()).await?;
        Ok(block.ok_or_else(|| eyre::eyre!("anvil has no latest block"))?.header.timestamp)
    }

    /// Mines a block with the time `time`, without calls.
    pub(crate) async fn pass_until(&self, time: Timestamp) -> Result<()> {
        self.provider.anvil_set_next_block_timestamp(time).await?;
        self.provider.evm_mine(None).await?;
        Ok(())
    }

    /// The ETH of `account`, in wei.
    pub(crate) async fn balance(&self, account: Address) -> Result<U256> {
        Ok(self.provider.get_balance(account).await?)
    }

    /// The result of a view of `to`, optionally with its code replaced by `code`.
    pub(crate) async fn read<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        code: Option<Bytes>,
    ) -> Result<C::Return> {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        let overrides = code.map(|code| StateOverridesBuilder::default().with_code(to, code).build());
        let answer = self.provider.call(request).overrides_opt(overrides).await?;
        Ok(C::abi_decode_returns_validate(&answer)?)
    }

    /// Gives `account` more ETH.
    pub(crate) async fn add_balance(&self, account: Address, amount: Wei) -> Result<()> {
        let before = self.balance(account).await?;
        Ok(self.provider.anvil_set_balance(account, before + U256::from(amount.get())).await?)
    }

    /// Replaces a contract's code, and returns the old code.
    pub(crate) async fn replace_code(&self, contract: Address, code: Bytes) -> Result<Bytes> {
        let before = self.provider.get_code_at(contract).await?;
        self.provider.anvil_set_code(contract, code).await?;
        Ok(before)
    }

    /// Takes a snapshot of the state.
    pub(crate) async fn snapshot(&self) -> Result<U256> {
        Ok(self.provider.anvil_snapshot().await?)
    }

    /// Reverts to a snapshot, which is used up.
    pub(crate) async fn revert(&self, snapshot: U256) -> Result<()> {
        ensure!(self.provider.anvil_revert(snapshot).await?, "anvil lost the saved state");
        Ok(())
    }
}
