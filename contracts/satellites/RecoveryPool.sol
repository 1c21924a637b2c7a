// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { SafeTransferLib } from "solady/utils/SafeTransferLib.sol";

import { IPledgeEscrow, RecordView, Terms, Tier } from "../interfaces/IPledgeEscrow.sol";
import { GroupView, IRecoveryPool } from "../interfaces/IRecoveryPool.sol";
import { ProRata } from "../libraries/ProRata.sol";
import { Holding, Settlement } from "../libraries/Settlement.sol";
import { Debt } from "../libraries/Waterfall.sol";
import { potId } from "../types/Pots.sol";
import { PackedTiers, TIERS_PER_WORD, packTiers, unpackTier } from "../types/Tiers.sol";
import { ASSETS, AmountTooLarge, Asset, Rate, Units, Wei } from "../types/Units.sol";

/// @title Recovery pool of one rescue
/// @dev The reference is IRecoveryPool. Waterfall decides who is repaid first within a group, and ProRata how much.
///
/// The first deposit reads the escrow, which no longer changes once it is final. After that, the pool reads only the
/// amount of a claimed position. No function loops over pledgers. Books are written and events emitted before any
/// payment, which comes last, so no lock is needed.
contract RecoveryPool is IRecoveryPool {
    using ProRata for Wei;
    using ProRata for Units;

    /// @dev What every call reads, in one slot.
    /// @custom:member orders The draw orders in descending order, 8 bits each, starting at the lowest bits.
    /// @custom:member orderCount Number of draw orders, 1 to 8.
    /// @custom:member accruedAt When interest was last added. It and the next three members are 0 until the first
    /// deposit.
    /// @custom:member rate The settlement rate.
    /// @custom:member activeTiers Number of tiers, counted from the first, that settlement made active.
    /// @custom:member lastOrder The lowest draw order that takes part, which takes the rest.
    struct Ledger {
        uint64 orders;
        uint8 orderCount;
        uint40 accruedAt;
        Rate rate;
        uint8 activeTiers;
        uint8 lastOrder;
    }

    /// @dev One draw order's part, in two slots: what a claim reads, and what is owed before the next group. `tiers`
    /// has one bit per tier. `tiers` and the rate are set from the start, so that the first deposit finds the first
    /// slot in use and, for loans, the second.
    struct Group {
        uint112 value;
        uint96 received;
        uint8 tiers;
        uint96 principal;
        uint128 interest;
        uint16 rateBps;
    }

    IPledgeEscrow private immutable ESCROW;
    uint256 private immutable TRANCHES;
    PackedTiers private immutable TIERS_LOW;
    PackedTiers private immutable TIERS_HIGH;

    Ledger private _ledger;
    mapping(uint256 drawOrder => Group) private _groups;
    mapping(address pledger => mapping(uint256 potId => Wei)) private _claimed;

    /// @param escrow_ The escrow to serve, which must be Levee's, in any status.
    constructor(address escrow_) {
        ESCROW = IPledgeEscrow(escrow_);
        Terms memory terms = ESCROW.originalTerms();
        TRANCHES = terms.tranches;
        Tier[] memory tiers = terms.tiers;
        TIERS_LOW = packTiers(tiers, 0);
        TIERS_HIGH = packTiers(tiers, TIERS_PER_WORD);
        for (uint256 i; i < tiers.length; ++i) {
            Group storage group = _groups[tiers[i].drawOrder];
            // One bit for each of at most eight tiers.
            // forge-lint: disable-next-line(unsafe-typecast)
            group.tiers |= uint8(2 ** i);
            group.rateBps = tiers[i].rateBps;
        }
        (_ledger.orders, _ledger.orderCount) = _fallingOrders(tiers);
        emit RecoveryPoolCreated(escrow_);
    }

    // ------------------------------------------------------------------------------------------------ calls

    /// @inheritdoc IRecoveryPool
    function recover() external payable {
        _recover();
    }

    /// @dev A deposit, like `recover`: those who return coins may know nothing of this contract.
    receive() external payable {
        _recover();
    }

    /// @inheritdoc IRecoveryPool
    function claim(address pledger, uint8 tier, Asset asset) external {
        _claim(pledger, tier, asset, pledger);
    }

    /// @inheritdoc IRecoveryPool
    function claimTo(uint8 tier, Asset asset, address recipient) external {
        _claim(msg.sender, tier, asset, recipient);
    }

    // ------------------------------------------------------------------------------------------------ views

    /// @inheritdoc IRecoveryPool
    function escrow() external view returns (address) {
        return address(ESCROW);
    }

    /// @inheritdoc IRecoveryPool
    function recovery() external view returns (uint40 accruedAt, Rate rate, GroupView[] memory groups) {
        Ledger memory ledger = _ledger;
        groups = new GroupView[](ledger.orderCount);
        for (uint256 i; i < groups.length; ++i) {
            uint8 order = _orderAt(ledger, i);
            Group memory group = _groups[order];
            Debt memory debt = _debtNow(ledger, group);
            groups[i] = GroupView({
                drawOrder: order,
                rateBps: group.rateBps,
                value: Wei.wrap(group.value),
                principal: debt.principal,
                interest: debt.interest,
                received: Wei.wrap(group.received)
            });
        }
        return (ledger.accruedAt, ledger.rate, groups);
    }

    /// @inheritdoc IRecoveryPool
    function earnings(address pledger, uint8 tier, Asset asset) external view returns (Wei earned, Wei claimed) {
        Units amount = _amountOf(pledger, tier, asset);
        Ledger memory ledger = _ledger;
        if (tier < ledger.activeTiers) earned = _earned(ledger, _groupOf(tier), asset, amount);
        claimed = _claimed[pledger][potId(tier, asset)];
    }

    // ------------------------------------------------------------------------------------------------ depositing

    /// @dev Distributes what was sent with the call.
    function _recover() private {
        Ledger memory ledger = _ledger;
        if (ledger.accruedAt == 0) _open(ledger);
        else _requireValue();

        emit Recovered(msg.sender, Wei.wrap(msg.value), _now());
        Wei left = Wei.wrap(msg.value);
        for (uint256 i; i < ledger.orderCount; ++i) {
            uint8 order = _orderAt(ledger, i);
            // What a group receives is part of what is left.
            left = left - _receive(ledger, order, left);
        }
        ledger.accruedAt = _now();
        _ledger = ledger;
    }

    /// @dev Gives a group what it may take of `amount`. After the last group, nothing is left.
    function _receive(Ledger memory ledger, uint8 order, Wei amount) private returns (Wei taken) {
        Group memory group = _groups[order];
        // Nothing was paid out of this group.
        if (group.value == 0) return taken;
        Wei interest;
        Wei principal;
        if (order != ledger.lastOrder) (interest, principal) = _repay(group, _debtNow(ledger, group), amount);
        // The lowest group has no debt here, and takes everything that is left.
        taken = order == ledger.lastOrder ? amount : interest + principal;
        // Interest and principal are parts of what is taken.
        if (Wei.unwrap(taken) != 0) emit Repaid(order, interest, principal, taken - interest - principal);
        group.received = _plus(group.received, taken);
        _groups[order] = group;
    }

    /// @dev Pays as much of a group's debt as `amount` allows, in memory.
    function _repay(Group memory group, Debt memory debt, Wei amount)
        private
        pure
        returns (Wei interest, Wei principal)
    {
        (debt, interest, principal) = debt.repaid(amount);
        // At most the earlier principal, which has 96 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        group.principal = uint96(Wei.unwrap(debt.principal));
        // All interest ever, over 2^40 seconds, is below 2^114: see ProRata.
        // forge-lint: disable-next-line(unsafe-typecast)
        group.interest = uint128(Wei.unwrap(debt.interest));
    }

    /// @dev Reads the final escrow, once: the groups that take part, and the principal of all but the lowest, which
    /// needs none. The caller stores `ledger`.
    function _open(Ledger memory ledger) private {
        RecordView memory record = _requireFinal();
        _requireValue();
        ledger.accruedAt = record.finalAt;
        ledger.rate = record.rate;
        ledger.activeTiers = record.activeTiers;
        (Units[] memory totals, Units[] memory draws) = ESCROW.pots();
        bool found;
        for (uint256 i = ledger.orderCount; i > 0; --i) {
            uint8 order = _orderAt(ledger, i - 1);
            Group storage group = _groups[order];
            (Wei value, Wei paid) = _valuesOf(record, totals, draws, group.tiers);
            if (Wei.unwrap(paid) == 0) continue;
            // Casts: the value of all pots is below 2^112 (see ProRata), and what was paid is at most the target, 2^96
            // - 1.
            // forge-lint: disable-next-line(unsafe-typecast)
            group.value = uint112(Wei.unwrap(value));
            // forge-lint: disable-next-line(unsafe-typecast)
            if (found) group.principal = uint96(Wei.unwrap(paid));
            else (found, ledger.lastOrder) = (true, order);
        }
        if (!found) revert NothingDelivered();
    }

    /// @dev Values of the active tiers among these, at the settlement rate: of all pledges, and of what was delivered.
    function _valuesOf(RecordView memory record, Units[] memory totals, Units[] memory draws, uint8 tiers)
        private
        view
        returns (Wei value, Wei paid)
    {
        Holding memory pledged;
        Holding memory delivered;
        for (uint256 id; id < record.activeTiers * ASSETS; ++id) {
            if ((tiers >> (id / ASSETS)) & 1 == 0) continue;
            Asset asset = Asset(id % ASSETS);
            pledged = pledged.plus(Settlement.holdingOf(asset, totals[id]));
            Units units = draws[id].tranchesDown(record.delivered[uint256(asset)], TRANCHES);
            delivered = delivered.plus(Settlement.holdingOf(asset, units));
        }
        return (pledged.valueDown(record.rate), delivered.valueDown(record.rate));
    }

    /// @dev What a group is owed now: nothing before the first deposit, and no interest if there is no principal.
    function _debtNow(Ledger memory ledger, Group memory group) private view returns (Debt memory) {
        // No deposit was later than now.
        uint256 elapsed = block.timestamp - ledger.accruedAt;
        return Debt(Wei.wrap(group.principal), Wei.wrap(group.interest)).accrued(group.rateBps, elapsed);
    }

    /// @dev Requires that the rescue is released, or cancelled and delivered: the escrow pays the beneficiary no more.
    function _requireFinal() private view returns (RecordView memory record) {
        record = ESCROW.record();
        if (record.finalAt == 0) revert NotFinal(record.status);
    }

    function _requireValue() private view {
        if (msg.value == 0) revert ZeroAmount();
    }

    // ------------------------------------------------------------------------------------------------ claiming

    /// @dev Pays a position what it has earned and not yet received.
    function _claim(address pledger, uint8 tier, Asset asset, address recipient) private {
        // Value sent to the zero address would be lost. Value sent back to this pool, even by a position in the pool's
        // own name, would be a deposit that nobody made.
        if (recipient == address(0) || recipient == address(this)) revert InvalidAccount(recipient);
        Units pledged = _amountOf(pledger, tier, asset);
        Ledger memory ledger = _ledger;
        if (ledger.accruedAt == 0) _refuseUnopened(pledger, tier, asset);
        Group storage group = _groupOf(tier);
        if (tier >= ledger.activeTiers || group.value == 0) revert NotDrawn(tier);
        uint256 id = potId(tier, asset);
        Wei earned = _earned(ledger, group, asset, pledged);
        // Earnings never fall, and what was claimed is an earlier value of them.
        Wei amount = earned - _claimed[pledger][id];
        if (Wei.unwrap(amount) == 0) revert NothingToClaim(pledger, tier, asset);

        _claimed[pledger][id] = earned;
        emit Claimed(pledger, tier, asset, recipient, amount);
        // The only way out. A recipient that fails affects only its own payment; its return data is not copied.
        bool paid = SafeTransferLib.trySafeTransferETH(recipient, Wei.unwrap(amount), gasleft());
        if (!paid) revert PaymentFailed(recipient, amount);
    }

    /// @dev What a position of an active tier has earned in total: floor(received * its value / V).
    function _earned(Ledger memory ledger, Group storage group, Asset asset, Units amount) private view returns (Wei) {
        if (group.value == 0) return Wei.wrap(0);
        return amount.valueDown(asset, ledger.rate).shareDown(Wei.wrap(group.received), Wei.wrap(group.value));
    }

    /// @dev Reverts with the reason why nothing can be claimed before the first deposit.
    function _refuseUnopened(address pledger, uint8 tier, Asset asset) private view {
        _requireFinal();
        revert NothingToClaim(pledger, tier, asset);
    }

    /// @dev The amount pledged in a position; the escrow refuses an unknown tier.
    function _amountOf(address pledger, uint8 tier, Asset asset) private view returns (Units amount) {
        (amount,,,) = ESCROW.position(pledger, tier, asset);
    }

    function _groupOf(uint8 tier) private view returns (Group storage) {
        return _groups[unpackTier(TIERS_LOW, TIERS_HIGH, tier).drawOrder];
    }

    // ------------------------------------------------------------------------------------------------ small things

    /// @dev The distinct draw orders, the highest in the lowest bits.
    function _fallingOrders(Tier[] memory tiers) private pure returns (uint64 orders, uint8 count) {
        uint256 limit = type(uint256).max;
        while (true) {
            bool found;
            uint256 highest;
            for (uint256 i; i < tiers.length; ++i) {
                uint256 order = tiers[i].drawOrder;
                if (order < limit && (!found || order > highest)) (found, highest) = (true, order);
            }
            if (!found) return (orders, count);
            // An order has 8 bits, in one of eight places.
            // forge-lint: disable-next-line(unsafe-typecast)
            orders |= uint64(highest << (8 * count));
            ++count;
            limit = highest;
        }
    }

    /// @dev Draw order number `i` in descending order.
    function _orderAt(Ledger memory ledger, uint256 i) private pure returns (uint8) {
        // The cast extracts it.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint8(ledger.orders >> (8 * i));
    }

    /// @dev What a group has received, plus `amount`. There is not that much ether; it is checked all the same.
    function _plus(uint96 received, Wei amount) private pure returns (uint96) {
        // `received` is less than 2^96.
        uint256 room = type(uint96).max - received;
        if (Wei.unwrap(amount) > room) revert AmountTooLarge(Wei.unwrap(amount), room);
        // Bounded by the line above.
        // forge-lint: disable-next-line(unsafe-typecast)
        return received + uint96(Wei.unwrap(amount));
    }

    /// @dev 40 bits of seconds last for 34,000 years.
    function _now() private view returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint40(block.timestamp);
    }
}
