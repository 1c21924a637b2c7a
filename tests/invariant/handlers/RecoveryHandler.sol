// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { BaseHandler } from "./BaseHandler.sol";

/// @notice Those who return coins after a rescue, and those who claim them.
contract RecoveryHandler is BaseHandler {
    address private immutable PAYER;
    address private immutable VAULT;

    constructor(address payer, address vault) {
        (PAYER, VAULT) = (payer, vault);
    }

    /// @dev One deposit in four is dust, one in forty is zero. Sometimes years pass before it.
    function recover(uint256 seed, uint256 amount) external acting {
        if (store.facts().finalAt != 0 && once(seed, 4)) reach(vm.getBlockTimestamp() + spread(seed, 1, 900 days));
        _deposit(once(seed, 40) ? 0 : spread(amount, 1, amount % 4 == 0 ? 9 : 60 ether));
    }

    function _deposit(uint256 amount) private {
        bytes memory refusal = refusals.ofRecover(amount);
        bytes memory call = abi.encodeCall(IRecoveryPool.recover, ());
        if (!attempt(PAYER, address(pool), amount, call, refusal)) return;
        store.recovery().noteDeposit(amount);
        store.noteMove(PAYER, address(pool), amount);
    }

    /// @dev Called by anyone for the pledger.
    function claimRecovery(uint256 seed, uint256 wrong) external acting {
        (address pledger, uint256 id) = _findEarned(seed);
        store.alert(pledger, id);
        uint8 tier = orUnknown(id / ASSETS, wrong);
        bytes memory call = abi.encodeCall(IRecoveryPool.claim, (pledger, tier, assetOf(id)));
        _claim(VAULT, pledger, tier, assetOf(id), pledger, call);
    }

    function claimRecoveryTo(uint256 seed, uint256 wrong) external acting {
        (address pledger, uint256 id) = _findEarned(seed);
        uint8 tier = orUnknown(id / ASSETS, wrong);
        address recipient = once(wrong, 29) ? address(pool) : VAULT;
        bytes memory call = abi.encodeCall(IRecoveryPool.claimTo, (tier, assetOf(id), recipient));
        _claim(pledger, pledger, tier, assetOf(id), recipient, call);
    }

    function _claim(address caller, address pledger, uint8 tier, Asset asset, address recipient, bytes memory call)
        private
    {
        bytes memory refusal = refusals.ofRecoveryClaim(pledger, tier, asset, recipient);
        if (!attempt(caller, address(pool), call, refusal)) return;
        uint256 id = uint256(tier) * ASSETS + uint256(asset);
        uint256 amount = store.recovery().earned(pledger, id) - store.recovery().claimed(pledger, id);
        store.recovery().noteClaim(pledger, id, amount);
        store.noteMove(address(pool), recipient, amount);
    }

    /// @dev Mostly a position with unpaid earnings; if there is none, mostly something is deposited first.
    function _findEarned(uint256 seed) private returns (address pledger, uint256 id) {
        bool found;
        (found, pledger, id) = store.recovery().findUnclaimed(seed);
        if (found || once(seed, 4)) return (pledger, id);
        _deposit(spread(seed, 1, 60 ether));
        (, pledger, id) = store.recovery().findUnclaimed(seed);
    }
}
