// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC5267 } from "@openzeppelin/contracts/interfaces/IERC5267.sol";

import { Wei } from "../types/Units.sol";

/// @notice How close a contributor is to making a pledge.
/// @custom:value Expressed It intends to help; the amount may be unknown.
/// @custom:value Proposed The amount is before those who decide on it (a vote, a board).
/// @custom:value Approved The decision is made; the pledge is to follow.
/// @custom:value Withdrawn Its earlier declaration no longer stands.
enum Stage {
    Expressed,
    Proposed,
    Approved,
    Withdrawn
}

/// @notice What a contributor declares about one tier of one rescue.
/// @custom:member escrow The rescue; may be the address of an escrow that does not exist yet.
/// @custom:member stage How close the contributor is to making the pledge.
/// @custom:member tier The intended tier, counted from 0. Readers must check whether the escrow has it.
/// @custom:member amount Value in wei of ETH, whatever the asset, at most 2^96 - 1; 0 for unknown, which only Expressed
/// and Withdrawn allow.
/// @custom:member expiry The last second, in Unix seconds, at which the declaration stands and its signature can be
/// used.
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
/// @notice Public statements about pledges that are not locked yet, so that what contributors declared can be compared
/// with what they locked. The board holds no money, no escrow knows it, and nothing on it ever counts toward a
/// threshold. There is no owner, no upgrade and no fee; it has the same address on every chain.
///
/// A declaration is made by the contributor itself: in its own transaction (also from a contract wallet), or by an
/// EIP-712 signature, which anyone may submit. This is an ECDSA signature with the account's key (even if the account
/// has code), or one that the account accepts by EIP-1271. The signed message is
///
///     Declaration(address contributor,address escrow,uint8 stage,uint8 tier,uint256 amount,uint40 expiry,
///                 uint40 madeAt,string link)
///
/// in the domain (name "Levee PledgeBoard", version "1", chainId, verifyingContract), so it is valid on one chain, on
/// one board, for one contributor. It can be submitted once, not before madeAt, not after expiry, and not after the
/// contributor revoked it.
///
/// How to read the board, from its events alone:
/// - for each contributor, escrow and tier, the declaration with the latest madeAt stands, so an old signature that is
///   submitted late overrides nothing newer. If several have the same madeAt, one that is Withdrawn wins, otherwise the
///   one logged last, so nobody can undo a withdrawal by later submitting something signed in the same second;
/// - it stands up to and including its expiry. After that nothing stands: what it replaced does not come back;
/// - if it is Withdrawn, nothing stands.
///
/// Contributors must therefore revoke any signature that they gave out and no longer want used, or override it with a
/// declaration with a later madeAt. Nobody checks the link, the amount, or that the tier exists.
interface IPledgeBoard is IERC5267 {
    /// @notice `contributor` declared this at second `madeAt`. `digest` is that of the signed message, which cannot be
    /// submitted again; it is zero if the contributor sent the transaction itself.
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

    /// @notice `contributor` revoked the message with this digest: it can no longer be declared.
    event Revoked(address indexed contributor, bytes32 digest);

    /// @notice Thrown when the amount is not between `minimum` and `maximum` wei; the minimum is 0 or 1, depending on
    /// the stage.
    error AmountOutOfBounds(Wei amount, Wei minimum, Wei maximum);
    /// @notice Thrown when the link has more than `limit` bytes.
    error LinkTooLong(uint256 length, uint256 limit);
    /// @notice Thrown when the expiry is before the block's timestamp.
    error DeclarationExpired(uint256 expiry, uint256 time);
    /// @notice Thrown when madeAt is after the block's timestamp.
    error MadeInTheFuture(uint256 madeAt, uint256 time);
    /// @notice Thrown when the message was already declared or revoked.
    error DigestSpent(address contributor, bytes32 digest);
    /// @notice Thrown when the signature is not the contributor's.
    error SignatureInvalid(address contributor, bytes32 digest);

    /// @notice Declares for the caller, with the block's timestamp as madeAt.
    /// @dev Reverts with DeclarationExpired, AmountOutOfBounds or LinkTooLong, checked in this order. Writes no
    /// storage.
    function declare(Declaration calldata declaration) external;

    /// @notice Declares for `contributor`, who signed the message at `madeAt`. Anyone may call.
    /// @dev Reverts like declare, then with MadeInTheFuture, DigestSpent or SignatureInvalid, checked in this order. A
    /// contributor's contract is called statically, and at most 32 bytes of its answer are read; it may burn the gas of
    /// this call.
    /// @param contributor The author of the declaration.
    /// @param declaration What was signed.
    /// @param madeAt When it was signed, in Unix seconds.
    /// @param signature 65 bytes (r, s, v) with the lower s and a v of 27 or 28; or whatever the contributor's contract
    /// accepts.
    function declareFor(address contributor, Declaration calldata declaration, uint40 madeAt, bytes calldata signature)
        external;

    /// @notice Ensures that a message of the caller's, signed or not, can no longer be declared.
    /// @dev Reverts with DigestSpent. To withdraw something already declared, make another declaration.
    /// @param digest The digest, as returned by digestOf.
    function revoke(bytes32 digest) external;

    /// @notice Whether the message with this digest was declared or revoked by `contributor`.
    function isSpent(address contributor, bytes32 digest) external view returns (bool);

    /// @notice The EIP-712 digest that `contributor` signs to declare this, on this chain and this board.
    function digestOf(address contributor, Declaration calldata declaration, uint40 madeAt)
        external
        view
        returns (bytes32);
}
