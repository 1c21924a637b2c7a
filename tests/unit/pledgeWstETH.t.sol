// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow } from "levee/interfaces/IPledgeEscrow.sol";
import { IWstETH } from "levee/interfaces/external/ILido.sol";
import { Asset } from "levee/types/Units.sol";

import { PledgeTest } from "../util/PledgeTest.sol";

/// pledgeWstETH: as in PledgeTest, and
/// ├── it stays wrapped
/// ├── when stETH is paused
/// │   └── it is accepted
/// ├── given a rescue in ETH only
/// │   └── it reverts with {AssetNotAccepted}, after {ZeroAmount} and before {InvalidAccount}
/// ├── when wstETH reports a failed transfer
/// │   └── it reverts with {PaymentFailed}
/// └── when wstETH refuses
///     └── it reverts with wstETH's own error and books nothing
contract PledgeWstETHTest is PledgeTest {
    function asset() internal pure override returns (Asset) {
        return Asset.WstETH;
    }

    function test_Pledge_StaysWrapped_WhileStETHIsPaused() public {
        fund(alice, Asset.WstETH, 7);
        stETH.stop();
        pledgeFrom(alice, alice, GRANT, Asset.WstETH, 7);
        assertEq(wstETH.balanceOf(address(escrow)), 7);
        assertEq(stETH.sharesOf(address(escrow)), 0);
    }

    function test_RevertWhen_EthOnly() public {
        escrow = deploy(ethOnlyTerms());
        vm.expectRevert(IPledgeEscrow.ZeroAmount.selector);
        pledgeFrom(alice, address(0), GRANT, Asset.WstETH, 0);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AssetNotAccepted.selector, Asset.WstETH));
        pledgeFrom(alice, address(0), GRANT, Asset.WstETH, 1);
    }

    function test_RevertWhen_TokenReportsFailure() public {
        vm.mockCall(address(wstETH), abi.encodeWithSelector(IWstETH.transferFrom.selector), abi.encode(false));
        expectPaymentFailed(address(escrow), Asset.WstETH, 7);
        pledgeFrom(alice, alice, GRANT, Asset.WstETH, 7);
    }

    function test_RevertWhen_TokenRefuses() public {
        fund(alice, Asset.WstETH, 10);
        vm.expectRevert("ERC20: transfer amount exceeds balance");
        pledgeFrom(alice, alice, GRANT, Asset.WstETH, 11);

        vm.prank(alice);
        wstETH.approve(address(escrow), 9);
        vm.expectRevert("ERC20: transfer amount exceeds allowance");
        pledgeFrom(alice, alice, GRANT, Asset.WstETH, 10);
        assertEq(escrow.rescue().pots.length, 0);
    }
}
