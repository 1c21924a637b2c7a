// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { EndReason, IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Rate, Wei } from "levee/types/Units.sol";

import { Reentrant, Refuser } from "../../../util/Receivers.sol";
import { GAS_OF_A_BOMB, ReturnBomb } from "../ReturnBomb.sol";
import { BonusTest } from "./BonusTest.sol";

/// claim, claimTo
/// ├── given the rescue failed for want of pledges, or because its shares could not be valued
/// │   ├── the first call, later than the exit window's time after the deadline, settles the rescue if nobody has, decides
/// │   │   and emits {BonusDecided}; earlier it reverts with {TooEarly}
/// │   ├── it pays floor(bonus * value by time / V), once, and emits {BonusClaimed}; refunds change nothing
/// │   ├── the rate is the one that the escrow recorded, and Lido is not asked
/// │   ├── when it was not enlisted, or was taken out since, or as often as can be counted
/// │   │   └── it reverts with {NothingToClaim}, and what it would have got stays
/// │   ├── when the share was paid, or is worth no wei
/// │   │   └── it reverts with {NothingToClaim}
/// │   ├── when the recipient is zero, the pool, the escrow or one of its tokens
/// │   │   └── it reverts with {InvalidAccount}
/// │   └── when the recipient refuses
/// │       └── it reverts with {PaymentFailed}; it can be paid elsewhere
/// ├── what the recipient answers is not copied
/// ├── given it settled by a lower threshold
/// │   └── tiers that were not active get theirs, the others nothing; also if it was cancelled later
/// ├── given it settled by 100 %, its guardian ended it, or nothing of worth was enlisted
/// │   └── it decides at once, and reverts with {NothingToClaim}
/// ├── when the tier does not exist
/// │   └── it reverts with the escrow's {UnknownTier}
/// └── given the rescue is open
///     └── it reverts with the escrow's {CoverageTooLow}, {AmendmentPending} or {RateUnreadable}
contract BonusClaimTest is BonusTest {
    /// @dev Of 10 ETH, alice and bob get 4 each, carol 2.
    function test_Claim() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.warp(DECIDABLE_AT);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Failed(EndReason.NoThresholdMet, Rate.wrap(RATE), DECIDABLE_AT);
        expectDecided(10 ether, 10 ether, RATE, 300 ether * ALL_TIME);
        claim(alice, GRANT, Asset.ETH, 4 ether);
        assertDecided(10 ether, 10 ether, RATE, 300 ether * ALL_TIME);
        assertShare(bob, GRANT, Asset.StETH, 4 ether, false);

        // What they get back besides changes nothing, nor does the rate later.
        escrow.refund(bob, GRANT, Asset.StETH);
        stETH.setTotalPooledEther(4_800_000 ether);
        claim(bob, GRANT, Asset.StETH, 4 ether);
        claim(carol, LOAN, Asset.WstETH, 2 ether);
        assertEq(address(pool).balance, 0);
        expectNothingToClaim(carol, LOAN, Asset.WstETH);
        pool.claim(carol, LOAN, Asset.WstETH);
        expectNothingToClaim(stranger, LOAN, Asset.WstETH);
        pool.claim(stranger, LOAN, Asset.WstETH);
        expectUnknownTier(3);
        pool.claim(alice, 3, Asset.ETH);
    }

    /// @dev Half the time, half the bonus; in the last second, a second's worth of it.
    function test_Claim_ByTime() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 100 ether);
        vm.warp(START + 15 days);
        pledgeEnlisted(bob, GRANT, Asset.ETH, 100 ether);
        vm.warp(DEADLINE - 1);
        pledgeEnlisted(carol, GRANT, Asset.ETH, 100 ether);
        add(sponsor, 45 days + 1);
        vm.warp(DECIDABLE_AT);
        claim(alice, GRANT, Asset.ETH, 30 days);
        claim(bob, GRANT, Asset.ETH, 15 days);
        claim(carol, GRANT, Asset.ETH, 1);
    }

    /// @dev The 50 % tier is met by a top-up in the last second: who waited for 100 % has its bonus all the same. Of V the
    /// active tier has 100 ETH for 30 days and 400 ETH for a second, the others 450 for 30 days.
    function test_Claim_TiersThatWereNotActive() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 100 ether);
        pledgeEnlisted(bob, FULL_GRANT, Asset.ETH, 300 ether);
        pledgeEnlisted(carol, LOAN, Asset.WstETH, 125 ether);
        add(sponsor, 55 ether);
        vm.warp(DEADLINE - 1);
        pledgeEnlisted(sponsor, GRANT, Asset.ETH, 400 ether);
        settleLate();
        assertStatus(Status.Settled);

        uint256 value = 550 ether * ALL_TIME + 400 ether;
        uint256 part = uint256(55 ether) * (450 ether * ALL_TIME) / value;
        vm.warp(DECIDABLE_AT - 1);
        expectTooEarlyToDecide();
        pool.claim(bob, FULL_GRANT, Asset.ETH);
        vm.warp(DECIDABLE_AT);
        vm.prank(guardian);
        escrow.cancel();
        expectDecided(55 ether, part, RATE, value);
        claim(bob, FULL_GRANT, Asset.ETH, uint256(55 ether) * (300 ether * ALL_TIME) / value);
        claim(carol, LOAN, Asset.WstETH, uint256(55 ether) * (150 ether * ALL_TIME) / value);
        assertShare(alice, GRANT, Asset.ETH, 0, false);
        expectNothingToClaim(alice, GRANT, Asset.ETH);
        pool.claim(alice, GRANT, Asset.ETH);
        takeBack(sponsor, 55 ether - part);
        assertLe(address(pool).balance, 1);
    }

    function test_Claim_EthOnly() public {
        escrow = deploy(ethOnlyTerms());
        deployPool();
        pledgeEnlisted(alice, GRANT, Asset.ETH, 1 ether);
        pledgeEnlisted(bob, LOAN, Asset.ETH, 2 ether);
        add(sponsor, 10);
        vm.warp(DECIDABLE_AT);
        claim(alice, GRANT, Asset.ETH, 3);
        claim(bob, LOAN, Asset.ETH, 6);
        assertDecided(10, 10, 0, 3 ether * ALL_TIME);
        assertEq(address(pool).balance, 1);
    }

    /// @dev The exit window's time after the deadline in force, which was pushed back.
    function test_Claim_AfterAnAmendedDeadline() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        amend(TARGET, DEADLINE + 9 days, TERMS_HASH);
        vm.warp(DEADLINE + 9 days + EXIT_WINDOW);
        uint256 time = vm.getBlockTimestamp();
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.TooEarly.selector, time, time));
        pool.claim(alice, GRANT, Asset.ETH);
        vm.warp(time + 1);
        claim(alice, GRANT, Asset.ETH, 4 ether);
    }

    // ---------------------------------------------------------------- out of date

    function test_Claim_RevertWhen_NotEnlisted() public {
        pledgeLittle();
        pledge(stranger, GRANT, Asset.ETH, 100 ether);
        add(sponsor, 10 ether);
        vm.warp(DECIDABLE_AT);
        expectNothingToClaim(stranger, GRANT, Asset.ETH);
        pool.claim(stranger, GRANT, Asset.ETH);
        claim(alice, GRANT, Asset.ETH, 4 ether);
    }

    /// @dev Alice left and came back; nobody struck what she had: it dilutes, and stays in the pool.
    function test_Claim_RevertWhen_OutOfDate() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.prank(guardian);
        escrow.decline(alice, GRANT, Asset.ETH);
        pledge(alice, GRANT, Asset.ETH, 120 ether);
        vm.warp(DECIDABLE_AT);
        claim(bob, GRANT, Asset.StETH, 4 ether);
        claim(carol, LOAN, Asset.WstETH, 2 ether);
        assertShare(alice, GRANT, Asset.ETH, 0, false);
        expectNothingToClaim(alice, GRANT, Asset.ETH);
        pool.claim(alice, GRANT, Asset.ETH);
        expectNothingToTakeBack(sponsor);
        pool.takeBack(sponsor);
        assertEq(address(pool).balance, 4 ether);
    }

    /// @dev As often as can be counted: whether it left again cannot be told, and it gets nothing.
    function test_Claim_RevertWhen_TooManyDepartures() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        bytes memory question = abi.encodeCall(escrow.position, (alice, GRANT, Asset.ETH));
        vm.mockCall(address(escrow), question, abi.encode(120 ether, 0, false, type(uint24).max - 1));
        pool.enlist(alice, GRANT, Asset.ETH);
        vm.warp(DECIDABLE_AT);
        claim(bob, GRANT, Asset.StETH, 4 ether);
        assertShare(alice, GRANT, Asset.ETH, 4 ether, false);
        vm.mockCall(address(escrow), question, abi.encode(120 ether, 0, false, type(uint24).max));
        assertShare(alice, GRANT, Asset.ETH, 0, false);
        expectNothingToClaim(alice, GRANT, Asset.ETH);
        pool.claim(alice, GRANT, Asset.ETH);
    }

    function test_Claim_RevertWhen_WorthNoWei() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 1 ether);
        pledgeEnlisted(bob, GRANT, Asset.ETH, 10 ether);
        add(sponsor, 10);
        vm.warp(DECIDABLE_AT);
        claim(bob, GRANT, Asset.ETH, 9);
        expectNothingToClaim(alice, GRANT, Asset.ETH);
        pool.claim(alice, GRANT, Asset.ETH);
    }

    // ---------------------------------------------------------------- to whom

    function test_ClaimTo() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.warp(DECIDABLE_AT);
        vm.expectEmit(address(pool));
        emit IBonusPool.BonusClaimed(alice, GRANT, Asset.ETH, stranger, Wei.wrap(4 ether));
        vm.prank(alice);
        pool.claimTo(GRANT, Asset.ETH, stranger);
        assertEq(stranger.balance, 4 ether);
        expectNothingToClaim(alice, GRANT, Asset.ETH);
        pool.claim(alice, GRANT, Asset.ETH);
    }

    /// @dev Of one pledger, every pot has its own share.
    function test_Claim_OfEveryPot() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 120 ether);
        pledgeEnlisted(alice, GRANT, Asset.StETH, 100 ether);
        pledgeEnlisted(alice, LOAN, Asset.ETH, 60 ether);
        add(sponsor, 10 ether);
        vm.warp(DECIDABLE_AT);
        claim(alice, GRANT, Asset.ETH, 4 ether);
        claim(alice, LOAN, Asset.ETH, 2 ether);
        claim(alice, GRANT, Asset.StETH, 4 ether);
    }

    function test_ClaimTo_RevertWhen_RecipientInvalid() public {
        address[5] memory refused = [address(0), address(pool), address(escrow), address(stETH), address(wstETH)];
        for (uint256 i; i < refused.length; ++i) {
            expectRefusedAccount(refused[i]);
            pool.claimTo(GRANT, Asset.ETH, refused[i]);
        }
    }

    function test_Claim_WhenThePledgerRefuses() public {
        address refuser = address(new Refuser());
        pledgeEnlisted(refuser, GRANT, Asset.ETH, 10 ether);
        add(sponsor, 1 ether);
        vm.warp(DECIDABLE_AT);
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.PaymentFailed.selector, refuser, 1 ether));
        pool.claim(refuser, GRANT, Asset.ETH);
        vm.prank(refuser);
        pool.claimTo(GRANT, Asset.ETH, stranger);
        assertEq(stranger.balance, 1 ether);
    }

    function test_Claim_CopiesNoAnswer() public {
        address bomb = address(new ReturnBomb());
        pledgeEnlisted(bomb, GRANT, Asset.ETH, 10 ether);
        pledgeEnlisted(alice, GRANT, Asset.ETH, 10 ether);
        add(sponsor, 2 ether);
        vm.warp(DECIDABLE_AT);
        claim(alice, GRANT, Asset.ETH, 1 ether);
        uint256 before = gasleft();
        pool.claim(bomb, GRANT, Asset.ETH);
        assertLt(before - gasleft(), GAS_OF_A_BOMB);
        assertEq(bomb.balance, 1 ether);
    }

    function test_Claim_Reentered() public {
        Reentrant thief = new Reentrant();
        pledgeEnlisted(address(thief), GRANT, Asset.ETH, 100 ether);
        pledgeEnlisted(alice, GRANT, Asset.ETH, 100 ether);
        add(sponsor, 10 ether);
        vm.warp(DECIDABLE_AT);
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(IBonusPool.claim, (address(thief), GRANT, Asset.ETH));
        calls[1] = abi.encodeCall(IBonusPool.claimTo, (GRANT, Asset.ETH, address(thief)));
        calls[2] = abi.encodeCall(IBonusPool.enlist, (address(thief), GRANT, Asset.ETH));
        thief.arm(address(pool), calls);
        pool.claim(address(thief), GRANT, Asset.ETH);
        assertEq(thief.entries(), 1);
        assertEq(thief.successes(), 0);
        assertEq(address(thief).balance, 5 ether);
    }

    // ---------------------------------------------------------------- the sponsors'

    function test_Claim_RevertGiven_Open() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.expectRevert(
            abi.encodeWithSelector(IPledgeEscrow.CoverageTooLow.selector, Wei.wrap(300 ether), Wei.wrap(TARGET))
        );
        pool.claim(alice, GRANT, Asset.ETH);
        amendTarget(900 ether);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendmentPending.selector, START + EXIT_WINDOW, START));
        pool.claim(alice, GRANT, Asset.ETH);
    }

    /// @dev A claim settles a rescue that is covered, and finds that the bonus is the sponsors': the revert undoes both.
    function test_Claim_RevertGiven_FullyCovered() public {
        pledgeLittle();
        pledgeFull();
        add(sponsor, 10 ether);
        expectNothingToClaim(alice, GRANT, Asset.ETH);
        pool.claim(alice, GRANT, Asset.ETH);
        assertStatus(Status.Open);
        assertUndecided(10 ether);
    }

    /// @dev Whatever is recorded as its rate.
    function test_Claim_RevertGiven_EndedByGuardian() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.prank(guardian);
        escrow.cancel();
        vm.warp(DECIDABLE_AT);
        expectNothingToClaim(alice, GRANT, Asset.ETH);
        pool.claim(alice, GRANT, Asset.ETH);
    }

    /// @dev What the views foresee is not decided: the rescue would fail now, and is covered after a rebase.
    function test_Claim_NotByWhatIsForeseen() public {
        pledgeEnlisted(alice, GRANT, Asset.StETH, 400 ether);
        pledgeEnlisted(bob, LOAN, Asset.ETH, 10 ether);
        add(sponsor, 9.7 ether);
        vm.warp(DECIDABLE_AT);
        assertStatus(Status.Failed);
        stETH.setTotalPooledEther(4_800_000 ether);
        expectNothingToClaim(alice, GRANT, Asset.StETH);
        pool.claim(alice, GRANT, Asset.StETH);
        // 960 of 970 ETH are drawn; what waited for 100 % was not met.
        claim(bob, LOAN, Asset.ETH, 0.1 ether);
        assertStatus(Status.Settled);
    }

    // ---------------------------------------------------------------- the rate

    /// @dev Unreadable when it should settle: the rescue is ended by anyone, and shares count one to one.
    function test_Claim_AtParGiven_ExpiredUnreadable() public {
        pledgeLittle();
        add(sponsor, 27 ether);
        bytes memory code = address(stETH).code;
        vm.etch(address(stETH), hex"fe");
        vm.warp(DEADLINE + RELEASE_WINDOW + 1);
        vm.expectRevert(IPledgeEscrow.RateUnreadable.selector);
        pool.claim(alice, GRANT, Asset.ETH);
        escrow.expire();
        claim(alice, GRANT, Asset.ETH, 12 ether);
        assertDecided(27 ether, 27 ether, 1e27, 270 ether * ALL_TIME);
        // It stays, when stETH is there again.
        vm.etch(address(stETH), code);
        claim(bob, GRANT, Asset.StETH, 10 ether);
        claim(carol, LOAN, Asset.WstETH, 5 ether);
    }

    /// @dev The pool never asks Lido: what the escrow recorded stands, whatever a share is worth or stETH says.
    function test_Claim_AtTheRecordedRate() public {
        pledgeLittle();
        add(sponsor, 30 ether);
        settleLate();
        vm.etch(address(stETH), hex"fe");
        vm.warp(DECIDABLE_AT);
        claim(bob, GRANT, Asset.StETH, 12 ether);
        assertDecided(30 ether, 30 ether, RATE, 300 ether * ALL_TIME);
    }

    /// @dev Shares that left before it failed are worth nothing when no pot held any.
    function test_Claim_SharesThatLeftGiven_NoRate() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 100 ether);
        pledgeEnlisted(bob, GRANT, Asset.StETH, 100 ether);
        add(sponsor, 10 ether);
        vm.prank(guardian);
        escrow.decline(bob, GRANT, Asset.StETH);
        vm.warp(DECIDABLE_AT);
        claim(alice, GRANT, Asset.ETH, 10 ether);
        assertDecided(10 ether, 10 ether, 0, 100 ether * ALL_TIME);
    }
}
