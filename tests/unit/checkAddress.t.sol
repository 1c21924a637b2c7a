// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset } from "levee/types/Units.sol";

import { CheckAddress } from "../../script/CheckAddress.s.sol";
import { EscrowTest } from "../util/EscrowTest.sol";

/// script/CheckAddress
/// ├── when the escrow was created with these terms, by this code: it passes
/// ├── when it was amended: it passes
/// ├── when it was created in another way: it reverts with {AddressDiffers}
/// └── when it is a counterfeit, another contract with a rescue's code over books of its own: it reverts with
///     {AddressDiffers}
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

    function test_AddressFollows_WhenAmended() public {
        escrow = create(defaultTerms());
        amend(TARGET / 2, DEADLINE + 1 days, keccak256("another document"));
        script.run(address(escrow));
        vm.warp(START + EXIT_WINDOW);
        assertNotEq(keccak256(abi.encode(escrow.terms())), keccak256(abi.encode(defaultTerms())));
        script.run(address(escrow));
    }

    function test_RevertWhen_CreatedInAnotherWay() public {
        escrow = deploy(defaultTerms());
        expectDiffers(address(escrow), script.addressOf(defaultTerms()));
        script.run(address(escrow));
    }

    /// @dev Everything that can be read of it is as of the true one: but for a position that nobody paid.
    function test_RevertWhen_Counterfeit() public {
        escrow = create(defaultTerms());
        address genuine = address(escrow);
        pledge(alice, GRANT, Asset.ETH, 100 ether);
        address counterfeit = makeAddr("counterfeit");
        vm.etch(counterfeit, genuine.code);
        vm.record();
        escrow.record();
        escrow.pots();
        escrow.positions(alice);
        (bytes32[] memory read,) = vm.accesses(genuine);
        for (uint256 i; i < read.length; ++i) {
            vm.store(counterfeit, read[i], vm.load(genuine, read[i]));
        }
        assertEq(counterfeit.codehash, genuine.codehash);
        assertSame(IPledgeEscrow(counterfeit).positions(alice), escrow.positions(alice));
        expectDiffers(counterfeit, genuine);
        script.run(counterfeit);
        script.run(genuine);
    }

    /// @dev Through the real deployer, with the published salt and the published code.
    function create(Terms memory terms) private returns (IPledgeEscrow) {
        bytes memory code = vm.parseJsonBytes(vm.readFile(script.ARTIFACT()), ".bytecode");
        bytes memory init = abi.encodePacked(code, abi.encode(terms));
        (bool success, bytes memory answer) = CREATE2_FACTORY.call(abi.encodePacked(script.SALT(), init));
        assertTrue(success);
        return IPledgeEscrow(address(bytes20(answer)));
    }

    function expectDiffers(address shown, address expected) private {
        vm.expectRevert(abi.encodeWithSelector(CheckAddress.AddressDiffers.selector, shown, expected));
    }
}
