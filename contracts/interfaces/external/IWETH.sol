// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Wei } from "../../types/Units.sol";

/// @notice The functions of WETH9 that Levee calls (mainnet 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2). One wei of it
/// is one wei of ETH. It does not call recipients, so a transfer cannot be refused.
interface IWETH {
    /// @notice Wraps the ETH sent with the call, for the caller.
    function deposit() external payable;

    /// @notice Unwraps `amount` of the caller's WETH; the ETH is sent with 2,300 gas.
    function withdraw(Wei amount) external;

    /// @notice Lets `spender` move `amount` of the caller's WETH.
    function approve(address spender, Wei amount) external returns (bool);

    /// @notice The balance of `account`.
    function balanceOf(address account) external view returns (Wei);

    /// @notice How much of `owner`'s WETH `spender` may still move.
    function allowance(address owner, address spender) external view returns (Wei);
}
