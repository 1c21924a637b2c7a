// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Terms } from "levee/interfaces/IPledgeEscrow.sol";

import { CompactTest } from "../../unit/compact/CompactTest.sol";

/// @notice What is known of a compact by the rules alone: who has what, and what every call may take.
/// @dev Nothing here is read from the compact. What the actions expect from a call goes into these books, and the
/// invariants compare them with the actual state.
abstract contract Ledger is CompactTest {
    /// @dev One person, member or not.
    /// @custom:member wallet wstETH outside of the compact.
    /// @custom:member changedAt When the standing changed last; `formerActive` and `formerNoticed` are from before.
    /// @custom:member leftAt When the person left last; `activeLeft` is what was active at the end of that second.
    /// @custom:member exact Premiums by weight, in 10^-18 units, each rounded down.
    /// @custom:member accruals How often premiums may have been rounded down.
    /// @custom:member takers Calls that have taken something since notice was given.
    struct Person {
        uint256 wallet;
        uint256 pending;
        uint256 committedAt;
        uint256 active;
        uint256 noticed;
        uint256 noticedAt;
        uint256 changedAt;
        uint256 formerActive;
        uint256 formerNoticed;
        uint256 leftAt;
        uint256 activeLeft;
        address approver;
        bool admitted;
        uint256 exact;
        uint256 accruals;
        uint256 claimed;
        uint256 takers;
    }

    /// @dev One call.
    struct Ask {
        uint256 rescue;
        uint8 tier;
        uint16 bps;
        uint256 proposedAt;
        uint256 amendment;
        uint256 active;
        uint256 approvals;
        uint256 passedAt;
        uint256 startedAt;
    }

    /// @dev One rescue; its escrow's own books are not in question here.
    struct Rescue {
        IPledgeEscrow escrow;
        uint256 amendment;
    }

    uint256 internal constant EXACT = 1e18;

    address[] internal people;
    Ask[] internal asks;
    Rescue[] internal rescues;
    mapping(uint256 rescue => bytes) internal encodedTerms;
    mapping(address => Person) internal persons;
    mapping(uint256 ask => mapping(address => uint256)) internal activeThen;
    mapping(uint256 ask => mapping(address => uint256)) internal weightThen;
    mapping(uint256 ask => mapping(address => bool)) internal approves;
    mapping(uint256 ask => mapping(address => uint256)) internal gave;
    /// @dev What the compact holds.
    uint256 internal held;
    /// @dev All premiums ever paid, and claimed.
    uint256 internal paid;
    uint256 internal claimedInAll;
    /// @dev The last call that gave anything, and when it began to; none before that.
    uint256 internal lastAsk;
    uint256 internal lastStart;

    /// @dev The original terms of a rescue.
    function termsOf(uint256 rescue) internal view returns (Terms memory) {
        return abi.decode(encodedTerms[rescue], (Terms));
    }

    function weightOf(address who) internal view returns (uint256) {
        return persons[who].active - persons[who].noticed;
    }

    /// @dev What a person had active at the end of the second before this one, and what of it was under notice.
    function formerly(address who) internal view returns (uint256 active, uint256 noticed) {
        Person storage person = persons[who];
        if (person.changedAt == vm.getBlockTimestamp()) return (person.formerActive, person.formerNoticed);
        return (person.active, person.noticed);
    }

    function sums() internal view returns (uint256 active, uint256 weight) {
        for (uint256 i; i < people.length; ++i) {
            active += persons[people[i]].active;
            weight += weightOf(people[i]);
        }
    }

    function formerlyActive() internal view returns (uint256 all) {
        for (uint256 i; i < people.length; ++i) {
            (uint256 active,) = formerly(people[i]);
            all += active;
        }
    }

    /// @dev Writes a standing. Premiums accrue then, which may round down.
    function restand(address who, uint256 active, uint256 noticed) internal {
        Person storage person = persons[who];
        if (person.changedAt != vm.getBlockTimestamp()) {
            (person.formerActive, person.formerNoticed) = (person.active, person.noticed);
            person.changedAt = vm.getBlockTimestamp();
        }
        (person.active, person.noticed) = (active, noticed);
        if (person.leftAt == vm.getBlockTimestamp()) person.activeLeft = active;
        ++person.accruals;
    }

    function requiredOf(uint256 ask) internal view returns (uint256) {
        return (asks[ask].active * QUORUM + 9999) / 10_000;
    }

    /// @dev What a person gives to a call now, if it is fulfilled.
    function shareOf(uint256 ask, address who) internal view returns (uint256 share) {
        if (gave[ask][who] != 0) return 0;
        share = activeThen[ask][who] * asks[ask].bps / 10_000;
        if (persons[who].active < share) share = persons[who].active;
    }
}
