// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { StETHAmount, Wei } from "../types/Units.sol";

/// @title Unwinder of staked ether
/// @notice A beneficiary for a rescue that needs ETH: stETH and wstETH released to it go through Lido's withdrawal
/// queue, and all ETH, from the queue or from a release, goes on to one recipient.
///
/// Anyone may call every function: `request` puts the balance into the queue, `claim` takes out what Lido has finalized
/// (usually days later) and forwards it, and `forward` forwards ETH that arrived otherwise. There is no owner, no
/// upgrade and no fee, and nothing is stored: the queue knows the requests of this contract (`getWithdrawalRequests`).
/// Value leaves only to the queue, as requests of this contract, or as ETH to the recipient.
///
/// The guarantees hold if stETH, wstETH and the queue behave like those of Lido core v3.0.2. Between a request and its
/// finalization stETH earns nothing, and a slashing in that time lowers what is paid.
///
/// Funds can be held up if
/// - stETH or the queue is paused: they wait here, and `request` succeeds once it is resumed. Finalized requests can be
///   claimed all the same;
/// - Lido is in bunker mode, or has little ETH: requests are accepted, and finalized later;
/// - the recipient does not accept ETH: requests stay claimable in the queue, and ETH that is here waits;
/// - less stETH than the minimum request (100 wei) is left: it stays until more arrives;
/// - the queue is gone for good: there is no other way out. Tokens other than stETH and wstETH, and NFTs other than
///   requests of the queue, are stuck.
interface IStakedEtherUnwinder {
    // ------------------------------------------------------------------------------------------------ events

    /// @notice `amount` of stETH went into the queue, in `requests` requests.
    event Requested(StETHAmount amount, uint256 requests);

    /// @notice `amount` went to the recipient.
    event Forwarded(Wei amount);

    // ------------------------------------------------------------------------------------------------ errors

    /// @notice Thrown by the constructor when the recipient is zero or this contract.
    error InvalidAccount(address account);
    /// @notice Thrown by request when the stETH here, including wstETH, is less than the minimum of one request.
    error NothingToRequest(StETHAmount held, StETHAmount least);
    /// @notice Thrown by claim and forward when there is no ETH to forward.
    error NothingToForward();
    /// @notice Thrown when the recipient does not accept the ETH.
    error PaymentFailed(address recipient, Wei amount);

    // ------------------------------------------------------------------------------------------------ calls

    /// @notice Accepts ETH from anyone, unconditionally, so that neither a release nor a claim can fail because of it.
    receive() external payable;

    /// @notice Unwraps all wstETH and requests the withdrawal of the stETH from the queue: in requests of the maximum
    /// size (1,000 stETH), plus one for the remainder if it is at least the minimum (100 wei).
    /// @dev At most 32 requests, or 32,000 stETH, per call: 3.5 million gas, plus the cost of Lido's proxies. What is
    /// left waits for the next call. The requests add up to no more than the balance, and rounding only ever leaves a
    /// share behind, so rounding cannot make the call fail; the allowance given to the queue is used up exactly.
    /// Reverts with NothingToRequest, or the errors of stETH and the queue; then nothing has moved.
    function request() external;

    /// @notice Claims finalized requests, whoever made them for this contract, and sends all ETH here to the recipient.
    /// @dev Each costs about 40,000 gas: do not pass hundreds at once. If someone else has claimed one of them, the
    /// call fails; that one was then already forwarded. Reverts with PaymentFailed, NothingToForward, or the queue's
    /// errors (not finalized, already claimed, wrong hint); then nothing has moved.
    /// @param requestIds Requests that belong to this contract.
    /// @param hints For each request, the result of the queue's `findCheckpointHints`.
    function claim(uint256[] calldata requestIds, uint256[] calldata hints) external;

    /// @notice Sends all ETH here to the recipient.
    /// @dev Reverts with NothingToForward or PaymentFailed.
    function forward() external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice The stETH that is withdrawn, as given by the queue.
    function stETH() external view returns (address);

    /// @notice The wstETH that is unwrapped, as given by the queue.
    function wstETH() external view returns (address);

    /// @notice Lido's withdrawal queue.
    function withdrawalQueue() external view returns (address);

    /// @notice The account that gets the ETH.
    function recipient() external view returns (address);
}
