// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CompactTerms, ICompact } from "levee/interfaces/ICompact.sol";
import { WstETHUnits } from "levee/types/Units.sol";

import { Agreement, Books } from "./Agreement.sol";
import { Tokens } from "./Rescue.sol";
import { Symbolic } from "./Symbolic.sol";

/// @notice Each call of a member moves what it books: so the compact's wstETH stays at least what is active, pending and
/// earned.
/// @dev From any books of one member that are part of the sums, at any time. Bounded: the histories have one entry, and
/// the periods are those of `setUp`. The contract is compiled without the IR.
contract CompactProof is Symbolic {
    address private constant MEMBER = address(0x3e);
    address private constant RECIPIENT = address(0x4e);
    uint256 private constant START = 1_800_000_000;
    uint256 private constant SEASONING = 12 days;
    uint256 private constant NOTICE = 10 days;
    uint256 private constant WINDOW = 2 days;

    Tokens private tokens;
    Agreement private compact;

    function setUp() public {
        vm.warp(START);
        tokens = new Tokens();
        CompactTerms memory terms;
        (terms.wstETH, terms.escrowCodeHash) = (address(tokens), bytes32(uint256(1)));
        (terms.quorumBps, terms.maxCallBps) = (7000, 5000);
        (terms.votingPeriod, terms.fulfillPeriod) = (3 days, 4 days);
        (terms.noticePeriod, terms.leaveWindow, terms.seasoning) = (uint32(NOTICE), uint32(WINDOW), uint32(SEASONING));
        (terms.minThresholdBps, terms.minObjectionPeriod, terms.minExitWindow) = (1, 1 days, 1 days);
        (terms.maxVetoBps, terms.maxLock) = (9999, 1);
        compact = new Agreement(terms);
    }

    /// @notice A commitment takes what it books as pending.
    function check_C1_CommitmentsAreBooked(Books calldata books, uint40 time, uint104 amount, uint128 had) external {
        begin(books, time);
        vm.assume(had >= amount);
        tokens.write(MEMBER, had, 0);
        vm.assume(called(abi.encodeCall(ICompact.commit, (WstETHUnits.wrap(amount)))));
        Books memory later = compact.read(MEMBER);
        unchecked {
            assert(later.pending == uint256(books.pending) + amount && later.committedAt == time);
            assert(tokens.sharesOf(address(compact)) == amount && tokens.sharesOf(MEMBER) == had - amount);
        }
        assert(later.active == books.active && later.allActive == books.allActive);
    }

    /// @notice What is taken back is all that is pending, and no more.
    function check_C1_TakingBackPaysWhatIsPending(Books calldata books, uint40 time, uint128 held) external {
        begin(books, time);
        tokens.write(address(compact), held, 0);
        vm.assume(called(abi.encodeCall(ICompact.takeBackTo, (RECIPIENT))));
        Books memory later = compact.read(MEMBER);
        assert(tokens.sharesOf(RECIPIENT) == books.pending && later.pending == 0 && later.committedAt == 0);
        assert(later.active == books.active && later.allActive == books.allActive && later.earned == books.earned);
    }

    /// @notice What is activated was pending, within its window; nothing moves.
    function check_C5_WhatIsActivatedHasSeasoned(Books calldata books, uint40 time, uint128 held) external {
        begin(books, time);
        tokens.write(address(compact), held, 0);
        vm.assume(called(abi.encodeCall(ICompact.activate, (MEMBER))));
        Books memory later = compact.read(MEMBER);
        unchecked {
            assert(time >= books.committedAt + SEASONING && time <= books.committedAt + SEASONING + WINDOW);
            assert(later.active == uint256(books.active) + books.pending && later.pending == 0);
            assert(later.weight == uint256(books.weight) + books.pending);
            assert(later.allActive == uint256(books.allActive) + books.pending);
        }
        assert(tokens.sharesOf(address(compact)) == held);
    }

    /// @notice Leaving pays what is under notice, takes it out of what is active, and leaves the weight.
    function check_C1_LeavingPaysWhatIsNoticed(Books calldata books, uint40 time, uint128 held) external {
        begin(books, time);
        tokens.write(address(compact), held, 0);
        vm.assume(called(abi.encodeCall(ICompact.leaveTo, (RECIPIENT))));
        Books memory later = compact.read(MEMBER);
        unchecked {
            uint256 noticed = books.active - books.weight;
            assert(tokens.sharesOf(RECIPIENT) == noticed && tokens.sharesOf(address(compact)) == held - noticed);
            assert(later.active == books.weight && later.weight == books.weight);
            assert(later.allActive == books.allActive - noticed && later.allWeight == books.allWeight);
        }
        assert(later.noticedAt == 0 && later.pending == books.pending && later.earned == books.earned);
    }

    /// @notice Who has something under notice leaves with it at any time of its window: it asks for nothing else.
    function check_C6_NothingDelaysLeaving(Books calldata books, uint40 time, uint128 held) external {
        begin(books, time);
        vm.assume(books.active > books.weight && held >= books.allActive);
        unchecked {
            vm.assume(time >= books.noticedAt + NOTICE && time <= books.noticedAt + NOTICE + WINDOW);
        }
        tokens.write(address(compact), held, 0);
        assert(called(abi.encodeCall(ICompact.leaveTo, (RECIPIENT))));
    }

    /// @notice A claim pays what was earned, once.
    function check_C8_ClaimsPayWhatIsEarned(Books calldata books, uint40 time, uint128 held) external {
        begin(books, time);
        tokens.write(address(compact), held, 0);
        vm.assume(called(abi.encodeCall(ICompact.claim, (MEMBER))));
        Books memory later = compact.read(MEMBER);
        assert(tokens.sharesOf(MEMBER) == books.earned && later.earned == 0);
        assert(later.active == books.active && later.pending == books.pending);
        assert(!called(abi.encodeCall(ICompact.claim, (MEMBER))));
    }

    /// @dev The member's books are part of the sums, and the clock is after everything in them.
    function begin(Books calldata books, uint40 time) private {
        vm.assume(books.weight <= books.active && books.allWeight <= books.allActive);
        vm.assume(books.active <= books.allActive && books.weight <= books.allWeight);
        vm.assume(time > START && books.committedAt <= time && books.noticedAt <= time);
        compact.write(books, MEMBER);
        vm.warp(time);
    }

    function called(bytes memory call) private returns (bool ok) {
        vm.prank(MEMBER);
        (ok,) = address(compact).call(call);
    }
}
