// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CommonBase } from "forge-std/Base.sol";
import { Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Shares } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// Tokens that call back in the middle of every transfer, as an upgrade of stETH could, in place of both of Lido's. The
/// books are complete before a token is called, so
/// ├── given a pledge whose tokens have not arrived yet
/// │   └── its pledger may leave in an exit window; what then comes in is what went out
/// ├── given an exit, a refund or a release
/// │   └── nothing is paid twice
/// └── given a pledge whose tokens never arrive, because the callback made it fail
///     └── nothing of it is booked
contract TokenCallbacksTest is EscrowTest {
    CallbackToken private token;

    function setUp() public override {
        super.setUp();
        token = new CallbackToken();
        Terms memory terms = defaultTerms();
        (terms.stETH, terms.wstETH) = (address(token), address(token));
        escrow = deploy(terms);
        token.mint(alice, 1000);
        token.mint(bob, 1000 ether);
        vm.prank(bob);
        escrow.pledgeStETH(bob, GRANT, 0, Shares.wrap(1000 ether));
    }

    /// @dev Property 1: during the callback, the exit is paid from bob's shares; the pledge then makes up for it.
    function test_Pledge_LeftBeforeItIsPaid() public {
        amendTarget(TARGET);
        token.arm(alice, address(escrow), abi.encodeCall(escrow.exit, (GRANT, Asset.StETH, alice)));
        vm.prank(alice);
        escrow.pledgeStETH(alice, GRANT, amendmentOf[escrow], Shares.wrap(1000));
        assertEq(token.successes(), 1);
        assertEq(token.balanceOf(alice), 1000);
        assertEq(token.balanceOf(address(escrow)), 1000 ether);
        assertPosition(alice, GRANT, Asset.StETH, 0, 0, 0);
        assertPot(GRANT, Asset.StETH, 1000 ether, 0, 0);
    }

    /// @dev If the pledge is not paid after that, the exit has not happened either.
    function test_Pledge_LeftAndNeverPaid() public {
        amendTarget(TARGET);
        token.arm(alice, address(escrow), abi.encodeCall(escrow.exit, (GRANT, Asset.StETH, carol)));
        vm.prank(alice);
        vm.expectRevert();
        escrow.pledgeStETH(alice, GRANT, amendmentOf[escrow], Shares.wrap(1001));
        assertEq(token.balanceOf(carol), 0);
        assertEq(token.balanceOf(address(escrow)), 1000 ether);
    }

    function test_Exit_Reentered() public {
        amendTarget(TARGET);
        token.arm(bob, address(escrow), abi.encodeCall(escrow.exit, (GRANT, Asset.StETH, bob)));
        vm.prank(bob);
        escrow.exit(GRANT, Asset.StETH, bob);
        assertPaidOnce(bob, 1000 ether);
    }

    function test_Refund_Reentered() public {
        vm.prank(guardian);
        escrow.cancel();
        token.arm(bob, address(escrow), abi.encodeCall(escrow.refund, (bob, GRANT, Asset.StETH)));
        escrow.refund(bob, GRANT, Asset.StETH);
        assertPaidOnce(bob, 1000 ether);
    }

    /// @dev A quarter of 1,000 shares, worth 1,000 ETH.
    function test_Release_Reentered() public {
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        token.arm(stranger, address(escrow), abi.encodeCall(escrow.release, (Asset.StETH)));
        escrow.release(Asset.StETH);
        assertPaidOnce(beneficiary, 250 ether);
    }

    /// @dev The callback stops what is being released, and finds the tranche delivered.
    function test_Release_ReenteredByTheGuardiansCancel() public {
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        token.arm(guardian, address(escrow), abi.encodeCall(escrow.cancel, ()));
        escrow.release(Asset.StETH);
        assertEq(token.successes(), 1);
        assertStatus(Status.Cancelled);
        escrow.refund(bob, GRANT, Asset.StETH);
        assertEq(token.balanceOf(beneficiary), 250 ether);
        assertEq(token.balanceOf(bob), 750 ether);
        assertEq(token.balanceOf(address(escrow)), 0);
    }

    function assertPaidOnce(address account, uint256 amount) private view {
        assertEq(token.successes(), 0, "paid twice");
        assertEq(token.balanceOf(account), amount);
        assertEq(token.balanceOf(address(escrow)), 1000 ether - amount);
    }
}

/// @notice stETH and wstETH in one, which makes its armed call before it moves anything. A share is worth one ether.
contract CallbackToken is CommonBase {
    address private caller;
    address private target;
    bytes private armed;

    /// @notice How often the call succeeded.
    uint256 public successes;

    mapping(address account => uint256) public balanceOf;

    function mint(address account, uint256 amount) external {
        balanceOf[account] += amount;
    }

    /// @notice The token that wstETH claims to wrap.
    function stETH() external view returns (address) {
        return address(this);
    }

    function getPooledEthByShares(uint256 shares) external pure returns (uint256) {
        return shares;
    }

    function transferSharesFrom(address from, address to, Shares shares) external returns (uint256) {
        move(from, to, Shares.unwrap(shares));
        return Shares.unwrap(shares);
    }

    function transferShares(address to, Shares shares) external returns (uint256) {
        move(msg.sender, to, Shares.unwrap(shares));
        return Shares.unwrap(shares);
    }

    /// @notice From now on, once, `caller_` makes a call in the middle of a transfer.
    function arm(address caller_, address target_, bytes calldata call) external {
        (caller, target, armed) = (caller_, target_, call);
    }

    function move(address from, address to, uint256 amount) private {
        if (target != address(0)) callBack();
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }

    function callBack() private {
        address callee = target;
        target = address(0);
        vm.prank(caller);
        (bool success,) = callee.call(armed);
        if (success) ++successes;
    }
}
