// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { console } from "forge-std/console.sol";

import { CallView, MemberView } from "levee/interfaces/ICompact.sol";
import { Units } from "levee/types/Units.sol";

import { CompactActions } from "./Actions.sol";

/// @notice The actions, for forge and for the count of what they do.
abstract contract CompactSetting is CompactActions {
    function listed() internal pure returns (bytes4[] memory list) {
        list = new bytes4[](17);
        (list[0], list[1], list[2]) = (this.doAdmit.selector, this.doCommit.selector, this.doTakeBack.selector);
        (list[3], list[4], list[5]) = (this.doActivate.selector, this.doNotice.selector, this.doLeave.selector);
        (list[6], list[7], list[8]) = (this.doName.selector, this.doOpenRescue.selector, this.doPropose.selector);
        (list[9], list[10], list[11]) = (this.doCall.selector, this.doApprove.selector, this.doWithdraw.selector);
        (list[12], list[13], list[14]) = (this.doFulfill.selector, this.doPremium.selector, this.doClaim.selector);
        (list[15], list[16]) = (this.doDisturb.selector, this.doWait.selector);
    }
}

/// @notice What must hold for a compact after every call, whoever made it; numbered as in docs/properties.md, with a C.
contract CompactInvariants is CompactSetting {
    function setUp() public override {
        super.setUp();
        targetContract(address(this));
        bytes4[] memory all = new bytes4[](18);
        bytes4[] memory some = listed();
        for (uint256 i; i < some.length; ++i) {
            all[i] = some[i];
        }
        all[17] = this.doFlash.selector;
        targetSelector(FuzzSelector(address(this), all));
    }

    /// @notice The compact has all that is active, pending and earned.
    function invariant_C1_Solvency() public view {
        uint256 owed;
        for (uint256 i; i < people.length; ++i) {
            MemberView memory found = compact.memberOf(people[i]);
            owed += Units.unwrap(found.active) + Units.unwrap(found.pending) + Units.unwrap(found.earned);
        }
        assertGe(wstETH.balanceOf(address(compact)), owed);
    }

    /// @notice Everyone has exactly what the ledger says, gifts became pledges in members' own names, and nothing else
    /// has left.
    function invariant_C2_Exits() public view {
        assertHeld(held);
        assertEq(misplaced, 0, "misplaced");
        for (uint256 i; i < people.length; ++i) {
            assertEq(wstETH.balanceOf(people[i]), persons[people[i]].wallet, vm.toString(people[i]));
        }
        assertEq(wstETH.balanceOf(stranger), 0, "stranger");
    }

    /// @notice A call has taken from each member, once, at most its part of what that had active when it was proposed;
    /// less only from who had left since.
    function invariant_C3_Proportion() public view {
        for (uint256 ask; ask < asks.length; ++ask) {
            for (uint256 i; i < people.length; ++i) {
                (, bool given) = compact.voteOf(ask, people[i]);
                assertEq(given, gave[ask][people[i]] != 0);
                assertLe(gave[ask][people[i]] * 10_000, activeThen[ask][people[i]] * asks[ask].bps);
                assertEq(compact.shareOf(ask, people[i]), shareOf(ask, people[i]), "share");
            }
        }
    }

    /// @notice What gave was approved by the quorum of what was active one second before the proposal, each member
    /// counted once.
    function invariant_C4_Consent() public view {
        for (uint256 ask; ask < asks.length; ++ask) {
            uint256 approvals;
            uint256 active;
            for (uint256 i; i < people.length; ++i) {
                if (approves[ask][people[i]]) approvals += weightThen[ask][people[i]];
                active += activeThen[ask][people[i]];
            }
            CallView memory found = compact.callAt(ask);
            assertEq(found.approvals, approvals, "approvals");
            assertEq(found.active, active, "active");
            assertEq(found.passedAt, asks[ask].passedAt, "passedAt");
            if (asks[ask].startedAt != 0) assertGe(approvals * 10_000, active * QUORUM);
        }
    }

    /// @notice Who had nothing active when a call was proposed neither approves it nor gives to it.
    function invariant_C5_Seasoned() public view {
        for (uint256 ask; ask < asks.length; ++ask) {
            for (uint256 i; i < people.length; ++i) {
                (bool approved, bool given) = compact.voteOf(ask, people[i]);
                assertEq(approved, approves[ask][people[i]]);
                if (activeThen[ask][people[i]] == 0) assertFalse(approved || given);
                if (weightThen[ask][people[i]] == 0) assertFalse(approved);
            }
        }
    }

    /// @notice From this state, whoever has given notice has it in the end, and between notice and leaving one call at
    /// most has taken anything; who has not, gives notice now, and has everything after the notice period.
    function invariant_C6_FreeToGo() public {
        uint256 state = vm.snapshotState();
        address refuge = makeAddr("refuge");
        for (uint256 i; i < people.length; ++i) {
            Person memory person = persons[people[i]];
            bool inTime = vm.getBlockTimestamp() <= person.noticedAt + NOTICE + LEAVE;
            if (person.noticedAt != 0 && inTime) assertLe(person.takers, 1, "calls");
            if (person.active == 0) continue;
            if (person.noticed == 0 || !inTime) notice(people[i], person.active);
            uint256 expected = person.noticed == 0 || !inTime ? person.active : person.noticed;
            uint256 from = person.noticed == 0 || !inTime ? vm.getBlockTimestamp() : person.noticedAt;
            if (vm.getBlockTimestamp() < from + NOTICE) vm.warp(from + NOTICE);
            uint256 before = wstETH.balanceOf(refuge);
            leaveTo(people[i], refuge);
            assertEq(wstETH.balanceOf(refuge), before + expected, "left with");
            vm.revertToState(state);
        }
    }

    /// @notice Each call is for a rescue that was created from the compact's code, under the amendment that was the
    /// latest when it was proposed.
    function invariant_C7_Policy() public view {
        assertEq(compact.callCount(), asks.length);
        for (uint256 ask; ask < asks.length; ++ask) {
            CallView memory found = compact.callAt(ask);
            assertEq(found.escrow, address(rescues[asks[ask].rescue].escrow), "escrow");
            assertEq(found.amendment, asks[ask].amendment, "amendment");
            assertGe(termsOf(asks[ask].rescue).tiers[found.tier].thresholdBps, 5000);
            assertLe(termsOf(asks[ask].rescue).vetoBps, VETO_BPS);
        }
    }

    /// @notice No more is claimed than was paid, and everyone has earned its part by weight, less a unit an accrual.
    function invariant_C8_Premiums() public view {
        uint256 earnedInAll;
        for (uint256 i; i < people.length; ++i) {
            Person memory person = persons[people[i]];
            uint256 earned = person.claimed + Units.unwrap(compact.memberOf(people[i]).earned);
            earnedInAll += earned;
            // The ledger rounds down too: by less than a unit in all.
            assertLe(earned * EXACT, person.exact + EXACT, "more");
            assertGe((earned + person.accruals + 1) * EXACT, person.exact, "less");
        }
        assertLe(earnedInAll, paid);
    }

    /// @notice A second implementation of the rules has the same books.
    function invariant_C11_Agreement() public view {
        for (uint256 i; i < people.length; ++i) {
            Person memory person = persons[people[i]];
            MemberView memory found = compact.memberOf(people[i]);
            assertEq(found.pending, person.pending, "pending");
            assertEq(found.committedAt, person.committedAt, "committedAt");
            assertEq(found.active, person.active, "active");
            assertEq(found.noticed, person.noticed, "noticed");
            assertEq(found.noticedAt, person.noticedAt, "noticedAt");
            assertEq(found.approver, person.approver, "approver");
            (uint256 active, uint256 noticed) = formerly(people[i]);
            (Units activeThen_, Units weight) = compact.standingAt(people[i], vm.getBlockTimestamp() - 1);
            assertEq(activeThen_, active, "formerly active");
            assertEq(weight, active - noticed, "former weight");
            if (person.leftAt == 0 || person.leftAt == vm.getBlockTimestamp()) continue;
            (Units activeLeft,) = compact.standingAt(people[i], person.leftAt);
            assertEq(activeLeft, person.activeLeft, "active when it left");
        }
        (uint256 all, uint256 weightOfAll) = sums();
        assertAll(all, weightOfAll);
    }
}

