// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, Rate, Shares, Units, Wei, WstETHUnits } from "../types/Units.sol";

/// @notice A kind of pledge: under what condition, in what order and on what footing its pledges are used.
/// @custom:member thresholdBps Coverage of the target, in basis points (1 to 10,000), below which the tier is untouched.
/// @custom:member drawOrder Groups are drawn by rising order; tiers of one order are one group.
/// @custom:member rateBps 0 for a grant; otherwise simple yearly interest on what was drawn, in basis points. Tiers of
/// one order have one rate.
struct Tier {
    uint16 thresholdBps;
    uint8 drawOrder;
    uint16 rateBps;
}

/// @notice What is fixed when an escrow is created. Only target, deadline and termsHash can be amended.
/// @custom:member beneficiary The only address a draw can go to; not zero; can never change.
/// @custom:member guardian May decline, amend and cancel, within bounds; zero for none.
/// @custom:member stETH Lido's stETH; zero, together with wstETH, for a rescue in ETH only.
/// @custom:member wstETH The wstETH that wraps this stETH.
/// @custom:member target The shortfall to cover, in wei; 10^9 to 2^96 - 1.
/// @custom:member deadline The last second at which a pledge is accepted, in Unix seconds.
/// @custom:member latestDeadline No amendment can move the deadline beyond it; at or after the deadline.
/// @custom:member tiers 1 to 8 tiers by rising threshold; the last one's is 10,000.
/// @custom:member objectionPeriod Seconds from settlement to the first tranche. Not zero, so that nothing is ever due in
/// the block that settles.
/// @custom:member vetoBps Share of the drawn value, in basis points below 10,000, whose objections cancel the rest; 0 for
/// no veto.
/// @custom:member tranches Number of equal tranches, 1 to 64.
/// @custom:member trancheInterval Seconds between two tranches; not zero if there are several.
/// @custom:member releaseWindow Seconds that a due tranche may stay undelivered, after the last is due, before anyone
/// may end the rescue; also how long after the deadline an unreadable share rate may hold up settlement. Not zero.
/// @custom:member exitWindow Seconds of notice that an amendment needs, during which anyone may leave; also how long after the
/// deadline a bonus that pledgers share in waits to be decided. Not zero.
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

/// @notice Where a rescue stands. Open -> Settled -> Released; Open -> Failed; Settled -> Cancelled; nothing else.
/// @custom:value Open Pledges are accepted up to the deadline. Next: Settled, Failed.
/// @custom:value Settled The draw is fixed; tranches fall due. Next: Released, Cancelled.
/// @custom:value Released Everything drawn was delivered. Final.
/// @custom:value Failed Everything goes back, whole. Final.
/// @custom:value Cancelled What was not due goes back; what was due stays collectable until it lapses.
enum Status {
    Open,
    Settled,
    Released,
    Failed,
    Cancelled
}

/// @notice Why a rescue failed or was cancelled: the first cause, if there were several.
/// @custom:value None It was neither.
/// @custom:value NoThresholdMet Failed: the deadline passed and no tier's threshold was met.
/// @custom:value EndedByGuardian Failed: the guardian ended it while it was open.
/// @custom:value RateUnreadable Failed: stETH could not be valued for longer than the release window after the deadline.
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

/// @notice A proposed change of the terms. It is pending until `effectiveAt`, and in force by itself from that second on.
/// @custom:member target The new shortfall, in wei.
/// @custom:member deadline The new deadline.
/// @custom:member termsHash The hash of the new document.
/// @custom:member effectiveAt Until just before this second anyone may exit; 0 for no amendment.
struct Amendment {
    Wei target;
    uint40 deadline;
    bytes32 termsHash;
    uint40 effectiveAt;
}

/// @notice What a pledge made now would meet, as it is stored: past the deadline still Open, until a call settles.
/// @custom:member status The stored status.
/// @custom:member target The target in force, in wei.
/// @custom:member deadline The deadline in force.
/// @custom:member amendment The latest amendment, pending or in force; all zero if none was proposed. A pledge names its
/// `effectiveAt`. One that was pending when the rescue failed is forgotten.
struct PledgingView {
    Status status;
    Wei target;
    uint40 deadline;
    Amendment amendment;
}

