//! How the types of this crate and of its client are serialized: the JSON of the command `levee` is made of them.
//!
//! A key carries its unit: `targetWei`, `rateBps`, `deadlineUnix` for seconds since 1970, `exitWindowSeconds`. Amounts are
//! decimal strings, and an amount in an asset's own unit has that `asset` and `unit` beside it. Addresses have a checksum,
//! hashes are hexadecimal digits, and what there is none of is null. An event has its name in the contract as `event`; a
//! refusal or an error has the name of the contract's error as `kind`, and its values as `facts`; a call has its name as `operation`.
//!
//! With the feature `schema`, the types have JSON schemas.
//!
//! The types in this module are for the attribute `#[serde(with = "…")]` of a field, and for its schema.

use std::fmt::Display;

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    asset::{Amount, Asset},
    bonus::Enlistment,
    books::PositionId,
    schedule::Timestamp,
    units::{Rate, UnitSeconds, Units, Wei},
};

/// An address with its checksum.
#[derive(Debug)]
pub struct Account;

impl Account {
    /// Writes the address.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(address)
    }

    /// Reads an address: `0x` and 40 digits, all in one case or with the right checksum.
    ///
    /// # Errors
    /// Those of the deserializer, and for another text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        parse(&String::deserialize(deserializer)?)
    }
}

fn parse<E: de::Error>(text: &str) -> Result<Address, E> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40).unwrap_or_default();
    let is_one_case = [char::is_lowercase, char::is_uppercase].iter().any(|case| !digits.contains(*case));
    let address = digits.parse::<Address>().ok();
    address
        .filter(|address| is_one_case || address.to_string() == text)
        .ok_or_else(|| E::custom(format!("`{text}` is not an address, or fails its checksum")))
}

/// An address with its checksum; null for the zero address.
#[derive(Debug)]
pub struct AccountOrNone;

impl AccountOrNone {
    /// Writes the address or null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
        (!address.is_zero()).then(|| address.to_string()).serialize(serializer)
    }

    /// Reads an address or null.
    ///
    /// # Errors
    /// Those of the deserializer, and for another text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        Option::<String>::deserialize(deserializer)?.map_or(Ok(Address::ZERO), |text| parse(&text))
    }
}

/// The same for a field that knows none by itself: `#[serde(with = "levee_model::json::optional_account")]`.
pub mod optional_account {
    use super::{AccountOrNone, Address, Deserializer, Serializer};

    /// Writes the address or null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(address: &Option<Address>, serializer: S) -> Result<S::Ok, S::Error> {
        AccountOrNone::serialize(&address.unwrap_or_default(), serializer)
    }

    /// Reads an address or null.
    ///
    /// # Errors
    /// Those of the deserializer, and for another text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
        AccountOrNone::deserialize(deserializer).map(|address| (!address.is_zero()).then_some(address))
    }
}

/// 32 bytes in hexadecimal digits.
#[derive(Debug)]
pub struct Hash;

impl Hash {
    /// Writes the hash.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(hash: &B256, serializer: S) -> Result<S::Ok, S::Error> {
        hash.serialize(serializer)
    }

    /// Reads a hash.
    ///
    /// # Errors
    /// Those of the deserializer, and for another text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<B256, D::Error> {
        B256::deserialize(deserializer)
    }
}

/// A time in Unix seconds; null for 0, which stands for none.
#[derive(Debug)]
pub struct TimeOrNone;

impl TimeOrNone {
    /// Writes the time or null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        (*time != 0).then_some(time).serialize(serializer)
    }
}

/// A whole number in decimal digits.
#[derive(Debug)]
pub struct Number;

impl Number {
    /// Writes the number.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(number: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }
}

/// A whole number in decimal digits, or null.
#[derive(Debug)]
pub struct NumberOrNone;

impl NumberOrNone {
    /// Writes the number or null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(number: &Option<impl Display>, serializer: S) -> Result<S::Ok, S::Error> {
        number.as_ref().map(ToString::to_string).serialize(serializer)
    }
}

/// An asset, and the unit of the amounts beside it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AssetAndUnit {
    asset: Asset,
    unit: &'static str,
}

