// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, IPledgeEscrow, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset, Wei } from "levee/types/Units.sol";

import { Lido } from "./Lido.sol";
import { Draws, Reference } from "./Reference.sol";

/// @dev The state of a rescue.
/// @custom:member rate The share rate that was recorded.
/// @custom:member stopped Whether its guardian returned what was not due at once.
struct Facts {
    Status status;
    EndReason reason;
    uint256 rate;
    uint256 metBps;
    uint256 decidedAt;
    uint256 settledAt;
    uint256 cancelledAt;
    uint256 lapsedAt;
    uint256 finalAt;
    bool byCalendar;
    bool stopped;
    uint256[3] kept;
    uint256[3] delivered;
    Draws draws;
}

/// @notice The course of a rescue, following the wording of the rules and the calls that were made, whatever the escrow
/// says.
abstract contract Course is Reference {
    struct Amendment {
        uint256 target;
        uint256 deadline;
        bytes32 termsHash;
        uint256 effectiveAt;
    }

    uint256 public immutable createdAt;
    uint256 public immutable tranches;
    uint256 public immutable exitWindow;
    uint256 public immutable releaseWindow;
    uint256 public immutable vetoBps;
    uint256 public immutable latestDeadline;
    bool public immutable acceptsShares;
    /// @notice The original deadline.
    uint256 public immutable firstDeadline;
    uint256 private immutable TRANCHE_INTERVAL;
    uint256 private immutable OBJECTION_PERIOD;

    Facts private _facts;
    /// @notice Every amendment ever proposed; the first entry is the original terms, in force from the start.
    Amendment[] public amendments;
    /// @notice Whether a pending amendment was dropped when the rescue ended.
    bool public forgotten;
    mapping(address pledger => bool[24]) public hasObjected;
    /// @notice The drawn value that has objected.
    uint256 public objected;

    constructor(IPledgeEscrow escrow_, Terms memory terms_, Lido lido_, address[] memory pledgers_)
        Reference(escrow_, terms_, lido_, pledgers_)
    {
        createdAt = block.timestamp;
        tranches = terms_.tranches;
        exitWindow = terms_.exitWindow;
        releaseWindow = terms_.releaseWindow;
        latestDeadline = terms_.latestDeadline;
        firstDeadline = terms_.deadline;
        acceptsShares = terms_.stETH != address(0);
        TRANCHE_INTERVAL = terms_.trancheInterval;
        OBJECTION_PERIOD = terms_.objectionPeriod;
        vetoBps = terms_.vetoBps;
        amendments.push(Amendment(Wei.unwrap(terms_.target), terms_.deadline, terms_.termsHash, block.timestamp));
    }

    // ------------------------------------------------------------------------------------------------ amendments

    /// @notice The terms in force: the last amendment whose time has come, or had come when the rescue was decided.
    function inForce() public view returns (Amendment memory amendment) {
        uint256 time = _facts.decidedAt == 0 ? block.timestamp : _facts.decidedAt;
        for (uint256 i; i < amendments.length; ++i) {
            if (amendments[i].effectiveAt <= time) amendment = amendments[i];
        }
    }

    /// @notice The latest amendment, pending or in force; all zero for none.
    function latest() public view returns (Amendment memory amendment) {
        if (amendments.length == 1 || forgotten) return amendment;
        return amendments[amendments.length - 1];
    }

    /// @notice When the pending amendment takes effect; 0 for none.
    function pendingUntil() public view returns (uint256) {
        uint256 effectiveAt = latest().effectiveAt;
        return _facts.status == Status.Open && effectiveAt > block.timestamp ? effectiveAt : 0;
    }

    /// @notice The deadline of an open rescue once any pending amendment is in force.
    function lastDeadline() external view returns (uint256) {
        return amendments[amendments.length - 1].deadline;
    }

    function pledging() public view returns (bool) {
        return _facts.status == Status.Open && block.timestamp <= inForce().deadline;
    }

    /// @notice Open, but any call would decide it.
    function late() public view returns (bool) {
        return _facts.status == Status.Open && block.timestamp > inForce().deadline;
    }

    // ------------------------------------------------------------------------------------------------ what it is worth

    /// @notice Whether some pot holds shares.
    function holdsShares() public view returns (bool) {
        for (uint256 id; id < pots(); ++id) {
            if (id % ASSETS != uint256(Asset.ETH) && total(id) != 0) return true;
        }
        return false;
    }

    /// @notice Whether settlement waits for a rate.
    function unreadable() public view returns (bool) {
        return holdsShares() && lido.rate() == 0;
    }

    /// @notice Value, at the current rate, of the pots in tiers with thresholds of at most `thresholdBps`.
    function coverage(uint256 thresholdBps) external view returns (uint256) {
        return _coverage(thresholdBps, lido.rate());
    }

    /// @notice The highest threshold that is met now; 0 for none.
    function highestMet() external view returns (uint256 met) {
        return _highestMet(inForce().target, lido.rate());
    }

    // ------------------------------------------------------------------------------------------------ where it stands

    /// @notice The state decided by the calls that were made.
    function facts() external view returns (Facts memory) {
        return _facts;
    }

    /// @notice The same as the next call would find it: past the deadline, settled by it first, if the rate can be
    /// read.
    function found() public view returns (Facts memory) {
        return late() && !unreadable() ? _decided() : _facts;
    }

    /// @notice The same as a call that settles, if nobody has, would find it.
    function settledBy() external view returns (Facts memory) {
        return _facts.status == Status.Open ? _decided() : _facts;
    }

    /// @notice The stored status.
    function status() public view returns (Status) {
        return _facts.status;
    }

    /// @dev Settled now, or failed where no threshold is met.
    function _decided() private view returns (Facts memory next) {
        next = _facts;
        next.decidedAt = block.timestamp;
        next.rate = holdsShares() ? lido.rate() : 0;
        uint256 target = inForce().target;
        next.metBps = _highestMet(target, next.rate);
        if (next.metBps == 0) {
            (next.status, next.reason) = (Status.Failed, EndReason.NoThresholdMet);
            return next;
        }
        next.settledAt = block.timestamp;
        next.draws = _draw(target, next.metBps, next.rate);
        for (uint256 id; id < pots(); ++id) {
            if (next.draws.units[id] != 0) next.kept[id % ASSETS] = tranches;
        }
        next.status = Status.Settled;
        _finish(next);
    }

    /// @dev Once every asset is delivered as far as it is kept, nothing more goes to the beneficiary.
    function _finish(Facts memory next) private view {
        for (uint256 asset; asset < ASSETS; ++asset) {
            if (next.delivered[asset] != next.kept[asset]) return;
        }
        next.finalAt = block.timestamp;
        if (next.status == Status.Settled) next.status = Status.Released;
    }

    // ------------------------------------------------------------------------------------------------ time and shares

    /// @notice When tranche `number`, from 1, falls due.
    function trancheAt(uint256 number) public view returns (uint256) {
        return _trancheAt(_facts.settledAt, number);
    }

    function _trancheAt(uint256 settledAt, uint256 number) private view returns (uint256) {
        return settledAt + OBJECTION_PERIOD + (number - 1) * TRANCHE_INTERVAL;
    }

    /// @notice Tranches due now, by counting them; 0 unless it settled.
    function due(Facts memory state) public view returns (uint256 count) {
        if (state.settledAt == 0) return 0;
        while (count < tranches && block.timestamp >= _trancheAt(state.settledAt, count + 1)) ++count;
    }

    /// @notice Tranches of an asset that do not go back, or not yet: those kept and, after a veto, those not due.
    function held(Facts memory state, uint256 asset) public view returns (uint256) {
        return state.kept[asset] + (state.byCalendar ? tranches - due(state) : 0);
    }

    /// @notice What a position is owed in total, refunded or not, while `count` tranches of its asset do not go back.
    function entitled(Facts memory state, address pledger, uint256 id, uint256 count) public view returns (uint256) {
        uint256 amount = amounts[pledger][id];
        if (state.status == Status.Open || amount == 0) return 0;
        if (state.draws.units[id] == 0) return amount;
        uint256 sum = total(id);
        return amount * (sum - state.draws.units[id] * count / tranches) / sum;
    }

    /// @notice What a refund of the position would pay now.
    function refundable(Facts memory state, address pledger, uint256 id) public view returns (uint256) {
        return entitled(state, pledger, id, held(state, id % ASSETS))
            - (state.status == Status.Open ? 0 : refunded[pledger][id]);
    }

    /// @notice A position's weight in an objection.
    function weight(Facts memory state, address pledger, uint256 id) public view returns (uint256) {
        return _weight(state.draws, pledger, id, state.metBps, state.rate);
    }

    /// @notice By pot, the weight of a position of `pledger` in an objection, and what a refund of it would pay now.
    function rightsOf(address pledger)
        external
        view
        returns (uint256[24] memory weights, uint256[24] memory refundables)
    {
        Facts memory state = found();
        for (uint256 id; id < pots(); ++id) {
            if (amounts[pledger][id] == 0) continue;
            (weights[id], refundables[id]) = (weight(state, pledger, id), refundable(state, pledger, id));
        }
    }

    /// @notice By pot, what a position of `pledger` will be owed in the end and has not received, including what a veto
    /// holds.
    function owedInTheEnd(address pledger) external view returns (uint256[24] memory list) {
        Facts memory state = _facts;
        if (state.status == Status.Open) return amounts[pledger];
        for (uint256 id; id < pots(); ++id) {
            list[id] = entitled(state, pledger, id, state.kept[id % ASSETS]) - refunded[pledger][id];
        }
    }

    /// @notice By pot, the part of a position of `pledger` that was not drawn.
    function undrawnOf(address pledger) external view returns (uint256[24] memory list) {
        Facts memory state = _facts;
        for (uint256 id; id < pots(); ++id) {
            list[id] = entitled(state, pledger, id, tranches);
        }
    }

    /// @notice The drawn value of the positions that have objected, each once.
    function weightOfObjections() external view returns (uint256 sum) {
        Facts memory state = _facts;
        for (uint256 i; i < _pledgers.length; ++i) {
            for (uint256 id; id < pots(); ++id) {
                if (hasObjected[_pledgers[i]][id]) sum += weight(state, _pledgers[i], id);
            }
        }
    }

    /// @notice By pot, whether a position of `pledger` has objected.
    function objectionsOf(address pledger) external view returns (bool[24] memory) {
        return hasObjected[pledger];
    }

    /// @notice The amount of an asset in the tranches after `from` up to `to`.
    function tranchesOf(Facts memory state, uint256 asset, uint256 from, uint256 to)
        public
        view
        returns (uint256 amount)
    {
        for (uint256 id = asset; id < pots(); id += ASSETS) {
            amount += state.draws.units[id] * to / tranches - state.draws.units[id] * from / tranches;
        }
    }

    /// @notice Tranches of an asset that may have been delivered by now.
    function deliverable(Facts memory state, uint256 asset) public view returns (uint256) {
        uint256 count = due(state);
        return count < state.kept[asset] ? count : state.kept[asset];
    }

    /// @notice Until when what is due can be collected.
    function collectableUntil(Facts memory state) external view returns (uint256) {
        uint256 from = state.status == Status.Cancelled ? state.cancelledAt : _trancheAt(state.settledAt, tranches);
        return from + releaseWindow;
    }

    /// @notice Whether objections of `sum` wei reach the veto.
    function reachesVeto(Facts memory state, uint256 sum) public view returns (bool) {
        return vetoBps != 0 && state.draws.sum != 0 && sum * 10_000 >= state.draws.sum * vetoBps;
    }

    // ------------------------------------------------------------------------------------------------ what happened
    // Each is told of a call that went through; one after the deadline settled first.

    function noteAmendment(uint256 target, uint256 deadline, bytes32 termsHash, uint256 effectiveAt) external {
        amendments.push(Amendment(target, deadline, termsHash, effectiveAt));
    }

    /// @notice A call that would settle a late rescue did.
    function noteLateCall() public {
        if (late()) _facts = _decided();
    }

    function noteSettled() external {
        _facts = _decided();
    }

    /// @notice A call to the bonus pool settled the rescue, if nobody had; except one by which a sponsor withdrew.
    function noteDecision(bool leaves) external {
        if (!leaves && _facts.status == Status.Open) _facts = _decided();
    }

    function noteExpired() external {
        _fail(EndReason.RateUnreadable, 1e27);
    }

    function _fail(EndReason reason, uint256 rate) private {
        if (pendingUntil() != 0) forgotten = true;
        (_facts.status, _facts.reason, _facts.rate) = (Status.Failed, reason, rate);
        _facts.decidedAt = block.timestamp;
    }

    function noteRelease(uint256 asset) external {
        noteLateCall();
        Facts memory next = _facts;
        uint256 count = deliverable(next, asset);
        _move(address(escrow), address(beneficiary), asset, tranchesOf(next, asset, next.delivered[asset], count));
        next.delivered[asset] = count;
        _finish(next);
        _facts = next;
    }

    function noteObjection(address pledger, uint256 id) external {
        noteLateCall();
        hasObjected[pledger][id] = true;
        objected += weight(_facts, pledger, id);
        if (reachesVeto(_facts, objected)) _stop(EndReason.Vetoed);
    }

    function noteCancelled() external {
        noteLateCall();
        if (_facts.status == Status.Open) return _fail(EndReason.EndedByGuardian, 0);
        if (_facts.byCalendar) _facts.byCalendar = false;
        else _stop(EndReason.StoppedByGuardian);
        _facts.stopped = true;
    }

    /// @dev What is not due stops, for every asset alike.
    function _stop(EndReason reason) private {
        Facts memory next = _facts;
        (next.status, next.reason, next.cancelledAt) = (Status.Cancelled, reason, block.timestamp);
        next.byCalendar = reason == EndReason.Vetoed;
        for (uint256 asset; asset < ASSETS; ++asset) {
            next.kept[asset] = deliverable(next, asset);
        }
        _finish(next);
        _facts = next;
    }

    function noteLapsed() external {
        noteLateCall();
        Facts memory next = _facts;
        if (next.status == Status.Settled) {
            (next.status, next.reason, next.cancelledAt) = (Status.Cancelled, EndReason.Lapsed, block.timestamp);
        }
        next.kept = next.delivered;
        next.lapsedAt = block.timestamp;
        _finish(next);
        _facts = next;
    }
}
