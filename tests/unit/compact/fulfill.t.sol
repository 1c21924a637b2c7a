// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { ICompact } from "levee/interfaces/ICompact.sol";
import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Units } from "levee/types/Units.sol";

import { units } from "../../util/EscrowTest.sol";
import { CompactTest } from "./CompactTest.sol";

/// fulfill
/// ├── it pledges each member's share in its own name, emits {Given}, and at first {CallStarted}
/// ├── the share is floor(active one second before the proposal * bps / 10,000), or what is still active
/// ├── what is not under notice is given first; what is noticed is cut to what is active
/// ├── members that gave, or have nothing, are skipped; a list of nobody else reverts with {NothingToGive}
/// ├── from passing up to the last second; before it reverts with {CallNotPassed}, after with {FulfillmentOver}
/// ├── given another call began, up to its spacing it reverts with {CallTooSoon}
/// ├── given the rescue was amended, or takes no pledges, it reverts with the escrow's error; nothing moves
/// ├── a call that gives nothing uses nothing up
/// └── what the rescue refunds goes to the members
contract CompactFulfillTest is CompactTest {
    function test_Fulfill() public {
        uint256 call = proposeHalf();
        pass(call);
        vm.warp(PROPOSED_AT + 5);
        vm.expectEmit(address(compact));
        emit ICompact.CallStarted(call, uint40(PROPOSED_AT + 5));
        vm.expectEmit(address(compact));
        emit ICompact.Given(call, bob, units(150 ether), uint40(PROPOSED_AT + 5));
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Pledged(bob, LOAN, Asset.WstETH, units(150 ether));
        fulfill(call, bob);
        assertMember(bob, 0, 150 ether, 0);
        assertVote(call, bob, false, true);
        assertEq(compact.shareOf(call, bob), 0);
        (uint256 started, uint40 startedAt) = compact.lastStarted();
        assertEq(started, call);
        assertEq(startedAt, PROPOSED_AT + 5);

        fulfill(call, everyone());
        assertPosition(alice, LOAN, Asset.WstETH, 300 ether, 0, 0);
        assertPosition(bob, LOAN, Asset.WstETH, 150 ether, 0, 0);
        assertPosition(carol, LOAN, Asset.WstETH, 50 ether, 0, 0);
        assertAll(500 ether, 500 ether);
        assertHeld(500 ether);
        assertEq(wstETH.allowance(address(compact), address(escrow)), 0);
        // The record is of the first fulfillment.
        (, startedAt) = compact.lastStarted();
        assertEq(startedAt, PROPOSED_AT + 5);
    }

    /// @dev 3 units, of which half is one.
    function test_Fulfill_RoundsDown() public {
        join(dave, 3);
        vm.warp(PROPOSED_AT + SEASONING);
        activate(dave);
        vm.warp(PROPOSED_AT + SEASONING + 1);
        escrow = create(anotherTerms("later"));
        uint256 call = propose(dave, anotherTerms("later"), LOAN, HALF);
        approveCall(alice, call);
        approveCall(bob, call);
        fulfill(call, dave);
        assertMember(dave, 0, 2, 0);
        assertPosition(dave, LOAN, Asset.WstETH, 1, 0, 0);
    }

    function test_Fulfill_SkipsWhoGaveOrHasNothing() public {
        uint256 call = proposeHalf();
        pass(call);
        address[] memory list = new address[](5);
        (list[0], list[1], list[2], list[3], list[4]) = (dave, alice, alice, address(0), bob);
        fulfill(call, list);
        assertMember(alice, 0, 300 ether, 0);
        assertMember(bob, 0, 150 ether, 0);
        expectNothingToGive(call);
        fulfill(call, list);
        expectNothingToGive(call);
        fulfill(call, new address[](0));
        fulfill(call, carol);
        expectNothingToGive(call);
        fulfill(call, everyone());
    }

    // ---------------------------------------------------------------- notice

    function test_Fulfill_TakesWhatIsNotUnderNoticeFirst() public {
        uint256 call = proposeHalf();
        notice(alice, 100 ether);
        notice(bob, 200 ether);
        notice(carol, 100 ether);
        pass(call);
        vm.warp(PROPOSED_AT + 1);
        fulfill(call, everyone());
        // Of 600, 300 remain: 200 with weight, and all that was noticed.
        assertMember(alice, 0, 300 ether, 100 ether);
        // Of 300, 150 remain: all under notice.
        assertMember(bob, 0, 150 ether, 150 ether);
        assertMember(carol, 0, 50 ether, 50 ether);
        assertAll(500 ether, 200 ether);

        vm.warp(PROPOSED_AT + NOTICE);
        leaveTo(alice, alice);
        leaveTo(bob, bob);
        leaveTo(carol, carol);
        assertEq(wstETH.balanceOf(alice), 100 ether);
        assertEq(wstETH.balanceOf(bob), 150 ether);
        assertEq(wstETH.balanceOf(carol), 50 ether);
        assertMember(bob, 0, 0, 0);
        assertAll(200 ether, 200 ether);
        assertHeld(200 ether);
    }

    /// @dev Of what was active, the most that is left.
    function test_Fulfill_AfterLeaving() public {
        notice(alice, 400 ether);
        notice(bob, 300 ether);
        vm.warp(PROPOSED_AT + NOTICE);
        escrow = create(anotherTerms("later"));
        // Alice's weight is 200, bob's nothing: everyone else must approve, and the quorum is out of reach.
        uint256 call = propose(carol, anotherTerms("later"), LOAN, HALF);
        assertEq(compact.callAt(call).required, 700 ether);
        approveCall(alice, call);
        approveCall(carol, call);
        assertCall(call, 300 ether, 0);
        leaveTo(alice, alice);
        leaveTo(bob, bob);
        assertEq(compact.shareOf(call, alice), 200 ether);
        assertEq(compact.shareOf(call, bob), 0);
        assertEq(compact.shareOf(call, carol), 50 ether);
    }

    /// @dev Who proposes the call in time has it passed before anyone can leave, but not whole before notice is over.
    function test_Fulfill_OfWhoHasLeft() public {
        notice(bob, 300 ether);
        vm.warp(PROPOSED_AT + NOTICE);
        escrow = create(anotherTerms("later"));
        uint256 call = propose(alice, anotherTerms("later"), LOAN, HALF);
        pass(call);
        leaveTo(bob, bob);
        expectNothingToGive(call);
        fulfill(call, bob);
        fulfill(call, alice);
        assertMember(alice, 0, 300 ether, 0);
    }

    /// @dev Bob leaves with 200 of 300, and gives the 100 that are left, which he has put under notice: no notice stays.
    function test_Fulfill_OfAllThatIsLeft() public {
        notice(bob, 200 ether);
        vm.warp(PROPOSED_AT + NOTICE);
        escrow = create(anotherTerms("later"));
        uint256 call = propose(alice, anotherTerms("later"), LOAN, HALF);
        approveCall(alice, call);
        approveCall(carol, call);
        leaveTo(bob, bob);
        notice(bob, 100 ether);
        assertEq(compact.memberOf(bob).noticedAt, block.timestamp);
        fulfill(call, bob);
        assertMember(bob, 0, 0, 0);
        assertEq(compact.memberOf(bob).noticedAt, 0);
        assertPosition(bob, LOAN, Asset.WstETH, 100 ether, 0, 0);
    }

    // ---------------------------------------------------------------- when

    function test_Fulfill_RevertWhen_NotPassed() public {
        uint256 call = proposeHalf();
        approveCall(alice, call);
        bytes4 selector = ICompact.CallNotPassed.selector;
        vm.expectRevert(abi.encodeWithSelector(selector, call, 600 ether, 700 ether));
        fulfill(call, alice);
    }

    function test_Fulfill_UpToTheLastSecond() public {
        uint256 call = proposeHalf();
        vm.warp(PROPOSED_AT + VOTING);
        pass(call);
        vm.warp(PROPOSED_AT + VOTING + FULFILL);
        fulfill(call, alice);
        vm.warp(PROPOSED_AT + VOTING + FULFILL + 1);
        expectTime(ICompact.FulfillmentOver.selector, PROPOSED_AT + VOTING + FULFILL);
        fulfill(call, bob);
    }

    function test_Fulfill_Spacing() public {
        uint256 first = proposeHalf();
        uint256 rival = proposeHalf();
        pass(first);
        pass(rival);
        vm.warp(PROPOSED_AT + 2);
        fulfill(first, alice);
        uint256 limit = PROPOSED_AT + 2 + SPACING;
        expectTime(ICompact.CallTooSoon.selector, limit);
        fulfill(rival, bob);
        // The first goes on.
        vm.warp(PROPOSED_AT + 3);
        fulfill(first, bob);

        vm.warp(limit - 1);
        escrow = create(anotherTerms("later"));
        uint256 next = propose(alice, anotherTerms("later"), LOAN, HALF);
        approveCall(alice, next);
        approveCall(bob, next);
        vm.warp(limit);
        expectTime(ICompact.CallTooSoon.selector, limit);
        fulfill(next, alice);
        vm.warp(limit + 1);
        fulfill(next, alice);
        // Half of the half that was left.
        assertMember(alice, 0, 150 ether, 0);
        (uint256 started, uint40 startedAt) = compact.lastStarted();
        assertEq(started, next);
        assertEq(startedAt, limit + 1);
    }

    /// @dev Whoever gives notice when the first call begins has left before another can give.
    function test_Fulfill_WhoDisagreesHasLeftBeforeTheNext() public {
        uint256 call = proposeHalf();
        pass(call);
        fulfill(call, everyone());
        notice(bob, 150 ether);
        // The last second in which it may leave is the last one of the spacing, if it gave notice as late as possible.
        vm.warp(PROPOSED_AT + FULFILL);
        notice(carol, 50 ether);
        vm.warp(PROPOSED_AT + NOTICE);
        leaveTo(bob, bob);
        vm.warp(PROPOSED_AT + SPACING);
        leaveTo(carol, carol);
        assertEq(wstETH.balanceOf(bob), 150 ether);
        assertEq(wstETH.balanceOf(carol), 50 ether);
    }

    // ---------------------------------------------------------------- the rescue

    function test_Fulfill_RevertGiven_Amended() public {
        uint256 call = proposeHalf();
        pass(call);
        amend(TARGET, DEADLINE, "another document");
        expectAmendmentDiffers(0, PROPOSED_AT + EXIT_WINDOW);
        fulfill(call, everyone());
        assertAll(1000 ether, 1000 ether);
        assertVote(call, alice, true, false);
        (, uint40 startedAt) = compact.lastStarted();
        assertEq(startedAt, 0);
    }

    function test_Fulfill_UnderTheAmendmentThatWasVotedOn() public {
        amend(TARGET, DEADLINE + 1 days, TERMS_HASH);
        uint256 call = proposeHalf();
        pass(call);
        fulfill(call, alice);
        assertPosition(alice, LOAN, Asset.WstETH, 300 ether, 0, 0);
    }

    /// @dev It may be tried again: a call that gives nothing uses nothing up.
    function test_Fulfill_RevertGiven_RescueSettled() public {
        uint256 call = proposeHalf();
        uint256 other = propose(alice, defaultTerms(), GRANT, HALF);
        pass(call);
        pass(other);
        uint256 before = vm.snapshotState();
        pledge(dave, GRANT, Asset.ETH, TARGET);
        escrow.settle();
        expectPledgingClosed(Status.Settled, DEADLINE);
        fulfill(call, everyone());
        assertAll(1000 ether, 1000 ether);
        vm.revertToState(before);
        fulfill(other, alice);
        assertPosition(alice, GRANT, Asset.WstETH, 300 ether, 0, 0);
    }

    function test_Fulfill_RevertGiven_RescueFailed() public {
        uint256 call = proposeHalf();
        pass(call);
        fulfill(call, alice);
        vm.prank(guardian);
        escrow.cancel();
        expectPledgingClosed(Status.Failed, DEADLINE);
        fulfill(call, bob);
        // What was given comes back to whom it was from.
        escrow.refund(alice, LOAN, Asset.WstETH);
        assertEq(wstETH.balanceOf(alice), 300 ether);
        assertMember(bob, 0, 300 ether, 0);
    }

    /// @dev The latest call that fits: fulfilled in the last second of the rescue.
    function test_Fulfill_UpToTheDeadline() public {
        vm.warp(DEADLINE - VOTING - FULFILL);
        uint256 call = proposeHalf();
        vm.warp(DEADLINE - FULFILL);
        pass(call);
        vm.warp(DEADLINE);
        fulfill(call, alice);
        assertPosition(alice, LOAN, Asset.WstETH, 300 ether, 0, 0);
    }

    function testFuzz_Proportion(uint256 amount, uint16 bps) public {
        amount = bound(amount, 1, 400 ether);
        bps = uint16(bound(bps, 1, 4000));
        join(dave, amount);
        vm.warp(PROPOSED_AT + SEASONING);
        activate(dave);
        vm.warp(PROPOSED_AT + SEASONING + 1);
        escrow = create(anotherTerms("later"));
        uint256 call = propose(alice, anotherTerms("later"), LOAN, bps);
        approveCall(alice, call);
        approveCall(bob, call);
        // With bob, it has passed already unless dave's units are many.
        if (compact.callAt(call).passedAt == 0) approveCall(carol, call);
        uint256 share = amount * bps / 10_000;
        if (share == 0) expectNothingToGive(call);
        fulfill(call, dave);
        assertMember(dave, 0, amount - share, 0);
        (Units amountPledged,,,) = escrow.position(dave, LOAN, Asset.WstETH);
        assertEq(amountPledged, share);
    }

    function expectNothingToGive(uint256 call) private {
        vm.expectRevert(abi.encodeWithSelector(ICompact.NothingToGive.selector, call));
    }
}
