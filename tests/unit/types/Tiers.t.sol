// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";
import { Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { PackedTiers, packTiers, unpackTier, unpackTiers } from "levee/types/Tiers.sol";

/// packTiers, unpackTiers, unpackTier
/// ├── what is packed comes out the same, for any number of tiers and any fields
/// └── four tiers to a word, 40 bits each, and nothing beyond
contract TiersTest is Test {
    function testFuzz_PackAndUnpack(
        uint256 count,
        uint16[8] memory thresholds,
        uint8[8] memory orders,
        uint16[8] memory rates
    ) public pure {
        Tier[] memory tiers = new Tier[](bound(count, 0, 8));
        for (uint256 i; i < tiers.length; ++i) {
            tiers[i] = Tier(thresholds[i], orders[i], rates[i]);
        }
        PackedTiers low = packTiers(tiers, 0);
        PackedTiers high = packTiers(tiers, 4);
        assertEq(abi.encode(unpackTiers(low, high, tiers.length)), abi.encode(tiers));
        for (uint256 i; i < tiers.length; ++i) {
            assertEq(abi.encode(unpackTier(low, high, i)), abi.encode(tiers[i]));
        }
        assertEq(PackedTiers.unwrap(low) >> 160, 0);
        if (tiers.length <= 4) assertEq(PackedTiers.unwrap(high), 0);
    }

    function test_Pack_Layout() public pure {
        Tier[] memory tiers = new Tier[](5);
        tiers[1] = Tier(0x1234, 0x56, 0x789a);
        tiers[4] = Tier(0xffff, 0xff, 0xffff);
        assertEq(PackedTiers.unwrap(packTiers(tiers, 0)), uint256(0x789a561234) << 40);
        assertEq(PackedTiers.unwrap(packTiers(tiers, 4)), 0xffffffffff);
    }
}
