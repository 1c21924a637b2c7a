// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { AmountTooLarge, Asset, Units } from "levee/types/Units.sol";

import { units } from "../../../util/EscrowTest.sol";
import { BonusTest } from "./BonusTest.sol";

/// enlist
/// ├── given the rescue takes pledges
/// │   ├── it adds (amount - enlisted) * seconds to the first deadline, whoever calls, and emits {Enlisted}
/// │   ├── the first deadline is that of creation, the one in force, or a pending one; never is it less than no time
/// │   ├── tiers, assets and pledgers stay apart
/// │   ├── when the position was taken out since it was enlisted
/// │   │   └── it strikes what it had, and enlists what it has now
/// │   ├── when it was taken out as often as can be counted
/// │   │   └── it enlists nothing of it any more
/// │   ├── when all is enlisted, or there is nothing
/// │   │   └── it reverts with {NothingToEnlist}
/// │   ├── when a position would have 2^128 unit-seconds
/// │   │   └── it reverts with {AmountTooLarge}
/// │   ├── when the tier does not exist
/// │   │   └── it reverts with the escrow's {UnknownTier}
/// │   └── it costs at most 75,000 gas, in a rescue that was not amended, the first into a pot like any other
/// ├── given the rescue takes no pledges any more, and the bonus is not decided
/// │   ├── when the position was taken out since it was enlisted
/// │   │   └── it strikes what it had
/// │   └── when it was not
/// │       └── it reverts with {NothingToEnlist}
/// └── given the bonus is decided
///     └── it reverts with {NothingToEnlist}
contract EnlistTest is BonusTest {
    /// @dev Of a whole transaction.
    uint256 private constant GAS_LIMIT = 75_000;

    function test_Enlist() public {
        pledge(alice, GRANT, Asset.ETH, 100 ether);
        vm.expectEmit(address(pool));
        emit IBonusPool.Enlisted(alice, GRANT, Asset.ETH, 0, units(100 ether), 100 ether * 30 days);
        enlist(alice, GRANT, Asset.ETH);
        assertEnlisted(alice, GRANT, Asset.ETH, 0, 100 ether, 100 ether * 30 days);

        vm.warp(START + 10 days);
        pledge(alice, GRANT, Asset.ETH, 20 ether);
        vm.expectEmit(address(pool));
        emit IBonusPool.Enlisted(alice, GRANT, Asset.ETH, 0, units(120 ether), 100 ether * 30 days + 20 ether * 20 days);
        enlist(alice, GRANT, Asset.ETH);
        assertEnlisted(alice, GRANT, Asset.ETH, 0, 120 ether, 100 ether * 30 days + 20 ether * 20 days);
    }

    function test_Enlist_PotsStayApart() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 1);
        pledgeEnlisted(alice, LOAN, Asset.ETH, 2);
        pledgeEnlisted(alice, GRANT, Asset.StETH, 3);
        pledgeEnlisted(alice, GRANT, Asset.WstETH, 4);
        pledgeEnlisted(bob, GRANT, Asset.ETH, 5);
        assertEnlisted(alice, GRANT, Asset.ETH, 0, 1, ALL_TIME);
        assertEnlisted(alice, LOAN, Asset.ETH, 0, 2, 2 * ALL_TIME);
        assertEnlisted(alice, GRANT, Asset.StETH, 0, 3, 3 * ALL_TIME);
        assertEnlisted(alice, GRANT, Asset.WstETH, 0, 4, 4 * ALL_TIME);
        assertEnlisted(bob, GRANT, Asset.ETH, 0, 5, 5 * ALL_TIME);
        assertEnlisted(bob, LOAN, Asset.WstETH, 0, 0, 0);
        assertEnlisted(bob, 255, Asset.WstETH, 0, 0, 0);
    }

    function test_Enlist_InTheLastSeconds() public {
        vm.warp(DEADLINE - 1);
        pledgeEnlisted(alice, GRANT, Asset.ETH, 900 ether);
        assertEnlisted(alice, GRANT, Asset.ETH, 0, 900 ether, 900 ether);
        vm.warp(DEADLINE);
        pledgeEnlisted(bob, GRANT, Asset.ETH, 900 ether);
        assertEnlisted(bob, GRANT, Asset.ETH, 0, 900 ether, 0);
    }

    // ---------------------------------------------------------------- the first deadline

    function test_Enlist_UpToAPendingDeadline() public {
        amend(TARGET, DEADLINE - 20 days, TERMS_HASH);
        pledgeEnlisted(alice, GRANT, Asset.ETH, 1 ether);
        assertEnlisted(alice, GRANT, Asset.ETH, 0, 1 ether, 1 ether * 10 days);
    }

    function test_Enlist_UpToTheAmendedDeadline() public {
        amend(TARGET, DEADLINE - 20 days, TERMS_HASH);
        vm.warp(START + EXIT_WINDOW);
        pledgeEnlisted(alice, GRANT, Asset.ETH, 1 ether);
        assertEnlisted(alice, GRANT, Asset.ETH, 0, 1 ether, 1 ether * 5 days);
    }

    /// @dev A deadline that is pushed back, pending or in force, adds no time: what was enlisted before would have none of
    /// it.
    function test_Enlist_UpToTheOriginalDeadline() public {
        amend(TARGET, DEADLINE + 9 days, TERMS_HASH);
        pledgeEnlisted(alice, GRANT, Asset.ETH, 1 ether);
        assertEnlisted(alice, GRANT, Asset.ETH, 0, 1 ether, 1 ether * 30 days);
        vm.warp(DEADLINE - 1);
        pledgeEnlisted(bob, GRANT, Asset.ETH, 1 ether);
        assertEnlisted(bob, GRANT, Asset.ETH, 0, 1 ether, 1 ether);
        vm.warp(DEADLINE + 9 days);
        pledgeEnlisted(carol, GRANT, Asset.ETH, 1 ether);
        assertEnlisted(carol, GRANT, Asset.ETH, 0, 1 ether, 0);
    }

    /// @dev A deadline that was brought forward and is to be pushed back again: the one in force counts.
    function test_Enlist_UpToTheOneInForceGiven_ALaterOneIsPending() public {
        amend(TARGET, DEADLINE - 10 days, TERMS_HASH);
        vm.warp(START + EXIT_WINDOW);
        amend(TARGET, DEADLINE, TERMS_HASH);
        pledgeEnlisted(alice, GRANT, Asset.ETH, 1 ether);
        assertEnlisted(alice, GRANT, Asset.ETH, 0, 1 ether, 1 ether * 15 days);
        vm.warp(START + 2 * EXIT_WINDOW);
        pledgeEnlisted(bob, GRANT, Asset.ETH, 1 ether);
        assertEnlisted(bob, GRANT, Asset.ETH, 0, 1 ether, 1 ether * 20 days);
    }

    // ---------------------------------------------------------------- departures

    function test_Enlist_StrikesWhatLeft() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 100 ether);
        amendTarget(900 ether);
        exit(alice, GRANT, Asset.ETH);
        // Until somebody strikes it, it stays.
        assertEnlisted(alice, GRANT, Asset.ETH, 0, 100 ether, 100 ether * 30 days);
        vm.expectEmit(address(pool));
        emit IBonusPool.Enlisted(alice, GRANT, Asset.ETH, 1, units(0), 0);
        enlist(alice, GRANT, Asset.ETH);
        assertEnlisted(alice, GRANT, Asset.ETH, 1, 0, 0);
        expectNothingToEnlist(alice, GRANT, Asset.ETH);
        enlist(alice, GRANT, Asset.ETH);
    }

    /// @dev Exit and decline alike; what comes again counts from when it comes.
    function test_Enlist_StrikesAndEnlistsAtOnce() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 100 ether);
        vm.prank(guardian);
        escrow.decline(alice, GRANT, Asset.ETH);
        vm.warp(START + 10 days);
        pledge(alice, GRANT, Asset.ETH, 7 ether);
        enlist(alice, GRANT, Asset.ETH);
        assertEnlisted(alice, GRANT, Asset.ETH, 1, 7 ether, 7 ether * 20 days);
    }

    /// @dev The same amount again is not the same position.
    function test_Enlist_StrikesGiven_TheSameAmountAgain() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 100 ether);
        vm.prank(guardian);
        escrow.decline(alice, GRANT, Asset.ETH);
        vm.warp(START + 29 days);
        pledgeEnlisted(alice, GRANT, Asset.ETH, 100 ether);
        assertEnlisted(alice, GRANT, Asset.ETH, 1, 100 ether, 100 ether * 1 days);
    }

    /// @dev 900 ETH pass through in one block of an exit window; once struck they dilute nobody.
    function test_Enlist_StrikesMoneyThatPassedThrough() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 100 ether);
        add(sponsor, 10 ether);
        amendTarget(900 ether);
        pledgeEnlisted(bob, GRANT, Asset.ETH, 900 ether);
        exit(bob, GRANT, Asset.ETH);
        vm.warp(DECIDABLE_AT);
        enlist(bob, GRANT, Asset.ETH);
        claim(alice, GRANT, Asset.ETH, 10 ether);
    }

    function test_Enlist_NothingGiven_TooManyDepartures() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 100 ether);
        mockDepartures(alice, type(uint24).max - 1);
        enlist(alice, GRANT, Asset.ETH);
        assertEnlisted(alice, GRANT, Asset.ETH, type(uint24).max - 1, 100 ether, 100 ether * 30 days);
        mockDepartures(alice, type(uint24).max);
        enlist(alice, GRANT, Asset.ETH);
        assertEnlisted(alice, GRANT, Asset.ETH, type(uint24).max, 0, 0);
        expectNothingToEnlist(alice, GRANT, Asset.ETH);
        enlist(alice, GRANT, Asset.ETH);
    }

    // ---------------------------------------------------------------- refusals

    function test_Enlist_RevertWhen_NothingIsNew() public {
        expectNothingToEnlist(alice, GRANT, Asset.ETH);
        enlist(alice, GRANT, Asset.ETH);
        pledgeEnlisted(alice, GRANT, Asset.ETH, 1);
        expectNothingToEnlist(alice, GRANT, Asset.ETH);
        enlist(alice, GRANT, Asset.ETH);
        expectNothingToEnlist(alice, LOAN, Asset.ETH);
        enlist(alice, LOAN, Asset.ETH);
    }

    function test_Enlist_RevertWhen_UnknownTier() public {
        expectUnknownTier(3);
        enlist(alice, 3, Asset.ETH);
    }

    /// @dev To the year 36,812: 2^40 - 1 - 1,800,000,000 seconds. So many times 2^89 wei are more than 2^128.
    function test_Enlist_RevertWhen_TooManyUnitSeconds() public {
        Terms memory terms = defaultTerms();
        (terms.deadline, terms.latestDeadline) = (type(uint40).max, type(uint40).max);
        escrow = deploy(terms);
        deployPool();
        uint256 left = type(uint40).max - START;
        uint256 most = type(uint128).max / left;
        pledgeEnlisted(alice, GRANT, Asset.ETH, most);
        assertEnlisted(alice, GRANT, Asset.ETH, 0, most, most * left);
        pledge(alice, GRANT, Asset.ETH, 1);
        vm.expectRevert(abi.encodeWithSelector(AmountTooLarge.selector, left, type(uint128).max - most * left));
        enlist(alice, GRANT, Asset.ETH);
        // It holds up no other.
        pledgeEnlisted(bob, GRANT, Asset.ETH, most);
    }

    function test_Enlist_StrikesOnlyGiven_NoPledgesAreTaken() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 1 ether);
        pledgeEnlisted(bob, GRANT, Asset.ETH, 1 ether);
        pledge(bob, GRANT, Asset.ETH, 1 ether);
        vm.prank(guardian);
        escrow.decline(alice, GRANT, Asset.ETH);
        pledge(alice, GRANT, Asset.ETH, 5 ether);
        vm.warp(SETTLED_AT);
        expectNothingToEnlist(bob, GRANT, Asset.ETH);
        enlist(bob, GRANT, Asset.ETH);
        enlist(alice, GRANT, Asset.ETH);
        assertEnlisted(alice, GRANT, Asset.ETH, 1, 0, 0);
        escrow.settle();
        expectNothingToEnlist(alice, GRANT, Asset.ETH);
        enlist(alice, GRANT, Asset.ETH);
    }

    function test_Enlist_StrikesGiven_FailedAndNotDecided() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 1 ether);
        vm.prank(guardian);
        escrow.decline(alice, GRANT, Asset.ETH);
        settleLate();
        enlist(alice, GRANT, Asset.ETH);
        assertEnlisted(alice, GRANT, Asset.ETH, 1, 0, 0);
    }

    function test_Enlist_RevertGiven_Decided() public {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 1 ether);
        pledgeEnlisted(bob, GRANT, Asset.ETH, 1 ether);
        add(sponsor, 10 ether);
        vm.prank(guardian);
        escrow.decline(alice, GRANT, Asset.ETH);
        vm.warp(DECIDABLE_AT);
        claim(bob, GRANT, Asset.ETH, 5 ether);
        expectNothingToEnlist(alice, GRANT, Asset.ETH);
        enlist(alice, GRANT, Asset.ETH);
        assertEnlisted(alice, GRANT, Asset.ETH, 0, 1 ether, 1 ether * 30 days);
    }

    // ---------------------------------------------------------------- any

    /// @dev In whatever order things are pledged and enlisted: what was enlisted at a time counts from then on.
    function testFuzz_Enlist(uint64[4] memory amounts, uint32[4] memory pauses, bool[4] memory enlists) public {
        uint256 total;
        uint256 counted;
        uint256 expected;
        uint256 time = START;
        for (uint256 i; i < 4; ++i) {
            time += pauses[i] % (7 days);
            vm.warp(time);
            uint256 amount = bound(amounts[i], 1, type(uint64).max);
            pledge(alice, LOAN, Asset.WstETH, amount);
            total += amount;
            if (!enlists[i]) continue;
            enlist(alice, LOAN, Asset.WstETH);
            expected += (total - counted) * (DEADLINE - time);
            counted = total;
        }
        assertEnlisted(alice, LOAN, Asset.WstETH, 0, counted, expected);
    }

    // ---------------------------------------------------------------- gas

    function test_Enlist_Gas() public {
        escrow = deploy(ethOnlyTerms());
        deployPool();
        pledge(alice, GRANT, Asset.ETH, 100 ether);
        pledge(bob, GRANT, Asset.ETH, 100 ether);
        uint256 first = gasOfEnlisting(alice);
        uint256 next = gasOfEnlisting(bob);
        assertLe(first, GAS_LIMIT, "the first into a pot");
        assertEq(next, first, "the next into the pot");
    }

    /// @dev Of a whole transaction: 21,000, 16 for each byte of its call but 4 for a zero one, and what it does with nothing
    /// read before but the pool that it is sent to.
    function gasOfEnlisting(address pledger) private returns (uint256 gas_) {
        bytes memory call_ = abi.encodeCall(IBonusPool.enlist, (pledger, GRANT, Asset.ETH));
        gas_ = 21_000;
        for (uint256 i; i < call_.length; ++i) {
            gas_ += call_[i] == 0 ? 4 : 16;
        }
        vm.cool(address(escrow));
        vm.cool(address(pool));
        pool.escrow();
        pool.enlist(pledger, GRANT, Asset.ETH);
        gas_ += vm.lastCallGas().gasTotalUsed;
    }

    // ---------------------------------------------------------------- helpers

    /// @dev As if alice's position of ETH in GRANT, of 100 ETH, had been taken out so often.
    function mockDepartures(address pledger, uint24 departures) private {
        vm.mockCall(
            address(escrow),
            abi.encodeCall(escrow.position, (pledger, GRANT, Asset.ETH)),
            abi.encode(units(100 ether), units(0), false, departures)
        );
    }
}
