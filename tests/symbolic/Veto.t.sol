// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { ProRata } from "levee/libraries/ProRata.sol";
import { Asset, Units } from "levee/types/Units.sol";

import { State } from "./Rescue.sol";
import { Setting } from "./Setting.sol";

/// @notice What a veto needs and what it does: it changes to whom money goes, never when.
/// @dev Assumes and bounded as EscrowProof.
contract VetoProof is Setting {
    using ProRata for Units;

    // ------------------------------------------------------------------------------------------------ the same block

    /// @notice In the block that settles, nothing is due, and nobody but the guardian can do anything by which any of
    /// what was drawn goes back, by a veto neither.
    /// @dev Assumes: the rescue settled in this very second (see check_15_SettlingHoldsAllThatIsDrawn), and is as any of these
    /// calls leaves it.
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

    /// @notice Settling holds all of what it draws.
    /// @dev Assumes: the call settles an open rescue.
    function check_15_SettlingHoldsAllThatIsDrawn(State calldata state, World calldata world) external {
        vm.assume(state.core.status == Status.Open);
        State memory later = afterCall(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.settle, ()), 0);
        vm.assume(later.core.status == Status.Settled);
        assert(later.record.settledAt == world.time);
        assert(drawn(later) == 0 || rescue.heldOf(Asset.ETH) == TRANCHES);
    }

    // ------------------------------------------------------------------------------------------------ the calendar

    /// @notice What a veto stopped comes back tranche by tranche, at the times at which it would have fallen due: held is
    /// never less than what is kept, never rises, and is what is kept once all would have been due.
    /// @dev Assumes: no call comes between the two times; what calls do is in check_7_OneWay_... So with the lemmas
    /// check_1_DeliveredIsReserved and check_1_EntitlementNeverFalls what a position is owed never falls.
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

    /// @notice In any state, what was or can be delivered of a pot and what its whole total is owed are at most the total.
    /// @dev With check_1_PartsAreOwedAtMostTheWhole, so of any number of positions.
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

    /// @dev What the proofs over products and quotients need of `isSound`, in comparisons that their solver reads.
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
