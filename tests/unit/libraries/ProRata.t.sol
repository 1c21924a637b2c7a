// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";
import { ProRata } from "levee/libraries/ProRata.sol";
import { Asset, MAX_POT, Rate, Shares, Units, Wei } from "levee/types/Units.sol";

import { units } from "../../util/EscrowTest.sol";

/// ProRata: each division, by the inequality that says what it rounds, at every size the books allow.
/// ├── requiredUp: the least coverage c with c * 10,000 >= target * threshold
/// ├── valueDown: the greatest v with v * 10^27 <= shares * rate; of ETH, the wei themselves
/// ├── drawnDown: the greatest d with d * V <= amount * D; the parts add up to at most the draw of the whole
/// ├── tranchesDown: the greatest u with u * N <= drawn * r; it never falls with r, and is all at N
/// └── entitledDown: the greatest e with e * total <= amount * (total - reserved); the parts leave less than one each
contract ProRataTest is Test {
    using ProRata for Wei;
    using ProRata for Shares;
    using ProRata for Units;

    function test_RequiredUp() public pure {
        assertEq(Wei.unwrap(Wei.wrap(1e9 + 1).requiredUp(5000)), 5e8 + 1);
        assertEq(Wei.unwrap(Wei.wrap(1e9).requiredUp(5000)), 5e8);
        assertEq(Wei.unwrap(Wei.wrap(1e9).requiredUp(10_000)), 1e9);
        assertEq(Wei.unwrap(Wei.wrap(1e9 + 1).requiredUp(1)), 100_001);
        assertEq(Wei.unwrap(Wei.wrap(0).requiredUp(10_000)), 0);
    }

    function testFuzz_RequiredUp(uint96 target, uint16 bps) public pure {
        bps = uint16(bound(bps, 1, 10_000));
        uint256 required = Wei.unwrap(Wei.wrap(target).requiredUp(bps));
        uint256 exact = uint256(target) * bps;
        assertGe(required * 10_000, exact);
        if (required > 0) assertLt((required - 1) * 10_000, exact);
    }

    function test_ValueDown() public pure {
        assertEq(Wei.unwrap(Shares.wrap(1e27 - 1).valueDown(Rate.wrap(1))), 0);
        assertEq(Wei.unwrap(Shares.wrap(1e27).valueDown(Rate.wrap(1))), 1);
        assertEq(Wei.unwrap(Shares.wrap(5).valueDown(Rate.wrap(1.2e27))), 6);
        assertEq(Wei.unwrap(Shares.wrap(4).valueDown(Rate.wrap(1.2e27))), 4);
    }

    /// @dev Of as many shares as all 16 pots can hold.
    function testFuzz_ValueDown(uint256 shares, uint96 rate) public pure {
        shares = bound(shares, 0, 16 * MAX_POT);
        uint256 value = Wei.unwrap(Shares.wrap(shares).valueDown(Rate.wrap(rate)));
        assertLe(value * 1e27, shares * rate);
        assertGt((value + 1) * 1e27, shares * rate);
    }

    function testFuzz_ValueDown_ByAsset(uint104 amount, uint96 rate) public pure {
        uint256 ofShares = Wei.unwrap(Shares.wrap(amount).valueDown(Rate.wrap(rate)));
        assertEq(Wei.unwrap(Units.wrap(amount).valueDown(Asset.ETH, Rate.wrap(rate))), amount);
        assertEq(Wei.unwrap(Units.wrap(amount).valueDown(Asset.StETH, Rate.wrap(rate))), ofShares);
        assertEq(Wei.unwrap(Units.wrap(amount).valueDown(Asset.WstETH, Rate.wrap(rate))), ofShares);
    }

    function testFuzz_DrawnDown(uint256 amount, uint256 groupValue, uint256 draw) public pure {
        amount = bound(amount, 0, MAX_POT);
        groupValue = bound(groupValue, 1, 1 << 112);
        draw = bound(draw, 0, groupValue < type(uint96).max ? groupValue : type(uint96).max);
        uint256 drawn = Units.unwrap(units(amount).drawnDown(Wei.wrap(draw), Wei.wrap(groupValue)));
        assertLe(drawn * groupValue, amount * draw);
        assertGt((drawn + 1) * groupValue, amount * draw);
        assertLe(drawn, amount);
        // Of a value it is the same.
        // A part of a value is the same division.
        assertEq(Wei.unwrap(Wei.wrap(amount).shareDown(Wei.wrap(draw), Wei.wrap(groupValue))), drawn);
    }

    /// @dev Property 3, of one group: two pots are together drawn by no more than their sum.
    function testFuzz_DrawnDown_PartsAreNotMoreThanTheWhole(uint256 a, uint256 b, uint256 draw) public pure {
        a = bound(a, 1, MAX_POT);
        b = bound(b, 1, MAX_POT);
        draw = bound(draw, 0, a + b < type(uint96).max ? a + b : type(uint96).max);
        uint256 ofA = Units.unwrap(units(a).drawnDown(Wei.wrap(draw), Wei.wrap(a + b)));
        uint256 ofB = Units.unwrap(units(b).drawnDown(Wei.wrap(draw), Wei.wrap(a + b)));
        assertLe(ofA + ofB, draw);
        assertGe(ofA + ofB + 1, draw);
    }

    function test_TranchesDown() public pure {
        uint256[4] memory expected = [uint256(2), 5, 7, 10];
        for (uint256 r = 1; r <= 4; ++r) {
            assertEq(Units.unwrap(units(10).tranchesDown(r, 4)), expected[r - 1]);
        }
        assertEq(Units.unwrap(units(10).tranchesDown(0, 4)), 0);
    }

    function testFuzz_TranchesDown(uint256 drawn, uint256 tranches, uint256 count) public pure {
        drawn = bound(drawn, 0, MAX_POT);
        tranches = bound(tranches, 1, 64);
        count = bound(count, 0, tranches);
        uint256 part = Units.unwrap(units(drawn).tranchesDown(count, tranches));
        assertLe(part * tranches, drawn * count);
        assertGt((part + 1) * tranches, drawn * count);
        if (count > 0) assertLe(Units.unwrap(units(drawn).tranchesDown(count - 1, tranches)), part);
        if (count == tranches) assertEq(part, drawn);
    }

    function testFuzz_EntitledDown(uint256 amount, uint256 total, uint256 reserved) public pure {
        total = bound(total, 1, MAX_POT);
        amount = bound(amount, 0, total);
        reserved = bound(reserved, 0, total);
        uint256 entitled = Units.unwrap(units(amount).entitledDown(units(total), units(reserved)));
        assertLe(entitled * total, amount * (total - reserved));
        assertGt((entitled + 1) * total, amount * (total - reserved));
        assertLe(entitled, amount);
        if (reserved == 0) assertEq(entitled, amount);
        if (reserved == total) assertEq(entitled, 0);
    }

    /// @dev Properties 1, 4 and 6, of one pot: what is free covers all, and the dust is less than one unit a position.
    function testFuzz_EntitledDown_Dust(uint256[5] memory amounts, uint256 reserved) public pure {
        uint256 total;
        for (uint256 i; i < 5; ++i) {
            amounts[i] = bound(amounts[i], 1, MAX_POT / 5);
            total += amounts[i];
        }
        reserved = bound(reserved, 0, total);
        uint256 paid;
        for (uint256 i; i < 5; ++i) {
            paid += Units.unwrap(units(amounts[i]).entitledDown(units(total), units(reserved)));
        }
        assertLe(paid, total - reserved);
        assertLt(total - reserved - paid, 5);
    }
}
