// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Vm } from "forge-std/Vm.sol";

import { EndReason, IPledgeEscrow, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Wei } from "levee/types/Units.sol";

/// @notice The state of one escrow, rebuilt from its events alone: it never calls the escrow.
/// @dev Decodes to plain integers, so that a change of an event's layout fails here.
contract LogBooks {
    struct Proposal {
        uint256 target;
        uint256 deadline;
        bytes32 termsHash;
        uint256 effectiveAt;
    }

    address private immutable ESCROW;

    Status public status;
    EndReason public endReason;
    /// @notice How many times it settled.
    uint256 public settlements;
    uint256 public target;
    uint256 public deadline;
    bytes32 public termsHash;
    uint256 public tranches;
    Proposal public proposal;
    uint256 public thresholdBps;
    uint256 public rate;
    uint256 public drawn;
    uint256 public settledAt;
    uint256 public objected;
    uint256 public cancelledAt;
    uint256 public lapsedAt;
    uint256 public finalAt;
    /// @notice Whether what a veto stopped goes back tranche by tranche.
    bool public byCalendar;
    uint256[3] public kept;
    uint256[3] public delivered;
    uint256[24] public totals;
    uint256[24] public draws;
    mapping(address pledger => uint256[24] units) public amounts;
    mapping(address pledger => uint256[24] units) public refunded;
    mapping(address pledger => bool[24]) public hasObjected;
    mapping(address pledger => uint256[24]) public departures;
    mapping(address pledger => uint256[3]) public owed;

    constructor(address escrow) {
        ESCROW = escrow;
    }

    /// @notice Applies the escrow's events among `logs`, in order.
    function absorb(Vm.Log[] calldata logs) external {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter == ESCROW) _fold(logs[i].topics, logs[i].data);
        }
    }

    function _fold(bytes32[] calldata topics, bytes calldata data) private {
        bytes32 topic = topics[0];
        if (topic == IPledgeEscrow.RescueCreated.selector) _created(data);
        else if (topic == IPledgeEscrow.Pledged.selector) _pledged(_account(topics), data);
        else if (topic == IPledgeEscrow.Exited.selector) _exited(_account(topics), data);
        else if (topic == IPledgeEscrow.Declined.selector) _declined(_account(topics), data);
        else if (topic == IPledgeEscrow.Owed.selector) _owed(_account(topics), data);
        else if (topic == IPledgeEscrow.Collected.selector) _collected(_account(topics), data);
        else if (topic == IPledgeEscrow.Refunded.selector) _refunded(_account(topics), data);
        else if (topic == IPledgeEscrow.AmendmentProposed.selector) _proposed(data);
        else if (topic == IPledgeEscrow.Settled.selector) _settled(data);
        else if (topic == IPledgeEscrow.Failed.selector) _failed(data);
        else if (topic == IPledgeEscrow.Released.selector) _released(uint256(topics[1]), data);
        else if (topic == IPledgeEscrow.Objected.selector) _objected(_account(topics), data);
        else if (topic == IPledgeEscrow.Cancelled.selector) _cancelled(data);
        else if (topic == IPledgeEscrow.HoldLifted.selector) byCalendar = false;
        else if (topic == IPledgeEscrow.Lapsed.selector) _lapsed(data);
        else if (topic == IPledgeEscrow.Finalized.selector) _finalized(data);
        else revert("an event that the books do not know");
    }

    function _account(bytes32[] calldata topics) private pure returns (address) {
        return address(uint160(uint256(topics[1])));
    }

    function _created(bytes calldata data) private {
        Terms memory terms = abi.decode(data, (Terms));
        (target, deadline, termsHash) = (Wei.unwrap(terms.target), terms.deadline, terms.termsHash);
        tranches = terms.tranches;
    }

    function _pledged(address pledger, bytes calldata data) private {
        (uint256 tier, uint256 asset, uint256 amount) = abi.decode(data, (uint256, uint256, uint256));
        totals[tier * ASSETS + asset] += amount;
        amounts[pledger][tier * ASSETS + asset] += amount;
    }

    function _exited(address pledger, bytes calldata data) private {
        (uint256 tier, uint256 asset,, uint256 amount) = abi.decode(data, (uint256, uint256, address, uint256));
        _taken(pledger, tier * ASSETS + asset, amount);
    }

    function _declined(address pledger, bytes calldata data) private {
        (uint256 tier, uint256 asset, uint256 amount) = abi.decode(data, (uint256, uint256, uint256));
        _taken(pledger, tier * ASSETS + asset, amount);
    }

    function _taken(address pledger, uint256 id, uint256 amount) private {
        totals[id] -= amount;
        amounts[pledger][id] -= amount;
        ++departures[pledger][id];
    }

    function _owed(address pledger, bytes calldata data) private {
        (uint256 asset, uint256 amount) = abi.decode(data, (uint256, uint256));
        owed[pledger][asset] += amount;
    }

    function _collected(address pledger, bytes calldata data) private {
        (uint256 asset,, uint256 amount) = abi.decode(data, (uint256, address, uint256));
        owed[pledger][asset] -= amount;
    }

    function _refunded(address pledger, bytes calldata data) private {
        (uint256 tier, uint256 asset,, uint256 amount) = abi.decode(data, (uint256, uint256, address, uint256));
        refunded[pledger][tier * ASSETS + asset] += amount;
    }

    function _proposed(bytes calldata data) private {
        // One is pending at a time, so the one before is in force.
        if (proposal.effectiveAt != 0) _adopt();
        Proposal storage next = proposal;
        (next.target, next.deadline, next.termsHash, next.effectiveAt) =
            abi.decode(data, (uint256, uint256, bytes32, uint256));
    }

    /// @dev The latest proposal becomes the terms.
    function _adopt() private {
        (target, deadline, termsHash) = (proposal.target, proposal.deadline, proposal.termsHash);
    }

    /// @dev The rescue is decided at `time`: a proposal in force becomes the terms, any other is dropped.
    function _resolve(uint256 time) private {
        if (proposal.effectiveAt == 0) return;
        if (proposal.effectiveAt <= time) _adopt();
        else delete proposal;
    }

    /// @notice Whether the latest proposal is in force by now, of an open rescue.
    function proposalInForce() public view returns (bool) {
        return proposal.effectiveAt != 0 && proposal.effectiveAt <= block.timestamp;
    }

    function _settled(bytes calldata data) private {
        ++settlements;
        status = Status.Settled;
        uint256[] memory drawOf;
        uint256 settledTarget;
        (thresholdBps, rate, settledTarget, drawn, settledAt, drawOf) =
            abi.decode(data, (uint256, uint256, uint256, uint256, uint256, uint256[]));
        _resolve(settledAt);
        require(settledTarget == target, "settled for another target");
        for (uint256 id; id < drawOf.length; ++id) {
            draws[id] = drawOf[id];
            if (drawOf[id] != 0) kept[id % ASSETS] = tranches;
        }
    }

    function _failed(bytes calldata data) private {
        uint256 failedAt;
        (endReason, rate, failedAt) = abi.decode(data, (EndReason, uint256, uint256));
        status = Status.Failed;
        _resolve(failedAt);
    }

    function _released(uint256 asset, bytes calldata data) private {
        (delivered[asset],) = abi.decode(data, (uint256, uint256));
    }

    function _objected(address pledger, bytes calldata data) private {
        (uint256 tier, uint256 asset, uint256 weight) = abi.decode(data, (uint256, uint256, uint256));
        hasObjected[pledger][tier * ASSETS + asset] = true;
        objected += weight;
    }

    function _cancelled(bytes calldata data) private {
        uint256 count;
        (endReason, count, cancelledAt) = abi.decode(data, (EndReason, uint256, uint256));
        status = Status.Cancelled;
        byCalendar = endReason == EndReason.Vetoed;
        for (uint256 asset; asset < ASSETS; ++asset) {
            if (count < kept[asset]) kept[asset] = count;
        }
    }

    function _lapsed(bytes calldata data) private {
        lapsedAt = abi.decode(data, (uint256));
        if (cancelledAt == 0) (cancelledAt, endReason) = (lapsedAt, EndReason.Lapsed);
        status = Status.Cancelled;
        kept = delivered;
    }

    function _finalized(bytes calldata data) private {
        finalAt = abi.decode(data, (uint256));
        if (status == Status.Settled) status = Status.Released;
    }
}
