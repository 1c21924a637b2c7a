//! The assets that a rescue can hold.

use std::{
    fmt,
    ops::{Index, IndexMut},
};

use serde::{Deserialize, Serialize};

use crate::{
    json::AssetAmount,
    units::{Shares, Units, Wei},
};

/// One of the three assets that a rescue can hold. Each is returned in kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

    /// The unit in which the books keep it.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Eth => "wei",
            Self::StEth => "stETH shares",
            Self::WstEth => "units of 10^-18 wstETH",
        }
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

/// So much of one asset, in the asset's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(into = "AssetAmount")]
pub enum Amount {
    /// ETH, in wei.
    Eth(Wei),
    /// stETH, in shares.
    StEth(Shares),
    /// wstETH, in its own units, each of them worth one share.
    WstEth(Units),
}

impl Amount {
    /// The asset.
    pub const fn asset(self) -> Asset {
        match self {
            Self::Eth(_) => Asset::Eth,
            Self::StEth(_) => Asset::StEth,
            Self::WstEth(_) => Asset::WstEth,
        }
    }

    /// The amount as booked.
    pub const fn units(self) -> Units {
        match self {
            Self::Eth(wei) => Units::new(wei.get()),
            Self::StEth(shares) => Units::new(shares.get()),
            Self::WstEth(units) => units,
        }
    }

    /// The ETH in it, and the shares that it is worth. One of the two is zero.
    pub const fn wei_and_shares(self) -> (Wei, Shares) {
        match self {
            Self::Eth(wei) => (wei, Shares::ZERO),
            Self::StEth(shares) => (Wei::ZERO, shares),
            Self::WstEth(units) => (Wei::ZERO, Shares::new(units.get())),
        }
    }
}

impl Units {
    /// An amount as booked, of `asset`.
    pub const fn of(self, asset: Asset) -> Amount {
        match asset {
            Asset::Eth => Amount::Eth(Wei::new(self.get())),
            Asset::StEth => Amount::StEth(Shares::new(self.get())),
            Asset::WstEth => Amount::WstEth(self),
        }
    }
}

/// One `T` for each asset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PerAsset<T> {
    #[serde(rename = "ETH")]
    eth: T,
    #[serde(rename = "stETH")]
    steth: T,
    #[serde(rename = "wstETH")]
    wsteth: T,
}

impl<T> PerAsset<T> {
    /// Calls `value` for each asset.
    pub fn from_fn(mut value: impl FnMut(Asset) -> T) -> Self {
        let [eth, steth, wsteth] = Asset::ALL.map(&mut value);
        Self { eth, steth, wsteth }
    }
}

impl<T> Index<Asset> for PerAsset<T> {
    type Output = T;

    fn index(&self, asset: Asset) -> &T {
        match asset {
            Asset::Eth => &self.eth,
            Asset::StEth => &self.steth,
            Asset::WstEth => &self.wsteth,
        }
    }
}

impl<T> IndexMut<Asset> for PerAsset<T> {
    fn index_mut(&mut self, asset: Asset) -> &mut T {
        match asset {
            Asset::Eth => &mut self.eth,
            Asset::StEth => &mut self.steth,
            Asset::WstEth => &mut self.wsteth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_keeps_its_asset_and_its_unit() {
        let amounts =
            [Amount::Eth(Wei::new(1)), Amount::StEth(Shares::new(2)), Amount::WstEth(Units::new(3))];
        assert_eq!(amounts.map(Amount::asset), Asset::ALL);
        assert_eq!(amounts.map(Amount::units), [1, 2, 3].map(Units::new));
        assert_eq!(amounts.map(|amount| amount.units().of(amount.asset())), amounts);
        let parts = [(1, 0), (0, 2), (0, 3)].map(|(wei, shares)| (Wei::new(wei), Shares::new(shares)));
        assert_eq!(amounts.map(Amount::wei_and_shares), parts);
    }
}
