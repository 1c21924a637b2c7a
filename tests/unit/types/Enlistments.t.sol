// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";

import { Enlistment, UnitSeconds } from "levee/types/Enlistments.sol";
import { AmountTooLarge, Units } from "levee/types/Units.sol";

/// Enlistment
/// ├── its fields are as wide as they are said to be, and none reaches into the next
/// ├── struck: the same, if the count of departures is; else only the count is left
/// └── extended: all of the amount, and what is new of it times the seconds
///     └── when that is more than 128 bits in all: it reverts with {AmountTooLarge}
contract EnlistmentsTest is Test {
    uint256 private constant MOST = type(uint104).max;

    function test_Extended() public view {
        Enlistment some = extended(enlistment(7, 100, 1000), 130, 5);
        assertFields(some, 7, 130, 1150);
        assertFields(extended(some, 130, 99), 7, 130, 1150);
        assertFields(extended(some, 131, 0), 7, 131, 1150);
    }

    function test_Extended_UpToTheWidestFields() public {
        // 2^104 - 1, for 2^24 seconds and one more unit-second: 2^128 - 1 - 2^24 + 1.
        Enlistment widest = extended(enlistment(type(uint24).max, 0, 2 ** 24 - 1), MOST, 2 ** 24);
        assertFields(widest, type(uint24).max, MOST, type(uint128).max);
        Enlistment almost = enlistment(1, MOST - 1, type(uint128).max - 9);
        vm.expectRevert(abi.encodeWithSelector(AmountTooLarge.selector, 10, 9));
        this.extended(almost, MOST, 10);
        // The most that can be asked for.
        vm.expectRevert(abi.encodeWithSelector(AmountTooLarge.selector, MOST * type(uint40).max, type(uint128).max));
        this.extended(enlistment(0, 0, 0), MOST, type(uint40).max);
    }

    function test_Struck() public pure {
        Enlistment some = enlistment(7, 100, 1000);
        assertFields(some.struck(7), 7, 100, 1000);
        assertFields(some.struck(8), 8, 0, 0);
        assertFields(some.struck(6), 6, 0, 0);
        assertFields(some.struck(type(uint24).max), type(uint24).max, 0, 0);
    }

    function test_Differs() public pure {
        Enlistment some = enlistment(7, 100, 1000);
        assertFalse(some.differs(enlistment(7, 100, 1000)));
        assertTrue(some.differs(enlistment(8, 100, 1000)));
        assertTrue(some.differs(enlistment(7, 101, 1000)));
        assertTrue(some.differs(enlistment(7, 100, 1001)));
    }

    function testFuzz_Fields(uint24 departures, uint104 amount, uint128 unitSeconds) public pure {
        assertFields(enlistment(departures, amount, unitSeconds), departures, amount, unitSeconds);
    }

    function test_UnitSeconds() public pure {
        UnitSeconds five = UnitSeconds.wrap(2) + UnitSeconds.wrap(3);
        assertEq(UnitSeconds.unwrap(five), 5);
        assertEq(UnitSeconds.unwrap(five - UnitSeconds.wrap(1)), 4);
    }

    /// @dev External, for its reverts.
    function extended(Enlistment some, uint256 amount, uint256 duration) public pure returns (Enlistment) {
        assert(amount <= MOST);
        return some.extended(Units.wrap(uint104(amount)), duration);
    }

    function enlistment(uint24 departures, uint256 amount, uint256 unitSeconds) private pure returns (Enlistment) {
        return Enlistment.wrap(uint256(departures) << 232 | amount << 128 | unitSeconds);
    }

    function assertFields(Enlistment some, uint24 departures, uint256 amount, uint256 unitSeconds) private pure {
        assertEq(some.departures(), departures, "departures");
        assertEq(uint256(Units.unwrap(some.amount())), amount, "amount");
        assertEq(UnitSeconds.unwrap(some.unitSeconds()), unitSeconds, "unitSeconds");
    }
}
