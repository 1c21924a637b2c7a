// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { Lido } from "./Lido.sol";
import { Register } from "./Register.sol";

/// @dev By pot: the draw. By draw order: the value of its active pots, and the part of it that is drawn.
struct Draws {
    uint256[24] units;
    uint256[4] values;
    uint256[4] parts;
    uint256 sum;
}

/// @notice What settlement must give, following the wording of the rules and from the register's amounts alone: order
/// by order, with nothing sorted, packed or skipped.
abstract contract Reference is Register {
    /// @dev Draw orders of the rescues are below this.
    uint256 private constant ORDERS = 4;

    constructor(IPledgeEscrow escrow_, Terms memory terms_, Lido lido_, address[] memory pledgers_)
        Register(escrow_, terms_, lido_, pledgers_)
    { }

    /// @dev Value, at `rate`, of the pots in tiers with thresholds of at most `thresholdBps`.
    function _coverage(uint256 thresholdBps, uint256 rate) internal view returns (uint256) {
        uint256 eth;
        uint256 shares;
        for (uint256 id; id < pots(); ++id) {
            if (_tiers[id / ASSETS].thresholdBps > thresholdBps) continue;
            if (id % ASSETS == uint256(Asset.ETH)) eth += total(id);
            else shares += total(id);
        }
        return eth + shares * rate / 1e27;
    }

    /// @dev The highest threshold that is met; 0 for none.
    function _highestMet(uint256 target, uint256 rate) internal view returns (uint256 met) {
        for (uint256 i; i < _tiers.length; ++i) {
            uint256 bps = _tiers[i].thresholdBps;
            if (bps != met && _coverage(bps, rate) * 10_000 >= target * bps) met = bps;
        }
    }

    /// @dev What is drawn toward `target` if `met` is the highest threshold met.
    function _draw(uint256 target, uint256 met, uint256 rate) internal view returns (Draws memory draws) {
        for (uint256 order; order < ORDERS; ++order) {
            uint256 value = _valueOf(order, met, rate);
            uint256 need = target - draws.sum;
            uint256 part = value < need ? value : need;
            (draws.values[order], draws.parts[order], draws.sum) = (value, part, draws.sum + part);
            for (uint256 id; id < pots(); ++id) {
                if (part == 0 || !_isActive(id, order, met)) continue;
                draws.units[id] = total(id) * part / value;
            }
        }
    }

    function _valueOf(uint256 order, uint256 met, uint256 rate) private view returns (uint256) {
        uint256 eth;
        uint256 shares;
        for (uint256 id; id < pots(); ++id) {
            if (!_isActive(id, order, met)) continue;
            if (id % ASSETS == uint256(Asset.ETH)) eth += total(id);
            else shares += total(id);
        }
        return eth + shares * rate / 1e27;
    }

    function _isActive(uint256 id, uint256 order, uint256 met) private view returns (bool) {
        Tier storage tier = _tiers[id / ASSETS];
        return tier.drawOrder == order && tier.thresholdBps <= met;
    }

    /// @dev A position's weight in an objection: its drawn value.
    function _weight(Draws memory draws, address pledger, uint256 id, uint256 met, uint256 rate)
        internal
        view
        returns (uint256)
    {
        Tier storage tier = _tiers[id / ASSETS];
        if (tier.thresholdBps > met || draws.values[tier.drawOrder] == 0) return 0;
        uint256 amount = amounts[pledger][id];
        uint256 value = id % ASSETS == uint256(Asset.ETH) ? amount : amount * rate / 1e27;
        return value * draws.parts[tier.drawOrder] / draws.values[tier.drawOrder];
    }
}
