// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CommonBase } from "forge-std/Base.sol";

/// @notice Time, which never runs backward.
abstract contract Clock is CommonBase {
    /// @dev Sets the time to `time`, unless it is already later.
    function reach(uint256 time) internal {
        if (time > vm.getBlockTimestamp()) vm.warp(time);
    }
}
