// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CompactTerms, ICompact } from "../interfaces/ICompact.sol";
import { IPledgeEscrow, PledgingView, Status, Terms, Tier } from "../interfaces/IPledgeEscrow.sol";
import { Rate, Shares, Units, Wei, minWei } from "../types/Units.sol";
import { ProRata } from "./ProRata.sol";
import { Holding, Settlement } from "./Settlement.sol";
import { ShareRate } from "./ShareRate.sol";

/// @dev Which rescues a compact may pay into. Each function reverts with the first rule that is violated.
library RescuePolicy {
    using ProRata for Shares;

    /// @dev What the rescue's original terms must be: none of what is checked here can be amended.
    function checkTerms(CompactTerms memory policy, Terms calldata rescue, uint8 tier) internal view {
        if (rescue.wstETH != policy.wstETH) revert ICompact.OtherToken(rescue.wstETH, policy.wstETH);
        if (rescue.guardian != address(0) && rescue.guardian != policy.guardian) {
            revert ICompact.ForeignGuardian(rescue.guardian, policy.guardian);
        }
        if (rescue.vetoBps == 0 || rescue.vetoBps > policy.maxVetoBps) {
            revert ICompact.VetoOutsidePolicy(rescue.vetoBps, policy.maxVetoBps);
        }
        if (rescue.objectionPeriod < policy.minObjectionPeriod) {
            revert ICompact.ObjectionPeriodBelowPolicy(rescue.objectionPeriod, policy.minObjectionPeriod);
        }
        if (rescue.exitWindow < policy.minExitWindow) {
            revert ICompact.ExitWindowBelowPolicy(rescue.exitWindow, policy.minExitWindow);
        }
        uint256 until = lockedUntil(rescue);
        uint256 limit = block.timestamp + policy.maxLock;
        if (until > limit) revert ICompact.LockTooLong(until, limit);
        checkTier(policy, rescue.tiers, tier);
    }

    /// @dev The latest second at which the rescue may still hold money: after the latest deadline, an unreadable rate
    /// can delay settlement by one release window, and an uncollected tranche its end by another.
    function lockedUntil(Terms calldata rescue) private pure returns (uint256) {
        // An escrow has at least one tranche, and the terms are an escrow's.
        uint256 calendar = rescue.objectionPeriod + (uint256(rescue.tranches) - 1) * rescue.trancheInterval;
        return rescue.latestDeadline + calendar + 2 * uint256(rescue.releaseWindow);
    }

    function checkTier(CompactTerms memory policy, Tier[] calldata tiers, uint8 tier) private pure {
        if (tier >= tiers.length) revert ICompact.UnknownTier(tier, tiers.length);
        uint256 thresholdBps = tiers[tier].thresholdBps;
        if (thresholdBps < policy.minThresholdBps) {
            revert ICompact.ThresholdBelowPolicy(thresholdBps, policy.minThresholdBps);
        }
        uint256 rateBps = tiers[tier].rateBps;
        if (rateBps < policy.minRateBps) revert ICompact.RateBelowPolicy(rateBps, policy.minRateBps);
    }

    /// @dev The rescue as it stands: it must take pledges until every call proposed now has been fulfilled or is over.
    /// Otherwise members could be left out of a call because its rescue ended first.
    function checkDeadline(PledgingView memory found, uint256 required) internal view {
        if (found.status != Status.Open || block.timestamp > found.deadline) {
            revert ICompact.NotPledging(found.status, found.deadline, block.timestamp);
        }
        uint256 deadline = isPending(found) ? found.amendment.deadline : found.deadline;
        if (deadline < required) revert ICompact.DeadlineTooEarly(deadline, required);
    }

    /// @dev A call must not ask for more than is missing: otherwise whoever is fulfilled last would be spared.
    function checkAmount(IPledgeEscrow escrow, PledgingView memory found, address stETH, Units asked) internal view {
        (bool readable, Rate rate) = ShareRate.read(stETH);
        if (!readable) revert ICompact.RateUnreadable();
        (Units[] memory totals,) = escrow.pots();
        Holding memory held = Settlement.sumOf(Settlement.holdingsOf(totals));
        Wei coverage = held.valueDown(rate);
        Wei target = isPending(found) ? minWei(found.target, found.amendment.target) : found.target;
        // Subtracted only from what is more.
        Wei missing = coverage < target ? target - coverage : Wei.wrap(0);
        Wei value = Shares.wrap(Units.unwrap(asked)).valueDown(rate);
        if (missing < value) revert ICompact.CallTooLarge(value, missing);
    }

    /// @dev Whether the latest amendment is not in force yet.
    function isPending(PledgingView memory found) private view returns (bool) {
        return block.timestamp < found.amendment.effectiveAt;
    }
}
