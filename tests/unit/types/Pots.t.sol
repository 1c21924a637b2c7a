// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";
import { PerAsset, Position, Pot, potId, potOf } from "levee/types/Pots.sol";
import { Asset, Units } from "levee/types/Units.sol";

import { units } from "../../util/EscrowTest.sol";

/// Pot, Position, PerAsset, potId
/// ├── each field holds its full width and reaches into no other
/// ├── a position that is taken out keeps nothing but the count of its departures, which stops at its most
/// └── every pot has a number of its own, tier by tier
contract PotsTest is Test {
    function testFuzz_Pot(uint104 total, uint104 drawn) public pure {
        Pot pot = potOf(Units.wrap(total));
        assertEq(Units.unwrap(pot.total()), total);
        assertEq(Units.unwrap(pot.drawn()), 0);
        pot = pot.withDrawn(Units.wrap(drawn));
        assertEq(Units.unwrap(pot.total()), total);
        assertEq(Units.unwrap(pot.drawn()), drawn);
        assertEq(Pot.unwrap(pot) >> 208, 0);
    }

    function testFuzz_Position(uint104 amount, uint104 part, uint104 first, bool early) public pure {
        part = uint104(bound(part, 0, amount));
        first = uint104(bound(first, 0, part));
        Position position = Position.wrap(0).plus(Units.wrap(amount - part)).plus(Units.wrap(part));
        if (early) position = position.withObjection();
        position = position.withRefund(Units.wrap(first)).withRefund(Units.wrap(part - first));
        assertEq(position.objected(), early);
        position = position.withObjection().withObjection();
        assertTrue(position.objected());
        assertEq(Units.unwrap(position.amount()), amount);
        assertEq(Units.unwrap(position.refunded()), part);
        assertEq(Position.unwrap(position) >> 209, 0);
    }

    function test_Position_AtItsLargest() public pure {
        Units most = units(type(uint104).max);
        Position position = Position.wrap(0).plus(most).withRefund(most);
        assertFalse(position.objected());
        assertEq(Position.unwrap(position), (1 << 208) - 1);
        assertEq(Position.unwrap(position.withObjection()), (1 << 209) - 1);
    }

    /// @dev Whatever the word held.
    function testFuzz_Position_Emptied(uint256 word) public pure {
        uint24 count = Position.wrap(word).departures();
        assertEq(count, word >> 232);
        uint256 next = count == type(uint24).max ? count : uint256(count) + 1;
        assertEq(Position.unwrap(Position.wrap(word).emptied()), next << 232);
    }

    function test_Position_DeparturesStopAtTheMost() public pure {
        uint256 most = type(uint24).max;
        assertEq(Position.wrap((most - 1) << 232).emptied().departures(), most);
        assertEq(Position.wrap(most << 232).emptied().departures(), most);
        assertEq(Position.wrap(most << 232 | 5).emptied().departures(), most);
    }

    /// @dev They lie beside all that is written later.
    function testFuzz_Position_DeparturesStay(uint24 count, uint104 amount, uint104 part) public pure {
        part = uint104(bound(part, 0, amount));
        Position position = Position.wrap(uint256(count) << 232).plus(Units.wrap(amount));
        position = position.withObjection().withRefund(Units.wrap(part));
        assertEq(position.departures(), count);
        assertEq(Units.unwrap(position.amount()), amount);
        assertEq(Units.unwrap(position.refunded()), part);
    }

    function testFuzz_PerAsset(uint8[3] memory first, uint8[3] memory second) public pure {
        PerAsset counts;
        for (uint256 i; i < 3; ++i) {
            counts = counts.set(Asset(i), first[i]);
        }
        assertCounts(counts, first);
        // In another order, over what is there.
        for (uint256 i = 3; i > 0; --i) {
            counts = counts.set(Asset(i - 1), second[i - 1]);
            first[i - 1] = second[i - 1];
            assertCounts(counts, first);
        }
    }

    function test_PotId() public pure {
        for (uint256 id; id < 24; ++id) {
            assertEq(potId(id / 3, Asset(id % 3)), id);
        }
    }

    function assertCounts(PerAsset counts, uint8[3] memory expected) private pure {
        for (uint256 i; i < 3; ++i) {
            assertEq(counts.get(Asset(i)), expected[i]);
        }
    }
}
