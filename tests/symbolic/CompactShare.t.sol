// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CompactShare } from "levee/libraries/CompactShare.sol";
import { Units } from "levee/types/Units.sol";

import { Symbolic } from "./Symbolic.sol";

/// @notice The divisions of a compact, at full width: lemmas from which the sums over any number of members follow.
/// @dev The only bounds are those of the books. A panic in the library, including an overflow, is a failure. The proofs'
/// own sums are unchecked: they have at most 105 bits, and their products at most 120.
/// @custom:halmos --solver-command ".tools/venv/bin/python tools/python/solver" --panic-error-codes '*'
contract CompactShareProof is Symbolic {
    using CompactShare for Units;

    /// @notice A call takes exactly its part of what a member had active, rounded down.
    function check_C3_ACallTakesItsPart(uint104 active, uint16 bps) external pure {
        vm.assume(bps <= 10_000);
        uint256 taken = Units.unwrap(Units.wrap(active).calledDown(bps));
        unchecked {
            assert(taken <= active);
            assert(taken * 10_000 <= uint256(active) * bps);
            assert(uint256(active) * bps < (taken + 1) * 10_000);
        }
    }

    /// @notice Two members give no more than one that has what both have. By adding one member after another, all give at
    /// most what the proposal was checked for: the part of all that is active.
    function check_C3_PartsGiveAtMostTheWhole(uint104 a, uint104 b, uint16 bps) external pure {
        vm.assume(bps <= 10_000);
        unchecked {
            vm.assume(uint256(a) + b <= type(uint104).max);
            uint256 apart =
                uint256(Units.unwrap(Units.wrap(a).calledDown(bps))) + Units.unwrap(Units.wrap(b).calledDown(bps));
            assert(apart <= Units.unwrap(Units.wrap(a + b).calledDown(bps)));
        }
    }

    /// @notice The quorum is its part of all that is active, rounded up, and can be reached.
    function check_C4_TheQuorumIsReachedExactly(uint104 active, uint16 bps) external pure {
        vm.assume(bps <= 10_000);
        uint256 required = Units.unwrap(Units.wrap(active).quorumUp(bps));
        unchecked {
            assert(required <= active);
            assert(required * 10_000 >= uint256(active) * bps);
            assert(required == 0 || (required - 1) * 10_000 < uint256(active) * bps);
        }
    }

    /// @notice A quorum of 5,001 basis points or more is more than half: of two calls proposed at once, whose approvals
    /// are disjoint, at most one passes.
    function check_C4_TwoQuorumsOverlap(uint104 active, uint16 bps, uint104 approvals) external pure {
        vm.assume(active != 0 && bps > 5000 && bps <= 10_000 && approvals <= active);
        uint256 required = Units.unwrap(Units.wrap(active).quorumUp(bps));
        unchecked {
            assert(approvals < required || active - approvals < required);
        }
    }
}
