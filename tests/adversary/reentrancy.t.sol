// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { PledgeBack, Reentrant } from "../util/Receivers.sol";

/// A recipient of ETH calls back into the escrow. Books are complete before the payment, so
/// ├── given a pledger that is refunded, exits or is declined
/// │   └── it gets its position once, and none of its own calls succeeds
/// ├── given a beneficiary that is paid a tranche
/// │   └── it gets the tranche once
/// ├── given a beneficiary that is also the guardian, and cancels when it is paid
/// │   └── the cancellation finds the tranche delivered, and everyone is paid in full
/// ├── given a pledger that objects, reaching the veto, when it is refunded
/// │   └── it gets the rest at its time, or at once if it is the guardian and lifts the hold; and no more
/// ├── given a pledger that is owed, when it collects
/// │   └── it is paid once
/// └── given a pledger that pledges again when it exits
///     └── the new pledge is booked and locked
contract ReentrancyTest is EscrowTest {
    Reentrant private attacker;

    function setUp() public override {
        super.setUp();
        attacker = new Reentrant();
        Terms memory terms = defaultTerms();
        terms.beneficiary = address(attacker);
        terms.guardian = address(attacker);
        escrow = deploy(terms);
        pledge(alice, GRANT, Asset.ETH, 400 ether);
        pledge(address(attacker), GRANT, Asset.ETH, 100 ether);
    }

    function test_Refund_Reentered() public {
        vm.prank(address(attacker));
        escrow.cancel();
        attacker.arm(address(escrow), everyCall());
        escrow.refund(address(attacker), GRANT, Asset.ETH);
        assertGainedNothing(100 ether, 400 ether);

        vm.expectRevert();
        escrow.refund(address(attacker), GRANT, Asset.ETH);
        escrow.refund(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 400 ether);
    }

    function test_RefundTo_Reentered() public {
        vm.prank(address(attacker));
        escrow.cancel();
        attacker.arm(address(escrow), everyCall());
        vm.prank(address(attacker));
        escrow.refundTo(GRANT, Asset.ETH, address(attacker));
        assertGainedNothing(100 ether, 400 ether);
    }

    function test_Exit_Reentered() public {
        vm.startPrank(address(attacker));
        escrow.amend(escrow.terms().target, DEADLINE, TERMS_HASH);
        attacker.arm(address(escrow), callsOfAnyone());
        escrow.exit(GRANT, Asset.ETH, address(attacker));
        assertGainedNothing(100 ether, 400 ether);
        assertPot(GRANT, Asset.ETH, 400 ether, 0, 0);
    }

    /// @dev One call at a time, because all of them together need more gas than a decline gives; then all of them, and
    /// the amount is owed.
    function test_Decline_Reentered() public {
        bytes[] memory calls = callsOfAnyone();
        uint256 before = vm.snapshotState();
        for (uint256 i; i < calls.length; ++i) {
            attacker.arm(address(escrow), oneCall(calls[i]));
            vm.prank(address(attacker));
            escrow.decline(address(attacker), GRANT, Asset.ETH);
            assertGainedNothing(100 ether, 400 ether);
            assertPot(GRANT, Asset.ETH, 400 ether, 0, 0);
            assertOwed(address(attacker), Asset.ETH, 0);
            vm.revertToState(before);
        }
        attacker.arm(address(escrow), everyCall());
        vm.prank(address(attacker));
        escrow.decline(address(attacker), GRANT, Asset.ETH);
        assertEq(attacker.entries(), 0);
        assertEq(address(escrow).balance, 500 ether);
        assertOwed(address(attacker), Asset.ETH, 100 ether);
        assertPot(GRANT, Asset.ETH, 400 ether, 0, 0);
    }

    /// @dev It refused the ETH when it was declined; now it accepts it, and asks for it again.
    function test_Collect_Reentered() public {
        vm.mockCallRevert(address(attacker), bytes(""), "no");
        vm.prank(address(attacker));
        escrow.decline(address(attacker), GRANT, Asset.ETH);
        vm.clearMockedCalls();
        assertOwed(address(attacker), Asset.ETH, 100 ether);
        attacker.arm(address(escrow), everyCall());
        escrow.collect(address(attacker), Asset.ETH);
        assertPaidOnce();
    }

    function test_Release_Reentered() public {
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        attacker.arm(address(escrow), callsOfAnyone());
        escrow.release(Asset.ETH);
        assertGainedNothing(125 ether, 375 ether);
        assertPot(GRANT, Asset.ETH, 500 ether, 500 ether, 125 ether);
    }

    /// @dev Property 1.
    function test_Release_ReenteredByTheGuardiansCancel() public {
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        attacker.arm(address(escrow), oneCall(abi.encodeCall(escrow.cancel, ())));
        escrow.release(Asset.ETH);
        assertEq(attacker.successes(), 1);
        assertStatus(Status.Cancelled);
        assertEq(escrow.rescue().finalAt, trancheAt(SETTLED_AT, 1));
        assertEq(escrow.rescue().kept[0], 1);
        assertEq(escrow.rescue().delivered[0], 1);

        escrow.refund(alice, GRANT, Asset.ETH);
        escrow.refund(address(attacker), GRANT, Asset.ETH);
        assertEq(alice.balance, 300 ether);
        assertEq(address(attacker).balance, 125 ether + 75 ether);
        assertEq(address(escrow).balance, 0);
    }

    /// @dev Property 15: 1,000 of 2,000 are drawn; the attacker has 1,600, and so a veto. What it stops comes later.
    function test_Refund_ReenteredByAnObjection() public {
        pledge(address(attacker), GRANT, Asset.ETH, 1500 ether);
        settleLate();
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(escrow.object, (GRANT, Asset.ETH));
        calls[1] = abi.encodeCall(escrow.refund, (address(attacker), GRANT, Asset.ETH));
        attacker.arm(address(escrow), calls);
        escrow.refund(address(attacker), GRANT, Asset.ETH);

        // Only its objection.
        assertEq(attacker.successes(), 1);
        assertEq(attacker.entries(), 1);
        assertEq(address(attacker).balance, 800 ether);
        assertStatus(Status.Cancelled);
        assertPosition(address(attacker), GRANT, Asset.ETH, 1600 ether, 800 ether, 0);
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        escrow.refund(address(attacker), GRANT, Asset.ETH);
        escrow.refund(alice, GRANT, Asset.ETH);
        assertEq(address(attacker).balance, 1600 ether);
        assertEq(alice.balance, 400 ether);
        assertEq(address(escrow).balance, 0);
    }

    /// @dev As the guardian, it lifts the hold on its own veto; a refund within the refund pays the rest, once.
    function test_Refund_ReenteredByAnObjectionAndTheGuardian() public {
        pledge(address(attacker), GRANT, Asset.ETH, 1500 ether);
        settleLate();
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(escrow.object, (GRANT, Asset.ETH));
        calls[1] = abi.encodeCall(escrow.cancel, ());
        calls[2] = abi.encodeCall(escrow.refund, (address(attacker), GRANT, Asset.ETH));
        attacker.arm(address(escrow), calls);
        escrow.refund(address(attacker), GRANT, Asset.ETH);
        assertEq(attacker.successes(), 3);
        assertEq(attacker.entries(), 2);
        assertEq(address(attacker).balance, 1600 ether);
        assertPosition(address(attacker), GRANT, Asset.ETH, 1600 ether, 1600 ether, 0);
        escrow.refund(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 400 ether);
        assertEq(address(escrow).balance, 0);
    }

    function test_Exit_ReenteredByAPledge() public {
        PledgeBack pledgeBack = new PledgeBack(escrow);
        vm.deal(address(pledgeBack), 3);
        vm.startPrank(address(attacker));
        escrow.amend(escrow.terms().target, DEADLINE, TERMS_HASH);
        attacker.arm(address(pledgeBack), oneCall(""));
        escrow.exit(GRANT, Asset.ETH, address(attacker));
        assertEq(attacker.successes(), 1);
        assertPosition(address(attacker), GRANT, Asset.ETH, 3, 0, 0);
        assertPot(GRANT, Asset.ETH, 400 ether + 3, 0, 0);
        assertEq(address(escrow).balance, 400 ether + 3);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev Its 100 ETH, and none of alice's. As the guardian it may have ended the rescue on the way, which pays
    /// nothing.
    function assertPaidOnce() private view {
        assertEq(attacker.entries(), 1, "entries");
        assertEq(address(attacker).balance, 100 ether);
        assertEq(address(escrow).balance, 400 ether);
        assertOwed(address(attacker), Asset.ETH, 0);
    }

    /// @dev It was paid once, and none of the calls that it made on the way succeeded.
    function assertGainedNothing(uint256 paid, uint256 left) private view {
        assertEq(attacker.entries(), 1, "entries");
        assertEq(attacker.successes(), 0, "successes");
        assertEq(address(attacker).balance, paid);
        assertEq(address(escrow).balance, left);
    }

    /// @dev Every call with which it could take something, or decide something a second time.
    function everyCall() private view returns (bytes[] memory calls) {
        bytes[] memory ofAnyone = callsOfAnyone();
        calls = new bytes[](ofAnyone.length + 2);
        for (uint256 i; i < ofAnyone.length; ++i) {
            calls[i] = ofAnyone[i];
        }
        calls[ofAnyone.length] = abi.encodeCall(escrow.cancel, ());
        calls[ofAnyone.length + 1] = abi.encodeCall(escrow.amend, (escrow.terms().target, DEADLINE, TERMS_HASH));
    }

    function callsOfAnyone() private view returns (bytes[] memory calls) {
        calls = new bytes[](11);
        calls[0] = abi.encodeCall(escrow.refund, (address(attacker), GRANT, Asset.ETH));
        calls[1] = abi.encodeCall(escrow.refundTo, (GRANT, Asset.ETH, address(attacker)));
        calls[2] = abi.encodeCall(escrow.exit, (GRANT, Asset.ETH, address(attacker)));
        calls[3] = abi.encodeCall(escrow.decline, (address(attacker), GRANT, Asset.ETH));
        calls[4] = abi.encodeCall(escrow.release, (Asset.ETH));
        calls[5] = abi.encodeCall(escrow.settle, ());
        calls[6] = abi.encodeCall(escrow.expire, ());
        calls[7] = abi.encodeCall(escrow.lapse, ());
        calls[8] = abi.encodeCall(escrow.release, (Asset.StETH));
        calls[9] = abi.encodeCall(escrow.collect, (address(attacker), Asset.ETH));
        calls[10] = abi.encodeCall(escrow.collectTo, (Asset.ETH, address(attacker)));
    }

    function oneCall(bytes memory call) private pure returns (bytes[] memory calls) {
        calls = new bytes[](1);
        calls[0] = call;
    }
}
