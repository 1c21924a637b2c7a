// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest, units } from "../util/EscrowTest.sol";
import { Refuser } from "../util/Receivers.sol";

/// refundTo: as refund, and
/// ├── it pays the recipient whom the pledger names, and emits {Refunded}
/// ├── it is the way out of a pledger that cannot take ETH
/// ├── it pays the caller's own position alone
/// ├── when the recipient is zero, the escrow, or one of its tokens
/// │   └── it reverts with {InvalidAccount}, before anything else
/// ├── when the recipient refuses
/// │   └── it reverts with {PaymentFailed}
/// └── as refund, it reverts with {WrongStatus}, {NothingToReturn}, {UnknownTier}, and settles first when late
contract RefundToTest is EscrowTest {
    function setUp() public override {
        super.setUp();
        pledgeHalf();
    }

    function test_RefundTo() public {
        settleLate();
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Refunded(carol, LOAN, Asset.WstETH, stranger, units(100 ether));
        vm.prank(carol);
        escrow.refundTo(LOAN, Asset.WstETH, stranger);
        assertEq(wstETH.balanceOf(stranger), 100 ether);
        assertEq(wstETH.balanceOf(carol), 0);
        assertPosition(carol, LOAN, Asset.WstETH, 100 ether, 100 ether, 0);
        expectNothingToReturn(carol, LOAN, Asset.WstETH);
        escrow.refund(carol, LOAN, Asset.WstETH);
    }

    function test_RefundTo_EveryAsset() public {
        vm.prank(guardian);
        escrow.cancel();
        vm.prank(alice);
        escrow.refundTo(GRANT, Asset.ETH, stranger);
        vm.prank(bob);
        escrow.refundTo(GRANT, Asset.StETH, stranger);
        assertEq(stranger.balance, 400 ether);
        assertEq(stETH.sharesOf(stranger), 250 ether);
    }

    /// @dev Property 6.
    function test_RefundTo_WayOutOfARefuser() public {
        address refuser = address(new Refuser());
        pledge(refuser, LOAN, Asset.ETH, 7);
        settleLate();
        expectPaymentFailed(refuser, Asset.ETH, 7);
        escrow.refund(refuser, LOAN, Asset.ETH);
        vm.prank(refuser);
        escrow.refundTo(LOAN, Asset.ETH, stranger);
        assertEq(stranger.balance, 7);
    }

    function test_RefundTo_SettlesFirst() public {
        vm.warp(DEADLINE);
        expectWrongStatus(Status.Open);
        vm.prank(carol);
        escrow.refundTo(LOAN, Asset.WstETH, stranger);
        vm.warp(SETTLED_AT);
        vm.prank(carol);
        escrow.refundTo(LOAN, Asset.WstETH, stranger);
        assertEq(escrow.rescue().settledAt, SETTLED_AT);
    }

    function test_RevertWhen_RecipientInvalid() public {
        settleLate();
        vm.startPrank(carol);
        expectInvalidAccount(address(0));
        escrow.refundTo(LOAN, Asset.WstETH, address(0));
        expectInvalidAccount(address(escrow));
        escrow.refundTo(LOAN, Asset.WstETH, address(escrow));
        expectInvalidAccount(address(stETH));
        escrow.refundTo(LOAN, Asset.WstETH, address(stETH));
        vm.warp(DEADLINE);
        expectInvalidAccount(address(wstETH));
        escrow.refundTo(3, Asset.WstETH, address(wstETH));
    }

    function test_RevertWhen_PaymentFails() public {
        vm.prank(guardian);
        escrow.cancel();
        address refuser = address(new Refuser());
        expectPaymentFailed(refuser, Asset.ETH, 400 ether);
        vm.prank(alice);
        escrow.refundTo(GRANT, Asset.ETH, refuser);
    }

    function test_RevertWhen_NothingToReturn() public {
        settleLate();
        expectNothingToReturn(stranger, LOAN, Asset.WstETH);
        vm.prank(stranger);
        escrow.refundTo(LOAN, Asset.WstETH, stranger);
        expectNothingToReturn(alice, GRANT, Asset.ETH);
        vm.prank(alice);
        escrow.refundTo(GRANT, Asset.ETH, alice);
    }

    function test_RevertWhen_TierUnknown() public {
        settleLate();
        expectUnknownTier(200);
        vm.prank(carol);
        escrow.refundTo(200, Asset.WstETH, carol);
    }
}
