// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { ProRata } from "levee/libraries/ProRata.sol";
import { Calendar } from "levee/libraries/Schedule.sol";
import { Rate, Shares, Units, Wei } from "levee/types/Units.sol";

import { Symbolic } from "./Symbolic.sol";

/// @notice The divisions of Levee, at full width: lemmas from which the sums over any number of positions follow.
/// @dev The only bounds are those of the books (see ProRata). A panic in the library, including an overflow, is a
/// failure. The proofs' own sums are unchecked: they have at most 113 bits, and their products at most 210.
/// @custom:halmos --solver-command ".tools/venv/bin/python tools/python/solver" --panic-error-codes '*'
contract ProRataProof is Symbolic {
    using ProRata for Wei;
    using ProRata for Shares;
    using ProRata for Units;

    // ------------------------------------------------------------------------------------------------ casts

    /// @notice No cast to 104 bits truncates a part of an amount.
    /// @dev Assumes: part <= whole, as in each of the three formulas.
    function check_1_NoCastCuts(uint104 amount, uint104 taken, uint104 whole) external pure {
        vm.assume(whole != 0 && taken <= whole);
        unchecked {
            uint256 exact = uint256(amount) * taken / whole;
            assert(Units.unwrap(Units.wrap(amount).entitledDown(Units.wrap(whole), Units.wrap(whole - taken))) == exact);
            assert(Units.unwrap(Units.wrap(amount).drawnDown(Wei.wrap(taken), Wei.wrap(whole))) == exact);
            assert(Units.unwrap(Units.wrap(amount).tranchesDown(taken, whole)) == exact);
        }
    }

    // ------------------------------------------------------------------------------------------------ refunds

    /// @notice Two positions are owed no more than one combined position would be.
    /// @dev Assumes: both are in the total (the total is the sum of its positions), reserved <= total. By adding one
    /// position after another, everything a pot owes is at most what one position of its total would be owed.
    function check_1_PartsAreOwedAtMostTheWhole(uint104 a, uint104 both, uint104 total, uint104 reserved)
        external
        pure
    {
        assumePot(total, reserved);
        vm.assume(a <= both && both <= total);
        unchecked {
            assert(owed(a, total, reserved) + owed(both - a, total, reserved) <= owed(both, total, reserved));
        }
    }

    /// @notice One position with a pot's whole total is owed exactly what is not reserved.
    /// @dev Assumes: reserved <= total, which is not zero.
    function check_1_TheWholeIsOwedWhatIsFree(uint104 total, uint104 reserved) external pure {
        assumePot(total, reserved);
        unchecked {
            assert(owed(total, total, reserved) == total - reserved);
        }
    }

    /// @notice What is or can be delivered from a pot is at most what is reserved, which is at most the draw.
    /// @dev Assumes: delivered <= held <= tranches <= 64.
    function check_1_DeliveredIsReserved(uint104 drawn, uint8 delivered, uint8 held, uint8 tranches) external pure {
        assumeTranches(delivered, held, tranches);
        assert(reservedOf(drawn, delivered, tranches) <= reservedOf(drawn, held, tranches));
        assert(reservedOf(drawn, held, tranches) <= drawn);
    }

    /// @notice A position is never owed less if less is reserved, and never more than its amount.
    /// @dev Assumes: the position is in the total, reserved <= total. Less is reserved if fewer tranches are held, by
    /// the lemma above; and neither calls (check_7_OneWay_...) nor time (check_15_HeldMoneyComesBackInTime) increase
    /// them.
    function check_1_EntitlementNeverFalls(uint104 amount, uint104 total, uint104 reserved, uint104 reservedLater)
        external
        pure
    {
        assumePot(total, reserved);
        vm.assume(amount <= total && reservedLater <= reserved);
        assert(owed(amount, total, reserved) <= owed(amount, total, reservedLater));
        assert(owed(amount, total, reservedLater) <= amount);
    }

    /// @notice Rounding costs a position less than one unit, so two positions in one pot are treated alike to within
    /// one unit each.
    /// @dev Assumes: the position is in the total, reserved <= total.
    function check_4_RoundingCostsLessThanOneUnit(uint104 amount, uint104 total, uint104 reserved) external pure {
        assumePot(total, reserved);
        vm.assume(amount <= total);
        unchecked {
            uint256 exact = uint256(amount) * (total - reserved);
            uint256 given = owed(amount, total, reserved) * total;
            assert(given <= exact && exact - given < total);
        }
    }

    // ------------------------------------------------------------------------------------------------ draws

    /// @notice What is drawn from two pots is at most what is drawn from one that holds both.
    /// @dev Assumes: the draw is at most the group's value, which is not zero and below 2^112.
    function check_3_PartsAreDrawnAtMostAsTheWhole(uint104 a, uint104 b, uint96 draw, uint112 groupValue)
        external
        pure
    {
        vm.assume(groupValue != 0 && draw <= groupValue);
        unchecked {
            Wei whole = Wei.wrap(uint256(a) + b).shareDown(Wei.wrap(draw), Wei.wrap(groupValue));
            assert(drawnOf(a, draw, groupValue) + drawnOf(b, draw, groupValue) <= Wei.unwrap(whole));
        }
    }

    /// @notice What is drawn from a group, valued at the settlement rate, is at most its draw.
    /// @dev Assumes: the group holds `eth` wei and `shares` shares in total (by the lemma above, it gives no more if
    /// they are in several pots), and is worth something.
    function check_3_AGroupGivesAtMostItsDraw(uint104 eth, uint104 shares, uint96 draw, uint96 rate) external pure {
        unchecked {
            uint256 value = eth + valueOf(shares, rate);
            vm.assume(value != 0 && draw <= value);
            uint256 given = drawnOf(eth, draw, value) + valueOf(drawnOf(shares, draw, value), rate);
            assert(given <= draw);
        }
    }

    // ------------------------------------------------------------------------------------------------ the veto

    /// @notice Objections reach the veto exactly when they are its share of the draw, stated in integers without a
    /// ceiling.
    /// @dev Assumes: the share is below 100 % (TermsCheck).
    function check_15_TheVetoIsAShareOfTheDraw(uint96 objected, uint96 drawn, uint16 vetoBps) external pure {
        vm.assume(vetoBps < 10_000);
        uint256 required = Wei.unwrap(Wei.wrap(drawn).requiredUp(vetoBps));
        unchecked {
            assert((objected >= required) == (uint256(objected) * 10_000 >= uint256(drawn) * vetoBps));
        }
    }

    // ------------------------------------------------------------------------------------------------ the calendar

    /// @notice A tranche is due from its time on, and not before; no more are ever due than exist.
    /// @dev Assumes: the number is that of a tranche; the periods fit in the 32 bits of the terms, and the interval is
    /// zero only if there is a single tranche (TermsCheck).
    function check_7_DueFromItsTimeOn(uint40 firstAt, uint32 interval, uint8 tranches, uint8 number, uint40 time)
        external
        pure
    {
        vm.assume(tranches <= 64 && number != 0 && number <= tranches);
        vm.assume(tranches == 1 || interval != 0);
        uint256 due = Calendar(firstAt, interval, tranches).dueAt(time);
        assert(due <= tranches);
        unchecked {
            assert((due >= number) == (time >= firstAt + (uint256(number) - 1) * interval));
        }
    }

    // ------------------------------------------------------------------------------------------------ interest

    /// @notice Interest within the bounds never overflows: it stays below 2^114, and is exact to within one wei.
    /// @dev Assumes: principal < 2^96 (a draw), rateBps < 2^16 (a tier's), elapsed < 2^40 seconds (34,000 years).
    function check_13_InterestFits(uint96 principal, uint16 rateBps, uint40 elapsed) external pure {
        uint256 interest = interestOf(principal, rateBps, elapsed);
        unchecked {
            uint256 exact = uint256(principal) * rateBps * elapsed;
            uint256 given = interest * (10_000 * 365 days);
            assert(interest < 1 << 114);
            assert(given <= exact && exact - given < 10_000 * 365 days);
        }
    }

    /// @notice Interest computed in two steps is at most that of a single step, and at most one wei less.
    /// @dev Assumes: as above, for the sum of both times.
    function check_13_InterestInStepsLosesAtMostOneWei(uint96 principal, uint16 rateBps, uint40 first, uint40 second)
        external
        pure
    {
        unchecked {
            uint256 whole = interestOf(principal, rateBps, uint256(first) + second);
            uint256 steps = interestOf(principal, rateBps, first) + interestOf(principal, rateBps, second);
            assert(steps <= whole && whole - steps <= 1);
        }
    }

    // ------------------------------------------------------------------------------------------------ small things

    function assumePot(uint104 total, uint104 reserved) private pure {
        vm.assume(total != 0 && reserved <= total);
    }

    function assumeTranches(uint8 fewer, uint8 more, uint8 tranches) private pure {
        vm.assume(tranches != 0 && tranches <= 64 && fewer <= more && more <= tranches);
    }

    function owed(uint104 amount, uint104 total, uint104 reserved) private pure returns (uint256 units) {
        units = Units.unwrap(Units.wrap(amount).entitledDown(Units.wrap(total), Units.wrap(reserved)));
    }

    function reservedOf(uint104 drawn, uint8 count, uint8 tranches) private pure returns (uint256 units) {
        units = Units.unwrap(Units.wrap(drawn).tranchesDown(count, tranches));
    }

    function drawnOf(uint256 amount, uint256 draw, uint256 groupValue) private pure returns (uint256 units) {
        units = Units.unwrap(Units.wrap(uint104(amount)).drawnDown(Wei.wrap(draw), Wei.wrap(groupValue)));
    }

    function valueOf(uint256 shares, uint96 rate) private pure returns (uint256) {
        return Wei.unwrap(Shares.wrap(shares).valueDown(Rate.wrap(rate)));
    }

    function interestOf(uint96 principal, uint16 rateBps, uint256 elapsed) private pure returns (uint256) {
        return Wei.unwrap(Wei.wrap(principal).interestDown(rateBps, elapsed));
    }
}
