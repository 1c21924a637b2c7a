// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, Rate, Shares, Units, Wei, WstETHUnits } from "../types/Units.sol";

/// @notice A class of pledges: the condition on which they are used, their order, and whether they are grants or loans.
/// @custom:member thresholdBps Coverage of the target, in basis points (1 to 10,000), below which the tier is not used.
/// @custom:member drawOrder Groups are drawn in ascending order; tiers with the same order form one group.
/// @custom:member rateBps 0 for a grant; otherwise simple yearly interest on what was drawn, in basis points. Tiers
/// with the same order have the same rate.
struct Tier {
    uint16 thresholdBps;
    uint8 drawOrder;
    uint16 rateBps;
}

/// @notice The terms, fixed when an escrow is created. Only target, deadline and termsHash can be amended.
/// @custom:member beneficiary The only address that the draw can go to; not zero; can never change.
/// @custom:member guardian May decline, amend and cancel, within bounds; zero for none.
/// @custom:member stETH Lido's stETH; zero, together with wstETH, for an ETH-only rescue.
/// @custom:member wstETH The wstETH that wraps this stETH.
/// @custom:member target The shortfall to cover, in wei; 10^9 to 2^96 - 1.
/// @custom:member deadline The last second at which a pledge is accepted, in Unix seconds.
/// @custom:member latestDeadline No amendment can move the deadline beyond it; at or after the deadline.
/// @custom:member tiers 1 to 8 tiers in ascending order of threshold; the last threshold is 10,000.
/// @custom:member objectionPeriod Seconds from settlement to the first tranche. Not zero, so that nothing is ever due
/// in the block that settles.
/// @custom:member vetoBps Share of the drawn value, in basis points below 10,000, whose objections cancel the rest; 0
/// for no veto.
/// @custom:member tranches Number of equal tranches, 1 to 64.
/// @custom:member trancheInterval Seconds between two tranches; not zero if there are several.
/// @custom:member releaseWindow Seconds after the last tranche is due during which a due tranche may stay undelivered
/// before anyone may end the rescue; also how long after the deadline an unreadable share rate may delay settlement.
/// Not zero.
/// @custom:member exitWindow Seconds of notice that an amendment needs, during which anyone may leave; also how long
/// after the deadline a bonus that pledgers share in remains undecided. Not zero.
/// @custom:member termsHash Hash of the human-readable document.
struct Terms {
    address beneficiary;
    address guardian;
    address stETH;
    address wstETH;
    Wei target;
    uint40 deadline;
    uint40 latestDeadline;
    Tier[] tiers;
    uint32 objectionPeriod;
    uint16 vetoBps;
    uint8 tranches;
    uint32 trancheInterval;
    uint32 releaseWindow;
    uint32 exitWindow;
    bytes32 termsHash;
}

/// @notice The state of a rescue. The only transitions are Open -> Settled -> Released, Open -> Failed and Settled ->
/// Cancelled.
/// @custom:value Open Pledges are accepted until the deadline. Next: Settled, Failed.
/// @custom:value Settled The draw is fixed; tranches fall due. Next: Released, Cancelled.
/// @custom:value Released Everything drawn has been delivered. Terminal.
/// @custom:value Failed Everything goes back in full. Terminal.
/// @custom:value Cancelled What was not due goes back; what was due stays collectable until it lapses. Terminal.
enum Status {
    Open,
    Settled,
    Released,
    Failed,
    Cancelled
}

/// @notice Why a rescue failed or was cancelled; if there were several causes, the first.
/// @custom:value None It neither failed nor was cancelled.
/// @custom:value NoThresholdMet Failed: the deadline passed and no tier's threshold was met.
/// @custom:value EndedByGuardian Failed: the guardian ended it while it was open.
/// @custom:value RateUnreadable Failed: stETH could not be valued for longer than the release window after the
/// deadline.
/// @custom:value StoppedByGuardian Cancelled: the guardian stopped what was not yet due.
/// @custom:value Vetoed Cancelled: objections reached the veto.
/// @custom:value Lapsed Cancelled: the beneficiary did not collect what was due.
enum EndReason {
    None,
    NoThresholdMet,
    EndedByGuardian,
    RateUnreadable,
    StoppedByGuardian,
    Vetoed,
    Lapsed
}

