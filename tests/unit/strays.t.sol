// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { RescueView, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { ForceEther } from "../util/Receivers.sol";

/// What arrives without a pledge, and Lido where it has no part.
/// ├── when plain ETH or an unknown call is sent
/// │   └── it is refused
/// ├── when ETH is forced in, or tokens are sent in
/// │   └── no view, no draw, no release and no refund changes, and it stays there
/// └── given a rescue in ETH only
///     └── no call of its life touches a token
contract StraysTest is EscrowTest {
    function test_RevertWhen_PlainEther() public {
        vm.deal(alice, 1 ether);
        vm.startPrank(alice);
        (bool success,) = address(escrow).call{ value: 1 ether }("");
        assertFalse(success);
        (success,) = address(escrow).call{ value: 1 ether }(hex"12345678");
        assertFalse(success);
        (success,) = address(escrow).call{ value: 1 }(abi.encodeCall(escrow.settle, ()));
        assertFalse(success);
        assertEq(address(escrow).balance, 0);
    }

    function test_Strays_ChangeNothing_WhileOpen() public {
        pledge(alice, GRANT, Asset.ETH, 499 ether);
        pledge(bob, LOAN, Asset.StETH, 1);
        RescueView memory before = escrow.rescue();
        sendStrays();
        assertSame(escrow.rescue(), before);
        settleLate();
        assertStatus(Status.Failed);
    }

    /// @dev Properties 1 and 2: through a whole life, what was strayed is there in the end, and nothing else.
    function test_Strays_StayThere() public {
        sendStrays();
        pledgeFull();
        settleLate();
        sendStrays();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        for (uint256 i; i < 3; ++i) {
            escrow.release(Asset(i));
        }
        escrow.refund(carol, LOAN, Asset.WstETH);
        assertEq(beneficiary.balance, 400 ether);
        assertEq(stETH.sharesOf(beneficiary), 250 ether);
        assertEq(wstETH.balanceOf(beneficiary), 250 ether);
        assertEq(wstETH.balanceOf(carol), 250 ether);
        for (uint256 i; i < 3; ++i) {
            assertEq(balanceOf(address(escrow), Asset(i)), 2000 ether);
        }
    }

    /// @dev Property 11. Both tokens' addresses answer nothing but reverts, and still nobody notices.
    function test_EthOnly_NeverTouchesLido() public {
        escrow = deploy(ethOnlyTerms());
        // `address(0)` is what the terms say; neither it nor the tokens may be called.
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
        escrow.refund(bob, FULL_GRANT, Asset.ETH);
        // A quarter of 600 of 900, and of 400 of 600.
        assertEq(beneficiary.balance, 250 ether);
        assertEq(alice.balance, 300 ether);
        assertEq(bob.balance, 1100 ether);
    }

    /// @dev A thousand of each.
    function sendStrays() private {
        vm.deal(address(this), 1000 ether);
        new ForceEther{ value: 1000 ether }(payable(address(escrow)));
        fund(address(escrow), Asset.StETH, 1000 ether);
        fund(address(escrow), Asset.WstETH, 1000 ether);
    }
}
