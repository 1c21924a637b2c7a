// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { AmountTooLarge, Units } from "./Units.sol";

/// @dev Units of one asset, each times the seconds for which it is locked.
type UnitSeconds is uint256;

/// @dev The same as a value: wei, each times the seconds for which it is locked.
type WeiSeconds is uint256;

/// @dev What counts of one position for the bonus, in one word: its unit-seconds in bits 0 to 127, the `amount` enlisted in
/// bits 128 to 231, and in bits 232 to 255 the count of the position's `departures` when this was last written.
type Enlistment is uint256;

uint256 constant ENLISTED_SHIFT = 128;
uint256 constant ENLISTED_DEPARTURES_SHIFT = 232;

/// @dev A position that has left so often is counted no further: whether it left again cannot be told.
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
    // The cast cuts out the field.
    // forge-lint: disable-next-line(unsafe-typecast)
    return Units.wrap(uint104(Enlistment.unwrap(enlistment) >> ENLISTED_SHIFT));
}

function departures(Enlistment enlistment) pure returns (uint24) {
    // The cast keeps all that the shift leaves.
    // forge-lint: disable-next-line(unsafe-typecast)
    return uint24(Enlistment.unwrap(enlistment) >> ENLISTED_DEPARTURES_SHIFT);
}

function unitSeconds(Enlistment enlistment) pure returns (UnitSeconds) {
    return UnitSeconds.wrap(Enlistment.unwrap(enlistment) & type(uint128).max);
}

function differs(Enlistment a, Enlistment b) pure returns (bool) {
    return Enlistment.unwrap(a) != Enlistment.unwrap(b);
}

/// @dev The same without what has left since it was written: all of it, if the position's departures are `count` now.
function struck(Enlistment enlistment, uint24 count) pure returns (Enlistment) {
    if (enlistment.departures() == count) return enlistment;
    return Enlistment.wrap(uint256(count) << ENLISTED_DEPARTURES_SHIFT);
}

/// @dev The same with all of `units` enlisted, what is new of it for `duration` seconds. An amount shrinks only by a
/// departure, which is struck first: so `units` is at least the amount enlisted.
function extended(Enlistment enlistment, Units units, uint256 duration) pure returns (Enlistment) {
    uint256 counted = UnitSeconds.unwrap(enlistment.unitSeconds());
    // An amount of 104 bits, by seconds up to a deadline of 40 bits.
    uint256 added = uint256(Units.unwrap(units - enlistment.amount())) * duration;
    // The field's most, of which `counted` is read.
    uint256 room = type(uint128).max - counted;
    if (added > room) revert AmountTooLarge(added, room);
    // Neither field reaches into the next: the sum is checked above, units are of 104 bits.
    return Enlistment.wrap(
        uint256(enlistment.departures()) << ENLISTED_DEPARTURES_SHIFT | uint256(Units.unwrap(units)) << ENLISTED_SHIFT
            | (counted + added)
    );
}
