// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { FixedPointMathLib } from "solady/utils/FixedPointMathLib.sol";

import { Units } from "../types/Units.sol";
import { ProRata } from "./ProRata.sol";

/// @dev The divisions of a compact. Function names say which way they round: up where an amount is required, down
/// where it is given or paid.
///
/// `Units` < 2^104 and basis points <= 10,000, so the products with them fit. A premium is at least one unit of weight
/// below 2^104, so an index grows by less than 2^232 a premium; the sum of all premiums is checked where it is made.
library CompactShare {
    /// @dev One of an index, which has 128 bits behind its point.
    uint256 private constant ONE = 2 ** 128;

    /// @dev The approvals that a call needs: ceil(active * quorumBps / 10,000).
    function quorumUp(Units active, uint256 quorumBps) internal pure returns (Units) {
        uint256 required = (Units.unwrap(active) * quorumBps + ProRata.BPS - 1) / ProRata.BPS;
        // At most what is active, because quorumBps <= 10,000.
        // forge-lint: disable-next-line(unsafe-typecast)
        return Units.wrap(uint104(required));
    }

    /// @dev What a call takes of what is active: floor(active * bps / 10,000).
    function calledDown(Units active, uint256 bps) internal pure returns (Units) {
        // At most what is active, because bps <= 10,000.
        // forge-lint: disable-next-line(unsafe-typecast)
        return Units.wrap(uint104(Units.unwrap(active) * bps / ProRata.BPS));
    }

    /// @dev What a premium adds to the index: floor(amount * 2^128 / weight). The weight is not zero.
    function indexDown(Units amount, Units weight) internal pure returns (uint256) {
        return Units.unwrap(amount) * ONE / Units.unwrap(weight);
    }

    /// @dev What a weight has earned since an earlier index: floor(weight * gained / 2^128), with a product of 512 bits.
    /// Less than 2^232.
    function earnedDown(Units weight, uint256 gained) internal pure returns (uint256) {
        return FixedPointMathLib.fullMulDiv(Units.unwrap(weight), gained, ONE);
    }
}
