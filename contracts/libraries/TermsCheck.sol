// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Terms, Tier } from "../interfaces/IPledgeEscrow.sol";
import { IWstETH } from "../interfaces/external/ILido.sol";
import { MAX_TIERS } from "../types/Tiers.sol";
import { Wei } from "../types/Units.sol";
import { ProRata } from "./ProRata.sol";

/// @dev Which terms are allowed. Runs once, in the constructor; `checkTarget` again when the target is amended.
library TermsCheck {
    uint256 internal constant MIN_TARGET = 1e9;
    uint256 internal constant MAX_TARGET = type(uint96).max;
    uint256 internal constant MAX_TRANCHES = 64;

    /// @dev Reverts with the first rule that `terms` violate.
    function check(Terms memory terms) internal view {
        if (terms.beneficiary == address(0)) revert IPledgeEscrow.BeneficiaryZero();
        checkTokens(terms.stETH, terms.wstETH);
        checkTarget(terms.target);
        if (terms.deadline <= block.timestamp) revert IPledgeEscrow.DeadlinePassed(terms.deadline, block.timestamp);
        if (terms.latestDeadline < terms.deadline) {
            revert IPledgeEscrow.LatestDeadlineTooEarly(terms.latestDeadline, terms.deadline);
        }
        checkTiers(terms.tiers);
        checkCalendar(terms);
    }

    /// @dev Checks objections, tranches and windows.
    function checkCalendar(Terms memory terms) private pure {
        if (terms.objectionPeriod == 0) revert IPledgeEscrow.ObjectionPeriodZero();
        if (terms.vetoBps >= ProRata.BPS) revert IPledgeEscrow.VetoOutOfBounds(terms.vetoBps);
        if (terms.tranches == 0 || terms.tranches > MAX_TRANCHES) {
            revert IPledgeEscrow.TranchesOutOfBounds(terms.tranches, MAX_TRANCHES);
        }
        if (terms.tranches > 1 && terms.trancheInterval == 0) revert IPledgeEscrow.TrancheIntervalZero(terms.tranches);
        if (terms.releaseWindow == 0 || terms.exitWindow == 0) {
            revert IPledgeEscrow.WindowZero(terms.releaseWindow, terms.exitWindow);
        }
    }

    function checkTarget(Wei target) internal pure {
        uint256 amount = Wei.unwrap(target);
        if (amount < MIN_TARGET || amount > MAX_TARGET) {
            revert IPledgeEscrow.TargetOutOfBounds(target, Wei.wrap(MIN_TARGET), Wei.wrap(MAX_TARGET));
        }
    }

    /// @dev Both must be zero, or wstETH must wrap this stETH. Checking for code gives an error with the addresses
    /// where a call to an empty account would revert without a reason.
    function checkTokens(address stETH, address wstETH) private view {
        if (stETH == address(0) && wstETH == address(0)) return;
        if (wstETH.code.length == 0 || stETH.code.length == 0 || IWstETH(wstETH).stETH() != stETH) {
            revert IPledgeEscrow.TokensMismatch(stETH, wstETH);
        }
    }

    function checkTiers(Tier[] memory tiers) private pure {
        if (tiers.length == 0 || tiers.length > MAX_TIERS) {
            revert IPledgeEscrow.TierCountOutOfBounds(tiers.length, MAX_TIERS);
        }
        uint256 previous = 1;
        for (uint256 i; i < tiers.length; ++i) {
            uint256 threshold = tiers[i].thresholdBps;
            if (threshold < previous || threshold > ProRata.BPS) {
                revert IPledgeEscrow.ThresholdOutOfOrder(i, threshold, previous);
            }
            previous = threshold;
            checkRate(tiers, i);
        }
        if (previous != ProRata.BPS) revert IPledgeEscrow.LastThresholdNotFull(previous);
    }

    /// @dev Tiers with the same draw order form one group, drawn and repaid together, so they have the same rate.
    function checkRate(Tier[] memory tiers, uint256 i) private pure {
        for (uint256 j; j < i; ++j) {
            if (tiers[j].drawOrder == tiers[i].drawOrder && tiers[j].rateBps != tiers[i].rateBps) {
                revert IPledgeEscrow.RatesDiffer(i, j);
            }
        }
    }
}
