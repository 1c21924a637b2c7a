// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { StETHAmount, Wei } from "../types/Units.sol";

/// @title Unwinder of staked ether
/// @notice A beneficiary for a rescue that is needed in ETH: the stETH and wstETH that are released to it go through
/// Lido's withdrawal queue, and all ETH, that of the queue and that of a release, goes on to one recipient.
///
/// Anyone may push everything along: `request` puts what is here into the queue, `claim` takes out what Lido has
/// finalized (usually days later) and sends it on, `forward` sends on ETH that came otherwise. There is no owner, no
/// upgrade, no fee, and nothing is stored: the queue knows the requests of this contract (`getWithdrawalRequests`). Value
/// leaves only to the queue, as requests of this contract, or as ETH to the recipient.
///
/// The guarantees hold if stETH, wstETH and the queue behave as Lido core v3.0.2 does. From a request to its
/// finalization stETH earns nothing, and a slashing in that time lowers what is paid.
///
/// Funds can be held up if
/// - stETH or the queue is paused: they wait here, and `request` goes through when it is resumed. Finalized requests can
///   be claimed all the same;
/// - Lido is in bunker mode, or has little ETH: requests are taken, and finalized later;
/// - the recipient does not take ETH: requests stay claimable in the queue, and ETH that is here waits;
/// - less than the least request (100 wei) is left of stETH: it stays until more comes;
/// - the queue is gone for good: there is no other way out.
/// Tokens other than stETH and wstETH, and NFTs other than requests of the queue, are stuck.
interface IStakedEtherUnwinder {
    // ------------------------------------------------------------------------------------------------ events

    /// @notice `amount` of stETH went into the queue, in so many requests.
    event Requested(StETHAmount amount, uint256 requests);

    /// @notice `amount` went to the recipient.
    event Forwarded(Wei amount);

    // ------------------------------------------------------------------------------------------------ errors

    /// @notice Thrown by the constructor when the recipient is zero or this contract.
    error InvalidAccount(address account);
    /// @notice Thrown by request when there is less stETH here, wstETH included, than one request must be of.
    error NothingToRequest(StETHAmount held, StETHAmount least);
    /// @notice Thrown by claim and forward when there is no ETH to send on.
    error NothingToForward();
    /// @notice Thrown when the recipient does not take the ETH.
    error PaymentFailed(address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ calls

    /// @notice Takes ETH from anyone, unconditionally: neither a release nor a claim can fail for it.
    receive() external payable;

    /// @notice Unwraps all wstETH and asks the queue to withdraw the stETH: in requests of the most that it takes (1,000
    /// stETH), and the remainder as one more if it is at least the least (100 wei).
    /// @dev At most 32 requests, 32,000 stETH, a call: 3.5 million gas, and what Lido's proxies add. What is left is for
    /// the next call. The requests add up to no more than the balance, and rounding only ever leaves a share behind, so it
    /// cannot fail for it; the allowance given to the queue is used up exactly. Reverts with NothingToRequest, and the
    /// errors of stETH and the queue; then nothing has moved.
    function request() external;

    /// @notice Claims finalized requests, whoever made them for this contract, and sends all ETH here to the recipient.
    /// @dev Each costs some 40,000 gas: do not give hundreds at once. Someone else's claim of one of them makes the call
    /// fail; that one has then been sent on already. Reverts with PaymentFailed, NothingToForward, and the queue's errors
    /// (not finalized, claimed already, wrong hint); then nothing has moved.
    /// @param requestIds Requests that belong to this contract.
    /// @param hints For each what the queue's `findCheckpointHints` tells.
    function claim(uint256[] calldata requestIds, uint256[] calldata hints) external;

    /// @notice Sends all ETH here to the recipient.
    /// @dev Reverts with NothingToForward, PaymentFailed.
    function forward() external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice The stETH that is withdrawn: the queue's.
    function stETH() external view returns (address);

    /// @notice The wstETH that is unwrapped: the queue's.
    function wstETH() external view returns (address);

    /// @notice Lido's withdrawal queue.
    function withdrawalQueue() external view returns (address);

    /// @notice The account that gets the ETH.
    function recipient() external view returns (address);
}
