// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { RescueView, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// Someone who sends stETH or wstETH to the escrow without a pledge.
/// ├── no view changes, and it decides nothing
/// └── everyone gets what they would have got, and it stays there
contract StrayTokensTest is EscrowTest {
    uint256 private constant STRAY = 2000 ether;

    function test_Strays_CountForNothing() public {
        pledge(alice, GRANT, Asset.ETH, 499 ether);
        pledge(bob, LOAN, Asset.StETH, 1);
        RescueView memory before = escrow.rescue();
        sendStrays();
        assertSame(escrow.rescue(), before);
        settleLate();
        assertStatus(Status.Failed);
    }

    /// @dev They do not even make a rate necessary.
    function test_Strays_AreNoShares() public {
        pledge(alice, GRANT, Asset.ETH, 600 ether);
        sendStrays();
        vm.mockCallRevert(address(stETH), abi.encodeWithSelector(stETH.getPooledEthByShares.selector), "down");
        settleLate();
        assertStatus(Status.Settled);
        assertEq(escrow.rescue().drawn, 600 ether);
    }

    /// @dev Properties 1 and 2: after a whole life, exactly the stray tokens are left.
    function test_Strays_StayThere() public {
        sendStrays();
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        for (uint256 i; i < 3; ++i) {
            escrow.release(Asset(i));
        }
        escrow.refund(carol, LOAN, Asset.WstETH);
        assertEq(stETH.sharesOf(beneficiary), 250 ether);
        assertEq(wstETH.balanceOf(beneficiary), 250 ether);
        assertEq(wstETH.balanceOf(carol), 250 ether);
        assertEq(stETH.sharesOf(address(escrow)), STRAY);
        assertEq(wstETH.balanceOf(address(escrow)), STRAY);
    }

    function sendStrays() private {
        fund(address(escrow), Asset.StETH, STRAY);
        fund(address(escrow), Asset.WstETH, STRAY);
    }
}
