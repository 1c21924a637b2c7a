// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {
    Amendment,
    EndReason,
    PledgingView,
    PositionView,
    PotView,
    RecordView,
    RescueView,
    Status,
    Terms,
    Tier
} from "levee/interfaces/IPledgeEscrow.sol";
import { IStETH } from "levee/interfaces/external/ILido.sol";
import { Asset, Units } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// rescue, positions, position, pledging, owed, record, pots, status, terms (originalTerms: amend.t.sol; the constructor's and the calls' tests read them throughout)
/// ├── while it is open
/// │   ├── they show the coverage and the threshold met at the current rate, and nothing drawn
/// │   └── up to the deadline they decide nothing
/// ├── when the deadline has passed unsettled
/// │   └── they show what settling now gives, field by field, whatever was pledged
/// ├── when the amended deadline has passed unsettled
/// │   └── they show it by the amended terms
/// ├── it lists pots and positions by tier and asset, and none that is empty
/// ├── what a pledge meets: the terms in force and the latest amendment, pending or in force
/// ├── the record, the pots and one position are as they are stored: nothing is foreseen
/// │   └── when the tier does not exist
/// │       └── it reverts with {UnknownTier}
/// └── given it failed
///     ├── the record tells why, and the rate: as read, one when it expired, none when its guardian ended it
///     └── the coverage is by the rate that no threshold was met at, or of the ETH alone
contract ViewsTest is EscrowTest {
    function test_Rescue_WhileOpen() public {
        assertEq(escrow.rescue().thresholdMetBps, 0);
        pledgeHalf();
        RescueView memory page = escrow.rescue();
        assertEq(page.rate, RATE);
        assertEq(page.coverage, 820 ether);
        assertEq(page.thresholdMetBps, 5000);
        assertEq(page.drawn, 0);
        assertEq(page.nextTrancheAt, 0);

        pledge(alice, LOAN, Asset.ETH, 180 ether);
        assertEq(escrow.rescue().thresholdMetBps, 10_000);
        // A slash: 400 + 180 + 350 * 0.6 = 790 in all, 550 of it in GRANT.
        stETH.setTotalPooledEther(1_200_000 ether);
        page = escrow.rescue();
        assertEq(page.rate, 0.6e27);
        assertEq(page.coverage, 790 ether);
        assertEq(page.thresholdMetBps, 5000);
        stETH.setTotalPooledEther(0.39e6 ether);
        assertEq(escrow.rescue().thresholdMetBps, 0);
    }

    function test_Views_DecideNothingUpToTheDeadline() public {
        pledgeFull();
        vm.warp(DEADLINE);
        assertStatus(Status.Open);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 0, 0);
        assertEq(positionOf(carol, LOAN, Asset.WstETH).weight, 0);
        vm.warp(DEADLINE + 1);
        assertStatus(Status.Settled);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 0, 250 ether);
        assertEq(positionOf(carol, LOAN, Asset.WstETH).weight, 300 ether);
    }

    function test_Rescue_PreviewIsAsSettled() public {
        pledgeFull();
        checkPreview(SETTLED_AT);
        assertStatus(Status.Settled);
    }

    /// @dev Years late: the calendar begins with the settlement, so what is shown moves with it.
    function test_Rescue_PreviewIsAsSettled_YearsLate() public {
        pledgeHalf();
        checkPreview(SETTLED_AT + 3650 days);
        assertEq(escrow.rescue().due, 0);
        assertEq(escrow.rescue().nextTrancheAt, SETTLED_AT + 3650 days + OBJECTION_PERIOD);
    }

    function test_Rescue_PreviewIsAsFailed() public {
        pledge(alice, GRANT, Asset.ETH, 499 ether);
        pledge(bob, LOAN, Asset.StETH, 1);
        checkPreview(SETTLED_AT);
        assertStatus(Status.Failed);
        assertEndReason(EndReason.NoThresholdMet);
        assertEq(escrow.rescue().rate, RATE);
    }

    function test_Rescue_PreviewByAnAmendment() public {
        pledgeHalf();
        amend(820 ether, DEADLINE + 10, keccak256("the new document"));
        vm.warp(DEADLINE + 10);
        assertStatus(Status.Open);
        checkPreview(DEADLINE + 11);
        assertEq(escrow.rescue().thresholdMetBps, 10_000);
        assertEq(escrow.terms().deadline, DEADLINE + 10);
    }

    /// @dev Given enough runs it fails, settles by half, and settles whole.
    function testFuzz_Rescue_PreviewIsAsSettled(uint256[6] memory amounts, uint256 pooled, uint256 time) public {
        stETH.setTotalPooledEther(bound(pooled, 1_000_000 ether, 4_000_000 ether));
        for (uint256 i; i < 6; ++i) {
            pledge(i % 2 == 0 ? alice : bob, uint8(i / 2), Asset(i % 3), bound(amounts[i], 1, 600 ether));
        }
        checkPreview(bound(time, SETTLED_AT, SETTLED_AT + 3650 days));
    }

    function test_Rescue_UnreadableRate() public {
        pledgeHalf();
        // The ETH alone would meet the first threshold; what is not known is not met.
        pledge(alice, GRANT, Asset.ETH, 200 ether);
        vm.mockCallRevert(address(stETH), abi.encodeWithSelector(IStETH.getPooledEthByShares.selector), "down");
        vm.warp(SETTLED_AT + 1000 days);
        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.status), uint256(Status.Open));
        assertFalse(page.rateReadable);
        assertEq(page.coverage, 600 ether);
        assertEq(page.thresholdMetBps, 0);
        assertEq(page.drawn, 0);

        escrow.expire();
        // What was recorded is no rate, and today's is not asked for.
        for (uint256 i; i < 2; ++i) {
            page = escrow.rescue();
            assertFalse(page.rateReadable);
            assertEq(page.rate, 0);
            assertEq(page.coverage, 600 ether);
            assertEq(escrow.record().rate, 1e27);
            vm.clearMockedCalls();
        }
    }

    /// @dev By tier, then by asset, in whatever order they were pledged.
    function test_Lists() public {
        pledge(alice, LOAN, Asset.StETH, 5);
        pledge(alice, GRANT, Asset.WstETH, 3);
        pledge(bob, FULL_GRANT, Asset.ETH, 4);
        pledge(alice, LOAN, Asset.ETH, 2);
        pledge(alice, GRANT, Asset.ETH, 1);
        vm.prank(guardian);
        escrow.decline(bob, FULL_GRANT, Asset.ETH);

        PotView[] memory pots = escrow.rescue().pots;
        PositionView[] memory list = escrow.positions(alice);
        uint8[4] memory tiers = [GRANT, GRANT, LOAN, LOAN];
        Asset[4] memory assets = [Asset.ETH, Asset.WstETH, Asset.ETH, Asset.StETH];
        uint256[4] memory amounts = [uint256(1), 3, 2, 5];
        assertEq(pots.length, 4);
        assertEq(list.length, 4);
        for (uint256 i; i < 4; ++i) {
            assertEq(pots[i].tier, tiers[i]);
            assertEq(uint256(pots[i].asset), uint256(assets[i]));
            assertEq(pots[i].total, amounts[i]);
            assertEq(list[i].tier, tiers[i]);
            assertEq(uint256(list[i].asset), uint256(assets[i]));
            assertEq(list[i].amount, amounts[i]);
        }
        assertEq(escrow.positions(bob).length, 0);
    }

    function test_Position() public {
        pledgeFull();
        vm.warp(SETTLED_AT);
        assertBooked(alice, GRANT, Asset.ETH, 400 ether, 0, false);
        assertBooked(alice, LOAN, Asset.ETH, 0, 0, false);
        // Half of the loan is not needed; nothing is booked before somebody asks for it.
        assertBooked(carol, LOAN, Asset.WstETH, 500 ether, 0, false);
        escrow.refund(carol, LOAN, Asset.WstETH);
        assertBooked(carol, LOAN, Asset.WstETH, 500 ether, 250 ether, false);
        vm.prank(bob);
        escrow.object(FULL_GRANT, Asset.StETH);
        assertBooked(bob, FULL_GRANT, Asset.StETH, 250 ether, 0, true);
        expectUnknownTier(3);
        escrow.position(alice, 3, Asset.ETH);
    }

    // ---------------------------------------------------------------- pledging, owed

    function test_Pledging() public {
        assertPledging(Status.Open, TARGET, DEADLINE, 0);
        amend(900 ether, DEADLINE + 9 days, TERMS_HASH);
        uint40 effectiveAt = START + EXIT_WINDOW;
        assertPledging(Status.Open, TARGET, DEADLINE, effectiveAt);
        vm.warp(effectiveAt - 1);
        assertPledging(Status.Open, TARGET, DEADLINE, effectiveAt);
        vm.warp(effectiveAt);
        assertPledging(Status.Open, 900 ether, DEADLINE + 9 days, effectiveAt);
        Amendment memory amendment = escrow.pledging().amendment;
        assertEq(amendment.target, 900 ether);
        assertEq(amendment.deadline, DEADLINE + 9 days);
        assertEq(amendment.termsHash, TERMS_HASH);
        amendTarget(800 ether);
        assertPledging(Status.Open, 900 ether, DEADLINE + 9 days, effectiveAt + EXIT_WINDOW);
    }

    /// @dev As it is stored: past the deadline open, until a call settles; and without a question to Lido.
    function test_Pledging_ForeseesNothing() public {
        pledgeFull();
        vm.warp(SETTLED_AT);
        vm.mockCallRevert(address(stETH), abi.encodeWithSelector(IStETH.getPooledEthByShares.selector), "down");
        assertPledging(Status.Open, TARGET, DEADLINE, 0);
        vm.clearMockedCalls();
        escrow.settle();
        assertPledging(Status.Settled, TARGET, DEADLINE, 0);
    }

    /// @dev A pending one is forgotten with the rescue.
    function test_Pledging_Failed() public {
        amendTarget(900 ether);
        vm.prank(guardian);
        escrow.cancel();
        assertPledging(Status.Failed, TARGET, DEADLINE, 0);
    }

    function test_Owed() public {
        pledgeFull();
        stETH.stop();
        vm.prank(guardian);
        escrow.decline(bob, FULL_GRANT, Asset.StETH);
        Units[3] memory owed = escrow.owed(bob);
        assertEq(owed[0], 0);
        assertEq(owed[1], 250 ether);
        assertEq(owed[2], 0);
        assertOwed(alice, Asset.StETH, 0);
    }

    // ---------------------------------------------------------------- what is stored

    function test_Record() public {
        vm.roll(9);
        escrow = deploy(defaultTerms());
        pledgeFull();
        amend(TARGET, DEADLINE + 9 days, TERMS_HASH);
        assertEq(escrow.record().deadline, DEADLINE);
        vm.warp(START + EXIT_WINDOW - 1);
        assertEq(escrow.record().deadline, DEADLINE);
        vm.warp(START + EXIT_WINDOW);
        vm.roll(10);
        uint40 settledAt = DEADLINE + 9 days + 1;
        vm.warp(settledAt);
        RecordView memory record = escrow.record();
        assertEq(record.createdBlock, 9);
        assertEq(record.deadline, DEADLINE + 9 days);
        assertEq(uint256(record.status), uint256(Status.Open));
        assertEq(uint256(record.endReason), uint256(EndReason.None));
        assertEq(record.activeTiers, 0);
        assertEq(record.rate, 0);
        assertEq(record.settledAt, 0);

        escrow.settle();
        vm.warp(trancheAt(settledAt, 1));
        escrow.release(Asset.ETH);
        record = escrow.record();
        assertEq(uint256(record.status), uint256(Status.Settled));
        assertEq(record.activeTiers, 3);
        assertEq(record.rate, RATE);
        assertEq(record.settledAt, settledAt);
        assertEq(record.finalAt, 0);
        vm.prank(guardian);
        escrow.cancel();
        escrow.release(Asset.StETH);
        escrow.release(Asset.WstETH);
        record = escrow.record();
        assertEq(uint256(record.status), uint256(Status.Cancelled));
        assertEq(uint256(record.endReason), uint256(EndReason.StoppedByGuardian));
        assertEq(record.finalAt, trancheAt(settledAt, 1));
        assertEq(record.createdBlock, 9);
        for (uint256 i; i < 3; ++i) {
            assertEq(record.kept[i], 1);
            assertEq(record.delivered[i], 1);
        }
    }

    /// @dev What a pool may decide by: why it failed, and the rate where that is because no threshold was met.
    function test_Record_Failed() public {
        pledge(bob, LOAN, Asset.StETH, 1);
        uint256 open = vm.snapshotState();
        vm.prank(guardian);
        escrow.cancel();
        assertRecord(EndReason.EndedByGuardian, 0);

        vm.revertToState(open);
        settleLate();
        assertRecord(EndReason.NoThresholdMet, RATE);

        vm.revertToState(open);
        vm.mockCallRevert(address(stETH), abi.encodeWithSelector(IStETH.getPooledEthByShares.selector), "down");
        vm.warp(DEADLINE + RELEASE_WINDOW + 1);
        escrow.expire();
        assertRecord(EndReason.RateUnreadable, 1e27);
    }

    function assertRecord(EndReason reason, uint96 rate) private view {
        RecordView memory record = escrow.record();
        assertEq(uint256(record.status), uint256(Status.Failed));
        assertEq(uint256(record.endReason), uint256(reason));
        assertEq(record.rate, rate);
        assertEq(record.activeTiers, 0);
        assertEq(record.settledAt, 0);
        assertEq(record.finalAt, 0);
    }

    function assertPledging(Status status, uint256 target, uint40 deadline, uint40 latest) private view {
        PledgingView memory page = escrow.pledging();
        assertEq(uint256(page.status), uint256(status));
        assertEq(page.target, target);
        assertEq(page.deadline, deadline);
        assertEq(page.amendment.effectiveAt, latest);
    }

    function test_Pots() public {
        pledgeFull();
        vm.warp(SETTLED_AT);
        assertPots(0, 0, 0);
        escrow.settle();
        assertPots(400 ether, 250 ether, 250 ether);
    }

    /// @dev Of `pledgeFull`, with these draws.
    function assertPots(uint256 eth, uint256 shares, uint256 wst) private view {
        (Units[] memory totals, Units[] memory draws) = escrow.pots();
        assertEq(totals.length, 9);
        assertEq(draws.length, 9);
        uint256[9] memory pledged = [uint256(400 ether), 0, 0, 0, 250 ether, 0, 0, 0, 500 ether];
        uint256[9] memory drawn = [eth, 0, 0, 0, shares, 0, 0, 0, wst];
        for (uint256 id; id < 9; ++id) {
            assertEq(totals[id], pledged[id]);
            assertEq(draws[id], drawn[id]);
        }
    }

    function assertBooked(address pledger, uint8 tier, Asset asset, uint256 amount, uint256 refunded, bool objected)
        private
        view
    {
        (Units booked, Units back, bool objects, uint24 departures) = escrow.position(pledger, tier, asset);
        assertEq(booked, amount);
        assertEq(back, refunded);
        assertEq(objects, objected);
        assertEq(departures, 0);
    }

    /// @dev The last of eight tiers is in the second word, and in the last of the 24 pots.
    function test_Views_OfTheLastTier() public {
        Terms memory terms = defaultTerms();
        terms.tiers = new Tier[](8);
        for (uint8 i; i < 8; ++i) {
            terms.tiers[i] = Tier({ thresholdBps: 1250 * (uint16(i) + 1), drawOrder: 7 - i, rateBps: i });
        }
        escrow = deploy(terms);
        pledge(alice, 7, Asset.WstETH, 1000 ether);
        settleLate();
        assertPot(7, Asset.WstETH, 1000 ether, 833_333_333_333_333_333_333, 0);
        assertEq(escrow.rescue().thresholdMetBps, 10_000);
    }

    /// @dev That the views at `time` are those after settling then. Only what a call records is not there before it.
    function checkPreview(uint256 time) private {
        vm.warp(time);
        RescueView memory page = escrow.rescue();
        PositionView[] memory ofAlice = escrow.positions(alice);
        PositionView[] memory ofBob = escrow.positions(bob);
        PositionView[] memory ofCarol = escrow.positions(carol);
        assertEq(uint256(escrow.status()), uint256(page.status));
        assertEq(page.settledAt, 0);

        escrow.settle();
        if (page.status == Status.Settled) page.settledAt = uint40(time);
        assertSame(escrow.rescue(), page);
        assertSame(escrow.positions(alice), ofAlice);
        assertSame(escrow.positions(bob), ofBob);
        assertSame(escrow.positions(carol), ofCarol);
    }
}