/// @notice What is recorded of a rescue, as it is stored and not as the next call would find it.
/// @custom:member status The stored status: past the deadline still Open, until a call settles.
/// @custom:member endReason Why it failed or was cancelled.
/// @custom:member createdBlock The number of the block in which the escrow was created: its logs begin there.
/// @custom:member deadline The deadline in force.
/// @custom:member activeTiers Settlement chose the first so many tiers; 0 before it.
/// @custom:member rate Wei per 10^27 shares when the rescue settled or no threshold was met (0 if no pot held shares); 10^27
/// if it expired; 0 while open and when its guardian ended it.
/// @custom:member settledAt When it settled, or 0.
/// @custom:member finalAt When Released or Cancelled became final, or 0. Of a failed rescue always 0.
/// @custom:member kept Tranches the beneficiary keeps, by asset; 0 where nothing was drawn.
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
/// @custom:member asset Its asset.
/// @custom:member total Pledged, in the asset's own unit; frozen at settlement.
/// @custom:member drawn Of that, drawn by settlement; floor(total * D / V) of its group.
/// @custom:member delivered Of that, delivered to the beneficiary.
struct PotView {
    uint8 tier;
    Asset asset;
    Units total;
    Units drawn;
    Units delivered;
}

/// @notice One position as the next call would find it.
/// @custom:member tier Index of the tier.
/// @custom:member asset Its asset.
/// @custom:member amount Pledged, in the asset's own unit.
/// @custom:member refunded Of that, already taken back.
/// @custom:member refundable What a refund would pay now, rounded down.
/// @custom:member weight Its drawn value in wei at the settlement rate, rounded down: what it counts in an objection.
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

/// @notice Everything a status page needs, as the next call would find it. Contracts decide by RecordView instead: a
/// caller who leaves too little gas for the read of the rate sees an unreadable one.
/// @custom:member status The status; past the deadline, the one that settling now would give.
/// @custom:member endReason Why it failed (or would now) or was cancelled.
/// @custom:member createdBlock The number of the block in which the escrow was created: its logs begin there.
/// @custom:member terms The terms, with the target, deadline and termsHash in force now.
/// @custom:member amendment The latest amendment, pending or in force; all zero if none was proposed.
/// @custom:member pots Every pot that holds something, by tier and asset.
/// @custom:member rateReadable Whether the share rate is known: read now, recorded when the rescue was decided, or not
/// needed.
/// @custom:member rate Wei per 10^27 shares: read now while open, else as recorded; 0 when no pot holds shares.
/// @custom:member coverage Value of all pots at that rate, in wei; of their ETH alone unless rateReadable.
/// @custom:member thresholdMetBps The highest tier threshold that is met; at settlement, the chosen one; 0 for none.
/// @custom:member drawn The value drawn, in wei, at the settlement rate; never more than the target.
/// @custom:member objected The drawn value that has objected, in wei.
/// @custom:member settledAt When it settled; 0 if a call has not settled it yet.
/// @custom:member cancelledAt When it was cancelled, by the guardian, a veto or a lapse, or 0.
/// @custom:member lapsedAt When what was due and not collected was given up, or 0.
/// @custom:member finalAt When Released or Cancelled became final, or 0. Of a failed rescue always 0.
/// @custom:member due Tranches due by the clock.
/// @custom:member kept Tranches the beneficiary keeps, by asset; 0 where nothing was drawn.
/// @custom:member delivered Tranches delivered, by asset.
/// @custom:member held Tranches that do not go back yet, by asset: those kept, and those that a veto stopped and whose time
/// has not come. Where nothing was drawn it means nothing.
/// @custom:member returnsByCalendar Whether what a veto stopped goes back tranche by tranche.
/// @custom:member nextTrancheAt When the next tranche falls due, or goes back after a veto; 0 when none will.
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
/// @notice Locks pledges of ETH, stETH and wstETH toward one protocol's shortfall, draws them by rules fixed before
/// the first coin arrived, releases what was drawn in tranches to one beneficiary, and returns all the rest.
///
/// The guarantees hold if
/// - stETH and wstETH behave as Lido core v3.0.2 does: shares move exactly as asked, one wstETH unit is one share;
/// - the chain's clock and its contract code can be relied on.
/// There is no owner, no upgrade, no fee. Value leaves only to the beneficiary (release), or to a pledger, or where
/// that pledger says (refund, exit, decline, collect).
///
/// The address proves itself: it follows, by CREATE2, from this code and the terms of creation, which stay readable in
/// `originalTerms` whatever is amended. Code that looks the same is no proof.
///
/// Funds can be held up if
/// - stETH is paused: stETH (not ETH, not wstETH) moves again when it is resumed. Nobody is bound by that: an exit takes
///   effect at once, and what it could not pay is owed and collected later;
/// - the share rate cannot be read while shares are in the books: settlement waits, and after
///   `deadline + releaseWindow` anyone may `expire` the rescue, which returns everything;
/// - the beneficiary cannot be paid: after `releaseWindow` anyone may `lapse` what it did not collect;
/// - a pledger is a contract that refuses ETH: it may name another recipient;
/// - objections stopped the rescue: what they stopped goes back at the times at which it would have fallen due.
/// Ether that is forced in and tokens that are sent in without a pledge are outside the books and stay there.
///
/// Amounts of stETH are in shares throughout. Every refusal is an error below; when a pledge is paid, errors of a token
/// pass through as they are. The first call after the deadline that pays out, stops or settles the rescue decides it first,
/// once, for ever.
interface IPledgeEscrow {
    // ------------------------------------------------------------------------------------------------ events
    // Each is emitted right after the books change and before any payment, so that the log is in the order of the books;
    // Owed alone follows a payment, which failed and left no trace. The whole state can be rebuilt from these.

