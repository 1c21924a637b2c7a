// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IStETH } from "../interfaces/external/ILido.sol";
import { RATE_UNIT, Rate, Shares } from "../types/Units.sol";

/// @dev What shares are worth: the only question that the escrow asks Lido.
library ShareRate {
    /// @dev Gas for a read, at most and (where a failed read proves something) at least: far more than Lido's
    /// getPooledEthByShares needs for a proxy and a few cold storage reads. A fixed amount, so that "readable" means
    /// the same for every caller.
    uint256 internal constant READ_GAS = 1_000_000;

    /// @dev Gas that must be left before a read whose failure proves something, so that 63/64 of it (EIP-150), less the
    /// cost of the call itself, is READ_GAS: a caller who starves the read proves nothing.
    uint256 internal constant PROOF_GAS = READ_GAS * 64 / 63 + 10_000;

    /// @dev Reads the rate without ever reverting. A failed call, an answer that is not a number, and a rate of zero or
    /// of more than 96 bits (79 ETH per share) do not count as a rate: nothing is ever valued at zero because a call
    /// failed.
    function read(address stETH) internal view returns (bool readable, Rate rate) {
        bytes memory question = abi.encodeCall(IStETH.getPooledEthByShares, (Shares.wrap(RATE_UNIT)));
        bool success;
        uint256 size;
        uint256 answer;
        // Only one word of the answer is copied, however long it is, into the scratch space.
        assembly ("memory-safe") {
            success := staticcall(READ_GAS, stETH, add(question, 0x20), mload(question), 0x00, 0x20)
            size := returndatasize()
            answer := mload(0x00)
        }
        if (!success || size < 32 || answer == 0 || answer > type(uint96).max) return (false, rate);
        // Bounded by the line above.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (true, Rate.wrap(uint96(answer)));
    }
}
