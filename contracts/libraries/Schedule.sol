// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @dev When the tranches of a settled rescue fall due.
/// @custom:member firstAt Settlement plus the objection period: the first tranche's time.
/// @custom:member interval Seconds between two tranches; zero only if there is one.
/// @custom:member tranches How many there are, 1 to 64.
struct Calendar {
    uint256 firstAt;
    uint256 interval;
    uint256 tranches;
}

using Schedule for Calendar global;

/// @dev When: the pure rules of the clock.
library Schedule {
    /// @dev Tranches due at `time`; tranche r at `firstAt + (r - 1) * interval`, that second included.
    function dueAt(Calendar memory calendar, uint256 time) internal pure returns (uint256) {
        if (time < calendar.firstAt) return 0;
        // The one tranche needs no interval.
        if (calendar.tranches == 1) return 1;
        uint256 due = (time - calendar.firstAt) / calendar.interval + 1;
        return due < calendar.tranches ? due : calendar.tranches;
    }

    /// @dev When tranche `number`, counted from 1, falls due.
    function timeOf(Calendar memory calendar, uint256 number) internal pure returns (uint256) {
        return calendar.firstAt + (number - 1) * calendar.interval;
    }
}
