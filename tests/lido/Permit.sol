// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title The EIP-2612 part that the two token models share
/// @notice Part of the test model of Lido's tokens: never deployed on a public chain.
/// @dev Not Solady's EIP712: its `eip712Domain()` returns seven values, the real stETH's returns four.
abstract contract Permit {
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    /// @dev Half of the curve's order, rounded down: a larger `s` has a twin that signs the same.
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// @notice The nonce that the next permit of `owner` must sign.
    mapping(address owner => uint256 nonce) public nonces;

    /// @notice The EIP-712 domain separator of this token on this chain.
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        (string memory domainName, string memory domainVersion) = _domainNameAndVersion();
        return keccak256(
            abi.encode(
                DOMAIN_TYPEHASH,
                keccak256(bytes(domainName)),
                keccak256(bytes(domainVersion)),
                block.chainid,
                address(this)
            )
        );
    }

    /// @dev The name and version in the token's EIP-712 domain.
    function _domainNameAndVersion() internal pure virtual returns (string memory, string memory);

    /// @dev The digest that `owner` must have signed; uses up the nonce in it.
    function _usePermitDigest(address owner, address spender, uint256 value, uint256 deadline)
        internal
        returns (bytes32)
    {
        bytes32 structHash = keccak256(abi.encode(PERMIT_TYPEHASH, owner, spender, value, nonces[owner]++, deadline));
        return keccak256(abi.encodePacked("\x19\x01", DOMAIN_SEPARATOR(), structHash));
    }

    /// @dev The signer of `digest`, never zero; refuses what the real tokens refuse, in their words.
    function _recover(bytes32 digest, uint8 v, bytes32 r, bytes32 s) internal pure returns (address signer) {
        require(uint256(s) <= HALF_ORDER, "ECDSA: invalid signature 's' value");
        signer = ecrecover(digest, v, r, s);
        require(signer != address(0), "ECDSA: invalid signature");
    }
}