/// @notice A proposed change of the terms. It is pending until `effectiveAt` and takes effect by itself in that second.
/// @custom:member target The new target, in wei.
/// @custom:member deadline The new deadline.
/// @custom:member termsHash The hash of the new document.
/// @custom:member effectiveAt Anyone may exit before this second; 0 for no amendment.
struct Amendment {
    Wei target;
    uint40 deadline;
    bytes32 termsHash;
    uint40 effectiveAt;
}

/// @notice What a pledge made now would meet, as stored: past the deadline, the status is still Open until a call
/// settles.
/// @custom:member status The stored status.
/// @custom:member target The target in force, in wei.
/// @custom:member deadline The deadline in force.
/// @custom:member amendment The latest amendment, pending or in force; all zero if none was proposed. A pledge names
/// its `effectiveAt`. An amendment that was pending when the rescue failed is dropped.
struct PledgingView {
    Status status;
    Wei target;
    uint40 deadline;
    Amendment amendment;
}

/// @notice What is recorded of a rescue, as stored, not as the next call would find it.
/// @custom:member status The stored status: past the deadline still Open, until a call settles.
/// @custom:member endReason Why it failed or was cancelled.
/// @custom:member createdBlock The number of the block in which the escrow was created, where its logs begin.
/// @custom:member deadline The deadline in force.
/// @custom:member activeTiers The number of tiers, counted from the first, that settlement made active; 0 before
/// settlement.
/// @custom:member rate Wei per 10^27 shares when the rescue settled or no threshold was met (0 if no pot held shares);
/// 10^27 if it expired; 0 while it is open and if its guardian ended it.
/// @custom:member settledAt When it settled, or 0.
/// @custom:member finalAt When Released or Cancelled became final, or 0. Always 0 for a failed rescue.
/// @custom:member kept Tranches that the beneficiary keeps, by asset; 0 where nothing was drawn.
/// @custom:member delivered Tranches delivered, by asset.
struct RecordView {
    Status status;
    EndReason endReason;
    uint40 createdBlock;
    uint40 deadline;
    uint8 activeTiers;
    Rate rate;
    uint40 settledAt;
    uint40 finalAt;
    uint8[3] kept;
    uint8[3] delivered;
}

/// @notice One pot as the next call would find it.
/// @custom:member tier Index of the tier.
/// @custom:member asset The asset.
/// @custom:member total Amount pledged, in the asset's own unit; frozen at settlement.
/// @custom:member drawn Part of it drawn at settlement: floor(total * D / V) of its group.
/// @custom:member delivered Part of that delivered to the beneficiary.
struct PotView {
    uint8 tier;
    Asset asset;
    Units total;
    Units drawn;
    Units delivered;
}

/// @notice One position as the next call would find it.
/// @custom:member tier Index of the tier.
/// @custom:member asset The asset.
/// @custom:member amount Amount pledged, in the asset's own unit.
/// @custom:member refunded Part of it already refunded.
/// @custom:member refundable What a refund would pay now, rounded down.
/// @custom:member weight Its drawn value in wei at the settlement rate, rounded down: its weight in an objection.
/// @custom:member objected Whether it has objected.
struct PositionView {
    uint8 tier;
    Asset asset;
    Units amount;
    Units refunded;
    Units refundable;
    Wei weight;
    bool objected;
}

