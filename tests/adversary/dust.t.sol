// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { ASSETS, Asset, Wei } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// An attacker who pledges, deposits or adds one wei, again and again, from as many accounts. The largest possible
/// rescue (eight tiers, eight draw orders, all 24 pots, 64 tranches) is fully pledged, and then flooded with dust.
/// ├── no call uses more than one sixteenth of the gas that a transaction may use
/// └── everyone is paid as without the dust, to the unit that rounding takes
contract DustTest is EscrowTest {
    /// @dev The maximum gas of a transaction (EIP-7825).
    uint256 private constant TRANSACTION_GAS = 16_777_216;
    uint256 private constant BOUND = TRANSACTION_GAS / 16;

    uint256 private constant POTS = 24;
    uint256 private constant PLEDGES = 2400;
    uint256 private constant LARGE = 1 ether;

    IRecoveryPool private pool;
    IBonusPool private bonus;

    function setUp() public override {
        super.setUp();
        Terms memory terms = defaultTerms();
        // Seven draw orders are used up, and half of the eighth.
        terms.target = Wei.wrap(7 * 3.4 ether + 1.7 ether);
        terms.tiers = new Tier[](8);
        for (uint256 i; i < 8; ++i) {
            terms.tiers[i] = Tier(uint16(3000 + 1000 * i), uint8(7 - i), uint16(100 * i));
        }
        terms.tranches = 64;
        terms.vetoBps = 9999;
        escrow = deploy(terms);
        pool = IRecoveryPool(deployCode("RecoveryPool.sol:RecoveryPool", abi.encode(escrow)));
        bonus = IBonusPool(deployCode("BonusPool.sol:BonusPool", abi.encode(escrow)));
        for (uint256 id; id < POTS; ++id) {
            pledge(alice, uint8(id / ASSETS), Asset(id % ASSETS), LARGE);
            bonus.enlist(alice, uint8(id / ASSETS), Asset(id % ASSETS));
        }
        flood();
    }

    /// @dev A hundred accounts with one wei in each pot, enlisted, and two wei of bonus.
    function flood() private {
        for (uint256 i; i < PLEDGES; ++i) {
            pledge(duster(i / POTS), uint8(i % POTS / ASSETS), Asset(i % ASSETS), 1);
            bonus.enlist(duster(i / POTS), uint8(i % POTS / ASSETS), Asset(i % ASSETS));
        }
        vm.deal(stranger, 1 ether);
        for (uint256 i; i < 200; ++i) {
            vm.prank(stranger);
            bonus.add{ value: 1 }(duster(i % 100));
        }
    }

    function test_Open_CostsAreBounded() public {
        vm.deal(bob, 1);
        measure(bob, 1, address(escrow), abi.encodeCall(escrow.pledgeETH, (bob, 7, 0)));
        measure(stranger, 0, address(bonus), abi.encodeCall(bonus.enlist, (bob, 7, Asset.ETH)));
        measure(guardian, 0, address(escrow), abi.encodeCall(escrow.amend, (Wei.wrap(TARGET), DEADLINE, TERMS_HASH)));
        measure(alice, 0, address(escrow), abi.encodeCall(escrow.exit, (0, Asset.StETH, alice)));
        measure(guardian, 0, address(escrow), abi.encodeCall(escrow.decline, (alice, 7, Asset.WstETH)));
        stETH.stop();
        measure(guardian, 0, address(escrow), abi.encodeCall(escrow.decline, (alice, 7, Asset.StETH)));
        stETH.resume();
        measure(stranger, 0, address(escrow), abi.encodeCall(escrow.collect, (alice, Asset.StETH)));
        measure(stranger, 0, address(bonus), abi.encodeCall(bonus.enlist, (alice, 7, Asset.WstETH)));
        measure(stranger, 1, address(bonus), abi.encodeCall(bonus.add, (bob)));
        measure(stranger, 0, address(escrow), abi.encodeCall(escrow.rescue, ()));
        measure(stranger, 0, address(escrow), abi.encodeCall(escrow.positions, (alice)));
        measure(guardian, 0, address(escrow), abi.encodeCall(escrow.cancel, ()));
        measure(stranger, 0, address(bonus), abi.encodeCall(bonus.takeBack, (duster(0))));
    }

    function test_Expire_CostIsBounded() public {
        vm.warp(DEADLINE + RELEASE_WINDOW + 1);
        vm.mockCallRevert(address(stETH), abi.encodeWithSelector(stETH.getPooledEthByShares.selector), "down");
        // To prove that the rate cannot be read, a million gas must be left; it is not used.
        measure(stranger, 0, address(escrow), abi.encodeCall(escrow.expire, ()));
        measure(stranger, 0, address(bonus), abi.encodeCall(bonus.claim, (alice, 0, Asset.ETH)));
    }

    function test_Life_CostsAreBounded() public {
        vm.warp(SETTLED_AT);
        measure(stranger, 0, address(escrow), abi.encodeCall(escrow.settle, ()));
        vm.warp(trancheAt(SETTLED_AT, 1));
        measure(alice, 0, address(escrow), abi.encodeCall(escrow.object, (7, Asset.StETH)));
        for (uint256 asset; asset < ASSETS; ++asset) {
            measure(stranger, 0, address(escrow), abi.encodeCall(escrow.release, (Asset(asset))));
            measure(stranger, 0, address(escrow), abi.encodeCall(escrow.refund, (alice, 0, Asset(asset))));
        }
        measure(guardian, 0, address(escrow), abi.encodeCall(escrow.cancel, ()));
        for (uint256 i; i < 200; ++i) {
            vm.deal(stranger, 1);
            measure(stranger, 1, address(pool), abi.encodeCall(pool.recover, ()));
        }
        vm.deal(stranger, 1 ether);
        measure(stranger, 1 ether, address(pool), abi.encodeCall(pool.recover, ()));
        measure(stranger, 0, address(pool), abi.encodeCall(pool.claim, (alice, 0, Asset.StETH)));
    }

    function test_Lapse_CostIsBounded() public {
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 64) + RELEASE_WINDOW + 1);
        measure(stranger, 0, address(escrow), abi.encodeCall(escrow.lapse, ()));
    }

    /// @dev Property 4: alice has all but a hundred wei of each pot. The last order leaves her half; the dust leaves
    /// more.
    function test_Refunds_AsWithoutTheDust() public {
        settleLate();
        assertApproxEqAbs(refundOf(alice, 0, Asset.ETH), LARGE / 2, PLEDGES);
        assertApproxEqAbs(refundOf(alice, 0, Asset.WstETH), LARGE / 2, PLEDGES);
        // A wei that is drawn in part is worth nothing.
        assertEq(refundOf(duster(5), 0, Asset.ETH), 0);
        assertEq(refundOf(alice, 7, Asset.StETH), 0);
    }

    // ---------------------------------------------------------------- helpers

    function duster(uint256 i) private pure returns (address) {
        return address(uint160(0xD057 + i));
    }

    function refundOf(address pledger, uint8 tier, Asset asset) private returns (uint256 amount) {
        uint256 before = balanceOf(pledger, asset);
        (bool success,) = address(escrow).call(abi.encodeCall(escrow.refund, (pledger, tier, asset)));
        amount = balanceOf(pledger, asset) - before;
        assertEq(success, amount != 0);
    }

    /// @dev Makes a call in a transaction that has touched nothing before.
    function measure(address caller, uint256 value, address target, bytes memory call) private {
        vm.cool(address(escrow));
        vm.cool(address(pool));
        vm.cool(address(bonus));
        vm.cool(address(stETH));
        vm.cool(address(wstETH));
        vm.prank(caller);
        (bool success,) = target.call{ value: value }(call);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        assertTrue(success, "refused");
        assertLt(used, BOUND, "too near the gas of a transaction");
    }
}
