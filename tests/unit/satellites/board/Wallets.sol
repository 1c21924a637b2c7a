// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Declaration, IPledgeBoard } from "levee/interfaces/IPledgeBoard.sol";

/// @notice How a contract answers when it is asked for a signature by EIP-1271.
/// @custom:value Accepts It signs everything.
/// @custom:value Refuses It answers with another word.
/// @custom:value AcceptsInFewBytes It answers with the right four bytes, and no more.
/// @custom:value AcceptsLoudly It answers rightly, and adds as much as its gas allows.
/// @custom:value Dirty Its answer is the right one but for the last byte of the word.
/// @custom:value Silent It answers nothing.
/// @custom:value Reverts It reverts with the right answer as its reason.
/// @custom:value BurnsGas It burns all its gas.
enum Answer {
    Accepts,
    Refuses,
    AcceptsInFewBytes,
    AcceptsLoudly,
    Dirty,
    Silent,
    Reverts,
    BurnsGas
}

/// @notice A contract wallet that answers as it was told.
contract Wallet {
    Answer private immutable ANSWER;

    constructor(Answer answer) {
        ANSWER = answer;
    }

    function isValidSignature(bytes32, bytes calldata) external view {
        Answer answer = ANSWER;
        if (answer == Answer.Accepts) reply(this.isValidSignature.selector, 32);
        else if (answer == Answer.Refuses) reply(bytes4(0xffffffff), 32);
        else if (answer == Answer.AcceptsInFewBytes) reply(this.isValidSignature.selector, 4);
        else if (answer == Answer.AcceptsLoudly) reply(this.isValidSignature.selector, 100_000);
        else if (answer == Answer.Dirty) reply(bytes32(this.isValidSignature.selector) | bytes32(uint256(1)), 32);
        else if (answer == Answer.Silent) reply(0, 0);
        else if (answer == Answer.Reverts) refuse(this.isValidSignature.selector);
        else burn();
    }

    function reply(bytes32 word, uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(0, word)
            return(0, length)
        }
    }

    function refuse(bytes32 word) private pure {
        assembly ("memory-safe") {
            mstore(0, word)
            revert(0, 32)
        }
    }

    function burn() private pure {
        assembly ("memory-safe") {
            invalid()
        }
    }
}

/// @notice A contract wallet that declares something else while it is asked for a signature, and then signs.
contract ReentrantWallet {
    IPledgeBoard private immutable BOARD;
    Declaration private other;

    constructor(IPledgeBoard board, Declaration memory other_) {
        BOARD = board;
        other = other_;
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        BOARD.declare(other);
        return this.isValidSignature.selector;
    }
}
