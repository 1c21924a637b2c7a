// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IWstETH } from "levee/interfaces/external/ILido.sol";
import { Asset, Units } from "levee/types/Units.sol";

import { EscrowTest, units } from "../util/EscrowTest.sol";
import { Refuser } from "../util/Receivers.sol";

/// exit
/// ├── given an amendment is pending
/// │   ├── it takes the whole position out, pays the recipient and emits {Exited}
/// │   ├── it leaves every other position as it is, and the pledger may come back
/// │   ├── it counts a departure, which a new pledge keeps, up to 2^24 - 1
/// │   ├── when stETH is paused, the recipient refuses, or wstETH refuses or reports a failed transfer
/// │   │   └── it is out of the books all the same, is owed to the caller, whoever the recipient, and emits {Owed}
/// │   ├── given exits that could not be paid before
/// │   │   └── what is owed adds up, by asset
/// │   ├── when the caller has no position in that pot
/// │   │   └── it reverts with {NothingToReturn}
/// │   ├── when the tier does not exist
/// │   │   └── it reverts with {UnknownTier}
/// │   └── when the recipient is zero, the escrow, or one of its tokens
/// │       └── it reverts with {InvalidAccount}, before {UnknownTier}
/// ├── when the time is one before the amendment's
/// │   └── it succeeds
/// └── given no amendment, one in force, or one that died with the rescue
///     └── it reverts with {NoExitWindow}, before anything else
contract ExitTest is EscrowTest {
    uint40 private constant EFFECTIVE_AT = START + EXIT_WINDOW;

    function setUp() public override {
        super.setUp();
        pledgeHalf();
    }

    function test_Exit() public {
        amendTarget(800 ether);
        exitAll(alice, GRANT, Asset.ETH, 400 ether);
        exitAll(bob, GRANT, Asset.StETH, 250 ether);
        exitAll(carol, LOAN, Asset.WstETH, 100 ether);
        assertEq(escrow.rescue().pots.length, 0);
    }

    /// @dev Property 8: who leaves in the window is bound by nothing, and nobody else is moved.
    function test_Exit_LeavesTheOthers() public {
        pledge(bob, GRANT, Asset.ETH, 30 ether);
        pledge(alice, LOAN, Asset.ETH, 3 ether);
        amendTarget(800 ether);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);

        assertPot(GRANT, Asset.ETH, 30 ether, 0, 0);
        assertPosition(bob, GRANT, Asset.ETH, 30 ether, 0, 0);
        assertPosition(alice, LOAN, Asset.ETH, 3 ether, 0, 0);
        assertEq(address(escrow).balance, 33 ether);

        pledgeFrom(alice, alice, GRANT, Asset.ETH, 5 ether);
        assertPosition(alice, GRANT, Asset.ETH, 5 ether, 0, 0);
        assertPot(GRANT, Asset.ETH, 35 ether, 0, 0);
    }

    function test_Exit_UpToTheLastSecondOfTheWindow() public {
        amendTarget(800 ether);
        vm.warp(EFFECTIVE_AT - 1);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
        assertEq(alice.balance, 400 ether);

        vm.warp(EFFECTIVE_AT);
        expectNoWindow(EFFECTIVE_AT);
        vm.prank(bob);
        escrow.exit(GRANT, Asset.StETH, bob);
    }

    // ---------------------------------------------------------------- departures

    function test_Exit_CountsDepartures() public {
        amendTarget(800 ether);
        assertEq(departuresOf(alice, GRANT, Asset.ETH), 0);
        for (uint24 count = 1; count < 4; ++count) {
            vm.prank(alice);
            escrow.exit(GRANT, Asset.ETH, alice);
            assertEq(departuresOf(alice, GRANT, Asset.ETH), count);
            pledgeFrom(alice, alice, GRANT, Asset.ETH, 1 ether);
            assertEq(departuresOf(alice, GRANT, Asset.ETH), count);
        }
        assertPosition(alice, GRANT, Asset.ETH, 1 ether, 0, 0);
        // Of each position by itself.
        assertEq(departuresOf(alice, LOAN, Asset.ETH), 0);
        assertEq(departuresOf(bob, GRANT, Asset.StETH), 0);
    }

    /// @dev The count outlasts what comes after: an objection and a refund are written beside it.
    function test_Exit_DeparturesOutlastTheRescue() public {
        pledge(bob, GRANT, Asset.ETH, 1500 ether);
        amendTarget(TARGET);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
        pledgeFrom(alice, alice, GRANT, Asset.ETH, 200 ether);
        settleLate();
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
        escrow.refund(alice, GRANT, Asset.ETH);
        (Units amount, Units refunded, bool objected, uint24 departures) = escrow.position(alice, GRANT, Asset.ETH);
        assertEq(amount, 200 ether);
        // 2,000 ETH are there, 300 of them shares, and half is drawn.
        assertEq(refunded, 100 ether);
        assertTrue(objected);
        assertEq(departures, 1);
    }

    /// @dev One more than the field holds stays the most that it holds, and the position is empty all the same.
    function test_Exit_DeparturesStopAtTheMost() public {
        amendTarget(800 ether);
        bytes32 slot = slotOfPosition();
        uint24 most = type(uint24).max;
        vm.store(address(escrow), slot, bytes32(uint256(400 ether) | uint256(most - 1) << 232));
        assertEq(departuresOf(alice, GRANT, Asset.ETH), most - 1);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
        assertEq(departuresOf(alice, GRANT, Asset.ETH), most);
        pledgeFrom(alice, alice, GRANT, Asset.ETH, 400 ether);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
        assertEq(departuresOf(alice, GRANT, Asset.ETH), most);
        assertPosition(alice, GRANT, Asset.ETH, 0, 0, 0);
    }

    /// @dev Where alice's pledge of ETH is stored: the one word that a pledge of one wei more changes besides the pot's.
    function slotOfPosition() private returns (bytes32 slot) {
        uint256 before = vm.snapshotState();
        fund(alice, Asset.ETH, 1);
        vm.record();
        pledgeFrom(alice, alice, GRANT, Asset.ETH, 1);
        (, bytes32[] memory writes) = vm.accesses(address(escrow));
        assertEq(writes.length, 2, "a pot and a position");
        slot = writes[1];
        vm.revertToState(before);
        assertEq(vm.load(address(escrow), slot), bytes32(uint256(400 ether)));
    }

    // ---------------------------------------------------------------- what cannot be paid is owed

    /// @dev Properties 8 and 11: a pause keeps nobody in.
    function test_Exit_WhileStETHIsPaused() public {
        amendTarget(800 ether);
        stETH.stop();
        exitAll(alice, GRANT, Asset.ETH, 400 ether);
        exitAll(carol, LOAN, Asset.WstETH, 100 ether);
        exitOwed(bob, GRANT, Asset.StETH, stranger, 250 ether);
        assertEq(escrow.rescue().pots.length, 0);
        assertEq(escrow.rescue().coverage, 0);
        assertEq(stETH.sharesOf(address(escrow)), 250 ether);
        // A departure like any other.
        assertEq(departuresOf(bob, GRANT, Asset.StETH), 1);
    }

    /// @dev It is owed to the pledger, whoever was named as recipient.
    function test_Exit_WhenTheRecipientRefuses() public {
        amendTarget(800 ether);
        address refuser = address(new Refuser());
        exitOwed(alice, GRANT, Asset.ETH, refuser, 400 ether);
        assertOwed(refuser, Asset.ETH, 0);
        assertEq(address(escrow).balance, 400 ether);
    }

    function test_Exit_WhenWstETHRefuses() public {
        amendTarget(800 ether);
        vm.mockCallRevert(address(wstETH), abi.encodeWithSelector(IWstETH.transfer.selector), "no");
        exitOwed(carol, LOAN, Asset.WstETH, carol, 100 ether);
    }

    function test_Exit_WhenWstETHReportsFailure() public {
        amendTarget(800 ether);
        vm.mockCall(address(wstETH), abi.encodeWithSelector(IWstETH.transfer.selector), abi.encode(false));
        exitOwed(carol, LOAN, Asset.WstETH, carol, 100 ether);
    }

    function test_Exit_WhatIsOwedAddsUp() public {
        address refuser = address(new Refuser());
        pledge(alice, LOAN, Asset.ETH, 3 ether);
        pledge(alice, GRANT, Asset.StETH, 5 ether);
        amendTarget(800 ether);
        stETH.stop();
        vm.startPrank(alice);
        escrow.exit(GRANT, Asset.ETH, refuser);
        assertOwed(alice, Asset.ETH, 400 ether);
        expectOwed(alice, Asset.ETH, 3 ether);
        escrow.exit(LOAN, Asset.ETH, refuser);
        escrow.exit(GRANT, Asset.StETH, alice);
        assertOwed(alice, Asset.ETH, 403 ether);
        assertOwed(alice, Asset.StETH, 5 ether);
        assertOwed(alice, Asset.WstETH, 0);
        vm.stopPrank();

        // And again, after a new pledge.
        pledge(alice, GRANT, Asset.ETH, 10 ether);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, refuser);
        assertOwed(alice, Asset.ETH, 413 ether);
        assertEq(address(escrow).balance, 413 ether);
    }

    // ---------------------------------------------------------------- refusals

    function test_RevertWhen_NoAmendment() public {
        expectNoWindow(0);
        vm.prank(alice);
        escrow.exit(3, Asset.ETH, address(0));
    }

    function test_RevertWhen_AmendmentInForce() public {
        amendTarget(800 ether);
        vm.warp(DEADLINE);
        expectNoWindow(EFFECTIVE_AT);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
    }

    function test_RevertWhen_AmendmentDiedWithTheRescue() public {
        amendTarget(800 ether);
        vm.prank(guardian);
        escrow.cancel();
        expectNoWindow(0);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
    }

    function test_RevertWhen_NothingToReturn() public {
        amendTarget(800 ether);
        expectNothingToReturn(stranger, GRANT, Asset.ETH);
        vm.prank(stranger);
        escrow.exit(GRANT, Asset.ETH, stranger);

        vm.startPrank(alice);
        expectNothingToReturn(alice, FULL_GRANT, Asset.ETH);
        escrow.exit(FULL_GRANT, Asset.ETH, alice);
        expectNothingToReturn(alice, GRANT, Asset.StETH);
        escrow.exit(GRANT, Asset.StETH, alice);
        escrow.exit(GRANT, Asset.ETH, alice);
        expectNothingToReturn(alice, GRANT, Asset.ETH);
        escrow.exit(GRANT, Asset.ETH, alice);
    }

    function test_RevertWhen_TierUnknown() public {
        amendTarget(800 ether);
        expectUnknownTier(3);
        vm.prank(alice);
        escrow.exit(3, Asset.ETH, alice);
    }

    function test_RevertWhen_RecipientInvalid() public {
        amendTarget(800 ether);
        vm.startPrank(alice);
        expectInvalidAccount(address(0));
        escrow.exit(GRANT, Asset.ETH, address(0));
        expectInvalidAccount(address(escrow));
        escrow.exit(GRANT, Asset.ETH, address(escrow));
        expectInvalidAccount(address(stETH));
        escrow.exit(GRANT, Asset.ETH, address(stETH));
        expectInvalidAccount(address(wstETH));
        escrow.exit(3, Asset.ETH, address(wstETH));
    }

    /// @dev Takes a pledger that is alone in its pot out, to `stranger`.
    function exitAll(address pledger, uint8 tier, Asset asset, uint256 amount) private {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Exited(pledger, tier, asset, stranger, units(amount));
        vm.prank(pledger);
        escrow.exit(tier, asset, stranger);

        assertEq(balanceOf(stranger, asset), amount);
        assertEq(balanceOf(address(escrow), asset), 0);
        assertPot(tier, asset, 0, 0, 0);
        assertEq(escrow.positions(pledger).length, 0);
        assertStatus(Status.Open);
    }

    /// @dev Takes a pledger that is alone in its pot out, to a recipient that cannot be paid.
    function exitOwed(address pledger, uint8 tier, Asset asset, address recipient, uint256 amount) private {
        uint256 held = balanceOf(address(escrow), asset);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Exited(pledger, tier, asset, recipient, units(amount));
        expectOwed(pledger, asset, amount);
        vm.prank(pledger);
        escrow.exit(tier, asset, recipient);

        assertOwed(pledger, asset, amount);
        assertEq(balanceOf(recipient, asset), 0);
        assertEq(balanceOf(address(escrow), asset), held);
        assertPot(tier, asset, 0, 0, 0);
        assertEq(escrow.positions(pledger).length, 0);
        assertStatus(Status.Open);
    }

    function expectNoWindow(uint256 effectiveAt) private {
        uint256 time = vm.getBlockTimestamp();
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.NoExitWindow.selector, effectiveAt, time));
    }
}
