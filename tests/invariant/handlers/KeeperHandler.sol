// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, RescueView, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset, Units, Wei } from "levee/types/Units.sol";

import { BaseHandler } from "./BaseHandler.sol";

/// @notice What anyone may do to move a rescue along.
contract KeeperHandler is BaseHandler {
    address private immutable KEEPER;

    constructor(address keeper) {
        KEEPER = keeper;
    }

    /// @dev Now and then it comes when the deadline has passed and the rate can be read.
    function settle(uint256 seed) external booked {
        if (store.status() == Status.Open && once(seed, store.highestMet() == 0 ? 32 : 3)) {
            reach(store.lastDeadline() + 1);
            lido.mend();
        }
        uint256 target = store.inForce().target;
        if (store.status() != Status.Open) {
            _expectWrongStatus();
        } else if (store.holdsShares() && lido.rate() == 0) {
            expectRefusal(abi.encodeWithSelector(IPledgeEscrow.RateUnreadable.selector));
        } else if (!store.late() && store.coverage(10_000) < target) {
            expectRefusal(abi.encodeWithSelector(IPledgeEscrow.CoverageTooLow.selector, store.coverage(10_000), target));
        }
        vm.prank(KEEPER);
        escrow.settle();
    }

    /// @dev Mostly it waits for some tranche, and finds the beneficiary in a good mood.
    function release(uint256 seed) external booked {
        if (store.status() == Status.Settled && !once(seed, 3)) {
            uint256 tranches = store.terms().tranches;
            if (store.due() < tranches) reach(store.trancheAt(spread(seed, store.due() + 1, tranches)));
            store.beneficiary().setRefuses(false);
        }
        RescueView memory page = escrow.rescue();
        if (page.status != Status.Settled && page.status != Status.Cancelled) return;
        (uint256 asset, uint256 upTo) = _findDue(page, seed);
        if (upTo <= page.delivered[asset]) return;
        uint256 amount = store.tranchesOf(page, asset, page.delivered[asset], upTo);
        bool stuck = expectStuck(Asset(asset)) || _expectRefusal(Asset(asset), amount);
        vm.prank(KEEPER);
        escrow.release(Asset(asset));
        if (!stuck) store.noteRelease(asset, amount);
    }

    /// @dev The first asset from one that `seed` gives of which something is due, and how far.
    function _findDue(RescueView memory page, uint256 seed) private view returns (uint256 asset, uint256 upTo) {
        for (uint256 i; i < ASSETS; ++i) {
            asset = addmod(seed, i, ASSETS);
            upTo = page.due < page.kept[asset] ? page.due : page.kept[asset];
            if (upTo > page.delivered[asset]) return (asset, upTo);
        }
    }

    function _expectRefusal(Asset asset, uint256 amount) private returns (bool refused) {
        if (asset != Asset.ETH || !store.beneficiary().refuses()) return false;
        expectRefusal(
            abi.encodeWithSelector(
                IPledgeEscrow.PaymentFailed.selector, address(store.beneficiary()), asset, Units.wrap(uint104(amount))
            )
        );
        return true;
    }

    function _expectWrongStatus() private {
        expectRefusal(abi.encodeWithSelector(IPledgeEscrow.WrongStatus.selector, store.status()));
    }

    /// @dev Now and then it waits for its time.
    function lapse(uint256 seed) external booked {
        if (store.late()) return;
        uint256 since = store.status() == Status.Settled ? store.trancheAt(store.terms().tranches) : books.cancelledAt();
        uint256 limit = since + store.terms().releaseWindow;
        bool lapsable = books.settlements() != 0 && books.finalAt() == 0;
        if (lapsable && once(seed, 2)) reach(limit + 1);
        if (!lapsable) _expectWrongStatus();
        else if (vm.getBlockTimestamp() <= limit) _expectTooEarly(limit);
        vm.prank(KEEPER);
        escrow.lapse();
    }

    function _expectTooEarly(uint256 limit) private {
        expectRefusal(abi.encodeWithSelector(IPledgeEscrow.TooEarly.selector, limit, vm.getBlockTimestamp()));
    }

    /// @dev Now and then it waits for its time, and the rate cannot be read.
    function expire(uint256 seed) external booked {
        if (store.status() == Status.Open && store.holdsShares() && once(seed, 6)) {
            reach(store.lastDeadline() + store.terms().releaseWindow + 1);
            lido.setDead(true);
        }
        uint256 limit = store.inForce().deadline + store.terms().releaseWindow;
        if (store.status() != Status.Open) _expectWrongStatus();
        else if (vm.getBlockTimestamp() <= limit) _expectTooEarly(limit);
        else if (!store.holdsShares()) _expectReadable(0);
        else if (lido.rate() != 0) _expectReadable(lido.rate());
        vm.prank(KEEPER);
        escrow.expire();
    }

    function _expectReadable(uint256 rate) private {
        expectRefusal(abi.encodeWithSelector(IPledgeEscrow.RateReadable.selector, rate));
    }
}
