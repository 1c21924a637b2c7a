// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import { Asset, Wei } from "levee/types/Units.sol";

import { RouterPledgeTest } from "./RouterPledgeTest.sol";

/// pledgeWETH: as in RouterPledgeTest, and
/// ├── given an allowance without limit: it stays
/// └── when WETH reports a failure without an error: it reverts with {SafeERC20FailedOperation}
contract PledgeWETHTest is RouterPledgeTest {
    function asset() internal pure override returns (Asset) {
        return Asset.ETH;
    }

    function give(address account, uint256 amount) internal override {
        fundWETH(account, amount);
    }

    function holding(address account) internal view override returns (uint256) {
        return weth.balanceOf(account);
    }

    function allow(address account, uint256 amount) internal override {
        vm.prank(account);
        weth.approve(address(router), amount);
    }

    function allowed(address account) internal view override returns (uint256) {
        return weth.allowance(account, address(router));
    }

    function callRouter(address escrow_, address pledger, uint8 tier, uint256 amount) internal override {
        router.pledgeWETH(destination(escrow_, pledger, tier), Wei.wrap(amount));
    }

    /// @dev WETH9 gives no reason.
    function expectAllowanceTooLow() internal override {
        vm.expectRevert(bytes(""));
    }

    function expectBalanceTooLow() internal override {
        vm.expectRevert(bytes(""));
    }

    function test_UnlimitedAllowance() public {
        give(alice, 7);
        allow(alice, type(uint256).max);
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 7);
        assertEq(allowed(alice), type(uint256).max);
        assertPosition(alice, GRANT, Asset.ETH, 7, 0, 0);
    }

    function test_RevertWhen_WETHReportsFailure() public {
        give(alice, 7);
        allow(alice, 7);
        vm.mockCall(address(weth), abi.encodeWithSelector(IERC20.transferFrom.selector), abi.encode(false));
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, weth));
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 7);
    }
}
