// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CommonBase } from "forge-std/Base.sol";

/// @notice Time, which never goes back.
abstract contract Clock is CommonBase {
    /// @dev It becomes `time`, unless it is later than that.
    function reach(uint256 time) internal {
        if (time > vm.getBlockTimestamp()) vm.warp(time);
    }
}