/// @notice Everything that a status page needs, as the next call would find it. Contracts must use RecordView instead:
/// a caller who leaves too little gas for reading the rate sees an unreadable one.
/// @custom:member status The status; past the deadline, the one that settling now would give.
/// @custom:member endReason Why it failed (or would fail now) or was cancelled.
/// @custom:member createdBlock The number of the block in which the escrow was created, where its logs begin.
/// @custom:member terms The terms, with the target, deadline and termsHash in force now.
/// @custom:member amendment The latest amendment, pending or in force; all zero if none was proposed.
/// @custom:member pots Every pot that is not empty, by tier and asset.
/// @custom:member rateReadable Whether the share rate is known: read now, recorded when the rescue was decided, or not
/// needed.
/// @custom:member rate Wei per 10^27 shares: read now while open, then as recorded; 0 if no pot holds shares.
/// @custom:member coverage Value of all pots at that rate, in wei; of their ETH alone unless rateReadable.
/// @custom:member thresholdMetBps The highest tier threshold that is met; after settlement, the chosen one; 0 for none.
/// @custom:member drawn The value drawn, in wei, at the settlement rate; never more than the target.
/// @custom:member objected The drawn value that has objected, in wei.
/// @custom:member settledAt When it settled; 0 if no call has settled it yet.
/// @custom:member cancelledAt When it was cancelled, by the guardian, a veto or a lapse, or 0.
/// @custom:member lapsedAt When what was due but not collected was given up, or 0.
/// @custom:member finalAt When Released or Cancelled became final, or 0. Always 0 for a failed rescue.
/// @custom:member due Tranches due by the clock.
/// @custom:member kept Tranches that the beneficiary keeps, by asset; 0 where nothing was drawn.
/// @custom:member delivered Tranches delivered, by asset.
/// @custom:member held Tranches that do not go back, or not yet, by asset: those kept, and those that a veto stopped
/// and whose time has not come. Meaningless where nothing was drawn.
/// @custom:member returnsByCalendar Whether what a veto stopped goes back tranche by tranche.
/// @custom:member nextTrancheAt When the next tranche falls due or, after a veto, goes back; 0 if there is none.
struct RescueView {
    Status status;
    EndReason endReason;
    uint40 createdBlock;
    Terms terms;
    Amendment amendment;
    PotView[] pots;
    bool rateReadable;
    Rate rate;
    Wei coverage;
    uint16 thresholdMetBps;
    Wei drawn;
    Wei objected;
    uint40 settledAt;
    uint40 cancelledAt;
    uint40 lapsedAt;
    uint40 finalAt;
    uint8 due;
    uint8[3] kept;
    uint8[3] delivered;
    uint8[3] held;
    bool returnsByCalendar;
    uint40 nextTrancheAt;
}

/// @title Escrow of one rescue
/// @notice Locks pledges of ETH, stETH and wstETH toward one protocol's shortfall, draws them by rules fixed before the
/// first deposit, releases what was drawn to one beneficiary in tranches, and returns the rest.
///
/// The guarantees hold if
/// - stETH and wstETH behave like those of Lido core v3.0.2: shares move exactly as requested, and one unit of wstETH
///   is one share;
/// - the chain's clock and its contract code can be relied on.
/// There is no owner, no upgrade and no fee. Value leaves only to the beneficiary (release), or to a pledger or a
/// recipient that the pledger names (refund, exit, decline, collect).
///
/// The address proves itself: it follows, by CREATE2, from this code and the original terms, which stay readable in
/// `originalTerms` after any amendment. Identical code is no proof.
///
/// Funds can be held up if
/// - stETH is paused: stETH (but not ETH or wstETH) can be transferred again when it is resumed. Nobody is bound by the
///   pause: an exit takes effect at once, and what it could not pay is owed and collected later;
/// - the share rate cannot be read while shares are in the books: settlement waits, and after `deadline +
///   releaseWindow` anyone may `expire` the rescue, which returns everything;
/// - the beneficiary cannot be paid: after `releaseWindow` anyone may `lapse` what it did not collect;
/// - a pledger is a contract that refuses ETH: it may name another recipient;
/// - objections stopped the rescue: what they stopped goes back at the times at which it would have fallen due.
/// Forced ether, and tokens sent in without a pledge, are outside the books and stay in the escrow.
///
/// Amounts of stETH are in shares throughout. Every refusal is one of the errors below, except that a token's own
/// errors pass through unchanged when a pledge is paid. The first call after the deadline that pays out, stops or
/// settles the rescue decides it first, once and for all.
interface IPledgeEscrow {
    // ------------------------------------------------------------------------------------------------ events
    // Each event is emitted right after the books change and before any payment, so that logs are in the order of the
    // books. Only Owed follows a payment, one that failed and left no trace. The whole state can be rebuilt from these
    // events.

    /// @notice The escrow was created with these terms.
    event RescueCreated(address indexed beneficiary, address indexed guardian, Terms terms);

    /// @notice `amount` of `asset` was locked in `tier` as a pledge of `pledger`, whoever paid.
    event Pledged(address indexed pledger, uint8 tier, Asset asset, Units amount);

    /// @notice `pledger` left with the whole position during the exit window of an amendment. An Owed event follows if
    /// it could not be paid.
    event Exited(address indexed pledger, uint8 tier, Asset asset, address recipient, Units amount);

    /// @notice The guardian returned the whole position to `pledger`. An Owed event follows if it could not be paid.
    event Declined(address indexed pledger, uint8 tier, Asset asset, Units amount);

