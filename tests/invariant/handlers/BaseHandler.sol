// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Vm } from "forge-std/Vm.sol";

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { IPledgeEscrow } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { Clock } from "../Clock.sol";
import { Lido } from "../Lido.sol";
import { LogBooks } from "../LogBooks.sol";
import { Refusals } from "../Refusals.sol";
import { Store } from "../Store.sol";
import { Twin } from "../Twin.sol";

/// @notice What all handlers share. An action makes a call, whether the rules allow it or not: the rules say in advance
/// what must happen, and the call must do exactly that. Rare actions sometimes first wait until they are possible, and
/// possible actions are sometimes made invalid.
abstract contract BaseHandler is Clock {
    Store internal store;
    Refusals internal refusals;
    Twin internal twin;
    IPledgeEscrow internal escrow;
    Lido internal lido;
    IRecoveryPool internal pool;
    IBonusPool internal bonus;

    /// @dev Whether a call of this action decided the rescue by its coverage.
    bool private decided;

    /// @notice A call succeeded although the rules refuse it, or was refused differently than they say.
    error NotAsTheRulesSay(bytes call, bool wentThrough, bytes answer, bytes refusal);

    /// @notice From now on, the handler acts in another rescue.
    function attend(Store store_, Refusals refusals_, Twin twin_) external {
        store = store_;
        refusals = refusals_;
        twin = twin_;
        escrow = store_.escrow();
        lido = store_.lido();
        pool = store_.pool();
        bonus = store_.bonus();
    }

    /// @dev Wraps an action. The twin is decided in the same second as the rescue.
    modifier acting() {
        store.begin();
        decided = false;
        _;
        if (decided) twin.make();
    }

    /// @dev Makes a call as `caller`, which must be refused with `refusal` or, if that is empty, succeed. Then its logs
    /// go into the books.
    /// @return wentThrough Whether it succeeded.
    function attempt(address caller, address target, bytes memory call, bytes memory refusal) internal returns (bool) {
        return attempt(caller, target, 0, call, refusal);
    }

    /// @dev The same, with `value` wei of the caller's.
    function attempt(address caller, address target, uint256 value, bytes memory call, bytes memory refusal)
        internal
        returns (bool wentThrough)
    {
        vm.recordLogs();
        vm.prank(caller);
        bytes memory answer;
        (wentThrough, answer) = target.call{ value: value }(call);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        bool foretold = wentThrough ? refusal.length == 0 : keccak256(answer) == keccak256(refusal);
        if (!foretold) revert NotAsTheRulesSay(call, wentThrough, answer, refusal);
        if (!wentThrough) {
            store.noteRefused();
            return false;
        }
        store.noteActed();
        store.books().absorb(logs);
        if (store.noteStatus()) decided = true;
    }

    /// @dev A number in the range, chosen by `seed`. Most of forge's numbers are small: used directly, they would make
    /// nearly every pledge dust and nearly every wait a second.
    function spread(uint256 seed, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + uint256(keccak256(abi.encode(seed))) % (high - low + 1);
    }

    /// @dev True once in `times` times, by `seed`.
    function once(uint256 seed, uint256 times) internal pure returns (bool) {
        return uint256(keccak256(abi.encode(seed, times))) % times == 0;
    }

    /// @dev One of the pledgers.
    function pledgerOf(uint256 seed) internal view returns (address) {
        address[] memory pledgers = store.pledgers();
        return pledgers[seed % pledgers.length];
    }

    /// @dev `account` or, rarely, one that may not receive any value.
    function orInvalid(address account, uint256 seed) internal view returns (address) {
        if (!once(seed, 29)) return account;
        if (once(seed, 2)) return address(escrow);
        return once(seed, 3) ? store.terms().wstETH : address(0);
    }

    /// @dev The tier of a pot or, rarely, one that does not exist.
    function orUnknown(uint256 tier, uint256 seed) internal view returns (uint8) {
        return uint8(once(seed, 31) ? store.pots() / ASSETS : tier);
    }

    /// @dev The asset of a pot.
    function assetOf(uint256 id) internal pure returns (Asset) {
        return Asset(id % ASSETS);
    }
}
