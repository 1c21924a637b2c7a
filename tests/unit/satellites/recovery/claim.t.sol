// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { Reentrant, Refuser } from "../../../util/Receivers.sol";
import { GAS_OF_A_BOMB, ReturnBomb } from "../ReturnBomb.sol";
import { RecoveryTest } from "./RecoveryTest.sol";

/// claim, claimTo
/// ├── given something was recovered
/// │   ├── it pays floor(received * value / V) less what was paid, and emits {Claimed}
/// │   ├── it pays the pledger, whoever calls; the pledger's own call pays whom it names
/// │   ├── claims in any order, and in parts, pay the same
/// │   ├── when nothing more is earned, or the position is empty
/// │   │   └── it reverts with {NothingToClaim}
/// │   ├── when the tier's group paid nothing, or the tier was not active
/// │   │   └── it reverts with {NotDrawn}
/// │   ├── when the tier does not exist
/// │   │   └── it reverts with the escrow's {UnknownTier}
/// │   ├── when the recipient is zero or the pool, as the pledger too
/// │   │   └── it reverts with {InvalidAccount}
/// │   ├── when the recipient refuses
/// │   │   └── it reverts with {PaymentFailed}; later, or elsewhere, it can be paid
/// │   └── what the recipient answers is not copied
/// ├── given nothing was recovered yet
/// │   └── it reverts with {NothingToClaim}
/// └── given the rescue is not final, or failed
///     └── it reverts with {NotFinal}
contract ClaimTest is RecoveryTest {
    /// @dev 300 ETH repay the loan; of the other 70, 40 are alice's and 30 bob's.
    function test_Claim() public {
        finish();
        recover(370 ether);
        assertEarnings(carol, LOAN, Asset.WstETH, 300 ether, 0);
        claim(carol, LOAN, Asset.WstETH, 300 ether);
        claim(bob, FULL_GRANT, Asset.StETH, 30 ether);
        claim(alice, GRANT, Asset.ETH, 40 ether);
        assertEarnings(alice, GRANT, Asset.ETH, 40 ether, 40 ether);
        assertEq(address(pool).balance, 0);

        expectNothingToClaim(alice, GRANT, Asset.ETH);
        pool.claim(alice, GRANT, Asset.ETH);
        recover(7 ether);
        claim(alice, GRANT, Asset.ETH, 4 ether);
        assertEarnings(alice, GRANT, Asset.ETH, 44 ether, 44 ether);
        assertEarnings(bob, FULL_GRANT, Asset.StETH, 33 ether, 30 ether);
    }

    /// @dev Refunds take nothing from what is recovered: the loan was drawn by half, and is repaid in full.
    function test_Claim_AfterARefund() public {
        finish();
        escrow.refund(carol, LOAN, Asset.WstETH);
        recover(100 ether);
        claim(carol, LOAN, Asset.WstETH, 100 ether);
    }

    /// @dev 300 ETH + 5 wei: of 5 wei alice's 4/7 are 2.86 and bob's 3/7 2.14. One wei stays.
    function test_Claim_RoundsDown() public {
        finish();
        recover(300 ether + 5);
        claim(alice, GRANT, Asset.ETH, 2);
        claim(bob, FULL_GRANT, Asset.StETH, 2);
        claim(carol, LOAN, Asset.WstETH, 300 ether);
        assertEq(address(pool).balance, 1);
    }

    /// @dev A share pledge counts with the rate of the settlement, whatever a share is worth later.
    function test_Claim_AtTheSettlementRate() public {
        finish();
        stETH.setTotalPooledEther(4_800_000 ether);
        recover(370 ether);
        claim(bob, FULL_GRANT, Asset.StETH, 30 ether);
    }

    function test_ClaimTo() public {
        finish();
        recover(370 ether);
        vm.expectEmit(address(pool));
        emit IRecoveryPool.Claimed(alice, GRANT, Asset.ETH, carol, Wei.wrap(40 ether));
        vm.prank(alice);
        pool.claimTo(GRANT, Asset.ETH, carol);
        assertEq(carol.balance, 40 ether);
        assertEq(alice.balance, 0);
        // Nobody can name a recipient for another.
        expectNothingToClaim(stranger, LOAN, Asset.WstETH);
        vm.prank(stranger);
        pool.claimTo(LOAN, Asset.WstETH, stranger);
    }

    function test_ClaimTo_RevertWhen_RecipientInvalid() public {
        finish();
        recover(370 ether);
        vm.expectRevert(abi.encodeWithSelector(IRecoveryPool.InvalidAccount.selector, address(0)));
        vm.prank(alice);
        pool.claimTo(GRANT, Asset.ETH, address(0));
        vm.expectRevert(abi.encodeWithSelector(IRecoveryPool.InvalidAccount.selector, address(pool)));
        vm.prank(alice);
        pool.claimTo(GRANT, Asset.ETH, address(pool));
    }

    /// @dev Paid to itself, a claim would be a deposit that nobody made.
    function test_Claim_RevertWhen_PledgedInThePoolsName() public {
        pledge(alice, GRANT, Asset.ETH, 100 ether);
        vm.deal(bob, 10 ether);
        pledgeFrom(bob, address(pool), GRANT, Asset.ETH, 10 ether);
        finish();
        recover(600 ether);
        vm.expectRevert(abi.encodeWithSelector(IRecoveryPool.InvalidAccount.selector, address(pool)));
        pool.claim(address(pool), GRANT, Asset.ETH);
    }

    function test_Claim_RevertWhen_NothingIsEarned() public {
        finish();
        expectNothingToClaim(alice, GRANT, Asset.ETH);
        pool.claim(alice, GRANT, Asset.ETH);
        // All of it goes to the loan.
        recover(1 ether);
        expectNothingToClaim(alice, GRANT, Asset.ETH);
        pool.claim(alice, GRANT, Asset.ETH);
        expectNothingToClaim(stranger, LOAN, Asset.ETH);
        pool.claim(stranger, LOAN, Asset.ETH);
    }

    function test_Claim_RevertWhen_NotActive() public {
        pledgeHalf();
        pledge(bob, FULL_GRANT, Asset.ETH, 1 ether);
        settleLate();
        releaseAll();
        recover(70 ether);
        vm.expectRevert(abi.encodeWithSelector(IRecoveryPool.NotDrawn.selector, FULL_GRANT));
        pool.claim(bob, FULL_GRANT, Asset.ETH);
        vm.expectRevert(abi.encodeWithSelector(IRecoveryPool.NotDrawn.selector, LOAN));
        pool.claim(carol, LOAN, Asset.WstETH);
    }

    function test_Claim_RevertWhen_UnknownTier() public {
        finish();
        recover(370 ether);
        expectUnknownTier(3);
        pool.claim(alice, 3, Asset.ETH);
        expectUnknownTier(255);
        pool.earnings(alice, 255, Asset.ETH);
    }

    function test_Claim_RevertGiven_NotFinal() public {
        expectNotFinal(Status.Open);
        pool.claim(alice, GRANT, Asset.ETH);
        pledgeFull();
        settleLate();
        expectNotFinal(Status.Settled);
        pool.claim(alice, GRANT, Asset.ETH);
    }

    function test_Claim_RevertGiven_Failed() public {
        pledge(alice, GRANT, Asset.ETH, 1 ether);
        settleLate();
        expectNotFinal(Status.Failed);
        pool.claim(alice, GRANT, Asset.ETH);
    }

    function test_Claim_WhenThePledgerRefuses() public {
        address refuser = address(new Refuser());
        pledge(refuser, GRANT, Asset.ETH, 100 ether);
        finish();
        recover(200 ether + 80 ether);
        vm.expectRevert(abi.encodeWithSelector(IRecoveryPool.PaymentFailed.selector, refuser, 10 ether));
        pool.claim(refuser, GRANT, Asset.ETH);
        // It holds back nobody else, and can be paid elsewhere.
        claim(alice, GRANT, Asset.ETH, 40 ether);
        vm.prank(refuser);
        pool.claimTo(GRANT, Asset.ETH, stranger);
        assertEq(stranger.balance, 10 ether);
    }

    function test_Claim_CopiesNoAnswer() public {
        address bomb = address(new ReturnBomb());
        pledge(bomb, GRANT, Asset.ETH, 100 ether);
        finish();
        recover(200 ether + 80 ether);
        uint256 before = gasleft();
        pool.claim(bomb, GRANT, Asset.ETH);
        assertLt(before - gasleft(), GAS_OF_A_BOMB);
        assertEq(bomb.balance, 10 ether);
    }

    /// @dev A claimer that claims again, and deposits, while it is paid gets what is its own, once.
    function test_Claim_Reentered() public {
        Reentrant thief = new Reentrant();
        pledge(address(thief), GRANT, Asset.ETH, 100 ether);
        finish();
        recover(200 ether + 80 ether);
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(IRecoveryPool.claim, (address(thief), GRANT, Asset.ETH));
        calls[1] = abi.encodeCall(IRecoveryPool.claimTo, (GRANT, Asset.ETH, address(thief)));
        thief.arm(address(pool), calls);
        pool.claim(address(thief), GRANT, Asset.ETH);
        assertEq(thief.entries(), 1);
        assertEq(thief.successes(), 0);
        assertEq(address(thief).balance, 10 ether);
        assertEq(address(pool).balance, 270 ether);
    }

    /// @dev Claims between deposits pay in all what one claim at the end does, and the pool is left with the dust.
    function testFuzz_Claim_InAnyOrder(uint96[4] memory amounts, uint32[4] memory pauses, uint8[4] memory claimers)
        public
    {
        finish();
        uint256 deposited;
        uint256 time = FINAL_AT;
        for (uint256 i; i < 4; ++i) {
            time += pauses[i];
            vm.warp(time);
            uint256 amount = bound(amounts[i], 1, 300 ether);
            recover(amount);
            deposited += amount;
            tryClaims(claimers[i]);
        }
        (Wei ofAlice,) = pool.earnings(alice, GRANT, Asset.ETH);
        (Wei ofBob,) = pool.earnings(bob, FULL_GRANT, Asset.StETH);
        (Wei ofCarol,) = pool.earnings(carol, LOAN, Asset.WstETH);
        tryClaims(7);
        assertEq(alice.balance, Wei.unwrap(ofAlice));
        assertEq(bob.balance, Wei.unwrap(ofBob));
        assertEq(carol.balance, Wei.unwrap(ofCarol));
        assertEq(address(pool).balance, deposited - alice.balance - bob.balance - carol.balance);
        assertLt(address(pool).balance, 3);
    }

    /// @dev Those whose bit is set claim what there is for them.
    function tryClaims(uint8 who) internal {
        if (who & 1 != 0) tryClaim(alice, GRANT, Asset.ETH);
        if (who & 2 != 0) tryClaim(bob, FULL_GRANT, Asset.StETH);
        if (who & 4 != 0) tryClaim(carol, LOAN, Asset.WstETH);
    }

    function tryClaim(address pledger, uint8 tier, Asset asset) internal {
        (Wei earned, Wei claimed) = pool.earnings(pledger, tier, asset);
        if (Wei.unwrap(earned) == Wei.unwrap(claimed)) expectNothingToClaim(pledger, tier, asset);
        pool.claim(pledger, tier, asset);
    }
}
