// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

// Stand-ins for stETH's `getPooledEthByShares`, put in its place by `vm.mockFunction`; everything else of the token
// stays as it is.

/// @notice Reverts with as much data as the gas that the escrow gives the read can pay for.
contract RevertBomb {
    function getPooledEthByShares(uint256) external pure returns (uint256) {
        assembly ("memory-safe") {
            revert(0, 600000)
        }
    }
}

/// @notice Returns 1.2 wei per share, followed by 600,000 bytes.
contract ReturnBomb {
    function getPooledEthByShares(uint256) external pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(0, 1200000000000000000000000000)
            return(0, 600000)
        }
    }
}

/// @notice Uses up all the gas it gets.
contract GasBurner {
    function getPooledEthByShares(uint256) external pure returns (uint256) {
        assembly ("memory-safe") {
            invalid()
        }
    }
}

/// @notice Answers only if it has nearly all of the 1,000,000 gas that the escrow promises the read.
contract HungryRate {
    function getPooledEthByShares(uint256) external view returns (uint256) {
        require(gasleft() > 999_000, "starved");
        return 1.2e27;
    }
}
