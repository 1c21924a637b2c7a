// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { Facts } from "./Course.sol";
import { Store } from "./Store.sol";

/// @notice Who must get how much of a bonus, following the wording of the rules: from the store's books, the
/// contributions and the enlistments.
contract BonusBooks {
    /// @dev The enlistment of a position: how often it had left, how much of it is enlisted, and its unit-seconds.
    struct Entry {
        uint256 departures;
        uint256 amount;
        uint256 unitSeconds;
    }

    /// @dev The decision: the pledgers' part of the bonus, and the value of everything enlisted at a rate.
    struct Decision {
        bool decided;
        uint256 metBps;
        uint256 part;
        uint256 rate;
        uint256 value;
    }

    Store private immutable STORE;

    mapping(address sponsor => uint256) public added;
    /// @notice The bonus.
    uint256 public total;
    /// @notice What was paid to sponsors since the decision, and to pledgers.
    uint256 public paid;
    Decision private _decision;
    mapping(address pledger => Entry[24]) private _entries;
    mapping(address pledger => bool[24]) public claimed;

    constructor(Store store) {
        STORE = store;
    }

    // ------------------------------------------------------------------------------------------------ what happened

    function noteAdded(address sponsor, uint256 amount) external {
        added[sponsor] += amount;
        total += amount;
    }

    function noteEnlisted(address pledger, uint256 id) external {
        _entries[pledger][id] = enlisting(pledger, id);
    }

    function noteClaim(address pledger, uint256 id) external {
        _decision = decision();
        claimed[pledger][id] = true;
        paid += shareNow(pledger, id);
    }

    function noteTakenBack(address sponsor, bool leaves) external {
        uint256 amount = returnedNow(sponsor, leaves);
        if (leaves) total -= amount;
        else (_decision, paid) = (decision(), paid + amount);
        added[sponsor] = 0;
    }

    // ------------------------------------------------------------------------------------------------ enlisting

    /// @notice The enlistment of a position.
    function entry(address pledger, uint256 id) external view returns (Entry memory) {
        return _entries[pledger][id];
    }

    /// @notice The enlistment that enlisting now would give: nothing of what has left and, while pledges are accepted,
    /// the whole position, the new part of it for the time until the earliest deadline.
    function enlisting(address pledger, uint256 id) public view returns (Entry memory) {
        return
            _enlisting(
                _entries[pledger][id], STORE.departures(pledger, id), STORE.amounts(pledger, id), secondsLocked()
            );
    }

    function _enlisting(Entry memory next, uint256 departures, uint256 amount, int256 duration)
        private
        pure
        returns (Entry memory)
    {
        if (next.departures != departures) next = Entry(departures, 0, 0);
        if (duration < 0) return next;
        next.unitSeconds += (amount - next.amount) * uint256(duration);
        next.amount = amount;
        return next;
    }

    /// @notice Whether there is anything to enlist or strike.
    function enlists(address pledger, uint256 id) external view returns (bool) {
        return !_decision.decided && _differ(_entries[pledger][id], enlisting(pledger, id));
    }

    /// @notice The first position, starting at a place chosen by `seed`, with something to enlist or strike.
    function findUnlisted(uint256 seed) external view returns (address pledger, uint256 id) {
        address[] memory pledgers = STORE.pledgers();
        int256 duration = secondsLocked();
        for (uint256 i; i < pledgers.length; ++i) {
            pledger = pledgers[addmod(seed, i, pledgers.length)];
            uint256[24] memory amounts = STORE.amountsOf(pledger);
            uint256[24] memory departures = STORE.departuresOf(pledger);
            for (uint256 j; j < STORE.pots(); ++j) {
                id = addmod(seed, j, STORE.pots());
                Entry memory now_ = _entries[pledger][id];
                Entry memory next = _enlisting(_entries[pledger][id], departures[id], amounts[id], duration);
                if (_differ(now_, next)) return (pledger, id);
            }
        }
        return STORE.findAny(seed);
    }

    function _differ(Entry memory a, Entry memory b) private pure returns (bool) {
        return a.departures != b.departures || a.amount != b.amount || a.unitSeconds != b.unitSeconds;
    }

    /// @notice Seconds until the earliest deadline; below 0 if no pledges are accepted.
    function secondsLocked() public view returns (int256) {
        if (!STORE.pledging()) return -1;
        uint256 end = STORE.firstDeadline();
        if (STORE.inForce().deadline < end) end = STORE.inForce().deadline;
        if (STORE.pendingUntil() != 0 && STORE.latest().deadline < end) end = STORE.latest().deadline;
        return end > block.timestamp ? int256(end - block.timestamp) : int256(0);
    }

    // ------------------------------------------------------------------------------------------------ deciding

    function isDecided() external view returns (bool) {
        return _decision.decided;
    }

    /// @notice Whether everything goes back to the sponsors, as the rescue stands or would once settled.
    function isForSponsors() public view returns (bool) {
        Facts memory state = STORE.settledBy();
        return state.reason == EndReason.EndedByGuardian || valueOf(state.metBps, state.rate) == 0;
    }

    /// @notice The decision, or before it, the one that would be made now.
    function decision() public view returns (Decision memory) {
        if (_decision.decided) return _decision;
        Facts memory state = STORE.settledBy();
        uint256 value = valueOf(0, state.rate);
        bool forSponsors = state.reason == EndReason.EndedByGuardian || value == 0;
        uint256 part = forSponsors ? 0 : total * valueOf(state.metBps, state.rate) / value;
        return Decision(true, state.metBps, part, state.rate, value);
    }

    /// @notice The stored decision.
    function decided() external view returns (Decision memory) {
        return _decision;
    }

    /// @notice The value by time of everything enlisted in tiers with thresholds above `metBps`.
    function valueOf(uint256 metBps, uint256 rate) public view returns (uint256) {
        address[] memory pledgers = STORE.pledgers();
        uint256 pots = STORE.pots();
        uint256 eth;
        uint256 shares;
        for (uint256 id; id < pots; ++id) {
            if (STORE.tierOf(id).thresholdBps <= metBps) continue;
            for (uint256 i; i < pledgers.length; ++i) {
                if (id % ASSETS == uint256(Asset.ETH)) eth += _entries[pledgers[i]][id].unitSeconds;
                else shares += _entries[pledgers[i]][id].unitSeconds;
            }
        }
        return eth + shares * rate / 1e27;
    }

    // ------------------------------------------------------------------------------------------------ paying out

    /// @notice A position's share, as decided or as it would be decided now: zero if it has left since it was enlisted.
    function shareNow(address pledger, uint256 id) public view returns (uint256) {
        return isOutdated(pledger, id) ? 0 : shareBy(decision(), pledger, id);
    }

    /// @notice Whether a position has left since it was enlisted.
    function isOutdated(address pledger, uint256 id) public view returns (bool) {
        return _entries[pledger][id].departures != STORE.departures(pledger, id);
    }

    /// @notice Its share by a decision, whether it has left or not.
    function shareBy(Decision memory made, address pledger, uint256 id) public view returns (uint256) {
        if (made.part == 0 || STORE.tierOf(id).thresholdBps <= made.metBps) return 0;
        uint256 unitSeconds = _entries[pledger][id].unitSeconds;
        if (id % ASSETS != uint256(Asset.ETH)) unitSeconds = unitSeconds * made.rate / 1e27;
        return total * unitSeconds / made.value;
    }

    /// @notice The unclaimed shares of a decided bonus.
    function unclaimed() external view returns (uint256 sum) {
        address[] memory pledgers = STORE.pledgers();
        Decision memory made = _decision;
        for (uint256 i; i < pledgers.length; ++i) {
            uint256[24] memory departures = STORE.departuresOf(pledgers[i]);
            for (uint256 id; id < 24; ++id) {
                Entry memory counted = _entries[pledgers[i]][id];
                bool none = counted.unitSeconds == 0 || counted.departures != departures[id];
                if (!none && !claimed[pledgers[i]][id]) sum += shareBy(made, pledgers[i], id);
            }
        }
    }

    /// @notice Whether `caller` may withdraw what `sponsor` added: it is its own contribution, and an amendment is
    /// pending, in the first half of its exit window.
    function mayLeave(address caller, address sponsor) external view returns (bool) {
        uint256 until = STORE.pendingUntil();
        return caller == sponsor && until != 0 && 2 * (until - block.timestamp) > STORE.exitWindow();
    }

    /// @notice The part of a contribution that goes back; all of it if the sponsor withdraws.
    function returnedNow(address sponsor, bool leaves) public view returns (uint256) {
        if (leaves || added[sponsor] == 0) return added[sponsor];
        return added[sponsor] * (total - decision().part) / total;
    }
}
