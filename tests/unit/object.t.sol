// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, IPledgeEscrow, RescueView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// object
/// ├── it counts the drawn value of the position, once, moves nothing and emits {Objected}
/// │   ├── of a group that was drawn whole: its value
/// │   ├── of the last group that was drawn: its part, rounded down
/// │   └── at the rate of the settlement, whatever was refunded since
/// ├── when the veto is reached, to the wei, rounded up
/// │   └── what is not yet due is stopped (veto.t.sol: when it goes back): it emits {Cancelled}, and {Finalized} if what
/// │       is kept is delivered
/// ├── when it is reached of what was drawn, though far from it of the target
/// │   └── it is reached
/// ├── when the time is one before the last tranche's
/// │   └── it succeeds
/// ├── given the deadline has passed unsettled
/// │   └── it settles first
/// ├── given every tranche is due
/// │   └── it reverts with {NothingToStop}
/// ├── given it is open, failed, cancelled or released
/// │   └── it reverts with {WrongStatus}
/// ├── given terms without a veto
/// │   └── it reverts with {NoVeto}
/// ├── when the tier does not exist
/// │   └── it reverts with {UnknownTier}
/// ├── when the position has objected
/// │   └── it reverts with {AlreadyObjected}
/// ├── when nothing was drawn of it: none, an inactive tier, a later order, less than a wei
/// │   └── it reverts with {NothingDrawn}
/// └── when several things are wrong
///     └── it reverts with the first of {NoVeto} {WrongStatus} {NothingToStop} {UnknownTier} {AlreadyObjected}
contract ObjectTest is EscrowTest {
    function test_Object() public {
        pledge(alice, GRANT, Asset.ETH, 150 ether);
        pledge(bob, GRANT, Asset.ETH, 850 ether);
        settleLate();
        object(alice, GRANT, Asset.ETH, 150 ether);
        assertEq(escrow.rescue().objected, 150 ether);
        assertTrue(positionOf(alice, GRANT, Asset.ETH).objected);
        assertFalse(positionOf(bob, GRANT, Asset.ETH).objected);
        assertPosition(alice, GRANT, Asset.ETH, 150 ether, 0, 0);
        assertStatus(Status.Settled);
        assertEq(address(escrow).balance, 1000 ether);

        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AlreadyObjected.selector, alice, GRANT, Asset.ETH));
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
    }

    /// @dev One wei less than a fifth of the draw is not enough; that wei makes it so.
    function test_Object_VetoToTheWei() public {
        pledge(alice, GRANT, Asset.ETH, 200 ether - 1);
        pledge(bob, GRANT, Asset.ETH, 1);
        pledge(carol, GRANT, Asset.ETH, 800 ether);
        settleLate();
        object(alice, GRANT, Asset.ETH, 200 ether - 1);
        assertStatus(Status.Settled);

        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Objected(bob, GRANT, Asset.ETH, Wei.wrap(1));
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Cancelled(EndReason.Vetoed, 0, SETTLED_AT);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Finalized(SETTLED_AT);
        vm.prank(bob);
        escrow.object(GRANT, Asset.ETH);

        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.status), uint256(Status.Cancelled));
        assertEq(page.objected, 200 ether);
        assertEq(page.cancelledAt, SETTLED_AT);
        assertEq(page.finalAt, SETTLED_AT);
        assertEndReason(EndReason.Vetoed);
        assertEq(page.kept[0], 0);
        assertTrue(page.returnsByCalendar);
        assertPosition(alice, GRANT, Asset.ETH, 200 ether - 1, 0, 0);
    }

    /// @dev A fifth of 1,000,000,001 is rounded up to 200,000,001.
    function test_Object_VetoIsRoundedUp() public {
        Terms memory terms = ethOnlyTerms();
        terms.target = Wei.wrap(1_000_000_001);
        escrow = deploy(terms);
        pledge(alice, GRANT, Asset.ETH, 200_000_000);
        pledge(bob, GRANT, Asset.ETH, 1);
        pledge(carol, GRANT, Asset.ETH, 800_000_000);
        escrow.settle();
        object(alice, GRANT, Asset.ETH, 200_000_000);
        assertStatus(Status.Settled);
        object(bob, GRANT, Asset.ETH, 1);
        assertStatus(Status.Cancelled);
    }

    /// @dev 600 of 1,000 ETH are drawn: a fifth of that are 120.
    function test_Object_VetoIsOfWhatWasDrawn() public {
        pledge(alice, GRANT, Asset.ETH, 120 ether - 1);
        pledge(bob, GRANT, Asset.ETH, 1);
        pledge(carol, GRANT, Asset.ETH, 480 ether);
        settleLate();
        object(alice, GRANT, Asset.ETH, 120 ether - 1);
        assertStatus(Status.Settled);
        object(bob, GRANT, Asset.ETH, 1);
        assertStatus(Status.Cancelled);
    }

    /// @dev Property 15: a position counts once, however it comes by its weight; 199 ETH twice are no fifth.
    function test_Object_EachPositionOnce() public {
        pledge(alice, GRANT, Asset.ETH, 199 ether);
        pledge(bob, GRANT, Asset.ETH, 801 ether);
        settleLate();
        object(alice, GRANT, Asset.ETH, 199 ether);
        vm.warp(trancheAt(SETTLED_AT, 1));
        escrow.release(Asset.ETH);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AlreadyObjected.selector, alice, GRANT, Asset.ETH));
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
        assertStatus(Status.Settled);
        assertEq(escrow.rescue().objected, 199 ether);
    }

    function test_Object_CancelsWhatIsNotDue() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 2));
        escrow.release(Asset.StETH);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Objected(alice, GRANT, Asset.ETH, Wei.wrap(400 ether));
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Cancelled(EndReason.Vetoed, 2, uint40(trancheAt(SETTLED_AT, 2)));
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);

        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.status), uint256(Status.Cancelled));
        for (uint256 i; i < 3; ++i) {
            assertEq(page.kept[i], 2);
            assertEq(page.held[i], 4);
        }
        assertEq(page.finalAt, 0);
        assertEq(page.nextTrancheAt, trancheAt(SETTLED_AT, 3));
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 0, 0);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 0, 250 ether);
    }

    /// @dev The grant is drawn whole and counts with its value; half of the loan is, and counts with half.
    function test_Object_Weights() public {
        pledgeFull();
        settleLate();
        assertEq(positionOf(alice, GRANT, Asset.ETH).weight, 400 ether);
        assertEq(positionOf(bob, FULL_GRANT, Asset.StETH).weight, 300 ether);
        assertEq(positionOf(carol, LOAN, Asset.WstETH).weight, 300 ether);
        // Neither a rebase nor a refund changes what was drawn.
        stETH.setTotalPooledEther(1_000_000 ether);
        escrow.refund(carol, LOAN, Asset.WstETH);
        object(carol, LOAN, Asset.WstETH, 300 ether);
        assertEq(escrow.rescue().objected, 300 ether);
    }

    /// @dev floor(floor(1 * 1.2) * 1000 / 1500) = 0, of 5 floor(6 * 2 / 3) = 4, of 7 floor(8 * 2 / 3) = 5.
    function test_Object_WeightsRoundDown() public {
        pledge(alice, GRANT, Asset.ETH, 900 ether);
        pledge(bob, GRANT, Asset.StETH, 500 ether - 13);
        pledge(carol, GRANT, Asset.StETH, 7);
        pledge(stranger, GRANT, Asset.StETH, 5);
        pledge(guardian, GRANT, Asset.StETH, 1);
        settleLate();
        object(carol, GRANT, Asset.StETH, 5);
        object(stranger, GRANT, Asset.StETH, 4);
        expectNothingDrawn(guardian, GRANT, Asset.StETH);
        vm.prank(guardian);
        escrow.object(GRANT, Asset.StETH);
        assertEq(escrow.rescue().objected, 9);
    }

    function test_Object_SettlesFirst() public {
        pledge(alice, GRANT, Asset.ETH, 100 ether);
        pledge(bob, GRANT, Asset.ETH, 900 ether);
        vm.warp(SETTLED_AT);
        object(alice, GRANT, Asset.ETH, 100 ether);
        assertEq(escrow.rescue().settledAt, SETTLED_AT);
        assertStatus(Status.Settled);
    }

    function test_Object_BeforeTheLastTranche() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        expectNothingToStop();
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);

        vm.warp(trancheAt(SETTLED_AT, TRANCHES) - 1);
        object(alice, GRANT, Asset.ETH, 400 ether);
        assertEq(escrow.rescue().kept[0], 3);
    }

    function test_RevertWhen_StatusIsWrong() public {
        pledgeFull();
        expectWrongStatus(Status.Open);
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
        settleLate();
        vm.prank(guardian);
        escrow.cancel();
        expectWrongStatus(Status.Cancelled);
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
    }

    function test_RevertWhen_Failed() public {
        pledge(alice, GRANT, Asset.ETH, 1);
        vm.warp(SETTLED_AT);
        expectWrongStatus(Status.Failed);
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
    }

    function test_RevertWhen_Released() public {
        pledge(alice, GRANT, Asset.ETH, TARGET);
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        escrow.release(Asset.ETH);
        expectWrongStatus(Status.Released);
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
    }

    function test_RevertWhen_NoVeto() public {
        Terms memory terms = defaultTerms();
        terms.vetoBps = 0;
        escrow = deploy(terms);
        pledgeFull();
        settleLate();
        vm.expectRevert(IPledgeEscrow.NoVeto.selector);
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
    }

    function test_RevertWhen_SeveralThingsAreWrong() public {
        Terms memory terms = defaultTerms();
        terms.vetoBps = 0;
        escrow = deploy(terms);
        vm.expectRevert(IPledgeEscrow.NoVeto.selector);
        escrow.object(3, Asset.ETH);

        escrow = deploy(defaultTerms());
        pledgeFull();
        expectWrongStatus(Status.Open);
        escrow.object(3, Asset.ETH);
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        expectNothingToStop();
        escrow.object(3, Asset.ETH);
        vm.warp(SETTLED_AT);
        expectUnknownTier(3);
        escrow.object(3, Asset.ETH);
    }

    function test_RevertWhen_TierUnknown() public {
        pledgeFull();
        settleLate();
        expectUnknownTier(3);
        vm.prank(alice);
        escrow.object(3, Asset.ETH);
    }

    function test_RevertWhen_NothingDrawn() public {
        pledgeHalf();
        settleLate();
        expectNothingDrawn(stranger, GRANT, Asset.ETH);
        vm.prank(stranger);
        escrow.object(GRANT, Asset.ETH);
        // The tier is not active.
        expectNothingDrawn(carol, LOAN, Asset.WstETH);
        vm.prank(carol);
        escrow.object(LOAN, Asset.WstETH);
    }

    function test_RevertWhen_NothingDrawnOfALaterOrder() public {
        pledge(alice, GRANT, Asset.ETH, TARGET);
        pledge(carol, LOAN, Asset.WstETH, 500 ether);
        settleLate();
        expectNothingDrawn(carol, LOAN, Asset.WstETH);
        vm.prank(carol);
        escrow.object(LOAN, Asset.WstETH);
    }

    /// @dev Weights never add up to more than was drawn. With less than all of it the veto comes in any order.
    function testFuzz_Object_WeightsAddUpToLess(uint256[6] memory amounts, uint256 pooled) public {
        stETH.setTotalPooledEther(bound(pooled, 1_000_000 ether, 4_000_000 ether));
        address[2] memory pledgers = [alice, bob];
        for (uint256 i; i < 6; ++i) {
            pledge(pledgers[i % 2], uint8(i / 2), Asset(i % 3), bound(amounts[i], 1, 900 ether));
        }
        settleLate();
        uint256 weights;
        for (uint256 i; i < 6; ++i) {
            weights += Wei.unwrap(positionOf(pledgers[i % 2], uint8(i / 2), Asset(i % 3)).weight);
        }
        uint256 drawn = Wei.unwrap(escrow.rescue().drawn);
        assertLe(weights, drawn);
        assertLe(drawn, weights + 6 + 2);
    }

    function object(address pledger, uint8 tier, Asset asset, uint256 weight) private {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Objected(pledger, tier, asset, Wei.wrap(weight));
        vm.prank(pledger);
        escrow.object(tier, asset);
    }

    function expectNothingDrawn(address pledger, uint8 tier, Asset asset) private {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.NothingDrawn.selector, pledger, tier, asset));
    }
}
