// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { CommonBase } from "forge-std/Base.sol";
import { StdCheats } from "forge-std/StdCheats.sol";

import { IPledgeEscrow, PositionView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset, Shares, Units, Wei, WstETHUnits } from "levee/types/Units.sol";

import { Lido } from "./Lido.sol";
import { Store } from "./Store.sol";

/// @notice When a rescue is decided by its coverage, the same pledges in another order: last first, each in two halves,
/// in a separate escrow that never saw the exits, declines and amendments.
contract Twin is CommonBase, StdCheats {
    Store private immutable STORE;
    Lido private immutable LIDO;

    /// @notice The twin; zero until the rescue is decided.
    IPledgeEscrow public twin;
    /// @notice Whether, at that moment, some position was owed a different amount.
    bool public refundsDiffer;

    constructor(Store store) payable {
        STORE = store;
        LIDO = store.lido();
    }

    /// @notice Makes the twin, and decides it in the same second and at the same rate.
    function make() external {
        uint256 time = vm.getBlockTimestamp();
        bool stopped = !LIDO.dead() && LIDO.stETH().isStopped();
        if (stopped) LIDO.stETH().resume();
        vm.warp(STORE.createdAt());
        Terms memory terms = STORE.terms();
        terms.target = Wei.wrap(STORE.inForce().target);
        terms.deadline = uint40(STORE.inForce().deadline);
        terms.latestDeadline = terms.deadline;
        twin = IPledgeEscrow(deployCode("PledgeEscrow.sol:PledgeEscrow", abi.encode(terms)));
        _pledgeAll();
        vm.warp(time);
        twin.settle();
        if (stopped) LIDO.stETH().stop();
        _compareRefunds();
    }

    function _pledgeAll() private {
        if (!LIDO.dead()) LIDO.stETH().approve(address(twin), type(uint256).max);
        LIDO.wstETH().approve(address(twin), type(uint256).max);
        address[] memory pledgers = STORE.pledgers();
        for (uint256 id = STORE.pots(); id > 0; --id) {
            for (uint256 i = pledgers.length; i > 0; --i) {
                uint256 amount = STORE.amounts(pledgers[i - 1], id - 1);
                _pledge(pledgers[i - 1], id - 1, amount / 2);
                _pledge(pledgers[i - 1], id - 1, amount - amount / 2);
            }
        }
    }

    function _pledge(address pledger, uint256 id, uint256 amount) private {
        if (amount == 0) return;
        uint8 tier = uint8(id / ASSETS);
        Asset asset = Asset(id % ASSETS);
        if (asset == Asset.ETH) twin.pledgeETH{ value: amount }(pledger, tier, 0);
        else if (asset == Asset.StETH) twin.pledgeStETH(pledger, tier, 0, Shares.wrap(amount));
        else twin.pledgeWstETH(pledger, tier, 0, WstETHUnits.wrap(amount));
    }

    /// @dev Unless the deciding call cancelled at once.
    function _compareRefunds() private {
        if (STORE.status() == Status.Cancelled) return;
        address[] memory pledgers = STORE.pledgers();
        for (uint256 i; i < pledgers.length; ++i) {
            PositionView[] memory ours = STORE.escrow().positions(pledgers[i]);
            PositionView[] memory theirs = twin.positions(pledgers[i]);
            if (ours.length != theirs.length) refundsDiffer = true;
            for (uint256 j; j < ours.length && j < theirs.length; ++j) {
                uint256 owed = Units.unwrap(ours[j].refunded) + Units.unwrap(ours[j].refundable);
                if (owed != Units.unwrap(theirs[j].refundable)) refundsDiffer = true;
            }
        }
    }
}
