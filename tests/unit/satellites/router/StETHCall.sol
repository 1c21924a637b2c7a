// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, Shares } from "levee/types/Units.sol";

import { RouterPledgeTest } from "./RouterPledgeTest.sol";

/// @notice The call under test is pledgeStETH. Amounts are shares, allowances the stETH that they are worth.
abstract contract StETHCall is RouterPledgeTest {
    function asset() internal pure override returns (Asset) {
        return Asset.StETH;
    }

    function give(address account, uint256 amount) internal override {
        fund(account, Asset.StETH, amount);
    }

    function holding(address account) internal view override returns (uint256) {
        return stETH.sharesOf(account);
    }

    function allow(address account, uint256 amount) internal virtual override {
        uint256 value = stETH.getPooledEthByShares(amount);
        vm.prank(account);
        stETH.approve(address(router), value);
    }

    function allowed(address account) internal view override returns (uint256) {
        return stETH.allowance(account, address(router));
    }

    function callRouter(address escrow_, address pledger, uint8 tier, uint256 amount) internal virtual override {
        router.pledgeStETH(destination(escrow_, pledger, tier), Shares.wrap(amount));
    }

    function expectAllowanceTooLow() internal override {
        vm.expectRevert("ALLOWANCE_EXCEEDED");
    }

    function expectBalanceTooLow() internal override {
        vm.expectRevert("BALANCE_EXCEEDED");
    }
}
