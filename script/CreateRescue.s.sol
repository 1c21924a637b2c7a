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

    /// @notice Thrown for a number that no rescue can have.
    error NumberTooLarge(string name, uint256 value);

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
    function read(string memory json) public view returns (Terms memory terms) {
        terms.beneficiary = vm.parseJsonAddress(json, ".beneficiary");
        terms.guardian = accountOrNone(json, ".guardian");
        terms.stETH = accountOrNone(json, ".stETH");
        terms.wstETH = accountOrNone(json, ".wstETH");
        terms.target = Wei.wrap(uint128(number(json, ".targetWei", type(uint128).max)));
        terms.deadline = uint40(number(json, ".deadlineUnix", type(uint40).max));
        terms.latestDeadline = uint40(number(json, ".latestDeadlineUnix", type(uint40).max));
        terms.tiers = tiers(json);
        terms.objectionPeriod = uint32(number(json, ".objectionPeriodSeconds", type(uint32).max));
        terms.vetoBps = uint16(number(json, ".vetoBps", type(uint16).max));
        terms.tranches = uint8(number(json, ".tranches", type(uint8).max));
        terms.trancheInterval = uint32(number(json, ".trancheIntervalSeconds", type(uint32).max));
        terms.releaseWindow = uint32(number(json, ".releaseWindowSeconds", type(uint32).max));
        terms.exitWindow = uint32(number(json, ".exitWindowSeconds", type(uint32).max));
        terms.termsHash = vm.parseJsonBytes32(json, ".termsHash");
    }

    function tiers(string memory json) private view returns (Tier[] memory list) {
        uint256 count;
        while (vm.keyExistsJson(json, key(count, ""))) ++count;
        list = new Tier[](count);
        for (uint256 i; i < count; ++i) {
            list[i].thresholdBps = uint16(number(json, key(i, ".thresholdBps"), type(uint16).max));
            list[i].drawOrder = uint8(number(json, key(i, ".drawOrder"), type(uint8).max));
            list[i].rateBps = uint16(number(json, key(i, ".rateBps"), type(uint16).max));
        }
    }

    /// @dev The casts of its results lose nothing.
    function number(string memory json, string memory name, uint256 limit) private pure returns (uint256 value) {
        value = vm.parseJsonUint(json, name);
        if (value > limit) revert NumberTooLarge(name, value);
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
