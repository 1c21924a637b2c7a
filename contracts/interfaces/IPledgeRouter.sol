// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, Shares, Wei, WstETHUnits } from "../types/Units.sol";

/// @notice An EIP-2612 permit of the caller's, for the router to spend.
/// @custom:member value What was signed, in the token's own unit: wei of stETH (not shares), or units of wstETH.
/// @custom:member deadline The last second at which it can be used.
/// @custom:member v As all of the signature, the caller's own, over the token's EIP-712 domain.
/// @custom:member r See v.
/// @custom:member s See v.
struct Permit {
    uint256 value;
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @notice Where a pledge goes.
/// @custom:member escrow The rescue's escrow.
/// @custom:member pledger Whose pledge it is: who may object, exit and be refunded.
/// @custom:member tier The tier, counted from 0.
/// @custom:member amendment The latest amendment that the sender knows of, by its `effectiveAt`; 0 for none.
/// @custom:member bonusPool The rescue's bonus pool, into which the position is enlisted; zero for none.
struct Destination {
    address escrow;
    address pledger;
    uint8 tier;
    uint64 amendment;
    address bonusPool;
}

/// @title Router into escrows, one per chain
/// @notice Pledges ETH, WETH, stETH and wstETH in one transaction, into any escrow, in any pledger's name, and enlists the
/// pledge for the rescue's bonus.
///
/// The payer is always the caller: the router moves nobody else's tokens, whoever calls it, and whatever allowance it
/// was given. It keeps nothing: what it takes from the caller is with the escrow when the call ends, to the wei and to
/// the share, and no allowance of the router is left; else the call reverts. It has no state and no owner. Ether that
/// is forced in, and tokens that are sent in, belong to nobody and stay there.
///
/// Escrow and bonus pool are the caller's choice and the caller's to check: whoever names a contract that is no escrow gives
/// the pledge to that contract. Nobody else can lose by it. A position that cannot be enlisted makes the call fail.
///
/// A permit is tried, and its failure is no failure of the call: somebody may have used it already (and so have set
/// the allowance), the token may not know the caller's kind of account. What counts is the allowance that is there
/// then; if that does not suffice, the token's own error comes back. Errors of the escrow and the pool come back as they
/// are.
///
/// The tokens are fixed when the router is created, and not checked: a router of the wrong ones has another address.
interface IPledgeRouter {
    /// @notice Thrown when ETH is sent by anyone but the WETH contract.
    error NotWETH(address sender);
    /// @notice Thrown when the pledger is this router or one of its tokens, which could never take a pledge back.
    error InvalidAccount(address account);
    /// @notice Thrown when the escrow did not take exactly what was pledged, in one go: then it is none.
    error NotTaken(address escrow, Asset asset);

    /// @notice Pledges the ETH sent with the call: for who wants it enlisted in the same transaction.
    /// @dev Reverts with InvalidAccount, the errors of IPledgeEscrow.pledgeETH and IBonusPool.enlist, and NotTaken.
    function pledgeETH(Destination calldata to) external payable;

    /// @notice Pledges `amount` of the caller's WETH as ETH, under an allowance; it comes back as ETH.
    /// @dev Reverts with WETH's own errors (SafeERC20FailedOperation if it reports a failure without one), and as pledgeETH.
    /// @param to Where it goes.
    /// @param amount In wei; exactly this is unwrapped and pledged.
    function pledgeWETH(Destination calldata to, Wei amount) external;

    /// @notice Pledges `shares` of the caller's stETH, under an allowance in stETH that covers their value.
    /// @dev Reverts with InvalidAccount, stETH's own errors, those of IPledgeEscrow.pledgeStETH and IBonusPool.enlist, and
    /// NotTaken.
    /// @param to Where it goes.
    /// @param shares Exactly these are moved. What they are worth, rounded down, is taken off the allowance.
    function pledgeStETH(Destination calldata to, Shares shares) external;

    /// @notice As pledgeStETH, after trying the caller's permit.
    /// @param permit A permit of stETH. Its value should leave room for the shares to become worth more before the
    /// call is included; what is left of it afterwards only the caller can use.
    function pledgeStETHWithPermit(Destination calldata to, Shares shares, Permit calldata permit) external;

    /// @notice Pledges `amount` of the caller's wstETH, which stays wrapped, under an allowance.
    /// @dev Reverts with InvalidAccount, wstETH's own errors (SafeERC20FailedOperation if it reports a failure without one),
    /// those of IPledgeEscrow.pledgeWstETH and IBonusPool.enlist, and NotTaken.
    /// @param to Where it goes.
    /// @param amount In wstETH's own unit; exactly this is moved.
    function pledgeWstETH(Destination calldata to, WstETHUnits amount) external;

    /// @notice As pledgeWstETH, after trying the caller's permit.
    /// @param permit A permit of wstETH, of `amount` or more.
    function pledgeWstETHWithPermit(Destination calldata to, WstETHUnits amount, Permit calldata permit) external;

    /// @notice The WETH that pledgeWETH takes.
    function weth() external view returns (address);

    /// @notice The stETH that pledgeStETH takes.
    function stETH() external view returns (address);

    /// @notice The wstETH that pledgeWstETH takes.
    function wstETH() external view returns (address);
}
