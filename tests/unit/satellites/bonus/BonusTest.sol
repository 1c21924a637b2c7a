// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { BonusFor, IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { Asset, Rate, Wei } from "levee/types/Units.sol";

import { EscrowTest } from "../../../util/EscrowTest.sol";

/// @notice What the tests of the bonus pool share.
/// @dev `pledgeLittle` is worth 300 ETH of the 1,000 that are missing: alice 120, bob 120, carol 60.
abstract contract BonusTest is EscrowTest {
    address internal immutable sponsor = makeAddr("sponsor");

    IBonusPool internal pool;

    function setUp() public override {
        super.setUp();
        deployPool();
    }

    function deployPool() internal {
        pool = IBonusPool(deployCode("BonusPool.sol:BonusPool", abi.encode(escrow)));
    }

    /// @dev Of each asset something, in three positions, and not enough for any threshold.
    function pledgeLittle() internal {
        pledge(alice, GRANT, Asset.ETH, 120 ether);
        pledge(bob, GRANT, Asset.StETH, 100 ether);
        pledge(carol, LOAN, Asset.WstETH, 50 ether);
    }

    /// @dev `who` adds to the bonus.
    function add(address who, uint256 amount) internal {
        vm.deal(who, who.balance + amount);
        vm.prank(who);
        pool.add{ value: amount }(who);
    }

    /// @dev A stranger claims for `pledger`, who gets `expected`.
    function claim(address pledger, uint8 tier, Asset asset, uint256 expected) internal {
        uint256 before = pledger.balance;
        vm.expectEmit(address(pool));
        emit IBonusPool.BonusClaimed(pledger, tier, asset, pledger, Wei.wrap(expected));
        vm.prank(stranger);
        pool.claim(pledger, tier, asset);
        assertEq(pledger.balance - before, expected, "paid");
    }

    /// @dev A stranger has `who` paid back, who gets `expected`.
    function takeBack(address who, uint256 expected) internal {
        uint256 before = who.balance;
        vm.expectEmit(address(pool));
        emit IBonusPool.BonusReturned(who, who, Wei.wrap(expected));
        vm.prank(stranger);
        pool.takeBack(who);
        assertEq(who.balance - before, expected, "returned");
        assertEq(pool.contributionOf(who), 0);
    }

    function expectWrongOutcome(BonusFor whose) internal {
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.WrongOutcome.selector, whose));
    }

    function expectNothingToClaim(address pledger, uint8 tier, Asset asset) internal {
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.NothingToClaim.selector, pledger, tier, asset));
    }

    function expectRefusedAccount(address account) internal {
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.InvalidAccount.selector, account));
    }

    function assertBonus(BonusFor whose, uint256 total, uint256 rate, uint256 value) internal view {
        (BonusFor actual, Wei actualTotal, Rate actualRate, Wei actualValue) = pool.bonus();
        assertEq(uint256(actual), uint256(whose), "whose");
        assertEq(actualTotal, total, "total");
        assertEq(actualRate, rate, "rate");
        assertEq(actualValue, value, "value");
    }

    function assertShare(address pledger, uint8 tier, Asset asset, uint256 share, bool claimed) internal view {
        (Wei actual, bool had) = pool.shareOf(pledger, tier, asset);
        assertEq(actual, share, "share");
        assertEq(had, claimed, "claimed");
    }
}
