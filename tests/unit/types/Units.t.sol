// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test, stdError } from "forge-std/Test.sol";
import { AmountTooLarge, MAX_POT, Shares, Units, Wei, minWei } from "levee/types/Units.sol";

import { units } from "../../util/EscrowTest.sol";

/// Wei, Shares, Units
/// ├── sums, differences and comparisons are those of the numbers, and checked
/// └── addToPot: up to MAX_POT; beyond it reverts with {AmountTooLarge}, with what the pot still takes
contract UnitsTest is Test {
    function testFuzz_Wei(uint128 a, uint128 b) public pure {
        assertEq(Wei.unwrap(Wei.wrap(a) + Wei.wrap(b)), uint256(a) + b);
        assertEq(Wei.unwrap(Wei.wrap(uint256(a) + b) - Wei.wrap(b)), a);
        assertEq(Wei.wrap(a) < Wei.wrap(b), a < b);
        assertEq(Wei.wrap(a) >= Wei.wrap(b), a >= b);
        assertEq(Wei.wrap(a) == Wei.wrap(b), a == b);
        assertTrue(Wei.wrap(a) == Wei.wrap(a));
        assertFalse(Wei.wrap(a) < Wei.wrap(a));
        assertEq(Wei.unwrap(minWei(Wei.wrap(a), Wei.wrap(b))), a < b ? a : b);
    }

    function testFuzz_SharesAndUnits(uint104 a, uint104 b) public pure {
        b = uint104(bound(b, 0, type(uint104).max - a));
        assertEq(Shares.unwrap(Shares.wrap(a) + Shares.wrap(b)), uint256(a) + b);
        assertEq(Shares.unwrap(Shares.wrap(uint256(a) + b) - Shares.wrap(b)), a);
        assertEq(Units.unwrap(Units.wrap(a) + Units.wrap(b)), uint256(a) + b);
        assertEq(Units.unwrap(Units.wrap(a + b) - Units.wrap(b)), a);
        assertEq(Units.wrap(a) == Units.wrap(b), a == b);
    }

    function test_RevertWhen_BelowZeroOrTooLarge() public {
        vm.expectRevert(stdError.arithmeticError);
        this.subtractUnits(units(1), units(2));
        vm.expectRevert(stdError.arithmeticError);
        this.subtractWei(Wei.wrap(1), Wei.wrap(2));
        vm.expectRevert(stdError.arithmeticError);
        this.subtractShares(Shares.wrap(1), Shares.wrap(2));
        vm.expectRevert(stdError.arithmeticError);
        this.addUnits(units(type(uint104).max), units(1));
    }

    function test_MaxPot() public pure {
        assertEq(MAX_POT, (uint256(1) << 101) - 1);
        assertLe(8 * MAX_POT, type(uint104).max);
    }

    function testFuzz_AddToPot(uint256 total, uint256 amount) public pure {
        total = bound(total, 0, MAX_POT);
        amount = bound(amount, 0, MAX_POT - total);
        (Units added, Units sum) = units(total).addToPot(amount);
        assertEq(Units.unwrap(added), amount);
        assertEq(Units.unwrap(sum), total + amount);
    }

    function testFuzz_RevertWhen_PotTooFull(uint256 total, uint256 amount) public {
        total = bound(total, 0, MAX_POT);
        uint256 room = MAX_POT - total;
        amount = bound(amount, room + 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(AmountTooLarge.selector, amount, room));
        this.addToPot(units(total), amount);
    }

    // Library calls are inlined; a revert can only be expected of a call.

    function addToPot(Units total, uint256 amount) external pure {
        total.addToPot(amount);
    }

    function subtractUnits(Units a, Units b) external pure returns (Units) {
        return a - b;
    }

    function subtractWei(Wei a, Wei b) external pure returns (Wei) {
        return a - b;
    }

    function subtractShares(Shares a, Shares b) external pure returns (Shares) {
        return a - b;
    }

    function addUnits(Units a, Units b) external pure returns (Units) {
        return a + b;
    }
}
