// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { StETHAmount } from "../../types/Units.sol";

/// @notice The functions of Lido's withdrawal queue that Levee calls (Lido core v3.0.2, mainnet
/// 0x889edC2eDab5f40e902b864aD4d7AdE8E412F9B1).
interface IWithdrawalQueue {
    /// @notice Takes each of `amounts` from the caller, under an allowance, as a request owned by `owner`.
    /// @dev Reverts while the queue or stETH is paused, and if an amount is outside the two bounds below.
    /// @return requestIds The requests, in the order of the amounts.
    function requestWithdrawals(StETHAmount[] calldata amounts, address owner)
        external
        returns (uint256[] memory requestIds);

    /// @notice Pays the caller the ETH of its finalized requests; not affected by a pause.
    /// @dev Reverts if any request is not the caller's, not finalized or already claimed, or a hint is wrong.
    /// @param hints For each request, the checkpoint of its finalization, as returned by `findCheckpointHints`.
    function claimWithdrawals(uint256[] calldata requestIds, uint256[] calldata hints) external;

    /// @notice The minimum size of a request.
    function MIN_STETH_WITHDRAWAL_AMOUNT() external view returns (StETHAmount);

    /// @notice The maximum size of a request.
    function MAX_STETH_WITHDRAWAL_AMOUNT() external view returns (StETHAmount);

    /// @notice The stETH that the queue accepts.
    function STETH() external view returns (address);

    /// @notice The wstETH that wraps it.
    function WSTETH() external view returns (address);
}
