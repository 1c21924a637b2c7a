// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";

import { BonusShare } from "levee/libraries/BonusShare.sol";
import { UnitSeconds, WeiSeconds } from "levee/types/Enlistments.sol";
import { Asset, Rate, Wei } from "levee/types/Units.sol";

/// BonusShare: every result is rounded down
/// ├── valueDown: ether, and floor(shares * rate / 10^27), of all shares together
/// ├── partDown: floor(bonus * value / whole)
/// ├── returnedDown: floor(added * left / bonus)
/// └── nothing overflows at the bounds that it states
contract BonusShareTest is Test {
    using BonusShare for UnitSeconds;
    using BonusShare for Wei;

    /// @dev What fewer than 2^64 positions of less than 2^128 unit-seconds have at the most.
    uint256 private constant MOST = 2 ** 192 - 1;

    function test_ValueDown() public pure {
        // 3 shares at half a wei, and 10 wei.
        assertEq(value(10, 3, 0.5e27), 11);
        assertEq(value(0, 1, 0.5e27), 0);
        assertEq(value(7, 100, 0), 7);
        assertEq(WeiSeconds.unwrap(UnitSeconds.wrap(9).valueDown(Asset.ETH, Rate.wrap(2e27))), 9);
        assertEq(WeiSeconds.unwrap(UnitSeconds.wrap(9).valueDown(Asset.StETH, Rate.wrap(2e27))), 18);
        assertEq(WeiSeconds.unwrap(UnitSeconds.wrap(9).valueDown(Asset.WstETH, Rate.wrap(0.5e27))), 4);
    }

    function test_PartDown() public pure {
        assertEq(part(10, 2, 3), 6);
        assertEq(part(10, 3, 3), 10);
        assertEq(part(10, 0, 3), 0);
        assertEq(part(1, 2, 3), 0);
    }

    function test_ReturnedDown() public pure {
        assertEq(Wei.unwrap(Wei.wrap(4).returnedDown(Wei.wrap(10), Wei.wrap(11))), 3);
        assertEq(Wei.unwrap(Wei.wrap(7).returnedDown(Wei.wrap(7), Wei.wrap(7))), 7);
        assertEq(Wei.unwrap(Wei.wrap(7).returnedDown(Wei.wrap(0), Wei.wrap(7))), 0);
        Wei all = Wei.wrap(type(uint128).max);
        assertEq(Wei.unwrap(all.returnedDown(all, all)), type(uint128).max);
    }

    /// @dev A product of 288 bits, and one of 328.
    function test_AtTheBounds() public pure {
        uint256 most = value(MOST, MOST, type(uint96).max);
        assertLt(most, 2 ** 200);
        // 2^96 / 10^27 is 79.228, so that shares are worth 79 to 80 times as much.
        assertGt(most, 80 * MOST);
        assertLt(most, 81 * MOST);
        assertEq(part(type(uint128).max, 2 ** 200 - 1, 2 ** 200 - 1), type(uint128).max);
        assertEq(part(type(uint128).max, 2 ** 199, 2 ** 200), type(uint128).max / 2);
    }

    /// @dev Parts never add up to more than the whole.
    function testFuzz_Parts(uint128 bonus, uint192 a, uint192 b) public pure {
        uint256 whole = uint256(a) + b;
        vm.assume(whole != 0);
        uint256 both = part(bonus, a, whole) + part(bonus, b, whole);
        assertLe(both, bonus);
        assertLe(bonus - both, 1);
    }

    function value(uint256 ether_, uint256 shares, uint96 rate) private pure returns (uint256) {
        return WeiSeconds.unwrap(UnitSeconds.wrap(ether_).valueDown(UnitSeconds.wrap(shares), Rate.wrap(rate)));
    }

    function part(uint256 bonus, uint256 value_, uint256 whole) private pure returns (uint256) {
        return Wei.unwrap(Wei.wrap(bonus).partDown(WeiSeconds.wrap(value_), WeiSeconds.wrap(whole)));
    }
}
