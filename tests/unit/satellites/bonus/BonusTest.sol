// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { Asset, Rate, Units, Wei } from "levee/types/Units.sol";

import { EscrowTest, units } from "../../../util/EscrowTest.sol";

/// @notice What the tests of the bonus pool share.
/// @dev `pledgeLittle` is worth 300 ETH of the 1,000 that are missing: alice 120, bob 120, carol 60. Enlisted at START, each
/// is locked for 30 days.
abstract contract BonusTest is EscrowTest {
    /// @dev From START to the deadline.
    uint256 internal constant ALL_TIME = 30 days;

    /// @dev When a bonus that is partly the pledgers' can be decided, at the earliest.
    uint40 internal constant DECIDABLE_AT = DEADLINE + EXIT_WINDOW + 1;

    address internal immutable sponsor = makeAddr("sponsor");

    IBonusPool internal pool;

    function setUp() public virtual override {
        super.setUp();
        deployPool();
    }

    function deployPool() internal {
        pool = IBonusPool(deployCode("BonusPool.sol:BonusPool", abi.encode(escrow)));
    }

    /// @dev Of each asset something, in three positions, and not enough for any threshold.
    function pledgeLittle() internal {
        pledgeEnlisted(alice, GRANT, Asset.ETH, 120 ether);
        pledgeEnlisted(bob, GRANT, Asset.StETH, 100 ether);
        pledgeEnlisted(carol, LOAN, Asset.WstETH, 50 ether);
    }

    /// @dev `pledger` pledges, and is enlisted by whoever comes.
    function pledgeEnlisted(address pledger, uint8 tier, Asset asset, uint256 amount) internal {
        pledge(pledger, tier, asset, amount);
        enlist(pledger, tier, asset);
    }

    function enlist(address pledger, uint8 tier, Asset asset) internal {
        vm.prank(stranger);
        pool.enlist(pledger, tier, asset);
    }

    /// @dev The pledger leaves in the exit window of an amendment.
    function exit(address pledger, uint8 tier, Asset asset) internal {
        vm.prank(pledger);
        escrow.exit(tier, asset, pledger);
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
        assertShare(pledger, tier, asset, expected, true);
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

    function expectDecided(uint256 bonus, uint256 part, uint256 rate, uint256 value) internal {
        vm.expectEmit(address(pool));
        // The rates of these tests fit.
        emit IBonusPool.BonusDecided(Wei.wrap(bonus), Wei.wrap(part), Rate.wrap(uint96(rate)), value);
    }

    function expectNothingToEnlist(address pledger, uint8 tier, Asset asset) internal {
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.NothingToEnlist.selector, pledger, tier, asset));
    }

    function expectNothingToClaim(address pledger, uint8 tier, Asset asset) internal {
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.NothingToClaim.selector, pledger, tier, asset));
    }

    function expectNothingToTakeBack(address who) internal {
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.NothingToTakeBack.selector, who));
    }

    /// @dev Before `DECIDABLE_AT`.
    function expectTooEarlyToDecide() internal {
        uint256 time = vm.getBlockTimestamp();
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.TooEarly.selector, DECIDABLE_AT - 1, time));
    }

    function expectRefusedAccount(address account) internal {
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.InvalidAccount.selector, account));
    }

    function assertUndecided(uint256 total) internal view {
        (bool decided, Wei actual, Wei part, Rate rate, uint256 value) = pool.bonus();
        assertFalse(decided, "decided");
        assertEq(actual, total, "total");
        assertEq(part, 0, "part");
        assertEq(rate, 0, "rate");
        assertEq(value, 0, "value");
    }

    function assertDecided(uint256 total, uint256 part, uint256 rate, uint256 value) internal view {
        (bool decided, Wei actualTotal, Wei actualPart, Rate actualRate, uint256 actualValue) = pool.bonus();
        assertTrue(decided, "decided");
        assertEq(actualTotal, total, "total");
        assertEq(actualPart, part, "part");
        assertEq(actualRate, rate, "rate");
        assertEq(actualValue, value, "value");
    }

    function assertShare(address pledger, uint8 tier, Asset asset, uint256 share, bool claimed) internal view {
        (Wei actual, bool had) = pool.shareOf(pledger, tier, asset);
        assertEq(actual, share, "share");
        assertEq(had, claimed, "claimed");
    }

    function assertEnlisted(
        address pledger,
        uint8 tier,
        Asset asset,
        uint256 departures,
        uint256 amount,
        uint256 unitSeconds
    ) internal view {
        (uint24 actual, Units actualAmount, uint128 actualSeconds) = pool.enlisted(pledger, tier, asset);
        assertEq(actual, departures, "departures");
        assertEq(actualAmount, amount, "amount");
        assertEq(actualSeconds, unitSeconds, "unitSeconds");
    }
}
