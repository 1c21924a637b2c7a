// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EscrowBooks } from "./EscrowBooks.sol";
import {
    Amendment,
    EndReason,
    IPledgeEscrow,
    PledgingView,
    PositionView,
    PotView,
    RecordView,
    RescueView,
    Status,
    Terms
} from "./interfaces/IPledgeEscrow.sol";
import { ProRata } from "./libraries/ProRata.sol";
import { Calendar } from "./libraries/Schedule.sol";
import { Holding, Settlement } from "./libraries/Settlement.sol";
import { ShareRate } from "./libraries/ShareRate.sol";
import { PerAsset, Position } from "./types/Pots.sol";
import { ASSETS, Asset, Rate, Shares, Units, Wei } from "./types/Units.sol";

/// @title The views of one escrow
/// @dev `rescue`, `positions` and `status` show what the next call would find: past the deadline, the settlement that
/// it would make first. The others show what is stored.
abstract contract EscrowViews is EscrowBooks {
    using ProRata for Units;

    /// @dev The books as the next call would find them, in memory.
    struct Preview {
        Core core;
        Record record;
        Units[] totals;
        Units[] draws;
        Holding[] holdings;
        Holding sum;
        bool rateReadable;
        Rate rate;
    }

    constructor(Terms memory terms_) EscrowBooks(terms_) { }

    /// @inheritdoc IPledgeEscrow
    function rescue() external view returns (RescueView memory page) {
        Preview memory found = _preview();
        Core memory core = found.core;
        page.status = core.status;
        page.endReason = core.endReason;
        page.createdBlock = _timeline.createdBlock;
        page.terms = _termsNow(core);
        page.amendment = _amendment(core);
        page.pots = _potViews(found);
        page.rateReadable = found.rateReadable;
        page.rate = found.rate;
        page.coverage = found.sum.valueDown(found.rate);
        page.thresholdMetBps = _thresholdMet(found);
        page.drawn = Wei.wrap(found.record.drawn);
        page.objected = Wei.wrap(_timeline.objected);
        page.settledAt = _record.settledAt;
        page.cancelledAt = _timeline.cancelledAt;
        page.lapsedAt = _timeline.lapsedAt;
        page.finalAt = _timeline.finalAt;
        page.kept = _counts(core.kept);
        page.delivered = _counts(core.delivered);
        page.held = _heldCounts(core);
        page.returnsByCalendar = core.returnsByCalendar;
        (page.due, page.nextTrancheAt) = _clock(found);
    }

    /// @inheritdoc IPledgeEscrow
    function positions(address pledger) external view returns (PositionView[] memory list) {
        Preview memory found = _preview();
        uint256 count;
        for (uint256 id; id < found.totals.length; ++id) {
            if (Units.unwrap(_positions[pledger][id].word.amount()) != 0) ++count;
        }
        list = new PositionView[](count);
        for (uint256 id = found.totals.length; count > 0; --id) {
            Position word = _positions[pledger][id - 1].word;
            if (Units.unwrap(word.amount()) != 0) list[--count] = _positionView(found, id - 1, word);
        }
    }

    /// @inheritdoc IPledgeEscrow
    function owed(address pledger) external view returns (Units[3] memory list) {
        for (uint256 i; i < ASSETS; ++i) {
            list[i] = _owed[pledger][Asset(i)];
        }
    }

    /// @inheritdoc IPledgeEscrow
    function originalTerms() external view returns (Terms memory) {
        // Each had the width of its cast when the constructor took it.
        // forge-lint: disable-next-line(unsafe-typecast)
        return _terms(Wei.wrap(ORIGINAL_TARGET), uint40(ORIGINAL_DEADLINE), ORIGINAL_TERMS_HASH);
    }

    /// @inheritdoc IPledgeEscrow
    function pledging() external view returns (PledgingView memory) {
        Core memory core = _current();
        return PledgingView(core.status, Wei.wrap(core.target), core.deadline, _amendment(core));
    }

    /// @inheritdoc IPledgeEscrow
    function record() external view returns (RecordView memory) {
        Core memory core = _current();
        return RecordView({
            status: core.status,
            endReason: core.endReason,
            createdBlock: _timeline.createdBlock,
            deadline: core.deadline,
            activeTiers: core.activeTiers,
            rate: _record.rate,
            settledAt: _record.settledAt,
            finalAt: _timeline.finalAt,
            kept: _counts(core.kept),
            delivered: _counts(core.delivered)
        });
    }

    /// @inheritdoc IPledgeEscrow
    function pots() external view returns (Units[] memory totals, Units[] memory draws) {
        return _loadPots();
    }

    /// @inheritdoc IPledgeEscrow
    function position(address pledger, uint8 tier, Asset asset) external view returns (Units, Units, bool, uint24) {
        Position word = _positions[pledger][_idOf(tier, asset)].word;
        return (word.amount(), word.refunded(), word.objected(), word.departures());
    }

    /// @inheritdoc IPledgeEscrow
    function status() external view returns (Status) {
        return _preview().core.status;
    }

    /// @inheritdoc IPledgeEscrow
    function terms() external view returns (Terms memory) {
        return _termsNow(_current());
    }

    /// @dev The books as they are or, past the deadline and if the rate can be read, as settling now would make them.
    function _preview() private view returns (Preview memory found) {
        found.core = _current();
        found.record = _record;
        (found.totals, found.draws) = _loadPots();
        found.holdings = Settlement.holdingsOf(found.totals);
        found.sum = Settlement.sumOf(found.holdings);
        (found.rateReadable, found.rate) = _rateOf(found);
        bool late = found.core.status == Status.Open && block.timestamp > found.core.deadline;
        if (late && found.rateReadable) {
            (found.record, found.draws) = _decide(found.core, found.totals, found.holdings, found.rate);
        }
    }

    /// @dev While open, the rate now; after that the recorded rate, if it says what shares were worth.
    function _rateOf(Preview memory found) private view returns (bool readable, Rate rate) {
        if (Shares.unwrap(found.sum.shares) == 0) return (true, rate);
        if (found.core.status == Status.Open) return ShareRate.read(STETH);
        EndReason reason = found.core.endReason;
        readable = reason != EndReason.EndedByGuardian && reason != EndReason.RateUnreadable;
        if (readable) rate = found.record.rate;
    }

    /// @dev Totals and draws of all pots, in the order of `potId`.
    function _loadPots() private view returns (Units[] memory totals, Units[] memory draws) {
        totals = _loadTotals();
        draws = new Units[](totals.length);
        for (uint256 id; id < totals.length; ++id) {
            draws[id] = _pots[id].word.drawn();
        }
    }

    /// @dev The terms in force.
    function _termsNow(Core memory core) private view returns (Terms memory) {
        bytes32 termsHash = _inForce(core.effectiveAt) ? _amended.termsHash : _termsHash;
        return _terms(Wei.wrap(core.target), core.deadline, termsHash);
    }

    /// @dev The terms, with the values that an amendment can change.
    function _terms(Wei target, uint40 deadline, bytes32 termsHash) private view returns (Terms memory) {
        return Terms({
            beneficiary: BENEFICIARY,
            guardian: GUARDIAN,
            stETH: STETH,
            wstETH: WSTETH,
            target: target,
            deadline: deadline,
            tiers: _tiers(),
            // Each of these had the width of its cast when the constructor took it.
            // forge-lint: disable-next-line(unsafe-typecast)
            latestDeadline: uint40(LATEST_DEADLINE),
            // forge-lint: disable-next-line(unsafe-typecast)
            objectionPeriod: uint32(OBJECTION_PERIOD),
            // forge-lint: disable-next-line(unsafe-typecast)
            vetoBps: uint16(VETO_BPS),
            // forge-lint: disable-next-line(unsafe-typecast)
            tranches: uint8(TRANCHES),
            // forge-lint: disable-next-line(unsafe-typecast)
            trancheInterval: uint32(TRANCHE_INTERVAL),
            // forge-lint: disable-next-line(unsafe-typecast)
            releaseWindow: uint32(RELEASE_WINDOW),
            // forge-lint: disable-next-line(unsafe-typecast)
            exitWindow: uint32(EXIT_WINDOW),
            termsHash: termsHash
        });
    }

    /// @dev The pots that are not empty.
    function _potViews(Preview memory found) private view returns (PotView[] memory list) {
        uint256 count;
        for (uint256 id; id < found.totals.length; ++id) {
            if (Units.unwrap(found.totals[id]) != 0) ++count;
        }
        list = new PotView[](count);
        for (uint256 id = found.totals.length; count > 0; --id) {
            if (Units.unwrap(found.totals[id - 1]) != 0) list[--count] = _potView(found, id - 1);
        }
    }

    function _potView(Preview memory found, uint256 id) private view returns (PotView memory) {
        (uint8 tier, Asset asset) = _placeOf(id);
        Units drawn = found.draws[id];
        Units delivered = drawn.tranchesDown(found.core.delivered.get(asset), TRANCHES);
        return PotView(tier, asset, found.totals[id], drawn, delivered);
    }

    function _positionView(Preview memory found, uint256 id, Position word) private view returns (PositionView memory) {
        (uint8 tier, Asset asset) = _placeOf(id);
        Units entitled = _entitled(found.core, found.totals[id], found.draws[id], asset, word.amount());
        return PositionView({
            tier: tier,
            asset: asset,
            amount: word.amount(),
            refunded: word.refunded(),
            // Entitlement never falls, and `refunded` is an earlier entitlement; while open, both are zero.
            refundable: entitled - word.refunded(),
            weight: _weight(found.core, found.record, tier, asset, word.amount()),
            objected: word.objected()
        });
    }

    /// @dev While open, the highest threshold met now; after that, the one that settlement chose.
    function _thresholdMet(Preview memory found) private view returns (uint16) {
        if (found.core.status != Status.Open) return _thresholdOf(found.core.activeTiers);
        if (!found.rateReadable) return 0;
        return _thresholdOf(Settlement.activeTiers(found.holdings, _tiers(), Wei.wrap(found.core.target), found.rate));
    }

    /// @dev Tranches due, and when the next one falls due or, after a veto, goes back. Both are 0 unless the rescue has
    /// settled; `nextAt` is also 0 if there is no next one.
    function _clock(Preview memory found) private view returns (uint8 due, uint40 nextAt) {
        if (found.record.settledAt == 0) return (0, 0);
        Calendar memory calendar = _calendar(found.record.settledAt);
        uint256 count = calendar.dueAt(block.timestamp);
        // forge-lint: disable-next-line(unsafe-typecast)
        due = uint8(count);
        bool stopped = found.core.status != Status.Settled && !found.core.returnsByCalendar;
        // At most a few times 2^32 seconds from now: fits in 40 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        nextAt = stopped || count == TRANCHES ? 0 : uint40(calendar.timeOf(count + 1));
    }

    /// @dev Counts of tranches, by asset: at most 64 each.
    function _counts(PerAsset counts) private pure returns (uint8[3] memory list) {
        for (uint256 i; i < ASSETS; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast)
            list[i] = uint8(counts.get(Asset(i)));
        }
    }

    /// @dev Tranches held, by asset: at most 64 each.
    function _heldCounts(Core memory core) private view returns (uint8[3] memory list) {
        for (uint256 i; i < ASSETS; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast)
            list[i] = uint8(_held(core, Asset(i)));
        }
    }

    /// @dev The tier and asset of a pot.
    function _placeOf(uint256 id) private pure returns (uint8 tier, Asset asset) {
        // id < MAX_TIERS * ASSETS.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (uint8(id / ASSETS), Asset(id % ASSETS));
    }
}
