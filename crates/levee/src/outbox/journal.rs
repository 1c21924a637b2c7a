//! The record of what is sent: intents, and the transactions that were signed for each.

use std::{
    fmt::{self, Display},
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
};

use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::eip2718::{Decodable2718, Encodable2718},
    primitives::{Address, B256, Bytes},
};
use levee_model::{Timestamp, Wei, json};
use serde::{Serialize, Serializer};

use super::{fees::Fees, wallet::Handover};
use crate::{clock, error::Error, provider::LOCAL_CHAIN, redacted::RedactedError};

/// What is to be done once, in words that do not change while shares, permits and fees do: `pledge`, with `amount`
/// `5 stETH` and `tier` `0`. Two purposes are the same if their words are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Purpose(String);

impl Purpose {
    /// To do `what`, which is a command's name.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// With `value` for `name`.
    #[must_use]
    pub fn with(self, name: &str, value: impl Display) -> Self {
        let Self(text) = self;
        Self(format!("{text} {name}={value}"))
    }

    /// With `value` for `name`, if there is one.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Whether it names `name`.
    pub fn names(&self, name: &str) -> bool {
        self.0.split(' ').any(|part| part.split_once('=').is_some_and(|(part, _)| part == name))
    }
}

impl Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An intent that is not yet recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// The chain.
    pub chain: u64,
    /// Who sends the transactions.
    #[serde(with = "json::Account")]
    pub account: Address,
    /// The rescue that it is about; none if it is about none.
    #[serde(serialize_with = "rescue")]
    #[cfg_attr(feature = "schema", schemars(with = "json::AccountOrNone"))]
    pub rescue: Option<Address>,
    /// What is to be done.
    pub purpose: Purpose,
    /// A key of the caller's: there is only ever one intent with it.
    pub key: Option<String>,
}

impl Draft {
    /// Whether the same is to be done, with whatever key.
    pub fn is_same(&self, other: &Self) -> bool {
        Self { key: None, ..self.clone() } == Self { key: None, ..other.clone() }
    }
}

/// What an account wants done once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// Its number in the journal.
    #[serde(rename = "intent")]
    pub id: i64,
    /// What it is.
    #[serde(flatten)]
    pub draft: Draft,
    /// The steps that it takes, each a transaction.
    pub plan: Vec<String>,
    /// When it was recorded, in Unix seconds.
    #[serde(rename = "recordedAtUnix")]
    pub recorded_at: Timestamp,
    /// How it stands.
    pub state: IntentState,
}

/// How an intent stands. The names are stable: stores keep them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// It may still have an effect.
    Unfinished,
    /// Its last transaction was included and succeeded, and so did those before it that were needed.
    Done,
    /// Its last transaction failed in its block, or can never be included. Those before it had their effect.
    Failed,
    /// Its owner decided to follow it no longer. A transaction of it may still be included.
    Forgotten,
}

/// A signed transaction of an intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Signed {
    /// The number of its intent.
    pub intent: i64,
    /// Which of the intent's transactions it is, in words that are different for each: `approve`, `pledge`.
    pub step: String,
    /// Its hash.
    #[serde(rename = "transaction", with = "json::Hash")]
    pub hash: B256,
    /// Its nonce.
    pub nonce: u64,
    /// The most that its gas can cost.
    #[serde(rename = "feeLimitWei")]
    pub fee_limit: Wei,
    /// Whose events tell what it did.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<json::Account>"))]
    #[serde(serialize_with = "accounts")]
    pub contracts: Vec<Address>,
    /// What is broadcast.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub raw: Bytes,
    /// When it was signed, in Unix seconds.
    #[serde(rename = "signedAtUnix")]
    pub signed_at: Timestamp,
    /// How it stands.
    pub state: SignedState,
}

impl Signed {
    /// The record of a transaction that was signed now.
    pub(super) fn new(intent: i64, step: &str, contracts: &[Address], transaction: &TxEnvelope) -> Self {
        Self {
            intent,
            step: step.to_owned(),
            hash: *transaction.tx_hash(),
            nonce: transaction.nonce(),
            fee_limit: Fees::signed_in(transaction).limit(),
            contracts: contracts.to_vec(),
            raw: Bytes::from(transaction.encoded_2718()),
            signed_at: clock::now(),
            state: SignedState::Pending,
        }
    }

    /// The transaction itself.
    pub(super) fn transaction(&self) -> Result<TxEnvelope, Error> {
        TxEnvelope::decode_2718(&mut &self.raw[..])
            .map_err(|error| Error::Journal { source: RedactedError::new(error) })
    }
}

/// How a signed transaction stands. The names are stable: stores keep them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum SignedState {
    /// It may be included in a block.
    Pending,
    /// It is in a block, and succeeded.
    Included,
    /// It is in a block, and had no effect but its fee.
    Failed,
    /// Another transaction used its nonce, so it never has an effect.
    Replaced,
}

fn rescue<S: Serializer>(rescue: &Option<Address>, serializer: S) -> Result<S::Ok, S::Error> {
    json::AccountOrNone::serialize(&rescue.unwrap_or_default(), serializer)
}

