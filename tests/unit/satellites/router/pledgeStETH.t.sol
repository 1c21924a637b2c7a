// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset } from "levee/types/Units.sol";

import { StETHCall } from "./StETHCall.sol";

/// pledgeStETH: as in RouterPledgeTest, and
/// ├── given an allowance without limit: it stays
/// ├── when the shares are worth less than a wei: it moves them
/// └── given stETH is paused: it reverts with stETH's own error
contract RouterPledgeStETHTest is StETHCall {
    function test_UnlimitedAllowance() public {
        give(alice, 7);
        vm.prank(alice);
        stETH.approve(address(router), type(uint256).max);
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 7);
        assertEq(allowed(alice), type(uint256).max);
        assertRouterKeepsNothing();
    }

    function test_SharesWorthNothing() public {
        stETH.setTotalPooledEther(1);
        give(alice, 7);
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 7);
        assertPosition(alice, GRANT, Asset.StETH, 7, 0, 0);
        assertRouterKeepsNothing();
    }

    function test_RevertWhen_Paused() public {
        give(alice, 7);
        allow(alice, 7);
        stETH.stop();
        vm.expectRevert("CONTRACT_IS_STOPPED");
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 7);
    }
}
