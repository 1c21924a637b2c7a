// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, IPledgeEscrow, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { ProRata } from "levee/libraries/ProRata.sol";
import { Pot } from "levee/types/Pots.sol";
import { Asset, MAX_POT, Shares, Units, Wei, WstETHUnits } from "levee/types/Units.sol";

import { State } from "./Rescue.sol";
import { Setting } from "./Setting.sol";

/// @notice What one call of the whole escrow can do, from any state of its books and at any time.
/// @dev Each proof is the step of an induction: what no call breaks in any state holds after any sequence of calls. A
/// re-entrant call is also such a call, because the books are complete before anything is paid.
///
/// The only assumption about a state is that it `isSound`, which `step` proves for the state after any call. Bounded
/// like Setting.
contract EscrowProof is Setting {
    using ProRata for Units;

    // ------------------------------------------------------------------------------------------------ one way

    /// @notice For each call: see `step`.
    function check_7_OneWay_Pledge(State calldata state, World calldata world, uint64 amendment, uint96 amount)
        external
    {
        vm.deal(address(this), amount);
        bytes memory call = abi.encodeCall(IPledgeEscrow.pledgeETH, (PLEDGER, 0, amendment));
        step(state, world, Asset.ETH, STRANGER, call, amount);
    }

    /// @notice For each call: see `step`.
    function check_7_OneWay_Exit(State calldata state, World calldata world) external {
        step(state, world, Asset.ETH, PLEDGER, abi.encodeCall(IPledgeEscrow.exit, (0, Asset.ETH, STRANGER)), 0);
    }

    /// @notice For each call: see `step`.
    function check_7_OneWay_Settle(State calldata state, World calldata world) external {
        step(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.settle, ()), 0);
    }

    /// @notice For each call: see `step`.
    function check_7_OneWay_Expire(State calldata state, World calldata world) external {
        vm.assume(world.rate == 0);
        step(state, world, Asset.WstETH, STRANGER, abi.encodeCall(IPledgeEscrow.expire, ()), 0);
    }

    /// @notice For each call: see `step`.
    /// @dev Assumes: the rescue is decided (a late release first settles, as in check_7_OneWay_Settle), and what is
    /// known of the calendar (check_7_DueFromItsTimeOn).
    function check_7_OneWay_Release(State calldata state, World calldata world) external {
        vm.assume(state.core.status != Status.Open);
        assumeCalendar(state.record.settledAt, world.time);
        step(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.release, (Asset.ETH)), 0);
    }

    /// @notice For each call: see `step`.
    /// @dev Assumes: the rescue is decided (a late refund first settles, as in check_7_OneWay_Settle), and what is
    /// known of the calendar and of an entitlement (check_7_DueFromItsTimeOn, check_1_EntitlementNeverFalls).
    function check_7_OneWay_Refund(State calldata state, World calldata world) external {
        vm.assume(state.core.status != Status.Open && total(state) != 0);
        uint256 due = assumeCalendar(state.record.settledAt, world.time);
        uint256 held = state.core.kept.get(Asset.ETH);
        if (state.core.returnsByCalendar) held += TRANCHES - due;
        Units reserved = state.pot.drawn().tranchesDown(held, TRANCHES);
        Units entitled = state.position.amount().entitledDown(state.pot.total(), reserved);
        vm.assume(Units.unwrap(entitled) <= Units.unwrap(state.position.amount()));
        step(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.refund, (PLEDGER, 0, Asset.ETH)), 0);
    }

    /// @notice For each call: see `step`.
    /// @dev Assumes: the rescue is decided (a late objection first settles, as in check_7_OneWay_Settle), and what is
    /// known of the calendar (check_7_DueFromItsTimeOn).
    function check_7_OneWay_Object(State calldata state, World calldata world) external {
        vm.assume(state.core.status != Status.Open);
        assumeCalendar(state.record.settledAt, world.time);
        step(state, world, Asset.ETH, PLEDGER, abi.encodeCall(IPledgeEscrow.object, (0, Asset.ETH)), 0);
    }

    /// @notice For each call: see `step`.
    function check_7_OneWay_Lapse(State calldata state, World calldata world) external {
        step(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.lapse, ()), 0);
    }

    /// @notice For each call: see `step`.
    function check_7_OneWay_Decline(State calldata state, World calldata world) external {
        step(state, world, Asset.ETH, GUARDIAN, abi.encodeCall(IPledgeEscrow.decline, (PLEDGER, 0, Asset.ETH)), 0);
    }

    /// @notice For each call: see `step`.
    function check_7_OneWay_Amend(State calldata state, World calldata world, uint96 target, uint40 deadline) external {
        bytes memory call = abi.encodeCall(IPledgeEscrow.amend, (Wei.wrap(target), deadline, bytes32(0)));
        step(state, world, Asset.ETH, GUARDIAN, call, 0);
    }

    /// @notice For each call: see `step`.
    /// @dev Assumes: what is known of the calendar (check_7_DueFromItsTimeOn).
    function check_7_OneWay_Cancel(State calldata state, World calldata world) external {
        if (state.core.status != Status.Open) assumeCalendar(state.record.settledAt, world.time);
        step(state, world, Asset.ETH, GUARDIAN, abi.encodeCall(IPledgeEscrow.cancel, ()), 0);
    }

    /// @notice For each call: see `step`.
    function check_7_OneWay_Collect(State calldata state, World calldata world) external {
        step(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.collect, (PLEDGER, Asset.ETH)), 0);
    }

    /// @dev Any call that succeeds leaves sound books, and moves the status only along the arrows (several at once, if
    /// it comes late and settles first). Once the rescue is decided, it changes nothing that settlement recorded, and
    /// no totals, draws or amounts; the end reason stays; what is kept or held never rises, and what is delivered never
    /// falls. So an entitlement never falls (property 1, with check_1_EntitlementNeverFalls). Once it is final, nothing
    /// changes except that a hold may be lifted.
    function step(
        State memory state,
        World calldata world,
        Asset asset,
        address caller,
        bytes memory call,
        uint256 value
    ) private {
        State memory later = afterCall(state, world, asset, caller, call, value);
        assert(isSound(later, world.time, asset));
        Status from = state.core.status;
        Status to = later.core.status;
        assert(
            from == to || from == Status.Open || (from == Status.Settled && to > Status.Settled && to != Status.Failed)
        );
        if (from == Status.Open) return;
        assertSettledOnce(state, later);
        assert(later.core.kept.get(asset) <= state.core.kept.get(asset));
        assert(later.core.delivered.get(asset) >= state.core.delivered.get(asset));
        if (drawn(state) != 0) {
            assert(heldTranches(later, world.time, asset) <= heldTranches(state, world.time, asset));
        }
        if (state.timeline.finalAt == 0) return;
        assert(to == from && later.timeline.finalAt == state.timeline.finalAt);
        assert(later.timeline.cancelledAt == state.timeline.cancelledAt);
        assert(later.timeline.lapsedAt == state.timeline.lapsedAt);
        assert(later.core.kept.get(asset) == state.core.kept.get(asset));
    }

    /// @dev What settlement recorded stays, and so does an end reason, once there is one.
    function assertSettledOnce(State memory state, State memory later) private pure {
        assert(Pot.unwrap(later.pot) == Pot.unwrap(state.pot));
        assert(Units.unwrap(later.position.amount()) == Units.unwrap(state.position.amount()));
        assert(later.record.settledAt == state.record.settledAt && later.record.drawn == state.record.drawn);
        if (state.core.endReason != EndReason.None) assert(later.core.endReason == state.core.endReason);
    }

    // ------------------------------------------------------------------------------------------------ money

    /// @notice A pledge adds the same amount to the pot, to the position and to the escrow's balance.
    function check_1_PledgesAreBooked(
        State calldata state,
        World calldata world,
        uint8 id,
        uint64 amendment,
        uint96 amount
    ) external {
        Asset asset = assetOf(id);
        State memory later = afterPledge(state, world, asset, amendment, amount);
        unchecked {
            assert(balanceOf(address(rescue), asset) == hadOf(world, asset) + amount);
            assert(total(later) == total(state) + amount);
            assert(Units.unwrap(later.position.amount()) == Units.unwrap(state.position.amount()) + amount);
        }
    }

    /// @notice A pledger who leaves or is declined gets the whole position, or is owed what could not be paid. The
    /// position leaves the pot by the same amount, and has one more departure.
    /// @dev Assumes: it left less than 2^24 - 1 times.
    function check_1_LeavingTakesTheWholePosition(
        State calldata state,
        World calldata world,
        uint8 id,
        bool declined,
        bool paused
    ) external {
        Asset asset = assetOf(id);
        vm.assume(state.position.departures() < type(uint24).max);
        tokens.setPaused(paused);
        State memory later = afterCall(state, world, asset, declined ? GUARDIAN : PLEDGER, leaving(declined, asset), 0);
        uint256 amount = Units.unwrap(state.position.amount());
        uint256 paid = balanceOf(PLEDGER, asset);
        unchecked {
            assert(paid + Units.unwrap(later.owed) - Units.unwrap(state.owed) == amount);
            assert(paid == 0 || paid == amount);
            assert(balanceOf(address(rescue), asset) == hadOf(world, asset) - paid);
            assert(total(later) == total(state) - amount);
            assert(Units.unwrap(later.position.amount()) == 0);
            assert(later.position.departures() == state.position.departures() + 1);
        }
    }

    /// @notice Collecting pays exactly what is owed, to the pledger or a recipient it names, once, and changes nothing
    /// else.
    function check_1_WhatIsOwedIsCollectedOnce(State calldata state, World calldata world, uint8 id, bool elsewhere)
        external
    {
        Asset asset = assetOf(id);
        bytes memory call = elsewhere
            ? abi.encodeCall(IPledgeEscrow.collectTo, (asset, STRANGER))
            : abi.encodeCall(IPledgeEscrow.collect, (PLEDGER, asset));
        State memory later = afterCall(state, world, asset, elsewhere ? PLEDGER : STRANGER, call, 0);
        unchecked {
            assert(balanceOf(elsewhere ? STRANGER : PLEDGER, asset) == Units.unwrap(state.owed));
            assert(balanceOf(address(rescue), asset) == hadOf(world, asset) - Units.unwrap(state.owed));
        }
        assert(Units.unwrap(state.owed) != 0 && Units.unwrap(later.owed) == 0);
        later.owed = state.owed;
        assert(keccak256(abi.encode(later)) == keccak256(abi.encode(state)));
        assert(!called(elsewhere ? PLEDGER : STRANGER, call, 0));
    }

    /// @notice A refund goes to the pledger, and is booked; in a decided rescue, all refunds together are at most the
    /// amount.
    /// @dev Assumes: the rescue is decided, and no more was refunded than the position is owed.
    function check_1_RefundsAreBooked(State calldata state, World calldata world, uint8 id) external {
        Asset asset = assetOf(id);
        vm.assume(state.core.status != Status.Open);
        bytes memory call = abi.encodeCall(IPledgeEscrow.refund, (PLEDGER, 0, asset));
        State memory later = afterCall(state, world, asset, STRANGER, call, 0);
        unchecked {
            uint256 paid = Units.unwrap(later.position.refunded()) - Units.unwrap(state.position.refunded());
            assert(balanceOf(PLEDGER, asset) == paid);
            assert(balanceOf(address(rescue), asset) == hadOf(world, asset) - paid);
        }
        assert(Pot.unwrap(later.pot) == Pot.unwrap(state.pot));
    }

    /// @notice A release pays only the beneficiary.
    /// @dev Assumes: the rescue is decided. The amount follows from check_1_DeliveredIsReserved.
    function check_2_ReleasesGoToTheBeneficiary(State calldata state, World calldata world, uint8 id) external {
        Asset asset = assetOf(id);
        vm.assume(state.core.status != Status.Open);
        afterCall(state, world, asset, STRANGER, abi.encodeCall(IPledgeEscrow.release, (asset)), 0);
        unchecked {
            assert(balanceOf(address(rescue), asset) + balanceOf(BENEFICIARY, asset) == hadOf(world, asset));
        }
    }

    // ------------------------------------------------------------------------------------------------ guardian

    /// @notice A pledge that names an amendment other than the latest is refused.
    function check_8_PledgesNameTheLatestAmendment(
        State calldata state,
        World calldata world,
        uint8 id,
        uint64 amendment,
        uint96 amount
    ) external {
        afterPledge(state, world, assetOf(id), amendment, amount);
        assert(amendment == state.core.effectiveAt);
    }

    /// @notice Amending and cancelling move nothing, and only the guardian can do either, or decline.
    function check_8_OnlyTheGuardianAndNoValue(
        State calldata state,
        World calldata world,
        address caller,
        uint8 which,
        uint96 target,
        uint40 deadline
    ) external {
        bytes memory call = which == 0
            ? abi.encodeCall(IPledgeEscrow.cancel, ())
            : which == 1
                ? abi.encodeCall(IPledgeEscrow.amend, (Wei.wrap(target), deadline, bytes32(0)))
                : abi.encodeCall(IPledgeEscrow.decline, (PLEDGER, 0, Asset.ETH));
        afterCall(state, world, Asset.ETH, caller, call, 0);
        assert(caller == GUARDIAN);
        if (which < 2) {
            assert(
                balanceOf(address(rescue), Asset.ETH) == world.eth && tokens.sharesOf(address(rescue)) == world.shares
            );
        }
    }

    /// @notice A cancelled rescue keeps no asset further than another: each up to what is due, or less if it was less.
    /// @dev Assumes: it was settled, so that it is the guardian's call that cancels.
    function check_8_CancelStopsAllAssetsAlike(State calldata state, World calldata world) external {
        vm.assume(state.core.status == Status.Settled);
        State memory later = afterCall(state, world, Asset.ETH, GUARDIAN, abi.encodeCall(IPledgeEscrow.cancel, ()), 0);
        uint256 highest = later.core.kept.get(Asset.ETH);
        for (uint256 i; i < 3; ++i) {
            uint256 kept = later.core.kept.get(Asset(i));
            if (kept > highest) highest = kept;
        }
        for (uint256 i; i < 3; ++i) {
            uint256 before = state.core.kept.get(Asset(i));
            assert(later.core.kept.get(Asset(i)) == (before < highest ? before : highest));
        }
    }

    /// @notice After a veto, the guardian's cancel returns everything that is held at once, and changes nothing else.
    function check_8_LiftingAHoldChangesNothingElse(State calldata state, World calldata world) external {
        vm.assume(state.core.returnsByCalendar);
        State memory later = afterCall(state, world, Asset.ETH, GUARDIAN, abi.encodeCall(IPledgeEscrow.cancel, ()), 0);
        assert(!later.core.returnsByCalendar && rescue.heldOf(Asset.ETH) == state.core.kept.get(Asset.ETH));
        later.core.returnsByCalendar = true;
        assert(keccak256(abi.encode(later)) == keccak256(abi.encode(state)));
    }

    /// @notice Until an amendment takes effect, the old target and deadline are in force, a second amendment is
    /// refused, and a pledger who leaves is out of the books with the whole position, paid or owed: for any asset, and
    /// also while stETH is paused.
    /// @dev Assumes: the guardian's amendment succeeds, the later time is before it takes effect, and no more than a
    /// pot's maximum is already owed.
    function check_8_ExitWindowProtects(
        State calldata state,
        World calldata world,
        uint8 id,
        bool paused,
        uint96 target,
        uint40 deadline,
        uint40 time
    ) external {
        Asset asset = assetOf(id);
        vm.assume(state.core.effectiveAt == 0 && Units.unwrap(state.position.amount()) != 0);
        vm.assume(Units.unwrap(state.owed) <= MAX_POT);
        bytes memory amend = abi.encodeCall(IPledgeEscrow.amend, (Wei.wrap(target), deadline, bytes32(0)));
        afterCall(state, world, asset, GUARDIAN, amend, 0);
        vm.assume(time >= world.time && time < uint256(world.time) + EXIT_WINDOW);
        vm.warp(time);
        tokens.setPaused(paused);
        Terms memory terms = rescue.terms();
        assert(Wei.unwrap(terms.target) == state.core.target && terms.deadline == state.core.deadline);
        assert(!called(GUARDIAN, amend, 0));
        assert(called(PLEDGER, leaving(false, asset), 0));
        assertLeft(state, asset);
    }

    /// @notice The guardian can decline any position while the rescue takes pledges, also while stETH is paused: it
    /// leaves the books, and is paid or owed.
    /// @dev Assumes: no more than a pot's maximum is already owed.
    function check_8_DeclineNeedsNobody(State calldata state, World calldata world, uint8 id, bool paused) external {
        Asset asset = assetOf(id);
        vm.assume(state.core.status == Status.Open && Units.unwrap(state.position.amount()) != 0);
        vm.assume(Units.unwrap(state.owed) <= MAX_POT);
        begin(state, world, asset);
        vm.assume(world.time <= rescue.terms().deadline);
        tokens.setPaused(paused);
        assert(called(GUARDIAN, leaving(true, asset), 0));
        assertLeft(state, asset);
    }

    // ------------------------------------------------------------------------------------------------ small things

    /// @dev The books after a stranger's pledge for the pledger.
    function afterPledge(State calldata state, World calldata world, Asset asset, uint64 amendment, uint96 amount)
        private
        returns (State memory)
    {
        vm.deal(address(this), amount);
        tokens.write(STRANGER, amount, 0);
        bytes memory call = asset == Asset.ETH
            ? abi.encodeCall(IPledgeEscrow.pledgeETH, (PLEDGER, 0, amendment))
            : asset == Asset.StETH
                ? abi.encodeCall(IPledgeEscrow.pledgeStETH, (PLEDGER, 0, amendment, Shares.wrap(amount)))
                : abi.encodeCall(IPledgeEscrow.pledgeWstETH, (PLEDGER, 0, amendment, WstETHUnits.wrap(amount)));
        return afterCall(state, world, asset, STRANGER, call, asset == Asset.ETH ? amount : 0);
    }

    function leaving(bool declined, Asset asset) private pure returns (bytes memory) {
        if (declined) return abi.encodeCall(IPledgeEscrow.decline, (PLEDGER, 0, asset));
        return abi.encodeCall(IPledgeEscrow.exit, (0, asset, PLEDGER));
    }

    /// @dev The position has left the books, and the pledger has it or is owed it.
    function assertLeft(State calldata state, Asset asset) private view {
        State memory left = rescue.read(asset, PLEDGER);
        uint256 amount = Units.unwrap(state.position.amount());
        assert(Units.unwrap(left.position.amount()) == 0);
        unchecked {
            assert(total(left) == total(state) - amount);
            assert(balanceOf(PLEDGER, asset) + Units.unwrap(left.owed) - Units.unwrap(state.owed) == amount);
        }
    }
}
