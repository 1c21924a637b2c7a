//! Transactions through a wallet that signs and sends by itself, as those in browsers do: it tells the hash afterwards, and the
//! bytes not at all. So what it is asked for is recorded before it is asked, and what it sent is read from the node.

use std::{fmt, ops::RangeInclusive};

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::{
        BlockId,
        eip2718::{Decodable2718, Encodable2718},
    },
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::{Transaction, TransactionRequest},
};
use futures_util::future::BoxFuture;
use levee_model::{Timestamp, Wei, json};
use serde::Serialize;

use super::{
    Outbox, Prepared,
    journal::{self, Intent, Journal, Signed},
    wait::{FIRST_PAUSE, LONGEST_PAUSE},
};
use crate::{clock, error::Error, signer};

/// How far the clocks of this machine and of the chain may be apart, in seconds.
const CLOCK_DIFFERENCE: Timestamp = 3_600;

/// A wallet that signs and sends by itself.
pub trait Wallet: fmt::Debug + Send + Sync {
    /// The account that it signs for.
    fn account(&self) -> Address;

    /// Asks it to send a transaction, of which `title` says what it does, and waits for the hash.
    fn send<'a>(&'a self, handover: &'a Handover, title: &'a str) -> BoxFuture<'a, Result<B256, Unsent>>;

    /// Learns what it has sent, by the word of the node. It may have changed the nonce and the fees.
    fn sent(&self, handover: &Handover, signed: &Signed);
}

/// Why a wallet told no hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsent {
    /// It sends no such transaction: it was not asked in the end, or said no.
    Declined(String),
    /// It may have sent the transaction, or still do so.
    Unknown(String),
}

/// A transaction that was handed to a [`Wallet`]. Its record lasts until the transaction is found, and is then one of the
/// [signed](Signed) ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Handover {
    /// The number of its intent.
    pub intent: i64,
    /// Which of the intent's transactions it is.
    pub step: String,
    /// What the wallet is asked to send, with the account, the chain, the nonce and the fees.
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub request: TransactionRequest,
    /// Whose events tell what it did.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<json::Account>"))]
    #[serde(serialize_with = "journal::accounts")]
    pub contracts: Vec<Address>,
    /// When it was handed over, in Unix seconds.
    #[serde(rename = "handedOverAtUnix")]
    pub handed_at: Timestamp,
    /// The hash that the wallet told; none as long as it has told none.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub transaction: Option<B256>,
}

impl Handover {
    /// The nonce that the wallet is asked to use.
    pub fn nonce(&self) -> u64 {
        self.request.nonce.unwrap_or_default()
    }

    /// Whether the wallet was asked for the same.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.intent, &self.step, &self.request) == (other.intent, &other.step, &other.request)
    }

    /// The most that its gas can cost, as it was shown.
    pub fn fee_limit(&self) -> Wei {
        let gas_limit = u128::from(self.request.gas.unwrap_or_default());
        let price = self.request.max_fee_per_gas.or(self.request.gas_price).unwrap_or_default();
        Wei::new(gas_limit.saturating_mul(price))
    }
}

impl<P: Provider + Clone, J: Journal> Outbox<P, J> {
    /// Looks for what a wallet has sent of an intent, and follows it from then on. Returns the first request of which it found
    /// nothing: the wallet may still hold it. [`send`](Self::send) asks for the same step again with the same nonce.
    ///
    /// # Errors
    /// [`Error::WalletChanged`]; [`Error::NonceTaken`]; [`Error::Journal`]; [`Error::Rpc`].
    pub async fn recall(&self, intent: &Intent) -> Result<Option<Handover>, Error> {
        for handover in self.journal.handovers(intent.id).await? {
            // What was found of a step settles its other requests too.
            if self.journal.handovers(intent.id).await?.contains(&handover) {
                self.find(&handover, Some(handover.handed_at)).await?;
            }
        }
        let open = self.journal.handovers(intent.id).await?.into_iter().next();
        if let Some(handover) = &open {
            self.require_free(handover).await?;
        }
        Ok(open)
    }

    /// Follows `transaction` as what a wallet has sent of an intent. None if the node does not know it, or if no wallet was asked.
    ///
    /// # Errors
    /// [`Error::WalletChanged`] if the wallet was asked for another one; [`Error::Journal`]; [`Error::Rpc`].
    pub async fn identify(&self, intent: &Intent, transaction: B256) -> Result<Option<Signed>, Error> {
        let handovers = self.journal.handovers(intent.id).await?;
        let found = self.provider.get_transaction_by_hash(transaction).await?;
        let (Some(first), Some(found)) = (handovers.first(), found) else { return Ok(None) };
        let asked = handovers.iter().find(|handover| difference(&handover.request, &found).is_none());
        self.follow(asked.unwrap_or(first), &found).await.map(Some)
    }

