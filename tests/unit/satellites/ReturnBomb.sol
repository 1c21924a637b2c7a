// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @notice Takes ETH, and answers with 500,000 bytes. That costs it 3 gas for each of 15,625 words and a 512th of their
/// square, 523,712 gas; who copies them pays as much again.
contract ReturnBomb {
    receive() external payable {
        assembly ("memory-safe") {
            return(0, 500000)
        }
    }
}

/// @dev What a payment may cost that copies nothing: the bomb's own, and 100,000 for all else.
uint256 constant GAS_OF_A_BOMB = 623_712;
