// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Standing, standing } from "levee/types/Standings.sol";
import { Units } from "levee/types/Units.sol";

import { Symbolic } from "./Symbolic.sol";

/// @notice The word that holds what a member, or all members, have in a compact.
/// @dev At full width. The proofs' own sums are unchecked: they have at most 105 bits.
/// @custom:halmos --panic-error-codes '*'
contract StandingsProof is Symbolic {
    /// @notice Leaving takes what is under notice, and leaves the weight as it was.
    function check_C1_LeavingTakesWhatIsNoticed(uint104 active, uint104 weight) external pure {
        Standing before = sound(active, weight);
        Standing later = before.left();
        unchecked {
            assert(Units.unwrap(before.noticed()) == active - weight);
            assertSays(later, weight, weight);
        }
    }

    /// @notice A call takes what it asks for of what is active, from what is not under notice first.
    function check_C3_WhatIsNoticedIsCalledLast(uint104 active, uint104 weight, uint104 amount) external pure {
        vm.assume(amount <= active);
        Standing later = sound(active, weight).called(Units.wrap(amount));
        unchecked {
            assertSays(later, active - amount, amount < weight ? weight - amount : 0);
            assert(weight < amount || Units.unwrap(later.noticed()) == active - weight);
        }
    }

    /// @notice Joining and giving notice change what they say, and nothing else.
    function check_C5_JoiningAndNoticeAreBooked(uint104 active, uint104 weight, uint104 amount) external pure {
        Standing before = sound(active, weight);
        unchecked {
            if (amount <= type(uint104).max - active) {
                assertSays(before.joined(Units.wrap(amount)), active + amount, weight + amount);
            }
            if (amount <= active) assertSays(before.withNotice(Units.wrap(amount)), active, active - amount);
        }
    }

    /// @notice The sum of all standings moves by just what a member's did.
    /// @dev Assumes: the member's is a part of the sum, and the new sum has no more than 104 bits, as increased requires.
    function check_C1_TheSumMovesWithItsPart(uint104[6] calldata words) external pure {
        (uint256 allActive, uint256 allWeight) = (words[0], words[1]);
        vm.assume(words[2] <= allActive && words[3] <= allWeight);
        Standing all = sound(words[0], words[1]);
        Standing before = sound(words[2], words[3]);
        Standing later = sound(words[4], words[5]);
        unchecked {
            vm.assume(allActive - words[2] + words[4] <= type(uint104).max);
            vm.assume(allWeight - words[3] + words[5] <= type(uint104).max);
            Standing sum = all.replaced(before, later);
            assert(Units.unwrap(sum.active()) == allActive - words[2] + words[4]);
            assert(Units.unwrap(sum.weight()) == allWeight - words[3] + words[5]);
        }
    }

    function sound(uint104 active, uint104 weight) private pure returns (Standing) {
        vm.assume(weight <= active);
        return standing(Units.wrap(active), Units.wrap(weight));
    }

    function assertSays(Standing word, uint256 active, uint256 weight) private pure {
        assert(Units.unwrap(word.active()) == active && Units.unwrap(word.weight()) == weight);
    }
}
