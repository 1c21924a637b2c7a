// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CompactTerms, ICompact } from "levee/interfaces/ICompact.sol";

import { units } from "../../util/EscrowTest.sol";
import { CompactTest } from "./CompactTest.sol";

/// approve
/// ├── by a member or its approver, it adds the weight one second before the proposal, and emits {Approved}
/// ├── with the approval that reaches the quorum, rounded up, the call passes, and emits {Passed}
/// ├── up to the last second of voting; one later it reverts with {VotingOver}
/// ├── by anyone else it reverts with {NotApprover}, without weight with {NoWeight}
/// ├── a second time it reverts with {AlreadyApproved}, after passing with {CallHasPassed}
/// └── of a call that does not exist it reverts with {UnknownCall}
/// withdraw
/// ├── it takes the member's approval back, whoever gave it, and emits {ApprovalWithdrawn}; it may be given again
/// ├── up to the last second of voting; one later it reverts with {VotingOver}
/// ├── after passing it reverts with {CallHasPassed}, without an approval with {NotApproved}
/// └── of a call that does not exist it reverts with {UnknownCall}
contract CompactVoteTest is CompactTest {
    function test_Approve() public {
        uint256 call = proposeHalf();
        vm.expectEmit(address(compact));
        emit ICompact.Approved(call, alice, units(600 ether));
        approveCall(alice, call);
        assertCall(call, 600 ether, 0);
        assertVote(call, alice, true, false);
        vm.warp(PROPOSED_AT + 7);
        vm.expectEmit(address(compact));
        emit ICompact.Approved(call, carol, units(100 ether));
        vm.expectEmit(address(compact));
        emit ICompact.Passed(call, uint40(PROPOSED_AT + 7));
        approveCall(carol, call);
        assertCall(call, 700 ether, PROPOSED_AT + 7);
    }

    /// @dev In the second of the proposal.
    function test_Approve_PassesAtOnce() public {
        uint256 call = proposeHalf();
        pass(call);
        assertCall(call, 700 ether, PROPOSED_AT);
    }

    /// @dev One unit too few: the quorum of 1,000 ether + 1 units is 700 ether + 1, rounded up.
    function test_Approve_RoundsTheQuorumUp() public {
        join(dave, 1);
        vm.warp(PROPOSED_AT + SEASONING);
        activate(dave);
        vm.warp(PROPOSED_AT + SEASONING + 1);
        create(anotherTerms("later"));
        uint256 call = propose(dave, anotherTerms("later"), LOAN, HALF);
        pass(call);
        assertEq(compact.callAt(call).required, 700 ether + 1);
        assertCall(call, 700 ether, 0);
        approveCall(dave, call);
        assertCall(call, 700 ether + 1, PROPOSED_AT + SEASONING + 1);
    }

    function test_Approve_ByTheApprover() public {
        uint256 call = proposeHalf();
        nameApprover(alice, dave);
        vm.prank(dave);
        compact.approve(call, alice);
        assertVote(call, alice, true, false);
        assertVote(call, dave, false, false);
        expectNotApprover(dave, bob);
        vm.prank(dave);
        compact.approve(call, bob);
    }

    /// @dev With what it had one second before the proposal, whatever it did since.
    function test_Approve_WithTheWeightBeforeTheProposal() public {
        vm.warp(PROPOSED_AT - 1);
        notice(alice, 1 ether);
        vm.warp(PROPOSED_AT);
        notice(alice, 600 ether);
        uint256 call = proposeHalf();
        notice(bob, 300 ether);
        approveCall(alice, call);
        assertCall(call, 599 ether, 0);
        approveCall(bob, call);
        assertCall(call, 899 ether, PROPOSED_AT);
    }

    function test_Approve_RevertWhen_NoWeight() public {
        uint256 call = proposeHalf();
        expectNoWeight(dave, PROPOSED_AT - 1);
        approveCall(dave, call);
    }

    function test_Approve_UpToTheLastSecond() public {
        uint256 call = proposeHalf();
        vm.warp(PROPOSED_AT + VOTING);
        approveCall(alice, call);
        vm.warp(PROPOSED_AT + VOTING + 1);
        expectTime(ICompact.VotingOver.selector, PROPOSED_AT + VOTING);
        approveCall(carol, call);
        expectTime(ICompact.VotingOver.selector, PROPOSED_AT + VOTING);
        withdraw(alice, call);
    }

    function test_Approve_RevertWhen_Again() public {
        uint256 call = proposeHalf();
        approveCall(alice, call);
        vm.expectRevert(abi.encodeWithSelector(ICompact.AlreadyApproved.selector, call, alice));
        approveCall(alice, call);
    }

    function test_RevertWhen_Passed() public {
        uint256 call = proposeHalf();
        pass(call);
        vm.expectRevert(abi.encodeWithSelector(ICompact.CallHasPassed.selector, call));
        approveCall(bob, call);
        vm.expectRevert(abi.encodeWithSelector(ICompact.CallHasPassed.selector, call));
        withdraw(alice, call);
    }

    function test_RevertWhen_Unknown() public {
        expectValues(ICompact.UnknownCall.selector, 0, 0);
        approveCall(alice, 0);
        expectValues(ICompact.UnknownCall.selector, 0, 0);
        withdraw(alice, 0);
        expectValues(ICompact.UnknownCall.selector, 0, 0);
        fulfill(0, alice);
    }

    function test_Withdraw() public {
        uint256 call = proposeHalf();
        nameApprover(alice, dave);
        vm.prank(dave);
        compact.approve(call, alice);
        approveCall(bob, call);
        assertCall(call, 900 ether, PROPOSED_AT);

        call = proposeHalf();
        vm.prank(dave);
        compact.approve(call, alice);
        vm.expectEmit(address(compact));
        emit ICompact.ApprovalWithdrawn(call, alice, units(600 ether));
        withdraw(alice, call);
        assertCall(call, 0, 0);
        assertVote(call, alice, false, false);
        vm.warp(PROPOSED_AT + VOTING);
        vm.prank(dave);
        compact.approve(call, alice);
        assertCall(call, 600 ether, 0);
        withdraw(alice, call);
        assertCall(call, 0, 0);
    }

    /// @dev The approver cannot: it approves for alice, but withdraws only for itself.
    function test_Withdraw_RevertWhen_NotApproved() public {
        uint256 call = proposeHalf();
        nameApprover(alice, dave);
        approveCall(alice, call);
        vm.expectRevert(abi.encodeWithSelector(ICompact.NotApproved.selector, call, dave));
        withdraw(dave, call);
        vm.expectRevert(abi.encodeWithSelector(ICompact.NotApproved.selector, call, bob));
        withdraw(bob, call);
    }

    /// @dev With unanimity, everyone must approve.
    function test_Approve_Unanimously() public {
        CompactTerms memory terms = compactTerms();
        terms.quorumBps = 10_000;
        vm.warp(START);
        compact = deployCompact(terms);
        join(alice, 2);
        join(bob, 1);
        vm.warp(ACTIVE_AT);
        activate(alice);
        activate(bob);
        vm.warp(PROPOSED_AT);
        uint256 call = proposeHalf();
        approveCall(alice, call);
        assertCall(call, 2, 0);
        approveCall(bob, call);
        assertCall(call, 3, PROPOSED_AT);
    }
}
