// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { PledgeEscrow } from "levee/PledgeEscrow.sol";
import { Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Position, Pot } from "levee/types/Pots.sol";
import { Asset, Units, Wei } from "levee/types/Units.sol";

/// @dev The books of a rescue with one tier, as far as a call reads or writes them: one pot, one position in it, and
/// what is owed to its pledger.
struct State {
    PledgeEscrow.Core core;
    PledgeEscrow.Record record;
    PledgeEscrow.Timeline timeline;
    PledgeEscrow.AmendedTerms amended;
    Pot pot;
    Position position;
    Units owed;
}

/// @notice The escrow, with books that can be set and read: proofs start from any state, not only from those that some
/// number of calls reaches.
contract Rescue is PledgeEscrow {
    constructor(Terms memory terms_) PledgeEscrow(terms_) { }

    function write(State calldata state, Asset asset, address pledger) external {
        _core = state.core;
        _record = state.record;
        _timeline = state.timeline;
        _amended = state.amended;
        _pots[uint256(asset)].word = state.pot;
        _positions[pledger][uint256(asset)].word = state.position;
        _owed[pledger][asset] = state.owed;
    }

    function read(Asset asset, address pledger) external view returns (State memory) {
        Position word = _positions[pledger][uint256(asset)].word;
        return State(_core, _record, _timeline, _amended, _pots[uint256(asset)].word, word, _owed[pledger][asset]);
    }

    /// @dev Tranches of an asset that do not go back, or not yet.
    function heldOf(Asset asset) external view returns (uint256) {
        return _held(_core, asset);
    }

    /// @dev Drawn value of a position of `amount` in the single tier.
    function weightOf(Asset asset, Units amount) external view returns (Wei) {
        return _weight(_core, _record, 0, asset, amount);
    }

    /// @dev What a position of `amount` is owed by now, refunded or not.
    function entitledOf(Asset asset, Units amount) external view returns (Units) {
        Pot pot = _pots[uint256(asset)].word;
        return _entitled(_core, pot.total(), pot.drawn(), asset, amount);
    }
}

/// @notice Both of Lido's tokens at once, as far as the escrow needs them: transferable shares at any rate, which as
/// stETH cannot be transferred while it is paused.
contract Tokens {
    mapping(address owner => uint256 shares) public sharesOf;
    uint256 public rate;
    bool public paused;

    function write(address owner, uint256 shares, uint256 rate_) external {
        sharesOf[owner] = shares;
        rate = rate_;
    }

    function setPaused(bool paused_) external {
        paused = paused_;
    }

    function stETH() external view returns (address) {
        return address(this);
    }

    function getPooledEthByShares(uint256) external view returns (uint256) {
        return rate;
    }

    function transferShares(address to, uint256 shares) public returns (uint256) {
        require(!paused);
        return move(msg.sender, to, shares);
    }

    function transferSharesFrom(address from, address to, uint256 shares) external returns (uint256) {
        require(!paused);
        return move(from, to, shares);
    }

    function transfer(address to, uint256 shares) external returns (bool) {
        move(msg.sender, to, shares);
        return true;
    }

    function transferFrom(address from, address to, uint256 shares) external returns (bool) {
        move(from, to, shares);
        return true;
    }

    function move(address from, address to, uint256 shares) private returns (uint256) {
        sharesOf[from] -= shares;
        sharesOf[to] += shares;
        return shares;
    }
}
