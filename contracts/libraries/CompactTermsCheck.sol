// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CompactTerms, ICompact } from "../interfaces/ICompact.sol";
import { ProRata } from "./ProRata.sol";

/// @dev Which terms of a compact are allowed. Runs once, in the constructor.
library CompactTermsCheck {
    /// @dev With a quorum of half or less, two calls could pass against each other.
    uint256 internal constant MIN_QUORUM_BPS = ProRata.BPS / 2 + 1;

    /// @dev The least for every period in which people must act: a shorter one may hold no block, or nobody awake.
    uint256 internal constant MIN_PERIOD = 1 days;

    /// @dev Reverts with the first rule that `terms` violate.
    function check(CompactTerms memory terms) internal view {
        if (terms.wstETH.code.length == 0) revert ICompact.TokenWithoutCode(terms.wstETH);
        if (terms.escrowCodeHash == 0) revert ICompact.EscrowCodeHashZero();
        if (terms.quorumBps < MIN_QUORUM_BPS || terms.quorumBps > ProRata.BPS) {
            revert ICompact.QuorumOutOfBounds(terms.quorumBps, MIN_QUORUM_BPS, ProRata.BPS);
        }
        if (terms.maxCallBps == 0 || terms.maxCallBps > ProRata.BPS) {
            revert ICompact.MaxCallOutOfBounds(terms.maxCallBps, ProRata.BPS);
        }
        checkPeriods(terms);
        checkPolicy(terms);
    }

    /// @dev Who votes cannot be gone before fulfillment ends, and who distrusts a newcomer can leave before it counts.
    function checkPeriods(CompactTerms memory terms) private pure {
        if (terms.votingPeriod < MIN_PERIOD) revert ICompact.VotingPeriodTooShort(terms.votingPeriod, MIN_PERIOD);
        if (terms.fulfillPeriod < MIN_PERIOD) revert ICompact.FulfillPeriodTooShort(terms.fulfillPeriod, MIN_PERIOD);
        uint256 shortest = uint256(terms.votingPeriod) + terms.fulfillPeriod + 1;
        if (terms.noticePeriod < shortest) revert ICompact.NoticePeriodTooShort(terms.noticePeriod, shortest);
        if (terms.leaveWindow < MIN_PERIOD) revert ICompact.LeaveWindowTooShort(terms.leaveWindow, MIN_PERIOD);
        shortest = uint256(terms.noticePeriod) + terms.leaveWindow;
        if (terms.seasoning < shortest) revert ICompact.SeasoningTooShort(terms.seasoning, shortest);
    }

    /// @dev What a called rescue must be.
    function checkPolicy(CompactTerms memory terms) private pure {
        if (terms.minThresholdBps == 0 || terms.minThresholdBps > ProRata.BPS) {
            revert ICompact.MinThresholdOutOfBounds(terms.minThresholdBps, ProRata.BPS);
        }
        if (terms.minObjectionPeriod < MIN_PERIOD) {
            revert ICompact.MinObjectionPeriodTooShort(terms.minObjectionPeriod, MIN_PERIOD);
        }
        if (terms.minExitWindow < MIN_PERIOD) revert ICompact.MinExitWindowTooShort(terms.minExitWindow, MIN_PERIOD);
        if (terms.maxVetoBps == 0 || terms.maxVetoBps >= ProRata.BPS) {
            revert ICompact.MaxVetoOutOfBounds(terms.maxVetoBps, ProRata.BPS - 1);
        }
        if (terms.maxLock == 0) revert ICompact.MaxLockZero();
    }
}
