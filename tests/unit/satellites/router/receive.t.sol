// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeRouter } from "levee/interfaces/IPledgeRouter.sol";

import { RouterTest } from "./RouterTest.sol";

/// receive and the views
/// ├── when ETH comes from WETH: it is taken, with the little gas that WETH gives
/// ├── when ETH comes from anyone else: it reverts with {NotWETH}
/// ├── when ETH comes with any call: it reverts
/// └── the views tell the tokens that the router was made for
contract RouterReceiveTest is RouterTest {
    function test_FromWETH() public {
        vm.deal(address(weth), 1 ether);
        vm.prank(address(weth));
        (bool success,) = address(router).call{ value: 1 ether, gas: 2300 }("");
        assertTrue(success);
    }

    function test_RevertWhen_FromAnyoneElse() public {
        vm.deal(alice, 2);
        vm.prank(alice);
        (bool success, bytes memory reason) = address(router).call{ value: 1 }("");
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(IPledgeRouter.NotWETH.selector, alice));

        bytes memory views = abi.encodeCall(IPledgeRouter.weth, ());
        vm.prank(alice);
        (success,) = address(router).call{ value: 1 }(views);
        assertFalse(success);
    }

    function test_Tokens() public view {
        assertEq(router.weth(), address(weth));
        assertEq(router.stETH(), address(stETH));
        assertEq(router.wstETH(), address(wstETH));
    }
}
