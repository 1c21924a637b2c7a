// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Wei } from "../types/Units.sol";

/// @title Repayer of one debt
/// @notice A beneficiary for a rescue that covers a shortfall in a lending pool. ETH released to it repays one
/// account's variable-rate debt in WETH, in a pool with Aave v3's interface. Anything above the debt, and every other
/// token, goes to `rest`.
///
/// Anyone may call every function. There is no owner, no upgrade and no fee, and nothing is stored. Value leaves only
/// to the pool, as a repayment for `debtor`, or to `rest`. WETH goes to `rest` only to the extent that `debtor` owes
/// nothing at that moment.
///
/// The guarantees hold if
/// - what the pool reports as the debtor's debt is owed, and what it takes lowers that debt (checked against the code
///   of Aave v3.0.2);
/// - WETH is WETH9;
/// - `debtor` can neither borrow in this pool nor withdraw collateral of any value: otherwise a repayment only frees
///   what it can take out again. An account that is under water does not qualify: after a partial repayment it may
///   borrow again. Nor does an account in a frozen market, which can withdraw its collateral as its debt falls. Both
///   happen on Aave's own code. The collateral must be worthless or locked for good. The debt is measured when `repay`
///   is called, so a debtor that can borrow could also pay its debt down, have the balance sent to `rest`, and borrow
///   again, all in one transaction. Debt that the pool writes off, or that was moved to the stable rate where a pool
///   still has one, is not owed at the variable rate. From Aave v3.3 on, bad debt becomes the reserve's deficit, and
///   that deficit is what must be covered: so let `rest` be the account that covers it, such as the treasury that may
///   eliminate the deficit.
///
/// Funds can be held up if
/// - the pool takes nothing now, or less than is offered (it or its WETH reserve is paused, or the amount here is too
///   small to show in its books): the remainder waits for the next call, and does not hold up what is above the debt. If the
///   pool never takes a repayment again, the remainder stays here forever: nobody can redirect it;
/// - the pool does not report the debt: then nothing is known to be above it;
/// - they are in a token that `rest` cannot receive. Up to 1 wei of stETH may stay behind, because it moves by rounded
///   shares. NFTs are stuck.
interface IDebtRepayer {
    // ------------------------------------------------------------------------------------------------ events

    /// @notice Of the `debt` owed, `repaid` was repaid: what the pool actually took. `rest` was above the debt and went
    /// to the account of that name, as WETH.
    event Repaid(Wei debt, Wei repaid, Wei rest);

    /// @notice `amount` of `token`, in its own unit, went to `rest`.
    event Forwarded(address indexed token, uint256 amount);

    // ------------------------------------------------------------------------------------------------ errors

    /// @notice Thrown by the constructor when `debtor` or `rest` is zero or this contract.
    error InvalidAccount(address account);
    /// @notice Thrown by the constructor when the pool does not lend this WETH.
    error UnknownReserve(address pool, address weth);
    /// @notice Thrown by repay and forward when this contract holds no `token`.
    error NothingHeld(address token);
    /// @notice Thrown by repay when the pool took nothing of what was `offered` toward the `debt`, and nothing was
    /// above it. `failure` contains up to 256 bytes of the pool's error; it is empty if the pool did not fail.
    error NothingTaken(Wei debt, Wei offered, bytes failure);
    /// @notice Thrown by forward for WETH, which goes to the debt first: `repay` forwards what is above it.
    error OnlyForDebt(address token);

    // ------------------------------------------------------------------------------------------------ calls

    /// @notice Accepts ETH from anyone, unconditionally: a release to this contract cannot fail.
    receive() external payable;

    /// @notice Wraps all ETH, sends what is above the debt to `rest`, and repays as much of the debt as possible with
    /// the remainder. What the pool does not take now stays for the next call.
    /// @dev `rest` receives WETH, never ETH. WETH does not call it, so it can neither refuse and block the repayment,
    /// nor re-enter. No allowance is left. Reverts with NothingHeld or NothingTaken, or if the pool does not report the
    /// debt; then nothing has moved.
    function repay() external;

    /// @notice Sends the whole balance of a token other than WETH to `rest`: stETH and wstETH from a release, or tokens
    /// sent here by mistake.
    /// @dev Reverts with OnlyForDebt, NothingHeld, the token's own errors, or OpenZeppelin's SafeERC20FailedOperation
    /// for a token that reports a failed transfer without an error.
    function forward(address token) external;

    // ------------------------------------------------------------------------------------------------ views

    /// @notice What the debtor owes now, in wei, including interest up to this block. Grows every second.
    function debt() external view returns (Wei);

    /// @notice The pool that is repaid.
    function pool() external view returns (address);

    /// @notice The WETH that the pool lends.
    function weth() external view returns (address);

    /// @notice The account whose debt is repaid.
    function debtor() external view returns (address);

    /// @notice The account that gets what the debt does not need.
    function rest() external view returns (address);
}
