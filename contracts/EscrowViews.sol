// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EscrowBooks } from "./EscrowBooks.sol";
import {
    Amendment,
    IPledgeEscrow,
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
import { PerAsset, Position } from "./types/Books.sol";
import { ASSETS, Asset, Rate, Shares, Units, Wei } from "./types/Units.sol";

/// @title What can be read of one escrow
/// @dev Every view shows what the next call would find: past the deadline, the settlement that it would make first.
abstract contract EscrowViews is EscrowBooks {
    using ProRata for Units;

    /// @dev The books as the next call would find them, in memory.
    struct Books {
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
        Books memory books = _preview();
        Core memory core = books.core;
        page.status = core.status;
        page.failReason = core.failReason;
        page.terms = _terms(core);
        page.amendment = _pendingAmendment(core);
        page.pots = _potViews(books);
        page.rateReadable = books.rateReadable;
        page.rate = books.rate;
        page.coverage = books.sum.valueDown(books.rate);
        page.thresholdMetBps = _thresholdMet(books);
        page.drawn = Wei.wrap(books.record.drawn);
        page.objected = Wei.wrap(_stop.objected);
        page.settledAt = _record.settledAt;
        page.cancelledAt = _stop.cancelledAt;
        page.finalAt = books.record.finalAt;
        page.kept = _counts(core.kept);
        page.delivered = _counts(core.delivered);
        (page.due, page.nextTrancheAt) = _clock(books);
    }

    /// @inheritdoc IPledgeEscrow
    function positions(address pledger) external view returns (PositionView[] memory list) {
        Books memory books = _preview();
        uint256 count;
        for (uint256 id; id < books.totals.length; ++id) {
            if (Units.unwrap(_positions[pledger][id].word.amount()) != 0) ++count;
        }
        list = new PositionView[](count);
        for (uint256 id = books.totals.length; count > 0; --id) {
            Position word = _positions[pledger][id - 1].word;
            if (Units.unwrap(word.amount()) != 0) list[--count] = _positionView(books, id - 1, word);
        }
    }

    /// @inheritdoc IPledgeEscrow
    function record() external view returns (RecordView memory) {
        Core memory core = _current();
        return RecordView({
            status: core.status,
            failReason: core.failReason,
            deadline: core.deadline,
            exitUntil: block.timestamp < core.amendsAt ? core.amendsAt : 0,
            activeTiers: core.activeTiers,
            rate: _record.rate,
            settledAt: _record.settledAt,
            finalAt: _record.finalAt,
            kept: _counts(core.kept),
            delivered: _counts(core.delivered)
        });
    }

    /// @inheritdoc IPledgeEscrow
    function pots() external view returns (Units[] memory totals, Units[] memory draws) {
        return _loadPots();
    }

    /// @inheritdoc IPledgeEscrow
    function position(address pledger, uint8 tier, Asset asset) external view returns (Units, Units, bool) {
        Position word = _positions[pledger][_idOf(tier, asset)].word;
        return (word.amount(), word.refunded(), word.objected());
    }

    /// @inheritdoc IPledgeEscrow
    function status() external view returns (Status) {
        return _preview().core.status;
    }

    /// @inheritdoc IPledgeEscrow
    function terms() external view returns (Terms memory) {
        return _terms(_current());
    }

    /// @dev The books as they are or, past the deadline and if the rate can be read, as settling now makes them.
    function _preview() private view returns (Books memory books) {
        books.core = _current();
        books.record = _record;
        (books.totals, books.draws) = _loadPots();
        books.holdings = Settlement.holdingsOf(books.totals);
        books.sum = Settlement.sumOf(books.holdings);
        books.rateReadable = true;
        if (books.core.status != Status.Open && books.core.status != Status.Failed) {
            books.rate = books.record.rate;
            return books;
        }
        if (Shares.unwrap(books.sum.shares) != 0) (books.rateReadable, books.rate) = ShareRate.read(STETH);
        bool late = books.core.status == Status.Open && block.timestamp > books.core.deadline;
        if (late && books.rateReadable) {
            (books.record, books.draws) = _decide(books.core, books.totals, books.holdings, books.rate);
            _dropPendingAmendment(books.core);
        }
    }

    /// @dev Totals and draws of all pots, in the order of `potId`.
    function _loadPots() private view returns (Units[] memory totals, Units[] memory draws) {
        totals = _loadTotals();
        draws = new Units[](totals.length);
        for (uint256 id; id < totals.length; ++id) {
            draws[id] = _pots[id].word.drawn();
        }
    }

    function _terms(Core memory core) private view returns (Terms memory) {
        return Terms({
            beneficiary: BENEFICIARY,
            guardian: GUARDIAN,
            stETH: STETH,
            wstETH: WSTETH,
            target: Wei.wrap(core.target),
            deadline: core.deadline,
            tiers: _tiers(),
            // Each of these was of the width it is cast to when the constructor took it.
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
            termsHash: _amended(core.amendsAt) ? _next.termsHash : _termsHash
        });
    }

    /// @dev The amendment that is proposed and not yet in force; all zero for none.
    function _pendingAmendment(Core memory core) private view returns (Amendment memory) {
        if (block.timestamp >= core.amendsAt) return Amendment(Wei.wrap(0), 0, 0, 0);
        return Amendment(Wei.wrap(_next.target), _next.deadline, _next.termsHash, core.amendsAt);
    }

    /// @dev The pots that hold something.
    function _potViews(Books memory books) private view returns (PotView[] memory list) {
        uint256 count;
        for (uint256 id; id < books.totals.length; ++id) {
            if (Units.unwrap(books.totals[id]) != 0) ++count;
        }
        list = new PotView[](count);
        for (uint256 id = books.totals.length; count > 0; --id) {
            if (Units.unwrap(books.totals[id - 1]) != 0) list[--count] = _potView(books, id - 1);
        }
    }

    function _potView(Books memory books, uint256 id) private view returns (PotView memory) {
        (uint8 tier, Asset asset) = _placeOf(id);
        Units drawn = books.draws[id];
        Units delivered = drawn.tranchesDown(books.core.delivered.get(asset), TRANCHES);
        return PotView(tier, asset, books.totals[id], drawn, delivered);
    }

    function _positionView(Books memory books, uint256 id, Position word) private view returns (PositionView memory) {
        (uint8 tier, Asset asset) = _placeOf(id);
        Units entitled = _entitled(books.core, books.totals[id], books.draws[id], asset, word.amount());
        return PositionView({
            tier: tier,
            asset: asset,
            amount: word.amount(),
            refunded: word.refunded(),
            // Entitlement never falls, and `refunded` is an earlier one; while open both are zero.
            refundable: entitled - word.refunded(),
            weight: _weight(books.core, books.record, tier, asset, word.amount()),
            objected: word.objected()
        });
    }

    /// @dev While open, of the tiers that are covered now; then, of those that settlement chose.
    function _thresholdMet(Books memory books) private view returns (uint16) {
        if (books.core.status != Status.Open) return _thresholdOf(books.core.activeTiers);
        if (!books.rateReadable) return 0;
        return _thresholdOf(Settlement.activeTiers(books.holdings, _tiers(), Wei.wrap(books.core.target), books.rate));
    }

    /// @dev Tranches due, and when the next one will be; both 0 unless settled, no next one once it was stopped.
    function _clock(Books memory books) private view returns (uint8 due, uint40 nextAt) {
        if (books.record.settledAt == 0) return (0, 0);
        Calendar memory calendar = _calendar(books.record.settledAt);
        uint256 count = calendar.dueAt(block.timestamp);
        // forge-lint: disable-next-line(unsafe-typecast)
        due = uint8(count);
        bool stopped = books.core.status != Status.Settled;
        // A few times 2^32 seconds after now: within 40 bits.
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

    /// @dev The tier and asset of a pot.
    function _placeOf(uint256 id) private pure returns (uint8 tier, Asset asset) {
        // id < MAX_TIERS * ASSETS.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (uint8(id / ASSETS), Asset(id % ASSETS));
    }
}
