// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Script } from "forge-std/Script.sol";
import { console } from "forge-std/console.sol";
import { IPledgeEscrow, Terms } from "levee/interfaces/IPledgeEscrow.sol";

/// @title Check of an escrow's address with Foundry alone
/// @notice The address of an escrow follows from its code and its original terms, which it reports forever, even after
/// amendments. This script computes it from the creation code in crates/levee/artifacts and compares. It does not build the
/// contracts, so it takes seconds; `forge build` and `tools/artifacts.mjs --check` verify that they compile to the artifact.
/// From the repository's root, after `npm ci`:
///
///     FOUNDRY_PROFILE=check forge script script/CheckAddress.s.sol --sig "run(address)" <escrow> --rpc-url <node>
///
/// It does not check the tokens and the beneficiary that the terms name: read them yourself.
contract CheckAddress is Script {
    /// @notice The published salt.
    bytes32 public constant SALT = keccak256("levee.PledgeEscrow.v1");

    /// @notice The artifact with the creation code.
    string public constant ARTIFACT = "crates/levee/artifacts/PledgeEscrow.json";

    /// @notice Thrown when the address does not follow from this code and the terms reported there. It is not an escrow with
    /// this code, whatever its code looks like: do not pay into it.
    error AddressDiffers(address escrow, address expected);

    /// @notice Checks `escrow`.
    function run(address escrow) external view {
        address expected = addressOf(IPledgeEscrow(escrow).originalTerms());
        if (expected != escrow) revert AddressDiffers(escrow, expected);
        console.log("the address follows from this code and the terms that it was created with:", escrow);
    }

    /// @notice The address of an escrow created with `terms`, on any chain.
    function addressOf(Terms memory terms) public view returns (address) {
        bytes memory code = vm.parseJsonBytes(vm.readFile(ARTIFACT), ".bytecode");
        return vm.computeCreate2Address(SALT, keccak256(abi.encodePacked(code, abi.encode(terms))), CREATE2_FACTORY);
    }
}
