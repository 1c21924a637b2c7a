//! What a Safe is to do, as its owners sign it.

use alloy::{
    dyn_abi::TypedData,
    primitives::{Address, B256, Bytes, U256},
    sol_types::{Eip712Domain, SolStruct},
};
use serde::{Deserialize, Serialize};

use super::{
    multisend::{self, SafeCall},
    raw::SafeTx,
};
use crate::error::Error;

/// A transaction of a Safe, with the fields and the names that Safe gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SafeTransaction {
    /// The account to be called.
    #[serde(with = "levee_model::json::Account")]
    pub to: Address,
    /// The wei to be sent with the call.
    #[serde(with = "decimal")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub value: U256,
    /// The call's data.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub data: Bytes,
    /// How it is called.
    pub operation: SafeOperation,
    /// The gas that the call needs at least; 0 for all there is.
    #[serde(with = "decimal")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub safe_tx_gas: U256,
    /// The gas besides it that the Safe repays.
    #[serde(with = "decimal")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub base_gas: U256,
    /// What the Safe repays for a unit of gas; 0 for nothing.
    #[serde(with = "decimal")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub gas_price: U256,
    /// The token in which it repays; zero for ETH.
    #[serde(with = "levee_model::json::Account")]
    pub gas_token: Address,
    /// Whom it repays; zero for whoever sends the transaction.
    #[serde(with = "levee_model::json::Account")]
    pub refund_receiver: Address,
    /// The Safe's number for it.
    pub nonce: u64,
}

/// How a Safe makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "u8"))]
#[serde(into = "u8", try_from = "u8")]
pub enum SafeOperation {
    /// Calls the account.
    Call,
    /// Runs the account's code as its own, which can change everything about the Safe.
    DelegateCall,
}

impl From<SafeOperation> for u8 {
    fn from(operation: SafeOperation) -> Self {
        match operation {
            SafeOperation::Call => 0,
            SafeOperation::DelegateCall => 1,
        }
    }
}

impl TryFrom<u8> for SafeOperation {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            0 => Ok(Self::Call),
            1 => Ok(Self::DelegateCall),
            _ => Err(format!("`{number}` is not an operation of a Safe")),
        }
    }
}

impl SafeTransaction {
    /// That makes one call, at the expense of whoever executes it.
    pub fn call(call: SafeCall, nonce: u64) -> Self {
        let SafeCall { to, value, data } = call;
        Self {
            to,
            value,
            data,
            operation: SafeOperation::Call,
            safe_tx_gas: U256::ZERO,
            base_gas: U256::ZERO,
            gas_price: U256::ZERO,
            gas_token: Address::ZERO,
            refund_receiver: Address::ZERO,
            nonce,
        }
    }

    /// That makes several calls, all of them or none, through the code at `multi_send`.
    pub fn calls_through(multi_send: Address, calls: &[SafeCall], nonce: u64) -> Self {
        let call = SafeCall { to: multi_send, value: U256::ZERO, data: multisend::encode(calls) };
        Self { operation: SafeOperation::DelegateCall, ..Self::call(call, nonce) }
    }

    /// The calls that the Safe makes.
    ///
    /// # Errors
    /// [`Error::ForeignCode`] if it runs other code as its own than that which only makes calls, or if those cannot be read.
    pub fn calls(&self) -> Result<Vec<SafeCall>, Error> {
        let (to, foreign) = (self.to, Error::ForeignCode { to: self.to });
        match self.operation {
            SafeOperation::Call => Ok(vec![SafeCall { to, value: self.value, data: self.data.clone() }]),
            // Such code does not know the value.
            SafeOperation::DelegateCall if multisend::is_call_only(to) && self.value.is_zero() => {
                multisend::decode(&self.data).ok_or(foreign)
            }
            SafeOperation::DelegateCall => Err(foreign),
        }
    }

    /// What is said of its gas, by the names that Safe gives the fields: those that are not 0.
    pub fn gas_fields(&self) -> impl Iterator<Item = (&'static str, String)> {
        let numbers =
            [("safeTxGas", self.safe_tx_gas), ("baseGas", self.base_gas), ("gasPrice", self.gas_price)];
        let accounts = [("gasToken", self.gas_token), ("refundReceiver", self.refund_receiver)];
        let numbers = numbers.into_iter().filter(|(_, number)| !number.is_zero());
        let accounts = accounts.into_iter().filter(|(_, account)| !account.is_zero());
        let numbers = numbers.map(|(name, number)| (name, number.to_string()));
        numbers.chain(accounts.map(|(name, account)| (name, account.to_string())))
    }

    /// What the owners sign.
    pub(super) fn typed_data(&self, domain: Eip712Domain) -> TypedData {
        TypedData::from_struct(&self.signed(), Some(domain))
    }

    /// The hash of what they sign.
    pub(super) fn hash(&self, domain: &Eip712Domain) -> B256 {
        self.signed().eip712_signing_hash(domain)
    }

    /// What hardware wallets show as the message hash.
    pub fn message_hash(&self) -> B256 {
        self.signed().eip712_hash_struct()
    }

    fn signed(&self) -> SafeTx {
        SafeTx {
            to: self.to,
            value: self.value,
            data: self.data.clone(),
            operation: self.operation.into(),
            safeTxGas: self.safe_tx_gas,
            baseGas: self.base_gas,
            gasPrice: self.gas_price,
            gasToken: self.gas_token,
            refundReceiver: self.refund_receiver,
            nonce: U256::from(self.nonce),
        }
    }
}

/// A number as decimal digits in a text.
pub(super) mod decimal {
    use super::U256;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &U256, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not a whole number")))
    }

    /// A number that is written as it would be here.
    pub(in crate::safe) fn parse(text: &str) -> Option<U256> {
        U256::from_str_radix(text, 10).ok().filter(|number| number.to_string() == text)
    }
}
