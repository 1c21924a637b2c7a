//! Transactions with one effect or none, whatever is cut off: the program, the answer, the node.
//!
//! An [`Outbox`] sends the transactions of one account on one chain. Each is prepared, so that what is shown is what is
//! signed; signed for that chain alone; recorded in a [`Journal`] with its hash and its bytes; and only then broadcast.
//! After a crash, or an answer that never came, [`Outbox::resume`] broadcasts the same bytes again, which can have no second
//! effect, because they have the same nonce.
//!
//! A [`Wallet`] that signs and sends by itself does not hand out the bytes before. What it is asked for is recorded as a
//! [`Handover`], and [`Outbox::recall`] finds out what it sent.

mod data_fee;
mod failure;
mod fees;
mod journal;
mod nonce;
mod simulation;
mod wait;
mod wallet;

use std::{sync::Arc, time::Duration};

use alloy::{
    consensus::{Transaction as _, TxEnvelope, TypedTransaction},
    eips::BlockId,
    network::{
        EthereumWallet, NetworkTransactionBuilder, TransactionBuilder, TransactionBuilderError, TxSigner,
    },
    primitives::{Address, B256, Signature},
    providers::Provider,
    rpc::types::TransactionRequest,
    transports::TransportError,
};
use levee_model::Wei;
use tokio::sync::Mutex;

use crate::{
    call::{Call, Executed},
    error::Error,
    provider::{LOCAL_CHAIN, has_transaction},
    redacted::RedactedError,
    signer,
};

pub use fees::{FeeOptions, Fees, MAX_FEE, MAX_FEE_PER_GAS, MAX_GAS};
pub use journal::{Draft, Intent, IntentState, Journal, MemoryJournal, Purpose, Signed, SignedState};
pub use wait::{Confirmations, WAIT_LIMIT};
pub use wallet::{Handover, Unsent, Wallet};

/// Sends the transactions of one account on one chain.
#[derive(Debug)]
pub struct Outbox<P, J = MemoryJournal> {
    provider: P,
    chain: u64,
    account: Address,
    wallet: EthereumWallet,
    /// What signs and sends instead, if there is such a wallet.
    sender: Option<Arc<dyn Wallet>>,
    journal: J,
    fees: FeeOptions,
    confirmations: Confirmations,
    wait_limit: Duration,
    /// None until the first transaction, and whenever it is not certain.
    next_nonce: Mutex<Option<u64>>,
}

/// A simulated call with its fees: what is shown before it is signed, and signed as it was shown.
#[derive(Debug, Clone)]
pub struct Prepared {
    request: TransactionRequest,
    contracts: Vec<Address>,
    gas: u64,
    fees: Fees,
    data_fee: Wei,
    title: Option<String>,
}

impl Prepared {
    /// The same, with what it does in words: for a wallet that shows it. Without them, it shows the step's name.
    #[must_use]
    pub fn titled(self, title: impl Into<String>) -> Self {
        Self { title: Some(title.into()), ..self }
    }

    /// The gas that the simulation needed.
    pub const fn gas(&self) -> u64 {
        self.gas
    }

    /// The fees that are signed.
    pub const fn fees(&self) -> &Fees {
        &self.fees
    }

    /// The most that a rollup takes for the transaction's data, outside of its gas; zero on other chains. Its price follows that of
    /// another chain's gas and can rise until the transaction is included, so this is twice what it is now.
    pub const fn data_fee_limit(&self) -> Wei {
        Wei::new(self.data_fee.get().saturating_mul(2))
    }

    /// The most that it can cost, besides the ETH that it sends.
    pub const fn cost_limit(&self) -> Wei {
        Wei::new(self.fees.limit().get().saturating_add(self.data_fee_limit().get()))
    }

    /// The same for at most the price of another's gas.
    ///
    /// # Errors
    /// [`Error::GasPriceAboveLimit`] if the next block needs more.
    pub fn at_most(self, other: &Self) -> Result<Self, Error> {
        self.at_price(Wei::new(other.fees.max_fee_per_gas))
    }

    /// The same for at most `price` for a unit of gas.
    ///
    /// # Errors
    /// [`Error::GasPriceAboveLimit`] if the next block needs more.
    pub fn at_price(self, price: Wei) -> Result<Self, Error> {
        let fees = self.fees.at_most(price.get())?;
        Ok(self.with_fees(fees))
    }

    fn with_fees(self, fees: Fees) -> Self {
        Self { request: fees.set(self.request), fees, ..self }
    }

