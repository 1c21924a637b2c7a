// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, IPledgeEscrow, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { IWstETH } from "levee/interfaces/external/ILido.sol";
import { Asset, Rate, Wei } from "levee/types/Units.sol";

import { EscrowTest, units } from "../util/EscrowTest.sol";
import { LoudReceiver, Refuser } from "../util/Receivers.sol";

/// refund
/// ├── given it failed
/// │   └── it returns each position, whole, to its pledger, and emits {Refunded}
/// ├── given it settled
/// │   ├── it returns what was not drawn, rounded down
/// │   ├── it returns all of a tier that is not active
/// │   └── when it was drawn whole
/// │       └── it reverts with {NothingToReturn}
/// ├── given the guardian cancelled it, or it lapsed
/// │   └── it returns what is not kept, less what was returned before (after a veto: veto.t.sol)
/// ├── given it was released, and long after
/// │   └── it still pays
/// ├── given the deadline has passed unsettled
/// │   └── it settles first
/// ├── claims in any order pay the same; what is left in the end is less than one unit a position
/// ├── given it is open, up to the deadline
/// │   └── it reverts with {WrongStatus}
/// ├── when the pledger has nothing there, or has had it
/// │   └── it reverts with {NothingToReturn}
/// ├── when the tier does not exist
/// │   └── it reverts with {UnknownTier}
/// └── when the pledger refuses, stETH is paused, or wstETH reports a failed transfer
///     └── it reverts with {PaymentFailed}, and holds up nobody else
contract RefundTest is EscrowTest {
    function test_Refund_Failed() public {
        pledgeHalf();
        vm.prank(guardian);
        escrow.cancel();
        refund(alice, GRANT, Asset.ETH, 400 ether);
        refund(bob, GRANT, Asset.StETH, 250 ether);
        refund(carol, LOAN, Asset.WstETH, 100 ether);
        assertPosition(alice, GRANT, Asset.ETH, 400 ether, 400 ether, 0);
        // Totals are frozen.
        assertPot(GRANT, Asset.ETH, 400 ether, 0, 0);
        for (uint256 i; i < 3; ++i) {
            assertEq(balanceOf(address(escrow), Asset(i)), 0);
        }
    }

    function test_Refund_WhatWasNotDrawn() public {
        pledgeFull();
        settleLate();
        refund(carol, LOAN, Asset.WstETH, 250 ether);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 250 ether, 0);
        expectNothingToReturn(carol, LOAN, Asset.WstETH);
        escrow.refund(carol, LOAN, Asset.WstETH);
        expectNothingToReturn(alice, GRANT, Asset.ETH);
        escrow.refund(alice, GRANT, Asset.ETH);
    }

    /// @dev Property 5.
    function test_Refund_InactiveTier() public {
        pledgeHalf();
        settleLate();
        refund(carol, LOAN, Asset.WstETH, 100 ether);
        assertEq(wstETH.balanceOf(address(escrow)), 0);
    }

    /// @dev To the disadvantage of each pledger: what rounding leaves stays in the escrow.
    function test_Refund_RoundsDown() public {
        Terms memory terms = ethOnlyTerms();
        terms.target = Wei.wrap(1e9);
        escrow = deploy(terms);
        pledge(alice, GRANT, Asset.ETH, 1e9);
        pledge(bob, GRANT, Asset.ETH, 5e8 - 1);
        pledge(carol, GRANT, Asset.ETH, 2);
        settleLate();
        // 1,500,000,001 are there, 10^9 are drawn: a third goes back.
        refund(alice, GRANT, Asset.ETH, 333_333_333);
        refund(bob, GRANT, Asset.ETH, 166_666_666);
        expectNothingToReturn(carol, GRANT, Asset.ETH);
        escrow.refund(carol, GRANT, Asset.ETH);
        assertEq(address(escrow).balance, 1e9 + 2);
    }

    function test_Refund_AgainAfterACancellation() public {
        pledgeFull();
        settleLate();
        refund(carol, LOAN, Asset.WstETH, 250 ether);
        vm.warp(trancheAt(SETTLED_AT, 1));
        vm.prank(guardian);
        escrow.cancel();
        // One of four tranches is kept.
        refund(alice, GRANT, Asset.ETH, 300 ether);
        refund(bob, FULL_GRANT, Asset.StETH, 187.5 ether);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 250 ether, 187.5 ether);
        refund(carol, LOAN, Asset.WstETH, 187.5 ether);
        assertPosition(carol, LOAN, Asset.WstETH, 500 ether, 437.5 ether, 0);
        assertEq(wstETH.balanceOf(carol), 437.5 ether);
        // What is left is what the beneficiary keeps.
        assertEq(address(escrow).balance, 100 ether);
        assertEq(stETH.sharesOf(address(escrow)), 62.5 ether);
        assertEq(wstETH.balanceOf(address(escrow)), 62.5 ether);
    }

    function test_Refund_AgainAfterALapse() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        vm.prank(guardian);
        escrow.cancel();
        refund(alice, GRANT, Asset.ETH, 300 ether);
        vm.warp(trancheAt(SETTLED_AT, 1) + RELEASE_WINDOW + 1);
        escrow.lapse();
        refund(alice, GRANT, Asset.ETH, 100 ether);
        refund(bob, FULL_GRANT, Asset.StETH, 250 ether);
        refund(carol, LOAN, Asset.WstETH, 500 ether);
        assertEq(alice.balance, 400 ether);
    }

    function test_Refund_NeverExpires() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 4));
        for (uint256 i; i < 3; ++i) {
            escrow.release(Asset(i));
        }
        assertStatus(Status.Released);
        vm.warp(SETTLED_AT + 36_500 days);
        refund(carol, LOAN, Asset.WstETH, 250 ether);
        assertEq(wstETH.balanceOf(address(escrow)), 0);
    }

    function test_Refund_SettlesFirst() public {
        pledgeHalf();
        vm.warp(DEADLINE);
        expectWrongStatus(Status.Open);
        escrow.refund(carol, LOAN, Asset.WstETH);
        vm.warp(SETTLED_AT);
        refund(carol, LOAN, Asset.WstETH, 100 ether);
        assertEq(escrow.rescue().settledAt, SETTLED_AT);
    }

    function test_Refund_FailsFirst() public {
        pledge(alice, GRANT, Asset.ETH, 499 ether);
        vm.warp(SETTLED_AT);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Failed(EndReason.NoThresholdMet, Rate.wrap(0), SETTLED_AT);
        refund(alice, GRANT, Asset.ETH, 499 ether);
        assertStatus(Status.Failed);
    }

    function test_RevertWhen_NothingToReturn() public {
        pledgeHalf();
        settleLate();
        expectNothingToReturn(stranger, LOAN, Asset.WstETH);
        escrow.refund(stranger, LOAN, Asset.WstETH);
        // Of a pot that is empty.
        expectNothingToReturn(carol, FULL_GRANT, Asset.ETH);
        escrow.refund(carol, FULL_GRANT, Asset.ETH);
        expectNothingToReturn(carol, LOAN, Asset.StETH);
        escrow.refund(carol, LOAN, Asset.StETH);
    }

    function test_RevertWhen_TierUnknown() public {
        pledgeHalf();
        settleLate();
        expectUnknownTier(3);
        escrow.refund(carol, 3, Asset.WstETH);
    }

    function test_RevertWhen_PaymentFails() public {
        address refuser = address(new Refuser());
        pledge(refuser, GRANT, Asset.ETH, 7);
        pledge(alice, GRANT, Asset.ETH, 9);
        pledge(bob, GRANT, Asset.StETH, 11);
        pledge(carol, GRANT, Asset.WstETH, 13);
        settleLate();
        expectPaymentFailed(refuser, Asset.ETH, 7);
        escrow.refund(refuser, GRANT, Asset.ETH);
        vm.mockCall(address(wstETH), abi.encodeWithSelector(IWstETH.transfer.selector), abi.encode(false));
        expectPaymentFailed(carol, Asset.WstETH, 13);
        escrow.refund(carol, GRANT, Asset.WstETH);
        stETH.stop();
        expectPaymentFailed(bob, Asset.StETH, 11);
        escrow.refund(bob, GRANT, Asset.StETH);
        vm.mockCallRevert(address(wstETH), abi.encodeWithSelector(IWstETH.transfer.selector), "no");
        expectPaymentFailed(carol, Asset.WstETH, 13);
        escrow.refund(carol, GRANT, Asset.WstETH);

        refund(alice, GRANT, Asset.ETH, 9);
        vm.clearMockedCalls();
        refund(carol, GRANT, Asset.WstETH, 13);
        stETH.resume();
        refund(bob, GRANT, Asset.StETH, 11);
    }

    /// @dev As what is collected: 500,000 bytes cost their maker 523,712 gas, and nobody else.
    function test_Refund_CopiesNothing() public {
        address loud = address(new LoudReceiver(500_000));
        pledge(loud, GRANT, Asset.ETH, 7);
        settleLate();
        escrow.refund(loud, GRANT, Asset.ETH);
        assertLt(vm.lastCallGas().gasTotalUsed, 523_712 + 60_000);
        assertEq(loud.balance, 7);
    }

    // ---------------------------------------------------------------- fuzz

    /// @dev Properties 1, 4, 6 and 9, of a group that is drawn in part: whatever is cancelled and whenever people come
    /// for their money, everyone gets the same, and all but the dust leaves.
    function testFuzz_Refund_AnyOrder(uint256[3] memory amounts, uint8 kept, uint8 early, uint8 assetNumber) public {
        Asset asset = Asset(bound(assetNumber, 0, 2));
        address[3] memory pledgers = [alice, bob, carol];
        uint256 total;
        for (uint256 i; i < 3; ++i) {
            amounts[i] = bound(amounts[i], 400 ether, 900 ether) + i;
            total += amounts[i];
            pledge(pledgers[i], FULL_GRANT, asset, amounts[i]);
        }
        settleLate();
        // One of them comes twice, or all do.
        refundOrNothing(pledgers[early % 3], asset);
        kept = uint8(bound(kept, 0, TRANCHES));
        if (kept > 0) vm.warp(trancheAt(SETTLED_AT, kept));
        if (kept > 0) escrow.release(asset);
        if (kept < TRANCHES) vm.prank(guardian);
        if (kept < TRANCHES) escrow.cancel();

        uint256 delivered = balanceOf(beneficiary, asset);
        uint256 left = total - delivered;
        for (uint256 i; i < 3; ++i) {
            address pledger = pledgers[(i + early) % 3];
            refundOrNothing(pledger, asset);
            uint256 amount = amounts[(i + early) % 3];
            assertEq(balanceOf(pledger, asset), amount * (total - delivered) / total, "in the same proportion");
            left -= balanceOf(pledger, asset);
        }
        assertEq(balanceOf(address(escrow), asset), left);
        assertLt(left, 3, "dust");
    }

    // ---------------------------------------------------------------- helpers

    function refundOrNothing(address pledger, Asset asset) private {
        if (positionOf(pledger, FULL_GRANT, asset).refundable == units(0)) {
            expectNothingToReturn(pledger, FULL_GRANT, asset);
        }
        escrow.refund(pledger, FULL_GRANT, asset);
    }

    /// @dev Refunds, by whoever comes, to the pledger, and expects so much.
    function refund(address pledger, uint8 tier, Asset asset, uint256 amount) private {
        uint256 before = balanceOf(pledger, asset);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Refunded(pledger, tier, asset, pledger, units(amount));
        vm.prank(stranger);
        escrow.refund(pledger, tier, asset);
        assertEq(balanceOf(pledger, asset) - before, amount);
    }
}
