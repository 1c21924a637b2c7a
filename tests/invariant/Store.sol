// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { EndReason, IPledgeEscrow, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";

import { BonusBooks } from "./BonusBooks.sol";
import { Lido } from "./Lido.sol";
import { LogBooks } from "./LogBooks.sol";
import { RecoveryBooks } from "./RecoveryBooks.sol";
import { Search } from "./Search.sol";

/// @notice The handlers' own books of one rescue and its pools, and of what its events reported.
/// @dev Nothing here is read from the escrow. What the handlers expect from a call goes into these books, and the
/// invariants compare them with the actual state. So a handler fails if a call is wrongly refused or accepted, and an
/// invariant fails on a wrong payment.
contract Store is Search {
    LogBooks public immutable books;
    IRecoveryPool public pool;
    IBonusPool public bonus;
    RecoveryBooks public recovery;
    BonusBooks public sponsors;

    /// @notice The last status that events reported.
    Status private told;
    /// @notice Whether the events ever reported a forbidden transition.
    bool public strayed;
    /// @notice Actions of the handlers.
    uint256 public calls;
    /// @notice Whether in the last action a contract accepted a call, or the world changed.
    bool public acted;
    /// @notice Whether in the last action a contract refused a call.
    bool public refused;

    constructor(IPledgeEscrow escrow_, Terms memory terms_, Lido lido_, LogBooks books_, address[] memory pledgers_)
        Search(escrow_, terms_, lido_, pledgers_)
    {
        books = books_;
    }

    /// @notice The pools of this rescue, and what is known of them.
    function adopt(IRecoveryPool pool_, IBonusPool bonus_, RecoveryBooks recovery_, BonusBooks sponsors_) external {
        (pool, bonus, recovery, sponsors) = (pool_, bonus_, recovery_, sponsors_);
    }

    /// @notice An action begins.
    function begin() external {
        (acted, refused) = (false, false);
        ++calls;
    }

    function noteActed() external {
        acted = true;
    }

    function noteRefused() external {
        refused = true;
    }

    /// @notice After every call that succeeded: how the status reported by events moved.
    /// @return decided Whether this call decided the rescue by its coverage.
    function noteStatus() external returns (bool decided) {
        Status next = books.status();
        if (next == told) return false;
        bool begun = told == Status.Open;
        // A call after the deadline settles first, so it may make two transitions at once.
        bool settled = told == Status.Settled || (begun && books.settlements() == 1);
        bool ended = settled && (next == Status.Released || next == Status.Cancelled);
        if (!ended && !(begun && (next == Status.Settled || next == Status.Failed))) strayed = true;
        told = next;
        return begun && (next != Status.Failed || books.endReason() == EndReason.NoThresholdMet);
    }
}
