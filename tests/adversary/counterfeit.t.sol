// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// An attacker who puts a rescue's code over forged books: init code that writes storage and returns the genuine code,
/// created by anyone in any way. The counterfeit takes pledges, and pays them out for a position that nobody paid.
/// ├── its code and all views of its terms are those of the rescue: no proof
/// ├── its address does not follow from code and original terms: the proof, also after amendments
/// └── the genuine address does, also after amendments
contract CounterfeitTest is EscrowTest {
    bytes32 private constant SALT = keccak256("levee.PledgeEscrow.v1");

    IPledgeEscrow private fake;

    /// @dev For a rescue that its guardian may end. The fake has the books of a copy in which mallory, who never paid
    /// there, has 7 ETH.
    function setUp() public override {
        super.setUp();
        Terms memory terms = defaultTerms();
        (bool success, bytes memory answer) = CREATE2_FACTORY.call(abi.encodePacked(SALT, initCode(terms)));
        assertTrue(success);
        IPledgeEscrow genuine = IPledgeEscrow(address(bytes20(answer)));

        vm.record();
        escrow = deploy(terms);
        pledge(mallory(), GRANT, Asset.ETH, 7 ether);
        (, bytes32[] memory slots) = vm.accesses(address(escrow));
        fake = counterfeitOf(address(escrow), slots);
        escrow = genuine;
    }

    /// @dev The purpose of the attack: bob's pledge is mallory's refund.
    function test_Counterfeit_TakesPledges() public {
        escrow = fake;
        pledge(bob, GRANT, Asset.ETH, 7 ether);
        vm.prank(guardian);
        fake.cancel();
        fake.refund(mallory(), GRANT, Asset.ETH);
        assertEq(mallory().balance, 7 ether);
        expectPaymentFailed(bob, Asset.ETH, 7 ether);
        fake.refund(bob, GRANT, Asset.ETH);
    }

    function test_Counterfeit_LooksTheSame() public view {
        assertEq(address(fake).code, address(escrow).code);
        assertEq(keccak256(abi.encode(fake.terms())), keccak256(abi.encode(escrow.terms())));
        assertEq(keccak256(abi.encode(fake.originalTerms())), keccak256(abi.encode(escrow.originalTerms())));
    }

    function test_Counterfeit_HasNotTheAddress() public view {
        assertEq(proven(escrow), address(escrow));
        assertNotEq(proven(fake), address(fake));
        assertEq(proven(fake), address(escrow));
    }

    /// @dev After an amendment, the terms in force are different; the original ones prove the address forever.
    function test_Proof_AfterAmendments() public {
        IPledgeEscrow[2] memory both = [escrow, fake];
        for (uint256 i; i < 2; ++i) {
            vm.warp(START);
            vm.prank(guardian);
            both[i].amend(Wei.wrap(800 ether), LATEST_DEADLINE, keccak256("another document"));
            vm.warp(START + EXIT_WINDOW);
            vm.prank(guardian);
            both[i].amend(Wei.wrap(900 ether), DEADLINE, keccak256("a third one"));
            vm.warp(START + 2 * EXIT_WINDOW);
            assertNotEq(addressOf(both[i].terms()), address(both[i]));
        }
        assertEq(proven(escrow), address(escrow));
        assertNotEq(proven(fake), address(fake));
    }

    /// @dev Whatever is in storage: the original terms are not read from there.
    function testFuzz_OriginalTerms_AreNotInStorage(uint256 slot, bytes32 value) public {
        bytes32 before = keccak256(abi.encode(escrow.originalTerms()));
        for (uint256 i; i < 16; ++i) {
            vm.store(address(escrow), bytes32(i), keccak256(abi.encode(value, i)));
        }
        vm.store(address(escrow), bytes32(slot), value);
        assertEq(keccak256(abi.encode(escrow.originalTerms())), before);
        assertEq(proven(escrow), address(escrow));
    }

    // ---------------------------------------------------------------- helpers

    function mallory() private returns (address) {
        return makeAddr("mallory");
    }

    /// @dev The address that follows from this code and the original terms that `shown` reports.
    function proven(IPledgeEscrow shown) private view returns (address) {
        return addressOf(shown.originalTerms());
    }

    function addressOf(Terms memory terms) private view returns (address) {
        return vm.computeCreate2Address(SALT, keccak256(initCode(terms)), CREATE2_FACTORY);
    }

    function initCode(Terms memory terms) private view returns (bytes memory) {
        return abi.encodePacked(vm.getCode("PledgeEscrow.sol:PledgeEscrow"), abi.encode(terms));
    }

    /// @dev A contract with the code of `original` and its values in `slots`.
    function counterfeitOf(address original, bytes32[] memory slots) private returns (IPledgeEscrow made) {
        bytes memory writes;
        for (uint256 i; i < slots.length; ++i) {
            // PUSH32 value, PUSH32 slot, SSTORE.
            writes = abi.encodePacked(writes, hex"7f", vm.load(original, slots[i]), hex"7f", slots[i], hex"55");
        }
        uint16 size = uint16(original.code.length);
        uint16 start = uint16(writes.length + 15);
        // PUSH2 size, PUSH2 start, PUSH1 0, CODECOPY, PUSH2 size, PUSH1 0, RETURN.
        bytes memory end = abi.encodePacked(hex"61", size, hex"61", start, hex"600039", hex"61", size, hex"6000f3");
        bytes memory init = abi.encodePacked(writes, end, original.code);
        assembly ("memory-safe") {
            made := create(0, add(init, 32), mload(init))
        }
        assertNotEq(address(made), address(0));
    }
}
