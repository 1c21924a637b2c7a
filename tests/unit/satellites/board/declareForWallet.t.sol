// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Declaration, IPledgeBoard, Stage } from "levee/interfaces/IPledgeBoard.sol";

import { deployNpm } from "../../../util/NpmCode.sol";
import { BoardTest } from "./BoardTest.sol";
import { Answer, ReentrantWallet, Wallet } from "./Wallets.sol";

/// @notice What the tests call of Safe 1.5.0.
interface ISafe {
    function setup(
        address[] calldata owners,
        uint256 threshold,
        address to,
        bytes calldata data,
        address fallbackHandler,
        address paymentToken,
        uint256 payment,
        address paymentReceiver
    ) external;
}

/// @notice What the tests call of Safe's fallback handler.
interface ISafeHandler {
    function getMessageHashForSafe(address safe, bytes memory message) external view returns (bytes32);
}

/// declareFor, given the contributor is a contract
/// ├── given a Safe, two of whose owners have to sign
/// │   ├── when two of them signed: it emits {Declared}; again: it reverts with {DigestSpent}
/// │   ├── when one signed, or two for another Safe of the same owners: it reverts with {SignatureInvalid}
/// │   └── when the Safe calls itself: it declares, and revokes, as any caller
/// ├── when the contract accepts it, saying as much more as it likes: it emits {Declared}
/// ├── when it answers anything else, or nothing, or reverts, or burns its gas: it reverts with {SignatureInvalid}
/// ├── when it tries to change anything meanwhile: it reverts with {SignatureInvalid}
/// └── given two contracts that one key signs for: a message of one is none of the other
contract DeclareForWalletTest is BoardTest {
    string private constant SAFE = "@safe-global/safe-smart-account/build/artifacts/contracts/";

    address private safe;
    ISafeHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = ISafeHandler(
            deployNpm(
                string.concat(SAFE, "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json"), ""
            )
        );
        safe = deploySafe();
    }

    // ---------------------------------------------------------------- Safe

    function test_Safe() public {
        bytes memory signatures = signForSafe(safe, 2);
        bytes32 digest = board.digestOf(safe, usual(), NOW);
        expectDeclared(safe, usual(), NOW, digest);
        vm.prank(stranger);
        board.declareFor(safe, usual(), NOW, signatures);
        assertTrue(board.isSpent(safe, digest));

        expectDigestSpent(safe, digest);
        board.declareFor(safe, usual(), NOW, signatures);
    }

    function test_RevertWhen_TooFewOwnersSigned() public {
        bytes memory signature = signForSafe(safe, 1);
        expectSignatureInvalid(safe, board.digestOf(safe, usual(), NOW));
        board.declareFor(safe, usual(), NOW, signature);

        // An owner's signature of the board's own message is that owner's, not the Safe's.
        signature = sign(aliceKey, safe, usual(), NOW);
        expectSignatureInvalid(safe, board.digestOf(safe, usual(), NOW));
        board.declareFor(safe, usual(), NOW, signature);
    }

    function test_RevertWhen_SignedForAnotherSafe() public {
        address other = deploySafe();
        bytes memory signatures = signForSafe(other, 2);
        expectSignatureInvalid(safe, board.digestOf(safe, usual(), NOW));
        board.declareFor(safe, usual(), NOW, signatures);
        board.declareFor(other, usual(), NOW, signatures);
    }

    function test_SafeCallsItself() public {
        bytes memory signatures = signForSafe(safe, 2);
        expectDeclared(safe, usual(), NOW, 0);
        vm.prank(safe);
        board.declare(usual());

        bytes32 digest = board.digestOf(safe, usual(), NOW);
        vm.prank(safe);
        board.revoke(digest);
        expectDigestSpent(safe, digest);
        board.declareFor(safe, usual(), NOW, signatures);
    }

    // ---------------------------------------------------------------- other contracts

    function test_AnswerAccepted() public {
        assertAccepted(Answer.Accepts);
        assertAccepted(Answer.AcceptsLoudly);
    }

    function test_RevertWhen_AnswerIsNoSignature() public {
        assertRefused(Answer.Refuses);
        assertRefused(Answer.AcceptsInFewBytes);
        assertRefused(Answer.Dirty);
        assertRefused(Answer.Silent);
        assertRefused(Answer.Reverts);
        assertRefused(Answer.BurnsGas);
    }

    function test_RevertWhen_WalletReenters() public {
        Declaration memory other = usual();
        other.stage = Stage.Withdrawn;
        address wallet = address(new ReentrantWallet(board, other));
        expectSignatureInvalid(wallet, board.digestOf(wallet, usual(), NOW));
        board.declareFor(wallet, usual(), NOW, "");
    }

    function test_OneMessageOfTwoWallets() public {
        address first = address(new Wallet(Answer.Accepts));
        address second = address(new Wallet(Answer.Accepts));
        bytes32 digest = board.digestOf(first, usual(), NOW);
        assertTrue(digest != board.digestOf(second, usual(), NOW));
        board.declareFor(first, usual(), NOW, "");
        assertFalse(board.isSpent(second, digest));
        board.declareFor(second, usual(), NOW, "");
    }

    // ---------------------------------------------------------------- helpers

    function assertAccepted(Answer answer) private {
        address wallet = address(new Wallet(answer));
        expectDeclared(wallet, usual(), NOW, board.digestOf(wallet, usual(), NOW));
        board.declareFor(wallet, usual(), NOW, "any bytes");
    }

    /// @dev With so little gas that what is left of it, once the wallet has burned its part, has to do.
    function assertRefused(Answer answer) private {
        address wallet = address(new Wallet(answer));
        bytes32 digest = board.digestOf(wallet, usual(), NOW);
        expectSignatureInvalid(wallet, digest);
        board.declareFor{ gas: 300_000 }(wallet, usual(), NOW, "any bytes");
        assertFalse(board.isSpent(wallet, digest));
    }

    /// @dev The real one, of alice, bob and a third owner, any two of whom sign for it.
    function deploySafe() private returns (address proxy) {
        address singleton = deployNpm(string.concat(SAFE, "Safe.sol/Safe.json"), "");
        proxy = deployNpm(string.concat(SAFE, "proxies/SafeProxy.sol/SafeProxy.json"), abi.encode(singleton));
        address[] memory owners = new address[](3);
        (owners[0], owners[1], owners[2]) = (alice, bob, makeAddr("third owner"));
        address none = address(0);
        ISafe(proxy).setup(owners, 2, none, "", address(handler), none, 0, none);
    }

    /// @dev What so many owners of a Safe sign for it to declare the usual, in the order of their addresses.
    function signForSafe(address safe_, uint256 count) private view returns (bytes memory signatures) {
        bytes32 digest = board.digestOf(safe_, usual(), NOW);
        bytes32 hash = handler.getMessageHashForSafe(safe_, abi.encode(digest));
        uint256[2] memory keys = alice < bob ? [aliceKey, bobKey] : [bobKey, aliceKey];
        for (uint256 i; i < count; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[i], hash);
            signatures = bytes.concat(signatures, abi.encodePacked(r, s, v));
        }
    }
}
