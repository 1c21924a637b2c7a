// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { WETH } from "solady/tokens/WETH.sol";

/// @title WETH for local chains
/// @notice Solady's WETH, which supports what Levee calls on the WETH9 of public chains. Solidity tests use WETH9
/// itself.
contract WrappedEther is WETH { }
