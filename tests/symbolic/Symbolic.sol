// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Vm } from "forge-std/Vm.sol";

/// @notice What every proof starts from. Proofs are plain contracts: halmos runs each `check_<property>_<What>` with all
/// of its arguments symbolic, and `assert` is what has to hold.
abstract contract Symbolic {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
}
