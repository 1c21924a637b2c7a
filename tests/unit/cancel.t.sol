// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { FailReason, IPledgeEscrow, RescueView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

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
/// ├── given it failed, was cancelled or released
/// │   └── it reverts with {WrongStatus}
/// └── when the caller is not the guardian, or there is none
///     └── it reverts with {NotGuardian}
contract CancelTest is EscrowTest {
    function test_Cancel_Open() public {
        pledgeFull();
        vm.warp(DEADLINE);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Failed(FailReason.EndedByGuardian, DEADLINE);
        cancel();
        assertStatus(Status.Failed);
        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.failReason), uint256(FailReason.EndedByGuardian));
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
        emit IPledgeEscrow.Cancelled(2, uint40(trancheAt(SETTLED_AT, 2)));
        cancel();

        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.status), uint256(Status.Cancelled));
        assertEq(page.cancelledAt, trancheAt(SETTLED_AT, 2));
        assertEq(page.finalAt, 0);
        assertEq(page.due, 2);
        for (uint256 i; i < 3; ++i) {
            assertEq(page.kept[i], 2);
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
        emit IPledgeEscrow.Cancelled(0, uint40(vm.getBlockTimestamp()));
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
        emit IPledgeEscrow.Cancelled(0, SETTLED_AT);
        cancel();
        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.status), uint256(Status.Cancelled));
        assertEq(page.settledAt, SETTLED_AT);
        assertEq(page.drawn, 700 ether);
    }

    /// @dev Property 8: past the deadline the guardian cannot un-settle what fell due with the settlement.
    function test_RevertWhen_AllIsDueAtOnce() public {
        Terms memory terms = defaultTerms();
        terms.objectionPeriod = 0;
        terms.trancheInterval = 0;
        escrow = deploy(terms);
        pledgeHalf();
        vm.warp(SETTLED_AT);
        expectNothingToStop();
        cancel();
    }

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