    /// @notice An exit or a decline could not pay `amount`. It is owed to `pledger`, who can collect it.
    event Owed(address indexed pledger, Asset asset, Units amount);

    /// @notice Everything owed to `pledger` of an asset went to `recipient`.
    event Collected(address indexed pledger, Asset asset, address recipient, Units amount);

    /// @notice `amount` of a position went back because it is not, or no longer, needed.
    event Refunded(address indexed pledger, uint8 tier, Asset asset, address recipient, Units amount);

    /// @notice The guardian proposed an amendment, which takes effect at `effectiveAt` if the rescue is still open
    /// then.
    event AmendmentProposed(Wei target, uint40 deadline, bytes32 termsHash, uint40 effectiveAt);

    /// @notice The rescue settled: tiers up to `thresholdBps` are active, and `draws[tier * 3 + asset]` was drawn from
    /// each pot, in total `drawn` wei at `rate` (0 if no pot held shares), of `target`.
    event Settled(uint16 thresholdBps, Rate rate, Wei target, Wei drawn, uint40 settledAt, Units[] draws);

    /// @notice The rescue failed; everything can be refunded. `rate` is the recorded rate: see RecordView.
    event Failed(EndReason reason, Rate rate, uint40 failedAt);

    /// @notice `amount` of `asset` went to the beneficiary; in total, `tranches` tranches of it are now delivered.
    event Released(Asset indexed asset, uint8 tranches, Units amount);

    /// @notice A position objected with its drawn value of `weight` wei.
    event Objected(address indexed pledger, uint8 tier, Asset asset, Wei weight);

    /// @notice The guardian or a veto stopped what was not yet due: the beneficiary keeps at most `kept` tranches of
    /// each asset. What the guardian stopped goes back at once; what a veto stopped, at the times at which it would
    /// have fallen due.
    event Cancelled(EndReason reason, uint8 kept, uint40 cancelledAt);

    /// @notice The guardian lifted the hold: what a veto stopped goes back at once.
    event HoldLifted(uint40 liftedAt);

    /// @notice What was due but not collected was given up: the beneficiary keeps what was delivered, by asset.
    event Lapsed(uint40 lapsedAt);

    /// @notice Nothing more will go to the beneficiary: the rescue is released, or cancelled and delivered.
    event Finalized(uint40 finalAt);

    // ------------------------------------------------------------------------------------------------ errors
    // Of the terms, in the constructor.

    /// @notice Thrown when the beneficiary is the zero address.
    error BeneficiaryZero();
    /// @notice Thrown when only one of stETH and wstETH is set, or wstETH does not wrap this stETH.
    error TokensMismatch(address stETH, address wstETH);
    /// @notice Thrown, also by amend, when the target is not between `minimum` and `maximum` wei.
    error TargetOutOfBounds(Wei target, Wei minimum, Wei maximum);
    /// @notice Thrown when the deadline is not after the block's timestamp.
    error DeadlinePassed(uint256 deadline, uint256 time);
    /// @notice Thrown when there are no tiers, or more than `limit`.
    error TierCountOutOfBounds(uint256 count, uint256 limit);
    /// @notice Thrown when a tier's threshold is 0, above 10,000, or below that of the tier before it.
    error ThresholdOutOfOrder(uint256 tier, uint256 thresholdBps, uint256 previousBps);
    /// @notice Thrown when the last tier's threshold is not 10,000.
    error LastThresholdNotFull(uint256 thresholdBps);
    /// @notice Thrown when two tiers have the same draw order but different rates.
    error RatesDiffer(uint256 tier, uint256 otherTier);
    /// @notice Thrown when the latest deadline is before the deadline.
    error LatestDeadlineTooEarly(uint256 latestDeadline, uint256 deadline);
    /// @notice Thrown when the objection period is zero.
    error ObjectionPeriodZero();
    /// @notice Thrown when vetoBps is 10,000 or more: weights are rounded down, so 10,000 could never be reached.
    error VetoOutOfBounds(uint256 vetoBps);
    /// @notice Thrown when there are no tranches, or more than `limit`.
    error TranchesOutOfBounds(uint256 tranches, uint256 limit);
    /// @notice Thrown when there are several tranches but no time between them.
    error TrancheIntervalZero(uint256 tranches);
    /// @notice Thrown when releaseWindow or exitWindow is zero.
    error WindowZero(uint256 releaseWindow, uint256 exitWindow);

