// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CompactTerms, ICompact } from "levee/interfaces/ICompact.sol";
import { AmountTooLarge, Asset, Units } from "levee/types/Units.sol";

import { units } from "../../util/EscrowTest.sol";
import { CompactTest } from "./CompactTest.sol";

/// admit
/// ├── by the admitter, it lets an account commit, and emits {Admitted}
/// ├── by anyone else it reverts with {NotAdmitter}, also where there is no admitter
/// └── again it reverts with {AlreadyAdmitted}
/// commit, takeBackTo
/// ├── it moves exactly the amount, adds it to what is pending, starts the time anew and emits {Committed}
/// ├── of 0, it only starts the time anew
/// ├── by an account that is not admitted, it reverts with {NotAdmitted}; without an admitter, anyone may
/// ├── of nothing with nothing pending, it reverts with {ZeroAmount}
/// ├── beyond 104 bits, it reverts with {AmountTooLarge}
/// ├── what is pending comes back whole, at any time, to the recipient that its owner names
/// └── to an account that could not use it, or of nothing, that reverts with {InvalidAccount} or {NothingPending}
/// activate
/// ├── from the last second of seasoning on, for the leave window, it makes what is pending count, and emits {Activated}
/// ├── one second before it reverts with {StillSeasoning}
/// ├── one second after it reverts with {SeasonedTooLong}; it can season again
/// └── with nothing pending it reverts with {NothingPending}
/// notice, leaveTo
/// ├── what is under notice has no weight, and emits {Noticed}; a new notice replaces the old; 0 takes it back
/// ├── of more than is active, it reverts with {NoticeTooLarge}
/// ├── from the notice period on, for the leave window, what is noticed comes back, and emits {Left}
/// ├── one second before it reverts with {NoticeRunning}, one second after with {NoticeLapsed}
/// ├── a lapsed notice goes on subtracting until it is given anew or taken back
/// └── without notice, or again, it reverts with {NothingNoticed}
/// standingAt, allAt
/// ├── they say what was so at the end of a past second
/// ├── a leaving is in them before and after the next change, which writes it into the history
/// └── for the present they revert with {NotPast}
contract CompactMembersTest is CompactTest {
    uint40 private constant NOW = uint40(PROPOSED_AT);

    // ---------------------------------------------------------------- admit

    function test_Admit() public {
        vm.expectEmit(address(compact));
        emit ICompact.Admitted(dave);
        admit(dave);
        assertTrue(compact.memberOf(dave).admitted);
        assertFalse(compact.memberOf(stranger).admitted);
    }

    function test_Admit_RevertWhen_NotAdmitter() public {
        vm.expectRevert(abi.encodeWithSelector(ICompact.NotAdmitter.selector, alice, admitter));
        vm.prank(alice);
        compact.admit(dave);
    }

    function test_Admit_RevertWhen_Admitted() public {
        expectAccount(ICompact.AlreadyAdmitted.selector, alice);
        admit(alice);
    }

    function test_Open() public {
        compact = openCompact();
        assertTrue(compact.memberOf(dave).admitted);
        commit(dave, 7);
        assertMember(dave, 7, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ICompact.NotAdmitter.selector, admitter, address(0)));
        admit(dave);
    }

    // ---------------------------------------------------------------- commit and take back

    function test_Commit() public {
        fund(alice, Asset.WstETH, 9 ether);
        vm.expectEmit(address(compact));
        emit ICompact.Committed(alice, units(7 ether), NOW);
        commitFrom(alice, 7 ether);
        assertMember(alice, 7 ether, 600 ether, 0);
        assertEq(compact.memberOf(alice).committedAt, NOW);
        assertEq(wstETH.balanceOf(alice), 2 ether);
        assertHeld(1007 ether);
        assertAll(1000 ether, 1000 ether);

        vm.warp(NOW + 5);
        commitFrom(alice, 1 ether);
        assertMember(alice, 8 ether, 600 ether, 0);
        assertEq(compact.memberOf(alice).committedAt, NOW + 5);
        vm.warp(NOW + 9);
        commitFrom(alice, 0);
        assertMember(alice, 8 ether, 600 ether, 0);
        assertEq(compact.memberOf(alice).committedAt, NOW + 9);
        assertHeld(1008 ether);
    }

    function test_Commit_RevertWhen_NotAdmitted() public {
        expectAccount(ICompact.NotAdmitted.selector, dave);
        commitFrom(dave, 0);
    }

    function test_Commit_RevertWhen_OfNothing() public {
        vm.expectRevert(ICompact.ZeroAmount.selector);
        commitFrom(alice, 0);
    }

    function test_Commit_RevertWhen_TooLarge() public {
        expectValues(AmountTooLarge.selector, 2 ** 104, 2 ** 104 - 1);
        commitFrom(alice, 2 ** 104);
        commit(alice, 5);
        expectValues(AmountTooLarge.selector, 2 ** 104 - 5, 2 ** 104 - 6);
        commitFrom(alice, 2 ** 104 - 5);
    }

    function test_TakeBack() public {
        commit(alice, 7 ether);
        vm.expectEmit(address(compact));
        emit ICompact.TakenBack(alice, dave, units(7 ether));
        takeBack(alice, dave);
        assertEq(wstETH.balanceOf(dave), 7 ether);
        assertMember(alice, 0, 600 ether, 0);
        assertHeld(1000 ether);
        expectAccount(ICompact.NothingPending.selector, alice);
        takeBack(alice, alice);
    }

    function test_TakeBack_WhenSeasonedTooLong() public {
        commit(alice, 7 ether);
        vm.warp(NOW + 1000 days);
        takeBack(alice, alice);
        assertEq(wstETH.balanceOf(alice), 7 ether);
    }

    function test_RevertWhen_RecipientInvalid() public {
        commit(alice, 7 ether);
        notice(alice, 1 ether);
        address[3] memory refused = [address(0), address(compact), address(wstETH)];
        for (uint256 i; i < refused.length; ++i) {
            expectAccount(ICompact.InvalidAccount.selector, refused[i]);
            takeBack(alice, refused[i]);
            expectAccount(ICompact.InvalidAccount.selector, refused[i]);
            leaveTo(alice, refused[i]);
        }
    }

    // ---------------------------------------------------------------- activate

    function test_Activate_FromItsFirstSecondToItsLast() public {
        commit(alice, 7 ether);
        uint256 committed = vm.snapshotState();
        vm.warp(NOW + SEASONING - 1);
        expectTime(ICompact.StillSeasoning.selector, NOW + SEASONING);
        activate(alice);
        vm.warp(NOW + SEASONING);
        vm.expectEmit(address(compact));
        emit ICompact.Activated(alice, units(7 ether), NOW + SEASONING);
        activate(alice);
        assertMember(alice, 0, 607 ether, 0);
        assertAll(1007 ether, 1007 ether);

        vm.revertToState(committed);
        vm.warp(NOW + SEASONING + LEAVE);
        activate(alice);
        assertMember(alice, 0, 607 ether, 0);

        vm.revertToState(committed);
        vm.warp(NOW + SEASONING + LEAVE + 1);
        expectTime(ICompact.SeasonedTooLong.selector, NOW + SEASONING + LEAVE);
        activate(alice);
        commitFrom(alice, 0);
        vm.warp(NOW + 2 * SEASONING + LEAVE + 1);
        activate(alice);
        assertMember(alice, 0, 607 ether, 0);
    }

    function test_Activate_RevertWhen_NothingPending() public {
        expectAccount(ICompact.NothingPending.selector, alice);
        activate(alice);
    }

    /// @dev A commitment in the last second starts the time of everything anew.
    function test_Activate_SeasonsAnewWithEachCommitment() public {
        commit(alice, 7 ether);
        vm.warp(NOW + SEASONING);
        commit(alice, 1);
        expectTime(ICompact.StillSeasoning.selector, NOW + 2 * SEASONING);
        activate(alice);
    }

    /// @dev A token with more units than Lido's can have.
    function test_Activate_RevertWhen_TooLarge() public {
        vm.mockCall(address(wstETH), abi.encodeWithSelector(wstETH.transferFrom.selector), abi.encode(true));
        commitFrom(alice, 2 ** 104 - 1);
        vm.warp(NOW + SEASONING);
        expectValues(AmountTooLarge.selector, 2 ** 104 - 1, 2 ** 104 - 1 - 600 ether);
        activate(alice);
        takeBackMocked();
    }

    function takeBackMocked() private {
        vm.mockCall(address(wstETH), abi.encodeWithSelector(wstETH.transfer.selector), abi.encode(true));
        takeBack(alice, alice);
        assertMember(alice, 0, 600 ether, 0);
    }

    // ---------------------------------------------------------------- notice and leave

    function test_Notice() public {
        vm.expectEmit(address(compact));
        emit ICompact.Noticed(alice, units(200 ether), NOW);
        notice(alice, 200 ether);
        assertMember(alice, 0, 600 ether, 200 ether);
        assertEq(compact.memberOf(alice).noticedAt, NOW);
        assertAll(1000 ether, 800 ether);

        vm.warp(NOW + 1);
        notice(alice, 600 ether);
        assertMember(alice, 0, 600 ether, 600 ether);
        assertEq(compact.memberOf(alice).noticedAt, NOW + 1);
        assertAll(1000 ether, 400 ether);

        vm.expectEmit(address(compact));
        emit ICompact.Noticed(alice, units(0), NOW + 1);
        notice(alice, 0);
        assertMember(alice, 0, 600 ether, 0);
        assertAll(1000 ether, 1000 ether);
    }

    function test_Notice_RevertWhen_TooLarge() public {
        expectValues(ICompact.NoticeTooLarge.selector, 600 ether + 1, 600 ether);
        notice(alice, 600 ether + 1);
        expectValues(ICompact.NoticeTooLarge.selector, type(uint256).max, 0);
        notice(dave, type(uint256).max);
    }

    function test_Leave_FromItsFirstSecondToItsLast() public {
        notice(alice, 200 ether);
        uint256 noticed = vm.snapshotState();
        vm.warp(NOW + NOTICE - 1);
        expectTime(ICompact.NoticeRunning.selector, NOW + NOTICE);
        leaveTo(alice, alice);
        vm.warp(NOW + NOTICE);
        vm.expectEmit(address(compact));
        emit ICompact.Left(alice, dave, units(200 ether), NOW + NOTICE);
        leaveTo(alice, dave);
        assertEq(wstETH.balanceOf(dave), 200 ether);
        assertMember(alice, 0, 400 ether, 0);
        assertAll(800 ether, 800 ether);
        assertHeld(800 ether);

        vm.revertToState(noticed);
        vm.warp(NOW + NOTICE + LEAVE);
        leaveTo(alice, alice);
        assertEq(wstETH.balanceOf(alice), 200 ether);

        vm.revertToState(noticed);
        vm.warp(NOW + NOTICE + LEAVE + 1);
        expectTime(ICompact.NoticeLapsed.selector, NOW + NOTICE + LEAVE);
        leaveTo(alice, alice);
        assertMember(alice, 0, 600 ether, 200 ether);
        assertAll(1000 ether, 800 ether);
        notice(alice, 200 ether);
        vm.warp(NOW + 2 * NOTICE + LEAVE + 1);
        leaveTo(alice, alice);
        assertEq(wstETH.balanceOf(alice), 200 ether);
    }

    function test_Leave_RevertWhen_NothingNoticed() public {
        expectAccount(ICompact.NothingNoticed.selector, alice);
        leaveTo(alice, alice);
        notice(alice, 1);
        notice(alice, 0);
        vm.warp(NOW + NOTICE);
        expectAccount(ICompact.NothingNoticed.selector, alice);
        leaveTo(alice, alice);
    }

    /// @dev More under notice starts the time of all of it anew.
    function test_Leave_AfterAnotherNotice() public {
        notice(alice, 200 ether);
        vm.warp(NOW + NOTICE);
        notice(alice, 201 ether);
        expectTime(ICompact.NoticeRunning.selector, NOW + 2 * NOTICE);
        leaveTo(alice, alice);
    }

    // ---------------------------------------------------------------- approver and history

    function test_NameApprover() public {
        vm.expectEmit(address(compact));
        emit ICompact.ApproverNamed(alice, dave);
        nameApprover(alice, dave);
        assertEq(compact.memberOf(alice).approver, dave);
        nameApprover(alice, address(0));
        assertEq(compact.memberOf(alice).approver, address(0));
    }

    function test_Standing_OfEveryPastSecond() public {
        notice(alice, 200 ether);
        vm.warp(NOW + NOTICE);
        notice(alice, 100 ether);
        // Only the end of a second counts.
        notice(alice, 250 ether);
        vm.warp(NOW + 2 * NOTICE);
        leaveTo(alice, alice);
        vm.warp(NOW + 2 * NOTICE + 1);

        assertStanding(ACTIVE_AT - 1, 0, 0, 0, 0);
        assertStanding(ACTIVE_AT, 600 ether, 600 ether, 1000 ether, 1000 ether);
        assertStanding(NOW - 1, 600 ether, 600 ether, 1000 ether, 1000 ether);
        assertStanding(NOW, 600 ether, 400 ether, 1000 ether, 800 ether);
        assertStanding(NOW + NOTICE - 1, 600 ether, 400 ether, 1000 ether, 800 ether);
        assertStanding(NOW + NOTICE, 600 ether, 350 ether, 1000 ether, 750 ether);
        assertStanding(NOW + 2 * NOTICE, 350 ether, 350 ether, 750 ether, 750 ether);
        assertStanding(0, 0, 0, 0, 0);
    }

    /// @dev What the second of leaving ends with, before and after the next change, in another second or the same.
    function test_Standing_AfterLeaving() public {
        uint256 left = NOW + NOTICE;
        notice(alice, 200 ether);
        vm.warp(left);
        leaveTo(alice, alice);
        vm.warp(left + 10);
        assertLeft(left);
        assertStanding(left + 9, 400 ether, 400 ether, 800 ether, 800 ether);
        notice(alice, 100 ether);
        vm.warp(left + 20);
        assertLeft(left);
        assertStanding(left + 9, 400 ether, 400 ether, 800 ether, 800 ether);
        assertStanding(left + 10, 400 ether, 300 ether, 800 ether, 700 ether);

        vm.warp(left + 10 + NOTICE);
        leaveTo(alice, alice);
        notice(alice, 30 ether);
        assertMember(alice, 0, 300 ether, 30 ether);
        vm.warp(left + 11 + NOTICE);
        assertStanding(left + 9 + NOTICE, 400 ether, 300 ether, 800 ether, 700 ether);
        assertStanding(left + 10 + NOTICE, 300 ether, 270 ether, 700 ether, 670 ether);
    }

    function test_Leave_RevertWhen_LeftAlready() public {
        notice(alice, 200 ether);
        vm.warp(NOW + NOTICE);
        leaveTo(alice, alice);
        expectAccount(ICompact.NothingNoticed.selector, alice);
        leaveTo(alice, alice);
        expectValues(ICompact.NoticeTooLarge.selector, 400 ether + 1, 400 ether);
        notice(alice, 400 ether + 1);
    }

    /// @dev Alice had 200 of 600 under notice and left with it at `time`.
    function assertLeft(uint256 time) private view {
        assertStanding(time - 1, 600 ether, 400 ether, 1000 ether, 800 ether);
        assertStanding(time, 400 ether, 400 ether, 800 ether, 800 ether);
    }

    function test_Standing_RevertWhen_NotPast() public {
        expectValues(ICompact.NotPast.selector, NOW, NOW - 1);
        compact.standingAt(alice, NOW);
        expectValues(ICompact.NotPast.selector, type(uint256).max, NOW - 1);
        compact.allAt(type(uint256).max);
    }

    function testFuzz_Life(uint256 amount, uint256 noticed) public {
        amount = bound(amount, 1, 900_000 ether);
        noticed = bound(noticed, 1, amount);
        join(dave, amount);
        vm.warp(NOW + SEASONING);
        activate(dave);
        notice(dave, noticed);
        vm.warp(NOW + SEASONING + NOTICE);
        leaveTo(dave, dave);
        assertEq(wstETH.balanceOf(dave), noticed);
        assertMember(dave, 0, amount - noticed, 0);
        assertAll(1000 ether + amount - noticed, 1000 ether + amount - noticed);
        assertHeld(1000 ether + amount - noticed);
    }

    function assertStanding(uint256 time, uint256 active, uint256 weight, uint256 allActive, uint256 allWeight)
        private
        view
    {
        (Units a, Units w) = compact.standingAt(alice, time);
        assertEq(a, active, "active");
        assertEq(w, weight, "weight");
        (a, w) = compact.allAt(time);
        assertEq(a, allActive, "all active");
        assertEq(w, allWeight, "all weight");
    }

    /// @dev A compact without an admitter.
    function openCompact() private returns (ICompact) {
        CompactTerms memory terms = compactTerms();
        terms.admitter = address(0);
        return deployCompact(terms);
    }
}
