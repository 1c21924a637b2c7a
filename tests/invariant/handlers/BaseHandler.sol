// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CommonBase } from "forge-std/Base.sol";
import { Vm } from "forge-std/Vm.sol";

import { FailReason, IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { DeadToken } from "../Actors.sol";
import { Lido } from "../Lido.sol";
import { LogBooks } from "../LogBooks.sol";
import { Store } from "../Store.sol";
import { Twin } from "../Twin.sol";

/// @notice What all handlers share. A handler makes one call of the escrow. When the rules do not allow it now, it
/// expects the exact error, or does nothing: such calls are cheap, where discarding them (`vm.assume`) makes forge draw
/// new ones until the end of the run is as busy as its start.
abstract contract BaseHandler is CommonBase {
    Store internal immutable store;
    Twin internal immutable twin;
    IPledgeEscrow internal immutable escrow;
    Lido internal immutable lido;
    LogBooks internal immutable books;

    /// @dev Whether the call is expected to be refused: the logs of what a refusal undoes were recorded all the same.
    bool private refused;

    constructor(Store store_, Twin twin_) {
        store = store_;
        twin = twin_;
        escrow = store_.escrow();
        lido = store_.lido();
        books = store_.books();
    }

    /// @dev Around a call: its logs go into the books, and the status is looked at.
    modifier booked() {
        vm.recordLogs();
        _;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (!refused) books.absorb(logs);
        refused = false;
        if (store.noteStatus() && _decidedByCoverage()) twin.make();
    }

    /// @dev Whether the rescue was decided by its coverage.
    function _decidedByCoverage() private view returns (bool) {
        return books.status() != Status.Failed || books.failReason() == FailReason.NoThresholdMet;
    }

    /// @dev A number in the range, by `seed`. Most of forge's numbers are short: left as they are, they would make dust of
    /// nearly every pledge and a second of nearly every wait.
    function spread(uint256 seed, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + uint256(keccak256(abi.encode(seed))) % (high - low + 1);
    }

    /// @dev One of the pledgers.
    function pledgerOf(uint256 seed) internal view returns (address) {
        address[] memory pledgers = store.pledgers();
        return pledgers[seed % pledgers.length];
    }

    /// @dev The first position from a place that `seed` gives for which `amounts` is not 0.
    function findAmount(uint256 seed) internal view returns (bool found, address pledger, uint256 id) {
        uint256 pots = store.pots();
        uint256 places = store.pledgers().length * pots;
        for (uint256 i; i < places; ++i) {
            uint256 place = addmod(seed, i, places);
            (pledger, id) = (pledgerOf(place / pots), place % pots);
            if (store.amounts(pledger, id) != 0) return (true, pledger, id);
        }
    }

    /// @dev Expects the token's error if an asset does not move now.
    function expectStuck(Asset asset) internal returns (bool stuck) {
        if (lido.moves(asset)) return false;
        if (lido.dead()) expectRefusal(abi.encodeWithSelector(DeadToken.Dead.selector));
        else expectRefusal(abi.encodeWithSignature("Error(string)", "CONTRACT_IS_STOPPED"));
        return true;
    }

    /// @dev Expects the next call to revert with exactly `reason`.
    function expectRefusal(bytes memory reason) internal {
        refused = true;
        vm.expectRevert(reason);
    }
}
