// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { ProRata } from "levee/libraries/ProRata.sol";
import { Asset, RATE_UNIT, Rate, Units, Wei } from "levee/types/Units.sol";

import { State } from "./Rescue.sol";
import { Setting } from "./Setting.sol";

/// @notice What a veto requires and what it does: it changes who is paid, never when.
/// @dev Assumptions and bounds are those of EscrowProof.
contract VetoProof is Setting {
    using ProRata for Units;
    using ProRata for Wei;

    // ------------------------------------------------------------------------------------------------ reaching it

    /// @notice An objection adds its position's weight, which is not zero, and stops a settled rescue exactly when all
    /// objections together reach what the veto requires; if not, the rescue stays settled. The position has then
    /// objected, and had not before.
    /// @dev Assumes: all weights together fit in 96 bits (by check_15_NoPositionObjectsTwice and
    /// check_3_PartsAreDrawnAtMostAsTheWhole they are at most what was drawn), and only one asset was drawn. By
    /// check_15_TheVetoIsAShareOfTheDraw, what is required is the veto's share of the draw; check_15_WhatIsDrawnWeighs
    /// gives the weight.
    /// @custom:halmos --solver-command ".tools/venv/bin/python tools/python/solver"
    function check_15_VetoedJustWhenReached(State calldata state, World calldata world, uint8 id) external {
        Asset asset = assetOf(id);
        vm.assume(state.core.status == Status.Settled);
        assumeDrawnAlone(state, asset);
        begin(state, world, asset);
        uint256 weight = Wei.unwrap(rescue.weightOf(asset, state.position.amount()));
        // No difference or sum overflows: `objected` fits in 96 bits, and so do both by assumption.
        unchecked {
            vm.assume(weight <= type(uint96).max - state.timeline.objected);
            vm.assume(called(PLEDGER, abi.encodeCall(IPledgeEscrow.object, (0, asset)), 0));
            State memory later = rescue.read(asset, PLEDGER);
            assert(!state.position.objected() && later.position.objected());
            assert(weight != 0 && later.timeline.objected == state.timeline.objected + weight);
            bool reached = Wei.wrap(later.timeline.objected) >= Wei.wrap(state.record.drawn).requiredUp(VETO_BPS);
            assert(reached == (later.core.status == Status.Cancelled && later.core.endReason == EndReason.Vetoed));
            assert(reached || later.core.status == Status.Settled);
        }
    }

    /// @notice A position that has objected cannot object again, in any state.
    function check_15_NoPositionObjectsTwice(State calldata state, World calldata world, uint8 id) external {
        Asset asset = assetOf(id);
        vm.assume(state.position.objected());
        begin(state, world, asset);
        assert(!called(PLEDGER, abi.encodeCall(IPledgeEscrow.object, (0, asset)), 0));
    }

    /// @notice A position's weight is the part of its value drawn at the settlement rate: all of it in a group before
    /// the last one drawn, its part of the draw in that group, and zero in a tier that is not active.
    /// @custom:halmos --solver-command ".tools/venv/bin/python tools/python/solver"
    function check_15_WhatIsDrawnWeighs(State calldata state, World calldata world, uint8 id) external {
        Asset asset = assetOf(id);
        vm.assume(state.core.status == Status.Settled);
        begin(state, world, asset);
        uint256 weight = Wei.unwrap(rescue.weightOf(asset, state.position.amount()));
        assert(weight == drawnValue(state, asset));
    }

    // ------------------------------------------------------------------------------------------------ the same block

    /// @notice In the block that settles, nothing is due, and only the guardian can do anything by which any of what
    /// was drawn goes back; a veto cannot.
    /// @dev Assumes: the rescue settled in this very second (see check_15_SettlingHoldsAllThatIsDrawn), and is in a
    /// state left by any of these calls.
    function check_15_NothingDrawnMovesWhereItSettles(State calldata state, World calldata world, uint8 id, uint8 which)
        external
    {
        Asset asset = assetOf(id);
        vm.assume(state.core.status == Status.Settled || state.core.returnsByCalendar);
        vm.assume(state.record.settledAt == world.time && drawn(state) != 0);
        begin(state, world, asset);
        vm.assume(rescue.heldOf(asset) == TRANCHES);
        assert(!called(STRANGER, abi.encodeCall(IPledgeEscrow.release, (asset)), 0));
        assert(!called(STRANGER, abi.encodeCall(IPledgeEscrow.lapse, ()), 0));
        vm.assume(called(PLEDGER, callOf(which, asset), 0));
        assert(rescue.heldOf(asset) == TRANCHES);
        State memory later = rescue.read(asset, PLEDGER);
        assert(later.core.status == Status.Settled || later.core.returnsByCalendar);
        assert(later.record.settledAt == world.time && drawn(later) == drawn(state));
    }

    /// @notice Settling holds everything that it draws.
    /// @dev Assumes: the call settles an open rescue.
    function check_15_SettlingHoldsAllThatIsDrawn(State calldata state, World calldata world) external {
        vm.assume(state.core.status == Status.Open);
        State memory later = afterCall(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.settle, ()), 0);
        vm.assume(later.core.status == Status.Settled);
        assert(later.record.settledAt == world.time);
        assert(drawn(later) == 0 || rescue.heldOf(Asset.ETH) == TRANCHES);
    }

    // ------------------------------------------------------------------------------------------------ the calendar

    /// @notice What a veto stopped goes back tranche by tranche, at the times at which it would have fallen due: held
    /// is never less than kept, never rises, and equals kept once everything would have been due.
    /// @dev Assumes: there is no call between the two times; check_7_OneWay_... covers calls. So with the lemmas
    /// check_1_DeliveredIsReserved and check_1_EntitlementNeverFalls, what a position is owed never falls.
    /// @custom:halmos --solver-command ".tools/venv/bin/python tools/python/solver"
    function check_15_HeldMoneyComesBackInTime(State calldata state, World calldata world, uint40 later) external {
        vm.assume(state.core.returnsByCalendar && later >= world.time);
        begin(state, world, Asset.ETH);
        assumeReadably(state, world.time, Asset.ETH);
        uint256 kept = state.core.kept.get(Asset.ETH);
        uint256 first = rescue.heldOf(Asset.ETH);
        vm.warp(later);
        uint256 then = rescue.heldOf(Asset.ETH);
        assert(first <= TRANCHES && then <= first && then >= kept);
        for (uint256 tranche = 1; tranche <= TRANCHES; ++tranche) {
            bool due = later >= dueAt(state.record.settledAt, tranche);
            assert(due == (then <= kept + TRANCHES - tranche));
        }
    }

    /// @notice In any state, what was or can be delivered from a pot, plus what its whole total is owed, is at most the
    /// total.
    /// @dev With check_1_PartsAreOwedAtMostTheWhole, this holds for any number of positions.
    /// @custom:halmos --solver-command ".tools/venv/bin/python tools/python/solver"
    function check_15_DeliveredAndRefundableAreTheTotal(State calldata state, World calldata world, uint8 id) external {
        Asset asset = assetOf(id);
        vm.assume(state.core.status != Status.Open);
        begin(state, world, asset);
        assumeReadably(state, world.time, asset);
        uint256 owed = Units.unwrap(rescue.entitledOf(asset, state.pot.total()));
        uint256 kept = Units.unwrap(state.pot.drawn().tranchesDown(state.core.kept.get(asset), TRANCHES));
        unchecked {
            assert(owed + kept <= total(state));
        }
    }

    // ------------------------------------------------------------------------------------------------ small things

    /// @dev Nothing is drawn from the other assets.
    function assumeDrawnAlone(State calldata state, Asset asset) private pure {
        for (uint256 i; i < 3; ++i) {
            vm.assume(Asset(i) == asset || state.core.kept.get(Asset(i)) == 0);
        }
    }

    /// @dev The drawn part of the position's value, in the single tier, whose draw order is 0.
    function drawnValue(State calldata state, Asset asset) private pure returns (uint256 value) {
        if (state.core.activeTiers == 0) return 0;
        value = Units.unwrap(state.position.amount());
        // The products fit in 200 and 208 bits.
        unchecked {
            if (asset != Asset.ETH) value = value * Rate.unwrap(state.record.rate) / RATE_UNIT;
            if (state.record.marginalOrder != 0) return value;
            vm.assume(state.record.marginalValue != 0);
            return value * state.record.marginalDraw / state.record.marginalValue;
        }
    }

    /// @dev What the proofs over products and quotients need from `isSound`, as comparisons that their solver
    /// understands.
    function assumeReadably(State calldata state, uint256 time, Asset asset) private pure {
        uint256 kept = state.core.kept.get(asset);
        vm.assume(kept <= TRANCHES && total(state) != 0 && drawn(state) <= total(state));
        vm.assume(Units.unwrap(state.position.amount()) <= total(state));
        if (state.core.returnsByCalendar) vm.assume(kept == 0 || time >= dueAt(state.record.settledAt, kept));
    }

    function callOf(uint8 which, Asset asset) private pure returns (bytes memory) {
        if (which == 0) return abi.encodeCall(IPledgeEscrow.object, (0, asset));
        if (which == 1) return abi.encodeCall(IPledgeEscrow.refund, (PLEDGER, 0, asset));
        vm.assume(which == 2);
        return abi.encodeCall(IPledgeEscrow.collect, (PLEDGER, asset));
    }
}
