// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// A recipient that answers a payment of ETH with 500,000 bytes, as return data or as revert data. Making them costs
/// 523,712 gas; copying them would cost the caller as much again.
/// ├── exit, refund, refundTo and release pay, or refuse with a few bytes, and cost no more than making them
/// └── decline costs no more than the 100,000 gas that it gives (unit/decline.t.sol: also for what those can pay for)
contract ReturnBombTest is EscrowTest {
    uint256 private constant MAKING = 523_712;
    uint256 private constant OWN_GAS = 100_000;

    Bomb private bomb;

    function setUp() public override {
        super.setUp();
        bomb = new Bomb();
        pledge(address(bomb), GRANT, Asset.ETH, 1500 ether);
    }

    function test_Decline() public {
        bytes memory call = abi.encodeCall(escrow.decline, (address(bomb), GRANT, Asset.ETH));
        assertLt(gasOf(guardian, call), 100_000 + OWN_GAS);
        assertOwed(address(bomb), Asset.ETH, 1500 ether);
    }

    function test_Exit_Answered() public {
        amendTarget(TARGET);
        checkPaid(address(bomb), abi.encodeCall(escrow.exit, (GRANT, Asset.ETH, address(bomb))), 1500 ether);
    }

    function test_Exit_Refused() public {
        amendTarget(TARGET);
        bomb.refuse();
        bytes memory call = abi.encodeCall(escrow.exit, (GRANT, Asset.ETH, address(bomb)));
        uint256 used = gasOf(address(bomb), call);
        assertGt(used, MAKING);
        assertLt(used, MAKING + OWN_GAS);
        assertOwed(address(bomb), Asset.ETH, 1500 ether);
    }

    function test_Refund_Answered() public {
        settleLate();
        checkPaid(stranger, abi.encodeCall(escrow.refund, (address(bomb), GRANT, Asset.ETH)), 500 ether);
    }

    function test_Refund_Refused() public {
        settleLate();
        bomb.refuse();
        checkRefused(stranger, abi.encodeCall(escrow.refund, (address(bomb), GRANT, Asset.ETH)), 500 ether);
        checkRefused(address(bomb), abi.encodeCall(escrow.refundTo, (GRANT, Asset.ETH, address(bomb))), 500 ether);
    }

    function test_Release() public {
        vm.etch(beneficiary, address(bomb).code);
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, TRANCHES));
        uint256 used = gasOf(stranger, abi.encodeCall(escrow.release, (Asset.ETH)));
        assertGt(used, MAKING);
        assertLt(used, MAKING + OWN_GAS);
        assertEq(beneficiary.balance, TARGET);
    }

    function checkPaid(address caller, bytes memory call, uint256 amount) private {
        uint256 used = gasOf(caller, call);
        assertGt(used, MAKING);
        assertLt(used, MAKING + OWN_GAS);
        assertEq(address(bomb).balance, amount);
    }

    /// @dev The error contains the recipient, the asset and the amount: 100 bytes.
    function checkRefused(address caller, bytes memory call, uint256 amount) private {
        vm.prank(caller);
        uint256 before = gasleft();
        (bool success, bytes memory answer) = address(escrow).call(call);
        assertLt(before - gasleft(), MAKING + OWN_GAS);
        assertFalse(success);
        assertEq(answer, abi.encodeWithSelector(IPledgeEscrow.PaymentFailed.selector, bomb, Asset.ETH, amount));
    }

    function gasOf(address caller, bytes memory call) private returns (uint256) {
        vm.cool(address(escrow));
        vm.prank(caller);
        (bool success,) = address(escrow).call(call);
        assertTrue(success);
        return vm.lastCallGas().gasTotalUsed;
    }
}

/// @notice Accepts ETH, or refuses it, with 500,000 bytes.
contract Bomb {
    bool private refuses;

    function refuse() external {
        refuses = true;
    }

    receive() external payable {
        bool fails = refuses;
        assembly ("memory-safe") {
            if fails { revert(0, 500000) }
            return(0, 500000)
        }
    }
}
