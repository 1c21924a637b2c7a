// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EndReason, IPledgeEscrow, RescueView, Status, Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";

/// constructor
/// ├── it shows the terms, also as the original ones, the block, an open rescue with nothing in it, and emits
/// │   {RescueCreated}
/// ├── it takes terms at every bound
/// ├── it lands, through the deployer, at the address that code and terms commit to
/// │   └── another term is another address; the same terms twice are refused
/// └── it reverts with
///     ├── {BeneficiaryZero} {DeadlinePassed} {WindowZero}
///     ├── {LatestDeadlineTooEarly} for one second before the deadline
///     ├── {ObjectionPeriodZero}
///     ├── {VetoOutOfBounds} for 10,000 and more
///     ├── {TokensMismatch} when one token is missing, has no code, or wstETH wraps another
///     ├── {TargetOutOfBounds} below 10^9 and above 2^96 - 1
///     ├── {TranchesOutOfBounds} for 0 and 65
///     ├── {TrancheIntervalZero} if there are several
///     ├── {TierCountOutOfBounds} for 0 and 9
///     ├── {ThresholdOutOfOrder} for 0, a fall, more than 10,000
///     ├── {LastThresholdNotFull}
///     └── {RatesDiffer} for any two tiers of one order
contract ConstructorTest is EscrowTest {
    bytes32 private constant SALT = keccak256("levee.PledgeEscrow.v1");

    function test_Constructor() public {
        Terms memory terms = defaultTerms();
        vm.roll(77);
        vm.expectEmit(vm.computeCreateAddress(address(this), vm.getNonce(address(this))));
        emit IPledgeEscrow.RescueCreated(beneficiary, guardian, terms);
        escrow = deploy(terms);
        vm.roll(78);

        assertTerms(escrow, terms);
        RescueView memory expected;
        expected.status = Status.Open;
        expected.createdBlock = 77;
        expected.terms = terms;
        expected.rateReadable = true;
        assertSame(escrow.rescue(), expected);
        assertEq(escrow.positions(alice).length, 0);
        assertStatus(Status.Open);
        assertEndReason(EndReason.None);
        assertEq(escrow.record().createdBlock, 77);
        for (uint256 i; i < 3; ++i) {
            assertOwed(alice, Asset(i), 0);
        }
    }

    function test_Constructor_LargestTerms() public {
        Terms memory terms = defaultTerms();
        terms.target = Wei.wrap(type(uint96).max);
        terms.deadline = type(uint40).max;
        terms.latestDeadline = type(uint40).max;
        terms.tiers = new Tier[](8);
        for (uint256 i; i < 8; ++i) {
            terms.tiers[i] = Tier(10_000, uint8(248 + i), uint16(65_528 + i));
        }
        terms.objectionPeriod = type(uint32).max;
        terms.vetoBps = 9999;
        terms.tranches = 64;
        terms.trancheInterval = type(uint32).max;
        terms.releaseWindow = type(uint32).max;
        terms.exitWindow = type(uint32).max;
        terms.termsHash = bytes32(type(uint256).max);
        assertTerms(deploy(terms), terms);
    }

    function test_Constructor_SmallestTerms() public {
        Terms memory terms = ethOnlyTerms();
        terms.guardian = address(0);
        terms.target = Wei.wrap(1e9);
        terms.deadline = START + 1;
        terms.latestDeadline = START + 1;
        terms.tiers = new Tier[](2);
        terms.tiers[0] = Tier(1, 0, 0);
        terms.tiers[1] = Tier(10_000, 0, 0);
        terms.objectionPeriod = 1;
        terms.vetoBps = 0;
        terms.tranches = 1;
        terms.trancheInterval = 0;
        terms.releaseWindow = 1;
        terms.exitWindow = 1;
        terms.termsHash = 0;
        assertTerms(deploy(terms), terms);
    }

    function test_Constructor_TakesNoEther() public {
        bytes memory init = initCode(defaultTerms());
        address deployed;
        assembly ("memory-safe") {
            deployed := create(1, add(init, 32), mload(init))
        }
        assertEq(deployed, address(0));
    }

    // ---------------------------------------------------------------- the address

    function test_Create2_AddressCommitsToCodeAndTerms() public {
        Terms memory terms = defaultTerms();
        bytes memory init = initCode(terms);
        address predicted = vm.computeCreate2Address(SALT, keccak256(init), CREATE2_FACTORY);
        (bool success, bytes memory answer) = CREATE2_FACTORY.call(abi.encodePacked(SALT, init));
        assertTrue(success);
        assertEq(address(bytes20(answer)), predicted);
        assertTerms(IPledgeEscrow(predicted), terms);

        (success,) = CREATE2_FACTORY.call{ gas: 10_000_000 }(abi.encodePacked(SALT, init));
        assertFalse(success, "the same terms twice");
    }

    function test_Create2_AnotherTermIsAnotherAddress() public view {
        bytes32 original = keccak256(initCode(defaultTerms()));
        Terms memory terms = defaultTerms();
        terms.beneficiary = alice;
        assertNotEq(keccak256(initCode(terms)), original);
        terms = defaultTerms();
        terms.termsHash = keccak256("another document");
        assertNotEq(keccak256(initCode(terms)), original);
        terms = defaultTerms();
        terms.tiers[LOAN].rateBps = 251;
        assertNotEq(keccak256(initCode(terms)), original);
    }

    // ---------------------------------------------------------------- refusals

    function test_RevertWhen_BeneficiaryZero() public {
        Terms memory terms = defaultTerms();
        terms.beneficiary = address(0);
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.BeneficiaryZero.selector));
    }

    function test_RevertWhen_TokensMismatch() public {
        refuseTokens(address(stETH), address(0));
        refuseTokens(address(0), address(wstETH));
        refuseTokens(address(stETH), alice);
        refuseTokens(alice, address(wstETH));
        refuseTokens(address(wstETH), address(wstETH));
        deployLido();
        refuseTokens(escrow.terms().stETH, address(wstETH));
    }

    function test_RevertWhen_TokensWrapEmptyAccount() public {
        vm.mockCall(address(wstETH), abi.encodeWithSignature("stETH()"), abi.encode(alice));
        refuseTokens(alice, address(wstETH));
    }

    function test_RevertWhen_TargetOutOfBounds() public {
        uint96 max = type(uint96).max;
        uint256[3] memory targets = [uint256(0), 1e9 - 1, uint256(max) + 1];
        for (uint256 i; i < targets.length; ++i) {
            Terms memory terms = defaultTerms();
            terms.target = Wei.wrap(targets[i]);
            refuse(terms, abi.encodeWithSelector(IPledgeEscrow.TargetOutOfBounds.selector, targets[i], 1e9, max));
        }
    }

    function test_RevertWhen_DeadlinePassed() public {
        Terms memory terms = defaultTerms();
        terms.deadline = START;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.DeadlinePassed.selector, START, START));
        terms.deadline = START - 1;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.DeadlinePassed.selector, START - 1, START));
    }

    function test_RevertWhen_LatestDeadlineTooEarly() public {
        Terms memory terms = defaultTerms();
        terms.latestDeadline = DEADLINE - 1;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.LatestDeadlineTooEarly.selector, DEADLINE - 1, DEADLINE));
        terms.latestDeadline = DEADLINE;
        assertTerms(deploy(terms), terms);
    }

    function test_RevertWhen_ObjectionPeriodZero() public {
        Terms memory terms = defaultTerms();
        terms.objectionPeriod = 0;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.ObjectionPeriodZero.selector));
        // Not even where there is no veto, and one tranche.
        terms.vetoBps = 0;
        terms.tranches = 1;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.ObjectionPeriodZero.selector));
    }

    function test_RevertWhen_TrancheIntervalZero() public {
        Terms memory terms = defaultTerms();
        terms.trancheInterval = 0;
        for (uint8 tranches = 2; tranches <= 64; tranches += 62) {
            terms.tranches = tranches;
            refuse(terms, abi.encodeWithSelector(IPledgeEscrow.TrancheIntervalZero.selector, tranches));
        }
        terms.tranches = 1;
        assertTerms(deploy(terms), terms);
    }

    function test_RevertWhen_TierCountOutOfBounds() public {
        Terms memory terms = defaultTerms();
        terms.tiers = new Tier[](0);
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.TierCountOutOfBounds.selector, 0, 8));
        terms.tiers = new Tier[](9);
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.TierCountOutOfBounds.selector, 9, 8));
    }

    function test_RevertWhen_ThresholdOutOfOrder() public {
        Terms memory terms = defaultTerms();
        terms.tiers[0].thresholdBps = 0;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.ThresholdOutOfOrder.selector, 0, 0, 1));
        terms = defaultTerms();
        terms.tiers[1].thresholdBps = 4999;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.ThresholdOutOfOrder.selector, 1, 4999, 5000));
        terms = defaultTerms();
        terms.tiers[2].thresholdBps = 10_001;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.ThresholdOutOfOrder.selector, 2, 10_001, 10_000));
    }

    function test_RevertWhen_LastThresholdNotFull() public {
        Terms memory terms = defaultTerms();
        terms.tiers[1].thresholdBps = 9999;
        terms.tiers[2].thresholdBps = 9999;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.LastThresholdNotFull.selector, 9999));
    }

    function test_RevertWhen_RatesDiffer() public {
        Terms memory terms = defaultTerms();
        terms.tiers[FULL_GRANT].rateBps = 1;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.RatesDiffer.selector, 1, 0));
        // Not only of neighbors.
        terms = defaultTerms();
        terms.tiers[LOAN].drawOrder = 0;
        terms.tiers[FULL_GRANT].drawOrder = 7;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.RatesDiffer.selector, 2, 0));
    }

    function test_RevertWhen_VetoOutOfBounds() public {
        Terms memory terms = defaultTerms();
        terms.vetoBps = 10_000;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.VetoOutOfBounds.selector, 10_000));
        terms.vetoBps = type(uint16).max;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.VetoOutOfBounds.selector, type(uint16).max));
    }

    function test_RevertWhen_TranchesOutOfBounds() public {
        Terms memory terms = defaultTerms();
        terms.tranches = 0;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.TranchesOutOfBounds.selector, 0, 64));
        terms.tranches = 65;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.TranchesOutOfBounds.selector, 65, 64));
    }

    function test_RevertWhen_WindowZero() public {
        Terms memory terms = defaultTerms();
        terms.releaseWindow = 0;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.WindowZero.selector, 0, EXIT_WINDOW));
        terms = defaultTerms();
        terms.exitWindow = 0;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.WindowZero.selector, RELEASE_WINDOW, 0));
    }

    // ---------------------------------------------------------------- helpers

    /// @dev The terms in force, and those of the creation.
    function assertTerms(IPledgeEscrow deployed, Terms memory expected) private view {
        assertEq(keccak256(abi.encode(deployed.terms())), keccak256(abi.encode(expected)));
        assertEq(keccak256(abi.encode(deployed.originalTerms())), keccak256(abi.encode(expected)));
    }

    function refuseTokens(address stETH_, address wstETH_) private {
        Terms memory terms = defaultTerms();
        terms.stETH = stETH_;
        terms.wstETH = wstETH_;
        refuse(terms, abi.encodeWithSelector(IPledgeEscrow.TokensMismatch.selector, stETH_, wstETH_));
    }

    /// @dev That the creation fails with just this error. `vm.expectRevert` would not do: it makes an unexpected success
    /// a failed creation, which looks like a refusal.
    function refuse(Terms memory terms, bytes memory expected) private {
        bytes memory init = initCode(terms);
        address deployed;
        assembly ("memory-safe") {
            deployed := create(0, add(init, 32), mload(init))
        }
        bytes memory answer;
        assembly ("memory-safe") {
            answer := mload(0x40)
            mstore(answer, returndatasize())
            returndatacopy(add(answer, 32), 0, returndatasize())
            mstore(0x40, add(add(answer, 32), and(add(returndatasize(), 31), not(31))))
        }
        assertEq(deployed, address(0), "not refused");
        assertEq(answer, expected);
    }

    function initCode(Terms memory terms) private view returns (bytes memory) {
        return abi.encodePacked(vm.getCode("PledgeEscrow.sol:PledgeEscrow"), abi.encode(terms));
    }
}
