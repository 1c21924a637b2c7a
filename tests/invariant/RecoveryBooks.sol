// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { Facts } from "./Course.sol";
import { Store } from "./Store.sol";

/// @notice What a recovery pool must have done with its deposits, following the wording of the rules: from the store's
/// books and the deposits alone.
contract RecoveryBooks {
    /// @dev Draw orders of the rescues are below this.
    uint256 public constant ORDERS = 4;

    struct Group {
        uint256 value;
        uint256 principal;
        uint256 interest;
        uint256 received;
    }

    Store private immutable STORE;

    mapping(uint256 order => Group) public groups;
    /// @notice The lowest draw order from which something was paid: it takes the rest.
    uint256 public lowest;
    /// @notice When interest was last added; 0 before the first deposit.
    uint256 public accruedAt;
    /// @notice The highest threshold that settlement met, and its share rate.
    uint256 private metBps;
    uint256 private rate;
    /// @notice All deposits.
    uint256 public deposited;
    mapping(address pledger => uint256[24]) public claimed;

    constructor(Store store) {
        STORE = store;
    }

    /// @notice Whether something worth at least one wei was paid to the beneficiary, order by order.
    function anythingPaid() external view returns (bool) {
        for (uint256 order; order < ORDERS; ++order) {
            if (_paid(order) != 0) return true;
        }
        return false;
    }

    /// @notice A deposit, now.
    function noteDeposit(uint256 amount) external {
        if (accruedAt == 0) _open();
        deposited += amount;
        for (uint256 order = ORDERS; order > 0; --order) {
            amount -= _give(order - 1, amount);
        }
        accruedAt = block.timestamp;
    }

    function noteClaim(address pledger, uint256 id, uint256 amount) external {
        claimed[pledger][id] += amount;
    }

    function _open() private {
        Facts memory state = STORE.facts();
        (accruedAt, metBps, rate) = (state.finalAt, state.metBps, state.rate);
        for (uint256 order = ORDERS; order > 0; --order) {
            uint256 paid = _paid(order - 1);
            if (paid == 0) continue;
            groups[order - 1] = Group(_value(order - 1), paid, 0, 0);
            lowest = order - 1;
        }
    }

    function _give(uint256 order, uint256 amount) private returns (uint256 taken) {
        Group storage group = groups[order];
        if (group.value == 0) return 0;
        group.interest = interestOf(order);
        uint256 interest = _min(amount, group.interest);
        uint256 principal = _min(amount - interest, group.principal);
        if (order == lowest) (interest, principal, taken) = (0, 0, amount);
        else taken = interest + principal;
        group.interest -= interest;
        group.principal -= principal;
        group.received += taken;
    }

    /// @notice The interest due to a group that is not the lowest, now.
    function interestOf(uint256 order) public view returns (uint256) {
        Group memory group = groups[order];
        uint256 elapsed = block.timestamp - accruedAt;
        return group.interest + group.principal * _rateBps(order) * elapsed / (10_000 * 365 days);
    }

    /// @notice Whether deposits go to the group of a pot: it was drawn, and its tier is active.
    function takesPart(uint256 id) public view returns (bool) {
        Tier memory tier = STORE.tierOf(id);
        return groups[tier.drawOrder].value != 0 && tier.thresholdBps <= metBps;
    }

    /// @notice What a position has earned in total.
    function earned(address pledger, uint256 id) external view returns (uint256) {
        return _earned(id, STORE.amounts(pledger, id));
    }

    function _earned(uint256 id, uint256 amount) private view returns (uint256) {
        if (amount == 0 || !takesPart(id)) return 0;
        Group memory group = groups[STORE.tierOf(id).drawOrder];
        uint256 value = id % ASSETS == uint256(Asset.ETH) ? amount : amount * rate / 1e27;
        return group.received * value / group.value;
    }

    /// @notice By pot, what a pledger has earned and not received.
    function unclaimedOf(address pledger) public view returns (uint256[24] memory list) {
        uint256[24] memory amounts = STORE.amountsOf(pledger);
        uint256 pots = STORE.pots();
        for (uint256 id; id < pots; ++id) {
            if (amounts[id] != 0) list[id] = _earned(id, amounts[id]) - claimed[pledger][id];
        }
    }

    /// @notice The first position, starting at a place chosen by `seed`, with unpaid earnings.
    function findUnclaimed(uint256 seed) external view returns (bool found, address pledger, uint256 id) {
        (pledger, id) = STORE.findAny(seed);
        if (accruedAt == 0) return (false, pledger, id);
        address[] memory pledgers = STORE.pledgers();
        uint256 pots = STORE.pots();
        for (uint256 i; i < pledgers.length; ++i) {
            address next = pledgers[addmod(seed, i, pledgers.length)];
            uint256[24] memory unclaimed = unclaimedOf(next);
            for (uint256 j; j < pots; ++j) {
                uint256 place = addmod(seed, j, pots);
                if (unclaimed[place] != 0) return (true, next, place);
            }
        }
    }

    /// @dev What was pledged into the active pots of an order, at the settlement rate.
    function _value(uint256 order) private view returns (uint256) {
        return _sum(order, false);
    }

    /// @dev What was paid out of the pots of an order, at the settlement rate.
    function _paid(uint256 order) private view returns (uint256) {
        return _sum(order, true);
    }

    function _sum(uint256 order, bool ofPayments) private view returns (uint256) {
        Facts memory state = STORE.facts();
        uint256 eth;
        uint256 shares;
        for (uint256 id; id < STORE.pots(); ++id) {
            Tier memory tier = STORE.tierOf(id);
            if (tier.drawOrder != order || tier.thresholdBps > state.metBps) continue;
            uint256 units = STORE.total(id);
            if (ofPayments) units = state.draws.units[id] * state.delivered[id % ASSETS] / STORE.tranches();
            if (id % ASSETS == uint256(Asset.ETH)) eth += units;
            else shares += units;
        }
        return eth + shares * state.rate / 1e27;
    }

    function _rateBps(uint256 order) private view returns (uint256) {
        for (uint256 id; id < STORE.pots(); id += ASSETS) {
            if (STORE.tierOf(id).drawOrder == order) return STORE.tierOf(id).rateBps;
        }
        return 0;
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
