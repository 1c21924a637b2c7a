// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { FailReason, IPledgeEscrow, Status, Terms, Tier } from "./interfaces/IPledgeEscrow.sol";
import { IStETH, IWstETH } from "./interfaces/external/ILido.sol";
import { ProRata } from "./libraries/ProRata.sol";
import { Calendar } from "./libraries/Schedule.sol";
import { Holding, Outcome, Settlement } from "./libraries/Settlement.sol";
import { ShareRate } from "./libraries/ShareRate.sol";
import { TermsCheck } from "./libraries/TermsCheck.sol";
import { PerAsset, Position, PositionSlot, Pot, PotSlot, potId, potOf } from "./types/Books.sol";
import { MAX_TIERS, PackedTiers, TIERS_PER_WORD, packTiers, unpackTier, unpackTiers } from "./types/Tiers.sol";
import { ASSETS, Asset, Rate, Shares, Units, Wei, WstETHUnits } from "./types/Units.sol";

/// @title The books of one escrow
/// @dev The state, and everything that more than one call does with it.
abstract contract EscrowBooks is IPledgeEscrow {
    using ProRata for Wei;
    using ProRata for Units;

    /// @dev What nearly every call reads, in one slot. `activeTiers` and the counts mean something once settled.
    struct Core {
        Status status;
        uint40 deadline;
        uint96 target;
        uint40 amendsAt;
        uint8 activeTiers;
        PerAsset kept;
        PerAsset delivered;
        FailReason failReason;
    }

    /// @dev What settlement recorded (see Outcome), and when the rescue became final. Two slots.
    struct Record {
        Rate rate;
        uint40 settledAt;
        uint8 marginalOrder;
        uint96 drawn;
        uint120 marginalValue;
        uint96 marginalDraw;
        uint40 finalAt;
    }

    /// @dev Objections, and when they, the guardian or a lapse stopped the rest.
    struct Stop {
        uint96 objected;
        uint40 cancelledAt;
    }

    /// @dev The proposed terms, pending until `Core.amendsAt` and in force from then on.
    struct NextTerms {
        uint96 target;
        uint40 deadline;
        bytes32 termsHash;
    }

    address internal immutable BENEFICIARY;
    address internal immutable GUARDIAN;
    address internal immutable STETH;
    address internal immutable WSTETH;
    PackedTiers internal immutable TIERS_LOW;
    PackedTiers internal immutable TIERS_HIGH;
    uint256 internal immutable TIER_COUNT;
    uint256 internal immutable OBJECTION_PERIOD;
    uint256 internal immutable VETO_BPS;
    uint256 internal immutable TRANCHES;
    uint256 internal immutable TRANCHE_INTERVAL;
    uint256 internal immutable RELEASE_WINDOW;
    uint256 internal immutable EXIT_WINDOW;

    Core internal _core;
    Record internal _record;
    Stop internal _stop;
    bytes32 internal _termsHash;
    NextTerms internal _next;
    PotSlot[MAX_TIERS * ASSETS] internal _pots;
    mapping(address pledger => PositionSlot[MAX_TIERS * ASSETS]) internal _positions;

    constructor(Terms memory terms_) {
        TermsCheck.check(terms_);
        BENEFICIARY = terms_.beneficiary;
        GUARDIAN = terms_.guardian;
        STETH = terms_.stETH;
        WSTETH = terms_.wstETH;
        TIERS_LOW = packTiers(terms_.tiers, 0);
        TIERS_HIGH = packTiers(terms_.tiers, TIERS_PER_WORD);
        TIER_COUNT = terms_.tiers.length;
        OBJECTION_PERIOD = terms_.objectionPeriod;
        VETO_BPS = terms_.vetoBps;
        TRANCHES = terms_.tranches;
        TRANCHE_INTERVAL = terms_.trancheInterval;
        RELEASE_WINDOW = terms_.releaseWindow;
        EXIT_WINDOW = terms_.exitWindow;
        _core.deadline = terms_.deadline;
        _core.target = _toUint96(terms_.target);
        _termsHash = terms_.termsHash;
        emit RescueCreated(terms_.beneficiary, terms_.guardian, terms_);
    }

    // ------------------------------------------------------------------------------------------------ may this happen

    /// @dev The core as it is now: an open rescue's amendment comes into force by itself.
    function _current() internal view returns (Core memory core) {
        core = _core;
        if (core.status == Status.Open && _amended(core.amendsAt)) {
            core.target = _next.target;
            core.deadline = _next.deadline;
        }
    }

    /// @dev Whether `_next` is in force. It is pending while `block.timestamp < amendsAt`.
    function _amended(uint256 amendsAt) internal view returns (bool) {
        return amendsAt != 0 && block.timestamp >= amendsAt;
    }

    function _requireGuardian() internal view {
        if (msg.sender != GUARDIAN) revert NotGuardian(msg.sender, GUARDIAN);
    }

    /// @dev Open, and not past the deadline. The deadline in force is as in `_current`, without reading the rest.
    function _requirePledging() internal view {
        uint256 deadline = _core.deadline;
        uint256 amendsAt = _core.amendsAt;
        if (amendsAt != 0) {
            if (_amended(amendsAt)) deadline = _next.deadline;
        }
        if (_core.status != Status.Open || block.timestamp > deadline) {
            revert PledgingClosed(_core.status, deadline, block.timestamp);
        }
    }

    /// @dev Settled, with something not yet due.
    /// @return due The tranches due.
    function _requireStoppable(Core memory core) internal view returns (uint256 due) {
        if (core.status != Status.Settled) revert WrongStatus(core.status);
        due = _calendar(_record.settledAt).dueAt(block.timestamp);
        if (due == TRANCHES) revert NothingToStop(due, TRANCHES);
    }

    /// @dev Value sent to nobody, or to this escrow, would be lost to its owner.
    function _requireAccount(address account) internal view {
        if (account == address(0) || account == address(this)) revert InvalidAccount(account);
    }

    /// @dev The pot of a tier and an asset.
    function _idOf(uint8 tier, Asset asset) internal view returns (uint256) {
        if (tier >= TIER_COUNT) revert UnknownTier(tier, TIER_COUNT);
        return potId(tier, asset);
    }

    // ------------------------------------------------------------------------------------------------ pledges

    /// @dev Books a pledge that the caller then pays.
    function _book(address pledger, uint8 tier, Asset asset, uint256 amount) internal returns (Units units) {
        _requirePledging();
        if (amount == 0) revert ZeroAmount();
        if (asset != Asset.ETH && STETH == address(0)) revert AssetNotAccepted(asset);
        _requireAccount(pledger);
        uint256 id = _idOf(tier, asset);
        PotSlot storage pot = _pots[id];
        PositionSlot storage position = _positions[pledger][id];
        Units total;
        (units, total) = pot.word.total().addToPot(amount);
        pot.word = potOf(total);
        position.word = position.word.plus(units);
        emit Pledged(pledger, tier, asset, units);
    }

    /// @dev Takes a whole position out of the books of an open rescue.
    function _unbook(address pledger, uint8 tier, Asset asset) internal returns (Units amount) {
        uint256 id = _idOf(tier, asset);
        amount = _positions[pledger][id].word.amount();
        if (Units.unwrap(amount) == 0) revert NothingToReturn(pledger, tier, asset);
        // While open nothing is refunded and nobody has objected: the position is its amount.
        _positions[pledger][id].word = Position.wrap(0);
        // The total is the sum of its positions.
        _pots[id].word = potOf(_pots[id].word.total() - amount);
    }

    // ------------------------------------------------------------------------------------------------ settlement

    /// @dev The core, after settling if the deadline has passed: every late call begins so.
    function _settledIfLate() internal returns (Core memory core) {
        core = _current();
        if (core.status == Status.Open && block.timestamp > core.deadline) _settle(core);
    }

    /// @dev Settles an open rescue, in the books and in `core`.
    function _settle(Core memory core) internal {
        Units[] memory totals = _loadTotals();
        Holding[] memory holdings = Settlement.holdingsOf(totals);
        Holding memory sum = Settlement.sumOf(holdings);
        Rate rate = _requireRate(sum);
        if (block.timestamp <= core.deadline) _requireFullCoverage(core, sum.valueDown(rate));
        (Record memory record, Units[] memory draws) = _decide(core, totals, holdings, rate);
        if (core.status == Status.Failed) return _fail(core, FailReason.NoThresholdMet);

        _dropPendingAmendment(core);
        _core = core;
        _record = record;
        _storeDraws(totals, draws);
        uint16 thresholdBps = _thresholdOf(core.activeTiers);
        emit Settled(thresholdBps, rate, Wei.wrap(core.target), Wei.wrap(record.drawn), record.settledAt, draws);
    }

    /// @dev Decides an open rescue at this moment, in memory: the status and the counts in `core`, the facts, and the
    /// draw of each pot.
    function _decide(Core memory core, Units[] memory totals, Holding[] memory holdings, Rate rate)
        internal
        view
        returns (Record memory record, Units[] memory draws)
    {
        Outcome memory outcome;
        (outcome, draws) = Settlement.evaluate(totals, holdings, _tiers(), Wei.wrap(core.target), rate);
        if (outcome.activeTiers == 0) {
            (core.status, core.failReason) = (Status.Failed, FailReason.NoThresholdMet);
            return (record, draws);
        }
        core.status = Status.Settled;
        // At most MAX_TIERS.
        // forge-lint: disable-next-line(unsafe-typecast)
        core.activeTiers = uint8(outcome.activeTiers);
        core.kept = _keptOf(draws);
        record.rate = rate;
        record.settledAt = _now();
        record.drawn = _toUint96(outcome.drawn);
        // A tier's draw order, of 8 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        record.marginalOrder = uint8(outcome.marginalOrder);
        // The value of all pots is below 2^112: see ProRata.
        // forge-lint: disable-next-line(unsafe-typecast)
        record.marginalValue = uint120(Wei.unwrap(outcome.marginalValue));
        record.marginalDraw = _toUint96(outcome.marginalDraw);
    }

    /// @dev All tranches of the assets of which anything is drawn; none of the others, which are so delivered already.
    function _keptOf(Units[] memory draws) internal view returns (PerAsset kept) {
        for (uint256 asset; asset < ASSETS; ++asset) {
            for (uint256 id = asset; id < draws.length; id += ASSETS) {
                if (Units.unwrap(draws[id]) == 0) continue;
                kept = kept.set(Asset(asset), TRANCHES);
                break;
            }
        }
    }

    /// @dev Writes the draws to storage; untouched pots cost nothing.
    function _storeDraws(Units[] memory totals, Units[] memory draws) internal {
        for (uint256 id; id < draws.length; ++id) {
            Units draw = draws[id];
            if (Units.unwrap(draw) != 0) _pots[id].word = potOf(totals[id]).withDrawn(draw);
        }
    }

    /// @dev Up to the deadline only a full rescue settles.
    function _requireFullCoverage(Core memory core, Wei coverage) internal pure {
        if (coverage < Wei.wrap(core.target)) revert CoverageTooLow(coverage, Wei.wrap(core.target));
    }

    /// @dev Ends an open rescue: everything goes back.
    function _fail(Core memory core, FailReason reason) internal {
        core.status = Status.Failed;
        core.failReason = reason;
        _dropPendingAmendment(core);
        _core = core;
        emit Failed(reason, _now());
    }

    /// @dev An amendment that is not in force when the rescue settles or ends dies; one in force stays.
    function _dropPendingAmendment(Core memory core) internal view {
        if (!_amended(core.amendsAt)) core.amendsAt = 0;
    }

    /// @dev The totals of all pots, in the order of `potId`.
    function _loadTotals() internal view returns (Units[] memory totals) {
        totals = new Units[](TIER_COUNT * ASSETS);
        for (uint256 id; id < totals.length; ++id) {
            totals[id] = _pots[id].word.total();
        }
    }

    // ------------------------------------------------------------------------------------------------ the share rate

    /// @dev The rate that shares need; 0 when there are none, and Lido is not asked.
    function _requireRate(Holding memory holding) internal view returns (Rate rate) {
        if (Shares.unwrap(holding.shares) == 0) return Rate.wrap(0);
        bool readable;
        (readable, rate) = ShareRate.read(STETH);
        if (!readable) revert RateUnreadable();
    }

    // ------------------------------------------------------------------------------------------------ who is owed what

    /// @dev What a position is owed in all, refunded or not: never falls once decided, since `kept` never rises. Of a
    /// pot that nothing is drawn from (the rescue failed, or its tier is not active) it is the whole amount.
    function _entitled(Core memory core, Units total, Units drawn, Asset asset, Units amount)
        internal
        view
        returns (Units)
    {
        if (core.status == Status.Open) return Units.wrap(0);
        return amount.entitledDown(total, drawn.tranchesDown(core.kept.get(asset), TRANCHES));
    }

    /// @dev Drawn value of a position at the settlement rate, from its group's place: drawn whole, in part, or not.
    function _weight(Core memory core, Record memory record, uint256 tier, Asset asset, Units amount)
        internal
        view
        returns (Wei)
    {
        if (tier >= core.activeTiers) return Wei.wrap(0);
        uint256 order = unpackTier(TIERS_LOW, TIERS_HIGH, tier).drawOrder;
        if (order > record.marginalOrder) return Wei.wrap(0);
        Wei value = amount.valueDown(asset, record.rate);
        if (order < record.marginalOrder) return value;
        return value.shareDown(Wei.wrap(record.marginalDraw), Wei.wrap(record.marginalValue));
    }

    /// @dev Pays `pledger`'s position what it is owed and has not had.
    function _refund(address pledger, uint8 tier, Asset asset, address recipient) internal {
        Core memory core = _settledIfLate();
        if (core.status == Status.Open) revert WrongStatus(core.status);
        uint256 id = _idOf(tier, asset);
        PositionSlot storage slot = _positions[pledger][id];
        Position position = slot.word;
        // A position without an amount is owed nothing, and its pot may be empty.
        if (Units.unwrap(position.amount()) == 0) revert NothingToReturn(pledger, tier, asset);
        Pot pot = _pots[id].word;
        Units entitled = _entitled(core, pot.total(), pot.drawn(), asset, position.amount());
        // Entitlement never falls, and what is refunded was entitled earlier.
        Units amount = entitled - position.refunded();
        if (Units.unwrap(amount) == 0) revert NothingToReturn(pledger, tier, asset);

        slot.word = position.withRefund(amount);
        emit Refunded(pledger, tier, asset, recipient, amount);
        _pay(recipient, asset, amount);
    }

    /// @dev Tranches of an asset that may be delivered by now.
    function _deliverable(Core memory core, Asset asset) internal view returns (uint256) {
        uint256 due = _calendar(_record.settledAt).dueAt(block.timestamp);
        uint256 kept = core.kept.get(asset);
        return due < kept ? due : kept;
    }

    /// @dev Units of an asset in its tranches after `from` up to `to`, over all pots.
    function _tranchesOf(Asset asset, uint256 from, uint256 to) internal view returns (Units amount) {
        for (uint256 tier; tier < TIER_COUNT; ++tier) {
            Units drawn = _pots[potId(tier, asset)].word.drawn();
            // More tranches are never less.
            amount = amount + (drawn.tranchesDown(to, TRANCHES) - drawn.tranchesDown(from, TRANCHES));
        }
    }

    // ------------------------------------------------------------------------------------------------ the end

    /// @dev Stops what is not due: each asset keeps at most `due` tranches.
    function _cancel(Core memory core, uint256 due) internal {
        core.status = Status.Cancelled;
        for (uint256 i; i < ASSETS; ++i) {
            if (due < core.kept.get(Asset(i))) core.kept = core.kept.set(Asset(i), due);
        }
        _stop.cancelledAt = _now();
        // Less than TRANCHES, at most 64.
        // forge-lint: disable-next-line(unsafe-typecast)
        emit Cancelled(uint8(due), _now());
        _finalizeIfDelivered(core);
        _core = core;
    }

    /// @dev Records the end once every asset is delivered as far as it is kept. The caller stores `core`.
    function _finalizeIfDelivered(Core memory core) internal {
        if (PerAsset.unwrap(core.delivered) != PerAsset.unwrap(core.kept)) return;
        if (core.status == Status.Settled) core.status = Status.Released;
        _record.finalAt = _now();
        emit Finalized(_now());
    }

    // ------------------------------------------------------------------------------------------------ small things

    /// @dev The one way out. A recipient that fails, fails alone.
    function _pay(address recipient, Asset asset, Units amount) internal {
        bool paid = true;
        if (asset == Asset.ETH) {
            (paid,) = recipient.call{ value: Units.unwrap(amount) }("");
        } else if (asset == Asset.StETH) {
            // The returned stETH amount rounds; the shares are exact.
            IStETH(STETH).transferShares(recipient, Shares.wrap(Units.unwrap(amount)));
        } else {
            paid = IWstETH(WSTETH).transfer(recipient, WstETHUnits.wrap(Units.unwrap(amount)));
        }
        if (!paid) revert PaymentFailed(recipient, asset, amount);
    }

    function _calendar(uint40 settledAt) internal view returns (Calendar memory) {
        return Calendar(settledAt + OBJECTION_PERIOD, TRANCHE_INTERVAL, TRANCHES);
    }

    function _tiers() internal view returns (Tier[] memory) {
        return unpackTiers(TIERS_LOW, TIERS_HIGH, TIER_COUNT);
    }

    /// @dev Threshold of the last of so many active tiers; 0 for none.
    function _thresholdOf(uint256 activeTiers) internal view returns (uint16) {
        return activeTiers == 0 ? 0 : unpackTier(TIERS_LOW, TIERS_HIGH, activeTiers - 1).thresholdBps;
    }

    /// @dev 40 bits of seconds last for 34,000 years.
    function _now() internal view returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint40(block.timestamp);
    }

    /// @dev For a target, which TermsCheck bounds, and for what is drawn toward it, which is not more.
    function _toUint96(Wei amount) internal pure returns (uint96) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint96(Wei.unwrap(amount));
    }
}
