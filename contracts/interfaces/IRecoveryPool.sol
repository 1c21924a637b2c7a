// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, Rate, Wei } from "../types/Units.sol";
import { Status } from "./IPledgeEscrow.sol";

/// @notice One draw order's pledges in the waterfall.
/// @custom:member drawOrder The tiers' draw order.
/// @custom:member rateBps Their yearly interest, in basis points; 0 for grants.
/// @custom:member value V: the value in wei, at the settlement rate, of everything pledged into the group's active
/// tiers. 0 if nothing was paid out of the group, which then takes no part.
/// @custom:member principal What must still be repaid before the next group, in wei. Always 0 for the lowest group,
/// which takes whatever is left.
/// @custom:member interest The interest due now, in wei. Always 0 for the lowest group.
/// @custom:member received Everything the group has received, in wei.
struct GroupView {
    uint8 drawOrder;
    uint16 rateBps;
    Wei value;
    Wei principal;
    Wei interest;
    Wei received;
}

/// @title Recovery pool of one rescue
/// @notice Distributes the ETH that is recovered after a rescue (from the exploiter, courts, insurance, repayments) to
/// those whose pledges were drawn: last drawn, first repaid.
///
/// The groups are the draw orders of the active tiers from which something worth at least one wei was paid to the
/// beneficiary; a group that was drawn but never collected lost nothing. A deposit goes to the groups in descending
/// draw order: the interest due, then the principal, then the next group. The lowest group takes all the rest, whatever
/// it lost: a pledge of 1 wei that is alone in the lowest draw order gets everything above what the loans are owed. So
/// specify in the document who is to be lowest, and check `recovery` before depositing more than is owed.
/// - The principal of a group is the value, at the settlement rate, of what was delivered from its pots.
/// - Interest is simple, on the outstanding principal, from the moment the rescue became final. It is added at each
///   deposit: floor(principal * rateBps * seconds / (10,000 * 365 days)).
/// - Within a group, an asset that was not collected, or only in part, shares as if it had been collected in full:
///   values are those of what was pledged, not of what was delivered.
/// - A position has earned floor(received * value / V) in total, of what its group received, with its value and that of
///   the group at the settlement rate. Both are rounded down, the value too, so the dust of a group, less than 1 +
///   received / V wei per position, stays in the pool.
///
/// Anyone may deposit, by `recover` or by a plain transfer (with enough gas: a transfer limited to 2,300 gas fails),
/// and anyone may claim for a pledger. Claims never expire, and the order of claims changes nothing. There is no owner,
/// no upgrade and no fee. A deposit cannot be taken back.
///
/// One pool serves one escrow, which does not know it. Its address commits to its code and the escrow's address. Create
/// it before anyone sends to it: an address without code accepts any ether, and that ether, like forced ether, is
/// outside the books and stays there.
///
/// The guarantees hold only if the escrow is Levee's: a pool for anything else is worth no more than that contract.
interface IRecoveryPool {
    // ------------------------------------------------------------------------------------------------ events

    /// @notice The pool of `escrow` was created.
    event RecoveryPoolCreated(address indexed escrow);

    /// @notice `payer` deposited `amount` at `recoveredAt`. The Repaid events that follow show where it went.
    event Recovered(address indexed payer, Wei amount, uint40 recoveredAt);

    /// @notice From a deposit, a group received `interest`, `principal`, and `rest`, which only the lowest group gets.
    event Repaid(uint8 indexed drawOrder, Wei interest, Wei principal, Wei rest);

    /// @notice `amount` of what a position has earned was paid to `recipient`.
    event Claimed(address indexed pledger, uint8 tier, Asset asset, address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ errors

    /// @notice Thrown when the rescue is not final, or failed, so that nothing was paid that could be recovered.
    error NotFinal(Status status);
    /// @notice Thrown when the deposit is zero.
    error ZeroAmount();
    /// @notice Thrown by recover when the rescue ended without delivering anything worth at least one wei.
    error NothingDelivered();
    /// @notice Thrown by claim when nothing was paid out of the tier's group, or the tier was not active.
    error NotDrawn(uint256 tier);
    /// @notice Thrown by claim when everything the position has earned was already paid.
    error NothingToClaim(address pledger, uint256 tier, Asset asset);
    /// @notice Thrown when the recipient is zero or this pool.
    error InvalidAccount(address account);
    /// @notice Thrown when `recipient` does not accept the ETH.
    error PaymentFailed(address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ calls

    /// @notice Deposits the ETH sent with the call, and distributes it at once. Anyone may call.
    /// @dev Reverts with NotFinal, ZeroAmount or NothingDelivered, checked in this order; or with AmountTooLarge beyond
    /// 2^96 - 1 wei in total for one group.
    function recover() external payable;

    /// @notice Pays `pledger` what its position has earned and not yet received. Anyone may call.
    /// @dev Reverts with InvalidAccount; with the escrow's UnknownTier; then NotFinal, or NothingToClaim before the
    /// first deposit; then NotDrawn, NothingToClaim or PaymentFailed.
    function claim(address pledger, uint8 tier, Asset asset) external;

    /// @notice Like claim, but pays the caller's own earnings to `recipient`.
    function claimTo(uint8 tier, Asset asset, address recipient) external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice The escrow that this pool serves.
    function escrow() external view returns (address);

    /// @notice The waterfall as a deposit would find it now; before the first one, only the draw orders and their
    /// rates.
    /// @return accruedAt When interest was last added; 0 before the first deposit, when all amounts are zero too.
    /// @return rate The settlement rate, in wei per 10^27 shares; 0 if no pot held shares.
    /// @return groups In descending draw order, the order of repayment.
    function recovery() external view returns (uint40 accruedAt, Rate rate, GroupView[] memory groups);

    /// @notice What a position has earned in total, and how much of it was paid, in wei. Reverts with the escrow's
    /// UnknownTier.
    function earnings(address pledger, uint8 tier, Asset asset) external view returns (Wei earned, Wei claimed);
}
