// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Script } from "forge-std/Script.sol";
import { console } from "forge-std/console.sol";
import { IPledgeEscrow, Terms } from "levee/interfaces/IPledgeEscrow.sol";

/// @title A check of an escrow's address with Foundry alone
/// @notice The address of an escrow follows from its code and its terms. This computes it from the contracts as they are
/// built here and from the terms that the escrow shows, and compares. After `forge build`:
/// `forge script script/CheckAddress.s.sol --sig "run(address)" <escrow> --rpc-url <node>`
contract CheckAddress is Script {
    /// @notice The published salt.
    bytes32 public constant SALT = keccak256("levee.PledgeEscrow.v1");

    /// @notice Thrown when the address does not follow from this code and these terms: it is no escrow of this code, or
    /// its target, deadline or document was amended after it was created.
    error AddressDiffers(address escrow, address expected);

    /// @notice Checks `escrow`.
    function run(address escrow) external view {
        address expected = addressOf(IPledgeEscrow(escrow).terms());
        if (expected != escrow) revert AddressDiffers(escrow, expected);
        console.log("the address follows from this code and these terms:", escrow);
    }

    /// @notice The address of an escrow that is created with `terms`, on any chain.
    function addressOf(Terms memory terms) public view returns (address) {
        bytes memory code = vm.getCode("PledgeEscrow.sol:PledgeEscrow");
        return vm.computeCreate2Address(SALT, keccak256(abi.encodePacked(code, abi.encode(terms))), CREATE2_FACTORY);
    }
}
