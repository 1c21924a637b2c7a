// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IWstETH } from "levee/interfaces/external/ILido.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest, units } from "../util/EscrowTest.sol";
import { Refuser } from "../util/Receivers.sol";

/// decline
/// ├── it returns the whole position to its pledger, and to nobody else, and emits {Declined}
/// ├── it leaves every other position as it is
/// ├── when the time is the deadline
/// │   └── it succeeds
/// ├── when the deadline has passed, or the rescue is decided
/// │   └── it reverts with {PledgingClosed}
/// ├── when the caller is not the guardian, or there is none
/// │   └── it reverts with {NotGuardian}
/// ├── when the tier does not exist
/// │   └── it reverts with {UnknownTier}
/// ├── when the position is empty
/// │   └── it reverts with {NothingToReturn}
/// └── when the pledger refuses, or wstETH reports a failed transfer
///     └── it reverts with {PaymentFailed}
contract DeclineTest is EscrowTest {
    function setUp() public override {
        super.setUp();
        pledgeHalf();
    }

    function test_Decline() public {
        declineAll(alice, GRANT, Asset.ETH, 400 ether);
        declineAll(bob, GRANT, Asset.StETH, 250 ether);
        declineAll(carol, LOAN, Asset.WstETH, 100 ether);
        assertEq(escrow.rescue().pots.length, 0);
        assertStatus(Status.Open);
    }

    /// @dev Property 8: back to the pledger, even if another paid; and only that position.
    function test_Decline_LeavesTheOthers() public {
        fund(bob, Asset.ETH, 30 ether);
        pledgeFrom(bob, carol, GRANT, Asset.ETH, 30 ether);
        vm.prank(guardian);
        escrow.decline(carol, GRANT, Asset.ETH);

        assertEq(carol.balance, 30 ether);
        assertEq(bob.balance, 0);
        assertPot(GRANT, Asset.ETH, 400 ether, 0, 0);
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 0);
        assertPosition(carol, LOAN, Asset.WstETH, 100 ether, 0, 0);
    }

    function test_Decline_UpToTheDeadline() public {
        vm.warp(DEADLINE);
        declineAll(alice, GRANT, Asset.ETH, 400 ether);

        vm.warp(DEADLINE + 1);
        expectPledgingClosed(Status.Open, DEADLINE);
        vm.prank(guardian);
        escrow.decline(bob, GRANT, Asset.StETH);
    }

    function test_RevertWhen_Decided() public {
        settleLate();
        expectPledgingClosed(Status.Settled, DEADLINE);
        vm.prank(guardian);
        escrow.decline(alice, GRANT, Asset.ETH);
    }

    function test_RevertWhen_Ended() public {
        vm.startPrank(guardian);
        escrow.cancel();
        expectPledgingClosed(Status.Failed, DEADLINE);
        escrow.decline(alice, GRANT, Asset.ETH);
    }

    function test_RevertWhen_NotGuardian() public {
        expectNotGuardian(alice);
        vm.prank(alice);
        escrow.decline(alice, GRANT, Asset.ETH);
        expectNotGuardian(beneficiary);
        vm.prank(beneficiary);
        escrow.decline(alice, GRANT, Asset.ETH);
    }

    function test_RevertWhen_TierUnknown() public {
        expectUnknownTier(3);
        vm.prank(guardian);
        escrow.decline(alice, 3, Asset.ETH);
    }

    function test_RevertWhen_NothingToReturn() public {
        vm.startPrank(guardian);
        expectNothingToReturn(alice, LOAN, Asset.ETH);
        escrow.decline(alice, LOAN, Asset.ETH);
        escrow.decline(alice, GRANT, Asset.ETH);
        expectNothingToReturn(alice, GRANT, Asset.ETH);
        escrow.decline(alice, GRANT, Asset.ETH);
    }

    function test_RevertWhen_PaymentFails() public {
        address refuser = address(new Refuser());
        pledge(refuser, GRANT, Asset.ETH, 7);
        expectPaymentFailed(refuser, Asset.ETH, 7);
        vm.prank(guardian);
        escrow.decline(refuser, GRANT, Asset.ETH);

        vm.mockCall(address(wstETH), abi.encodeWithSelector(IWstETH.transfer.selector), abi.encode(false));
        expectPaymentFailed(carol, Asset.WstETH, 100 ether);
        vm.prank(guardian);
        escrow.decline(carol, LOAN, Asset.WstETH);
    }

    /// @dev Declines a pledger that is alone in its pot.
    function declineAll(address pledger, uint8 tier, Asset asset, uint256 amount) private {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Declined(pledger, tier, asset, units(amount));
        vm.prank(guardian);
        escrow.decline(pledger, tier, asset);

        assertEq(balanceOf(pledger, asset), amount);
        assertEq(balanceOf(address(escrow), asset), 0);
        assertPot(tier, asset, 0, 0, 0);
        assertEq(escrow.positions(pledger).length, 0);
    }
}
