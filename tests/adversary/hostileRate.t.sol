// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, RescueView, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IStETH } from "levee/interfaces/external/ILido.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { GasBurner, ReturnBomb, RevertBomb } from "../util/Rates.sol";

/// The read of the share rate: a failing call is never read as a value of zero.
/// ├── when it reverts, burns all gas, reverts with a huge amount of data, answers nothing or too little, when stETH has
/// │   no code, when the rate is zero or has more than 96 bits
/// │   ├── every call that would settle reverts with {RateUnreadable}
/// │   ├── the views show an open rescue without a rate
/// │   └── what needs no rate (pledge, exit, decline, the guardian's end) still works
/// ├── when it answers the largest or smallest rate, or more data than requested
/// │   └── it settles
/// ├── given no pot holds shares
/// │   └── it settles without it
/// └── given it is settled or failed
///     └── refunds and releases do not need it
contract HostileRateTest is EscrowTest {
    function setUp() public override {
        super.setUp();
        pledgeHalf();
    }

    function test_RevertWhen_ReadReverts() public {
        vm.mockCallRevert(address(stETH), question(), "down");
        checkUnreadable();
    }

    function test_RevertWhen_ReadBurnsAllGas() public {
        vm.mockFunction(address(stETH), address(new GasBurner()), question());
        checkUnreadable();
    }

    function test_RevertWhen_ReadRevertsWithABomb() public {
        vm.mockFunction(address(stETH), address(new RevertBomb()), question());
        checkUnreadable();
    }

    function test_RevertWhen_AnswerIsEmpty() public {
        vm.mockCall(address(stETH), question(), "");
        checkUnreadable();
    }

    function test_RevertWhen_AnswerIsShort() public {
        vm.mockCall(address(stETH), question(), new bytes(31));
        checkUnreadable();
        // Not even if the data looks like a number.
        vm.mockCall(address(stETH), question(), abi.encodePacked(type(uint248).max));
        checkUnreadable();
    }

    function test_RevertWhen_StETHHasNoCode() public {
        vm.etch(address(stETH), "");
        checkUnreadable();
    }

    function test_RevertWhen_RateIsZero() public {
        vm.mockCall(address(stETH), question(), abi.encode(0));
        checkUnreadable();
    }

    function test_RevertWhen_RateIsTooLarge() public {
        vm.mockCall(address(stETH), question(), abi.encode(uint256(1) << 96));
        checkUnreadable();
        vm.mockCall(address(stETH), question(), abi.encode(type(uint256).max));
        checkUnreadable();
    }

    function test_Settle_AtTheLargestRate() public {
        vm.mockCall(address(stETH), question(), abi.encode(type(uint96).max));
        settleLate();
        assertEq(escrow.rescue().rate, type(uint96).max);
        // 250 stETH at 79.2 ETH, plus 400 ETH, are far more than enough.
        assertEq(escrow.rescue().drawn, TARGET);
    }

    function test_Settle_AtTheSmallestRate() public {
        pledge(alice, GRANT, Asset.ETH, 100 ether);
        vm.mockCall(address(stETH), question(), abi.encode(1));
        settleLate();
        assertEq(escrow.rescue().rate, 1);
        assertEq(escrow.rescue().coverage, 500 ether);
        assertEq(escrow.rescue().thresholdMetBps, 5000);
    }

    function test_Settle_WithMoreDataThanAsked() public {
        vm.mockFunction(address(stETH), address(new ReturnBomb()), question());
        settleLate();
        assertEq(escrow.rescue().rate, RATE);
        assertEq(escrow.rescue().drawn, 700 ether);
    }

    /// @dev The only query is the value of 10^27 shares.
    function test_Settle_Asks() public {
        vm.expectCall(address(stETH), abi.encodeCall(stETH.getPooledEthByShares, (1e27)), 1);
        settleLate();
    }

    // ---------------------------------------------------------------- what needs no rate

    /// @dev Property 11.
    function test_OpenCalls_NeedNoRate() public {
        vm.mockCallRevert(address(stETH), question(), "down");
        pledge(alice, GRANT, Asset.ETH, 7);
        pledge(alice, GRANT, Asset.WstETH, 7);
        amendTarget(800 ether);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.WstETH, alice);
        vm.startPrank(guardian);
        escrow.decline(bob, GRANT, Asset.StETH);
        escrow.cancel();
        assertStatus(Status.Failed);
    }

    /// @dev Property 11: once the rescue is decided, Lido's rate can be gone for good.
    function test_DecidedCalls_NeedNoRate() public {
        settleLate();
        vm.mockCallRevert(address(stETH), question(), "down");
        escrow.refund(carol, LOAN, Asset.WstETH);
        vm.warp(trancheAt(SETTLED_AT, 1));
        escrow.release(Asset.ETH);
        escrow.release(Asset.StETH);
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
        assertStatus(Status.Cancelled);
        assertEq(escrow.rescue().rate, RATE);
        assertTrue(escrow.rescue().rateReadable);
    }

    function test_Settle_WithoutShares_NeedsNoRate() public {
        amendTarget(800 ether);
        vm.prank(bob);
        escrow.exit(GRANT, Asset.StETH, bob);
        vm.prank(carol);
        escrow.exit(LOAN, Asset.WstETH, carol);
        vm.mockCallRevert(address(stETH), question(), "down");
        settleLate();
        assertStatus(Status.Settled);
        assertEq(escrow.rescue().rate, 0);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev Nothing can be decided now that the deadline has passed.
    function checkUnreadable() private {
        vm.warp(DEADLINE);
        expectUnreadable();
        escrow.settle();
        vm.warp(SETTLED_AT);
        expectUnreadable();
        escrow.settle();
        expectUnreadable();
        escrow.refund(alice, GRANT, Asset.ETH);
        expectUnreadable();
        vm.prank(alice);
        escrow.refundTo(GRANT, Asset.ETH, alice);
        expectUnreadable();
        escrow.release(Asset.ETH);
        expectUnreadable();
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
        expectUnreadable();
        escrow.lapse();
        expectUnreadable();
        vm.prank(guardian);
        escrow.cancel();

        assertStatus(Status.Open);
        RescueView memory page = escrow.rescue();
        assertFalse(page.rateReadable);
        assertEq(page.rate, 0);
        assertEq(page.coverage, 400 ether);
        assertEq(page.thresholdMetBps, 0);
        assertPosition(carol, LOAN, Asset.WstETH, 100 ether, 0, 0);
    }

    function expectUnreadable() private {
        vm.expectRevert(IPledgeEscrow.RateUnreadable.selector);
    }

    function question() private pure returns (bytes memory) {
        return abi.encodeWithSelector(IStETH.getPooledEthByShares.selector);
    }
}
