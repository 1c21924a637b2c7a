// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { BaseHandler } from "./BaseHandler.sol";

/// @notice Who returns coins after a rescue, and who claims them.
contract RecoveryHandler is BaseHandler {
    address private immutable PAYER;
    address private immutable VAULT;

    constructor(address payer, address vault) {
        (PAYER, VAULT) = (payer, vault);
    }

    /// @dev One deposit in four is dust. Now and then years go by before it.
    function recover(uint256 seed, uint256 amount) external booked {
        if (store.late()) return;
        if (books.finalAt() != 0 && once(seed, 4)) reach(vm.getBlockTimestamp() + spread(seed, 1, 900 days));
        amount = spread(amount, 1, amount % 4 == 0 ? 9 : 60 ether);
        if (_expectClosed()) _deposit(amount);
        else _depositAndNote(amount);
    }

    function _deposit(uint256 amount) private {
        vm.prank(PAYER);
        pool.recover{ value: amount }();
    }

    function _depositAndNote(uint256 amount) private {
        _deposit(amount);
        store.recovery().noteDeposit(amount);
        store.noteMove(PAYER, address(pool), amount);
    }

    function _expectClosed() private returns (bool closed) {
        bytes memory notFinal = abi.encodeWithSelector(IRecoveryPool.NotFinal.selector, store.status());
        bool paid = store.recovery().anythingPaid();
        closed = books.finalAt() == 0 || !paid;
        if (books.finalAt() == 0) expectRefusal(notFinal);
        else if (!paid) expectRefusal(abi.encodeWithSelector(IRecoveryPool.NothingDelivered.selector));
    }

    function claimRecovery(uint256 seed) external booked {
        (address pledger, uint256 id, uint256 amount) = _findEarned(seed);
        if (amount == 0) return;
        store.alert(pledger, id);
        pool.claim(pledger, uint8(id / ASSETS), Asset(id % ASSETS));
        _note(pledger, id, pledger, amount);
    }

    function claimRecoveryTo(uint256 seed) external booked {
        (address pledger, uint256 id, uint256 amount) = _findEarned(seed);
        if (amount == 0) return;
        vm.prank(pledger);
        pool.claimTo(uint8(id / ASSETS), Asset(id % ASSETS), VAULT);
        _note(pledger, id, VAULT, amount);
    }

    function _note(address pledger, uint256 id, address recipient, uint256 amount) private {
        store.recovery().noteClaim(pledger, id, amount);
        store.noteMove(address(pool), recipient, amount);
    }

    /// @dev The first position from a place that `seed` gives that has earned what it has not had, and how much. If
    /// there is none, something may be deposited first.
    function _findEarned(uint256 seed) private returns (address pledger, uint256 id, uint256 amount) {
        if (books.finalAt() == 0 || !store.recovery().anythingPaid()) return (pledger, id, 0);
        (pledger, id, amount) = _lookForEarned(seed);
        if (amount != 0) return (pledger, id, amount);
        _depositAndNote(spread(seed, 1, 60 ether));
        return _lookForEarned(seed);
    }

    function _lookForEarned(uint256 seed) private view returns (address pledger, uint256 id, uint256 amount) {
        if (store.recovery().accruedAt() == 0) return (pledger, id, 0);
        uint256 pots = store.pots();
        uint256 places = store.pledgers().length * pots;
        for (uint256 i; i < places; ++i) {
            uint256 place = addmod(seed, i, places);
            (pledger, id) = (pledgerOf(place / pots), place % pots);
            if (store.amounts(pledger, id) == 0) continue;
            amount = store.recovery().earned(pledger, id) - store.recovery().claimed(pledger, id);
            if (amount != 0) return (pledger, id, amount);
        }
    }
}
