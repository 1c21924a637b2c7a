// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { IPledgeEscrow } from "levee/interfaces/IPledgeEscrow.sol";
import { Destination, IPledgeRouter } from "levee/interfaces/IPledgeRouter.sol";
import { IWETH } from "levee/interfaces/external/IWETH.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../../../util/EscrowTest.sol";
import { deployNpm } from "../../../util/NpmCode.sol";

/// @notice What the tests of the router share: the default rescue, the real WETH9, a router, and strays: ETH and tokens
/// that are in the router from the start and belong to nobody.
abstract contract RouterTest is EscrowTest {
    /// @dev Of ETH, WETH, stETH shares and wstETH units, each.
    uint256 internal constant STRAY = 1000;

    IPledgeRouter internal router;
    IERC20 internal weth;

    /// @dev Where pledges are enlisted; zero until a test says otherwise.
    IBonusPool internal bonusPool;

    function setUp() public virtual override {
        super.setUp();
        weth = IERC20(deployNpm("@aave/core-v3/artifacts/contracts/dependencies/weth/WETH9.sol/WETH9.json", ""));
        router = IPledgeRouter(deployCode("PledgeRouter.sol:PledgeRouter", abi.encode(weth, stETH, wstETH)));
        fundWETH(address(router), STRAY);
        vm.deal(address(router), STRAY);
        stETH.transferShares(address(router), STRAY);
        wstETH.transfer(address(router), STRAY);
    }

    function fundWETH(address account, uint256 amount) internal {
        vm.deal(address(this), amount);
        IWETH(address(weth)).deposit{ value: amount }();
        weth.transfer(account, amount);
    }

    function deployBonusPool(IPledgeEscrow escrow_) internal returns (IBonusPool) {
        return IBonusPool(deployCode("BonusPool.sol:BonusPool", abi.encode(escrow_)));
    }

    function expectRefusedPledger(address pledger) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeRouter.InvalidAccount.selector, pledger));
    }

    /// @dev A pledge of who knows of every amendment.
    function destination(address escrow_, address pledger, uint8 tier) internal view returns (Destination memory) {
        uint40 amendment = amendmentOf[IPledgeEscrow(escrow_)];
        return Destination(escrow_, pledger, tier, amendment, address(bonusPool));
    }

    /// @dev To the wei, the share and the unit; and nobody may take any of it.
    function assertRouterKeepsNothing() internal view {
        assertEq(address(router).balance, STRAY, "ETH in the router");
        assertEq(weth.balanceOf(address(router)), STRAY, "WETH in the router");
        assertEq(balanceOf(address(router), Asset.StETH), STRAY, "shares in the router");
        assertEq(balanceOf(address(router), Asset.WstETH), STRAY, "units in the router");
        assertNoAllowance(address(escrow));
    }

    function assertNoAllowance(address spender) internal view {
        assertEq(weth.allowance(address(router), spender), 0, "the router's allowance of WETH");
        assertEq(stETH.allowance(address(router), spender), 0, "the router's allowance of stETH");
        assertEq(wstETH.allowance(address(router), spender), 0, "the router's allowance of wstETH");
    }
}
