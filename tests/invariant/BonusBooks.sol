// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { FailReason, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { LogBooks } from "./LogBooks.sol";
import { Store } from "./Store.sol";

/// @notice Whose a bonus must be, and how much of it, by the words of the rules: from the escrow's events, the store's
/// amounts and the contributions alone.
contract BonusBooks {
    Store private immutable STORE;
    LogBooks private immutable BOOKS;

    mapping(address sponsor => uint256) public added;
    uint256 public total;
    /// @notice Whether a call has decided whose the bonus is; then its rate and the value of all pledges.
    bool public decided;
    uint256 public rate;
    uint256 public value;
    mapping(address pledger => bool[24]) public claimed;
    uint256 public paid;

    constructor(Store store) {
        STORE = store;
        BOOKS = store.books();
    }

    function noteAdded(address sponsor, uint256 amount) external {
        added[sponsor] += amount;
        total += amount;
    }

    function noteTakenBack(address sponsor) external {
        decided = true;
        paid += added[sponsor];
        added[sponsor] = 0;
    }

    function noteClaim(address pledger, uint256 id) external {
        if (!decided) (decided, rate, value) = (true, rateNow(), valueAt(rateNow()));
        paid += shareOf(pledger, id, rate, value);
        claimed[pledger][id] = true;
    }

    /// @notice Whether the bonus is the pledgers': the rescue failed, or would by the next call, and not by its
    /// guardian, with something pledged.
    function isForPledgers() external view returns (bool) {
        bool failed = BOOKS.status() == Status.Failed && BOOKS.failReason() != FailReason.EndedByGuardian;
        bool fails = STORE.late() && STORE.highestMet() == 0;
        if (!failed && !fails) return false;
        return decided ? value != 0 : valueAt(rateNow()) != 0;
    }

    /// @notice Whether deciding must wait: there are shares, their rate cannot be read, and the wait is not over.
    function mustWait() external view returns (bool) {
        if (decided || BOOKS.status() != Status.Failed || BOOKS.failReason() == FailReason.EndedByGuardian) {
            return false;
        }
        uint256 limit = STORE.inForce().deadline + STORE.terms().releaseWindow;
        return STORE.holdsShares() && STORE.lido().rate() == 0 && block.timestamp <= limit;
    }

    /// @notice The share rate; one to one if it cannot be read.
    function rateNow() public view returns (uint256 now_) {
        if (!STORE.holdsShares()) return 0;
        now_ = STORE.lido().rate();
        if (now_ == 0) now_ = 1e27;
    }

    /// @notice What all pledges are worth.
    function valueAt(uint256 rate_) public view returns (uint256) {
        uint256 eth;
        uint256 shares;
        for (uint256 id; id < STORE.pots(); ++id) {
            if (id % ASSETS == uint256(Asset.ETH)) eth += STORE.total(id);
            else shares += STORE.total(id);
        }
        return eth + shares * rate_ / 1e27;
    }

    /// @notice A position's share of the bonus.
    function shareOf(address pledger, uint256 id, uint256 rate_, uint256 value_) public view returns (uint256) {
        uint256 amount = STORE.amounts(pledger, id);
        uint256 worth = id % ASSETS == uint256(Asset.ETH) ? amount : amount * rate_ / 1e27;
        return total * worth / value_;
    }

    /// @notice The same at the rate that was fixed or, before that, the one that a claim would fix now.
    function shareNow(address pledger, uint256 id) external view returns (uint256) {
        return decided ? shareOf(pledger, id, rate, value) : shareOf(pledger, id, rateNow(), valueAt(rateNow()));
    }
}
