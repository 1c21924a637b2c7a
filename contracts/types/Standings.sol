// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { AmountTooLarge, Units } from "./Units.sol";

/// @dev What a member of a compact, or all members together, have in it, as one value of a history: `active` in bits 0
/// to 103, `weight` in bits 104 to 207. The weight is the part of what is active that is not under notice, so that
/// what is noticed is the difference and cannot contradict the two.
type Standing is uint208;

uint208 constant STANDING_BITS = 104;

using { active, weight, noticed, joined, withNotice, left, called, replaced } for Standing global;

/// @dev `weight_` is at most `active_`, because it is a part of it.
function standing(Units active_, Units weight_) pure returns (Standing) {
    // Two fields of 104 bits.
    return Standing.wrap(uint208(Units.unwrap(weight_)) << STANDING_BITS | Units.unwrap(active_));
}

function active(Standing self) pure returns (Units) {
    // The cast extracts the field.
    // forge-lint: disable-next-line(unsafe-typecast)
    return Units.wrap(uint104(Standing.unwrap(self)));
}

function weight(Standing self) pure returns (Units) {
    // The shift leaves the field alone.
    // forge-lint: disable-next-line(unsafe-typecast)
    return Units.wrap(uint104(Standing.unwrap(self) >> STANDING_BITS));
}

function noticed(Standing self) pure returns (Units) {
    // The weight is a part of what is active.
    return self.active() - self.weight();
}

/// @dev With `amount` more, all of it with weight.
function joined(Standing self, Units amount) pure returns (Standing) {
    return standing(increased(self.active(), amount), increased(self.weight(), amount));
}

/// @dev With `amount` under notice, which is at most what is active, instead of what was.
function withNotice(Standing self, Units amount) pure returns (Standing) {
    return standing(self.active(), self.active() - amount);
}

/// @dev Without what was under notice: what had weight stays.
function left(Standing self) pure returns (Standing) {
    return standing(self.weight(), self.weight());
}

/// @dev After a call took `amount`, which is at most what is active: what is not under notice first.
function called(Standing self, Units amount) pure returns (Standing) {
    uint256 had = Units.unwrap(self.weight());
    uint256 taken = Units.unwrap(amount);
    // Nothing is left of the weight if the call took more than that. The difference is a part of it, so it fits.
    // forge-lint: disable-next-line(unsafe-typecast)
    Units remaining = Units.wrap(taken < had ? uint104(had - taken) : 0);
    return standing(self.active() - amount, remaining);
}

/// @dev All members' standing, in which one member's is replaced.
function replaced(Standing all, Standing before, Standing after_) pure returns (Standing) {
    // Each part of `all` is the sum of the members', so it contains this member's.
    return standing(
        increased(all.active() - before.active(), after_.active()),
        increased(all.weight() - before.weight(), after_.weight())
    );
}

/// @dev The checked way to a larger amount: its sum with another, if it has no more than 104 bits.
function increased(Units amount, Units more) pure returns (Units) {
    uint256 room = type(uint104).max - Units.unwrap(amount);
    if (Units.unwrap(more) > room) revert AmountTooLarge(Units.unwrap(more), room);
    return amount + more;
}

/// @dev An amount as booked, if it has no more than 104 bits.
function toUnits(uint256 amount) pure returns (Units) {
    if (amount > type(uint104).max) revert AmountTooLarge(amount, type(uint104).max);
    // Bounded by the line above.
    // forge-lint: disable-next-line(unsafe-typecast)
    return Units.wrap(uint104(amount));
}
