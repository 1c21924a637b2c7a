//! What a call means, as a sentence: fixed words, and typed values between them.
//!
//! A sentence is written and compared by the same list of pieces, so that what is printed is what can be expected.

use std::{collections::BTreeMap, fmt};

use alloy::primitives::{Address, B256, Bytes, U256};
use levee_model::{
    Asset,
    display::{utc, wide_decimal},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// What a call does, in words and exact values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    kind: &'static str,
    pub(super) pieces: Vec<Piece>,
    pays: bool,
}

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// One word or several.
    Words(&'static str),
    /// A value, and what it is in the call.
    Value(&'static str, Value),
}

/// A value in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Value {
    /// So much of something.
    Quantity(Quantity),
    /// An account; none if what was decoded does not name it.
    Account(
        #[serde(serialize_with = "account")]
        #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
        Option<Address>,
    ),
    /// Accounts.
    Accounts(
        #[serde(serialize_with = "accounts")]
        #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
        Vec<Address>,
    ),
    /// One of the assets of a rescue.
    Asset(Asset),
    /// A tier, counted from 0, or another small number.
    Small(u8),
    /// Seconds since 1970.
    Time(u64),
    /// A whole number.
    Number(
        #[serde(with = "levee_model::json::Number")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        U256,
    ),
    /// Whole numbers.
    Numbers(
        #[serde(serialize_with = "numbers")]
        #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
        Vec<U256>,
    ),
    /// 32 bytes.
    Hash(
        #[serde(with = "levee_model::json::Hash")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        B256,
    ),
    /// The first bytes of a call's data.
    Selector(#[cfg_attr(feature = "schema", schemars(with = "String"))] Bytes),
    /// A name that has no spaces.
    Name(&'static str),
    /// Any text.
    Text(String),
}

/// So much of something, in its smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quantity {
    /// How much of the unit; none if what was decoded does not say.
    #[serde(with = "levee_model::json::NumberOrNone")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub number: Option<U256>,
    /// The unit.
    pub unit: Unit,
}

/// What a [`Quantity`] is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Unit {
    /// Wei of ETH.
    #[serde(rename = "wei")]
    Eth,
    /// 10^-18 stETH.
    #[serde(rename = "10^-18 stETH")]
    StEth,
    /// Shares of stETH.
    #[serde(rename = "shares")]
    Shares,
    /// 10^-18 wstETH.
    #[serde(rename = "10^-18 wstETH")]
    WstEth,
    /// 10^-18 WETH.
    #[serde(rename = "10^-18 WETH")]
    Weth,
    /// The smallest unit of a token that is not known here.
    #[serde(rename = "units")]
    Token(
        #[serde(with = "levee_model::json::Account")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        Address,
    ),
    /// The smallest unit of a token that is not even named.
    #[serde(rename = "unnamed units")]
    Unnamed,
}

fn account<S: Serializer>(account: &Option<Address>, serializer: S) -> Result<S::Ok, S::Error> {
    account.map(|account| account.to_string()).serialize(serializer)
}

fn accounts<S: Serializer>(accounts: &[Address], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(accounts.iter().map(Address::to_string))
}

fn numbers<S: Serializer>(numbers: &[U256], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(numbers.iter().map(U256::to_string))
}

impl Sentence {
    /// A sentence that begins with `verb`; `kind` is its name for programs.
    pub(super) fn new(kind: &'static str, verb: &'static str) -> Self {
        Self { kind, pieces: vec![Piece::Words(verb)], pays: false }
    }

    /// The same with a value after it, which is the call's `name`.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.pieces.push(Piece::Value(name, value.into()));
        self
    }

    /// The same with words and a value after it.
    pub(super) fn then(mut self, words: &'static str, name: &'static str, value: impl Into<Value>) -> Self {
        self.pieces.push(Piece::Words(words));
        self.with(name, value)
    }

    /// The same with words and a value after it, if there is one.
    pub(super) fn maybe(
        self,
        words: &'static str,
        name: &'static str,
        value: Option<impl Into<Value>>,
    ) -> Self {
        match value {
            Some(value) => self.then(words, name, value),
            None => self,
        }
    }

    /// The same with words after it.
    pub(super) fn words(mut self, words: &'static str) -> Self {
        self.pieces.push(Piece::Words(words));
        self
    }

    /// The same with the ETH that comes with the call, which needs no mention of its own then.
    pub(super) fn paying(mut self, name: &'static str, value: Option<U256>) -> Self {
        self.pays = true;
        self.with(name, Quantity { number: value, unit: Unit::Eth })
    }

    /// The same, with the ETH that comes with the call, if it has none in it yet.
    pub(super) fn sending(self, value: Option<U256>) -> Self {
        match value {
            Some(value) if !self.pays && !value.is_zero() => {
                self.then("sending", "value", Quantity::new(value, Unit::Eth))
            }
            _ => self,
        }
    }

    /// What kind of call it is, by a name that stays.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Its values by their names.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(name, value) => Some((*name, value)),
            Piece::Words(_) => None,
        })
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, piece) in self.pieces.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            match piece {
                Piece::Words(words) => write!(f, "{space}{words}")?,
                Piece::Value(_, value) => write!(f, "{space}{value}")?,
            }
        }
        Ok(())
    }
}