    /// The same within the price and the gas limit of what was shown for it.
    ///
    /// # Errors
    /// [`Error::GasPriceAboveLimit`] if the next block needs a higher price, [`Error::GasLimitTooLow`] if it needs more gas by now,
    /// [`Error::DataFeeRisen`] if its data costs more.
    pub fn within(self, shown: &Self) -> Result<Self, Error> {
        let limit = shown.fees.gas_limit;
        if self.gas > limit {
            return Err(Error::GasLimitTooLow { limit, gas: self.gas });
        }
        if self.data_fee > shown.data_fee_limit() {
            return Err(Error::DataFeeRisen { fee: self.data_fee, limit: shown.data_fee_limit() });
        }
        let fees = self.fees.at_most(shown.fees.max_fee_per_gas)?;
        let gas_limit = fees.gas_limit.min(limit);
        Ok(Self { data_fee: shown.data_fee, ..self.with_fees(Fees { gas_limit, ..fees }) })
    }

    /// What its gas and data would cost in the next block.
    pub const fn likely_fee(&self) -> Wei {
        Wei::new(self.fees.likely(self.gas).get().saturating_add(self.data_fee.get()))
    }
}

impl<P> Outbox<P> {
    /// For `signer`'s account on the chain `chain`, with a journal in memory. `provider` should be on that chain: signatures
    /// are for it alone, whatever the provider says.
    pub fn new(provider: P, chain: u64, signer: impl TxSigner<Signature> + Send + Sync + 'static) -> Self {
        let (account, wallet) = (signer.address(), EthereumWallet::new(signer));
        Self::with(provider, chain, account, wallet, MemoryJournal::default())
    }

    /// For the account of a wallet that signs and sends by itself.
    pub fn through(provider: P, chain: u64, wallet: Arc<dyn Wallet>) -> Self {
        let watching = Self::watching(provider, chain, wallet.account());
        Self { sender: Some(wallet), ..watching }
    }

    /// For an account that cannot sign here: to follow what it has signed.
    pub fn watching(provider: P, chain: u64, account: Address) -> Self {
        Self::with(provider, chain, account, EthereumWallet::default(), MemoryJournal::default())
    }

    /// The same with another journal.
    pub fn with_journal<J: Journal>(self, journal: J) -> Outbox<P, J> {
        let Self { provider, chain, account, wallet, sender, .. } = self;
        let Self { fees, confirmations, wait_limit, next_nonce, .. } = self;
        Outbox {
            provider,
            chain,
            account,
            wallet,
            sender,
            journal,
            fees,
            confirmations,
            wait_limit,
            next_nonce,
        }
    }
}

impl<P, J> Outbox<P, J> {
    fn with(provider: P, chain: u64, account: Address, wallet: EthereumWallet, journal: J) -> Self {
        Self {
            provider,
            chain,
            account,
            wallet,
            sender: None,
            journal,
            fees: FeeOptions::default(),
            confirmations: Confirmations::default(),
            wait_limit: WAIT_LIMIT,
            next_nonce: Mutex::default(),
        }
    }

    /// The same with other wishes about fees.
    #[must_use]
    pub fn with_fees(self, fees: FeeOptions) -> Self {
        Self { fees, ..self }
    }

    /// The same, waiting for another depth, up to `limit`.
    #[must_use]
    pub fn waiting(self, confirmations: Confirmations, limit: Duration) -> Self {
        Self { confirmations, wait_limit: limit, ..self }
    }

    /// The same with `nonce` for the next transaction, instead of the account's next.
    #[must_use]
    pub fn with_nonce(self, nonce: u64) -> Self {
        Self { next_nonce: Mutex::new(Some(nonce)), ..self }
    }

    /// The account that sends.
    pub const fn account(&self) -> Address {
        self.account
    }

    /// The chain that signatures are for.
    pub const fn chain(&self) -> u64 {
        self.chain
    }

    /// The provider that is sent to.
    pub const fn provider(&self) -> &P {
        &self.provider
    }

    /// The journal.
    pub const fn journal(&self) -> &J {
        &self.journal
    }
}

