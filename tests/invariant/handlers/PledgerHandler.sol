// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { PledgeCalls } from "./PledgeCalls.sol";

/// @notice What pledgers do, for themselves and for each other.
contract PledgerHandler is PledgeCalls {
    /// @dev The alternative recipient of pledgers, and the caller on their behalf.
    address private immutable VAULT;

    constructor(address vault) {
        VAULT = vault;
    }

    function pledgeETH(uint256 who, uint256 payer, uint256 tier, uint256 amount) external acting {
        _pledge(pledgerOf(payer), who, tier, Asset.ETH, amount);
    }

    function pledgeStETH(uint256 who, uint256 payer, uint256 tier, uint256 amount) external acting {
        _pledge(pledgerOf(payer), who, tier, Asset.StETH, amount);
    }

    function pledgeWstETH(uint256 who, uint256 payer, uint256 tier, uint256 amount) external acting {
        _pledge(pledgerOf(payer), who, tier, Asset.WstETH, amount);
    }

    /// @dev One pledge in four is dust, and one in forty is zero. Two in three are enlisted at once, as the router
    /// does.
    function _pledge(address payer, uint256 who, uint256 tierSeed, Asset asset, uint256 seed) private {
        address pledger = orInvalid(pledgerOf(who), who);
        uint8 tier = orUnknown(tierSeed % (store.pots() / ASSETS), tierSeed);
        uint256 amount = once(seed, 40) ? 0 : spread(seed, 1, seed % 4 == 0 ? 9 : 100 ether);
        bool pledged = pledgeNaming(_amendmentOf(seed), payer, pledger, tier, asset, amount);
        if (pledged && !once(who, 3)) enlistBy(payer, pledger, tier, asset);
    }

    /// @dev The latest amendment, or sometimes another: one that does not exist, or none.
    function _amendmentOf(uint256 seed) private view returns (uint40) {
        uint256 latest = store.latest().effectiveAt;
        if (!once(seed, 9)) return uint40(latest);
        return uint40(latest == 0 ? vm.getBlockTimestamp() + store.exitWindow() : once(seed, 2) ? 0 : latest - 1);
    }

    function exit(uint256 seed, uint256 place, uint256 wrong) external acting {
        (address pledger, uint256 id) = store.findAmount(seed);
        address recipient = orInvalid(once(place, 2) ? VAULT : pledger, wrong);
        exitAs(pledger, orUnknown(id / ASSETS, wrong), assetOf(id), recipient);
    }

    /// @dev In an exit window, someone who cannot be paid may leave first.
    modifier afterUnpaidExit(uint256 seed) {
        if (store.pendingUntil() != 0 && once(seed, 2)) _leaveUnpaid(seed);
        _;
    }

    /// @dev To a beneficiary that refuses ETH, while stETH is paused: for a moment, or for longer.
    function _leaveUnpaid(uint256 seed) private {
        bool pausing = lido.moves(Asset.StETH);
        if (pausing) lido.stETH().stop();
        store.beneficiary().setRefuses(true);
        (address pledger, uint256 id) = store.findAmount(seed);
        exitAs(pledger, uint8(id / ASSETS), assetOf(id), address(store.beneficiary()));
        if (pausing && !once(seed, 3)) lido.stETH().resume();
    }

    /// @dev Called by anyone for the pledger.
    function collect(uint256 seed) external acting afterUnpaidExit(seed) {
        (address pledger, uint256 asset) = store.findOwed(seed);
        bytes memory call = abi.encodeCall(IPledgeEscrow.collect, (pledger, Asset(asset)));
        _collect(VAULT, call, pledger, asset, pledger);
    }

    function collectTo(uint256 seed, uint256 wrong) external acting afterUnpaidExit(seed) {
        (address pledger, uint256 asset) = store.findOwed(seed);
        address recipient = orInvalid(VAULT, wrong);
        bytes memory call = abi.encodeCall(IPledgeEscrow.collectTo, (Asset(asset), recipient));
        _collect(pledger, call, pledger, asset, recipient);
    }

    function _collect(address caller, bytes memory call, address pledger, uint256 asset, address recipient) private {
        bytes memory refusal = refusals.ofCollect(pledger, Asset(asset), recipient);
        store.alertOfOwed(pledger);
        if (attempt(caller, address(escrow), call, refusal)) store.noteCollected(pledger, asset, recipient);
    }

    /// @dev Called by anyone for the pledger.
    function refund(uint256 seed, uint256 wrong) external acting {
        (address pledger, uint256 id) = _findRefund(seed);
        uint8 tier = orUnknown(id / ASSETS, wrong);
        bytes memory call = abi.encodeCall(IPledgeEscrow.refund, (pledger, tier, assetOf(id)));
        refundBy(VAULT, call, pledger, tier, assetOf(id), pledger);
    }

    function refundTo(uint256 seed, uint256 wrong) external acting {
        (address pledger, uint256 id) = _findRefund(seed);
        refundAs(pledger, orUnknown(id / ASSETS, wrong), assetOf(id), orInvalid(VAULT, wrong));
    }

    /// @dev Mostly a position that can be refunded.
    function _findRefund(uint256 seed) private view returns (address pledger, uint256 id) {
        return once(seed, 7) ? store.findAmount(seed) : store.findRefundable(seed);
    }

    /// @dev Mostly with a position that has a weight; otherwise with any, which may have objected already. Sometimes it
    /// waits until the deadline of a rescue that meets a threshold has passed, and so settles it.
    function object(uint256 seed, uint256 wrong) external acting {
        if (store.pledging() && store.vetoBps() != 0 && store.highestMet() != 0 && once(seed, 4)) {
            reach(store.lastDeadline() + 1);
            lido.mend();
        }
        (address pledger, uint256 id) = once(wrong, 5) ? store.findAmount(seed) : store.findWeight(seed);
        uint8 tier = orUnknown(id / ASSETS, wrong);
        // A pledger who has objected tries to count twice.
        if (objectAs(pledger, tier, assetOf(id))) objectAs(pledger, tier, assetOf(id));
    }
}
