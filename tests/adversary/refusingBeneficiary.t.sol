// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { RescueView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { Refuser } from "../util/Receivers.sol";

/// A beneficiary that does not accept ETH.
/// ├── it gets the tokens all the same
/// ├── it may accept the ETH later
/// ├── it delays nobody's refund
/// └── when it refuses beyond the release window
///     └── anyone ends the rescue, and the ETH goes back
contract RefusingBeneficiaryTest is EscrowTest {
    Refuser private refuser;

    function setUp() public override {
        super.setUp();
        refuser = new Refuser();
        Terms memory terms = defaultTerms();
        terms.beneficiary = address(refuser);
        escrow = deploy(terms);
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
    }

    function test_OnlyEtherWaits() public {
        expectPaymentFailed(address(refuser), Asset.ETH, 400 ether);
        escrow.release(Asset.ETH);
        escrow.release(Asset.StETH);
        escrow.release(Asset.WstETH);
        escrow.refund(carol, LOAN, Asset.WstETH);
        assertEq(stETH.sharesOf(address(refuser)), 250 ether);
        assertEq(wstETH.balanceOf(address(refuser)), 250 ether);
        assertEq(wstETH.balanceOf(carol), 250 ether);
        assertStatus(Status.Settled);

        refuser.relent();
        escrow.release(Asset.ETH);
        assertEq(address(refuser).balance, 400 ether);
        assertStatus(Status.Released);
    }

    /// @dev Property 6.
    function test_Lapse() public {
        escrow.release(Asset.StETH);
        escrow.release(Asset.WstETH);
        vm.warp(trancheAt(SETTLED_AT, TRANCHES) + RELEASE_WINDOW + 1);
        vm.prank(stranger);
        escrow.lapse();
        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.status), uint256(Status.Cancelled));
        assertEq(page.kept[0], 0);
        assertEq(page.kept[1], TRANCHES);
        escrow.refund(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 400 ether);
        assertEq(address(escrow).balance, 0);
    }
}
