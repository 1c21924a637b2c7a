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
/// - what the pool says that the debtor owes is owed, and what it takes lowers it (checked against the code of Aave v3.0.2);
/// - WETH is WETH9;
/// - `debtor` can neither borrow in this pool nor withdraw collateral of worth: else a repayment only frees what it can take
///   out again. An account that is under water is no such debtor: after a partial repayment it may borrow again. Nor is one
///   in a frozen market, which can withdraw its collateral as its debt falls. Both happen on Aave's own code. Its
///   collateral must be worthless or locked for good. The debt is measured when `repay` is called, so one that can borrow
///   could also pay its debt down, have the balance sent to `rest`, and borrow again, all in one transaction.
/// Debt that the pool writes off, or that was moved to the stable rate where a pool still has one, is not owed at the
/// variable rate. From Aave v3.3 on a bad debt becomes the reserve's deficit, and that is what is to be covered: so let
/// `rest` be who covers it, such as the treasury that may eliminate the deficit.
///
/// Funds can be held up if
/// - the pool takes nothing now, or less than is offered (it or its WETH reserve is paused; what is here is less than its books
///   can show): that waits for the next call, and holds up nothing of what is above the debt. A pool that never takes a
///   repayment again holds it for ever: no one can redirect it;
/// - the pool does not tell the debt: then nothing is known to be above it;
/// - they are of a token that `rest` cannot take.
/// Of stETH up to 1 wei may stay behind, since it moves by rounded shares. NFTs are stuck.
interface IDebtRepayer {
    // ------------------------------------------------------------------------------------------------ events

    /// @notice Of the `debt` owed, `repaid` was repaid: what the pool really took. `rest` was above the debt and went to the
    /// account of that name, as WETH.
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
    /// @notice Thrown by repay when the pool took nothing of what was `offered` toward the `debt`, and nothing was above it.
    /// `failure` is the pool's error, as far as its first 256 bytes; empty if it did not fail.
    error NothingTaken(Wei debt, Wei offered, bytes failure);
    /// @notice Thrown by forward of WETH, which is for the debt first: `repay` sends on what is above it.
    error OnlyForDebt(address token);

    // ------------------------------------------------------------------------------------------------ calls

    /// @notice Takes ETH from anyone, unconditionally: a release to this contract cannot fail.
    receive() external payable;

    /// @notice Wraps all ETH, sends what is above the debt to `rest`, and repays as much of the debt as the rest suffices
    /// for. What the pool does not take now stays for the next call.
    /// @dev `rest` gets WETH, never ETH: it is asked nothing, so it can neither refuse, and so block the repayment, nor
    /// call back. No allowance is left. Reverts with NothingHeld, NothingTaken, and if the pool does not tell the debt; then
    /// nothing has moved.
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
