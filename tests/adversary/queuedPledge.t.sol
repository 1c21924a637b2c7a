// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// A guardian who amends while a pledge is decided but not made: decided by a vote, executed days later by a timelock,
/// by anyone. The pledge names the amendment that the vote knew of.
/// ├── when nothing was amended in the meantime
/// │   └── it is made
/// ├── when an amendment was proposed, is in force, or is the second one since
/// │   └── it is refused, and the money stays
/// ├── when the amendment that it names is in force, and no other came
/// │   └── it is made
/// └── when it names the pending amendment
///     └── it is made, and may leave in the rest of the window
contract QueuedPledgeTest is EscrowTest {
    uint40 private constant EFFECTIVE_AT = START + EXIT_WINDOW;

    Timelock private treasury;

    function setUp() public override {
        super.setUp();
        treasury = new Timelock();
        vm.deal(address(treasury), 100 ether);
    }

    function test_NothingAmended() public {
        decide(0);
        skip(3 days);
        treasury.execute();
        assertPosition(address(treasury), FULL_GRANT, Asset.ETH, 100 ether, 0, 0);
    }

    function test_RevertWhen_AmendedInBetween() public {
        decide(0);
        skip(3 days);
        amendTarget(500 ether);
        expectAmendmentDiffers(0, EFFECTIVE_AT + 3 days);
        treasury.execute();
        vm.warp(DEADLINE);
        expectAmendmentDiffers(0, EFFECTIVE_AT + 3 days);
        treasury.execute();
        assertEq(address(treasury).balance, 100 ether);
        assertStatus(Status.Open);
    }

    function test_RevertWhen_AmendedAgain() public {
        amendTarget(500 ether);
        decide(EFFECTIVE_AT);
        vm.warp(EFFECTIVE_AT);
        amendTarget(400 ether);
        expectAmendmentDiffers(EFFECTIVE_AT, EFFECTIVE_AT + EXIT_WINDOW);
        treasury.execute();
        assertEq(address(treasury).balance, 100 ether);
    }

    function test_NamesTheOneInForce() public {
        amendTarget(500 ether);
        decide(EFFECTIVE_AT);
        vm.warp(DEADLINE);
        treasury.execute();
        assertPosition(address(treasury), FULL_GRANT, Asset.ETH, 100 ether, 0, 0);
    }

    function test_NamesThePendingOne() public {
        amendTarget(500 ether);
        decide(EFFECTIVE_AT);
        vm.warp(EFFECTIVE_AT - 1);
        treasury.execute();
        vm.prank(address(treasury));
        escrow.exit(FULL_GRANT, Asset.ETH, address(treasury));
        assertEq(address(treasury).balance, 100 ether);
    }

    /// @dev Decides to pledge 100 ETH only with full coverage, under the terms with this amendment.
    function decide(uint40 amendment) private {
        bytes memory call = abi.encodeCall(escrow.pledgeETH, (address(treasury), FULL_GRANT, amendment));
        treasury.queue(address(escrow), 100 ether, call);
    }
}

/// @notice Makes one call, decided once, when anyone executes it.
contract Timelock {
    address private target;
    uint256 private value;
    bytes private data;

    function queue(address target_, uint256 value_, bytes calldata data_) external {
        (target, value, data) = (target_, value_, data_);
    }

    function execute() external {
        (bool success, bytes memory answer) = target.call{ value: value }(data);
        if (success) return;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }

    receive() external payable { }
}
