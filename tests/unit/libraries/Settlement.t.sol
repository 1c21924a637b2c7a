// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";
import { Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { Holding, Outcome, Settlement } from "levee/libraries/Settlement.sol";
import { MAX_POT, Rate, Shares, Units, Wei } from "levee/types/Units.sol";

import { units } from "../../util/EscrowTest.sol";

/// Settlement, against the words of the rules written out a second time, as plainly as can be: for any tiers, amounts,
/// target and rate that the escrow can hold
/// ├── evaluate chooses the highest threshold that is met, and all tiers up to it
/// ├── evaluate draws each group by rising order, each pot rounded down
/// ├── evaluate tells the last order drawn, its value and its draw
/// └── nothing overflows at the largest amounts, with 8 tiers and the largest rate
contract SettlementTest is Test {
    /// @dev A case that is made from a seed.
    struct Case {
        Tier[] tiers;
        Units[] totals;
        Wei target;
        Rate rate;
    }

    /// @dev What is known of a group of active tiers.
    struct Group {
        uint256 value;
        uint256 draw;
    }

    function testFuzz_Evaluate(uint256 seed) public pure {
        Case memory c = makeCase(seed);
        (Outcome memory outcome, Units[] memory draws) = evaluate(c);
        uint256 threshold = expectedThreshold(c);
        for (uint256 tier; tier < c.tiers.length; ++tier) {
            assertEq(tier < outcome.activeTiers, c.tiers[tier].thresholdBps <= threshold, "active");
        }

        uint256 need = Wei.unwrap(c.target);
        for (uint256 order; order < 4; ++order) {
            Group memory group = groupOf(c, threshold, order);
            group.draw = group.value < need ? group.value : need;
            need -= group.draw;
            checkGroup(c, threshold, order, group, draws);
            if (group.draw == 0) continue;
            // The last such order leaves these.
            if (order < outcome.marginalOrder) continue;
            assertEq(outcome.marginalOrder, order, "marginal order");
            assertEq(Wei.unwrap(outcome.marginalValue), group.value, "marginal value");
            assertEq(Wei.unwrap(outcome.marginalDraw), group.draw, "marginal draw");
        }
        assertEq(Wei.unwrap(outcome.drawn), Wei.unwrap(c.target) - need, "drawn");
        assertLe(Wei.unwrap(outcome.drawn), Wei.unwrap(c.target), "property 3");
    }

    /// @dev A larger pledge never lowers the threshold that is met.
    function testFuzz_Evaluate_MoreMeetsNoLess(uint256 seed, uint256 pot, uint256 more) public pure {
        Case memory c = makeCase(seed);
        (Outcome memory before,) = evaluate(c);
        pot = bound(pot, 0, c.totals.length - 1);
        uint256 total = Units.unwrap(c.totals[pot]);
        c.totals[pot] = units(total + bound(more, 0, MAX_POT - total));
        (Outcome memory afterwards,) = evaluate(c);
        assertGe(afterwards.activeTiers, before.activeTiers);
    }

    function test_Evaluate_AtTheLargestAmounts() public pure {
        Case memory c;
        c.tiers = new Tier[](8);
        c.totals = new Units[](24);
        for (uint256 i; i < 24; ++i) {
            c.tiers[i / 3] = Tier(10_000, 0, 0);
            c.totals[i] = units(MAX_POT);
        }
        c.target = Wei.wrap(type(uint96).max);
        c.rate = Rate.wrap(type(uint96).max);
        (Outcome memory outcome, Units[] memory draws) = evaluate(c);
        uint256 value = 8 * MAX_POT + 16 * MAX_POT * uint256(type(uint96).max) / 1e27;
        assertEq(Wei.unwrap(outcome.marginalValue), value);
        assertLt(value, 1 << 112);
        assertEq(Wei.unwrap(outcome.drawn), type(uint96).max);
        for (uint256 i; i < 24; ++i) {
            assertEq(Units.unwrap(draws[i]), MAX_POT * type(uint96).max / value);
        }
    }

    function test_HoldingsOf() public pure {
        Units[] memory totals = new Units[](6);
        for (uint256 i; i < 6; ++i) {
            totals[i] = units(10 ** i);
        }
        Holding[] memory holdings = Settlement.holdingsOf(totals);
        assertEq(Wei.unwrap(holdings[0].eth), 1);
        assertEq(Shares.unwrap(holdings[0].shares), 110);
        assertEq(Wei.unwrap(holdings[1].eth), 1000);
        assertEq(Shares.unwrap(holdings[1].shares), 110_000);
        Holding memory sum = Settlement.sumOf(holdings);
        assertEq(Wei.unwrap(sum.eth), 1001);
        assertEq(Shares.unwrap(sum.shares), 110_110);
        assertEq(Wei.unwrap(sum.valueDown(Rate.wrap(0.5e27))), 1001 + 55_055);
    }

    // ---------------------------------------------------------------- the rules, a second time

    /// @dev The highest threshold that is met, or 0.
    function expectedThreshold(Case memory c) private pure returns (uint256 met) {
        for (uint256 i; i < c.tiers.length; ++i) {
            uint256 threshold = c.tiers[i].thresholdBps;
            uint256 exact = Wei.unwrap(c.target) * threshold;
            if (coverageAt(c, threshold) * 10_000 >= exact && threshold > met) met = threshold;
        }
    }

    /// @dev Value of all pots of tiers with at most this threshold.
    function coverageAt(Case memory c, uint256 threshold) private pure returns (uint256) {
        uint256 eth;
        uint256 shares;
        for (uint256 id; id < c.totals.length; ++id) {
            if (c.tiers[id / 3].thresholdBps > threshold) continue;
            if (id % 3 == 0) eth += Units.unwrap(c.totals[id]);
            else shares += Units.unwrap(c.totals[id]);
        }
        return eth + shares * Rate.unwrap(c.rate) / 1e27;
    }

    /// @dev Value of the active pots of an order.
    function groupOf(Case memory c, uint256 threshold, uint256 order) private pure returns (Group memory group) {
        uint256 shares;
        for (uint256 id; id < c.totals.length; ++id) {
            if (!isIn(c, threshold, order, id)) continue;
            if (id % 3 == 0) group.value += Units.unwrap(c.totals[id]);
            else shares += Units.unwrap(c.totals[id]);
        }
        group.value += shares * Rate.unwrap(c.rate) / 1e27;
    }

    /// @dev That each pot of the order is drawn by the group's ratio, and a pot of no active tier not at all.
    function checkGroup(Case memory c, uint256 threshold, uint256 order, Group memory group, Units[] memory draws)
        private
        pure
    {
        for (uint256 id; id < draws.length; ++id) {
            if (c.tiers[id / 3].thresholdBps > threshold) assertEq(Units.unwrap(draws[id]), 0, "property 5");
            if (!isIn(c, threshold, order, id)) continue;
            uint256 total = Units.unwrap(c.totals[id]);
            uint256 expected = group.value == 0 ? 0 : total * group.draw / group.value;
            assertEq(Units.unwrap(draws[id]), expected, "draw");
        }
    }

    function isIn(Case memory c, uint256 threshold, uint256 order, uint256 id) private pure returns (bool) {
        Tier memory tier = c.tiers[id / 3];
        return tier.thresholdBps <= threshold && tier.drawOrder == order;
    }

    // ---------------------------------------------------------------- making cases

    /// @dev 1 to 8 tiers of four orders; pots that add up to some eighth to twice the target, a third of them empty; any
    /// rate. So about as many cases meet no threshold, a lower one, and all.
    function makeCase(uint256 seed) private pure returns (Case memory c) {
        uint256 count = 1 + pick(seed, "count", 8);
        c.target = Wei.wrap(1e9 + pick(seed, "target", uint256(1) << (31 + pick(seed, "size", 65))));
        c.rate = makeRate(seed);
        c.tiers = new Tier[](count);
        uint16 threshold = 1;
        for (uint256 i; i < count; ++i) {
            // Now and then the same threshold twice.
            if (pick(seed, "same", i, 3) != 0) threshold += uint16(pick(seed, "step", i, 1200));
            if (i == count - 1) threshold = 10_000;
            c.tiers[i] = Tier(threshold, uint8(pick(seed, "order", i, 4)), 0);
        }
        c.totals = new Units[](3 * count);
        uint256 largest = Wei.unwrap(c.target) * (1 + pick(seed, "level", 16)) / (8 * count);
        for (uint256 id; id < c.totals.length; ++id) {
            if (pick(seed, "empty", id, 3) == 0) continue;
            c.totals[id] = units(pick(seed, "total", id, 1 + largest));
        }
    }

    /// @dev Mostly around 1 ETH a share; now and then the smallest there is, or any.
    function makeRate(uint256 seed) private pure returns (Rate) {
        uint256 kind = pick(seed, "kind", 8);
        if (kind == 0) return Rate.wrap(1);
        if (kind == 1) return Rate.wrap(uint96(1 + pick(seed, "rate", type(uint96).max)));
        return Rate.wrap(uint96(0.2e27 + pick(seed, "rate", 1.5e27)));
    }

    function pick(uint256 seed, string memory what, uint256 limit) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what))) % limit;
    }

    function pick(uint256 seed, string memory what, uint256 number, uint256 limit) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what, number))) % limit;
    }

    function evaluate(Case memory c) private pure returns (Outcome memory, Units[] memory) {
        return Settlement.evaluate(c.totals, Settlement.holdingsOf(c.totals), c.tiers, c.target, c.rate);
    }
}
