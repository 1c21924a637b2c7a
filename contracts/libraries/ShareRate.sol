// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IStETH } from "../interfaces/external/ILido.sol";
import { RATE_UNIT, Rate, Shares } from "../types/Units.sol";

/// @dev What shares are worth: the one question that is asked of Lido.
library ShareRate {
    /// @dev Gas that a read gets, at most and (where a failed read proves something) at least: far more than a proxy
    /// and a few cold reads of storage need, as Lido's getPooledEthByShares does them. One fixed amount, so that
    /// "readable" means the same to everyone who asks.
    uint256 internal constant READ_GAS = 1_000_000;

    /// @dev What must be left before a read whose failure proves something, so that 63/64 of it (EIP-150), less the
    /// cost of the call itself, is READ_GAS: a caller who starves the read proves nothing.
    uint256 internal constant PROOF_GAS = READ_GAS * 64 / 63 + 10_000;

    /// @dev Reads the rate without ever reverting. A failed call, an answer that is no number, a rate of zero or of
    /// more than 96 bits (79 ETH a share) is not a rate: nothing is ever "worth nothing" because a call failed.
    function read(address stETH) internal view returns (bool readable, Rate rate) {
        bytes memory question = abi.encodeCall(IStETH.getPooledEthByShares, (Shares.wrap(RATE_UNIT)));
        bool success;
        uint256 size;
        uint256 answer;
        // One word of the answer is copied and no more, however long it is: into the scratch space.
        assembly ("memory-safe") {
            success := staticcall(READ_GAS, stETH, add(question, 0x20), mload(question), 0x00, 0x20)
            size := returndatasize()
            answer := mload(0x00)
        }
        if (!success || size < 32 || answer == 0 || answer > type(uint96).max) return (false, rate);
        // The line above bounds it.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (true, Rate.wrap(uint96(answer)));
    }
}
