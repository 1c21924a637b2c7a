//! Who holds what: the ground truth that events are checked against.

use alloy::primitives::{Address, U256};
use levee::bindings::{StETH, WstETH};
use levee_model::{Asset, Units};
use std::collections::BTreeMap;

use crate::{
    chain::{Chain, Failure},
    lido::Lido,
};

/// What some accounts hold of each asset, in its own unit; stETH in shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holdings(BTreeMap<(Address, Asset), U256>);

impl Holdings {
    /// Reads what `accounts` hold. stETH must be working.
    pub(crate) fn read(chain: &mut Chain, lido: Lido, accounts: &[Address]) -> Result<Self, Failure> {
        let mut holdings = BTreeMap::new();
        for &account in accounts {
            holdings.insert((account, Asset::Eth), chain.balance(account));
            let shares = chain.read(lido.steth, &StETH::sharesOfCall { account })?;
            holdings.insert((account, Asset::StEth), shares);
            let units = chain.read(lido.wsteth, &WstETH::balanceOfCall { account })?;
            holdings.insert((account, Asset::WstEth), units);
        }
        Ok(Self(holdings))
    }

    /// What `account` holds of `asset`; nothing when it was not read.
    pub(crate) fn of(&self, account: Address, asset: Asset) -> U256 {
        self.0.get(&(account, asset)).copied().unwrap_or_default()
    }

    /// Moves `amount` in these books only.
    pub(crate) fn transfer(&mut self, from: Address, to: Address, asset: Asset, amount: Units) {
        let amount = U256::from(amount.get());
        for (account, change) in [(from, amount.wrapping_neg()), (to, amount)] {
            // Nobody can really pay more than they hold: if a false event says so, this wraps, and is noticed.
            let held = self.of(account, asset).wrapping_add(change);
            self.0.insert((account, asset), held);
        }
    }

    /// The first account of these that holds something else in `other`: who, of what, how much here, how much there.
    pub(crate) fn difference(&self, other: &Self) -> Option<(Address, Asset, U256, U256)> {
        self.0.iter().find_map(|(&(account, asset), &here)| {
            let there = other.of(account, asset);
            (here != there).then_some((account, asset, here, there))
        })
    }
}
