// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset } from "levee/types/Units.sol";

import { CompactTest } from "../unit/compact/CompactTest.sol";

/// @notice What the calls of a compact cost at most, as docs/performance.md says.
/// @dev Each call is a transaction of its own, with everything cold and refunds applied.
/// forge-config: default.isolate = true
/// forge-config: default.evm_version = "osaka"
/// forge-config: ci.isolate = true
/// forge-config: ci.evm_version = "osaka"
contract CompactGasTest is CompactTest {
    /// @dev Dave is a member for a while, and a call of 40 % has been proposed.
    function setUp() public override {
        super.setUp();
        admit(dave);
        fund(dave, Asset.WstETH, 30 ether);
        allow(dave);
        commitFrom(dave, 10 ether);
        vm.warp(PROPOSED_AT + SEASONING);
    }

    function test_Commit() public {
        assertGas(commitGas(carol), 120_000, "commit of a member");
        admit(stranger);
        assertGas(commitGas(stranger), 120_000, "commit of a newcomer");
    }

    function test_Activate() public {
        activate(dave);
        assertGas(lastGas(), 130_000, "activate");
        commitFrom(dave, 10 ether);
        vm.warp(vm.getBlockTimestamp() + SEASONING);
        activate(dave);
        assertGas(lastGas(), 130_000, "activate again");
    }

    function test_Activate_FirstOfAll() public {
        compact = deployCompact(compactTerms());
        admit(stranger);
        commitGas(stranger);
        vm.warp(vm.getBlockTimestamp() + SEASONING);
        activate(stranger);
        assertGas(lastGas(), 130_000, "activate, first of all");
    }

    /// @dev The change that writes the leaving into the history is the most expensive.
    function test_Activate_AfterLeaving() public {
        activate(dave);
        notice(dave, 4 ether);
        commitFrom(dave, 10 ether);
        vm.warp(vm.getBlockTimestamp() + NOTICE);
        leaveTo(dave, dave);
        vm.warp(vm.getBlockTimestamp() + SEASONING - NOTICE);
        payPremium(alice, 10 ether);
        activate(dave);
        assertGas(lastGas(), 130_000, "activate after leaving");
    }

    function test_Call() public {
        activate(dave);
        vm.warp(vm.getBlockTimestamp() + 1);
        escrow = create(anotherTerms("later"));
        uint256 call = propose(alice, anotherTerms("later"), LOAN, 4000);
        assertGas(lastGas(), 500_000, "propose");
        approveCall(dave, call);
        assertGas(lastGas(), 80_000, "approve");
        approveCall(alice, call);
        approveCall(carol, call);
        assertGas(lastGas(), 80_000, "approve, passing");
        fulfill(call, alice);
        vm.warp(vm.getBlockTimestamp() + 10);
        fulfill(call, dave);
        assertGas(lastGas(), 190_000, "fulfill, new position");
    }

    function test_Leave() public {
        activate(dave);
        notice(dave, 1 ether);
        vm.warp(vm.getBlockTimestamp() + NOTICE);
        leaveTo(dave, dave);
        assertGas(lastGas(), 90_000, "leave");
        notice(dave, 9 ether);
        vm.warp(vm.getBlockTimestamp() + NOTICE);
        leaveTo(dave, stranger);
        assertGas(lastGas(), 100_000, "leave, to who never held wstETH");
    }

    function test_Claim() public {
        activate(dave);
        payPremium(alice, 10 ether);
        claim(dave);
        assertGas(lastGas(), 70_000, "claim");
        payPremium(alice, 10 ether);
        claim(dave);
        assertGas(lastGas(), 70_000, "next claim");
    }

    /// @dev With 4 members and with 304, to the unit of gas.
    function test_EachCallCostsTheSameWithManyMembers() public {
        uint256 state = vm.snapshotState();
        uint256[8] memory few = costs(0);
        vm.revertToState(state);
        uint256[8] memory many = costs(300);
        for (uint256 i; i < few.length; ++i) {
            assertGt(few[i], 21_000);
            assertEq(few[i], many[i], vm.toString(i));
        }
    }

    /// @dev What each call costs in a new compact, with a crowd of so many beside the four members.
    function costs(uint160 crowd) private returns (uint256[8] memory gas) {
        compact = deployCompact(compactTerms());
        for (uint160 i = 1; i <= crowd; ++i) {
            join(address(0xc0ffee + i), 1 ether);
        }
        join(alice, 600 ether);
        join(bob, 300 ether);
        join(carol, 100 ether);
        join(dave, 10 ether);
        vm.warp(vm.getBlockTimestamp() + SEASONING);
        for (uint160 i = 1; i <= crowd; ++i) {
            activate(address(0xc0ffee + i));
        }
        activate(alice);
        activate(bob);
        activate(carol);
        activate(dave);
        gas[0] = lastGas();
        vm.warp(vm.getBlockTimestamp() + 1);
        payPremium(alice, 10 ether);
        gas[1] = lastGas();
        claim(bob);
        gas[2] = lastGas();
        escrow = create(anotherTerms("later"));
        uint256 call = propose(alice, anotherTerms("later"), LOAN, 4000);
        gas[3] = lastGas();
        approveCall(bob, call);
        approveCall(carol, call);
        approveCall(alice, call);
        gas[4] = lastGas();
        fulfill(call, dave);
        gas[5] = lastGas();
        vm.warp(vm.getBlockTimestamp() + 1);
        notice(dave, 1 ether);
        gas[6] = lastGas();
        vm.warp(vm.getBlockTimestamp() + NOTICE);
        leaveTo(dave, dave);
        gas[7] = lastGas();
    }

    function commitGas(address account) private returns (uint256) {
        commit(account, 10 ether);
        return lastGas();
    }

    function lastGas() private view returns (uint256) {
        return vm.lastCallGas().gasTotalUsed;
    }

    function assertGas(uint256 gas, uint256 limit, string memory what) private {
        emit log_named_uint(what, gas);
        assertLe(gas, limit, what);
    }
}
