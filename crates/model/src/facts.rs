//! How errors are serialized: as `{"kind": …, "facts": {…}}`, where `kind` is the name of the contract's error and `facts`
//! its values. A key carries its unit, amounts are decimal strings, addresses are checksummed, and absent values are null.
//!
//! These functions are for serde's `serialize_with`.

use alloy_primitives::Address;
use serde::{Serialize, Serializer};

use crate::{asset::Asset, books::PositionId, schedule::Timestamp, units::UnitSeconds};

/// A checksummed address.
///
/// # Errors
/// Those of the serializer.
pub fn account<S: Serializer>(account: &Address, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(account)
}

/// The same; null for the zero address.
///
/// # Errors
/// Those of the serializer.
pub fn account_or_none<S: Serializer>(account: &Address, serializer: S) -> Result<S::Ok, S::Error> {
    (!account.is_zero()).then(|| account.to_string()).serialize(serializer)
}

/// A time in Unix seconds; null for 0, which stands for none.
///
/// # Errors
/// Those of the serializer.
pub fn time_or_none<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    (*time != 0).then_some(time).serialize(serializer)
}

/// Unit-seconds in decimal digits.
///
/// # Errors
/// Those of the serializer.
pub fn unit_seconds<S: Serializer>(amount: &UnitSeconds, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&amount.get())
}

/// A position by its pledger, tier and asset.
///
/// # Errors
/// Those of the serializer.
pub fn position<S: Serializer>(id: &PositionId, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Facts {
        #[serde(serialize_with = "account")]
        pledger: Address,
        tier: u8,
        asset: Asset,
    }
    let PositionId { pledger, tier, asset } = *id;
    Facts { pledger, tier, asset }.serialize(serializer)
}
