// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Vm } from "forge-std/Vm.sol";

import { Declaration, IPledgeBoard, Stage } from "levee/interfaces/IPledgeBoard.sol";
import { Wei } from "levee/types/Units.sol";

import { BoardTest, Draft } from "./BoardTest.sol";
import { Answer, Wallet } from "./Wallets.sol";

/// declareFor
/// ├── when the contributor's key signed it: it emits {Declared} with madeAt and digest, whoever brings it, and spends
/// │   the digest in one slot
/// ├── given the contributor's account has code (EIP-7702), whatever that answers: as by its key
/// ├── when an old one is brought after a newer one: readers see by madeAt that the newer one stands
/// ├── when several are of the same second: readers see that one withdrawn stands, else the one logged last
/// ├── when it is made now, or it expires now: it emits
/// ├── when it is made in the future: it reverts with {MadeInTheFuture}
/// ├── when it is expired: it reverts with {DeclarationExpired}
/// ├── when amount or link is out of bounds: it reverts as declare does
/// ├── when it is brought again
/// │   ├── by the same signature, or another one of the same message: it reverts with {DigestSpent}
/// │   ├── on another chain, or on this one after a fork: it reverts with {SignatureInvalid}
/// │   └── on another board: it reverts with {SignatureInvalid}
/// ├── when it was revoked: it reverts with {DigestSpent}
/// └── it reverts with {SignatureInvalid}
///     ├── when another key signed, or it is brought for another contributor, or for nobody
///     ├── when anything in it was changed
///     └── when the signature has the higher s, a v of 0 or 1, the short form, or is cut, or is empty
contract DeclareForTest is BoardTest {
    bytes32 private constant DECLARED =
        keccak256("Declared(address,address,uint8,uint8,uint256,uint40,uint40,string,bytes32)");

    // ---------------------------------------------------------------- who signed

    function test_DeclareFor() public {
        bytes32 digest = board.digestOf(alice, usual(), NOW - 5);
        bytes memory signature = sign(aliceKey, alice, usual(), NOW - 5);
        assertFalse(board.isSpent(alice, digest));

        vm.record();
        expectDeclared(alice, usual(), NOW - 5, digest);
        vm.prank(stranger);
        board.declareFor(alice, usual(), NOW - 5, signature);
        (, bytes32[] memory writes) = vm.accesses(address(board));
        assertEq(writes.length, 1);
        assertTrue(board.isSpent(alice, digest));
        assertFalse(board.isSpent(bob, digest));
        assertFalse(board.isSpent(stranger, digest));
    }

    function test_ByKey_OfAnAccountWithCode() public {
        for (uint256 answer; answer <= uint256(Answer.BurnsGas); ++answer) {
            vm.signAndAttachDelegation(address(new Wallet(Answer(answer))), aliceKey);
            bytes memory signature = sign(aliceKey, alice, usual(), NOW - uint40(answer));
            bytes32 digest = board.digestOf(alice, usual(), NOW - uint40(answer));
            expectDeclared(alice, usual(), NOW - uint40(answer), digest);
            board.declareFor(alice, usual(), NOW - uint40(answer), signature);
            assertEq(alice.code.length, 23);
        }
    }

    function test_RevertWhen_AnotherKeySigned() public {
        bytes32 digest = board.digestOf(alice, usual(), NOW);
        bytes memory signature = sign(bobKey, alice, usual(), NOW);
        expectSignatureInvalid(alice, digest);
        board.declareFor(alice, usual(), NOW, signature);
        assertFalse(board.isSpent(alice, digest));
    }

    function test_RevertWhen_ForAnotherContributor() public {
        bytes memory signature = sign(aliceKey, alice, usual(), NOW);
        expectSignatureInvalid(bob, board.digestOf(bob, usual(), NOW));
        board.declareFor(bob, usual(), NOW, signature);

        // What cannot be recovered is nobody's, and nobody signs nothing.
        expectSignatureInvalid(address(0), board.digestOf(address(0), usual(), NOW));
        board.declareFor(address(0), usual(), NOW, new bytes(65));
    }

    function testFuzz_RevertWhen_Changed(Draft memory draft, uint40 madeAt, uint8 which) public {
        bytes memory signature = sign(aliceKey, alice, usual(), NOW);
        Declaration memory other = valid(draft);
        Declaration memory changed = usual();
        which = which % 7;
        if (which == 0) changed.escrow = other.escrow;
        if (which == 1) changed.stage = other.stage;
        if (which == 2) changed.tier = other.tier;
        if (which == 3) changed.amount = other.amount;
        if (which == 4) changed.expiry = other.expiry;
        if (which == 5) changed.link = other.link;
        madeAt = which == 6 ? uint40(bound(madeAt, 0, NOW - 1)) : NOW;
        vm.assume(which == 6 || keccak256(abi.encode(changed)) != keccak256(abi.encode(usual())));

        expectSignatureInvalid(alice, board.digestOf(alice, changed, madeAt));
        board.declareFor(alice, changed, madeAt, signature);
    }

    function testFuzz_DeclareFor(uint256 key, Draft memory draft, uint40 madeAt, address caller) public {
        key = bound(key, 1, ORDER - 1);
        address contributor = vm.addr(key);
        Declaration memory declaration = valid(draft);
        madeAt = uint40(bound(madeAt, 0, NOW));

        bytes32 digest = specifiedDigest(contributor, declaration, madeAt, block.chainid, board);
        bytes memory signature = sign(key, contributor, declaration, madeAt);
        expectDeclared(contributor, declaration, madeAt, digest);
        vm.prank(caller);
        board.declareFor(contributor, declaration, madeAt, signature);
        expectDigestSpent(contributor, digest);
        board.declareFor(contributor, declaration, madeAt, signature);
    }

    // ---------------------------------------------------------------- what a signature looks like

    function test_RevertWhen_SignatureMalleable() public {
        bytes32 digest = board.digestOf(alice, usual(), NOW);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, digest);
        bytes memory twin = abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        expectSignatureInvalid(alice, digest);
        board.declareFor(alice, usual(), NOW, twin);

        board.declareFor(alice, usual(), NOW, abi.encodePacked(r, s, v));
        expectDigestSpent(alice, digest);
        board.declareFor(alice, usual(), NOW, twin);
    }

    function test_RevertWhen_SignatureMalformed() public {
        bytes32 digest = board.digestOf(alice, usual(), NOW);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, digest);
        bytes32 vs = bytes32(uint256(s) | (uint256(v - 27) << 255));
        bytes[6] memory malformed = [
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(r, vs),
            abi.encodePacked(r, s),
            abi.encodePacked(r, s, v, uint8(0)),
            abi.encodePacked(uint8(0), r, s, v),
            bytes("")
        ];
        for (uint256 i; i < malformed.length; ++i) {
            expectSignatureInvalid(alice, digest);
            board.declareFor(alice, usual(), NOW, malformed[i]);
        }
        board.declareFor(alice, usual(), NOW, abi.encodePacked(r, s, v));
    }

    // ---------------------------------------------------------------- when

    function test_OldSignatureBroughtLate() public {
        bytes memory old = sign(aliceKey, alice, usual(), NOW - 1 hours);
        Declaration memory withdrawal = usual();
        withdrawal.stage = Stage.Withdrawn;

        vm.recordLogs();
        vm.prank(alice);
        board.declare(withdrawal);
        vm.warp(NOW + 1 hours);
        vm.prank(stranger);
        board.declareFor(alice, usual(), NOW - 1 hours, old);

        Stage stage = standing(vm.getRecordedLogs());
        assertEq(uint256(stage), uint256(Stage.Withdrawn));
    }

    /// @dev In either order: nobody undoes a withdrawal by bringing what was signed in the same second.
    function test_OfEquals_TheWithdrawalStands() public {
        bytes memory signature = sign(aliceKey, alice, usual(), NOW);
        Declaration memory withdrawal = usual();
        withdrawal.stage = Stage.Withdrawn;
        vm.recordLogs();
        vm.prank(alice);
        board.declare(withdrawal);
        board.declareFor(alice, usual(), NOW, signature);
        vm.prank(alice);
        board.declare(usual());
        assertEq(uint256(standing(vm.getRecordedLogs())), uint256(Stage.Withdrawn));
        vm.warp(NOW + 1);
        vm.prank(alice);
        board.declare(usual());
        assertEq(uint256(standing(vm.getRecordedLogs())), uint256(usual().stage));
    }

    function test_OfEquals_TheLaterLogStands() public {
        Declaration memory later = usual();
        later.stage = Stage.Approved;
        vm.recordLogs();
        vm.startPrank(alice);
        board.declare(usual());
        board.declare(later);
        assertEq(uint256(standing(vm.getRecordedLogs())), uint256(Stage.Approved));
    }

    function test_RevertWhen_MadeInTheFuture() public {
        bytes memory signature = sign(aliceKey, alice, usual(), NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IPledgeBoard.MadeInTheFuture.selector, NOW + 1, NOW));
        board.declareFor(alice, usual(), NOW + 1, signature);

        vm.warp(NOW + 1);
        board.declareFor(alice, usual(), NOW + 1, signature);
    }

    function test_RevertWhen_Expired() public {
        bytes memory atExpiry = sign(aliceKey, alice, usual(), NOW);
        bytes memory after_ = sign(aliceKey, alice, usual(), NOW + 1);
        vm.warp(EXPIRY);
        board.declareFor(alice, usual(), NOW, atExpiry);
        vm.warp(EXPIRY + 1);
        expectExpired(EXPIRY, EXPIRY + 1);
        board.declareFor(alice, usual(), NOW + 1, after_);
    }

    function test_RevertWhen_OutOfBounds() public {
        Declaration memory declaration = usual();
        declaration.amount = Wei.wrap(0);
        bytes memory signature = sign(aliceKey, alice, declaration, NOW);
        expectAmountOutOfBounds(0, 1);
        board.declareFor(alice, declaration, NOW, signature);

        declaration = usual();
        declaration.link = string(new bytes(257));
        signature = sign(aliceKey, alice, declaration, NOW);
        expectLinkTooLong(257);
        board.declareFor(alice, declaration, NOW, signature);
    }

    // ---------------------------------------------------------------- once, here

    function test_RevertWhen_Replayed() public {
        bytes memory signature = sign(aliceKey, alice, usual(), NOW);
        board.declareFor(alice, usual(), NOW, signature);
        bytes32 digest = board.digestOf(alice, usual(), NOW);
        expectDigestSpent(alice, digest);
        board.declareFor(alice, usual(), NOW, signature);
        vm.warp(NOW + 1);
        expectDigestSpent(alice, digest);
        board.declareFor(alice, usual(), NOW, signature);

        // The same, said again later, is another message.
        signature = sign(aliceKey, alice, usual(), NOW + 1);
        board.declareFor(alice, usual(), NOW + 1, signature);
    }

    function test_RevertWhen_OnAnotherChain() public {
        bytes memory here = sign(aliceKey, alice, usual(), NOW);
        uint256 home = block.chainid;
        vm.chainId(home + 1);
        bytes32 digest = specifiedDigest(alice, usual(), NOW, home + 1, board);
        assertEq(board.digestOf(alice, usual(), NOW), digest);
        expectSignatureInvalid(alice, digest);
        board.declareFor(alice, usual(), NOW, here);

        bytes memory there = sign(aliceKey, alice, usual(), NOW);
        board.declareFor(alice, usual(), NOW, there);
        vm.chainId(home);
        board.declareFor(alice, usual(), NOW, here);
    }

    function test_RevertWhen_OnAnotherBoard() public {
        bytes memory signature = sign(aliceKey, alice, usual(), NOW);
        IPledgeBoard other = deployBoard();
        bytes32 digest = other.digestOf(alice, usual(), NOW);
        assertTrue(digest != board.digestOf(alice, usual(), NOW));
        expectSignatureInvalid(alice, digest);
        other.declareFor(alice, usual(), NOW, signature);
    }

    function test_RevertWhen_Revoked() public {
        bytes memory signature = sign(aliceKey, alice, usual(), NOW);
        bytes32 digest = board.digestOf(alice, usual(), NOW);
        vm.prank(alice);
        board.revoke(digest);
        expectDigestSpent(alice, digest);
        board.declareFor(alice, usual(), NOW, signature);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev The stage that a reader of these logs, which are all of one contributor and tier, sees standing.
    function standing(Vm.Log[] memory logs) private pure returns (Stage stage) {
        uint40 latest;
        for (uint256 i; i < logs.length; ++i) {
            assertEq(logs[i].topics[0], DECLARED);
            (Stage said,,,, uint40 madeAt,,) =
                abi.decode(logs[i].data, (Stage, uint8, uint256, uint40, uint40, string, bytes32));
            bool withdrawn = madeAt == latest && stage == Stage.Withdrawn;
            if (madeAt >= latest && !withdrawn) (stage, latest) = (said, madeAt);
        }
    }
}
