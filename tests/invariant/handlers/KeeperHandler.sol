// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { Facts } from "../Course.sol";
import { BaseHandler } from "./BaseHandler.sol";

/// @notice What anyone may do to advance a rescue.
contract KeeperHandler is BaseHandler {
    address private immutable KEEPER;

    constructor(address keeper) {
        KEEPER = keeper;
    }

    /// @dev Sometimes it waits until the deadline has passed and the rate can be read.
    function settle(uint256 seed) external acting {
        if (store.status() == Status.Open && once(seed, store.highestMet() == 0 ? 32 : 3)) {
            reach(store.lastDeadline() + 1);
            lido.mend();
        }
        _settle();
    }

    function _settle() private {
        bytes memory refusal = refusals.ofSettle();
        if (attempt(KEEPER, address(escrow), abi.encodeCall(IPledgeEscrow.settle, ()), refusal)) store.noteSettled();
    }

    /// @dev Mostly it waits for some tranche, with the beneficiary in a good mood; sometimes it first waits for the
    /// deadline of a rescue that meets a threshold, and settles it.
    function release(uint256 seed) external acting {
        if (store.pledging() && store.highestMet() != 0 && once(seed, 7)) {
            reach(store.lastDeadline() + 1);
            lido.mend();
            _settle();
        }
        if (store.status() == Status.Settled && !once(seed, 3)) {
            (uint256 due, uint256 tranches) = (store.due(store.facts()), store.tranches());
            if (due < tranches) reach(store.trancheAt(spread(seed, due + 1, tranches)));
            store.beneficiary().setRefuses(false);
        }
        uint256 asset = once(seed, 5) ? seed % 3 : store.findDue(seed);
        bytes memory refusal = refusals.ofRelease(Asset(asset));
        bytes memory call = abi.encodeCall(IPledgeEscrow.release, (Asset(asset)));
        if (attempt(KEEPER, address(escrow), call, refusal)) store.noteRelease(asset);
    }

    /// @dev Sometimes it waits for its time.
    function lapse(uint256 seed) external acting {
        Facts memory state = store.facts();
        bool lapsable = state.settledAt != 0 && state.finalAt == 0;
        if (lapsable && once(seed, 2)) reach(store.collectableUntil(state) + 1);
        bytes memory refusal = refusals.ofLapse();
        if (attempt(KEEPER, address(escrow), abi.encodeCall(IPledgeEscrow.lapse, ()), refusal)) store.noteLapsed();
    }

    /// @dev Sometimes it waits for its time, mostly with an unreadable rate.
    function expire(uint256 seed) external acting {
        if (store.status() == Status.Open && store.holdsShares() && once(seed, 3)) {
            reach(store.lastDeadline() + store.releaseWindow() + 1);
            if (once(seed, 4)) lido.mend();
            else lido.setDead(true);
        }
        bytes memory refusal = refusals.ofExpire();
        if (attempt(KEEPER, address(escrow), abi.encodeCall(IPledgeEscrow.expire, ()), refusal)) store.noteExpired();
    }
}
