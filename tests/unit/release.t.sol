// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, RescueView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { IWstETH } from "levee/interfaces/external/ILido.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { EscrowTest, units } from "../util/EscrowTest.sol";
import { LoudReceiver, Refuser } from "../util/Receivers.sol";

/// release
/// ├── given it is settled
/// │   ├── when a tranche falls due, to the second
/// │   │   └── it pays the beneficiary and emits {Released}
/// │   ├── when several are due
/// │   │   └── it pays them at once
/// │   ├── it pays in all floor(drawn * r / N) of each pot, the rest with the last tranche
/// │   ├── it delivers each asset by itself, also while stETH is paused
/// │   ├── when the last asset's last tranche is delivered
/// │   │   └── it is released for good, and emits {Finalized}
/// │   ├── when nothing more of the asset is due, or nothing of it was drawn
/// │   │   └── it reverts with {NothingDue}
/// │   └── when the beneficiary refuses, or wstETH reports a failed transfer
/// │       └── it reverts with {PaymentFailed}; later it can be paid
/// ├── given it is cancelled
/// │   ├── it delivers what was due, and no more, and then emits {Finalized}
/// │   └── when that is delivered
/// │       └── it reverts with {NothingDue}
/// ├── given the deadline has passed unsettled
/// │   └── it would settle first, and reverts with {NothingDue}
/// └── given it is open, failed or released
///     └── it reverts with {WrongStatus}
contract ReleaseTest is EscrowTest {
    function test_Release() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1) - 1);
        expectNothingDue(Asset.ETH, 0, 0);
        escrow.release(Asset.ETH);

        vm.warp(trancheAt(SETTLED_AT, 1));
        release(Asset.ETH, 1, 100 ether);
        assertEq(beneficiary.balance, 100 ether);
        assertEq(address(escrow).balance, 300 ether);
        assertPot(GRANT, Asset.ETH, 400 ether, 400 ether, 100 ether);
        RescueView memory page = escrow.rescue();
        assertEq(page.delivered[0], 1);
        assertEq(page.delivered[1], 0);
        assertEq(page.due, 1);
        assertEq(page.nextTrancheAt, trancheAt(SETTLED_AT, 2));
        assertStatus(Status.Settled);

        expectNothingDue(Asset.ETH, 1, 1);
        escrow.release(Asset.ETH);
    }

    function test_Release_EachTrancheToTheSecond() public {
        pledgeFull();
        settleLate();
        for (uint8 r = 1; r <= TRANCHES; ++r) {
            vm.warp(trancheAt(SETTLED_AT, r) - 1);
            expectNothingDue(Asset.WstETH, r - 1, r - 1);
            escrow.release(Asset.WstETH);
            assertEq(escrow.rescue().nextTrancheAt, trancheAt(SETTLED_AT, r));
            vm.warp(trancheAt(SETTLED_AT, r));
            release(Asset.WstETH, r, 62.5 ether);
        }
        assertEq(wstETH.balanceOf(beneficiary), 250 ether);
        assertEq(escrow.rescue().nextTrancheAt, 0);
    }

    function test_Release_SeveralAtOnce() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 3));
        release(Asset.StETH, 3, 187.5 ether);
        assertEq(stETH.sharesOf(beneficiary), 187.5 ether);
        // Long after the last one there are no more than all.
        vm.warp(trancheAt(SETTLED_AT, 400));
        release(Asset.StETH, 4, 62.5 ether);
        assertEq(stETH.sharesOf(beneficiary), 250 ether);
    }

    /// @dev Floors of floor(drawn * r / 4), by pot: 1,000,000,003 = 250,000,000 + 3 * 250,000,001; of 2, 0, 1, 0, 1.
    function test_Release_Rounding() public {
        Terms memory terms = ethOnlyTerms();
        terms.target = Wei.wrap(1_000_000_005);
        escrow = deploy(terms);
        pledge(alice, GRANT, Asset.ETH, 1_000_000_003);
        pledge(bob, FULL_GRANT, Asset.ETH, 2);
        escrow.settle();
        uint256[4] memory amounts = [uint256(250_000_000), 250_000_002, 250_000_001, 250_000_002];
        for (uint8 r = 1; r <= 4; ++r) {
            vm.warp(trancheAt(START, r));
            release(Asset.ETH, r, amounts[r - 1]);
        }
        assertEq(beneficiary.balance, 1_000_000_005);
        assertStatus(Status.Released);
    }

    /// @dev A tranche can be of nothing; it is delivered all the same.
    function test_Release_OfNothing() public {
        pledge(alice, GRANT, Asset.ETH, TARGET);
        pledge(bob, GRANT, Asset.WstETH, 2);
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        release(Asset.WstETH, 1, 0);
        assertEq(escrow.rescue().delivered[2], 1);
        assertEq(wstETH.balanceOf(beneficiary), 0);
    }

    function test_Release_OneTrancheNeedsNoInterval() public {
        Terms memory terms = defaultTerms();
        terms.tranches = 1;
        terms.trancheInterval = 0;
        escrow = deploy(terms);
        pledge(alice, GRANT, Asset.ETH, TARGET);
        escrow.settle();
        vm.warp(trancheAt(START, 1) - 1);
        expectNothingDue(Asset.ETH, 0, 0);
        escrow.release(Asset.ETH);
        assertEq(escrow.rescue().nextTrancheAt, trancheAt(START, 1));
        vm.warp(trancheAt(START, 1));
        release(Asset.ETH, 1, TARGET);
        assertStatus(Status.Released);
        assertEq(escrow.rescue().finalAt, trancheAt(START, 1));
    }

    function test_Release_Ends() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 4));
        release(Asset.WstETH, 4, 250 ether);
        release(Asset.ETH, 4, 400 ether);
        assertStatus(Status.Settled);
        assertEq(escrow.rescue().finalAt, 0);

        vm.warp(trancheAt(SETTLED_AT, 4) + 5);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Released(Asset.StETH, 4, units(250 ether));
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Finalized(uint40(trancheAt(SETTLED_AT, 4) + 5));
        escrow.release(Asset.StETH);
        assertStatus(Status.Released);
        assertEq(escrow.rescue().finalAt, trancheAt(SETTLED_AT, 4) + 5);
        for (uint256 i; i < 3; ++i) {
            assertEq(escrow.rescue().delivered[i], TRANCHES);
        }
        expectWrongStatus(Status.Released);
        escrow.release(Asset.ETH);
    }

    /// @dev Property 11: each asset by itself.
    function test_Release_WhileStETHIsPaused() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 4));
        stETH.stop();
        release(Asset.ETH, 4, 400 ether);
        release(Asset.WstETH, 4, 250 ether);
        expectPaymentFailed(beneficiary, Asset.StETH, 250 ether);
        escrow.release(Asset.StETH);
        stETH.resume();
        release(Asset.StETH, 4, 250 ether);
        assertStatus(Status.Released);
    }

    function test_Release_ToALoudReceiver() public {
        deployFor(address(new LoudReceiver(500_000)));
        release(Asset.ETH, 4, TARGET);
        // What it returns costs 523,712 gas to make, and is not copied.
        assertLt(vm.lastCallGas().gasTotalUsed, 523_712 + 100_000);
        assertStatus(Status.Released);
    }

    function test_RevertWhen_NothingOfTheAssetWasDrawn() public {
        pledgeHalf();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 4));
        expectNothingDue(Asset.WstETH, 0, 0);
        escrow.release(Asset.WstETH);
    }

    function test_RevertWhen_PaymentFails() public {
        Refuser refuser = new Refuser();
        deployFor(address(refuser));
        expectPaymentFailed(address(refuser), Asset.ETH, TARGET);
        escrow.release(Asset.ETH);
        assertEq(escrow.rescue().delivered[0], 0);

        refuser.relent();
        release(Asset.ETH, 4, TARGET);
        assertEq(address(refuser).balance, TARGET);
    }

    function test_RevertWhen_TokenReportsFailure() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        vm.mockCall(address(wstETH), abi.encodeWithSelector(IWstETH.transfer.selector), abi.encode(false));
        expectPaymentFailed(beneficiary, Asset.WstETH, 62.5 ether);
        escrow.release(Asset.WstETH);
    }

    // ---------------------------------------------------------------- cancelled

    function test_Release_WhatWasDueBeforeTheCancellation() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 2));
        release(Asset.ETH, 2, 200 ether);
        vm.prank(guardian);
        escrow.cancel();

        vm.warp(trancheAt(SETTLED_AT, 4));
        release(Asset.StETH, 2, 125 ether);
        assertEq(escrow.rescue().finalAt, 0);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Released(Asset.WstETH, 2, units(125 ether));
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Finalized(uint40(trancheAt(SETTLED_AT, 4)));
        escrow.release(Asset.WstETH);

        assertStatus(Status.Cancelled);
        assertEq(escrow.rescue().finalAt, trancheAt(SETTLED_AT, 4));
        for (uint256 i; i < 3; ++i) {
            expectNothingDue(Asset(i), 2, 2);
            escrow.release(Asset(i));
        }
    }

    // ---------------------------------------------------------------- late, and never

    /// @dev It settles first; and nothing is due in the second of a settlement, so that this is not stored.
    function test_RevertWhen_LateAndUnsettled() public {
        Terms memory terms = defaultTerms();
        terms.objectionPeriod = 1;
        escrow = deploy(terms);
        pledge(alice, GRANT, Asset.ETH, 600 ether);
        vm.warp(SETTLED_AT + 3650 days);
        expectNothingDue(Asset.ETH, 0, 0);
        escrow.release(Asset.ETH);
        assertEq(escrow.record().settledAt, 0);
        escrow.settle();
        skip(1);
        release(Asset.ETH, 1, 150 ether);
    }

    function test_RevertWhen_Open() public {
        pledgeFull();
        expectWrongStatus(Status.Open);
        escrow.release(Asset.ETH);
        vm.warp(DEADLINE);
        expectWrongStatus(Status.Open);
        escrow.release(Asset.ETH);
    }

    function test_RevertWhen_Failed() public {
        vm.warp(SETTLED_AT);
        expectWrongStatus(Status.Failed);
        escrow.release(Asset.ETH);
    }

    /// @dev Properties 1 and 6, of one pot: any calendar of deliveries gives the draw in all, and never more than is due.
    function testFuzz_Release_InAnySteps(uint256 amount, uint8 tranches, uint256 seed) public {
        Terms memory terms = ethOnlyTerms();
        terms.target = Wei.wrap(1e9);
        terms.tranches = uint8(bound(tranches, 1, 64));
        escrow = deploy(terms);
        amount = bound(amount, 1e9, 1e12);
        pledge(alice, GRANT, Asset.ETH, amount);
        escrow.settle();
        for (uint256 r = 1; r <= terms.tranches; ++r) {
            vm.warp(trancheAt(START, r));
            if (r == terms.tranches || uint256(keccak256(abi.encode(seed, r))) % 2 == 0) {
                escrow.release(Asset.ETH);
                assertEq(beneficiary.balance, 1e9 * r / terms.tranches);
            }
        }
        assertStatus(Status.Released);
        assertEq(address(escrow).balance, amount - 1e9);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev A settled rescue of another beneficiary, in ETH, all of it due.
    function deployFor(address other) private {
        Terms memory terms = defaultTerms();
        terms.beneficiary = other;
        escrow = deploy(terms);
        pledge(alice, GRANT, Asset.ETH, TARGET);
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 4));
    }

    /// @dev Releases, by whoever comes, and expects so much.
    function release(Asset asset, uint8 tranches, uint256 amount) private {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Released(asset, tranches, units(amount));
        vm.prank(stranger);
        escrow.release(asset);
    }
}
