// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { IStETH } from "levee/interfaces/external/ILido.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// An attacker who picks the second: each call one second before, at, and one second after each time that the terms
/// give it. A row says in three letters whether the call succeeds then: y or n.
///
/// | call      | time                              | before, at, after |
/// |-----------|-----------------------------------|-------------------|
/// | pledge    | deadline, also an amended one     | y y n             |
/// | pledge    | the amendment it names takes effect | y y y           |
/// | decline   | deadline                          | y y n             |
/// | exit      | an amendment takes effect         | y n n             |
/// | amend     | deadline - exitWindow             | y y n             |
/// | amend     | the previous one takes effect     | n y y             |
/// | settle    | deadline, half covered            | n n y             |
/// | settle    | deadline, fully covered           | y y y             |
/// | settle    | an amendment takes effect, fully covered | n y y      |
/// | collect   | any                               | y y y             |
/// | refund(To)| deadline                          | n n y             |
/// | release   | a tranche falls due               | n y y             |
/// | cancel    | the last tranche falls due        | y n n             |
/// | cancel    | the same, after a veto            | y n n             |
/// | refund    | a vetoed tranche would have fallen due | n y y        |
/// | object    | the last tranche falls due        | y n n             |
/// | lapse     | last tranche + releaseWindow      | n n y             |
/// | lapse     | cancellation + releaseWindow      | n n y             |
/// | expire    | deadline + releaseWindow          | n n y             |
/// | add bonus | deadline                          | y y n             |
/// | enlist    | deadline                          | y y n             |
/// | claim it  | deadline + exitWindow, also with the rate unreadable | n n y |
/// | take it back | half of an exit window         | y n n             |
/// | take it back | deadline + exitWindow, if part is the pledgers' | n n y |
contract TimestampsTest is EscrowTest {
    uint40 private constant AMENDED_DEADLINE = DEADLINE + 1 days;

    IBonusPool private bonus;

    function setUp() public override {
        super.setUp();
        bonus = IBonusPool(deployCode("BonusPool.sol:BonusPool", abi.encode(escrow)));
        vm.deal(alice, 10 ether);
    }

    function test_Pledge() public {
        bytes memory call = abi.encodeCall(escrow.pledgeETH, (alice, GRANT, 0));
        check("yyn", DEADLINE, none, address(escrow), alice, 1, call);
        call = abi.encodeCall(escrow.pledgeETH, (alice, GRANT, START + EXIT_WINDOW));
        check("yyn", AMENDED_DEADLINE, amendDeadline, address(escrow), alice, 1, call);
        check("yyy", START + EXIT_WINDOW, amendDeadline, address(escrow), alice, 1, call);
    }

    function test_Decline() public {
        bytes memory call = abi.encodeCall(escrow.decline, (alice, GRANT, Asset.ETH));
        check("yyn", DEADLINE, pledgeHalf, address(escrow), guardian, 0, call);
    }

    function test_Exit() public {
        bytes memory call = abi.encodeCall(escrow.exit, (GRANT, Asset.ETH, alice));
        check("ynn", START + EXIT_WINDOW, pledgeAndAmend, address(escrow), alice, 0, call);
    }

    function test_Amend() public {
        bytes memory call = abi.encodeCall(escrow.amend, (Wei.wrap(TARGET), AMENDED_DEADLINE, TERMS_HASH));
        check("yyn", DEADLINE - EXIT_WINDOW, none, address(escrow), guardian, 0, call);
        check("nyy", START + EXIT_WINDOW, amendDeadline, address(escrow), guardian, 0, call);
    }

    /// @dev The new deadline must be later than the end of the exit window.
    function test_Amend_NewDeadline() public {
        vm.warp(START);
        for (uint256 late; late < 3; ++late) {
            vm.prank(guardian);
            bytes memory call =
                abi.encodeCall(escrow.amend, (Wei.wrap(TARGET), uint40(START + EXIT_WINDOW - 1 + late), TERMS_HASH));
            (bool success,) = address(escrow).call(call);
            assertEq(success, late == 2);
        }
    }

    function test_Settle() public {
        bytes memory call = abi.encodeCall(escrow.settle, ());
        check("nny", DEADLINE, pledgeHalf, address(escrow), stranger, 0, call);
        check("yyy", DEADLINE, pledgeFull, address(escrow), stranger, 0, call);
    }

    function test_Settle_Amended() public {
        bytes memory call = abi.encodeCall(escrow.settle, ());
        check("nyy", START + EXIT_WINDOW, coverAndAmend, address(escrow), stranger, 0, call);
    }

    /// @dev At any time: what is owed does not depend on the clock.
    function test_Collect() public {
        bytes memory call = abi.encodeCall(escrow.collect, (bob, Asset.StETH));
        check("yyy", DEADLINE, oweBob, address(escrow), stranger, 0, call);
        check("yyy", DEADLINE + RELEASE_WINDOW, oweBob, address(escrow), stranger, 0, call);
    }

    function test_Refund() public {
        bytes memory call = abi.encodeCall(escrow.refund, (carol, LOAN, Asset.WstETH));
        check("nny", DEADLINE, pledgeHalf, address(escrow), stranger, 0, call);
        call = abi.encodeCall(escrow.refundTo, (LOAN, Asset.WstETH, bob));
        check("nny", DEADLINE, pledgeHalf, address(escrow), carol, 0, call);
    }

    function test_Release() public {
        bytes memory call = abi.encodeCall(escrow.release, (Asset.ETH));
        check("nyy", trancheAt(SETTLED_AT, 1), settleHalf, address(escrow), stranger, 0, call);
        check("nyy", trancheAt(SETTLED_AT, TRANCHES), releaseThree, address(escrow), stranger, 0, call);
    }

    function test_Cancel() public {
        bytes memory call = abi.encodeCall(escrow.cancel, ());
        check("ynn", trancheAt(SETTLED_AT, TRANCHES), settleHalf, address(escrow), guardian, 0, call);
    }

    function test_Cancel_Vetoed() public {
        bytes memory call = abi.encodeCall(escrow.cancel, ());
        check("ynn", trancheAt(SETTLED_AT, TRANCHES), vetoHalf, address(escrow), guardian, 0, call);
    }

    /// @dev What a veto stopped goes back at each tranche's time.
    function test_Refund_Vetoed() public {
        bytes memory call = abi.encodeCall(escrow.refund, (alice, GRANT, Asset.ETH));
        check("nyy", trancheAt(SETTLED_AT, 1), vetoHalf, address(escrow), stranger, 0, call);
        check("nyy", trancheAt(SETTLED_AT, TRANCHES), vetoAndRefundThree, address(escrow), stranger, 0, call);
    }

    function test_Object() public {
        bytes memory call = abi.encodeCall(escrow.object, (GRANT, Asset.ETH));
        check("ynn", trancheAt(SETTLED_AT, TRANCHES), settleHalf, address(escrow), alice, 0, call);
    }

    function test_Lapse() public {
        bytes memory call = abi.encodeCall(escrow.lapse, ());
        uint256 limit = trancheAt(SETTLED_AT, TRANCHES) + RELEASE_WINDOW;
        check("nny", limit, settleHalf, address(escrow), stranger, 0, call);
        limit = trancheAt(SETTLED_AT, 1) + RELEASE_WINDOW;
        check("nny", limit, cancelAtTheFirst, address(escrow), stranger, 0, call);
    }

    function test_Expire() public {
        bytes memory call = abi.encodeCall(escrow.expire, ());
        check("nny", DEADLINE + RELEASE_WINDOW, pledgeAndBreak, address(escrow), stranger, 0, call);
    }

    function test_Bonus() public {
        bytes memory call = abi.encodeCall(bonus.add, (alice));
        check("yyn", DEADLINE, none, address(bonus), alice, 1, call);
        call = abi.encodeCall(bonus.enlist, (alice, GRANT, Asset.ETH));
        check("yyn", DEADLINE, pledgeHalf, address(bonus), stranger, 0, call);
        call = abi.encodeCall(bonus.claim, (alice, GRANT, Asset.ETH));
        check("nny", DEADLINE + EXIT_WINDOW, pledgeLittle, address(bonus), stranger, 0, call);
        check("nny", DEADLINE + EXIT_WINDOW, failAndBreak, address(bonus), stranger, 0, call);
    }

    /// @dev Until half of the exit window is over; and once a covered rescue is settled.
    function test_Bonus_TakenBack() public {
        bytes memory call = abi.encodeCall(bonus.takeBack, (alice));
        check("ynn", START + EXIT_WINDOW / 2, addAndAmend, address(bonus), alice, 0, call);
        check("nny", DEADLINE + EXIT_WINDOW, pledgeSome, address(bonus), alice, 0, call);
    }

    // ---------------------------------------------------------------- what comes before

    function none() private pure { }

    function amendDeadline() private {
        amend(TARGET, AMENDED_DEADLINE, TERMS_HASH);
    }

    function coverAndAmend() private {
        pledgeFull();
        amendTarget(TARGET);
    }

    function oweBob() private {
        pledgeHalf();
        stETH.stop();
        vm.prank(guardian);
        escrow.decline(bob, GRANT, Asset.StETH);
        stETH.resume();
    }

    function vetoHalf() private {
        settleHalf();
        vm.prank(alice);
        escrow.object(GRANT, Asset.ETH);
    }

    function vetoAndRefundThree() private {
        vetoHalf();
        vm.warp(trancheAt(SETTLED_AT, 3));
        escrow.refund(alice, GRANT, Asset.ETH);
    }

    function pledgeAndAmend() private {
        pledgeHalf();
        amendTarget(TARGET);
    }

    function settleHalf() private {
        pledgeHalf();
        settleLate();
    }

    function releaseThree() private {
        settleHalf();
        vm.warp(trancheAt(SETTLED_AT, 3));
        escrow.release(Asset.ETH);
    }

    function cancelAtTheFirst() private {
        settleHalf();
        vm.warp(trancheAt(SETTLED_AT, 1));
        vm.prank(guardian);
        escrow.cancel();
    }

    function pledgeAndBreak() private {
        pledgeHalf();
        vm.mockCallRevert(address(stETH), abi.encodeWithSelector(IStETH.getPooledEthByShares.selector), "down");
    }

    function pledgeLittle() private {
        pledge(alice, GRANT, Asset.ETH, 1 ether);
        pledge(bob, GRANT, Asset.StETH, 1 ether);
        bonus.enlist(alice, GRANT, Asset.ETH);
        bonus.enlist(bob, GRANT, Asset.StETH);
        vm.prank(alice);
        bonus.add{ value: 1 ether }(alice);
    }

    function addAndAmend() private {
        vm.prank(alice);
        bonus.add{ value: 1 ether }(alice);
        amendTarget(TARGET);
    }

    /// @dev Half of it settles; the rest gets its part of the bonus, and alice the other.
    function pledgeSome() private {
        pledge(alice, GRANT, Asset.ETH, 500 ether);
        pledge(bob, FULL_GRANT, Asset.ETH, 100 ether);
        bonus.enlist(alice, GRANT, Asset.ETH);
        bonus.enlist(bob, FULL_GRANT, Asset.ETH);
        vm.prank(alice);
        bonus.add{ value: 1 ether }(alice);
    }

    /// @dev The rescue fails in time, and then the rate is lost before anyone claims the bonus.
    function failAndBreak() private {
        pledgeLittle();
        settleLate();
        vm.mockCallRevert(address(stETH), abi.encodeWithSelector(IStETH.getPooledEthByShares.selector), "down");
    }

    // ---------------------------------------------------------------- a row

    /// @dev Makes the call, after `prepare`, in the three seconds around `time`.
    function check(
        bytes3 row,
        uint256 time,
        function() internal prepare,
        address target,
        address caller,
        uint256 value,
        bytes memory call
    ) private {
        uint256 start = vm.snapshotState();
        for (uint256 i; i < 3; ++i) {
            prepare();
            vm.warp(time + i - 1);
            vm.prank(caller);
            (bool success,) = target.call{ value: value }(call);
            assertEq(success, row[i] == "y", string.concat("second ", vm.toString(i), " of 0, 1, 2"));
            vm.clearMockedCalls();
            assertTrue(vm.revertToState(start));
        }
    }
}
