// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Declaration, IPledgeBoard } from "levee/interfaces/IPledgeBoard.sol";

import { BoardTest, Draft } from "./BoardTest.sol";

/// digestOf and eip712Domain
/// ├── the digest is EIP-712's of the message in the manual, on any chain and board
/// └── the domain is the manual's (EIP-5267)
contract DigestOfTest is BoardTest {
    function testFuzz_DigestOf(address contributor, Draft memory draft, uint40 madeAt, uint64 chainId) public {
        Declaration memory declaration = valid(draft);
        vm.chainId(chainId);
        IPledgeBoard other = deployBoard();
        bytes32 digest = board.digestOf(contributor, declaration, madeAt);
        bytes32 otherDigest = other.digestOf(contributor, declaration, madeAt);
        assertEq(digest, specifiedDigest(contributor, declaration, madeAt, chainId, board));
        assertEq(otherDigest, specifiedDigest(contributor, declaration, madeAt, chainId, other));
        assertTrue(digest != otherDigest);
    }

    function test_Domain() public {
        vm.chainId(5);
        (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        ) = board.eip712Domain();
        assertEq(fields, hex"0f");
        assertEq(name, "Levee PledgeBoard");
        assertEq(version, "1");
        assertEq(chainId, 5);
        assertEq(verifyingContract, address(board));
        assertEq(salt, 0);
        assertEq(extensions.length, 0);
    }
}