impl AssetAndUnit {
    /// Writes the asset and its unit.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(asset: &Asset, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(&Self { asset: *asset, unit: asset.unit() }, serializer)
    }
}

/// A position, and the unit of the amounts beside it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PositionAndUnit {
    #[serde(with = "Account")]
    pledger: Address,
    tier: u8,
    #[serde(flatten, with = "AssetAndUnit")]
    asset: Asset,
}

impl PositionAndUnit {
    /// Writes the position and its asset's unit.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(id: &PositionId, serializer: S) -> Result<S::Ok, S::Error> {
        let PositionId { pledger, tier, asset } = *id;
        Serialize::serialize(&Self { pledger, tier, asset }, serializer)
    }
}

/// An amount with its asset and unit, as which an [`Amount`] is serialized.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AssetAmount {
    #[serde(flatten, with = "AssetAndUnit")]
    asset: Asset,
    amount: Units,
}

impl From<Amount> for AssetAmount {
    fn from(amount: Amount) -> Self {
        Self { asset: amount.asset(), amount: amount.units() }
    }
}

/// An enlistment beside its position: `amount` is what was enlisted, in the position's unit.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EnlistedAmount {
    amount: Units,
    departures: u32,
    unit_seconds: UnitSeconds,
}

impl EnlistedAmount {
    /// Writes the enlistment.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(enlistment: &Enlistment, serializer: S) -> Result<S::Ok, S::Error> {
        let Enlistment { departures, enlisted, unit_seconds } = *enlistment;
        Serialize::serialize(&Self { amount: enlisted, departures, unit_seconds }, serializer)
    }
}

/// Values that stand alone in a variant, as objects with the key that they have elsewhere.
macro_rules! alone {
    ($($(#[$doc:meta])* $name:ident($value:ty) $key:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name {
            #[serde(rename = $key)]
            value: $value,
        }

        impl $name {
            /// Writes the value under its key.
            ///
            /// # Errors
            /// Those of the serializer.
            pub fn serialize<S: Serializer>(value: &$value, serializer: S) -> Result<S::Ok, S::Error> {
                Serialize::serialize(&Self { value: *value }, serializer)
            }
        }
    )*};
}

alone! {
    /// An asset.
    OneAsset(Asset) "asset",
    /// An amount of ETH.
    OneWei(Wei) "amountWei",
    /// A rate of stETH.
    OneRate(Rate) "rateWeiPer1e27Shares",
}

/// What was drawn from a pot.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Draw {
    tier: u8,
    #[serde(flatten)]
    drawn: AssetAmount,
}

/// The draws from all pots, tier by tier and by asset within a tier: those that are not zero, with their pots.
#[derive(Debug)]
pub struct Draws;

impl Draws {
    /// Writes the draws that are not zero.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(draws: &[Units], serializer: S) -> Result<S::Ok, S::Error> {
        let pots = (0u8..).flat_map(|tier| Asset::ALL.map(|asset| (tier, asset)));
        let drawn = pots.zip(draws).filter(|(_, drawn)| !drawn.is_zero());
        serializer
            .collect_seq(drawn.map(|((tier, asset), drawn)| Draw { tier, drawn: drawn.of(asset).into() }))
    }
}

/// The schemas of the types that are written as something else.
#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Account, AccountOrNone, Draw, Draws, Hash, Number, NumberOrNone, TimeOrNone};

    /// A text of a pattern.
    macro_rules! text {
        ($($name:ident $pattern:literal $description:literal),*) => {$(
            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "description": $description, "type": "string", "pattern": $pattern })
                }
            }
        )*};
    }

    /// The schema of another type.
    macro_rules! same {
        ($($name:ident $other:ty),*) => {$(
            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                    <$other>::json_schema(generator)
                }
            }
        )*};
    }

    text! {
        Account r"^0x[0-9a-fA-F]{40}$" "A checksummed address.",
        Hash r"^0x[0-9a-f]{64}$" "32 bytes in hexadecimal digits.",
        Number r"^[0-9]+$" "A whole number, in decimal digits."
    }
    same! {
        AccountOrNone Option<Account>,
        TimeOrNone Option<u64>,
        NumberOrNone Option<Number>,
        Draws Vec<Draw>
    }
}
