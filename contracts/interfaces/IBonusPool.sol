// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, Rate, Units, Wei } from "../types/Units.sol";
import { Status } from "./IPledgeEscrow.sol";

/// @title Bonus pool of one rescue
/// @notice Makes sure that pledging early is never a loss. Sponsors add ETH while the rescue is open. A pledge whose
/// condition was not met is returned in full and also gets a share of the bonus, for the time that it was locked. This
/// is a dominant assurance contract (A. Tabarrok, "The Private Provision of Public Goods via Dominant Assurance
/// Contracts", Public Choice 96, 1998).
///
/// A position counts from when it is enlisted. Anyone may enlist it, and the router does so together with the pledge.
/// Enlisting multiplies the position's amount by the seconds left until the earliest of three deadlines: the original
/// one, the one in force and a pending one. So a pledge counts most if it is made early, and next to nothing if it is
/// made in the last second, when failure is certain. Later additions to the position count from when they are enlisted
/// in turn. A position that was taken out, by exit or decline, earns nothing for the time before. Enlisting it again
/// strikes that time, which anyone can do, in everyone's interest, until the bonus is decided. A position that was
/// taken out 2^24 - 1 times or more earns no bonus.
///
/// Once the rescue is decided, the first claim decides the bonus. Let V be the value of all enlisted unit-seconds at
/// the rate that the escrow recorded, and V' the value of those in tiers that are not active (in a failed rescue: all).
/// Then
/// - the pledgers' part is floor(bonus * V' / V);
/// - a position in a tier that is not active gets floor(bonus * value of its unit-seconds / V), once, if it was not
///   taken out after it was enlisted;
/// - the sponsors get back the rest, each floor(added * (bonus - pledgers' part) / bonus). Everything is rounded down
///   to a wei; the dust, and what outdated positions would have got, stays in the pool.
///
/// The sponsors get back all of it if every tier is active (100 % was met), if nothing of value is enlisted in the
/// other tiers, or if the guardian ended the rescue while it was open. Otherwise, a guardian who has pledged could end
/// the rescue to collect the bonus. So a guardian can void a bonus: a bonus is worth what its guardian is. If a settled
/// rescue is cancelled later, the decision stands.
///
/// Unless all of the bonus is the sponsors', it is not decided before the exit window's length has passed since the
/// deadline. Until then, positions that have left can still be struck, and the amounts locked are final.
///
/// While an amendment is pending, sponsors may withdraw, but only in the first half of its exit window, so that
/// pledgers see it and can still follow.
///
/// The pool never calls Lido: it takes the rate that the escrow recorded, which is 10^27 if the rescue was ended
/// because the rate could not be read. Anyone may call for anyone; payments never expire, and their order changes
/// nothing. There is no owner, no upgrade and no fee. One pool serves one escrow, which does not know it; its address
/// commits to its code and the escrow's address. Forced ether is outside the books and stays in the pool.
///
/// The guarantees hold only if the escrow is Levee's: a pool for anything else is worth no more than that contract.
interface IBonusPool {
    // ------------------------------------------------------------------------------------------------ events

    /// @notice The pool of `escrow` was created.
    event BonusPoolCreated(address indexed escrow);

    /// @notice `amount` was added as a contribution of `sponsor`, whoever paid.
    event BonusAdded(address indexed sponsor, Wei amount);

    /// @notice The enlistment of a position is now `amount`, with `unitSeconds` in total, at its count of `departures`.
    event Enlisted(
        address indexed pledger, uint8 tier, Asset asset, uint24 departures, Units amount, uint128 unitSeconds
    );

    /// @notice The bonus was decided: of `bonus` wei, `pledgersPart` is the pledgers'. At `rate` wei per 10^27 shares
    /// (0 if none was recorded), everything enlisted is worth `value` wei-seconds.
    event BonusDecided(Wei bonus, Wei pledgersPart, Rate rate, uint256 value);

    /// @notice A position's share of the bonus was paid to `recipient`.
    event BonusClaimed(address indexed pledger, uint8 tier, Asset asset, address recipient, Wei amount);

