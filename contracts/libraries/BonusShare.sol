// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { FixedPointMathLib } from "solady/utils/FixedPointMathLib.sol";

import { UnitSeconds, WeiSeconds } from "../types/Enlistments.sol";
import { Asset, RATE_UNIT, Rate, Wei } from "../types/Units.sol";

/// @dev The divisions of a bonus, by value and by time. Function names say which way they round, which is always
/// against the recipient.
///
/// Nothing overflows. One position has less than 2^128 unit-seconds, and there are fewer than 2^64 positions, so any
/// sum is below 2^192. A rate is less than 2^96 and so less than 2^7 times RATE_UNIT: as a value the sum is below
/// 2^199, and with that of ether below 2^200. Products have 512 bits, and every quotient except that one is at most a
/// factor of its product.
library BonusShare {
    /// @dev Value of locked ether and shares: ether + floor(shares * rate / 10^27).
    function valueDown(UnitSeconds ether_, UnitSeconds shares, Rate rate) internal pure returns (WeiSeconds) {
        uint256 value = FixedPointMathLib.fullMulDiv(UnitSeconds.unwrap(shares), Rate.unwrap(rate), RATE_UNIT);
        return WeiSeconds.wrap(UnitSeconds.unwrap(ether_) + value);
    }

    /// @dev Value of what is locked of one asset.
    function valueDown(UnitSeconds locked, Asset asset, Rate rate) internal pure returns (WeiSeconds) {
        UnitSeconds none = UnitSeconds.wrap(0);
        return asset == Asset.ETH ? valueDown(locked, none, rate) : valueDown(none, locked, rate);
    }

    /// @dev Share of the bonus for a part worth `value` of a total worth `whole`: floor(bonus * value / whole). At most
    /// the bonus, because value <= whole; the whole is not zero.
    function partDown(Wei bonus, WeiSeconds value, WeiSeconds whole) internal pure returns (Wei) {
        return
            Wei.wrap(
                FixedPointMathLib.fullMulDiv(Wei.unwrap(bonus), WeiSeconds.unwrap(value), WeiSeconds.unwrap(whole))
            );
    }

    /// @dev What a sponsor that added `added` of the bonus gets of the remaining `left`: floor(added * left / bonus).
    /// At most `added`, because left <= bonus; the bonus is not zero, because `added` is part of it.
    function returnedDown(Wei added, Wei left, Wei bonus) internal pure returns (Wei) {
        return Wei.wrap(FixedPointMathLib.fullMulDiv(Wei.unwrap(added), Wei.unwrap(left), Wei.unwrap(bonus)));
    }
}
