// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { IPledgeEscrow } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset, Shares, WstETHUnits } from "levee/types/Units.sol";

import { BaseHandler } from "./BaseHandler.sol";

/// @notice The calls that a pledger makes, each with its expected result; a pledger with a plan makes several.
abstract contract PledgeCalls is BaseHandler {
    function potOf(uint8 tier, Asset asset) internal pure returns (uint256) {
        return uint256(tier) * ASSETS + uint256(asset);
    }

    function pledgeNaming(uint40 named, address payer, address pledger, uint8 tier, Asset asset, uint256 amount)
        internal
        returns (bool pledged)
    {
        bytes memory call = abi.encodeCall(IPledgeEscrow.pledgeETH, (pledger, tier, named));
        if (asset == Asset.StETH) {
            call = abi.encodeCall(IPledgeEscrow.pledgeStETH, (pledger, tier, named, Shares.wrap(amount)));
        } else if (asset == Asset.WstETH) {
            call = abi.encodeCall(IPledgeEscrow.pledgeWstETH, (pledger, tier, named, WstETHUnits.wrap(amount)));
        }
        bytes memory refusal = refusals.ofPledge(pledger, tier, named, asset, amount);
        pledged = attempt(payer, address(escrow), asset == Asset.ETH ? amount : 0, call, refusal);
        if (pledged) store.notePledge(payer, pledger, potOf(tier, asset), amount);
    }

    /// @dev Of its own, by the latest amendment.
    function pledgeAs(address pledger, uint8 tier, Asset asset, uint256 amount) internal returns (bool) {
        return pledgeNaming(uint40(store.latest().effectiveAt), pledger, pledger, tier, asset, amount);
    }

    function exitAs(address pledger, uint8 tier, Asset asset, address recipient) internal returns (bool left) {
        bytes memory call = abi.encodeCall(IPledgeEscrow.exit, (tier, asset, recipient));
        bytes memory refusal = refusals.ofExit(pledger, tier, asset, recipient);
        store.alert(pledger, potOf(tier, asset));
        left = attempt(pledger, address(escrow), call, refusal);
        if (left) store.noteTaken(pledger, potOf(tier, asset), recipient);
    }

    function settleAs(address caller) internal {
        bytes memory refusal = refusals.ofSettle();
        if (attempt(caller, address(escrow), abi.encodeCall(IPledgeEscrow.settle, ()), refusal)) store.noteSettled();
    }

    function objectAs(address pledger, uint8 tier, Asset asset) internal returns (bool objected) {
        bytes memory call = abi.encodeCall(IPledgeEscrow.object, (tier, asset));
        bytes memory refusal = refusals.ofObject(pledger, tier, asset);
        objected = attempt(pledger, address(escrow), call, refusal);
        if (objected) store.noteObjection(pledger, potOf(tier, asset));
    }

    function refundAs(address pledger, uint8 tier, Asset asset, address recipient) internal {
        bytes memory call = abi.encodeCall(IPledgeEscrow.refundTo, (tier, asset, recipient));
        refundBy(pledger, call, pledger, tier, asset, recipient);
    }

    /// @dev By a call that is already made up.
    function refundBy(address caller, bytes memory call, address pledger, uint8 tier, Asset asset, address recipient)
        internal
    {
        uint256 id = potOf(tier, asset);
        bytes memory refusal = refusals.ofRefund(pledger, tier, asset, recipient);
        uint256 amount = refusal.length == 0 ? store.refundable(store.found(), pledger, id) : 0;
        store.alert(pledger, id);
        if (!attempt(caller, address(escrow), call, refusal)) return;
        store.noteLateCall();
        store.noteRefund(pledger, id, recipient, amount);
    }

    function enlistBy(address caller, address pledger, uint8 tier, Asset asset) internal {
        bytes memory call = abi.encodeCall(IBonusPool.enlist, (pledger, tier, asset));
        bytes memory refusal = refusals.ofEnlist(pledger, tier, asset);
        if (!attempt(caller, address(bonus), call, refusal)) return;
        store.sponsors().noteEnlisted(pledger, potOf(tier, asset));
    }

    /// @dev By the sponsor itself, to itself.
    function takeBackAs(address sponsor) internal {
        bytes memory call = abi.encodeCall(IBonusPool.takeBack, (sponsor));
        takeBackBy(sponsor, call, sponsor, sponsor);
    }

    /// @dev By a call that is already made up.
    function takeBackBy(address caller, bytes memory call, address sponsor, address recipient) internal {
        bytes memory refusal = refusals.ofTakeBack(caller, sponsor, recipient);
        bool leaves = store.sponsors().mayLeave(caller, sponsor);
        uint256 amount = refusal.length == 0 ? store.sponsors().returnedNow(sponsor, leaves) : 0;
        store.alertOfOwed(sponsor);
        if (!attempt(caller, address(bonus), call, refusal)) return;
        store.noteDecision(leaves);
        store.sponsors().noteTakenBack(sponsor, leaves);
        store.noteMove(address(bonus), recipient, amount);
    }
}
