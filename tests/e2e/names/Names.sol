// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

interface IBatchGateway {
    struct Query {
        address sender;
        string[] urls;
        bytes data;
    }

    function query(Query[] calldata queries) external view returns (bool[] memory failures, bytes[] memory responses);
}

/// @notice Stands in for ENS's universal resolver (ENSIP-23): the same calls, errors and batches of gateways (ENSIP-21), over a table.
contract Names {
    struct Entry {
        bool known;
        address account;
        string gateway;
    }

    error ResolverNotFound(bytes name);
    error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData);
    error WrongAnswer();

    mapping(bytes32 nameHash => Entry entry) private entries;

    /// @notice With a gateway, `account` is the only answer of the gateway that is accepted, as by a signature.
    function set(bytes calldata name, address account, string calldata gateway) external {
        entries[keccak256(name)] = Entry({ known: true, account: account, gateway: gateway });
    }

    function resolve(bytes calldata name, bytes calldata data) external view returns (bytes memory, address) {
        Entry storage entry = entries[keccak256(name)];
        if (!entry.known) revert ResolverNotFound(name);
        if (bytes(entry.gateway).length == 0) return (abi.encode(entry.account), address(this));
        IBatchGateway.Query[] memory queries = new IBatchGateway.Query[](1);
        queries[0] = IBatchGateway.Query({ sender: address(this), urls: _one(entry.gateway), data: data });
        revert OffchainLookup({
            sender: address(this),
            urls: _one("x-batch-gateway:true"),
            callData: abi.encodeCall(IBatchGateway.query, (queries)),
            callbackFunction: this.answered.selector,
            extraData: abi.encode(keccak256(name))
        });
    }

    function answered(bytes calldata response, bytes calldata extra) external view returns (bytes memory, address) {
        (bool[] memory failures, bytes[] memory responses) = abi.decode(response, (bool[], bytes[]));
        address account = entries[abi.decode(extra, (bytes32))].account;
        if (failures[0] || keccak256(responses[0]) != keccak256(abi.encode(account))) revert WrongAnswer();
        return (responses[0], address(this));
    }

    function _one(string memory url) private pure returns (string[] memory urls) {
        urls = new string[](1);
        urls[0] = url;
    }
}
