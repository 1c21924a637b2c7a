// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, PositionView, RescueView, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset, Shares, Wei, WstETHUnits } from "levee/types/Units.sol";

import { BaseHandler } from "./BaseHandler.sol";

/// @notice What pledgers do, for themselves and for each other.
contract PledgerHandler is BaseHandler {
    /// @dev Where pledgers let refunds and exits go that are not to go to themselves.
    address private immutable VAULT;

    constructor(address vault) {
        VAULT = vault;
    }

    function pledgeETH(uint256 who, uint256 payer, uint256 tier, uint256 amount) external {
        _pledge(pledgerOf(payer), pledgerOf(who), tier, Asset.ETH, amount);
    }

    function pledgeStETH(uint256 who, uint256 payer, uint256 tier, uint256 amount) external {
        _pledge(pledgerOf(payer), pledgerOf(who), tier, Asset.StETH, amount);
    }

    function pledgeWstETH(uint256 who, uint256 payer, uint256 tier, uint256 amount) external {
        _pledge(pledgerOf(payer), pledgerOf(who), tier, Asset.WstETH, amount);
    }

    /// @dev One pledge in four is dust.
    function _pledge(address payer, address pledger, uint256 tierSeed, Asset asset, uint256 amount) private booked {
        if (asset != Asset.ETH && !store.acceptsShares()) return;
        uint8 tier = uint8(tierSeed % (store.pots() / ASSETS));
        amount = spread(amount, 1, amount % 4 == 0 ? 9 : 100 ether);
        bool refused = _expectClosed() || expectStuck(asset);
        vm.prank(payer);
        if (asset == Asset.ETH) escrow.pledgeETH{ value: amount }(pledger, tier);
        else if (asset == Asset.StETH) escrow.pledgeStETH(pledger, tier, Shares.wrap(amount));
        else escrow.pledgeWstETH(pledger, tier, WstETHUnits.wrap(amount));
        if (!refused) store.notePledge(payer, pledger, uint256(tier) * ASSETS + uint256(asset), amount);
    }

    function _expectClosed() private returns (bool closed) {
        if (store.pledging()) return false;
        uint256 deadline = store.inForce().deadline;
        expectRefusal(
            abi.encodeWithSelector(
                IPledgeEscrow.PledgingClosed.selector, store.status(), deadline, vm.getBlockTimestamp()
            )
        );
        return true;
    }

    function exit(uint256 seed, uint256 place) external booked {
        (bool found, address pledger, uint256 id) = findAmount(seed);
        if (store.pendingUntil() == 0 || !found) return;
        address recipient = once(place, 2) ? VAULT : pledger;
        store.alert(pledger, id);
        bool stuck = expectStuck(Asset(id % ASSETS));
        vm.prank(pledger);
        escrow.exit(uint8(id / ASSETS), Asset(id % ASSETS), recipient);
        if (!stuck) store.noteTaken(pledger, id, recipient);
    }

    function refund(uint256 seed) external booked {
        (address pledger, uint256 id, uint256 amount) = _findOwed(seed);
        if (amount == 0) return;
        store.alert(pledger, id);
        bool stuck = expectStuck(Asset(id % ASSETS));
        escrow.refund(pledger, uint8(id / ASSETS), Asset(id % ASSETS));
        if (!stuck) store.noteRefund(pledger, id, pledger, amount);
    }

    function refundTo(uint256 seed) external booked {
        (address pledger, uint256 id, uint256 amount) = _findOwed(seed);
        if (amount == 0) return;
        bool stuck = expectStuck(Asset(id % ASSETS));
        vm.prank(pledger);
        escrow.refundTo(uint8(id / ASSETS), Asset(id % ASSETS), VAULT);
        if (!stuck) store.noteRefund(pledger, id, VAULT, amount);
    }

    /// @dev The first position from a place that `seed` gives that is owed something, and how much.
    function _findOwed(uint256 seed) private view returns (address pledger, uint256 id, uint256 amount) {
        RescueView memory page = escrow.rescue();
        if (page.status == Status.Open) return (pledger, id, 0);
        uint256 pots = store.pots();
        uint256 places = store.pledgers().length * pots;
        for (uint256 i; i < places; ++i) {
            uint256 place = addmod(seed, i, places);
            (pledger, id) = (pledgerOf(place / pots), place % pots);
            amount = store.entitled(page, pledger, id) - store.refunded(pledger, id);
            if (amount != 0) return (pledger, id, amount);
        }
    }

    function object(uint256 seed) external booked {
        RescueView memory page = escrow.rescue();
        if (page.status != Status.Settled || page.due == page.terms.tranches || page.terms.vetoBps == 0) return;
        (bool found, address pledger, uint256 id) = _findWeight(seed);
        if (!found) return;
        vm.prank(pledger);
        escrow.object(uint8(id / ASSETS), Asset(id % ASSETS));
    }

    /// @dev The first position, by pledger from one that `seed` gives, that has a weight and has not objected.
    function _findWeight(uint256 seed) private view returns (bool found, address pledger, uint256 id) {
        for (uint256 i; i < store.pledgers().length; ++i) {
            pledger = pledgerOf(seed % 1000 + i);
            PositionView[] memory list = escrow.positions(pledger);
            for (uint256 j; j < list.length; ++j) {
                if (Wei.unwrap(list[j].weight) == 0 || list[j].objected) continue;
                return (true, pledger, list[j].tier * ASSETS + uint256(list[j].asset));
            }
        }
    }
}
