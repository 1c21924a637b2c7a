//! The assets that a rescue can hold.

use std::{
    fmt,
    ops::{Index, IndexMut},
};

use serde::{Deserialize, Serialize};

/// One of the three assets that a rescue can hold. Each is returned in kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Asset {
    /// Ether, in wei.
    #[serde(rename = "ETH")]
    Eth,
    /// Lido's stETH, booked and moved in shares.
    #[serde(rename = "stETH")]
    StEth,
    /// Lido's wstETH, in its own units, never unwrapped.
    #[serde(rename = "wstETH")]
    WstEth,
}

impl Asset {
    /// All assets, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Eth, Self::StEth, Self::WstEth];

    /// Whether its unit is a share of Lido's pool, valued at the share rate.
    pub const fn is_shares(self) -> bool {
        !matches!(self, Self::Eth)
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eth => "ETH",
            Self::StEth => "stETH",
            Self::WstEth => "wstETH",
        })
    }
}

/// One `T` for each asset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerAsset<T>([T; 3]);

impl<T> PerAsset<T> {
    /// Calls `value` for each asset.
    pub fn from_fn(mut value: impl FnMut(Asset) -> T) -> Self {
        Self(Asset::ALL.map(&mut value))
    }
}

impl<T> Index<Asset> for PerAsset<T> {
    type Output = T;

    fn index(&self, asset: Asset) -> &T {
        &self.0[asset as usize]
    }
}

impl<T> IndexMut<Asset> for PerAsset<T> {
    fn index_mut(&mut self, asset: Asset) -> &mut T {
        &mut self.0[asset as usize]
    }
}
