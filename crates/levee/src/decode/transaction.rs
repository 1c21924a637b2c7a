//! Transactions, signed or not, as what they do.

use alloy::{
    consensus::Transaction,
    eips::eip7702::SignedAuthorization,
    primitives::{Address, U256, keccak256},
};

use super::{Decoder, Meaning, RawCall, Sentence};

impl Decoder {
    /// What a transaction of `from` does: its call, or the contract that it creates, after the code that accounts get by it (EIP-7702).
    pub fn read_transaction(&self, from: Option<Address>, transaction: &impl Transaction) -> Vec<Meaning> {
        let mut meanings = delegations(from, transaction);
        let (value, data) = (transaction.value(), transaction.input().clone());
        meanings.push(match transaction.to() {
            Some(to) => self.read(RawCall::new(from, to, value, data)),
            None => {
                let sentence = Sentence::new("createUnknown", "create a contract from code of")
                    .with("hash", keccak256(&data));
                Meaning::new(RawCall { from, to: None, value: Some(value), data }, sentence)
            }
        });
        meanings
    }
}

/// The code that accounts get. Whoever signs such an authorization gives everything of the account to the code.
fn delegations(from: Option<Address>, transaction: &impl Transaction) -> Vec<Meaning> {
    let authorizations = transaction.authorization_list().unwrap_or_default();
    let meaning = |authorization: &SignedAuthorization| {
        let signature = authorization.signature().ok();
        let hash = authorization.inner().signature_hash();
        let account = signature.and_then(|signature| signature.recover_address_from_prehash(&hash).ok());
        let sentence = Sentence::new("delegate", "give the account").with("account", account).then(
            "the code of",
            "code",
            authorization.address,
        );
        Meaning::new(
            RawCall { from, to: account, value: Some(U256::ZERO), data: Default::default() },
            sentence,
        )
    };
    authorizations.iter().map(meaning).collect()
}
