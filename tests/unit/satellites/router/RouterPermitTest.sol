// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import { Permit } from "levee/interfaces/IPledgeRouter.sol";

import { ORDER, permitDigest, signPermit } from "./Permits.sol";
import { RouterPledgeTest } from "./RouterPledgeTest.sol";

/// @notice What holds for both calls with a permit, besides RouterPledgeTest, where `allow` signs one instead.
///
/// pledge with a permit
/// ├── when somebody used the permit before (front-running): it goes through
/// ├── when the permit allows more: the rest of it stays with the caller, and only the caller can use it
/// ├── when the permit is no good, but there is an allowance: it goes through, and the permit changes nothing
/// └── when the permit is no good, and there is no allowance: it reverts with the token's own error of that
///     ├── when another signed it, who has tokens and has allowed the router to take them
///     ├── when it is for another spender, another value, or expired
///     ├── when its signature is malleable (the higher s), malformed or empty
///     ├── when it was used before, and the allowance with it
///     └── when the token knows no permits
abstract contract RouterPermitTest is RouterPledgeTest {
    Permit internal permit;

    /// @dev The token that the call takes.
    function token() internal view virtual returns (address);

    /// @dev What the permit of so much has to allow.
    function valueOf(uint256 amount) internal view virtual returns (uint256);

    function allow(address account, uint256 amount) internal virtual override {
        permit = signed(account, address(router), valueOf(amount), vm.getBlockTimestamp() + 365 days);
    }

    function test_PermitFrontRun() public {
        give(alice, 5);
        allow(alice, 5);
        vm.prank(stranger);
        usePermit(alice, permit);
        assertEq(allowed(alice), valueOf(5));
        pledgeFive();
        assertEq(allowed(alice), 0);
        assertEq(IERC20Permit(token()).nonces(alice), 1);
    }

    function test_PermitOfMore() public {
        give(alice, 20);
        allow(alice, 20);
        uint256 signedFor = valueOf(20);
        pledgeFive();
        assertEq(allowed(alice), signedFor - valueOf(5));

        delete permit;
        give(bob, 5);
        expectAllowanceTooLow();
        vm.prank(bob);
        callRouter(address(escrow), bob, GRANT, 5);
        assertEq(holding(alice), 15);
    }

    function test_NoGoodPermit_GivenAnAllowance() public {
        give(alice, 20);
        approveRouter(alice, valueOf(20));

        permit = signed(bob, address(router), valueOf(5), vm.getBlockTimestamp());
        pledgeFive();
        permit = signed(alice, address(router), valueOf(5), vm.getBlockTimestamp() - 1);
        pledgeFive();
        delete permit;
        pledgeFive();
        vm.mockCallRevert(token(), abi.encodeWithSelector(IERC20Permit.permit.selector), "");
        pledgeFive();

        assertEq(holding(alice), 0);
        assertEq(allowed(alice), 0);
        assertEq(IERC20Permit(token()).nonces(alice), 0);
        assertEq(IERC20Permit(token()).nonces(bob), 0);
    }

    function test_RevertWhen_PermitOfAnother() public {
        give(alice, 5);
        give(bob, 5);
        approveRouter(bob, valueOf(5));
        permit = signed(bob, address(router), valueOf(5), vm.getBlockTimestamp());
        expectRefusal();
        assertEq(allowed(bob), valueOf(5));
        assertEq(holding(bob), 5);
    }

    function test_RevertWhen_PermitIsForSomethingElse() public {
        give(alice, 5);
        permit = signed(alice, address(escrow), valueOf(5), vm.getBlockTimestamp());
        expectRefusal();
        permit = signed(alice, address(router), valueOf(5), vm.getBlockTimestamp());
        permit.value += 1;
        expectRefusal();
        permit = signed(alice, address(router), valueOf(5), vm.getBlockTimestamp() - 1);
        expectRefusal();
        permit.deadline += 1;
        expectRefusal();
        permit.deadline = vm.getBlockTimestamp() - 1;
        vm.warp(vm.getBlockTimestamp() - 1);
        pledgeFive();
    }

    function test_RevertWhen_SignatureIsMalformed() public {
        give(alice, 5);
        allow(alice, 5);
        Permit memory good = permit;
        permit.s = bytes32(ORDER - uint256(good.s));
        permit.v = good.v == 27 ? 28 : 27;
        expectRefusal();
        permit = good;
        permit.v = good.v - 27;
        expectRefusal();
        (permit.r, permit.s) = (good.s, good.r);
        expectRefusal();
        (permit.v, permit.r, permit.s) = (0, 0, 0);
        expectRefusal();
        permit = good;
        pledgeFive();
    }

    function test_RevertWhen_PermitIsReplayed() public {
        give(alice, 10);
        allow(alice, 5);
        pledgeFive();
        expectRefusal();
        assertEq(holding(alice), 5);
    }

    function test_RevertWhen_TokenKnowsNoPermits() public {
        give(alice, 5);
        allow(alice, 5);
        vm.mockCallRevert(token(), abi.encodeWithSelector(IERC20Permit.permit.selector), "");
        expectRefusal();
    }

    // ---------------------------------------------------------------- helpers

    /// @dev Alice's call with `permit`. At 1.2 wei a share nothing rounds.
    function pledgeFive() internal {
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 5);
        assertRouterKeepsNothing();
    }

    function expectRefusal() internal {
        expectAllowanceTooLow();
        vm.prank(alice);
        callRouter(address(escrow), alice, GRANT, 5);
    }

    function approveRouter(address account, uint256 value) private {
        vm.prank(account);
        IERC20(token()).approve(address(router), value);
    }

    function signed(address account, address spender, uint256 value, uint256 deadline)
        internal
        view
        returns (Permit memory)
    {
        // As makeAddr makes them.
        uint256 key = uint256(keccak256(account == alice ? bytes("alice") : bytes("bob")));
        assertEq(vm.addr(key), account);
        return signPermit(IERC20Permit(token()), key, spender, value, deadline);
    }

    /// @dev The token's own call, by whoever is next.
    function usePermit(address owner, Permit memory p) internal {
        IERC20Permit(token()).permit(owner, address(router), p.value, p.deadline, p.v, p.r, p.s);
    }
}
