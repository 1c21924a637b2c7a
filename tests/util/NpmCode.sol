// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Vm } from "forge-std/Vm.sol";

Vm constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

/// @dev Deploys a contract compiled by others, from an npm package.
/// @param path Of its artifact (Hardhat's format) below node_modules.
/// @param arguments The constructor's, encoded.
function deployNpm(string memory path, bytes memory arguments) returns (address deployed) {
    string memory artifact = VM.readFile(string.concat("node_modules/", path));
    bytes memory code = bytes.concat(VM.parseJsonBytes(artifact, ".bytecode"), arguments);
    assembly ("memory-safe") {
        deployed := create(0, add(code, 0x20), mload(code))
    }
    VM.assertTrue(deployed != address(0), path);
}
