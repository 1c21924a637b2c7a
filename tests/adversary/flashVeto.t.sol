// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { Borrower, FlashLender } from "../util/FlashLender.sol";

/// Whoever borrows any amount for one transaction, for gas alone: completes a rescue, settles it, stops it by its weight,
/// and takes the loan back. Property 15: what a veto stops goes back by the calendar, so that the loan cannot be repaid,
/// to the wei of what was drawn of it, and the rescue goes on as if nothing had been.
/// ├── when it would stop somebody's rescue: with just what is missing, with more, against a veto of 90 %
/// ├── when it would free its own locked pledge
/// ├── when it would draw the pledges that were to be drawn only if all is covered, as an ally of the beneficiary
/// ├── whatever it calls, in any order
/// └── when the money is its own
///     └── it can stop a rescue, and is locked as long as it would have been, with everybody else
contract FlashVetoTest is EscrowTest {
    uint256 private constant HONEST = 600 ether;
    uint256 private constant MISSING = TARGET - HONEST;

    FlashLender private lender;
    Borrower private attacker;

    /// @dev Alice's 600 ETH of 1,000, which may be drawn only if all is covered.
    function setUp() public override {
        super.setUp();
        lender = new FlashLender();
        vm.deal(address(lender), 1_000_000 ether);
        attacker = new Borrower(lender);
        pledge(alice, FULL_GRANT, Asset.ETH, HONEST);
    }

    // ---------------------------------------------------------------- killing a rescue

    function test_Kill_CannotBeRefunded() public {
        planVeto(MISSING);
        attacker.plan(address(escrow), 0, abi.encodeCall(escrow.refundTo, (FULL_GRANT, Asset.ETH, address(lender))));
        expectNothingToReturn(address(attacker), FULL_GRANT, Asset.ETH);
        attacker.attack(MISSING);
        assertGoesOn();
    }

    function test_Kill_CannotBeRepaid() public {
        planVeto(MISSING);
        expectNotRepaid(MISSING);
        attacker.attack(MISSING);
        assertGoesOn();
    }

    /// @dev Of 6,000 ETH 1,000 are drawn, 900 of the borrowed ones: just a veto of 90 %. The other 4,500 are repaid.
    function test_Kill_AgainstAVetoOf90Percent() public {
        Terms memory terms = defaultTerms();
        terms.vetoBps = 9000;
        escrow = deploy(terms);
        pledge(alice, FULL_GRANT, Asset.ETH, HONEST);
        planVeto(5400 ether);
        attacker.plan(address(escrow), 0, abi.encodeCall(escrow.refund, (address(attacker), FULL_GRANT, Asset.ETH)));
        // That it is a veto: else there would be something to stop.
        attacker.plan(address(this), 0, abi.encodeCall(this.requireCancelled, ()));
        expectNotRepaid(900 ether);
        attacker.attack(5400 ether);
        assertGoesOn();
    }

    /// @dev With any amount: what is missing is what was drawn of it, rounded up.
    function testFuzz_Kill_CannotBeRepaid(uint256 borrowed, uint16 vetoBps) public {
        borrowed = bound(borrowed, MISSING, 900_000 ether);
        Terms memory terms = defaultTerms();
        terms.vetoBps = uint16(bound(vetoBps, 1, 9999));
        escrow = deploy(terms);
        pledge(alice, FULL_GRANT, Asset.ETH, HONEST);
        planVeto(borrowed);
        attacker.tryAlso(address(escrow), 0, abi.encodeCall(escrow.refund, (address(attacker), FULL_GRANT, Asset.ETH)));
        expectNotRepaid(drawnOf(borrowed));
        attacker.attack(borrowed);
    }

    // ---------------------------------------------------------------- freeing a pledge

    /// @dev The attacker has pledged 150 ETH long ago, and would have them again; 250 are missing.
    function test_FreeALockedPledge() public {
        pledge(address(attacker), GRANT, Asset.ETH, 150 ether);
        planVeto(250 ether);
        attacker.plan(address(escrow), 0, abi.encodeCall(escrow.object, (GRANT, Asset.ETH)));
        // The veto has come by the first of its two positions: a second objection finds it cancelled.
        expectWrongStatus(Status.Cancelled);
        attacker.attack(250 ether);
    }

    function test_FreeALockedPledge_CannotBeRepaid() public {
        pledge(address(attacker), GRANT, Asset.ETH, 150 ether);
        planVeto(250 ether);
        expectNotRepaid(250 ether);
        attacker.attack(250 ether);
        assertPosition(alice, FULL_GRANT, Asset.ETH, HONEST, 0, 0);
        assertStatus(Status.Open);
    }

    /// @dev In one position with what is borrowed: nothing of either comes back.
    function test_FreeALockedPledge_InTheSamePosition() public {
        pledge(address(attacker), FULL_GRANT, Asset.ETH, 150 ether);
        planVeto(250 ether);
        attacker.plan(address(escrow), 0, abi.encodeCall(escrow.refund, (address(attacker), FULL_GRANT, Asset.ETH)));
        expectNothingToReturn(address(attacker), FULL_GRANT, Asset.ETH);
        attacker.attack(250 ether);
        assertPosition(address(attacker), FULL_GRANT, Asset.ETH, 150 ether, 0, 0);
        assertStatus(Status.Open);
    }

    // ---------------------------------------------------------------- the beneficiary's ally

    /// @dev Two tranches, no guardian, and the shortest objection period there is: of nothing is anything due in the block
    /// that settles, so that there is no tranche to take before the veto.
    function test_Ally_CannotRelease() public {
        deployForAlly();
        attacker.plan(address(escrow), MISSING, pledgeCall());
        attacker.plan(address(escrow), 0, abi.encodeCall(escrow.settle, ()));
        attacker.plan(address(escrow), 0, abi.encodeCall(escrow.release, (Asset.ETH)));
        expectNothingDue(Asset.ETH, 0, 0);
        attacker.attack(MISSING);
        assertEq(beneficiary.balance, 0);
        assertGoesOn();
    }

    function test_Ally_CannotBeRepaid() public {
        deployForAlly();
        planVeto(MISSING);
        attacker.tryAlso(address(escrow), 0, abi.encodeCall(escrow.release, (Asset.ETH)));
        expectNotRepaid(MISSING);
        attacker.attack(MISSING);
        assertEq(beneficiary.balance, 0);
        assertGoesOn();
    }

    /// @dev With its own 400 ETH it completes the rescue; that is what "only if all is covered" means. Its half of the first
    /// tranche is gone with everybody's, and the rest is back no sooner than everybody's.
    function test_Ally_WithItsOwnMoney() public {
        deployForAlly();
        pledge(bob, FULL_GRANT, Asset.ETH, MISSING);
        escrow.settle();
        skip(1);
        escrow.release(Asset.ETH);
        assertEq(beneficiary.balance, 500 ether);
        vm.prank(bob);
        escrow.object(FULL_GRANT, Asset.ETH);
        assertPosition(bob, FULL_GRANT, Asset.ETH, MISSING, 0, 0);
        skip(1 days - 1);
        assertPosition(bob, FULL_GRANT, Asset.ETH, MISSING, 0, 0);
        skip(1);
        assertPosition(bob, FULL_GRANT, Asset.ETH, MISSING, 0, MISSING / 2);
        assertPosition(alice, FULL_GRANT, Asset.ETH, HONEST, 0, HONEST / 2);
    }

    // ---------------------------------------------------------------- anything, in any order

    /// @dev Ten calls of twelve kinds. Whatever went through, at least what was drawn of the loan is missing; all of it, if
    /// nothing was settled.
    function testFuzz_AnyCalls_CannotBeRepaid(uint256 borrowed, uint256[10] memory picks) public {
        borrowed = bound(borrowed, 1 ether, 5000 ether);
        attacker.plan(address(escrow), borrowed, pledgeCall());
        for (uint256 i; i < picks.length; ++i) {
            attacker.tryAlso(address(escrow), 0, callOf(picks[i] % 12));
        }
        (bool success, bytes memory answer) = address(attacker).call(abi.encodeCall(attacker.attack, (borrowed)));
        assertFalse(success, "repaid");
        assertEq(bytes4(answer), FlashLender.NotRepaid.selector);
        uint256 missing = abi.decode(slice(answer), (uint256));
        if (missing != borrowed) assertEq(missing, drawnOf(borrowed));
        assertGoesOn();
    }

    // ---------------------------------------------------------------- with one's own money

    /// @dev Everything goes back in the end, to the killer no sooner than to alice, and not before the first tranche's time.
    function test_Kill_WithItsOwnMoney_IsLockedByTheCalendar() public {
        pledge(bob, FULL_GRANT, Asset.ETH, MISSING);
        escrow.settle();
        vm.prank(bob);
        escrow.object(FULL_GRANT, Asset.ETH);
        assertStatus(Status.Cancelled);
        for (uint256 r = 1; r <= TRANCHES; ++r) {
            vm.warp(trancheAt(START, r) - 1);
            expectNothingToReturn(bob, FULL_GRANT, Asset.ETH);
            escrow.refund(bob, FULL_GRANT, Asset.ETH);
            vm.warp(trancheAt(START, r));
            escrow.refund(bob, FULL_GRANT, Asset.ETH);
            escrow.refund(alice, FULL_GRANT, Asset.ETH);
            assertEq(bob.balance, MISSING * r / TRANCHES);
            assertEq(alice.balance, HONEST * r / TRANCHES);
        }
        assertEq(beneficiary.balance, 0);
        assertEq(address(escrow).balance, 0);
    }

    // ---------------------------------------------------------------- helpers

    /// @notice For a step of the attack.
    function requireCancelled() external view {
        assertStatus(Status.Cancelled);
    }

    /// @dev Pledges the loan, settles, and objects.
    function planVeto(uint256 borrowed) private {
        attacker.plan(address(escrow), borrowed, pledgeCall());
        attacker.plan(address(escrow), 0, abi.encodeCall(escrow.settle, ()));
        attacker.plan(address(escrow), 0, abi.encodeCall(escrow.object, (FULL_GRANT, Asset.ETH)));
    }

    function pledgeCall() private view returns (bytes memory) {
        return abi.encodeCall(escrow.pledgeETH, (address(attacker), FULL_GRANT, 0));
    }

    /// @dev Of the loan, beside alice's 600 ETH in one pot, what its owner has not got back: drawn, rounded up.
    function drawnOf(uint256 borrowed) private pure returns (uint256) {
        uint256 total = borrowed + HONEST;
        return borrowed - borrowed * (total - TARGET) / total;
    }

    /// @dev An escrow of two tranches a day apart, a second after settlement, without a guardian.
    function deployForAlly() private {
        Terms memory terms = defaultTerms();
        terms.guardian = address(0);
        terms.tranches = 2;
        terms.trancheInterval = 1 days;
        terms.objectionPeriod = 1;
        escrow = deploy(terms);
        pledge(alice, FULL_GRANT, Asset.ETH, HONEST);
    }

    /// @dev Every call that could decide something or pay somebody.
    function callOf(uint256 kind) private view returns (bytes memory) {
        if (kind < 2) return abi.encodeCall(escrow.settle, ());
        if (kind < 4) return abi.encodeCall(escrow.object, (FULL_GRANT, Asset.ETH));
        if (kind < 6) return abi.encodeCall(escrow.refund, (address(attacker), FULL_GRANT, Asset.ETH));
        if (kind == 6) return abi.encodeCall(escrow.refundTo, (FULL_GRANT, Asset.ETH, address(lender)));
        if (kind == 7) return abi.encodeCall(escrow.exit, (FULL_GRANT, Asset.ETH, address(lender)));
        if (kind == 8) return abi.encodeCall(escrow.collect, (address(attacker), Asset.ETH));
        if (kind == 9) return abi.encodeCall(escrow.lapse, ());
        if (kind == 10) return abi.encodeCall(escrow.cancel, ());
        return abi.encodeCall(escrow.release, (Asset.ETH));
    }

    /// @dev The argument of an error.
    function slice(bytes memory answer) private pure returns (bytes memory argument) {
        argument = new bytes(32);
        for (uint256 i; i < 32; ++i) {
            argument[i] = answer[i + 4];
        }
    }

    function expectNotRepaid(uint256 missing) private {
        vm.expectRevert(abi.encodeWithSelector(FlashLender.NotRepaid.selector, missing));
    }

    /// @dev The rescue is as it was: open, with alice's pledge; somebody else completes it, and all is released.
    function assertGoesOn() private {
        assertStatus(Status.Open);
        assertPosition(alice, FULL_GRANT, Asset.ETH, HONEST, 0, 0);
        assertPosition(address(attacker), FULL_GRANT, Asset.ETH, 0, 0, 0);
        pledge(carol, FULL_GRANT, Asset.ETH, MISSING);
        escrow.settle();
        vm.warp(START + 365 days);
        escrow.release(Asset.ETH);
        assertStatus(Status.Released);
        assertEq(beneficiary.balance, TARGET);
    }
}
