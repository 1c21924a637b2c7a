// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { Course } from "./Course.sol";

/// @dev By pot: drawn. By draw order: what its active pots are worth, and the part of that which is drawn.
struct Draws {
    uint256[24] units;
    uint256[4] values;
    uint256[4] parts;
    uint256 sum;
}

/// @notice What settlement must give, by the words of the rules and from the store's amounts alone: order by order,
/// with nothing sorted, packed or skipped.
contract Reference {
    /// @dev Draw orders of the rescues are below this.
    uint256 private constant ORDERS = 4;

    Course private immutable STORE;

    constructor(Course store) {
        STORE = store;
    }

    /// @notice What is drawn when the threshold `met` is the highest one met, at `rate`.
    function draw(uint256 met, uint256 rate) external view returns (Draws memory draws) {
        uint256 target = STORE.inForce().target;
        for (uint256 order; order < ORDERS; ++order) {
            uint256 value = _valueOf(order, met, rate);
            uint256 need = target - draws.sum;
            uint256 part = value < need ? value : need;
            (draws.values[order], draws.parts[order], draws.sum) = (value, part, draws.sum + part);
            for (uint256 id; id < STORE.pots(); ++id) {
                if (part == 0 || !_isActive(id, order, met)) continue;
                draws.units[id] = STORE.total(id) * part / value;
            }
        }
    }

    function _valueOf(uint256 order, uint256 met, uint256 rate) private view returns (uint256) {
        uint256 eth;
        uint256 shares;
        for (uint256 id; id < STORE.pots(); ++id) {
            if (!_isActive(id, order, met)) continue;
            if (id % ASSETS == uint256(Asset.ETH)) eth += STORE.total(id);
            else shares += STORE.total(id);
        }
        return eth + shares * rate / 1e27;
    }

    function _isActive(uint256 id, uint256 order, uint256 met) private view returns (bool) {
        Tier memory tier = STORE.tierOf(id);
        return tier.drawOrder == order && tier.thresholdBps <= met;
    }

    /// @notice What a position counts in an objection: its drawn value.
    function weight(Draws memory draws, address pledger, uint256 id, uint256 met, uint256 rate)
        external
        view
        returns (uint256)
    {
        Tier memory tier = STORE.tierOf(id);
        if (tier.thresholdBps > met || draws.values[tier.drawOrder] == 0) return 0;
        uint256 amount = STORE.amounts(pledger, id);
        uint256 value = id % ASSETS == uint256(Asset.ETH) ? amount : amount * rate / 1e27;
        return value * draws.parts[tier.drawOrder] / draws.values[tier.drawOrder];
    }
}
