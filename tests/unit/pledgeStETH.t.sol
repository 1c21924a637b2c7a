// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { PledgeTest } from "../util/PledgeTest.sol";

/// pledgeStETH: as in PledgeTest, and
/// ├── it moves exactly the shares at any rate, whatever stETH amount that is
/// ├── given a rescue in ETH only
/// │   └── it reverts with {AssetNotAccepted}, after {ZeroAmount} and before {InvalidAccount}
/// └── when stETH refuses (allowance, balance, pause)
///     └── it reverts with stETH's own error and books nothing
contract PledgeStETHTest is PledgeTest {
    function asset() internal pure override returns (Asset) {
        return Asset.StETH;
    }

    function testFuzz_Pledge_AnyRate(uint256 shares, uint256 pooled) public {
        shares = bound(shares, 1, 1000 ether);
        stETH.setTotalPooledEther(bound(pooled, 1, 100_000_000 ether));
        pledge(alice, GRANT, Asset.StETH, shares);
        assertEq(stETH.sharesOf(address(escrow)), shares);
        assertPosition(alice, GRANT, Asset.StETH, shares, 0, 0);
    }

    function test_RevertWhen_EthOnly() public {
        escrow = deploy(ethOnlyTerms());
        vm.expectRevert(IPledgeEscrow.ZeroAmount.selector);
        pledgeFrom(alice, address(0), GRANT, Asset.StETH, 0);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AssetNotAccepted.selector, Asset.StETH));
        pledgeFrom(alice, address(0), GRANT, Asset.StETH, 1);
    }

    function test_RevertWhen_TokenRefuses() public {
        fund(alice, Asset.StETH, 10);
        vm.expectRevert("BALANCE_EXCEEDED");
        pledgeFrom(alice, alice, GRANT, Asset.StETH, 11);

        // 10 shares are worth 12 wei.
        vm.prank(alice);
        stETH.approve(address(escrow), 11);
        vm.expectRevert("ALLOWANCE_EXCEEDED");
        pledgeFrom(alice, alice, GRANT, Asset.StETH, 10);

        vm.prank(alice);
        stETH.approve(address(escrow), 12);
        stETH.stop();
        vm.expectRevert("CONTRACT_IS_STOPPED");
        pledgeFrom(alice, alice, GRANT, Asset.StETH, 10);
        assertEq(escrow.rescue().pots.length, 0);

        stETH.resume();
        pledgeFrom(alice, alice, GRANT, Asset.StETH, 10);
        assertEq(stETH.sharesOf(address(escrow)), 10);
        assertEq(stETH.allowance(alice, address(escrow)), 0);
    }
}
