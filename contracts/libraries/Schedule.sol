// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @dev When the tranches of a settled rescue fall due.
/// @custom:member firstAt Time of the first tranche: settlement plus the objection period.
/// @custom:member interval Seconds between two tranches; zero only if there is a single one.
/// @custom:member tranches Number of tranches, 1 to 64.
struct Calendar {
    uint256 firstAt;
    uint256 interval;
    uint256 tranches;
}

using Schedule for Calendar global;

/// @dev The rules of the clock, as pure functions.
library Schedule {
    /// @dev Tranches due at `time`: tranche r at `firstAt + (r - 1) * interval`, inclusive.
    function dueAt(Calendar memory calendar, uint256 time) internal pure returns (uint256) {
        if (time < calendar.firstAt) return 0;
        // A single tranche needs no interval.
        if (calendar.tranches == 1) return 1;
        uint256 due = (time - calendar.firstAt) / calendar.interval + 1;
        return due < calendar.tranches ? due : calendar.tranches;
    }

    /// @dev When tranche `number`, counted from 1, falls due.
    function timeOf(Calendar memory calendar, uint256 number) internal pure returns (uint256) {
        return calendar.firstAt + (number - 1) * calendar.interval;
    }
}
