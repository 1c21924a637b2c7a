// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { RescueView, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// Lido's rate changes in the very block of the settlement, up by an oracle report or down by slashing. Shares are what
/// is booked and moved, so only the draw depends on the rate.
/// ├── when it changes just before settlement
/// │   └── the draw is at the new rate, and at nothing else
/// ├── when it changes just after settlement
/// │   └── nothing that was decided changes
/// ├── when slashing takes a covered rescue below the target
/// │   └── it no longer settles early, and after the deadline fails or draws what is left
/// └── when slashing takes nearly everything
///     └── everyone still gets back the shares that they pledged, to the share
contract RebaseTest is EscrowTest {
    /// @dev 400 ETH, 250 shares and 500 units: 1,300 ETH at 1.2, and 400 + 750 * rate at another rate.
    function setUp() public override {
        super.setUp();
        pledgeFull();
    }

    function test_JustBeforeSettlement() public {
        vm.warp(SETTLED_AT);
        setRate(1.6e18);
        escrow.settle();
        RescueView memory page = escrow.rescue();
        assertEq(page.rate, 1.6e27);
        assertEq(page.drawn, TARGET);
        // Grants are worth 800, so 200 of the loan's 800 are drawn: a quarter of 500 units.
        assertPot(GRANT, Asset.ETH, 400 ether, 400 ether, 0);
        assertPot(FULL_GRANT, Asset.StETH, 250 ether, 250 ether, 0);
        assertPot(LOAN, Asset.WstETH, 500 ether, 125 ether, 0);
    }

    function test_JustAfterSettlement() public {
        settleLate();
        RescueView memory before = escrow.rescue();
        setRate(2.4e18);
        assertSame(escrow.rescue(), before);
        setRate(0.1e18);
        assertSame(escrow.rescue(), before);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 0, 250 ether);
    }

    /// @dev Coverage does not last: what counts is the moment of settlement.
    function test_Slashed_BelowTheTarget() public {
        setRate(0.7e18);
        vm.expectRevert();
        escrow.settle();
        settleLate();
        // 400 + 750 * 0.7 = 925: 100 % is not met, and GRANT alone has 400, less than half.
        assertStatus(Status.Failed);
        escrow.refund(bob, FULL_GRANT, Asset.StETH);
        escrow.refund(carol, LOAN, Asset.WstETH);
        assertEq(stETH.sharesOf(bob), 250 ether);
        assertEq(wstETH.balanceOf(carol), 500 ether);
    }

    /// @dev Property 5: GRANT's half is still there, so it alone is drawn.
    function test_Slashed_ToALowerThreshold() public {
        pledge(alice, GRANT, Asset.ETH, 100 ether);
        setRate(0.6e18);
        settleLate();
        assertEq(escrow.rescue().thresholdMetBps, 5000);
        assertEq(escrow.rescue().drawn, 500 ether);
        assertPot(FULL_GRANT, Asset.StETH, 250 ether, 0, 0);
        assertPot(LOAN, Asset.WstETH, 500 ether, 0, 0);
    }

    /// @dev Property 1: with all but one wei of the pooled ether gone, 10^27 shares are worth 500 wei.
    function test_Slashed_ToNothing() public {
        stETH.setTotalPooledEther(1);
        settleLate();
        assertStatus(Status.Failed);
        escrow.refund(alice, GRANT, Asset.ETH);
        escrow.refund(bob, FULL_GRANT, Asset.StETH);
        escrow.refund(carol, LOAN, Asset.WstETH);
        assertEq(alice.balance, 400 ether);
        assertEq(stETH.sharesOf(bob), 250 ether);
        assertEq(wstETH.balanceOf(carol), 500 ether);
    }

    /// @dev Sets the rate, in wei per share; two million shares own the pooled ether.
    function setRate(uint256 weiPerShare) private {
        stETH.setTotalPooledEther(2_000_000 * weiPerShare);
        assertEq(stETH.getPooledEthByShares(1e18), weiPerShare);
    }
}
