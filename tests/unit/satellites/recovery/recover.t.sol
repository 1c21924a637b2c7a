// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status, Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { GroupView, IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { AmountTooLarge, Asset, Rate, Wei } from "levee/types/Units.sol";

import { RecoveryTest } from "./RecoveryTest.sol";

/// recover
/// ├── given the rescue is final and something was delivered
/// │   ├── it pays the interest due, then the principal, by falling draw order; the lowest group takes the rest
/// │   ├── it adds interest from the moment the rescue became final, and at each deposit, on what is outstanding
/// │   ├── it emits {Recovered}, and {Repaid} for each group that gets something
/// │   ├── it takes a plain transfer for a deposit
/// │   ├── when tiers of one order were not active, or nothing was delivered out of a group
/// │   │   └── they take no part
/// │   ├── when it is of nothing
/// │   │   └── it reverts with {ZeroAmount}
/// │   └── when a group would have received more than there is ether
/// │       └── it reverts with {AmountTooLarge}
/// ├── given the rescue is final and nothing was delivered
/// │   └── it reverts with {NothingDelivered}
/// └── given it is open, settled, failed, or cancelled and not final
///     └── it reverts with {NotFinal}
contract RecoverTest is RecoveryTest {
    function test_Constructor() public {
        vm.expectEmit();
        emit IRecoveryPool.RecoveryPoolCreated(address(escrow));
        deployPool();
        assertEq(pool.escrow(), address(escrow));
        (uint40 accruedAt, Rate rate, GroupView[] memory groups) = pool.recovery();
        assertEq(accruedAt, 0);
        assertEq(rate, 0);
        assertEq(groups.length, 2);
        assertEq(groups[0].rateBps, 250);
        assertEq(groups[1].rateBps, 0);
        assertGroup(0, 1, 0, 0, 0, 0);
        assertGroup(1, 0, 0, 0, 0, 0);
    }

    function test_Constructor_OrdersByFallingDrawOrder() public {
        Terms memory terms = defaultTerms();
        terms.tiers = new Tier[](8);
        uint8[8] memory orders = [7, 255, 0, 7, 3, 200, 3, 1];
        for (uint256 i; i < 8; ++i) {
            terms.tiers[i] = Tier({ thresholdBps: 10_000, drawOrder: orders[i], rateBps: uint16(orders[i]) * 10 });
        }
        escrow = deploy(terms);
        deployPool();
        (,, GroupView[] memory groups) = pool.recovery();
        uint8[6] memory falling = [255, 200, 7, 3, 1, 0];
        assertEq(groups.length, 6);
        for (uint256 i; i < 6; ++i) {
            assertEq(groups[i].drawOrder, falling[i]);
            assertEq(groups[i].rateBps, uint16(falling[i]) * 10);
        }
    }

    /// @dev A year's 2.5 % of 300 ETH is 7.5 ETH; of the 200 ETH that are left then, 5 ETH.
    function test_Recover_InterestThenPrincipalThenTheRest() public {
        finish();
        vm.warp(FINAL_AT + YEAR);
        expectDeposit(4 ether);
        expectRepaid(1, 4 ether, 0, 0);
        recover(4 ether);
        assertGroup(0, 1, 600 ether, 300 ether, 3.5 ether, 4 ether);
        assertGroup(1, 0, 700 ether, 0, 0, 0);

        expectDeposit(103.5 ether);
        expectRepaid(1, 3.5 ether, 100 ether, 0);
        recover(103.5 ether);
        assertGroup(0, 1, 600 ether, 200 ether, 0, 107.5 ether);
        (uint40 accruedAt, Rate rate,) = pool.recovery();
        assertEq(accruedAt, FINAL_AT + YEAR);
        assertEq(rate, RATE);

        vm.warp(FINAL_AT + 2 * YEAR);
        assertGroup(0, 1, 600 ether, 200 ether, 5 ether, 107.5 ether);
        expectDeposit(500 ether);
        expectRepaid(1, 5 ether, 200 ether, 0);
        expectRepaid(0, 0, 0, 295 ether);
        recover(500 ether);
        assertGroup(0, 1, 600 ether, 0, 0, 312.5 ether);
        assertGroup(1, 0, 700 ether, 0, 0, 295 ether);

        // The loan is repaid: it bears no more interest, and all goes to the grants.
        vm.warp(FINAL_AT + 9 * YEAR);
        expectRepaid(0, 0, 0, 1);
        recover(1);
        assertGroup(0, 1, 600 ether, 0, 0, 312.5 ether);
        assertGroup(1, 0, 700 ether, 0, 0, 295 ether + 1);
        assertEq(address(pool).balance, 607.5 ether + 1);
    }

    /// @dev One second of 2.5 % a year on 300 ETH: 7.5 ETH / 31,536,000 = 237,823,439,878.23.
    function test_Recover_InterestIsRoundedDownAtEachDeposit() public {
        finish();
        recover(1);
        // No time has passed since the rescue became final.
        assertGroup(0, 1, 600 ether, 300 ether - 1, 0, 1);
        vm.warp(FINAL_AT + 1);
        recover(1);
        assertGroup(0, 1, 600 ether, 300 ether - 1, 237_823_439_878 - 1, 2);
        vm.warp(FINAL_AT + 2);
        recover(1);
        assertGroup(0, 1, 600 ether, 300 ether - 1, 2 * 237_823_439_878 - 2, 3);
    }

    /// @dev 400 ETH of grants, 300 ETH lent at 10 % and 300 of 600 at 20 %. The later order is repaid before the
    /// earlier, interest of both runs from the start.
    function test_Recover_ThreeOrders() public {
        escrow = deploy(threeOrders());
        deployPool();
        finish();
        vm.warp(FINAL_AT + YEAR);
        recover(60 ether);
        assertGroup(0, 2, 600 ether, 300 ether, 0, 60 ether);
        assertGroup(1, 1, 300 ether, 300 ether, 30 ether, 0);
        assertGroup(2, 0, 400 ether, 0, 0, 0);
        // Half a year later 30 more for the last loan, and 15 for the other.
        vm.warp(FINAL_AT + YEAR + YEAR / 2);
        expectRepaid(2, 30 ether, 300 ether, 0);
        expectRepaid(1, 40 ether, 0, 0);
        recover(370 ether);
        assertGroup(0, 2, 600 ether, 0, 0, 390 ether);
        assertGroup(1, 1, 300 ether, 300 ether, 5 ether, 40 ether);
        expectRepaid(1, 5 ether, 300 ether, 0);
        expectRepaid(0, 0, 0, 2 ether);
        recover(307 ether);
        assertGroup(1, 1, 300 ether, 0, 0, 345 ether);
        assertGroup(2, 0, 400 ether, 0, 0, 2 ether);
    }

    /// @dev A group without interest, above the lowest: only its principal.
    function test_Recover_GrantsOfALaterOrder() public {
        Terms memory terms = threeOrders();
        terms.tiers[2].rateBps = 0;
        escrow = deploy(terms);
        deployPool();
        finish();
        vm.warp(FINAL_AT + YEAR);
        recover(300 ether + 29 ether);
        assertGroup(0, 2, 600 ether, 0, 0, 300 ether);
        assertGroup(1, 1, 300 ether, 300 ether, 1 ether, 29 ether);
    }

    function test_Recover_PlainTransfer() public {
        finish();
        vm.deal(stranger, 7 ether);
        expectDeposit(7 ether);
        vm.prank(stranger);
        (bool success,) = address(pool).call{ value: 7 ether }("");
        assertTrue(success);
        assertGroup(0, 1, 600 ether, 293 ether, 0, 7 ether);
    }

    /// @dev Only GRANT is active: carol's loan was never touched, and no group of FULL_GRANT's order but GRANT's own.
    function test_Recover_InactiveTiersTakeNoPart() public {
        pledgeHalf();
        pledge(bob, FULL_GRANT, Asset.ETH, 1 ether);
        settleLate();
        releaseAll();
        recover(70 ether);
        assertGroup(0, 1, 0, 0, 0, 0);
        assertGroup(1, 0, 700 ether, 0, 0, 70 ether);
        assertEarnings(alice, GRANT, Asset.ETH, 40 ether, 0);
        assertEarnings(bob, GRANT, Asset.StETH, 30 ether, 0);
        assertEarnings(bob, FULL_GRANT, Asset.ETH, 0, 0);
        assertEarnings(carol, LOAN, Asset.WstETH, 0, 0);
    }

    /// @dev Cancelled after one of four tranches: a quarter of the principal was paid, 75 ETH of the loan.
    function test_Recover_PrincipalIsWhatWasDelivered() public {
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        vm.prank(guardian);
        escrow.cancel();
        expectNotFinal(Status.Cancelled);
        recover(1 ether);
        for (uint256 i; i < 3; ++i) {
            escrow.release(Asset(i));
        }
        recover(100 ether);
        assertGroup(0, 1, 600 ether, 0, 0, 75 ether);
        assertGroup(1, 0, 700 ether, 0, 0, 25 ether);
    }

    /// @dev The loan's wstETH was never collected: its pledgers lost nothing, and its group takes no part.
    function test_Recover_NothingFromAGroupThatPaidNothing() public {
        pledgeFull();
        settleLate();
        vm.warp(FINAL_AT);
        escrow.release(Asset.ETH);
        escrow.release(Asset.StETH);
        vm.warp(FINAL_AT + RELEASE_WINDOW + 1);
        escrow.lapse();
        recover(7 ether);
        assertGroup(0, 1, 0, 0, 0, 0);
        assertGroup(1, 0, 700 ether, 0, 0, 7 ether);
        assertEarnings(carol, LOAN, Asset.WstETH, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IRecoveryPool.NotDrawn.selector, LOAN));
        pool.claim(carol, LOAN, Asset.WstETH);
    }

    /// @dev The grants were never collected: the loan is the lowest group that paid, and takes all.
    function test_Recover_TheLowestGroupThatPaidTakesTheRest() public {
        pledgeFull();
        settleLate();
        vm.warp(FINAL_AT);
        escrow.release(Asset.WstETH);
        vm.warp(FINAL_AT + RELEASE_WINDOW + 1);
        escrow.lapse();
        recover(1000 ether);
        assertGroup(0, 1, 600 ether, 0, 0, 1000 ether);
        assertGroup(1, 0, 0, 0, 0, 0);
        claim(carol, LOAN, Asset.WstETH, 1000 ether);
    }

    function test_Recover_RevertGiven_NothingDelivered() public {
        pledgeFull();
        settleLate();
        vm.prank(guardian);
        escrow.cancel();
        vm.expectRevert(IRecoveryPool.ZeroAmount.selector);
        recover(0);
        vm.expectRevert(IRecoveryPool.NothingDelivered.selector);
        recover(1 ether);
    }

    function test_Recover_RevertWhen_OfNothing() public {
        finish();
        vm.expectRevert(IRecoveryPool.ZeroAmount.selector);
        recover(0);
        recover(1);
        vm.expectRevert(IRecoveryPool.ZeroAmount.selector);
        recover(0);
    }

    function test_Recover_RevertGiven_NotFinal() public {
        expectNotFinal(Status.Open);
        recover(1 ether);
        pledgeFull();
        settleLate();
        expectNotFinal(Status.Settled);
        recover(0);
        vm.warp(FINAL_AT);
        escrow.release(Asset.ETH);
        escrow.release(Asset.StETH);
        expectNotFinal(Status.Settled);
        recover(1 ether);
        escrow.release(Asset.WstETH);
        recover(1 ether);
    }

    function test_Recover_RevertGiven_Failed() public {
        pledge(alice, GRANT, Asset.ETH, 1 ether);
        settleLate();
        expectNotFinal(Status.Failed);
        recover(1 ether);
    }

    function test_Recover_RevertWhen_MoreThanThereIs() public {
        finish();
        recover(300 ether);
        recover(type(uint96).max);
        vm.expectRevert(abi.encodeWithSelector(AmountTooLarge.selector, 1, 0));
        recover(1);
    }

    /// @dev Should hit, given enough runs: deposits that end in the interest, in the principal, and in the rest; none
    /// and many seconds between two.
    function testFuzz_Recover_AllOfItGoesSomewhere(uint96[6] memory amounts, uint32[6] memory pauses) public {
        escrow = deploy(threeOrders());
        deployPool();
        finish();
        uint256 time = FINAL_AT;
        uint256 deposited;
        for (uint256 i; i < 6; ++i) {
            time += pauses[i];
            vm.warp(time);
            uint256 amount = bound(amounts[i], 1, 400 ether);
            recover(amount);
            deposited += amount;
            (,, GroupView[] memory groups) = pool.recovery();
            uint256 received;
            for (uint256 j; j < 3; ++j) {
                received += Wei.unwrap(groups[j].received);
                // A group gets nothing while the one before is owed anything.
                bool owed = j > 0 && Wei.unwrap(groups[j - 1].principal) != 0;
                if (owed) assertEq(groups[j].received, 0);
            }
            assertEq(received, deposited);
            assertEq(address(pool).balance, deposited);
        }
    }

    // ---------------------------------------------------------------- helpers

    function expectDeposit(uint256 amount) internal {
        vm.expectEmit(address(pool));
        emit IRecoveryPool.Recovered(stranger, Wei.wrap(amount), uint40(vm.getBlockTimestamp()));
    }

    function expectRepaid(uint8 order, uint256 interest, uint256 principal, uint256 rest) internal {
        vm.expectEmit(address(pool));
        emit IRecoveryPool.Repaid(order, Wei.wrap(interest), Wei.wrap(principal), Wei.wrap(rest));
    }
}