    /// Hands a transaction to the wallet, under a record that is made before.
    pub(super) async fn hand_over(
        &self,
        wallet: &dyn Wallet,
        intent: &Intent,
        step: &str,
        prepared: &Prepared,
    ) -> Result<Signed, Error> {
        let mut next_nonce = self.next_nonce.lock().await;
        let earlier = self.asked_before(intent, step).await?;
        // It said that it has sent it: it is not asked again, whatever the node knows of it.
        if let Some(told) = earlier.iter().find(|handover| handover.transaction.is_some()) {
            let signed = self.found(told).await?;
            wallet.sent(told, &signed);
            return Ok(signed);
        }
        let nonce = self.nonce(&earlier, next_nonce.take()).await?;
        if !earlier.is_empty() && self.has_pending().await? {
            let reason = "a transaction of the account waits for a block, and may be it".into();
            return Err(Error::WalletSilent { nonce, reason });
        }
        let handover = Handover {
            intent: intent.id,
            step: step.to_owned(),
            request: self.request(intent, prepared, nonce)?,
            contracts: prepared.contracts.clone(),
            handed_at: clock::now(),
            transaction: None,
        };
        self.journal.hand_over(&handover).await?;
        let answer = wallet.send(&handover, prepared.title.as_deref().unwrap_or(step)).await;
        let handover = self.answered(handover, answer, &earlier).await?;
        let signed = self.found(&handover).await?;
        wallet.sent(&handover, &signed);
        Ok(signed)
    }

    /// Whether a transaction of the account waits for a block.
    async fn has_pending(&self) -> Result<bool, Error> {
        let count = |block| self.provider.get_transaction_count(self.account).block_id(block);
        Ok(count(BlockId::pending()).await? > count(BlockId::latest()).await?)
    }

    /// What a wallet was asked for the same step, and has not answered.
    pub(super) async fn asked_before(&self, intent: &Intent, step: &str) -> Result<Vec<Handover>, Error> {
        let mut earlier = self.journal.handovers(intent.id).await?;
        earlier.retain(|handover| handover.step == step);
        Ok(earlier)
    }

    /// Records what the wallet says.
    async fn answered(
        &self,
        handover: Handover,
        answer: Result<B256, Unsent>,
        earlier: &[Handover],
    ) -> Result<Handover, Error> {
        match answer {
            Ok(transaction) => {
                let handover = Handover { transaction: Some(transaction), ..handover };
                self.journal.hand_over(&handover).await?;
                Ok(handover)
            }
            Err(Unsent::Declined(reason)) => {
                if !earlier.iter().any(|other| other.is_same(&handover)) {
                    self.journal.take_back(&handover).await?;
                }
                match earlier.first() {
                    // No to this request is not no to the one before.
                    Some(other) => Err(Error::WalletSilent { nonce: other.nonce(), reason }),
                    None => Err(Error::WalletDeclined { reason }),
                }
            }
            Err(Unsent::Unknown(reason)) => Err(Error::WalletSilent { nonce: handover.nonce(), reason }),
        }
    }

