// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { BonusBooks } from "../BonusBooks.sol";
import { PledgeCalls } from "./PledgeCalls.sol";

/// @notice Those who sponsor a bonus, and those who get it. A pledger may also sponsor.
contract BonusHandler is PledgeCalls {
    address private immutable DONOR;
    /// @dev The alternative recipient of pledgers and sponsors, and the caller on their behalf.
    address private immutable VAULT;

    constructor(address donor, address vault) {
        (DONOR, VAULT) = (donor, vault);
    }

    function addBonus(uint256 who, uint256 amountSeed) external acting {
        address sponsor = orInvalid(_sponsorOf(who), amountSeed);
        _add(sponsor, once(amountSeed, 23) ? 0 : spread(amountSeed, 1, amountSeed % 4 == 0 ? 9 : 5 ether));
    }

    function _add(address sponsor, uint256 amount) private {
        bytes memory refusal = refusals.ofAdd(sponsor, amount);
        if (!attempt(DONOR, address(bonus), amount, abi.encodeCall(IBonusPool.add, (sponsor)), refusal)) return;
        store.sponsors().noteAdded(sponsor, amount);
        store.noteMove(DONOR, address(bonus), amount);
    }

    /// @dev The donor itself, or a pledger.
    function _sponsorOf(uint256 who) private view returns (address) {
        return once(who, 2) ? DONOR : pledgerOf(who);
    }

    /// @dev Called by anyone, mostly for a position with something to enlist or strike.
    function enlist(uint256 seed, uint256 wrong) external acting {
        (address pledger, uint256 id) = once(wrong, 6) ? store.findAny(seed) : store.sponsors().findUnlisted(seed);
        enlistBy(VAULT, pledger, orUnknown(id / ASSETS, wrong), assetOf(id));
    }

    /// @dev Called by anyone for the pledger.
    function claimBonus(uint256 seed, uint256 wrong) external acting {
        (address pledger, uint256 id) = _comeForShare(seed);
        uint8 tier = orUnknown(id / ASSETS, wrong);
        _claim(
            VAULT, abi.encodeCall(IBonusPool.claim, (pledger, tier, assetOf(id))), pledger, tier, assetOf(id), pledger
        );
    }

    function claimBonusTo(uint256 seed, uint256 wrong) external acting {
        (address pledger, uint256 id) = _comeForShare(seed);
        uint8 tier = orUnknown(id / ASSETS, wrong);
        address recipient = orInvalid(VAULT, wrong);
        bytes memory call = abi.encodeCall(IBonusPool.claimTo, (tier, assetOf(id), recipient));
        _claim(pledger, call, pledger, tier, assetOf(id), recipient);
    }

    function _claim(address caller, bytes memory call, address pledger, uint8 tier, Asset asset, address recipient)
        private
    {
        bytes memory refusal = refusals.ofBonusClaim(pledger, tier, asset, recipient);
        uint256 id = potOf(tier, asset);
        uint256 share = refusal.length == 0 ? store.sponsors().shareNow(pledger, id) : 0;
        store.alert(pledger, id);
        if (!attempt(caller, address(bonus), call, refusal)) return;
        store.noteDecision(false);
        store.sponsors().noteClaim(pledger, id);
        store.noteMove(address(bonus), recipient, share);
    }

    /// @dev Mostly a position with a share. Sometimes it waits until the bonus of a rescue that does not meet all its
    /// thresholds can be decided; if there is no bonus, someone adds one in time.
    function _comeForShare(uint256 seed) private returns (address pledger, uint256 id) {
        if (store.pledging() && store.highestMet() != 10_000 && once(seed, store.highestMet() == 0 ? 6 : 2)) {
            if (store.sponsors().total() == 0) _add(DONOR, spread(seed, 1, 5 ether));
            reach(store.lastDeadline() + 1);
        }
        if (store.late()) lido.mend();
        if (!store.pledging() && !once(seed, 3)) reach(store.lastDeadline() + store.exitWindow() + 1);
        return _findShare(seed);
    }

    /// @dev The first position, starting at a place chosen by `seed`, with an unpaid share, or that place.
    function _findShare(uint256 seed) private view returns (address pledger, uint256 id) {
        if (once(seed, 9) || store.pledging()) return store.findAny(seed);
        BonusBooks.Decision memory made = store.sponsors().decision();
        uint256 places = store.pledgers().length * store.pots();
        for (uint256 i; i < places; ++i) {
            (pledger, id) = store.findAny(addmod(seed, i, places));
            if (store.amounts(pledger, id) == 0 || store.sponsors().claimed(pledger, id)) continue;
            if (store.sponsors().isOutdated(pledger, id)) continue;
            if (store.sponsors().shareBy(made, pledger, id) != 0) return (pledger, id);
        }
        return store.findAny(seed);
    }

    /// @dev Called by the sponsor or by anyone for it. In an exit window, someone may first add something, and its
    /// second half may begin.
    function takeBackBonus(uint256 who, uint256 by) external acting {
        address sponsor = _sponsorOf(who);
        uint256 until = store.pendingUntil();
        if (until != 0 && store.sponsors().added(sponsor) == 0) _add(sponsor, spread(by, 1, 5 ether));
        if (until != 0 && once(by, 2)) reach(until - spread(by, 1, store.exitWindow() / 2));
        bytes memory call = abi.encodeCall(IBonusPool.takeBack, (sponsor));
        takeBackBy(once(by, 3) ? VAULT : sponsor, call, sponsor, sponsor);
    }

    function takeBackBonusTo(uint256 who, uint256 wrong) external acting {
        address sponsor = _sponsorOf(who);
        address recipient = orInvalid(VAULT, wrong);
        takeBackBy(sponsor, abi.encodeCall(IBonusPool.takeBackTo, (recipient)), sponsor, recipient);
    }
}
