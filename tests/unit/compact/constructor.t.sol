// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CompactTerms, ICompact } from "levee/interfaces/ICompact.sol";

import { CompactTest } from "./CompactTest.sol";

/// constructor
/// ├── it keeps the terms, and emits {CompactCreated}
/// ├── at each bound
/// │   └── it accepts the value
/// └── one beyond each bound
///     └── it reverts with the error of that term
contract CompactConstructorTest is CompactTest {
    /// @dev Changed by a test, and then deployed.
    CompactTerms private changed;

    function setUp() public override {
        super.setUp();
        changed = compactTerms();
    }

    function test_KeepsTheTerms() public {
        vm.expectEmit();
        emit ICompact.CompactCreated(changed);
        deployCompact(changed);
        assertEq(keccak256(abi.encode(compact.terms())), keccak256(abi.encode(changed)));
        assertEq(compact.callCount(), 0);
        (uint256 call, uint40 startedAt) = compact.lastStarted();
        assertEq(call, 0);
        assertEq(startedAt, 0);
    }

    function test_Token() public {
        changed.wstETH = alice;
        expectAccount(ICompact.TokenWithoutCode.selector, alice);
        deployCompact(changed);
    }

    function test_EscrowCodeHash() public {
        changed.escrowCodeHash = 0;
        vm.expectRevert(ICompact.EscrowCodeHashZero.selector);
        deployCompact(changed);
    }

    function test_Quorum() public {
        uint16[2] memory good = [5001, 10_000];
        uint16[2] memory bad = [5000, 10_001];
        for (uint256 i; i < 2; ++i) {
            changed.quorumBps = good[i];
            deployCompact(changed);
            changed.quorumBps = bad[i];
            vm.expectRevert(abi.encodeWithSelector(ICompact.QuorumOutOfBounds.selector, bad[i], 5001, 10_000));
            deployCompact(changed);
        }
    }

    function test_MaxCall() public {
        uint16[2] memory good = [1, 10_000];
        uint16[2] memory bad = [0, 10_001];
        for (uint256 i; i < 2; ++i) {
            changed.maxCallBps = good[i];
            deployCompact(changed);
            changed.maxCallBps = bad[i];
            expectValues(ICompact.MaxCallOutOfBounds.selector, bad[i], 10_000);
            deployCompact(changed);
        }
    }

    function test_VotingPeriod() public {
        changed.votingPeriod = 1 days;
        deployCompact(changed);
        changed.votingPeriod = 1 days - 1;
        expectValues(ICompact.VotingPeriodTooShort.selector, 1 days - 1, 1 days);
        deployCompact(changed);
    }

    function test_FulfillPeriod() public {
        changed.fulfillPeriod = 1 days;
        deployCompact(changed);
        changed.fulfillPeriod = 1 days - 1;
        expectValues(ICompact.FulfillPeriodTooShort.selector, 1 days - 1, 1 days);
        deployCompact(changed);
    }

    function test_NoticePeriod() public {
        changed.noticePeriod = VOTING + FULFILL + 1;
        deployCompact(changed);
        changed.noticePeriod = VOTING + FULFILL;
        expectValues(ICompact.NoticePeriodTooShort.selector, VOTING + FULFILL, VOTING + FULFILL + 1);
        deployCompact(changed);
        // The sum does not overflow.
        (changed.votingPeriod, changed.fulfillPeriod) = (type(uint32).max, type(uint32).max);
        expectValues(ICompact.NoticePeriodTooShort.selector, VOTING + FULFILL, 2 ** 33 - 1);
        deployCompact(changed);
    }

    function test_LeaveWindow() public {
        changed.leaveWindow = 1 days;
        deployCompact(changed);
        changed.leaveWindow = 1 days - 1;
        expectValues(ICompact.LeaveWindowTooShort.selector, 1 days - 1, 1 days);
        deployCompact(changed);
    }

    function test_Seasoning() public {
        changed.seasoning = NOTICE + LEAVE;
        deployCompact(changed);
        changed.seasoning = NOTICE + LEAVE - 1;
        expectValues(ICompact.SeasoningTooShort.selector, NOTICE + LEAVE - 1, NOTICE + LEAVE);
        deployCompact(changed);
    }

    function test_MinThreshold() public {
        uint16[2] memory good = [1, 10_000];
        uint16[2] memory bad = [0, 10_001];
        for (uint256 i; i < 2; ++i) {
            changed.minThresholdBps = good[i];
            deployCompact(changed);
            changed.minThresholdBps = bad[i];
            expectValues(ICompact.MinThresholdOutOfBounds.selector, bad[i], 10_000);
            deployCompact(changed);
        }
    }

    function test_MinObjectionPeriod() public {
        changed.minObjectionPeriod = 1 days;
        deployCompact(changed);
        changed.minObjectionPeriod = 1 days - 1;
        expectValues(ICompact.MinObjectionPeriodTooShort.selector, 1 days - 1, 1 days);
        deployCompact(changed);
    }

    function test_MinExitWindow() public {
        changed.minExitWindow = 1 days;
        deployCompact(changed);
        changed.minExitWindow = 1 days - 1;
        expectValues(ICompact.MinExitWindowTooShort.selector, 1 days - 1, 1 days);
        deployCompact(changed);
    }

    function test_MaxVeto() public {
        uint16[2] memory good = [1, 9999];
        uint16[2] memory bad = [0, 10_000];
        for (uint256 i; i < 2; ++i) {
            changed.maxVetoBps = good[i];
            deployCompact(changed);
            changed.maxVetoBps = bad[i];
            expectValues(ICompact.MaxVetoOutOfBounds.selector, bad[i], 9999);
            deployCompact(changed);
        }
    }

    function test_MaxLock() public {
        changed.maxLock = 1;
        deployCompact(changed);
        changed.maxLock = 0;
        vm.expectRevert(ICompact.MaxLockZero.selector);
        deployCompact(changed);
    }
}
