// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status, Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { ProRata } from "levee/libraries/ProRata.sol";
import { Calendar } from "levee/libraries/Schedule.sol";
import { PerAsset, Pot } from "levee/types/Books.sol";
import { Asset, MAX_POT, Shares, Units, Wei, WstETHUnits } from "levee/types/Units.sol";

import { Rescue, State, Tokens } from "./Rescue.sol";
import { Symbolic } from "./Symbolic.sol";

/// @notice What one call of the whole escrow can do, from any state of its books and at any time.
/// @dev Each proof is the step of an induction: what no call breaks in any state holds after any sequence of calls. A
/// re-entrant call is such a call too, since the books are complete before anything is paid.
///
/// Assumes of a state only that it `isSound`, which `step` proves of the state after any call. Bounded: one tier, four tranches and the periods of `setUp`; one pot
/// holds something, and one position in it is looked at; the tokens are plain shares at a rate that can be read. The
/// contract is compiled without the IR.
contract EscrowProof is Symbolic {
    using ProRata for Units;

    address private constant BENEFICIARY = address(0xbe);
    address private constant GUARDIAN = address(0x9a);
    address private constant PLEDGER = address(0x91);
    address private constant STRANGER = address(0x57);
    uint256 private constant TRANCHES = 4;
    uint256 private constant EXIT_WINDOW = 5 days;
    uint256 private constant START = 1_800_000_000;

    Tokens private tokens;
    Rescue private rescue;

    /// @dev When a call comes, and what the escrow has of each asset, and the rate.
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
        terms.tiers = new Tier[](1);
        terms.tiers[0] = Tier(10_000, 0, 0);
        terms.objectionPeriod = 3 days;
        terms.vetoBps = 2000;
        terms.tranches = uint8(TRANCHES);
        terms.trancheInterval = 7 days;
        terms.releaseWindow = 30 days;
        terms.exitWindow = uint32(EXIT_WINDOW);
        rescue = new Rescue(terms);
    }

    // ------------------------------------------------------------------------------------------------ one way

    /// @notice Of each call: see `step`.
    function check_7_OneWay_Pledge(State calldata state, World calldata world, uint96 amount) external {
        vm.deal(address(this), amount);
        step(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.pledgeETH, (PLEDGER, 0)), amount);
    }

    /// @notice Of each call: see `step`.
    function check_7_OneWay_Exit(State calldata state, World calldata world) external {
        step(state, world, Asset.ETH, PLEDGER, abi.encodeCall(IPledgeEscrow.exit, (0, Asset.ETH, STRANGER)), 0);
    }

    /// @notice Of each call: see `step`.
    function check_7_OneWay_Settle(State calldata state, World calldata world) external {
        step(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.settle, ()), 0);
    }

    /// @notice Of each call: see `step`.
    function check_7_OneWay_Expire(State calldata state, World calldata world) external {
        vm.assume(world.rate == 0);
        step(state, world, Asset.WstETH, STRANGER, abi.encodeCall(IPledgeEscrow.expire, ()), 0);
    }

    /// @notice Of each call: see `step`.
    /// @dev Assumes: the rescue is decided (a late release first settles, as in check_7_OneWay_Settle), and what is known
    /// of the calendar (check_7_DueFromItsTimeOn).
    function check_7_OneWay_Release(State calldata state, World calldata world) external {
        vm.assume(state.core.status != Status.Open);
        uint256 due = Calendar(uint256(state.record.settledAt) + 3 days, 7 days, TRANCHES).dueAt(world.time);
        for (uint256 tranche = 1; tranche <= TRANCHES; ++tranche) {
            vm.assume((due >= tranche) == (world.time >= dueAt(state.record.settledAt, tranche)));
        }
        step(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.release, (Asset.ETH)), 0);
    }

    /// @notice Of each call: see `step`.
    /// @dev Assumes: the rescue is decided (a late refund first settles, as in check_7_OneWay_Settle), and what is known
    /// of an entitlement (check_1_EntitlementNeverFalls).
    function check_7_OneWay_Refund(State calldata state, World calldata world) external {
        vm.assume(state.core.status != Status.Open && total(state) != 0);
        Units reserved = state.pot.drawn().tranchesDown(state.core.kept.get(Asset.ETH), TRANCHES);
        Units entitled = state.position.amount().entitledDown(state.pot.total(), reserved);
        vm.assume(Units.unwrap(entitled) <= Units.unwrap(state.position.amount()));
        step(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.refund, (PLEDGER, 0, Asset.ETH)), 0);
    }

    /// @notice Of each call: see `step`.
    /// @dev Assumes: the rescue is decided (a late objection first settles, as in check_7_OneWay_Settle).
    function check_7_OneWay_Object(State calldata state, World calldata world) external {
        vm.assume(state.core.status != Status.Open);
        step(state, world, Asset.ETH, PLEDGER, abi.encodeCall(IPledgeEscrow.object, (0, Asset.ETH)), 0);
    }

    /// @notice Of each call: see `step`.
    function check_7_OneWay_Lapse(State calldata state, World calldata world) external {
        step(state, world, Asset.ETH, STRANGER, abi.encodeCall(IPledgeEscrow.lapse, ()), 0);
    }

    /// @notice Of each call: see `step`.
    function check_7_OneWay_Decline(State calldata state, World calldata world) external {
        step(state, world, Asset.ETH, GUARDIAN, abi.encodeCall(IPledgeEscrow.decline, (PLEDGER, 0, Asset.ETH)), 0);
    }

    /// @notice Of each call: see `step`.
    function check_7_OneWay_Amend(State calldata state, World calldata world, uint96 target, uint40 deadline) external {
        bytes memory call = abi.encodeCall(IPledgeEscrow.amend, (Wei.wrap(target), deadline, bytes32(0)));
        step(state, world, Asset.ETH, GUARDIAN, call, 0);
    }

    /// @notice Of each call: see `step`.
    function check_7_OneWay_Cancel(State calldata state, World calldata world) external {
        step(state, world, Asset.ETH, GUARDIAN, abi.encodeCall(IPledgeEscrow.cancel, ()), 0);
    }

    /// @dev Any call that goes through moves the status along the arrows alone (several of them at once, when it comes
    /// late and settles first). Once the rescue is decided it changes nothing of what settlement recorded, nor totals,
    /// draws or amounts; what is kept never rises, what is delivered never falls. So an entitlement never falls (property 1, with check_1_EntitlementNeverFalls). Once it is final nothing changes at all.
    function step(
        State memory state,
        World calldata world,
        Asset asset,
        address caller,
        bytes memory call,
        uint256 value
    ) private {
        State memory later = afterCall(state, world, asset, caller, call, value);
        assert(isSound(later, world.time));
        Status from = state.core.status;
        Status to = later.core.status;
        assert(
            from == to || from == Status.Open || (from == Status.Settled && to > Status.Settled && to != Status.Failed)
        );
        if (from == Status.Open) return;
        assert(Pot.unwrap(later.pot) == Pot.unwrap(state.pot));
        assert(Units.unwrap(later.position.amount()) == Units.unwrap(state.position.amount()));
        assert(later.record.settledAt == state.record.settledAt && later.record.drawn == state.record.drawn);
        assert(later.core.kept.get(asset) <= state.core.kept.get(asset));
        assert(later.core.delivered.get(asset) >= state.core.delivered.get(asset));
        if (state.record.finalAt == 0) return;
        assert(to == from && later.record.finalAt == state.record.finalAt);
        assert(later.core.kept.get(asset) == state.core.kept.get(asset));
    }

    // ------------------------------------------------------------------------------------------------ money

    /// @notice A pledge adds the same to the pot, to the position and to what the escrow has.
    function check_1_PledgesAreBooked(State calldata state, World calldata world, uint8 id, uint96 amount) external {
        Asset asset = assetOf(id);
        vm.deal(address(this), amount);
        tokens.write(STRANGER, amount, 0);
        bytes memory call = asset == Asset.ETH
            ? abi.encodeCall(IPledgeEscrow.pledgeETH, (PLEDGER, 0))
            : asset == Asset.StETH
                ? abi.encodeCall(IPledgeEscrow.pledgeStETH, (PLEDGER, 0, Shares.wrap(amount)))
                : abi.encodeCall(IPledgeEscrow.pledgeWstETH, (PLEDGER, 0, WstETHUnits.wrap(amount)));
        State memory later = afterCall(state, world, asset, STRANGER, call, asset == Asset.ETH ? amount : 0);
        unchecked {
            assert(held(address(rescue), asset) == hadOf(world, asset) + amount);
            assert(total(later) == total(state) + amount);
            assert(Units.unwrap(later.position.amount()) == Units.unwrap(state.position.amount()) + amount);
        }
    }

    /// @notice Whoever leaves or is declined gets the whole position, which leaves pot and position by as much.
    function check_1_LeavingTakesTheWholePosition(State calldata state, World calldata world, uint8 id, bool declined)
        external
    {
        Asset asset = assetOf(id);
        bytes memory call = declined
            ? abi.encodeCall(IPledgeEscrow.decline, (PLEDGER, 0, asset))
            : abi.encodeCall(IPledgeEscrow.exit, (0, asset, PLEDGER));
        State memory later = afterCall(state, world, asset, declined ? GUARDIAN : PLEDGER, call, 0);
        uint256 amount = Units.unwrap(state.position.amount());
        unchecked {
            assert(held(PLEDGER, asset) == amount);
            assert(held(address(rescue), asset) == hadOf(world, asset) - amount);
            assert(total(later) == total(state) - amount);
            assert(Units.unwrap(later.position.amount()) == 0);
        }
    }

    /// @notice A refund goes to the pledger, and is booked; of a decided rescue all refunds ever are at most the amount.
    /// @dev Assumes: the rescue is decided, and no more was refunded than the position is owed.
    function check_1_RefundsAreBooked(State calldata state, World calldata world, uint8 id) external {
        Asset asset = assetOf(id);
        vm.assume(state.core.status != Status.Open);
        bytes memory call = abi.encodeCall(IPledgeEscrow.refund, (PLEDGER, 0, asset));
        State memory later = afterCall(state, world, asset, STRANGER, call, 0);
        unchecked {
            uint256 paid = Units.unwrap(later.position.refunded()) - Units.unwrap(state.position.refunded());
            assert(held(PLEDGER, asset) == paid);
            assert(held(address(rescue), asset) == hadOf(world, asset) - paid);
        }
        assert(Pot.unwrap(later.pot) == Pot.unwrap(state.pot));
    }

    /// @notice What a release pays, it pays the beneficiary.
    /// @dev Assumes: the rescue is decided. How much it is follows from check_1_DeliveredIsReserved.
    function check_2_ReleasesGoToTheBeneficiary(State calldata state, World calldata world, uint8 id) external {
        Asset asset = assetOf(id);
        vm.assume(state.core.status != Status.Open);
        afterCall(state, world, asset, STRANGER, abi.encodeCall(IPledgeEscrow.release, (asset)), 0);
        unchecked {
            assert(held(address(rescue), asset) + held(BENEFICIARY, asset) == hadOf(world, asset));
        }
    }

    // ------------------------------------------------------------------------------------------------ guardian

    /// @notice Amending and cancelling move nothing, and nobody but the guardian can do either, or decline.
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
            assert(held(address(rescue), Asset.ETH) == world.eth && tokens.sharesOf(address(rescue)) == world.shares);
        }
    }

    /// @notice A cancelled rescue keeps no asset further than another: each to what is due, or less if it was less.
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

    /// @notice Until an amendment is in force the old target and deadline are, and whoever leaves gets the whole
    /// position; a second amendment is refused.
    /// @dev Assumes: the guardian's amendment goes through, and the later time is before it is in force.
    function check_8_ExitWindowProtects(
        State calldata state,
        World calldata world,
        uint96 target,
        uint40 deadline,
        uint40 later
    ) external {
        vm.assume(state.core.amendsAt == 0);
        uint256 amount = Units.unwrap(state.position.amount());
        vm.assume(amount != 0 && amount <= world.eth);
        bytes memory amend = abi.encodeCall(IPledgeEscrow.amend, (Wei.wrap(target), deadline, bytes32(0)));
        afterCall(state, world, Asset.ETH, GUARDIAN, amend, 0);
        vm.assume(later >= world.time && later < uint256(world.time) + EXIT_WINDOW);
        vm.warp(later);
        Terms memory terms = rescue.terms();
        assert(Wei.unwrap(terms.target) == state.core.target && terms.deadline == state.core.deadline);
        assert(!called(GUARDIAN, amend, 0));
        assert(called(PLEDGER, abi.encodeCall(IPledgeEscrow.exit, (0, Asset.ETH, PLEDGER)), 0));
        assert(held(PLEDGER, Asset.ETH) == amount);
    }

    // ------------------------------------------------------------------------------------------------ small things

    /// @dev The books after a call that goes through.
    function afterCall(
        State memory state,
        World calldata world,
        Asset asset,
        address caller,
        bytes memory call,
        uint256 value
    ) private returns (State memory) {
        vm.assume(world.time >= START && isSound(state, world.time));
        rescue.write(state, asset, PLEDGER);
        vm.deal(address(rescue), world.eth);
        tokens.write(address(rescue), world.shares, world.rate);
        vm.warp(world.time);
        vm.assume(called(caller, call, value));
        return rescue.read(asset, PLEDGER);
    }

    function called(address caller, bytes memory call, uint256 value) private returns (bool ok) {
        if (value != 0) vm.deal(caller, value);
        vm.prank(caller);
        (ok,) = address(rescue).call{ value: value }(call);
    }

    /// @dev What holds of every state: amounts fit; an undecided or failed rescue has drawn, kept and delivered nothing;
    /// of each asset delivered <= kept <= tranches, and what is delivered was due; it is final just when it is released, or
    /// cancelled and delivered.
    function isSound(State memory state, uint256 time) private pure returns (bool sound) {
        uint256 drawn = Units.unwrap(state.pot.drawn());
        uint256 amount = Units.unwrap(state.position.amount());
        uint256 refunded = Units.unwrap(state.position.refunded());
        sound = both(total(state) <= MAX_POT, drawn <= total(state));
        sound = both(sound, both(amount <= total(state), refunded <= amount));
        for (uint256 i; i < 3; ++i) {
            uint256 kept = state.core.kept.get(Asset(i));
            uint256 delivered = state.core.delivered.get(Asset(i));
            sound = both(sound, both(kept <= TRANCHES, delivered <= kept));
            sound = both(sound, implies(delivered != 0, time >= dueAt(state.record.settledAt, delivered)));
        }
        bool complete = PerAsset.unwrap(state.core.delivered) == PerAsset.unwrap(state.core.kept);
        bool ended = state.record.finalAt != 0;
        bool untouched = both(both(drawn == 0, PerAsset.unwrap(state.core.kept) == 0), !ended);
        Status status = state.core.status;
        sound = both(sound, implies(status == Status.Open, both(untouched, refunded == 0)));
        sound = both(sound, implies(status == Status.Failed, untouched));
        sound = both(sound, implies(status == Status.Settled, !ended));
        sound = both(sound, implies(status == Status.Released, both(ended, complete)));
        sound = both(sound, implies(status == Status.Cancelled, ended == complete));
    }

    /// @dev `a && b` without a branch, which would double the paths.
    function both(bool a, bool b) private pure returns (bool result) {
        assembly ("memory-safe") {
            result := and(a, b)
        }
    }

    /// @dev `!a || b`, likewise.
    function implies(bool a, bool b) private pure returns (bool result) {
        assembly ("memory-safe") {
            result := or(iszero(a), b)
        }
    }

    /// @dev When the tranche of that number, 1 to 4, falls due.
    function dueAt(uint256 settledAt, uint256 tranche) private pure returns (uint256) {
        unchecked {
            return settledAt + 3 days + (tranche - 1) * 7 days;
        }
    }

    function total(State memory state) private pure returns (uint256) {
        return Units.unwrap(state.pot.total());
    }

    function held(address account, Asset asset) private view returns (uint256) {
        return asset == Asset.ETH ? account.balance : tokens.sharesOf(account);
    }

    function hadOf(World calldata world, Asset asset) private pure returns (uint256) {
        return asset == Asset.ETH ? world.eth : world.shares;
    }

    function assetOf(uint8 id) private pure returns (Asset) {
        if (id == 0) return Asset.ETH;
        if (id == 1) return Asset.StETH;
        vm.assume(id == 2);
        return Asset.WstETH;
    }
}
