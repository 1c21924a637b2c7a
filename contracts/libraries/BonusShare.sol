// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { FixedPointMathLib } from "solady/utils/FixedPointMathLib.sol";

import { UnitSeconds, WeiSeconds } from "../types/Enlistments.sol";
import { Asset, RATE_UNIT, Rate, Wei } from "../types/Units.sol";

/// @dev How much of a bonus: by value and by time. The rounding is in the name, and always against the taker.
///
/// Nothing overflows. One position has less than 2^128 unit-seconds, and there are fewer than 2^64 positions: the sum of
/// any is below 2^192. A rate is less than 2^96 and so less than 2^7 times RATE_UNIT: as a value the sum is below 2^199,
/// with that of ether below 2^200. Products are of 512 bits, and every quotient but that one is at most a factor of its
/// product.
library BonusShare {
    /// @dev Value of what is locked of ether and of shares: ether + floor(shares * rate / 10^27).
    function valueDown(UnitSeconds ether_, UnitSeconds shares, Rate rate) internal pure returns (WeiSeconds) {
        uint256 value = FixedPointMathLib.fullMulDiv(UnitSeconds.unwrap(shares), Rate.unwrap(rate), RATE_UNIT);
        return WeiSeconds.wrap(UnitSeconds.unwrap(ether_) + value);
    }

    /// @dev Value of what is locked of one asset.
    function valueDown(UnitSeconds locked, Asset asset, Rate rate) internal pure returns (WeiSeconds) {
        UnitSeconds none = UnitSeconds.wrap(0);
        return asset == Asset.ETH ? valueDown(locked, none, rate) : valueDown(none, locked, rate);
    }

    /// @dev What a part worth `value` of all that is worth `whole` gets: floor(bonus * value / whole). Not more than the
    /// bonus, since value <= whole; the whole is not zero.
    function partDown(Wei bonus, WeiSeconds value, WeiSeconds whole) internal pure returns (Wei) {
        return
            Wei.wrap(
                FixedPointMathLib.fullMulDiv(Wei.unwrap(bonus), WeiSeconds.unwrap(value), WeiSeconds.unwrap(whole))
            );
    }

    /// @dev What who added `added` of the bonus gets of what is left of it: floor(added * left / bonus). Not more than
    /// `added`, since left <= bonus; the bonus is not zero, as `added` is part of it.
    function returnedDown(Wei added, Wei left, Wei bonus) internal pure returns (Wei) {
        return Wei.wrap(FixedPointMathLib.fullMulDiv(Wei.unwrap(added), Wei.unwrap(left), Wei.unwrap(bonus)));
    }
}
