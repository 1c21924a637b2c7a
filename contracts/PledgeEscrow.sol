// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EscrowViews } from "./EscrowViews.sol";
import { FailReason, IPledgeEscrow, Status, Terms } from "./interfaces/IPledgeEscrow.sol";
import { IStETH, IWstETH } from "./interfaces/external/ILido.sol";
import { ProRata } from "./libraries/ProRata.sol";
import { Holding, Settlement } from "./libraries/Settlement.sol";
import { ShareRate } from "./libraries/ShareRate.sol";
import { TermsCheck } from "./libraries/TermsCheck.sol";
import { Position, PositionSlot } from "./types/Books.sol";
import { Asset, Rate, Shares, Units, Wei, WstETHUnits } from "./types/Units.sol";

/// @title Escrow of one rescue
/// @dev The manual is IPledgeEscrow. These are the calls; EscrowBooks holds the state and what several calls share,
/// EscrowViews what can be read. What is drawn is decided in Settlement, how much anyone gets in ProRata, when in
/// Schedule, which terms are allowed in TermsCheck.
///
/// No function loops over pledgers. Books are written and events emitted before any external call but the read of the
/// share rate, which is static; the only callees are the two tokens and whoever is paid, last of all. So a re-entrant
/// call finds complete books, and no lock is needed.
contract PledgeEscrow is EscrowViews {
    using ProRata for Wei;

    /// @param terms_ The terms; see Terms, and the errors "of the terms", in IPledgeEscrow.
    constructor(Terms memory terms_) EscrowViews(terms_) { }

    // ------------------------------------------------------------------------------------------------ pledging

    /// @inheritdoc IPledgeEscrow
    function pledgeETH(address pledger, uint8 tier) external payable {
        _book(pledger, tier, Asset.ETH, msg.value);
    }

    /// @inheritdoc IPledgeEscrow
    function pledgeStETH(address pledger, uint8 tier, Shares shares) external {
        _book(pledger, tier, Asset.StETH, Shares.unwrap(shares));
        // The returned stETH amount rounds; the shares are exact.
        IStETH(STETH).transferSharesFrom(msg.sender, address(this), shares);
    }

    /// @inheritdoc IPledgeEscrow
    function pledgeWstETH(address pledger, uint8 tier, WstETHUnits amount) external {
        Units units = _book(pledger, tier, Asset.WstETH, WstETHUnits.unwrap(amount));
        bool paid = IWstETH(WSTETH).transferFrom(msg.sender, address(this), amount);
        if (!paid) revert PaymentFailed(address(this), Asset.WstETH, units);
    }

    /// @inheritdoc IPledgeEscrow
    function exit(uint8 tier, Asset asset, address recipient) external {
        Core memory core = _current();
        if (core.status != Status.Open || block.timestamp >= core.amendsAt) {
            revert NoExitWindow(core.amendsAt, block.timestamp);
        }
        _requireAccount(recipient);
        Units amount = _unbook(msg.sender, tier, asset);
        emit Exited(msg.sender, tier, asset, recipient, amount);
        _pay(recipient, asset, amount);
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
        if (Shares.unwrap(sum.shares) == 0) revert RateReadable(Rate.wrap(0));
        if (gasleft() < ShareRate.PROOF_GAS) revert GasTooLow(gasleft(), ShareRate.PROOF_GAS);
        (bool readable, Rate rate) = ShareRate.read(STETH);
        if (readable) revert RateReadable(rate);
        _fail(core, FailReason.RateUnreadable);
    }

    // ------------------------------------------------------------------------------------------------ paying out

    /// @inheritdoc IPledgeEscrow
    function release(Asset asset) external {
        Core memory core = _settledIfLate();
        if (core.status != Status.Settled && core.status != Status.Cancelled) revert WrongStatus(core.status);
        uint256 delivered = core.delivered.get(asset);
        uint256 due = _deliverable(core, asset);
        if (due == delivered) revert NothingDue(asset, due, delivered);

        Units amount = _tranchesOf(asset, delivered, due);
        core.delivered = core.delivered.set(asset, due);
        // At most 64.
        // forge-lint: disable-next-line(unsafe-typecast)
        emit Released(asset, uint8(due), amount);
        _finalizeIfDelivered(core);
        _core = core;
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
        Wei objected = Wei.wrap(_stop.objected) + weight;
        // Weights are floors of parts of the drawn value, each counted once: their sum is at most that, 96 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        _stop.objected = uint96(Wei.unwrap(objected));
        emit Objected(msg.sender, tier, asset, weight);
        if (objected >= Wei.wrap(record.drawn).requiredUp(VETO_BPS)) _cancel(core, due);
    }

    /// @inheritdoc IPledgeEscrow
    function lapse() external {
        Core memory core = _settledIfLate();
        Record memory record = _record;
        if ((core.status != Status.Settled && core.status != Status.Cancelled) || record.finalAt != 0) {
            revert WrongStatus(core.status);
        }
        uint256 since = core.status == Status.Settled ? _calendar(record.settledAt).timeOf(TRANCHES) : _stop.cancelledAt;
        uint256 limit = since + RELEASE_WINDOW;
        if (block.timestamp <= limit) revert TooEarly(limit, block.timestamp);

        core.status = Status.Cancelled;
        core.kept = core.delivered;
        // An earlier cancellation keeps its time.
        if (_stop.cancelledAt == 0) _stop.cancelledAt = _now();
        emit Lapsed(_now());
        _finalizeIfDelivered(core);
        _core = core;
    }

    // ------------------------------------------------------------------------------------------------ guardian

    /// @inheritdoc IPledgeEscrow
    function decline(address pledger, uint8 tier, Asset asset) external {
        _requireGuardian();
        _requirePledging();
        Units amount = _unbook(pledger, tier, asset);
        emit Declined(pledger, tier, asset, amount);
        _pay(pledger, asset, amount);
    }

    /// @inheritdoc IPledgeEscrow
    function amend(Wei target, uint40 deadline, bytes32 termsHash) external {
        _requireGuardian();
        _requirePledging();
        Core memory core = _current();
        if (block.timestamp < core.amendsAt) revert AmendmentPending(core.amendsAt, block.timestamp);
        TermsCheck.checkTarget(target);
        uint256 effectiveAt = block.timestamp + EXIT_WINDOW;
        if (effectiveAt > core.deadline) revert AmendmentTooLate(effectiveAt, core.deadline);
        if (deadline <= effectiveAt) revert AmendedDeadlineTooEarly(deadline, effectiveAt);

        if (core.amendsAt != 0) _termsHash = _next.termsHash;
        // At most the deadline, which is of 40 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        core.amendsAt = uint40(effectiveAt);
        _core = core;
        _next = NextTerms(_toUint96(target), deadline, termsHash);
        emit AmendmentProposed(target, deadline, termsHash, core.amendsAt);
    }

    /// @inheritdoc IPledgeEscrow
    function cancel() external {
        _requireGuardian();
        Core memory core = _settledIfLate();
        if (core.status == Status.Open) _fail(core, FailReason.EndedByGuardian);
        else _cancel(core, _requireStoppable(core));
    }
}
