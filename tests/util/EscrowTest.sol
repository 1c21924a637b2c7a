// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";

import {
    EndReason,
    IPledgeEscrow,
    PositionView,
    PotView,
    RescueView,
    Status,
    Terms,
    Tier
} from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Rate, Shares, Units, Wei, WstETHUnits } from "levee/types/Units.sol";

import { StETH } from "../lido/StETH.sol";
import { WstETH } from "../lido/WstETH.sol";

/// @notice What the tests of the escrow share: Lido's tokens, an escrow with given terms, and people who pledge.
/// @dev Tests never import the contract: `deployCode` uses the artifact compiled through the IR, so that the tested
/// code is the deployed code, and no test must be compiled through the IR.
///
/// The rescue with the default terms: 1,000 ETH are missing, a share is worth 1.2 ETH, and there are three tiers: GRANT
/// from half of the target on, FULL_GRANT and LOAN only with full coverage, the loan drawn last.
abstract contract EscrowTest is Test {
    uint40 internal constant START = 1_800_000_000;
    uint40 internal constant DEADLINE = START + 30 days;
    uint40 internal constant LATEST_DEADLINE = DEADLINE + 90 days;
    /// @dev When `settleLate` settles.
    uint40 internal constant SETTLED_AT = DEADLINE + 1;
    uint256 internal constant TARGET = 1000 ether;

    uint32 internal constant OBJECTION_PERIOD = 3 days;
    uint16 internal constant VETO_BPS = 2000;
    uint8 internal constant TRANCHES = 4;
    uint32 internal constant INTERVAL = 7 days;
    uint32 internal constant RELEASE_WINDOW = 30 days;
    uint32 internal constant EXIT_WINDOW = 5 days;
    bytes32 internal constant TERMS_HASH = keccak256("the document");

    /// @dev Tiers of the default terms.
    uint8 internal constant GRANT = 0;
    uint8 internal constant FULL_GRANT = 1;
    uint8 internal constant LOAN = 2;

    /// @dev Wei per 10^27 shares at the start: 1.2.
    uint96 internal constant RATE = 1.2e27;

    address internal immutable beneficiary = makeAddr("beneficiary");
    address internal immutable guardian = makeAddr("guardian");
    address internal immutable alice = makeAddr("alice");
    address internal immutable bob = makeAddr("bob");
    address internal immutable carol = makeAddr("carol");
    /// @dev Takes no part in the rescue, and makes the calls that anyone may make.
    address internal immutable stranger = makeAddr("stranger");

    StETH internal stETH;
    WstETH internal wstETH;
    IPledgeEscrow internal escrow;

    /// @dev The latest amendment of each escrow, by its time, as `amend` made it. Kept here, because reading the escrow
    /// would use up the `vm.prank` or `vm.expectRevert` before a call.
    mapping(IPledgeEscrow => uint40) internal amendmentOf;

    function setUp() public virtual {
        vm.warp(START);
        deployLido();
        escrow = deploy(defaultTerms());
    }

    // ---------------------------------------------------------------- deploying

    /// @dev Both tokens at `RATE`. This contract holds a million shares and a million units, for `fund`.
    function deployLido() internal {
        stETH = new StETH(2_000_000 ether, 2_400_000 ether);
        wstETH = new WstETH(stETH);
        stETH.approve(address(wstETH), 1_200_000 ether);
        wstETH.wrap(1_200_000 ether);
    }

    /// @dev An escrow with `terms`.
    function deploy(Terms memory terms) internal returns (IPledgeEscrow) {
        return IPledgeEscrow(deployCode("PledgeEscrow.sol:PledgeEscrow", abi.encode(terms)));
    }

    function defaultTerms() internal view returns (Terms memory terms) {
        terms.beneficiary = beneficiary;
        terms.guardian = guardian;
        terms.stETH = address(stETH);
        terms.wstETH = address(wstETH);
        terms.target = Wei.wrap(TARGET);
        terms.deadline = DEADLINE;
        terms.latestDeadline = LATEST_DEADLINE;
        terms.tiers = defaultTiers();
        terms.objectionPeriod = OBJECTION_PERIOD;
        terms.vetoBps = VETO_BPS;
        terms.tranches = TRANCHES;
        terms.trancheInterval = INTERVAL;
        terms.releaseWindow = RELEASE_WINDOW;
        terms.exitWindow = EXIT_WINDOW;
        terms.termsHash = TERMS_HASH;
    }

    function defaultTiers() internal pure returns (Tier[] memory tiers) {
        tiers = new Tier[](3);
        tiers[GRANT] = Tier({ thresholdBps: 5000, drawOrder: 0, rateBps: 0 });
        tiers[FULL_GRANT] = Tier({ thresholdBps: 10_000, drawOrder: 0, rateBps: 0 });
        tiers[LOAN] = Tier({ thresholdBps: 10_000, drawOrder: 1, rateBps: 250 });
    }

    /// @dev The default terms, for an ETH-only rescue.
    function ethOnlyTerms() internal view returns (Terms memory terms) {
        terms = defaultTerms();
        terms.stETH = address(0);
        terms.wstETH = address(0);
    }

    // ---------------------------------------------------------------- pledging

    /// @dev Gives `amount` of `asset`, in its own unit, to `account`.
    function fund(address account, Asset asset, uint256 amount) internal {
        if (asset == Asset.ETH) vm.deal(account, account.balance + amount);
        else if (asset == Asset.StETH) stETH.transferShares(account, amount);
        else wstETH.transfer(account, amount);
    }

    /// @dev Gives `pledger` exactly what it pledges, and pledges it.
    function pledge(address pledger, uint8 tier, Asset asset, uint256 amount) internal {
        fund(pledger, asset, amount);
        approve(pledger, asset);
        pledgeFrom(pledger, pledger, tier, asset, amount);
    }

    /// @dev Lets the escrow take all of a token that `payer` has.
    function approve(address payer, Asset asset) internal {
        if (asset == Asset.ETH) return;
        vm.prank(payer);
        if (asset == Asset.StETH) stETH.approve(address(escrow), type(uint256).max);
        else wstETH.approve(address(escrow), type(uint256).max);
    }

    /// @dev Only the call: `payer` pays a pledge of `pledger`, who knows of every amendment. May follow a
    /// `vm.expectRevert` or `vm.expectEmit`.
    function pledgeFrom(address payer, address pledger, uint8 tier, Asset asset, uint256 amount) internal {
        pledgeNaming(amendmentOf[escrow], payer, pledger, tier, asset, amount);
    }

    /// @dev Only the call, for a pledge that names `amendment`.
    function pledgeNaming(uint64 amendment, address payer, address pledger, uint8 tier, Asset asset, uint256 amount)
        internal
    {
        vm.prank(payer);
        if (asset == Asset.ETH) escrow.pledgeETH{ value: amount }(pledger, tier, amendment);
        else if (asset == Asset.StETH) escrow.pledgeStETH(pledger, tier, amendment, Shares.wrap(amount));
        else escrow.pledgeWstETH(pledger, tier, amendment, WstETHUnits.wrap(amount));
    }

    /// @dev More than full coverage, with 1,300 ETH. At settlement, the grants are drawn in full (700 ETH), and half of
    /// the loan for the remaining 300 ETH: 400 ETH, 250 stETH shares and 250 of 500 wstETH.
    function pledgeFull() internal {
        pledge(alice, GRANT, Asset.ETH, 400 ether);
        pledge(bob, FULL_GRANT, Asset.StETH, 250 ether);
        pledge(carol, LOAN, Asset.WstETH, 500 ether);
    }

    /// @dev 820 ETH, enough only for GRANT, which has 700: drawn in full, and carol's loan not touched.
    function pledgeHalf() internal {
        pledge(alice, GRANT, Asset.ETH, 400 ether);
        pledge(bob, GRANT, Asset.StETH, 250 ether);
        pledge(carol, LOAN, Asset.WstETH, 100 ether);
    }

    // ---------------------------------------------------------------- amending

    /// @dev The guardian proposes an amendment, at the current time, and pledges name it from now on.
    function amend(uint256 target, uint40 deadline, bytes32 termsHash) internal {
        vm.prank(guardian);
        escrow.amend(Wei.wrap(target), deadline, termsHash);
        amendmentOf[escrow] = uint40(vm.getBlockTimestamp() + EXIT_WINDOW);
    }

    /// @dev The same, of the target alone.
    function amendTarget(uint256 target) internal {
        amend(target, DEADLINE, TERMS_HASH);
    }

    // ---------------------------------------------------------------- time

    /// @dev Anyone settles one second after the deadline.
    function settleLate() internal {
        vm.warp(SETTLED_AT);
        vm.prank(stranger);
        escrow.settle();
    }

    /// @dev When tranche `number`, counted from 1, falls due for a rescue with the default terms that settled at
    /// `settledAt`.
    function trancheAt(uint256 settledAt, uint256 number) internal pure returns (uint256) {
        return settledAt + OBJECTION_PERIOD + (number - 1) * INTERVAL;
    }

    // ---------------------------------------------------------------- looking

    /// @dev The balance of `account` in `asset`, in its own unit.
    function balanceOf(address account, Asset asset) internal view returns (uint256) {
        if (asset == Asset.ETH) return account.balance;
        return asset == Asset.StETH ? stETH.sharesOf(account) : wstETH.balanceOf(account);
    }

    /// @dev The pot of a tier and an asset; all zero if it is empty.
    function potOf(uint8 tier, Asset asset) internal view returns (PotView memory) {
        PotView[] memory pots = escrow.rescue().pots;
        for (uint256 i; i < pots.length; ++i) {
            if (pots[i].tier == tier && pots[i].asset == asset) return pots[i];
        }
        return PotView(tier, asset, units(0), units(0), units(0));
    }

    /// @dev The position of a pledger in a pot; all zero if it has none.
    function positionOf(address pledger, uint8 tier, Asset asset) internal view returns (PositionView memory) {
        PositionView[] memory list = escrow.positions(pledger);
        for (uint256 i; i < list.length; ++i) {
            if (list[i].tier == tier && list[i].asset == asset) return list[i];
        }
        return PositionView(tier, asset, units(0), units(0), units(0), Wei.wrap(0), false);
    }

    /// @dev How often a position was taken out of the open rescue.
    function departuresOf(address pledger, uint8 tier, Asset asset) internal view returns (uint24 departures) {
        (,,, departures) = escrow.position(pledger, tier, asset);
    }

    // ---------------------------------------------------------------- expecting an event

    /// @dev Expects that the next call owes `pledger` what it could not pay.
    function expectOwed(address pledger, Asset asset, uint256 amount) internal {
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Owed(pledger, asset, units(amount));
    }

    // ---------------------------------------------------------------- expecting a refusal

    function expectWrongStatus(Status status) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.WrongStatus.selector, status));
    }

    function expectPledgingClosed(Status status, uint256 deadline) internal {
        uint256 time = vm.getBlockTimestamp();
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.PledgingClosed.selector, status, deadline, time));
    }

    function expectNotGuardian(address caller) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.NotGuardian.selector, caller, guardian));
    }

    function expectUnknownTier(uint8 tier) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.UnknownTier.selector, tier, 3));
    }

    function expectInvalidAccount(address account) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.InvalidAccount.selector, account));
    }

    function expectAmendmentDiffers(uint256 named, uint256 latest) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.AmendmentDiffers.selector, named, latest));
    }

    function expectNothingOwed(address pledger, Asset asset) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.NothingOwed.selector, pledger, asset));
    }

    function expectNothingToReturn(address pledger, uint8 tier, Asset asset) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.NothingToReturn.selector, pledger, tier, asset));
    }

    function expectNothingDue(Asset asset, uint256 due, uint256 delivered) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.NothingDue.selector, asset, due, delivered));
    }

    function expectNothingToStop() internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.NothingToStop.selector, TRANCHES, TRANCHES));
    }

    function expectTooEarly(uint256 limit) internal {
        uint256 time = vm.getBlockTimestamp();
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.TooEarly.selector, limit, time));
    }

    function expectPaymentFailed(address recipient, Asset asset, uint256 amount) internal {
        vm.expectRevert(abi.encodeWithSelector(IPledgeEscrow.PaymentFailed.selector, recipient, asset, units(amount)));
    }

    // ---------------------------------------------------------------- asserting

    function assertStatus(Status expected) internal view {
        assertEq(uint256(escrow.status()), uint256(expected), "status");
    }

    /// @dev The reason, wherever it can be read.
    function assertEndReason(EndReason expected) internal view {
        assertEq(uint256(escrow.rescue().endReason), uint256(expected), "rescue.endReason");
        assertEq(uint256(escrow.record().endReason), uint256(expected), "record.endReason");
    }

    function assertOwed(address pledger, Asset asset, uint256 amount) internal view {
        assertEq(escrow.owed(pledger)[uint256(asset)], amount, "owed");
    }

    function assertPot(uint8 tier, Asset asset, uint256 total, uint256 drawn, uint256 delivered) internal view {
        PotView memory pot = potOf(tier, asset);
        assertEq(pot.total, total, "pot.total");
        assertEq(pot.drawn, drawn, "pot.drawn");
        assertEq(pot.delivered, delivered, "pot.delivered");
    }

    function assertPosition(
        address pledger,
        uint8 tier,
        Asset asset,
        uint256 amount,
        uint256 refunded,
        uint256 refundable
    ) internal view {
        PositionView memory position = positionOf(pledger, tier, asset);
        assertEq(position.amount, amount, "position.amount");
        assertEq(position.refunded, refunded, "position.refunded");
        assertEq(position.refundable, refundable, "position.refundable");
    }

    /// @dev Every field of two pages of one rescue.
    function assertSame(RescueView memory a, RescueView memory b) internal pure {
        assertEq(keccak256(abi.encode(a)), keccak256(abi.encode(b)), "rescue views differ");
    }

    function assertSame(PositionView[] memory a, PositionView[] memory b) internal pure {
        assertEq(keccak256(abi.encode(a)), keccak256(abi.encode(b)), "position views differ");
    }

    function assertEq(Wei actual, uint256 expected) internal pure {
        assertEq(Wei.unwrap(actual), expected);
    }

    function assertEq(Wei actual, uint256 expected, string memory what) internal pure {
        assertEq(Wei.unwrap(actual), expected, what);
    }

    function assertEq(Units actual, uint256 expected) internal pure {
        assertEq(uint256(Units.unwrap(actual)), expected);
    }

    function assertEq(Units actual, uint256 expected, string memory what) internal pure {
        assertEq(uint256(Units.unwrap(actual)), expected, what);
    }

    function assertEq(Rate actual, uint256 expected) internal pure {
        assertEq(uint256(Rate.unwrap(actual)), expected);
    }

    function assertEq(Rate actual, uint256 expected, string memory what) internal pure {
        assertEq(uint256(Rate.unwrap(actual)), expected, what);
    }
}

/// @dev An amount as booked; panics if it is too large.
function units(uint256 amount) pure returns (Units) {
    assert(amount <= type(uint104).max);
    return Units.wrap(uint104(amount));
}
