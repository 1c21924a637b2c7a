// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { RescueView, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { ForceEther } from "../util/Receivers.sol";

/// An attacker who sends ETH where none is expected.
/// ├── when it is sent in a plain transfer, or with a call that is not payable
/// │   └── the escrow refuses it
/// └── when it is forced in: by selfdestruct, as a block reward, or before there was any code
///     ├── no view changes, and it decides nothing
///     ├── everyone gets what they would have got, and it stays there
///     └── a pool distributes it to nobody
contract ForcedEtherTest is EscrowTest {
    uint256 private constant FORCED = 2000 ether;

    function test_RevertWhen_PlainEther() public {
        vm.deal(alice, 1 ether);
        vm.startPrank(alice);
        (bool success,) = address(escrow).call{ value: 1 ether }("");
        assertFalse(success);
        (success,) = address(escrow).call{ value: 1 ether }(hex"12345678");
        assertFalse(success);
        (success,) = address(escrow).call{ value: 1 }(abi.encodeCall(escrow.settle, ()));
        assertFalse(success);
        assertEq(address(escrow).balance, 0);
    }

    /// @dev 499 ETH are one short of half; forced ether is not a pledge.
    function test_Forced_CountsForNothing() public {
        pledge(alice, GRANT, Asset.ETH, 499 ether);
        RescueView memory before = escrow.rescue();
        force(address(escrow));
        assertSame(escrow.rescue(), before);
        settleLate();
        assertStatus(Status.Failed);
        escrow.refund(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 499 ether);
        assertEq(address(escrow).balance, FORCED);
    }

    /// @dev Properties 1 and 2.
    function test_Forced_StaysThere() public {
        force(address(escrow));
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        for (uint256 i; i < 3; ++i) {
            escrow.release(Asset(i));
        }
        assertEq(beneficiary.balance, 400 ether);
        assertEq(address(escrow).balance, FORCED);
    }

    /// @dev The address is known before the contract exists.
    function test_Forced_BeforeThereIsCode() public {
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.deal(next, FORCED);
        escrow = deploy(defaultTerms());
        assertEq(address(escrow), next);
        assertEq(address(escrow).balance, FORCED);
        assertEq(escrow.rescue().coverage, 0);
    }

    function test_Forced_IntoTheRecoveryPool() public {
        IRecoveryPool pool = IRecoveryPool(deployCode("RecoveryPool.sol:RecoveryPool", abi.encode(escrow)));
        pledge(alice, GRANT, Asset.ETH, TARGET);
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        escrow.release(Asset.ETH);
        force(address(pool));
        vm.expectRevert(abi.encodeWithSelector(IRecoveryPool.NothingToClaim.selector, alice, GRANT, Asset.ETH));
        pool.claim(alice, GRANT, Asset.ETH);
        vm.deal(stranger, 7);
        vm.prank(stranger);
        pool.recover{ value: 7 }();
        pool.claim(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 7);
        assertEq(address(pool).balance, FORCED);
    }

    function test_Forced_IntoTheBonusPool() public {
        IBonusPool pool = IBonusPool(deployCode("BonusPool.sol:BonusPool", abi.encode(escrow)));
        vm.deal(stranger, 7);
        vm.prank(stranger);
        pool.add{ value: 7 }(stranger);
        pledge(alice, GRANT, Asset.ETH, 1 ether);
        pool.enlist(alice, GRANT, Asset.ETH);
        force(address(pool));
        vm.warp(DEADLINE + EXIT_WINDOW + 1);
        pool.claim(alice, GRANT, Asset.ETH);
        assertEq(alice.balance, 7);
        assertEq(address(pool).balance, FORCED);
    }

    /// @dev Half by selfdestruct, half as a block reward.
    function force(address target) private {
        vm.deal(address(this), FORCED / 2);
        new ForceEther{ value: FORCED / 2 }(payable(target));
        vm.deal(target, target.balance + FORCED / 2);
    }
}
