// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { PledgeCalls } from "./PledgeCalls.sol";

/// @notice Pledgers with a plan, each of several calls in one second. They call even where it achieves nothing.
contract SchemerHandler is PledgeCalls {
    address private immutable VAULT;

    constructor(address vault) {
        VAULT = vault;
    }

    /// @dev Someone borrows the missing amount, pledges it and settles, objects with everything it has, and tries to
    /// take everything back: only one time in four where possible, because it ends what others would do.
    function flash(uint256 seed) external acting {
        address borrower = pledgerOf(seed);
        uint8 tier = uint8(store.pots() / ASSETS - 1);
        (uint256 covered, uint256 target) = (store.coverage(10_000), store.inForce().target);
        if (covered < target && once(seed, 4) && pledgeAs(borrower, tier, Asset.ETH, target - covered)) {
            settleAs(borrower);
            _objectWithAll(borrower);
        }
        exitAs(borrower, tier, Asset.ETH, VAULT);
        refundAs(borrower, tier, Asset.ETH, VAULT);
        takeBackAs(borrower);
    }

    /// @dev Everyone objects with everything they have, mostly once another tranche is due, so that a veto leaves
    /// something to collect. Sometimes they wait until the deadline of a rescue that meets a threshold has passed, and
    /// settle it.
    function revolt(uint256 seed) external acting {
        (address first, uint256 id) = store.findAmount(seed);
        if (store.pledging() && store.vetoBps() != 0 && store.highestMet() != 0 && once(seed, 4)) {
            reach(store.lastDeadline() + 1);
            lido.mend();
            settleAs(first);
        }
        if (store.status() == Status.Settled && !once(seed, 4)) {
            uint256 due = store.due(store.facts());
            if (due + 1 < store.tranches()) reach(store.trancheAt(due + 1));
        }
        objectAs(first, uint8(id / ASSETS), assetOf(id));
        address[] memory pledgers = store.pledgers();
        for (uint256 i; i < pledgers.length && store.status() == Status.Settled; ++i) {
            _objectWithAll(pledgers[i]);
        }
    }

    function _objectWithAll(address pledger) private {
        for (uint256 id; id < store.pots(); ++id) {
            if (store.amounts(pledger, id) != 0) objectAs(pledger, uint8(id / ASSETS), assetOf(id));
        }
    }

    /// @dev Someone pledges in the last second, or tries to in the first one after it, when no threshold is met: one
    /// time in six, because it ends what others would do. A sponsor who wants its bonus back pledges exactly what the
    /// lowest threshold lacks.
    function snipe(uint256 seed, uint256 tierSeed) external acting {
        if (store.pledging() && store.pendingUntil() == 0 && store.highestMet() == 0 && once(seed, 6)) {
            reach(store.inForce().deadline + (once(seed, 5) ? 1 : 0));
        }
        address sniper = pledgerOf(seed);
        uint8 tier = uint8(tierSeed % (store.pots() / ASSETS));
        uint256 amount = spread(seed, 1, 20 ether);
        if (store.highestMet() == 0 && !once(seed, 3)) (tier, amount) = (0, _lackOfLowest());
        pledgeAs(sniper, tier, Asset.ETH, amount);
        enlistBy(sniper, sniper, tier, Asset.ETH);
    }

    /// @dev What the lowest threshold, which is not met, lacks.
    function _lackOfLowest() private view returns (uint256) {
        uint256 thresholdBps = store.tierOf(0).thresholdBps;
        uint256 required = (store.inForce().target * thresholdBps + 9999) / 10_000;
        return required - store.coverage(thresholdBps);
    }

    /// @dev Someone takes a position out in an exit window, and pledges it into another tier.
    function move(uint256 seed, uint256 tierSeed, uint256 strike) external acting {
        (address whale, uint256 id) = store.findAmount(seed);
        uint256 amount = store.amounts(whale, id);
        uint8 next = uint8(tierSeed % (store.pots() / ASSETS));
        if (!exitAs(whale, uint8(id / ASSETS), assetOf(id), whale)) return;
        // Someone strikes what has left, or nobody does yet.
        if (once(strike, 2)) enlistBy(VAULT, whale, uint8(id / ASSETS), assetOf(id));
        pledgeAs(whale, next, assetOf(id), amount);
        enlistBy(whale, whale, next, assetOf(id));
    }
}
