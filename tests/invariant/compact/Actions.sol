// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { ICompact } from "levee/interfaces/ICompact.sol";
import { IPledgeEscrow, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Units, Wei, WstETHUnits } from "levee/types/Units.sol";

import { CompactRefusals } from "./Refusals.sol";

/// @notice What members, sybils, newcomers, leavers, spammers, counterfeiters and the people around a rescue do.
/// @dev Every action makes a call, and the outcome of every call is predicted from the ledger alone: where it must be
/// refused, with which error and values. Each takes words of any value.
abstract contract CompactActions is CompactRefusals {
    /// @dev A call ended in another way than the rules say.
    error NotAsTheRulesSay(bytes call, bool wentThrough, bytes answer, bytes expected);

    address private immutable OUTSIDER = makeAddr("outsider");
    address[] private falseChunks;
    bytes32 private falseHash;

    /// @dev What each member gives in the fulfillment at hand.
    mapping(address => uint256) private givenNow;
    /// @dev Gifts that became no pledge of the same amount in the member's own name.
    uint256 internal misplaced;
    /// @dev How often each action was tried, went through, and was refused.
    mapping(bytes4 action => uint256[3]) internal counts;

    modifier acting() {
        ++counts[msg.sig][0];
        _;
    }

    function setUp() public virtual override {
        super.setUp();
        people = [alice, bob, carol, dave, makeAddr("erin"), makeAddr("sybil 1"), makeAddr("sybil 2")];
        for (uint256 i; i < people.length; ++i) {
            allow(people[i]);
        }
        allow(OUTSIDER);
        uint256[3] memory amounts = [uint256(600 ether), 300 ether, 100 ether];
        for (uint256 i; i < 3; ++i) {
            Person storage person = persons[people[i]];
            (person.active, person.changedAt, person.admitted) = (amounts[i], ACTIVE_AT, true);
        }
        held = 1000 ether;
        escrow = IPledgeEscrow(address(0));
        address[] memory genuine = chunks;
        bytes memory other = vm.getCode("RecoveryPool.sol:RecoveryPool");
        falseHash = keccak256(other);
        store(other);
        falseChunks = chunks;
        chunks = genuine;
        open(anotherTerms("first"));
    }

    // ---------------------------------------------------------------- members

    function doAdmit(uint256 seed) external acting {
        address who = anyone(seed);
        address caller = once(seed, 3) ? anyone(spread(seed, 1, 99)) : admitter;
        if (attempt(caller, abi.encodeCall(ICompact.admit, (who)), ofAdmit(caller, who))) persons[who].admitted = true;
    }

    function doCommit(uint256 seed) public acting {
        address who = once(seed, 3) ? anyone(seed) : someone(seed, isAdmitted);
        uint256 amount = once(seed, 5) ? 0 : spread(seed, 1, 300 ether);
        give(who, amount);
        if (!attempt(who, abi.encodeCall(ICompact.commit, (WstETHUnits.wrap(amount))), ofCommit(who, amount))) return;
        Person storage person = persons[who];
        (person.pending, person.committedAt) = (person.pending + amount, vm.getBlockTimestamp());
        (person.wallet, held) = (person.wallet - amount, held + amount);
    }

    function doTakeBack(uint256 seed) external acting {
        address who = once(seed, 3) ? anyone(seed) : someone(seed, hasPending);
        address recipient = recipientOf(who, seed);
        if (!attempt(who, abi.encodeCall(ICompact.takeBackTo, (recipient)), ofTakeBack(who, recipient))) return;
        Person storage person = persons[who];
        persons[recipient].wallet += person.pending;
        held -= person.pending;
        (person.pending, person.committedAt) = (0, 0);
    }

    /// @notice Sooner or later in the window, or a second beside it.
    function doActivate(uint256 seed) external acting {
        address who = once(seed, 3) ? anyone(seed) : someone(seed, hasPending);
        if (!once(seed, 4) && persons[who].pending != 0) goTo(persons[who].committedAt + SEASONING, seed);
        if (!attempt(stranger, abi.encodeCall(ICompact.activate, (who)), ofActivate(who))) return;
        Person storage person = persons[who];
        restand(who, person.active + person.pending, person.noticed);
        (person.pending, person.committedAt) = (0, 0);
    }

    function doNotice(uint256 seed) external acting {
        address who = once(seed, 3) ? anyone(seed) : someone(seed, isActive);
        Person storage person = persons[who];
        uint256 amount = once(seed, 4) ? person.active + spread(seed, 0, 1) : spread(seed, 0, person.active);
        // Who gives notice and stays keeps others from a quorum: most think better of it.
        if (once(seed, 2)) amount = 0;
        if (!attempt(who, abi.encodeCall(ICompact.notice, (WstETHUnits.wrap(amount))), ofNotice(who, amount))) return;
        restand(who, person.active, amount);
        (person.noticedAt, person.takers) = (amount == 0 ? 0 : vm.getBlockTimestamp(), 0);
    }

    function doLeave(uint256 seed) external acting {
        address who = once(seed, 3) ? anyone(seed) : someone(seed, isNoticed);
        address recipient = recipientOf(who, seed);
        if (!once(seed, 4) && persons[who].noticed != 0) goTo(persons[who].noticedAt + NOTICE, seed);
        if (!attempt(who, abi.encodeCall(ICompact.leaveTo, (recipient)), ofLeave(who, recipient))) return;
        Person storage person = persons[who];
        persons[recipient].wallet += person.noticed;
        held -= person.noticed;
        person.leftAt = vm.getBlockTimestamp();
        restand(who, person.active - person.noticed, 0);
        person.noticedAt = 0;
    }

    function doName(uint256 seed) external acting {
        address who = anyone(seed);
        address approver = once(seed, 3) ? address(0) : anyone(spread(seed, 0, 99));
        attempt(who, abi.encodeCall(ICompact.nameApprover, (approver)), "");
        persons[who].approver = approver;
    }

    // ---------------------------------------------------------------- calls

    /// @notice A rescue that is within the policy, or just outside of it.
    function doOpenRescue(uint256 seed) public acting {
        Terms memory terms = anotherTerms(bytes32(rescues.length));
        terms.target = Wei.wrap(spread(seed, 300 ether, 6000 ether));
        terms.deadline = uint40(vm.getBlockTimestamp() + spread(seed, 6 days, 60 days));
        terms.latestDeadline = terms.deadline + uint40(spread(seed, 0, 20 days));
        uint256 kind = spread(seed, 0, 29);
        if (kind == 0) terms.guardian = OUTSIDER;
        if (kind == 1) terms.guardian = address(0);
        if (kind == 2) terms.vetoBps = 0;
        if (kind == 3) terms.vetoBps = VETO_BPS + 1;
        if (kind == 4) terms.objectionPeriod = 1 days - 1;
        if (kind == 5) terms.exitWindow = 1 days - 1;
        if (kind == 6) terms.latestDeadline = terms.deadline + 200 days;
        if (kind == 7) terms.tiers[GRANT].thresholdBps = 4999;
        if (kind == 8) (terms.stETH, terms.wstETH) = (address(0), address(0));
        open(terms);
    }

    function doPropose(uint256 seed) external acting {
        propose(once(seed, 4) ? anyone(seed) : someone(seed, hadWeight), seed);
    }

    /// @notice A whole call: proposed by someone who can, often once the last one is far enough, and approved by several or
    /// all; what is left of it is for the other actions.
    function doCall(uint256 seed) external acting {
        if (lastStart != 0 && once(seed, 2)) goTo(lastStart + SPACING, seed);
        if (once(seed, 2)) doOpenRescue(spread(seed, 0, type(uint128).max));
        if (once(seed, 3)) amend(rescues.length - 1, seed);
        vm.warp(vm.getBlockTimestamp() + 1);
        if (!propose(someone(seed, hadWeight), seed)) return;
        vm.warp(vm.getBlockTimestamp() + spread(seed, 0, once(seed, 8) ? VOTING + 1 : 1 days));
        uint256 count = once(seed, 3) ? spread(seed, 0, 3) : people.length;
        for (uint256 i; i < count; ++i) {
            address who = people[(seed % 7 + i) % people.length];
            bytes memory refusal = ofApprove(who, asks.length - 1, who);
            if (refusal.length == 0 || once(seed ^ i, 4)) approve(who, who, asks.length - 1);
        }
    }

    function doApprove(uint256 seed) external acting {
        address who = once(seed, 3) ? anyone(seed) : someone(seed, mayApprove);
        address caller = once(seed, 3) ? anyone(spread(seed, 0, 99)) : callerFor(who, seed);
        approve(caller, who, askOf(seed));
    }

    function doWithdraw(uint256 seed) external acting {
        uint256 ask = askOf(seed);
        address who = anyone(seed);
        for (uint256 i; i < people.length && once(seed, 2) && ask < asks.length; ++i) {
            if (approves[ask][people[i]]) who = people[i];
        }
        if (!attempt(who, abi.encodeCall(ICompact.withdraw, (ask)), ofWithdraw(ask, who))) return;
        approves[ask][who] = false;
        asks[ask].approvals -= weightThen[ask][who];
    }

    /// @notice For several, in any order, some of them twice.
    function doFulfill(uint256 seed) external acting {
        uint256 ask = once(seed, 4) ? askOf(seed) : passedAsk();
        bool waits = ask < asks.length && asks[ask].passedAt != 0 && lastAsk != ask && lastStart != 0;
        if (waits && once(seed, 2) && lastStart + SPACING <= asks[ask].passedAt + FULFILL) {
            goTo(lastStart + SPACING, seed);
        }
        address[] memory list = new address[](spread(seed, 1, 8));
        for (uint256 i; i < list.length; ++i) {
            list[i] = people[(seed % 7 + i) % people.length];
        }
        uint256 asked;
        for (uint256 i; i < list.length && ask < asks.length; ++i) {
            asked += shareOf(ask, list[i]);
        }
        uint256[] memory before = positionsOf(ask);
        if (!attempt(stranger, abi.encodeCall(ICompact.fulfill, (ask, list)), ofFulfill(ask, asked))) return;
        if (asks[ask].startedAt == 0) {
            (asks[ask].startedAt, lastAsk, lastStart) = (vm.getBlockTimestamp(), ask, vm.getBlockTimestamp());
        }
        for (uint256 i; i < list.length; ++i) {
            take(ask, list[i]);
        }
        comparePositions(ask, before);
    }

    // ---------------------------------------------------------------- premiums

    function doPremium(uint256 seed) external acting {
        uint256 amount = once(seed, 6) ? 0 : spread(seed, 1, once(seed, 2) ? 5 ether : 100);
        give(OUTSIDER, amount);
        WstETHUnits units = WstETHUnits.wrap(amount);
        if (!attempt(OUTSIDER, abi.encodeCall(ICompact.payPremium, (units)), ofPremium(amount))) return;
        (persons[OUTSIDER].wallet, held, paid) = (persons[OUTSIDER].wallet - amount, held + amount, paid + amount);
        (, uint256 weight) = sums();
        for (uint256 i; i < people.length; ++i) {
            persons[people[i]].exact += amount * weightOf(people[i]) * EXACT / weight;
        }
    }

    /// @notice What is claimed is compared by the invariants: here only that it is refused just when there is nothing.
    function doClaim(uint256 seed) external acting {
        address who = anyone(seed);
        uint256 earned = Units.unwrap(compact.memberOf(who).earned);
        bytes memory nothing = abi.encodeWithSelector(ICompact.NothingToClaim.selector, who);
        if (!attempt(stranger, abi.encodeCall(ICompact.claim, (who)), earned == 0 ? nothing : bytes(""))) return;
        Person storage person = persons[who];
        (person.claimed, person.wallet) = (person.claimed + earned, person.wallet + earned);
        (held, claimedInAll) = (held - earned, claimedInAll + earned);
        ++person.accruals;
    }

    // ---------------------------------------------------------------- around

    /// @notice Outsiders pledge, somebody settles, and the guardian amends, declines or ends.
    function doDisturb(uint256 seed) external acting {
        uint256 index = once(seed, 2) ? rescues.length - 1 : spread(seed, 0, rescues.length - 1);
        IPledgeEscrow rescue = rescues[index].escrow;
        uint256 kind = spread(seed, 0, 5);
        if (kind < 2) fill(index, spread(seed, 1, 400 ether));
        if (kind == 2) try rescue.settle() { } catch { }
        if (kind == 3) amend(index, seed);
        if (kind == 4 && once(seed, 2)) asGuardian(rescue, abi.encodeCall(IPledgeEscrow.cancel, ()));
        address who = anyone(seed);
        if (kind == 5) asGuardian(rescue, abi.encodeCall(IPledgeEscrow.decline, (who, GRANT, Asset.WstETH)));
        refund(rescue);
        // Escrows pay too, and their books are not in question here.
        for (uint256 i; i < people.length; ++i) {
            persons[people[i]].wallet = wstETH.balanceOf(people[i]);
        }
        ++counts[msg.sig][1];
    }

    /// @notice A little, or to the next edge of somebody's time, or beside it.
    function doWait(uint256 seed) public acting {
        address who = anyone(seed);
        Person storage person = persons[who];
        uint256 ask = askOf(seed);
        uint256[5] memory edges;
        if (person.pending != 0) edges[0] = person.committedAt + SEASONING;
        if (person.noticed != 0) edges[1] = person.noticedAt + NOTICE;
        if (ask < asks.length) edges[2] = asks[ask].proposedAt + VOTING;
        if (ask < asks.length && asks[ask].passedAt != 0) edges[3] = asks[ask].passedAt + FULFILL;
        if (lastStart != 0) edges[4] = lastStart + SPACING;
        uint256 edge = edges[spread(seed, 0, 4)];
        if (edge == 0 || once(seed, 2)) edge = vm.getBlockTimestamp() + spread(seed, 1, 2 days);
        goTo(edge, seed);
        ++counts[msg.sig][1];
    }

    /// @notice Who borrows for a second: all of it comes in, votes for nothing, and leaves.
    function doFlash(uint256 seed) external acting {
        address who = people[5];
        if (!persons[who].admitted || persons[who].pending != 0) return doWait(seed);
        uint256 amount = 10_000 ether;
        give(who, amount);
        attempt(who, abi.encodeCall(ICompact.commit, (WstETHUnits.wrap(amount))), "");
        persons[who].pending = amount;
        persons[who].committedAt = vm.getBlockTimestamp();
        attempt(who, abi.encodeCall(ICompact.activate, (who)), ofActivate(who));
        uint256 ask = askOf(seed);
        bytes memory refusal = ofApprove(who, ask, who);
        if (refusal.length != 0) attempt(who, abi.encodeCall(ICompact.approve, (ask, who)), refusal);
        attempt(who, abi.encodeCall(ICompact.takeBackTo, (who)), "");
        (persons[who].pending, persons[who].committedAt) = (0, 0);
    }

    // ---------------------------------------------------------------- making calls

    /// @dev Makes a call of the compact, which must end as the rules say.
    function attempt(address caller, bytes memory call, bytes memory refusal) private returns (bool wentThrough) {
        vm.prank(caller);
        bytes memory answer;
        (wentThrough, answer) = address(compact).call(call);
        bool foretold = wentThrough ? refusal.length == 0 : keccak256(answer) == keccak256(refusal);
        if (!foretold) revert NotAsTheRulesSay(call, wentThrough, answer, refusal);
        ++counts[msg.sig][wentThrough ? 1 : 2];
    }

    function propose(address who, uint256 seed) private returns (bool wentThrough) {
        Offer memory offer;
        (offer.caller, offer.who) = (callerFor(who, seed), who);
        offer.rescue = once(seed, 4) ? spread(seed, 0, rescues.length - 1) : rescues.length - 1;
        offer.tier = uint8(spread(seed, 0, once(seed, 7) ? 3 : 2));
        offer.bps = uint16(once(seed, 9) ? spread(seed, 0, 1) * (HALF + 1) : spread(seed, 1, HALF));
        bool isFalse = once(seed, 11);
        offer.codeHash = isFalse ? falseHash : compactTerms().escrowCodeHash;
        Terms memory terms = termsOf(offer.rescue);
        if (once(seed, 13)) terms.termsHash = "missing";
        offer.place = placeOf(terms);
        address[] memory code = isFalse ? falseChunks : chunks;
        bytes memory call = abi.encodeCall(ICompact.propose, (who, terms, code, offer.tier, offer.bps));
        wentThrough = attempt(offer.caller, call, ofPropose(offer));
        if (wentThrough) record(offer.rescue, offer.tier, offer.bps);
    }

    function record(uint256 index, uint8 tier, uint16 bps) private {
        uint256 ask = asks.length;
        asks.push(
            Ask({
                rescue: index,
                tier: tier,
                bps: bps,
                proposedAt: vm.getBlockTimestamp(),
                amendment: rescues[index].amendment,
                active: formerlyActive(),
                approvals: 0,
                passedAt: 0,
                startedAt: 0
            })
        );
        for (uint256 i; i < people.length; ++i) {
            (uint256 active, uint256 noticed) = formerly(people[i]);
            activeThen[ask][people[i]] = active;
            weightThen[ask][people[i]] = active - noticed;
        }
    }

    function approve(address caller, address who, uint256 ask) private {
        if (!attempt(caller, abi.encodeCall(ICompact.approve, (ask, who)), ofApprove(caller, ask, who))) return;
        approves[ask][who] = true;
        asks[ask].approvals += weightThen[ask][who];
        if (asks[ask].approvals >= requiredOf(ask)) asks[ask].passedAt = vm.getBlockTimestamp();
    }

    /// @dev What fulfillment takes from a member, if anything.
    function take(uint256 ask, address who) private {
        uint256 amount = shareOf(ask, who);
        if (amount == 0) return;
        Person storage person = persons[who];
        uint256 active = person.active - amount;
        restand(who, active, person.noticed < active ? person.noticed : active);
        if (person.noticedAt != 0) ++person.takers;
        if (active == 0) person.noticedAt = 0;
        (gave[ask][who], held) = (amount, held - amount);
        givenNow[who] = amount;
    }

    /// @dev What everyone has pledged into the tier of a call.
    function positionsOf(uint256 ask) private view returns (uint256[] memory amounts) {
        amounts = new uint256[](people.length);
        for (uint256 i; i < people.length && ask < asks.length; ++i) {
            IPledgeEscrow rescue = rescues[asks[ask].rescue].escrow;
            (Units amount,,,) = rescue.position(people[i], asks[ask].tier, Asset.WstETH);
            amounts[i] = Units.unwrap(amount);
        }
    }

    /// @dev Every member has pledged just what it gave, and nobody else has.
    function comparePositions(uint256 ask, uint256[] memory before) private {
        uint256[] memory later = positionsOf(ask);
        for (uint256 i; i < people.length; ++i) {
            if (later[i] != before[i] + givenNow[people[i]]) ++misplaced;
            delete givenNow[people[i]];
        }
    }

    // ---------------------------------------------------------------- rescues

    function open(Terms memory terms) private {
        encodedTerms[rescues.length] = abi.encode(terms);
        rescues.push(Rescue(create(terms), 0));
    }

    function placeOf(Terms memory terms) private view returns (address) {
        bytes memory initCode = bytes.concat(vm.getCode("PledgeEscrow.sol:PledgeEscrow"), abi.encode(terms));
        return vm.computeCreate2Address(SALT, keccak256(initCode), CREATE2_FACTORY);
    }

    /// @dev With ETH, while the rescue takes it: members may be left with less to fill.
    function fill(uint256 index, uint256 amount) private {
        vm.deal(OUTSIDER, amount);
        uint64 amendment = uint64(rescues[index].amendment);
        vm.prank(OUTSIDER);
        try rescues[index].escrow.pledgeETH{ value: amount }(OUTSIDER, GRANT, amendment) { } catch { }
    }

    function amend(uint256 index, uint256 seed) private {
        IPledgeEscrow rescue = rescues[index].escrow;
        uint40 deadline = rescue.pledging().deadline + uint40(spread(seed, 0, 5 days));
        Wei target = Wei.wrap(spread(seed, 100 ether, 3000 ether));
        if (!asGuardian(rescue, abi.encodeCall(IPledgeEscrow.amend, (target, deadline, "amended")))) return;
        rescues[index].amendment = vm.getBlockTimestamp() + termsOf(index).exitWindow;
    }

    function asGuardian(IPledgeEscrow rescue, bytes memory call) private returns (bool wentThrough) {
        vm.prank(guardian);
        (wentThrough,) = address(rescue).call(call);
    }

    /// @dev What a rescue gives back reaches the wallets of its members.
    function refund(IPledgeEscrow rescue) private {
        for (uint256 i; i < people.length; ++i) {
            for (uint8 tier; tier < 3; ++tier) {
                try rescue.refund(people[i], tier, Asset.WstETH) { } catch { }
            }
        }
    }

    // ---------------------------------------------------------------- choosing

    function give(address who, uint256 amount) private {
        if (persons[who].wallet >= amount) return;
        uint256 missing = amount - persons[who].wallet;
        fund(who, Asset.WstETH, missing);
        persons[who].wallet += missing;
    }

    /// @dev Goes to an edge of time or a second beside it, or anywhere in the window after it; never back.
    function goTo(uint256 edge, uint256 seed) private {
        uint256 kind = spread(seed, 0, 7);
        uint256 time = edge;
        if (kind == 0) time = edge - 1;
        if (kind == 1) time = edge + LEAVE;
        if (kind == 2) time = edge + LEAVE + 1;
        if (kind == 3) time = edge + 1;
        if (time > vm.getBlockTimestamp()) vm.warp(time);
    }

    /// @dev The latest call the most often, and sometimes one that there is not.
    function askOf(uint256 seed) private view returns (uint256) {
        if (asks.length == 0 || once(seed, 17)) return asks.length;
        return once(seed, 3) ? spread(seed, 0, asks.length - 1) : asks.length - 1;
    }

    /// @dev The latest call that can be fulfilled, if there is one.
    function passedAsk() private view returns (uint256) {
        for (uint256 ask = asks.length; ask > 0; --ask) {
            uint256 passedAt = asks[ask - 1].passedAt;
            if (passedAt != 0 && vm.getBlockTimestamp() <= passedAt + FULFILL) return ask - 1;
        }
        return asks.length;
    }

    function callerFor(address who, uint256 seed) private view returns (address) {
        address approver = persons[who].approver;
        return approver != address(0) && once(seed, 2) ? approver : who;
    }

    function recipientOf(address who, uint256 seed) private view returns (address) {
        if (once(seed, 23)) return once(seed, 2) ? address(compact) : address(wstETH);
        return once(seed, 3) ? anyone(spread(seed, 0, 99)) : who;
    }

    function anyone(uint256 seed) private view returns (address) {
        return people[uint256(keccak256(abi.encode(seed))) % people.length];
    }

    /// @dev Somebody for whom it holds, if there is anyone, else anyone.
    function someone(uint256 seed, function(address) view returns (bool) holds) private view returns (address) {
        uint256 first = uint256(keccak256(abi.encode(seed))) % people.length;
        for (uint256 i; i < people.length; ++i) {
            address who = people[(first + i) % people.length];
            if (holds(who)) return who;
        }
        return people[first];
    }

    function isAdmitted(address who) private view returns (bool) {
        return persons[who].admitted;
    }

    function hasPending(address who) private view returns (bool) {
        return persons[who].pending != 0;
    }

    function isActive(address who) private view returns (bool) {
        return persons[who].active != 0;
    }

    function isNoticed(address who) private view returns (bool) {
        return persons[who].noticed != 0;
    }

    function mayApprove(address who) private view returns (bool) {
        uint256 last = asks.length;
        return last != 0 && weightThen[last - 1][who] != 0 && !approves[last - 1][who];
    }

    function hadWeight(address who) private view returns (bool) {
        (uint256 active, uint256 noticed) = formerly(who);
        return active != noticed;
    }

    /// @dev A number in the range, chosen by `seed`.
    function spread(uint256 seed, uint256 low, uint256 high) private pure returns (uint256) {
        return low + uint256(keccak256(abi.encode(seed, low, high))) % (high - low + 1);
    }

    /// @dev True once in `times` times, by `seed`.
    function once(uint256 seed, uint256 times) private pure returns (bool) {
        return uint256(keccak256(abi.encode(seed, times, "once"))) % times == 0;
    }
}
