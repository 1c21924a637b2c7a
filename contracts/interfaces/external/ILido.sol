// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Shares, StETHAmount, WstETHUnits } from "../../types/Units.sol";

/// @notice The functions of Lido's stETH that Levee calls (Lido core v3.0.2, mainnet
/// 0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84). Every transfer is in shares, which no rebase changes.
interface IStETH {
    /// @notice Moves `shares` of the caller's shares to `recipient`; reverts while stETH is paused.
    /// @dev It returns a rounded stETH amount, which Levee ignores and so does not declare.
    function transferShares(address recipient, Shares shares) external;

    /// @notice Moves `shares` from `owner` to `recipient`, under an allowance that is counted in stETH.
    /// @return The stETH amount moved, which is rounded and which Levee ignores.
    function transferSharesFrom(address owner, address recipient, Shares shares) external returns (uint256);

    /// @notice Lets `spender` move `amount` of the caller's stETH.
    function approve(address spender, StETHAmount amount) external returns (bool);

    /// @notice The shares of `account`.
    function sharesOf(address account) external view returns (Shares);

    /// @notice The value of `shares` in wei of ETH, rounded down.
    function getPooledEthByShares(Shares shares) external view returns (uint256);

    /// @notice The value of `account`'s shares, rounded down.
    function balanceOf(address account) external view returns (StETHAmount);
}

/// @notice The functions of Lido's wstETH that Levee calls (mainnet 0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0).
interface IWstETH {
    /// @notice Moves wstETH; does not depend on whether stETH is paused.
    function transfer(address recipient, WstETHUnits amount) external returns (bool);

    /// @notice Moves wstETH from `owner` under an allowance.
    function transferFrom(address owner, address recipient, WstETHUnits amount) external returns (bool);

    /// @notice Burns `amount` of the caller's wstETH and pays the corresponding stETH; reverts while stETH is paused.
    /// @return The stETH amount paid, which is rounded and which Levee ignores.
    function unwrap(WstETHUnits amount) external returns (StETHAmount);

    /// @notice The balance of `account`.
    function balanceOf(address account) external view returns (WstETHUnits);

    /// @notice The stETH that this token wraps.
    function stETH() external view returns (address);
}
