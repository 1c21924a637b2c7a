// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { BonusFor, IBonusPool } from "../interfaces/IBonusPool.sol";
import { FailReason, IPledgeEscrow, RecordView, Status, Terms } from "../interfaces/IPledgeEscrow.sol";
import { ProRata } from "../libraries/ProRata.sol";
import { Holding, Settlement } from "../libraries/Settlement.sol";
import { ShareRate } from "../libraries/ShareRate.sol";
import { potId } from "../types/Pots.sol";
import { Asset, RATE_UNIT, Rate, Shares, Units, Wei } from "../types/Units.sol";

/// @title Bonus pool of one rescue
/// @dev The manual is IBonusPool. Whose the bonus is is decided once, from what the escrow has stored and not from what
/// its views foresee. No function loops over pledgers or sponsors. Books are written and events emitted before any
/// payment, which is the last thing a call does, so no lock is needed.
contract BonusPool is IBonusPool {
    using ProRata for Wei;
    using ProRata for Units;

    /// @dev What was decided, in one slot. Rate and value are the pledgers' alone.
    struct Decision {
        BonusFor whose;
        Rate rate;
        uint112 value;
    }

    IPledgeEscrow private immutable ESCROW;

    Decision private _decision;
    Wei private _total;
    mapping(address sponsor => Wei) private _added;
    mapping(address pledger => mapping(uint256 potId => bool)) private _claimed;

    /// @param escrow_ The escrow to serve, Levee's.
    constructor(address escrow_) {
        ESCROW = IPledgeEscrow(escrow_);
        emit BonusPoolCreated(escrow_);
    }

    // ------------------------------------------------------------------------------------------------ calls

    /// @inheritdoc IBonusPool
    function add(address sponsor) external payable {
        RecordView memory record = ESCROW.record();
        if (record.status != Status.Open || block.timestamp > record.deadline) {
            revert AddingClosed(record.status, record.deadline, block.timestamp);
        }
        if (msg.value == 0) revert ZeroAmount();
        _requireAccount(sponsor);
        Wei amount = Wei.wrap(msg.value);
        _added[sponsor] = _added[sponsor] + amount;
        _total = _total + amount;
        emit BonusAdded(sponsor, amount);
    }

    /// @inheritdoc IBonusPool
    function claim(address pledger, uint8 tier, Asset asset) external {
        _claim(pledger, tier, asset, pledger);
    }

    /// @inheritdoc IBonusPool
    function claimTo(uint8 tier, Asset asset, address recipient) external {
        _requireAccount(recipient);
        _claim(msg.sender, tier, asset, recipient);
    }

    /// @inheritdoc IBonusPool
    function takeBack(address sponsor) external {
        _takeBack(sponsor, sponsor);
    }

    /// @inheritdoc IBonusPool
    function takeBackTo(address recipient) external {
        _requireAccount(recipient);
        _takeBack(msg.sender, recipient);
    }

    // ------------------------------------------------------------------------------------------------ views

    /// @inheritdoc IBonusPool
    function escrow() external view returns (address) {
        return address(ESCROW);
    }

    /// @inheritdoc IBonusPool
    function bonus() external view returns (BonusFor, Wei, Rate, Wei) {
        return (_decision.whose, _total, _decision.rate, Wei.wrap(_decision.value));
    }

    /// @inheritdoc IBonusPool
    function shareOf(address pledger, uint8 tier, Asset asset) external view returns (Wei share, bool claimed) {
        Decision memory decision = _decision;
        share = decision.whose == BonusFor.Pledgers ? _shareOf(decision, pledger, tier, asset) : Wei.wrap(0);
        claimed = _claimed[pledger][potId(tier, asset)];
    }

    /// @inheritdoc IBonusPool
    function contributionOf(address sponsor) external view returns (Wei) {
        return _added[sponsor];
    }

    // ------------------------------------------------------------------------------------------------ paying out

    /// @dev Pays a position's share.
    function _claim(address pledger, uint8 tier, Asset asset, address recipient) private {
        Decision memory decision = _requireDecided(BonusFor.Pledgers);
        uint256 id = potId(tier, asset);
        Wei share = _shareOf(decision, pledger, tier, asset);
        if (_claimed[pledger][id] || Wei.unwrap(share) == 0) revert NothingToClaim(pledger, tier, asset);
        _claimed[pledger][id] = true;
        emit BonusClaimed(pledger, tier, asset, recipient, share);
        _pay(recipient, share);
    }

    /// @dev floor(total * value of the position / value of all). The escrow's amounts are frozen once it failed.
    function _shareOf(Decision memory decision, address pledger, uint8 tier, Asset asset) private view returns (Wei) {
        (Units amount,,) = ESCROW.position(pledger, tier, asset);
        // No overflow: the value of all pots is below 2^112, and there is less than 2^128 wei of ether.
        return amount.valueDown(asset, decision.rate).shareDown(_total, Wei.wrap(decision.value));
    }

    /// @dev Returns a contribution.
    function _takeBack(address sponsor, address recipient) private {
        if (!_mayLeave(sponsor)) _requireDecided(BonusFor.Sponsors);
        Wei amount = _added[sponsor];
        if (Wei.unwrap(amount) == 0) revert NothingToTakeBack(sponsor);
        _added[sponsor] = Wei.wrap(0);
        // The total is the sum of what was added and not taken back.
        _total = _total - amount;
        emit BonusReturned(sponsor, recipient, amount);
        _pay(recipient, amount);
    }

    /// @dev Whether the caller is the sponsor, and pledgers may exit too: then nothing is decided, since the rescue is open.
    function _mayLeave(address sponsor) private view returns (bool) {
        return msg.sender == sponsor && ESCROW.record().exitUntil != 0;
    }

    /// @dev The one way out. A recipient that fails, fails alone.
    function _pay(address recipient, Wei amount) private {
        (bool paid,) = recipient.call{ value: Wei.unwrap(amount) }("");
        if (!paid) revert PaymentFailed(recipient, amount);
    }

    // ------------------------------------------------------------------------------------------------ deciding

    /// @dev What was decided, or is now.
    function _requireDecided(BonusFor whose) private returns (Decision memory decision) {
        decision = _decision;
        if (decision.whose == BonusFor.Undecided) {
            decision = _decide();
            _decision = decision;
            emit BonusDecided(decision.whose, decision.rate, Wei.wrap(decision.value));
        }
        if (decision.whose != whose) revert WrongOutcome(decision.whose);
    }

    /// @dev Decides, once the escrow has. If nobody has settled it yet, it is settled here, or this call fails as
    /// settling does: what its views foresee, a later share rate may undo.
    function _decide() private returns (Decision memory decision) {
        if (ESCROW.record().status == Status.Open) ESCROW.settle();
        RecordView memory record = ESCROW.record();
        decision.whose = BonusFor.Sponsors;
        if (record.status != Status.Failed || record.failReason == FailReason.EndedByGuardian) return decision;
        (Units[] memory totals,) = ESCROW.pots();
        Holding memory pledged = Settlement.sumOf(Settlement.holdingsOf(totals));
        Rate rate = Shares.unwrap(pledged.shares) == 0 ? Rate.wrap(0) : _readRate(record.deadline);
        uint256 value = Wei.unwrap(pledged.valueDown(rate));
        // With nothing of worth pledged there is nobody to share it.
        if (value == 0) return decision;
        // The value of all pots is below 2^112: see ProRata.
        // forge-lint: disable-next-line(unsafe-typecast)
        return Decision(BonusFor.Pledgers, rate, uint112(value));
    }

    /// @dev The share rate now; one to one if it stays unreadable for longer than a settlement would have waited. A
    /// caller who starves the read of gas gains nothing.
    function _readRate(uint256 deadline) private view returns (Rate) {
        Terms memory terms = ESCROW.terms();
        if (gasleft() < ShareRate.PROOF_GAS) revert GasTooLow(gasleft(), ShareRate.PROOF_GAS);
        (bool readable, Rate rate) = ShareRate.read(terms.stETH);
        if (readable) return rate;
        uint256 limit = deadline + terms.releaseWindow;
        if (block.timestamp <= limit) revert RateUnreadable(limit, block.timestamp);
        // 10^27 fits 96 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        return Rate.wrap(uint96(RATE_UNIT));
    }

    /// @dev Value sent to nobody, or back to this pool, would be lost to its owner.
    function _requireAccount(address account) private view {
        if (account == address(0) || account == address(this)) revert InvalidAccount(account);
    }
}
