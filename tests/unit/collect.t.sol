// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IWstETH } from "levee/interfaces/external/ILido.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest, units } from "../util/EscrowTest.sol";
import { LoudReceiver, Reentrant, Refuser } from "../util/Receivers.sol";

/// collect, collectTo
/// ├── given something is owed
/// │   ├── collect pays the pledger all of it, whoever calls, and emits {Collected}
/// │   ├── collectTo pays the recipient that the pledger names, and emits {Collected}
/// │   ├── it pays one asset, and leaves what is owed of the others and to others
/// │   ├── in every status it pays, changes nothing else of the rescue, and settles nothing
/// │   ├── when it is paid
/// │   │   └── it is paid once: again, or re-entered, it reverts with {NothingOwed}
/// │   ├── when the recipient refuses, stETH is paused, or wstETH reports a failed transfer
/// │   │   └── it reverts with {PaymentFailed}, and is still owed
/// │   ├── it passes all gas on, and copies nothing of what the recipient returns
/// │   └── when the recipient is zero, the escrow, or one of its tokens
/// │       └── collectTo reverts with {InvalidAccount}, before {NothingOwed}
/// └── given nothing is owed
///     └── it reverts with {NothingOwed}
contract CollectTest is EscrowTest {
    Refuser private refuser;

    /// @dev 820 ETH are pledged, and 7 ETH, 5 shares and 3 units are owed to `refuser`: declined while nothing can be paid.
    function setUp() public override {
        super.setUp();
        refuser = new Refuser();
        pledgeHalf();
        pledge(address(refuser), GRANT, Asset.ETH, 7 ether);
        pledge(address(refuser), GRANT, Asset.StETH, 5 ether);
        pledge(address(refuser), LOAN, Asset.WstETH, 3 ether);
        stETH.stop();
        vm.mockCallRevert(address(wstETH), abi.encodeWithSelector(IWstETH.transfer.selector), "no");
        vm.startPrank(guardian);
        escrow.decline(address(refuser), GRANT, Asset.ETH);
        escrow.decline(address(refuser), GRANT, Asset.StETH);
        escrow.decline(address(refuser), LOAN, Asset.WstETH);
        vm.stopPrank();
        stETH.resume();
        vm.clearMockedCalls();
        assertAllOwed(7 ether, 5 ether, 3 ether);
    }

    function test_Collect() public {
        refuser.relent();
        collect(Asset.ETH, 7 ether);
        assertAllOwed(0, 5 ether, 3 ether);
        collect(Asset.StETH, 5 ether);
        collect(Asset.WstETH, 3 ether);
        assertAllOwed(0, 0, 0);
        assertEq(address(escrow).balance, 400 ether);
        assertEq(stETH.sharesOf(address(escrow)), 250 ether);
        assertEq(wstETH.balanceOf(address(escrow)), 100 ether);
        assertEq(escrow.rescue().coverage, 820 ether);
    }

    function test_CollectTo() public {
        uint256[3] memory amounts = [uint256(7 ether), 5 ether, 3 ether];
        for (uint256 i; i < 3; ++i) {
            vm.expectEmit(address(escrow));
            emit IPledgeEscrow.Collected(address(refuser), Asset(i), stranger, units(amounts[i]));
            vm.prank(address(refuser));
            escrow.collectTo(Asset(i), stranger);
            assertEq(balanceOf(stranger, Asset(i)), amounts[i]);
        }
        assertAllOwed(0, 0, 0);
    }

    /// @dev What another is owed is its own.
    function test_Collect_LeavesTheOthers() public {
        amendTarget(TARGET);
        vm.prank(alice);
        escrow.exit(GRANT, Asset.ETH, address(refuser));
        assertOwed(alice, Asset.ETH, 400 ether);
        vm.prank(address(refuser));
        escrow.collectTo(Asset.ETH, stranger);
        assertEq(stranger.balance, 7 ether);
        assertOwed(alice, Asset.ETH, 400 ether);
        escrow.collect(alice, Asset.ETH);
        assertEq(alice.balance, 400 ether);
        assertEq(address(escrow).balance, 0);
    }

    // ---------------------------------------------------------------- in every status

    function test_Collect_Open() public {
        checkCollects(Status.Open);
    }

    /// @dev The deadline has passed, and any other call would settle first.
    function test_Collect_SettlesNothing() public {
        vm.warp(SETTLED_AT);
        refuser.relent();
        escrow.collect(address(refuser), Asset.ETH);
        vm.prank(address(refuser));
        escrow.collectTo(Asset.StETH, stranger);
        assertEq(uint256(escrow.record().status), uint256(Status.Open));
        assertEq(escrow.record().settledAt, 0);
        assertEq(address(refuser).balance, 7 ether);
    }

    /// @dev Not even a rate is needed.
    function test_Collect_WithoutARate() public {
        vm.warp(SETTLED_AT);
        vm.mockCallRevert(address(stETH), abi.encodeWithSelector(stETH.getPooledEthByShares.selector), "down");
        refuser.relent();
        collect(Asset.ETH, 7 ether);
        collect(Asset.WstETH, 3 ether);
    }

    function test_Collect_Settled() public {
        settleLate();
        checkCollects(Status.Settled);
    }

    function test_Collect_Released() public {
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        escrow.release(Asset.ETH);
        escrow.release(Asset.StETH);
        checkCollects(Status.Released);
    }

    function test_Collect_Failed() public {
        vm.prank(guardian);
        escrow.cancel();
        checkCollects(Status.Failed);
    }

    function test_Collect_Cancelled() public {
        settleLate();
        vm.prank(guardian);
        escrow.cancel();
        checkCollects(Status.Cancelled);
    }

    function test_Collect_Vetoed() public {
        settleLate();
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
        checkCollects(Status.Cancelled);
    }

    function test_Collect_NeverExpires() public {
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES) + RELEASE_WINDOW + 1);
        escrow.lapse();
        vm.warp(SETTLED_AT + 36_500 days);
        checkCollects(Status.Cancelled);
    }

    /// @dev Property 1: what is owed and what is refunded are apart, though they lie in one balance.
    function test_Collect_AndRefund() public {
        settleLate();
        refuser.relent();
        collect(Asset.WstETH, 3 ether);
        escrow.refund(carol, LOAN, Asset.WstETH);
        assertEq(wstETH.balanceOf(carol), 100 ether);
        assertEq(wstETH.balanceOf(address(escrow)), 0);
        // What was declined is no position any more.
        expectNothingToReturn(address(refuser), LOAN, Asset.WstETH);
        escrow.refund(address(refuser), LOAN, Asset.WstETH);
    }

    // ---------------------------------------------------------------- refusals

    function test_RevertWhen_CollectedTwice() public {
        refuser.relent();
        collect(Asset.ETH, 7 ether);
        expectNothingOwed(address(refuser), Asset.ETH);
        escrow.collect(address(refuser), Asset.ETH);
        expectNothingOwed(address(refuser), Asset.ETH);
        vm.prank(address(refuser));
        escrow.collectTo(Asset.ETH, stranger);
    }

    function test_RevertWhen_Reentered() public {
        Reentrant attacker = new Reentrant();
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(escrow.collect, (address(refuser), Asset.ETH));
        attacker.arm(address(escrow), calls);
        vm.prank(address(refuser));
        escrow.collectTo(Asset.ETH, address(attacker));
        assertEq(attacker.entries(), 1);
        assertEq(attacker.successes(), 0);
        assertEq(address(attacker).balance, 7 ether);
        assertEq(address(escrow).balance, 400 ether);
    }

    function test_RevertWhen_NothingOwed() public {
        expectNothingOwed(stranger, Asset.ETH);
        escrow.collect(stranger, Asset.ETH);
        // A position is not owed.
        expectNothingOwed(alice, Asset.ETH);
        vm.prank(alice);
        escrow.collectTo(Asset.ETH, alice);
    }

    function test_RevertWhen_PaymentFails() public {
        expectPaymentFailed(address(refuser), Asset.ETH, 7 ether);
        escrow.collect(address(refuser), Asset.ETH);
        stETH.stop();
        expectPaymentFailed(address(refuser), Asset.StETH, 5 ether);
        escrow.collect(address(refuser), Asset.StETH);
        vm.mockCall(address(wstETH), abi.encodeWithSelector(IWstETH.transfer.selector), abi.encode(false));
        expectPaymentFailed(stranger, Asset.WstETH, 3 ether);
        vm.prank(address(refuser));
        escrow.collectTo(Asset.WstETH, stranger);
        assertAllOwed(7 ether, 5 ether, 3 ether);
    }

    function test_RevertWhen_RecipientInvalid() public {
        address[4] memory accounts = [address(0), address(escrow), address(stETH), address(wstETH)];
        for (uint256 i; i < accounts.length; ++i) {
            expectInvalidAccount(accounts[i]);
            vm.prank(address(refuser));
            escrow.collectTo(Asset.ETH, accounts[i]);
        }
        expectInvalidAccount(address(0));
        vm.prank(stranger);
        escrow.collectTo(Asset.ETH, address(0));
    }

    // ---------------------------------------------------------------- gas

    /// @dev 500,000 bytes of memory cost its recipient 15,625 words, at three gas each and their square over 512: 523,712.
    /// Copied, they would cost the caller as much again.
    function test_Collect_CopiesNothing() public {
        address loud = address(new LoudReceiver(500_000));
        vm.prank(address(refuser));
        escrow.collectTo(Asset.ETH, loud);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        assertGt(used, 523_712);
        assertLt(used, 523_712 + 60_000);
        assertEq(loud.balance, 7 ether);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev Everything that is owed can be collected, and the rescue stays as it is.
    function checkCollects(Status status) private {
        refuser.relent();
        assertStatus(status);
        bytes32 before = keccak256(abi.encode(escrow.rescue()));
        collect(Asset.ETH, 7 ether);
        collect(Asset.StETH, 5 ether);
        collect(Asset.WstETH, 3 ether);
        assertAllOwed(0, 0, 0);
        assertEq(keccak256(abi.encode(escrow.rescue())), before);
        assertStatus(status);
    }

    /// @dev Collects, by whoever comes, for `refuser`.
    function collect(Asset asset, uint256 amount) private {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Collected(address(refuser), asset, address(refuser), units(amount));
        vm.prank(stranger);
        escrow.collect(address(refuser), asset);
        assertEq(balanceOf(address(refuser), asset), amount);
    }

    function assertAllOwed(uint256 eth, uint256 shares, uint256 wst) private view {
        assertOwed(address(refuser), Asset.ETH, eth);
        assertOwed(address(refuser), Asset.StETH, shares);
        assertOwed(address(refuser), Asset.WstETH, wst);
    }
}
