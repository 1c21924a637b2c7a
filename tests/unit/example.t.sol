// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// The worked example of docs/mechanism.md, with its figures.
/// ├── the rescue that is covered: settlement, release, refund
/// ├── the same, cancelled or vetoed when one tranche is due
/// ├── what is recovered after it
/// └── the rescue that fails, and its bonus
contract ExampleTest is EscrowTest {
    function setUp() public override {
        super.setUp();
        pledge(alice, GRANT, Asset.ETH, 400 ether);
        pledge(bob, FULL_GRANT, Asset.StETH, 250 ether);
    }

    function test_Covered() public {
        pledge(carol, LOAN, Asset.WstETH, 500 ether);
        assertEq(escrow.rescue().coverage, 1300 ether);
        settleLate();
        assertEq(escrow.rescue().thresholdMetBps, 10_000);
        assertEq(escrow.rescue().drawn, 1000 ether);
        assertPot(LOAN, Asset.WstETH, 500 ether, 250 ether, 0);
        assertRefund(carol, LOAN, Asset.WstETH, 250 ether);
        for (uint256 r = 1; r <= 4; ++r) {
            vm.warp(trancheAt(SETTLED_AT, r));
            releaseAll();
            assertEq(beneficiary.balance, r * 100 ether);
            assertEq(stETH.sharesOf(beneficiary), r * 62.5 ether);
            assertEq(wstETH.balanceOf(beneficiary), r * 62.5 ether);
        }
        assertStatus(Status.Released);
    }

    function test_Cancelled() public {
        pledge(carol, LOAN, Asset.WstETH, 500 ether);
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        vm.prank(guardian);
        escrow.cancel();
        assertRefund(alice, GRANT, Asset.ETH, 300 ether);
        assertRefund(bob, FULL_GRANT, Asset.StETH, 187.5 ether);
        assertRefund(carol, LOAN, Asset.WstETH, 437.5 ether);
        releaseAll();
        assertEq(beneficiary.balance, 100 ether);
    }

    function test_Recovered() public {
        pledge(carol, LOAN, Asset.WstETH, 500 ether);
        IRecoveryPool pool = IRecoveryPool(deployCode("RecoveryPool.sol:RecoveryPool", abi.encode(escrow)));
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 4));
        releaseAll();
        uint256 finalAt = vm.getBlockTimestamp();
        vm.deal(stranger, 607.5 ether);
        vm.warp(finalAt + 365 days);
        vm.prank(stranger);
        pool.recover{ value: 107.5 ether }();
        vm.warp(finalAt + 2 * 365 days);
        vm.prank(stranger);
        pool.recover{ value: 500 ether }();

        pool.claim(alice, GRANT, Asset.ETH);
        pool.claim(bob, FULL_GRANT, Asset.StETH);
        pool.claim(carol, LOAN, Asset.WstETH);
        assertEq(alice.balance, 168_571_428_571_428_571_428);
        assertEq(bob.balance, 126_428_571_428_571_428_571);
        assertEq(carol.balance, 312.5 ether);
        assertEq(address(pool).balance, 1);
    }

    function test_Vetoed() public {
        pledge(carol, LOAN, Asset.WstETH, 500 ether);
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        vm.prank(bob);
        escrow.object(FULL_GRANT, Asset.StETH);
        assertStatus(Status.Cancelled);
        for (uint256 r = 2; r <= 4; ++r) {
            vm.warp(trancheAt(SETTLED_AT, r) - 1);
            expectNothingToReturn(alice, GRANT, Asset.ETH);
            escrow.refund(alice, GRANT, Asset.ETH);
            vm.warp(trancheAt(SETTLED_AT, r));
            assertRefund(alice, GRANT, Asset.ETH, 100 ether);
        }
        assertRefund(bob, FULL_GRANT, Asset.StETH, 187.5 ether);
        assertRefund(carol, LOAN, Asset.WstETH, 437.5 ether);
    }

    function test_FailedWithABonus() public {
        IBonusPool pool = failWithABonus(START);
        claim(pool, alice, GRANT, Asset.ETH, 4 ether);
        claim(pool, bob, FULL_GRANT, Asset.StETH, 3 ether);
        claim(pool, carol, LOAN, Asset.WstETH, 1.2 ether);
        assertRefund(alice, GRANT, Asset.ETH, 400 ether);
        assertRefund(bob, FULL_GRANT, Asset.StETH, 250 ether);
        assertRefund(carol, LOAN, Asset.WstETH, 100 ether);
    }

    function test_FailedWithABonus_WhenCarolComesLater() public {
        IBonusPool pool = failWithABonus(START + 15 days);
        claim(pool, alice, GRANT, Asset.ETH, uint256(8.2 ether) * 400 / 760);
    }

    /// @dev Carol pledges 100 wstETH at `time`, the others did at the start, and all are enlisted with it.
    function failWithABonus(uint256 time) private returns (IBonusPool pool) {
        pool = IBonusPool(deployCode("BonusPool.sol:BonusPool", abi.encode(escrow)));
        pool.enlist(alice, GRANT, Asset.ETH);
        pool.enlist(bob, FULL_GRANT, Asset.StETH);
        vm.warp(time);
        pledge(carol, LOAN, Asset.WstETH, 100 ether);
        pool.enlist(carol, LOAN, Asset.WstETH);
        vm.deal(stranger, 8.2 ether);
        vm.prank(stranger);
        pool.add{ value: 8.2 ether }(stranger);
        assertEq(escrow.rescue().coverage, 820 ether);
        settleLate();
        assertStatus(Status.Failed);
        vm.warp(DEADLINE + EXIT_WINDOW + 1);
    }

    function claim(IBonusPool pool, address pledger, uint8 tier, Asset asset, uint256 amount) private {
        uint256 before = pledger.balance;
        pool.claim(pledger, tier, asset);
        assertEq(pledger.balance - before, amount, "bonus");
    }

    function releaseAll() private {
        for (uint256 i; i < 3; ++i) {
            escrow.release(Asset(i));
        }
    }

    function assertRefund(address pledger, uint8 tier, Asset asset, uint256 amount) private {
        uint256 before = balanceOf(pledger, asset);
        escrow.refund(pledger, tier, asset);
        assertEq(balanceOf(pledger, asset) - before, amount, "refund");
    }
}