pub(super) fn accounts<S: Serializer>(accounts: &[Address], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(accounts.iter().map(Address::to_string))
}

/// Where intents and signed transactions are recorded. Whatever it confirms must survive a crash of the program, as far
/// as the program is to survive one.
pub trait Journal: fmt::Debug + Send + Sync {
    /// Records an intent and the steps that it takes. If there is one with the same key, it is that one.
    ///
    /// # Errors
    /// [`Error::Journal`]; [`Error::KeyTaken`] if the intent with the key has another purpose, account, rescue or chain.
    fn begin(&self, draft: &Draft, plan: &[String]) -> impl Future<Output = Result<Intent, Error>> + Send;

    /// The unfinished intents of an account on a chain, the oldest first.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn unfinished(
        &self,
        chain: u64,
        account: Address,
    ) -> impl Future<Output = Result<Vec<Intent>, Error>> + Send;

    /// The intent with a key; none if there is none.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn with_key(&self, key: &str) -> impl Future<Output = Result<Option<Intent>, Error>> + Send;

    /// The transactions of an intent, in the order in which they were signed.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn transactions(&self, intent: i64) -> impl Future<Output = Result<Vec<Signed>, Error>> + Send;

    /// All transactions of an account on a chain, but for those of forgotten intents.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn followed(
        &self,
        chain: u64,
        account: Address,
    ) -> impl Future<Output = Result<Vec<Signed>, Error>> + Send;

    /// Records a signed transaction. If the same was recorded of an intent that was [given up](Intent::gives_up), it is now of
    /// this one: the same bytes are signed again if nothing has changed. What was handed to a wallet for the same step is settled by
    /// it, in the same write.
    ///
    /// # Errors
    /// [`Error::Journal`]; [`Error::TransactionTaken`] if the same was recorded of any other intent.
    fn record(&self, signed: &Signed) -> impl Future<Output = Result<(), Error>> + Send;

    /// Records what is handed to a wallet, or what the wallet then says about it: it is known by its intent, step and request.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn hand_over(&self, handover: &Handover) -> impl Future<Output = Result<(), Error>> + Send;

    /// What was handed to a wallet for an intent and is not settled, in the order in which it was handed over.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn handovers(&self, intent: i64) -> impl Future<Output = Result<Vec<Handover>, Error>> + Send;

    /// The same for all unfinished intents of an account on a chain.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn unanswered(
        &self,
        chain: u64,
        account: Address,
    ) -> impl Future<Output = Result<Vec<Handover>, Error>> + Send;

    /// Deletes what was handed to a wallet, because nothing came of it.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn take_back(&self, handover: &Handover) -> impl Future<Output = Result<(), Error>> + Send;

    /// Records how a transaction stands.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn mark(&self, hash: B256, state: SignedState) -> impl Future<Output = Result<(), Error>> + Send;

    /// Records how an intent stands.
    ///
    /// # Errors
    /// [`Error::Journal`].
    fn close(&self, intent: i64, state: IntentState) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A journal that ends with the program: for tests, and for programs that keep a record of their own.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    intents: Vec<Intent>,
    transactions: Vec<Signed>,
    handovers: Vec<Handover>,
}

