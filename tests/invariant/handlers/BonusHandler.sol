// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { BonusFor, IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { BaseHandler } from "./BaseHandler.sol";

/// @notice Who sponsors a bonus, and who gets it. A pledger may sponsor too.
contract BonusHandler is BaseHandler {
    address private immutable DONOR;

    constructor(address donor) {
        DONOR = donor;
    }

    function addBonus(uint256 who, uint256 amount) external booked {
        if (!store.pledging()) return;
        address sponsor = _sponsorOf(who);
        amount = spread(amount, 1, amount % 4 == 0 ? 9 : 5 ether);
        vm.prank(DONOR);
        bonus.add{ value: amount }(sponsor);
        store.sponsors().noteAdded(sponsor, amount);
        store.noteMove(DONOR, address(bonus), amount);
    }

    /// @dev The donor itself, or a pledger.
    function _sponsorOf(uint256 who) private view returns (address) {
        return once(who, 2) ? DONOR : pledgerOf(who);
    }

    /// @dev Now and then it comes when the deadline of a rescue that meets no threshold has passed.
    function claimBonus(uint256 seed) external booked {
        if (store.pledging() && store.highestMet() == 0 && once(seed, 6)) {
            reach(store.lastDeadline() + 1);
            lido.mend();
        }
        if (_undecidable()) return;
        if (!store.sponsors().isForPledgers()) return _claimOfSponsors(pledgerOf(seed));
        (bool found, address pledger, uint256 id) = _findShare(seed);
        if (!found) return;
        uint256 share = store.sponsors().shareNow(pledger, id);
        store.alert(pledger, id);
        bonus.claim(pledger, uint8(id / ASSETS), Asset(id % ASSETS));
        store.sponsors().noteClaim(pledger, id);
        store.noteMove(address(bonus), pledger, share);
    }

    function _claimOfSponsors(address pledger) private {
        expectRefusal(abi.encodeWithSelector(IBonusPool.WrongOutcome.selector, BonusFor.Sponsors));
        bonus.claim(pledger, 0, Asset.ETH);
    }

    /// @dev The first position from a place that `seed` gives that has a share and has not had it.
    function _findShare(uint256 seed) private view returns (bool found, address pledger, uint256 id) {
        uint256 pots = store.pots();
        uint256 places = store.pledgers().length * pots;
        for (uint256 i; i < places; ++i) {
            uint256 place = addmod(seed, i, places);
            (pledger, id) = (pledgerOf(place / pots), place % pots);
            if (store.amounts(pledger, id) == 0 || store.sponsors().claimed(pledger, id)) continue;
            if (store.sponsors().shareNow(pledger, id) != 0) return (true, pledger, id);
        }
    }

    /// @dev Before the end, or while the end waits for the rate, or the bonus does.
    function _undecidable() private view returns (bool) {
        bool unsettled = store.late() && store.holdsShares() && lido.rate() == 0;
        return store.pledging() || unsettled || store.sponsors().mustWait();
    }

    function takeBackBonus(uint256 who) external booked {
        if (_undecidable()) return;
        address sponsor = _sponsorOf(who);
        uint256 amount = store.sponsors().added(sponsor);
        bool wrong = store.sponsors().isForPledgers();
        if (wrong) expectRefusal(abi.encodeWithSelector(IBonusPool.WrongOutcome.selector, BonusFor.Pledgers));
        else if (amount == 0) expectRefusal(abi.encodeWithSelector(IBonusPool.NothingToTakeBack.selector, sponsor));
        bonus.takeBack(sponsor);
        if (wrong || amount == 0) return;
        store.sponsors().noteTakenBack(sponsor);
        store.noteMove(address(bonus), sponsor, amount);
    }
}
