// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { SafeTransferLib } from "solady/utils/SafeTransferLib.sol";

import { IStakedEtherUnwinder } from "../interfaces/IStakedEtherUnwinder.sol";
import { IStETH, IWstETH } from "../interfaces/external/ILido.sol";
import { IWithdrawalQueue } from "../interfaces/external/IWithdrawalQueue.sol";
import { StETHAmount, Wei, WstETHUnits } from "../types/Units.sol";

/// @title Unwinder of staked ether
/// @dev The reference is IStakedEtherUnwinder. Every call starts from the current balances, and nothing is stored. The
/// only callee that is not Lido's is the recipient, which is paid last; if it calls back, it finds no ETH here. So no
/// lock is needed.
contract StakedEtherUnwinder is IStakedEtherUnwinder {
    /// @dev Requests per call, so that it stays far below the 16,777,216 gas that a transaction can use.
    uint256 private constant MAX_REQUESTS = 32;

    IStETH private immutable STETH;
    IWstETH private immutable WSTETH;
    IWithdrawalQueue private immutable QUEUE;
    address private immutable RECIPIENT;

    /// @param withdrawalQueue_ Lido's withdrawal queue, which gives the two tokens.
    /// @param recipient_ The account that gets the ETH.
    constructor(address withdrawalQueue_, address recipient_) {
        // Value sent to the zero address or to this contract would be lost.
        if (recipient_ == address(0) || recipient_ == address(this)) revert InvalidAccount(recipient_);
        QUEUE = IWithdrawalQueue(withdrawalQueue_);
        STETH = IStETH(QUEUE.STETH());
        WSTETH = IWstETH(QUEUE.WSTETH());
        RECIPIENT = recipient_;
    }

    // ------------------------------------------------------------------------------------------------ calls

    /// @inheritdoc IStakedEtherUnwinder
    receive() external payable { }

    /// @inheritdoc IStakedEtherUnwinder
    function request() external {
        WstETHUnits wrapped = WSTETH.balanceOf(address(this));
        // wstETH refuses to unwrap zero.
        if (WstETHUnits.unwrap(wrapped) != 0) WSTETH.unwrap(wrapped);

        StETHAmount held = STETH.balanceOf(address(this));
        (StETHAmount[] memory amounts, StETHAmount sum) = _split(held);
        emit Requested(sum, amounts.length);
        STETH.approve(address(QUEUE), sum);
        QUEUE.requestWithdrawals(amounts, address(this));
    }

    /// @inheritdoc IStakedEtherUnwinder
    function claim(uint256[] calldata requestIds, uint256[] calldata hints) external {
        QUEUE.claimWithdrawals(requestIds, hints);
        _forward();
    }

    /// @inheritdoc IStakedEtherUnwinder
    function forward() external {
        _forward();
    }

    // ------------------------------------------------------------------------------------------------ views

    /// @inheritdoc IStakedEtherUnwinder
    function stETH() external view returns (address) {
        return address(STETH);
    }

    /// @inheritdoc IStakedEtherUnwinder
    function wstETH() external view returns (address) {
        return address(WSTETH);
    }

    /// @inheritdoc IStakedEtherUnwinder
    function withdrawalQueue() external view returns (address) {
        return address(QUEUE);
    }

    /// @inheritdoc IStakedEtherUnwinder
    function recipient() external view returns (address) {
        return RECIPIENT;
    }

    // ------------------------------------------------------------------------------------------------ internal

    /// @dev What to request of `held`: as many requests of the maximum as possible, then the remainder, unless it is
    /// too small or there are too many. Both bounds are read from the queue each time: Lido may change them, and nobody
    /// could change them here.
    /// @return amounts Not empty.
    /// @return sum The sum of the amounts; at most `held`.
    function _split(StETHAmount held) private view returns (StETHAmount[] memory amounts, StETHAmount sum) {
        uint256 most = StETHAmount.unwrap(QUEUE.MAX_STETH_WITHDRAWAL_AMOUNT());
        StETHAmount least = QUEUE.MIN_STETH_WITHDRAWAL_AMOUNT();
        uint256 left = StETHAmount.unwrap(held);
        uint256 count = left / most;
        if (left % most >= StETHAmount.unwrap(least)) ++count;
        if (count == 0) revert NothingToRequest(held, least);
        if (count > MAX_REQUESTS) count = MAX_REQUESTS;

        amounts = new StETHAmount[](count);
        for (uint256 i; i < count; ++i) {
            uint256 amount = left < most ? left : most;
            amounts[i] = StETHAmount.wrap(amount);
            left -= amount;
        }
        sum = StETHAmount.wrap(StETHAmount.unwrap(held) - left);
    }

    /// @dev The only way out. The recipient's return data is not copied.
    function _forward() private {
        Wei amount = Wei.wrap(address(this).balance);
        if (Wei.unwrap(amount) == 0) revert NothingToForward();
        emit Forwarded(amount);
        bool paid = SafeTransferLib.trySafeTransferETH(RECIPIENT, Wei.unwrap(amount), gasleft());
        if (!paid) revert PaymentFailed(RECIPIENT, amount);
    }
}
