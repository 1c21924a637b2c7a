// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, PositionView, RescueView, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset, Units } from "levee/types/Units.sol";

import { Clock } from "./Clock.sol";
import { Lido } from "./Lido.sol";
import { Store } from "./Store.sol";

/// @notice Brings a rescue to its end by time and by calls that anyone can make: without the guardian, the beneficiary,
/// which may keep refusing, or any pledger.
contract Drain is Clock {
    Store private immutable STORE;
    IPledgeEscrow private immutable ESCROW;
    Lido private immutable LIDO;

    constructor(Store store) {
        STORE = store;
        ESCROW = store.escrow();
        LIDO = store.lido();
    }

    /// @notice Decides, delivers or lapses, and refunds everything that can be transferred.
    function run() external {
        _decide();
        RescueView memory page = ESCROW.rescue();
        if (page.status == Status.Settled || page.status == Status.Cancelled) _end(page);
        refundAll();
        collectAll();
    }

    function _decide() private {
        if (STORE.status() != Status.Open) return;
        reach(STORE.lastDeadline() + 1);
        if (!STORE.holdsShares() || LIDO.rate() != 0) return ESCROW.settle();
        reach(STORE.lastDeadline() + STORE.terms().releaseWindow + 1);
        ESCROW.expire();
    }

    /// @dev All tranches fall due; what can be delivered is delivered, and the rest lapses.
    function _end(RescueView memory page) private {
        uint256 lastDue = page.settledAt + page.terms.objectionPeriod + (uint256(page.terms.tranches) - 1)
            * page.terms.trancheInterval;
        reach(lastDue);
        for (uint256 asset; asset < ASSETS; ++asset) {
            bool refused = asset == uint256(Asset.ETH) && STORE.beneficiary().refuses();
            if (page.kept[asset] == page.delivered[asset] || refused || !LIDO.moves(Asset(asset))) continue;
            ESCROW.release(Asset(asset));
        }
        page = ESCROW.rescue();
        if (page.finalAt != 0) return;
        reach((page.cancelledAt == 0 ? lastDue : page.cancelledAt) + page.terms.releaseWindow + 1);
        ESCROW.lapse();
    }

    /// @notice Claims everything that anyone is owed by both pools.
    function claimAll() external {
        address[] memory accounts = STORE.accounts();
        _strikeAll();
        reach(STORE.lastDeadline() + STORE.exitWindow() + 1);
        for (uint256 i; i < accounts.length; ++i) {
            STORE.alertOfOwed(accounts[i]);
            try STORE.bonus().takeBack(accounts[i]) { } catch { }
            PositionView[] memory list = ESCROW.positions(accounts[i]);
            for (uint256 j; j < list.length; ++j) {
                (uint8 tier, Asset asset) = (list[j].tier, list[j].asset);
                STORE.alert(accounts[i], tier * ASSETS + uint256(asset));
                try STORE.bonus().claim(accounts[i], tier, asset) { } catch { }
                try STORE.pool().claim(accounts[i], tier, asset) { } catch { }
            }
        }
    }

    /// @dev Strikes what has left, unless the bonus is decided: where nothing else is enlisted, all is the sponsors' then.
    function _strikeAll() private {
        address[] memory pledgers = STORE.pledgers();
        for (uint256 i; i < pledgers.length; ++i) {
            for (uint256 id; id < STORE.pots(); ++id) {
                if (!STORE.sponsors().isOutdated(pledgers[i], id)) continue;
                try STORE.bonus().enlist(pledgers[i], uint8(id / ASSETS), Asset(id % ASSETS)) { } catch { }
            }
        }
    }

    /// @notice Collects everything that exits and declines left and that can be transferred.
    function collectAll() public {
        address[] memory pledgers = STORE.pledgers();
        for (uint256 i; i < pledgers.length; ++i) {
            Units[3] memory owed = ESCROW.owed(pledgers[i]);
            for (uint256 asset; asset < ASSETS; ++asset) {
                if (Units.unwrap(owed[asset]) == 0 || !LIDO.moves(Asset(asset))) continue;
                STORE.alertOfOwed(pledgers[i]);
                ESCROW.collect(pledgers[i], Asset(asset));
            }
        }
    }

    /// @notice Refunds everything that is owed and can be transferred. What a pledger refuses waits for it.
    function refundAll() public {
        STORE.greedy().setRefuses(false);
        address[] memory pledgers = STORE.pledgers();
        for (uint256 i; i < pledgers.length; ++i) {
            PositionView[] memory list = ESCROW.positions(pledgers[i]);
            for (uint256 j; j < list.length; ++j) {
                if (Units.unwrap(list[j].refundable) == 0 || !LIDO.moves(list[j].asset)) continue;
                STORE.alert(pledgers[i], list[j].tier * ASSETS + uint256(list[j].asset));
                ESCROW.refund(pledgers[i], list[j].tier, list[j].asset);
            }
        }
    }
}
