// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { SafeTransferLib } from "solady/utils/SafeTransferLib.sol";

import { IBonusPool } from "../interfaces/IBonusPool.sol";
import { EndReason, IPledgeEscrow, PledgingView, RecordView, Status, Terms } from "../interfaces/IPledgeEscrow.sol";
import { BonusShare } from "../libraries/BonusShare.sol";
import { Enlistment, MAX_DEPARTURES, UnitSeconds, WeiSeconds } from "../types/Enlistments.sol";
import { potId } from "../types/Pots.sol";
import { MAX_TIERS } from "../types/Tiers.sol";
import { ASSETS, Asset, Rate, Units, Wei } from "../types/Units.sol";

/// @title Bonus pool of one rescue
/// @dev The reference is IBonusPool. Enlistments keeps what counts of a position, and BonusShare has the divisions. The
/// bonus is decided once, from what the escrow has stored, not from what its views predict. No function loops over
/// pledgers or sponsors. Books are written and events emitted before any payment, which comes last, so no lock is
/// needed.
contract BonusPool is IBonusPool {
    using BonusShare for UnitSeconds;
    using BonusShare for Wei;

    /// @dev The decision, in two slots. The bonus itself is `_total`, which no longer changes after it.
    /// @custom:member decided Whether the bonus is decided.
    /// @custom:member firstUnmet The first tier whose condition was not met.
    /// @custom:member rate The rate that the escrow recorded.
    /// @custom:member pledgersPart The pledgers' part of the bonus.
    /// @custom:member value V: the value of the unit-seconds of all pots.
    struct Decision {
        bool decided;
        uint8 firstUnmet;
        Rate rate;
        uint128 pledgersPart;
        WeiSeconds value;
    }

    /// @dev Set in the word of every pot that can be pledged to, so that the word is in use from the start, and the
    /// first to enlist into the pot pays no more gas than others. Far above what the unit-seconds of a pot can reach;
    /// see BonusShare.
    uint256 private constant POT_IN_USE = 1 << 255;

    IPledgeEscrow private immutable ESCROW;
    address private immutable STETH;
    address private immutable WSTETH;
    uint256 private immutable ORIGINAL_DEADLINE;
    uint256 private immutable EXIT_WINDOW;
    uint256 private immutable TIER_COUNT;

    Decision private _decision;
    Wei private _total;
    mapping(address sponsor => Wei) private _added;
    uint256[MAX_TIERS * ASSETS] private _pots;
    mapping(address pledger => mapping(uint256 potId => Enlistment)) private _enlistments;
    mapping(address pledger => mapping(uint256 potId => bool)) private _claimed;

    /// @param escrow_ The escrow to serve, which must be Levee's.
    constructor(address escrow_) {
        ESCROW = IPledgeEscrow(escrow_);
        Terms memory terms = ESCROW.originalTerms();
        STETH = terms.stETH;
        WSTETH = terms.wstETH;
        ORIGINAL_DEADLINE = terms.deadline;
        EXIT_WINDOW = terms.exitWindow;
        TIER_COUNT = terms.tiers.length;
        // In an ETH-only rescue, only the pots of ETH.
        uint256 step = terms.stETH == address(0) ? ASSETS : 1;
        for (uint256 id; id < terms.tiers.length * ASSETS; id += step) {
            _pots[id] = POT_IN_USE;
        }
        emit BonusPoolCreated(escrow_);
    }

    // ------------------------------------------------------------------------------------------------ calls

    /// @inheritdoc IBonusPool
    function add(address sponsor) external payable {
        PledgingView memory now_ = ESCROW.pledging();
        if (!_takesPledges(now_)) revert AddingClosed(now_.status, now_.deadline, block.timestamp);
        if (msg.value == 0) revert ZeroAmount();
        _requireAccount(sponsor);
        Wei amount = Wei.wrap(msg.value);
        _added[sponsor] = _added[sponsor] + amount;
        _total = _total + amount;
        emit BonusAdded(sponsor, amount);
    }

    /// @inheritdoc IBonusPool
    function enlist(address pledger, uint8 tier, Asset asset) external {
        PledgingView memory now_ = ESCROW.pledging();
        (Units amount,,, uint24 departures) = ESCROW.position(pledger, tier, asset);
        uint256 id = potId(tier, asset);
        Enlistment before = _enlistments[pledger][id];
        Enlistment current = before.struck(departures);
        if (_takesPledges(now_) && departures != MAX_DEPARTURES) {
            current = current.extended(amount, _secondsLocked(now_));
        }
        // Nothing is decided while the rescue is open, so the decision need not be read then.
        bool closed = now_.status != Status.Open && _decision.decided;
        if (closed || !current.differs(before)) revert NothingToEnlist(pledger, tier, asset);

        _enlistments[pledger][id] = current;
        // The pot's word is the sum of its positions, so it contains what this one had.
        _pots[id] = _pots[id] - UnitSeconds.unwrap(before.unitSeconds()) + UnitSeconds.unwrap(current.unitSeconds());
        emit Enlisted(pledger, tier, asset, departures, current.amount(), _toUint128(current.unitSeconds()));
    }

    /// @inheritdoc IBonusPool
    function claim(address pledger, uint8 tier, Asset asset) external {
        _claim(pledger, tier, asset, pledger);
    }

    /// @inheritdoc IBonusPool
    function claimTo(uint8 tier, Asset asset, address recipient) external {
        _requireAccount(recipient);
        _claim(msg.sender, tier, asset, recipient);
    }

    /// @inheritdoc IBonusPool
    function takeBack(address sponsor) external {
        _takeBack(sponsor, sponsor);
    }

    /// @inheritdoc IBonusPool
    function takeBackTo(address recipient) external {
        _requireAccount(recipient);
        _takeBack(msg.sender, recipient);
    }

    // ------------------------------------------------------------------------------------------------ views

    /// @inheritdoc IBonusPool
    function escrow() external view returns (address) {
        return address(ESCROW);
    }

    /// @inheritdoc IBonusPool
    function bonus() external view returns (bool decided, Wei total, Wei pledgersPart, Rate rate, uint256 value) {
        Decision memory decision = _decision;
        Wei part = Wei.wrap(decision.pledgersPart);
        return (decision.decided, _total, part, decision.rate, WeiSeconds.unwrap(decision.value));
    }

    /// @inheritdoc IBonusPool
    function shareOf(address pledger, uint8 tier, Asset asset) external view returns (Wei share, bool claimed) {
        share = _shareOf(_decision, pledger, tier, asset);
        claimed = _claimed[pledger][potId(tier, asset)];
    }

    /// @inheritdoc IBonusPool
    function contributionOf(address sponsor) external view returns (Wei) {
        return _added[sponsor];
    }

    /// @inheritdoc IBonusPool
    function enlisted(address pledger, uint8 tier, Asset asset)
        external
        view
        returns (uint24 departures, Units amount, uint128 unitSeconds)
    {
        Enlistment enlistment = _enlistments[pledger][potId(tier, asset)];
        return (enlistment.departures(), enlistment.amount(), _toUint128(enlistment.unitSeconds()));
    }

    // ------------------------------------------------------------------------------------------------ enlisting

    /// @dev Open, and not past the deadline in force.
    function _takesPledges(PledgingView memory now_) private view returns (bool) {
        return now_.status == Status.Open && block.timestamp <= now_.deadline;
    }

    /// @dev Seconds until the earliest of the deadlines: the original one, the one in force, and a pending one. So no
    /// amendment makes what was enlisted worth less than what is enlisted after it.
    function _secondsLocked(PledgingView memory now_) private view returns (uint256) {
        uint256 end = ORIGINAL_DEADLINE < now_.deadline ? ORIGINAL_DEADLINE : now_.deadline;
        bool pending = block.timestamp < now_.amendment.effectiveAt;
        if (pending && now_.amendment.deadline < end) end = now_.amendment.deadline;
        // `end` is later than `block.timestamp` here.
        return block.timestamp < end ? end - block.timestamp : 0;
    }

    // ------------------------------------------------------------------------------------------------ paying out

    /// @dev Pays a position's share.
    function _claim(address pledger, uint8 tier, Asset asset, address recipient) private {
        Wei share = _shareOf(_requireDecided(), pledger, tier, asset);
        uint256 id = potId(tier, asset);
        if (_claimed[pledger][id] || Wei.unwrap(share) == 0) revert NothingToClaim(pledger, tier, asset);
        _claimed[pledger][id] = true;
        emit BonusClaimed(pledger, tier, asset, recipient, share);
        _pay(recipient, share);
    }

    /// @dev floor(bonus * value of the position by time / V) for a tier whose condition was not met, if nothing has
    /// left since it was enlisted; what an outdated position would have got stays in the pool. At MAX_DEPARTURES, where
    /// departures can no longer be detected, nothing is enlisted.
    function _shareOf(Decision memory decision, address pledger, uint8 tier, Asset asset) private view returns (Wei) {
        (,,, uint24 departures) = ESCROW.position(pledger, tier, asset);
        if (decision.pledgersPart == 0 || tier < decision.firstUnmet) return Wei.wrap(0);
        Enlistment enlistment = _enlistments[pledger][potId(tier, asset)];
        if (enlistment.departures() != departures) return Wei.wrap(0);
        return _total.partDown(enlistment.unitSeconds().valueDown(asset, decision.rate), decision.value);
    }

    /// @dev Returns a contribution, or what is left of it.
    function _takeBack(address sponsor, address recipient) private {
        bool leaves = _mayLeave(sponsor);
        Wei part = leaves ? Wei.wrap(0) : Wei.wrap(_requireDecided().pledgersPart);
        Wei added = _added[sponsor];
        if (Wei.unwrap(added) == 0) revert NothingToTakeBack(sponsor);
        // The pledgers' part is at most the bonus.
        Wei amount = added.returnedDown(_total - part, _total);
        if (Wei.unwrap(amount) == 0) revert NothingToTakeBack(sponsor);
        _added[sponsor] = Wei.wrap(0);
        // Until the decision, the bonus is the sum of all contributions not taken back.
        if (leaves) _total = _total - added;
        emit BonusReturned(sponsor, recipient, amount);
        _pay(recipient, amount);
    }

    /// @dev Whether the caller is the sponsor, and an amendment is pending in the first half of its exit window. The
    /// bonus is then undecided, because the rescue is open: an amendment that was pending when the rescue failed is
    /// dropped, and a rescue does not settle while one is pending.
    function _mayLeave(address sponsor) private view returns (bool) {
        if (msg.sender != sponsor) return false;
        uint256 effectiveAt = ESCROW.pledging().amendment.effectiveAt;
        // Each time is subtracted only from a later one.
        return block.timestamp < effectiveAt && 2 * (effectiveAt - block.timestamp) > EXIT_WINDOW;
    }

    /// @dev The only way out. A recipient that fails affects only its own payment; its return data is not copied.
    function _pay(address recipient, Wei amount) private {
        bool paid = SafeTransferLib.trySafeTransferETH(recipient, Wei.unwrap(amount), gasleft());
        if (!paid) revert PaymentFailed(recipient, amount);
    }

    // ------------------------------------------------------------------------------------------------ deciding

    /// @dev The decision, made now if necessary.
    function _requireDecided() private returns (Decision memory decision) {
        decision = _decision;
        if (decision.decided) return decision;
        decision = _decide();
        _decision = decision;
        Wei part = Wei.wrap(decision.pledgersPart);
        emit BonusDecided(_total, part, decision.rate, WeiSeconds.unwrap(decision.value));
    }

    /// @dev Decides the bonus once the rescue is decided. If nobody has settled the rescue yet, it is settled here, or
    /// this call fails as settling does: a later share rate may undo what the views predict. If the guardian ended the
    /// rescue, the bonus is not the pledgers', whatever the rate: otherwise a guardian who has pledged could end it to
    /// collect the bonus. If part of the bonus is the pledgers', the exit window's length must pass first, so that what
    /// has left can be struck.
    function _decide() private returns (Decision memory decision) {
        if (ESCROW.record().status == Status.Open) ESCROW.settle();
        RecordView memory record = ESCROW.record();
        decision.decided = true;
        // In a failed rescue, no tier is active.
        decision.firstUnmet = record.activeTiers;
        decision.rate = record.rate;
        decision.value = _valueDown(0, record.rate);
        WeiSeconds unmet = _valueDown(record.activeTiers, record.rate);
        bool forSponsors = WeiSeconds.unwrap(unmet) == 0 || record.endReason == EndReason.EndedByGuardian;
        if (forSponsors) return decision;
        uint256 limit = record.deadline + EXIT_WINDOW;
        if (block.timestamp <= limit) revert TooEarly(limit, block.timestamp);
        // At most the bonus, and there is less than 2^128 wei of ether.
        // forge-lint: disable-next-line(unsafe-typecast)
        decision.pledgersPart = uint128(Wei.unwrap(_total.partDown(unmet, decision.value)));
    }

    /// @dev Value by time of everything enlisted in the tiers from number `from` on.
    function _valueDown(uint256 from, Rate rate) private view returns (WeiSeconds) {
        UnitSeconds ether_;
        UnitSeconds shares;
        for (uint256 tier = from; tier < TIER_COUNT; ++tier) {
            ether_ = ether_ + _unitSecondsOf(tier, Asset.ETH);
            shares = shares + _unitSecondsOf(tier, Asset.StETH) + _unitSecondsOf(tier, Asset.WstETH);
        }
        return ether_.valueDown(shares, rate);
    }

    // ------------------------------------------------------------------------------------------------ small things

    function _unitSecondsOf(uint256 tier, Asset asset) private view returns (UnitSeconds) {
        return UnitSeconds.wrap(_pots[potId(tier, asset)] & ~POT_IN_USE);
    }

    /// @dev For the unit-seconds of one position, which fit.
    function _toUint128(UnitSeconds unitSeconds) private pure returns (uint128) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint128(UnitSeconds.unwrap(unitSeconds));
    }

    /// @dev Value sent to the zero address, or to a contract that can do nothing with it, would be lost to its owner.
    function _requireAccount(address account) private view {
        bool lost = account == address(0) || account == address(this) || account == address(ESCROW);
        if (lost || account == STETH || account == WSTETH) revert InvalidAccount(account);
    }
}