impl<P: Provider + Clone, J: Journal> Outbox<P, J> {
    /// Simulates a call and fixes its fees. Sends nothing.
    ///
    /// # Errors
    /// Like [`Call::simulate`]; [`Error::GasAboveLimit`], [`Error::GasPriceAboveLimit`], [`Error::FeeAboveLimit`],
    /// [`Error::DataFeeUnknown`].
    pub async fn prepare(&self, call: &Call<P>) -> Result<Prepared, Error> {
        let gas = call.simulate(self.account).await?;
        let fees = Fees::of(&self.provider, gas, &self.fees).await?;
        self.prepared(call.request(self.account), call.contracts().to_vec(), gas, fees).await
    }

    async fn prepared(
        &self,
        request: TransactionRequest,
        contracts: Vec<Address>,
        gas: u64,
        fees: Fees,
    ) -> Result<Prepared, Error> {
        let request = fees.set(request);
        let data_fee = data_fee::read(&self.provider, self.chain, &request).await?;
        let prepared = Prepared { request, contracts, gas, fees, data_fee, title: None };
        let is_limited = self.fees.max_fee_per_gas.is_none() || self.fees.gas_limit.is_none();
        if is_limited && data_fee > Wei::ZERO && prepared.cost_limit() > MAX_FEE {
            return Err(Error::FeeAboveLimit { fee: prepared.cost_limit(), limit: MAX_FEE });
        }
        Ok(prepared)
    }

    /// Signs, records and broadcasts a transaction, as the step `step` of an intent. If the node's answer does not come, the
    /// transaction is taken for sent: [`confirm`](Self::confirm) finds out, and broadcasts it again. A [`Wallet`] is asked under a
    /// record that is made before, and what it sent is recorded when the node knows it.
    ///
    /// No step is signed twice while the first may have its effect: what was signed for it is returned.
    ///
    /// # Errors
    /// [`Error::NotSigned`], [`Error::SignerRefused`], [`Error::NotOwnSignature`]; [`Error::WalletDeclined`], and then nothing was
    /// sent; [`Error::WalletSilent`], as long as it is not known what became of anything that a wallet was asked for, and
    /// [`Error::WalletChanged`]; [`Error::ForeignPending`]; [`Error::Journal`], and then nothing was broadcast; [`Error::NotAccepted`] if the node refuses the
    /// transaction, which remains recorded; [`Error::Rpc`] if the account's nonce cannot be read.
    pub async fn send(&self, intent: &Intent, step: &str, prepared: &Prepared) -> Result<Signed, Error> {
        let mut next_nonce = self.next_nonce.lock().await;
        self.require_answered().await?;
        if let Some(signed) = self.signed_for(intent, step).await? {
            return Ok(signed);
        }
        let nonce = match next_nonce.take() {
            Some(nonce) => nonce,
            None => self.first_free_nonce().await?,
        };
        if let Some(wallet) = &self.sender {
            return self.hand_over(wallet.as_ref(), intent, step, prepared, nonce).await;
        }
        let signed = self.record(intent, step, prepared, nonce).await?;
        *next_nonce = Some(nonce.saturating_add(1));
        drop(next_nonce);
        self.broadcast(&signed).await?;
        Ok(signed)
    }

    /// What was signed for a step, unless it is known to have no effect.
    async fn signed_for(&self, intent: &Intent, step: &str) -> Result<Option<Signed>, Error> {
        let may_have_effect = |signed: &Signed| {
            signed.step == step && matches!(signed.state, SignedState::Pending | SignedState::Included)
        };
        Ok(self.journal.transactions(intent.id).await?.into_iter().rfind(may_have_effect))
    }

    /// What takes the place of a pending transaction: the same, at a higher price. Sends nothing.
    ///
    /// # Errors
    /// [`Error::GasPriceAboveLimit`], [`Error::FeeAboveLimit`]; [`Error::Rpc`].
    pub async fn prepare_replacement(&self, replaced: &Signed) -> Result<Prepared, Error> {
        let transaction = replaced.transaction()?;
        let fees = Fees::replacing(&transaction, &self.provider, &self.fees).await?;
        let request = TransactionRequest::from_transaction(transaction);
        self.prepared(request, replaced.contracts.clone(), fees.gas_limit, fees).await
    }

    /// Signs, records and broadcasts what takes the place of a pending transaction. At most one of the two is ever included.
    ///
    /// # Errors
    /// Like [`send`](Self::send).
    pub async fn replace(
        &self,
        intent: &Intent,
        replaced: &Signed,
        prepared: &Prepared,
    ) -> Result<Signed, Error> {
        self.require_answered().await?;
        let signed = self.record(intent, &replaced.step, prepared, replaced.nonce).await?;
        self.broadcast(&signed).await?;
        Ok(signed)
    }

