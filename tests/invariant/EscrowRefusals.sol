// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { DeadToken } from "./Actors.sol";
import { Facts } from "./Course.sol";
import { Store } from "./Store.sol";

/// @notice Which calls to an escrow the rules refuse at this moment, and with which error: empty for a call that must
/// succeed. If several rules refuse a call, they are checked in the order given by the interface.
abstract contract EscrowRefusals {
    uint256 private constant MIN_TARGET = 1e9;
    uint256 private constant MAX_TARGET = type(uint96).max;

    Store internal immutable STORE;

    constructor(Store store) {
        STORE = store;
    }

    // ------------------------------------------------------------------------------------------------ while open

    function ofPledge(address pledger, uint256 tier, uint256 named, Asset asset, uint256 amount)
        external
        view
        returns (bytes memory)
    {
        if (!STORE.pledging()) return _closed();
        uint256 latest = STORE.latest().effectiveAt;
        if (named != latest) return abi.encodeWithSelector(IPledgeEscrow.AmendmentDiffers.selector, named, latest);
        if (amount == 0) return abi.encodeWithSelector(IPledgeEscrow.ZeroAmount.selector);
        if (asset != Asset.ETH && !STORE.acceptsShares()) {
            return abi.encodeWithSelector(IPledgeEscrow.AssetNotAccepted.selector, asset);
        }
        if (_invalid(pledger)) return _invalidAccount(pledger);
        if (_unknown(tier)) return _unknownTier(tier);
        if (STORE.lido().moves(asset)) return "";
        // stETH's own errors pass through.
        if (STORE.lido().dead()) return abi.encodeWithSelector(DeadToken.Dead.selector);
        return abi.encodeWithSignature("Error(string)", "CONTRACT_IS_STOPPED");
    }

    function ofExit(address pledger, uint256 tier, Asset asset, address recipient)
        external
        view
        returns (bytes memory)
    {
        if (STORE.pendingUntil() == 0) {
            uint256 latest = STORE.latest().effectiveAt;
            return abi.encodeWithSelector(IPledgeEscrow.NoExitWindow.selector, latest, block.timestamp);
        }
        if (_invalid(recipient)) return _invalidAccount(recipient);
        if (_unknown(tier)) return _unknownTier(tier);
        return STORE.amounts(pledger, _id(tier, asset)) == 0 ? _nothingToReturn(pledger, tier, asset) : bytes("");
    }

    function ofDecline(address caller, address pledger, uint256 tier, Asset asset)
        external
        view
        returns (bytes memory)
    {
        if (caller != STORE.guardian()) return _notGuardian(caller);
        if (!STORE.pledging()) return _closed();
        if (_unknown(tier)) return _unknownTier(tier);
        return STORE.amounts(pledger, _id(tier, asset)) == 0 ? _nothingToReturn(pledger, tier, asset) : bytes("");
    }

    function ofAmend(address caller, uint256 target, uint256 deadline) external view returns (bytes memory) {
        if (caller != STORE.guardian()) return _notGuardian(caller);
        if (!STORE.pledging()) return _closed();
        if (STORE.pendingUntil() != 0) return _pending();
        if (target < MIN_TARGET || target > MAX_TARGET) {
            return abi.encodeWithSelector(IPledgeEscrow.TargetOutOfBounds.selector, target, MIN_TARGET, MAX_TARGET);
        }
        return _ofDeadlines(deadline, block.timestamp + STORE.exitWindow());
    }

    function _ofDeadlines(uint256 deadline, uint256 effectiveAt) internal view returns (bytes memory) {
        uint256 present = STORE.inForce().deadline;
        uint256 latest = STORE.latestDeadline();
        if (effectiveAt > present) {
            return abi.encodeWithSelector(IPledgeEscrow.AmendmentTooLate.selector, effectiveAt, present);
        }
        if (deadline <= effectiveAt) {
            return abi.encodeWithSelector(IPledgeEscrow.AmendedDeadlineTooEarly.selector, deadline, effectiveAt);
        }
        if (deadline <= latest) return "";
        return abi.encodeWithSelector(IPledgeEscrow.AmendedDeadlineTooLate.selector, deadline, latest);
    }

    function ofCollect(address pledger, Asset asset, address recipient) external view returns (bytes memory) {
        if (_invalid(recipient)) return _invalidAccount(recipient);
        uint256 amount = STORE.owed(pledger, uint256(asset));
        if (amount == 0) return abi.encodeWithSelector(IPledgeEscrow.NothingOwed.selector, pledger, asset);
        return _ofPayment(recipient, asset, amount);
    }

    // ------------------------------------------------------------------------------------------------ deciding

    function ofSettle() public view returns (bytes memory) {
        if (STORE.status() != Status.Open) return _wrongStatus(STORE.status());
        if (STORE.unreadable()) return _unreadable();
        if (STORE.pendingUntil() != 0) return _pending();
        (uint256 coverage, uint256 target) = (STORE.coverage(10_000), STORE.inForce().target);
        if (STORE.late() || coverage >= target) return "";
        return abi.encodeWithSelector(IPledgeEscrow.CoverageTooLow.selector, coverage, target);
    }

    function ofExpire() external view returns (bytes memory) {
        if (STORE.status() != Status.Open) return _wrongStatus(STORE.status());
        uint256 limit = STORE.inForce().deadline + STORE.releaseWindow();
        if (block.timestamp <= limit) return _tooEarly(limit);
        if (!STORE.holdsShares()) return abi.encodeWithSelector(IPledgeEscrow.RateNotNeeded.selector);
        uint256 rate = STORE.lido().rate();
        return rate == 0 ? bytes("") : abi.encodeWithSelector(IPledgeEscrow.RateReadable.selector, rate);
    }

    // ------------------------------------------------------------------------------------------------ once decided

    function ofRelease(Asset asset) external view returns (bytes memory) {
        if (_waits()) return _unreadable();
        Facts memory state = STORE.found();
        if (state.status != Status.Settled && state.status != Status.Cancelled) return _wrongStatus(state.status);
        uint256 number = uint256(asset);
        uint256 upTo = STORE.deliverable(state, number);
        if (upTo == state.delivered[number]) {
            return abi.encodeWithSelector(IPledgeEscrow.NothingDue.selector, asset, upTo, upTo);
        }
        uint256 amount = STORE.tranchesOf(state, number, state.delivered[number], upTo);
        return _ofPayment(address(STORE.beneficiary()), asset, amount);
    }

    function ofRefund(address pledger, uint256 tier, Asset asset, address recipient)
        external
        view
        returns (bytes memory)
    {
        if (_invalid(recipient)) return _invalidAccount(recipient);
        if (_waits()) return _unreadable();
        Facts memory state = STORE.found();
        if (state.status == Status.Open) return _wrongStatus(state.status);
        if (_unknown(tier)) return _unknownTier(tier);
        uint256 amount = STORE.refundable(state, pledger, _id(tier, asset));
        return amount == 0 ? _nothingToReturn(pledger, tier, asset) : _ofPayment(recipient, asset, amount);
    }

    function ofObject(address pledger, uint256 tier, Asset asset) external view returns (bytes memory) {
        if (_waits()) return _unreadable();
        if (STORE.vetoBps() == 0) return abi.encodeWithSelector(IPledgeEscrow.NoVeto.selector);
        Facts memory state = STORE.found();
        if (state.status != Status.Settled) return _wrongStatus(state.status);
        if (STORE.due(state) == STORE.tranches()) return _nothingToStop();
        if (_unknown(tier)) return _unknownTier(tier);
        if (STORE.hasObjected(pledger, _id(tier, asset))) {
            return abi.encodeWithSelector(IPledgeEscrow.AlreadyObjected.selector, pledger, tier, asset);
        }
        if (STORE.weight(state, pledger, _id(tier, asset)) != 0) return "";
        return abi.encodeWithSelector(IPledgeEscrow.NothingDrawn.selector, pledger, tier, asset);
    }

    function ofLapse() external view returns (bytes memory) {
        if (_waits()) return _unreadable();
        Facts memory state = STORE.found();
        bool paying = state.status == Status.Settled || state.status == Status.Cancelled;
        if (!paying || state.finalAt != 0) return _wrongStatus(state.status);
        uint256 limit = STORE.collectableUntil(state);
        return block.timestamp <= limit ? _tooEarly(limit) : bytes("");
    }

    function ofCancel(address caller) external view returns (bytes memory) {
        if (caller != STORE.guardian()) return _notGuardian(caller);
        if (_waits()) return _unreadable();
        Facts memory state = STORE.found();
        if (state.status == Status.Open) return "";
        bool all = STORE.due(state) == STORE.tranches();
        if (state.status == Status.Settled) return all ? _nothingToStop() : bytes("");
        // After a veto, only what is still held can be returned.
        return state.byCalendar && !all ? bytes("") : _wrongStatus(state.status);
    }

    // ------------------------------------------------------------------------------------------------ what they share

    /// @dev Past the deadline a call that would settle first waits for the rate.
    function _waits() internal view returns (bool) {
        return STORE.late() && STORE.unreadable();
    }

    function _unknown(uint256 tier) internal view returns (bool) {
        return tier * ASSETS >= STORE.pots();
    }

    function _id(uint256 tier, Asset asset) internal pure returns (uint256) {
        return tier * ASSETS + uint256(asset);
    }

    function _invalid(address account) internal view returns (bool) {
        return STORE.isInvalid(account);
    }

    function _ofPayment(address recipient, Asset asset, uint256 amount) internal view returns (bytes memory) {
        if (STORE.reaches(recipient, asset)) return "";
        return abi.encodeWithSelector(IPledgeEscrow.PaymentFailed.selector, recipient, asset, amount);
    }

    function _closed() internal view returns (bytes memory) {
        return abi.encodeWithSelector(
            IPledgeEscrow.PledgingClosed.selector, STORE.status(), STORE.inForce().deadline, block.timestamp
        );
    }

    function _pending() internal view returns (bytes memory) {
        uint256 effectiveAt = STORE.pendingUntil();
        return abi.encodeWithSelector(IPledgeEscrow.AmendmentPending.selector, effectiveAt, block.timestamp);
    }

    function _notGuardian(address caller) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IPledgeEscrow.NotGuardian.selector, caller, STORE.guardian());
    }

    function _wrongStatus(Status status) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IPledgeEscrow.WrongStatus.selector, status);
    }

    function _unreadable() internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IPledgeEscrow.RateUnreadable.selector);
    }

    function _tooEarly(uint256 limit) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IPledgeEscrow.TooEarly.selector, limit, block.timestamp);
    }

    function _nothingToStop() internal view returns (bytes memory) {
        return abi.encodeWithSelector(IPledgeEscrow.NothingToStop.selector, STORE.tranches(), STORE.tranches());
    }

    function _invalidAccount(address account) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IPledgeEscrow.InvalidAccount.selector, account);
    }

    function _unknownTier(uint256 tier) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IPledgeEscrow.UnknownTier.selector, tier, STORE.pots() / ASSETS);
    }

    function _nothingToReturn(address pledger, uint256 tier, Asset asset) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IPledgeEscrow.NothingToReturn.selector, pledger, tier, asset);
    }
}
