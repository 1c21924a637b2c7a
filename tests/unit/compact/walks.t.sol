// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CallView, CompactTerms, ICompact, MemberView } from "levee/interfaces/ICompact.sol";
import { IPledgeEscrow, Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Units, Wei, WstETHUnits } from "levee/types/Units.sol";

import { StETH } from "../../lido/StETH.sol";
import { WstETH } from "../../lido/WstETH.sol";
import { CompactTest } from "./CompactTest.sol";

/// @notice The bytecode against 120 random walks of an independent model, `tests/vectors/compact.json`: each call goes
/// through or is refused as the walk says and for its reason, pays what it says, and the walk ends with its books.
/// @dev Each proposal is for a rescue of its own, with one tier, of which a room is missing, at a rate of one.
contract CompactWalksTest is CompactTest {
    string[6] private names = ["alice", "bob", "carol", "dao", "erin", "frank"];

    /// @dev The rescue of each call.
    IPledgeEscrow[] private rescues;
    uint256 private steps;

    function setUp() public override {
        super.setUp();
        stETH = new StETH(10 ** 27, 10 ** 27);
        wstETH = new WstETH(stETH);
        stETH.approve(address(wstETH), 10 ** 27);
        wstETH.wrap(10 ** 27);
    }

    function test_Walks() public {
        vm.pauseGasMetering();
        string[] memory walks = vm.split(vm.readFile("tests/vectors/compact.json"), '{"seed":');
        assertEq(walks.length, 121);
        uint256 start = vm.snapshotState();
        for (uint256 i = 1; i < walks.length; ++i) {
            steps += this.replay(walks[i]);
            uint256 done = steps;
            vm.revertToState(start);
            steps = done;
        }
        assertEq(steps, 9449);
    }

    /// @dev A call of its own, so that its memory is free afterwards.
    function replay(string memory walk) external returns (uint256 count) {
        string[] memory parts = vm.split(walk, '],"final":');
        string[] memory list = vm.split(parts[0], '{"t":');
        begin(string.concat('{"seed":', list[0], "]}"));
        for (uint256 i = 1; i < list.length; ++i) {
            // Steps are divided by commas.
            string memory step = string.concat('{"t":', i + 1 < list.length ? without(list[i], 1) : list[i]);
            vm.warp(vm.parseJsonUint(step, ".t"));
            play(step);
        }
        end(without(parts[1], 2));
        return list.length - 1;
    }

    function begin(string memory json) private {
        CompactTerms memory terms = compactTerms();
        terms.admitter = address(0);
        terms.quorumBps = uint16(vm.parseJsonUint(json, ".terms.quorumBps"));
        terms.maxCallBps = uint16(vm.parseJsonUint(json, ".terms.maxCallBps"));
        terms.votingPeriod = uint32(vm.parseJsonUint(json, ".terms.votingPeriod"));
        terms.fulfillPeriod = uint32(vm.parseJsonUint(json, ".terms.fulfilPeriod"));
        terms.noticePeriod = uint32(vm.parseJsonUint(json, ".terms.noticePeriod"));
        terms.leaveWindow = uint32(vm.parseJsonUint(json, ".terms.leaveWindow"));
        terms.seasoning = uint32(vm.parseJsonUint(json, ".terms.seasoning"));
        terms.maxLock = 1000 days;
        vm.warp(vm.parseJsonUint(json, ".start"));
        compact = deployCompact(terms);
        wstETH.approve(address(compact), type(uint256).max);
        for (uint256 i; i < names.length; ++i) {
            allow(makeAddr(names[i]));
        }
    }

    /// @dev Makes the call of a step, and compares what it did.
    function play(string memory step) private {
        string memory op = vm.parseJsonString(step, ".op");
        if (same(op, "close")) return close(vm.parseJsonUint(step, ".call"));
        address who = vm.keyExistsJson(step, ".who") ? makeAddr(vm.parseJsonString(step, ".who")) : address(this);
        uint256 held = wstETH.balanceOf(address(compact));
        bytes memory call = encode(op, step, who);
        if (same(op, "commit")) fund(who, Asset.WstETH, vm.parseJsonUint(step, ".amount"));
        vm.prank(who);
        (bool success, bytes memory answer) = address(compact).call(call);
        assertEq(success, vm.parseJsonBool(step, ".ok"), step);
        if (success) return comparePays(step, op, held);
        string memory why = vm.parseJsonString(step, ".why");
        if (!explains(bytes4(answer), string.concat(op, ": ", why))) {
            revert(string.concat(step, vm.toString(bytes32(bytes4(answer)))));
        }
    }

    function encode(string memory op, string memory step, address who) private returns (bytes memory) {
        if (same(op, "commit")) return abi.encodeCall(ICompact.commit, (amountOf(step)));
        if (same(op, "takeBack")) return abi.encodeCall(ICompact.takeBackTo, (who));
        if (same(op, "activate")) return abi.encodeCall(ICompact.activate, (who));
        if (same(op, "notice")) return abi.encodeCall(ICompact.notice, (amountOf(step)));
        if (same(op, "leave")) return abi.encodeCall(ICompact.leaveTo, (who));
        if (same(op, "premium")) return abi.encodeCall(ICompact.payPremium, (amountOf(step)));
        if (same(op, "claim")) return abi.encodeCall(ICompact.claim, (who));
        if (same(op, "propose")) return encodeProposal(step, who);
        uint256 call = vm.parseJsonUint(step, ".call");
        if (same(op, "approve")) return abi.encodeCall(ICompact.approve, (call, who));
        if (same(op, "withdraw")) return abi.encodeCall(ICompact.withdraw, (call));
        address[] memory list = new address[](1);
        list[0] = who;
        return abi.encodeCall(ICompact.fulfill, (call, list));
    }

    /// @dev For a rescue that did not exist before.
    function encodeProposal(string memory step, address who) private returns (bytes memory) {
        Terms memory terms = defaultTerms();
        terms.target = Wei.wrap(vm.parseJsonUint(step, ".room"));
        terms.deadline = uint40(vm.getBlockTimestamp() + 300 days);
        terms.latestDeadline = terms.deadline;
        terms.tiers = new Tier[](1);
        terms.tiers[0] = Tier(10_000, 0, 0);
        terms.termsHash = keccak256(abi.encode(compact, gasleft(), step));
        IPledgeEscrow rescue = create(terms);
        uint16 bps = uint16(vm.parseJsonUint(step, ".bps"));
        if (vm.parseJsonBool(step, ".ok")) rescues.push(rescue);
        return abi.encodeCall(ICompact.propose, (who, terms, chunks, 0, bps));
    }

    function close(uint256 call) private {
        vm.prank(guardian);
        rescues[call].cancel();
    }

    /// @dev The compact holds less by what was paid, and whom it was for has it. Money that comes in is not listed.
    function comparePays(string memory step, string memory op, uint256 held) private {
        if (!vm.keyExistsJson(step, ".pays")) return;
        uint256 amount = vm.parseJsonUint(step, ".pays[0][1]");
        assertEq(held - wstETH.balanceOf(address(compact)), amount, step);
        string memory who = vm.parseJsonString(step, ".who");
        if (!same(op, "fulfil")) {
            assertEq(vm.parseJsonString(step, ".pays[0][0]"), who);
            // Members spend everything, so this is what they were paid now.
            assertEq(wstETH.balanceOf(makeAddr(who)), amount, step);
            vm.prank(makeAddr(who));
            wstETH.transfer(address(this), amount);
            return;
        }
        assertEq(vm.parseJsonString(step, ".pays[0][2]"), who);
        uint256 call = vm.parseJsonUint(step, ".call");
        (Units pledged,,,) = rescues[call].position(makeAddr(who), 0, Asset.WstETH);
        assertEq(pledged, amount, step);
    }

    function end(string memory json) private {
        (Units active,,) = compact.all();
        assertEq(active, vm.parseJsonUint(json, ".total"), "total");
        assertHeld(vm.parseJsonUint(json, ".balance"));
        // Only those who did anything.
        for (uint256 i; vm.keyExistsJson(json, string.concat(".members[", vm.toString(i), "]")); ++i) {
            string memory place = string.concat(".members[", vm.toString(i), "]");
            MemberView memory found = compact.memberOf(makeAddr(vm.parseJsonString(json, string.concat(place, ".who"))));
            assertEq(found.pending, vm.parseJsonUint(json, string.concat(place, ".pending")), "pending");
            assertEq(found.active, vm.parseJsonUint(json, string.concat(place, ".active")), "active");
            assertEq(found.noticed, vm.parseJsonUint(json, string.concat(place, ".noticed")), "noticed");
        }
        for (uint256 i; i < compact.callCount(); ++i) {
            string memory place = string.concat(".calls[", vm.toString(i), "]");
            CallView memory found = compact.callAt(i);
            assertEq(found.bps, vm.parseJsonUint(json, string.concat(place, ".bps")), "bps");
            assertEq(found.approvals, vm.parseJsonUint(json, string.concat(place, ".yes")), "approvals");
        }
        assertFalse(vm.keyExistsJson(json, string.concat(".calls[", vm.toString(compact.callCount()), "]")), "calls");
    }

    // ---------------------------------------------------------------- reasons

    /// @dev Whether the error is one that the walk's word stands for.
    function explains(bytes4 selector, string memory why) private pure returns (bool) {
        bytes4[2] memory known = errorsOf(why);
        return selector == known[0] || selector == known[1];
    }

    function errorsOf(string memory why) private pure returns (bytes4[2] memory) {
        if (same(why, "activate: early")) return [ICompact.StillSeasoning.selector, bytes4(0)];
        if (same(why, "activate: nothing")) return [ICompact.NothingPending.selector, bytes4(0)];
        if (same(why, "activate: stale")) return [ICompact.SeasonedTooLong.selector, bytes4(0)];
        if (same(why, "approve: late")) return [ICompact.VotingOver.selector, bytes4(0)];
        if (same(why, "approve: no weight")) return [ICompact.NoWeight.selector, bytes4(0)];
        if (same(why, "approve: passed")) return [ICompact.CallHasPassed.selector, bytes4(0)];
        if (same(why, "approve: twice")) return [ICompact.AlreadyApproved.selector, bytes4(0)];
        if (same(why, "approve: unknown")) return [ICompact.UnknownCall.selector, bytes4(0)];
        if (same(why, "claim: nothing")) return [ICompact.NothingToClaim.selector, bytes4(0)];
        if (same(why, "commit: zero")) return [ICompact.ZeroAmount.selector, bytes4(0)];
        if (same(why, "fulfil: late")) return [ICompact.FulfillmentOver.selector, bytes4(0)];
        if (same(why, "fulfil: not passed")) return [ICompact.CallNotPassed.selector, bytes4(0)];
        if (same(why, "fulfil: nothing")) return [ICompact.NothingToGive.selector, bytes4(0)];
        if (same(why, "fulfil: rescue")) return [IPledgeEscrow.PledgingClosed.selector, bytes4(0)];
        if (same(why, "fulfil: spacing")) return [ICompact.CallTooSoon.selector, bytes4(0)];
        if (same(why, "fulfil: twice")) return [ICompact.NothingToGive.selector, bytes4(0)];
        if (same(why, "fulfil: unknown")) return [ICompact.UnknownCall.selector, bytes4(0)];
        if (same(why, "leave: no notice")) return [ICompact.NothingNoticed.selector, bytes4(0)];
        if (same(why, "leave: window")) return [ICompact.NoticeRunning.selector, ICompact.NoticeLapsed.selector];
        if (same(why, "notice: too much")) return [ICompact.NoticeTooLarge.selector, bytes4(0)];
        if (same(why, "premium: nobody")) return [ICompact.NobodyEarns.selector, bytes4(0)];
        if (same(why, "premium: zero")) return [ICompact.ZeroAmount.selector, bytes4(0)];
        if (same(why, "propose: bps")) return [ICompact.BpsOutOfBounds.selector, bytes4(0)];
        if (same(why, "propose: no weight")) return [ICompact.NoWeight.selector, bytes4(0)];
        if (same(why, "propose: room")) return [ICompact.CallTooLarge.selector, bytes4(0)];
        if (same(why, "takeBack: nothing")) return [ICompact.NothingPending.selector, bytes4(0)];
        if (same(why, "withdraw: late")) return [ICompact.VotingOver.selector, bytes4(0)];
        // The walks ask for the approval before the time.
        if (same(why, "withdraw: nothing")) return [ICompact.NotApproved.selector, ICompact.VotingOver.selector];
        if (same(why, "withdraw: passed")) return [ICompact.CallHasPassed.selector, bytes4(0)];
        if (same(why, "withdraw: unknown")) return [ICompact.UnknownCall.selector, bytes4(0)];
        revert(why);
    }

    // ---------------------------------------------------------------- text

    function amountOf(string memory step) private pure returns (WstETHUnits) {
        return WstETHUnits.wrap(vm.parseJsonUint(step, ".amount"));
    }

    function same(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }

    /// @dev Without the last `count` bytes.
    function without(string memory text, uint256 count) private pure returns (string memory cut) {
        bytes memory source = bytes(text);
        cut = new string(source.length - count);
        for (uint256 i; i < source.length - count; ++i) {
            bytes(cut)[i] = source[i];
        }
    }
}
