// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import { Permit } from "levee/interfaces/IPledgeRouter.sol";
import { Asset, WstETHUnits } from "levee/types/Units.sol";

import { OneDigestWallet } from "../../../lido/Lido.t.sol";
import { permitDigest } from "./Permits.sol";
import { RouterPermitTest } from "./RouterPermitTest.sol";
import { RouterPledgeTest } from "./RouterPledgeTest.sol";
import { WstETHCall } from "./WstETHCall.sol";

/// pledgeWstETHWithPermit: as in RouterPermitTest, and
/// └── given the caller is a contract that signs by EIP-1271, which wstETH does not know: its allowance decides
contract PledgeWstETHWithPermitTest is WstETHCall, RouterPermitTest {
    function token() internal view override returns (address) {
        return address(wstETH);
    }

    function valueOf(uint256 amount) internal pure override returns (uint256) {
        return amount;
    }

    function allow(address account, uint256 amount) internal override(WstETHCall, RouterPermitTest) {
        RouterPermitTest.allow(account, amount);
    }

    function callRouter(address escrow_, address pledger, uint8 tier, uint256 amount)
        internal
        override(WstETHCall, RouterPledgeTest)
    {
        router.pledgeWstETHWithPermit(destination(escrow_, pledger, tier), WstETHUnits.wrap(amount), permit);
    }

    function test_ContractThatSigns() public {
        address wallet = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        new OneDigestWallet(permitDigest(IERC20Permit(token()), wallet, address(router), 5, DEADLINE));
        give(wallet, 5);
        permit = Permit(5, DEADLINE, 27, 0, 0);
        expectAllowanceTooLow();
        vm.prank(wallet);
        callRouter(address(escrow), wallet, GRANT, 5);

        vm.prank(wallet);
        wstETH.approve(address(router), 5);
        vm.prank(wallet);
        callRouter(address(escrow), wallet, GRANT, 5);
        assertPosition(wallet, GRANT, Asset.WstETH, 5, 0, 0);
        assertRouterKeepsNothing();
    }
}