    /// Simulates and sends a call under an intent of its own, and waits for it. To call it again after [`Error::NotMined`] is to
    /// send a second transaction: [`resume`](Self::resume) the unfinished intent instead.
    ///
    /// # Errors
    /// Like [`prepare`](Self::prepare), [`send`](Self::send) and [`confirm`](Self::confirm).
    pub async fn execute(&self, call: &Call<P>) -> Result<Executed, Error> {
        let prepared = self.prepare(call).await?;
        let (chain, account) = (self.chain, self.account);
        let purpose = Purpose::new("call").with("contract", call.to()).with("data", call.input());
        let draft = Draft { chain, account, rescue: None, purpose, key: None };
        let intent = self.journal.begin(&draft, &["call".to_owned()]).await?;
        let signed = self.send(&intent, "call", &prepared).await?;
        match self.confirm(&signed).await {
            Ok(executed) => {
                self.journal.close(intent.id, IntentState::Done).await?;
                Ok(executed)
            }
            Err(error) => Err(self.failed(&intent, error).await?),
        }
    }

    /// Brings the signed transactions of an intent to their end, one after the other: broadcasts again what is in no block,
    /// and waits for it. Returns the step and the outcome of each that succeeded.
    ///
    /// A transaction that was recorded as failed by an earlier run is looked at again, as by [`revise`](Self::revise); if it failed, that
    /// is no error: its step is to be signed anew. Nor is one
    /// that fails now, if another was sent after it: it turned out not to be needed, as when somebody else was faster to
    /// create a contract.
    ///
    /// What a [`Wallet`] was asked for is looked for first, as by [`recall`](Self::recall); what is not found is left out.
    ///
    /// # Errors
    /// Like [`confirm`](Self::confirm) and [`recall`](Self::recall); [`Error::NotAccepted`].
    pub async fn resume(&self, intent: &Intent) -> Result<Vec<(String, Executed)>, Error> {
        self.recall(intent).await?;
        self.revise(intent).await?;
        let mut steps: Vec<(String, Executed)> = Vec::new();
        let mut open = self.journal.transactions(intent.id).await?;
        open.retain(|signed| !matches!(signed.state, SignedState::Failed | SignedState::Replaced));
        let last = open.last().map(|signed| signed.nonce);
        for (number, signed) in open.iter().enumerate() {
            // What replaces another has its nonce, and the two are waited for together.
            let is_replaced = open.iter().skip(number + 1).any(|later| later.nonce == signed.nonce);
            if is_replaced || steps.iter().any(|(step, _)| *step == signed.step) {
                continue;
            }
            self.broadcast_again(signed).await?;
            match self.confirm(signed).await {
                Ok(executed) => steps.push((signed.step.clone(), executed)),
                Err(Error::FailedInBlock { .. } | Error::NonceUsed { .. }) if last != Some(signed.nonce) => {}
                Err(error) => return Err(self.failed(intent, error).await?),
            }
        }
        Ok(steps)
    }

