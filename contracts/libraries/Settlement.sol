// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Tier } from "../interfaces/IPledgeEscrow.sol";
import { potId } from "../types/Pots.sol";
import { ASSETS, Asset, Rate, Shares, Units, Wei, minWei } from "../types/Units.sol";
import { ProRata } from "./ProRata.sol";

/// @dev What settlement decided, apart from the draw from each pot.
/// @custom:member activeTiers Number of active tiers, which come first because tiers are sorted by threshold; 0 if none
/// is met.
/// @custom:member drawn The total value drawn; at most the target.
/// @custom:member marginalOrder The last draw order that was drawn: lower ones in full, this one by `marginalDraw /
/// marginalValue`, higher ones not at all. So this one ratio gives every position's drawn value.
struct Outcome {
    uint256 activeTiers;
    Wei drawn;
    uint256 marginalOrder;
    Wei marginalValue;
    Wei marginalDraw;
}

/// @dev What some pots hold together. stETH shares and wstETH units can be added: one unit is one share.
struct Holding {
    Wei eth;
    Shares shares;
}

using Settlement for Holding global;

/// @dev The rules of settlement, as pure functions: what is drawn. `totals` are those of all pots, in the order of
/// `potId`. Nothing here depends on the order or the number of pledges.
library Settlement {
    using ProRata for Wei;
    using ProRata for Shares;
    using ProRata for Units;

    /// @dev Decides, and draws the active groups in ascending order until the target is reached. `holdings` are those
    /// of `totals`, by tier.
    /// @return outcome What was decided.
    /// @return draws What is drawn from each pot, in the order of `potId`.
    function evaluate(Units[] memory totals, Holding[] memory holdings, Tier[] memory tiers, Wei target, Rate rate)
        internal
        pure
        returns (Outcome memory outcome, Units[] memory draws)
    {
        outcome.activeTiers = activeTiers(holdings, tiers, target, rate);
        draws = new Units[](totals.length);
        uint256[] memory queue = byDrawOrder(tiers, outcome.activeTiers);
        uint256 next;
        while (next < queue.length && outcome.drawn < target) {
            (Holding memory group, uint256 end) = groupFrom(holdings, tiers, queue, next);
            Wei groupValue = group.valueDown(rate);
            // A group worth nothing contributes nothing, whatever it holds.
            if (Wei.unwrap(groupValue) != 0) {
                outcome.marginalOrder = tiers[queue[next]].drawOrder;
                outcome.marginalValue = groupValue;
                // Less than the target is drawn so far, and the draw never exceeds it.
                outcome.marginalDraw = minWei(groupValue, target - outcome.drawn);
                outcome.drawn = outcome.drawn + outcome.marginalDraw;
                for (; next < end; ++next) {
                    drawTier(draws, totals, queue[next], outcome);
                }
            }
            next = end;
        }
    }

    /// @dev Number of active tiers: those up to the highest threshold that their own coverage meets. Of tiers with the
    /// same threshold the last one covers the most, so it is found first, and the lower ones need not be checked.
    function activeTiers(Holding[] memory holdings, Tier[] memory tiers, Wei target, Rate rate)
        internal
        pure
        returns (uint256 active)
    {
        Holding memory covered = sumOf(holdings);
        for (active = tiers.length; active > 0; --active) {
            Wei required = target.requiredUp(tiers[active - 1].thresholdBps);
            if (covered.valueDown(rate) >= required) break;
            // The tier is part of the sum.
            covered.eth = covered.eth - holdings[active - 1].eth;
            covered.shares = covered.shares - holdings[active - 1].shares;
        }
    }

    /// @dev What each tier holds.
    function holdingsOf(Units[] memory totals) internal pure returns (Holding[] memory holdings) {
        holdings = new Holding[](totals.length / ASSETS);
        for (uint256 tier; tier < holdings.length; ++tier) {
            holdings[tier].eth = Wei.wrap(Units.unwrap(totals[potId(tier, Asset.ETH)]));
            holdings[tier].shares = Shares.wrap(Units.unwrap(totals[potId(tier, Asset.StETH)]))
                + Shares.wrap(Units.unwrap(totals[potId(tier, Asset.WstETH)]));
        }
    }

    /// @dev An amount of one asset as a holding.
    function holdingOf(Asset asset, Units amount) internal pure returns (Holding memory) {
        uint256 number = Units.unwrap(amount);
        if (asset == Asset.ETH) return Holding(Wei.wrap(number), Shares.wrap(0));
        return Holding(Wei.wrap(0), Shares.wrap(number));
    }

    /// @dev What all tiers hold.
    function sumOf(Holding[] memory holdings) internal pure returns (Holding memory sum) {
        for (uint256 tier; tier < holdings.length; ++tier) {
            sum = sum.plus(holdings[tier]);
        }
    }

    /// @dev The sum of two holdings.
    function plus(Holding memory a, Holding memory b) internal pure returns (Holding memory) {
        return Holding(a.eth + b.eth, a.shares + b.shares);
    }

    /// @dev Value: the ETH plus floor(all shares * rate / 10^27).
    function valueDown(Holding memory holding, Rate rate) internal pure returns (Wei) {
        return holding.eth + holding.shares.valueDown(rate);
    }

    /// @dev The active tiers in ascending draw order. Insertion sort, because there are at most eight.
    function byDrawOrder(Tier[] memory tiers, uint256 active) private pure returns (uint256[] memory queue) {
        queue = new uint256[](active);
        for (uint256 tier; tier < active; ++tier) {
            uint256 place = tier;
            while (place > 0 && tiers[queue[place - 1]].drawOrder > tiers[tier].drawOrder) {
                queue[place] = queue[place - 1];
                --place;
            }
            queue[place] = tier;
        }
    }

    /// @dev What the group that begins at `start` of the queue holds, and where the next one begins.
    function groupFrom(Holding[] memory holdings, Tier[] memory tiers, uint256[] memory queue, uint256 start)
        private
        pure
        returns (Holding memory group, uint256 end)
    {
        uint256 order = tiers[queue[start]].drawOrder;
        for (end = start; end < queue.length && tiers[queue[end]].drawOrder == order; ++end) {
            group = group.plus(holdings[queue[end]]);
        }
    }

    /// @dev Draws the three pots of a tier in the outcome's marginal group, at the group's single ratio.
    function drawTier(Units[] memory draws, Units[] memory totals, uint256 tier, Outcome memory outcome) private pure {
        uint256 end = potId(tier + 1, Asset.ETH);
        for (uint256 id = potId(tier, Asset.ETH); id < end; ++id) {
            draws[id] = totals[id].drawnDown(outcome.marginalDraw, outcome.marginalValue);
        }
    }
}