    /// @notice The escrow was created with these terms.
    event RescueCreated(address indexed beneficiary, address indexed guardian, Terms terms);

    /// @notice `amount` of `asset` was locked into `tier` as a pledge of `pledger`, whoever paid it.
    event Pledged(address indexed pledger, uint8 tier, Asset asset, Units amount);

    /// @notice `pledger` left during the exit window of an amendment, with the whole position. An Owed event follows if it
    /// could not be paid.
    event Exited(address indexed pledger, uint8 tier, Asset asset, address recipient, Units amount);

    /// @notice The guardian returned the whole position to `pledger`. An Owed event follows if it could not be paid.
    event Declined(address indexed pledger, uint8 tier, Asset asset, Units amount);

    /// @notice An exit or a decline could not pay `amount`: it is owed to `pledger`, who can collect it.
    event Owed(address indexed pledger, Asset asset, Units amount);

    /// @notice All that was owed to `pledger` of an asset went to `recipient`.
    event Collected(address indexed pledger, Asset asset, address recipient, Units amount);

    /// @notice `amount` of a position, not or no longer needed, went back.
    event Refunded(address indexed pledger, uint8 tier, Asset asset, address recipient, Units amount);

    /// @notice The guardian proposed an amendment, in force from `effectiveAt` if the rescue is then still open.
    event AmendmentProposed(Wei target, uint40 deadline, bytes32 termsHash, uint40 effectiveAt);

    /// @notice The rescue settled: tiers up to `thresholdBps` are active, `draws[tier * 3 + asset]` was drawn of each
    /// pot, `drawn` wei in all at `rate` (0 when no pot held shares), of `target`.
    event Settled(uint16 thresholdBps, Rate rate, Wei target, Wei drawn, uint40 settledAt, Units[] draws);

    /// @notice The rescue failed; everything can be refunded. `rate` is what was recorded: see RecordView.
    event Failed(EndReason reason, Rate rate, uint40 failedAt);

    /// @notice `amount` of `asset` went to the beneficiary; `tranches` tranches of it are now delivered in all.
    event Released(Asset indexed asset, uint8 tranches, Units amount);

    /// @notice A position objected with its drawn value of `weight` wei.
    event Objected(address indexed pledger, uint8 tier, Asset asset, Wei weight);

    /// @notice What was not yet due was stopped, by the guardian or a veto: the beneficiary keeps at most `kept` tranches of
    /// each asset. What the guardian stopped goes back at once, what a veto stopped at the times it would have fallen due.
    event Cancelled(EndReason reason, uint8 kept, uint40 cancelledAt);

    /// @notice The guardian lifted the hold: what a veto stopped goes back at once.
    event HoldLifted(uint40 liftedAt);

    /// @notice What was due and not collected was given up: the beneficiary keeps what was delivered, by asset.
    event Lapsed(uint40 lapsedAt);

    /// @notice Nothing more will go to the beneficiary: the rescue is released, or cancelled and delivered.
    event Finalized(uint40 finalAt);

    // ------------------------------------------------------------------------------------------------ errors
    // Of the terms, in the constructor.

