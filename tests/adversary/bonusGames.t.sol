// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { IPledgeEscrow, Status, Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { BonusTest } from "../unit/satellites/bonus/BonusTest.sol";
import { Borrower, FlashLender } from "../util/FlashLender.sol";

/// An attacker who plays for the bonus, or to avoid paying it, with borrowed money or in the last second.
/// ├── when a sponsor completes its failing rescue with a loan, takes its bonus back and stops the rescue again
/// │   └── the loan lacks everything but the bonus, so nothing has happened
/// ├── when a sponsor tops up a low threshold in the last second, so that the rescue does not fail
/// │   └── those who waited for the higher threshold get the bonus all the same
/// ├── when someone pledges a lot in the last second of a rescue that is certain to fail
/// │   └── it gets one second's worth
/// ├── when borrowed money passes through in an exit window: pledged, enlisted, taken out and repaid
/// │   └── it gets nothing, and once anyone has struck it, it dilutes nobody
/// └── when a sponsor wants to withdraw just before pledgers are locked again
///     └── it is too late
contract BonusGamesTest is BonusTest {
    uint256 private constant BONUS = 50 ether;

    FlashLender private lender;
    Borrower private attacker;

    function setUp() public override {
        super.setUp();
        lender = new FlashLender();
        vm.deal(address(lender), 1_000_000 ether);
        attacker = new Borrower(lender);
    }

    // ---------------------------------------------------------------- the sponsor

    /// @dev 300 of 1,000 ETH are missing, which is also a veto. 50 come back as the bonus, and 250 do not.
    function test_Sponsor_TakesItBackWithALoan() public {
        pledgeEnlisted(alice, FULL_GRANT, Asset.ETH, 700 ether);
        addOfAttacker();
        vm.warp(DEADLINE);
        attacker.plan(address(escrow), 300 ether, pledgeCall(0));
        attacker.plan(address(pool), 0, abi.encodeCall(pool.takeBack, (address(attacker))));
        attacker.plan(address(escrow), 0, abi.encodeCall(escrow.object, (FULL_GRANT, Asset.ETH)));
        attacker.tryAlso(address(escrow), 0, refundCall());
        vm.expectRevert(abi.encodeWithSelector(FlashLender.NotRepaid.selector, 300 ether - BONUS));
        attacker.attack(300 ether);

        // The rescue fails, and the bonus goes to alice.
        vm.warp(DECIDABLE_AT);
        claim(alice, FULL_GRANT, Asset.ETH, BONUS);
        assertStatus(Status.Failed);
    }

    /// @dev Of 1,000 ETH, 900 wait for full coverage; 10 more meet the tier of 1 %, in the second of the deadline or
    /// one before.
    function test_Sponsor_MeetsALowThreshold() public {
        deployTiers();
        pledgeEnlisted(alice, 1, Asset.ETH, 900 ether);
        add(sponsor, BONUS);
        uint256 open = vm.snapshotState();
        for (uint256 early; early < 2; ++early) {
            vm.warp(DEADLINE - early);
            pledgeEnlisted(sponsor, 0, Asset.ETH, 10 ether);
            vm.warp(DECIDABLE_AT);
            uint256 waited = 900 ether * ALL_TIME;
            uint256 expected = BONUS * waited / (waited + 10 ether * early);
            claim(alice, 1, Asset.ETH, expected);
            assertEq(escrow.rescue().drawn, 10 ether);
            // All but one part in 230 million; and the pledgers' part is rounded down.
            assertGt(expected, BONUS - BONUS / 200_000_000);
            if (early == 0) expectNothingToTakeBack(sponsor);
            pool.takeBack(sponsor);
            assertEq(address(pool).balance, 0);
            vm.revertToState(open);
        }
    }

    function test_Sponsor_LeavesBeforePledgersAreLocked() public {
        pledgeEnlisted(alice, FULL_GRANT, Asset.ETH, 700 ether);
        add(sponsor, BONUS);
        amendTarget(TARGET);
        uint256 effectiveAt = START + EXIT_WINDOW;
        uint256[2] memory times = [effectiveAt - EXIT_WINDOW / 2, effectiveAt - 1];
        for (uint256 i; i < times.length; ++i) {
            vm.warp(times[i]);
            vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendmentPending.selector, effectiveAt, times[i]));
            vm.prank(sponsor);
            pool.takeBack(sponsor);
        }
        assertEq(pool.contributionOf(sponsor), BONUS);
    }

    // ---------------------------------------------------------------- the sniper

    /// @dev 900 ETH for one second, next to 100 for 30 days: 900 of 259,200,900 parts.
    function test_Sniper_InTheLastSecond() public {
        pledgeEnlisted(alice, FULL_GRANT, Asset.ETH, 100 ether);
        add(sponsor, BONUS);
        vm.warp(DEADLINE - 1);
        pledgeEnlisted(bob, GRANT, Asset.ETH, 400 ether);
        pledgeEnlisted(bob, LOAN, Asset.ETH, 499 ether);
        vm.warp(DECIDABLE_AT);
        uint256 value = 100 * ALL_TIME + 899;
        claim(bob, GRANT, Asset.ETH, BONUS * 400 / value);
        claim(bob, LOAN, Asset.ETH, BONUS * 499 / value);
        claim(alice, FULL_GRANT, Asset.ETH, BONUS * (100 * ALL_TIME) / value);
    }

    /// @dev In the very second of the deadline, it gets nothing, although it takes the risk.
    function test_Sniper_OnTheDeadline() public {
        pledgeEnlisted(alice, FULL_GRANT, Asset.ETH, 100 ether);
        add(sponsor, BONUS);
        vm.warp(DEADLINE);
        pledgeEnlisted(bob, LOAN, Asset.ETH, 899 ether);
        vm.warp(DECIDABLE_AT);
        expectNothingToClaim(bob, LOAN, Asset.ETH);
        pool.claim(bob, LOAN, Asset.ETH);
        claim(alice, FULL_GRANT, Asset.ETH, BONUS);
    }

    // ---------------------------------------------------------------- money that passes through

    /// @dev A million ETH in the second after the proposal, taken out and repaid in the same transaction.
    function test_PassingThrough_IsStruck() public {
        passThrough();
        assertEnlisted(address(attacker), FULL_GRANT, Asset.ETH, 0, 1_000_000 ether, 1_000_000 ether * (ALL_TIME - 1));
        // By anyone, until the bonus is decided.
        vm.warp(DECIDABLE_AT);
        enlist(address(attacker), FULL_GRANT, Asset.ETH);
        assertEnlisted(address(attacker), FULL_GRANT, Asset.ETH, 1, 0, 0);
        claim(alice, FULL_GRANT, Asset.ETH, BONUS);
        expectNothingToClaim(address(attacker), FULL_GRANT, Asset.ETH);
        pool.claim(address(attacker), FULL_GRANT, Asset.ETH);
    }

    /// @dev If nobody strikes it, it still gets nothing; what it would have got stays in the pool.
    function test_PassingThrough_Unstruck_GetsNothing() public {
        passThrough();
        vm.warp(DECIDABLE_AT);
        expectNothingToClaim(address(attacker), FULL_GRANT, Asset.ETH);
        pool.claim(address(attacker), FULL_GRANT, Asset.ETH);
        uint256 ofAlice = 900 ether * ALL_TIME;
        uint256 expected = BONUS * ofAlice / (ofAlice + 1_000_000 ether * (ALL_TIME - 1));
        claim(alice, FULL_GRANT, Asset.ETH, expected);
        assertEq(address(pool).balance, BONUS - expected);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev Next to alice's 900 ETH, in the exit window of an amendment.
    function passThrough() private {
        pledgeEnlisted(alice, FULL_GRANT, Asset.ETH, 900 ether);
        add(sponsor, BONUS);
        amendTarget(TARGET);
        skip(1);
        attacker.plan(address(escrow), 1_000_000 ether, pledgeCall(START + EXIT_WINDOW));
        attacker.plan(address(pool), 0, abi.encodeCall(pool.enlist, (address(attacker), FULL_GRANT, Asset.ETH)));
        bytes memory exitCall = abi.encodeCall(escrow.exit, (FULL_GRANT, Asset.ETH, address(attacker)));
        attacker.plan(address(escrow), 0, exitCall);
        attacker.attack(1_000_000 ether);
        assertPosition(address(attacker), FULL_GRANT, Asset.ETH, 0, 0, 0);
    }

    function pledgeCall(uint64 amendment) private view returns (bytes memory) {
        return abi.encodeCall(escrow.pledgeETH, (address(attacker), FULL_GRANT, amendment));
    }

    function refundCall() private view returns (bytes memory) {
        return abi.encodeCall(escrow.refund, (address(attacker), FULL_GRANT, Asset.ETH));
    }

    /// @dev The attacker is the sponsor.
    function addOfAttacker() private {
        vm.deal(stranger, BONUS);
        vm.prank(stranger);
        pool.add{ value: BONUS }(address(attacker));
    }

    /// @dev Two tiers, of 1 % and of 100 %, and the pool of that escrow.
    function deployTiers() private {
        Terms memory terms = defaultTerms();
        terms.tiers = new Tier[](2);
        terms.tiers[0] = Tier({ thresholdBps: 100, drawOrder: 0, rateBps: 0 });
        terms.tiers[1] = Tier({ thresholdBps: 10_000, drawOrder: 0, rateBps: 0 });
        escrow = deploy(terms);
        pool = IBonusPool(deployCode("BonusPool.sol:BonusPool", abi.encode(escrow)));
    }
}
