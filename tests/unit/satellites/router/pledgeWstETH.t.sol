// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import { WstETHCall } from "./WstETHCall.sol";

/// pledgeWstETH: as in RouterPledgeTest, and
/// ├── given stETH is paused: it goes through
/// └── when wstETH reports a failure without an error: it reverts with {SafeERC20FailedOperation}
contract RouterPledgeWstETHTest is WstETHCall {
    function test_WhileStETHIsPaused() public {
        stETH.stop();
        test_Pledge();
    }

    function test_RevertWhen_WstETHReportsFailure() public {
        give(alice, 7);
        allow(alice, 7);
        vm.mockCall(address(wstETH), abi.encodeWithSelector(IERC20.transferFrom.selector), abi.encode(false));
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, wstETH));
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 7);
    }
}
