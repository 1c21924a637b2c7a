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
/// @dev The manual is IDebtRepayer. Every call starts from the balances and the debt of that moment, and nothing is
/// stored, so a re-entrant call (by the pool, or by a token that someone names in `forward`) finds nothing half done: what
/// is here when the pool is called is not more than it says is owed. No lock is needed.
contract DebtRepayer is IDebtRepayer {
    using SafeERC20 for IERC20;

    /// @dev Aave's name for the debt at the variable rate.
    uint256 private constant VARIABLE_RATE = 2;

    /// @dev Bytes of a pool's error that are passed on: Aave's are shorter.
    uint16 private constant MAX_FAILURE = 256;

    IAavePool private immutable POOL;
    IWETH private immutable WETH;
    address private immutable DEBTOR;
    address private immutable REST;

    /// @param pool_ The pool to repay, of Aave v3's shape.
    /// @param weth_ The WETH that it lends.
    /// @param debtor_ The account whose debt is repaid.
    /// @param rest_ The account that gets what is not needed for the debt.
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
        // Not more than what is held is offered.
        Wei above = held - offered;
        // First, so that no call of the pool's finds it, and none of its failures holds it up. WETH calls nobody.
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

    /// @dev Offers the pool `amount`, not more than the debt. What it does not take stays, with no allowance.
    /// @return repaid What it took. WETH, not the pool, is asked.
    /// @return failure What it said if it failed, cut off after MAX_FAILURE bytes.
    function _offer(Wei amount) private returns (Wei repaid, bytes memory failure) {
        // A pool refuses to be repaid nothing.
        if (Wei.unwrap(amount) == 0) return (repaid, failure);
        Wei held = WETH.balanceOf(address(this));
        WETH.approve(address(POOL), amount);
        bytes memory call_ = abi.encodeCall(IAavePool.repay, (address(WETH), amount, VARIABLE_RATE, DEBTOR));
        // The constructor's question was answered by the pool, so there is code. What it answers here decides nothing.
        (bool success,, bytes memory answer) = LibCall.tryCall(address(POOL), 0, gasleft(), MAX_FAILURE, call_);
        if (!success) failure = answer;
        WETH.approve(address(POOL), Wei.wrap(0));
        Wei left = WETH.balanceOf(address(this));
        // Not below zero: somebody may have sent WETH meanwhile.
        if (left < held) repaid = held - left;
    }

    /// @dev Asked each time: a pool may list an asset anew, with another token for its debt.
    function _debtToken() private view returns (address) {
        return POOL.getReserveData(address(WETH)).variableDebtToken;
    }

    /// @dev Value sent to nobody, or to this contract, would be lost.
    function _requireAccount(address account) private view {
        if (account == address(0) || account == address(this)) revert InvalidAccount(account);
    }
}
