// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { AmountTooLarge, Asset, MAX_POT } from "levee/types/Units.sol";

import { EscrowTest, units } from "./EscrowTest.sol";

/// @notice What holds for a pledge of any asset; the tests of the three calls add their specifics.
///
/// pledge
/// ├── it moves exactly the amount, books it in pot and position, and emits {Pledged}
/// ├── it adds to what is there; tiers and pledgers stay apart
/// ├── when someone else pays
/// │   └── it is the pledger's
/// ├── when the time is the deadline, the one before, or one of an amendment in force
/// │   └── it is accepted
/// ├── when the deadline has passed, in force or amended
/// │   └── it reverts with {PledgingClosed}
/// ├── given the rescue is settled, failed or cancelled
/// │   └── it reverts with {PledgingClosed}
/// ├── when it names the latest amendment: none, a pending one, one in force, a second one
/// │   └── it is accepted
/// ├── when it names another
/// │   └── it reverts with {AmendmentDiffers}
/// ├── when the amount is zero
/// │   └── it reverts with {ZeroAmount}
/// ├── when the pledger is zero, the escrow, or one of its tokens
/// │   └── it reverts with {InvalidAccount}
/// ├── when the tier does not exist
/// │   └── it reverts with {UnknownTier}
/// ├── when the pot would hold more than MAX_POT
/// │   └── it reverts with {AmountTooLarge}
/// └── when several things are wrong
///     └── it reverts with the first of these
abstract contract PledgeTest is EscrowTest {
    /// @dev The asset of the call under test.
    function asset() internal pure virtual returns (Asset);

    function setUp() public override {
        super.setUp();
        approve(alice, asset());
        approve(bob, asset());
    }

    function test_Pledge() public {
        fund(alice, asset(), 10 ether);
        expectPledged(alice, LOAN, 7 ether);
        pledgeFrom(alice, alice, LOAN, asset(), 7 ether);

        assertEq(balanceOf(alice, asset()), 3 ether);
        assertEq(balanceOf(address(escrow), asset()), 7 ether);
        assertPot(LOAN, asset(), 7 ether, 0, 0);
        assertPosition(alice, LOAN, asset(), 7 ether, 0, 0);
        assertEq(escrow.rescue().pots.length, 1);
        assertEq(escrow.positions(alice).length, 1);
        assertStatus(Status.Open);
    }

    function test_Pledge_Adds() public {
        pledge(alice, GRANT, asset(), 7);
        pledge(bob, GRANT, asset(), 5);
        pledge(alice, FULL_GRANT, asset(), 3);
        fund(alice, asset(), 2);
        expectPledged(alice, GRANT, 2);
        pledgeFrom(alice, alice, GRANT, asset(), 2);

        assertPot(GRANT, asset(), 14, 0, 0);
        assertPot(FULL_GRANT, asset(), 3, 0, 0);
        assertPosition(alice, GRANT, asset(), 9, 0, 0);
        assertPosition(alice, FULL_GRANT, asset(), 3, 0, 0);
        assertPosition(bob, GRANT, asset(), 5, 0, 0);
        assertEq(balanceOf(address(escrow), asset()), 17);
    }

    function test_Pledge_InTheNameOfAnother() public {
        fund(bob, asset(), 7);
        expectPledged(alice, GRANT, 7);
        pledgeFrom(bob, alice, GRANT, asset(), 7);

        assertPosition(alice, GRANT, asset(), 7, 0, 0);
        assertEq(escrow.positions(bob).length, 0);
        assertEq(balanceOf(bob, asset()), 0);
    }

    function test_Pledge_UpToTheDeadline() public {
        fund(alice, asset(), 3);
        vm.warp(DEADLINE - 1);
        pledgeFrom(alice, alice, GRANT, asset(), 1);
        vm.warp(DEADLINE);
        pledgeFrom(alice, alice, GRANT, asset(), 1);
        assertPosition(alice, GRANT, asset(), 2, 0, 0);

        vm.warp(DEADLINE + 1);
        expectPledgingClosed(Status.Open, DEADLINE);
        pledgeFrom(alice, alice, GRANT, asset(), 1);
    }

    function test_Pledge_UpToTheAmendedDeadline() public {
        fund(alice, asset(), 2);
        amend(TARGET, DEADLINE + 10, TERMS_HASH);
        vm.warp(DEADLINE + 10);
        pledgeFrom(alice, alice, GRANT, asset(), 1);

        vm.warp(DEADLINE + 11);
        expectPledgingClosed(Status.Open, DEADLINE + 10);
        pledgeFrom(alice, alice, GRANT, asset(), 1);
    }

    function test_Pledge_UpToTheAmendedDeadline_WhenEarlier() public {
        fund(alice, asset(), 1);
        amend(TARGET, START + EXIT_WINDOW + 1, TERMS_HASH);
        vm.warp(START + EXIT_WINDOW + 2);
        expectPledgingClosed(Status.Open, START + EXIT_WINDOW + 1);
        pledgeFrom(alice, alice, GRANT, asset(), 1);
    }

    function test_RevertWhen_Settled() public {
        fund(alice, asset(), 1);
        pledge(bob, GRANT, Asset.ETH, TARGET);
        escrow.settle();
        expectPledgingClosed(Status.Settled, DEADLINE);
        pledgeFrom(alice, alice, GRANT, asset(), 1);

        vm.prank(guardian);
        escrow.cancel();
        expectPledgingClosed(Status.Cancelled, DEADLINE);
        pledgeFrom(alice, alice, GRANT, asset(), 1);
    }

    function test_RevertWhen_Failed() public {
        fund(alice, asset(), 1);
        vm.prank(guardian);
        escrow.cancel();
        expectPledgingClosed(Status.Failed, DEADLINE);
        pledgeFrom(alice, alice, GRANT, asset(), 1);
    }

    // ---------------------------------------------------------------- the amendment it names

    function test_Pledge_NamesNoAmendment_WhenThereIsNone() public {
        fund(alice, asset(), 1);
        expectAmendmentDiffers(START + EXIT_WINDOW, 0);
        pledgeNaming(START + EXIT_WINDOW, alice, alice, GRANT, asset(), 1);
        // More bits than a time has.
        expectAmendmentDiffers(1 << 40, 0);
        pledgeNaming(1 << 40, alice, alice, GRANT, asset(), 1);
        pledgeNaming(0, alice, alice, GRANT, asset(), 1);
        assertPosition(alice, GRANT, asset(), 1, 0, 0);
    }

    /// @dev Pending, and in force: the same name.
    function test_Pledge_NamesTheAmendment() public {
        fund(alice, asset(), 2);
        amendTarget(800 ether);
        uint40 effectiveAt = START + EXIT_WINDOW;
        for (uint256 i; i < 2; ++i) {
            expectAmendmentDiffers(0, effectiveAt);
            pledgeNaming(0, alice, alice, GRANT, asset(), 1);
            expectAmendmentDiffers(effectiveAt - 1, effectiveAt);
            pledgeNaming(effectiveAt - 1, alice, alice, GRANT, asset(), 1);
            pledgeNaming(effectiveAt, alice, alice, GRANT, asset(), 1);
            vm.warp(effectiveAt);
        }
        assertPosition(alice, GRANT, asset(), 2, 0, 0);
    }

    function test_Pledge_NamesTheSecondAmendment() public {
        fund(alice, asset(), 1);
        amendTarget(800 ether);
        vm.warp(START + EXIT_WINDOW);
        amendTarget(900 ether);
        expectAmendmentDiffers(START + EXIT_WINDOW, START + 2 * EXIT_WINDOW);
        pledgeNaming(START + EXIT_WINDOW, alice, alice, GRANT, asset(), 1);
        pledgeNaming(START + 2 * EXIT_WINDOW, alice, alice, GRANT, asset(), 1);
        assertPosition(alice, GRANT, asset(), 1, 0, 0);
    }

    // ---------------------------------------------------------------- the rest

    function test_RevertWhen_AmountZero() public {
        vm.expectRevert(IPledgeEscrow.ZeroAmount.selector);
        pledgeFrom(alice, alice, GRANT, asset(), 0);
    }

    function test_RevertWhen_PledgerInvalid() public {
        fund(alice, asset(), 1);
        expectInvalidAccount(address(0));
        pledgeFrom(alice, address(0), GRANT, asset(), 1);
        expectInvalidAccount(address(escrow));
        pledgeFrom(alice, address(escrow), GRANT, asset(), 1);
        expectInvalidAccount(address(stETH));
        pledgeFrom(alice, address(stETH), GRANT, asset(), 1);
        expectInvalidAccount(address(wstETH));
        pledgeFrom(alice, address(wstETH), GRANT, asset(), 1);
    }

    /// @dev Each line fixes what the one before was refused for.
    function test_RevertWhen_SeveralThingsAreWrong() public {
        fund(alice, asset(), 1);
        uint256 open = vm.snapshotState();
        vm.warp(DEADLINE + 1);
        expectPledgingClosed(Status.Open, DEADLINE);
        pledgeNaming(1, alice, address(0), 3, asset(), 0);

        vm.revertToState(open);
        expectAmendmentDiffers(1, 0);
        pledgeNaming(1, alice, address(0), 3, asset(), 0);
        vm.expectRevert(IPledgeEscrow.ZeroAmount.selector);
        pledgeNaming(0, alice, address(0), 3, asset(), 0);
        expectInvalidAccount(address(0));
        pledgeNaming(0, alice, address(0), 3, asset(), 1);
        expectUnknownTier(3);
        pledgeNaming(0, alice, alice, 3, asset(), 1);
        pledgeNaming(0, alice, alice, GRANT, asset(), 1);
    }

    function test_RevertWhen_TierUnknown() public {
        fund(alice, asset(), 1);
        expectUnknownTier(3);
        pledgeFrom(alice, alice, 3, asset(), 1);
        expectUnknownTier(255);
        pledgeFrom(alice, alice, 255, asset(), 1);
    }

    function test_RevertWhen_PotFull() public {
        pledge(alice, GRANT, asset(), 5);
        if (asset() == Asset.ETH) fund(alice, asset(), MAX_POT);
        vm.expectRevert(abi.encodeWithSelector(AmountTooLarge.selector, MAX_POT - 4, MAX_POT - 5));
        pledgeFrom(alice, alice, GRANT, asset(), MAX_POT - 4);
    }

    function testFuzz_Pledge(uint256 first, uint256 second, uint8 tier) public {
        first = bound(first, 1, 400_000 ether);
        second = bound(second, 1, 400_000 ether);
        tier = uint8(bound(tier, 0, 2));
        pledge(alice, tier, asset(), first);
        pledge(bob, tier, asset(), second);
        assertPot(tier, asset(), first + second, 0, 0);
        assertPosition(alice, tier, asset(), first, 0, 0);
        assertPosition(bob, tier, asset(), second, 0, 0);
        assertEq(balanceOf(address(escrow), asset()), first + second);
    }

    function expectPledged(address pledger, uint8 tier, uint256 amount) internal {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Pledged(pledger, tier, asset(), units(amount));
    }
}
