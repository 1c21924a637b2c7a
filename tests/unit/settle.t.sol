// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, IPledgeEscrow, RescueView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { IStETH } from "levee/interfaces/external/ILido.sol";
import { Asset, Rate, Units, Wei } from "levee/types/Units.sol";

import { EscrowTest, units } from "../util/EscrowTest.sol";

/// settle
/// ├── given everything is covered
/// │   └── it settles at any time up to the deadline, moves nothing and emits {Settled}
/// ├── given one wei is missing
/// │   ├── when the time is up to the deadline
/// │   │   └── it reverts with {CoverageTooLow}
/// │   └── when the deadline has passed
/// │       └── it settles by the highest threshold that is met
/// ├── given exactly what a threshold requires, rounded up
/// │   └── it is met; one wei less, and it is not
/// ├── given no threshold is met
/// │   └── it fails and emits {Failed}
/// ├── draws
/// │   ├── it draws a group at one ratio, rounding each pot down
/// │   ├── it leaves a later order untouched while an earlier one is not drawn whole
/// │   ├── it takes nothing from a group that is worth nothing
/// │   └── it never draws more than the target
/// ├── given an amendment is pending, and everything is covered
/// │   └── it reverts with {AmendmentPending}, after {RateUnreadable} and before {CoverageTooLow}
/// ├── given an amendment in force
/// │   └── it settles by the amended target and deadline, from its first second
/// ├── given a rescue in ETH only, or without shares
/// │   └── it never asks Lido
/// ├── it gives the same for any order of pledges, and costs the same for any number of them
/// └── given it is decided
///     └── it reverts with {WrongStatus}
contract SettleTest is EscrowTest {
    function test_Settle_Early() public {
        pledgeFull();
        Units[] memory draws = new Units[](9);
        draws[0] = units(400 ether);
        draws[4] = units(250 ether);
        draws[8] = units(250 ether);
        expectSettled(10_000, RATE, 1000 ether, START, draws);
        vm.prank(stranger);
        escrow.settle();

        assertPot(GRANT, Asset.ETH, 400 ether, 400 ether, 0);
        assertPot(FULL_GRANT, Asset.StETH, 250 ether, 250 ether, 0);
        assertPot(LOAN, Asset.WstETH, 500 ether, 250 ether, 0);
        RescueView memory page = escrow.rescue();
        assertEq(uint256(page.status), uint256(Status.Settled));
        assertEq(page.rate, RATE);
        assertEndReason(EndReason.None);
        assertTrue(page.rateReadable);
        assertEq(page.coverage, 1300 ether);
        assertEq(page.thresholdMetBps, 10_000);
        assertEq(page.drawn, 1000 ether);
        assertEq(page.settledAt, START);
        assertEq(page.finalAt, 0);
        assertEq(page.due, 0);
        assertEq(page.nextTrancheAt, START + OBJECTION_PERIOD);
        for (uint256 i; i < 3; ++i) {
            assertEq(page.kept[i], TRANCHES);
            assertEq(page.delivered[i], 0);
        }
        // Property 2: settling moves nothing.
        assertEq(address(escrow).balance, 400 ether);
        assertEq(stETH.sharesOf(address(escrow)), 250 ether);
        assertEq(wstETH.balanceOf(address(escrow)), 500 ether);
    }

    function test_Settle_OnTheDeadline_WhenFull() public {
        pledge(alice, GRANT, Asset.ETH, TARGET);
        vm.warp(DEADLINE);
        escrow.settle();
        assertEq(escrow.rescue().settledAt, DEADLINE);
    }

    function test_RevertWhen_CoverageTooLow() public {
        pledge(alice, GRANT, Asset.ETH, TARGET - 1);
        expectCoverageTooLow(TARGET - 1, TARGET);
        escrow.settle();
        vm.warp(DEADLINE);
        expectCoverageTooLow(TARGET - 1, TARGET);
        escrow.settle();

        vm.warp(DEADLINE + 1);
        escrow.settle();
        assertEq(escrow.rescue().thresholdMetBps, 5000);
        assertEq(escrow.rescue().drawn, TARGET - 1);
    }

    /// @dev Property 5: what is pledged only to a full rescue is not touched by a smaller one.
    function test_Settle_ByThreshold() public {
        pledgeHalf();
        Units[] memory draws = new Units[](9);
        draws[0] = units(400 ether);
        draws[1] = units(250 ether);
        expectSettled(5000, RATE, 700 ether, SETTLED_AT, draws);
        settleLate();

        assertPot(GRANT, Asset.ETH, 400 ether, 400 ether, 0);
        assertPot(GRANT, Asset.StETH, 250 ether, 250 ether, 0);
        assertPot(LOAN, Asset.WstETH, 100 ether, 0, 0);
        assertPosition(carol, LOAN, Asset.WstETH, 100 ether, 0, 100 ether);
        RescueView memory page = escrow.rescue();
        assertEq(page.thresholdMetBps, 5000);
        assertEq(page.coverage, 820 ether);
        assertEq(page.kept[uint256(Asset.ETH)], TRANCHES);
        assertEq(page.kept[uint256(Asset.StETH)], TRANCHES);
        assertEq(page.kept[uint256(Asset.WstETH)], 0);
    }

    /// @dev Half of an odd target is rounded up.
    function test_Settle_ThresholdIsRoundedUp() public {
        Terms memory terms = defaultTerms();
        terms.target = Wei.wrap(1e9 + 1);
        escrow = deploy(terms);
        pledge(alice, GRANT, Asset.ETH, 5e8);
        uint256 before = vm.snapshotState();
        settleLate();
        assertStatus(Status.Failed);

        vm.revertToState(before);
        pledge(alice, GRANT, Asset.ETH, 1);
        settleLate();
        assertStatus(Status.Settled);
        assertEq(escrow.rescue().drawn, 5e8 + 1);
    }

    /// @dev Shares count with their value rounded down, stETH and wstETH added up before that.
    function test_Settle_SharesAreValuedTogether() public {
        // 0.5 wei a share: 2 * (10^9 - 1) + 1 stETH shares and 1 wstETH are worth exactly 10^9.
        stETH.setTotalPooledEther(1_000_000 ether);
        Terms memory terms = defaultTerms();
        terms.target = Wei.wrap(1e9);
        escrow = deploy(terms);
        pledge(alice, LOAN, Asset.StETH, 2e9 - 1);
        expectCoverageTooLow(1e9 - 1, 1e9);
        escrow.settle();
        pledge(bob, GRANT, Asset.WstETH, 1);
        escrow.settle();
        assertStatus(Status.Settled);
    }

    function test_Settle_Fails() public {
        // 999 of 1,000 with the loan, and 499 of 500 without it.
        pledge(alice, GRANT, Asset.ETH, 499 ether);
        pledge(bob, LOAN, Asset.ETH, 500 ether);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Failed(EndReason.NoThresholdMet, Rate.wrap(0), SETTLED_AT);
        settleLate();

        assertStatus(Status.Failed);
        RescueView memory page = escrow.rescue();
        assertEndReason(EndReason.NoThresholdMet);
        assertEq(escrow.record().rate, 0);
        assertEq(page.drawn, 0);
        assertEq(page.settledAt, 0);
        assertEq(page.finalAt, 0);
        assertEq(page.thresholdMetBps, 0);
        assertPosition(alice, GRANT, Asset.ETH, 499 ether, 0, 499 ether);
        assertPosition(bob, LOAN, Asset.ETH, 500 ether, 0, 500 ether);
    }

    /// @dev Property 5: the same, of shares; those of the loan do not help the tier below.
    function test_Settle_Fails_SharesOfAHigherTierDoNotCount() public {
        pledge(alice, GRANT, Asset.ETH, 400 ether);
        pledge(bob, LOAN, Asset.StETH, 250 ether);
        pledge(carol, LOAN, Asset.WstETH, 200 ether);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Failed(EndReason.NoThresholdMet, Rate.wrap(RATE), SETTLED_AT);
        settleLate();
        assertStatus(Status.Failed);
        assertEq(escrow.rescue().coverage, 940 ether);
        // The rate that it failed at, whatever it is later.
        stETH.setTotalPooledEther(1_000_000 ether);
        assertEq(escrow.record().rate, RATE);
        assertEq(escrow.rescue().rate, RATE);
        assertEq(escrow.rescue().coverage, 940 ether);
    }

    function test_Settle_FailsWithNothing() public {
        settleLate();
        assertStatus(Status.Failed);
    }

    // ---------------------------------------------------------------- draws

    /// @dev Property 4.
    function test_Settle_OneRatioInAGroup() public {
        pledge(alice, GRANT, Asset.ETH, 900 ether);
        pledge(bob, FULL_GRANT, Asset.StETH, 500 ether);
        settleLate();
        // 1,500 ETH are there, 1,000 are needed.
        assertPot(GRANT, Asset.ETH, 900 ether, 600 ether, 0);
        assertPot(FULL_GRANT, Asset.StETH, 500 ether, 333_333_333_333_333_333_333, 0);
        assertEq(escrow.rescue().drawn, TARGET);
    }

    /// @dev Property 13.
    function test_Settle_LoanUntouchedWhileGrantsSuffice() public {
        pledge(alice, GRANT, Asset.ETH, TARGET);
        pledge(bob, LOAN, Asset.WstETH, 500 ether);
        settleLate();
        assertPot(GRANT, Asset.ETH, TARGET, TARGET, 0);
        assertPot(LOAN, Asset.WstETH, 500 ether, 0, 0);
        assertEq(escrow.rescue().thresholdMetBps, 10_000);
        assertEq(escrow.rescue().kept[uint256(Asset.WstETH)], 0);
    }

    /// @dev Property 13: one wei is needed of the loan, and one wei is taken.
    function test_Settle_LoanFillsUp() public {
        pledge(alice, GRANT, Asset.ETH, TARGET - 1);
        pledge(bob, LOAN, Asset.ETH, 500 ether);
        settleLate();
        assertPot(GRANT, Asset.ETH, TARGET - 1, TARGET - 1, 0);
        assertPot(LOAN, Asset.ETH, 500 ether, 1, 0);
    }

    function test_Settle_NothingFromAGroupWorthNothing() public {
        stETH.setTotalPooledEther(1_000_000 ether);
        pledge(alice, GRANT, Asset.StETH, 1);
        pledge(bob, LOAN, Asset.ETH, TARGET);
        settleLate();
        assertPot(GRANT, Asset.StETH, 1, 0, 0);
        assertPot(LOAN, Asset.ETH, TARGET, TARGET, 0);
        assertPosition(alice, GRANT, Asset.StETH, 1, 0, 1);
    }

    // ---------------------------------------------------------------- amended

    function test_Settle_ByTheAmendedTerms() public {
        pledge(alice, GRANT, Asset.ETH, 800 ether);
        amend(800 ether, DEADLINE + 10, TERMS_HASH);
        vm.warp(START + EXIT_WINDOW - 1);
        expectPending();
        escrow.settle();

        vm.warp(START + EXIT_WINDOW);
        Units[] memory draws = new Units[](9);
        draws[0] = units(800 ether);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Settled(
            10_000, Rate.wrap(0), Wei.wrap(800 ether), Wei.wrap(800 ether), START + EXIT_WINDOW, draws
        );
        escrow.settle();
        assertStatus(Status.Settled);
    }

    /// @dev Property 8: nobody is drawn by terms that are about to change, from the proposal to the second of its force.
    function test_RevertWhen_AmendmentPending() public {
        pledgeFull();
        amendTarget(1300 ether);
        expectPending();
        escrow.settle();
        vm.mockCallRevert(address(stETH), abi.encodeWithSelector(IStETH.getPooledEthByShares.selector), "down");
        vm.expectRevert(IPledgeEscrow.RateUnreadable.selector);
        escrow.settle();
        vm.clearMockedCalls();
        vm.warp(START + EXIT_WINDOW - 1);
        expectPending();
        escrow.settle();
        assertStatus(Status.Open);

        vm.warp(START + EXIT_WINDOW);
        escrow.settle();
        assertEq(escrow.rescue().settledAt, START + EXIT_WINDOW);
        assertEq(escrow.rescue().drawn, 1300 ether);
        // Once decided, that is what is told.
        expectWrongStatus(Status.Settled);
        escrow.settle();
    }

    /// @dev The window may end with the deadline, so that settling is a matter of one second.
    function test_Settle_OnTheDeadline_WhenAnAmendmentComesIntoForce() public {
        pledgeFull();
        vm.warp(DEADLINE - EXIT_WINDOW);
        amend(TARGET, DEADLINE + 1, TERMS_HASH);
        vm.warp(DEADLINE - 1);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendmentPending.selector, DEADLINE, DEADLINE - 1));
        escrow.settle();
        vm.warp(DEADLINE);
        escrow.settle();
        assertStatus(Status.Settled);
    }

    function test_Settle_NotBeforeTheAmendedDeadline() public {
        pledgeHalf();
        amend(TARGET, DEADLINE + 10, TERMS_HASH);
        vm.warp(DEADLINE + 10);
        expectCoverageTooLow(820 ether, TARGET);
        escrow.settle();
        vm.warp(DEADLINE + 11);
        escrow.settle();
        assertStatus(Status.Settled);
    }

    // ---------------------------------------------------------------- Lido

    /// @dev Property 11: no shares, no question.
    function test_Settle_NeverAsksLido_WithoutShares() public {
        pledge(alice, GRANT, Asset.ETH, TARGET);
        vm.expectCall(address(stETH), abi.encodeWithSelector(IStETH.getPooledEthByShares.selector), 0);
        escrow.settle();
        assertEq(escrow.rescue().rate, 0);
        assertTrue(escrow.rescue().rateReadable);
    }

    /// @dev The rate is the one of the settlement, whatever a rebase does later.
    function test_Settle_RecordsTheRate() public {
        pledgeFull();
        settleLate();
        stETH.setTotalPooledEther(1_000_000 ether);
        assertEq(escrow.rescue().rate, RATE);
        assertEq(escrow.rescue().coverage, 1300 ether);
    }

    // ---------------------------------------------------------------- once

    function test_RevertWhen_Decided() public {
        pledgeFull();
        escrow.settle();
        expectWrongStatus(Status.Settled);
        escrow.settle();
        vm.prank(guardian);
        escrow.cancel();
        vm.warp(DEADLINE + 1);
        expectWrongStatus(Status.Cancelled);
        escrow.settle();
    }

    function test_RevertWhen_Failed() public {
        settleLate();
        expectWrongStatus(Status.Failed);
        escrow.settle();
    }

    // ---------------------------------------------------------------- any order, any number

    /// @dev Property 9. The second escrow gets the pledges of the first in reverse.
    function testFuzz_Settle_AnyOrder(uint256[6] memory amounts) public {
        for (uint256 i; i < 6; ++i) {
            amounts[i] = bound(amounts[i], 1, 600 ether);
        }
        IPledgeEscrow forward = escrow;
        IPledgeEscrow backward = deploy(defaultTerms());
        for (uint256 i; i < 6; ++i) {
            pledgeNumber(i, amounts[i]);
        }
        escrow = backward;
        for (uint256 i = 6; i > 0; --i) {
            pledgeNumber(i - 1, amounts[i - 1]);
        }
        vm.warp(SETTLED_AT);
        forward.settle();
        backward.settle();
        assertSame(forward.rescue(), backward.rescue());
        assertSame(forward.positions(alice), backward.positions(alice));
        assertSame(forward.positions(bob), backward.positions(bob));
    }

    /// @dev Properties 1 and 3. Given enough runs it fails, settles by half, and settles whole with and without loan.
    function testFuzz_Settle_NeverOverdraws(uint256[6] memory amounts, uint256 pooled) public {
        stETH.setTotalPooledEther(bound(pooled, 1_000_000 ether, 4_000_000 ether));
        for (uint256 i; i < 6; ++i) {
            pledgeNumber(i, bound(amounts[i], 1, 600 ether));
        }
        settleLate();
        RescueView memory page = escrow.rescue();
        // Summed per draw order: the fractions of a wei of two orders' shares may add up to one.
        uint256 value;
        for (uint8 order; order < 2; ++order) {
            value += drawnValueOf(page, order);
        }
        assertLe(Wei.unwrap(page.drawn), TARGET);
        assertLe(value, Wei.unwrap(page.drawn));
        if (page.status == Status.Failed) assertEq(page.drawn, 0);
        else assertGe(Wei.unwrap(page.drawn), TARGET / 2);
    }

    /// @dev Property 10.
    function test_Settle_CostsTheSameForAnyNumberOfPledgers() public {
        uint256 few = gasOfSettlingWith(10);
        vm.warp(START);
        escrow = deploy(defaultTerms());
        assertEq(gasOfSettlingWith(300), few);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev The value of what was drawn of one order, at the settlement rate.
    function drawnValueOf(RescueView memory page, uint8 order) private pure returns (uint256) {
        uint256 eth;
        uint256 shares;
        for (uint256 i; i < page.pots.length; ++i) {
            uint256 drawn = Units.unwrap(page.pots[i].drawn);
            assertLe(drawn, Units.unwrap(page.pots[i].total));
            if (page.terms.tiers[page.pots[i].tier].drawOrder != order) continue;
            if (page.pots[i].asset == Asset.ETH) eth += drawn;
            else shares += drawn;
        }
        return eth + shares * Rate.unwrap(page.rate) / 1e27;
    }

    /// @dev Six pledges of two people, over tiers and assets.
    function pledgeNumber(uint256 number, uint256 amount) private {
        pledge(number % 2 == 0 ? alice : bob, uint8(number / 2), Asset(number % 3), amount);
    }

    /// @dev 1,000 ETH and 1,000 shares, each from `count` pledgers.
    function gasOfSettlingWith(uint256 count) private returns (uint256 used) {
        for (uint256 i; i < count; ++i) {
            pledge(address(uint160(0x10000 + i)), GRANT, Asset.ETH, uint256(1200 ether) / count);
            pledge(address(uint160(0x10000 + i)), LOAN, Asset.StETH, uint256(1200 ether) / count);
        }
        vm.warp(SETTLED_AT);
        vm.cool(address(escrow));
        vm.cool(address(stETH));
        used = gasleft();
        escrow.settle();
        used -= gasleft();
    }

    function expectSettled(uint16 thresholdBps, uint96 rate, uint256 drawn, uint40 settledAt, Units[] memory draws)
        private
    {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Settled(thresholdBps, Rate.wrap(rate), Wei.wrap(TARGET), Wei.wrap(drawn), settledAt, draws);
    }

    /// @dev Of an amendment that was proposed at the start.
    function expectPending() private {
        uint256 effectiveAt = START + EXIT_WINDOW;
        uint256 time = vm.getBlockTimestamp();
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendmentPending.selector, effectiveAt, time));
    }

    function expectCoverageTooLow(uint256 coverage, uint256 required) private {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.CoverageTooLow.selector, coverage, required));
    }
}
