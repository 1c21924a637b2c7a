// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeBoard } from "levee/interfaces/IPledgeBoard.sol";

import { BoardTest } from "./BoardTest.sol";

/// revoke
/// ├── it emits {Revoked} and spends the digest, of the caller alone
/// └── when the digest was revoked or declared already: it reverts with {DigestSpent}
contract RevokeTest is BoardTest {
    function test_Revoke() public {
        bytes32 digest = board.digestOf(alice, usual(), NOW);
        vm.expectEmit(address(board));
        emit IPledgeBoard.Revoked(alice, digest);
        vm.prank(alice);
        board.revoke(digest);
        assertTrue(board.isSpent(alice, digest));
        assertFalse(board.isSpent(bob, digest));
    }

    function test_OfTheCallerAlone() public {
        bytes32 digest = board.digestOf(alice, usual(), NOW);
        vm.prank(bob);
        board.revoke(digest);
        assertFalse(board.isSpent(alice, digest));

        bytes memory signature = sign(aliceKey, alice, usual(), NOW);
        expectDeclared(alice, usual(), NOW, digest);
        board.declareFor(alice, usual(), NOW, signature);
    }

    function test_RevertWhen_Spent() public {
        bytes32 digest = board.digestOf(alice, usual(), NOW);
        vm.startPrank(alice);
        board.revoke(digest);
        expectDigestSpent(alice, digest);
        board.revoke(digest);

        digest = board.digestOf(alice, usual(), NOW - 1);
        board.declareFor(alice, usual(), NOW - 1, sign(aliceKey, alice, usual(), NOW - 1));
        expectDigestSpent(alice, digest);
        board.revoke(digest);
    }
}
