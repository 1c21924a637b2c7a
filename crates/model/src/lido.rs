//! What a call finds outside the escrow.

use serde::Serialize;

use crate::{asset::Asset, json, schedule::Timestamp, units::Rate};

/// The state of stETH when a call is made. wstETH can be transferred in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "steth")]
pub enum Lido {
    /// stETH can be transferred, and its rate can be read.
    Working(#[serde(with = "json::OneRate")] Rate),
    /// stETH cannot be transferred, but its rate can be read.
    Paused(#[serde(with = "json::OneRate")] Rate),
    /// Every call to stETH reverts.
    Broken,
}

impl Lido {
    /// The share rate, if it can be read.
    pub const fn rate(self) -> Option<Rate> {
        match self {
            Self::Working(rate) | Self::Paused(rate) => Some(rate),
            Self::Broken => None,
        }
    }

    /// Whether a transfer of `asset` succeeds.
    pub const fn moves(self, asset: Asset) -> bool {
        matches!((self, asset), (Self::Working(_), _) | (_, Asset::Eth | Asset::WstEth))
    }
}

/// The block in which a rescue is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Creation {
    /// The number of its block.
    pub block: u64,
    /// The time of its block.
    #[serde(rename = "timeUnix")]
    pub time: Timestamp,
}

/// The block in which a call is made, as far as it matters to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Moment {
    /// Block time.
    #[serde(rename = "timeUnix")]
    pub time: Timestamp,
    /// The state of stETH.
    #[serde(flatten)]
    pub lido: Lido,
}
