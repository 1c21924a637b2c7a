//! The assets that a rescue can hold.

use std::{
    fmt,
    ops::{Index, IndexMut},
};

use serde::{Deserialize, Serialize};

use crate::units::{Shares, Units, Wei};

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

/// So much of one asset, in the asset's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