    // Of the calls.

    /// @notice Thrown when the caller is not the guardian.
    error NotGuardian(address caller, address guardian);
    /// @notice Thrown by pledge, decline and amend when the rescue is not open or its deadline has passed.
    error PledgingClosed(Status status, uint256 deadline, uint256 time);
    /// @notice Thrown when the status does not allow the call.
    error WrongStatus(Status status);
    /// @notice Thrown when there is no such tier.
    error UnknownTier(uint256 tier, uint256 count);
    /// @notice Thrown when the rescue is ETH-only.
    error AssetNotAccepted(Asset asset);
    /// @notice Thrown when the pledged amount is zero.
    error ZeroAmount();
    /// @notice Thrown by pledge when the named amendment is not the latest one; both are given by the time at which
    /// they take effect, 0 for none.
    error AmendmentDiffers(uint256 named, uint256 latest);
    /// @notice Thrown when the pledger or the recipient is zero, this escrow, or one of its tokens.
    error InvalidAccount(address account);
    /// @notice Thrown by refund, exit and decline when there is nothing in the position that they could return.
    error NothingToReturn(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown by collect when nothing is owed.
    error NothingOwed(address pledger, Asset asset);
    /// @notice Thrown by exit when no amendment is pending; `effectiveAt` is the time of the latest one, or 0.
    error NoExitWindow(uint256 effectiveAt, uint256 time);
    /// @notice Thrown while an amendment is pending, by amend, and by settle until the deadline.
    error AmendmentPending(uint256 effectiveAt, uint256 time);
    /// @notice Thrown when the exit window would end after the deadline in force.
    error AmendmentTooLate(uint256 effectiveAt, uint256 deadline);
    /// @notice Thrown when the new deadline is not later than the end of the exit window.
    error AmendedDeadlineTooEarly(uint256 newDeadline, uint256 effectiveAt);
    /// @notice Thrown when the new deadline is later than the latest that the terms allow.
    error AmendedDeadlineTooLate(uint256 newDeadline, uint256 latestDeadline);
    /// @notice Thrown by settle until the deadline when coverage is not complete.
    error CoverageTooLow(Wei coverage, Wei required);
    /// @notice Thrown when the rescue would settle, some pot holds shares, and their rate cannot be read.
    error RateUnreadable();
    /// @notice Thrown by expire when the rate can be read: call settle instead.
    error RateReadable(Rate rate);
    /// @notice Thrown by expire when no pot holds shares, so that no rate is needed: call settle instead.
    error RateNotNeeded();
    /// @notice Thrown by expire when too little gas is left for a failed read to prove anything.
    error GasTooLow(uint256 left, uint256 required);
    /// @notice Thrown by release when every due tranche of the asset has been delivered.
    error NothingDue(Asset asset, uint256 due, uint256 delivered);
    /// @notice Thrown by cancel and object when every tranche is already due.
    error NothingToStop(uint256 due, uint256 tranches);
    /// @notice Thrown by object when the terms have no veto.
    error NoVeto();
    /// @notice Thrown by object when the position has already objected.
    error AlreadyObjected(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown by object when nothing was drawn from the position.
    error NothingDrawn(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown by lapse and expire up to and including `time limit`.
    error TooEarly(uint256 limit, uint256 time);
    /// @notice Thrown when `recipient` does not accept the ETH, or a token does not make the transfer.
    error PaymentFailed(address recipient, Asset asset, Units amount);

    // ------------------------------------------------------------------------------------------------ pledging

    /// @notice Locks the ETH sent with the call as a pledge of `pledger`. Anyone may pay for anyone.
    /// @dev Possible up to and including the deadline. Reverts with PledgingClosed, AmendmentDiffers, ZeroAmount,
    /// InvalidAccount, UnknownTier or AmountTooLarge, checked in this order.
    /// @param pledger The owner of the pledge, who may object and exit, and to whom it is refunded.
    /// @param tier The tier, counted from 0.
    /// @param amendment The latest amendment that the sender knows of, given by its `effectiveAt`; 0 for none. A pledge
    /// that was decided before an amendment is refused after it, so that it never meets terms it was not meant for.
    function pledgeETH(address pledger, uint8 tier, uint64 amendment) external payable;

    /// @notice Locks `shares` of the caller's stETH, under an allowance in stETH that covers their value.
    /// @dev Like pledgeETH; also reverts with AssetNotAccepted, after ZeroAmount, and with stETH's own errors.
    /// @param shares stETH shares (stETH's `getSharesByPooledEth` converts an amount to shares); exactly this many are
    /// booked and moved.
    function pledgeStETH(address pledger, uint8 tier, uint64 amendment, Shares shares) external;

    /// @notice Locks `amount` of the caller's wstETH, which stays wrapped, under an allowance.
    /// @dev Like pledgeETH; also reverts with AssetNotAccepted, after ZeroAmount, with PaymentFailed, and with wstETH's
    /// own errors.
    /// @param amount In units of wstETH; exactly this much is booked and moved.
    function pledgeWstETH(address pledger, uint8 tier, uint64 amendment, WstETHUnits amount) external;

    /// @notice Takes out the caller's whole position while an amendment is pending.
    /// @dev Possible before the amendment's effectiveAt. The position leaves the books at once, whatever the token or
    /// the recipient does. What cannot be paid is owed to the caller, who can `collect` it. Reverts with NoExitWindow,
    /// InvalidAccount, UnknownTier or NothingToReturn, checked in this order.
    /// @param recipient The account that is paid.
    function exit(uint8 tier, Asset asset, address recipient) external;

    /// @notice Pays `pledger` what an exit or a decline of its positions could not. Anyone may call, in any status; it
    /// never settles the rescue and never expires.
    /// @dev Pays everything owed of the asset. Reverts with NothingOwed or PaymentFailed.
    function collect(address pledger, Asset asset) external;

    /// @notice Like collect, but pays what is owed to the caller to `recipient`. Also reverts with InvalidAccount.
    function collectTo(Asset asset, address recipient) external;

    // ------------------------------------------------------------------------------------------------ settling

    /// @notice Decides the rescue: which tiers are active and what is drawn from each pot, or that it failed. Anyone
    /// may call; the result does not depend on the order of pledges.
    /// @dev Until the deadline, possible only if everything is covered (CoverageTooLow) and no amendment is pending
    /// (AmendmentPending); after it, settles at the highest threshold that is met. For each draw order, from the
    /// lowest, with V = value of its active pots and D = min(V, what is still needed), floor(total * D / V) of each pot
    /// is drawn. So the draw, valued order by order, never exceeds the target, and the rounding remainder stays with
    /// the pledgers. Reverts with WrongStatus once decided, RateUnreadable, AmendmentPending or CoverageTooLow, checked
    /// in this order.
    function settle() external;

    /// @notice Fails a rescue whose shares cannot be valued, so that everything can be refunded. Anyone may call.
    /// @dev Possible later than `deadline + releaseWindow` (TooEarly), while shares are in the books (RateNotNeeded)
    /// and a read of their rate with 1,000,000 gas fails (RateReadable). A caller who leaves less gas than that for the
    /// read gets GasTooLow. Reverts with WrongStatus once decided.
    function expire() external;

    // ------------------------------------------------------------------------------------------------ paying out

    /// @notice Delivers to the beneficiary what is due of one asset. Anyone may call.
    /// @dev Tranche r of N is due at `settledAt + objectionPeriod + (r - 1) * trancheInterval`. After it, floor(drawn *
    /// r / N) of each pot has been delivered in total; the rounding remainder comes with the last tranche, or stays
    /// with the pledgers if that never comes. Reverts with RateUnreadable, WrongStatus, NothingDue or PaymentFailed,
    /// checked in this order.
    function release(Asset asset) external;

    /// @notice Returns to `pledger` what its position is owed. Anyone may call; nothing can pause it, and it never
    /// expires.
    /// @dev In total, a position is owed the whole amount if the rescue failed or the tier was not active; otherwise
    /// floor(amount * (total - reserved) / total), with the pot's frozen total and reserved = floor(drawn * held / N).
    /// held is the number of tranches kept and, after a veto, also of those that were stopped and whose time has not
    /// come. The dust of a pot, less than one unit per position, stays in the escrow. Claims in any order pay the same.
    /// Reverts with RateUnreadable, WrongStatus while open, UnknownTier, NothingToReturn or PaymentFailed, checked in
    /// this order.
    function refund(address pledger, uint8 tier, Asset asset) external;

    /// @notice Like refund, but pays the caller's own position to `recipient`. Also reverts with InvalidAccount,
    /// checked first.
    function refundTo(uint8 tier, Asset asset, address recipient) external;

    // ------------------------------------------------------------------------------------------------ stopping

    /// @notice Objects with the caller's position, once. When objections reach `vetoBps` of the drawn value, what is
    /// not yet due is cancelled, and goes back to the pledgers at the times at which it would have fallen due.
    /// @dev The veto is reached at ceil(drawn * vetoBps / 10,000); weights are rounded down. Reverts with
    /// RateUnreadable, NoVeto, WrongStatus, NothingToStop, UnknownTier, AlreadyObjected or NothingDrawn, checked in
    /// this order.
    function object(uint8 tier, Asset asset) external;

    /// @notice Gives up what was due but not collected within `releaseWindow` of the last tranche's time, or of the
    /// cancellation; it goes back to the pledgers. Anyone may call.
    /// @dev Reverts with RateUnreadable, WrongStatus unless settled, or cancelled and not final, or TooEarly, checked
    /// in this order.
    function lapse() external;

    // ------------------------------------------------------------------------------------------------ guardian

    /// @notice Returns a whole position to its pledger. Only the guardian, up to and including the deadline.
    /// @dev The position leaves the books at once. What cannot be paid, with at most 100,000 gas for the pledger's
    /// code, is owed and can be collected. Reverts with NotGuardian, PledgingClosed, UnknownTier or NothingToReturn,
    /// checked in this order.
    function decline(address pledger, uint8 tier, Asset asset) external;

    /// @notice Proposes a new target, deadline and document, which take effect by themselves after `exitWindow`. Only
    /// the guardian.
    /// @dev Only one amendment can be pending. It is dropped if the rescue ends first; while it is pending, the rescue
    /// does not settle. Reverts with NotGuardian, PledgingClosed, AmendmentPending, TargetOutOfBounds,
    /// AmendmentTooLate, AmendedDeadlineTooEarly or AmendedDeadlineTooLate, checked in this order.
    function amend(Wei target, uint40 deadline, bytes32 termsHash) external;

    /// @notice Ends an open rescue, or stops what is not yet due of a settled one, which then goes back at once. After
    /// a veto, lifts the hold: what the veto stopped also goes back at once. Only the guardian.
    /// @dev Reverts with NotGuardian, RateUnreadable, WrongStatus (also after a veto once nothing is held any more) or
    /// NothingToStop, checked in this order.
    function cancel() external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice Everything that a status page needs. Past the deadline, shows what settling now would give.
    function rescue() external view returns (RescueView memory);

    /// @notice The positions of `pledger` that were ever pledged and not taken out, by tier and asset.
    function positions(address pledger) external view returns (PositionView[] memory);

    /// @notice What exits and declines could not pay `pledger`, by asset, in the assets' own units.
    function owed(address pledger) external view returns (Units[3] memory);

    /// @notice The terms that the escrow was created with, before any amendment: the code and these terms give its
    /// address.
    function originalTerms() external view returns (Terms memory);

    // The next four are for contracts that build on the books: stored facts, without a call to any other contract.

    /// @notice What a pledge made now would meet.
    function pledging() external view returns (PledgingView memory);

    /// @notice What is recorded of the rescue.
    function record() external view returns (RecordView memory);

    /// @notice All pots as booked, numbered `tier * 3 + asset`, in their assets' own units.
    /// @return totals Amounts pledged; frozen at settlement.
    /// @return draws Parts of them drawn at settlement.
    function pots() external view returns (Units[] memory totals, Units[] memory draws);

    /// @notice One position as booked; all zero if there never was one.
    /// @dev Reverts with UnknownTier.
    /// @return amount Amount pledged, in the asset's own unit; frozen at settlement.
    /// @return refunded Part of it already refunded.
    /// @return objected Whether it has objected.
    /// @return departures How often it was taken out, by exit or decline; stops at 2^24 - 1.
    function position(address pledger, uint8 tier, Asset asset)
        external
        view
        returns (Units amount, Units refunded, bool objected, uint24 departures);

    /// @notice The status as the next call would find it.
    function status() external view returns (Status);

    /// @notice The terms, with the target, deadline and termsHash in force now.
    function terms() external view returns (Terms memory);
}
