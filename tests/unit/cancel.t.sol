// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, IPledgeEscrow, RescueView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Rate } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// cancel
/// ├── given it is open, up to the deadline
/// │   └── it fails the rescue and emits {Failed}; everything goes back
/// ├── given it is settled
/// │   ├── it stops what is not yet due, of every asset alike, moves nothing and emits {Cancelled}
/// │   ├── when nothing was due
/// │   │   └── it is final at once and emits {Finalized}
/// │   ├── when the time is one before the last tranche's
/// │   │   └── all but one are kept
/// │   └── when every tranche is due
/// │       └── it reverts with {NothingToStop}
/// ├── given the deadline has passed unsettled
/// │   ├── it settles first, and stops that
/// │   └── when that fails
/// │       └── it reverts with {WrongStatus}
/// ├── given objections stopped it
/// │   ├── it lifts the hold, emits {HoldLifted}, and changes nothing else of what is recorded
/// │   └── when every tranche would be due, so that nothing is held
/// │       └── it reverts with {WrongStatus}
/// ├── given it failed, was cancelled by the guardian, or lapsed, or was released
/// │   └── it reverts with {WrongStatus}
/// └── when the caller is not the guardian, or there is none
///     └── it reverts with {NotGuardian}
contract CancelTest is EscrowTest {
    function test_Cancel_Open() public {
        pledgeFull();
        vm.warp(DEADLINE);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Failed(EndReason.EndedByGuardian, Rate.wrap(0), DEADLINE);
        cancel();
        assertStatus(Status.Failed);
        RescueView memory page = escrow.rescue();
        assertEndReason(EndReason.EndedByGuardian);
        assertEq(escrow.record().rate, 0);
        assertFalse(page.rateReadable);
        assertEq(page.coverage, 400 ether);
        assertEq(page.cancelledAt, 0);
        assertEq(page.finalAt, 0);
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 400 ether);
        assertPosition(bob, FULL_GRANT, Asset.StETH, 250 ether, 0, 250 ether);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 0, 500 ether);

        // Property 7: not even past the deadline does it settle.
        vm.warp(DEADLINE + 1);
        assertStatus(Status.Failed);
        expectWrongStatus(Status.Failed);
        cancel();
    }

    /// @dev Property 8: of all assets alike, whatever was delivered of each.
    function test_Cancel_Settled() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        escrow.release(Asset.ETH);
        vm.warp(trancheAt(SETTLED_AT, 2));
        escrow.release(Asset.StETH);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Cancelled(EndReason.StoppedByGuardian, 2, uint40(trancheAt(SETTLED_AT, 2)));
        cancel();

        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.status), uint256(Status.Cancelled));
        assertEq(page.cancelledAt, trancheAt(SETTLED_AT, 2));
        assertEndReason(EndReason.StoppedByGuardian);
        assertEq(page.lapsedAt, 0);
        assertEq(page.finalAt, 0);
        assertEq(page.due, 2);
        // What the guardian stops goes back at once: no more of it has a time.
        assertFalse(page.returnsByCalendar);
        assertEq(page.nextTrancheAt, 0);
        for (uint256 i; i < 3; ++i) {
            assertEq(page.kept[i], 2);
            assertEq(page.held[i], 2);
            assertEq(page.delivered[i], i == 0 ? 1 : i == 1 ? 2 : 0);
        }
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 200 ether);
        assertPosition(bob, FULL_GRANT, Asset.StETH, 250 ether, 0, 125 ether);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 0, 375 ether);
        assertEq(address(escrow).balance, 300 ether);

        expectWrongStatus(Status.Cancelled);
        cancel();
    }

    function test_Cancel_BeforeAnythingIsDue() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1) - 1);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Cancelled(EndReason.StoppedByGuardian, 0, uint40(vm.getBlockTimestamp()));
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Finalized(uint40(vm.getBlockTimestamp()));
        cancel();
        assertEq(escrow.rescue().finalAt, trancheAt(SETTLED_AT, 1) - 1);
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 400 ether);
    }

    /// @dev An asset of which nothing was drawn keeps nothing, and so does not hold up the end.
    function test_Cancel_FinalOnceTheDrawnAssetsAreDelivered() public {
        pledgeHalf();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        escrow.release(Asset.ETH);
        escrow.release(Asset.StETH);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Finalized(uint40(trancheAt(SETTLED_AT, 1)));
        cancel();
        assertEq(escrow.rescue().kept[uint256(Asset.WstETH)], 0);
        assertEq(escrow.rescue().finalAt, trancheAt(SETTLED_AT, 1));
    }

    function test_Cancel_BeforeTheLastTranche() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        expectNothingToStop();
        cancel();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES) - 1);
        cancel();
        assertEq(escrow.rescue().kept[0], 3);
    }

    function test_Cancel_SettlesFirst() public {
        pledgeHalf();
        vm.warp(SETTLED_AT);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Cancelled(EndReason.StoppedByGuardian, 0, SETTLED_AT);
        cancel();
        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.status), uint256(Status.Cancelled));
        assertEq(page.settledAt, SETTLED_AT);
        assertEq(page.drawn, 700 ether);
    }

    // ---------------------------------------------------------------- after a veto

    /// @dev 100 ETH were due, and 300 of alice's are held; lifting the hold frees them, and changes nothing else.
    function test_Cancel_AfterAVeto_LiftsTheHold() public {
        vetoAtTheFirst();
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 0);
        RescueView memory expected = escrow.rescue();
        assertTrue(expected.returnsByCalendar);

        vm.warp(trancheAt(SETTLED_AT, 2) - 1);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.HoldLifted(uint40(trancheAt(SETTLED_AT, 2) - 1));
        cancel();
        expected.returnsByCalendar = false;
        expected.nextTrancheAt = 0;
        expected.held = expected.kept;
        assertSame(escrow.rescue(), expected);
        assertEq(expected.kept[0], 1);
        assertEq(expected.finalAt, 0);
        assertEndReason(EndReason.Vetoed);
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 300 ether);
        assertPosition(bob, FULL_GRANT, Asset.StETH, 250 ether, 0, 187.5 ether);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 0, 437.5 ether);

        // What was due is still the beneficiary's.
        escrow.release(Asset.ETH);
        assertEq(beneficiary.balance, 100 ether);
        expectWrongStatus(Status.Cancelled);
        cancel();
    }

    /// @dev Final is final: it is not made so again.
    function test_Cancel_AfterAVetoThatIsFinal() public {
        pledgeFull();
        settleLate();
        vm.prank(bob);
        escrow.object(FULL_GRANT, Asset.StETH);
        assertEq(escrow.rescue().finalAt, SETTLED_AT);
        vm.warp(SETTLED_AT + 1);
        vm.recordLogs();
        cancel();
        assertEq(vm.getRecordedLogs().length, 1, "HoldLifted alone");
        assertEq(escrow.rescue().finalAt, SETTLED_AT);
        assertEq(escrow.rescue().cancelledAt, SETTLED_AT);
        escrow.refund(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 400 ether);
    }

    /// @dev Up to one second before the last tranche's time, when nothing is held any more.
    function test_RevertWhen_AllIsDueAfterAVeto() public {
        vetoAtTheFirst();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        expectWrongStatus(Status.Cancelled);
        cancel();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES) - 1);
        cancel();
        assertFalse(escrow.rescue().returnsByCalendar);
    }

    /// @dev Four tranches of 1,000 ETH in all; one was due when bob's 300 of them objected.
    function vetoAtTheFirst() private {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        vm.prank(bob);
        escrow.object(FULL_GRANT, Asset.StETH);
    }

    // ---------------------------------------------------------------- refusals

    function test_RevertWhen_LateAndFailed() public {
        vm.warp(SETTLED_AT);
        expectWrongStatus(Status.Failed);
        cancel();
    }

    function test_RevertWhen_Released() public {
        pledge(alice, GRANT, Asset.ETH, TARGET);
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        escrow.release(Asset.ETH);
        expectWrongStatus(Status.Released);
        cancel();
    }

    function test_RevertWhen_Lapsed() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES) + RELEASE_WINDOW + 1);
        escrow.lapse();
        expectWrongStatus(Status.Cancelled);
        cancel();
    }

    function test_RevertWhen_NotGuardian() public {
        expectNotGuardian(stranger);
        vm.prank(stranger);
        escrow.cancel();
        expectNotGuardian(beneficiary);
        vm.prank(beneficiary);
        escrow.cancel();
    }

    function test_RevertWhen_NoGuardian() public {
        Terms memory terms = defaultTerms();
        terms.guardian = address(0);
        escrow = deploy(terms);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.NotGuardian.selector, guardian, address(0)));
        cancel();
    }

    function cancel() private {
        vm.prank(guardian);
        escrow.cancel();
    }
}
