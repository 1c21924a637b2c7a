// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Checkpoints } from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

import { CompactTerms, ICompact } from "./interfaces/ICompact.sol";
import { CompactShare } from "./libraries/CompactShare.sol";
import { CompactTermsCheck } from "./libraries/CompactTermsCheck.sol";
import { Standing, increased, toUnits } from "./types/Standings.sol";
import { Units } from "./types/Units.sol";

/// @title The books of one compact
/// @dev The state, and everything that more than one call does with it.
abstract contract CompactBooks is ICompact {
    using Checkpoints for Checkpoints.Trace208;
    using CompactShare for Units;

    /// @dev One member. `pending`, `committedAt` and `earned` share a word; so do `approver`, `noticedAt` and `leftAt`.
    /// @custom:member committedAt When the last commitment was made; 0 if nothing is pending.
    /// @custom:member earned Premiums accrued and not paid.
    /// @custom:member index The index of the last accrual.
    /// @custom:member noticedAt When notice was given; 0 if nothing is under notice.
    /// @custom:member leftAt When the member left, until its standing changes again, which writes that into the history
    /// too: so leaving, which is often the last change, takes no new word. 0 if the history has everything.
    /// @custom:member history The member's Standing, by the second since which it has been that.
    struct Member {
        Units pending;
        uint40 committedAt;
        Units earned;
        uint256 index;
        address approver;
        uint40 noticedAt;
        uint40 leftAt;
        Checkpoints.Trace208 history;
    }

    /// @dev One call, in two slots. It has passed if, and only if, it has the approvals that it needs, because they can
    /// neither be given nor withdrawn after that.
    /// @custom:member passedAfter Seconds from the proposal until it passed; 0 before that.
    struct Call {
        address escrow;
        uint40 proposedAt;
        uint16 bps;
        uint8 tier;
        uint32 passedAfter;
        Units active;
        Units approvals;
        uint40 amendment;
    }

    /// @dev What one member did about one call.
    struct Vote {
        bool approved;
        bool given;
    }

    /// @dev The last call that gave anything, and when it began to; all zero if none has.
    struct Start {
        uint40 startedAt;
        uint216 call;
    }

    /// @dev Where the index begins. Not zero, so that a member's first accrual is when it is activated, and its first
    /// claim costs no more than the others.
    uint256 private constant FIRST_INDEX = 1;

    address internal immutable WSTETH;
    bytes32 internal immutable ESCROW_CODE_HASH;
    address internal immutable ADMITTER;
    address internal immutable GUARDIAN;
    bytes32 internal immutable TERMS_HASH;
    uint256 internal immutable QUORUM_BPS;
    uint256 internal immutable MAX_CALL_BPS;
    uint256 internal immutable VOTING_PERIOD;
    uint256 internal immutable FULFILL_PERIOD;
    uint256 internal immutable NOTICE_PERIOD;
    uint256 internal immutable LEAVE_WINDOW;
    uint256 internal immutable SEASONING;
    uint256 internal immutable MIN_THRESHOLD_BPS;
    uint256 internal immutable MIN_RATE_BPS;
    uint256 internal immutable MIN_OBJECTION_PERIOD;
    uint256 internal immutable MIN_EXIT_WINDOW;
    uint256 internal immutable MAX_VETO_BPS;
    uint256 internal immutable MAX_LOCK;

    mapping(address account => bool) internal _admitted;
    mapping(address account => Member) internal _members;
    /// @dev The sum of all members' standings, by the second since which it has been that.
    Checkpoints.Trace208 internal _all;
    /// @dev Premiums per unit of weight, times 2^128, since the beginning. It never falls.
    uint256 internal _index = FIRST_INDEX;
    Call[] internal _calls;
    mapping(uint256 call => mapping(address account => Vote)) internal _votes;
    Start internal _start;

    constructor(CompactTerms memory terms_) {
        CompactTermsCheck.check(terms_);
        WSTETH = terms_.wstETH;
        ESCROW_CODE_HASH = terms_.escrowCodeHash;
        ADMITTER = terms_.admitter;
        GUARDIAN = terms_.guardian;
        TERMS_HASH = terms_.termsHash;
        QUORUM_BPS = terms_.quorumBps;
        MAX_CALL_BPS = terms_.maxCallBps;
        VOTING_PERIOD = terms_.votingPeriod;
        FULFILL_PERIOD = terms_.fulfillPeriod;
        NOTICE_PERIOD = terms_.noticePeriod;
        LEAVE_WINDOW = terms_.leaveWindow;
        SEASONING = terms_.seasoning;
        MIN_THRESHOLD_BPS = terms_.minThresholdBps;
        MIN_RATE_BPS = terms_.minRateBps;
        MIN_OBJECTION_PERIOD = terms_.minObjectionPeriod;
        MIN_EXIT_WINDOW = terms_.minExitWindow;
        MAX_VETO_BPS = terms_.maxVetoBps;
        MAX_LOCK = terms_.maxLock;
        // The history's first word, so that the first activation costs no more than the others.
        _all.push(_now(), 0);
        emit CompactCreated(terms_);
    }

    // ------------------------------------------------------------------------------------------------ standings

    /// @dev A member's standing now.
    function _standing(Member storage member_) internal view returns (Standing latest) {
        latest = Standing.wrap(member_.history.latest());
        if (member_.leftAt != 0) latest = latest.left();
    }

    /// @dev A member's standing at the end of a past second, which no longer changes.
    function _standingAt(Member storage member_, uint256 time) internal view returns (Standing found) {
        found = _lookup(member_.history, time);
        // Later than everything in the history, so that what was found is the last of it.
        if (member_.leftAt != 0 && time >= member_.leftAt) found = found.left();
    }

    /// @dev All members' standing now.
    function _allNow() internal view returns (Standing) {
        return Standing.wrap(_all.latest());
    }

    /// @dev All members' standing at the end of a past second, which no longer changes.
    function _allAt(uint256 time) internal view returns (Standing) {
        return _lookup(_all, time);
    }

    function _lookup(Checkpoints.Trace208 storage history, uint256 time) private view returns (Standing) {
        if (time >= block.timestamp) revert NotPast(time, block.timestamp - 1);
        // A time in the past has as few bits as the present.
        // forge-lint: disable-next-line(unsafe-typecast)
        return Standing.wrap(history.upperLookupRecent(uint48(time)));
    }

    /// @dev Writes a member's standing, `before` until now. Premiums accrue by the weight before.
    function _reweigh(Member storage member_, Standing before, Standing after_) internal {
        _accrue(member_, before);
        if (member_.leftAt != 0) {
            member_.history.push(member_.leftAt, Standing.unwrap(before));
            member_.leftAt = 0;
        }
        member_.history.push(_now(), Standing.unwrap(after_));
        _replace(before, after_);
    }

    /// @dev Lets a member leave with what it has under notice. Its weight stays, so nothing accrues.
    function _leave(Member storage member_, Standing before) internal {
        member_.noticedAt = 0;
        // Nothing can be under notice of who left already: so this replaces no other time.
        member_.leftAt = _now();
        _replace(before, before.left());
    }

    /// @dev Keeps the sum of all standings.
    function _replace(Standing before, Standing after_) private {
        _all.push(_now(), Standing.unwrap(_allNow().replaced(before, after_)));
    }

    // ------------------------------------------------------------------------------------------------ premiums

    /// @dev Books what the member has earned with its weight since the last accrual.
    function _accrue(Member storage member_, Standing standing_) internal {
        Units earned = _earned(member_, standing_);
        if (!(earned == member_.earned)) member_.earned = earned;
        if (member_.index != _index) member_.index = _index;
    }

    /// @dev What the member has earned and not received. It is part of what the compact holds, so it has no more than
    /// 104 bits.
    function _earned(Member storage member_, Standing standing_) internal view returns (Units) {
        // The index never falls.
        uint256 gained = _index - member_.index;
        return increased(member_.earned, toUnits(standing_.weight().earnedDown(gained)));
    }

    // ------------------------------------------------------------------------------------------------ calls

    function _callOf(uint256 call) internal view returns (Call storage) {
        if (call >= _calls.length) revert UnknownCall(call, _calls.length);
        return _calls[call];
    }

    /// @dev The approvals at which a call passes.
    function _required(Call memory call) internal view returns (Units) {
        return call.active.quorumUp(QUORUM_BPS);
    }

    function _hasPassed(Call memory call) internal view returns (bool) {
        return Units.unwrap(call.approvals) >= Units.unwrap(_required(call));
    }

    /// @dev What a member gives to a call if it has not given yet.
    function _share(Call memory call, Member storage member_, Standing now_) internal view returns (Units share) {
        // A proposal's second is never the first.
        share = _standingAt(member_, call.proposedAt - 1).active().calledDown(call.bps);
        if (Units.unwrap(now_.active()) < Units.unwrap(share)) share = now_.active();
    }

    // ------------------------------------------------------------------------------------------------ may this happen

    /// @dev Value sent to the zero address, this compact or its token would be lost to its owner.
    function _requireAccount(address account) internal view {
        if (account == address(0) || account == address(this) || account == WSTETH) revert InvalidAccount(account);
    }

    function _requireApprover(address account) internal view {
        if (msg.sender != account && msg.sender != _members[account].approver) revert NotApprover(msg.sender, account);
    }

    /// @dev Requires that the call can still be approved, and approvals withdrawn.
    function _requireVoting(uint256 number, Call memory call) internal view {
        if (_hasPassed(call)) revert CallHasPassed(number);
        uint256 limit = call.proposedAt + VOTING_PERIOD;
        if (block.timestamp > limit) revert VotingOver(limit, block.timestamp);
    }

    /// @dev 40 bits of seconds last for 34,000 years.
    function _now() internal view returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint40(block.timestamp);
    }
}
