// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Units, Wei, WstETHUnits } from "../types/Units.sol";
import { Status, Terms } from "./IPledgeEscrow.sol";

/// @notice The terms of a compact, fixed when it is created.
/// @custom:member wstETH The one asset of the compact; has code.
/// @custom:member escrowCodeHash The keccak256 of the creation code, without arguments, of the escrows that a call may
/// pay into; not zero. A new edition of the escrow needs a new compact.
/// @custom:member admitter Only accounts that it admitted may commit; zero if anyone may.
/// @custom:member guardian The guardian of a called rescue must be this or none.
/// @custom:member termsHash Hash of the human-readable agreement.
/// @custom:member quorumBps The share of everything active that must approve a call, in basis points: 5,001 to 10,000.
/// @custom:member maxCallBps The most that one call takes of what a member has active, in basis points: 1 to 10,000.
/// @custom:member votingPeriod Seconds for which a call can be approved; a day or more.
/// @custom:member fulfillPeriod Seconds for which a call that passed can be fulfilled; a day or more.
/// @custom:member noticePeriod Seconds from a notice until the member may leave; more than votingPeriod + fulfillPeriod,
/// so that who votes cannot be gone before fulfillment ends.
/// @custom:member leaveWindow Seconds for which a notice that has run out may be used, and for which money that has
/// seasoned may be activated; a day or more.
/// @custom:member seasoning Seconds from committing until money may be activated; noticePeriod + leaveWindow or more,
/// so that who distrusts a newcomer can leave before it counts.
/// @custom:member minThresholdBps The least threshold of the tier that a call pays into, in basis points: 1 to 10,000.
/// @custom:member minRateBps The least yearly interest of that tier, in basis points.
/// @custom:member minObjectionPeriod The least objection period of the rescue, in seconds; a day or more.
/// @custom:member minExitWindow The least exit window of the rescue, in seconds; a day or more.
/// @custom:member maxVetoBps The rescue's veto must be 1 to this, in basis points: 1 to 9,999.
/// @custom:member maxLock The longest that a called rescue may hold money, in seconds from the proposal; not zero.
struct CompactTerms {
    address wstETH;
    bytes32 escrowCodeHash;
    address admitter;
    address guardian;
    bytes32 termsHash;
    uint16 quorumBps;
    uint16 maxCallBps;
    uint32 votingPeriod;
    uint32 fulfillPeriod;
    uint32 noticePeriod;
    uint32 leaveWindow;
    uint32 seasoning;
    uint16 minThresholdBps;
    uint16 minRateBps;
    uint32 minObjectionPeriod;
    uint32 minExitWindow;
    uint16 maxVetoBps;
    uint32 maxLock;
}

/// @notice One member, as booked.
/// @custom:member admitted Whether it may commit.
/// @custom:member approver The account that proposes and approves in its stead; zero for none.
/// @custom:member pending Units committed and not activated: not bound, and not called.
/// @custom:member committedAt When the last commitment was made; 0 if nothing is pending.
/// @custom:member active Units that can be called.
/// @custom:member noticed Units of these under notice: they neither vote nor earn, and are called last.
/// @custom:member noticedAt When notice was given; 0 for none.
/// @custom:member earned Units of premiums that a claim would pay now, rounded down at each accrual.
struct MemberView {
    bool admitted;
    address approver;
    Units pending;
    uint40 committedAt;
    Units active;
    Units noticed;
    uint40 noticedAt;
    Units earned;
}

/// @notice One call for a rescue.
/// @custom:member escrow The escrow of the rescue.
/// @custom:member tier The tier that is paid into.
/// @custom:member bps What the call takes of each member's active units, in basis points.
/// @custom:member proposedAt When it was proposed; weights and amounts are those one second before.
/// @custom:member amendment The latest amendment of the rescue at that time, by its `effectiveAt`; 0 for none.
/// @custom:member active All units active one second before the proposal.
/// @custom:member required The approvals at which it passes: ceil(active * quorumBps / 10,000).
/// @custom:member approvals The weight that approves it.
/// @custom:member passedAt When it passed, or 0.
struct CallView {
    address escrow;
    uint8 tier;
    uint16 bps;
    uint40 proposedAt;
    uint40 amendment;
    Units active;
    Units required;
    Units approvals;
    uint40 passedAt;
}

