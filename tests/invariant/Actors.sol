// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { IPledgeEscrow } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { Asset } from "levee/types/Units.sol";

/// @notice A moody beneficiary: it may refuse ETH, and when it accepts some it asks for the same payment again.
contract MoodyBeneficiary {
    error NotNow();

    /// @notice Whether it refuses ETH.
    bool public refuses;
    /// @notice How often it was paid the same twice.
    uint256 public paidTwice;

    function setRefuses(bool refuses_) external {
        refuses = refuses_;
    }

    receive() external payable {
        if (refuses) revert NotNow();
        try IPledgeEscrow(msg.sender).release(Asset.ETH) {
            ++paidTwice;
        } catch { }
    }
}

/// @notice A pledger that, when it is paid, asks for the same position again in every possible way.
contract GreedyPledger {
    error NotMe();

    /// @dev No tier: the next payment is not for a position.
    uint8 private constant NONE = type(uint8).max;

    uint8 private tier = NONE;
    Asset private asset;

    /// @notice Whether it refuses ETH.
    bool public refuses;

    /// @notice How often it was paid the same twice.
    uint256 public paidTwice;

    /// @notice The position that will be paid next.
    function expectPosition(uint8 tier_, Asset asset_) external {
        (tier, asset) = (tier_, asset_);
    }

    /// @notice The next payment is owed to it, or is its own contribution to a bonus.
    function expectOwed() external {
        tier = NONE;
    }

    function setRefuses(bool refuses_) external {
        refuses = refuses_;
    }

    receive() external payable {
        if (refuses) revert NotMe();
        if (tier == NONE) return _askForOwed();
        IPledgeEscrow escrow = IPledgeEscrow(msg.sender);
        try escrow.refund(address(this), tier, Asset.ETH) {
            ++paidTwice;
        } catch { }
        try escrow.exit(tier, Asset.ETH, address(this)) {
            ++paidTwice;
        } catch { }
        // The same call to a bonus pool.
        try IRecoveryPool(msg.sender).claim(address(this), tier, asset) {
            ++paidTwice;
        } catch { }
    }

    function _askForOwed() private {
        try IPledgeEscrow(msg.sender).collect(address(this), Asset.ETH) {
            ++paidTwice;
        } catch { }
        try IBonusPool(msg.sender).takeBack(address(this)) {
            ++paidTwice;
        } catch { }
    }
}

/// @notice The code of a stETH whose every call fails.
contract DeadToken {
    error Dead();

    fallback() external {
        revert Dead();
    }
}
