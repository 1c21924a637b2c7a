// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { Asset } from "levee/types/Units.sol";

import { BonusBooks } from "./BonusBooks.sol";
import { Facts } from "./Course.sol";
import { EscrowRefusals } from "./EscrowRefusals.sol";
import { Store } from "./Store.sol";

/// @notice The same, also for calls to the two pools.
contract Refusals is EscrowRefusals {
    constructor(Store store) EscrowRefusals(store) { }

    // ------------------------------------------------------------------------------------------------ recovery

    function ofRecover(uint256 amount) external view returns (bytes memory) {
        Facts memory state = STORE.facts();
        bool first = STORE.recovery().accruedAt() == 0;
        if (first && state.finalAt == 0) return abi.encodeWithSelector(IRecoveryPool.NotFinal.selector, state.status);
        if (amount == 0) return abi.encodeWithSelector(IRecoveryPool.ZeroAmount.selector);
        if (STORE.recovery().anythingPaid()) return "";
        return abi.encodeWithSelector(IRecoveryPool.NothingDelivered.selector);
    }

    function ofRecoveryClaim(address pledger, uint256 tier, Asset asset, address recipient)
        external
        view
        returns (bytes memory)
    {
        if (recipient == address(0) || recipient == address(STORE.pool())) {
            return abi.encodeWithSelector(IRecoveryPool.InvalidAccount.selector, recipient);
        }
        if (_unknown(tier)) return _unknownTier(tier);
        Facts memory state = STORE.facts();
        if (state.finalAt == 0) return abi.encodeWithSelector(IRecoveryPool.NotFinal.selector, state.status);
        uint256 id = _id(tier, asset);
        bool open = STORE.recovery().accruedAt() != 0;
        if (open && !STORE.recovery().takesPart(id)) {
            return abi.encodeWithSelector(IRecoveryPool.NotDrawn.selector, tier);
        }
        uint256 amount = open ? STORE.recovery().earned(pledger, id) - STORE.recovery().claimed(pledger, id) : 0;
        if (amount == 0) return abi.encodeWithSelector(IRecoveryPool.NothingToClaim.selector, pledger, tier, asset);
        if (STORE.reaches(recipient, Asset.ETH)) return "";
        return abi.encodeWithSelector(IRecoveryPool.PaymentFailed.selector, recipient, amount);
    }

    // ------------------------------------------------------------------------------------------------ the bonus

    function ofAdd(address sponsor, uint256 amount) external view returns (bytes memory) {
        if (!STORE.pledging()) {
            return abi.encodeWithSelector(
                IBonusPool.AddingClosed.selector, STORE.status(), STORE.inForce().deadline, block.timestamp
            );
        }
        if (amount == 0) return abi.encodeWithSelector(IBonusPool.ZeroAmount.selector);
        return _lost(sponsor) ? _lostAccount(sponsor) : bytes("");
    }

    function ofEnlist(address pledger, uint256 tier, Asset asset) external view returns (bytes memory) {
        if (_unknown(tier)) return _unknownTier(tier);
        if (STORE.sponsors().enlists(pledger, _id(tier, asset))) return "";
        return abi.encodeWithSelector(IBonusPool.NothingToEnlist.selector, pledger, tier, asset);
    }

    function ofBonusClaim(address pledger, uint256 tier, Asset asset, address recipient)
        external
        view
        returns (bytes memory refusal)
    {
        if (_lost(recipient)) return _lostAccount(recipient);
        refusal = _ofDecision();
        if (refusal.length != 0) return refusal;
        if (_unknown(tier)) return _unknownTier(tier);
        uint256 share = STORE.sponsors().shareNow(pledger, _id(tier, asset));
        if (share == 0 || STORE.sponsors().claimed(pledger, _id(tier, asset))) {
            return abi.encodeWithSelector(IBonusPool.NothingToClaim.selector, pledger, tier, asset);
        }
        return _ofBonusPayment(recipient, share);
    }

    function ofTakeBack(address caller, address sponsor, address recipient)
        external
        view
        returns (bytes memory refusal)
    {
        if (_lost(recipient)) return _lostAccount(recipient);
        bool leaves = STORE.sponsors().mayLeave(caller, sponsor);
        if (!leaves) refusal = _ofDecision();
        if (refusal.length != 0) return refusal;
        uint256 amount = STORE.sponsors().returnedNow(sponsor, leaves);
        if (amount == 0) return abi.encodeWithSelector(IBonusPool.NothingToTakeBack.selector, sponsor);
        return _ofBonusPayment(recipient, amount);
    }

    /// @dev The first claim settles the rescue, if nobody has, and decides the bonus; not before its time, unless all
    /// of it goes back to the sponsors.
    function _ofDecision() private view returns (bytes memory refusal) {
        if (STORE.sponsors().isDecided()) return "";
        if (STORE.status() == Status.Open) refusal = ofSettle();
        if (refusal.length != 0) return refusal;
        uint256 limit = STORE.inForce().deadline + STORE.exitWindow();
        if (STORE.sponsors().isForSponsors() || block.timestamp > limit) return "";
        return abi.encodeWithSelector(IBonusPool.TooEarly.selector, limit, block.timestamp);
    }

    function _ofBonusPayment(address recipient, uint256 amount) private view returns (bytes memory) {
        if (STORE.reaches(recipient, Asset.ETH)) return "";
        return abi.encodeWithSelector(IBonusPool.PaymentFailed.selector, recipient, amount);
    }

    function _lost(address account) private view returns (bool) {
        return account == address(STORE.bonus()) || _invalid(account);
    }

    function _lostAccount(address account) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBonusPool.InvalidAccount.selector, account);
    }
}
