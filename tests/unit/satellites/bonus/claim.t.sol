// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { BonusFor, IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { FailReason, IPledgeEscrow, RescueView, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Rate, Wei } from "levee/types/Units.sol";

import { Reentrant, Refuser } from "../../../util/Receivers.sol";
import { BonusTest } from "./BonusTest.sol";

/// claim, claimTo
/// ├── given the rescue failed for want of pledges, or because its shares could not be valued
/// │   ├── the first call settles the rescue if nobody has, fixes the rate and emits {BonusDecided}
/// │   ├── it pays floor(bonus * value / value of all), once, and emits {BonusClaimed}; refunds change nothing
/// │   ├── when the share was paid, or there is none
/// │   │   └── it reverts with {NothingToClaim}
/// │   ├── when the recipient is zero or the pool
/// │   │   └── it reverts with {InvalidAccount}
/// │   ├── when the recipient refuses
/// │   │   └── it reverts with {PaymentFailed}; it can be paid elsewhere
/// │   └── when the rate cannot be read
/// │       ├── up to the deadline plus the release window: it reverts with {RateUnreadable}
/// │       ├── later: shares count one to one
/// │       └── with too little gas to prove it: it reverts with {GasTooLow}
/// ├── given the rescue settled, its guardian ended it, or nothing of worth was pledged
/// │   └── it reverts with {WrongOutcome}
/// └── given the rescue is open
///     └── it reverts with the escrow's {CoverageTooLow} or {RateUnreadable}
contract BonusClaimTest is BonusTest {
    /// @dev Of 10 ETH, alice and bob get 4 each, carol 2.
    function test_Claim() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.warp(SETTLED_AT);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Failed(FailReason.NoThresholdMet, SETTLED_AT);
        vm.expectEmit(address(pool));
        emit IBonusPool.BonusDecided(BonusFor.Pledgers, Rate.wrap(RATE), Wei.wrap(300 ether));
        claim(alice, GRANT, Asset.ETH, 4 ether);
        assertBonus(BonusFor.Pledgers, 10 ether, RATE, 300 ether);
        assertShare(alice, GRANT, Asset.ETH, 4 ether, true);
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
    }

    function test_Claim_SettledBefore() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        settleLate();
        // The rate is that of the first claim: a share is worth 0.6 now, all of them 90 of 210 ETH.
        stETH.setTotalPooledEther(1_200_000 ether);
        claim(carol, LOAN, Asset.WstETH, uint256(10 ether) * 30 / 210);
        assertBonus(BonusFor.Pledgers, 10 ether, 0.6e27, 210 ether);
    }

    function test_Claim_EthOnly() public {
        escrow = deploy(ethOnlyTerms());
        deployPool();
        pledge(alice, GRANT, Asset.ETH, 1 ether);
        pledge(bob, LOAN, Asset.ETH, 2 ether);
        add(sponsor, 10);
        settleLate();
        claim(alice, GRANT, Asset.ETH, 3);
        claim(bob, LOAN, Asset.ETH, 6);
        assertBonus(BonusFor.Pledgers, 10, 0, 3 ether);
        assertEq(address(pool).balance, 1);
    }

    function test_ClaimTo() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        settleLate();
        vm.expectEmit(address(pool));
        emit IBonusPool.BonusClaimed(alice, GRANT, Asset.ETH, stranger, Wei.wrap(4 ether));
        vm.prank(alice);
        pool.claimTo(GRANT, Asset.ETH, stranger);
        assertEq(stranger.balance, 4 ether);
        expectNothingToClaim(alice, GRANT, Asset.ETH);
        pool.claim(alice, GRANT, Asset.ETH);
    }

    function test_ClaimTo_RevertWhen_RecipientInvalid() public {
        expectRefusedAccount(address(0));
        pool.claimTo(GRANT, Asset.ETH, address(0));
        expectRefusedAccount(address(pool));
        pool.claimTo(GRANT, Asset.ETH, address(pool));
    }

    function test_Claim_WhenThePledgerRefuses() public {
        address refuser = address(new Refuser());
        pledge(refuser, GRANT, Asset.ETH, 10 ether);
        add(sponsor, 1 ether);
        settleLate();
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.PaymentFailed.selector, refuser, 1 ether));
        pool.claim(refuser, GRANT, Asset.ETH);
        vm.prank(refuser);
        pool.claimTo(GRANT, Asset.ETH, stranger);
        assertEq(stranger.balance, 1 ether);
    }

    function test_Claim_Reentered() public {
        Reentrant thief = new Reentrant();
        pledge(address(thief), GRANT, Asset.ETH, 100 ether);
        pledge(alice, GRANT, Asset.ETH, 100 ether);
        add(sponsor, 10 ether);
        settleLate();
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(IBonusPool.claim, (address(thief), GRANT, Asset.ETH));
        calls[1] = abi.encodeCall(IBonusPool.claimTo, (GRANT, Asset.ETH, address(thief)));
        thief.arm(address(pool), calls);
        pool.claim(address(thief), GRANT, Asset.ETH);
        assertEq(thief.entries(), 1);
        assertEq(thief.successes(), 0);
        assertEq(address(thief).balance, 5 ether);
    }

    /// @dev A claim settles a rescue that is covered, and finds that there is no bonus: the revert undoes both.
    function test_Claim_RevertGiven_Open() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.expectRevert(
            abi.encodeWithSelector(IPledgeEscrow.CoverageTooLow.selector, Wei.wrap(300 ether), Wei.wrap(TARGET))
        );
        pool.claim(alice, GRANT, Asset.ETH);
        pledgeFull();
        expectWrongOutcome(BonusFor.Sponsors);
        pool.claim(alice, GRANT, Asset.ETH);
        assertStatus(Status.Open);
        assertBonus(BonusFor.Undecided, 10 ether, 0, 0);
    }

    function test_Claim_RevertGiven_EndedByGuardian() public {
        pledgeLittle();
        add(sponsor, 10 ether);
        vm.prank(guardian);
        escrow.cancel();
        expectWrongOutcome(BonusFor.Sponsors);
        pool.claim(alice, GRANT, Asset.ETH);
    }

    /// @dev What the views foresee is not decided: the rescue would fail now, and is covered after a rebase.
    function test_Claim_NotByWhatIsForeseen() public {
        pledge(alice, GRANT, Asset.StETH, 400 ether);
        add(sponsor, 10 ether);
        vm.warp(SETTLED_AT);
        assertStatus(Status.Failed);
        stETH.setTotalPooledEther(4_800_000 ether);
        expectWrongOutcome(BonusFor.Sponsors);
        pool.claim(alice, GRANT, Asset.StETH);
        takeBack(sponsor, 10 ether);
        assertStatus(Status.Settled);
    }

    // ---------------------------------------------------------------- the rate

    /// @dev Unreadable when it should settle: the rescue is ended by anyone, and shares count one to one.
    function test_Claim_AtParGiven_ExpiredUnreadable() public {
        pledgeLittle();
        add(sponsor, 27 ether);
        bytes memory code = address(stETH).code;
        vm.etch(address(stETH), hex"fe");
        vm.warp(DEADLINE + RELEASE_WINDOW);
        vm.expectRevert(IPledgeEscrow.RateUnreadable.selector);
        pool.claim(alice, GRANT, Asset.ETH);
        vm.warp(DEADLINE + RELEASE_WINDOW + 1);
        vm.expectRevert(IPledgeEscrow.RateUnreadable.selector);
        pool.claim(alice, GRANT, Asset.ETH);
        escrow.expire();
        claim(alice, GRANT, Asset.ETH, 12 ether);
        assertBonus(BonusFor.Pledgers, 27 ether, 1e27, 270 ether);
        // It stays, when stETH is there again.
        vm.etch(address(stETH), code);
        claim(bob, GRANT, Asset.StETH, 10 ether);
        claim(carol, LOAN, Asset.WstETH, 5 ether);
    }

    function test_Claim_AtTheRateGiven_ExpiredAndReadableAgain() public {
        pledgeLittle();
        add(sponsor, 30 ether);
        bytes memory code = address(stETH).code;
        vm.etch(address(stETH), hex"fe");
        vm.warp(DEADLINE + RELEASE_WINDOW + 1);
        escrow.expire();
        vm.etch(address(stETH), code);
        claim(alice, GRANT, Asset.ETH, 12 ether);
        assertBonus(BonusFor.Pledgers, 30 ether, RATE, 300 ether);
    }

    /// @dev Readable when it settled, unreadable when it is claimed.
    function test_Claim_RevertGiven_UnreadableSinceItFailed() public {
        pledgeLittle();
        add(sponsor, 27 ether);
        settleLate();
        vm.etch(address(stETH), hex"fe");
        uint256 limit = DEADLINE + RELEASE_WINDOW;
        vm.warp(limit);
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.RateUnreadable.selector, limit, limit));
        pool.claim(alice, GRANT, Asset.ETH);
        vm.warp(limit + 1);
        claim(alice, GRANT, Asset.ETH, 12 ether);
    }

    /// @dev Starving the read of the rate never makes shares count one to one: with any gas the call fails, or fixes the
    /// true rate.
    function test_Claim_StarvedOfGas() public {
        pledgeLittle();
        add(sponsor, 30 ether);
        settleLate();
        vm.warp(DEADLINE + RELEASE_WINDOW + 1);
        uint256 decided;
        for (uint256 gas_ = 50_000; gas_ < 1_500_000; gas_ += 10_000) {
            uint256 snapshot = vm.snapshotState();
            try pool.claim{ gas: gas_ }(alice, GRANT, Asset.ETH) {
                assertBonus(BonusFor.Pledgers, 30 ether, RATE, 300 ether);
                ++decided;
            } catch { }
            vm.revertToState(snapshot);
        }
        assertGt(decided, 10);
        assertLt(decided, 100);
    }

    function test_Claim_RevertWhen_GasTooLow() public {
        pledgeLittle();
        add(sponsor, 30 ether);
        settleLate();
        try pool.claim{ gas: 900_000 }(alice, GRANT, Asset.ETH) {
            fail();
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), IBonusPool.GasTooLow.selector);
        }
    }
}
