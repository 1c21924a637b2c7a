// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, Rate, Wei } from "../types/Units.sol";
import { Status } from "./IPledgeEscrow.sol";

/// @notice Whose the bonus is. Decided once, for ever.
/// @custom:value Undecided The rescue is open, or nobody has asked since it ended.
/// @custom:value Pledgers The rescue failed: pledgers share it.
/// @custom:value Sponsors Everyone takes back what they added.
enum BonusFor {
    Undecided,
    Pledgers,
    Sponsors
}

/// @title Bonus pool of one rescue
/// @notice Makes pledging early never a loss: sponsors add ETH while the rescue is open, and if it fails, the pledgers
/// share it by pledged value, besides having everything back. A dominant assurance contract (A. Tabarrok, "The Private
/// Provision of Public Goods via Dominant Assurance Contracts", Public Choice 96, 1998).
///
/// - The rescue failed because no threshold was met, or because its shares could not be valued: the pledgers share
///   the bonus. A position gets floor(bonus * its value / value of all pledges), once. Values are rounded down to a wei
///   too: the dust, less than 1 + bonus / value of all pledges wei a position, stays in the pool.
/// - It settled (whether it was then released or cancelled), its guardian ended it, or it failed with all pledges together
///   worth less than a wei: the sponsors take back what they added.
///
/// While an amendment of the rescue is pending, sponsors may leave, as pledgers may: so no amendment holds them, and none
/// can make a bonus of theirs due.
///
/// A guardian who ends a rescue does not cause the bonus to be paid: one who has pledged could else end it for that. A
/// guardian can still decline the pledges of others until no threshold can be met; who sponsors trusts it not to.
/// Who pledges just before the deadline shares like who came first.
///
/// Shares are valued at one rate, read by the first claim after the rescue ended, which settles the rescue itself if
/// nobody has. While the rate cannot be read, a claim fails; later than `releaseWindow` after the deadline it does not
/// any more (once the rescue was ended by `expire`, if nobody settled it), and 10^27 shares count as 10^27 wei.
///
/// Anyone may call for anyone; payments never expire, and their order changes nothing. There is no owner, no upgrade,
/// no fee. One pool serves one escrow, which does not know it; its address commits to its code and the escrow's address.
/// Ether that is forced in is outside the books and stays there.
///
/// The guarantees hold if the escrow is Levee's; a pool of anything else is worth what that says.
interface IBonusPool {
    // ------------------------------------------------------------------------------------------------ events

    /// @notice The pool of `escrow` was created.
    event BonusPoolCreated(address indexed escrow);

    /// @notice `amount` was added as the contribution of `sponsor`, whoever paid it.
    event BonusAdded(address indexed sponsor, Wei amount);

    /// @notice It was decided whose the bonus is; if the pledgers', at `rate` wei per 10^27 shares (0 when there are
    /// none), with which all pledges are worth `value` wei.
    event BonusDecided(BonusFor whose, Rate rate, Wei value);

    /// @notice A position's share of the bonus was paid to `recipient`.
    event BonusClaimed(address indexed pledger, uint8 tier, Asset asset, address recipient, Wei amount);

    /// @notice A sponsor's contribution went back, to `recipient`.
    event BonusReturned(address indexed sponsor, address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ errors

    /// @notice Thrown by add when the rescue is not open or its deadline has passed.
    error AddingClosed(Status status, uint256 deadline, uint256 time);
    /// @notice Thrown when nothing is added.
    error ZeroAmount();
    /// @notice Thrown when the sponsor or the recipient is zero or this pool.
    error InvalidAccount(address account);
    /// @notice Thrown by claim when the bonus is the sponsors', and by takeBack when it is the pledgers'.
    error WrongOutcome(BonusFor whose);
    /// @notice Thrown when a share was paid before, or is worth no wei.
    error NothingToClaim(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown when a sponsor has nothing in the pool.
    error NothingToTakeBack(address sponsor);
    /// @notice Thrown up to and including `time limit`, while shares are in the books and their rate cannot be read.
    error RateUnreadable(uint256 limit, uint256 time);
    /// @notice Thrown when the rate was not read and too little gas is left for that to prove anything.
    error GasTooLow(uint256 left, uint256 required);
    /// @notice Thrown when `recipient` does not take the ETH.
    error PaymentFailed(address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ calls

    /// @notice Adds the ETH sent with the call, as the contribution of `sponsor`. Anyone may pay for anyone. It comes
    /// back if it is not for the pledgers, or if the sponsor leaves while an amendment is pending.
    /// @dev Up to and including the deadline in force. Reverts with AddingClosed, ZeroAmount, InvalidAccount.
    function add(address sponsor) external payable;

    /// @notice Pays `pledger` a position's share of the bonus, once. Anyone may call.
    /// @dev Reverts with WrongOutcome, NothingToClaim, PaymentFailed, RateUnreadable, GasTooLow; while the rescue is
    /// open with the escrow's CoverageTooLow or RateUnreadable; with its UnknownTier.
    function claim(address pledger, uint8 tier, Asset asset) external;

    /// @notice As claim, of the caller's own position, to `recipient`. Also InvalidAccount.
    function claimTo(uint8 tier, Asset asset, address recipient) external;

    /// @notice Returns to `sponsor` all that it added. Anyone may call.
    /// @dev Before it is decided only by the sponsor itself, while an amendment is pending. Reverts with WrongOutcome,
    /// NothingToTakeBack, PaymentFailed, and where claim does for want of a decision.
    function takeBack(address sponsor) external;

    /// @notice As takeBack, of what the caller added, to `recipient`. Also InvalidAccount.
    function takeBackTo(address recipient) external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice The escrow that this pool serves.
    function escrow() external view returns (address);

    /// @notice The books.
    /// @return whose Whose the bonus is; Undecided until a call decides it.
    /// @return total What was added and not taken back, in wei; what pledgers claim is part of it.
    /// @return rate The rate that was fixed, in wei per 10^27 shares; 0 unless it is the pledgers'.
    /// @return value The value of all pledges at that rate, in wei; 0 unless it is the pledgers'.
    function bonus() external view returns (BonusFor whose, Wei total, Rate rate, Wei value);

    /// @notice What a position gets of the bonus, in wei (0 unless it is decided and the pledgers'), and whether it has
    /// had it.
    function shareOf(address pledger, uint8 tier, Asset asset) external view returns (Wei share, bool claimed);

    /// @notice What a sponsor has in the pool, in wei; 0 once it has taken it back.
    function contributionOf(address sponsor) external view returns (Wei);
}
