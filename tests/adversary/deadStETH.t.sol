// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// stETH paused, or upgraded to a contract whose every call reverts. Property 11.
/// ├── given it stopped before settlement
/// │   ├── when it is only paused
/// │   │   └── the rescue settles, and everything but stETH moves
/// │   └── when every call reverts
/// │       └── nothing settles; after the release window anyone ends the rescue, and everything but stETH goes back
/// ├── given it stopped after settlement
/// │   └── ETH and wstETH are released and refunded; stETH lapses, and waits for its pledgers
/// └── given an ETH-only rescue
///     └── no call in its life touches a token
contract DeadStETHTest is EscrowTest {
    function test_Paused_BeforeSettlement() public {
        pledgeFull();
        stETH.stop();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        escrow.release(Asset.ETH);
        escrow.release(Asset.WstETH);
        expectPaymentFailed(beneficiary, Asset.StETH, 250 ether);
        escrow.release(Asset.StETH);
        escrow.refund(carol, LOAN, Asset.WstETH);
        assertEq(beneficiary.balance, 400 ether);
        assertEq(wstETH.balanceOf(beneficiary), 250 ether);
        assertEq(wstETH.balanceOf(carol), 250 ether);

        stETH.resume();
        escrow.release(Asset.StETH);
        assertEq(stETH.sharesOf(beneficiary), 250 ether);
        assertStatus(Status.Released);
    }

    function test_Dead_BeforeSettlement() public {
        pledgeFull();
        bytes memory code = kill();
        vm.warp(DEADLINE + RELEASE_WINDOW);
        vm.expectRevert();
        escrow.settle();
        vm.warp(DEADLINE + RELEASE_WINDOW + 1);
        vm.prank(stranger);
        escrow.expire();
        escrow.refund(alice, GRANT, Asset.ETH);
        escrow.refund(carol, LOAN, Asset.WstETH);
        assertEq(alice.balance, 400 ether);
        assertEq(wstETH.balanceOf(carol), 500 ether);
        expectPaymentFailed(bob, Asset.StETH, 250 ether);
        escrow.refund(bob, FULL_GRANT, Asset.StETH);

        vm.etch(address(stETH), code);
        escrow.refund(bob, FULL_GRANT, Asset.StETH);
        assertEq(stETH.sharesOf(bob), 250 ether);
    }

    function test_Dead_AfterSettlement() public {
        pledgeFull();
        settleLate();
        bytes memory code = kill();
        uint256 last = trancheAt(SETTLED_AT, TRANCHES);
        vm.warp(last);
        escrow.release(Asset.ETH);
        escrow.release(Asset.WstETH);
        escrow.refund(carol, LOAN, Asset.WstETH);
        expectPaymentFailed(beneficiary, Asset.StETH, 250 ether);
        escrow.release(Asset.StETH);
        vm.warp(last + RELEASE_WINDOW + 1);
        vm.prank(stranger);
        escrow.lapse();
        assertStatus(Status.Cancelled);
        assertEq(escrow.rescue().finalAt, last + RELEASE_WINDOW + 1);
        assertEq(beneficiary.balance, 400 ether);
        assertEq(wstETH.balanceOf(beneficiary), 250 ether);

        vm.etch(address(stETH), code);
        escrow.refund(bob, FULL_GRANT, Asset.StETH);
        assertEq(stETH.sharesOf(bob), 250 ether);
    }

    /// @dev Both token addresses only revert, and nobody notices.
    function test_EthOnly_NeverTouchesLido() public {
        escrow = deploy(ethOnlyTerms());
        // The terms say `address(0)`; neither it nor the tokens may be called.
        vm.mockCallRevert(address(0), bytes(""), "called");
        vm.mockCallRevert(address(stETH), bytes(""), "called");
        vm.mockCallRevert(address(wstETH), bytes(""), "called");
        pledge(alice, GRANT, Asset.ETH, 900 ether);
        pledge(bob, FULL_GRANT, Asset.ETH, 600 ether);
        pledge(carol, LOAN, Asset.ETH, 7);
        amendTarget(TARGET);
        vm.prank(bob);
        escrow.exit(FULL_GRANT, Asset.ETH, bob);
        pledge(bob, FULL_GRANT, Asset.ETH, 600 ether);
        vm.prank(guardian);
        escrow.decline(carol, LOAN, Asset.ETH);
        settleLate();
        assertTrue(escrow.rescue().rateReadable);
        vm.warp(trancheAt(SETTLED_AT, 1));
        escrow.release(Asset.ETH);
        escrow.refund(alice, GRANT, Asset.ETH);
        vm.prank(bob);
        escrow.object(FULL_GRANT, Asset.ETH);
        assertStatus(Status.Cancelled);
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        escrow.refund(alice, GRANT, Asset.ETH);
        escrow.refund(bob, FULL_GRANT, Asset.ETH);
        // A quarter of 600 of 900, and of 400 of 600.
        assertEq(beneficiary.balance, 250 ether);
        assertEq(alice.balance, 750 ether);
        assertEq(bob.balance, 1100 ether);
    }

    /// @dev An upgrade: new code on the same storage.
    /// @return code The previous code.
    function kill() private returns (bytes memory code) {
        code = address(stETH).code;
        vm.etch(address(stETH), address(new Reverter()).code);
    }
}

/// @notice The code of a token whose every call fails.
contract Reverter {
    fallback() external {
        revert("it is dead");
    }
}
