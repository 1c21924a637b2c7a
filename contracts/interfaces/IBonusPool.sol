// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, Rate, Units, Wei } from "../types/Units.sol";
import { Status } from "./IPledgeEscrow.sol";

/// @title Bonus pool of one rescue
/// @notice Makes pledging early never a loss: sponsors add ETH while the rescue is open, and a pledge whose condition was
/// not met gets its part of it, for the time that it was locked, besides having everything back. A dominant assurance
/// contract (A. Tabarrok, "The Private Provision of Public Goods via Dominant Assurance Contracts", Public Choice 96, 1998).
///
/// A position counts from when it is enlisted: anyone may enlist it, and the router does so with the pledge. What it has is
/// then multiplied by the seconds left until the deadline: the first of the one at creation, the one in force and a
/// pending one. So to pledge early counts most, and to pledge in the last second, when failure is certain, next to
/// nothing. What is pledged into it later counts from when it is enlisted in turn. A position that was taken out, by exit
/// or decline, earns nothing for the time before: enlisting it strikes that, which is possible for anyone, and in
/// everyone's interest, until the bonus is decided. One that was taken out 2^24 - 1 times or more earns no bonus.
///
/// Once the rescue is decided, the first claim decides the bonus. With V, the value of all unit-seconds enlisted at the rate
/// that the escrow recorded, and V', that of the tiers that are not active (of a rescue that failed, of all):
/// - the pledgers' part is floor(bonus * V' / V);
/// - a position in a tier that is not active gets floor(bonus * value of its unit-seconds / V), once, if it was not taken
///   out since it was enlisted;
/// - the sponsors get back the rest, each floor(added * (bonus - pledgers' part) / bonus).
/// All is rounded down to a wei; the dust, and what outdated positions would have got, stays in the pool.
///
/// All of it is the sponsors' if every tier is active (100 % was met), if nothing of worth is enlisted into the others, or if
/// the guardian ended the rescue while it was open: a guardian who has pledged could else end it for the bonus. A guardian
/// can so void a bonus; a bonus is worth what its guardian is. A rescue that settled and is cancelled later stays decided.
///
/// It is decided not before the exit window's time after the deadline, unless all is the sponsors': until then what has left
/// can still be struck, and what is locked is known.
///
/// While an amendment is pending, sponsors may leave, but only in the first half of its exit window: pledgers see it and can
/// still follow.
///
/// The pool never asks Lido: it takes the rate that the escrow recorded, which is 10^27 if the rescue was ended because the
/// rate could not be read. Anyone may call for anyone; payments never expire, and their order changes nothing. There is
/// no owner, no upgrade, no fee. One pool serves one escrow, which does not know it; its address commits to its code and
/// the escrow's address. Ether that is forced in is outside the books and stays there.
///
/// The guarantees hold if the escrow is Levee's; a pool of anything else is worth what that says.
interface IBonusPool {
    // ------------------------------------------------------------------------------------------------ events

    /// @notice The pool of `escrow` was created.
    event BonusPoolCreated(address indexed escrow);

    /// @notice `amount` was added as the contribution of `sponsor`, whoever paid it.
    event BonusAdded(address indexed sponsor, Wei amount);

    /// @notice What counts of a position is now this: `amount` is enlisted, with `unitSeconds` in all, at its count of
    /// `departures`.
    event Enlisted(
        address indexed pledger, uint8 tier, Asset asset, uint24 departures, Units amount, uint128 unitSeconds
    );

    /// @notice It was decided whose the bonus is: of `bonus` wei `pledgersPart` is the pledgers'. At `rate` wei per 10^27
    /// shares (0 if none was recorded) all that is enlisted is worth `value` wei times seconds.
    event BonusDecided(Wei bonus, Wei pledgersPart, Rate rate, uint256 value);

    /// @notice A position's share of the bonus was paid to `recipient`.
    event BonusClaimed(address indexed pledger, uint8 tier, Asset asset, address recipient, Wei amount);

