// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import { IPledgeEscrow } from "../interfaces/IPledgeEscrow.sol";
import { IPledgeRouter, Permit } from "../interfaces/IPledgeRouter.sol";
import { IStETH } from "../interfaces/external/ILido.sol";
import { IWETH } from "../interfaces/external/IWETH.sol";
import { Asset, Shares, Wei, WstETHUnits } from "../types/Units.sol";

/// @title Router into escrows, one per chain
/// @dev The manual is IPledgeRouter. Nothing is stored, and nothing is guarded by a lock: the escrow is whatever the
/// caller names and may call back, but each call ends by checking that the router holds of the token just what it held
/// when the call began, and that the escrow has no allowance left. So no call, however nested, takes what is not its
/// caller's, nor leaves anything for the next.
contract PledgeRouter is IPledgeRouter {
    using SafeERC20 for IERC20;

    /// @inheritdoc IPledgeRouter
    address public immutable weth;
    /// @inheritdoc IPledgeRouter
    address public immutable stETH;
    /// @inheritdoc IPledgeRouter
    address public immutable wstETH;

    /// @param weth_ The chain's WETH.
    /// @param stETH_ Lido's stETH; zero where there is none.
    /// @param wstETH_ The wstETH of the chain; zero where there is none.
    constructor(address weth_, address stETH_, address wstETH_) {
        weth = weth_;
        stETH = stETH_;
        wstETH = wstETH_;
    }

    /// @notice Takes the ETH of unwrapped WETH, and no other.
    receive() external payable {
        if (msg.sender != weth) revert NotWETH(msg.sender);
    }

    /// @inheritdoc IPledgeRouter
    function pledgeWETH(address escrow, address pledger, uint8 tier, Wei amount) external {
        uint256 held = IERC20(weth).balanceOf(address(this));
        IERC20(weth).safeTransferFrom(msg.sender, address(this), Wei.unwrap(amount));
        IWETH(weth).withdraw(amount);
        IPledgeEscrow(escrow).pledgeETH{ value: Wei.unwrap(amount) }(pledger, tier);
        // WETH itself takes any call with ETH as a deposit.
        if (IERC20(weth).balanceOf(address(this)) != held) revert NotTaken(escrow, Asset.ETH);
    }

    /// @inheritdoc IPledgeRouter
    function pledgeStETH(address escrow, address pledger, uint8 tier, Shares shares) external {
        _pledgeStETH(escrow, pledger, tier, shares);
    }

    /// @inheritdoc IPledgeRouter
    function pledgeStETHWithPermit(address escrow, address pledger, uint8 tier, Shares shares, Permit calldata permit)
        external
    {
        _tryPermit(stETH, permit);
        _pledgeStETH(escrow, pledger, tier, shares);
    }

    /// @inheritdoc IPledgeRouter
    function pledgeWstETH(address escrow, address pledger, uint8 tier, WstETHUnits amount) external {
        _pledgeWstETH(escrow, pledger, tier, amount);
    }

    /// @inheritdoc IPledgeRouter
    function pledgeWstETHWithPermit(
        address escrow,
        address pledger,
        uint8 tier,
        WstETHUnits amount,
        Permit calldata permit
    ) external {
        _tryPermit(wstETH, permit);
        _pledgeWstETH(escrow, pledger, tier, amount);
    }

    function _pledgeStETH(address escrow, address pledger, uint8 tier, Shares shares) private {
        uint256 held = _sharesHeld();
        // What the shares are worth, rounded down: just what moving them on takes off an allowance, in this same block
        // and so at this same rate.
        uint256 value = IStETH(stETH).transferSharesFrom(msg.sender, address(this), shares);
        IERC20(stETH).forceApprove(escrow, value);
        IPledgeEscrow(escrow).pledgeStETH(pledger, tier, shares);
        // Taken in several goes, each of which rounds down, the same allowance moves more shares than pledged, or the
        // shares pledged leave some of it.
        bool taken = _sharesHeld() == held && IERC20(stETH).allowance(address(this), escrow) == 0;
        if (!taken) revert NotTaken(escrow, Asset.StETH);
    }

    function _pledgeWstETH(address escrow, address pledger, uint8 tier, WstETHUnits amount) private {
        uint256 held = IERC20(wstETH).balanceOf(address(this));
        IERC20(wstETH).safeTransferFrom(msg.sender, address(this), WstETHUnits.unwrap(amount));
        IERC20(wstETH).forceApprove(escrow, WstETHUnits.unwrap(amount));
        IPledgeEscrow(escrow).pledgeWstETH(pledger, tier, amount);
        // Only the allowances given meanwhile can have moved it out, to the unit: if all is out, none of them is left.
        if (IERC20(wstETH).balanceOf(address(this)) != held) revert NotTaken(escrow, Asset.WstETH);
    }

    /// @dev Why it fails does not matter: whether it was used before, or is unknown to the token, or wrong, the
    /// allowance that there is decides.
    function _tryPermit(address token, Permit calldata permit) private {
        try IERC20Permit(token)
            .permit(msg.sender, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s) { }
            catch { }
    }

    function _sharesHeld() private view returns (uint256) {
        return Shares.unwrap(IStETH(stETH).sharesOf(address(this)));
    }
}
