// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Wei } from "../types/Units.sol";

/// @title Repayer of one debt
/// @notice A beneficiary for a rescue that fills a hole in a lending pool: the ETH that is released to it repays one
/// account's debt in WETH, at the variable rate, to a pool of Aave v3's shape. What is above the debt, and every other
/// token, goes to `rest`.
///
/// Anyone may call everything. There is no owner, no upgrade, no fee, and nothing is stored. Value leaves only to the
/// pool, as a repayment for `debtor`, or to `rest`; and WETH to `rest` only in so far as `debtor` owes nothing at that
/// moment.
///
/// The guarantees hold if
/// - the pool takes what it says that the debtor owes, and lowers the debt by it (checked against the code of Aave v3.0.2);
/// - WETH is WETH9;
/// - `debtor` cannot borrow in this pool: its debt is measured when `repay` is called, so an account that can borrow
///   could pay its debt down, have the balance sent to `rest`, and borrow again, all in one transaction.
/// Debt that the pool writes off, or that was moved to the stable rate where a pool still has one, is not owed at the
/// variable rate: so choose a `rest` that is right for that case, such as the treasury that covers the pool's deficit.
///
/// Funds can be held up if
/// - the pool or its WETH reserve is paused, or the pool fails: they wait here, nothing is lost, and `repay` goes through
///   once the pool takes a repayment again. A pool that never does holds them for ever: no one can redirect them;
/// - what is here is less than the pool's books can show (1 wei, once its borrow index is 2): it waits for more;
/// - they are of a token that `rest` cannot take.
/// Of stETH up to 1 wei may stay behind, since it moves by rounded shares. NFTs are stuck.
interface IDebtRepayer {
    // ------------------------------------------------------------------------------------------------ events

    /// @notice Of the `debt` owed, `repaid` was repaid; `rest` was above it and went to the account of that name, as WETH.
    event Repaid(Wei debt, Wei repaid, Wei rest);

    /// @notice `amount` of `token`, in its own unit, went to `rest`.
    event Forwarded(address indexed token, uint256 amount);

    // ------------------------------------------------------------------------------------------------ errors

    /// @notice Thrown by the constructor when the debtor or the rest is zero or this contract.
    error InvalidAccount(address account);
    /// @notice Thrown by the constructor when the pool does not lend this WETH.
    error UnknownReserve(address pool, address weth);
    /// @notice Thrown by repay and forward when there is none of `token` here.
    error NothingHeld(address token);
    /// @notice Thrown by repay when the pool took `left` less than the debt that it stated.
    error AllowanceLeft(Wei left);
    /// @notice Thrown by forward of WETH, which is for the debt first: `repay` sends on what is above it.
    error OnlyForDebt(address token);

    // ------------------------------------------------------------------------------------------------ calls

    /// @notice Takes ETH from anyone, unconditionally: a release to this contract cannot fail.
    receive() external payable;

    /// @notice Wraps all ETH, repays as much of the debt as there is WETH for, and sends what is above it to `rest`.
    /// @dev `rest` gets WETH, never ETH: it is asked nothing, so it can neither refuse, and so block the repayment, nor
    /// call back. The allowance given to the pool is used up exactly. Reverts with NothingHeld, AllowanceLeft, and the
    /// pool's own errors; then nothing has moved.
    function repay() external;

    /// @notice Sends all of a token that is not WETH to `rest`: stETH and wstETH of a release, or what came astray.
    /// @dev Reverts with OnlyForDebt, NothingHeld, the token's own errors, and OpenZeppelin's SafeERC20FailedOperation for
    /// a token that reports a failed transfer without one.
    function forward(address token) external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice What the debtor owes now, in wei, with interest up to this block. Grows with every second.
    function debt() external view returns (Wei);

    /// @notice The pool that is repaid.
    function pool() external view returns (address);

    /// @notice The WETH that it lends.
    function weth() external view returns (address);

    /// @notice The account whose debt is repaid.
    function debtor() external view returns (address);

    /// @notice The account that gets what is not needed for the debt.
    function rest() external view returns (address);
}
