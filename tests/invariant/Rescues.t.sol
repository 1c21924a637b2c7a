// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { Wei } from "levee/types/Units.sol";

import { CallMix } from "./CallMix.sol";
import { EscrowInvariants } from "./EscrowInvariants.sol";
import { Setting } from "./Setting.sol";

/// @notice The simplest rescue: ETH only, all or nothing, paid at once after the objection period, no guardian.
abstract contract OneTier is Setting {
    function shape(Terms memory terms) internal pure override returns (Terms memory) {
        (terms.guardian, terms.stETH, terms.wstETH) = (address(0), address(0), address(0));
        terms.target = Wei.wrap(100 ether);
        terms.tiers = new Tier[](1);
        terms.tiers[0] = Tier({ thresholdBps: 10_000, drawOrder: 0, rateBps: 0 });
        (terms.vetoBps, terms.tranches, terms.trancheInterval) = (0, 1, 0);
        return terms;
    }
}

/// @notice The rescue of the default terms, with fewer ETH missing.
abstract contract ThreeTiers is Setting {
    function shape(Terms memory terms) internal pure override returns (Terms memory) {
        terms.target = Wei.wrap(100 ether);
        return terms;
    }
}

/// @notice The maximum number of tiers and tranches, three draw orders in a different order than the thresholds, equal
/// thresholds, a veto of half, and a first tranche due one second after settlement.
abstract contract EightTiers is Setting {
    function shape(Terms memory terms) internal pure override returns (Terms memory) {
        terms.target = Wei.wrap(150 ether);
        terms.tiers = new Tier[](8);
        terms.tiers[0] = Tier({ thresholdBps: 1000, drawOrder: 3, rateBps: 500 });
        terms.tiers[1] = Tier({ thresholdBps: 2500, drawOrder: 0, rateBps: 0 });
        terms.tiers[2] = Tier({ thresholdBps: 2500, drawOrder: 1, rateBps: 0 });
        terms.tiers[3] = Tier({ thresholdBps: 5000, drawOrder: 0, rateBps: 0 });
        terms.tiers[4] = Tier({ thresholdBps: 5000, drawOrder: 3, rateBps: 500 });
        terms.tiers[5] = Tier({ thresholdBps: 7500, drawOrder: 1, rateBps: 0 });
        terms.tiers[6] = Tier({ thresholdBps: 10_000, drawOrder: 0, rateBps: 0 });
        terms.tiers[7] = Tier({ thresholdBps: 10_000, drawOrder: 3, rateBps: 500 });
        (terms.objectionPeriod, terms.vetoBps) = (1, 5000);
        (terms.tranches, terms.trancheInterval) = (64, 1 days);
        return terms;
    }
}

contract OneTierInvariants is EscrowInvariants, OneTier { }

contract OneTierMix is CallMix, OneTier { }

contract ThreeTiersInvariants is EscrowInvariants, ThreeTiers { }

contract ThreeTiersMix is CallMix, ThreeTiers { }

contract EightTiersInvariants is EscrowInvariants, EightTiers { }

contract EightTiersMix is CallMix, EightTiers { }
