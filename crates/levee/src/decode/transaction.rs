//! Transactions, signed or not, as what they do.

use alloy::{
    consensus::Transaction,
    eips::eip7702::SignedAuthorization,
    primitives::{Address, U256, keccak256},
};

use super::{Decoder, Meaning, Quantity, RawCall, Sentence, Unit};

impl Decoder {
    /// What a transaction of `from` does: its call, or the contract that it creates, after the code that accounts get by it (EIP-7702).
    pub fn read_transaction(&self, from: Option<Address>, transaction: &impl Transaction) -> Vec<Meaning> {
        let mut meanings = delegations(from, transaction);
        let (value, data) = (transaction.value(), transaction.input().clone());
        let mut meaning = match transaction.to() {
            Some(to) => self.read(RawCall::new(from, to, value, data)),
            None => {
                let sentence = Sentence::new("createUnknown", "create a contract from code of")
                    .with("hash", keccak256(&data));
                Meaning::new(RawCall { from, to: None, value: Some(value), data }, sentence)
            }
        };
        meaning.notes.extend(costs(transaction));
        meanings.push(meaning);
        meanings
    }
}

/// What including it takes, whatever it does: its turn among the sender's transactions, and the ETH for gas and blobs.
fn costs(transaction: &impl Transaction) -> [String; 2] {
    let most = Quantity::new(gas_cost(transaction), Unit::Eth);
    [format!("its nonce is {}", transaction.nonce()), format!("its gas costs at most {most}")]
}

/// The wei that the gas and the blobs of a transaction cost at most, besides the ETH that it sends.
pub fn gas_cost(transaction: &impl Transaction) -> U256 {
    let gas = U256::from(transaction.gas_limit()) * U256::from(transaction.max_fee_per_gas());
    let blob_gas = U256::from(transaction.blob_gas_used().unwrap_or_default());
    gas + blob_gas * U256::from(transaction.max_fee_per_blob_gas().unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::consensus::{TxEip1559, TxLegacy};

    #[test]
    fn the_nonce_and_the_most_that_the_gas_costs_are_said() {
        let (gas_limit, price) = (30_000_000, 100_000_000_000_000_000);
        let notes = |transaction: &dyn Fn() -> Vec<Meaning>| {
            transaction().pop().map(|meaning| meaning.notes).unwrap()
        };
        let to = Address::repeat_byte(1).into();
        let dear = TxEip1559 { nonce: 9, gas_limit, max_fee_per_gas: price, to, ..TxEip1559::default() };
        let expected = ["its nonce is 9", "its gas costs at most 3000000 ETH"];
        assert_eq!(notes(&|| Decoder::default().read_transaction(None, &dear)), expected);
        let legacy = TxLegacy { nonce: 9, gas_limit, gas_price: price, to, ..TxLegacy::default() };
        assert_eq!(notes(&|| Decoder::default().read_transaction(None, &legacy)), expected);
    }
}
