// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow, Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { GreedyPledger, MoodyBeneficiary } from "./Actors.sol";
import { Lido } from "./Lido.sol";

/// @notice The participants, what each has in each pot, and what every account must have, by what went in and came out.
abstract contract Register {
    IPledgeEscrow public immutable escrow;
    Lido public immutable lido;
    MoodyBeneficiary public immutable beneficiary;
    GreedyPledger public immutable greedy;
    address public immutable guardian;
    address private immutable STETH;
    address private immutable WSTETH;

    /// @dev Encoded: the legacy compiler cannot store an array of tiers.
    bytes private _terms;
    Tier[] internal _tiers;
    address[] internal _pledgers;
    address[] private _accounts;

    /// @notice What each account, including the escrow, must have of each asset.
    mapping(address account => uint256[3]) public ledger;
    /// @notice What each pledger has in each pot, by what was pledged and taken out.
    mapping(address pledger => uint256[24]) public amounts;
    /// @dev What all pledgers have in each pot.
    uint256[24] private _totals;
    /// @notice How much of it was refunded after the decision.
    mapping(address pledger => uint256[24]) public refunded;
    /// @notice How often each position was taken out.
    mapping(address pledger => uint256[24]) public departures;
    /// @notice What exits and declines could not pay.
    mapping(address pledger => uint256[3]) public owed;
    /// @notice What came into the escrow outside its books.
    uint256[3] public donated;

    constructor(IPledgeEscrow escrow_, Terms memory terms_, Lido lido_, address[] memory pledgers_) {
        escrow = escrow_;
        lido = lido_;
        beneficiary = MoodyBeneficiary(payable(terms_.beneficiary));
        greedy = GreedyPledger(payable(pledgers_[pledgers_.length - 1]));
        guardian = terms_.guardian;
        (STETH, WSTETH) = (terms_.stETH, terms_.wstETH);
        _terms = abi.encode(terms_);
        for (uint256 i; i < terms_.tiers.length; ++i) {
            _tiers.push(terms_.tiers[i]);
        }
        _pledgers = pledgers_;
    }

    // ------------------------------------------------------------------------------------------------ who and what

    /// @notice The original terms.
    function terms() external view returns (Terms memory) {
        return abi.decode(_terms, (Terms));
    }

    function pledgers() external view returns (address[] memory) {
        return _pledgers;
    }

    /// @notice Every account whose balances are tracked.
    function accounts() external view returns (address[] memory) {
        return _accounts;
    }

    /// @notice Tracks `account` from its current balances on.
    function follow(address account) external {
        _accounts.push(account);
        for (uint256 asset; asset < ASSETS; ++asset) {
            ledger[account][asset] = lido.balanceOf(account, Asset(asset));
        }
    }

    function pots() public view returns (uint256) {
        return _tiers.length * ASSETS;
    }

    /// @notice The tier of a pot.
    function tierOf(uint256 id) external view returns (Tier memory) {
        return _tiers[id / ASSETS];
    }

    /// @notice What all pledgers have in a pot.
    function total(uint256 id) public view returns (uint256) {
        return _totals[id];
    }

    /// @notice What a pledger has in every pot.
    function amountsOf(address pledger) external view returns (uint256[24] memory) {
        return amounts[pledger];
    }

    /// @notice How much of it was refunded.
    function refundedOf(address pledger) external view returns (uint256[24] memory) {
        return refunded[pledger];
    }

    /// @notice What a pledger is owed of each asset.
    function owedOf(address pledger) external view returns (uint256[3] memory) {
        return owed[pledger];
    }

    /// @notice How often each position of a pledger was taken out.
    function departuresOf(address pledger) external view returns (uint256[24] memory) {
        return departures[pledger];
    }

    /// @notice Positions of one asset that have an amount.
    function positionsOf(uint256 asset) external view returns (uint256 count) {
        for (uint256 i; i < _pledgers.length; ++i) {
            for (uint256 id = asset; id < pots(); id += ASSETS) {
                if (amounts[_pledgers[i]][id] != 0) ++count;
            }
        }
    }

    /// @notice Whether a payment of `asset` reaches `recipient` now.
    function reaches(address recipient, Asset asset) public view returns (bool) {
        if (asset != Asset.ETH) return lido.moves(asset);
        if (recipient == address(greedy)) return !greedy.refuses();
        return recipient != address(beneficiary) || !beneficiary.refuses();
    }

    /// @notice Whether an account may not receive any value.
    function isInvalid(address account) external view returns (bool) {
        return account == address(0) || account == address(escrow) || account == STETH || account == WSTETH;
    }

    /// @notice Tells a pledger that calls back which position is about to be paid.
    function alert(address pledger, uint256 id) external {
        if (pledger == address(greedy)) greedy.expectPosition(uint8(id / ASSETS), Asset(id % ASSETS));
    }

    /// @notice Tells it that what it is owed is about to be paid.
    function alertOfOwed(address pledger) external {
        if (pledger == address(greedy)) greedy.expectOwed();
    }

    // ------------------------------------------------------------------------------------------------ what happened

    function notePledge(address payer, address pledger, uint256 id, uint256 amount) external {
        amounts[pledger][id] += amount;
        _totals[id] += amount;
        _move(payer, address(escrow), id % ASSETS, amount);
    }

    /// @notice The whole position left an open rescue: it is paid to `recipient` or, if that is impossible now, owed.
    function noteTaken(address pledger, uint256 id, address recipient) external {
        uint256 amount = amounts[pledger][id];
        amounts[pledger][id] = 0;
        _totals[id] -= amount;
        ++departures[pledger][id];
        if (reaches(recipient, Asset(id % ASSETS))) _move(address(escrow), recipient, id % ASSETS, amount);
        else owed[pledger][id % ASSETS] += amount;
    }

    function noteCollected(address pledger, uint256 asset, address recipient) external {
        _move(address(escrow), recipient, asset, owed[pledger][asset]);
        owed[pledger][asset] = 0;
    }

    function noteRefund(address pledger, uint256 id, address recipient, uint256 amount) external {
        refunded[pledger][id] += amount;
        _move(address(escrow), recipient, id % ASSETS, amount);
    }

    /// @notice ETH moved, into or out of a pool.
    function noteMove(address from, address to, uint256 amount) external {
        _move(from, to, uint256(Asset.ETH), amount);
    }

    function noteDonation(address from, uint256 asset, uint256 amount) external {
        donated[asset] += amount;
        _move(from, address(escrow), asset, amount);
    }

    function _move(address from, address to, uint256 asset, uint256 amount) internal {
        ledger[from][asset] -= amount;
        ledger[to][asset] += amount;
    }
}
