// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Wei } from "levee/types/Units.sol";

import { Facts } from "../Course.sol";
import { BaseHandler } from "./BaseHandler.sol";

/// @notice What the guardian does, and what others try in its place.
contract GuardianHandler is BaseHandler {
    address private immutable GUARDIAN;

    constructor(address guardian) {
        GUARDIAN = guardian;
    }

    /// @dev The guardian, or sometimes a pledger.
    function _callerOf(uint256 seed) private view returns (address) {
        return once(seed, 11) ? pledgerOf(seed) : GUARDIAN;
    }

    /// @dev Less often than anyone pledges: mostly for a position that does not exist.
    function decline(uint256 seed, uint256 wrong) external acting {
        (address pledger, uint256 id) = once(seed, 3) ? store.findAmount(seed) : store.findAny(seed);
        address caller = _callerOf(wrong);
        uint8 tier = orUnknown(id / ASSETS, wrong);
        bytes memory refusal = refusals.ofDecline(caller, pledger, tier, assetOf(id));
        bytes memory call = abi.encodeCall(IPledgeEscrow.decline, (pledger, tier, assetOf(id)));
        store.alert(pledger, id);
        if (attempt(caller, address(escrow), call, refusal)) store.noteTaken(pledger, id, pledger);
    }

    function amend(uint256 targetSeed, uint256 deadlineSeed, bytes32 termsHash, uint256 wrong) external acting {
        uint256 effectiveAt = vm.getBlockTimestamp() + store.exitWindow();
        uint256 target = once(targetSeed, 13) ? spread(targetSeed, 0, 2e9) : spread(targetSeed, 30 ether, 200 ether);
        if (once(targetSeed, 17)) target = uint256(type(uint96).max) + target;
        uint256 deadline = spread(deadlineSeed, effectiveAt - 1 days, effectiveAt + 30 days);
        if (once(deadlineSeed, 6)) deadline = store.latestDeadline() + spread(deadlineSeed, 0, 60 days);
        address caller = _callerOf(wrong);
        bytes memory refusal = refusals.ofAmend(caller, target, deadline);
        bytes memory call = abi.encodeCall(IPledgeEscrow.amend, (Wei.wrap(target), uint40(deadline), termsHash));
        if (!attempt(caller, address(escrow), call, refusal)) return;
        store.noteAmendment(target, deadline, termsHash, effectiveAt);
    }

    /// @dev It ends an open rescue only once in 16 calls, stops a settled one once in three, and lifts a hold once in
    /// two; otherwise someone else tries.
    function cancel(uint256 seed) external acting {
        Facts memory state = store.found();
        uint256 times = state.byCalendar ? 2 : 1;
        if (state.status == Status.Open) times = 16;
        if (state.status == Status.Settled) times = 3;
        address caller = once(seed, times) ? GUARDIAN : pledgerOf(seed);
        bytes memory refusal = refusals.ofCancel(caller);
        if (attempt(caller, address(escrow), abi.encodeCall(IPledgeEscrow.cancel, ()), refusal)) store.noteCancelled();
    }
}
