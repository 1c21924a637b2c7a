// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Declaration, IPledgeBoard, Stage } from "levee/interfaces/IPledgeBoard.sol";
import { Wei } from "levee/types/Units.sol";

import { BoardTest, Draft } from "./BoardTest.sol";

/// declare
/// ├── it emits {Declared} for the caller, made now, without a digest; it writes no storage
/// ├── again, it does the same
/// ├── when the amount is unknown
/// │   ├── and the stage is Expressed or Withdrawn: it emits
/// │   └── and the stage is Proposed or Approved: it reverts with {AmountOutOfBounds}
/// ├── when the amount is 2^96 - 1: it emits; more: it reverts with {AmountOutOfBounds}
/// ├── when the expiry is now: it emits; before: it reverts with {DeclarationExpired}
/// ├── when the link is empty or of 256 bytes: it emits; longer: it reverts with {LinkTooLong}
/// ├── when several things are wrong: it names the expiry, then the amount, then the link
/// └── when ETH is sent: it reverts
contract DeclareTest is BoardTest {
    function test_Declare() public {
        vm.record();
        declare(usual());
        (, bytes32[] memory writes) = vm.accesses(address(board));
        assertEq(writes.length, 0);

        declare(usual());
        vm.warp(NOW + 1);
        declare(usual());
    }

    function test_UnknownAmount() public {
        Declaration memory declaration = usual();
        declaration.amount = Wei.wrap(0);
        declaration.stage = Stage.Expressed;
        declare(declaration);
        declaration.stage = Stage.Withdrawn;
        declare(declaration);

        declaration.stage = Stage.Proposed;
        expectAmountOutOfBounds(0, 1);
        board.declare(declaration);
        declaration.stage = Stage.Approved;
        expectAmountOutOfBounds(0, 1);
        board.declare(declaration);
        declaration.amount = Wei.wrap(1);
        declare(declaration);
    }

    function test_LargestAmount() public {
        for (uint256 stage; stage < 4; ++stage) {
            Declaration memory declaration = usual();
            declaration.stage = Stage(stage);
            declaration.amount = Wei.wrap(type(uint96).max);
            declare(declaration);

            declaration.amount = Wei.wrap(uint256(type(uint96).max) + 1);
            bool mayBeUnknown = declaration.stage == Stage.Expressed || declaration.stage == Stage.Withdrawn;
            expectAmountOutOfBounds(Wei.unwrap(declaration.amount), mayBeUnknown ? 0 : 1);
            board.declare(declaration);
        }
    }

    function test_UpToTheExpiry() public {
        vm.warp(EXPIRY - 1);
        declare(usual());
        vm.warp(EXPIRY);
        declare(usual());
        vm.warp(EXPIRY + 1);
        expectExpired(EXPIRY, EXPIRY + 1);
        board.declare(usual());
    }

    function test_Link() public {
        Declaration memory declaration = usual();
        declaration.link = "";
        declare(declaration);
        declaration.link = string(new bytes(256));
        declare(declaration);

        declaration.link = string(new bytes(257));
        expectLinkTooLong(257);
        board.declare(declaration);
    }

    function test_OrderOfErrors() public {
        Declaration memory declaration = usual();
        declaration.expiry = NOW - 1;
        declaration.amount = Wei.wrap(0);
        declaration.link = string(new bytes(300));
        expectExpired(NOW - 1, NOW);
        board.declare(declaration);
        declaration.expiry = NOW;
        expectAmountOutOfBounds(0, 1);
        board.declare(declaration);
        declaration.amount = Wei.wrap(1);
        expectLinkTooLong(300);
        board.declare(declaration);
    }

    function test_RevertWhen_EtherIsSent() public {
        (bool success,) = address(board).call{ value: 1 }(abi.encodeCall(IPledgeBoard.declare, (usual())));
        assertFalse(success);
        (success,) = address(board).call{ value: 1 }("");
        assertFalse(success);
    }

    function testFuzz_Declare(address contributor, Draft memory draft) public {
        Declaration memory declaration = valid(draft);
        expectDeclared(contributor, declaration, NOW, 0);
        vm.prank(contributor);
        board.declare(declaration);
    }

    /// @dev Declares as alice, and expects the event.
    function declare(Declaration memory declaration) private {
        expectDeclared(alice, declaration, uint40(vm.getBlockTimestamp()), 0);
        vm.prank(alice);
        board.declare(declaration);
    }
}
