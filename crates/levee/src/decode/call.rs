//! A call as bytes, and the strict reading of its arguments.

use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::{SolCall, abi::AbiDecoderConfig},
};

use super::sentence::{Quantity, Unit, Value};

/// A call of an account, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawCall {
    /// Who makes it.
    pub from: Option<Address>,
    /// The account that is called.
    pub to: Option<Address>,
    /// The wei that are sent with it.
    pub value: Option<U256>,
    /// Its data.
    pub data: Bytes,
}

/// Why the arguments of a known function cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) String);

/// What a reader of some contract's functions says to a call: none if it knows no such function.
pub(super) type Read<T> = Result<Option<T>, Unreadable>;

impl RawCall {
    /// A call whose account and value are known.
    pub fn new(from: Option<Address>, to: Address, value: U256, data: Bytes) -> Self {
        Self { from, to: Some(to), value: Some(value), data }
    }

    /// The first four bytes of its data; none if there are fewer.
    pub(super) fn selector(&self) -> Option<[u8; 4]> {
        self.data.first_chunk().copied()
    }

    /// Its arguments as those of `C`, whose selector it has. Nothing is accepted that Solidity's encoder would not write: what is
    /// hidden from the reader may matter to the contract.
    pub(super) fn arguments<C: SolCall>(&self) -> Result<C, Unreadable> {
        let strict = AbiDecoderConfig::new().strict(true);
        let data = self.data.get(4..).unwrap_or_default();
        C::abi_decode_raw_with_config(data, strict).map_err(|_| {
            let trailing = strict.validate_allow_trailing_bytes(true);
            match C::abi_decode_raw_with_config(data, trailing) {
                Ok(call) => {
                    let more = data.len().saturating_sub(call.abi_encode().len() - 4);
                    Unreadable(format!("{} is followed by {more} bytes that it does not have", C::SIGNATURE))
                }
                Err(_) => Unreadable(format!("its data is not how {} is encoded", C::SIGNATURE)),
            }
        })
    }

    /// The account that is called.
    pub(super) const fn target(&self) -> Value {
        Value::Account(self.to)
    }

    /// An account that is not named if it is the one that makes the call.
    pub(super) fn unless_from(&self, account: Address) -> Option<Address> {
        (self.from != Some(account)).then_some(account)
    }

    /// An amount of the token that is called, whose unit is `unit` if it is known.
    pub(super) fn of_token(&self, number: U256, unit: Option<Unit>) -> Quantity {
        let unnamed = self.to.map_or(Unit::Unnamed, Unit::Token);
        Quantity::new(number, unit.unwrap_or(unnamed))
    }
}
