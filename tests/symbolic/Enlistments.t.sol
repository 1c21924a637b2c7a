// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { ENLISTED_DEPARTURES_SHIFT, ENLISTED_SHIFT, Enlistment, UnitSeconds } from "levee/types/Enlistments.sol";
import { Units } from "levee/types/Units.sol";

import { Symbolic } from "./Symbolic.sol";

/// @notice The unit-seconds of a position, which give its share of a bonus, and the word that holds them.
/// @dev At full width. The proofs' own sums are unchecked: they have at most 146 bits.
contract EnlistmentsProof is Symbolic {
    /// @dev The fields of an enlistment's word.
    struct Fields {
        uint128 unitSeconds;
        uint104 amount;
        uint24 departures;
    }

    /// @notice Enlisting adds the new part of a position, times the seconds for which it is locked, and changes nothing
    /// else.
    /// @dev Assumes: it succeeds, that is, the sum has at most 128 bits; a position shrinks only by a departure, which
    /// is struck first; a duration has 40 bits, like deadlines.
    function check_8_EnlistingCountsWhatIsNew(Fields calldata fields, uint104 units, uint40 duration) external pure {
        vm.assume(units >= fields.amount);
        unchecked {
            uint256 sum = fields.unitSeconds + uint256(units - fields.amount) * duration;
            vm.assume(sum <= type(uint128).max);
            assertSays(wordOf(fields).extended(Units.wrap(units), duration), sum, units, fields.departures);
        }
    }

    /// @notice Enlisting the same again adds nothing, at any time.
    function check_8_EnlistingTwiceAddsNothing(Fields calldata fields, uint40 duration) external pure {
        Enlistment word = wordOf(fields);
        assert(!word.extended(Units.wrap(fields.amount), duration).differs(word));
    }

    /// @notice What left since it was enlisted no longer counts, and what did not leave is untouched.
    function check_8_WhatLeftIsStruck(Fields calldata fields, uint24 departures) external pure {
        Enlistment word = wordOf(fields).struck(departures);
        if (departures == fields.departures) assert(!word.differs(wordOf(fields)));
        else assertSays(word, 0, 0, departures);
    }

    function wordOf(Fields calldata fields) private pure returns (Enlistment) {
        uint256 word = uint256(fields.unitSeconds) | uint256(fields.amount) << ENLISTED_SHIFT;
        return Enlistment.wrap(word | uint256(fields.departures) << ENLISTED_DEPARTURES_SHIFT);
    }

    function assertSays(Enlistment word, uint256 unitSeconds, uint104 amount, uint24 departures) private pure {
        assert(UnitSeconds.unwrap(word.unitSeconds()) == unitSeconds);
        assert(Units.unwrap(word.amount()) == amount && word.departures() == departures);
    }
}
