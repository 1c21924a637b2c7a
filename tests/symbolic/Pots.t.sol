// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { DEPARTURES_SHIFT, OBJECTED, Position, Pot, UNITS_BITS, potOf } from "levee/types/Pots.sol";
import { Units } from "levee/types/Units.sol";

import { Symbolic } from "./Symbolic.sol";

/// @notice The words of pots and positions: each field changes alone, and is read as it was written.
contract PotsProof is Symbolic {
    /// @dev The fields of a position's word.
    struct Fields {
        uint104 amount;
        uint104 refunded;
        bool objected;
        uint24 departures;
    }

    /// @notice A pledge changes only a position's amount.
    /// @dev Assumes: the sum has at most 104 bits, like a pot's total.
    function check_1_PledgesChangeTheAmountAlone(Fields calldata fields, uint104 more) external pure {
        unchecked {
            uint104 sum = fields.amount + more;
            vm.assume(sum >= more);
            assertSays(wordOf(fields).plus(Units.wrap(more)), sum, fields.refunded, fields.objected, fields.departures);
        }
    }

    /// @notice A refund changes only the refunded amount, and an objection only its flag, once.
    /// @dev Assumes: no more is refunded than the amount.
    function check_1_RefundsAndObjectionsChangeNothingElse(Fields calldata fields, uint104 more) external pure {
        Position word = wordOf(fields);
        unchecked {
            uint104 sum = fields.refunded + more;
            vm.assume(sum >= more && sum <= fields.amount);
            assertSays(word.withRefund(Units.wrap(more)), fields.amount, sum, fields.objected, fields.departures);
        }
        assertSays(word.withObjection(), fields.amount, fields.refunded, true, fields.departures);
        assert(Position.unwrap(word.withObjection().withObjection()) == Position.unwrap(word.withObjection()));
    }

    /// @notice Nothing is left of a position that is taken out except one more departure, up to the maximum that fits.
    function check_2_DeparturesOutlastThePosition(Fields calldata fields) external pure {
        uint24 most = type(uint24).max;
        unchecked {
            uint24 later = fields.departures == most ? most : fields.departures + 1;
            assertSays(wordOf(fields).emptied(), 0, 0, false, later);
        }
    }

    /// @notice A draw does not change a pot's total.
    function check_1_DrawsLeaveTheTotal(uint104 total, uint104 drawn) external pure {
        Pot pot = potOf(Units.wrap(total));
        assert(Units.unwrap(pot.drawn()) == 0);
        pot = pot.withDrawn(Units.wrap(drawn));
        assert(Units.unwrap(pot.total()) == total && Units.unwrap(pot.drawn()) == drawn);
    }

    function wordOf(Fields calldata fields) private pure returns (Position) {
        uint256 word = uint256(fields.amount) | uint256(fields.refunded) << UNITS_BITS;
        if (fields.objected) word |= OBJECTED;
        return Position.wrap(word | uint256(fields.departures) << DEPARTURES_SHIFT);
    }

    function assertSays(Position word, uint104 amount, uint104 refunded, bool objected, uint24 departures)
        private
        pure
    {
        assert(Units.unwrap(word.amount()) == amount && Units.unwrap(word.refunded()) == refunded);
        assert(word.objected() == objected && word.departures() == departures);
    }
}
