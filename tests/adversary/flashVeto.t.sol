// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { Borrower, FlashLender } from "../util/FlashLender.sol";

/// An attacker who borrows any amount for one transaction, for the price of gas: it completes a rescue, settles it,
/// stops it by its weight, and takes the loan back. Property 15: what a veto stops goes back by the calendar, so the
/// loan cannot be repaid; exactly what was drawn of it is missing, and the rescue goes on as if nothing had happened.
/// ├── when it wants to stop a rescue: with exactly the missing amount, with more, against a veto of 90 %
/// ├── when it wants to free its own locked pledge
/// ├── when it wants the pledges to be drawn that require full coverage, as an ally of the beneficiary
/// ├── whatever it calls, in any order
/// └── when the money is its own
///     └── it can stop a rescue, and is locked as long as it would have been, like everyone else
contract FlashVetoTest is EscrowTest {
    uint256 private constant HONEST = 600 ether;
    uint256 private constant MISSING = TARGET - HONEST;

    FlashLender private lender;
    Borrower private attacker;

    /// @dev Alice's 600 of 1,000 ETH, which may be drawn only with full coverage.
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

    /// @dev Of 6,000 ETH, 1,000 are drawn, 900 of them borrowed: exactly a veto of 90 %. The other 4,500 are repaid.
    function test_Kill_AgainstAVetoOf90Percent() public {
        Terms memory terms = defaultTerms();
        terms.vetoBps = 9000;
        escrow = deploy(terms);
        pledge(alice, FULL_GRANT, Asset.ETH, HONEST);
        planVeto(5400 ether);
        attacker.plan(address(escrow), 0, abi.encodeCall(escrow.refund, (address(attacker), FULL_GRANT, Asset.ETH)));
        // It is a veto: otherwise there would be something left to stop.
        attacker.plan(address(this), 0, abi.encodeCall(this.requireCancelled, ()));
        expectNotRepaid(900 ether);
        attacker.attack(5400 ether);
        assertGoesOn();
    }

    /// @dev With any amount: exactly what was drawn of it is missing, rounded up.
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

    /// @dev The attacker pledged 150 ETH long ago and wants them back; 250 are missing.
    function test_FreeALockedPledge() public {
        pledge(address(attacker), GRANT, Asset.ETH, 150 ether);
        planVeto(250 ether);
        attacker.plan(address(escrow), 0, abi.encodeCall(escrow.object, (GRANT, Asset.ETH)));
        // The first of its two positions reaches the veto: the second objection finds the rescue cancelled.
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

    /// @dev In one position together with the borrowed money: nothing of either comes back.
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

    /// @dev Two tranches, no guardian, and the shortest possible objection period: nothing is due in the block that
    /// settles, so there is no tranche to take before the veto.
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

    /// @dev It completes the rescue with its own 400 ETH, as "only with full coverage" allows. Its half of the first
    /// tranche is gone like everyone's, and the rest comes back no sooner than everyone's.
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

    /// @dev Ten calls of twelve kinds. Whatever succeeded, at least what was drawn of the loan is missing; all of it,
    /// if nothing was settled.
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

    /// @dev Everything goes back in the end, to the attacker no sooner than to alice, and not before the first
    /// tranche's time.
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

    /// @notice A step of the attack.
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

    /// @dev What the owner of the loan has not got back, next to alice's 600 ETH in one pot: what was drawn, rounded
    /// up.
    function drawnOf(uint256 borrowed) private pure returns (uint256) {
        uint256 total = borrowed + HONEST;
        return borrowed - borrowed * (total - TARGET) / total;
    }

    /// @dev An escrow with two tranches a day apart, the first one second after settlement, and no guardian.
    function deployForAlly() private {
        Terms memory terms = defaultTerms();
        terms.guardian = address(0);
        terms.tranches = 2;
        terms.trancheInterval = 1 days;
        terms.objectionPeriod = 1;
        escrow = deploy(terms);
        pledge(alice, FULL_GRANT, Asset.ETH, HONEST);
    }

    /// @dev Every call that could decide something or pay someone.
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

    /// @dev The rescue is as it was: open, with alice's pledge; someone else completes it, and everything is released.
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
