// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Amendment, EndReason, IPledgeEscrow, Status, Terms, Tier } from "./interfaces/IPledgeEscrow.sol";
import { IStETH, IWstETH } from "./interfaces/external/ILido.sol";
import { SafeTransferLib } from "solady/utils/SafeTransferLib.sol";

import { ProRata } from "./libraries/ProRata.sol";
import { Calendar } from "./libraries/Schedule.sol";
import { Holding, Outcome, Settlement } from "./libraries/Settlement.sol";
import { ShareRate } from "./libraries/ShareRate.sol";
import { TermsCheck } from "./libraries/TermsCheck.sol";
import { PerAsset, Position, PositionSlot, Pot, PotSlot, potId, potOf } from "./types/Pots.sol";
import { MAX_TIERS, PackedTiers, TIERS_PER_WORD, packTiers, unpackTier, unpackTiers } from "./types/Tiers.sol";
import { ASSETS, Asset, Rate, Shares, Units, Wei, WstETHUnits } from "./types/Units.sol";

/// @title The books of one escrow
/// @dev The state, and everything that more than one call does with it.
abstract contract EscrowBooks is IPledgeEscrow {
    using ProRata for Wei;
    using ProRata for Units;

    /// @dev What nearly every call reads, in one slot. `activeTiers` and the counts are meaningful only after
    /// settlement.
    /// @custom:member effectiveAt When the latest amendment takes or took effect; 0 for none.
    /// @custom:member returnsByCalendar Whether a veto stopped the rescue, so that what was not due goes back by the
    /// calendar.
    struct Core {
        Status status;
        EndReason endReason;
        uint40 deadline;
        uint96 target;
        uint40 effectiveAt;
        uint8 activeTiers;
        PerAsset kept;
        PerAsset delivered;
        bool returnsByCalendar;
    }

    /// @dev What settlement recorded (see Outcome). For a failed rescue, only the rate. Two slots.
    struct Record {
        Rate rate;
        uint40 settledAt;
        uint8 marginalOrder;
        uint96 drawn;
        uint120 marginalValue;
        uint96 marginalDraw;
    }

    /// @dev The times of other events, and the drawn value that has objected so far. One slot.
    struct Timeline {
        uint40 createdBlock;
        uint40 cancelledAt;
        uint40 lapsedAt;
        uint40 finalAt;
        uint96 objected;
    }

    /// @dev What the latest amendment changes; in force from `Core.effectiveAt` on.
    struct AmendedTerms {
        uint96 target;
        uint40 deadline;
        bytes32 termsHash;
    }

    /// @dev Gas for the code of a pledger whom the guardian declines: enough to accept ETH, too little to be a burden.
    /// With the 2,300 that the EVM adds to a call with value, it is 100,000.
    uint256 internal constant DECLINE_GAS = 97_700;

    address internal immutable BENEFICIARY;
    address internal immutable GUARDIAN;
    address internal immutable STETH;
    address internal immutable WSTETH;
    uint256 internal immutable ORIGINAL_TARGET;
    uint256 internal immutable ORIGINAL_DEADLINE;
    bytes32 internal immutable ORIGINAL_TERMS_HASH;
    uint256 internal immutable LATEST_DEADLINE;
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
    Timeline internal _timeline;
    bytes32 internal _termsHash;
    AmendedTerms internal _amended;
    PotSlot[MAX_TIERS * ASSETS] internal _pots;
    mapping(address pledger => PositionSlot[MAX_TIERS * ASSETS]) internal _positions;
    mapping(address pledger => mapping(Asset => Units)) internal _owed;

    constructor(Terms memory terms_) {
        TermsCheck.check(terms_);
        BENEFICIARY = terms_.beneficiary;
        GUARDIAN = terms_.guardian;
        STETH = terms_.stETH;
        WSTETH = terms_.wstETH;
        ORIGINAL_TARGET = Wei.unwrap(terms_.target);
        ORIGINAL_DEADLINE = terms_.deadline;
        ORIGINAL_TERMS_HASH = terms_.termsHash;
        LATEST_DEADLINE = terms_.latestDeadline;
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
        // 40 bits are enough for any block number.
        // forge-lint: disable-next-line(unsafe-typecast)
        _timeline.createdBlock = uint40(block.number);
        emit RescueCreated(terms_.beneficiary, terms_.guardian, terms_);
    }

    // ------------------------------------------------------------------------------------------------ may this happen

    /// @dev The core as it is now: an amendment of an open rescue takes effect by itself.
    function _current() internal view returns (Core memory core) {
        core = _core;
        if (core.status == Status.Open && _inForce(core.effectiveAt)) {
            core.target = _amended.target;
            core.deadline = _amended.deadline;
        }
    }

    /// @dev Whether the latest amendment is in force. It is pending while `block.timestamp < effectiveAt`.
    function _inForce(uint256 effectiveAt) internal view returns (bool) {
        return effectiveAt != 0 && block.timestamp >= effectiveAt;
    }

    /// @dev The latest amendment; all zero for none.
    function _amendment(Core memory core) internal view returns (Amendment memory) {
        if (core.effectiveAt == 0) return Amendment(Wei.wrap(0), 0, 0, 0);
        return Amendment(Wei.wrap(_amended.target), _amended.deadline, _amended.termsHash, core.effectiveAt);
    }

    function _requireGuardian() internal view {
        if (msg.sender != GUARDIAN) revert NotGuardian(msg.sender, GUARDIAN);
    }

    /// @dev Requires that the rescue is open and not past the deadline. Takes the deadline in force, like `_current`,
    /// without reading the rest.
    /// @return effectiveAt The time at which the latest amendment takes effect.
    function _requirePledging() internal view returns (uint256 effectiveAt) {
        uint256 deadline = _core.deadline;
        effectiveAt = _core.effectiveAt;
        if (_inForce(effectiveAt)) deadline = _amended.deadline;
        if (_core.status != Status.Open || block.timestamp > deadline) {
            revert PledgingClosed(_core.status, deadline, block.timestamp);
        }
    }

    /// @dev Requires that the rescue is settled and something is not yet due.
    /// @return due The tranches due.
    function _requireStoppable(Core memory core) internal view returns (uint256 due) {
        if (core.status != Status.Settled) revert WrongStatus(core.status);
        due = _due();
        if (due == TRANCHES) revert NothingToStop(due, TRANCHES);
    }

    /// @dev Value sent to the zero address, this escrow or one of its tokens would be lost to its owner.
    function _requireAccount(address account) internal view {
        if (account == address(0) || account == address(this) || account == STETH || account == WSTETH) {
            revert InvalidAccount(account);
        }
    }

    /// @dev The index of the pot for a tier and an asset.
    function _idOf(uint8 tier, Asset asset) internal view returns (uint256) {
        if (tier >= TIER_COUNT) revert UnknownTier(tier, TIER_COUNT);
        return potId(tier, asset);
    }

    // ------------------------------------------------------------------------------------------------ pledges

    /// @dev Books a pledge, for which the caller then pays.
    function _book(address pledger, uint8 tier, uint64 amendment, Asset asset, uint256 amount)
        internal
        returns (Units units)
    {
        uint256 latest = _requirePledging();
        if (amendment != latest) revert AmendmentDiffers(amendment, latest);
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
        Position position = _positions[pledger][id].word;
        amount = position.amount();
        if (Units.unwrap(amount) == 0) revert NothingToReturn(pledger, tier, asset);
        _positions[pledger][id].word = position.emptied();
        // The pot's total is the sum of its positions.
        _pots[id].word = potOf(_pots[id].word.total() - amount);
    }

    // ------------------------------------------------------------------------------------------------ settlement

    /// @dev The core, after settling if the deadline has passed: every late call begins with this.
    function _settledIfLate() internal returns (Core memory core) {
        core = _current();
        if (core.status == Status.Open && block.timestamp > core.deadline) _settle(core);
    }

    /// @dev Settles an open rescue, or fails it if no threshold is met.
    function _settle(Core memory core) internal {
        Units[] memory totals = _loadTotals();
        Holding[] memory holdings = Settlement.holdingsOf(totals);
        Holding memory sum = Settlement.sumOf(holdings);
        Rate rate = _requireRate(sum);
        // None is pending past the deadline: an exit window ends no later than that.
        if (block.timestamp < core.effectiveAt) revert AmendmentPending(core.effectiveAt, block.timestamp);
        if (block.timestamp <= core.deadline) _requireFullCoverage(core, sum.valueDown(rate));
        (Record memory record, Units[] memory draws) = _decide(core, totals, holdings, rate);
        if (core.status == Status.Failed) return _fail(core, EndReason.NoThresholdMet, rate);

        _record = record;
        _storeDraws(totals, draws);
        uint16 thresholdBps = _thresholdOf(core.activeTiers);
        emit Settled(thresholdBps, rate, Wei.wrap(core.target), Wei.wrap(record.drawn), record.settledAt, draws);
        _store(core);
    }

    /// @dev Decides an open rescue at this moment, in memory: the status and the counts in `core`, the record, and the
    /// draw from each pot.
    function _decide(Core memory core, Units[] memory totals, Holding[] memory holdings, Rate rate)
        internal
        view
        returns (Record memory record, Units[] memory draws)
    {
        Outcome memory outcome;
        (outcome, draws) = Settlement.evaluate(totals, holdings, _tiers(), Wei.wrap(core.target), rate);
        record.rate = rate;
        if (outcome.activeTiers == 0) {
            _enter(core, Status.Failed, EndReason.NoThresholdMet);
            return (record, draws);
        }
        _enter(core, Status.Settled, EndReason.None);
        // At most MAX_TIERS.
        // forge-lint: disable-next-line(unsafe-typecast)
        core.activeTiers = uint8(outcome.activeTiers);
        core.kept = _keptOf(draws);
        record.settledAt = _now();
        record.drawn = _toUint96(outcome.drawn);
        // A tier's draw order, which has 8 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        record.marginalOrder = uint8(outcome.marginalOrder);
        // The value of all pots is below 2^112: see ProRata.
        // forge-lint: disable-next-line(unsafe-typecast)
        record.marginalValue = uint120(Wei.unwrap(outcome.marginalValue));
        record.marginalDraw = _toUint96(outcome.marginalDraw);
    }

    /// @dev All tranches for assets of which anything is drawn; none for the others, which therefore count as
    /// delivered.
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

    /// @dev Until the deadline, only a fully covered rescue settles.
    function _requireFullCoverage(Core memory core, Wei coverage) internal pure {
        if (coverage < Wei.wrap(core.target)) revert CoverageTooLow(coverage, Wei.wrap(core.target));
    }

    /// @dev The totals of all pots, in the order of `potId`.
    function _loadTotals() internal view returns (Units[] memory totals) {
        totals = new Units[](TIER_COUNT * ASSETS);
        for (uint256 id; id < totals.length; ++id) {
            totals[id] = _pots[id].word.total();
        }
    }

    // ------------------------------------------------------------------------------------------------ the share rate

    /// @dev The rate needed to value shares; 0 if there are none, without calling Lido.
    function _requireRate(Holding memory holding) internal view returns (Rate rate) {
        if (Shares.unwrap(holding.shares) == 0) return Rate.wrap(0);
        bool readable;
        (readable, rate) = ShareRate.read(STETH);
        if (!readable) revert RateUnreadable();
    }

    // ------------------------------------------------------------------------------------------------ who is owed what

    /// @dev What a position is owed in total, already refunded or not. It never falls once the rescue is decided,
    /// because `_held` never rises for an asset of which something was drawn. If nothing is drawn from the pot (the
    /// rescue failed, or its tier is not active), it is the whole amount.
    function _entitled(Core memory core, Units total, Units drawn, Asset asset, Units amount)
        internal
        view
        returns (Units)
    {
        if (core.status == Status.Open) return Units.wrap(0);
        return amount.entitledDown(total, drawn.tranchesDown(_held(core, asset), TRANCHES));
    }

    /// @dev Tranches that do not go back, or not yet: those kept and, after a veto, those not yet due. A veto changes
    /// who is paid, never when: otherwise anyone could borrow the missing amount, pledge it, settle, object and take it
    /// back at once.
    function _held(Core memory core, Asset asset) internal view returns (uint256 held) {
        held = core.kept.get(asset);
        // At the veto, at most the tranches then due were kept, and no more than are due now: so the sum is at most
        // TRANCHES.
        if (core.returnsByCalendar) held += TRANCHES - _due();
    }

    /// @dev The drawn value of a position at the settlement rate, by the place of its group: drawn in full, in part, or
    /// not at all.
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

    /// @dev Pays `pledger`'s position what it is owed and has not received.
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
        // Entitlement never falls, and `refunded` is an earlier entitlement.
        Units amount = entitled - position.refunded();
        if (Units.unwrap(amount) == 0) revert NothingToReturn(pledger, tier, asset);

        slot.word = position.withRefund(amount);
        emit Refunded(pledger, tier, asset, recipient, amount);
        _pay(recipient, asset, amount);
    }

    /// @dev Tranches of an asset that may have been delivered by now.
    function _deliverable(Core memory core, Asset asset) internal view returns (uint256) {
        uint256 due = _due();
        uint256 kept = core.kept.get(asset);
        return due < kept ? due : kept;
    }

    /// @dev Units of an asset in its tranches after `from` up to `to`, across all pots.
    function _tranchesOf(Asset asset, uint256 from, uint256 to) internal view returns (Units amount) {
        for (uint256 tier; tier < TIER_COUNT; ++tier) {
            Units drawn = _pots[potId(tier, asset)].word.drawn();
            // More tranches are never worth less.
            amount = amount + (drawn.tranchesDown(to, TRANCHES) - drawn.tranchesDown(from, TRANCHES));
        }
    }

    // ------------------------------------------------------------------------------------------------ the status
    // `_fail`, `_stop` and `_liftHold` store the core that they change, through `_store`.

    /// @dev Whether tranches can still go to the beneficiary in this status. A cancelled rescue that is final has none
    /// left.
    function _hasTranches(Core memory core) internal pure returns (bool) {
        return core.status == Status.Settled || core.status == Status.Cancelled;
    }

    /// @dev The only place that changes the status, in memory. See Status for the transitions; callers have checked
    /// theirs.
    function _enter(Core memory core, Status status, EndReason reason) internal pure {
        (core.status, core.endReason) = (status, reason);
    }

    /// @dev The only writer of the core. It detects finality: once every asset is delivered as far as it is kept, a
    /// settled rescue becomes released, a cancelled one final, and nothing more goes to the beneficiary. An asset of
    /// which nothing was drawn, or nothing is kept, counts as delivered.
    function _store(Core memory core) internal {
        bool delivered = PerAsset.unwrap(core.delivered) == PerAsset.unwrap(core.kept);
        bool ends = _hasTranches(core) && delivered && _timeline.finalAt == 0;
        if (ends && core.status == Status.Settled) _enter(core, Status.Released, EndReason.None);
        _core = core;
        if (!ends) return;
        _timeline.finalAt = _now();
        emit Finalized(_now());
    }

    /// @dev Ends an open rescue: everything goes back. A pending amendment is dropped; one in force stays.
    function _fail(Core memory core, EndReason reason, Rate rate) internal {
        _enter(core, Status.Failed, reason);
        if (!_inForce(core.effectiveAt)) core.effectiveAt = 0;
        _record.rate = rate;
        emit Failed(reason, rate, _now());
        _store(core);
    }

    /// @dev Stops what is not due: each asset keeps at most `due` tranches.
    function _stop(Core memory core, uint256 due, EndReason reason) internal {
        _enter(core, Status.Cancelled, reason);
        for (uint256 i; i < ASSETS; ++i) {
            if (due < core.kept.get(Asset(i))) core.kept = core.kept.set(Asset(i), due);
        }
        core.returnsByCalendar = reason == EndReason.Vetoed;
        _timeline.cancelledAt = _now();
        // Less than TRANCHES, which is at most 64.
        // forge-lint: disable-next-line(unsafe-typecast)
        emit Cancelled(reason, uint8(due), _now());
        _store(core);
    }

    /// @dev Lets what a veto stopped go back at once. Once everything would have been due, nothing is held any more.
    function _liftHold(Core memory core) internal {
        if (_due() == TRANCHES) revert WrongStatus(core.status);
        core.returnsByCalendar = false;
        emit HoldLifted(_now());
        _store(core);
    }

    /// @dev The start of the release window, during which what is due can still be collected: the time of the last
    /// tranche, or of the cancellation.
    function _collectableFrom(Core memory core) internal view returns (uint256) {
        if (core.status == Status.Cancelled) return _timeline.cancelledAt;
        return _calendar(_record.settledAt).timeOf(TRANCHES);
    }

    // ------------------------------------------------------------------------------------------------ paying

    /// @dev Pays or reverts: a recipient that fails affects only its own payment.
    function _pay(address recipient, Asset asset, Units amount) internal {
        if (!_tryPay(recipient, asset, amount, gasleft())) revert PaymentFailed(recipient, asset, amount);
    }

    /// @dev Pays what was just taken out of the books, or books it as owed. A failed payment has changed nothing, logs
    /// included, so writing after it is as safe as without the call.
    function _payOrOwe(address pledger, address recipient, Asset asset, Units amount, uint256 gasLimit) internal {
        if (_tryPay(recipient, asset, amount, gasLimit)) return;
        _owed[pledger][asset] = _owed[pledger][asset] + amount;
        emit Owed(pledger, asset, amount);
    }

    /// @dev Whether the payment succeeded. A recipient of ETH gets at most `gasLimit`, and its return data is not
    /// copied, so it cannot cost the caller more. Tokens call nobody.
    function _tryPay(address recipient, Asset asset, Units amount, uint256 gasLimit) private returns (bool) {
        uint256 number = Units.unwrap(amount);
        if (asset == Asset.ETH) return SafeTransferLib.trySafeTransferETH(recipient, number, gasLimit);
        if (asset == Asset.StETH) {
            try IStETH(STETH).transferShares(recipient, Shares.wrap(number)) {
                return true;
            } catch {
                return false;
            }
        }
        try IWstETH(WSTETH).transfer(recipient, WstETHUnits.wrap(number)) returns (bool paid) {
            return paid;
        } catch {
            return false;
        }
    }

    /// @dev Pays what exits and declines could not.
    function _collect(address pledger, Asset asset, address recipient) internal {
        Units amount = _owed[pledger][asset];
        if (Units.unwrap(amount) == 0) revert NothingOwed(pledger, asset);
        _owed[pledger][asset] = Units.wrap(0);
        emit Collected(pledger, asset, recipient, amount);
        _pay(recipient, asset, amount);
    }

    // ------------------------------------------------------------------------------------------------ small things

    /// @dev Tranches due by the clock, for a rescue that has settled.
    function _due() internal view returns (uint256) {
        return _calendar(_record.settledAt).dueAt(block.timestamp);
    }

    function _calendar(uint40 settledAt) internal view returns (Calendar memory) {
        return Calendar(settledAt + OBJECTION_PERIOD, TRANCHE_INTERVAL, TRANCHES);
    }

    function _tiers() internal view returns (Tier[] memory) {
        return unpackTiers(TIERS_LOW, TIERS_HIGH, TIER_COUNT);
    }

    /// @dev Threshold of the last of `activeTiers` active tiers; 0 for none.
    function _thresholdOf(uint256 activeTiers) internal view returns (uint16) {
        return activeTiers == 0 ? 0 : unpackTier(TIERS_LOW, TIERS_HIGH, activeTiers - 1).thresholdBps;
    }

    /// @dev 40 bits of seconds last for 34,000 years.
    function _now() internal view returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint40(block.timestamp);
    }

    /// @dev For a target, which TermsCheck bounds, and for what is drawn toward it, which is no more.
    function _toUint96(Wei amount) internal pure returns (uint96) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint96(Wei.unwrap(amount));
    }
}