    /// Looks again at the transactions of an intent that are recorded as failed, because a node may have lied about one, or a
    /// reorganization may have put it back with another outcome. Returns whether one has succeeded after all, and records it. What is in
    /// no block is broadcast again and waited for: it may still have its effect, but for the local chain, which may have begun anew.
    ///
    /// # Errors
    /// [`Error::NotMined`], [`Error::Journal`].
    pub async fn revise(&self, intent: &Intent) -> Result<bool, Error> {
        let mut has_succeeded = false;
        for signed in self.journal.transactions(intent.id).await? {
            if signed.state != SignedState::Failed
                || self.chain == LOCAL_CHAIN && self.included(&signed, self.confirmations).await?.is_none()
            {
                continue;
            }
            // Its answer is of no interest: the transaction is included or not.
            drop(self.broadcast_again(&signed).await);
            match self.confirm(&signed).await {
                Ok(_) => has_succeeded = true,
                Err(Error::FailedInBlock { .. } | Error::NonceUsed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(has_succeeded)
    }

    /// A transaction of an intent that is in no block yet, and could still be; none if there is none. Records what it learns of the
    /// transactions. The intent stays unfinished, also if all is done: whoever wanted it was not told.
    ///
    /// # Errors
    /// [`Error::Journal`].
    pub async fn settle_pending(&self, intent: &Intent) -> Result<Option<B256>, Error> {
        for signed in self.journal.transactions(intent.id).await? {
            if signed.state == SignedState::Pending && !self.is_settled(&signed).await? {
                return Ok(Some(signed.hash));
            }
        }
        Ok(None)
    }

    /// Whether a transaction of an intent that was included is not any more, or no longer deep enough: a reorganization has taken it
    /// back. [`resume`](Self::resume) sends it again.
    ///
    /// # Errors
    /// [`Error::Journal`].
    pub async fn is_undone(&self, intent: &Intent) -> Result<bool, Error> {
        for signed in self.journal.transactions(intent.id).await? {
            // A node that does not answer now takes nothing back.
            if signed.state == SignedState::Included
                && self.included(&signed, self.confirmations).await?.is_none()
                && self.provider.get_transaction_receipt(signed.hash).await.is_ok()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The error, after recording that the intent has failed, if that is what it says: a transaction can have no effect any more,
    /// and none of the intent's had one, or what was done has been undone. Otherwise the intent goes on where it stopped.
    ///
    /// # Errors
    /// [`Error::Journal`].
    pub async fn failed(&self, intent: &Intent, error: Error) -> Result<Error, Error> {
        let is_final = matches!(error, Error::FailedInBlock { .. } | Error::NonceUsed { .. });
        if is_final
            && matches!(intent.state, IntentState::Unfinished | IntentState::Done)
            && self.journal.handovers(intent.id).await?.is_empty()
        {
            let all = self.journal.transactions(intent.id).await?;
            if all.iter().all(|signed| matches!(signed.state, SignedState::Failed | SignedState::Replaced)) {
                self.journal.close(intent.id, IntentState::Failed).await?;
            }
        }
        Ok(error)
    }

    /// The nonce after the account's transactions that are in blocks and those that the journal has in a row after them. Never a
    /// later one on a node's word: it would stay valid until others have filled the gap, when nobody thinks of it any more.
    async fn first_free_nonce(&self) -> Result<u64, Error> {
        let followed = self.journal.followed(self.chain, self.account).await?;
        let is_pending = |nonce: &u64| {
            followed.iter().any(|signed| signed.nonce == *nonce && signed.state == SignedState::Pending)
        };
        let after = |mined: u64| (mined..).find(|nonce| !is_pending(nonce)).unwrap_or(mined);
        // The local chain may begin anew at any time.
        let was_in_block = |signed: &&Signed| {
            matches!(signed.state, SignedState::Included | SignedState::Failed) && self.chain != LOCAL_CHAIN
        };
        let in_blocks =
            followed.iter().filter(was_in_block).map(|signed| signed.nonce.saturating_add(1)).max();
        let waiting = self.count(BlockId::pending()).await?;
        if in_blocks.map(after) == Some(waiting) {
            return Ok(waiting);
        }
        // The node may be behind.
        let mined = self.count(BlockId::latest()).await?.max(in_blocks.unwrap_or_default());
        let nonce = after(mined);
        if waiting > nonce {
            return Err(Error::ForeignPending { account: self.account, nonce, waiting });
        }
        Ok(nonce)
    }

    /// How many transactions the account has sent, up to a block.
    async fn count(&self, block: BlockId) -> Result<u64, Error> {
        Ok(self.provider.get_transaction_count(self.account).block_id(block).await?)
    }

    /// Signs a transaction and records it. Nothing is broadcast yet.
    async fn record(
        &self,
        intent: &Intent,
        step: &str,
        prepared: &Prepared,
        nonce: u64,
    ) -> Result<Signed, Error> {
        let signed = self.sign(intent, step, prepared, nonce).await?;
        self.journal.record(&signed).await?;
        Ok(signed)
    }

    /// What is signed.
    fn request(&self, intent: &Intent, prepared: &Prepared, nonce: u64) -> Result<TransactionRequest, Error> {
        if (intent.draft.chain, intent.draft.account) != (self.chain, self.account) {
            return Err(Error::NotSigned {
                source: RedactedError::new("the intent is of another account or chain"),
            });
        }
        Ok(self.complete(prepared, nonce))
    }

    fn complete(&self, prepared: &Prepared, nonce: u64) -> TransactionRequest {
        let request = prepared.request.clone().with_from(self.account).with_chain_id(self.chain);
        request.with_nonce(nonce)
    }

    /// What a signer that is offline is to sign: nothing of it is recorded here.
    ///
    /// # Errors
    /// [`Error::NotSigned`] if it is no complete transaction, which is a bug.
    pub fn unsigned(&self, prepared: &Prepared, nonce: u64) -> Result<TypedTransaction, Error> {
        let built = self.complete(prepared, nonce).build_unsigned();
        built.map_err(|error| Error::NotSigned { source: RedactedError::new(error.error) })
    }

    /// Records a transaction of the account that was signed elsewhere, as the step `step` of an intent: [`resume`](Self::resume)
    /// sends it. What the Levee `contracts` then say is its outcome.
    ///
    /// # Errors
    /// [`Error::NotOwnSignature`] if another account signed it; [`Error::WrongChain`] if it is for another chain;
    /// [`Error::TransactionTaken`] if it was recorded of another intent; [`Error::Journal`].
    pub async fn adopt(
        &self,
        intent: &Intent,
        step: &str,
        transaction: &TxEnvelope,
        contracts: &[Address],
    ) -> Result<Signed, Error> {
        signer::require_own(self.account, transaction.signature(), transaction.signature_hash())?;
        let chain = transaction.chain_id().unwrap_or_default();
        if chain != self.chain {
            return Err(Error::WrongChain { expected: self.chain, actual: chain });
        }
        let signed = Signed::new(intent.id, step, contracts, transaction);
        self.journal.record(&signed).await?;
        Ok(signed)
    }

    /// The nonce for the account's next transaction.
    ///
    /// # Errors
    /// [`Error::ForeignPending`], [`Error::Rpc`].
    pub async fn next_nonce(&self) -> Result<u64, Error> {
        match *self.next_nonce.lock().await {
            Some(nonce) => Ok(nonce),
            None => self.first_free_nonce().await,
        }
    }

    async fn sign(
        &self,
        intent: &Intent,
        step: &str,
        prepared: &Prepared,
        nonce: u64,
    ) -> Result<Signed, Error> {
        let request = self.request(intent, prepared, nonce)?;
        let envelope: TxEnvelope = request.build(&self.wallet).await.map_err(|error| match error {
            TransactionBuilderError::Signer(error) => signer::not_signed(error),
            error => Error::NotSigned { source: RedactedError::new(error) },
        })?;
        signer::require_own(self.account, envelope.signature(), envelope.signature_hash())?;
        Ok(Signed::new(intent.id, step, &prepared.contracts, &envelope))
    }

    async fn broadcast(&self, signed: &Signed) -> Result<(), Error> {
        let Err(error) = self.provider.send_raw_transaction(&signed.raw).await else { return Ok(()) };
        if may_be_known(&error) || self.is_known(signed.hash).await {
            return Ok(());
        }
        Err(Error::NotAccepted { transaction: signed.hash, source: RedactedError::new(error) })
    }

    /// Broadcasts the transaction again, or what replaced it, if none of them is in a block.
    async fn broadcast_again(&self, signed: &Signed) -> Result<(), Error> {
        if self.included(signed, self.confirmations).await?.is_some() {
            return Ok(());
        }
        self.fill_gap_before(signed).await?;
        let attempts = self.attempts(signed).await?;
        self.broadcast(attempts.last().unwrap_or(signed)).await
    }

    /// Broadcasts again what must be included before a transaction, because the node may have lost it, or a reorganization may have
    /// taken it back. Not what the local chain has included: that may have begun anew.
    async fn fill_gap_before(&self, signed: &Signed) -> Result<(), Error> {
        // What is in blocks needs nothing; if the node does not tell, it refuses it.
        let mined = self.count(BlockId::latest()).await.unwrap_or_default();
        for earlier in self.journal.followed(self.chain, self.account).await? {
            let is_left = match earlier.state {
                SignedState::Pending => true,
                SignedState::Included => self.chain != LOCAL_CHAIN,
                SignedState::Failed | SignedState::Replaced => false,
            };
            if is_left && (mined..signed.nonce).contains(&earlier.nonce) {
                drop(self.broadcast(&earlier).await);
            }
        }
        Ok(())
    }

    async fn is_known(&self, transaction: B256) -> bool {
        matches!(self.provider.get_transaction_by_hash(transaction).await, Ok(Some(_)))
    }
}

/// Whether the node may have the transaction in spite of the error: it did not answer, or it says so in its own words.
fn may_be_known(error: &TransportError) -> bool {
    let Some(refusal) = error.as_error_resp() else { return true };
    has_transaction(refusal) || refusal.message.to_lowercase().contains("nonce too low")
}
