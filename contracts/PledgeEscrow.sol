// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EscrowViews } from "./EscrowViews.sol";
import { EndReason, IPledgeEscrow, Status, Terms } from "./interfaces/IPledgeEscrow.sol";
import { IStETH, IWstETH } from "./interfaces/external/ILido.sol";
import { ProRata } from "./libraries/ProRata.sol";
import { Holding, Settlement } from "./libraries/Settlement.sol";
import { ShareRate } from "./libraries/ShareRate.sol";
import { TermsCheck } from "./libraries/TermsCheck.sol";
import { Position, PositionSlot } from "./types/Pots.sol";
import { Asset, RATE_UNIT, Rate, Shares, Units, Wei, WstETHUnits } from "./types/Units.sol";

/// @title Escrow of one rescue
/// @dev The reference is IPledgeEscrow. This contract has the calls, EscrowBooks the state and what several calls
/// share, and EscrowViews the views. Settlement decides what is drawn, ProRata how much anyone gets, Schedule when, and
/// TermsCheck which terms are allowed.
///
/// No function loops over pledgers. Books are written and events emitted before any external call except the static
/// read of the share rate. The only callees are the two tokens and the recipient of a payment, which is called last. So
/// a re-entrant call finds complete books, and no lock is needed. Only what is owed after a failed payment is written
/// after the call, which has then changed nothing.
contract PledgeEscrow is EscrowViews {
    using ProRata for Wei;

    /// @param terms_ The terms; see Terms and the errors "of the terms" in IPledgeEscrow.
    constructor(Terms memory terms_) EscrowViews(terms_) { }

    // ------------------------------------------------------------------------------------------------ pledging

    /// @inheritdoc IPledgeEscrow
    function pledgeETH(address pledger, uint8 tier, uint64 amendment) external payable {
        _book(pledger, tier, amendment, Asset.ETH, msg.value);
    }

    /// @inheritdoc IPledgeEscrow
    function pledgeStETH(address pledger, uint8 tier, uint64 amendment, Shares shares) external {
        _book(pledger, tier, amendment, Asset.StETH, Shares.unwrap(shares));
        // The returned stETH amount is rounded; the shares are exact.
        IStETH(STETH).transferSharesFrom(msg.sender, address(this), shares);
    }

    /// @inheritdoc IPledgeEscrow
    function pledgeWstETH(address pledger, uint8 tier, uint64 amendment, WstETHUnits amount) external {
        Units units = _book(pledger, tier, amendment, Asset.WstETH, WstETHUnits.unwrap(amount));
        bool paid = IWstETH(WSTETH).transferFrom(msg.sender, address(this), amount);
        if (!paid) revert PaymentFailed(address(this), Asset.WstETH, units);
    }

    /// @inheritdoc IPledgeEscrow
    function exit(uint8 tier, Asset asset, address recipient) external {
        if (_core.status != Status.Open || block.timestamp >= _core.effectiveAt) {
            revert NoExitWindow(_core.effectiveAt, block.timestamp);
        }
        _requireAccount(recipient);
        Units amount = _unbook(msg.sender, tier, asset);
        emit Exited(msg.sender, tier, asset, recipient, amount);
        _payOrOwe(msg.sender, recipient, asset, amount, gasleft());
    }

    /// @inheritdoc IPledgeEscrow
    function collect(address pledger, Asset asset) external {
        _collect(pledger, asset, pledger);
    }

    /// @inheritdoc IPledgeEscrow
    function collectTo(Asset asset, address recipient) external {
        _requireAccount(recipient);
        _collect(msg.sender, asset, recipient);
    }

    // ------------------------------------------------------------------------------------------------ settling

    /// @inheritdoc IPledgeEscrow
    function settle() external {
        Core memory core = _current();
        if (core.status != Status.Open) revert WrongStatus(core.status);
        _settle(core);
    }

    /// @inheritdoc IPledgeEscrow
    function expire() external {
        Core memory core = _current();
        if (core.status != Status.Open) revert WrongStatus(core.status);
        uint256 limit = core.deadline + RELEASE_WINDOW;
        if (block.timestamp <= limit) revert TooEarly(limit, block.timestamp);
        Holding memory sum = Settlement.sumOf(Settlement.holdingsOf(_loadTotals()));
        if (Shares.unwrap(sum.shares) == 0) revert RateNotNeeded();
        if (gasleft() < ShareRate.PROOF_GAS) revert GasTooLow(gasleft(), ShareRate.PROOF_GAS);
        (bool readable, Rate rate) = ShareRate.read(STETH);
        if (readable) revert RateReadable(rate);
        // 10^27 fits in 96 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        _fail(core, EndReason.RateUnreadable, Rate.wrap(uint96(RATE_UNIT)));
    }

    // ------------------------------------------------------------------------------------------------ paying out

    /// @inheritdoc IPledgeEscrow
    function release(Asset asset) external {
        Core memory core = _settledIfLate();
        if (!_hasTranches(core)) revert WrongStatus(core.status);
        uint256 delivered = core.delivered.get(asset);
        uint256 due = _deliverable(core, asset);
        if (due == delivered) revert NothingDue(asset, due, delivered);

        Units amount = _tranchesOf(asset, delivered, due);
        core.delivered = core.delivered.set(asset, due);
        // At most 64.
        // forge-lint: disable-next-line(unsafe-typecast)
        emit Released(asset, uint8(due), amount);
        _store(core);
        _pay(BENEFICIARY, asset, amount);
    }

    /// @inheritdoc IPledgeEscrow
    function refund(address pledger, uint8 tier, Asset asset) external {
        _refund(pledger, tier, asset, pledger);
    }

    /// @inheritdoc IPledgeEscrow
    function refundTo(uint8 tier, Asset asset, address recipient) external {
        _requireAccount(recipient);
        _refund(msg.sender, tier, asset, recipient);
    }

    // ------------------------------------------------------------------------------------------------ stopping

    /// @inheritdoc IPledgeEscrow
    function object(uint8 tier, Asset asset) external {
        Core memory core = _settledIfLate();
        if (VETO_BPS == 0) revert NoVeto();
        uint256 due = _requireStoppable(core);
        PositionSlot storage slot = _positions[msg.sender][_idOf(tier, asset)];
        Position position = slot.word;
        if (position.objected()) revert AlreadyObjected(msg.sender, tier, asset);
        Record memory record = _record;
        Wei weight = _weight(core, record, tier, asset, position.amount());
        if (Wei.unwrap(weight) == 0) revert NothingDrawn(msg.sender, tier, asset);

        slot.word = position.withObjection();
        Wei objected = Wei.wrap(_timeline.objected) + weight;
        // Weights are rounded-down parts of the drawn value, each counted once: their sum is at most that value, 96
        // bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        _timeline.objected = uint96(Wei.unwrap(objected));
        emit Objected(msg.sender, tier, asset, weight);
        if (objected >= Wei.wrap(record.drawn).requiredUp(VETO_BPS)) _stop(core, due, EndReason.Vetoed);
    }

    /// @inheritdoc IPledgeEscrow
    function lapse() external {
        Core memory core = _settledIfLate();
        if (!_hasTranches(core) || _timeline.finalAt != 0) revert WrongStatus(core.status);
        uint256 limit = _collectableFrom(core) + RELEASE_WINDOW;
        if (block.timestamp <= limit) revert TooEarly(limit, block.timestamp);

        if (core.status == Status.Settled) {
            _enter(core, Status.Cancelled, EndReason.Lapsed);
            _timeline.cancelledAt = _now();
        }
        core.kept = core.delivered;
        _timeline.lapsedAt = _now();
        emit Lapsed(_now());
        _store(core);
    }

    // ------------------------------------------------------------------------------------------------ guardian

    /// @inheritdoc IPledgeEscrow
    function decline(address pledger, uint8 tier, Asset asset) external {
        _requireGuardian();
        _requirePledging();
        Units amount = _unbook(pledger, tier, asset);
        emit Declined(pledger, tier, asset, amount);
        _payOrOwe(pledger, pledger, asset, amount, DECLINE_GAS);
    }

    /// @inheritdoc IPledgeEscrow
    function amend(Wei target, uint40 deadline, bytes32 termsHash) external {
        _requireGuardian();
        _requirePledging();
        Core memory core = _current();
        if (block.timestamp < core.effectiveAt) revert AmendmentPending(core.effectiveAt, block.timestamp);
        TermsCheck.checkTarget(target);
        uint256 effectiveAt = block.timestamp + EXIT_WINDOW;
        if (effectiveAt > core.deadline) revert AmendmentTooLate(effectiveAt, core.deadline);
        if (deadline <= effectiveAt) revert AmendedDeadlineTooEarly(deadline, effectiveAt);
        if (deadline > LATEST_DEADLINE) revert AmendedDeadlineTooLate(deadline, LATEST_DEADLINE);

        // `core` has the target and deadline of the previous amendment; its document is stored separately.
        if (core.effectiveAt != 0) _termsHash = _amended.termsHash;
        // At most the deadline, which has 40 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        core.effectiveAt = uint40(effectiveAt);
        _amended = AmendedTerms(_toUint96(target), deadline, termsHash);
        emit AmendmentProposed(target, deadline, termsHash, core.effectiveAt);
        _store(core);
    }

    /// @inheritdoc IPledgeEscrow
    function cancel() external {
        _requireGuardian();
        Core memory core = _settledIfLate();
        if (core.status == Status.Open) _fail(core, EndReason.EndedByGuardian, Rate.wrap(0));
        else if (core.returnsByCalendar) _liftHold(core);
        else _stop(core, _requireStoppable(core), EndReason.StoppedByGuardian);
    }
}
