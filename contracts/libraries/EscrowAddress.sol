// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Terms } from "../interfaces/IPledgeEscrow.sol";

/// @dev Where an escrow with known code and terms is.
library EscrowAddress {
    /// @dev The public deterministic deployer.
    address internal constant DEPLOYER = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

    /// @dev The published salt of escrows.
    bytes32 internal constant SALT = keccak256("levee.PledgeEscrow.v1");

    /// @dev The first byte of a data contract, which stops whoever calls it; what follows is data.
    uint256 private constant STOP_BYTE = 1;

    /// @dev The data that the code of `chunks` holds, one after the other. A chunk without code holds none.
    function read(address[] calldata chunks) internal view returns (bytes memory data) {
        assembly ("memory-safe") {
            data := mload(0x40)
            let end := add(data, 0x20)
            for { let i := 0 } lt(i, chunks.length) { i := add(i, 1) } {
                let chunk := calldataload(add(chunks.offset, mul(i, 0x20)))
                let size := extcodesize(chunk)
                // Code of one byte, or of none, holds no data: so the subtraction is from more than what it takes.
                if gt(size, STOP_BYTE) {
                    size := sub(size, STOP_BYTE)
                    extcodecopy(chunk, end, STOP_BYTE, size)
                    end := add(end, size)
                }
            }
            mstore(data, sub(end, add(data, 0x20)))
            // The free memory begins at the next whole word.
            mstore(0x40, and(add(end, 0x1f), not(0x1f)))
        }
    }

    /// @dev The address that code and terms commit to, whether or not an escrow is there.
    function addressOf(bytes memory creationCode, Terms calldata terms) internal pure returns (address) {
        bytes32 initCodeHash = keccak256(bytes.concat(creationCode, abi.encode(terms)));
        // An address is the last 20 bytes of this hash (EIP-1014).
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), DEPLOYER, SALT, initCodeHash)))));
    }
}
