// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { LibCall } from "solady/utils/LibCall.sol";

import { IDebtRepayer } from "../interfaces/IDebtRepayer.sol";
import { IAavePool, IVariableDebtToken } from "../interfaces/external/IAavePool.sol";
import { IWETH } from "../interfaces/external/IWETH.sol";
import { Wei, minWei } from "../types/Units.sol";

/// @title Repayer of one debt
/// @dev The reference is IDebtRepayer. Every call starts from the current balances and debt, and nothing is stored, so
/// a re-entrant call (by the pool, or by a token named in `forward`) finds nothing half done: when the pool is called,
/// this contract holds no more than the pool says is owed. No lock is needed.
contract DebtRepayer is IDebtRepayer {
    using SafeERC20 for IERC20;

    /// @dev Aave's identifier for variable-rate debt.
    uint256 private constant VARIABLE_RATE = 2;

    /// @dev How many bytes of a pool's error are passed on; Aave's errors are shorter.
    uint16 private constant MAX_FAILURE = 256;

    IAavePool private immutable POOL;
    IWETH private immutable WETH;
    address private immutable DEBTOR;
    address private immutable REST;

    /// @param pool_ The pool to repay, with Aave v3's interface.
    /// @param weth_ The WETH that it lends.
    /// @param debtor_ The account whose debt is repaid.
    /// @param rest_ The account that gets what the debt does not need.
    constructor(address pool_, address weth_, address debtor_, address rest_) {
        _requireAccount(debtor_);
        _requireAccount(rest_);
        POOL = IAavePool(pool_);
        WETH = IWETH(weth_);
        DEBTOR = debtor_;
        REST = rest_;
        if (_debtToken() == address(0)) revert UnknownReserve(pool_, weth_);
    }

    // ------------------------------------------------------------------------------------------------ calls

    /// @inheritdoc IDebtRepayer
    receive() external payable { }

    /// @inheritdoc IDebtRepayer
    function repay() external {
        WETH.deposit{ value: address(this).balance }();
        Wei held = WETH.balanceOf(address(this));
        if (Wei.unwrap(held) == 0) revert NothingHeld(address(WETH));
        Wei owed = debt();
        Wei offered = minWei(held, owed);
        // At most what is held is offered.
        Wei above = held - offered;
        // Sent first, so that it is out of reach when the pool is called, and no failure of the pool holds it up. WETH
        // calls nobody.
        if (Wei.unwrap(above) != 0) IERC20(address(WETH)).safeTransfer(REST, Wei.unwrap(above));
        (Wei repaid, bytes memory failure) = _offer(offered);
        bool moved = Wei.unwrap(repaid) != 0 || Wei.unwrap(above) != 0;
        if (!moved) revert NothingTaken(owed, offered, failure);
        emit Repaid(owed, repaid, above);
    }

    /// @inheritdoc IDebtRepayer
    function forward(address token) external {
        if (token == address(WETH)) revert OnlyForDebt(token);
        uint256 amount = IERC20(token).balanceOf(address(this));
        if (amount == 0) revert NothingHeld(token);
        emit Forwarded(token, amount);
        IERC20(token).safeTransfer(REST, amount);
    }

    // ------------------------------------------------------------------------------------------------ views

    /// @inheritdoc IDebtRepayer
    function debt() public view returns (Wei) {
        return IVariableDebtToken(_debtToken()).balanceOf(DEBTOR);
    }

    /// @inheritdoc IDebtRepayer
    function pool() external view returns (address) {
        return address(POOL);
    }

    /// @inheritdoc IDebtRepayer
    function weth() external view returns (address) {
        return address(WETH);
    }

    /// @inheritdoc IDebtRepayer
    function debtor() external view returns (address) {
        return DEBTOR;
    }

    /// @inheritdoc IDebtRepayer
    function rest() external view returns (address) {
        return REST;
    }

    // ------------------------------------------------------------------------------------------------ internal

    /// @dev Offers the pool `amount`, which is at most the debt. What it does not take stays, with no allowance left.
    /// @return repaid What it took, as measured by WETH, not by the pool.
    /// @return failure The error if it failed, cut off after MAX_FAILURE bytes.
    function _offer(Wei amount) private returns (Wei repaid, bytes memory failure) {
        // A pool refuses a repayment of zero.
        if (Wei.unwrap(amount) == 0) return (repaid, failure);
        Wei held = WETH.balanceOf(address(this));
        WETH.approve(address(POOL), amount);
        bytes memory call_ = abi.encodeCall(IAavePool.repay, (address(WETH), amount, VARIABLE_RATE, DEBTOR));
        // The pool answered the constructor's query, so there is code. Its answer here decides nothing.
        (bool success,, bytes memory answer) = LibCall.tryCall(address(POOL), 0, gasleft(), MAX_FAILURE, call_);
        if (!success) failure = answer;
        WETH.approve(address(POOL), Wei.wrap(0));
        Wei left = WETH.balanceOf(address(this));
        // Not below zero: someone may have sent WETH in the meantime.
        if (left < held) repaid = held - left;
    }

    /// @dev Queried each time: a pool may relist an asset with another token for its debt.
    function _debtToken() private view returns (address) {
        return POOL.getReserveData(address(WETH)).variableDebtToken;
    }

    /// @dev Value sent to the zero address or to this contract would be lost.
    function _requireAccount(address account) private view {
        if (account == address(0) || account == address(this)) revert InvalidAccount(account);
    }
}
