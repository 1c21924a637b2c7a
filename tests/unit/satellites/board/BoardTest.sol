// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";

import { Declaration, IPledgeBoard, Stage } from "levee/interfaces/IPledgeBoard.sol";
import { Wei } from "levee/types/Units.sol";

/// @notice What a fuzzer makes up, from which `BoardTest.valid` makes a declaration.
struct Draft {
    address escrow;
    uint8 stage;
    uint8 tier;
    uint96 amount;
    uint40 expiry;
    string link;
}

/// @notice What the tests of the board share: a board, contributors with keys, and a declaration of alice's.
abstract contract BoardTest is Test {
    uint40 internal constant NOW = 1_800_000_000;
    uint40 internal constant EXPIRY = NOW + 30 days;
    /// @dev A link of the usual length.
    string internal constant LINK = "https://governance.example/t/help-the-market/12345";
    /// @dev Order of the curve of ECDSA.
    uint256 internal constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    IPledgeBoard internal board;
    address internal immutable escrow = makeAddr("escrow");
    address internal immutable stranger = makeAddr("stranger");
    address internal alice;
    uint256 internal aliceKey;
    address internal bob;
    uint256 internal bobKey;

    function setUp() public virtual {
        vm.warp(NOW);
        (alice, aliceKey) = makeAddrAndKey("alice");
        (bob, bobKey) = makeAddrAndKey("bob");
        board = deployBoard();
    }

    function deployBoard() internal returns (IPledgeBoard) {
        return IPledgeBoard(deployCode("PledgeBoard.sol:PledgeBoard"));
    }

    /// @dev 4,200 ETH are proposed for tier 1.
    function usual() internal view returns (Declaration memory) {
        return Declaration({
            escrow: escrow, stage: Stage.Proposed, tier: 1, amount: Wei.wrap(4200 ether), expiry: EXPIRY, link: LINK
        });
    }

    /// @dev A declaration that the board takes now.
    function valid(Draft memory draft) internal pure returns (Declaration memory) {
        vm.assume(bytes(draft.link).length <= 256);
        return Declaration({
            escrow: draft.escrow,
            stage: Stage(draft.stage % 4),
            tier: draft.tier,
            amount: Wei.wrap(bound(draft.amount, 1, type(uint96).max)),
            expiry: uint40(bound(draft.expiry, NOW, type(uint40).max)),
            link: draft.link
        });
    }

    /// @dev The signature of `key` on what `contributor` declared at `madeAt`.
    function sign(uint256 key, address contributor, Declaration memory declaration, uint40 madeAt)
        internal
        view
        returns (bytes memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, board.digestOf(contributor, declaration, madeAt));
        return abi.encodePacked(r, s, v);
    }

    /// @dev As a library of EIP-712 would compute it from the manual alone.
    function specifiedDigest(
        address contributor,
        Declaration memory declaration,
        uint40 madeAt,
        uint256 chainId,
        IPledgeBoard board_
    ) internal pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Levee PledgeBoard"),
                keccak256("1"),
                chainId,
                board_
            )
        );
        bytes32 typeHash = keccak256(
            "Declaration(address contributor,address escrow,uint8 stage,uint8 tier,uint256 amount,uint40 expiry,uint40 madeAt,string link)"
        );
        bytes memory fields = abi.encode(
            typeHash,
            contributor,
            declaration.escrow,
            uint8(declaration.stage),
            declaration.tier,
            Wei.unwrap(declaration.amount),
            declaration.expiry,
            madeAt,
            keccak256(bytes(declaration.link))
        );
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(fields)));
    }

    function expectDeclared(address contributor, Declaration memory declaration, uint40 madeAt, bytes32 digest)
        internal
    {
        vm.expectEmit(address(board));
        emit IPledgeBoard.Declared(
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

    function expectExpired(uint256 expiry, uint256 time) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeBoard.DeclarationExpired.selector, expiry, time));
    }

    function expectAmountOutOfBounds(uint256 amount, uint256 minimum) internal {
        uint256 maximum = type(uint96).max;
        vm.expectRevert(abi.encodeWithSelector(IPledgeBoard.AmountOutOfBounds.selector, amount, minimum, maximum));
    }

    function expectLinkTooLong(uint256 length) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeBoard.LinkTooLong.selector, length, 256));
    }

    function expectDigestSpent(address contributor, bytes32 digest) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeBoard.DigestSpent.selector, contributor, digest));
    }

    function expectSignatureInvalid(address contributor, bytes32 digest) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeBoard.SignatureInvalid.selector, contributor, digest));
    }
}
