// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { IStakedEtherUnwinder } from "levee/interfaces/IStakedEtherUnwinder.sol";
import { Asset, StETHAmount, Wei } from "levee/types/Units.sol";

import { WithdrawalQueue } from "../../lido/WithdrawalQueue.sol";
import { EscrowTest } from "../../util/EscrowTest.sol";
import { ForceEther, Reentrant, Refuser } from "../../util/Receivers.sol";
import { GAS_OF_A_BOMB, ReturnBomb } from "../satellites/ReturnBomb.sol";

/// @notice A share is worth 1.2 ETH, unless a test rebases.
///
/// constructor
/// ├── it records the queue, its two tokens and the recipient
/// └── when the recipient is zero or the unwinder
///     └── it reverts with {InvalidAccount}
/// request
/// ├── it requests all stETH, and all wstETH unwrapped, in the most the queue takes at once and one remainder
/// ├── given a remainder of less than the least
/// │   └── it stays until more comes
/// ├── given more than 32 requests' worth
/// │   └── it makes 32, and the next call goes on
/// ├── given a rate at which every transfer rounds, or a rebase before
/// │   └── it goes through, and leaves less than the least
/// ├── given the queue or stETH is paused
/// │   └── it reverts with their error, and goes through later
/// ├── given the queue's bounds change
/// │   └── it keeps to them
/// └── when less than the least is here
///     └── it reverts with {NothingToRequest}
/// claim
/// ├── it claims finalized requests, whoever made them, and sends all ETH to the recipient
/// ├── given a slashing before the finalization
/// │   └── it sends what the queue pays
/// ├── given the queue or stETH is paused
/// │   └── it claims all the same
/// ├── given one is not finalized, or claimed already
/// │   └── it reverts with the queue's error
/// └── given a recipient that refuses ETH
///     └── it reverts with {PaymentFailed}, and goes through later
/// forward
/// ├── it sends all ETH to the recipient, that which is forced in included
/// ├── given a recipient that calls back
/// │   └── it is paid once
/// ├── what the recipient answers is not copied
/// ├── when the recipient refuses
/// │   └── it reverts with {PaymentFailed}
/// └── when there is no ETH
///     └── it reverts with {NothingToForward}
contract StakedEtherUnwinderTest is EscrowTest {
    uint256 private constant MOST = 1000 ether;
    uint256 private constant LEAST = 100;
    /// @dev Of one call to the model, which has no proxies; the real queue's code takes 1 % more.
    uint256 private constant GAS_OF_REQUEST = 5_000_000;

    /// @dev Days later stETH has earned something, which requests have no part in.
    uint256 private constant RATE_LATER = 1.201e27;

    address private immutable recipient = makeAddr("recipient");

    WithdrawalQueue private queue;
    IStakedEtherUnwinder private unwinder;

    function setUp() public override {
        super.setUp();
        queue = new WithdrawalQueue(wstETH);
        unwinder = deployUnwinder(recipient);
    }

    // ---------------------------------------------------------------- constructor

    function test_Constructor() public view {
        assertEq(unwinder.withdrawalQueue(), address(queue));
        assertEq(unwinder.stETH(), address(stETH));
        assertEq(unwinder.wstETH(), address(wstETH));
        assertEq(unwinder.recipient(), recipient);
    }

    function test_RevertWhen_RecipientInvalid() public {
        vm.expectRevert(abi.encodeWithSelector(IStakedEtherUnwinder.InvalidAccount.selector, address(0)));
        deployUnwinder(address(0));
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectRevert(abi.encodeWithSelector(IStakedEtherUnwinder.InvalidAccount.selector, next));
        deployUnwinder(next);
    }

    // ---------------------------------------------------------------- request

    function test_Request_StETH() public {
        give(Asset.StETH, 10 ether);
        request(12 ether, 1);
        assertRequest(1, 12 ether, 10 ether);
        assertEq(stETH.sharesOf(address(queue)), 10 ether);
    }

    function test_Request_WstETH() public {
        give(Asset.WstETH, 10 ether);
        request(12 ether, 1);
        assertRequest(1, 12 ether, 10 ether);
        assertEq(wstETH.balanceOf(address(unwinder)), 0);
    }

    function test_Request_Both_InFullRequestsAndARemainder() public {
        give(Asset.StETH, 1000 ether);
        give(Asset.WstETH, 1500 ether);
        request(3000 ether, 3);
        assertRequest(1, MOST, MOST * 10 / 12);
        assertRequest(3, MOST, MOST * 10 / 12);

        // Three thirds of a share were not moved: one share stayed, and comes along.
        assertEq(stETH.sharesOf(address(unwinder)), 1);
        give(Asset.StETH, 1000 ether);
        request(1200 ether + 1, 2);
        assertRequest(4, MOST, MOST * 10 / 12);
        assertRequest(5, 200 ether + 1, 166_666_666_666_666_666_667);
    }

    function test_Request_TheBounds() public {
        oneForOne();
        give(Asset.StETH, LEAST - 1);
        expectNothingToRequest(LEAST - 1);
        unwinder.request();

        give(Asset.StETH, 1);
        request(LEAST, 1);
        give(Asset.StETH, MOST);
        request(MOST, 1);
        give(Asset.StETH, MOST + LEAST);
        request(MOST + LEAST, 2);
        assertRequest(4, LEAST, LEAST);
    }

    function test_Request_ASmallRemainderWaits() public {
        oneForOne();
        give(Asset.StETH, MOST + LEAST - 1);
        request(MOST, 1);
        assertEq(stETH.balanceOf(address(unwinder)), LEAST - 1);
        expectNothingToRequest(LEAST - 1);
        unwinder.request();

        give(Asset.WstETH, 1);
        request(LEAST, 1);
        assertEq(stETH.sharesOf(address(unwinder)), 0);
    }

    /// @dev The rescue of 2026 in one asset: 69 requests, in three calls, each far from the cap of a transaction.
    function test_Request_69000() public {
        oneForOne();
        give(Asset.StETH, 68_999 ether);
        give(Asset.WstETH, 1 ether);
        requestCheaply(32_000 ether, 32);
        requestCheaply(32_000 ether, 32);
        requestCheaply(5000 ether, 5);
        assertEq(queue.getWithdrawalRequests(address(unwinder)).length, 69);
        assertEq(queue.unfinalizedStETH(), 69_000 ether);
        expectNothingToRequest(0);
        unwinder.request();
    }

    /// @dev At any rate and of any amount: the call goes through, asks for no more than there is, and leaves less than one
    /// request could be of, or what is for the next call.
    function testFuzz_Request_Rounding(uint256 pooled, uint256 shares, uint256 units) public {
        stETH.setTotalPooledEther(bound(pooled, 1_500_000 ether, 10_000_000 ether));
        give(Asset.StETH, bound(shares, 2 * LEAST, 20_000 ether));
        give(Asset.WstETH, bound(units, 0, 5000 ether));
        uint256 value =
            stETH.balanceOf(address(unwinder)) + stETH.getPooledEthByShares(wstETH.balanceOf(address(unwinder)));
        uint256 held = stETH.sharesOf(address(unwinder)) + wstETH.balanceOf(address(unwinder));

        unwinder.request();
        uint256 requested = queue.unfinalizedStETH();
        assertLe(requested, value + 1);
        uint256 left = stETH.balanceOf(address(unwinder));
        if (value < 32 * MOST) {
            // Each transfer of stETH rounds down by less than a share.
            assertLt(left, LEAST + 40 * 5, "more than dust is left");
        } else {
            assertApproxEqAbs(requested, 32 * MOST, 2);
        }
        assertEq(stETH.allowance(address(unwinder), address(queue)), 0);
        // Unwrapping rounds twice, by less than a share each time; the rest is here or in the queue.
        uint256 kept = stETH.sharesOf(address(unwinder)) + stETH.sharesOf(address(queue));
        assertLe(kept, held);
        assertGe(kept + 2, held);
    }

    /// @dev A slashing between the release and the request: what is left of it is requested.
    function test_Request_AfterASlashing() public {
        give(Asset.StETH, 100 ether);
        stETH.setTotalPooledEther(1_200_000 ether);
        request(60 ether, 1);
        assertRequest(1, 60 ether, 100 ether);
    }

    function test_Request_PausedQueue() public {
        give(Asset.StETH, 10 ether);
        give(Asset.WstETH, 10 ether);
        queue.pauseFor(1 days);
        vm.expectRevert(WithdrawalQueue.ResumedExpected.selector);
        unwinder.request();
        assertEq(stETH.sharesOf(address(unwinder)), 10 ether);
        assertEq(wstETH.balanceOf(address(unwinder)), 10 ether);
        vm.warp(START + 1 days);
        request(24 ether, 1);
    }

    function test_Request_PausedStETH() public {
        give(Asset.StETH, 10 ether);
        stETH.stop();
        vm.expectRevert("CONTRACT_IS_STOPPED");
        unwinder.request();
        give(Asset.WstETH, 10 ether);
        vm.expectRevert("CONTRACT_IS_STOPPED");
        unwinder.request();
        stETH.resume();
        request(24 ether, 1);
    }

    function test_Request_InBunkerMode() public {
        queue.onOracleReport(true, START - 2, START - 1);
        give(Asset.StETH, 10 ether);
        request(12 ether, 1);
    }

    function test_Request_KeepsToTheQueuesBounds() public {
        vm.mockCall(address(queue), abi.encodeCall(queue.MAX_STETH_WITHDRAWAL_AMOUNT, ()), abi.encode(7 ether));
        vm.mockCall(address(queue), abi.encodeCall(queue.MIN_STETH_WITHDRAWAL_AMOUNT, ()), abi.encode(1 ether));
        give(Asset.StETH, 12 ether);
        request(14 ether, 2);
        assertRequest(2, 7 ether, 5_833_333_333_333_333_333);
        assertEq(stETH.balanceOf(address(unwinder)), 0.4 ether);
        expectNothingToRequest(0.4 ether, 1 ether);
        unwinder.request();
    }

    /// @dev Anyone may feed it by dust; that costs nobody but them, and nothing here loops over requests.
    function test_Request_FedByDust() public {
        oneForOne();
        for (uint256 i; i < 50; ++i) {
            give(Asset.StETH, LEAST);
            request(LEAST, 1);
        }
        give(Asset.StETH, MOST);
        requestCheaply(MOST, 1);
    }

    function test_RevertWhen_NothingIsHere() public {
        expectNothingToRequest(0);
        unwinder.request();
    }

    // ---------------------------------------------------------------- claim

    function test_Claim() public {
        give(Asset.StETH, 1500 ether);
        request(1800 ether, 2);
        finalize(2, RATE_LATER);
        claim(1, 2, 1800 ether);
        assertEq(queue.getWithdrawalRequests(address(unwinder)).length, 0);
        assertEq(queue.getLockedEtherAmount(), 0);
    }

    function test_Claim_InParts_WithEtherThatCameOtherwise() public {
        give(Asset.StETH, 2500 ether);
        request(3000 ether, 3);
        finalize(1, RATE_LATER);
        giveEther(5 ether);
        claim(1, 1, 1005 ether);
        finalize(3, RATE_LATER);
        claim(2, 3, 2000 ether);
        assertEq(recipient.balance, 3005 ether);
    }

    /// @dev At the rate of the request itself a share pays what it is worth, up to 2 wei less than was requested.
    function test_Claim_WithoutARebase() public {
        give(Asset.StETH, 1500 ether);
        request(1800 ether, 2);
        finalize(2, 1.2e27);
        claim(1, 2, 1800 ether - 2);
    }

    /// @dev A third is slashed before the finalization: a share pays 0.8, not 1.2.
    function test_Claim_AfterASlashing() public {
        give(Asset.StETH, 1500 ether);
        request(1800 ether, 2);
        finalize(2, 0.8e27);
        // floor(floor(1,000 / 1.2) * 0.8) and floor(floor(800 / 1.2) * 0.8)
        claim(1, 2, 666_666_666_666_666_666_666 + 533_333_333_333_333_333_332);
    }

    function test_Claim_OfAGift() public {
        stETH.approve(address(queue), 3 ether);
        uint256[] memory amounts = new uint256[](1);
        amounts[0] = 3 ether;
        queue.requestWithdrawals(amounts, address(unwinder));
        finalize(1, RATE_LATER);
        claim(1, 1, 3 ether);
    }

    function test_Claim_WhilePaused() public {
        give(Asset.StETH, 10 ether);
        request(12 ether, 1);
        finalize(1, RATE_LATER);
        queue.pauseFor(queue.PAUSE_INFINITELY());
        stETH.stop();
        claim(1, 1, 12 ether);
    }

    function test_Claim_OneIsNotFinalizedOrClaimedAlready() public {
        give(Asset.StETH, 2500 ether);
        request(3000 ether, 3);
        finalize(2, RATE_LATER);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.RequestNotFoundOrNotFinalized.selector, 3));
        unwinder.claim(range(1, 3), hints(3));

        claim(2, 2, 1000 ether);
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.RequestAlreadyClaimed.selector, 2));
        unwinder.claim(range(1, 2), hints(2));
        vm.expectRevert(abi.encodeWithSelector(WithdrawalQueue.ArraysLengthMismatch.selector, 1, 2));
        unwinder.claim(range(1, 1), hints(2));
        claim(1, 1, 1000 ether);
    }

    function test_Claim_ARecipientThatRefuses() public {
        Refuser refuser = new Refuser();
        unwinder = deployUnwinder(address(refuser));
        give(Asset.StETH, 10 ether);
        request(12 ether, 1);
        finalize(1, RATE_LATER);
        expectPaymentFailed(address(refuser), 12 ether);
        unwinder.claim(range(1, 1), hints(1));
        assertEq(queue.getWithdrawalRequests(address(unwinder)), range(1, 1));

        refuser.relent();
        unwinder.claim(range(1, 1), hints(1));
        assertEq(address(refuser).balance, 12 ether);
    }

    // ---------------------------------------------------------------- forward

    function test_Forward() public {
        giveEther(5);
        vm.deal(address(this), 2);
        new ForceEther{ value: 2 }(payable(address(unwinder)));
        vm.expectEmit(address(unwinder));
        emit IStakedEtherUnwinder.Forwarded(Wei.wrap(7));
        vm.prank(stranger);
        unwinder.forward();
        assertEq(recipient.balance, 7);
        vm.expectRevert(IStakedEtherUnwinder.NothingToForward.selector);
        unwinder.forward();
    }

    function test_Forward_ARecipientThatCallsBack() public {
        Reentrant attacker = new Reentrant();
        unwinder = deployUnwinder(address(attacker));
        give(Asset.StETH, 2500 ether);
        request(3000 ether, 3);
        finalize(2, RATE_LATER);
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(unwinder.forward, ());
        calls[1] = abi.encodeCall(unwinder.claim, (range(1, 1), hints(1)));
        calls[2] = abi.encodeCall(unwinder.request, ());
        attacker.arm(address(unwinder), calls);
        unwinder.claim(range(1, 1), hints(1));
        assertEq(attacker.successes(), 0);
        assertEq(address(attacker).balance, 1000 ether);

        // It may push along what anyone may: that pays it what it is owed, once.
        calls = new bytes[](1);
        calls[0] = abi.encodeCall(unwinder.claim, (range(2, 2), hints(1)));
        attacker.arm(address(unwinder), calls);
        giveEther(1 ether);
        unwinder.forward();
        assertEq(attacker.successes(), 1);
        assertEq(address(attacker).balance, 2001 ether);
        assertEq(address(unwinder).balance, 0);
    }

    function test_Forward_CopiesNoAnswer() public {
        address bomb = address(new ReturnBomb());
        unwinder = deployUnwinder(bomb);
        giveEther(9);
        uint256 before = gasleft();
        unwinder.forward();
        assertLt(before - gasleft(), GAS_OF_A_BOMB);
        assertEq(bomb.balance, 9);
    }

    function test_RevertWhen_TheRecipientRefuses() public {
        address refuser = address(new Refuser());
        unwinder = deployUnwinder(refuser);
        giveEther(9);
        expectPaymentFailed(refuser, 9);
        unwinder.forward();
        assertEq(address(unwinder).balance, 9);
    }

    // ---------------------------------------------------------------- as a beneficiary

    /// @dev 400 ETH, and 500 shares in stETH and wstETH that are worth 600 ETH.
    function test_Beneficiary_EndToEnd() public {
        Terms memory terms = defaultTerms();
        terms.beneficiary = address(unwinder);
        escrow = deploy(terms);
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 4));
        escrow.release(Asset.ETH);
        escrow.release(Asset.StETH);
        escrow.release(Asset.WstETH);

        request(600 ether, 1);
        unwinder.forward();
        assertEq(recipient.balance, 400 ether);
        finalize(1, RATE_LATER);
        claim(1, 1, 600 ether);
        assertEq(recipient.balance, 1000 ether);
    }

    // ---------------------------------------------------------------- helpers

    function deployUnwinder(address recipient_) private returns (IStakedEtherUnwinder) {
        bytes memory arguments = abi.encode(queue, recipient_);
        return IStakedEtherUnwinder(payable(deployCode("StakedEtherUnwinder.sol:StakedEtherUnwinder", arguments)));
    }

    /// @dev A share is worth 1 ETH.
    function oneForOne() private {
        stETH.setTotalPooledEther(2_000_000 ether);
    }

    function give(Asset asset, uint256 amount) private {
        fund(address(unwinder), asset, amount);
    }

    /// @dev Sends ETH to the unwinder, as a release does.
    function giveEther(uint256 amount) private {
        vm.deal(address(this), amount);
        (bool taken,) = address(unwinder).call{ value: amount }("");
        assertTrue(taken);
    }

    /// @dev Requests, by whoever comes, and expects so much in so many requests, and no allowance after it.
    function request(uint256 amount, uint256 count) private {
        vm.expectEmit(address(unwinder));
        emit IStakedEtherUnwinder.Requested(StETHAmount.wrap(amount), count);
        vm.prank(stranger);
        unwinder.request();
        assertEq(stETH.allowance(address(unwinder), address(queue)), 0);
    }

    function requestCheaply(uint256 amount, uint256 count) private {
        uint256 before = gasleft();
        request(amount, count);
        assertLt(before - gasleft(), GAS_OF_REQUEST);
    }

    /// @dev Finalizes the requests up to `last` as Lido does, at so many wei per 10^27 shares.
    function finalize(uint256 last, uint256 rate) private {
        uint256[] memory batches = range(last, last);
        (uint256 amount,) = queue.prefinalize(batches, rate);
        vm.deal(address(this), amount);
        queue.finalize{ value: amount }(last, rate);
    }

    /// @dev Claims requests, by whoever comes, and expects the recipient to get so much.
    function claim(uint256 first, uint256 last, uint256 amount) private {
        uint256[] memory ids = range(first, last);
        uint256[] memory found = queue.findCheckpointHints(ids, 1, queue.getLastCheckpointIndex());
        uint256 before = recipient.balance;
        vm.expectEmit(address(unwinder));
        emit IStakedEtherUnwinder.Forwarded(Wei.wrap(amount));
        vm.prank(stranger);
        unwinder.claim(ids, found);
        assertEq(recipient.balance - before, amount);
        assertEq(address(unwinder).balance, 0);
    }

    function range(uint256 first, uint256 last) private pure returns (uint256[] memory ids) {
        ids = new uint256[](last - first + 1);
        for (uint256 i; i < ids.length; ++i) {
            ids[i] = first + i;
        }
    }

    /// @dev So many times the first checkpoint.
    function hints(uint256 count) private pure returns (uint256[] memory list) {
        list = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            list[i] = 1;
        }
    }

    function assertRequest(uint256 id, uint256 amount, uint256 shares) private view {
        WithdrawalQueue.WithdrawalRequestStatus memory status = queue.getWithdrawalStatus(range(id, id))[0];
        assertEq(status.amountOfStETH, amount, "amountOfStETH");
        assertEq(status.amountOfShares, shares, "amountOfShares");
        assertEq(status.owner, address(unwinder), "owner");
    }

    function expectNothingToRequest(uint256 held) private {
        expectNothingToRequest(held, LEAST);
    }

    function expectNothingToRequest(uint256 held, uint256 least) private {
        vm.expectRevert(abi.encodeWithSelector(IStakedEtherUnwinder.NothingToRequest.selector, held, least));
    }

    function expectPaymentFailed(address account, uint256 amount) private {
        vm.expectRevert(abi.encodeWithSelector(IStakedEtherUnwinder.PaymentFailed.selector, account, amount));
    }
}
