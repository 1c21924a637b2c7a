// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {
    EndReason,
    PositionView,
    PotView,
    RecordView,
    RescueView,
    Status,
    Terms
} from "levee/interfaces/IPledgeEscrow.sol";
import { GroupView } from "levee/interfaces/IRecoveryPool.sol";
import { ASSETS, Asset, Rate, Units, Wei } from "levee/types/Units.sol";

import { BonusBooks } from "./BonusBooks.sol";
import { Course, Facts } from "./Course.sol";
import { Crowd } from "./Crowd.sol";
import { RecoveryBooks } from "./RecoveryBooks.sol";
import { Setting } from "./Setting.sol";

/// @notice What must always hold for an escrow, whatever its handlers do; README.md says how each is asserted. The
/// numbers are those of the mechanism's list of properties.
abstract contract EscrowInvariants is Setting {
    uint256 private constant CALLS_PER_DRAIN = 32;

    // ------------------------------------------------------------------------------------------------ 1, 2

    function invariant_1_Solvency() public {
        Facts memory state = store.facts();
        uint256[3] memory owed;
        for (uint256 asset; asset < ASSETS; ++asset) {
            owed[asset] = store.tranchesOf(state, asset, state.delivered[asset], state.kept[asset]);
        }
        address[] memory pledgers = store.pledgers();
        for (uint256 i; i < pledgers.length; ++i) {
            _addOwed(owed, pledgers[i]);
        }
        for (uint256 asset; asset < ASSETS; ++asset) {
            assertGe(lido.balanceOf(address(escrow), Asset(asset)), owed[asset], "insolvent");
        }
        assertGe(address(store.pool()).balance, _owedByPool(pledgers), "recovery pool insolvent");
        assertGe(address(store.bonus()).balance, _owedAsBonus(), "bonus pool insolvent");
    }

    /// @dev Everything that a pledger will be owed in the end, and what it could not be paid.
    function _addOwed(uint256[3] memory owed, address pledger) private view {
        uint256[24] memory positions = store.owedInTheEnd(pledger);
        uint256[3] memory unpaid = store.owedOf(pledger);
        for (uint256 id; id < store.pots(); ++id) {
            owed[id % ASSETS] += positions[id];
        }
        for (uint256 asset; asset < ASSETS; ++asset) {
            owed[asset] += unpaid[asset];
        }
    }

    /// @dev What everyone has earned from the recovery pool's deposits and not received.
    function _owedByPool(address[] memory pledgers) private view returns (uint256 owed) {
        if (store.recovery().accruedAt() == 0) return 0;
        for (uint256 i; i < pledgers.length; ++i) {
            uint256[24] memory unclaimed = store.recovery().unclaimedOf(pledgers[i]);
            for (uint256 id; id < store.pots(); ++id) {
                owed += unclaimed[id];
            }
        }
    }

    /// @dev What the sponsors have in the bonus pool; after the decision, what is left of that and of the pledgers'
    /// shares.
    function _owedAsBonus() private view returns (uint256 owed) {
        BonusBooks sponsors = store.sponsors();
        if (!sponsors.isDecided()) return sponsors.total();
        owed = sponsors.unclaimed();
        address[] memory accounts = store.accounts();
        for (uint256 i; i < accounts.length; ++i) {
            owed += sponsors.returnedNow(accounts[i], false);
        }
    }

    function invariant_2_Exits() public {
        address[] memory accounts = store.accounts();
        for (uint256 i; i < accounts.length; ++i) {
            for (uint256 asset; asset < ASSETS; ++asset) {
                assertEq(lido.balanceOf(accounts[i], Asset(asset)), store.ledger(accounts[i], asset), "not as booked");
            }
        }
        address[] memory pledgers = store.pledgers();
        for (uint256 i; i < pledgers.length; ++i) {
            _assertPositionsKept(pledgers[i]);
        }
        assertEq(moody.paidTwice() + greedy.paidTwice(), 0, "paid twice");
    }

    /// @dev A position changes only by its pledges, refunds and departures; what those could not pay is owed. Checked
    /// pot by pot.
    function _assertPositionsKept(address pledger) private view {
        uint256[24] memory amounts = store.amountsOf(pledger);
        uint256[24] memory refunded = store.refundedOf(pledger);
        PositionView[] memory list = escrow.positions(pledger);
        for (uint256 i; i < list.length; ++i) {
            uint256 id = _idOf(list[i]);
            assertEq(Units.unwrap(list[i].amount), amounts[id], "a position changed");
            assertEq(Units.unwrap(list[i].refunded), refunded[id], "refunded");
        }
        uint256 next = store.calls() % store.pots();
        (Units amount,,, uint24 departures) = escrow.position(pledger, uint8(next / ASSETS), Asset(next % ASSETS));
        assertEq(Units.unwrap(amount), amounts[next], "a position is missing");
        assertEq(departures, store.departures(pledger, next), "departures");
        Units[3] memory owed = escrow.owed(pledger);
        uint256[3] memory unpaid = store.owedOf(pledger);
        for (uint256 asset; asset < ASSETS; ++asset) {
            assertEq(Units.unwrap(owed[asset]), unpaid[asset], "owed");
        }
    }

    /// @dev The pot of a position.
    function _idOf(PositionView memory position) private pure returns (uint256) {
        return position.tier * ASSETS + uint256(position.asset);
    }

    // ------------------------------------------------------------------------------------------------ 3, 4, 5, 13

    function invariant_3_NoOverdraw() public view {
        RescueView memory page = escrow.rescue();
        uint256 sum;
        for (uint256 order; order < 4; ++order) {
            sum += _drawnValue(page, order);
        }
        assertLe(sum, store.inForce().target, "drawn beyond the target");
        assertLe(Wei.unwrap(page.drawn), store.inForce().target, "said to be drawn beyond the target");
        assertLe(sum, Wei.unwrap(page.drawn), "drawn beyond what is said");
    }

    /// @dev What was drawn of a draw order, at the settlement rate.
    function _drawnValue(RescueView memory page, uint256 order) private pure returns (uint256) {
        uint256 eth;
        uint256 shares;
        for (uint256 i; i < page.pots.length; ++i) {
            if (page.terms.tiers[page.pots[i].tier].drawOrder != order) continue;
            if (page.pots[i].asset == Asset.ETH) eth += Units.unwrap(page.pots[i].drawn);
            else shares += Units.unwrap(page.pots[i].drawn);
        }
        return eth + shares * Rate.unwrap(page.rate) / 1e27;
    }

    function invariant_4_EqualTreatment() public view {
        if (escrow.status() == Status.Open) return;
        address[] memory pledgers = store.pledgers();
        uint256[24][] memory amounts = new uint256[24][](pledgers.length);
        uint256[24][] memory lost = new uint256[24][](pledgers.length);
        for (uint256 i; i < pledgers.length; ++i) {
            (amounts[i], lost[i]) = _lostBy(pledgers[i]);
            for (uint256 j; j < i; ++j) {
                for (uint256 id; id < store.pots(); ++id) {
                    _assertAlike(lost[i][id], amounts[i][id], lost[j][id], amounts[j][id]);
                }
            }
        }
    }

    /// @dev What a pledger has in each position, and how much of it does not come back.
    function _lostBy(address pledger) private view returns (uint256[24] memory amounts, uint256[24] memory lost) {
        PositionView[] memory list = escrow.positions(pledger);
        for (uint256 i; i < list.length; ++i) {
            uint256 id = _idOf(list[i]);
            amounts[id] = Units.unwrap(list[i].amount);
            lost[id] = amounts[id] - Units.unwrap(list[i].refunded) - Units.unwrap(list[i].refundable);
        }
    }

    /// @dev x of a and y of b are the same proportion, to within one unit each: |x / a - y / b| <= 1 / a + 1 / b.
    function _assertAlike(uint256 x, uint256 a, uint256 y, uint256 b) private pure {
        if (a == 0 || b == 0) return;
        uint256 apart = x * b > y * a ? x * b - y * a : y * a - x * b;
        assertLe(apart, a + b, "drawn unlike");
    }

    function invariant_5_ConditionKept() public view {
        RescueView memory page = escrow.rescue();
        uint256 met = store.found().metBps;
        for (uint256 i; i < page.pots.length; ++i) {
            if (Units.unwrap(page.pots[i].drawn) == 0) continue;
            assertGe(met, page.terms.tiers[page.pots[i].tier].thresholdBps, "condition not met");
        }
        if (_everSettled(page)) assertEq(page.thresholdMetBps, met, "not the highest threshold met");
    }

    function _everSettled(RescueView memory page) private pure returns (bool) {
        return page.status != Status.Open && page.status != Status.Failed;
    }

    function invariant_13_DrawOrder() public view {
        RescueView memory page = escrow.rescue();
        if (!_everSettled(page)) return;
        for (uint256 i; i < page.pots.length; ++i) {
            if (Units.unwrap(page.pots[i].drawn) == 0) continue;
            uint256 order = page.terms.tiers[page.pots[i].tier].drawOrder;
            for (uint256 j; j < page.pots.length; ++j) {
                if (page.terms.tiers[page.pots[j].tier].drawOrder < order) _assertUsedUp(page, page.pots[j]);
            }
        }
    }

    /// @dev An active pot of an earlier draw order, unless its whole order is worth nothing.
    function _assertUsedUp(RescueView memory page, PotView memory pot) private pure {
        if (page.terms.tiers[pot.tier].thresholdBps > page.thresholdMetBps) return;
        if (_heldValue(page, page.terms.tiers[pot.tier].drawOrder) == 0) return;
        assertEq(Units.unwrap(pot.drawn), Units.unwrap(pot.total), "a later order was drawn first");
    }

    /// @dev What the active pots of a draw order hold, at the settlement rate.
    function _heldValue(RescueView memory page, uint256 order) private pure returns (uint256) {
        uint256 eth;
        uint256 shares;
        for (uint256 i; i < page.pots.length; ++i) {
            if (page.terms.tiers[page.pots[i].tier].drawOrder != order) continue;
            if (page.terms.tiers[page.pots[i].tier].thresholdBps > page.thresholdMetBps) continue;
            if (page.pots[i].asset == Asset.ETH) eth += Units.unwrap(page.pots[i].total);
            else shares += Units.unwrap(page.pots[i].total);
        }
        return eth + shares * Rate.unwrap(page.rate) / 1e27;
    }

    /// @dev The second half of 13: who is repaid first, and what interest.
    function invariant_13_Repayment() public view {
        RecoveryBooks recovery = store.recovery();
        (uint256 accruedAt,, GroupView[] memory groups) = store.pool().recovery();
        assertEq(accruedAt, recovery.accruedAt(), "accruedAt");
        uint256 received;
        for (uint256 i; i < groups.length; ++i) {
            uint256 order = groups[i].drawOrder;
            if (i != 0) assertLt(order, groups[i - 1].drawOrder, "not by falling order");
            (uint256 value, uint256 principal,, uint256 got) = recovery.groups(order);
            bool indebted = value != 0 && order != recovery.lowest();
            assertEq(Wei.unwrap(groups[i].value), value, "value");
            assertEq(Wei.unwrap(groups[i].principal), indebted ? principal : 0, "principal");
            assertEq(Wei.unwrap(groups[i].interest), indebted ? recovery.interestOf(order) : 0, "interest");
            assertEq(Wei.unwrap(groups[i].received), got, "received");
            received += got;
        }
        assertEq(received, recovery.deposited(), "deposits not shared out");
        if (accruedAt != 0) _assertEarnings(recovery);
    }

    /// @dev Pot by pot.
    function _assertEarnings(RecoveryBooks recovery) private view {
        address[] memory pledgers = store.pledgers();
        uint256 id = store.calls() % store.pots();
        for (uint256 i; i < pledgers.length; ++i) {
            (Wei earned, Wei claimed) = store.pool().earnings(pledgers[i], uint8(id / ASSETS), Asset(id % ASSETS));
            assertEq(Wei.unwrap(earned), recovery.earned(pledgers[i], id), "earned");
            assertEq(Wei.unwrap(claimed), recovery.claimed(pledgers[i], id), "claimed");
        }
    }

    // ------------------------------------------------------------------------------------------------ 10, 14

    function invariant_10_Cost() public {
        if (store.calls() % CALLS_PER_DRAIN != CALLS_PER_DRAIN / 4) return;
        wakeLido();
        Crowd crowd = new Crowd(store);
        for (uint256 asset; asset < ASSETS; ++asset) {
            fund(address(crowd), Asset(asset), 20_000 ether);
        }
        assertEq(crowd.differences(), 0, "a call costs something else with a crowd");
    }

    function invariant_14_Agreement() public view {
        RescueView memory page = escrow.rescue();
        Facts memory state = store.found();
        assertEq(uint256(page.status), uint256(state.status), "status");
        assertEq(uint256(page.endReason), uint256(state.reason), "endReason");
        assertEq(Wei.unwrap(page.drawn), state.draws.sum, "drawn in all");
        assertEq(page.cancelledAt, state.cancelledAt, "cancelledAt");
        assertEq(page.lapsedAt, state.lapsedAt, "lapsedAt");
        assertEq(page.settledAt, store.facts().settledAt, "settledAt");
        assertEq(page.finalAt, store.facts().finalAt, "finalAt");
        for (uint256 i; i < page.pots.length; ++i) {
            uint256 id = page.pots[i].tier * ASSETS + uint256(page.pots[i].asset);
            assertEq(Units.unwrap(page.pots[i].total), store.total(id), "total");
            assertEq(Units.unwrap(page.pots[i].drawn), state.draws.units[id], "drawn");
        }
        _assertTranches(page, state);
        _assertPositionsAgree();
    }

    function _assertTranches(RescueView memory page, Facts memory state) private view {
        assertEq(page.due, store.due(state), "due");
        assertEq(page.returnsByCalendar, state.byCalendar, "returnsByCalendar");
        for (uint256 asset; asset < ASSETS; ++asset) {
            assertEq(page.kept[asset], state.kept[asset], "kept");
            assertEq(page.delivered[asset], state.delivered[asset], "delivered");
            assertEq(page.held[asset], store.held(state, asset), "held");
        }
        bool counts = state.settledAt != 0 && (state.status == Status.Settled || state.byCalendar);
        bool more = counts && page.due < store.tranches() && !store.late();
        if (!store.late()) assertEq(page.nextTrancheAt, more ? store.trancheAt(page.due + 1) : 0, "nextTrancheAt");
    }

    function _assertPositionsAgree() private view {
        address[] memory pledgers = store.pledgers();
        for (uint256 i; i < pledgers.length; ++i) {
            (uint256[24] memory weights, uint256[24] memory refundables) = store.rightsOf(pledgers[i]);
            bool[24] memory objections = store.objectionsOf(pledgers[i]);
            PositionView[] memory list = escrow.positions(pledgers[i]);
            for (uint256 j; j < list.length; ++j) {
                uint256 id = _idOf(list[j]);
                assertEq(Wei.unwrap(list[j].weight), weights[id], "weight");
                assertEq(list[j].objected, objections[id], "objected");
                assertEq(Units.unwrap(list[j].refundable), refundables[id], "refundable");
            }
        }
    }

    /// @dev For the bonus: enlistments, the decision and everyone's share, pot by pot.
    function invariant_14_BonusAgreement() public view {
        BonusBooks sponsors = store.sponsors();
        BonusBooks.Decision memory made = sponsors.decided();
        (bool decided, Wei total, Wei part, Rate rate, uint256 value) = store.bonus().bonus();
        assertEq(decided, made.decided, "decided");
        assertEq(Wei.unwrap(total), sponsors.total(), "bonus");
        assertEq(Wei.unwrap(part), made.part, "pledgers' part");
        assertEq(Rate.unwrap(rate), made.rate, "rate");
        assertEq(value, made.value, "value");
        address[] memory accounts = store.accounts();
        for (uint256 i; i < accounts.length; ++i) {
            Wei added = store.bonus().contributionOf(accounts[i]);
            assertEq(Wei.unwrap(added), sponsors.added(accounts[i]), "contribution");
        }
        address[] memory pledgers = store.pledgers();
        for (uint256 i; i < pledgers.length; ++i) {
            _assertEnlisted(sponsors, decided, pledgers[i], store.calls() % store.pots());
        }
    }

    function _assertEnlisted(BonusBooks sponsors, bool decided, address pledger, uint256 id) private view {
        BonusBooks.Entry memory entry = sponsors.entry(pledger, id);
        (uint24 departures, Units amount, uint128 unitSeconds) =
            store.bonus().enlisted(pledger, uint8(id / ASSETS), Asset(id % ASSETS));
        assertEq(departures, entry.departures, "departures");
        assertEq(Units.unwrap(amount), entry.amount, "enlisted");
        assertEq(unitSeconds, entry.unitSeconds, "unitSeconds");
        (Wei share, bool claimed) = store.bonus().shareOf(pledger, uint8(id / ASSETS), Asset(id % ASSETS));
        assertEq(Wei.unwrap(share), decided ? sponsors.shareNow(pledger, id) : 0, "share");
        assertEq(claimed, sponsors.claimed(pledger, id), "claimed");
    }

    // ------------------------------------------------------------------------------------------------ 15

    function invariant_15_Veto() public view {
        Facts memory state = store.facts();
        RecordView memory record = escrow.record();
        (uint256 weight, uint256 said) = (store.weightOfObjections(), Wei.unwrap(escrow.rescue().objected));
        assertEq(said, weight, "an objection counts otherwise");
        assertEq(
            record.endReason == EndReason.Vetoed, store.reachesVeto(state, weight), "cancelled without, or not with it"
        );
        if (state.settledAt == block.timestamp && !state.stopped) _assertNothingComesBack();
    }

    /// @dev In the second of the settlement, nothing that is drawn goes back, whoever objects.
    function _assertNothingComesBack() private view {
        address[] memory pledgers = store.pledgers();
        for (uint256 i; i < pledgers.length; ++i) {
            uint256[24] memory undrawn = store.undrawnOf(pledgers[i]);
            PositionView[] memory list = escrow.positions(pledgers[i]);
            for (uint256 j; j < list.length; ++j) {
                uint256 back = Units.unwrap(list[j].refunded) + Units.unwrap(list[j].refundable);
                assertEq(back, undrawn[_idOf(list[j])], "taken back at once");
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ 6, 11

    function invariant_6_NothingStuck() public {
        if (store.calls() % CALLS_PER_DRAIN == 0) _assertAllComesOut();
    }

    /// @dev A rate that cannot be read stays so until the rescue is decided; stETH that cannot be transferred may be
    /// transferable by then.
    function _assertAllComesOut() private {
        drain.run();
        wakeLido();
        drain.refundAll();
        drain.collectAll();
        for (uint256 asset; asset < ASSETS; ++asset) {
            _assertOnlyDust(asset);
        }
        drain.claimAll();
        uint256 positions = store.positionsOf(0) + store.positionsOf(1) + store.positionsOf(2);
        assertLe(
            address(store.pool()).balance, _recoveryDust(positions), "more than dust is stuck in the recovery pool"
        );
        assertLe(address(store.bonus()).balance, _bonusDust(positions), "more than dust is stuck in the bonus pool");
    }

    /// @dev Values are rounded down to a wei before parts are: less than 1 + received / V per position, by group.
    function _recoveryDust(uint256 positions) private view returns (uint256 dust) {
        (,, GroupView[] memory groups) = store.pool().recovery();
        for (uint256 i; i < groups.length; ++i) {
            uint256 value = Wei.unwrap(groups[i].value);
            if (value != 0) dust += positions + positions * Wei.unwrap(groups[i].received) / value;
        }
    }

    /// @dev The same, for sponsors too; and what positions would have got that were outdated when it was decided. Where
    /// nobody can get a wei nothing is ever decided: it is then as a claim would find it.
    function _bonusDust(uint256 positions) private view returns (uint256 dust) {
        BonusBooks sponsors = store.sponsors();
        (bool decided, Wei total, Wei part, Rate rate, uint256 value) = store.bonus().bonus();
        if (!decided) value = sponsors.valueOf(0, lido.rate());
        if (value == 0) return 0;
        uint256 takers = positions + store.accounts().length;
        dust = takers + takers * Wei.unwrap(total) / value;
        BonusBooks.Decision memory made =
            BonusBooks.Decision(decided, escrow.rescue().thresholdMetBps, Wei.unwrap(part), Rate.unwrap(rate), value);
        address[] memory pledgers = store.pledgers();
        for (uint256 id; id < store.pots(); ++id) {
            for (uint256 i; i < pledgers.length; ++i) {
                if (sponsors.isOutdated(pledgers[i], id)) dust += sponsors.shareBy(made, pledgers[i], id);
            }
        }
    }

    function _assertOnlyDust(uint256 asset) private {
        uint256 left = lido.balanceOf(address(escrow), Asset(asset)) - store.donated(asset);
        uint256 positions = store.positionsOf(asset);
        assertLt(left, positions == 0 ? 1 : positions, "more than dust is stuck");
    }

    function invariant_11_IndependenceOfAssets() public {
        if (store.calls() % CALLS_PER_DRAIN != CALLS_PER_DRAIN / 2) return;
        lido.setDead(true);
        drain.run();
        _assertOnlyDust(uint256(Asset.ETH));
        _assertOnlyDust(uint256(Asset.WstETH));
    }

    /// @dev The last state of every run, whatever the number of its calls.
    function afterInvariant() public {
        _assertAllComesOut();
    }

    // ------------------------------------------------------------------------------------------------ 7, 8

    function invariant_7_OneWay() public view {
        assertFalse(store.strayed(), "the status moved along no arrow");
        assertLe(books.settlements(), 1, "settled twice");
        Status status = escrow.status();
        if (!store.late()) assertEq(uint256(status), uint256(store.status()), "not the stored status");
        else assertTrue(status != Status.Released && status != Status.Cancelled, "ended before it settled");
        if (store.status() == Status.Released) assertGt(books.finalAt(), 0, "released but not final");
    }

    function invariant_8_GuardianBounds() public {
        Terms memory terms = escrow.terms();
        Course.Amendment memory inForce = store.inForce();
        assertEq(Wei.unwrap(terms.target), inForce.target, "target without an amendment in force");
        assertEq(terms.deadline, inForce.deadline, "deadline without an amendment in force");
        assertEq(terms.termsHash, inForce.termsHash, "document without an amendment in force");
        Terms memory original = store.terms();
        bytes32 created = keccak256(abi.encode(original));
        assertEq(keccak256(abi.encode(escrow.originalTerms())), created, "original terms changed");
        (original.target, original.deadline, original.termsHash) = (terms.target, terms.deadline, terms.termsHash);
        assertEq(keccak256(abi.encode(terms)), keccak256(abi.encode(original)), "fixed terms changed");
        if (books.lapsedAt() == 0) _assertKeptAlike(escrow.rescue());
        _assertGuardianGainsNothing();
    }

    /// @dev It starts with nothing, and a rescue that it ends while open pays no bonus to any pledger.
    function _assertGuardianGainsNothing() private {
        for (uint256 asset; asset < ASSETS; ++asset) {
            assertEq(lido.balanceOf(guardian, Asset(asset)), 0, "the guardian has something");
        }
        (,, Wei part,,) = store.bonus().bonus();
        if (books.endReason() == EndReason.EndedByGuardian) assertEq(Wei.unwrap(part), 0, "a bonus for it");
    }

    /// @dev Until something lapses, every asset is kept as far as every other.
    function _assertKeptAlike(RescueView memory page) private pure {
        uint256[3] memory drawn;
        uint256 most;
        for (uint256 i; i < page.pots.length; ++i) {
            drawn[uint256(page.pots[i].asset)] += Units.unwrap(page.pots[i].drawn);
        }
        for (uint256 asset; asset < ASSETS; ++asset) {
            if (page.kept[asset] > most) most = page.kept[asset];
        }
        for (uint256 asset; asset < ASSETS; ++asset) {
            assertEq(page.kept[asset], drawn[asset] == 0 ? 0 : most, "one asset is drawn further");
        }
    }

    // ------------------------------------------------------------------------------------------------ 9, 12

    function invariant_9_OrderIndependence() public view {
        if (address(twin.twin()) == address(0)) return;
        RescueView memory ours = escrow.rescue();
        RescueView memory theirs = twin.twin().rescue();
        assertFalse(twin.refundsDiffer(), "other refunds");
        assertEq(ours.thresholdMetBps, theirs.thresholdMetBps, "another threshold");
        assertEq(Wei.unwrap(ours.drawn), Wei.unwrap(theirs.drawn), "another sum");
        assertEq(ours.pots.length, theirs.pots.length, "other pots");
        for (uint256 i; i < ours.pots.length; ++i) {
            assertEq(Units.unwrap(ours.pots[i].total), Units.unwrap(theirs.pots[i].total), "another total");
            assertEq(Units.unwrap(ours.pots[i].drawn), Units.unwrap(theirs.pots[i].drawn), "another draw");
        }
    }

    function invariant_12_BooksFromLogs() public view {
        RescueView memory page = escrow.rescue();
        _assertPledges(page);
        _assertTermsFromLogs(page);
        if (store.late()) return;
        assertEq(uint256(page.status), uint256(books.status()), "status");
        assertEq(uint256(page.endReason), uint256(books.endReason()), "endReason");
        assertEq(Wei.unwrap(page.objected), books.objected(), "objected");
        assertEq(page.settledAt, books.settledAt(), "settledAt");
        assertEq(page.cancelledAt, books.cancelledAt(), "cancelledAt");
        assertEq(page.lapsedAt, books.lapsedAt(), "lapsedAt");
        assertEq(page.finalAt, books.finalAt(), "finalAt");
        assertEq(page.returnsByCalendar, books.byCalendar(), "returnsByCalendar");
        assertEq(Wei.unwrap(page.drawn), books.drawn(), "drawn");
        for (uint256 asset; asset < ASSETS; ++asset) {
            assertEq(page.kept[asset], books.kept(asset), "kept");
            assertEq(page.delivered[asset], books.delivered(asset), "delivered");
        }
        assertEq(Rate.unwrap(escrow.record().rate), books.rate(), "rate");
        if (_everSettled(page)) assertEq(page.thresholdMetBps, books.thresholdBps(), "threshold");
    }

    function _assertTermsFromLogs(RescueView memory page) private view {
        (uint256 target, uint256 deadline, bytes32 termsHash, uint256 effectiveAt) = books.proposal();
        assertEq(page.amendment.effectiveAt, effectiveAt, "effectiveAt");
        assertEq(Wei.unwrap(page.amendment.target), target, "proposed target");
        assertEq(page.amendment.deadline, deadline, "proposed deadline");
        assertEq(page.amendment.termsHash, termsHash, "proposed document");
        if (books.status() != Status.Open || !books.proposalInForce()) {
            (target, deadline, termsHash) = (books.target(), books.deadline(), books.termsHash());
        }
        assertEq(Wei.unwrap(page.terms.target), target, "target");
        assertEq(page.terms.deadline, deadline, "deadline");
        assertEq(page.terms.termsHash, termsHash, "document");
    }

    function _assertPledges(RescueView memory page) private view {
        uint256 units;
        for (uint256 i; i < page.pots.length; ++i) {
            uint256 id = page.pots[i].tier * ASSETS + uint256(page.pots[i].asset);
            assertEq(Units.unwrap(page.pots[i].total), books.totals(id), "total");
            if (!store.late()) assertEq(Units.unwrap(page.pots[i].drawn), books.draws(id), "draw");
            units += books.totals(id);
        }
        for (uint256 id; id < store.pots(); ++id) {
            units -= books.totals(id);
        }
        assertEq(units, 0, "a pot is missing");
        address[] memory pledgers = store.pledgers();
        for (uint256 i; i < pledgers.length; ++i) {
            _assertPositions(pledgers[i]);
        }
    }

    function _assertPositions(address pledger) private view {
        PositionView[] memory list = escrow.positions(pledger);
        uint256 count;
        for (uint256 id; id < store.pots(); ++id) {
            if (books.amounts(pledger, id) == 0) continue;
            PositionView memory position = list[count++];
            assertEq(position.tier * ASSETS + uint256(position.asset), id, "place");
            assertEq(Units.unwrap(position.amount), books.amounts(pledger, id), "amount");
            assertEq(Units.unwrap(position.refunded), books.refunded(pledger, id), "refunded");
            assertEq(position.objected, books.hasObjected(pledger, id), "objected");
        }
        assertEq(list.length, count, "positions");
        Units[3] memory owed = escrow.owed(pledger);
        for (uint256 asset; asset < ASSETS; ++asset) {
            assertEq(Units.unwrap(owed[asset]), books.owed(pledger, asset), "owed");
        }
    }
}
