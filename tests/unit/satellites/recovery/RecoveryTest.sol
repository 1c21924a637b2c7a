// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status, Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { GroupView, IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { EscrowTest } from "../../../util/EscrowTest.sol";

/// @notice What the tests of the recovery pool share.
/// @dev Of the default rescue, pledged in full, the loan group (order 1) is worth 600 ETH, of which 300 were drawn and
/// delivered; it is repaid first. The grants (order 0) are worth 700 ETH and take the rest: alice 4/7, bob 3/7.
abstract contract RecoveryTest is EscrowTest {
    uint256 internal constant YEAR = 365 days;

    /// @dev When the default rescue becomes final: with the last release, which is made when its tranche falls due.
    uint40 internal constant FINAL_AT = SETTLED_AT + OBJECTION_PERIOD + (TRANCHES - 1) * INTERVAL;

    IRecoveryPool internal pool;

    function setUp() public virtual override {
        super.setUp();
        deployPool();
    }

    function deployPool() internal {
        pool = IRecoveryPool(deployCode("RecoveryPool.sol:RecoveryPool", abi.encode(escrow)));
    }

    /// @dev The default terms with three draw orders, the two later ones loans at 10 % and 20 %: order 0 lends nothing.
    function threeOrders() internal view returns (Terms memory terms) {
        terms = defaultTerms();
        terms.tiers[1] = Tier({ thresholdBps: 10_000, drawOrder: 1, rateBps: 1000 });
        terms.tiers[2] = Tier({ thresholdBps: 10_000, drawOrder: 2, rateBps: 2000 });
    }

    /// @dev Pledged in full, settled and released: final.
    function finish() internal {
        pledgeFull();
        settleLate();
        releaseAll();
    }

    /// @dev Delivers every asset of which anything was drawn, when the last tranche is due.
    function releaseAll() internal {
        vm.warp(FINAL_AT);
        for (uint256 i; i < 3; ++i) {
            if (escrow.rescue().kept[i] != 0) escrow.release(Asset(i));
        }
    }

    /// @dev A stranger deposits.
    function recover(uint256 amount) internal {
        vm.deal(stranger, stranger.balance + amount);
        vm.prank(stranger);
        pool.recover{ value: amount }();
    }

    /// @dev A stranger claims for `pledger`, who gets `expected`.
    function claim(address pledger, uint8 tier, Asset asset, uint256 expected) internal {
        uint256 before = pledger.balance;
        vm.expectEmit(address(pool));
        emit IRecoveryPool.Claimed(pledger, tier, asset, pledger, Wei.wrap(expected));
        vm.prank(stranger);
        pool.claim(pledger, tier, asset);
        assertEq(pledger.balance - before, expected, "paid");
    }

    function expectNotFinal(Status status) internal {
        vm.expectRevert(abi.encodeWithSelector(IRecoveryPool.NotFinal.selector, status));
    }

    function expectNothingToClaim(address pledger, uint8 tier, Asset asset) internal {
        vm.expectRevert(abi.encodeWithSelector(IRecoveryPool.NothingToClaim.selector, pledger, tier, asset));
    }

    /// @dev The group at a place of the waterfall, 0 being repaid first.
    function assertGroup(
        uint256 place,
        uint8 order,
        uint256 value,
        uint256 principal,
        uint256 interest,
        uint256 received
    ) internal view {
        (,, GroupView[] memory groups) = pool.recovery();
        assertEq(groups[place].drawOrder, order, "order");
        assertEq(groups[place].value, value, "value");
        assertEq(groups[place].principal, principal, "principal");
        assertEq(groups[place].interest, interest, "interest");
        assertEq(groups[place].received, received, "received");
    }

    function assertEarnings(address pledger, uint8 tier, Asset asset, uint256 earned, uint256 claimed) internal view {
        (Wei actual, Wei paid) = pool.earnings(pledger, tier, asset);
        assertEq(actual, earned, "earned");
        assertEq(paid, claimed, "claimed");
    }
}
