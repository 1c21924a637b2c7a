// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";
import { Vm } from "forge-std/Vm.sol";

import { Refuser } from "../util/Receivers.sol";
import { StETH } from "./StETH.sol";
import { WithdrawalQueue } from "./WithdrawalQueue.sol";
import { WstETH } from "./WstETH.sol";

/// @notice One step of the recording.
struct Step {
    bytes call;
    address from;
    uint256 value;
    uint256 time;
    uint256 pooledEther;
    bool ok;
    bytes returned;
    uint256 balance;
    bytes32 logs;
}

/// @notice The model against a recording of the real queue: each call of `tests/vectors/withdrawalQueue.json` gives the
/// same answer or error, the same events and the same payment.
contract WithdrawalQueueRecordingTest is Test {
    string private constant STEP =
        "Step(bytes call,address from,uint256 value,uint256 time,uint256 pooledEther,bool ok,bytes returned,uint256 balance,bytes32 logs)";

    StETH private stETH;
    WithdrawalQueue private queue;

    function setUp() public {
        vm.warp(1_800_000_000);
        vm.etch(makeAddr("refuser"), hex"5f5ffd");
        stETH = new StETH(10_000_000 ether, 12_000_000 ether);
        WstETH wstETH = new WstETH(stETH);
        queue = new WithdrawalQueue(wstETH);
        // The recording begins after the real queue's first resume.
        queue.pauseFor(1);
        queue.resume();
        stETH.approve(address(wstETH), type(uint256).max);
        wstETH.wrap(1_000_000 ether);
        string[3] memory names = ["alice", "bob", "carol"];
        for (uint256 i; i < names.length; ++i) {
            address account = makeAddr(names[i]);
            stETH.transferShares(account, 1_000_000 ether);
            wstETH.transfer(account, 100_000 ether);
            vm.startPrank(account);
            stETH.approve(address(queue), type(uint256).max);
            wstETH.approve(address(queue), type(uint256).max);
            vm.stopPrank();
        }
    }

    function test_Recording() public {
        string memory json = vm.readFile("tests/vectors/withdrawalQueue.json");
        Step[] memory steps = abi.decode(vm.parseJsonTypeArray(json, ".steps", STEP), (Step[]));
        assertEq(steps.length, 322);
        for (uint256 i; i < steps.length; ++i) {
            check(steps[i], vm.toString(i));
        }
    }

    function check(Step memory step, string memory number) private {
        vm.warp(step.time);
        stETH.setTotalPooledEther(step.pooledEther);
        vm.deal(step.from, step.value);
        vm.recordLogs();
        vm.prank(step.from);
        (bool ok, bytes memory returned) = address(queue).call{ value: step.value }(step.call);
        assertEq(ok, step.ok, number);
        assertEq(returned, step.returned, number);
        assertEq(step.from.balance, step.balance, number);
        assertEq(hashOf(vm.getRecordedLogs()), step.logs, number);
    }

    /// @dev Of the queue's own events, as the recording states them.
    function hashOf(Vm.Log[] memory logs) private view returns (bytes32) {
        bytes memory all;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter == address(queue)) all = abi.encode(all, logs[i].topics, logs[i].data);
        }
        return keccak256(all);
    }
}

