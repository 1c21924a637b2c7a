// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, Shares, Wei, WstETHUnits } from "../types/Units.sol";

/// @notice An EIP-2612 permit from the caller, with the router as spender.
/// @custom:member value The signed amount, in the token's own unit: wei of stETH (not shares), or units of wstETH.
/// @custom:member deadline The last second at which it can be used.
/// @custom:member v Part of the caller's signature over the token's EIP-712 domain.
/// @custom:member r See v.
/// @custom:member s See v.
struct Permit {
    uint256 value;
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @notice The destination of a pledge.
/// @custom:member escrow The rescue's escrow.
/// @custom:member pledger The owner of the pledge, who may object and exit, and to whom it is refunded.
/// @custom:member tier The tier, counted from 0.
/// @custom:member amendment The latest amendment that the sender knows of, given by its `effectiveAt`; 0 for none.
/// @custom:member bonusPool The rescue's bonus pool, in which to enlist the position; zero for none.
struct Destination {
    address escrow;
    address pledger;
    uint8 tier;
    uint64 amendment;
    address bonusPool;
}

/// @title Router into escrows, one per chain
/// @notice Pledges ETH, WETH, stETH and wstETH in one transaction, into any escrow and in any pledger's name, and
/// enlists the pledge for the rescue's bonus.
///
/// The payer is always the caller: the router moves nobody else's tokens, whoever calls it and whatever allowances it
/// has. It keeps nothing: when the call ends, what it took from the caller is in the escrow, to the wei and to the
/// share, and the router has given no allowance that remains; otherwise the call reverts. It has no state and no owner.
/// Forced ether, and tokens sent in, belong to nobody and stay in the router.
///
/// The caller chooses the escrow and the bonus pool, and must check them: naming a contract that is not an escrow gives
/// the pledge to that contract. Nobody else can lose by it. If a position cannot be enlisted, the call fails.
///
/// A permit is tried, but the call does not fail if the permit does: someone may have used it already (and so have set
/// the allowance), or the token may not support the caller's kind of account. What counts is the resulting allowance;
/// if it does not suffice, the token's own error is returned. Errors of the escrow and the pool are returned unchanged.
///
/// The tokens are fixed when the router is created, and not checked: a router with the wrong ones has another address.
interface IPledgeRouter {
    /// @notice Thrown when anyone but the WETH contract sends ETH.
    error NotWETH(address sender);
    /// @notice Thrown when the pledger is this router or one of its tokens, which could never take a pledge back.
    error InvalidAccount(address account);
    /// @notice Thrown when the escrow did not take exactly what was pledged, in one transfer: then it is not an escrow.
    error NotTaken(address escrow, Asset asset);

    /// @notice Pledges the ETH sent with the call. Use this to enlist the pledge in the same transaction.
    /// @dev Reverts with InvalidAccount, the errors of IPledgeEscrow.pledgeETH and IBonusPool.enlist, or NotTaken.
    function pledgeETH(Destination calldata to) external payable;

    /// @notice Pledges `amount` of the caller's WETH as ETH, under an allowance; refunds are in ETH.
    /// @dev Reverts with WETH's own errors (SafeERC20FailedOperation if it reports a failure without an error), or like
    /// pledgeETH.
    /// @param to The destination.
    /// @param amount In wei; exactly this much is unwrapped and pledged.
    function pledgeWETH(Destination calldata to, Wei amount) external;

    /// @notice Pledges `shares` of the caller's stETH, under an allowance in stETH that covers their value.
    /// @dev Reverts with InvalidAccount, stETH's own errors, those of IPledgeEscrow.pledgeStETH and IBonusPool.enlist,
    /// or NotTaken.
    /// @param to The destination.
    /// @param shares Exactly this many are moved. Their value, rounded down, is deducted from the allowance.
    function pledgeStETH(Destination calldata to, Shares shares) external;

    /// @notice Like pledgeStETH, after trying the caller's permit.
    /// @param permit A permit of stETH. Its value should leave room for the shares to rise in value before the call is
    /// included; only the caller can use what is left of it.
    function pledgeStETHWithPermit(Destination calldata to, Shares shares, Permit calldata permit) external;

    /// @notice Pledges `amount` of the caller's wstETH, which stays wrapped, under an allowance.
    /// @dev Reverts with InvalidAccount, wstETH's own errors (SafeERC20FailedOperation if it reports a failure without
    /// an error), those of IPledgeEscrow.pledgeWstETH and IBonusPool.enlist, or NotTaken.
    /// @param to The destination.
    /// @param amount In units of wstETH; exactly this much is moved.
    function pledgeWstETH(Destination calldata to, WstETHUnits amount) external;

    /// @notice Like pledgeWstETH, after trying the caller's permit.
    /// @param permit A permit of wstETH, for `amount` or more.
    function pledgeWstETHWithPermit(Destination calldata to, WstETHUnits amount, Permit calldata permit) external;

    /// @notice The WETH that pledgeWETH takes.
    function weth() external view returns (address);

    /// @notice The stETH that pledgeStETH takes.
    function stETH() external view returns (address);

    /// @notice The wstETH that pledgeWstETH takes.
    function wstETH() external view returns (address);
}
