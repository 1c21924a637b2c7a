// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { ICompact } from "levee/interfaces/ICompact.sol";
import { AmountTooLarge, Asset, Units } from "levee/types/Units.sol";

import { units } from "../../util/EscrowTest.sol";
import { CompactTest } from "./CompactTest.sol";

/// payPremium
/// ├── anyone may pay; it is shared at once by weight, and emits {PremiumPaid}
/// ├── of 0 it reverts with {ZeroAmount}, beyond 104 bits with {AmountTooLarge}
/// └── when nobody has weight it reverts with {NobodyEarns}
/// claim
/// ├── anyone may claim for a member; it pays the member everything earned, and emits {PremiumClaimed}
/// ├── what is under notice earns nothing, and what is activated later nothing of what was paid before
/// ├── what was earned stays after leaving, and is never called
/// └── with nothing earned it reverts with {NothingToClaim}
contract CompactPremiumTest is CompactTest {
    function test_PayPremium() public {
        fund(dave, Asset.WstETH, 10 ether);
        allow(dave);
        vm.expectEmit(address(compact));
        emit ICompact.PremiumPaid(dave, units(10 ether), units(1000 ether));
        payPremiumFrom(dave, 10 ether);
        uint256 index = indexOf(10 ether, 1000 ether);
        assertEarned(alice, 600 ether * index >> 128);
        assertEarned(bob, 300 ether * index >> 128);
        assertEarned(carol, 100 ether * index >> 128);
        // Less than a unit of each is lost to rounding.
        assertEarned(alice, 6 ether - 1);
        assertHeld(1010 ether);
        assertAll(1000 ether, 1000 ether);
    }

    function test_PayPremium_RevertWhen_OfNothingOrTooMuch() public {
        vm.expectRevert(ICompact.ZeroAmount.selector);
        payPremiumFrom(dave, 0);
        expectValues(AmountTooLarge.selector, 2 ** 104, 2 ** 104 - 1);
        payPremiumFrom(dave, 2 ** 104);
    }

    function test_PayPremium_RevertWhen_NobodyHasWeight() public {
        notice(alice, 600 ether);
        notice(bob, 300 ether);
        notice(carol, 100 ether);
        vm.expectRevert(ICompact.NobodyEarns.selector);
        payPremiumFrom(dave, 1);
        notice(carol, 100 ether - 1);
        payPremium(dave, 1);
        assertEarned(carol, 1);
    }

    function test_Claim() public {
        payPremium(dave, 10 ether);
        vm.warp(PROPOSED_AT + 1000 days);
        vm.expectEmit(address(compact));
        emit ICompact.PremiumClaimed(alice, units(6 ether - 1));
        claim(alice);
        assertEq(wstETH.balanceOf(alice), 6 ether - 1);
        assertEarned(alice, 0);
        expectAccount(ICompact.NothingToClaim.selector, alice);
        claim(alice);
        expectAccount(ICompact.NothingToClaim.selector, dave);
        claim(dave);
        payPremium(dave, 10 ether);
        claim(alice);
        assertEq(wstETH.balanceOf(alice), 12 ether - 2);
        claim(carol);
        assertEq(wstETH.balanceOf(carol), 600 ether * 2 * indexOf(10 ether, 1000 ether) / 6 >> 128);
    }

    /// @dev Of four premiums of 1,000 units each time, with the weights at each time.
    function test_Claim_ByTheWeightAtEachPayment() public {
        payPremium(dave, 1000 ether);
        notice(alice, 600 ether);
        payPremium(dave, 400 ether);
        notice(alice, 500 ether);
        payPremium(dave, 500 ether);
        // Of 1,000: 600, 300, 100. Of 400: 0, 300, 100. Of 500: 100, 300, 100; less what is rounded down.
        assertNear(alice, 700 ether);
        assertNear(bob, 900 ether);
        assertNear(carol, 300 ether);
        claim(alice);
        claim(bob);
        claim(carol);
        assertLe(wstETH.balanceOf(alice) + wstETH.balanceOf(bob) + wstETH.balanceOf(carol), 1900 ether);
    }

    function test_Claim_NothingOfWhatWasPaidBefore() public {
        join(dave, 1000 ether);
        vm.warp(PROPOSED_AT + SEASONING);
        payPremium(stranger, 10 ether);
        activate(dave);
        assertEarned(dave, 0);
        payPremium(stranger, 10 ether);
        assertNear(dave, 5 ether);
        assertNear(alice, 9 ether);
    }

    /// @dev A call takes nothing of it, and a fulfillment accrues by the weight before.
    function test_Claim_AfterACallAndAfterLeaving() public {
        payPremium(dave, 10 ether);
        uint256 call = proposeHalf();
        pass(call);
        fulfill(call, everyone());
        assertNear(alice, 6 ether);
        payPremium(dave, 10 ether);
        assertNear(alice, 12 ether);
        notice(alice, 300 ether);
        vm.warp(PROPOSED_AT + NOTICE);
        leaveTo(alice, dave);
        assertNear(alice, 12 ether);
        uint256 earned = Units.unwrap(compact.memberOf(alice).earned);
        claim(alice);
        assertEq(wstETH.balanceOf(alice), earned);
    }

    /// @dev One unit of weight, and the largest premiums that Lido's token allows: the index has room.
    function test_PayPremium_AtTheLeastWeight() public {
        notice(alice, 600 ether);
        notice(bob, 300 ether);
        notice(carol, 100 ether - 1);
        for (uint256 i; i < 10; ++i) {
            payPremium(dave, 10_000 ether);
        }
        assertEarned(carol, 100_000 ether);
        notice(alice, 0);
        claim(carol);
        assertEq(wstETH.balanceOf(carol), 100_000 ether);
        payPremium(dave, 601 ether);
        assertNear(alice, 601 ether);
    }

    function testFuzz_NeverMoreThanWasPaid(uint256 first, uint256 second, uint256 noticed) public {
        first = bound(first, 1, 100_000 ether);
        second = bound(second, 1, 100_000 ether);
        payPremium(dave, first);
        notice(alice, bound(noticed, 0, 600 ether));
        payPremium(dave, second);
        uint256 earned;
        for (uint256 i; i < 3; ++i) {
            earned += Units.unwrap(compact.memberOf(everyone()[i]).earned);
        }
        assertLe(earned, first + second);
        // At most a unit for each member and accrual.
        assertGe(earned + 6, first + second);
    }

    function indexOf(uint256 amount, uint256 weight) private pure returns (uint256) {
        return (amount << 128) / weight;
    }

    /// @dev Less by at most a unit for each of three accruals.
    function assertNear(address account, uint256 earned) private view {
        uint256 found = Units.unwrap(compact.memberOf(account).earned);
        assertLe(found, earned);
        assertGe(found + 3, earned);
    }
}
