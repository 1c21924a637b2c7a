// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";

import { Standing, increased, standing, toUnits } from "levee/types/Standings.sol";
import { AmountTooLarge, Units } from "levee/types/Units.sol";

import { units } from "../../util/EscrowTest.sol";

/// Standing
/// ├── its fields are as wide as they are said to be, and none reaches into the next
/// ├── joined: more is active, with weight; beyond 104 bits it reverts with {AmountTooLarge}
/// ├── withNotice: what is under notice has no weight, instead of what was
/// ├── left: what was under notice is gone
/// ├── called: what is not under notice goes first
/// ├── replaced: one part of a sum
/// └── toUnits: beyond 104 bits it reverts with {AmountTooLarge}
contract StandingsTest is Test {
    uint256 private constant MOST = type(uint104).max;

    function testFuzz_Fields(uint104 active, uint104 weight) public pure {
        weight = uint104(bound(weight, 0, active));
        assertFields(standingOf(active, weight), active, weight);
    }

    function test_Joined() public {
        assertFields(standingOf(7, 5).joined(units(3)), 10, 8);
        assertFields(standingOf(MOST - 3, 0).joined(units(3)), MOST, 3);
        vm.expectRevert(abi.encodeWithSelector(AmountTooLarge.selector, 4, 3));
        this.joined(MOST - 3, 0, 4);
    }

    function test_WithNotice() public pure {
        assertFields(standingOf(7, 5).withNotice(units(7)), 7, 0);
        assertFields(standingOf(7, 5).withNotice(units(1)), 7, 6);
        assertFields(standingOf(7, 5).withNotice(units(0)), 7, 7);
    }

    function test_Left() public pure {
        assertFields(standingOf(7, 5).left(), 5, 5);
        assertFields(standingOf(7, 7).left(), 7, 7);
        assertFields(standingOf(MOST, 0).left(), 0, 0);
    }

    function test_Called() public pure {
        assertFields(standingOf(7, 5).called(units(0)), 7, 5);
        assertFields(standingOf(7, 5).called(units(4)), 3, 1);
        assertFields(standingOf(7, 5).called(units(5)), 2, 0);
        assertFields(standingOf(7, 5).called(units(6)), 1, 0);
        assertFields(standingOf(MOST, MOST).called(units(MOST)), 0, 0);
    }

    function test_Replaced() public {
        assertFields(standingOf(10, 8).replaced(standingOf(7, 5), standingOf(7, 0)), 10, 3);
        assertFields(standingOf(10, 8).replaced(standingOf(7, 5), standingOf(0, 0)), 3, 3);
        assertFields(standingOf(MOST, MOST).replaced(standingOf(1, 1), standingOf(1, 0)), MOST, MOST - 1);
        vm.expectRevert(abi.encodeWithSelector(AmountTooLarge.selector, 2, 1));
        this.replaced(MOST, MOST, 1, 1, 2, 2);
    }

    function test_ToUnits() public {
        assertEq(Units.unwrap(toUnits(MOST)), MOST);
        vm.expectRevert(abi.encodeWithSelector(AmountTooLarge.selector, MOST + 1, MOST));
        this.toUnitsOf(MOST + 1);
    }

    function test_Increased() public pure {
        assertEq(Units.unwrap(increased(units(MOST - 1), units(1))), MOST);
    }

    // ---------------------------------------------------------------- calls that may revert

    function joined(uint256 active, uint256 weight, uint256 amount) external pure returns (Standing) {
        return standingOf(active, weight).joined(units(amount));
    }

    function replaced(uint256 a, uint256 w, uint256 before, uint256 weightBefore, uint256 after_, uint256 weightAfter)
        external
        pure
        returns (Standing)
    {
        return standingOf(a, w).replaced(standingOf(before, weightBefore), standingOf(after_, weightAfter));
    }

    function toUnitsOf(uint256 amount) external pure returns (Units) {
        return toUnits(amount);
    }

    function standingOf(uint256 active, uint256 weight) private pure returns (Standing) {
        return standing(units(active), units(weight));
    }

    function assertFields(Standing found, uint256 active, uint256 weight) private pure {
        assertEq(uint256(Units.unwrap(found.active())), active, "active");
        assertEq(uint256(Units.unwrap(found.weight())), weight, "weight");
        assertEq(uint256(Units.unwrap(found.noticed())), active - weight, "noticed");
    }
}
