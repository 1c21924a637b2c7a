//! From the ABI's plain integers to typed amounts. A number that does not fit was not written by a Levee
//! escrow.

use alloy::primitives::{Address, U256, Uint};
use levee_model::{Asset, Bps, EndReason, PerAsset, PositionId, Rate, Status, Timestamp, Units, Wei};

use crate::error::Error;

/// Narrows a number; `what` names it in the error.
pub(crate) fn narrow<T: TryFrom<U256>>(number: U256, what: &'static str) -> Result<T, Error> {
    T::try_from(number).map_err(|_| Error::Malformed { what })
}

pub(crate) fn wei(number: U256) -> Result<Wei, Error> {
    narrow(number, "an amount of wei").map(Wei::new)
}

pub(crate) fn time(number: U256) -> Result<Timestamp, Error> {
    narrow(number, "a time")
}

/// 104 bits always fit.
pub(crate) fn units(number: Uint<104, 2>) -> Units {
    Units::new(number.to())
}

/// 0 means no rate.
pub(crate) fn rate(number: Uint<96, 2>) -> Option<Rate> {
    Rate::new(number.to())
}

/// Seconds, where 0 means never.
pub(crate) fn moment(number: Uint<40, 1>) -> Option<Timestamp> {
    Some(number.to()).filter(|&time| time != 0)
}

pub(crate) fn bps(number: u16) -> Bps {
    Bps::new(number)
}

pub(crate) fn asset(number: u8) -> Result<Asset, Error> {
    Asset::ALL.get(usize::from(number)).copied().ok_or(Error::Malformed { what: "an asset" })
}

pub(crate) fn status(number: u8) -> Result<Status, Error> {
    Status::ALL.get(usize::from(number)).copied().ok_or(Error::Malformed { what: "a status" })
}

/// None for a rescue that neither failed nor was cancelled.
pub(crate) fn end_reason(number: u8) -> Result<Option<EndReason>, Error> {
    Ok(Some(match number {
        0 => return Ok(None),
        1 => EndReason::NoThresholdMet,
        2 => EndReason::EndedByGuardian,
        3 => EndReason::RateUnreadable,
        4 => EndReason::StoppedByGuardian,
        5 => EndReason::Vetoed,
        6 => EndReason::Lapsed,
        _ => return Err(Error::Malformed { what: "an end reason" }),
    }))
}

/// The contracts number assets in the model's order.
pub(crate) fn per_asset<T: Copy>(list: [T; 3]) -> PerAsset<T> {
    PerAsset::from_fn(|asset| list[asset as usize])
}

pub(crate) fn position(pledger: Address, tier: u8, number: u8) -> Result<PositionId, Error> {
    Ok(PositionId { pledger, tier, asset: asset(number)? })
}

/// The same for a tier in an error.
pub(crate) fn wide_position(pledger: Address, tier: U256, number: u8) -> Result<PositionId, Error> {
    position(pledger, narrow(tier, "a tier")?, number)
}

#[cfg(test)]
pub(crate) mod tests {
    use alloy::{
        json_abi::{Error as AbiError, JsonAbi},
        sol_types::SolError,
    };
    use serde::Serialize;
    use serde_json::{Map, Value};
    use std::{collections::BTreeSet, fmt::Debug};

    /// Revert data, and what it means.
    pub(crate) type Case<E> = (Vec<u8>, E);

    pub(crate) fn case<E>(raw: &impl SolError, error: E) -> Case<E> {
        (raw.abi_encode(), error)
    }

    /// Every error of a checked-in artifact.
    fn errors(artifact: &str) -> Vec<AbiError> {
        let artifact: Value = serde_json::from_str(artifact).unwrap();
        let abi: JsonAbi = serde_json::from_value(artifact["abi"].clone()).unwrap();
        abi.errors().cloned().collect()
    }

    /// Checks that an error is serialized under the contract's name, and its facts under the names that the contract gives
    /// them, followed by their unit.
    fn is_serialized_by_its_names(error: &impl Serialize, abi: &AbiError) {
        let json = serde_json::to_value(error).unwrap();
        assert_eq!(json["kind"], abi.name);
        for key in json["facts"].as_object().into_iter().flat_map(Map::keys) {
            let is_named = abi.inputs.iter().any(|input| key.starts_with(&input.name));
            assert!(is_named, "{key} of {}", abi.name);
        }
    }

    /// Checks that each case means what it should, and that there is one for each of the artifact's errors.
    pub(crate) fn every_error_is_decoded<E: Debug + PartialEq + Clone + Serialize>(
        artifact: &str,
        except: &[&str],
        cases: &[Case<E>],
        decode: impl Fn(&[u8]) -> Option<E>,
    ) {
        let errors = errors(artifact);
        for (data, error) in cases {
            assert_eq!(decode(data).as_ref(), Some(error));
            let abi = errors.iter().find(|abi| data.starts_with(&abi.selector()[..]));
            is_serialized_by_its_names(error, abi.expect("an error of the artifact"));
        }
        let selectors: BTreeSet<_> = cases.iter().map(|(data, _)| &data[..4]).collect();
        for abi in errors {
            let is_tried = selectors.contains(&abi.selector()[..]);
            assert_ne!(is_tried, except.contains(&abi.name.as_str()), "{}", abi.name);
        }
    }
}
