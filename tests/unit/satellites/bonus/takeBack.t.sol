// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { BonusFor, IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Rate, Wei } from "levee/types/Units.sol";

import { Reentrant, Refuser } from "../../../util/Receivers.sol";
import { BonusTest } from "./BonusTest.sol";

/// takeBack, takeBackTo
/// ├── given the rescue settled (released and cancelled too), its guardian ended it, or nothing of worth was pledged
/// │   ├── the first call settles the rescue if nobody has, and emits {BonusDecided}
/// │   ├── it returns all that the sponsor added, once, and emits {BonusReturned}
/// │   ├── when there is nothing of the sponsor's
/// │   │   └── it reverts with {NothingToTakeBack}
/// │   ├── when the recipient is zero or the pool
/// │   │   └── it reverts with {InvalidAccount}
/// │   └── when the recipient refuses
/// │       └── it reverts with {PaymentFailed}; it can be paid elsewhere
/// ├── given the rescue is open and an amendment is pending
/// │   ├── it returns all to the sponsor that calls, and decides nothing
/// │   └── when anyone else calls, or the amendment is in force, or the rescue has settled
/// │       └── it is as without one
/// ├── given the rescue failed
/// │   └── it reverts with {WrongOutcome}
/// └── given the rescue is open
///     └── it reverts with the escrow's {CoverageTooLow}
contract TakeBackTest is BonusTest {
    function test_TakeBack_Settled() public {
        pledgeFull();
        add(sponsor, 10 ether);
        add(bob, 1 ether);
        vm.warp(SETTLED_AT);
        vm.expectEmit(address(pool));
        emit IBonusPool.BonusDecided(BonusFor.Sponsors, Rate.wrap(0), Wei.wrap(0));
        takeBack(sponsor, 10 ether);
        assertStatus(Status.Settled);
        assertBonus(BonusFor.Sponsors, 1 ether, 0, 0);
        takeBack(bob, 1 ether);
        assertBonus(BonusFor.Sponsors, 0, 0, 0);
        assertEq(address(pool).balance, 0);
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.NothingToTakeBack.selector, sponsor));
        pool.takeBack(sponsor);
        assertShare(alice, GRANT, Asset.ETH, 0, false);
    }

    /// @dev Covered in full, it can settle before the deadline: by whoever takes back, too.
    function test_TakeBack_SettlesEarly() public {
        pledgeFull();
        add(sponsor, 10 ether);
        takeBack(sponsor, 10 ether);
        assertStatus(Status.Settled);
    }

    function test_TakeBack_Cancelled() public {
        pledgeFull();
        add(sponsor, 10 ether);
        settleLate();
        vm.prank(guardian);
        escrow.cancel();
        takeBack(sponsor, 10 ether);
    }

    function test_TakeBack_EndedByGuardian() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.prank(guardian);
        escrow.cancel();
        assertStatus(Status.Failed);
        takeBack(sponsor, 10 ether);
    }

    function test_TakeBack_NothingPledged() public {
        add(sponsor, 10 ether);
        vm.warp(SETTLED_AT);
        takeBack(sponsor, 10 ether);
    }

    /// @dev One share at 0.5 wei is worth no wei.
    function test_TakeBack_NothingOfWorthPledged() public {
        stETH.setTotalPooledEther(1_000_000 ether);
        pledge(alice, GRANT, Asset.StETH, 1);
        add(sponsor, 10 ether);
        vm.warp(SETTLED_AT);
        takeBack(sponsor, 10 ether);
    }

    function test_TakeBackTo() public {
        pledgeFull();
        add(sponsor, 10 ether);
        vm.expectEmit(address(pool));
        emit IBonusPool.BonusReturned(sponsor, stranger, Wei.wrap(10 ether));
        vm.prank(sponsor);
        pool.takeBackTo(stranger);
        assertEq(stranger.balance, 10 ether);
    }

    function test_TakeBackTo_RevertWhen_RecipientInvalid() public {
        expectRefusedAccount(address(0));
        pool.takeBackTo(address(0));
        expectRefusedAccount(address(pool));
        pool.takeBackTo(address(pool));
    }

    function test_TakeBack_WhenTheSponsorRefuses() public {
        address refuser = address(new Refuser());
        pledgeFull();
        add(refuser, 10 ether);
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.PaymentFailed.selector, refuser, 10 ether));
        pool.takeBack(refuser);
        vm.prank(refuser);
        pool.takeBackTo(stranger);
        assertEq(stranger.balance, 10 ether);
    }

    function test_TakeBack_Reentered() public {
        Reentrant thief = new Reentrant();
        pledgeFull();
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

    function test_TakeBack_WhileAnAmendmentIsPending() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        add(bob, 2 ether);
        amendTarget(900 ether);
        vm.warp(START + EXIT_WINDOW - 1);
        expectCoverageTooLow(TARGET);
        pool.takeBack(sponsor);

        vm.expectEmit(address(pool));
        emit IBonusPool.BonusReturned(sponsor, stranger, Wei.wrap(10 ether));
        vm.prank(sponsor);
        pool.takeBackTo(stranger);
        assertEq(stranger.balance, 10 ether);
        assertBonus(BonusFor.Undecided, 2 ether, 0, 0);
        assertEq(pool.contributionOf(sponsor), 0);
        assertEq(pool.contributionOf(bob), 2 ether);

        vm.warp(START + EXIT_WINDOW);
        expectCoverageTooLow(900 ether);
        vm.prank(bob);
        pool.takeBack(bob);
        // Who left has no part in what follows: the pledgers share the 2 ETH that stayed.
        settleLate();
        claim(alice, GRANT, Asset.ETH, 0.8 ether);
    }

    /// @dev It may add again, and leave again.
    function test_TakeBack_WhileAnAmendmentIsPending_Again() public {
        add(sponsor, 10 ether);
        amendTarget(900 ether);
        vm.prank(sponsor);
        pool.takeBack(sponsor);
        assertEq(sponsor.balance, 10 ether);
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.NothingToTakeBack.selector, sponsor));
        vm.prank(sponsor);
        pool.takeBack(sponsor);
        add(sponsor, 3 ether);
        assertBonus(BonusFor.Undecided, 3 ether, 0, 0);
    }

    /// @dev A settlement ends what is pending: there is no leaving any more, and no need.
    function test_TakeBack_AmendmentDiedWithTheSettlement() public {
        pledgeFull();
        add(sponsor, 10 ether);
        amendTarget(900 ether);
        escrow.settle();
        takeBack(sponsor, 10 ether);
        assertBonus(BonusFor.Sponsors, 0, 0, 0);
    }

    function test_TakeBack_RevertGiven_Failed() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.warp(SETTLED_AT);
        expectWrongOutcome(BonusFor.Pledgers);
        pool.takeBack(sponsor);
    }

    function test_TakeBack_RevertGiven_Open() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.warp(DEADLINE);
        expectCoverageTooLow(TARGET);
        pool.takeBack(sponsor);
    }

    /// @dev Of `pledgeLittle`.
    function expectCoverageTooLow(uint256 target) private {
        vm.expectRevert(
            abi.encodeWithSelector(IPledgeEscrow.CoverageTooLow.selector, Wei.wrap(300 ether), Wei.wrap(target))
        );
    }
}
