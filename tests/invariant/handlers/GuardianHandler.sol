// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { RescueView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset, Wei } from "levee/types/Units.sol";

import { BaseHandler } from "./BaseHandler.sol";

/// @notice What the guardian does.
contract GuardianHandler is BaseHandler {
    address private immutable GUARDIAN;

    constructor(address guardian) {
        GUARDIAN = guardian;
    }

    /// @dev Less often than anyone pledges.
    function decline(uint256 seed) external booked {
        (bool found, address pledger, uint256 id) = findAmount(seed);
        if (!store.pledging() || !found || !once(seed, 3)) return;
        store.alert(pledger, id);
        bool stuck = expectStuck(Asset(id % ASSETS));
        vm.prank(GUARDIAN);
        escrow.decline(pledger, uint8(id / ASSETS), Asset(id % ASSETS));
        if (!stuck) store.noteTaken(pledger, id, pledger);
    }

    function amend(uint256 target, uint256 deadline, bytes32 termsHash) external booked {
        if (!store.pledging() || store.pendingUntil() != 0) return;
        uint256 effectiveAt = vm.getBlockTimestamp() + store.terms().exitWindow;
        if (effectiveAt > store.inForce().deadline) return;
        target = spread(target, 30 ether, 200 ether);
        deadline = spread(deadline, effectiveAt + 1, effectiveAt + 30 days);
        vm.prank(GUARDIAN);
        escrow.amend(Wei.wrap(target), uint40(deadline), termsHash);
        store.noteAmendment(target, deadline, termsHash, effectiveAt);
    }

    /// @dev Ends an open rescue once in 16 calls only, a settled one once in three.
    function cancel(uint256 seed) external booked {
        RescueView memory page = escrow.rescue();
        bool stoppable = page.status == Status.Settled && page.due < page.terms.tranches;
        if (!(stoppable && once(seed, 3)) && !(store.pledging() && once(seed, 16))) return;
        vm.prank(GUARDIAN);
        escrow.cancel();
    }
}