/// @title Compact: a standing agreement to rescue
/// @notice Members lock wstETH before there is a shortfall, under rules fixed beforehand. When a rescue is called for,
/// a quorum decides once, and every member gives the same share of what it had active, as a pledge in its own name.
///
/// Committed units are first *pending*, and their owner may take them back. After `seasoning` they can be activated:
/// from then on they count, can be called, and earn premiums. To leave, a member gives *notice*, and may take what it
/// noticed from `noticePeriod` later on; nothing and nobody can delay it. A member's *weight* is what is active and not
/// under notice.
///
/// A *call* asks for `bps` of what each member has active, for one tier of one rescue within the compact's terms. It
/// passes with the approval of `quorumBps` of everything active one second before it was proposed. Two calls that give
/// anything are so far apart that everyone who disagrees can leave in between.
///
/// There is no owner, no upgrade and no fee. wstETH leaves only to the member whose it is, to a recipient that this
/// member names (takeBackTo, leaveTo), or into a Levee escrow, as a pledge of this member. No function loops over members;
/// `fulfill` loops over the list of its caller. The address follows, by CREATE2, from this code and the terms.
///
/// The guarantees hold if wstETH behaves like Lido's: it moves exactly what is requested, calls nobody, and has fewer
/// than 2^104 units. wstETH sent in without a call is outside the books and stays in the compact.
///
/// Every period includes its first and its last second. Every refusal is one of the errors below, or in `fulfill` one of
/// the escrow's, except that wstETH's own errors pass through unchanged. Amounts are in units of wstETH.
interface ICompact {
    // ------------------------------------------------------------------------------------------------ events
    // Each is emitted right after the books change and before any payment. The whole state can be rebuilt from them.

    /// @notice The compact was created with these terms.
    event CompactCreated(CompactTerms terms);

    /// @notice `account` may commit from now on.
    event Admitted(address indexed account);

    /// @notice `member` committed `amount`; everything pending seasons anew from `committedAt` on.
    event Committed(address indexed member, Units amount, uint40 committedAt);

    /// @notice Everything pending of `member` went to `recipient`.
    event TakenBack(address indexed member, address recipient, Units amount);

    /// @notice Everything pending of `member` counts from `activatedAt` on.
    event Activated(address indexed member, Units amount, uint40 activatedAt);

    /// @notice From `noticedAt` on, `amount` of `member` is under notice, instead of what was; 0 for nothing.
    event Noticed(address indexed member, Units amount, uint40 noticedAt);

    /// @notice `member` left with what it had noticed, which went to `recipient`.
    event Left(address indexed member, address recipient, Units amount, uint40 leftAt);

    /// @notice `approver` proposes and approves in the stead of `member`; zero for nobody.
    event ApproverNamed(address indexed member, address indexed approver);

    /// @notice A call was proposed for `member`, by itself or its approver; see CallView. Calls are numbered from 0.
    event Proposed(
        uint256 indexed call,
        address indexed member,
        address indexed escrow,
        uint8 tier,
        uint16 bps,
        uint40 amendment,
        Units active,
        uint40 proposedAt
    );

    /// @notice `member` approved the call with its `weight`.
    event Approved(uint256 indexed call, address indexed member, Units weight);

    /// @notice `member` withdrew its approval.
    event ApprovalWithdrawn(uint256 indexed call, address indexed member, Units weight);

    /// @notice The call has enough approvals.
    event Passed(uint256 indexed call, uint40 passedAt);

    /// @notice The call gives for the first time. No other call gives until `fulfillPeriod + noticePeriod + leaveWindow`
    /// has passed since.
    event CallStarted(uint256 indexed call, uint40 startedAt);

    /// @notice `amount` of `member` was pledged in its name.
    event Given(uint256 indexed call, address indexed member, Units amount, uint40 givenAt);

    /// @notice `payer` paid a premium, shared by all `weight` at that time.
    event PremiumPaid(address indexed payer, Units amount, Units weight);

    /// @notice Everything that `member` had earned and not received was paid to it.
    event PremiumClaimed(address indexed member, Units amount);

    // ------------------------------------------------------------------------------------------------ errors
    // Of the terms, in the constructor.

