// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// A guardian who amends while stETH is paused, so that nobody could take stETH out. Property 8.
/// ├── a pledger who leaves is out of the books at once, whatever the token does
/// │   ├── when the target is lowered meanwhile
/// │   │   └── nothing of its pledge is drawn, and it is collected when the pause ends
/// │   └── when the deadline is moved as late as possible
/// │       └── it waits only for the pause
/// ├── when the pause outlasts the whole rescue, or its failure
/// │   └── what is owed is there, and pays nobody else (property 1)
/// └── when every call to stETH reverts
///     └── it leaves all the same
contract PausedExitTest is EscrowTest {
    uint40 private constant EFFECTIVE_AT = START + EXIT_WINDOW;

    /// @dev 400 ETH, bob's 250 shares only with full coverage, and a loan of 500 units: 1,300 ETH of 2,000.
    function setUp() public override {
        super.setUp();
        amendTarget(2000 ether);
        vm.warp(EFFECTIVE_AT);
        pledgeFull();
    }

    function test_TargetLowered() public {
        stETH.stop();
        amend(700 ether, DEADLINE, TERMS_HASH);
        takeOut();
        vm.warp(EFFECTIVE_AT + EXIT_WINDOW);
        escrow.settle();
        // Alice's 400 ETH, and 300 of carol's 600.
        assertEq(escrow.rescue().drawn, 700 ether);
        assertPot(FULL_GRANT, Asset.StETH, 0, 0, 0);
        assertEq(escrow.rescue().kept[uint256(Asset.StETH)], 0);
        expectPaymentFailed(bob, Asset.StETH, 250 ether);
        escrow.collect(bob, Asset.StETH);

        stETH.resume();
        escrow.collect(bob, Asset.StETH);
        assertEq(stETH.sharesOf(bob), 250 ether);
    }

    /// @dev A pledger who does not leave is bound: that is the purpose of the window.
    function test_TargetLowered_BindsWhoStays() public {
        stETH.stop();
        amend(700 ether, DEADLINE, TERMS_HASH);
        vm.warp(EFFECTIVE_AT + EXIT_WINDOW);
        escrow.settle();
        assertPot(FULL_GRANT, Asset.StETH, 250 ether, 250 ether, 0);
    }

    function test_DeadlineMoved() public {
        stETH.stop();
        amend(2000 ether, LATEST_DEADLINE, TERMS_HASH);
        takeOut();
        vm.warp(EFFECTIVE_AT + EXIT_WINDOW + 1);
        stETH.resume();
        escrow.collect(bob, Asset.StETH);
        assertEq(stETH.sharesOf(bob), 250 ether);
        assertStatus(Status.Open);
    }

    /// @dev Someone else's shares in the same pot are drawn, delivered and refunded, next to what is owed.
    function test_PauseOutlastsTheRescue() public {
        pledge(stranger, FULL_GRANT, Asset.StETH, 500 ether);
        stETH.stop();
        amend(500 ether, DEADLINE, TERMS_HASH);
        takeOut();
        vm.warp(EFFECTIVE_AT + EXIT_WINDOW);
        escrow.settle();
        vm.warp(trancheAt(vm.getBlockTimestamp(), TRANCHES));
        stETH.resume();
        escrow.release(Asset.ETH);
        escrow.release(Asset.StETH);
        assertStatus(Status.Released);
        // Half of the group of 400 ETH and 600 in shares is drawn; the loan is not needed.
        escrow.refund(stranger, FULL_GRANT, Asset.StETH);
        assertEq(stETH.sharesOf(beneficiary), 250 ether);
        assertEq(stETH.sharesOf(stranger), 250 ether);
        assertEq(stETH.sharesOf(address(escrow)), 250 ether);
        escrow.collect(bob, Asset.StETH);
        assertEq(stETH.sharesOf(bob), 250 ether);
        assertEq(stETH.sharesOf(address(escrow)), 0);
    }

    function test_PauseOutlastsTheFailure() public {
        stETH.stop();
        amend(2000 ether, DEADLINE, TERMS_HASH);
        takeOut();
        vm.warp(SETTLED_AT);
        escrow.settle();
        assertStatus(Status.Failed);
        expectNothingToReturn(bob, FULL_GRANT, Asset.StETH);
        escrow.refund(bob, FULL_GRANT, Asset.StETH);
        stETH.resume();
        vm.prank(bob);
        escrow.collectTo(Asset.StETH, carol);
        assertEq(stETH.sharesOf(carol), 250 ether);
    }

    /// @dev A token that no longer answers anything: there is no rate either, and still everyone gets out.
    function test_DeadToken() public {
        amend(700 ether, DEADLINE, TERMS_HASH);
        vm.mockCallRevert(address(stETH), bytes(""), "dead");
        takeOut();
        vm.clearMockedCalls();
        escrow.collect(bob, Asset.StETH);
        assertEq(stETH.sharesOf(bob), 250 ether);
    }

    /// @dev Bob leaves, in the last second of the window.
    function takeOut() private {
        vm.warp(EFFECTIVE_AT + EXIT_WINDOW - 1);
        expectOwed(bob, Asset.StETH, 250 ether);
        vm.prank(bob);
        escrow.exit(FULL_GRANT, Asset.StETH, bob);
        assertPosition(bob, FULL_GRANT, Asset.StETH, 0, 0, 0);
        assertOwed(bob, Asset.StETH, 250 ether);
    }
}
