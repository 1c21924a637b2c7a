// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { ForceEther } from "../../util/Receivers.sol";
import { Facts } from "../Course.sol";
import { BaseHandler } from "./BaseHandler.sol";

/// @notice What happens around an escrow: time, Lido, donations, and the moods of two accounts.
contract WorldHandler is BaseHandler {
    address private immutable DONOR;

    constructor(address donor) {
        DONOR = donor;
    }

    /// @dev Like `acting`; these events need nobody's permission.
    modifier happening() {
        store.begin();
        _;
        store.noteActed();
    }

    /// @notice Up to 16 hours pass; or, more often once pledging is over, time advances to the next boundary of the
    /// rules, or just beyond it.
    function wait(uint256 seed) external happening {
        uint256 edge = _nextEdge();
        uint256 kind = spread(seed, 0, 15);
        bool toEdge = kind < (store.pledging() ? 1 : 6) && edge != type(uint256).max;
        if (toEdge) vm.warp(edge + (once(seed, 2) ? 1 : 0));
        else vm.warp(vm.getBlockTimestamp() + spread(seed, 1, 16 hours));
    }

    /// @dev The next moment at which something starts or ends.
    function _nextEdge() private view returns (uint256 edge) {
        Facts memory state = store.facts();
        edge = type(uint256).max;
        if (state.status == Status.Open) {
            edge = _sooner(edge, store.pendingUntil());
            edge = _sooner(edge, store.inForce().deadline);
            return _sooner(edge, store.inForce().deadline + store.releaseWindow());
        }
        if (state.settledAt == 0 || state.status == Status.Released) return edge;
        uint256 due = store.due(state);
        if (due < store.tranches()) edge = _sooner(edge, store.trancheAt(due + 1));
        edge = _sooner(edge, store.trancheAt(store.tranches()));
        return _sooner(edge, store.collectableUntil(state));
    }

    /// @dev The earlier of two future moments.
    function _sooner(uint256 edge, uint256 time) private view returns (uint256) {
        return time > vm.getBlockTimestamp() && time < edge ? time : edge;
    }

    /// @notice An event that the escrow does not control.
    function disturb(uint256 what, uint256 seed) external happening {
        uint256 kind = spread(what, 0, 5);
        if (kind == 0) _rebase(seed);
        else if (kind == 1) _pause();
        else if (kind == 2) _break();
        else if (kind == 3) _donate(seed);
        else if (kind == 4) store.greedy().setRefuses(!store.greedy().refuses());
        else store.beneficiary().setRefuses(!store.beneficiary().refuses());
    }

    /// @dev The share rate changes: mostly to between 0.6 and 2.4, sometimes to nearly zero or beyond what fits.
    function _rebase(uint256 seed) private {
        if (lido.dead()) return;
        uint256 kind = spread(seed, 0, 15);
        uint256 pooled = spread(seed, 1_200_000 ether, 4_800_000 ether);
        if (kind == 0) pooled = spread(seed, 1, 1 ether);
        if (kind == 1) pooled = 160_000_000 ether;
        lido.stETH().setTotalPooledEther(pooled);
    }

    /// @dev stETH is paused or resumed.
    function _pause() private {
        if (lido.dead()) return;
        if (lido.stETH().isStopped()) lido.stETH().resume();
        else lido.stETH().stop();
    }

    /// @dev Every call to stETH fails, or works again.
    function _break() private {
        lido.setDead(!lido.dead());
    }

    /// @dev ETH is forced into the escrow, or stETH or wstETH is sent to it without a pledge.
    function _donate(uint256 seed) private {
        uint256 amount = spread(seed, 1, 1 ether);
        Asset asset = Asset(seed % 3);
        if (!lido.moves(asset)) return;
        vm.startPrank(DONOR);
        if (asset == Asset.ETH) new ForceEther{ value: amount }(payable(address(escrow)));
        else if (asset == Asset.StETH) lido.stETH().transferShares(address(escrow), amount);
        else lido.wstETH().transfer(address(escrow), amount);
        vm.stopPrank();
        store.noteDonation(DONOR, uint256(asset), amount);
    }
}