    /// What came of a transaction whose hash the wallet told, as soon as the node knows it.
    async fn found(&self, handover: &Handover) -> Result<Signed, Error> {
        let search = async {
            let mut pause = FIRST_PAUSE;
            loop {
                if let Some(signed) = self.find(handover, None).await? {
                    return Ok::<_, Error>(signed);
                }
                tokio::time::sleep(pause).await;
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
        };
        let (waited, transaction) = (self.wait_limit, handover.transaction.unwrap_or_default());
        tokio::time::timeout(waited, search).await.unwrap_or(Err(Error::NotMined { transaction, waited }))
    }

    /// What came of a request, if the node knows it now, or if it is in a block since a time.
    async fn find(&self, handover: &Handover, since: Option<Timestamp>) -> Result<Option<Signed>, Error> {
        if let Some(told) = handover.transaction
            && let Some(found) = self.provider.get_transaction_by_hash(told).await?
            && *found.inner.tx_hash() == told
        {
            return self.follow(handover, &found).await.map(Some);
        }
        // Some wallets choose the nonce themselves.
        let nonces = handover.nonce()..=u64::MAX;
        match self.same_call(&handover.request, nonces, since).await? {
            Some(found) => self.follow(handover, &found).await.map(Some),
            None => Ok(None),
        }
    }

    /// Refuses a nonce that another transaction has used. Once that is final, nothing can come of the request.
    async fn require_free(&self, handover: &Handover) -> Result<(), Error> {
        let (account, nonce) = (self.account, handover.nonce());
        let is_used = async |block: BlockId| -> Result<bool, Error> {
            Ok(self.provider.get_transaction_count(account).block_id(block).await? > nonce)
        };
        if !is_used(BlockId::latest()).await? {
            return Ok(());
        }
        let is_final = is_used(BlockId::finalized()).await?;
        if is_final {
            self.journal.take_back(handover).await?;
        }
        let is_told = handover.transaction.is_some();
        if is_told && !is_final { Ok(()) } else { Err(Error::NonceTaken { account, nonce }) }
    }

    /// Records a transaction as what came of a request, if it is what was asked for.
    async fn follow(&self, handover: &Handover, found: &Transaction) -> Result<Signed, Error> {
        if let Some(what) = difference(&handover.request, found) {
            return Err(Error::WalletChanged { transaction: *found.inner.tx_hash(), what });
        }
        let Handover { intent, step, contracts, .. } = handover;
        let signed = Signed::new(*intent, step, contracts, found.inner.inner());
        self.journal.record(&signed).await?;
        Ok(signed)
    }

    /// The account's transaction that makes the same call with one of the nonces, if the journal does not follow it already. Where
    /// the node cannot tell it by the first of them, the blocks since a time are searched.
    pub(super) async fn same_call(
        &self,
        request: &TransactionRequest,
        nonces: RangeInclusive<u64>,
        since: Option<Timestamp>,
    ) -> Result<Option<Transaction>, Error> {
        let followed = self.journal.followed(self.chain, self.account).await?;
        let is_sought = |found: &Transaction| {
            let hash = found.inner.tx_hash();
            found.inner.signer() == self.account
                && nonces.contains(&found.nonce())
                && difference(request, found).is_none()
                && followed.iter().all(|signed| signed.hash != *hash)
        };
        // Not every node has the method, and it also sees what waits for a block.
        let nonce = *nonces.start();
        let direct = self.provider.get_transaction_by_sender_nonce(self.account, nonce).await;
        if let Some(found) = direct.ok().flatten().filter(is_sought) {
            return Ok(Some(found));
        }
        match since {
            Some(since) if self.provider.get_transaction_count(self.account).await? > nonce => {
                self.search(since, is_sought).await
            }
            _ => Ok(None),
        }
    }

    /// The latest transaction in a block since a time that is sought.
    async fn search(
        &self,
        since: Timestamp,
        is_sought: impl Fn(&Transaction) -> bool,
    ) -> Result<Option<Transaction>, Error> {
        let mut id = BlockId::latest();
        loop {
            let block = self.provider.get_block(id).full().await?;
            let block = block.ok_or(Error::Malformed { what: "a block" })?;
            if let Some(found) = block.transactions.txns().find(|found| is_sought(found)) {
                return Ok(Some(found.clone()));
            }
            if block.header.timestamp.saturating_add(CLOCK_DIFFERENCE) < since || block.header.number == 0 {
                return Ok(None);
            }
            id = BlockId::hash(block.header.parent_hash);
        }
    }
}

/// What a transaction has other than the request: never its nonce or its fees. What the node says of it counts as far as it is
/// in the signed bytes.
fn difference(request: &TransactionRequest, found: &Transaction) -> Option<&'static str> {
    let raw = found.inner.inner().encoded_2718();
    let Ok(signed) = TxEnvelope::decode_2718_exact(&raw) else { return Some("form") };
    let asked_value = request.value.unwrap_or_default();
    let asked_data = request.input.input().cloned().unwrap_or_default();
    let checks = [
        ("hash", signed.tx_hash() == found.inner.tx_hash()),
        ("sender", is_by(&signed, request.from.unwrap_or_default())),
        ("chain", signed.chain_id() == request.chain_id),
        ("recipient", Some(signed.kind()) == request.to),
        ("value", signed.value() == asked_value),
        ("data", *signed.input() == asked_data),
    ];
    checks.into_iter().find(|(_, is_same)| !is_same).map(|(what, _)| what)
}

fn is_by(transaction: &TxEnvelope, account: Address) -> bool {
    signer::require_own(account, transaction.signature(), transaction.signature_hash()).is_ok()
}
