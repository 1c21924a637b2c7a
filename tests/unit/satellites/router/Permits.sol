// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Vm } from "forge-std/Vm.sol";

import { IERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import { Permit } from "levee/interfaces/IPledgeRouter.sol";

Vm constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

/// @dev Order of the curve of ECDSA.
uint256 constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

/// @dev What the owner of a token signs by EIP-2612, with its next nonce.
function permitDigest(IERC20Permit token, address owner, address spender, uint256 value, uint256 deadline)
    view
    returns (bytes32)
{
    bytes32 typeHash = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    bytes memory fields = abi.encode(typeHash, owner, spender, value, token.nonces(owner), deadline);
    return keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), keccak256(fields)));
}

/// @dev The permit that `key` signs for its own account.
function signPermit(IERC20Permit token, uint256 key, address spender, uint256 value, uint256 deadline)
    view
    returns (Permit memory)
{
    bytes32 digest = permitDigest(token, VM.addr(key), spender, value, deadline);
    (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
    return Permit(value, deadline, v, r, s);
}
