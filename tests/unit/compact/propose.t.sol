// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CallView, CompactTerms, ICompact } from "levee/interfaces/ICompact.sol";
import { Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { units } from "../../util/EscrowTest.sol";
import { RevertBomb } from "../../util/Rates.sol";
import { CompactTest } from "./CompactTest.sol";

/// propose
/// ├── by a member with weight one second before, or its approver, it records the call and emits {Proposed}
/// ├── by anyone else it reverts with {NotApprover}
/// ├── without weight one second before it reverts with {NoWeight}, whatever is active now
/// ├── with bps of 0 or beyond the most, it reverts with {BpsOutOfBounds}
/// ├── with other code, or no data, it reverts with {WrongEscrowCode}
/// ├── when no escrow follows from the terms, or it was created in another way, it reverts with {NoEscrow}
/// ├── at each bound of the policy it accepts the rescue; one beyond, it reverts with the error of that bound
/// ├── given the rescue takes no pledges, it reverts with {NotPledging}
/// ├── when its latest deadline is before voting and fulfillment end, it reverts with {DeadlineTooEarly}
/// ├── when it asks for more than is missing, it reverts with {CallTooLarge}
/// ├── when the rate cannot be read it reverts with {RateUnreadable}
/// └── any number of calls can be proposed
contract CompactProposeTest is CompactTest {
    uint40 private constant NOW = uint40(PROPOSED_AT);

    function test_Propose() public {
        vm.expectEmit(address(compact));
        emit ICompact.Proposed(0, alice, address(escrow), LOAN, HALF, 0, units(1000 ether), NOW);
        assertEq(proposeHalf(), 0);
        CallView memory expected = CallView({
            escrow: address(escrow),
            tier: LOAN,
            bps: HALF,
            proposedAt: NOW,
            amendment: 0,
            active: units(1000 ether),
            required: units(700 ether),
            approvals: units(0),
            passedAt: 0
        });
        assertEq(keccak256(abi.encode(compact.callAt(0))), keccak256(abi.encode(expected)));
        assertVote(0, alice, false, false);
        assertEq(compact.shareOf(0, bob), 150 ether);
        assertEq(compact.shareOf(0, dave), 0);
    }

    function test_Propose_ManyCalls() public {
        assertEq(proposeHalf(), 0);
        assertEq(propose(bob, defaultTerms(), GRANT, 1), 1);
        assertEq(proposeHalf(), 2);
        assertEq(compact.callCount(), 3);
        vm.expectRevert(abi.encodeWithSelector(ICompact.UnknownCall.selector, 3, 3));
        compact.callAt(3);
        vm.expectRevert(abi.encodeWithSelector(ICompact.UnknownCall.selector, 3, 3));
        compact.shareOf(3, alice);
    }

    // ---------------------------------------------------------------- who

    function test_Propose_ByTheApprover() public {
        nameApprover(carol, dave);
        proposeBy(dave, carol, defaultTerms(), LOAN, HALF);
        assertEq(compact.callCount(), 1);
        nameApprover(carol, address(0));
        refuseApprover(dave, carol);
    }

    function test_Propose_RevertWhen_ByAnotherMember() public {
        refuseApprover(bob, alice);
    }

    function test_Propose_RevertWhen_NoWeight() public {
        admit(dave);
        expectNoWeight(dave, NOW - 1);
        propose(dave, defaultTerms(), LOAN, HALF);
    }

    /// @dev Money that counts since this second does not propose in it.
    function test_Propose_OneSecondAfterActivation() public {
        join(dave, 1);
        vm.warp(NOW + SEASONING);
        escrow = create(anotherTerms("later"));
        activate(dave);
        expectNoWeight(dave, NOW + SEASONING - 1);
        propose(dave, anotherTerms("later"), LOAN, 1);
        Terms memory terms = anotherTerms("later");
        vm.warp(NOW + SEASONING + 1);
        propose(dave, terms, LOAN, 1);
    }

    /// @dev Notice in this second changes nothing; in the one before it does.
    function test_Propose_RevertWhen_AllIsUnderNotice() public {
        notice(carol, 100 ether);
        propose(carol, defaultTerms(), LOAN, HALF);
        vm.warp(NOW + 1);
        expectNoWeight(carol, NOW);
        propose(carol, defaultTerms(), LOAN, HALF);
        // What is under notice counts in the quorum all the same.
        assertEq(compact.callAt(proposeHalf()).required, 700 ether);
    }

    function test_Propose_RevertWhen_BpsOutOfBounds() public {
        expectValues(ICompact.BpsOutOfBounds.selector, 0, HALF);
        propose(alice, defaultTerms(), LOAN, 0);
        expectValues(ICompact.BpsOutOfBounds.selector, HALF + 1, HALF);
        propose(alice, defaultTerms(), LOAN, HALF + 1);
    }

    // ---------------------------------------------------------------- which rescue

    function test_Propose_RevertWhen_CodeDiffers() public {
        bytes memory code = vm.getCode("PledgeEscrow.sol:PledgeEscrow");
        bytes32 genuine = keccak256(code);
        store(bytes.concat(code, hex"00"));
        expectCode(keccak256(bytes.concat(code, hex"00")), genuine);
        proposeHalf();
        delete chunks;
        expectCode(keccak256(""), genuine);
        proposeHalf();
        // An account without code, and code of one byte, hold no data.
        chunks.push(dave);
        vm.etch(bob, hex"00");
        chunks.push(bob);
        expectCode(keccak256(""), genuine);
        proposeHalf();
    }

    /// @dev Data is read in order, however it is divided.
    function test_Propose_CodeInManyParts() public {
        bytes memory code = vm.getCode("PledgeEscrow.sol:PledgeEscrow");
        delete chunks;
        uint256[4] memory ends = [uint256(1), 33, 10_000, code.length];
        uint256 from;
        for (uint256 part; part < ends.length; ++part) {
            bytes memory data = new bytes(ends[part] - from);
            for (uint256 i; i < data.length; ++i) {
                data[i] = code[from + i];
            }
            address chunk = vm.randomAddress();
            vm.etch(chunk, bytes.concat(hex"00", data));
            chunks.push(chunk);
            chunks.push(dave);
            from = ends[part];
        }
        proposeHalf();
        assertEq(compact.callAt(0).escrow, address(escrow));
    }

    function test_Propose_RevertWhen_ThereIsNoEscrow() public {
        Terms memory terms = defaultTerms();
        terms.termsHash = "another";
        address expected = address(create(terms));
        vm.etch(expected, "");
        expectAccount(ICompact.NoEscrow.selector, expected);
        propose(alice, terms, LOAN, HALF);
    }

    /// @dev The same code with the same terms, at another address: nobody is called there.
    function test_Propose_RevertWhen_CreatedInAnotherWay() public {
        Terms memory terms = defaultTerms();
        terms.termsHash = "another";
        deploy(terms);
        vm.expectPartialRevert(ICompact.NoEscrow.selector);
        propose(alice, terms, LOAN, HALF);
    }

    function test_Propose_RevertWhen_OtherToken() public {
        Terms memory terms = ethOnlyTerms();
        create(terms);
        vm.expectRevert(abi.encodeWithSelector(ICompact.OtherToken.selector, address(0), address(wstETH)));
        propose(alice, terms, LOAN, HALF);
    }

    function test_Propose_Guardian() public {
        Terms memory terms = defaultTerms();
        terms.guardian = address(0);
        accept(terms, LOAN);
        terms.guardian = alice;
        create(terms);
        vm.expectRevert(abi.encodeWithSelector(ICompact.ForeignGuardian.selector, alice, guardian));
        propose(alice, terms, LOAN, HALF);
    }

    function test_Propose_Veto() public {
        Terms memory terms = defaultTerms();
        terms.vetoBps = 1;
        accept(terms, LOAN);
        terms.vetoBps = 0;
        create(terms);
        expectValues(ICompact.VetoOutsidePolicy.selector, 0, VETO_BPS);
        propose(alice, terms, LOAN, HALF);
        terms.vetoBps = VETO_BPS + 1;
        create(terms);
        expectValues(ICompact.VetoOutsidePolicy.selector, VETO_BPS + 1, VETO_BPS);
        propose(alice, terms, LOAN, HALF);
    }

    function test_Propose_ObjectionPeriod() public {
        Terms memory terms = defaultTerms();
        terms.objectionPeriod = 1 days;
        accept(terms, LOAN);
        terms.objectionPeriod = 1 days - 1;
        create(terms);
        expectValues(ICompact.ObjectionPeriodBelowPolicy.selector, 1 days - 1, 1 days);
        propose(alice, terms, LOAN, HALF);
    }

    function test_Propose_ExitWindow() public {
        Terms memory terms = defaultTerms();
        terms.exitWindow = 1 days;
        accept(terms, LOAN);
        terms.exitWindow = 1 days - 1;
        create(terms);
        expectValues(ICompact.ExitWindowBelowPolicy.selector, 1 days - 1, 1 days);
        propose(alice, terms, LOAN, HALF);
    }

    /// @dev 3 days of objections, three intervals of 7 days, and twice 30 days.
    function test_Propose_Lock() public {
        Terms memory terms = defaultTerms();
        terms.latestDeadline = uint40(NOW + MAX_LOCK - 3 days - 21 days - 60 days);
        accept(terms, LOAN);
        terms.latestDeadline += 1;
        create(terms);
        expectValues(ICompact.LockTooLong.selector, NOW + MAX_LOCK + 1, NOW + MAX_LOCK);
        propose(alice, terms, LOAN, HALF);
    }

    function test_Propose_Tier() public {
        expectValues(ICompact.UnknownTier.selector, 3, 3);
        propose(alice, defaultTerms(), 3, HALF);

        CompactTerms memory policy = compactTerms();
        policy.minThresholdBps = 5001;
        policy.minRateBps = 250;
        moveTo(policy);
        expectValues(ICompact.ThresholdBelowPolicy.selector, 5000, 5001);
        propose(alice, defaultTerms(), GRANT, HALF);
        expectValues(ICompact.RateBelowPolicy.selector, 0, 250);
        propose(alice, defaultTerms(), FULL_GRANT, HALF);
        propose(alice, defaultTerms(), LOAN, HALF);
    }

    // ---------------------------------------------------------------- whether it takes pledges

    function test_Propose_RevertWhen_NotOpen() public {
        vm.prank(guardian);
        escrow.cancel();
        expectNotPledging(Status.Failed, DEADLINE);
        proposeHalf();
    }

    /// @dev Stored as open, though the next call would end it.
    function test_Propose_RevertWhen_DeadlinePassed() public {
        vm.warp(DEADLINE + 1);
        expectNotPledging(Status.Open, DEADLINE);
        proposeHalf();
    }

    function test_Propose_UntilVotingAndFulfillmentFit() public {
        vm.warp(DEADLINE - VOTING - FULFILL);
        proposeHalf();
        vm.warp(DEADLINE - VOTING - FULFILL + 1);
        expectValues(ICompact.DeadlineTooEarly.selector, DEADLINE, DEADLINE + 1);
        proposeHalf();
    }

    /// @dev The deadline that counts is the latest one, pending or in force.
    function test_Propose_UnderAnAmendment() public {
        vm.warp(NOW + 1);
        uint40 effectiveAt = NOW + 1 + EXIT_WINDOW;
        amend(TARGET, effectiveAt + 1, TERMS_HASH);
        expectValues(ICompact.DeadlineTooEarly.selector, effectiveAt + 1, NOW + 1 + VOTING + FULFILL);
        proposeHalf();
        vm.warp(effectiveAt);
        expectValues(ICompact.DeadlineTooEarly.selector, effectiveAt + 1, effectiveAt + VOTING + FULFILL);
        proposeHalf();
    }

    function test_Propose_RecordsTheAmendment() public {
        amend(TARGET, DEADLINE + 1 days, TERMS_HASH);
        proposeHalf();
        assertEq(compact.callAt(0).amendment, NOW + EXIT_WINDOW);
        vm.warp(NOW + EXIT_WINDOW);
        proposeHalf();
        assertEq(compact.callAt(1).amendment, NOW + EXIT_WINDOW);
    }

    // ---------------------------------------------------------------- how much

    /// @dev 1,000 wstETH are active, and a share is worth 1.2 ETH: half of them are worth 600 ETH.
    function test_Propose_WhatIsMissing() public {
        pledge(dave, GRANT, Asset.ETH, 400 ether);
        proposeHalf();
        pledge(dave, FULL_GRANT, Asset.ETH, 1);
        expectTooLarge(600 ether, 600 ether - 1);
        proposeHalf();
        // Of every pot, and of every asset.
        pledge(dave, LOAN, Asset.StETH, 100 ether);
        pledge(dave, LOAN, Asset.WstETH, 300 ether);
        expectTooLarge(600 ether, 120 ether - 1);
        proposeHalf();
        pledge(dave, LOAN, Asset.ETH, 200 ether);
        expectTooLarge(0.12 ether, 0);
        propose(alice, defaultTerms(), LOAN, 1);
    }

    /// @dev The lower of both targets, until the amendment is in force.
    function test_Propose_WhatIsMissing_UnderAnAmendment() public {
        amend(600 ether - 1, DEADLINE, TERMS_HASH);
        expectTooLarge(600 ether, 600 ether - 1);
        proposeHalf();
        vm.warp(NOW + EXIT_WINDOW);
        amend(2000 ether, DEADLINE + 10 days, TERMS_HASH);
        vm.warp(NOW + 2 * EXIT_WINDOW - 1);
        expectTooLarge(600 ether, 600 ether - 1);
        proposeHalf();
        vm.warp(NOW + 2 * EXIT_WINDOW);
        proposeHalf();
        assertEq(compact.callCount(), 1);
    }

    function test_Propose_RevertWhen_RateUnreadable() public {
        vm.etch(address(stETH), address(new RevertBomb()).code);
        vm.expectRevert(ICompact.RateUnreadable.selector);
        proposeHalf();
    }

    // ---------------------------------------------------------------- helpers

    /// @dev The rescue is created, and called for.
    function accept(Terms memory terms, uint8 tier) private {
        uint256 call = compact.callCount();
        address created = address(create(terms));
        assertEq(propose(alice, terms, tier, HALF), call);
        assertEq(compact.callAt(call).escrow, created);
    }

    /// @dev The members go on in a compact with other terms.
    function moveTo(CompactTerms memory policy) private {
        vm.warp(START);
        compact = deployCompact(policy);
        join(alice, 600 ether);
        vm.warp(ACTIVE_AT);
        activate(alice);
        vm.warp(PROPOSED_AT);
    }

    function refuseApprover(address caller, address account) private {
        expectNotApprover(caller, account);
        proposeBy(caller, account, defaultTerms(), LOAN, HALF);
    }

    function expectCode(bytes32 codeHash, bytes32 genuine) private {
        vm.expectRevert(abi.encodeWithSelector(ICompact.WrongEscrowCode.selector, codeHash, genuine));
    }

    function expectNotPledging(Status status, uint256 deadline) private {
        uint256 time = vm.getBlockTimestamp();
        vm.expectRevert(abi.encodeWithSelector(ICompact.NotPledging.selector, status, deadline, time));
    }

    function expectTooLarge(uint256 value, uint256 missing) private {
        vm.expectRevert(abi.encodeWithSelector(ICompact.CallTooLarge.selector, Wei.wrap(value), Wei.wrap(missing)));
    }
}