impl MemoryJournal {
    fn books(&self) -> MutexGuard<'_, Books> {
        // Every write is a single push or assignment, so a panic elsewhere leaves the books whole.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    async fn begin(&self, draft: &Draft, plan: &[String]) -> Result<Intent, Error> {
        let mut books = self.books();
        let same_key = |intent: &&Intent| draft.key.is_some() && intent.draft.key == draft.key;
        if let Some(intent) = books.intents.iter().find(same_key) {
            return intent.clone().if_of(draft);
        }
        let id = i64::try_from(books.intents.len()).map_or(i64::MAX, |count| count.saturating_add(1));
        let intent = Intent::new(id, draft.clone(), plan.to_vec());
        books.intents.push(intent.clone());
        Ok(intent)
    }

    async fn unfinished(&self, chain: u64, account: Address) -> Result<Vec<Intent>, Error> {
        let is_open = |intent: &&Intent| intent.is_open_of(chain, account);
        Ok(self.books().intents.iter().filter(is_open).cloned().collect())
    }

    async fn with_key(&self, key: &str) -> Result<Option<Intent>, Error> {
        Ok(self.books().intents.iter().find(|intent| intent.draft.key.as_deref() == Some(key)).cloned())
    }

    async fn transactions(&self, intent: i64) -> Result<Vec<Signed>, Error> {
        Ok(self.books().transactions.iter().filter(|signed| signed.intent == intent).cloned().collect())
    }

    async fn followed(&self, chain: u64, account: Address) -> Result<Vec<Signed>, Error> {
        let books = self.books();
        let is_followed = |intent: &&Intent| {
            intent.state != IntentState::Forgotten
                && (intent.draft.chain, intent.draft.account) == (chain, account)
        };
        let followed: Vec<_> = books.intents.iter().filter(is_followed).map(|intent| intent.id).collect();
        Ok(books.transactions.iter().filter(|signed| followed.contains(&signed.intent)).cloned().collect())
    }

    async fn record(&self, signed: &Signed) -> Result<(), Error> {
        let mut books = self.books();
        if let Some(other) = books.transactions.iter().find(|other| other.hash == signed.hash) {
            let owner = books.intents.iter().find(|intent| intent.id == other.intent);
            owner.map_or(Ok(()), |owner| owner.gives_up(signed.hash))?;
        }
        books.transactions.retain(|other| other.hash != signed.hash);
        books.transactions.push(signed.clone());
        books.handovers.retain(|one| (one.intent, &one.step) != (signed.intent, &signed.step));
        Ok(())
    }

    async fn hand_over(&self, handover: &Handover) -> Result<(), Error> {
        let mut books = self.books();
        match books.handovers.iter_mut().find(|one| one.is_same(handover)) {
            Some(one) => *one = handover.clone(),
            None => books.handovers.push(handover.clone()),
        }
        Ok(())
    }

    async fn handovers(&self, intent: i64) -> Result<Vec<Handover>, Error> {
        Ok(self.books().handovers.iter().filter(|one| one.intent == intent).cloned().collect())
    }

    async fn unanswered(&self, chain: u64, account: Address) -> Result<Vec<Handover>, Error> {
        let books = self.books();
        let is_open = |handover: &&Handover| {
            let mut owners = books.intents.iter().filter(|intent| intent.id == handover.intent);
            owners.any(|intent| intent.is_open_of(chain, account))
        };
        Ok(books.handovers.iter().filter(is_open).cloned().collect())
    }

    async fn take_back(&self, handover: &Handover) -> Result<(), Error> {
        self.books().handovers.retain(|one| !one.is_same(handover));
        Ok(())
    }

    async fn mark(&self, hash: B256, state: SignedState) -> Result<(), Error> {
        let mut books = self.books();
        books
            .transactions
            .iter_mut()
            .filter(|signed| signed.hash == hash)
            .for_each(|signed| signed.state = state);
        Ok(())
    }

    async fn close(&self, intent: i64, state: IntentState) -> Result<(), Error> {
        let mut books = self.books();
        books.intents.iter_mut().filter(|one| one.id == intent).for_each(|one| one.state = state);
        Ok(())
    }
}

impl Intent {
    /// A new one, recorded now.
    pub fn new(id: i64, draft: Draft, plan: Vec<String>) -> Self {
        Self { id, draft, plan, recorded_at: clock::now(), state: IntentState::Unfinished }
    }

    fn is_open_of(&self, chain: u64, account: Address) -> bool {
        self.state == IntentState::Unfinished && (self.draft.chain, self.draft.account) == (chain, account)
    }

    /// Checks that it gives up `transaction`, which another intent has signed to the letter: it was forgotten, or it is of the local
    /// chain, which may have begun anew.
    ///
    /// # Errors
    /// [`Error::TransactionTaken`].
    pub fn gives_up(&self, transaction: B256) -> Result<(), Error> {
        if self.state == IntentState::Forgotten || self.draft.chain == LOCAL_CHAIN {
            return Ok(());
        }
        Err(Error::TransactionTaken { transaction, intent: self.id })
    }

    /// Whether its last step is among those that are done. Steps are sent in their order, and one before the last is left out only
    /// if it is not needed.
    pub fn is_done_by<T>(&self, done: &[(String, T)]) -> bool {
        self.plan.last().is_some_and(|last| done.iter().any(|(step, _)| step == last))
    }

    /// Itself, if it is what `draft` describes.
    ///
    /// # Errors
    /// [`Error::KeyTaken`].
    pub fn if_of(self, draft: &Draft) -> Result<Self, Error> {
        if self.draft == *draft {
            return Ok(self);
        }
        let key = self.draft.key.unwrap_or_default();
        Err(Error::KeyTaken { key, purpose: self.draft.purpose.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_is_done_by_its_last_step() {
        let (chain, account, rescue, key) = (1, Address::ZERO, None, None);
        let draft =
            Draft { chain, account, rescue, purpose: Purpose::new("bonus add").with("amount", "5 ETH"), key };
        assert_eq!(draft.purpose.to_string(), "bonus add amount=5 ETH");
        let intent =
            |plan: &[&str]| Intent::new(1, draft.clone(), plan.iter().map(ToString::to_string).collect());
        let done = |steps: &[&str]| steps.iter().map(|step| (step.to_string(), ())).collect::<Vec<_>>();
        let two = intent(&["create", "add"]);
        assert!(two.is_done_by(&done(&["create", "add"])));
        // Somebody else was faster to create the contract.
        assert!(two.is_done_by(&done(&["add"])));
        assert!(!two.is_done_by(&done(&["create"])));
        assert!(!two.is_done_by(&done(&[])));
        assert!(!intent(&[]).is_done_by(&done(&["add"])));
    }
}
