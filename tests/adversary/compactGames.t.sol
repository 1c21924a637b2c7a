// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { ICompact } from "levee/interfaces/ICompact.sol";
import { IPledgeEscrow, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Units } from "levee/types/Units.sol";

import { CompactTest } from "../unit/compact/CompactTest.sol";

/// @notice Those who would use a compact against its members: with borrowed money, under several names, by the time at
/// which they come or go, with many calls, or with a quorum. What they get is what the rules say, and no more: a
/// quorum takes the most of one call from whoever leaves, and everybody else takes nothing.
contract CompactGamesTest is CompactTest {
    /// @dev However much is borrowed for a block: it neither votes nor earns before it has seasoned.
    function test_BorrowedMoney() public {
        join(dave, 900_000 ether);
        expectTime(ICompact.StillSeasoning.selector, PROPOSED_AT + SEASONING);
        activate(dave);
        expectNoWeight(dave, PROPOSED_AT - 1);
        propose(dave, defaultTerms(), LOAN, HALF);
        uint256 call = proposeHalf();
        expectNoWeight(dave, PROPOSED_AT - 1);
        approveCall(dave, call);
        payPremium(stranger, 10 ether);
        takeBack(dave, dave);
        assertEq(wstETH.balanceOf(dave), 900_000 ether);
        assertEarned(dave, 0);
        assertHeld(1010 ether);
    }

    /// @dev Many names have the weight of their money, and of one unit each a call takes nothing.
    function test_ManyNames() public {
        for (uint160 i = 1; i <= 10; ++i) {
            join(address(0xd000 + i), 1);
        }
        vm.warp(PROPOSED_AT + SEASONING);
        for (uint160 i = 1; i <= 10; ++i) {
            activate(address(0xd000 + i));
        }
        vm.warp(PROPOSED_AT + SEASONING + 1);
        escrow = create(anotherTerms("later"));
        uint256 call = propose(alice, anotherTerms("later"), LOAN, HALF);
        for (uint160 i = 1; i <= 10; ++i) {
            approveCall(address(0xd000 + i), call);
        }
        assertCall(call, 10, 0);
        assertAll(1000 ether + 10, 1000 ether + 10);
    }

    /// @dev Who comes after the proposal gives nothing more, and does not vote; who came before and was activated after
    /// it, neither.
    function test_Newcomers() public {
        join(dave, 700 ether);
        vm.warp(PROPOSED_AT + SEASONING - 1);
        Terms memory terms = anotherTerms("later");
        escrow = create(terms);
        uint256 call = propose(alice, terms, LOAN, HALF);
        vm.warp(PROPOSED_AT + SEASONING);
        activate(dave);
        expectNoWeight(dave, PROPOSED_AT + SEASONING - 2);
        approveCall(dave, call);
        approveCall(alice, call);
        approveCall(bob, call);
        vm.expectRevert(abi.encodeWithSelector(ICompact.NothingToGive.selector, call));
        fulfill(call, dave);
        assertMember(dave, 0, 700 ether, 0);
    }

    /// @dev Ready money does not wait outside for a premium: past its window it seasons again.
    function test_WaitingOutside() public {
        join(dave, 1000 ether);
        vm.warp(PROPOSED_AT + SEASONING + LEAVE + 1);
        expectTime(ICompact.SeasonedTooLong.selector, PROPOSED_AT + SEASONING + LEAVE);
        activate(dave);
        payPremium(stranger, 10 ether);
        assertEarned(dave, 0);
    }

    /// @dev Who votes cannot be gone before fulfillment ends: not even with notice in the second of the proposal, for a
    /// call that passes and is fulfilled as late as it can be.
    function test_VoteAndLeave() public {
        uint256 call = proposeHalf();
        notice(alice, 600 ether);
        vm.warp(PROPOSED_AT + VOTING);
        pass(call);
        vm.warp(PROPOSED_AT + VOTING + FULFILL);
        expectTime(ICompact.NoticeRunning.selector, PROPOSED_AT + NOTICE);
        leaveTo(alice, alice);
        fulfill(call, everyone());
        assertMember(alice, 0, 300 ether, 300 ether);
    }

    /// @dev What is under notice does not vote.
    function test_NoticeAndVote() public {
        vm.warp(PROPOSED_AT);
        notice(alice, 600 ether);
        vm.warp(PROPOSED_AT + 1);
        uint256 call = propose(bob, defaultTerms(), LOAN, HALF);
        expectNoWeight(alice, PROPOSED_AT);
        approveCall(alice, call);
    }

    /// @dev A hundred calls of a member with one unit block nobody.
    function test_ManyCalls() public {
        join(dave, 1);
        vm.warp(PROPOSED_AT + SEASONING);
        activate(dave);
        vm.warp(PROPOSED_AT + SEASONING + 1);
        Terms memory terms = anotherTerms("later");
        escrow = create(terms);
        for (uint256 i; i < 100; ++i) {
            propose(dave, terms, LOAN, 1);
        }
        uint256 call = propose(alice, terms, LOAN, HALF);
        approveCall(alice, call);
        approveCall(bob, call);
        fulfill(call, everyone());
        assertAll(500 ether + 1, 500 ether + 1);
    }

    /// @dev The quorum calls for rescues of its own, again and again, as fast as the rules allow. Whoever gives notice
    /// after the first has lost no more than it took.
    function test_QuorumAgainstADissenter() public {
        uint256 call = proposeHalf();
        approveCall(alice, call);
        approveCall(bob, call);
        fulfill(call, everyone());
        notice(carol, 50 ether);
        for (uint256 day = 1; day < 10; ++day) {
            vm.warp(PROPOSED_AT + day * 1 days);
            Terms memory terms = anotherTerms(bytes32(day));
            create(terms);
            call = propose(alice, terms, LOAN, HALF);
            approveCall(alice, call);
            approveCall(bob, call);
            expectTime(ICompact.CallTooSoon.selector, PROPOSED_AT + SPACING);
            fulfill(call, carol);
        }
        vm.warp(PROPOSED_AT + NOTICE);
        leaveTo(carol, carol);
        assertEq(wstETH.balanceOf(carol), 50 ether);
    }

    /// @dev Notice as late as it helps, at the end of the first call: out before the second can begin.
    function test_QuorumAgainstALateDissenter() public {
        uint256 call = proposeHalf();
        vm.warp(PROPOSED_AT + VOTING);
        approveCall(alice, call);
        approveCall(bob, call);
        fulfill(call, alice);
        uint256 began = PROPOSED_AT + VOTING;
        vm.warp(began + FULFILL);
        fulfill(call, carol);
        notice(carol, 50 ether);
        vm.warp(began + FULFILL + NOTICE);
        Terms memory terms = anotherTerms("another");
        create(terms);
        call = propose(alice, terms, LOAN, HALF);
        approveCall(alice, call);
        approveCall(bob, call);
        vm.warp(began + SPACING);
        expectTime(ICompact.CallTooSoon.selector, began + SPACING);
        fulfill(call, carol);
        leaveTo(carol, carol);
        assertEq(wstETH.balanceOf(carol), 50 ether);
    }

    /// @dev An approver who approves what its member does not want: the member names another, and withdraws.
    function test_DistrustedApprover() public {
        nameApprover(alice, dave);
        uint256 call = proposeBy(dave, alice, defaultTerms(), LOAN, HALF);
        vm.prank(dave);
        compact.approve(call, alice);
        nameApprover(alice, address(0));
        withdraw(alice, call);
        expectNotApprover(dave, alice);
        vm.prank(dave);
        compact.approve(call, alice);
        assertCall(call, 0, 0);
        expectAccount(ICompact.NothingPending.selector, dave);
        takeBack(dave, dave);
        expectAccount(ICompact.NothingNoticed.selector, dave);
        leaveTo(dave, dave);
    }

    /// @dev A contract with an escrow's code over books of its own, at an address that does not follow from its terms:
    /// nobody can name it, and nothing is read from it.
    function test_CounterfeitEscrow() public {
        address counterfeit = makeAddr("counterfeit");
        vm.etch(counterfeit, address(escrow).code);
        vm.store(counterfeit, 0, vm.load(address(escrow), 0));
        Terms memory terms = IPledgeEscrow(counterfeit).originalTerms();
        uint256 call = propose(alice, terms, LOAN, HALF);
        assertEq(compact.callAt(call).escrow, address(escrow));
    }

    /// @dev A rescue that outsiders fill between passing and fulfilling: members fulfilled before are pledged, the
    /// others keep everything.
    function test_FilledInBetween() public {
        uint256 call = proposeHalf();
        pass(call);
        fulfill(call, alice);
        pledge(dave, GRANT, Asset.ETH, TARGET - 360 ether);
        escrow.settle();
        vm.expectPartialRevert(IPledgeEscrow.PledgingClosed.selector);
        fulfill(call, bob);
        assertMember(bob, 0, 300 ether, 0);
        (Units pledged,,,) = escrow.position(alice, LOAN, Asset.WstETH);
        assertEq(pledged, 300 ether);
    }

    /// @dev Tokens sent in without a call are nobody's, and change nothing.
    function test_StrayTokens() public {
        fund(address(compact), Asset.WstETH, 7 ether);
        assertAll(1000 ether, 1000 ether);
        assertEarned(alice, 0);
        uint256 call = proposeHalf();
        pass(call);
        fulfill(call, everyone());
        assertHeld(507 ether);
    }
}
