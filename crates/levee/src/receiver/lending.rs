//! Lending pools with Aave v3's interface, as a debt repayer meets them.

use alloy::{
    eips::BlockId,
    primitives::{Address, U256},
    providers::Provider,
};
use levee_model::Wei;
use serde::Serialize;

use crate::{bindings::WETH, convert, error::Error, rpc};
use raw::Pool;

mod raw {
    alloy::sol! {
        /// What Levee reads of a pool, the same from Aave v3.0 to v3.6.
        interface Pool {
            struct ReserveData {
                uint256 configuration;
                uint128 liquidityIndex;
                uint128 currentLiquidityRate;
                uint128 variableBorrowIndex;
                uint128 currentVariableBorrowRate;
                uint128 currentStableBorrowRate;
                uint40 lastUpdateTimestamp;
                uint16 id;
                address aToken;
                address stableDebtToken;
                address variableDebtToken;
                address interestRateStrategy;
                uint128 accruedToTreasury;
                uint128 unbacked;
                uint128 isolationModeTotalDebt;
            }

            function getReserveData(address asset) external view returns (ReserveData memory);
            function getUserAccountData(address user) external view returns (
                uint256 collateral, uint256 debt, uint256 available, uint256 threshold, uint256 ltv, uint256 healthFactor
            );
        }
    }
}

/// The tokens of a pool for one asset that it lends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// The token of the lenders, which holds what is not lent.
    pub a_token: Address,
    /// The token whose balance is an account's debt at the variable rate.
    pub variable_debt_token: Address,
}

/// How a debtor stands in a lending pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Debtor {
    /// What it owes in WETH at the variable rate, with interest up to the block.
    #[serde(rename = "debtWei")]
    pub debt: Wei,
    /// What the pool values; null if it does not tell.
    pub valued: Option<Valued>,
}

/// What an account has and owes in a pool, valued by the pool in a unit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Valued {
    /// All its collateral.
    #[serde(with = "levee_model::json::Number")]
    pub collateral: U256,
    /// All its debts.
    #[serde(with = "levee_model::json::Number")]
    pub debts: U256,
}

impl Reserve {
    /// What `pool` says of `asset` at a block; `None` if it does not lend it, or is no such pool.
    ///
    /// # Errors
    /// [`Error::Rpc`].
    pub async fn read(
        provider: &impl Provider,
        pool: Address,
        asset: Address,
        block: BlockId,
    ) -> Result<Option<Self>, Error> {
        let data = rpc::read_if_known_at(provider, pool, &Pool::getReserveDataCall { asset }, block).await?;
        let reserve =
            data.map(|data| Self { a_token: data.aToken, variable_debt_token: data.variableDebtToken });
        Ok(reserve.filter(|reserve| !reserve.variable_debt_token.is_zero()))
    }
}

impl Debtor {
    /// How `account` stands in `pool`, for its debt in `asset`, at a block; `None` if the pool does not lend it, or is no such pool.
    ///
    /// # Errors
    /// [`Error::Rpc`]; [`Error::Malformed`] if the debt is more than there can be.
    pub async fn read(
        provider: &impl Provider,
        pool: Address,
        asset: Address,
        account: Address,
        block: BlockId,
    ) -> Result<Option<Self>, Error> {
        let Some(reserve) = Reserve::read(provider, pool, asset, block).await? else { return Ok(None) };
        let owed = WETH::balanceOfCall { owner: account };
        let owed = rpc::read_if_known_at(provider, reserve.variable_debt_token, &owed, block).await?;
        let Some(owed) = owed else { return Ok(None) };
        let valued = Pool::getUserAccountDataCall { user: account };
        let valued = rpc::read_if_known_at(provider, pool, &valued, block).await?;
        let valued = valued.map(|data| Valued { collateral: data.collateral, debts: data.debt });
        Ok(Some(Self { debt: convert::wei(owed)?, valued }))
    }
}

impl Valued {
    /// The collateral in basis points of the debts, rounded down; `None` if there are no debts.
    pub fn collateral_bps_down(&self) -> Option<u128> {
        let per_debt = self.collateral.saturating_mul(U256::from(10_000)).checked_div(self.debts)?;
        Some(per_debt.saturating_to())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collateral_is_measured_by_the_debts() {
        let bps = |collateral, debts| {
            Valued { collateral: U256::from(collateral), debts: U256::from(debts) }.collateral_bps_down()
        };
        assert_eq!([bps(1, 3), bps(3, 2), bps(0, 1), bps(1, 0)], [Some(3_333), Some(15_000), Some(0), None]);
        let most = Valued { collateral: U256::MAX, debts: U256::from(1) };
        assert_eq!(most.collateral_bps_down(), Some(u128::MAX));
    }
}
