// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Amendment, IPledgeEscrow, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// amend
/// ├── it proposes: shown as pending, the terms as they were, and emits {AmendmentProposed}
/// ├── when the exit window has passed
/// │   └── it is in force by itself, still shown, and nothing else of the terms changed
/// ├── given one is in force
/// │   └── another can be proposed; the first stays in force until then
/// ├── the original terms stay readable, whatever is amended
/// ├── given the rescue ends
/// │   ├── a pending one dies, and never comes into force
/// │   └── one in force stays
/// ├── given the rescue settles by it
/// │   └── it stays
/// ├── when the window ends with the deadline
/// │   └── it succeeds; one second later it reverts with {AmendmentTooLate}
/// ├── when the new deadline is one after the window
/// │   └── it succeeds; when it is the window's end it reverts with {AmendedDeadlineTooEarly}
/// ├── when the new deadline is the latest that the terms allow
/// │   └── it succeeds; one second later it reverts with {AmendedDeadlineTooLate}
/// ├── given one is pending
/// │   └── it reverts with {AmendmentPending}, up to the last second of the window
/// ├── when the target is out of bounds
/// │   └── it reverts with {TargetOutOfBounds}
/// ├── when the caller is not the guardian, or there is none
/// │   └── it reverts with {NotGuardian}
/// ├── when the deadline has passed, or the rescue is decided
/// │   └── it reverts with {PledgingClosed}
/// └── when several things are wrong
///     └── it reverts with the first of {NotGuardian} {PledgingClosed} {AmendmentPending} {TargetOutOfBounds}
///         {AmendmentTooLate} {AmendedDeadlineTooEarly} {AmendedDeadlineTooLate}
contract AmendTest is EscrowTest {
    uint40 private constant EFFECTIVE_AT = START + EXIT_WINDOW;
    uint40 private constant NEW_DEADLINE = DEADLINE + 10 days;
    bytes32 private constant NEW_HASH = keccak256("the new document");

    function test_Amend() public {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.AmendmentProposed(Wei.wrap(800 ether), NEW_DEADLINE, NEW_HASH, EFFECTIVE_AT);
        amend(800 ether, NEW_DEADLINE, NEW_HASH);
        assertAmendment(800 ether, NEW_DEADLINE, NEW_HASH, EFFECTIVE_AT);
        assertTerms(TARGET, DEADLINE, TERMS_HASH);

        vm.warp(EFFECTIVE_AT - 1);
        assertAmendment(800 ether, NEW_DEADLINE, NEW_HASH, EFFECTIVE_AT);
        assertTerms(TARGET, DEADLINE, TERMS_HASH);

        vm.warp(EFFECTIVE_AT);
        assertAmendment(800 ether, NEW_DEADLINE, NEW_HASH, EFFECTIVE_AT);
        assertTerms(800 ether, NEW_DEADLINE, NEW_HASH);
    }

    /// @dev The exit window is what guards the pledgers, so a target can also rise, and a deadline come earlier.
    function test_Amend_UpAndEarlier() public {
        amend(type(uint96).max, EFFECTIVE_AT + 1, NEW_HASH);
        vm.warp(EFFECTIVE_AT);
        assertTerms(type(uint96).max, EFFECTIVE_AT + 1, NEW_HASH);
    }

    function test_Amend_Again() public {
        amend(800 ether, NEW_DEADLINE, NEW_HASH);
        vm.warp(EFFECTIVE_AT);
        amend(900 ether, NEW_DEADLINE + 1, keccak256("a third one"));
        assertTerms(800 ether, NEW_DEADLINE, NEW_HASH);
        assertAmendment(900 ether, NEW_DEADLINE + 1, keccak256("a third one"), EFFECTIVE_AT + EXIT_WINDOW);

        vm.warp(EFFECTIVE_AT + EXIT_WINDOW);
        assertTerms(900 ether, NEW_DEADLINE + 1, keccak256("a third one"));
    }

    function test_Amend_SecondDies_FirstStays() public {
        amend(800 ether, NEW_DEADLINE, NEW_HASH);
        vm.warp(EFFECTIVE_AT);
        amend(500 ether, NEW_DEADLINE + 1, keccak256("a third one"));
        vm.prank(guardian);
        escrow.cancel();
        assertAmendment(0, 0, 0, 0);
        vm.warp(EFFECTIVE_AT + EXIT_WINDOW);
        assertTerms(800 ether, NEW_DEADLINE, NEW_HASH);
        assertAmendment(0, 0, 0, 0);
    }

    function test_Amend_StaysAfterSettlement() public {
        pledge(alice, GRANT, Asset.ETH, 800 ether);
        amend(800 ether, NEW_DEADLINE, NEW_HASH);
        vm.warp(EFFECTIVE_AT);
        escrow.settle();
        assertAmendment(800 ether, NEW_DEADLINE, NEW_HASH, EFFECTIVE_AT);
        assertTerms(800 ether, NEW_DEADLINE, NEW_HASH);
        assertEq(escrow.rescue().drawn, 800 ether);
    }

    // ---------------------------------------------------------------- the original terms

    function test_OriginalTerms_AreNeverAmended() public {
        assertOriginalTerms();
        amend(800 ether, NEW_DEADLINE, NEW_HASH);
        assertOriginalTerms();
        vm.warp(EFFECTIVE_AT);
        assertOriginalTerms();
        amend(type(uint96).max, LATEST_DEADLINE, keccak256("a third one"));
        vm.warp(LATEST_DEADLINE);
        assertTerms(type(uint96).max, LATEST_DEADLINE, keccak256("a third one"));
        assertOriginalTerms();
        vm.prank(guardian);
        escrow.cancel();
        assertOriginalTerms();
    }

    // ---------------------------------------------------------------- the end

    function test_Amend_DiesWithTheRescue() public {
        amend(800 ether, NEW_DEADLINE, NEW_HASH);
        vm.prank(guardian);
        escrow.cancel();
        assertAmendment(0, 0, 0, 0);
        vm.warp(EFFECTIVE_AT);
        assertTerms(TARGET, DEADLINE, TERMS_HASH);
    }

    function test_Amend_InForceStaysAfterTheEnd() public {
        amend(800 ether, NEW_DEADLINE, NEW_HASH);
        vm.warp(EFFECTIVE_AT);
        vm.prank(guardian);
        escrow.cancel();
        assertTerms(800 ether, NEW_DEADLINE, NEW_HASH);
        vm.warp(NEW_DEADLINE + 1);
        assertTerms(800 ether, NEW_DEADLINE, NEW_HASH);
        assertStatus(Status.Failed);
    }

    function test_Amend_WindowMayEndWithTheDeadline() public {
        vm.warp(DEADLINE - EXIT_WINDOW);
        amend(800 ether, DEADLINE + 1, NEW_HASH);
        vm.warp(DEADLINE);
        assertTerms(800 ether, DEADLINE + 1, NEW_HASH);
    }

    function test_RevertWhen_TooLate() public {
        vm.warp(DEADLINE - EXIT_WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendmentTooLate.selector, DEADLINE + 1, DEADLINE));
        propose(800 ether, NEW_DEADLINE, NEW_HASH);

        vm.warp(DEADLINE);
        vm.expectRevert(
            abi.encodeWithSelector(IPledgeEscrow.AmendmentTooLate.selector, DEADLINE + EXIT_WINDOW, DEADLINE)
        );
        propose(800 ether, NEW_DEADLINE, NEW_HASH);
    }

    /// @dev The deadline that counts is the one in force.
    function test_RevertWhen_TooLate_ByTheAmendedDeadline() public {
        amend(TARGET, EFFECTIVE_AT + 1, NEW_HASH);
        vm.warp(EFFECTIVE_AT);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPledgeEscrow.AmendmentTooLate.selector, EFFECTIVE_AT + EXIT_WINDOW, EFFECTIVE_AT + 1
            )
        );
        propose(TARGET, NEW_DEADLINE, NEW_HASH);
    }

    function test_RevertWhen_NewDeadlineTooEarly() public {
        vm.expectRevert(
            abi.encodeWithSelector(IPledgeEscrow.AmendedDeadlineTooEarly.selector, EFFECTIVE_AT, EFFECTIVE_AT)
        );
        propose(800 ether, EFFECTIVE_AT, NEW_HASH);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendedDeadlineTooEarly.selector, 0, EFFECTIVE_AT));
        propose(800 ether, 0, NEW_HASH);
    }

    function test_Amend_UpToTheLatestDeadline() public {
        amend(TARGET, LATEST_DEADLINE, NEW_HASH);
        vm.warp(EFFECTIVE_AT);
        assertTerms(TARGET, LATEST_DEADLINE, NEW_HASH);
    }

    /// @dev Nor by a second one, from a deadline that was moved already.
    function test_RevertWhen_NewDeadlineTooLate() public {
        expectTooLate(LATEST_DEADLINE + 1);
        propose(TARGET, LATEST_DEADLINE + 1, NEW_HASH);
        expectTooLate(type(uint40).max);
        propose(TARGET, type(uint40).max, NEW_HASH);
        amend(TARGET, LATEST_DEADLINE, NEW_HASH);
        vm.warp(EFFECTIVE_AT);
        expectTooLate(LATEST_DEADLINE + 1);
        propose(TARGET, LATEST_DEADLINE + 1, NEW_HASH);
    }

    /// @dev Each call corrects what the one before was refused for.
    function test_RevertWhen_SeveralThingsAreWrong() public {
        amend(TARGET, DEADLINE, NEW_HASH);
        uint256 pending = vm.snapshotState();
        vm.warp(DEADLINE + 1);
        expectNotGuardian(alice);
        vm.prank(alice);
        escrow.amend(Wei.wrap(0), type(uint40).max, NEW_HASH);
        expectPledgingClosed(Status.Open, DEADLINE);
        propose(0, type(uint40).max, NEW_HASH);

        vm.revertToState(pending);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendmentPending.selector, EFFECTIVE_AT, START));
        propose(0, type(uint40).max, NEW_HASH);
        vm.warp(DEADLINE);
        uint96 max = type(uint96).max;
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.TargetOutOfBounds.selector, 0, 1e9, max));
        propose(0, 0, NEW_HASH);
        vm.expectRevert(
            abi.encodeWithSelector(IPledgeEscrow.AmendmentTooLate.selector, DEADLINE + EXIT_WINDOW, DEADLINE)
        );
        propose(TARGET, 0, NEW_HASH);
    }

    /// @dev Where both bounds of the new deadline are broken, the lower one is told.
    function test_RevertWhen_NoDeadlineIsLeft() public {
        Terms memory terms = defaultTerms();
        terms.latestDeadline = DEADLINE;
        escrow = deploy(terms);
        vm.warp(DEADLINE - EXIT_WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendedDeadlineTooEarly.selector, DEADLINE, DEADLINE));
        propose(TARGET, DEADLINE, NEW_HASH);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendedDeadlineTooLate.selector, DEADLINE + 1, DEADLINE));
        propose(TARGET, DEADLINE + 1, NEW_HASH);
    }

    function test_RevertWhen_Pending() public {
        amend(800 ether, NEW_DEADLINE, NEW_HASH);
        vm.warp(EFFECTIVE_AT - 1);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendmentPending.selector, EFFECTIVE_AT, EFFECTIVE_AT - 1));
        propose(900 ether, NEW_DEADLINE, NEW_HASH);
    }

    function test_RevertWhen_TargetOutOfBounds() public {
        uint96 max = type(uint96).max;
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.TargetOutOfBounds.selector, 1e9 - 1, 1e9, max));
        propose(1e9 - 1, NEW_DEADLINE, NEW_HASH);
        uint256 target = uint256(max) + 1;
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.TargetOutOfBounds.selector, target, 1e9, max));
        propose(target, NEW_DEADLINE, NEW_HASH);
        amend(1e9, NEW_DEADLINE, NEW_HASH);
    }

    function test_RevertWhen_NotGuardian() public {
        expectNotGuardian(beneficiary);
        vm.prank(beneficiary);
        escrow.amend(Wei.wrap(800 ether), NEW_DEADLINE, NEW_HASH);
    }

    function test_RevertWhen_NoGuardian() public {
        Terms memory terms = defaultTerms();
        terms.guardian = address(0);
        escrow = deploy(terms);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.NotGuardian.selector, guardian, address(0)));
        propose(800 ether, NEW_DEADLINE, NEW_HASH);
    }

    function test_RevertWhen_PledgingClosed() public {
        pledge(alice, GRANT, Asset.ETH, TARGET);
        vm.warp(DEADLINE + 1);
        expectPledgingClosed(Status.Open, DEADLINE);
        propose(800 ether, NEW_DEADLINE, NEW_HASH);
        escrow.settle();
        expectPledgingClosed(Status.Settled, DEADLINE);
        propose(800 ether, NEW_DEADLINE, NEW_HASH);
    }

    /// @dev The bare call, which may be refused.
    function propose(uint256 target, uint40 deadline, bytes32 termsHash) private {
        vm.prank(guardian);
        escrow.amend(Wei.wrap(target), deadline, termsHash);
    }

    /// @dev What the terms say now: these, and all else as at the start.
    function assertTerms(uint256 target, uint40 deadline, bytes32 termsHash) private view {
        Terms memory expected = defaultTerms();
        expected.target = Wei.wrap(target);
        expected.deadline = deadline;
        expected.termsHash = termsHash;
        assertEq(keccak256(abi.encode(escrow.terms())), keccak256(abi.encode(expected)));
        assertEq(keccak256(abi.encode(escrow.rescue().terms)), keccak256(abi.encode(expected)));
    }

    function assertOriginalTerms() private view {
        assertEq(keccak256(abi.encode(escrow.originalTerms())), keccak256(abi.encode(defaultTerms())));
    }

    function expectTooLate(uint256 deadline) private {
        vm.expectRevert(
            abi.encodeWithSelector(IPledgeEscrow.AmendedDeadlineTooLate.selector, deadline, LATEST_DEADLINE)
        );
    }

    /// @dev The latest amendment, as both views show it.
    function assertAmendment(uint256 target, uint40 deadline, bytes32 termsHash, uint40 effectiveAt) private view {
        Amendment memory latest = escrow.rescue().amendment;
        assertEq(latest.target, target);
        assertEq(latest.deadline, deadline);
        assertEq(latest.termsHash, termsHash);
        assertEq(latest.effectiveAt, effectiveAt);
        assertEq(keccak256(abi.encode(escrow.pledging().amendment)), keccak256(abi.encode(latest)));
    }
}