    /// @notice A sponsor's contribution, or what is left of it, went back, to `recipient`.
    event BonusReturned(address indexed sponsor, address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ errors

    /// @notice Thrown by add when the rescue is not open or its deadline has passed.
    error AddingClosed(Status status, uint256 deadline, uint256 time);
    /// @notice Thrown when nothing is added.
    error ZeroAmount();
    /// @notice Thrown when the sponsor or the recipient is zero, this pool, the escrow or one of its tokens.
    error InvalidAccount(address account);
    /// @notice Thrown by enlist when nothing would change: all that the position has is enlisted, or nothing can be any more,
    /// because the rescue takes no pledges or the bonus is decided.
    error NothingToEnlist(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown up to and including `time limit`, when a part of the bonus is the pledgers'.
    error TooEarly(uint256 limit, uint256 time);
    /// @notice Thrown by claim when the position's condition was met, nothing up to date is enlisted of it, or its share was
    /// paid before or is worth no wei.
    error NothingToClaim(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown by takeBack when a sponsor has nothing in the pool, or no wei is left of it.
    error NothingToTakeBack(address sponsor);
    /// @notice Thrown when `recipient` does not take the ETH.
    error PaymentFailed(address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ calls

    /// @notice Adds the ETH sent with the call, as the contribution of `sponsor`. Anyone may pay for anyone. What is not
    /// for the pledgers comes back; all of it if the sponsor leaves while an amendment is pending.
    /// @dev Up to and including the deadline in force. Reverts with AddingClosed, ZeroAmount, InvalidAccount, in this order.
    function add(address sponsor) external payable;

    /// @notice Brings what counts of a position up to date: strikes what has left the rescue since it was enlisted and, while
    /// the rescue takes pledges, enlists all that the position has. Anyone may call.
    /// @dev Adds (amount - enlisted) * seconds to the first deadline, in the asset's own unit. Up to and including the
    /// deadline in force; striking alone until the bonus is decided. Reverts with the escrow's UnknownTier; with
    /// AmountTooLarge beyond 2^128 - 1 unit-seconds for one position; with NothingToEnlist; in this order.
    function enlist(address pledger, uint8 tier, Asset asset) external;

    /// @notice Pays `pledger` a position's share of the bonus, once. Anyone may call.
    /// @dev The first call decides, and settles the rescue if nobody has. Reverts, until it is decided, with the escrow's
    /// AmendmentPending, RateUnreadable or CoverageTooLow while the rescue is open, and with TooEarly; then with the
    /// escrow's UnknownTier, NothingToClaim, PaymentFailed, in this order.
    function claim(address pledger, uint8 tier, Asset asset) external;

    /// @notice As claim, of the caller's own position, to `recipient`. Also InvalidAccount, first.
    function claimTo(uint8 tier, Asset asset, address recipient) external;

    /// @notice Returns to `sponsor` what is left of all that it added. Anyone may call.
    /// @dev floor(added * (bonus - pledgers' part) / bonus). Before it is decided only by the sponsor itself, all of it, in the
    /// first half of an amendment's exit window: 2 * (effectiveAt - time) > exitWindow. Else decides, and reverts, as claim
    /// does for want of a decision; then NothingToTakeBack, PaymentFailed.
    function takeBack(address sponsor) external;

    /// @notice As takeBack, of what the caller added, to `recipient`. Also InvalidAccount, first.
    function takeBackTo(address recipient) external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice The escrow that this pool serves.
    function escrow() external view returns (address);

    /// @notice The books.
    /// @return decided Whether a call has decided it; until then all but the total is zero.
    /// @return total The bonus, in wei: what was added, but for what sponsors left with before it was decided.
    /// @return pledgersPart Of that, what is the pledgers', in wei.
    /// @return rate The rate that the escrow recorded, in wei per 10^27 shares.
    /// @return value V: the value of all that is enlisted at that rate, in wei times seconds.
    function bonus() external view returns (bool decided, Wei total, Wei pledgersPart, Rate rate, uint256 value);

    /// @notice What a position gets of the bonus, in wei (0 until it is decided), and whether it has had it.
    /// @dev Reverts with the escrow's UnknownTier.
    function shareOf(address pledger, uint8 tier, Asset asset) external view returns (Wei share, bool claimed);

    /// @notice What a sponsor has added and not taken back, in wei.
    function contributionOf(address sponsor) external view returns (Wei);

    /// @notice What counts of a position, as it was written last; out of date if the escrow counts more departures.
    /// @return departures The count of its departures then.
    /// @return amount How much of it is enlisted, in the asset's own unit.
    /// @return unitSeconds That, times the seconds for which it is locked.
    function enlisted(address pledger, uint8 tier, Asset asset)
        external
        view
        returns (uint24 departures, Units amount, uint128 unitSeconds);
}