    /// @notice Thrown when there is no code at wstETH.
    error TokenWithoutCode(address wstETH);
    /// @notice Thrown when the hash of the escrow's creation code is zero.
    error EscrowCodeHashZero();
    /// @notice Thrown when quorumBps is not between `minimum` and `maximum`.
    error QuorumOutOfBounds(uint256 quorumBps, uint256 minimum, uint256 maximum);
    /// @notice Thrown when maxCallBps is zero or more than `maximum`.
    error MaxCallOutOfBounds(uint256 maxCallBps, uint256 maximum);
    /// @notice Thrown when votingPeriod is shorter than `minimum`.
    error VotingPeriodTooShort(uint256 votingPeriod, uint256 minimum);
    /// @notice Thrown when fulfillPeriod is shorter than `minimum`.
    error FulfillPeriodTooShort(uint256 fulfillPeriod, uint256 minimum);
    /// @notice Thrown when noticePeriod is shorter than `minimum`, one second more than voting and fulfillment.
    error NoticePeriodTooShort(uint256 noticePeriod, uint256 minimum);
    /// @notice Thrown when leaveWindow is shorter than `minimum`.
    error LeaveWindowTooShort(uint256 leaveWindow, uint256 minimum);
    /// @notice Thrown when seasoning is shorter than `minimum`, the notice period and the window after it.
    error SeasoningTooShort(uint256 seasoning, uint256 minimum);
    /// @notice Thrown when minThresholdBps is zero or more than `maximum`.
    error MinThresholdOutOfBounds(uint256 minThresholdBps, uint256 maximum);
    /// @notice Thrown when minObjectionPeriod is shorter than `minimum`.
    error MinObjectionPeriodTooShort(uint256 minObjectionPeriod, uint256 minimum);
    /// @notice Thrown when minExitWindow is shorter than `minimum`.
    error MinExitWindowTooShort(uint256 minExitWindow, uint256 minimum);
    /// @notice Thrown when maxVetoBps is zero or more than `maximum`.
    error MaxVetoOutOfBounds(uint256 maxVetoBps, uint256 maximum);
    /// @notice Thrown when maxLock is zero.
    error MaxLockZero();

    // Of members and premiums. AmountTooLarge, of the books, is thrown when a sum would have more than 104 bits.

    /// @notice Thrown by admit when the caller is not the admitter.
    error NotAdmitter(address caller, address admitter);
    /// @notice Thrown by admit when the account was admitted before.
    error AlreadyAdmitted(address account);
    /// @notice Thrown by commit when the caller was not admitted.
    error NotAdmitted(address account);
    /// @notice Thrown when a premium is of nothing, and by commit when nothing is committed and nothing pending.
    error ZeroAmount();
    /// @notice Thrown when the recipient is zero, the compact or wstETH.
    error InvalidAccount(address account);
    /// @notice Thrown by takeBackTo and activate when nothing is pending.
    error NothingPending(address member);
    /// @notice Thrown by activate before `readyAt`.
    error StillSeasoning(uint256 readyAt, uint256 time);
    /// @notice Thrown by activate after `limit`: the money must season again.
    error SeasonedTooLong(uint256 limit, uint256 time);
    /// @notice Thrown by notice when the amount is more than what is active.
    error NoticeTooLarge(WstETHUnits amount, Units active);
    /// @notice Thrown by leaveTo when nothing is under notice.
    error NothingNoticed(address member);
    /// @notice Thrown by leaveTo before `readyAt`.
    error NoticeRunning(uint256 readyAt, uint256 time);
    /// @notice Thrown by leaveTo after `limit`: notice must be given again.
    error NoticeLapsed(uint256 limit, uint256 time);
    /// @notice Thrown by payPremium when nobody has weight.
    error NobodyEarns();
    /// @notice Thrown by claim when nothing is to be paid.
    error NothingToClaim(address member);

    // Of calls.

