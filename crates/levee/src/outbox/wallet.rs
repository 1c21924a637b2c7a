//! Transactions through a wallet that signs and sends by itself, as those in browsers do: it tells the hash afterwards, and the
//! bytes not at all. So what it is asked for is recorded before it is asked, and what it sent is read from the node.

use std::fmt;

use alloy::{
    consensus::TxEnvelope,
    eips::BlockId,
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use futures_util::future::BoxFuture;
use levee_model::{Timestamp, Wei};
use serde::Serialize;

use super::{
    Outbox, Prepared,
    journal::{self, Intent, Journal, Signed},
    nonce::{difference, envelope},
    wait::{FIRST_PAUSE, LONGEST_PAUSE},
};
use crate::{clock, error::Error};

/// How many of the account's transactions are looked at for one that a wallet has sent with a nonce of its own choice.
const NONCES_SEARCHED: usize = 8;

/// Why it is not known what became of a request.
const UNSHOWN: &str = "the node shows no such transaction";
const USED: &str =
    "its nonce was used since, by a transaction that the node does not show or that does something else";

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
    #[cfg_attr(feature = "schema", schemars(with = "Vec<levee_model::json::Account>"))]
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

    fn silent(&self, reason: String) -> Error {
        Error::WalletSilent { intent: self.intent, nonce: self.nonce(), reason }
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
    /// nothing: the wallet may still hold it. Nothing else is signed or asked for the account meanwhile.
    ///
    /// # Errors
    /// [`Error::WalletChanged`]; [`Error::WalletSilent`] if the node does not know in time what the wallet says that it has sent;
    /// [`Error::Journal`]; [`Error::Rpc`].
    pub async fn recall(&self, intent: &Intent) -> Result<Option<Handover>, Error> {
        for handover in self.journal.handovers(intent.id).await? {
            match handover.transaction {
                Some(told) => drop(self.found(&handover, told).await?),
                None => drop(self.find(&handover).await?),
            }
        }
        Ok(self.journal.handovers(intent.id).await?.into_iter().next())
    }

    /// Follows `transaction` as what a wallet has sent of an intent. None if the node does not know it, or if no wallet was asked.
    ///
    /// # Errors
    /// [`Error::WalletChanged`] if the wallet was asked for another one; [`Error::Journal`]; [`Error::Rpc`].
    pub async fn identify(&self, intent: &Intent, transaction: B256) -> Result<Option<Signed>, Error> {
        let signed = self.journal.transactions(intent.id).await?;
        if let Some(found) = signed.into_iter().find(|signed| signed.hash == transaction) {
            return Ok(Some(found));
        }
        match self.journal.handovers(intent.id).await?.first() {
            Some(handover) => self.known(handover, transaction).await,
            None => Ok(None),
        }
    }

    /// Refuses to sign or to ask for anything while a wallet may still send what it was asked for: it might do so twice, or with a
    /// nonce that is used here. Only its owner can know that it will not.
    ///
    /// # Errors
    /// [`Error::WalletSilent`]; [`Error::WalletChanged`]; [`Error::Journal`]; [`Error::Rpc`].
    pub async fn require_answered(&self) -> Result<(), Error> {
        for handover in self.journal.unanswered(self.chain, self.account).await? {
            if self.find(&handover).await?.is_none() {
                let is_used = self.count(BlockId::latest()).await? > handover.nonce();
                let reason = if is_used { USED } else { UNSHOWN };
                return Err(handover.silent(reason.into()));
            }
        }
        Ok(())
    }

    /// Hands a transaction to the wallet, under a record that is made before.
    pub(super) async fn hand_over(
        &self,
        wallet: &dyn Wallet,
        intent: &Intent,
        step: &str,
        prepared: &Prepared,
        nonce: u64,
    ) -> Result<Signed, Error> {
        let handover = Handover {
            intent: intent.id,
            step: step.to_owned(),
            request: self.request(intent, prepared, nonce)?,
            contracts: prepared.contracts.clone(),
            handed_at: clock::now(),
            transaction: None,
        };
        self.journal.hand_over(&handover).await?;
        let title = prepared.title.as_deref().unwrap_or(step);
        let told = match wallet.send(&handover, title).await {
            Ok(transaction) => transaction,
            Err(Unsent::Declined(reason)) => {
                self.journal.take_back(&handover).await?;
                return Err(Error::WalletDeclined { reason });
            }
            Err(Unsent::Unknown(reason)) => return Err(handover.silent(reason)),
        };
        let handover = Handover { transaction: Some(told), ..handover };
        if let Err(error) = self.journal.hand_over(&handover).await {
            // Only this message has the hash.
            return Err(handover.silent(format!("it named `{told}`, and that is not recorded: {error}")));
        }
        self.found(&handover, told).await
    }

    /// The transaction whose hash the wallet told, as soon as the node knows it.
    async fn found(&self, handover: &Handover, transaction: B256) -> Result<Signed, Error> {
        let search = async {
            let mut pause = FIRST_PAUSE;
            loop {
                if let Some(signed) = self.find(handover).await? {
                    return Ok::<_, Error>(signed);
                }
                tokio::time::sleep(pause).await;
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
        };
        let unknown =
            || handover.silent(format!("the node does not know transaction `{transaction}`, which it named"));
        tokio::time::timeout(self.wait_limit, search).await.unwrap_or_else(|_| Err(unknown()))
    }

    /// What came of a request, if the node shows it now: by the hash that the wallet told, or by the nonce that it was asked to use
    /// and those that the account has used since, because some wallets choose it themselves.
    async fn find(&self, handover: &Handover) -> Result<Option<Signed>, Error> {
        if let Some(told) = handover.transaction
            && let Some(signed) = self.known(handover, told).await?
        {
            return Ok(Some(signed));
        }
        let (first, used) = (handover.nonce(), self.count(BlockId::latest()).await?);
        for nonce in (first..=used.max(first)).take(NONCES_SEARCHED) {
            let is_asked = |found: &TxEnvelope| difference(&handover.request, found).is_none();
            if let Some(found) = self.at_nonce(nonce).await.filter(is_asked)
                && !self.is_followed(*found.tx_hash()).await?
            {
                return self.follow(handover, &found).await.map(Some);
            }
        }
        Ok(None)
    }

    /// A transaction as what came of a request; none if the node does not know it.
    async fn known(&self, handover: &Handover, transaction: B256) -> Result<Option<Signed>, Error> {
        let found = self.provider.get_transaction_by_hash(transaction).await?;
        let found = found.as_ref().and_then(envelope).filter(|found| *found.tx_hash() == transaction);
        let Some(found) = found else { return Ok(None) };
        match difference(&handover.request, &found) {
            Some(what) => Err(Error::WalletChanged { transaction, what }),
            None => self.follow(handover, &found).await.map(Some),
        }
    }

    /// Records a transaction as what came of a request, now or in an earlier run, and tells the wallet.
    async fn follow(&self, handover: &Handover, found: &TxEnvelope) -> Result<Signed, Error> {
        let Handover { intent, step, contracts, .. } = handover;
        let signed = Signed::new(*intent, step, contracts, found);
        self.journal.record(&signed).await?;
        self.sender.iter().for_each(|wallet| wallet.sent(handover, &signed));
        Ok(signed)
    }
}
