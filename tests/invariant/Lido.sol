// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CommonBase } from "forge-std/Base.sol";

import { Asset } from "levee/types/Units.sol";

import { StETH } from "../lido/StETH.sol";
import { WstETH } from "../lido/WstETH.sol";
import { DeadToken } from "./Actors.sol";

/// @notice Lido's two tokens, and a switch that makes every call to stETH fail.
/// @dev The switch replaces stETH's code but leaves its storage, so that its contents can be inspected in the meantime.
contract Lido is CommonBase {
    StETH public immutable stETH;
    WstETH public immutable wstETH;
    address private immutable LIVING;
    address private immutable DEAD;

    /// @notice Whether every call to stETH fails.
    bool public dead;

    constructor(StETH stETH_, WstETH wstETH_) {
        stETH = stETH_;
        wstETH = wstETH_;
        // The model has no immutables: the code of another one is the same.
        LIVING = address(new StETH(1, 1));
        DEAD = address(new DeadToken());
    }

    /// @notice Makes every call to stETH fail, or undoes that.
    function setDead(bool dead_) public {
        dead = dead_;
        vm.etch(address(stETH), (dead_ ? DEAD : LIVING).code);
    }

    /// @notice Makes the rate readable, if it is not.
    function mend() external {
        if (dead) setDead(false);
        if (rate() == 0) stETH.setTotalPooledEther(2_400_000 ether);
    }

    /// @notice Whether an asset can be transferred now.
    function moves(Asset asset) external view returns (bool) {
        return asset != Asset.StETH || (!dead && !stETH.isStopped());
    }

    /// @notice Wei per 10^27 shares; 0 if the rate cannot be read, or exceeds what an escrow accepts.
    function rate() public view returns (uint256) {
        if (dead) return 0;
        uint256 number = stETH.getPooledEthByShares(1e27);
        return number > type(uint96).max ? 0 : number;
    }

    /// @notice The balance of `account` in `asset`, in its own unit.
    function balanceOf(address account, Asset asset) external returns (uint256 amount) {
        if (asset == Asset.ETH) return account.balance;
        if (asset == Asset.WstETH) return wstETH.balanceOf(account);
        if (dead) vm.etch(address(stETH), LIVING.code);
        amount = stETH.sharesOf(account);
        if (dead) vm.etch(address(stETH), DEAD.code);
    }
}
