// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import { CompactBooks } from "./CompactBooks.sol";
import { CallView, CompactTerms, ICompact, MemberView } from "./interfaces/ICompact.sol";
import { IPledgeEscrow, PledgingView, Terms } from "./interfaces/IPledgeEscrow.sol";
import { CompactShare } from "./libraries/CompactShare.sol";
import { EscrowAddress } from "./libraries/EscrowAddress.sol";
import { RescuePolicy } from "./libraries/RescuePolicy.sol";
import { Standing, increased, toUnits } from "./types/Standings.sol";
import { Units, WstETHUnits } from "./types/Units.sol";

/// @title Compact: a standing agreement to rescue
/// @dev The reference is ICompact. This contract has the calls and the views, CompactBooks the state and what several
/// calls share. CompactShare has the divisions, RescuePolicy the rescues that may be called for, CompactTermsCheck the
/// terms that are allowed, and Standings what a member has.
///
/// No function loops over members, except `fulfill` over its caller's list. Books are written and events emitted before
/// each external call that changes anything. The only such callees are wstETH and escrows whose code and terms were
/// proven by their address; neither calls anyone but the other and stETH. So a re-entrant call finds complete books,
/// and no lock is needed.
contract Compact is CompactBooks {
    using CompactShare for Units;
    using SafeERC20 for IERC20;

    /// @param terms_ The terms; see CompactTerms and the errors "of the terms" in ICompact.
    constructor(CompactTerms memory terms_) CompactBooks(terms_) { }

    // ------------------------------------------------------------------------------------------------ members

    /// @inheritdoc ICompact
    function admit(address account) external {
        if (msg.sender != ADMITTER) revert NotAdmitter(msg.sender, ADMITTER);
        if (_admitted[account]) revert AlreadyAdmitted(account);
        _admitted[account] = true;
        emit Admitted(account);
    }

    /// @inheritdoc ICompact
    function commit(WstETHUnits amount) external {
        if (!_mayCommit(msg.sender)) revert NotAdmitted(msg.sender);
        Member storage member_ = _members[msg.sender];
        Units units = toUnits(WstETHUnits.unwrap(amount));
        Units pending = increased(member_.pending, units);
        if (Units.unwrap(pending) == 0) revert ZeroAmount();
        member_.pending = pending;
        member_.committedAt = _now();
        emit Committed(msg.sender, units, _now());
        _take(units);
    }

    /// @inheritdoc ICompact
    function takeBackTo(address recipient) external {
        _requireAccount(recipient);
        Units amount = _removePending(msg.sender);
        emit TakenBack(msg.sender, recipient, amount);
        _pay(recipient, amount);
    }

    /// @inheritdoc ICompact
    function activate(address account) external {
        Member storage member_ = _members[account];
        uint256 readyAt = member_.committedAt + SEASONING;
        Units amount = _removePending(account);
        if (block.timestamp < readyAt) revert StillSeasoning(readyAt, block.timestamp);
        uint256 limit = readyAt + LEAVE_WINDOW;
        if (block.timestamp > limit) revert SeasonedTooLong(limit, block.timestamp);
        Standing before = _standing(member_);
        _reweigh(member_, before, before.joined(amount));
        emit Activated(account, amount, _now());
    }

    /// @inheritdoc ICompact
    function notice(WstETHUnits amount) external {
        Member storage member_ = _members[msg.sender];
        Standing before = _standing(member_);
        if (WstETHUnits.unwrap(amount) > Units.unwrap(before.active())) revert NoticeTooLarge(amount, before.active());
        Units units = toUnits(WstETHUnits.unwrap(amount));
        member_.noticedAt = Units.unwrap(units) == 0 ? 0 : _now();
        _reweigh(member_, before, before.withNotice(units));
        emit Noticed(msg.sender, units, _now());
    }

    /// @inheritdoc ICompact
    function leaveTo(address recipient) external {
        _requireAccount(recipient);
        Member storage member_ = _members[msg.sender];
        Standing before = _standing(member_);
        Units amount = before.noticed();
        if (Units.unwrap(amount) == 0) revert NothingNoticed(msg.sender);
        uint256 readyAt = member_.noticedAt + NOTICE_PERIOD;
        if (block.timestamp < readyAt) revert NoticeRunning(readyAt, block.timestamp);
        uint256 limit = readyAt + LEAVE_WINDOW;
        if (block.timestamp > limit) revert NoticeLapsed(limit, block.timestamp);

        _leave(member_, before);
        emit Left(msg.sender, recipient, amount, _now());
        _pay(recipient, amount);
    }

    /// @inheritdoc ICompact
    function nameApprover(address approver) external {
        _members[msg.sender].approver = approver;
        emit ApproverNamed(msg.sender, approver);
    }

    // ------------------------------------------------------------------------------------------------ calls

    /// @inheritdoc ICompact
    function propose(address account, Terms calldata rescue, address[] calldata code, uint8 tier, uint16 bps)
        external
        returns (uint256 number)
    {
        _requireApprover(account);
        // A block's time is never zero.
        uint256 before = block.timestamp - 1;
        if (Units.unwrap(_standingAt(_members[account], before).weight()) == 0) revert NoWeight(account, before);
        if (bps == 0 || bps > MAX_CALL_BPS) revert BpsOutOfBounds(bps, MAX_CALL_BPS);
        Call memory call;
        call.escrow = _escrowOf(rescue, code);
        RescuePolicy.checkTerms(_terms(), rescue, tier);
        (call.tier, call.bps, call.proposedAt) = (tier, bps, _now());
        call.active = _allAt(before).active();
        call.amendment = _checkRescue(call, rescue.stETH);

        number = _calls.length;
        _calls.push(call);
        emit Proposed(number, account, call.escrow, tier, bps, call.amendment, call.active, _now());
    }

    /// @inheritdoc ICompact
    function approve(uint256 number, address account) external {
        _requireApprover(account);
        Call storage slot = _callOf(number);
        Call memory call = slot;
        _requireVoting(number, call);
        Vote storage vote = _votes[number][account];
        if (vote.approved) revert AlreadyApproved(number, account);
        Units weight = _weightFor(call, account);
        if (Units.unwrap(weight) == 0) revert NoWeight(account, call.proposedAt - 1);

        vote.approved = true;
        // Each weight is part of all weight at that time, and counted once: the sum is at most what was active.
        call.approvals = call.approvals + weight;
        slot.approvals = call.approvals;
        emit Approved(number, account, weight);
        if (!_hasPassed(call)) return;
        // At most the voting period, which has 32 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        slot.passedAfter = uint32(block.timestamp - call.proposedAt);
        emit Passed(number, _now());
    }

    /// @inheritdoc ICompact
    function withdraw(uint256 number) external {
        Call storage slot = _callOf(number);
        Call memory call = slot;
        _requireVoting(number, call);
        Vote storage vote = _votes[number][msg.sender];
        if (!vote.approved) revert NotApproved(number, msg.sender);
        Units weight = _weightFor(call, msg.sender);
        vote.approved = false;
        // The past does not change, so this weight is what was added.
        slot.approvals = call.approvals - weight;
        emit ApprovalWithdrawn(number, msg.sender, weight);
    }

    /// @inheritdoc ICompact
    function fulfill(uint256 number, address[] calldata members) external {
        Call memory call = _callOf(number);
        _requireFulfilling(number, call);
        _begin(number);
        bool given;
        for (uint256 i; i < members.length; ++i) {
            if (_give(number, call, members[i])) given = true;
        }
        if (!given) revert NothingToGive(number);
    }

    // ------------------------------------------------------------------------------------------------ premiums

    /// @inheritdoc ICompact
    function payPremium(WstETHUnits amount) external {
        if (WstETHUnits.unwrap(amount) == 0) revert ZeroAmount();
        Units units = toUnits(WstETHUnits.unwrap(amount));
        Units weight = _allNow().weight();
        if (Units.unwrap(weight) == 0) revert NobodyEarns();
        _index += units.indexDown(weight);
        emit PremiumPaid(msg.sender, units, weight);
        _take(units);
    }

    /// @inheritdoc ICompact
    function claim(address account) external {
        Member storage member_ = _members[account];
        Units amount = _earned(member_, _standing(member_));
        if (Units.unwrap(amount) == 0) revert NothingToClaim(account);
        member_.earned = Units.wrap(0);
        member_.index = _index;
        emit PremiumClaimed(account, amount);
        _pay(account, amount);
    }

    // ------------------------------------------------------------------------------------------------ views

    /// @inheritdoc ICompact
    function terms() external view returns (CompactTerms memory) {
        return _terms();
    }

    /// @inheritdoc ICompact
    function memberOf(address account) external view returns (MemberView memory) {
        Member storage member_ = _members[account];
        Standing standing_ = _standing(member_);
        return MemberView({
            admitted: _mayCommit(account),
            approver: member_.approver,
            pending: member_.pending,
            committedAt: member_.committedAt,
            active: standing_.active(),
            noticed: standing_.noticed(),
            noticedAt: member_.noticedAt,
            earned: _earned(member_, standing_)
        });
    }

    /// @inheritdoc ICompact
    function all() external view returns (Units active, Units weight, uint256 index) {
        Standing standing_ = _allNow();
        return (standing_.active(), standing_.weight(), _index);
    }

    /// @inheritdoc ICompact
    function standingAt(address account, uint256 time) external view returns (Units active, Units weight) {
        Standing standing_ = _standingAt(_members[account], time);
        return (standing_.active(), standing_.weight());
    }

    /// @inheritdoc ICompact
    function allAt(uint256 time) external view returns (Units active, Units weight) {
        Standing standing_ = _allAt(time);
        return (standing_.active(), standing_.weight());
    }

    /// @inheritdoc ICompact
    function callCount() external view returns (uint256) {
        return _calls.length;
    }

    /// @inheritdoc ICompact
    function callAt(uint256 number) external view returns (CallView memory) {
        Call memory call = _callOf(number);
        return CallView({
            escrow: call.escrow,
            tier: call.tier,
            bps: call.bps,
            proposedAt: call.proposedAt,
            amendment: call.amendment,
            active: call.active,
            required: _required(call),
            approvals: call.approvals,
            passedAt: _hasPassed(call) ? call.proposedAt + call.passedAfter : 0
        });
    }

    /// @inheritdoc ICompact
    function voteOf(uint256 number, address account) external view returns (bool approved, bool given) {
        Vote memory vote = _votes[number][account];
        return (vote.approved, vote.given);
    }

    /// @inheritdoc ICompact
    function shareOf(uint256 number, address account) external view returns (Units) {
        Call memory call = _callOf(number);
        if (_votes[number][account].given) return Units.wrap(0);
        Member storage member_ = _members[account];
        // In the second of the proposal the share is known already: weights are those one second before.
        return _share(call, member_, _standing(member_));
    }

    /// @inheritdoc ICompact
    function lastStarted() external view returns (uint256 call, uint40 startedAt) {
        return (_start.call, _start.startedAt);
    }

    // ------------------------------------------------------------------------------------------------ proposing

    /// @dev The escrow that follows from the compact's code and these terms, if it exists.
    function _escrowOf(Terms calldata rescue, address[] calldata code) private view returns (address escrow) {
        bytes memory creationCode = EscrowAddress.read(code);
        bytes32 codeHash = keccak256(creationCode);
        if (codeHash != ESCROW_CODE_HASH) revert WrongEscrowCode(codeHash, ESCROW_CODE_HASH);
        escrow = EscrowAddress.addressOf(creationCode, rescue);
        if (escrow.code.length == 0) revert NoEscrow(escrow);
    }

    /// @dev Checks what the rescue has stored: whether it takes pledges for long enough, and misses what is asked.
    /// @return The time of its latest amendment.
    function _checkRescue(Call memory call, address stETH) private view returns (uint40) {
        IPledgeEscrow escrow = IPledgeEscrow(call.escrow);
        PledgingView memory found = escrow.pledging();
        RescuePolicy.checkDeadline(found, block.timestamp + VOTING_PERIOD + FULFILL_PERIOD);
        RescuePolicy.checkAmount(escrow, found, stETH, call.active.calledDown(call.bps));
        return found.amendment.effectiveAt;
    }

    /// @dev A member's weight in a call.
    function _weightFor(Call memory call, address account) private view returns (Units) {
        // A proposal's second is never the first.
        return _standingAt(_members[account], call.proposedAt - 1).weight();
    }

    // ------------------------------------------------------------------------------------------------ fulfilling

    function _requireFulfilling(uint256 number, Call memory call) private view {
        if (!_hasPassed(call)) revert CallNotPassed(number, call.approvals, _required(call));
        uint256 limit = call.proposedAt + call.passedAfter + FULFILL_PERIOD;
        if (block.timestamp > limit) revert FulfillmentOver(limit, block.timestamp);
    }

    /// @dev Records a call's first fulfillment, which must be so long after that of another that everyone who disagrees
    /// has left. When another may begin, the fulfillment of this one is over: so one record is enough.
    function _begin(uint256 number) private {
        Start memory last = _start;
        if (last.startedAt != 0) {
            if (last.call == number) return;
            uint256 limit = last.startedAt + FULFILL_PERIOD + NOTICE_PERIOD + LEAVE_WINDOW;
            if (block.timestamp <= limit) revert CallTooSoon(limit, block.timestamp);
        }
        // There are not that many calls.
        // forge-lint: disable-next-line(unsafe-typecast)
        _start = Start(_now(), uint216(number));
        emit CallStarted(number, _now());
    }

    /// @dev Pledges a member's share, and says whether there was anything to give.
    function _give(uint256 number, Call memory call, address account) private returns (bool) {
        Vote storage vote = _votes[number][account];
        Member storage member_ = _members[account];
        Standing before = _standing(member_);
        if (vote.given) return false;
        Units amount = _share(call, member_, before);
        if (Units.unwrap(amount) == 0) return false;

        vote.given = true;
        Standing after_ = before.called(amount);
        // What is noticed is cut to what is active; if nothing of it is left, there is no notice.
        if (Units.unwrap(after_.active()) == 0) member_.noticedAt = 0;
        _reweigh(member_, before, after_);
        emit Given(number, account, amount, _now());
        IERC20(WSTETH).forceApprove(call.escrow, Units.unwrap(amount));
        WstETHUnits units = WstETHUnits.wrap(Units.unwrap(amount));
        IPledgeEscrow(call.escrow).pledgeWstETH(account, call.tier, call.amendment, units);
        return true;
    }

    // ------------------------------------------------------------------------------------------------ small things

    function _mayCommit(address account) private view returns (bool) {
        return ADMITTER == address(0) || _admitted[account];
    }

    /// @dev Takes everything pending of a member out of the books.
    function _removePending(address account) private returns (Units amount) {
        Member storage member_ = _members[account];
        amount = member_.pending;
        if (Units.unwrap(amount) == 0) revert NothingPending(account);
        member_.pending = Units.wrap(0);
        member_.committedAt = 0;
    }

    /// @dev Takes what was just booked from the caller.
    function _take(Units amount) private {
        IERC20(WSTETH).safeTransferFrom(msg.sender, address(this), Units.unwrap(amount));
    }

    /// @dev Pays what was just taken out of the books.
    function _pay(address recipient, Units amount) private {
        IERC20(WSTETH).safeTransfer(recipient, Units.unwrap(amount));
    }

    function _terms() private view returns (CompactTerms memory) {
        return CompactTerms({
            wstETH: WSTETH,
            escrowCodeHash: ESCROW_CODE_HASH,
            admitter: ADMITTER,
            guardian: GUARDIAN,
            termsHash: TERMS_HASH,
            // Each of these had the width of its cast when the constructor took it.
            // forge-lint: disable-start(unsafe-typecast)
            quorumBps: uint16(QUORUM_BPS),
            maxCallBps: uint16(MAX_CALL_BPS),
            votingPeriod: uint32(VOTING_PERIOD),
            fulfillPeriod: uint32(FULFILL_PERIOD),
            noticePeriod: uint32(NOTICE_PERIOD),
            leaveWindow: uint32(LEAVE_WINDOW),
            seasoning: uint32(SEASONING),
            minThresholdBps: uint16(MIN_THRESHOLD_BPS),
            minRateBps: uint16(MIN_RATE_BPS),
            minObjectionPeriod: uint32(MIN_OBJECTION_PERIOD),
            minExitWindow: uint32(MIN_EXIT_WINDOW),
            maxVetoBps: uint16(MAX_VETO_BPS),
            maxLock: uint32(MAX_LOCK)
            // forge-lint: disable-end(unsafe-typecast)
        });
    }
}
