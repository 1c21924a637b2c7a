// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { IPledgeEscrow, RescueView, Status, Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { ASSETS, Asset, Units, Wei } from "levee/types/Units.sol";

import { GreedyPledger, MoodyBeneficiary } from "./Actors.sol";
import { BonusBooks } from "./BonusBooks.sol";
import { Lido } from "./Lido.sol";
import { LogBooks } from "./LogBooks.sol";
import { RecoveryBooks } from "./RecoveryBooks.sol";

/// @notice The handlers' own books: what they put in and what must have come out, by the rules alone.
/// @dev Nothing here is read off the escrow after a call. What the handlers expect goes into `ledger`, and the
/// invariants compare it with what is there; so a handler never fails on a wrong payment, the invariant does.
contract Store {
    struct Amendment {
        uint256 target;
        uint256 deadline;
        bytes32 termsHash;
        uint256 effectiveAt;
    }

    IPledgeEscrow public immutable escrow;
    Lido public immutable lido;
    LogBooks public immutable books;
    MoodyBeneficiary public immutable beneficiary;
    address public immutable guardian;
    uint256 public immutable createdAt;
    IRecoveryPool public pool;
    IBonusPool public bonus;
    RecoveryBooks public recovery;
    BonusBooks public sponsors;

    uint256 private immutable TRANCHES;
    uint256 private immutable TRANCHE_INTERVAL;
    uint256 private immutable OBJECTION_PERIOD;

    /// @dev Encoded: the legacy compiler cannot store an array of tiers.
    bytes private _terms;
    Tier[] private _tiers;
    address[] private _pledgers;
    address[] private _accounts;

    /// @notice What each account, the escrow too, must have of each asset.
    mapping(address account => uint256[3] amounts) public ledger;
    /// @notice What each pledger has in each pot, by what was pledged and taken out.
    mapping(address pledger => uint256[24] amounts) public amounts;
    /// @notice What of it was paid back after the decision.
    mapping(address pledger => uint256[24] amounts) public refunded;
    /// @notice What the beneficiary must have got.
    uint256[3] public released;
    /// @notice What came into the escrow outside its books.
    uint256[3] public donated;

    /// @notice Every amendment ever proposed; the first entry is the original terms, in force from the start.
    Amendment[] public amendments;
    /// @notice The time of the call that settled or failed the rescue; 0 while open.
    uint256 public decidedAt;
    /// @notice The highest threshold met at that moment, 0 for none; only if the rescue was settled or failed by it.
    uint256 public metBps;
    /// @notice The share rate in that second; 0 if it could not be read.
    uint256 public decidedRate;
    /// @notice The last status that was stored.
    Status public status;
    /// @notice Whether the status ever moved along no arrow.
    bool public strayed;
    /// @notice Calls made by the handlers.
    uint256 public calls;
    /// @notice Whether the last action of a handler went through: a contract took its call, or the world changed.
    bool public acted;

    constructor(IPledgeEscrow escrow_, Terms memory terms_, Lido lido_, LogBooks books_, address[] memory pledgers_) {
        escrow = escrow_;
        lido = lido_;
        books = books_;
        beneficiary = MoodyBeneficiary(payable(terms_.beneficiary));
        guardian = terms_.guardian;
        createdAt = block.timestamp;
        TRANCHES = terms_.tranches;
        TRANCHE_INTERVAL = terms_.trancheInterval;
        OBJECTION_PERIOD = terms_.objectionPeriod;
        _terms = abi.encode(terms_);
        for (uint256 i; i < terms_.tiers.length; ++i) {
            _tiers.push(terms_.tiers[i]);
        }
        _pledgers = pledgers_;
        amendments.push(Amendment(Wei.unwrap(terms_.target), terms_.deadline, terms_.termsHash, block.timestamp));
    }

    // ------------------------------------------------------------------------------------------------ who and what

    function terms() external view returns (Terms memory) {
        return abi.decode(_terms, (Terms));
    }

    function pledgers() external view returns (address[] memory) {
        return _pledgers;
    }

    /// @notice Every account whose balances are followed.
    function accounts() external view returns (address[] memory) {
        return _accounts;
    }

    /// @notice Follows `account` from its current balances on.
    function follow(address account) external {
        _accounts.push(account);
        for (uint256 asset; asset < ASSETS; ++asset) {
            ledger[account][asset] = lido.balanceOf(account, Asset(asset));
        }
    }

    function pots() public view returns (uint256) {
        return _tiers.length * ASSETS;
    }

    /// @notice The tier of a pot.
    function tierOf(uint256 id) external view returns (Tier memory) {
        return _tiers[id / ASSETS];
    }

    /// @notice What all pledgers have in a pot.
    function total(uint256 id) public view returns (uint256 sum) {
        for (uint256 i; i < _pledgers.length; ++i) {
            sum += amounts[_pledgers[i]][id];
        }
    }

    /// @notice Positions of one asset that have an amount.
    function positionsOf(uint256 asset) external view returns (uint256 count) {
        for (uint256 i; i < _pledgers.length; ++i) {
            for (uint256 id = asset; id < pots(); id += ASSETS) {
                if (amounts[_pledgers[i]][id] != 0) ++count;
            }
        }
    }

    /// @notice Tells a pledger that calls back which position is about to be paid.
    function alert(address pledger, uint256 id) external {
        if (pledger != _pledgers[_pledgers.length - 1]) return;
        GreedyPledger(payable(pledger)).expect(uint8(id / ASSETS), Asset(id % ASSETS));
    }

    /// @notice The pools of this rescue, and what is known of them.
    function adopt(IRecoveryPool pool_, IBonusPool bonus_, RecoveryBooks recovery_, BonusBooks sponsors_) external {
        (pool, bonus, recovery, sponsors) = (pool_, bonus_, recovery_, sponsors_);
    }

    // ------------------------------------------------------------------------------------------------ what happened

    function notePledge(address payer, address pledger, uint256 id, uint256 amount) external {
        amounts[pledger][id] += amount;
        _move(payer, address(escrow), id % ASSETS, amount);
    }

    /// @notice The whole position went to `recipient`, of an open rescue.
    function noteTaken(address pledger, uint256 id, address recipient) external {
        _move(address(escrow), recipient, id % ASSETS, amounts[pledger][id]);
        amounts[pledger][id] = 0;
    }

    function noteRefund(address pledger, uint256 id, address recipient, uint256 amount) external {
        refunded[pledger][id] += amount;
        _move(address(escrow), recipient, id % ASSETS, amount);
    }

    function noteRelease(uint256 asset, uint256 amount) external {
        released[asset] += amount;
        _move(address(escrow), address(beneficiary), asset, amount);
    }

    /// @notice ETH moved, into or out of a pool.
    function noteMove(address from, address to, uint256 amount) external {
        _move(from, to, uint256(Asset.ETH), amount);
    }

    function noteDonation(address from, uint256 asset, uint256 amount) external {
        donated[asset] += amount;
        _move(from, address(escrow), asset, amount);
    }

    function noteActed(bool acted_) external {
        acted = acted_;
    }

    function noteAmendment(uint256 target, uint256 deadline, bytes32 termsHash, uint256 effectiveAt) external {
        amendments.push(Amendment(target, deadline, termsHash, effectiveAt));
    }

    function _move(address from, address to, uint256 asset, uint256 amount) private {
        ledger[from][asset] -= amount;
        ledger[to][asset] += amount;
    }

    /// @notice After every call: how the stored status moved.
    /// @return decided Whether this call decided the rescue.
    function noteStatus() external returns (bool decided) {
        ++calls;
        Status next = books.status();
        if (next == status) return false;
        decided = status == Status.Open;
        if (decided) {
            metBps = highestMet();
            decidedRate = lido.rate();
            decidedAt = block.timestamp;
        }
        // A call after the deadline settles first, so that it may go two ways at once.
        bool settled = status == Status.Settled || (decided && books.settlements() == 1);
        bool ended = settled && (next == Status.Released || next == Status.Cancelled);
        bool begun = decided && (next == Status.Settled || next == Status.Failed);
        if (!ended && !begun) strayed = true;
        status = next;
    }

    // ------------------------------------------------------------------------------------------------ the rules

    /// @notice The terms in force: the last amendment whose time has come, or had when the rescue was decided.
    function inForce() public view returns (Amendment memory amendment) {
        uint256 time = decidedAt == 0 ? block.timestamp : decidedAt;
        for (uint256 i; i < amendments.length; ++i) {
            if (amendments[i].effectiveAt <= time) amendment = amendments[i];
        }
    }

    /// @notice When the pending amendment comes into force; 0 for none.
    function pendingUntil() public view returns (uint256) {
        uint256 effectiveAt = amendments[amendments.length - 1].effectiveAt;
        return status == Status.Open && effectiveAt > block.timestamp ? effectiveAt : 0;
    }

    /// @notice The deadline of an open rescue once its pending amendment, if it has one, is in force.
    function lastDeadline() external view returns (uint256) {
        return amendments[amendments.length - 1].deadline;
    }

    function pledging() public view returns (bool) {
        return status == Status.Open && block.timestamp <= inForce().deadline;
    }

    /// @notice Open, but any call would decide it.
    function late() public view returns (bool) {
        return status == Status.Open && block.timestamp > inForce().deadline;
    }

    /// @notice Whether stETH and wstETH can be pledged.
    function acceptsShares() external view returns (bool) {
        return this.terms().stETH != address(0);
    }

    /// @notice Whether some pot holds shares.
    function holdsShares() public view returns (bool) {
        for (uint256 id; id < pots(); ++id) {
            if (id % ASSETS != uint256(Asset.ETH) && total(id) != 0) return true;
        }
        return false;
    }

    /// @notice Value at the current rate of the pots in tiers of at most `thresholdBps`.
    function coverage(uint256 thresholdBps) public view returns (uint256) {
        uint256 eth;
        uint256 shares;
        for (uint256 id; id < pots(); ++id) {
            if (_tiers[id / ASSETS].thresholdBps > thresholdBps) continue;
            if (id % ASSETS == uint256(Asset.ETH)) eth += total(id);
            else shares += total(id);
        }
        return eth + shares * lido.rate() / 1e27;
    }

    /// @notice The highest threshold that is met now; 0 for none.
    function highestMet() public view returns (uint256 met) {
        uint256 target = inForce().target;
        for (uint256 i; i < _tiers.length; ++i) {
            uint256 bps = _tiers[i].thresholdBps;
            if (coverage(bps) * 10_000 >= target * bps) met = bps;
        }
    }

    /// @notice When tranche `number`, from 1, falls due.
    function trancheAt(uint256 number) public view returns (uint256) {
        return books.settledAt() + OBJECTION_PERIOD + (number - 1) * TRANCHE_INTERVAL;
    }

    /// @notice Tranches due now, by counting them.
    function due() public view returns (uint256 count) {
        while (count < TRANCHES && block.timestamp >= trancheAt(count + 1)) ++count;
    }

    /// @notice What is owed in all to a position of `page`, refunded or not.
    function entitled(RescueView memory page, address pledger, uint256 id) public view returns (uint256) {
        uint256 amount = amounts[pledger][id];
        if (page.status == Status.Open || amount == 0) return 0;
        if (page.status == Status.Failed) return amount;
        uint256 drawn = drawnOf(page, id);
        if (drawn == 0) return amount;
        uint256 sum = total(id);
        return amount * (sum - drawn * page.kept[id % ASSETS] / TRANCHES) / sum;
    }

    /// @notice What `page` says was drawn of a pot.
    function drawnOf(RescueView memory page, uint256 id) public pure returns (uint256) {
        for (uint256 i; i < page.pots.length; ++i) {
            if (page.pots[i].tier * ASSETS + uint256(page.pots[i].asset) == id) {
                return Units.unwrap(page.pots[i].drawn);
            }
        }
        return 0;
    }

    /// @notice Of an asset, what is in the tranches after `from` up to `to` of `page`.
    function tranchesOf(RescueView memory page, uint256 asset, uint256 from, uint256 to)
        external
        view
        returns (uint256 amount)
    {
        for (uint256 id = asset; id < pots(); id += ASSETS) {
            uint256 drawn = drawnOf(page, id);
            amount += drawn * to / TRANCHES - drawn * from / TRANCHES;
        }
    }
}