    /// @notice Thrown by propose and approve when the caller is neither the member nor its approver.
    error NotApprover(address caller, address member);
    /// @notice Thrown by propose and approve when the member had no weight at `time`.
    error NoWeight(address member, uint256 time);
    /// @notice Thrown by propose when bps is zero or more than `maximum`.
    error BpsOutOfBounds(uint256 bps, uint256 maximum);
    /// @notice Thrown by propose when the stored code is not that of the compact's escrows.
    error WrongEscrowCode(bytes32 codeHash, bytes32 expected);
    /// @notice Thrown by propose when there is no escrow at the address that follows from code and terms.
    error NoEscrow(address escrow);
    /// @notice Thrown by propose when the rescue takes another wstETH, or none.
    error OtherToken(address wstETH, address expected);
    /// @notice Thrown by propose when the rescue has a guardian that is not the compact's.
    error ForeignGuardian(address guardian, address expected);
    /// @notice Thrown by propose when the rescue's veto is zero or more than `maximum`.
    error VetoOutsidePolicy(uint256 vetoBps, uint256 maximum);
    /// @notice Thrown by propose when the rescue's objection period is shorter than `minimum`.
    error ObjectionPeriodBelowPolicy(uint256 objectionPeriod, uint256 minimum);
    /// @notice Thrown by propose when the rescue's exit window is shorter than `minimum`.
    error ExitWindowBelowPolicy(uint256 exitWindow, uint256 minimum);
    /// @notice Thrown by propose when the rescue may hold money longer than until `limit`.
    error LockTooLong(uint256 until, uint256 limit);
    /// @notice Thrown by propose when the rescue has no such tier.
    error UnknownTier(uint256 tier, uint256 count);
    /// @notice Thrown by propose when the tier's threshold is lower than `minimum`.
    error ThresholdBelowPolicy(uint256 thresholdBps, uint256 minimum);
    /// @notice Thrown by propose when the tier's interest is lower than `minimum`.
    error RateBelowPolicy(uint256 rateBps, uint256 minimum);
    /// @notice Thrown by propose when the rescue is not stored as open, or its deadline has passed.
    error NotPledging(Status status, uint256 deadline, uint256 time);
    /// @notice Thrown by propose when the deadline, of the latest amendment if there is one, is before `required`.
    error DeadlineTooEarly(uint256 deadline, uint256 required);
    /// @notice Thrown by propose when the value of a share cannot be read.
    error RateUnreadable();
    /// @notice Thrown by propose when the call asks for more than is missing; both are values in wei.
    error CallTooLarge(Wei value, Wei missing);
    /// @notice Thrown when there is no such call.
    error UnknownCall(uint256 call, uint256 count);
    /// @notice Thrown by approve and withdraw when the call has passed.
    error CallHasPassed(uint256 call);
    /// @notice Thrown by approve and withdraw after `limit`.
    error VotingOver(uint256 limit, uint256 time);
    /// @notice Thrown by approve when the member approves the call already.
    error AlreadyApproved(uint256 call, address member);
    /// @notice Thrown by withdraw when the member does not approve the call.
    error NotApproved(uint256 call, address member);
    /// @notice Thrown by fulfill when the call has not passed.
    error CallNotPassed(uint256 call, Units approvals, Units required);
    /// @notice Thrown by fulfill after `limit`.
    error FulfillmentOver(uint256 limit, uint256 time);
    /// @notice Thrown by fulfill up to and including `limit`, because another call has given.
    error CallTooSoon(uint256 limit, uint256 time);
    /// @notice Thrown by fulfill when nobody on the list gives anything: all have given, or have nothing to give.
    error NothingToGive(uint256 call);
    /// @notice Thrown by standingAt and allAt when `time` is not in the past.
    error NotPast(uint256 time, uint256 latest);

    // ------------------------------------------------------------------------------------------------ members

    /// @notice Lets `account` commit. Only the admitter; nothing takes an admission back.
    /// @dev Reverts with NotAdmitter or AlreadyAdmitted, checked in this order.
    function admit(address account) external;

    /// @notice Commits `amount` of the caller's wstETH, under an allowance. It is pending, together with what was
    /// pending before, and all of it seasons anew. With an amount of 0, only that.
    /// @dev Reverts with NotAdmitted, ZeroAmount or AmountTooLarge, checked in this order.
    function commit(WstETHUnits amount) external;

    /// @notice Pays everything pending of the caller to `recipient`. Possible at any time.
    /// @dev Reverts with InvalidAccount or NothingPending, checked in this order.
    function takeBackTo(address recipient) external;

    /// @notice Activates everything pending of `member`. Anyone may call, from `seasoning` after the last commitment on,
    /// for `leaveWindow`.
    /// @dev Reverts with NothingPending, StillSeasoning, SeasonedTooLong or AmountTooLarge, checked in this order.
    function activate(address member) external;

    /// @notice Puts `amount` of the caller's active units under notice, instead of what was, from now on; 0 takes the
    /// notice back. What is under notice has no weight. It is still called, after what is not, and counts in quorums.
    /// @dev A notice that ran out unused stays until it is given anew or taken back. Reverts with NoticeTooLarge.
    function notice(WstETHUnits amount) external;

    /// @notice Pays what the caller has under notice to `recipient`: from `noticePeriod` after the notice on, for
    /// `leaveWindow`.
    /// @dev Reverts with InvalidAccount, NothingNoticed, NoticeRunning or NoticeLapsed, checked in this order.
    function leaveTo(address recipient) external;

    /// @notice Names the account that may propose and approve for the caller, at once; zero for nobody. It can move
    /// nothing, and cannot withdraw an approval.
    function nameApprover(address approver) external;

    // ------------------------------------------------------------------------------------------------ calls

