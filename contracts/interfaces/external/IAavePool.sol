// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Wei } from "../../types/Units.sol";

/// @notice The functions of an Aave v3 pool that Levee calls (mainnet 0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2), the
/// same from v3.0 to v3.6.
interface IAavePool {
    /// @notice What the pool stores about one asset. Levee reads one field, but the answer is 15 words long.
    /// @custom:member variableDebtToken The token whose balance is an account's variable-rate debt, including interest
    /// up to the current block; zero for an asset that the pool does not know.
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

    /// @notice Takes `amount` of `asset` from the caller, under an allowance, and lowers `debtor`'s debt by it. Takes
    /// no more than the debt.
    /// @param interestRateMode 2 for variable-rate debt.
    /// @return The amount taken.
    function repay(address asset, Wei amount, uint256 interestRateMode, address debtor) external returns (Wei);

    /// @notice What the pool stores about `asset`; all zero if it does not know it.
    function getReserveData(address asset) external view returns (ReserveData memory);
}

/// @notice The function of an Aave v3 variable debt token that Levee calls, for debt in ETH.
interface IVariableDebtToken {
    /// @notice What `account` owes now, in wei, including interest up to this block.
    function balanceOf(address account) external view returns (Wei);
}
