// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { PledgeEscrow } from "levee/PledgeEscrow.sol";
import { Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { Position, Pot } from "levee/types/Books.sol";
import { Asset } from "levee/types/Units.sol";

/// @dev The books of a rescue of one tier, as far as a call reads or writes them: one pot, and one position in it.
struct State {
    PledgeEscrow.Core core;
    PledgeEscrow.Record record;
    PledgeEscrow.Stop stop;
    PledgeEscrow.NextTerms next;
    Pot pot;
    Position position;
}

/// @notice The escrow, with books that can be set and read: proofs start from any state, not from those alone that some
/// number of calls reaches.
contract Rescue is PledgeEscrow {
    constructor(Terms memory terms_) PledgeEscrow(terms_) { }

    function write(State calldata state, Asset asset, address pledger) external {
        _core = state.core;
        _record = state.record;
        _stop = state.stop;
        _next = state.next;
        _pots[uint256(asset)].word = state.pot;
        _positions[pledger][uint256(asset)].word = state.position;
    }

    function read(Asset asset, address pledger) external view returns (State memory) {
        Position position_ = _positions[pledger][uint256(asset)].word;
        return State(_core, _record, _stop, _next, _pots[uint256(asset)].word, position_);
    }
}

/// @notice Both of Lido's tokens at once, as far as the escrow needs them: shares that move, at any rate.
contract Tokens {
    mapping(address owner => uint256 shares) public sharesOf;
    uint256 public rate;

    function write(address owner, uint256 shares, uint256 rate_) external {
        sharesOf[owner] = shares;
        rate = rate_;
    }

    function stETH() external view returns (address) {
        return address(this);
    }

    function getPooledEthByShares(uint256) external view returns (uint256) {
        return rate;
    }

    function transferShares(address to, uint256 shares) public returns (uint256) {
        return move(msg.sender, to, shares);
    }

    function transferSharesFrom(address from, address to, uint256 shares) external returns (uint256) {
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
