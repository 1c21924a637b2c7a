// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, RescueView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
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
        assertEq(page.cancelledAt, limit + 1);
        assertEq(page.finalAt, limit + 1);
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
        assertEq(page.cancelledAt, cancelledAt);
        assertEq(page.finalAt, cancelledAt + RELEASE_WINDOW + 1);
        assertEq(page.kept[0], 2);
        assertEq(page.kept[1], 0);
        assertEq(page.kept[2], 0);
        assertPosition(bob, FULL_GRANT, Asset.StETH, 250 ether, 0, 250 ether);
        expectWrongStatus(Status.Cancelled);
        escrow.lapse();
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
