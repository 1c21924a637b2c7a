// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, IPledgeEscrow, RescueView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest, units } from "../util/EscrowTest.sol";

/// What goes back when objections stopped a rescue (object.t.sol: how they do): a veto changes to whom, never when.
/// ├── given nothing was due
/// │   └── it is final at once; everything goes back tranche by tranche, to the second of each
/// ├── given some tranches were due
/// │   ├── they are kept, and can be released; the others go back at their times
/// │   └── it is final when what is kept is delivered, though held money still returns
/// ├── given what was not drawn, or a tier that is not active
/// │   └── it goes back as it would have
/// ├── it treats objectors and others alike
/// ├── claims at any times pay the same in all: floor(amount * (total - floor(drawn * held / N)) / total)
/// ├── the views show what is held, until when, and what a refund pays
/// └── in the block that settles
///     └── nobody takes back anything of what was drawn (property 15)
contract VetoTest is EscrowTest {
    function test_Veto_BeforeAnythingIsDue() public {
        pledgeFull();
        settleLate();
        veto();
        assertFinal(SETTLED_AT);
        for (uint256 r = 1; r <= TRANCHES; ++r) {
            vm.warp(trancheAt(SETTLED_AT, r) - 1);
            assertClock(0, 5 - r, trancheAt(SETTLED_AT, r));
            expectNothingToReturn(alice, GRANT, Asset.ETH);
            escrow.refund(alice, GRANT, Asset.ETH);
            vm.warp(trancheAt(SETTLED_AT, r));
            assertClock(0, 4 - r, r == TRANCHES ? 0 : trancheAt(SETTLED_AT, r + 1));
            refund(alice, GRANT, Asset.ETH, 100 ether);
            refund(bob, FULL_GRANT, Asset.StETH, 62.5 ether);
            // The half that was not drawn comes with the first.
            refund(carol, LOAN, Asset.WstETH, r == 1 ? 312.5 ether : 62.5 ether);
            expectNothingDue(Asset.ETH, 0, 0);
            escrow.release(Asset.ETH);
        }
        assertFinal(SETTLED_AT);
        assertEmpty();
        assertEq(alice.balance, 400 ether);
    }

    /// @dev Two are kept; of these one is delivered after the veto, and one asset after a third has gone back.
    function test_Veto_AfterTwoWereDue() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 2));
        escrow.release(Asset.ETH);
        veto();
        assertClock(2, 4, trancheAt(SETTLED_AT, 3));
        assertEq(escrow.rescue().finalAt, 0);
        expectNothingToReturn(alice, GRANT, Asset.ETH);
        escrow.refund(alice, GRANT, Asset.ETH);
        escrow.release(Asset.StETH);
        assertEq(stETH.sharesOf(beneficiary), 125 ether);

        vm.warp(trancheAt(SETTLED_AT, 3));
        assertClock(2, 3, trancheAt(SETTLED_AT, 4));
        refund(alice, GRANT, Asset.ETH, 100 ether);
        expectNothingDue(Asset.ETH, 2, 2);
        escrow.release(Asset.ETH);
        // Final by this, with a quarter of everything still held.
        escrow.release(Asset.WstETH);
        assertEq(wstETH.balanceOf(beneficiary), 125 ether);
        assertFinal(trancheAt(SETTLED_AT, 3));
        refund(carol, LOAN, Asset.WstETH, 312.5 ether);

        vm.warp(trancheAt(SETTLED_AT, 4));
        assertClock(2, 2, 0);
        refund(alice, GRANT, Asset.ETH, 100 ether);
        refund(bob, FULL_GRANT, Asset.StETH, 125 ether);
        refund(carol, LOAN, Asset.WstETH, 62.5 ether);
        assertFinal(trancheAt(SETTLED_AT, 3));
        assertEmpty();
    }

    /// @dev One second before the last tranche, only that is stopped, and it is held for that second.
    function test_Veto_InTheLastSecond() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES) - 1);
        veto();
        assertClock(3, 4, trancheAt(SETTLED_AT, TRANCHES));
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        assertClock(3, 3, 0);
        refund(alice, GRANT, Asset.ETH, 100 ether);
        escrow.release(Asset.ETH);
        assertEq(beneficiary.balance, 300 ether);
    }

    /// @dev What a veto does not touch: the tier that was not active, of which nothing was drawn.
    function test_Veto_LeavesWhatWasNotDrawn() public {
        pledgeHalf();
        settleLate();
        veto();
        RescueView memory page = escrow.rescue();
        assertEq(page.kept[2], 0);
        refund(carol, LOAN, Asset.WstETH, 100 ether);
        assertEq(wstETH.balanceOf(address(escrow)), 0);
    }

    /// @dev Bob objects and alice does not; nobody waits longer, and nobody gets more.
    function test_Veto_TreatsAllAlike() public {
        pledge(alice, GRANT, Asset.ETH, 500 ether);
        pledge(bob, GRANT, Asset.ETH, 500 ether);
        settleLate();
        vm.prank(bob);
        escrow.object(GRANT, Asset.ETH);
        for (uint256 r = 1; r <= TRANCHES; ++r) {
            vm.warp(trancheAt(SETTLED_AT, r));
            refund(alice, GRANT, Asset.ETH, 125 ether);
            refund(bob, GRANT, Asset.ETH, 125 ether);
        }
        assertEmpty();
    }

    function test_Veto_OfOneTranche() public {
        Terms memory terms = defaultTerms();
        terms.tranches = 1;
        terms.trancheInterval = 0;
        escrow = deploy(terms);
        pledgeFull();
        settleLate();
        veto();
        RescueView memory page = escrow.rescue();
        assertEq(page.held[0], 1);
        assertEq(page.nextTrancheAt, trancheAt(SETTLED_AT, 1));
        vm.warp(trancheAt(SETTLED_AT, 1) - 1);
        expectNothingToReturn(alice, GRANT, Asset.ETH);
        escrow.refund(alice, GRANT, Asset.ETH);
        vm.warp(trancheAt(SETTLED_AT, 1));
        refund(alice, GRANT, Asset.ETH, 400 ether);
        assertEq(escrow.rescue().held[0], 0);
    }

    /// @dev Of 7 units 3 are drawn, in 4 tranches; the pledgers have 5 and 2. By tranches back: reserved floor(3 * held / 4)
    /// = 3, 2, 1, 0 (of 4, 3, 2, 1 and 0 held: 3, 2, 1, 0, 0), so of 5 floor(5 * 4 / 7) = 2, 3, 4, 5, and 5.
    function test_Veto_RoundsAgainstTheTaker() public {
        pledge(alice, GRANT, Asset.StETH, 5);
        pledge(bob, GRANT, Asset.StETH, 2);
        pledge(carol, GRANT, Asset.ETH, 2000 ether);
        stETH.setTotalPooledEther(2_000_000 ether);
        vm.warp(SETTLED_AT);
        escrow.settle();
        // 1,000 ETH of 2,000 ETH and 7 wei: of 7 shares 3, of 2,000 ETH all but four wei of 1,000.
        assertPot(GRANT, Asset.StETH, 7, 3, 0);
        vm.prank(carol);
        escrow.object(GRANT, Asset.ETH);
        uint256[5] memory ofAlice = [uint256(2), 3, 4, 5, 5];
        uint256[5] memory ofBob = [uint256(1), 1, 1, 2, 2];
        for (uint256 back; back <= TRANCHES; ++back) {
            if (back > 0) vm.warp(trancheAt(SETTLED_AT, back));
            assertEq(positionOf(alice, GRANT, Asset.StETH).refundable, ofAlice[back]);
            assertEq(positionOf(bob, GRANT, Asset.StETH).refundable, ofBob[back]);
        }
        refund(alice, GRANT, Asset.StETH, 5);
        refund(bob, GRANT, Asset.StETH, 2);
    }

    // ---------------------------------------------------------------- property 15

    /// @dev The one block in which all is done that borrowed money could do: carol completes the rescue, settles it, vetoes
    /// it, and asks for everything.
    function testFuzz_Veto_NothingOfTheDrawComesBackInOneBlock(uint256 honest, uint256 borrowed, uint8 assetNumber)
        public
    {
        Asset asset = Asset(bound(assetNumber, 0, 2));
        honest = bound(honest, 1, 900 ether);
        borrowed = bound(borrowed, 1000 ether, 5000 ether);
        pledge(alice, FULL_GRANT, Asset.ETH, honest);
        pledge(carol, FULL_GRANT, asset, borrowed);
        escrow.settle();
        vm.prank(carol);
        (bool objected,) = address(escrow).call(abi.encodeCall(escrow.object, (FULL_GRANT, asset)));
        assertTrue(objected);
        (bool refunded,) = address(escrow).call(abi.encodeCall(escrow.refund, (carol, FULL_GRANT, asset)));
        (bool released,) = address(escrow).call(abi.encodeCall(escrow.release, (asset)));
        assertFalse(released);

        uint256 drawnOfPot = asset == Asset.ETH ? TARGET : borrowed * TARGET / (honest + borrowed * 6 / 5);
        uint256 total = asset == Asset.ETH ? honest + borrowed : borrowed;
        uint256 back = borrowed * (total - drawnOfPot) / total;
        assertEq(balanceOf(carol, asset), back, "only what was not drawn");
        assertEq(refunded, back > 0);
    }

    // ---------------------------------------------------------------- any claims, at any time

    /// @dev Property 15, for one pot drawn in part: whenever a veto comes, and whenever and by whom refunds are claimed, each
    /// pledger has received what the rule gives, and the view predicted it.
    function testFuzz_Veto_RefundsAreTheRule(uint256[3] memory amounts, uint256 vetoAt, uint256[6] memory claims)
        public
    {
        address[3] memory pledgers = [alice, bob, carol];
        uint256 total;
        for (uint256 i; i < 3; ++i) {
            amounts[i] = bound(amounts[i], 600 ether, 900 ether);
            total += amounts[i];
            pledge(pledgers[i], FULL_GRANT, Asset.ETH, amounts[i]);
        }
        settleLate();
        uint256 last = trancheAt(SETTLED_AT, TRANCHES);
        uint256 time = bound(vetoAt, SETTLED_AT, last - 1);
        uint256 kept = dueAt(time);
        vm.warp(time);
        // Each has at least a quarter: 600 of 2,400.
        vm.prank(pledgers[vetoAt % 3]);
        escrow.object(FULL_GRANT, Asset.ETH);
        assertStatus(Status.Cancelled);

        for (uint256 i; i < 6; ++i) {
            time = bound(claims[i], time, last + 1);
            vm.warp(time);
            uint256 reserved = TARGET * (kept + TRANCHES - dueAt(time)) / TRANCHES;
            uint256 entitled = amounts[i % 3] * (total - reserved) / total;
            address pledger = pledgers[i % 3];
            assertEq(positionOf(pledger, FULL_GRANT, Asset.ETH).refundable, entitled - pledger.balance);
            if (entitled == pledger.balance) expectNothingToReturn(pledger, FULL_GRANT, Asset.ETH);
            escrow.refund(pledger, FULL_GRANT, Asset.ETH);
            assertEq(pledger.balance, entitled);
        }
        if (kept > 0) escrow.release(Asset.ETH);
        assertEq(beneficiary.balance, TARGET * kept / TRANCHES);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev Alice's 400 ETH, of at most 1,000 that are drawn, are a fifth.
    function veto() private {
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
        assertStatus(Status.Cancelled);
        assertEndReason(EndReason.Vetoed);
        assertTrue(escrow.rescue().returnsByCalendar);
    }

    /// @dev Tranches due at `time`, of a rescue that settled late.
    function dueAt(uint256 time) private pure returns (uint256 due) {
        while (due < TRANCHES && time >= trancheAt(SETTLED_AT, due + 1)) ++due;
    }

    function refund(address pledger, uint8 tier, Asset asset, uint256 amount) private {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Refunded(pledger, tier, asset, pledger, units(amount));
        escrow.refund(pledger, tier, asset);
    }

    /// @dev Of each asset, all of which are drawn alike.
    function assertClock(uint256 kept, uint256 held, uint256 nextTrancheAt) private view {
        RescueView memory page = escrow.rescue();
        for (uint256 i; i < 3; ++i) {
            assertEq(page.kept[i], kept);
            assertEq(page.held[i], held);
        }
        assertEq(page.nextTrancheAt, nextTrancheAt);
    }

    function assertFinal(uint256 finalAt) private view {
        assertStatus(Status.Cancelled);
        assertEq(escrow.rescue().finalAt, finalAt);
        assertEq(escrow.record().finalAt, finalAt);
    }

    function assertEmpty() private view {
        for (uint256 i; i < 3; ++i) {
            assertEq(balanceOf(address(escrow), Asset(i)), 0);
        }
    }
}
