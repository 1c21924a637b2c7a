// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import { Declaration, IPledgeBoard, Stage } from "../interfaces/IPledgeBoard.sol";
import { Wei } from "../types/Units.sol";

/// @title Board of declarations, one per chain
/// @dev The reference is IPledgeBoard. There is no constructor argument, so that the address is the same on every
/// chain. The only state is which messages are spent: by digest, not by signature, so that another signature of the
/// same message, or the same one in another encoding, does nothing. Declarations themselves are only events.
contract PledgeBoard is IPledgeBoard, EIP712 {
    bytes32 private constant DECLARATION_TYPEHASH = keccak256(
        "Declaration(address contributor,address escrow,uint8 stage,uint8 tier,uint256 amount,uint40 expiry,uint40 madeAt,string link)"
    );

    /// @dev The maximum target of a rescue.
    uint256 private constant MAX_AMOUNT = type(uint96).max;

    /// @dev Longer than links are, and short enough that nobody has to store a document that someone else supplied.
    uint256 private constant MAX_LINK = 256;

    /// @inheritdoc IPledgeBoard
    mapping(address contributor => mapping(bytes32 digest => bool spent)) public isSpent;

    constructor() EIP712("Levee PledgeBoard", "1") { }

    /// @inheritdoc IPledgeBoard
    function declare(Declaration calldata declaration) external {
        _check(declaration);
        // 40 bits of seconds last for 34,000 years.
        // forge-lint: disable-next-line(unsafe-typecast)
        _declare(msg.sender, declaration, uint40(block.timestamp), 0);
    }

    /// @inheritdoc IPledgeBoard
    function declareFor(address contributor, Declaration calldata declaration, uint40 madeAt, bytes calldata signature)
        external
    {
        _check(declaration);
        if (madeAt > block.timestamp) revert MadeInTheFuture(madeAt, block.timestamp);
        bytes32 digest = digestOf(contributor, declaration, madeAt);
        _spend(contributor, digest);
        if (!_isSigned(contributor, digest, signature)) revert SignatureInvalid(contributor, digest);
        _declare(contributor, declaration, madeAt, digest);
    }

    /// @inheritdoc IPledgeBoard
    function revoke(bytes32 digest) external {
        _spend(msg.sender, digest);
        emit Revoked(msg.sender, digest);
    }

    /// @inheritdoc IPledgeBoard
    function digestOf(address contributor, Declaration calldata declaration, uint40 madeAt)
        public
        view
        returns (bytes32)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                DECLARATION_TYPEHASH,
                contributor,
                declaration.escrow,
                declaration.stage,
                declaration.tier,
                declaration.amount,
                declaration.expiry,
                madeAt,
                keccak256(bytes(declaration.link))
            )
        );
        return _hashTypedDataV4(structHash);
    }

    /// @dev The requirements on a declaration, whoever submits it.
    function _check(Declaration calldata declaration) private view {
        if (declaration.expiry < block.timestamp) revert DeclarationExpired(declaration.expiry, block.timestamp);
        bool mayBeUnknown = declaration.stage == Stage.Expressed || declaration.stage == Stage.Withdrawn;
        uint256 minimum = mayBeUnknown ? 0 : 1;
        uint256 amount = Wei.unwrap(declaration.amount);
        if (amount < minimum || amount > MAX_AMOUNT) {
            revert AmountOutOfBounds(declaration.amount, Wei.wrap(minimum), Wei.wrap(MAX_AMOUNT));
        }
        uint256 length = bytes(declaration.link).length;
        if (length > MAX_LINK) revert LinkTooLong(length, MAX_LINK);
    }

    /// @dev A message can be declared or revoked only once.
    function _spend(address contributor, bytes32 digest) private {
        if (isSpent[contributor][digest]) revert DigestSpent(contributor, digest);
        isSpent[contributor][digest] = true;
    }

    /// @dev Signed by the account's key, even if it has code by now (EIP-7702); otherwise its contract decides. That
    /// call is static: a contract that reverts, answers anything else, or burns the gas it gets (all but 1/64, EIP-150)
    /// has not signed, at the expense of the submitter.
    function _isSigned(address contributor, bytes32 digest, bytes calldata signature) private view returns (bool) {
        // Without an error, the signer is not zero.
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (signer != address(0) && signer == contributor) return true;
        return SignatureChecker.isValidERC1271SignatureNowCalldata(contributor, digest, signature);
    }

    function _declare(address contributor, Declaration calldata declaration, uint40 madeAt, bytes32 digest) private {
        emit Declared(
            contributor,
            declaration.escrow,
            declaration.stage,
            declaration.tier,
            declaration.amount,
            declaration.expiry,
            madeAt,
            declaration.link,
            digest
        );
    }
}
