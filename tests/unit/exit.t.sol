// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IWstETH } from "levee/interfaces/external/ILido.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest, units } from "../util/EscrowTest.sol";
import { Refuser } from "../util/Receivers.sol";

/// exit
/// ├── given an amendment is pending
/// │   ├── it takes the whole position out, pays the recipient and emits {Exited}
/// │   ├── it leaves every other position as it is, and the pledger may come back
/// │   ├── when stETH is paused
/// │   │   └── ETH and wstETH leave; of stETH it reverts with stETH's own error
/// │   ├── when the caller has no position in that pot
/// │   │   └── it reverts with {NothingToReturn}
/// │   ├── when the tier does not exist
/// │   │   └── it reverts with {UnknownTier}
/// │   ├── when the recipient is zero or the escrow
/// │   │   └── it reverts with {InvalidAccount}
/// │   └── when the recipient refuses, or wstETH reports a failed transfer
/// │       └── it reverts with {PaymentFailed}
/// ├── when the time is one before the amendment's
/// │   └── it succeeds
/// └── given no amendment, one in force, or one that died with the settlement or the end
///     └── it reverts with {NoExitWindow}
contract ExitTest is EscrowTest {
    uint40 private constant EFFECTIVE_AT = START + EXIT_WINDOW;

    function setUp() public override {
        super.setUp();
        pledgeHalf();
    }

    function test_Exit() public {
        amendTarget(800 ether);
        exitAll(alice, GRANT, Asset.ETH, 400 ether);
        exitAll(bob, GRANT, Asset.StETH, 250 ether);
        exitAll(carol, LOAN, Asset.WstETH, 100 ether);
        assertEq(escrow.rescue().pots.length, 0);
    }

    /// @dev Property 8: who leaves in the window is bound by nothing, and nobody else is moved.
    function test_Exit_LeavesTheOthers() public {
        pledge(bob, GRANT, Asset.ETH, 30 ether);
        pledge(alice, LOAN, Asset.ETH, 3 ether);
        amendTarget(800 ether);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);

        assertPot(GRANT, Asset.ETH, 30 ether, 0, 0);
        assertPosition(bob, GRANT, Asset.ETH, 30 ether, 0, 0);
        assertPosition(alice, LOAN, Asset.ETH, 3 ether, 0, 0);
        assertEq(address(escrow).balance, 33 ether);

        pledgeFrom(alice, alice, GRANT, Asset.ETH, 5 ether);
        assertPosition(alice, GRANT, Asset.ETH, 5 ether, 0, 0);
        assertPot(GRANT, Asset.ETH, 35 ether, 0, 0);
    }

    function test_Exit_UpToTheLastSecondOfTheWindow() public {
        amendTarget(800 ether);
        vm.warp(EFFECTIVE_AT - 1);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
        assertEq(alice.balance, 400 ether);

        vm.warp(EFFECTIVE_AT);
        expectNoWindow(EFFECTIVE_AT);
        vm.prank(bob);
        escrow.exit(GRANT, Asset.StETH, bob);
    }

    /// @dev Property 11.
    function test_Exit_WhileStETHIsPaused() public {
        amendTarget(800 ether);
        stETH.stop();
        exitAll(alice, GRANT, Asset.ETH, 400 ether);
        exitAll(carol, LOAN, Asset.WstETH, 100 ether);
        vm.expectRevert("CONTRACT_IS_STOPPED");
        vm.prank(bob);
        escrow.exit(GRANT, Asset.StETH, bob);

        stETH.resume();
        exitAll(bob, GRANT, Asset.StETH, 250 ether);
    }

    function test_RevertWhen_NoAmendment() public {
        expectNoWindow(0);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
    }

    function test_RevertWhen_AmendmentInForce() public {
        amendTarget(800 ether);
        vm.warp(DEADLINE);
        expectNoWindow(EFFECTIVE_AT);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
    }

    function test_RevertWhen_AmendmentDiedWithSettlement() public {
        pledge(carol, GRANT, Asset.ETH, 600 ether);
        amendTarget(800 ether);
        escrow.settle();
        expectNoWindow(0);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
    }

    function test_RevertWhen_AmendmentDiedWithTheRescue() public {
        amendTarget(800 ether);
        vm.prank(guardian);
        escrow.cancel();
        expectNoWindow(0);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
    }

    function test_RevertWhen_NothingToReturn() public {
        amendTarget(800 ether);
        expectNothingToReturn(stranger, GRANT, Asset.ETH);
        vm.prank(stranger);
        escrow.exit(GRANT, Asset.ETH, stranger);

        vm.startPrank(alice);
        expectNothingToReturn(alice, FULL_GRANT, Asset.ETH);
        escrow.exit(FULL_GRANT, Asset.ETH, alice);
        expectNothingToReturn(alice, GRANT, Asset.StETH);
        escrow.exit(GRANT, Asset.StETH, alice);
        escrow.exit(GRANT, Asset.ETH, alice);
        expectNothingToReturn(alice, GRANT, Asset.ETH);
        escrow.exit(GRANT, Asset.ETH, alice);
    }

    function test_RevertWhen_TierUnknown() public {
        amendTarget(800 ether);
        expectUnknownTier(3);
        vm.prank(alice);
        escrow.exit(3, Asset.ETH, alice);
    }

    function test_RevertWhen_RecipientInvalid() public {
        amendTarget(800 ether);
        vm.startPrank(alice);
        expectInvalidAccount(address(0));
        escrow.exit(GRANT, Asset.ETH, address(0));
        expectInvalidAccount(address(escrow));
        escrow.exit(GRANT, Asset.ETH, address(escrow));
    }

    function test_RevertWhen_PaymentFails() public {
        amendTarget(800 ether);
        address refuser = address(new Refuser());
        expectPaymentFailed(refuser, Asset.ETH, 400 ether);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, refuser);

        vm.mockCall(address(wstETH), abi.encodeWithSelector(IWstETH.transfer.selector), abi.encode(false));
        expectPaymentFailed(carol, Asset.WstETH, 100 ether);
        vm.prank(carol);
        escrow.exit(LOAN, Asset.WstETH, carol);
        assertPosition(carol, LOAN, Asset.WstETH, 100 ether, 0, 0);
    }

    /// @dev Takes a pledger that is alone in its pot out, to `stranger`.
    function exitAll(address pledger, uint8 tier, Asset asset, uint256 amount) private {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Exited(pledger, tier, asset, stranger, units(amount));
        vm.prank(pledger);
        escrow.exit(tier, asset, stranger);

        assertEq(balanceOf(stranger, asset), amount);
        assertEq(balanceOf(address(escrow), asset), 0);
        assertPot(tier, asset, 0, 0, 0);
        assertEq(escrow.positions(pledger).length, 0);
        assertStatus(Status.Open);
    }

    function expectNoWindow(uint256 effectiveAt) private {
        uint256 time = vm.getBlockTimestamp();
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.NoExitWindow.selector, effectiveAt, time));
    }
}