/// @notice How often each action goes through and is refused, of 3,072 from one seed.
contract CompactMix is CompactSetting {
    uint256 private constant RUNS = 12;
    uint256 private constant DEPTH = 256;

    function test_CallMix() public {
        vm.pauseGasMetering();
        bytes4[] memory list = listed();
        uint256[3][] memory sums_ = new uint256[3][](list.length);
        uint256 start = vm.snapshotState();
        for (uint256 run; run < RUNS; ++run) {
            for (uint256 step; step < DEPTH; ++step) {
                uint256 draw = uint256(keccak256(abi.encode(run, step)));
                (bool success, bytes memory answer) =
                    address(this).call(abi.encodeWithSelector(list[draw % list.length], draw));
                assertTrue(success, vm.toString(answer));
            }
            for (uint256 i; i < list.length; ++i) {
                for (uint256 j; j < 3; ++j) {
                    sums_[i][j] += counts[list[i]][j];
                }
            }
            assertTrue(vm.revertToState(start));
        }
        for (uint256 i; i < list.length; ++i) {
            console.log(vm.toString(list[i]), sums_[i][0], sums_[i][1], sums_[i][2]);
        }
        assertMix(list, sums_);
    }

    /// @dev What happens around a compact, the naming of an approver and new rescues are not refused.
    function assertMix(bytes4[] memory list, uint256[3][] memory found) private pure {
        for (uint256 i; i < list.length; ++i) {
            bool refusable = i != 6 && i != 7 && i < 15;
            if (i != 7) assertGe(found[i][1] * 100, found[i][0] * 3, vm.toString(list[i]));
            if (refusable) assertGe(found[i][2] * 100, found[i][0] * 3, vm.toString(list[i]));
        }
    }
}
