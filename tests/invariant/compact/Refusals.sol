// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { ICompact } from "levee/interfaces/ICompact.sol";
import { IPledgeEscrow, PledgingView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Units, Wei } from "levee/types/Units.sol";

import { Ledger } from "./Ledger.sol";

/// @notice Which call the rules refuse at this moment, and with which error; empty if they do not.
abstract contract CompactRefusals is Ledger {
    /// @dev A proposal.
    /// @custom:member codeHash That of the code that is stored as data.
    /// @custom:member place Where the escrow follows from code and terms.
    struct Offer {
        address caller;
        address who;
        uint256 rescue;
        uint8 tier;
        uint16 bps;
        bytes32 codeHash;
        address place;
    }

    function ofAdmit(address caller, address who) internal view returns (bytes memory) {
        if (caller != admitter) return abi.encodeWithSelector(ICompact.NotAdmitter.selector, caller, admitter);
        if (persons[who].admitted) return abi.encodeWithSelector(ICompact.AlreadyAdmitted.selector, who);
        return "";
    }

    function ofCommit(address who, uint256 amount) internal view returns (bytes memory) {
        if (!persons[who].admitted) return abi.encodeWithSelector(ICompact.NotAdmitted.selector, who);
        if (persons[who].pending + amount == 0) return abi.encodeWithSelector(ICompact.ZeroAmount.selector);
        return "";
    }

    function ofTakeBack(address who, address recipient) internal view returns (bytes memory) {
        if (isInvalid(recipient)) return abi.encodeWithSelector(ICompact.InvalidAccount.selector, recipient);
        if (persons[who].pending == 0) return abi.encodeWithSelector(ICompact.NothingPending.selector, who);
        return "";
    }

    function ofActivate(address who) internal view returns (bytes memory) {
        Person storage person = persons[who];
        if (person.pending == 0) return abi.encodeWithSelector(ICompact.NothingPending.selector, who);
        uint256 readyAt = person.committedAt + SEASONING;
        if (vm.getBlockTimestamp() < readyAt) return atTime(ICompact.StillSeasoning.selector, readyAt);
        if (vm.getBlockTimestamp() > readyAt + LEAVE) {
            return atTime(ICompact.SeasonedTooLong.selector, readyAt + LEAVE);
        }
        return "";
    }

    function ofNotice(address who, uint256 amount) internal view returns (bytes memory) {
        uint256 active = persons[who].active;
        if (amount > active) return abi.encodeWithSelector(ICompact.NoticeTooLarge.selector, amount, active);
        return "";
    }

    function ofLeave(address who, address recipient) internal view returns (bytes memory) {
        if (isInvalid(recipient)) return abi.encodeWithSelector(ICompact.InvalidAccount.selector, recipient);
        if (persons[who].noticed == 0) return abi.encodeWithSelector(ICompact.NothingNoticed.selector, who);
        uint256 readyAt = persons[who].noticedAt + NOTICE;
        if (vm.getBlockTimestamp() < readyAt) return atTime(ICompact.NoticeRunning.selector, readyAt);
        if (vm.getBlockTimestamp() > readyAt + LEAVE) return atTime(ICompact.NoticeLapsed.selector, readyAt + LEAVE);
        return "";
    }

    // ---------------------------------------------------------------- calls

    function ofPropose(Offer memory offer) internal view returns (bytes memory refusal) {
        address who = offer.who;
        if (!speaksFor(offer.caller, who)) {
            return abi.encodeWithSelector(ICompact.NotApprover.selector, offer.caller, who);
        }
        (uint256 active, uint256 noticed) = formerly(who);
        if (active == noticed) return noWeight(who, vm.getBlockTimestamp() - 1);
        if (offer.bps == 0 || offer.bps > HALF) {
            return abi.encodeWithSelector(ICompact.BpsOutOfBounds.selector, offer.bps, HALF);
        }
        bytes32 expected = compactTerms().escrowCodeHash;
        if (offer.codeHash != expected) {
            return abi.encodeWithSelector(ICompact.WrongEscrowCode.selector, offer.codeHash, expected);
        }
        if (offer.place.code.length == 0) return abi.encodeWithSelector(ICompact.NoEscrow.selector, offer.place);
        refusal = ofTerms(termsOf(offer.rescue), offer.tier);
        return refusal.length == 0 ? ofRescue(rescues[offer.rescue].escrow, offer.bps) : refusal;
    }

    /// @dev The policy of `compactTerms`, on what no amendment changes.
    function ofTerms(Terms memory terms, uint8 tier) private view returns (bytes memory) {
        if (terms.wstETH != address(wstETH)) {
            return abi.encodeWithSelector(ICompact.OtherToken.selector, terms.wstETH, wstETH);
        }
        if (terms.guardian != address(0) && terms.guardian != guardian) {
            return abi.encodeWithSelector(ICompact.ForeignGuardian.selector, terms.guardian, guardian);
        }
        if (terms.vetoBps == 0 || terms.vetoBps > VETO_BPS) {
            return abi.encodeWithSelector(ICompact.VetoOutsidePolicy.selector, terms.vetoBps, VETO_BPS);
        }
        if (terms.objectionPeriod < 1 days) {
            return abi.encodeWithSelector(ICompact.ObjectionPeriodBelowPolicy.selector, terms.objectionPeriod, 1 days);
        }
        if (terms.exitWindow < 1 days) {
            return abi.encodeWithSelector(ICompact.ExitWindowBelowPolicy.selector, terms.exitWindow, 1 days);
        }
        uint256 calendar = terms.objectionPeriod + uint256(terms.tranches - 1) * terms.trancheInterval;
        uint256 until = terms.latestDeadline + calendar + 2 * uint256(terms.releaseWindow);
        uint256 limit = vm.getBlockTimestamp() + MAX_LOCK;
        if (until > limit) return abi.encodeWithSelector(ICompact.LockTooLong.selector, until, limit);
        if (tier >= terms.tiers.length) {
            return abi.encodeWithSelector(ICompact.UnknownTier.selector, tier, terms.tiers.length);
        }
        uint256 thresholdBps = terms.tiers[tier].thresholdBps;
        if (thresholdBps < 5000) {
            return abi.encodeWithSelector(ICompact.ThresholdBelowPolicy.selector, thresholdBps, 5000);
        }
        return "";
    }

    /// @dev The rescue as it stands: this asks the escrow, whose books are not in question here.
    function ofRescue(IPledgeEscrow rescue, uint16 bps) private view returns (bytes memory) {
        PledgingView memory found = rescue.pledging();
        uint256 time = vm.getBlockTimestamp();
        if (found.status != Status.Open || time > found.deadline) {
            return abi.encodeWithSelector(ICompact.NotPledging.selector, found.status, found.deadline, time);
        }
        bool pending = time < found.amendment.effectiveAt;
        uint256 deadline = pending ? found.amendment.deadline : found.deadline;
        uint256 required = time + VOTING + FULFILL;
        if (deadline < required) {
            return abi.encodeWithSelector(ICompact.DeadlineTooEarly.selector, deadline, required);
        }
        uint256 target = Wei.unwrap(found.target);
        if (pending && Wei.unwrap(found.amendment.target) < target) target = Wei.unwrap(found.amendment.target);
        uint256 coverage = coverageOf(rescue);
        uint256 missing = coverage < target ? target - coverage : 0;
        uint256 value = formerlyActive() * bps / 10_000 * RATE / 1e27;
        if (missing < value) return abi.encodeWithSelector(ICompact.CallTooLarge.selector, value, missing);
        return "";
    }

    /// @dev At the rate of these tests, which does not change.
    function coverageOf(IPledgeEscrow rescue) private view returns (uint256) {
        (Units[] memory totals,) = rescue.pots();
        uint256 ethers;
        uint256 shares;
        for (uint256 i; i < totals.length; ++i) {
            if (i % 3 == 0) ethers += Units.unwrap(totals[i]);
            else shares += Units.unwrap(totals[i]);
        }
        return ethers + shares * RATE / 1e27;
    }

    function ofApprove(address caller, uint256 ask, address who) internal view returns (bytes memory refusal) {
        if (!speaksFor(caller, who)) return abi.encodeWithSelector(ICompact.NotApprover.selector, caller, who);
        refusal = ofVoting(ask);
        if (refusal.length != 0) return refusal;
        if (approves[ask][who]) return abi.encodeWithSelector(ICompact.AlreadyApproved.selector, ask, who);
        return weightThen[ask][who] == 0 ? noWeight(who, asks[ask].proposedAt - 1) : bytes("");
    }

    function ofWithdraw(uint256 ask, address who) internal view returns (bytes memory refusal) {
        refusal = ofVoting(ask);
        if (refusal.length != 0 || approves[ask][who]) return refusal;
        return abi.encodeWithSelector(ICompact.NotApproved.selector, ask, who);
    }

    function ofVoting(uint256 ask) private view returns (bytes memory) {
        if (ask >= asks.length) return abi.encodeWithSelector(ICompact.UnknownCall.selector, ask, asks.length);
        if (asks[ask].passedAt != 0) return abi.encodeWithSelector(ICompact.CallHasPassed.selector, ask);
        uint256 limit = asks[ask].proposedAt + VOTING;
        return vm.getBlockTimestamp() > limit ? atTime(ICompact.VotingOver.selector, limit) : bytes("");
    }

    /// @param asked What those on the list would give.
    function ofFulfill(uint256 ask, uint256 asked) internal view returns (bytes memory) {
        if (ask >= asks.length) return abi.encodeWithSelector(ICompact.UnknownCall.selector, ask, asks.length);
        Ask storage call = asks[ask];
        if (call.passedAt == 0) {
            return abi.encodeWithSelector(ICompact.CallNotPassed.selector, ask, call.approvals, requiredOf(ask));
        }
        uint256 limit = call.passedAt + FULFILL;
        if (vm.getBlockTimestamp() > limit) return atTime(ICompact.FulfillmentOver.selector, limit);
        if (lastStart != 0 && lastAsk != ask && vm.getBlockTimestamp() <= lastStart + SPACING) {
            return atTime(ICompact.CallTooSoon.selector, lastStart + SPACING);
        }
        if (asked == 0) return abi.encodeWithSelector(ICompact.NothingToGive.selector, ask);
        PledgingView memory found = rescues[call.rescue].escrow.pledging();
        if (found.status != Status.Open || vm.getBlockTimestamp() > found.deadline) {
            return abi.encodeWithSelector(
                IPledgeEscrow.PledgingClosed.selector, found.status, found.deadline, vm.getBlockTimestamp()
            );
        }
        uint256 latest = rescues[call.rescue].amendment;
        if (latest == call.amendment) return "";
        return abi.encodeWithSelector(IPledgeEscrow.AmendmentDiffers.selector, call.amendment, latest);
    }

    // ---------------------------------------------------------------- premiums

    function ofPremium(uint256 amount) internal view returns (bytes memory) {
        if (amount == 0) return abi.encodeWithSelector(ICompact.ZeroAmount.selector);
        (, uint256 weight) = sums();
        return weight == 0 ? abi.encodeWithSelector(ICompact.NobodyEarns.selector) : bytes("");
    }

    // ---------------------------------------------------------------- small things

    function speaksFor(address caller, address who) private view returns (bool) {
        return caller == who || caller == persons[who].approver;
    }

    function isInvalid(address account) private view returns (bool) {
        return account == address(0) || account == address(compact) || account == address(wstETH);
    }

    function noWeight(address who, uint256 time) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ICompact.NoWeight.selector, who, time);
    }

    function atTime(bytes4 selector, uint256 limit) private view returns (bytes memory) {
        return abi.encodeWithSelector(selector, limit, vm.getBlockTimestamp());
    }
}
