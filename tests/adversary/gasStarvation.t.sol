// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IStETH } from "levee/interfaces/external/ILido.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { HungryRate } from "../util/Rates.sol";

/// A caller who leaves just enough gas that the read of the share rate fails but the rest of the call does not (EIP-150
/// holds back 1/64). The rate uses nearly all the gas that the read is promised.
/// ├── given the deadline has passed, with any gas and by any call that settles first
/// │   └── it settles at the right rate, or reverts
/// ├── given the time to expire has come, with any gas
/// │   └── it never expires
/// └── the views, starved, show an open rescue without a rate, but never a failed one
contract GasStarvationTest is EscrowTest {
    uint256 private constant STEP = 5000;
    uint256 private constant MOST = 1_500_000;

    function setUp() public override {
        super.setUp();
        pledgeHalf();
        vm.mockFunction(
            address(stETH), address(new HungryRate()), abi.encodeWithSelector(IStETH.getPooledEthByShares.selector)
        );
        vm.warp(SETTLED_AT);
    }

    function test_Settle_Starved() public {
        checkSettlesRightly(stranger, abi.encodeCall(escrow.settle, ()));
    }

    function test_Refund_Starved() public {
        checkSettlesRightly(stranger, abi.encodeCall(escrow.refund, (carol, LOAN, Asset.WstETH)));
    }

    function test_Object_Starved() public {
        checkSettlesRightly(bob, abi.encodeCall(escrow.object, (GRANT, Asset.StETH)));
    }

    function test_Cancel_Starved() public {
        checkSettlesRightly(guardian, abi.encodeCall(escrow.cancel, ()));
    }

    /// @dev Properties 5 and 8: even long after an unreadable rate could end the rescue.
    function test_Expire_Starved() public {
        vm.warp(DEADLINE + RELEASE_WINDOW + 1);
        uint256 readable;
        for (uint256 gasLimit = 900_000; gasLimit < 1_300_000; gasLimit += 500) {
            coolAll();
            (bool success, bytes memory data) = address(escrow).call{ gas: gasLimit }(abi.encodeCall(escrow.expire, ()));
            assertFalse(success, "expired by starving the read");
            if (bytes4(data) == IPledgeEscrow.RateReadable.selector) ++readable;
            else assertEq(bytes4(data), IPledgeEscrow.GasTooLow.selector);
        }
        assertGt(readable, 0);
        assertLt(readable, 800);
    }

    function test_Views_Starved() public {
        uint256 open;
        uint256 settled;
        for (uint256 gasLimit = 50_000; gasLimit < MOST; gasLimit += STEP) {
            coolAll();
            (bool success, bytes memory data) = address(escrow).call{ gas: gasLimit }(abi.encodeCall(escrow.status, ()));
            if (!success) continue;
            Status status = abi.decode(data, (Status));
            assertTrue(status == Status.Open || status == Status.Settled, "failed by starving the read");
            if (status == Status.Open) ++open;
            else ++settled;
        }
        assertGt(open, 0);
        assertGt(settled, 0);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev Whatever gas the caller leaves, a value of 700 ETH is drawn at 1.2, or nothing happens.
    function checkSettlesRightly(address caller, bytes memory call) private {
        uint256 state = vm.snapshotState();
        uint256 settled;
        for (uint256 gasLimit = 50_000; gasLimit < MOST; gasLimit += STEP) {
            coolAll();
            vm.prank(caller);
            (bool success,) = address(escrow).call{ gas: gasLimit }(call);
            if (!success) continue;
            ++settled;
            assertEq(escrow.rescue().drawn, 700 ether);
            assertEq(escrow.rescue().rate, RATE);
            assertTrue(vm.revertToState(state));
        }
        assertGt(settled, 0, "never enough gas");
        assertLt(settled, (MOST - 50_000) / STEP, "always enough gas");
    }

    function coolAll() private {
        vm.cool(address(escrow));
        vm.cool(address(stETH));
    }
}
