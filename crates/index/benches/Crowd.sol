// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow } from "contracts/interfaces/IPledgeEscrow.sol";

/// @notice Pledges in the names of many, for benchmarks of what follows a rescue.
contract Crowd {
    /// @notice Pledges an equal part of the ETH sent for each of `count` pledgers, whose addresses follow from numbers from `first` on.
    function pledge(IPledgeEscrow escrow, uint256 first, uint256 count) external payable {
        for (uint256 number = first; number < first + count; ++number) {
            address pledger = address(uint160(uint256(keccak256(abi.encode(number)))));
            escrow.pledgeETH{ value: msg.value / count }(pledger, 0, 0);
        }
    }
}
