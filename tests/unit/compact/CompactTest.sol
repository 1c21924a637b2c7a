// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CallView, CompactTerms, ICompact, MemberView } from "levee/interfaces/ICompact.sol";
import { IPledgeEscrow, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Units, WstETHUnits } from "levee/types/Units.sol";

import { EscrowTest } from "../../util/EscrowTest.sol";

/// @notice What the tests of the compact share.
/// @dev Alice has 600 wstETH active, bob 300, carol 100, from ACTIVE_AT on. Together they are worth 1,200 ETH, of which
/// a call may take half. Alice and carol together are exactly the quorum of 70 %. The rescue of the default terms
/// misses 1,000 ETH.
abstract contract CompactTest is EscrowTest {
    uint32 internal constant VOTING = 3 days;
    uint32 internal constant FULFILL = 4 days;
    uint32 internal constant NOTICE = 10 days;
    uint32 internal constant LEAVE = 2 days;
    uint32 internal constant SEASONING = 14 days;
    uint32 internal constant MAX_LOCK = 200 days;
    uint16 internal constant QUORUM = 7000;
    uint16 internal constant HALF = 5000;
    /// @dev Between the first fulfillments of two calls.
    uint256 internal constant SPACING = FULFILL + NOTICE + LEAVE;
    /// @dev When the three members are activated, and from when on they can propose.
    uint256 internal constant ACTIVE_AT = START + SEASONING;
    uint256 internal constant PROPOSED_AT = ACTIVE_AT + 1;

    /// @dev The salt of escrows, as published.
    bytes32 internal constant SALT = keccak256("levee.PledgeEscrow.v1");
    uint256 private constant CHUNK = 24_575;

    address internal immutable admitter = makeAddr("admitter");
    address internal immutable dave = makeAddr("dave");

    ICompact internal compact;
    address[] internal chunks;
    bytes private creationCode;

    function setUp() public virtual override {
        vm.warp(START);
        deployLido();
        creationCode = vm.getCode("PledgeEscrow.sol:PledgeEscrow");
        store(creationCode);
        escrow = create(defaultTerms());
        compact = deployCompact(compactTerms());
        join(alice, 600 ether);
        join(bob, 300 ether);
        join(carol, 100 ether);
        vm.warp(ACTIVE_AT);
        activate(alice);
        activate(bob);
        activate(carol);
        vm.warp(PROPOSED_AT);
    }

    // ---------------------------------------------------------------- deploying

    function deployCompact(CompactTerms memory terms) internal returns (ICompact) {
        return ICompact(deployCode("Compact.sol:Compact", abi.encode(terms)));
    }

    function compactTerms() internal view returns (CompactTerms memory terms) {
        terms.wstETH = address(wstETH);
        terms.escrowCodeHash = keccak256(creationCode);
        terms.admitter = admitter;
        terms.guardian = guardian;
        terms.termsHash = TERMS_HASH;
        terms.quorumBps = QUORUM;
        terms.maxCallBps = HALF;
        terms.votingPeriod = VOTING;
        terms.fulfillPeriod = FULFILL;
        terms.noticePeriod = NOTICE;
        terms.leaveWindow = LEAVE;
        terms.seasoning = SEASONING;
        terms.minThresholdBps = 5000;
        terms.minRateBps = 0;
        terms.minObjectionPeriod = 1 days;
        terms.minExitWindow = 1 days;
        terms.maxVetoBps = VETO_BPS;
        terms.maxLock = MAX_LOCK;
    }

    /// @dev Creates an escrow where its code and terms say.
    function create(Terms memory terms) internal returns (IPledgeEscrow) {
        bytes memory initCode = bytes.concat(creationCode, abi.encode(terms));
        (bool success, bytes memory place) = CREATE2_FACTORY.call(bytes.concat(SALT, initCode));
        assertTrue(success, "created");
        return IPledgeEscrow(address(bytes20(place)));
    }

    /// @dev Stores code as data: as much in each contract as one may have, behind a byte that stops.
    function store(bytes memory code) internal {
        delete chunks;
        for (uint256 from; from < code.length; from += CHUNK) {
            uint256 size = code.length - from < CHUNK ? code.length - from : CHUNK;
            bytes memory part = new bytes(size);
            for (uint256 i; i < size; ++i) {
                part[i] = code[from + i];
            }
            address chunk = vm.randomAddress();
            vm.etch(chunk, bytes.concat(hex"00", part));
            chunks.push(chunk);
        }
    }

    // ---------------------------------------------------------------- members

    function admit(address account) internal {
        vm.prank(admitter);
        compact.admit(account);
    }

    /// @dev Admits an account, and commits exactly what it is given.
    function join(address account, uint256 amount) internal {
        admit(account);
        commit(account, amount);
    }

    function commit(address account, uint256 amount) internal {
        fund(account, Asset.WstETH, amount);
        allow(account);
        commitFrom(account, amount);
    }

    function allow(address account) internal {
        vm.prank(account);
        wstETH.approve(address(compact), type(uint256).max);
    }

    /// @dev Only the call.
    function commitFrom(address account, uint256 amount) internal {
        vm.prank(account);
        compact.commit(WstETHUnits.wrap(amount));
    }

    function takeBack(address account, address recipient) internal {
        vm.prank(account);
        compact.takeBackTo(recipient);
    }

    function activate(address account) internal {
        vm.prank(stranger);
        compact.activate(account);
    }

    function notice(address account, uint256 amount) internal {
        vm.prank(account);
        compact.notice(WstETHUnits.wrap(amount));
    }

    function leaveTo(address account, address recipient) internal {
        vm.prank(account);
        compact.leaveTo(recipient);
    }

    function nameApprover(address account, address approver) internal {
        vm.prank(account);
        compact.nameApprover(approver);
    }

    /// @dev `payer` pays a premium of exactly what it is given.
    function payPremium(address payer, uint256 amount) internal {
        fund(payer, Asset.WstETH, amount);
        allow(payer);
        payPremiumFrom(payer, amount);
    }

    /// @dev Only the call.
    function payPremiumFrom(address payer, uint256 amount) internal {
        vm.prank(payer);
        compact.payPremium(WstETHUnits.wrap(amount));
    }

    function claim(address account) internal {
        vm.prank(stranger);
        compact.claim(account);
    }

    // ---------------------------------------------------------------- calls

    /// @dev Alice proposes that the loan of the default rescue gets half of everything.
    function proposeHalf() internal returns (uint256) {
        return propose(alice, defaultTerms(), LOAN, HALF);
    }

    function propose(address account, Terms memory terms, uint8 tier, uint16 bps) internal returns (uint256) {
        return proposeBy(account, account, terms, tier, bps);
    }

    function proposeBy(address caller, address account, Terms memory terms, uint8 tier, uint16 bps)
        internal
        returns (uint256)
    {
        address[] memory code = chunks;
        vm.prank(caller);
        return compact.propose(account, terms, code, tier, bps);
    }

    function approveCall(address account, uint256 call) internal {
        vm.prank(account);
        compact.approve(call, account);
    }

    function withdraw(address account, uint256 call) internal {
        vm.prank(account);
        compact.withdraw(call);
    }

    /// @dev The call passes with alice and carol.
    function pass(uint256 call) internal {
        approveCall(alice, call);
        approveCall(carol, call);
    }

    function fulfill(uint256 call, address account) internal {
        address[] memory list = new address[](1);
        list[0] = account;
        fulfill(call, list);
    }

    function fulfill(uint256 call, address[] memory list) internal {
        vm.prank(stranger);
        compact.fulfill(call, list);
    }

    function everyone() internal view returns (address[] memory list) {
        list = new address[](3);
        (list[0], list[1], list[2]) = (alice, bob, carol);
    }

    /// @dev Another rescue, with its own document, that takes pledges for a year.
    function anotherTerms(bytes32 termsHash) internal view returns (Terms memory terms) {
        terms = defaultTerms();
        terms.deadline = uint40(vm.getBlockTimestamp() + 30 days);
        terms.latestDeadline = terms.deadline;
        terms.termsHash = termsHash;
    }

    // ---------------------------------------------------------------- asserting

    function assertMember(address account, uint256 pending, uint256 active, uint256 noticed) internal view {
        MemberView memory found = compact.memberOf(account);
        assertEq(found.pending, pending, "pending");
        assertEq(found.active, active, "active");
        assertEq(found.noticed, noticed, "noticed");
        assertEq(found.committedAt != 0, pending != 0, "committedAt");
        assertEq(found.noticedAt != 0, noticed != 0, "noticedAt");
    }

    function assertAll(uint256 active, uint256 weight) internal view {
        (Units activeNow, Units weightNow,) = compact.all();
        assertEq(activeNow, active, "all active");
        assertEq(weightNow, weight, "all weight");
    }

    function assertEarned(address account, uint256 earned) internal view {
        assertEq(compact.memberOf(account).earned, earned, "earned");
    }

    function assertCall(uint256 call, uint256 approvals, uint256 passedAt) internal view {
        CallView memory found = compact.callAt(call);
        assertEq(found.approvals, approvals, "approvals");
        assertEq(found.passedAt, passedAt, "passedAt");
    }

    function assertVote(uint256 call, address account, bool approved, bool given) internal view {
        (bool approves, bool gave) = compact.voteOf(call, account);
        assertEq(approves, approved, "approved");
        assertEq(gave, given, "given");
    }

    function assertHeld(uint256 amount) internal view {
        assertEq(wstETH.balanceOf(address(compact)), amount, "held");
    }

    // ---------------------------------------------------------------- expecting a refusal

    /// @dev Expects an error with two values, the second of which is the time.
    function expectTime(bytes4 selector, uint256 limit) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, limit, vm.getBlockTimestamp()));
    }

    function expectAccount(bytes4 selector, address account) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, account));
    }

    function expectValues(bytes4 selector, uint256 a, uint256 b) internal {
        vm.expectRevert(abi.encodeWithSelector(selector, a, b));
    }

    function expectNoWeight(address account, uint256 time) internal {
        vm.expectRevert(abi.encodeWithSelector(ICompact.NoWeight.selector, account, time));
    }

    function expectNotApprover(address caller, address account) internal {
        vm.expectRevert(abi.encodeWithSelector(ICompact.NotApprover.selector, caller, account));
    }
}
