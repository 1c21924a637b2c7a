// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IStETH } from "levee/interfaces/external/ILido.sol";
import { Asset, Rate } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { GasBurner, RevertBomb } from "../util/Rates.sol";

/// expire
/// ├── given shares whose rate cannot be read
/// │   ├── when the time is later than the deadline plus the release window
/// │   │   └── it fails the rescue, records a rate of one and emits {Failed}; everything goes back
/// │   ├── when the time is not later than that, by the deadline in force
/// │   │   └── it reverts with {TooEarly}
/// │   └── when too little gas is left for the read
/// │       └── it reverts with {GasTooLow}
/// ├── given the rate can be read
/// │   └── it reverts with {RateReadable}, whatever gas the caller leaves
/// ├── given no shares
/// │   └── it reverts with {RateNotNeeded}, whatever gas the caller leaves
/// └── given it is decided
///     └── it reverts with {WrongStatus}, before {TooEarly}
contract ExpireTest is EscrowTest {
    uint256 private constant LIMIT = uint256(DEADLINE) + RELEASE_WINDOW;
    /// @dev 1,000,000 for the read, as EIP-150 passes it on, and a reserve for the call.
    uint256 private constant REQUIRED_GAS = 1_025_873;

    function setUp() public override {
        super.setUp();
        pledgeHalf();
    }

    /// @dev Property 6: time alone frees everything.
    function test_Expire() public {
        breakRate();
        vm.warp(LIMIT + 1);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Failed(EndReason.RateUnreadable, Rate.wrap(1e27), uint40(LIMIT + 1));
        vm.prank(stranger);
        escrow.expire();

        assertStatus(Status.Failed);
        assertEndReason(EndReason.RateUnreadable);
        assertEq(escrow.record().rate, 1e27);
        escrow.refund(alice, GRANT, Asset.ETH);
        escrow.refund(bob, GRANT, Asset.StETH);
        escrow.refund(carol, LOAN, Asset.WstETH);
        assertEq(alice.balance, 400 ether);
        assertEq(stETH.sharesOf(bob), 250 ether);
        assertEq(wstETH.balanceOf(carol), 100 ether);
    }

    function test_Expire_WhenTheReadBurnsAllGas() public {
        vm.mockFunction(address(stETH), address(new GasBurner()), question());
        vm.warp(LIMIT + 1);
        escrow.expire{ gas: 1_200_000 }();
        assertStatus(Status.Failed);
    }

    /// @dev The data of the bomb costs the caller, who can pay for it.
    function test_Expire_WhenTheReadRevertsWithABomb() public {
        vm.mockFunction(address(stETH), address(new RevertBomb()), question());
        vm.warp(LIMIT + 1);
        escrow.expire{ gas: 4_000_000 }();
        assertStatus(Status.Failed);
    }

    function test_Expire_KeepsAnAmendmentInForce() public {
        vm.warp(DEADLINE - EXIT_WINDOW);
        amend(800 ether, DEADLINE + 10, TERMS_HASH);
        breakRate();
        vm.warp(LIMIT + 11);
        escrow.expire();
        assertEq(escrow.terms().deadline, DEADLINE + 10);
    }

    function test_RevertWhen_TooEarly() public {
        breakRate();
        expectTooEarly(LIMIT);
        escrow.expire();
        vm.warp(LIMIT);
        expectTooEarly(LIMIT);
        escrow.expire();
    }

    function test_RevertWhen_TooEarly_ByTheAmendedDeadline() public {
        amend(TARGET, DEADLINE + 10, TERMS_HASH);
        breakRate();
        vm.warp(LIMIT + 10);
        expectTooEarly(LIMIT + 10);
        escrow.expire();
        vm.warp(LIMIT + 11);
        escrow.expire();
        assertStatus(Status.Failed);
    }

    function test_RevertWhen_RateReadable() public {
        vm.warp(LIMIT + 1);
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.RateReadable.selector, RATE));
        escrow.expire();
    }

    function test_RevertWhen_NoShares() public {
        vm.startPrank(guardian);
        escrow.decline(bob, GRANT, Asset.StETH);
        escrow.decline(carol, LOAN, Asset.WstETH);
        vm.stopPrank();
        breakRate();
        expectTooEarly(LIMIT);
        escrow.expire();
        vm.warp(LIMIT + 1);
        vm.expectRevert(IPledgeEscrow.RateNotNeeded.selector);
        escrow.expire();
        vm.expectRevert(IPledgeEscrow.RateNotNeeded.selector);
        escrow.expire{ gas: 300_000 }();
        // Settling does not need it either.
        escrow.settle();
        assertStatus(Status.Failed);
    }

    function test_RevertWhen_Settled() public {
        settleLate();
        breakRate();
        expectWrongStatus(Status.Settled);
        escrow.expire();
        vm.warp(LIMIT + 1);
        expectWrongStatus(Status.Settled);
        escrow.expire();
    }

    function test_RevertWhen_Failed() public {
        vm.prank(guardian);
        escrow.cancel();
        breakRate();
        vm.warp(LIMIT + 1);
        expectWrongStatus(Status.Failed);
        escrow.expire();
    }

    function test_RevertWhen_GasTooLow() public {
        breakRate();
        vm.warp(LIMIT + 1);
        (bool success, bytes memory data) = address(escrow).call{ gas: 1_000_000 }(abi.encodeCall(escrow.expire, ()));
        assertFalse(success);
        assertEq(bytes4(data), IPledgeEscrow.GasTooLow.selector);
        (uint256 left, uint256 required) = decodeTwo(data);
        assertLt(left, 1_000_000);
        assertEq(required, REQUIRED_GAS);
        assertStatus(Status.Open);
    }

    function breakRate() private {
        vm.mockCallRevert(address(stETH), question(), "down");
    }

    function question() private pure returns (bytes memory) {
        return abi.encodeWithSelector(IStETH.getPooledEthByShares.selector);
    }

    /// @dev The two arguments of an error.
    function decodeTwo(bytes memory data) private pure returns (uint256 first, uint256 second) {
        assertEq(data.length, 68);
        assembly ("memory-safe") {
            first := mload(add(data, 36))
            second := mload(add(data, 68))
        }
    }
}
