// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Script } from "forge-std/Script.sol";
import { console } from "forge-std/console.sol";
import { Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { Wei } from "levee/types/Units.sol";

import { CheckAddress } from "./CheckAddress.s.sol";

/// @title Creation of a rescue with Foundry alone
/// @notice For those who sign with Foundry. `levee terms check` and `levee terms show --json` need no node and no account: let
/// them read the terms, and pass on what the second one prints. From the repository's root, after `npm ci`:
///
///     levee terms show rescue.toml --json > rescue.json
///     FOUNDRY_PROFILE=check forge script script/CreateRescue.s.sol --sig "run(string)" rescue.json \
///       --rpc-url <node> --account <keystore> --broadcast
///
/// The code comes from crates/levee/artifacts, and the address is the same as with `levee deploy`.
contract CreateRescue is Script {
    /// @notice Thrown on another chain than the terms name.
    error WrongChain(uint256 expected, uint256 actual);

    /// @notice Thrown when the file says another address than its terms give: it is of another edition, or was changed.
    error AddressDiffers(address inFile, address expected);

    /// @notice Thrown when the deployer, which every chain has at the same address, did not create the rescue.
    error NotCreated();

    /// @notice Creates the rescue of the file `path`, unless it exists.
    function run(string calldata path) external {
        CheckAddress check = new CheckAddress();
        string memory json = vm.readFile(path);
        uint256 chain = vm.parseJsonUint(json, ".chain");
        if (chain != block.chainid) revert WrongChain(chain, block.chainid);
        Terms memory terms = read(json);
        address expected = check.addressOf(terms);
        address inFile = vm.parseJsonAddress(json, ".address");
        if (inFile != expected) revert AddressDiffers(inFile, expected);
        if (expected.code.length == 0) create(check, terms);
        if (expected.code.length == 0) revert NotCreated();
        console.log("the rescue is at", expected);
    }

    /// @notice The terms in the JSON of `levee terms show`. A rescue in ETH only, or without a guardian, has null there.
    /// @dev A number that does not fit its type would give another address than the file says, which is refused.
    function read(string memory json) public view returns (Terms memory terms) {
        terms.beneficiary = vm.parseJsonAddress(json, ".beneficiary");
        terms.guardian = accountOrNone(json, ".guardian");
        terms.stETH = accountOrNone(json, ".stETH");
        terms.wstETH = accountOrNone(json, ".wstETH");
        terms.target = Wei.wrap(uint128(vm.parseJsonUint(json, ".targetWei")));
        terms.deadline = uint40(vm.parseJsonUint(json, ".deadlineUnix"));
        terms.latestDeadline = uint40(vm.parseJsonUint(json, ".latestDeadlineUnix"));
        terms.tiers = tiers(json);
        terms.objectionPeriod = uint32(vm.parseJsonUint(json, ".objectionPeriodSeconds"));
        terms.vetoBps = uint16(vm.parseJsonUint(json, ".vetoBps"));
        terms.tranches = uint8(vm.parseJsonUint(json, ".tranches"));
        terms.trancheInterval = uint32(vm.parseJsonUint(json, ".trancheIntervalSeconds"));
        terms.releaseWindow = uint32(vm.parseJsonUint(json, ".releaseWindowSeconds"));
        terms.exitWindow = uint32(vm.parseJsonUint(json, ".exitWindowSeconds"));
        terms.termsHash = vm.parseJsonBytes32(json, ".termsHash");
    }

    function tiers(string memory json) private view returns (Tier[] memory list) {
        uint256 count;
        while (vm.keyExistsJson(json, key(count, ""))) ++count;
        list = new Tier[](count);
        for (uint256 i; i < count; ++i) {
            list[i].thresholdBps = uint16(vm.parseJsonUint(json, key(i, ".thresholdBps")));
            list[i].drawOrder = uint8(vm.parseJsonUint(json, key(i, ".drawOrder")));
            list[i].rateBps = uint16(vm.parseJsonUint(json, key(i, ".rateBps")));
        }
    }

    function create(CheckAddress check, Terms memory terms) private {
        bytes memory code = vm.parseJsonBytes(vm.readFile(check.ARTIFACT()), ".bytecode");
        bytes memory input = abi.encodePacked(check.SALT(), code, abi.encode(terms));
        vm.broadcast();
        (bool success,) = CREATE2_FACTORY.call(input);
        if (!success) revert NotCreated();
    }

    function accountOrNone(string memory json, string memory name) private pure returns (address) {
        bytes memory value = vm.parseJson(json, name);
        // null has no address.
        return value.length == 32 ? abi.decode(value, (address)) : address(0);
    }

    function key(uint256 tier, string memory name) private pure returns (string memory) {
        return string.concat(".tiers[", vm.toString(tier), "]", name);
    }
}