    /// @notice A sponsor's contribution, or what is left of it, was returned to `recipient`.
    event BonusReturned(address indexed sponsor, address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ errors

    /// @notice Thrown by add when the rescue is not open or its deadline has passed.
    error AddingClosed(Status status, uint256 deadline, uint256 time);
    /// @notice Thrown when the amount added is zero.
    error ZeroAmount();
    /// @notice Thrown when the sponsor or the recipient is zero, this pool, the escrow or one of its tokens.
    error InvalidAccount(address account);
    /// @notice Thrown by enlist when nothing would change: the whole position is enlisted already, or nothing can be
    /// enlisted any more, because the rescue takes no pledges or the bonus is decided.
    error NothingToEnlist(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown up to and including `time limit` if part of the bonus is the pledgers'.
    error TooEarly(uint256 limit, uint256 time);
    /// @notice Thrown by claim when the position's condition was met, its enlistment is empty or outdated, or its share
    /// was already paid or is worth less than one wei.
    error NothingToClaim(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown by takeBack when a sponsor has nothing in the pool, or less than one wei is left of it.
    error NothingToTakeBack(address sponsor);
    /// @notice Thrown when `recipient` does not accept the ETH.
    error PaymentFailed(address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ calls

    /// @notice Adds the ETH sent with the call as a contribution of `sponsor`. Anyone may pay for anyone. What does not
    /// go to pledgers comes back, and all of it if the sponsor withdraws while an amendment is pending.
    /// @dev Possible up to and including the deadline in force. Reverts with AddingClosed, ZeroAmount or
    /// InvalidAccount, checked in this order.
    function add(address sponsor) external payable;

    /// @notice Brings the enlistment of a position up to date: strikes what has left the rescue since it was enlisted
    /// and, while the rescue takes pledges, enlists the whole position. Anyone may call.
    /// @dev Adds (amount - enlisted) * seconds until the earliest deadline, in the asset's own unit. Possible up to and
    /// including the deadline in force; after it, only striking is possible, until the bonus is decided. Reverts with
    /// the escrow's UnknownTier, with AmountTooLarge beyond 2^128 - 1 unit-seconds for one position, or with
    /// NothingToEnlist, checked in this order.
    function enlist(address pledger, uint8 tier, Asset asset) external;

    /// @notice Pays `pledger` a position's share of the bonus, once. Anyone may call.
    /// @dev The first call decides the bonus, and settles the rescue if nobody has. Until the bonus is decided, reverts
    /// with the escrow's AmendmentPending, RateUnreadable or CoverageTooLow while the rescue is open, and with
    /// TooEarly. After that, reverts with the escrow's UnknownTier, NothingToClaim or PaymentFailed, checked in this
    /// order.
    function claim(address pledger, uint8 tier, Asset asset) external;

    /// @notice Like claim, but pays the caller's own share to `recipient`. Also reverts with InvalidAccount, checked
    /// first.
    function claimTo(uint8 tier, Asset asset, address recipient) external;

    /// @notice Returns to `sponsor` what is left of its contributions. Anyone may call.
    /// @dev Pays floor(added * (bonus - pledgers' part) / bonus). In the first half of an amendment's exit window, 2 *
    /// (effectiveAt - time) > exitWindow, the sponsor itself can withdraw everything before the decision. Otherwise
    /// decides the bonus, and reverts like claim if it cannot; then with NothingToTakeBack or PaymentFailed.
    function takeBack(address sponsor) external;

    /// @notice Like takeBack, but pays the caller's own contributions to `recipient`. Also reverts with InvalidAccount,
    /// checked first.
    function takeBackTo(address recipient) external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice The escrow that this pool serves.
    function escrow() external view returns (address);

    /// @notice The books of the pool.
    /// @return decided Whether a call has decided the bonus; until then, everything but the total is zero.
    /// @return total The bonus, in wei: everything added, less what sponsors withdrew before the decision.
    /// @return pledgersPart The pledgers' part of it, in wei.
    /// @return rate The rate that the escrow recorded, in wei per 10^27 shares.
    /// @return value V: the value of everything enlisted at that rate, in wei-seconds.
    function bonus() external view returns (bool decided, Wei total, Wei pledgersPart, Rate rate, uint256 value);

    /// @notice A position's share of the bonus, in wei (0 until it is decided), and whether it was paid.
    /// @dev Reverts with the escrow's UnknownTier.
    function shareOf(address pledger, uint8 tier, Asset asset) external view returns (Wei share, bool claimed);

    /// @notice What a sponsor has added and not taken back, in wei.
    function contributionOf(address sponsor) external view returns (Wei);

    /// @notice The enlistment of a position as last written; outdated if the escrow counts more departures.
    /// @return departures The position's count of departures at that time.
    /// @return amount How much of it is enlisted, in the asset's own unit.
    /// @return unitSeconds The enlisted amounts, each times the seconds for which it is locked.
    function enlisted(address pledger, uint8 tier, Asset asset)
        external
        view
        returns (uint24 departures, Units amount, uint128 unitSeconds);
}
