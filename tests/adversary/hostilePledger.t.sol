// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// A pledger that, when it is paid in ETH, reverts or burns all the gas there is.
/// ├── it holds up nobody's refund, no settlement, no release and no cancellation
/// ├── it cannot be declined, but the guardian can still end the rescue
/// ├── whoever calls for it pays no more than the gas given, and changes nothing
/// └── it gets what it is owed by naming another recipient
contract HostilePledgerTest is EscrowTest {
    Burner private burner;

    function setUp() public override {
        super.setUp();
        burner = new Burner();
        pledge(alice, GRANT, Asset.ETH, 900 ether);
        pledge(address(burner), GRANT, Asset.ETH, 600 ether);
    }

    function test_Burner_HoldsUpNobody() public {
        checkHoldsUpNobody();
    }

    function test_Reverter_HoldsUpNobody() public {
        burner.setReverts();
        checkHoldsUpNobody();
    }

    /// @dev Property 6. 1,000 of 1,500 are drawn.
    function checkHoldsUpNobody() private {
        settleLate();
        refundBurner();
        escrow.refund(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 300 ether);
        vm.warp(trancheAt(SETTLED_AT, 1));
        escrow.release(Asset.ETH);
        assertEq(beneficiary.balance, 250 ether);
        vm.prank(guardian);
        escrow.cancel();
        assertStatus(Status.Cancelled);
        refundBurner();

        vm.prank(address(burner));
        escrow.refundTo(GRANT, Asset.ETH, bob);
        assertEq(bob.balance, 500 ether);
        escrow.refund(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 750 ether);
        assertEq(address(escrow).balance, 0);
    }

    function test_Burner_IsNotDeclined() public {
        vm.startPrank(guardian);
        (bool success,) =
            address(escrow).call{ gas: 500_000 }(abi.encodeCall(escrow.decline, (address(burner), GRANT, Asset.ETH)));
        assertFalse(success);
        assertPosition(address(burner), GRANT, Asset.ETH, 600 ether, 0, 0);
        escrow.cancel();
        assertStatus(Status.Failed);
        vm.stopPrank();
        escrow.refund(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 900 ether);
    }

    /// @dev A caller who gives half a million gas loses that and no more.
    function refundBurner() private {
        uint256 held = address(escrow).balance;
        (bool success,) =
            address(escrow).call{ gas: 500_000 }(abi.encodeCall(escrow.refund, (address(burner), GRANT, Asset.ETH)));
        assertFalse(success);
        assertEq(address(escrow).balance, held);
        assertEq(positionOf(address(burner), GRANT, Asset.ETH).refunded, 0);
    }
}

/// @notice Burns all the gas it is paid with, or reverts.
contract Burner {
    error Never();

    bool private reverts;

    function setReverts() external {
        reverts = true;
    }

    receive() external payable {
        if (reverts) revert Never();
        assembly ("memory-safe") {
            invalid()
        }
    }
}
