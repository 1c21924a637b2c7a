// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import { IBonusPool } from "../interfaces/IBonusPool.sol";
import { IPledgeEscrow } from "../interfaces/IPledgeEscrow.sol";
import { Destination, IPledgeRouter, Permit } from "../interfaces/IPledgeRouter.sol";
import { IStETH } from "../interfaces/external/ILido.sol";
import { IWETH } from "../interfaces/external/IWETH.sol";
import { Asset, Shares, Wei, WstETHUnits } from "../types/Units.sol";

/// @title Router into escrows, one per chain
/// @dev The reference is IPledgeRouter. Nothing is stored, and no lock is needed. The caller chooses the escrow and the
/// bonus pool, which may call back. But each call ends by checking that the router holds exactly as much of the asset
/// as when the call began, and that the escrow has no allowance left. So no call, however nested, takes what is not its
/// caller's, or leaves anything for the next.
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
    /// @param wstETH_ The chain's wstETH; zero where there is none.
    constructor(address weth_, address stETH_, address wstETH_) {
        weth = weth_;
        stETH = stETH_;
        wstETH = wstETH_;
    }

    /// @notice Accepts the ETH of unwrapped WETH, and no other.
    receive() external payable {
        if (msg.sender != weth) revert NotWETH(msg.sender);
    }

    /// @inheritdoc IPledgeRouter
    function pledgeETH(Destination calldata to) external payable {
        // The balance includes what was sent with the call.
        _pledgeETH(to, msg.value, address(this).balance - msg.value, _wethHeld());
    }

    /// @inheritdoc IPledgeRouter
    function pledgeWETH(Destination calldata to, Wei amount) external {
        uint256 etherHeld = address(this).balance;
        uint256 wethHeld = _wethHeld();
        IERC20(weth).safeTransferFrom(msg.sender, address(this), Wei.unwrap(amount));
        IWETH(weth).withdraw(amount);
        _pledgeETH(to, Wei.unwrap(amount), etherHeld, wethHeld);
    }

    /// @inheritdoc IPledgeRouter
    function pledgeStETH(Destination calldata to, Shares shares) external {
        _pledgeStETH(to, shares);
    }

    /// @inheritdoc IPledgeRouter
    function pledgeStETHWithPermit(Destination calldata to, Shares shares, Permit calldata permit) external {
        _tryPermit(stETH, permit);
        _pledgeStETH(to, shares);
    }

    /// @inheritdoc IPledgeRouter
    function pledgeWstETH(Destination calldata to, WstETHUnits amount) external {
        _pledgeWstETH(to, amount);
    }

    /// @inheritdoc IPledgeRouter
    function pledgeWstETHWithPermit(Destination calldata to, WstETHUnits amount, Permit calldata permit) external {
        _tryPermit(wstETH, permit);
        _pledgeWstETH(to, amount);
    }

    /// @dev Pledges `amount` of the ETH here. Afterwards only `etherHeld` may be left, and only `wethHeld` of WETH:
    /// WETH itself accepts any call with ETH as a deposit, and ETH can be forced back.
    function _pledgeETH(Destination calldata to, uint256 amount, uint256 etherHeld, uint256 wethHeld) private {
        _requirePledger(to.pledger);
        IPledgeEscrow(to.escrow).pledgeETH{ value: amount }(to.pledger, to.tier, to.amendment);
        _enlist(to, Asset.ETH);
        bool taken = address(this).balance == etherHeld && _wethHeld() == wethHeld;
        if (!taken) revert NotTaken(to.escrow, Asset.ETH);
    }

    function _pledgeStETH(Destination calldata to, Shares shares) private {
        _requirePledger(to.pledger);
        uint256 held = _sharesHeld();
        // The value of the shares, rounded down: exactly what transferring them takes from an allowance in the same
        // block, at the same rate.
        uint256 value = IStETH(stETH).transferSharesFrom(msg.sender, address(this), shares);
        IERC20(stETH).forceApprove(to.escrow, value);
        IPledgeEscrow(to.escrow).pledgeStETH(to.pledger, to.tier, to.amendment, shares);
        _enlist(to, Asset.StETH);
        // If the escrow takes them in several transfers, each of which rounds down, either the allowance moves more
        // shares than pledged, or the pledged shares leave some of it.
        bool taken = _sharesHeld() == held && IERC20(stETH).allowance(address(this), to.escrow) == 0;
        if (!taken) revert NotTaken(to.escrow, Asset.StETH);
    }

    function _pledgeWstETH(Destination calldata to, WstETHUnits amount) private {
        _requirePledger(to.pledger);
        uint256 held = IERC20(wstETH).balanceOf(address(this));
        IERC20(wstETH).safeTransferFrom(msg.sender, address(this), WstETHUnits.unwrap(amount));
        IERC20(wstETH).forceApprove(to.escrow, WstETHUnits.unwrap(amount));
        IPledgeEscrow(to.escrow).pledgeWstETH(to.pledger, to.tier, to.amendment, amount);
        _enlist(to, Asset.WstETH);
        // Only the allowances given in the meantime can have moved it out, to the unit: if all is out, none of them is
        // left.
        if (IERC20(wstETH).balanceOf(address(this)) != held) revert NotTaken(to.escrow, Asset.WstETH);
    }

    /// @dev If a bonus pool is named, the pledge counts from now on.
    function _enlist(Destination calldata to, Asset asset) private {
        if (to.bonusPool != address(0)) IBonusPool(to.bonusPool).enlist(to.pledger, to.tier, asset);
    }

    /// @dev The reason for a failure does not matter. Whether the permit was already used, unsupported by the token, or
    /// wrong, the resulting allowance decides.
    function _tryPermit(address token, Permit calldata permit) private {
        try IERC20Permit(token)
            .permit(msg.sender, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s) { }
            catch { }
    }

    /// @dev None of these could ever take a pledge back. The escrow itself refuses its own address and its tokens.
    function _requirePledger(address pledger) private view {
        bool token = pledger == weth || pledger == stETH || pledger == wstETH;
        if (token || pledger == address(this)) revert InvalidAccount(pledger);
    }

    function _wethHeld() private view returns (uint256) {
        return IERC20(weth).balanceOf(address(this));
    }

    function _sharesHeld() private view returns (uint256) {
        return Shares.unwrap(IStETH(stETH).sharesOf(address(this)));
    }
}
