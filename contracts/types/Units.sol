// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

// Every amount in Levee carries its unit as a type, so that adding wei to shares does not compile. The only conversion
// between the two is through a `Rate`.

/// @dev An amount or a value of ETH, in wei.
type Wei is uint256;

/// @dev stETH shares. One wstETH unit is exactly one share.
type Shares is uint256;

/// @dev An amount of stETH, in wei: the value of some shares until the next rebase. Never booked.
type StETHAmount is uint256;

/// @dev An amount of wstETH in its own smallest unit (10^-18 wstETH).
type WstETHUnits is uint256;

/// @dev An amount as booked, in the asset's own unit: wei of ETH, shares of stETH, or units of wstETH. Only its ratios
/// matter, and it is never added across assets. A pot holds at most `MAX_POT`, so that the pots of one asset add up to
/// 104 bits and every product in this project fits in 256; see `ProRata`.
type Units is uint104;

/// @dev The value of 10^27 shares in wei of ETH (Lido's `getPooledEthByShares(10^27)`); never zero when read.
type Rate is uint96;

/// @notice The three assets that a rescue can hold. Each is returned in kind.
/// @custom:value ETH Ether, in wei.
/// @custom:value StETH Lido's stETH, booked and moved in shares.
/// @custom:value WstETH Lido's wstETH, in its own units, never unwrapped.
enum Asset {
    ETH,
    StETH,
    WstETH
}

/// @dev Number of members of `Asset`.
uint256 constant ASSETS = 3;

/// @dev The most that one pot can hold: 2.5 * 10^30, one eighth (there are at most eight tiers) of 104 bits.
uint256 constant MAX_POT = type(uint104).max / 8;

/// @dev Shares per unit of `Rate`.
uint256 constant RATE_UNIT = 1e27;

/// @notice Thrown when an amount exceeds what the books can hold.
/// @param amount The amount offered, in the asset's own unit.
/// @param limit The most that the pot still accepts.
error AmountTooLarge(uint256 amount, uint256 limit);

using { addWei as +, subWei as -, ltWei as <, geWei as >=, eqWei as == } for Wei global;
using { addShares as +, subShares as - } for Shares global;
using { addToPot, addUnits as +, subUnits as -, eqUnits as == } for Units global;

function addWei(Wei a, Wei b) pure returns (Wei) {
    return Wei.wrap(Wei.unwrap(a) + Wei.unwrap(b));
}

function subWei(Wei a, Wei b) pure returns (Wei) {
    return Wei.wrap(Wei.unwrap(a) - Wei.unwrap(b));
}

function ltWei(Wei a, Wei b) pure returns (bool) {
    return Wei.unwrap(a) < Wei.unwrap(b);
}

function geWei(Wei a, Wei b) pure returns (bool) {
    return Wei.unwrap(a) >= Wei.unwrap(b);
}

function eqWei(Wei a, Wei b) pure returns (bool) {
    return Wei.unwrap(a) == Wei.unwrap(b);
}

function minWei(Wei a, Wei b) pure returns (Wei) {
    return a < b ? a : b;
}

function addShares(Shares a, Shares b) pure returns (Shares) {
    return Shares.wrap(Shares.unwrap(a) + Shares.unwrap(b));
}

function subShares(Shares a, Shares b) pure returns (Shares) {
    return Shares.wrap(Shares.unwrap(a) - Shares.unwrap(b));
}

function addUnits(Units a, Units b) pure returns (Units) {
    return Units.wrap(Units.unwrap(a) + Units.unwrap(b));
}

function subUnits(Units a, Units b) pure returns (Units) {
    return Units.wrap(Units.unwrap(a) - Units.unwrap(b));
}

function eqUnits(Units a, Units b) pure returns (bool) {
    return Units.unwrap(a) == Units.unwrap(b);
}

/// @dev The checked way into the books: adds `amount` to a pot with `total`.
/// @return units The amount.
/// @return sum The pot's new total.
function addToPot(Units total, uint256 amount) pure returns (Units units, Units sum) {
    // A total never exceeds MAX_POT, and neither does the sum, once checked.
    unchecked {
        uint256 room = MAX_POT - Units.unwrap(total);
        if (amount > room) revert AmountTooLarge(amount, room);
        // forge-lint: disable-next-line(unsafe-typecast)
        return (Units.wrap(uint104(amount)), Units.wrap(uint104(Units.unwrap(total) + amount)));
    }
}
