// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { EndReason, IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { Reentrant, Refuser } from "../../../util/Receivers.sol";
import { BonusTest } from "./BonusTest.sol";

/// takeBack, takeBackTo
/// ├── given 100 % was met (released and cancelled too), the guardian ended it, or nothing of worth was enlisted
/// │   ├── the first call settles the rescue if nobody has, decides at once, and emits {BonusDecided}
/// │   └── it returns all that the sponsor added, once, and emits {BonusReturned}
/// ├── given a part of the bonus is the pledgers'
/// │   ├── up to the exit window's time after the deadline: it reverts with {TooEarly}
/// │   └── then it returns floor(added * (bonus - part) / bonus); the dust stays
/// ├── when there is nothing of the sponsor's, or no wei is left of it
/// │   └── it reverts with {NothingToTakeBack}
/// ├── when the recipient is zero, the pool, the escrow or one of its tokens
/// │   └── it reverts with {InvalidAccount}
/// ├── when the recipient refuses
/// │   └── it reverts with {PaymentFailed}; it can be paid elsewhere
/// ├── given the rescue is open and an amendment is pending
/// │   ├── in the first half of its exit window
/// │   │   ├── it returns all to the sponsor that calls, and decides nothing
/// │   │   └── when anyone else calls: it is as without one
/// │   └── in the second half, and in force: it is as without one
/// └── given the rescue is open
///     └── it reverts with the escrow's {CoverageTooLow} or {AmendmentPending}
contract TakeBackTest is BonusTest {
    /// @dev `pledgeFull`, enlisted: worth 1,300 ETH.
    function coverAll() private {
        pledgeFull();
        enlist(alice, GRANT, Asset.ETH);
        enlist(bob, FULL_GRANT, Asset.StETH);
        enlist(carol, LOAN, Asset.WstETH);
    }

    function test_TakeBack_Settled() public {
        coverAll();
        add(sponsor, 10 ether);
        add(bob, 1 ether);
        vm.warp(SETTLED_AT);
        expectDecided(11 ether, 0, RATE, 1300 ether * ALL_TIME);
        takeBack(sponsor, 10 ether);
        assertStatus(Status.Settled);
        assertDecided(11 ether, 0, RATE, 1300 ether * ALL_TIME);
        takeBack(bob, 1 ether);
        assertEq(address(pool).balance, 0);
        expectNothingToTakeBack(sponsor);
        pool.takeBack(sponsor);
        expectNothingToTakeBack(stranger);
        pool.takeBack(stranger);
        assertShare(alice, GRANT, Asset.ETH, 0, false);
    }

    /// @dev Covered in full, it can settle before the deadline: by whoever takes back, too.
    function test_TakeBack_SettlesEarly() public {
        coverAll();
        add(sponsor, 10 ether);
        takeBack(sponsor, 10 ether);
        assertStatus(Status.Settled);
    }

    function test_TakeBack_Cancelled() public {
        coverAll();
        add(sponsor, 10 ether);
        settleLate();
        vm.prank(guardian);
        escrow.cancel();
        takeBack(sponsor, 10 ether);
    }

    /// @dev At once, and also where ether was enlisted, of which no rate is needed to see the worth.
    function test_TakeBack_EndedByGuardian() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.prank(guardian);
        escrow.cancel();
        assertEndReason(EndReason.EndedByGuardian);
        expectDecided(10 ether, 0, 0, 120 ether * ALL_TIME);
        takeBack(sponsor, 10 ether);
    }

    function test_TakeBack_NothingEnlisted() public {
        pledge(alice, GRANT, Asset.ETH, 100 ether);
        add(sponsor, 10 ether);
        vm.warp(SETTLED_AT);
        expectDecided(10 ether, 0, 0, 0);
        takeBack(sponsor, 10 ether);
    }

    /// @dev One share at 0.5 wei, for a second, is worth no wei.
    function test_TakeBack_NothingOfWorthEnlisted() public {
        stETH.setTotalPooledEther(1_000_000 ether);
        vm.warp(DEADLINE - 1);
        pledgeEnlisted(alice, GRANT, Asset.StETH, 1);
        add(sponsor, 10 ether);
        vm.warp(SETTLED_AT);
        takeBack(sponsor, 10 ether);
    }

    // ---------------------------------------------------------------- a part of it

    function test_TakeBack_RevertGiven_AllIsThePledgers() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.warp(SETTLED_AT);
        expectTooEarlyToDecide();
        pool.takeBack(sponsor);
        assertStatus(Status.Failed);
        vm.warp(DECIDABLE_AT);
        expectNothingToTakeBack(sponsor);
        pool.takeBack(sponsor);
        // The refusal undid the decision as well.
        assertUndecided(10 ether);
        claim(alice, GRANT, Asset.ETH, 4 ether);
        assertEq(pool.contributionOf(sponsor), 10 ether);
    }

    /// @dev GRANT is active with 600 ETH, LOAN with 60 not: of 11 wei one is the pledgers', 10 are the sponsors', who added
    /// 4 and 7: 3.6 and 6.4.
    function test_TakeBack_APart() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 600 ether);
        pledgeEnlisted(carol, LOAN, Asset.ETH, 60 ether);
        add(sponsor, 4);
        add(bob, 7);
        settleLate();
        expectTooEarlyToDecide();
        pool.takeBack(sponsor);
        vm.warp(DECIDABLE_AT);
        expectDecided(11, 1, 0, 660 ether * ALL_TIME);
        takeBack(sponsor, 3);
        takeBack(bob, 6);
        claim(carol, LOAN, Asset.ETH, 1);
        assertEq(address(pool).balance, 1);
        assertDecided(11, 1, 0, 660 ether * ALL_TIME);
    }

    /// @dev All that goes out is at most what came in, and less than a wei a claim stays.
    function testFuzz_TakeBack_APart(uint64[3] memory pledged, uint64[3] memory added, uint32[3] memory pauses) public {
        address[3] memory people = [alice, bob, carol];
        uint8[3] memory tiers = [GRANT, FULL_GRANT, LOAN];
        fundHalf();
        uint256 time = START;
        uint256 bonus;
        for (uint256 i; i < 3; ++i) {
            time += pauses[i] % (10 days);
            vm.warp(time);
            pledgeEnlisted(people[i], tiers[i], Asset.StETH, bound(pledged[i], 1e15, type(uint64).max));
            added[i] = uint64(bound(added[i], 1000, type(uint64).max));
            add(people[i], added[i]);
            bonus += added[i];
        }
        vm.warp(DECIDABLE_AT);
        pool.takeBack(alice);
        (, Wei total, Wei part,,) = pool.bonus();
        assertEq(total, bonus);
        assertLe(alice.balance, added[0]);
        pool.takeBack(bob);
        pool.takeBack(carol);
        uint256 returned = bonus - address(pool).balance;
        assertLe(returned, bonus - Wei.unwrap(part));
        assertLe(bonus - Wei.unwrap(part) - returned, 2);
        (Wei ofBob,) = pool.shareOf(bob, FULL_GRANT, Asset.StETH);
        (Wei ofCarol,) = pool.shareOf(carol, LOAN, Asset.StETH);
        assertLe(Wei.unwrap(ofBob) + Wei.unwrap(ofCarol), Wei.unwrap(part));
        assertLe(Wei.unwrap(part), Wei.unwrap(ofBob) + Wei.unwrap(ofCarol) + 1);
        assertShare(alice, GRANT, Asset.StETH, 0, false);
    }

    /// @dev GRANT alone is met by a pledge of 500 ETH that is enlisted.
    function fundHalf() private {
        pledgeEnlisted(stranger, GRANT, Asset.ETH, 500 ether);
    }

    // ---------------------------------------------------------------- to whom

    function test_TakeBackTo() public {
        coverAll();
        add(sponsor, 10 ether);
        vm.expectEmit(address(pool));
        emit IBonusPool.BonusReturned(sponsor, stranger, Wei.wrap(10 ether));
        vm.prank(sponsor);
        pool.takeBackTo(stranger);
        assertEq(stranger.balance, 10 ether);
    }

    function test_TakeBackTo_RevertWhen_RecipientInvalid() public {
        address[5] memory refused = [address(0), address(pool), address(escrow), address(stETH), address(wstETH)];
        for (uint256 i; i < refused.length; ++i) {
            expectRefusedAccount(refused[i]);
            pool.takeBackTo(refused[i]);
        }
    }

    function test_TakeBack_WhenTheSponsorRefuses() public {
        address refuser = address(new Refuser());
        coverAll();
        add(refuser, 10 ether);
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.PaymentFailed.selector, refuser, 10 ether));
        pool.takeBack(refuser);
        vm.prank(refuser);
        pool.takeBackTo(stranger);
        assertEq(stranger.balance, 10 ether);
    }

    function test_TakeBack_Reentered() public {
        Reentrant thief = new Reentrant();
        coverAll();
        add(address(thief), 1 ether);
        add(sponsor, 10 ether);
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(IBonusPool.takeBack, (address(thief)));
        calls[1] = abi.encodeCall(IBonusPool.takeBackTo, (address(thief)));
        thief.arm(address(pool), calls);
        pool.takeBack(address(thief));
        assertEq(thief.entries(), 1);
        assertEq(thief.successes(), 0);
        assertEq(address(thief).balance, 1 ether);
        assertEq(address(pool).balance, 10 ether);
    }

    // ---------------------------------------------------------------- while an amendment is pending

    function test_TakeBack_WhileAnAmendmentIsPending() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        add(bob, 2 ether);
        amendTarget(900 ether);
        // Half of the window is left, and a second more.
        vm.warp(START + EXIT_WINDOW / 2 - 1);
        expectAmendmentPending();
        pool.takeBack(sponsor);

        vm.expectEmit(address(pool));
        emit IBonusPool.BonusReturned(sponsor, stranger, Wei.wrap(10 ether));
        vm.prank(sponsor);
        pool.takeBackTo(stranger);
        assertEq(stranger.balance, 10 ether);
        assertUndecided(2 ether);
        assertEq(pool.contributionOf(sponsor), 0);
        assertEq(pool.contributionOf(bob), 2 ether);

        // Half of it: pledgers could no longer follow.
        vm.warp(START + EXIT_WINDOW / 2);
        expectAmendmentPending();
        vm.prank(bob);
        pool.takeBack(bob);
        vm.warp(START + EXIT_WINDOW);
        expectCoverageTooLow(900 ether);
        vm.prank(bob);
        pool.takeBack(bob);
        // Who left has no part in what follows: the pledgers share the 2 ETH that stayed.
        vm.warp(DECIDABLE_AT);
        claim(alice, GRANT, Asset.ETH, 0.8 ether);
    }

    /// @dev It may add again, and leave again.
    function test_TakeBack_WhileAnAmendmentIsPending_Again() public {
        add(sponsor, 10 ether);
        amendTarget(900 ether);
        vm.prank(sponsor);
        pool.takeBack(sponsor);
        assertEq(sponsor.balance, 10 ether);
        expectNothingToTakeBack(sponsor);
        vm.prank(sponsor);
        pool.takeBack(sponsor);
        add(sponsor, 3 ether);
        assertUndecided(3 ether);
    }

    /// @dev A guardian's end forgets what is pending: it is as after any such end.
    function test_TakeBack_AmendmentDiedWithTheRescue() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        amendTarget(900 ether);
        vm.prank(guardian);
        escrow.cancel();
        vm.prank(sponsor);
        pool.takeBack(sponsor);
        assertEq(sponsor.balance, 10 ether);
        assertDecided(10 ether, 0, 0, 120 ether * ALL_TIME);
    }

    function test_TakeBack_RevertGiven_Open() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.warp(DEADLINE);
        expectCoverageTooLow(TARGET);
        vm.prank(sponsor);
        pool.takeBack(sponsor);
    }

    // ---------------------------------------------------------------- helpers

    function expectAmendmentPending() private {
        uint256 time = vm.getBlockTimestamp();
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendmentPending.selector, START + EXIT_WINDOW, time));
    }

    /// @dev Of `pledgeLittle`.
    function expectCoverageTooLow(uint256 target) private {
        vm.expectRevert(
            abi.encodeWithSelector(IPledgeEscrow.CoverageTooLow.selector, Wei.wrap(300 ether), Wei.wrap(target))
        );
    }
}
