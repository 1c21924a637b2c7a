// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import { Permit } from "levee/interfaces/IPledgeRouter.sol";
import { Asset, Shares } from "levee/types/Units.sol";

import { OneDigestWallet } from "../../../lido/Lido.t.sol";
import { permitDigest } from "./Permits.sol";
import { RouterPermitTest } from "./RouterPermitTest.sol";
import { RouterPledgeTest } from "./RouterPledgeTest.sol";
import { StETHCall } from "./StETHCall.sol";

/// pledgeStETHWithPermit: as in RouterPermitTest, and
/// ├── when the shares are worth more by then than the permit allows: it reverts with stETH's own error
/// ├── when the permit left room for that: it goes through
/// └── given the caller is a contract that signs by EIP-1271: it goes through
contract PledgeStETHWithPermitTest is StETHCall, RouterPermitTest {
    function token() internal view override returns (address) {
        return address(stETH);
    }

    function valueOf(uint256 amount) internal view override returns (uint256) {
        return stETH.getPooledEthByShares(amount);
    }

    function allow(address account, uint256 amount) internal override(StETHCall, RouterPermitTest) {
        RouterPermitTest.allow(account, amount);
    }

    function callRouter(address escrow_, address pledger, uint8 tier, uint256 amount)
        internal
        override(StETHCall, RouterPledgeTest)
    {
        router.pledgeStETHWithPermit(destination(escrow_, pledger, tier), Shares.wrap(amount), permit);
    }

    function test_RateRises() public {
        give(alice, 10 ether);
        permit = signed(alice, address(router), 12 ether, DEADLINE);
        stETH.setTotalPooledEther(2_400_001 ether);
        expectAllowanceTooLow();
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 10 ether);

        permit = signed(alice, address(router), 12.1 ether, DEADLINE);
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 10 ether);
        assertPosition(alice, GRANT, Asset.StETH, 10 ether, 0, 0);
        // 12.000005 of the 12.1 ether were used.
        assertEq(allowed(alice), 0.099995 ether);
        assertRouterKeepsNothing();
    }

    function test_ContractThatSigns() public {
        // The wallet approves of a digest that holds its own address, so that is computed first.
        address wallet = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        new OneDigestWallet(permitDigest(IERC20Permit(token()), wallet, address(router), 6, DEADLINE));
        give(wallet, 5);
        permit = Permit(6, DEADLINE, 27, 0, 0);
        vm.prank(wallet);
        callRouter(address(escrow), wallet, GRANT, 5);
        assertPosition(wallet, GRANT, Asset.StETH, 5, 0, 0);
        assertEq(stETH.nonces(wallet), 1);
        assertRouterKeepsNothing();
    }
}
