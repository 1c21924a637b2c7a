// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Terms } from "levee/interfaces/IPledgeEscrow.sol";

import { CheckAddress } from "../../script/CheckAddress.s.sol";
import { EscrowTest } from "../util/EscrowTest.sol";

/// script/CheckAddress
/// ├── when the escrow was created with these terms, by this code: it passes
/// ├── when its target was amended: it reverts with {AddressDiffers}
/// └── when it was created in another way: it reverts with {AddressDiffers}
contract CheckAddressTest is EscrowTest {
    CheckAddress private script;

    function setUp() public override {
        super.setUp();
        script = new CheckAddress();
    }

    function test_AddressFollows() public {
        escrow = create(defaultTerms());
        script.run(address(escrow));
        assertEq(script.addressOf(defaultTerms()), address(escrow));
    }

    function test_RevertWhen_Amended() public {
        escrow = create(defaultTerms());
        amendTarget(TARGET / 2);
        vm.warp(START + EXIT_WINDOW);
        Terms memory terms = defaultTerms();
        assertTrue(keccak256(abi.encode(escrow.terms())) != keccak256(abi.encode(terms)));
        expectDiffers(script.addressOf(escrow.terms()));
        script.run(address(escrow));
    }

    function test_RevertWhen_CreatedInAnotherWay() public {
        escrow = deploy(defaultTerms());
        expectDiffers(script.addressOf(defaultTerms()));
        script.run(address(escrow));
    }

    /// @dev Through the real deployer, with the published salt.
    function create(Terms memory terms) private returns (IPledgeEscrow) {
        bytes memory init = abi.encodePacked(vm.getCode("PledgeEscrow.sol:PledgeEscrow"), abi.encode(terms));
        (bool success, bytes memory answer) = CREATE2_FACTORY.call(abi.encodePacked(script.SALT(), init));
        assertTrue(success);
        return IPledgeEscrow(address(bytes20(answer)));
    }

    function expectDiffers(address expected) private {
        vm.expectRevert(abi.encodeWithSelector(CheckAddress.AddressDiffers.selector, address(escrow), expected));
    }
}
