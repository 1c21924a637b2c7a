// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, WstETHUnits } from "levee/types/Units.sol";

import { RouterPledgeTest } from "./RouterPledgeTest.sol";

/// @notice The call under test is pledgeWstETH.
abstract contract WstETHCall is RouterPledgeTest {
    function asset() internal pure override returns (Asset) {
        return Asset.WstETH;
    }

    function give(address account, uint256 amount) internal override {
        fund(account, Asset.WstETH, amount);
    }

    function holding(address account) internal view override returns (uint256) {
        return wstETH.balanceOf(account);
    }

    function allow(address account, uint256 amount) internal virtual override {
        vm.prank(account);
        wstETH.approve(address(router), amount);
    }

    function allowed(address account) internal view override returns (uint256) {
        return wstETH.allowance(account, address(router));
    }

    function callRouter(address escrow_, address pledger, uint8 tier, uint256 amount) internal virtual override {
        router.pledgeWstETH(destination(escrow_, pledger, tier), WstETHUnits.wrap(amount));
    }

    function expectAllowanceTooLow() internal override {
        vm.expectRevert("ERC20: transfer amount exceeds allowance");
    }

    function expectBalanceTooLow() internal override {
        vm.expectRevert("ERC20: transfer amount exceeds balance");
    }
}
