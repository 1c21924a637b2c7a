// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";
import { Calendar } from "levee/libraries/Schedule.sol";

/// Schedule
/// ├── dueAt: none before the first, that second included; never more than there are; one without interval
/// └── timeOf: the inverse of dueAt, to the second
contract ScheduleTest is Test {
    function test_DueAt() public pure {
        Calendar memory calendar = Calendar({ firstAt: 100, interval: 10, tranches: 3 });
        uint256[8] memory times = [uint256(0), 99, 100, 109, 110, 119, 120, 1e9];
        uint256[8] memory due = [uint256(0), 0, 1, 1, 2, 2, 3, 3];
        for (uint256 i; i < times.length; ++i) {
            assertEq(calendar.dueAt(times[i]), due[i]);
        }
    }

    function test_DueAt_WithoutInterval() public pure {
        Calendar memory calendar = Calendar({ firstAt: 100, interval: 0, tranches: 1 });
        assertEq(calendar.dueAt(99), 0);
        assertEq(calendar.dueAt(100), 1);
        assertEq(calendar.dueAt(1e9), 1);
        assertEq(calendar.timeOf(1), 100);
    }

    function test_TimeOf() public pure {
        Calendar memory calendar = Calendar({ firstAt: 100, interval: 10, tranches: 3 });
        assertEq(calendar.timeOf(1), 100);
        assertEq(calendar.timeOf(2), 110);
        assertEq(calendar.timeOf(3), 120);
    }

    function testFuzz_TimeOfIsWhenItFallsDue(uint40 firstAt, uint32 interval, uint256 tranches, uint256 number)
        public
        pure
    {
        tranches = bound(tranches, 1, 64);
        number = bound(number, 1, tranches);
        Calendar memory calendar = Calendar(uint256(firstAt) + 1, bound(interval, 1, type(uint32).max), tranches);
        uint256 time = calendar.timeOf(number);
        assertEq(calendar.dueAt(time), number);
        assertEq(calendar.dueAt(time - 1), number - 1);
    }

    /// @dev Property 7: what is due stays due.
    function testFuzz_DueAt_NeverFalls(uint40 firstAt, uint32 interval, uint8 tranches, uint40 time, uint40 later)
        public
        pure
    {
        Calendar memory calendar = Calendar(firstAt, interval, bound(tranches, 1, 64));
        if (calendar.tranches > 1) calendar.interval = bound(interval, 1, type(uint32).max);
        uint256 due = calendar.dueAt(time);
        assertLe(due, calendar.dueAt(uint256(time) + later));
        assertLe(due, calendar.tranches);
    }
}
