// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS } from "levee/types/Units.sol";

import { Course, Facts } from "./Course.sol";
import { Lido } from "./Lido.sol";

/// @notice Where an action is possible: the first place, starting at one chosen by `seed`, at which there is something
/// to do; if there is none, the place of `seed`.
abstract contract Search is Course {
    constructor(IPledgeEscrow escrow_, Terms memory terms_, Lido lido_, address[] memory pledgers_)
        Course(escrow_, terms_, lido_, pledgers_)
    { }

    /// @notice Some position.
    function findAny(uint256 seed) public view returns (address pledger, uint256 id) {
        uint256 place = seed % (_pledgers.length * pots());
        return (_pledgers[place / pots()], place % pots());
    }

    /// @notice A position that has an amount.
    function findAmount(uint256 seed) external view returns (address pledger, uint256 id) {
        uint256 places = _pledgers.length * pots();
        for (uint256 i; i < places; ++i) {
            (pledger, id) = findAny(addmod(seed, i, places));
            if (amounts[pledger][id] != 0) return (pledger, id);
        }
        return findAny(seed);
    }

    /// @notice A position with something to refund.
    function findRefundable(uint256 seed) external view returns (address pledger, uint256 id) {
        uint256 places = _pledgers.length * pots();
        Facts memory state = found();
        for (uint256 i; i < places; ++i) {
            (pledger, id) = findAny(addmod(seed, i, places));
            if (amounts[pledger][id] != 0 && refundable(state, pledger, id) != 0) return (pledger, id);
        }
        return findAny(seed);
    }

    /// @notice A position that has a weight and has not objected.
    function findWeight(uint256 seed) external view returns (address pledger, uint256 id) {
        uint256 places = _pledgers.length * pots();
        Facts memory state = found();
        for (uint256 i; i < places; ++i) {
            (pledger, id) = findAny(addmod(seed, i, places));
            if (amounts[pledger][id] == 0 || hasObjected[pledger][id]) continue;
            if (weight(state, pledger, id) != 0) return (pledger, id);
        }
        return findAny(seed);
    }

    /// @notice A pledger that is owed some asset.
    function findOwed(uint256 seed) external view returns (address pledger, uint256 asset) {
        uint256 places = _pledgers.length * ASSETS;
        for (uint256 i; i < places; ++i) {
            uint256 place = addmod(seed, i, places);
            (pledger, asset) = (_pledgers[place / ASSETS], place % ASSETS);
            if (owed[pledger][asset] != 0) return (pledger, asset);
        }
        return (_pledgers[seed % _pledgers.length], seed % ASSETS);
    }

    /// @notice An asset of which something is due and not delivered.
    function findDue(uint256 seed) external view returns (uint256 asset) {
        Facts memory state = found();
        for (uint256 i; i < ASSETS; ++i) {
            asset = addmod(seed, i, ASSETS);
            if (deliverable(state, asset) > state.delivered[asset]) return asset;
        }
        return seed % ASSETS;
    }
}
