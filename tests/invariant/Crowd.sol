// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { StdCheats } from "forge-std/StdCheats.sol";

import { IPledgeEscrow, PositionView, RescueView, Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset, Shares, Units, Wei, WstETHUnits } from "levee/types/Units.sol";

import { Clock } from "./Clock.sol";
import { Lido } from "./Lido.sol";
import { Store } from "./Store.sol";

/// @notice Two rescues with the current pots: in one, each pot belongs to one pledger, in the other to a crowd. Both
/// have the same life, and the gas of each call is measured.
contract Crowd is Clock, StdCheats {
    uint256 private constant CROWD = 8;
    /// @dev A smaller pot belongs to one pledger in both: without the others' wei it would no longer be the same.
    uint256 private constant LARGE = 1 ether;
    address private constant PLEDGER = address(0xA11CE);
    address private constant BENEFICIARY = address(0xBE4E);

    Store private immutable STORE;
    Lido private immutable LIDO;
    IPledgeEscrow private escrow;
    /// @dev By call, in the order of `_live`: the gas it took, or 0 if it was not made.
    uint256[] private measured;

    constructor(Store store) payable {
        STORE = store;
        LIDO = store.lido();
    }

    /// @notice The calls whose cost differs with a crowd.
    function differences() external returns (uint256 count) {
        // Known to the tokens and to the chain, and accessed in this transaction, before the first life.
        _give(PLEDGER);
        _give(BENEFICIARY);
        uint256 start = vm.getBlockTimestamp();
        uint256[] memory few = _live(1);
        vm.warp(start);
        uint256[] memory many = _live(CROWD);
        for (uint256 i; i < few.length; ++i) {
            // A refund of zero is not made: a part of a pot may be worth nothing where the whole is not.
            if (few[i] != 0 && many[i] != 0 && few[i] != many[i]) ++count;
        }
    }

    function _give(address account) private {
        vm.deal(account, account.balance + 1);
        LIDO.stETH().transferShares(account, 1);
        LIDO.wstETH().transfer(account, 1);
    }

    /// @dev Pledge, settle, refund, release, cancel, refund; with `count` pledgers to a pot.
    function _live(uint256 count) private returns (uint256[] memory) {
        delete measured;
        Terms memory terms = STORE.terms();
        terms.target = Wei.wrap(STORE.inForce().target);
        terms.deadline = uint40(vm.getBlockTimestamp() + 1);
        terms.latestDeadline = terms.deadline;
        terms.beneficiary = BENEFICIARY;
        if (terms.guardian != address(0)) terms.guardian = address(this);
        escrow = IPledgeEscrow(deployCode("PledgeEscrow.sol:PledgeEscrow", abi.encode(terms)));
        _pledgeAll(count);
        escrow.pledgeETH{ value: 1 }(PLEDGER, 0, 0);
        _measure();

        reach(terms.deadline + 1);
        escrow.settle();
        _measure();
        _refundAll();
        if (escrow.status() != Status.Settled) return measured;
        reach(vm.getBlockTimestamp() + terms.objectionPeriod);
        _releaseAll();
        RescueView memory page = escrow.rescue();
        if (page.status != Status.Settled || page.due == terms.tranches || terms.guardian == address(0)) {
            return measured;
        }
        escrow.cancel();
        _measure();
        _refundAll();
        return measured;
    }

    function _measure() private {
        measured.push(vm.lastCallGas().gasTotalUsed);
    }

    function _pledgeAll(uint256 count) private {
        LIDO.stETH().approve(address(escrow), type(uint256).max);
        LIDO.wstETH().approve(address(escrow), type(uint256).max);
        for (uint256 id; id < STORE.pots(); ++id) {
            uint256 left = STORE.total(id);
            for (uint256 i = 1; i < count && left >= LARGE; ++i) {
                _pledge(address(uint160(0xC0DE + i)), id, 1);
                --left;
            }
            _pledge(PLEDGER, id, left);
        }
    }

    function _pledge(address pledger, uint256 id, uint256 amount) private {
        if (amount == 0) return;
        uint8 tier = uint8(id / ASSETS);
        Asset asset = Asset(id % ASSETS);
        if (asset == Asset.ETH) escrow.pledgeETH{ value: amount }(pledger, tier, 0);
        else if (asset == Asset.StETH) escrow.pledgeStETH(pledger, tier, 0, Shares.wrap(amount));
        else escrow.pledgeWstETH(pledger, tier, 0, WstETHUnits.wrap(amount));
    }

    function _refundAll() private {
        PositionView[] memory list = escrow.positions(PLEDGER);
        for (uint256 i; i < list.length; ++i) {
            if (Units.unwrap(list[i].refundable) == 0) {
                measured.push(0);
            } else {
                escrow.refund(PLEDGER, list[i].tier, list[i].asset);
                _measure();
            }
        }
    }

    function _releaseAll() private {
        RescueView memory page = escrow.rescue();
        for (uint256 asset; asset < ASSETS; ++asset) {
            if (page.kept[asset] == 0 || page.due == 0) continue;
            escrow.release(Asset(asset));
            _measure();
        }
    }
}