impl Serialize for Sentence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("kind", self.kind)?;
        map.serialize_entry("sentence", &self.to_string())?;
        map.serialize_entry("values", &self.values().collect::<BTreeMap<_, _>>())?;
        map.end()
    }
}

/// How a sentence is serialized, for its schema.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "Sentence")]
#[allow(dead_code, reason = "only its schema is used")]
struct SentenceJson {
    /// What kind of call it is.
    kind: String,
    /// What it does; `--expect` takes this.
    sentence: String,
    /// The values in the sentence by their names.
    values: BTreeMap<String, Value>,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Sentence {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        SentenceJson::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        SentenceJson::json_schema(generator)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(quantity) => quantity.fmt(f),
            Self::Account(Some(account)) => account.fmt(f),
            Self::Account(None) => f.write_str("an unnamed account"),
            Self::Accounts(accounts) => {
                let accounts: Vec<_> = accounts.iter().map(Address::to_string).collect();
                write!(f, "[{}]", accounts.join(","))
            }
            Self::Asset(asset) => asset.fmt(f),
            Self::Small(number) => number.fmt(f),
            Self::Time(time) => f.write_str(&utc(*time)),
            Self::Number(number) => number.fmt(f),
            Self::Numbers(numbers) => {
                let numbers: Vec<_> = numbers.iter().map(U256::to_string).collect();
                write!(f, "[{}]", numbers.join(","))
            }
            Self::Hash(hash) => hash.fmt(f),
            Self::Selector(selector) => selector.fmt(f),
            Self::Name(name) => f.write_str(name),
            // In JSON, a text ends where its quotes do, and takes one line.
            Self::Text(text) => serde_json::Value::from(text.as_str()).fmt(f),
        }
    }
}

impl Quantity {
    /// So much of a unit.
    pub const fn new(number: U256, unit: Unit) -> Self {
        Self { number: Some(number), unit }
    }
}

impl Unit {
    /// The name of a unit of which 10^18 are one in words; none for what is shown as it is counted.
    pub const fn smallest(self) -> Option<&'static str> {
        match self {
            Self::Eth => Some("wei"),
            Self::StEth => Some("units of 10^-18 stETH"),
            Self::WstEth => Some("units of 10^-18 wstETH"),
            Self::Weth => Some("units of 10^-18 WETH"),
            Self::Shares | Self::Token(_) | Self::Unnamed => None,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, unit } = self;
        match (number, unit) {
            (None, _) => write!(f, "an unknown amount of {unit}"),
            (Some(U256::MAX), _) => write!(f, "unlimited {unit}"),
            (Some(number), Unit::Shares | Unit::Token(_) | Unit::Unnamed) => write!(f, "{number} {unit}"),
            (Some(number), _) => write!(f, "{} {unit}", wide_decimal(*number)),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eth => f.write_str("ETH"),
            Self::StEth => f.write_str("stETH"),
            Self::Shares => f.write_str("shares"),
            Self::WstEth => f.write_str("wstETH"),
            Self::Weth => f.write_str("WETH"),
            Self::Token(token) => write!(f, "units of {token}"),
            Self::Unnamed => f.write_str("units of an unnamed token"),
        }
    }
}

macro_rules! values {
    ($($type:ty => $variant:ident),* $(,)?) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}
values! {
    Quantity => Quantity, Address => Account, Option<Address> => Account, Vec<Address> => Accounts, Asset => Asset, u8 => Small, u64 => Time,
    U256 => Number, Vec<U256> => Numbers, B256 => Hash, Bytes => Selector, &'static str => Name, String => Text,
}
