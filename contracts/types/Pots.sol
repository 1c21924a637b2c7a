// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { ASSETS, Asset, Units } from "./Units.sol";

// A pot and a position each fit in one word of storage, which a call reads once and writes once. Their fields are 104
// bits wide, like `Units`, so that no field reaches into the next.

/// @dev All pledges of one asset into one tier: `total` in bits 0 to 103, `drawn` in bits 104 to 207.
/// The total is frozen at settlement and never shrinks after it; the draw is written once, by settlement.
type Pot is uint256;

/// @dev One pledger's part of a pot: `amount` in bits 0 to 103, `refunded` in bits 104 to 207, `objected` in bit 208,
/// `departures` in bits 232 to 255. `refunded` only grows, and never beyond the amount. Departures, the number of times
/// that the position was taken out of an open rescue, outlast it.
type Position is uint256;

/// @dev The storage of a pot, as a struct that storage pointers can refer to.
struct PotSlot {
    Pot word;
}

/// @dev The storage of a position, as a struct that storage pointers can refer to.
struct PositionSlot {
    Position word;
}

uint256 constant UNITS_BITS = 104;
uint256 constant OBJECTED = 1 << 208;
uint256 constant DEPARTURES_SHIFT = 232;

using { total, drawn, withDrawn } for Pot global;
using { amount, refunded, objected, departures, plus, withRefund, withObjection, emptied } for Position global;

function total(Pot pot) pure returns (Units) {
    return lowUnits(Pot.unwrap(pot));
}

function drawn(Pot pot) pure returns (Units) {
    return lowUnits(Pot.unwrap(pot) >> UNITS_BITS);
}

/// @dev A pot of an open rescue: nothing is drawn from it, so its total is its whole content.
function potOf(Units units) pure returns (Pot) {
    return Pot.wrap(Units.unwrap(units));
}

/// @dev Called once per pot, at settlement: nothing was drawn before.
function withDrawn(Pot pot, Units units) pure returns (Pot) {
    return Pot.wrap(Pot.unwrap(pot) | uint256(Units.unwrap(units)) << UNITS_BITS);
}

function amount(Position position) pure returns (Units) {
    return lowUnits(Position.unwrap(position));
}

function refunded(Position position) pure returns (Units) {
    return lowUnits(Position.unwrap(position) >> UNITS_BITS);
}

function objected(Position position) pure returns (bool) {
    return Position.unwrap(position) & OBJECTED != 0;
}

function departures(Position position) pure returns (uint24) {
    // The cast keeps everything that the shift leaves.
    // forge-lint: disable-next-line(unsafe-typecast)
    return uint24(Position.unwrap(position) >> DEPARTURES_SHIFT);
}

/// @dev A position with `units` more pledged. They are part of the pot's total, which MAX_POT bounds, so the sum fits
/// in its field.
function plus(Position position, Units units) pure returns (Position) {
    unchecked {
        return Position.wrap(Position.unwrap(position) + Units.unwrap(units));
    }
}

/// @dev A position with `units` more refunded. The total refunded is at most the amount, so the sum fits in its field.
function withRefund(Position position, Units units) pure returns (Position) {
    unchecked {
        return Position.wrap(Position.unwrap(position) + (uint256(Units.unwrap(units)) << UNITS_BITS));
    }
}

function withObjection(Position position) pure returns (Position) {
    return Position.wrap(Position.unwrap(position) | OBJECTED);
}

/// @dev What remains of a position that is taken out of an open rescue, where nothing is refunded and nobody has
/// objected: one more departure, up to the field's maximum.
function emptied(Position position) pure returns (Position) {
    uint256 count = position.departures();
    if (count < type(uint24).max) ++count;
    return Position.wrap(count << DEPARTURES_SHIFT);
}

/// @dev The units in the low bits of a word, which the cast extracts.
function lowUnits(uint256 word) pure returns (Units) {
    // forge-lint: disable-next-line(unsafe-typecast)
    return Units.wrap(uint104(word));
}

/// @dev A count of tranches for each asset, 8 bits each: two of them are equal if all three counts are.
type PerAsset is uint24;

using { get, set } for PerAsset global;

function get(PerAsset counts, Asset asset) pure returns (uint256) {
    return (PerAsset.unwrap(counts) >> (8 * uint256(asset))) & 0xff;
}

/// @dev `count` is at most 64, the largest number of tranches, so it fits in its 8 bits.
function set(PerAsset counts, Asset asset, uint256 count) pure returns (PerAsset) {
    uint256 shift = 8 * uint256(asset);
    uint256 others = PerAsset.unwrap(counts) & ~(uint256(0xff) << shift);
    // Three counts of 8 bits: 24 bits.
    // forge-lint: disable-next-line(unsafe-typecast)
    return PerAsset.wrap(uint24(others | (count << shift)));
}

/// @dev Pots are numbered tier by tier, and by asset within a tier.
function potId(uint256 tier, Asset asset) pure returns (uint256) {
    // Callers pass a tier of at most MAX_TIERS.
    unchecked {
        return tier * ASSETS + uint256(asset);
    }
}
