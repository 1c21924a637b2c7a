// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { ASSETS, Asset, RATE_UNIT, Rate, Shares, Units, Wei } from "../types/Units.sol";

/// @dev Every division in Levee, except those of a bonus (see BonusShare). Function names say which way they round,
/// which is always against the recipient. No product overflows: `Units` < 2^104, a pot <= MAX_POT < 2^101, `Rate` <
/// 2^96, the shares of all 16 share pots < 2^105, the value of all pots < 2^112, a draw <= the target < 2^96, tranches
/// <= 64, basis points <= 10,000.
library ProRata {
    uint256 internal constant BPS = 10_000;

    /// @dev Coverage required to meet a threshold: ceil(target * thresholdBps / 10,000).
    function requiredUp(Wei target, uint256 thresholdBps) internal pure returns (Wei) {
        return Wei.wrap((Wei.unwrap(target) * thresholdBps + BPS - 1) / BPS);
    }

    /// @dev Value of shares: floor(shares * rate / 10^27).
    function valueDown(Shares shares, Rate rate) internal pure returns (Wei) {
        return Wei.wrap(Shares.unwrap(shares) * Rate.unwrap(rate) / RATE_UNIT);
    }

    /// @dev Value of an amount of one asset at a rate.
    function valueDown(Units amount, Asset asset, Rate rate) internal pure returns (Wei) {
        if (asset == Asset.ETH) return Wei.wrap(Units.unwrap(amount));
        return valueDown(Shares.wrap(Units.unwrap(amount)), rate);
    }

    /// @dev What is drawn from `amount` in a group worth `groupValue` of which `draw` is drawn: floor(amount * draw /
    /// groupValue). At most `amount`, because draw <= groupValue.
    function drawnDown(Units amount, Wei draw, Wei groupValue) internal pure returns (Units) {
        // At most `amount`, so it fits.
        // forge-lint: disable-next-line(unsafe-typecast)
        return Units.wrap(uint104(Units.unwrap(amount) * Wei.unwrap(draw) / Wei.unwrap(groupValue)));
    }

    /// @dev Share of `amount` for a part worth `value` of a total worth `whole`: floor(value * amount / whole). At most
    /// `amount`, because value <= whole.
    function shareDown(Wei value, Wei amount, Wei whole) internal pure returns (Wei) {
        return Wei.wrap(Wei.unwrap(value) * Wei.unwrap(amount) / Wei.unwrap(whole));
    }

    /// @dev Simple interest on `principal` for `elapsed` seconds: floor(principal * rateBps * elapsed / (10,000 * a
    /// year of 365 days)). The factors have 96, 16 and 40 bits, so the product has at most 152 bits and the interest at
    /// most 114.
    function interestDown(Wei principal, uint256 rateBps, uint256 elapsed) internal pure returns (Wei) {
        return Wei.wrap(Wei.unwrap(principal) * rateBps * elapsed / (BPS * 365 days));
    }

    /// @dev The part of a pot's draw in `count` of `tranches` tranches: floor(drawn * count / tranches).
    function tranchesDown(Units drawn, uint256 count, uint256 tranches) internal pure returns (Units) {
        // count <= tranches, so it is at most `drawn` and fits.
        // forge-lint: disable-next-line(unsafe-typecast)
        return Units.wrap(uint104(Units.unwrap(drawn) * count / tranches));
    }

    /// @dev A position's part of what a pot does not reserve for the beneficiary: floor(amount * (total - reserved) /
    /// total). Reserved <= drawn <= total; a position with an amount is in the total, so the total is not zero.
    function entitledDown(Units amount, Units total, Units reserved) internal pure returns (Units) {
        uint256 free = Units.unwrap(total - reserved);
        // free <= total, so it is at most `amount` and fits.
        // forge-lint: disable-next-line(unsafe-typecast)
        return Units.wrap(uint104(Units.unwrap(amount) * free / Units.unwrap(total)));
    }
}
