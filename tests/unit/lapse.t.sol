// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, IPledgeEscrow, RescueView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { Refuser } from "../util/Receivers.sol";

/// lapse
/// ├── given it is settled
/// │   ├── when it is later than the last tranche's time plus the release window
/// │   │   └── the beneficiary keeps what was delivered, by asset; it emits {Lapsed} and {Finalized}
/// │   └── when it is not
/// │       └── it reverts with {TooEarly}
/// ├── given it is cancelled and not final
/// │   ├── when it is later than the cancellation plus the release window
/// │   │   └── as above; the cancellation keeps its time
/// │   └── when it is not
/// │       └── it reverts with {TooEarly}
/// ├── given objections stopped it
/// │   └── as after a cancellation; what is held goes back at its time, what was due at once
/// ├── given a beneficiary that cannot be paid
/// │   └── everything goes back
/// ├── given the deadline has passed unsettled
/// │   └── it is too early
/// └── given it is open, failed, released, or cancelled and final
///     └── it reverts with {WrongStatus}
contract LapseTest is EscrowTest {
    function test_Lapse_Settled() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 3));
        escrow.release(Asset.ETH);
        uint256 limit = trancheAt(SETTLED_AT, TRANCHES) + RELEASE_WINDOW;
        vm.warp(limit);
        escrow.release(Asset.StETH);
        expectTooEarly(limit);
        escrow.lapse();

        vm.warp(limit + 1);
        lapse();
        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.status), uint256(Status.Cancelled));
        assertEndReason(EndReason.Lapsed);
        assertEq(page.cancelledAt, limit + 1);
        assertEq(page.lapsedAt, limit + 1);
        assertEq(page.finalAt, limit + 1);
        assertFalse(page.returnsByCalendar);
        assertEq(page.nextTrancheAt, 0);
        assertEq(page.kept[0], 3);
        assertEq(page.kept[1], 4);
        assertEq(page.kept[2], 0);
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 100 ether);
        assertPosition(bob, FULL_GRANT, Asset.StETH, 250 ether, 0, 0);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 0, 500 ether);

        // It is too late to collect.
        expectNothingDue(Asset.ETH, 3, 3);
        escrow.release(Asset.ETH);
        expectNothingDue(Asset.WstETH, 0, 0);
        escrow.release(Asset.WstETH);
        expectWrongStatus(Status.Cancelled);
        escrow.lapse();
    }

    function test_Lapse_Cancelled() public {
        pledgeFull();
        settleLate();
        uint40 cancelledAt = uint40(trancheAt(SETTLED_AT, 2));
        vm.warp(cancelledAt);
        escrow.release(Asset.ETH);
        vm.prank(guardian);
        escrow.cancel();
        vm.warp(cancelledAt + RELEASE_WINDOW);
        expectTooEarly(cancelledAt + RELEASE_WINDOW);
        escrow.lapse();

        vm.warp(cancelledAt + RELEASE_WINDOW + 1);
        lapse();
        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.status), uint256(Status.Cancelled));
        // The first cause stays.
        assertEndReason(EndReason.StoppedByGuardian);
        assertEq(page.cancelledAt, cancelledAt);
        assertEq(page.lapsedAt, cancelledAt + RELEASE_WINDOW + 1);
        assertEq(page.finalAt, cancelledAt + RELEASE_WINDOW + 1);
        assertEq(page.kept[0], 2);
        assertEq(page.kept[1], 0);
        assertEq(page.kept[2], 0);
        assertPosition(bob, FULL_GRANT, Asset.StETH, 250 ether, 0, 250 ether);
        expectWrongStatus(Status.Cancelled);
        escrow.lapse();
    }

    /// @dev A release window of a day, so that it ends before the next tranche's time. Of ETH one tranche is delivered, of
    /// the tokens none: held are 1 + 3 and 0 + 3 of four, and one less of each at every further time.
    function test_Lapse_Vetoed() public {
        Terms memory terms = defaultTerms();
        terms.releaseWindow = 1 days;
        escrow = deploy(terms);
        pledgeFull();
        settleLate();
        uint40 vetoedAt = uint40(trancheAt(SETTLED_AT, 1));
        vm.warp(vetoedAt);
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
        escrow.release(Asset.ETH);
        vm.warp(vetoedAt + 1 days);
        expectTooEarly(vetoedAt + 1 days);
        escrow.lapse();

        vm.warp(vetoedAt + 1 days + 1);
        lapse();
        RescueView memory page = escrow.rescue();
        assertEndReason(EndReason.Vetoed);
        assertEq(page.cancelledAt, vetoedAt);
        assertEq(page.lapsedAt, vetoedAt + 1 days + 1);
        assertTrue(page.returnsByCalendar);
        assertHeld(1, 0, 4, 3);
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 0);
        assertPosition(bob, FULL_GRANT, Asset.StETH, 250 ether, 0, 62.5 ether);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 0, 312.5 ether);
        vm.warp(trancheAt(SETTLED_AT, 2));
        assertHeld(1, 0, 3, 2);
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 100 ether);
        assertPosition(bob, FULL_GRANT, Asset.StETH, 250 ether, 0, 125 ether);
        vm.warp(trancheAt(SETTLED_AT, 4));
        assertHeld(1, 0, 1, 0);
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 300 ether);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 0, 500 ether);
        expectWrongStatus(Status.Cancelled);
        escrow.lapse();
    }

    /// @dev The guardian lifts the hold after the lapse, too.
    function test_Lapse_Vetoed_AndThenLifted() public {
        Terms memory terms = defaultTerms();
        terms.releaseWindow = 1 days;
        escrow = deploy(terms);
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
        vm.warp(trancheAt(SETTLED_AT, 1) + 1 days + 1);
        lapse();
        assertHeld(0, 0, 3, 3);
        vm.prank(guardian);
        escrow.cancel();
        assertHeld(0, 0, 0, 0);
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 400 ether);
    }

    /// @dev Kept and held of ETH, and of stETH.
    function assertHeld(uint256 keptETH, uint256 keptStETH, uint256 heldETH, uint256 heldStETH) private view {
        RescueView memory page = escrow.rescue();
        assertEq(page.kept[0], keptETH);
        assertEq(page.kept[1], keptStETH);
        assertEq(page.held[0], heldETH);
        assertEq(page.held[1], heldStETH);
    }

    /// @dev Property 6: a beneficiary that cannot be paid locks nothing.
    function test_Lapse_WhenTheBeneficiaryRefuses() public {
        Terms memory terms = defaultTerms();
        terms.beneficiary = address(new Refuser());
        escrow = deploy(terms);
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES) + RELEASE_WINDOW + 1);
        expectPaymentFailed(terms.beneficiary, Asset.ETH, 400 ether);
        escrow.release(Asset.ETH);
        escrow.release(Asset.WstETH);
        lapse();

        escrow.refund(alice, GRANT, Asset.ETH);
        escrow.refund(bob, FULL_GRANT, Asset.StETH);
        escrow.refund(carol, LOAN, Asset.WstETH);
        assertEq(alice.balance, 400 ether);
        assertEq(stETH.sharesOf(bob), 250 ether);
        assertEq(wstETH.balanceOf(carol), 250 ether);
        for (uint256 i; i < 3; ++i) {
            assertEq(balanceOf(address(escrow), Asset(i)), 0);
        }
    }

    /// @dev Whoever settles years late starts the calendar then: nothing lapses unseen.
    function test_RevertWhen_LateAndUnsettled() public {
        pledgeFull();
        vm.warp(SETTLED_AT + 3650 days);
        expectTooEarly(trancheAt(vm.getBlockTimestamp(), TRANCHES) + RELEASE_WINDOW);
        escrow.lapse();
    }

    function test_RevertWhen_Open() public {
        pledgeFull();
        vm.warp(DEADLINE);
        expectWrongStatus(Status.Open);
        escrow.lapse();
    }

    function test_RevertWhen_Failed() public {
        vm.warp(SETTLED_AT);
        expectWrongStatus(Status.Failed);
        escrow.lapse();
        escrow.settle();
        expectWrongStatus(Status.Failed);
        escrow.lapse();
    }

    function test_RevertWhen_Released() public {
        pledge(alice, GRANT, Asset.ETH, TARGET);
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES) + RELEASE_WINDOW + 1);
        escrow.release(Asset.ETH);
        expectWrongStatus(Status.Released);
        escrow.lapse();
    }

    function test_RevertWhen_CancelledAndFinal() public {
        pledgeFull();
        settleLate();
        vm.prank(guardian);
        escrow.cancel();
        vm.warp(SETTLED_AT + RELEASE_WINDOW + 1);
        expectWrongStatus(Status.Cancelled);
        escrow.lapse();
    }

    /// @dev Nothing was kept, so it was final when it was vetoed: there is nothing to give up, though much is held.
    function test_RevertWhen_VetoedAndFinal() public {
        pledgeFull();
        settleLate();
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
        vm.warp(SETTLED_AT + RELEASE_WINDOW + 1);
        expectWrongStatus(Status.Cancelled);
        escrow.lapse();
    }

    /// @dev Lapses, by whoever comes.
    function lapse() private {
        uint40 time = uint40(vm.getBlockTimestamp());
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Lapsed(time);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Finalized(time);
        vm.prank(stranger);
        escrow.lapse();
    }
}
