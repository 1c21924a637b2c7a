// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC5267 } from "@openzeppelin/contracts/interfaces/IERC5267.sol";

import { Wei } from "../types/Units.sol";

/// @notice How far a contributor has come on the way to a pledge.
/// @custom:value Expressed It means to help; how much may be unknown.
/// @custom:value Proposed The amount is before whoever decides for it (a vote, a board).
/// @custom:value Approved The decision is taken; the pledge is to follow.
/// @custom:value Withdrawn It no longer stands by what it said before.
enum Stage {
    Expressed,
    Proposed,
    Approved,
    Withdrawn
}

/// @notice What a contributor says about one tier of one rescue.
/// @custom:member escrow The rescue; may be the address of an escrow that is yet to be created.
/// @custom:member stage How far the contributor has come.
/// @custom:member tier The tier it means, counted from 0. Whether the escrow has it is for readers to check.
/// @custom:member amount Value in wei of ETH, whatever the asset, at most 2^96 - 1; 0 for unknown, which only
/// Expressed and Withdrawn may be.
/// @custom:member expiry The last second at which it stands, in Unix seconds, and at which its signature can be used.
/// @custom:member link Where to read about it (a proposal, a post, a vote), at most 256 bytes; may be empty.
struct Declaration {
    address escrow;
    Stage stage;
    uint8 tier;
    Wei amount;
    uint40 expiry;
    string link;
}

/// @title Board of declarations, one per chain
/// @notice Statements before money: what a contributor says of a pledge that it has not locked yet, so that what was
/// said can be held against what was locked. It holds no money, no escrow knows it, and nothing here ever counts
/// towards a threshold. There is no owner, no upgrade, no fee; it has the same address on every chain.
///
/// A declaration is made by the contributor itself: in a transaction of its own (a contract wallet's too), or by
/// EIP-712 signature, which anyone may bring: an ECDSA signature of the account's key (also if the account has code),
/// else one that the account accepts by EIP-1271. The signed message is
///
///     Declaration(address contributor,address escrow,uint8 stage,uint8 tier,uint256 amount,uint40 expiry,
///                 uint40 madeAt,string link)
///
/// in the domain (name "Levee PledgeBoard", version "1", chainId, verifyingContract), so that it holds on one chain,
/// on one board, for one contributor. It can be brought once, not before madeAt, not after expiry, and not after
/// the contributor revoked it.
///
/// How to read the board, from its events alone:
/// - of one contributor, escrow and tier, the declaration with the latest madeAt stands: so an old signature that is brought
///   late overrides nothing newer. Of several of the same second one that is Withdrawn wins, else the one logged last: so
///   nobody undoes a withdrawal by bringing later what was signed in its second;
/// - it stands up to and including its expiry; then nothing stands, for what it replaced does not come back;
/// - if it is Withdrawn, nothing stands.
///
/// What this asks of contributors: a signature that was given out and is not wanted any more is revoked, or overridden
/// by a declaration with a later madeAt. Nobody checks the link, the amount, or that the tier exists.
interface IPledgeBoard is IERC5267 {
    /// @notice `contributor` declared this at second `madeAt`. `digest` is that of the signed message, which cannot be
    /// brought again; zero when the contributor sent the transaction itself.
    event Declared(
        address indexed contributor,
        address indexed escrow,
        Stage stage,
        uint8 tier,
        Wei amount,
        uint40 expiry,
        uint40 madeAt,
        string link,
        bytes32 digest
    );

    /// @notice `contributor` will not have the message of this digest declared any more.
    event Revoked(address indexed contributor, bytes32 digest);

    /// @notice Thrown when the amount is not within `minimum` and `maximum` wei; the minimum is 0 or 1, by stage.
    error AmountOutOfBounds(Wei amount, Wei minimum, Wei maximum);
    /// @notice Thrown when the link has more than `limit` bytes.
    error LinkTooLong(uint256 length, uint256 limit);
    /// @notice Thrown when the expiry is before the block's time.
    error DeclarationExpired(uint256 expiry, uint256 time);
    /// @notice Thrown when madeAt is after the block's time.
    error MadeInTheFuture(uint256 madeAt, uint256 time);
    /// @notice Thrown when the message was declared or revoked already.
    error DigestSpent(address contributor, bytes32 digest);
    /// @notice Thrown when the signature is not the contributor's.
    error SignatureInvalid(address contributor, bytes32 digest);

    /// @notice Declares for the caller. It is made at the block's time.
    /// @dev Reverts with DeclarationExpired, AmountOutOfBounds, LinkTooLong, in this order. Writes no storage.
    function declare(Declaration calldata declaration) external;

    /// @notice Declares for `contributor`, who signed the message at `madeAt`. Anyone may call.
    /// @dev Reverts as declare, then with MadeInTheFuture, DigestSpent, SignatureInvalid, in this order. A contributor's
    /// contract is asked in a static call, of whose answer at most 32 bytes are read; it may burn the gas of this call.
    /// @param contributor Whose declaration it is.
    /// @param declaration What was signed.
    /// @param madeAt When it was signed, in Unix seconds.
    /// @param signature 65 bytes (r, s, v) with the lower s and v of 27 or 28; or whatever the contributor's contract
    /// accepts.
    function declareFor(address contributor, Declaration calldata declaration, uint40 madeAt, bytes calldata signature)
        external;

    /// @notice Makes sure that a message of the caller's, signed or not, cannot be declared any more.
    /// @dev Reverts with DigestSpent. What was declared already is withdrawn by a declaration, not by this.
    /// @param digest As digestOf gives it.
    function revoke(bytes32 digest) external;

    /// @notice Whether the message of this digest was declared or revoked by `contributor`.
    function isSpent(address contributor, bytes32 digest) external view returns (bool);

    /// @notice The EIP-712 digest that `contributor` signs to declare this, on this chain and this board.
    function digestOf(address contributor, Declaration calldata declaration, uint40 madeAt)
        external
        view
        returns (bytes32);
}