/// @notice The model of the withdrawal queue by itself: its interface, which is Lido's, and its sums by hand.
contract WithdrawalQueueTest is Test {
    uint256 private constant START = 1_800_000_000;

    StETH private stETH;
    WstETH private wstETH;
    WithdrawalQueue private queue;
    address private alice = makeAddr("alice");
    address private bob = makeAddr("bob");

    function setUp() public {
        vm.warp(START);
        stETH = new StETH(1_000_000 ether, 1_500_000 ether);
        wstETH = new WstETH(stETH);
        queue = new WithdrawalQueue(wstETH);
        stETH.transferShares(alice, 10_000 ether);
        vm.startPrank(alice);
        stETH.approve(address(queue), type(uint256).max);
    }

    /// @dev As in the ABI in version 4.9.0 of the npm package lido-ethereum-sdk.
    function test_Selectors() public pure {
        assertEq(WithdrawalQueue.requestWithdrawals.selector, bytes4(0xd6681042));
        assertEq(WithdrawalQueue.requestWithdrawalsWstETH.selector, bytes4(0x19aa6257));
        assertEq(WithdrawalQueue.claimWithdrawals.selector, bytes4(0xe3afe0a3));
        assertEq(WithdrawalQueue.claimWithdrawalsTo.selector, bytes4(0x5e7eead9));
        assertEq(WithdrawalQueue.claimWithdrawal.selector, bytes4(0xf8444436));
        assertEq(WithdrawalQueue.findCheckpointHints.selector, bytes4(0x62abe3fa));
        assertEq(WithdrawalQueue.getWithdrawalRequests.selector, bytes4(0x7d031b65));
        assertEq(WithdrawalQueue.getWithdrawalStatus.selector, bytes4(0xb8c4b85a));
        assertEq(WithdrawalQueue.getClaimableEther.selector, bytes4(0xc97912d8));
        assertEq(WithdrawalQueue.prefinalize.selector, bytes4(0xa52e9c9f));
        assertEq(WithdrawalQueue.finalize.selector, bytes4(0xb6013cef));
        assertEq(WithdrawalQueue.pauseFor.selector, bytes4(0xf3f449c7));
        assertEq(WithdrawalQueue.resume.selector, bytes4(0x046f7da2));
        assertEq(WithdrawalQueue.onOracleReport.selector, bytes4(0x96992fed));
        assertEq(WithdrawalQueue.isPaused.selector, bytes4(0xb187bd26));
        assertEq(WithdrawalQueue.isBunkerModeActive.selector, bytes4(0x2b95b781));
        assertEq(WithdrawalQueue.unfinalizedRequestNumber.selector, bytes4(0xc2fc7aff));
        assertEq(WithdrawalQueue.unfinalizedStETH.selector, bytes4(0xd0fb84e8));
    }

    function test_SelectorsOfReads() public view {
        assertEq(queue.STETH.selector, bytes4(0xe00bfe50));
        assertEq(queue.WSTETH.selector, bytes4(0xd9fb643a));
        assertEq(queue.MIN_STETH_WITHDRAWAL_AMOUNT.selector, bytes4(0x0d25a957));
        assertEq(queue.MAX_STETH_WITHDRAWAL_AMOUNT.selector, bytes4(0xdb2296cd));
        assertEq(queue.getLastRequestId.selector, bytes4(0x19c2b4c3));
        assertEq(queue.getLastFinalizedRequestId.selector, bytes4(0x4f069a13));
        assertEq(queue.getLastCheckpointIndex.selector, bytes4(0x526eae3e));
        assertEq(queue.getLockedEtherAmount.selector, bytes4(0xf6fa8a47));
        assertEq(queue.getResumeSinceTimestamp.selector, bytes4(0x589ff76c));
        assertEq(queue.bunkerModeSinceTimestamp.selector, bytes4(0x9b36be58));
    }

    /// @dev As in the same ABI.
    function test_SelectorsOfErrors() public pure {
        assertEq(WithdrawalQueue.ArraysLengthMismatch.selector, bytes4(0x4c59bf28));
        assertEq(WithdrawalQueue.BatchesAreNotSorted.selector, bytes4(0xcdf129c4));
        assertEq(WithdrawalQueue.CantSendValueRecipientMayHaveReverted.selector, bytes4(0x0f0b498d));
        assertEq(WithdrawalQueue.EmptyBatches.selector, bytes4(0x12de1df3));
        assertEq(WithdrawalQueue.InvalidHint.selector, bytes4(0xcee778e2));
        assertEq(WithdrawalQueue.InvalidReportTimestamp.selector, bytes4(0x34819c03));
        assertEq(WithdrawalQueue.InvalidRequestId.selector, bytes4(0xc969e0f2));
        assertEq(WithdrawalQueue.InvalidRequestIdRange.selector, bytes4(0x71894257));
        assertEq(WithdrawalQueue.NotEnoughEther.selector, bytes4(0x8a0d3779));
        assertEq(WithdrawalQueue.NotOwner.selector, bytes4(0x23295f0e));
        assertEq(WithdrawalQueue.PausedExpected.selector, bytes4(0xb047186b));
        assertEq(WithdrawalQueue.RequestAlreadyClaimed.selector, bytes4(0xf0e0cc2d));
        assertEq(WithdrawalQueue.RequestAmountTooLarge.selector, bytes4(0x8ebfb78d));
        assertEq(WithdrawalQueue.RequestAmountTooSmall.selector, bytes4(0xb89b87c8));
        assertEq(WithdrawalQueue.RequestIdsNotSorted.selector, bytes4(0x374e8bd1));
        assertEq(WithdrawalQueue.RequestNotFoundOrNotFinalized.selector, bytes4(0x4ae50228));
        assertEq(WithdrawalQueue.ResumedExpected.selector, bytes4(0x14378398));
        assertEq(WithdrawalQueue.TooMuchEtherToFinalize.selector, bytes4(0x252dfe81));
        assertEq(WithdrawalQueue.ZeroPauseDuration.selector, bytes4(0xad58bfc7));
        assertEq(WithdrawalQueue.ZeroRecipient.selector, bytes4(0xd27b4443));
        assertEq(WithdrawalQueue.ZeroShareRate.selector, bytes4(0xe4e97357));
    }

    // ---------------------------------------------------------------- requesting

    function test_Request() public {
        vm.expectEmit(address(queue));
        emit WithdrawalQueue.WithdrawalRequested(1, alice, bob, 100, 66);
        vm.expectEmit(address(queue));
        emit WithdrawalQueue.Transfer(address(0), bob, 1);
        uint256[] memory ids = queue.requestWithdrawals(list(100, 1000 ether), bob);
        assertEq(ids, list(1, 2));
        assertEq(queue.getWithdrawalRequests(bob), list(1, 2));
        assertEq(queue.unfinalizedStETH(), 1000 ether + 100);
        assertEq(queue.unfinalizedRequestNumber(), 2);
        assertEq(stETH.sharesOf(address(queue)), 66 + 666_666_666_666_666_666_666);

        WithdrawalQueue.WithdrawalRequestStatus memory status = queue.getWithdrawalStatus(list(1))[0];
        assertEq(status.amountOfStETH, 100);
        assertEq(status.amountOfShares, 66);
        assertEq(status.owner, bob);
        assertEq(status.timestamp, START);
        assertFalse(status.isFinalized || status.isClaimed);
    }

    function test_RequestWstETH() public {
        stETH.approve(address(wstETH), 1.5 ether);
        wstETH.wrap(1.5 ether);
        wstETH.approve(address(queue), 1 ether);
        assertEq(queue.requestWithdrawalsWstETH(list(1 ether), address(0)), list(1));
        WithdrawalQueue.WithdrawalRequestStatus memory status = queue.getWithdrawalStatus(list(1))[0];
        assertEq(status.amountOfStETH, 1.5 ether);
        assertEq(status.amountOfShares, 1 ether);
        assertEq(status.owner, alice);
    }

    function test_RevertWhen_RequestRefused() public {
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.RequestAmountTooSmall.selector, 99));
        queue.requestWithdrawals(list(99), alice);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.RequestAmountTooLarge.selector, 1000 ether + 1));
        queue.requestWithdrawals(list(1000 ether + 1), alice);
        queue.pauseFor(60);
        vm.expectRevert(WithdrawalQueue.ResumedExpected.selector);
        queue.requestWithdrawals(list(100), alice);
        vm.expectRevert(WithdrawalQueue.ResumedExpected.selector);
        queue.requestWithdrawalsWstETH(list(100), alice);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.InvalidRequestId.selector, 1));
        queue.getWithdrawalStatus(list(1));
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.InvalidRequestId.selector, 0));
        queue.getWithdrawalStatus(list(0));
    }

    // ---------------------------------------------------------------- finalizing and claiming

    /// @dev Three requests of 300 at 1.5 (200 shares each): the first nominal, the others after a slashing to 1.2.
    function test_FinalizeAndClaim() public {
        queue.requestWithdrawals(list(300, 300), alice);
        queue.requestWithdrawals(list(300), bob);
        finalize(1, 1.5e27, 300);
        vm.expectEmit(address(queue));
        emit WithdrawalQueue.WithdrawalsFinalized(2, 3, 480, 400, START);
        vm.expectEmit(address(queue));
        emit WithdrawalQueue.BatchMetadataUpdate(2, 3);
        finalize(3, 1.2e27, 480);
        assertEq(queue.findCheckpointHints(list(1, 2), 1, 2), list(1, 2));
        assertEq(queue.getClaimableEther(list(1, 2), list(1, 2)), list(300, 240));

        vm.startPrank(alice);
        vm.expectEmit(address(queue));
        emit WithdrawalQueue.WithdrawalClaimed(1, alice, alice, 300);
        vm.expectEmit(address(queue));
        emit WithdrawalQueue.Transfer(alice, address(0), 1);
        queue.claimWithdrawals(list(1), list(1));
        queue.claimWithdrawalsTo(list(2), list(2), bob);
        assertEq(alice.balance, 300);
        assertEq(bob.balance, 240);
        assertEq(queue.getClaimableEther(list(1, 2), list(1, 2)), list(0, 0));
        vm.startPrank(bob);
        queue.claimWithdrawal(3);
        assertEq(bob.balance, 480);
        assertEq(queue.getLockedEtherAmount(), 0);
        assertEq(queue.getWithdrawalRequests(alice).length, 0);
    }

    function test_RevertWhen_FinalizeRefused() public {
        queue.requestWithdrawals(list(300, 300), alice);
        expectInvalidRequest(3);
        queue.finalize(3, 1e27);
        expectInvalidRequest(0);
        queue.finalize(0, 1e27);
        vm.deal(alice, 301);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.TooMuchEtherToFinalize.selector, 301, 300));
        queue.finalize{ value: 301 }(1, 1e27);
        vm.expectRevert(WithdrawalQueue.ZeroShareRate.selector);
        queue.prefinalize(list(1), 0);
        vm.expectRevert(WithdrawalQueue.EmptyBatches.selector);
        queue.prefinalize(new uint256[](0), 1);
        expectInvalidRequest(0);
        queue.prefinalize(list(0), 1);
        expectInvalidRequest(3);
        queue.prefinalize(list(3), 1);
        vm.expectRevert(WithdrawalQueue.BatchesAreNotSorted.selector);
        queue.prefinalize(list(2, 2), 1);
        queue.pauseFor(60);
        vm.expectRevert(WithdrawalQueue.ResumedExpected.selector);
        queue.finalize(1, 1e27);
    }

    function test_RevertWhen_ClaimRefused() public {
        queue.requestWithdrawals(list(300, 300), alice);
        queue.requestWithdrawals(list(300), alice);
        finalize(1, 2e27, 300);
        finalize(2, 2e27, 300);
        vm.startPrank(alice);
        expectInvalidRequest(0);
        queue.claimWithdrawals(list(0), list(1));
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.RequestNotFoundOrNotFinalized.selector, 3));
        queue.claimWithdrawals(list(3), list(1));
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.ArraysLengthMismatch.selector, 1, 2));
        queue.claimWithdrawals(list(1), list(1, 1));
        vm.expectRevert(WithdrawalQueue.ZeroRecipient.selector);
        queue.claimWithdrawalsTo(list(1), list(1), address(0));
        // No hint, none yet, one too early, one too late.
        expectInvalidHint(1, 0);
        expectInvalidHint(1, 3);
        expectInvalidHint(2, 1);
        expectInvalidHint(1, 2);
        address refuser = address(new Refuser());
        vm.expectRevert(WithdrawalQueue.CantSendValueRecipientMayHaveReverted.selector);
        queue.claimWithdrawalsTo(list(1), list(1), refuser);
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.NotOwner.selector, bob, alice));
        queue.claimWithdrawals(list(1), list(1));
        vm.startPrank(alice);
        queue.claimWithdrawals(list(1), list(1));
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.RequestAlreadyClaimed.selector, 1));
        queue.claimWithdrawals(list(1), list(1));
        vm.deal(address(queue), 299);
        vm.expectRevert(WithdrawalQueue.NotEnoughEther.selector);
        queue.claimWithdrawals(list(2), list(2));
    }

    /// @dev Requests 1 to 6 in three finalizations of two: hints 1, 1, 2, 2, 3, 3, and none for a request not finalized.
    function test_Hints() public {
        for (uint256 i; i < 7; ++i) {
            queue.requestWithdrawals(list(100), alice);
        }
        assertEq(queue.findCheckpointHints(list(1), 1, 0), list(0));
        for (uint256 i = 2; i <= 6; i += 2) {
            finalize(i, 2e27, 200);
        }
        for (uint256 id = 1; id <= 6; ++id) {
            assertEq(queue.findCheckpointHints(list(id), 1, 3), list((id + 1) / 2));
        }
        assertEq(queue.findCheckpointHints(list(7), 1, 3), list(0));
        assertEq(queue.findCheckpointHints(list(1), 2, 3), list(0));
        assertEq(queue.findCheckpointHints(list(5), 1, 2), list(0));
        assertEq(queue.findCheckpointHints(list(4), 1, 2), list(2));
        assertEq(queue.findCheckpointHints(list(1), 3, 2), list(0));
        vm.expectRevert(WithdrawalQueue.RequestIdsNotSorted.selector);
        queue.findCheckpointHints(list(2, 1), 1, 3);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.InvalidRequestIdRange.selector, 0, 3));
        queue.findCheckpointHints(list(1), 0, 3);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.InvalidRequestIdRange.selector, 1, 4));
        queue.findCheckpointHints(list(1), 1, 4);
    }

    // ---------------------------------------------------------------- pausing, bunker mode

    function test_Pause() public {
        vm.expectRevert(WithdrawalQueue.PausedExpected.selector);
        queue.resume();
        vm.expectRevert(WithdrawalQueue.ZeroPauseDuration.selector);
        queue.pauseFor(0);
        vm.expectEmit(address(queue));
        emit WithdrawalQueue.Paused(60);
        queue.pauseFor(60);
        vm.expectRevert(WithdrawalQueue.ResumedExpected.selector);
        queue.pauseFor(60);
        vm.warp(START + 59);
        assertTrue(queue.isPaused());
        vm.warp(START + 60);
        assertFalse(queue.isPaused());

        queue.pauseFor(type(uint256).max);
        vm.warp(START + 36_500 days);
        assertTrue(queue.isPaused());
        vm.expectEmit(address(queue));
        emit WithdrawalQueue.Resumed();
        queue.resume();
        assertFalse(queue.isPaused());
    }

    function test_BunkerMode() public {
        assertFalse(queue.isBunkerModeActive());
        vm.expectEmit(address(queue));
        emit WithdrawalQueue.BunkerModeEnabled(START - 5);
        queue.onOracleReport(true, START - 5, START - 1);
        queue.onOracleReport(true, START - 4, START - 1);
        assertTrue(queue.isBunkerModeActive());
        assertEq(queue.bunkerModeSinceTimestamp(), START - 5);
        vm.expectEmit(address(queue));
        emit WithdrawalQueue.BunkerModeDisabled();
        queue.onOracleReport(false, 0, START - 1);
        assertFalse(queue.isBunkerModeActive());
        vm.expectRevert(WithdrawalQueue.InvalidReportTimestamp.selector);
        queue.onOracleReport(true, START, START - 1);
        vm.expectRevert(WithdrawalQueue.InvalidReportTimestamp.selector);
        queue.onOracleReport(true, START - 1, START);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev Finalizes with what `prefinalize` asks for, which must be so much.
    function finalize(uint256 last, uint256 rate, uint256 expected) private {
        (uint256 amount,) = queue.prefinalize(list(last), rate);
        assertEq(amount, expected);
        deal(alice, alice.balance + amount);
        vm.startPrank(alice);
        queue.finalize{ value: amount }(last, rate);
    }

    function expectInvalidRequest(uint256 id) private {
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.InvalidRequestId.selector, id));
    }

    function expectInvalidHint(uint256 id, uint256 hint) private {
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.InvalidHint.selector, hint));
        queue.claimWithdrawals(list(id), list(hint));
    }

    function list(uint256 a) private pure returns (uint256[] memory items) {
        items = new uint256[](1);
        items[0] = a;
    }

    function list(uint256 a, uint256 b) private pure returns (uint256[] memory items) {
        items = new uint256[](2);
        (items[0], items[1]) = (a, b);
    }
}