    /// @notice Proposes a call for `member`. Only the member or its approver, if it had weight one second before.
    /// @dev Reverts with NotApprover, NoWeight, BpsOutOfBounds, WrongEscrowCode, NoEscrow, OtherToken, ForeignGuardian,
    /// VetoOutsidePolicy, ObjectionPeriodBelowPolicy, ExitWindowBelowPolicy, LockTooLong, UnknownTier,
    /// ThresholdBelowPolicy, RateBelowPolicy, NotPledging, DeadlineTooEarly, RateUnreadable or CallTooLarge, checked in
    /// this order. The rescue may hold money until latestDeadline + objectionPeriod + (tranches - 1) * trancheInterval +
    /// 2 * releaseWindow. What is missing is the target, the lower one while an amendment is pending, less the value of
    /// all pots; what is asked is the value of floor(active * bps / 10,000); values are rounded down.
    /// @param rescue The original terms of the rescue.
    /// @param code The contracts that hold the escrow's creation code as data, in order. The first byte of each
    /// contract's code is not part of the data.
    /// @param tier The tier, counted from 0.
    /// @param bps What the call takes of each member's active units, in basis points.
    /// @return call The number of the call.
    function propose(address member, Terms calldata rescue, address[] calldata code, uint8 tier, uint16 bps)
        external
        returns (uint256 call);

    /// @notice Approves a call for `member`, once, with its weight one second before the proposal. Only the member or
    /// its approver, up to `votingPeriod` after the proposal. With enough approvals, the call passes.
    /// @dev The other way round, the parameters would make it a token's approval to wallets: approve(address,uint256).
    /// Reverts with NotApprover, UnknownCall, CallHasPassed, VotingOver, AlreadyApproved or NoWeight, checked in this
    /// order.
    function approve(uint256 call, address member) external;

    /// @notice Withdraws the caller's own approval, whoever gave it, while the call can be approved. It may be given
    /// again, also by an approver: name another one first.
    /// @dev Reverts with UnknownCall, CallHasPassed, VotingOver or NotApproved, checked in this order.
    function withdraw(uint256 call) external;

    /// @notice Pledges each member's share in its own name: min(active now, floor(active one second before the proposal
    /// * bps / 10,000)), once per member and call. Anyone may call, up to `fulfillPeriod` after the call passed.
    /// @dev Members that gave already, or have nothing to give, are skipped. Reverts with UnknownCall, CallNotPassed,
    /// FulfillmentOver, CallTooSoon or NothingToGive, checked in this order; and with the escrow's PledgingClosed,
    /// AmendmentDiffers or AmountTooLarge, in which case nothing moves, and it may be tried again.
    function fulfill(uint256 call, address[] calldata members) external;

    // ------------------------------------------------------------------------------------------------ premiums

    /// @notice Pays `amount` of the caller's wstETH, under an allowance, to everyone who has weight, by weight.
    /// @dev index += floor(amount * 2^128 / all weight). Reverts with ZeroAmount, AmountTooLarge or NobodyEarns, checked
    /// in this order.
    function payPremium(WstETHUnits amount) external;

    /// @notice Pays `member` the premiums that it has earned. Anyone may call; it never expires.
    /// @dev At each accrual, earned += floor(weight * (index - index of the last accrual) / 2^128). Reverts with
    /// NothingToClaim.
    function claim(address member) external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice The terms that the compact was created with: its code and these terms give its address.
    function terms() external view returns (CompactTerms memory);

    /// @notice One account as booked; all zero if it never did anything.
    function memberOf(address account) external view returns (MemberView memory);

    /// @notice Everything together: units active, those of them with weight, and the index of premiums.
    function all() external view returns (Units active, Units weight, uint256 index);

    /// @notice What an account had active, and with weight, at the end of a past second.
    /// @dev Reverts with NotPast.
    function standingAt(address account, uint256 time) external view returns (Units active, Units weight);

    /// @notice What all members had active, and with weight, at the end of a past second.
    /// @dev Reverts with NotPast.
    function allAt(uint256 time) external view returns (Units active, Units weight);

    /// @notice Number of calls ever proposed.
    function callCount() external view returns (uint256);

    /// @notice One call.
    /// @dev Reverts with UnknownCall.
    function callAt(uint256 call) external view returns (CallView memory);

    /// @notice Whether an account approves a call, and whether it has given to it.
    function voteOf(uint256 call, address account) external view returns (bool approved, bool given);

    /// @notice What an account would give to a call now, passed or not; 0 if it has given.
    /// @dev Reverts with UnknownCall.
    function shareOf(uint256 call, address account) external view returns (Units);

    /// @notice The last call that gave anything, and when it began to; the time is 0 if none has.
    function lastStarted() external view returns (uint256 call, uint40 startedAt);
}
