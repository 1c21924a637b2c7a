// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Tier } from "../interfaces/IPledgeEscrow.sol";

/// @dev Up to four tiers in one word, 40 bits each. A contract's immutables cannot be arrays, and reading two words of
/// code is cheaper than reading eight of storage.
type PackedTiers is uint256;

uint256 constant MAX_TIERS = 8;
uint256 constant TIERS_PER_WORD = 4;
uint256 constant TIER_BITS = 40;

/// @dev Packs tiers `from` to `from + 3`, if they exist.
function packTiers(Tier[] memory tiers, uint256 from) pure returns (PackedTiers) {
    uint256 word;
    for (uint256 i = from; i < tiers.length && i < from + TIERS_PER_WORD; ++i) {
        uint256 packed =
            uint256(tiers[i].thresholdBps) | uint256(tiers[i].drawOrder) << 16 | uint256(tiers[i].rateBps) << 24;
        word |= packed << ((i - from) * TIER_BITS);
    }
    return PackedTiers.wrap(word);
}

/// @dev The first `count` tiers of the two words.
function unpackTiers(PackedTiers low, PackedTiers high, uint256 count) pure returns (Tier[] memory tiers) {
    tiers = new Tier[](count);
    for (uint256 i; i < count; ++i) {
        tiers[i] = unpackTier(low, high, i);
    }
}

/// @dev Tier `i` of the two words.
function unpackTier(PackedTiers low, PackedTiers high, uint256 i) pure returns (Tier memory) {
    uint256 word = PackedTiers.unwrap(i < TIERS_PER_WORD ? low : high);
    uint256 packed = word >> ((i % TIERS_PER_WORD) * TIER_BITS);
    // Each cast keeps exactly the bits that packTiers put there.
    // forge-lint: disable-next-line(unsafe-typecast)
    return Tier(uint16(packed), uint8(packed >> 16), uint16(packed >> 24));
}
