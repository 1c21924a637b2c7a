// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IWstETH } from "levee/interfaces/external/ILido.sol";
import { Asset, Units } from "levee/types/Units.sol";

import { EscrowTest, units } from "../util/EscrowTest.sol";
import { Burner, GasMeter, LoudReceiver, Refuser } from "../util/Receivers.sol";

/// decline
/// ├── it returns the whole position to its pledger, and to nobody else, and emits {Declined}
/// ├── it leaves every other position as it is
/// ├── it counts a departure, which a new pledge keeps
/// ├── when the pledger refuses, stETH is paused, or wstETH refuses or reports a failed transfer
/// │   └── it is out of the books all the same, is owed to the pledger, and emits {Owed}
/// ├── it gives the pledger at most 100,000 gas
/// │   └── one that burns it, or returns more data than it pays for, costs the guardian no more
/// ├── when the time is the deadline
/// │   └── it succeeds
/// ├── when the deadline has passed, or the rescue is decided
/// │   └── it reverts with {PledgingClosed}
/// ├── when the caller is not the guardian, or there is none
/// │   └── it reverts with {NotGuardian}
/// ├── when the tier does not exist
/// │   └── it reverts with {UnknownTier}
/// └── when the position is empty
///     └── it reverts with {NothingToReturn}
contract DeclineTest is EscrowTest {
    /// @dev What the pledger's code gets.
    uint256 private constant DECLINE_GAS = 100_000;
    /// @dev What the rest of a call that owes may take: books, event and a new word for what is owed.
    uint256 private constant OWN_GAS = 70_000;

    function setUp() public override {
        super.setUp();
        pledgeHalf();
    }

    function test_Decline() public {
        declineAll(alice, GRANT, Asset.ETH, 400 ether);
        declineAll(bob, GRANT, Asset.StETH, 250 ether);
        declineAll(carol, LOAN, Asset.WstETH, 100 ether);
        assertEq(escrow.rescue().pots.length, 0);
        assertStatus(Status.Open);
    }

    /// @dev Property 8: back to the pledger, even if another paid; and only that position.
    function test_Decline_LeavesTheOthers() public {
        fund(bob, Asset.ETH, 30 ether);
        pledgeFrom(bob, carol, GRANT, Asset.ETH, 30 ether);
        vm.prank(guardian);
        escrow.decline(carol, GRANT, Asset.ETH);

        assertEq(carol.balance, 30 ether);
        assertEq(bob.balance, 0);
        assertPot(GRANT, Asset.ETH, 400 ether, 0, 0);
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 0);
        assertPosition(carol, LOAN, Asset.WstETH, 100 ether, 0, 0);
    }

    function test_Decline_UpToTheDeadline() public {
        vm.warp(DEADLINE);
        declineAll(alice, GRANT, Asset.ETH, 400 ether);

        vm.warp(DEADLINE + 1);
        expectPledgingClosed(Status.Open, DEADLINE);
        vm.prank(guardian);
        escrow.decline(bob, GRANT, Asset.StETH);
    }

    function test_RevertWhen_Decided() public {
        settleLate();
        expectPledgingClosed(Status.Settled, DEADLINE);
        vm.prank(guardian);
        escrow.decline(alice, GRANT, Asset.ETH);
    }

    function test_RevertWhen_Ended() public {
        vm.startPrank(guardian);
        escrow.cancel();
        expectPledgingClosed(Status.Failed, DEADLINE);
        escrow.decline(alice, GRANT, Asset.ETH);
    }

    function test_RevertWhen_NotGuardian() public {
        expectNotGuardian(alice);
        vm.prank(alice);
        escrow.decline(alice, 3, Asset.ETH);
        vm.warp(DEADLINE + 1);
        expectNotGuardian(beneficiary);
        vm.prank(beneficiary);
        escrow.decline(alice, GRANT, Asset.ETH);
    }

    function test_RevertWhen_TierUnknown() public {
        expectUnknownTier(3);
        vm.prank(guardian);
        escrow.decline(alice, 3, Asset.ETH);
    }

    function test_RevertWhen_NothingToReturn() public {
        vm.startPrank(guardian);
        expectNothingToReturn(alice, LOAN, Asset.ETH);
        escrow.decline(alice, LOAN, Asset.ETH);
        escrow.decline(alice, GRANT, Asset.ETH);
        expectNothingToReturn(alice, GRANT, Asset.ETH);
        escrow.decline(alice, GRANT, Asset.ETH);
    }

    function test_Decline_CountsDepartures() public {
        vm.prank(guardian);
        escrow.decline(alice, GRANT, Asset.ETH);
        assertEq(departuresOf(alice, GRANT, Asset.ETH), 1);
        pledgeFrom(alice, alice, GRANT, Asset.ETH, 7);
        assertEq(departuresOf(alice, GRANT, Asset.ETH), 1);
        assertPosition(alice, GRANT, Asset.ETH, 7, 0, 0);
        // Exits and declines are counted alike.
        amendTarget(TARGET);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, alice);
        assertEq(departuresOf(alice, GRANT, Asset.ETH), 2);
        assertEq(departuresOf(bob, GRANT, Asset.StETH), 0);
    }

    // ---------------------------------------------------------------- what cannot be paid is owed

    function test_Decline_WhenThePledgerRefuses() public {
        declineOwed(address(new Refuser()));
    }

    function test_Decline_WhileStETHIsPaused() public {
        stETH.stop();
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Declined(bob, GRANT, Asset.StETH, units(250 ether));
        expectOwed(bob, Asset.StETH, 250 ether);
        vm.prank(guardian);
        escrow.decline(bob, GRANT, Asset.StETH);
        assertOwed(bob, Asset.StETH, 250 ether);
        assertPot(GRANT, Asset.StETH, 0, 0, 0);
        assertEq(stETH.sharesOf(address(escrow)), 250 ether);
    }

    function test_Decline_WhenWstETHRefuses() public {
        vm.mockCallRevert(address(wstETH), abi.encodeWithSelector(IWstETH.transfer.selector), "no");
        vm.prank(guardian);
        escrow.decline(carol, LOAN, Asset.WstETH);
        assertOwed(carol, Asset.WstETH, 100 ether);
        assertPot(LOAN, Asset.WstETH, 0, 0, 0);
    }

    function test_Decline_WhenWstETHReportsFailure() public {
        vm.mockCall(address(wstETH), abi.encodeWithSelector(IWstETH.transfer.selector), abi.encode(false));
        vm.prank(guardian);
        escrow.decline(carol, LOAN, Asset.WstETH);
        assertOwed(carol, Asset.WstETH, 100 ether);
        assertPot(LOAN, Asset.WstETH, 0, 0, 0);
    }

    // ---------------------------------------------------------------- gas

    /// @dev The 2,300 that the EVM adds to any call with value are part of it.
    function test_Decline_GivesSoMuchGas() public {
        GasMeter meter = new GasMeter();
        pledge(address(meter), GRANT, Asset.ETH, 7);
        vm.prank(guardian);
        escrow.decline(address(meter), GRANT, Asset.ETH);
        assertLe(meter.given(), DECLINE_GAS);
        assertGt(meter.given(), DECLINE_GAS - 2300);
        assertEq(address(meter).balance, 7);
    }

    function test_Decline_OfABurner_CostsNoMore() public {
        assertLt(declineOwed(address(new Burner())), DECLINE_GAS + OWN_GAS);
    }

    /// @dev Half a million bytes of memory cost more than it is given.
    function test_Decline_OfABomb_CostsNoMore() public {
        assertLt(declineOwed(address(new LoudReceiver(500_000))), DECLINE_GAS + OWN_GAS);
    }

    /// @dev 150,000 bytes it can pay for. Were they copied, they would cost the caller as much again.
    function test_Decline_OfALoudReceiver_CopiesNothing() public {
        address loud = address(new LoudReceiver(150_000));
        pledge(loud, GRANT, Asset.ETH, 7);
        assertLt(gasOfDeclining(loud), DECLINE_GAS + OWN_GAS);
        assertEq(loud.balance, 7);
        assertOwed(loud, Asset.ETH, 0);
    }

    /// @dev With too little gas for the payment it is owed, or nothing happens: a careless guardian loses nobody's money.
    function testFuzz_Decline_WithLittleGas(uint256 gasLimit) public {
        gasLimit = bound(gasLimit, 30_000, 200_000);
        vm.prank(guardian);
        (bool success,) =
            address(escrow).call{ gas: gasLimit }(abi.encodeCall(escrow.decline, (alice, GRANT, Asset.ETH)));
        uint256 owed = Units.unwrap(escrow.owed(alice)[0]);
        uint256 booked = Units.unwrap(positionOf(alice, GRANT, Asset.ETH).amount);
        assertEq(alice.balance + owed + booked, 400 ether);
        assertEq(address(escrow).balance, owed + booked);
        assertEq(booked == 0, success);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev Declines a pledger that takes no ETH.
    function declineOwed(address pledger) private returns (uint256 used) {
        pledge(pledger, GRANT, Asset.ETH, 7);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Declined(pledger, GRANT, Asset.ETH, units(7));
        expectOwed(pledger, Asset.ETH, 7);
        used = gasOfDeclining(pledger);
        assertOwed(pledger, Asset.ETH, 7);
        assertEq(pledger.balance, 0);
        assertPot(GRANT, Asset.ETH, 400 ether, 0, 0);
        assertEq(address(escrow).balance, 400 ether + 7);
    }

    /// @dev Of a transaction that has touched nothing before.
    function gasOfDeclining(address pledger) private returns (uint256) {
        vm.cool(address(escrow));
        vm.cool(pledger);
        vm.prank(guardian);
        escrow.decline(pledger, GRANT, Asset.ETH);
        return vm.lastCallGas().gasTotalUsed;
    }

    /// @dev Declines a pledger that is alone in its pot.
    function declineAll(address pledger, uint8 tier, Asset asset, uint256 amount) private {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Declined(pledger, tier, asset, units(amount));
        vm.prank(guardian);
        escrow.decline(pledger, tier, asset);

        assertEq(balanceOf(pledger, asset), amount);
        assertEq(balanceOf(address(escrow), asset), 0);
        assertPot(tier, asset, 0, 0, 0);
        assertEq(escrow.positions(pledger).length, 0);
    }
}
