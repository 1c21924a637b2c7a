// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { WETH } from "solady/tokens/WETH.sol";

/// @title WETH for local chains
/// @notice Solady's, which does what Levee calls of the WETH9 on public chains. Tests of Solidity use WETH9 itself.
contract WrappedEther is WETH { }