    /// @notice Thrown when the beneficiary is the zero address.
    error BeneficiaryZero();
    /// @notice Thrown when only one of stETH and wstETH is set, or wstETH does not wrap this stETH.
    error TokensMismatch(address stETH, address wstETH);
    /// @notice Thrown, also by amend, when the target is not within `minimum` and `maximum` wei.
    error TargetOutOfBounds(Wei target, Wei minimum, Wei maximum);
    /// @notice Thrown when the deadline is not after the block's time.
    error DeadlinePassed(uint256 deadline, uint256 time);
    /// @notice Thrown when there is no tier, or more than `limit`.
    error TierCountOutOfBounds(uint256 count, uint256 limit);
    /// @notice Thrown when a tier's threshold is 0, above 10,000, or below the one of the tier before.
    error ThresholdOutOfOrder(uint256 tier, uint256 thresholdBps, uint256 previousBps);
    /// @notice Thrown when the last tier's threshold is not 10,000.
    error LastThresholdNotFull(uint256 thresholdBps);
    /// @notice Thrown when two tiers have the same draw order and different rates.
    error RatesDiffer(uint256 tier, uint256 otherTier);
    /// @notice Thrown when the latest deadline is before the deadline.
    error LatestDeadlineTooEarly(uint256 latestDeadline, uint256 deadline);
    /// @notice Thrown when the objection period is zero.
    error ObjectionPeriodZero();
    /// @notice Thrown when vetoBps is 10,000 or more: weights are rounded down, so all of it cannot be reached.
    error VetoOutOfBounds(uint256 vetoBps);
    /// @notice Thrown when there is no tranche, or more than `limit`.
    error TranchesOutOfBounds(uint256 tranches, uint256 limit);
    /// @notice Thrown when there are several tranches and no time between them.
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
    /// @notice Thrown when the tier does not exist.
    error UnknownTier(uint256 tier, uint256 count);
    /// @notice Thrown when the rescue is in ETH only.
    error AssetNotAccepted(Asset asset);
    /// @notice Thrown when a pledge is of nothing.
    error ZeroAmount();
    /// @notice Thrown by pledge when the latest amendment is not the one that the pledge names: by the times at which they
    /// come into force, 0 for none.
    error AmendmentDiffers(uint256 named, uint256 latest);
    /// @notice Thrown when the pledger or the recipient is zero, this escrow, or one of its tokens.
    error InvalidAccount(address account);
    /// @notice Thrown by refund, exit and decline when the position has nothing that they could return.
    error NothingToReturn(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown by collect when nothing is owed.
    error NothingOwed(address pledger, Asset asset);
    /// @notice Thrown by exit when no amendment is pending; `effectiveAt` is the latest one's time, or 0.
    error NoExitWindow(uint256 effectiveAt, uint256 time);
    /// @notice Thrown by amend, and by settle up to the deadline, while an amendment is pending.
    error AmendmentPending(uint256 effectiveAt, uint256 time);
    /// @notice Thrown when the exit window would end after the deadline in force.
    error AmendmentTooLate(uint256 effectiveAt, uint256 deadline);
    /// @notice Thrown when the new deadline is not after the exit window.
    error AmendedDeadlineTooEarly(uint256 newDeadline, uint256 effectiveAt);
    /// @notice Thrown when the new deadline is after the latest that the terms allow.
    error AmendedDeadlineTooLate(uint256 newDeadline, uint256 latestDeadline);
    /// @notice Thrown by settle up to the deadline when not everything is covered.
    error CoverageTooLow(Wei coverage, Wei required);
    /// @notice Thrown when the rescue would settle, some pot holds shares, and their rate cannot be read.
    error RateUnreadable();
    /// @notice Thrown by expire when the rate can be read: settle instead.
    error RateReadable(Rate rate);
    /// @notice Thrown by expire when no pot holds shares, so that no rate is needed: settle instead.
    error RateNotNeeded();
    /// @notice Thrown by expire when too little gas is left for a failed read to prove anything.
    error GasTooLow(uint256 left, uint256 required);
    /// @notice Thrown by release when every tranche of the asset that is due is delivered.
    error NothingDue(Asset asset, uint256 due, uint256 delivered);
    /// @notice Thrown by cancel and object when every tranche is due already.
    error NothingToStop(uint256 due, uint256 tranches);
    /// @notice Thrown by object when the terms have no veto.
    error NoVeto();
    /// @notice Thrown by object when the position has already objected.
    error AlreadyObjected(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown by object when nothing was drawn from the position.
    error NothingDrawn(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown by lapse and expire up to and including `time limit`.
    error TooEarly(uint256 limit, uint256 time);
    /// @notice Thrown when `recipient` does not take the ETH, or a token does not make the transfer.
    error PaymentFailed(address recipient, Asset asset, Units amount);

    // ------------------------------------------------------------------------------------------------ pledging

    /// @notice Locks the ETH sent with the call as a pledge of `pledger`. Anyone may pay for anyone.
    /// @dev Up to and including the deadline. Reverts with PledgingClosed, AmendmentDiffers, ZeroAmount, InvalidAccount,
    /// UnknownTier, AmountTooLarge, in this order.
    /// @param pledger Whose pledge it is: who may object, exit and be refunded.
    /// @param tier The tier, counted from 0.
    /// @param amendment The latest amendment that the sender knows of, by its `effectiveAt`; 0 for none. So a pledge that was
    /// decided before an amendment is refused after it, instead of meeting terms it was not meant for.
    function pledgeETH(address pledger, uint8 tier, uint64 amendment) external payable;

    /// @notice Locks `shares` of the caller's stETH, under an allowance in stETH that covers their value.
    /// @dev As pledgeETH; also AssetNotAccepted after ZeroAmount, and stETH's own errors.
    /// @param shares stETH shares (stETH's `getSharesByPooledEth` tells them from an amount); exactly these are
    /// booked and moved.
    function pledgeStETH(address pledger, uint8 tier, uint64 amendment, Shares shares) external;

    /// @notice Locks `amount` of the caller's wstETH, which stays wrapped, under an allowance.
    /// @dev As pledgeETH; also AssetNotAccepted after ZeroAmount, PaymentFailed, and wstETH's own errors.
    /// @param amount In wstETH's own unit; exactly this is booked and moved.
    function pledgeWstETH(address pledger, uint8 tier, uint64 amendment, WstETHUnits amount) external;

    /// @notice Takes the caller's position out, whole, while an amendment is pending.
    /// @dev Before the amendment's effectiveAt. It is out of the books at once, whatever the token or the recipient does:
    /// what cannot be paid is owed to the caller, who can `collect` it. Reverts with NoExitWindow, InvalidAccount,
    /// UnknownTier, NothingToReturn, in this order.
    /// @param recipient Where it goes.
    function exit(uint8 tier, Asset asset, address recipient) external;

    /// @notice Pays `pledger` what an exit or a decline of its positions could not. Anyone may call, in any status; it never
    /// settles and never expires.
    /// @dev All that is owed of the asset. Reverts with NothingOwed, PaymentFailed.
    function collect(address pledger, Asset asset) external;

    /// @notice As collect, of what is owed to the caller, to `recipient`. Also InvalidAccount.
    function collectTo(Asset asset, address recipient) external;

    // ------------------------------------------------------------------------------------------------ settling

    /// @notice Decides the rescue: which tiers are active, and what is drawn of each pot; or that it failed.
    /// Anyone may call; the result depends on no order of pledges.
    /// @dev Up to the deadline only when everything is covered (CoverageTooLow) and no amendment is pending
    /// (AmendmentPending); after it, by the highest threshold that is met. For each draw order, lowest first, V = value of
    /// its active pots, D = min(V, what is still needed): of each pot floor(total * D / V) is drawn. So the draw, valued
    /// order by order, never exceeds the target, and what rounding leaves stays with the pledgers. Reverts with
    /// WrongStatus once decided, RateUnreadable, AmendmentPending, CoverageTooLow, in this order.
    function settle() external;

    /// @notice Fails a rescue whose shares cannot be valued, so that everything can be refunded. Anyone may call.
    /// @dev Later than `deadline + releaseWindow` (TooEarly), while shares are in the books (RateNotNeeded) and a read of
    /// their rate with 1,000,000 gas fails (RateReadable). A caller who leaves less than that for the read gets GasTooLow.
    /// WrongStatus once decided.
    function expire() external;

    // ------------------------------------------------------------------------------------------------ paying out

    /// @notice Delivers to the beneficiary what is due of one asset. Anyone may call.
    /// @dev Tranche r of N is due at `settledAt + objectionPeriod + (r - 1) * trancheInterval`. Delivered in all is
    /// floor(drawn * r / N) of each pot; what rounding leaves comes with the last tranche, or stays with the pledgers
    /// if there is none. Reverts with RateUnreadable, WrongStatus, NothingDue, PaymentFailed, in this order.
    function release(Asset asset) external;

    /// @notice Returns to `pledger` what its position is owed. Anyone may call; nothing can pause it; never expires.
    /// @dev Owed in all: the amount, if the rescue failed or the tier was not active; else
    /// floor(amount * (total - reserved) / total) with the pot's frozen total and reserved = floor(drawn * held / N).
    /// held = the tranches kept, and after a veto also those that were stopped and whose time has not come.
    /// The dust of a pot, less than one unit a position, stays in the escrow. Claims in any order pay the same.
    /// Reverts with RateUnreadable, WrongStatus while open, UnknownTier, NothingToReturn, PaymentFailed, in this order.
    function refund(address pledger, uint8 tier, Asset asset) external;

    /// @notice As refund, of the caller's own position, to `recipient`. Also InvalidAccount, first.
    function refundTo(uint8 tier, Asset asset, address recipient) external;

    // ------------------------------------------------------------------------------------------------ stopping

    /// @notice Objects with the caller's position, once. When objections reach `vetoBps` of the drawn value, what is
    /// not yet due is cancelled, and goes back to the pledgers at the times at which it would have fallen due.
    /// @dev Reached is ceil(drawn * vetoBps / 10,000); weights are rounded down. Reverts with RateUnreadable, NoVeto,
    /// WrongStatus, NothingToStop, UnknownTier, AlreadyObjected, NothingDrawn, in this order.
    function object(uint8 tier, Asset asset) external;

    /// @notice Gives up what was due and not collected within `releaseWindow` of the last tranche's time, or of the
    /// cancellation; it goes back to the pledgers. Anyone may call.
    /// @dev Reverts with RateUnreadable, WrongStatus unless settled, or cancelled and not final, and TooEarly, in this
    /// order.
    function lapse() external;

    // ------------------------------------------------------------------------------------------------ guardian

    /// @notice Returns a position, whole, to its pledger. Guardian only, up to and including the deadline.
    /// @dev It is out of the books at once: what cannot be paid, with at most 100,000 gas for the pledger's code, is owed
    /// and can be collected. Reverts with NotGuardian, PledgingClosed, UnknownTier, NothingToReturn, in this order.
    function decline(address pledger, uint8 tier, Asset asset) external;

    /// @notice Proposes a new target, deadline and document, in force by itself after `exitWindow`. Guardian only.
    /// @dev One at a time. It dies if the rescue ends before; until it is in force the rescue does not settle. Reverts
    /// with NotGuardian, PledgingClosed, AmendmentPending, TargetOutOfBounds, AmendmentTooLate, AmendedDeadlineTooEarly,
    /// AmendedDeadlineTooLate, in this order.
    function amend(Wei target, uint40 deadline, bytes32 termsHash) external;

    /// @notice Ends an open rescue, or stops what is not yet due of a settled one, which goes back at once. After a veto it
    /// lifts the hold: what the veto stopped goes back at once too. Guardian only.
    /// @dev Reverts with NotGuardian, RateUnreadable, WrongStatus (also after a veto once nothing is held any more),
    /// NothingToStop, in this order.
    function cancel() external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice Everything a status page needs. Past the deadline it shows what settling now would give.
    function rescue() external view returns (RescueView memory);

    /// @notice The positions of `pledger` that were ever pledged and not taken out, by tier and asset.
    function positions(address pledger) external view returns (PositionView[] memory);

    /// @notice What exits and declines could not pay `pledger`, by asset, in the assets' own units.
    function owed(address pledger) external view returns (Units[3] memory);

    /// @notice The terms that the escrow was created with, whatever was amended since: code and these give its address.
    function originalTerms() external view returns (Terms memory);

    // The next four are for contracts that build on the books: stored facts, with no call of any other contract.

    /// @notice What a pledge made now would meet.
    function pledging() external view returns (PledgingView memory);

    /// @notice What is recorded of the rescue.
    function record() external view returns (RecordView memory);

    /// @notice All pots as they are booked, numbered `tier * 3 + asset`, in their assets' own units.
    /// @return totals Pledged; frozen at settlement.
    /// @return draws Of that, drawn by settlement.
    function pots() external view returns (Units[] memory totals, Units[] memory draws);

    /// @notice One position as it is booked; all zero if there never was one.
    /// @dev Reverts with UnknownTier.
    /// @return amount Pledged, in the asset's own unit; frozen at settlement.
    /// @return refunded Of that, already taken back.
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
