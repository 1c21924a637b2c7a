// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { ProRata } from "levee/libraries/ProRata.sol";
import { Outcome, Settlement } from "levee/libraries/Settlement.sol";
import { ASSETS, MAX_POT, Rate, Units, Wei } from "levee/types/Units.sol";

import { Symbolic } from "./Symbolic.sol";

/// @notice What settlement draws from any two tiers.
/// @dev Bounded: two tiers, of up to eight, in ETH only; check_3 of ProRataProof covers several assets in one group.
/// Amounts, threshold, draw orders and target are any that the terms allow. So each loop is covered with one group of
/// two tiers, and with two groups of one.
/// @custom:halmos --solver-command ".tools/venv/bin/python tools/python/solver" --panic-error-codes '*'
contract SettlementProof is Symbolic {
    using ProRata for Wei;

    /// @dev What was pledged into each tier, and the terms. The second threshold is 10,000, as the terms require.
    struct Rescue {
        uint104 first;
        uint104 second;
        uint16 threshold;
        uint8 firstOrder;
        uint8 secondOrder;
        uint96 target;
    }

    /// @notice No pot gives more than it has, and both together, as well as the recorded draw, are at most the target.
    function check_3_NoOverdraw(Rescue calldata rescue) external pure {
        (Outcome memory outcome, uint256 first, uint256 second) = evaluated(rescue);
        assert(first <= rescue.first && second <= rescue.second);
        unchecked {
            assert(first + second <= Wei.unwrap(outcome.drawn));
        }
        assert(Wei.unwrap(outcome.drawn) <= rescue.target);
    }

    /// @notice A tier gives nothing unless its own threshold, or a higher one, is met by what the tiers up to it hold.
    function check_5_ConditionsAreKept(Rescue calldata rescue) external pure {
        (Outcome memory outcome, uint256 first, uint256 second) = evaluated(rescue);
        unchecked {
            uint256 sum = uint256(rescue.first) + rescue.second;
            if (sum < rescue.target) assert(second == 0);
            // Without a ceiling: coverage * 10,000 < target * threshold says the same for integers.
            bool firstMet = uint256(rescue.first) * 10_000 >= uint256(rescue.target) * rescue.threshold;
            bool first100 = rescue.threshold == 10_000 && sum >= rescue.target;
            if (!firstMet && !first100 && sum < rescue.target) assert(first == 0);
            assert(outcome.activeTiers != 0 || first + second == 0);
        }
    }

    /// @notice A later draw order gives nothing while an earlier one has anything left.
    /// @dev Assumes: both tiers are active, in two draw orders.
    function check_13_EarlierOrdersAreDrawnFirst(Rescue calldata rescue) external pure {
        vm.assume(rescue.firstOrder != rescue.secondOrder);
        (Outcome memory outcome, uint256 first, uint256 second) = evaluated(rescue);
        vm.assume(outcome.activeTiers == 2);
        if (rescue.firstOrder < rescue.secondOrder) assert(second == 0 || first == rescue.first);
        else assert(first == 0 || second == rescue.second);
    }

    /// @dev Settlement, for amounts and terms that the escrow can have.
    function evaluated(Rescue calldata rescue)
        private
        pure
        returns (Outcome memory outcome, uint256 first, uint256 second)
    {
        vm.assume(rescue.first <= MAX_POT && rescue.second <= MAX_POT);
        vm.assume(rescue.target >= 1e9 && rescue.threshold != 0 && rescue.threshold <= 10_000);
        Tier[] memory tiers = new Tier[](2);
        tiers[0] = Tier(rescue.threshold, rescue.firstOrder, 0);
        tiers[1] = Tier(10_000, rescue.secondOrder, 0);
        Units[] memory totals = new Units[](2 * ASSETS);
        (totals[0], totals[ASSETS]) = (Units.wrap(rescue.first), Units.wrap(rescue.second));
        Units[] memory draws;
        (outcome, draws) =
            Settlement.evaluate(totals, Settlement.holdingsOf(totals), tiers, Wei.wrap(rescue.target), Rate.wrap(0));
        return (outcome, Units.unwrap(draws[0]), Units.unwrap(draws[ASSETS]));
    }
}
