// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Vm } from "forge-std/Vm.sol";

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { FailReason, IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { Asset } from "levee/types/Units.sol";

import { DeadToken } from "../Actors.sol";
import { Clock } from "../Clock.sol";
import { Lido } from "../Lido.sol";
import { LogBooks } from "../LogBooks.sol";
import { Store } from "../Store.sol";
import { Twin } from "../Twin.sol";

/// @notice What all handlers share. An action makes one call of the escrow. What seldom becomes possible by itself now
/// and then first waits until it is. When the rules still do not allow it, the action expects the exact error, or does
/// nothing: such calls are cheap, where discarding them (`vm.assume`) makes forge draw new ones until the end of the
/// run is as busy as its start.
abstract contract BaseHandler is Clock {
    Store internal store;
    Twin internal twin;
    IPledgeEscrow internal escrow;
    Lido internal lido;
    LogBooks internal books;
    IRecoveryPool internal pool;
    IBonusPool internal bonus;

    /// @dev Whether the call is expected to be refused: the logs of what a refusal undoes were recorded all the same.
    bool private refused;

    /// @notice From now on it acts in another rescue.
    function attend(Store store_, Twin twin_) external {
        store = store_;
        twin = twin_;
        escrow = store_.escrow();
        lido = store_.lido();
        books = store_.books();
        pool = store_.pool();
        bonus = store_.bonus();
    }

    /// @dev Around a call: its logs go into the books, and the status is looked at.
    modifier booked() {
        vm.recordLogs();
        _;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (!refused) books.absorb(logs);
        store.noteActed(!refused && _spoke(logs));
        refused = false;
        if (store.noteStatus() && _decidedByCoverage()) twin.make();
    }

    /// @dev Whether one of the contracts under test took the call: each that does emits an event.
    function _spoke(Vm.Log[] memory logs) private view returns (bool) {
        for (uint256 i; i < logs.length; ++i) {
            address emitter = logs[i].emitter;
            if (emitter == address(escrow) || emitter == address(pool) || emitter == address(bonus)) return true;
        }
        return false;
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

    /// @dev Once in `times` times, by `seed`.
    function once(uint256 seed, uint256 times) internal pure returns (bool) {
        return uint256(keccak256(abi.encode(seed, times))) % times == 0;
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
