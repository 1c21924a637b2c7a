// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { AmountTooLarge, Units } from "./Units.sol";

/// @dev Units of one asset, each times the seconds for which it is locked.
type UnitSeconds is uint256;

/// @dev The corresponding value: wei, each times the seconds for which it is locked.
type WeiSeconds is uint256;

/// @dev What counts for the bonus of one position, in one word: its unit-seconds in bits 0 to 127, the enlisted
/// `amount` in bits 128 to 231, and in bits 232 to 255 the position's count of `departures` when this was last written.
type Enlistment is uint256;

uint256 constant ENLISTED_SHIFT = 128;
uint256 constant ENLISTED_DEPARTURES_SHIFT = 232;

/// @dev The count of departures saturates here: beyond it, another departure cannot be detected.
uint24 constant MAX_DEPARTURES = type(uint24).max;

using { addUnitSeconds as +, subUnitSeconds as - } for UnitSeconds global;
using { amount, departures, unitSeconds, struck, extended, differs } for Enlistment global;

function addUnitSeconds(UnitSeconds a, UnitSeconds b) pure returns (UnitSeconds) {
    return UnitSeconds.wrap(UnitSeconds.unwrap(a) + UnitSeconds.unwrap(b));
}

function subUnitSeconds(UnitSeconds a, UnitSeconds b) pure returns (UnitSeconds) {
    return UnitSeconds.wrap(UnitSeconds.unwrap(a) - UnitSeconds.unwrap(b));
}

function amount(Enlistment enlistment) pure returns (Units) {
    // The cast extracts the field.
    // forge-lint: disable-next-line(unsafe-typecast)
    return Units.wrap(uint104(Enlistment.unwrap(enlistment) >> ENLISTED_SHIFT));
}

function departures(Enlistment enlistment) pure returns (uint24) {
    // The cast keeps everything that the shift leaves.
    // forge-lint: disable-next-line(unsafe-typecast)
    return uint24(Enlistment.unwrap(enlistment) >> ENLISTED_DEPARTURES_SHIFT);
}

function unitSeconds(Enlistment enlistment) pure returns (UnitSeconds) {
    return UnitSeconds.wrap(Enlistment.unwrap(enlistment) & type(uint128).max);
}

function differs(Enlistment a, Enlistment b) pure returns (bool) {
    return Enlistment.unwrap(a) != Enlistment.unwrap(b);
}

/// @dev The enlistment without what has left since it was written: everything, if the position's departures are now
/// `count`.
function struck(Enlistment enlistment, uint24 count) pure returns (Enlistment) {
    if (enlistment.departures() == count) return enlistment;
    return Enlistment.wrap(uint256(count) << ENLISTED_DEPARTURES_SHIFT);
}

/// @dev The enlistment with all of `units` enlisted, the new part of it for `duration` seconds. An amount shrinks only
/// by a departure, which is struck first, so `units` is at least the amount enlisted.
function extended(Enlistment enlistment, Units units, uint256 duration) pure returns (Enlistment) {
    uint256 counted = UnitSeconds.unwrap(enlistment.unitSeconds());
    // An amount of 104 bits times seconds until a deadline of 40 bits.
    uint256 added = uint256(Units.unwrap(units - enlistment.amount())) * duration;
    // The field's maximum, less `counted`, which was read from the field.
    uint256 room = type(uint128).max - counted;
    if (added > room) revert AmountTooLarge(added, room);
    // Neither field reaches into the next: the sum is checked above, and units have 104 bits.
    return Enlistment.wrap(
        uint256(enlistment.departures()) << ENLISTED_DEPARTURES_SHIFT | uint256(Units.unwrap(units)) << ENLISTED_SHIFT
            | (counted + added)
    );
}
