// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Units, Wei } from "levee/types/Units.sol";

import { units } from "../../../util/EscrowTest.sol";
import { RouterTest } from "./RouterTest.sol";

/// @notice What holds for each of the router's five calls that take tokens; the test of each adds what is its own.
///
/// pledge
/// ├── it moves exactly the amount from the caller into the escrow, as the pledger's; the router keeps nothing
/// ├── when the pledger is another: it is the pledger's, and the caller pays
/// ├── when a bonus pool is named: the position is enlisted
/// │   └── when it cannot be: it reverts with the pool's error, and nothing has moved
/// ├── when the pledger is the router or one of its tokens: it reverts with {InvalidAccount}
/// ├── when the amendment is not the latest: it reverts with the escrow's {AmendmentDiffers}
/// ├── given others' allowances for the router: they are not touched
/// ├── when the caller's allowance or balance is too low: it reverts with the token's own error
/// ├── when the escrow refuses: it reverts with the escrow's own error, and nothing has moved
/// └── when the escrow is no contract, or the router: it reverts
abstract contract RouterPledgeTest is RouterTest {
    /// @dev What the escrow books.
    function asset() internal pure virtual returns (Asset);

    /// @dev Gives `account` so much of what the call takes.
    function give(address account, uint256 amount) internal virtual;

    /// @dev So much of it `account` has.
    function holding(address account) internal view virtual returns (uint256);

    /// @dev Lets the router have just so much of it.
    function allow(address account, uint256 amount) internal virtual;

    /// @dev What the router may still take from `account`.
    function allowed(address account) internal view virtual returns (uint256);

    /// @dev The call, by the `prank` before it. May follow a `vm.expectRevert`.
    function callRouter(address escrow_, address pledger, uint8 tier, uint256 amount) internal virtual;

    function expectAllowanceTooLow() internal virtual;

    function expectBalanceTooLow() internal virtual;

    function test_Pledge() public {
        give(alice, 10 ether);
        allow(alice, 7 ether);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Pledged(alice, LOAN, asset(), units(7 ether));
        vm.prank(alice);
        callRouter(address(escrow), alice, LOAN, 7 ether);

        assertEq(holding(alice), 3 ether);
        assertEq(allowed(alice), 0);
        assertEq(balanceOf(address(escrow), asset()), 7 ether);
        assertPot(LOAN, asset(), 7 ether, 0, 0);
        assertPosition(alice, LOAN, asset(), 7 ether, 0, 0);
        assertRouterKeepsNothing();
    }

    function test_Pledge_InTheNameOfAnother() public {
        give(alice, 7);
        allow(alice, 7);
        vm.prank(alice);
        callRouter(address(escrow), bob, GRANT, 7);
        assertPosition(bob, GRANT, asset(), 7, 0, 0);
        assertEq(escrow.positions(alice).length, 0);
        assertEq(escrow.positions(address(router)).length, 0);
        assertEq(holding(alice), 0);
    }

    function test_Pledge_Enlists() public {
        bonusPool = deployBonusPool(escrow);
        give(alice, 7);
        allow(alice, 7);
        vm.warp(DEADLINE - 2 days);
        vm.expectEmit(address(bonusPool));
        emit IBonusPool.Enlisted(bob, LOAN, asset(), 0, units(7), 7 * 2 days);
        vm.prank(alice);
        callRouter(address(escrow), bob, LOAN, 7);
        (, Units enlisted, uint128 unitSeconds) = bonusPool.enlisted(bob, LOAN, asset());
        assertEq(enlisted, 7);
        assertEq(unitSeconds, 7 * 2 days);
        assertRouterKeepsNothing();
    }

    /// @dev The pool of another rescue finds nothing.
    function test_RevertWhen_ItCannotBeEnlisted() public {
        bonusPool = deployBonusPool(deploy(defaultTerms()));
        give(alice, 7);
        allow(alice, 7);
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.NothingToEnlist.selector, alice, GRANT, asset()));
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 7);
        assertEq(holding(alice), 7);
    }

    function test_RevertWhen_ThePledgerIsTheRouterOrAToken() public {
        give(alice, 7);
        allow(alice, 7);
        address[4] memory refused = [address(router), address(weth), address(stETH), address(wstETH)];
        for (uint256 i; i < refused.length; ++i) {
            expectRefusedPledger(refused[i]);
            vm.prank(alice);
            callRouter(address(escrow), refused[i], GRANT, 7);
        }
    }

    function test_Pledge_NamesTheAmendment() public {
        give(alice, 7);
        allow(alice, 7);
        vm.prank(guardian);
        escrow.amend(Wei.wrap(TARGET / 2), DEADLINE, TERMS_HASH);
        expectAmendmentDiffers(0, START + EXIT_WINDOW);
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 7);
        amendmentOf[escrow] = START + EXIT_WINDOW;
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 7);
        assertPosition(alice, GRANT, asset(), 7, 0, 0);
    }

    function test_AllowancesOfOthersStay() public {
        give(bob, 100);
        allow(bob, 100);
        uint256 before = allowed(bob);
        allow(alice, 7);
        expectBalanceTooLow();
        vm.prank(alice);
        callRouter(address(escrow), bob, GRANT, 7);

        give(alice, 7);
        vm.prank(alice);
        callRouter(address(escrow), bob, GRANT, 7);
        assertEq(holding(bob), 100);
        assertEq(allowed(bob), before);
        assertEq(holding(alice), 0);
    }

    function test_RevertWhen_AllowanceTooLow() public {
        give(alice, 7);
        allow(alice, 6);
        vm.prank(alice);
        expectAllowanceTooLow();
        callRouter(address(escrow), alice, GRANT, 7);
        assertEq(holding(alice), 7);
    }

    function test_RevertWhen_BalanceTooLow() public {
        give(alice, 6);
        allow(alice, 7);
        expectBalanceTooLow();
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 7);
        assertEq(holding(alice), 6);
    }

    function test_RevertWhen_EscrowRefuses() public {
        give(alice, 7);
        allow(alice, 7);
        vm.startPrank(alice);
        vm.expectRevert(IPledgeEscrow.ZeroAmount.selector);
        callRouter(address(escrow), alice, GRANT, 0);
        expectUnknownTier(3);
        callRouter(address(escrow), alice, 3, 7);
        expectInvalidAccount(address(0));
        callRouter(address(escrow), address(0), GRANT, 7);
        expectInvalidAccount(address(escrow));
        callRouter(address(escrow), address(escrow), GRANT, 7);
        vm.warp(DEADLINE + 1);
        expectPledgingClosed(Status.Open, DEADLINE);
        callRouter(address(escrow), alice, GRANT, 7);

        assertEq(holding(alice), 7);
        vm.warp(DEADLINE);
        callRouter(address(escrow), alice, GRANT, 7);
        assertRouterKeepsNothing();
    }

    function test_RevertWhen_EscrowIsNone() public {
        give(alice, 7);
        allow(alice, 7);
        address[3] memory none = [stranger, address(router), address(0)];
        for (uint256 i; i < none.length; ++i) {
            vm.prank(alice);
            vm.expectRevert();
            callRouter(none[i], alice, GRANT, 7);
        }
        assertEq(holding(alice), 7);
    }

    function testFuzz_Pledge(uint256 first, uint256 second, uint256 pooled) public {
        first = bound(first, 1, 1000 ether);
        second = bound(second, 1, 1000 ether);
        stETH.setTotalPooledEther(bound(pooled, 1, 100_000_000 ether));
        give(alice, first + second);
        allow(alice, first);
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, first);
        allow(alice, second);
        vm.prank(alice);
        callRouter(address(escrow), bob, GRANT, second);

        assertEq(holding(alice), 0);
        assertPosition(alice, GRANT, asset(), first, 0, 0);
        assertPosition(bob, GRANT, asset(), second, 0, 0);
        assertEq(balanceOf(address(escrow), asset()), first + second);
        assertRouterKeepsNothing();
    }
}
