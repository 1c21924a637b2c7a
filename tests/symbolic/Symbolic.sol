// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Vm } from "forge-std/Vm.sol";

/// @notice The base of every proof. Proofs are plain contracts: halmos runs each `check_<property>_<What>` with all its
/// arguments symbolic, and `assert` states what must hold.
abstract contract Symbolic {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
}
