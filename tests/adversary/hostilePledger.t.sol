// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { Burner, Refuser } from "../util/Receivers.sol";

/// A pledger that reverts or burns all its gas when it is paid in ETH.
/// ├── it delays nobody's refund, and no settlement, release or cancellation
/// ├── it is declined all the same: what it does not accept is owed to it, and its pledge no longer counts
/// ├── anyone who calls for it pays no more than the gas given, and changes nothing
/// └── it gets what it is owed by naming another recipient
contract HostilePledgerTest is EscrowTest {
    address private immutable burner = address(new Burner());
    address private immutable refuser = address(new Refuser());

    function setUp() public override {
        super.setUp();
        pledge(alice, GRANT, Asset.ETH, 900 ether);
    }

    function test_Burner_HoldsUpNobody() public {
        checkHoldsUpNobody(burner);
    }

    function test_Refuser_HoldsUpNobody() public {
        checkHoldsUpNobody(refuser);
    }

    function test_Burner_IsDeclined() public {
        checkDeclined(burner);
    }

    function test_Refuser_IsDeclined() public {
        checkDeclined(refuser);
    }

    /// @dev Property 6. 1,000 of 1,500 are drawn.
    function checkHoldsUpNobody(address hostile) private {
        pledge(hostile, GRANT, Asset.ETH, 600 ether);
        settleLate();
        refundInVain(hostile);
        escrow.refund(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 300 ether);
        vm.warp(trancheAt(SETTLED_AT, 1));
        escrow.release(Asset.ETH);
        assertEq(beneficiary.balance, 250 ether);
        vm.prank(guardian);
        escrow.cancel();
        assertStatus(Status.Cancelled);
        refundInVain(hostile);

        vm.prank(hostile);
        escrow.refundTo(GRANT, Asset.ETH, bob);
        assertEq(bob.balance, 500 ether);
        escrow.refund(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 750 ether);
        assertEq(address(escrow).balance, 0);
    }

    /// @dev Property 8. 900 of 1,000 remain, of which half settles; the rest is not missed.
    function checkDeclined(address hostile) private {
        pledge(hostile, GRANT, Asset.ETH, 600 ether);
        vm.prank(guardian);
        escrow.decline{ gas: 250_000 }(hostile, GRANT, Asset.ETH);
        assertPosition(hostile, GRANT, Asset.ETH, 0, 0, 0);
        settleLate();
        assertEq(escrow.rescue().drawn, 900 ether);
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        escrow.release(Asset.ETH);
        assertStatus(Status.Released);
        assertEq(beneficiary.balance, 900 ether);
        vm.prank(hostile);
        escrow.collectTo(Asset.ETH, bob);
        assertEq(bob.balance, 600 ether);
        assertEq(address(escrow).balance, 0);
    }

    /// @dev A caller who gives half a million gas loses that and no more.
    function refundInVain(address hostile) private {
        uint256 held = address(escrow).balance;
        (bool success,) =
            address(escrow).call{ gas: 500_000 }(abi.encodeCall(escrow.refund, (hostile, GRANT, Asset.ETH)));
        assertFalse(success);
        assertEq(address(escrow).balance, held);
        assertEq(positionOf(hostile, GRANT, Asset.ETH).refunded, 0);
    }
}
