// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, Status, Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { Calendar } from "levee/libraries/Schedule.sol";
import { PerAsset } from "levee/types/Pots.sol";
import { Asset, MAX_POT, Units, Wei } from "levee/types/Units.sol";

import { Rescue, State, Tokens } from "./Rescue.sol";
import { Symbolic } from "./Symbolic.sol";

/// @notice The starting point of the proofs of the whole escrow: a rescue whose books can be set, and what holds for
/// all books.
/// @dev Bounded: one tier, four tranches and the periods of `setUp`; one pot is not empty, and one position in it is
/// examined; the tokens are plain shares at a readable rate. The contract is compiled without the IR.
abstract contract Setting is Symbolic {
    address internal constant BENEFICIARY = address(0xbe);
    address internal constant GUARDIAN = address(0x9a);
    address internal constant PLEDGER = address(0x91);
    address internal constant STRANGER = address(0x57);
    uint256 internal constant TRANCHES = 4;
    uint256 internal constant VETO_BPS = 2000;
    uint256 internal constant EXIT_WINDOW = 5 days;
    uint256 internal constant OBJECTION_PERIOD = 3 days;
    uint256 internal constant TRANCHE_INTERVAL = 7 days;
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant LATEST_DEADLINE = START + 90 days;

    Tokens internal tokens;
    Rescue internal rescue;

    /// @dev The time of a call, the escrow's balances, and the rate.
    struct World {
        uint40 time;
        uint96 eth;
        uint96 shares;
        uint96 rate;
    }

    function setUp() public {
        vm.warp(START);
        tokens = new Tokens();
        Terms memory terms;
        terms.beneficiary = BENEFICIARY;
        terms.guardian = GUARDIAN;
        terms.stETH = address(tokens);
        terms.wstETH = address(tokens);
        terms.target = Wei.wrap(1000 ether);
        terms.deadline = uint40(START + 30 days);
        terms.latestDeadline = uint40(LATEST_DEADLINE);
        terms.tiers = new Tier[](1);
        terms.tiers[0] = Tier(10_000, 0, 0);
        terms.objectionPeriod = uint32(OBJECTION_PERIOD);
        terms.vetoBps = uint16(VETO_BPS);
        terms.tranches = uint8(TRANCHES);
        terms.trancheInterval = uint32(TRANCHE_INTERVAL);
        terms.releaseWindow = 30 days;
        terms.exitWindow = uint32(EXIT_WINDOW);
        rescue = new Rescue(terms);
    }

    // ------------------------------------------------------------------------------------------------ calls

    /// @dev The books after a call that succeeds.
    function afterCall(
        State memory state,
        World memory world,
        Asset asset,
        address caller,
        bytes memory call,
        uint256 value
    ) internal returns (State memory) {
        begin(state, world, asset);
        vm.assume(called(caller, call, value));
        return rescue.read(asset, PLEDGER);
    }

    /// @dev Puts the escrow and its environment into a sound state.
    function begin(State memory state, World memory world, Asset asset) internal {
        vm.assume(world.time >= START && isSound(state, world.time, asset));
        rescue.write(state, asset, PLEDGER);
        vm.deal(address(rescue), world.eth);
        tokens.write(address(rescue), world.shares, world.rate);
        vm.warp(world.time);
    }

    function called(address caller, bytes memory call, uint256 value) internal returns (bool ok) {
        if (value != 0) vm.deal(caller, value);
        vm.prank(caller);
        (ok,) = address(rescue).call{ value: value }(call);
    }

    // ------------------------------------------------------------------------------------------------ sound books

    /// @dev What holds for every state. `step` of EscrowProof proves it for the state after any call, from any sound
    /// state.
    function isSound(State memory state, uint256 time, Asset asset) internal pure returns (bool sound) {
        sound = both(areAmountsSound(state), areCountsSound(state, time, asset));
        sound = both(sound, both(isStatusSound(state), areTermsSound(state, time)));
    }

    /// @dev The draw from a pot, a position in it, and the refunded part of that are parts of the pot; likewise, the
    /// draw of the last group is a part of its value. What is owed has left the pots.
    function areAmountsSound(State memory state) internal pure returns (bool sound) {
        uint256 amount = Units.unwrap(state.position.amount());
        sound = both(total(state) <= MAX_POT, drawn(state) <= total(state));
        sound = both(sound, both(amount <= total(state), Units.unwrap(state.position.refunded()) <= amount));
        sound = both(sound, state.record.marginalDraw <= state.record.marginalValue);
    }

    /// @dev For each asset, delivered <= kept <= tranches, and what is delivered was due. Until something is stopped,
    /// everything drawn is kept; a veto keeps no more than was due.
    function areCountsSound(State memory state, uint256 time, Asset asset) internal pure returns (bool sound) {
        sound = true;
        uint40 settledAt = state.record.settledAt;
        bool whole = either(state.core.status == Status.Settled, state.core.status == Status.Released);
        for (uint256 i; i < 3; ++i) {
            uint256 kept = state.core.kept.get(Asset(i));
            uint256 delivered = state.core.delivered.get(Asset(i));
            sound = both(sound, both(kept <= TRANCHES, delivered <= kept));
            sound = both(sound, areDue(settledAt, time, delivered));
            sound = both(sound, implies(state.core.returnsByCalendar, areDue(settledAt, time, kept)));
            sound = both(sound, implies(both(whole, kept != 0), kept == TRANCHES));
        }
        sound = both(sound, implies(whole, (state.core.kept.get(asset) != 0) == (drawn(state) != 0)));
    }

    /// @dev An undecided or failed rescue has drawn, kept and delivered nothing, and nothing is held. A rescue is final
    /// exactly when it is released, or cancelled and delivered. It has an end reason exactly when it failed or was
    /// cancelled, and returns by the calendar only after a veto.
    function isStatusSound(State memory state) internal pure returns (bool sound) {
        Status status = state.core.status;
        bool complete = PerAsset.unwrap(state.core.delivered) == PerAsset.unwrap(state.core.kept);
        bool ended = state.timeline.finalAt != 0;
        bool untouched = both(both(drawn(state) == 0, PerAsset.unwrap(state.core.kept) == 0), !ended);
        sound = implies(status == Status.Open, both(untouched, Units.unwrap(state.position.refunded()) == 0));
        sound = both(sound, implies(status == Status.Open, !state.position.objected()));
        sound = both(sound, implies(status == Status.Failed, untouched));
        sound = both(sound, implies(status == Status.Settled, !ended));
        sound = both(sound, implies(status == Status.Released, both(ended, complete)));
        sound = both(sound, implies(status == Status.Cancelled, ended == complete));
        bool stopped = either(status == Status.Failed, status == Status.Cancelled);
        sound = both(sound, stopped == (state.core.endReason != EndReason.None));
        bool vetoed = both(status == Status.Cancelled, state.core.endReason == EndReason.Vetoed);
        sound = both(sound, implies(state.core.returnsByCalendar, vetoed));
    }

    /// @dev No deadline is later than the latest one; an amendment takes effect no later than the deadline, and before
    /// the one that it sets.
    function areTermsSound(State memory state, uint256 time) internal pure returns (bool sound) {
        uint256 effectiveAt = state.core.effectiveAt;
        bool pending = both(state.core.status == Status.Open, time < effectiveAt);
        bool inTime = both(effectiveAt < state.amended.deadline, state.amended.deadline <= LATEST_DEADLINE);
        sound = both(state.core.deadline <= LATEST_DEADLINE, implies(effectiveAt != 0, inTime));
        sound = both(sound, implies(pending, effectiveAt <= state.core.deadline));
    }

    // ------------------------------------------------------------------------------------------------ the calendar

    /// @dev What is known about the calendar (check_7_DueFromItsTimeOn), so that no solver has to derive it.
    function assumeCalendar(uint40 settledAt, uint256 time) internal pure returns (uint256 due) {
        due = Calendar(uint256(settledAt) + OBJECTION_PERIOD, TRANCHE_INTERVAL, TRANCHES).dueAt(time);
        for (uint256 tranche = 1; tranche <= TRANCHES; ++tranche) {
            vm.assume((due >= tranche) == (time >= dueAt(settledAt, tranche)));
        }
    }

    /// @dev Tranches that do not go back yet, recounted from the times of all tranches.
    function heldTranches(State memory state, uint256 time, Asset asset) internal pure returns (uint256 held) {
        held = state.core.kept.get(asset);
        for (uint256 tranche = 1; tranche <= TRANCHES; ++tranche) {
            bool later = time < dueAt(state.record.settledAt, tranche);
            unchecked {
                held += toUint(both(state.core.returnsByCalendar, later));
            }
        }
    }

    /// @dev Whether `number` tranches are due: each case separately, because solvers are slow at a product with the
    /// number.
    function areDue(uint256 settledAt, uint256 time, uint256 count) internal pure returns (bool all) {
        all = true;
        for (uint256 tranche = 1; tranche <= TRANCHES; ++tranche) {
            all = both(all, implies(count >= tranche, time >= dueAt(settledAt, tranche)));
        }
    }

    /// @dev When the tranche with this number, 1 to 4, falls due.
    function dueAt(uint256 settledAt, uint256 tranche) internal pure returns (uint256) {
        unchecked {
            return settledAt + OBJECTION_PERIOD + (tranche - 1) * TRANCHE_INTERVAL;
        }
    }

    // ------------------------------------------------------------------------------------------------ small things

    /// @dev `a && b` without a branch, which would double the paths.
    function both(bool a, bool b) internal pure returns (bool result) {
        assembly ("memory-safe") {
            result := and(a, b)
        }
    }

    /// @dev `a || b`, likewise.
    function either(bool a, bool b) internal pure returns (bool result) {
        assembly ("memory-safe") {
            result := or(a, b)
        }
    }

    /// @dev `!a || b`, likewise.
    function implies(bool a, bool b) internal pure returns (bool result) {
        assembly ("memory-safe") {
            result := or(iszero(a), b)
        }
    }

    function toUint(bool a) internal pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := a
        }
    }

    function total(State memory state) internal pure returns (uint256) {
        return Units.unwrap(state.pot.total());
    }

    function drawn(State memory state) internal pure returns (uint256) {
        return Units.unwrap(state.pot.drawn());
    }

    function balanceOf(address account, Asset asset) internal view returns (uint256) {
        return asset == Asset.ETH ? account.balance : tokens.sharesOf(account);
    }

    function hadOf(World memory world, Asset asset) internal pure returns (uint256) {
        return asset == Asset.ETH ? world.eth : world.shares;
    }

    function assetOf(uint8 id) internal pure returns (Asset) {
        if (id == 0) return Asset.ETH;
        if (id == 1) return Asset.StETH;
        vm.assume(id == 2);
        return Asset.WstETH;
    }
}
