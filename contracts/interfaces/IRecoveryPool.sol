// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, Rate, Wei } from "../types/Units.sol";
import { Status } from "./IPledgeEscrow.sol";

/// @notice One draw order's pledges in the waterfall.
/// @custom:member drawOrder The tiers' draw order.
/// @custom:member rateBps Their yearly interest, in basis points; 0 for grants.
/// @custom:member value V: the value in wei, at the settlement rate, of all that was pledged into the group's active
/// tiers. 0 if nothing was paid out of the group, which then takes no part.
/// @custom:member principal What is still to be repaid before the next group, in wei. Of the lowest group always 0: it
/// takes whatever is left.
/// @custom:member interest The interest due now, in wei. Of the lowest group always 0.
/// @custom:member received All that the group has received, in wei.
struct GroupView {
    uint8 drawOrder;
    uint16 rateBps;
    Wei value;
    Wei principal;
    Wei interest;
    Wei received;
}

/// @title Recovery pool of one rescue
/// @notice Shares out the ETH that is recovered after a rescue (from the exploiter, courts, insurance, repayments) among
/// those whose pledges were drawn: last drawn, first repaid.
///
/// Groups are the draw orders of the active tiers out of which something worth a wei was really paid to the beneficiary; one
/// that was drawn and never collected lost nothing. A deposit goes to them by falling draw order: the interest due, then
/// the principal, then the next group. The lowest of them takes all the rest, whatever it lost: a pledge of 1 wei that is
/// alone in the lowest draw order gets everything above what the loans are owed. So say in the document who is to be
/// lowest, and before a deposit of more than is owed look at `recovery`.
/// - The principal of a group is the value, at the settlement rate, of what was delivered out of its pots.
/// - Interest is simple, on the outstanding principal, from the moment the rescue became final. It is added at each
///   deposit: floor(principal * rateBps * seconds / (10,000 * 365 days)).
/// - Within a group an asset that was not or only partly collected shares as if it had been collected whole: values are of
///   what was pledged, not of what was delivered.
/// - A position has earned floor(received * value / V) in all, of what its group received, with its value and that of
///   the group at the settlement rate. Both floors round down, the value's too: so the dust of a group, less than
///   1 + received / V wei a position, stays in the pool.
///
/// Anyone may deposit, by `recover` or by a plain transfer (which must bring gas for it: a transfer limited to 2,300
/// gas fails), and anyone may claim for a pledger. Claims never expire, and the order of claims changes nothing. There
/// is no owner, no upgrade, no fee. A deposit cannot be taken back.
///
/// One pool serves one escrow, which does not know it. Its address commits to its code and the escrow's address. It
/// should be created before anyone sends to it: ether sent to an address that has no code yet is taken without a
/// question, and is then, like ether that is forced in, outside the books and stays there.
///
/// The guarantees hold if the escrow is Levee's; a pool of anything else is worth what that says.
interface IRecoveryPool {
    // ------------------------------------------------------------------------------------------------ events

    /// @notice The pool of `escrow` was created.
    event RecoveryPoolCreated(address indexed escrow);

    /// @notice `payer` deposited `amount`, at `recoveredAt`. The Repaid events that follow say where it went.
    event Recovered(address indexed payer, Wei amount, uint40 recoveredAt);

    /// @notice Of a deposit a group received `interest`, `principal`, and `rest`, which only the lowest group gets.
    event Repaid(uint8 indexed drawOrder, Wei interest, Wei principal, Wei rest);

    /// @notice `amount` of what a position has earned was paid to `recipient`.
    event Claimed(address indexed pledger, uint8 tier, Asset asset, address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ errors

    /// @notice Thrown when the rescue is not final, or failed: nothing was paid that could be recovered.
    error NotFinal(Status status);
    /// @notice Thrown when a deposit is of nothing.
    error ZeroAmount();
    /// @notice Thrown by recover when the rescue ended with nothing delivered that is worth a wei.
    error NothingDelivered();
    /// @notice Thrown by claim when nothing was paid out of the tier's group, or the tier was not active.
    error NotDrawn(uint256 tier);
    /// @notice Thrown by claim when the position has earned nothing that it has not had.
    error NothingToClaim(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown when the recipient is zero or this pool.
    error InvalidAccount(address account);
    /// @notice Thrown when `recipient` does not take the ETH.
    error PaymentFailed(address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ calls

    /// @notice Deposits the ETH sent with the call, and shares it out at once. Anyone may call.
    /// @dev Reverts with NotFinal, ZeroAmount, NothingDelivered, in this order; with AmountTooLarge beyond 2^96 - 1 wei
    /// for one group in all.
    function recover() external payable;

    /// @notice Pays `pledger` what its position has earned and not had. Anyone may call.
    /// @dev Reverts with InvalidAccount; with the escrow's UnknownTier; then NotFinal, or NothingToClaim before the first
    /// deposit; then NotDrawn, NothingToClaim, PaymentFailed.
    function claim(address pledger, uint8 tier, Asset asset) external;

    /// @notice As claim, of the caller's own position, to `recipient`.
    function claimTo(uint8 tier, Asset asset, address recipient) external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice The escrow that this pool serves.
    function escrow() external view returns (address);

    /// @notice The waterfall as a deposit would find it now; before the first one, the draw orders and their rates alone.
    /// @return accruedAt When interest was last added; 0 before the first deposit, when all amounts are zero too.
    /// @return rate The settlement rate, in wei per 10^27 shares; 0 when no pot held shares.
    /// @return groups By falling draw order, which is the order of repayment.
    function recovery() external view returns (uint40 accruedAt, Rate rate, GroupView[] memory groups);

    /// @notice What a position has earned in all, and what of it was paid, in wei. Reverts with the escrow's UnknownTier.
    function earnings(address pledger, uint8 tier, Asset asset) external view returns (Wei earned, Wei claimed);
}
