// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @notice What to read about one rescue. Zero addresses are skipped.
/// @custom:member escrow The rescue's escrow, which may turn out not to be one.
/// @custom:member recoveryPool The address of its recovery pool, whether or not it exists; it follows from the
/// escrow's.
/// @custom:member bonusPool The address of its bonus pool, whether or not it exists.
/// @custom:member account The account whose positions, balances and allowances to read; zero for none.
/// @custom:member router The router that the account may pledge through.
/// @custom:member weth The chain's WETH.
struct Query {
    address escrow;
    address recoveryPool;
    address bonusPool;
    address account;
    address router;
    address weth;
}

/// @notice What was read, all at one block. `bytes` are a contract's ABI-encoded answer: empty if it reverted, or if
/// there is no contract.
/// @custom:member chainId The chain id.
/// @custom:member blockNumber The block's number.
/// @custom:member parentHash The hash of the parent block, which together with the number identifies the block: its own
/// hash cannot be read inside it.
/// @custom:member blockTime The block's timestamp, in Unix seconds.
/// @custom:member codeHash The hash of the escrow's code.
/// @custom:member originalTerms IPledgeEscrow.originalTerms.
/// @custom:member rescue IPledgeEscrow.rescue.
/// @custom:member recoveryPool The recovery pool, with IRecoveryPool.recovery.
/// @custom:member bonusPool The bonus pool, with IBonusPool.bonus.
/// @custom:member account The account's data; empty for no account, or if there is no escrow.
struct Reading {
    uint256 chainId;
    uint256 blockNumber;
    bytes32 parentHash;
    uint256 blockTime;
    bytes32 codeHash;
    bytes originalTerms;
    bytes rescue;
    PoolReading recoveryPool;
    PoolReading bonusPool;
    AccountReading account;
}

/// @notice A pool of the rescue.
/// @custom:member codeHash The hash of its code; without code, it does not exist.
/// @custom:member books Its books.
struct PoolReading {
    bytes32 codeHash;
    bytes books;
}

/// @notice What an account has in the rescue.
/// @custom:member positions IPledgeEscrow.positions.
/// @custom:member shares What the pools hold for each of these positions, in the same order.
/// @custom:member owed IPledgeEscrow.owed.
/// @custom:member balance The account's ETH, in wei.
/// @custom:member stETHShares The account's shares of stETH.
/// @custom:member stETH Its stETH, in stETH.
/// @custom:member wstETH Its wstETH.
/// @custom:member weth Its WETH.
struct AccountReading {
    bytes positions;
    PoolShares[] shares;
    bytes owed;
    uint256 balance;
    bytes stETHShares;
    TokenReading stETH;
    TokenReading wstETH;
    TokenReading weth;
}

/// @notice What the pools hold for one position; zero if there is no such pool.
/// @custom:member departures How often the position was taken out: see IPledgeEscrow.position.
/// @custom:member earned IRecoveryPool.earnings: the total, in wei.
/// @custom:member claimed How much of it was paid.
/// @custom:member bonusShare IBonusPool.shareOf: its share of the bonus, in wei.
/// @custom:member bonusClaimed Whether it was paid.
/// @custom:member enlistedDepartures IBonusPool.enlisted: its count of departures at that time.
/// @custom:member enlistedAmount How much of it is enlisted, in the asset's own unit.
/// @custom:member unitSeconds The enlisted amounts, each times the seconds for which it is locked.
struct PoolShares {
    uint256 departures;
    uint256 earned;
    uint256 claimed;
    uint256 bonusShare;
    bool bonusClaimed;
    uint256 enlistedDepartures;
    uint256 enlistedAmount;
    uint256 unitSeconds;
}

/// @notice An account's balance and allowances of a token, in the token's unit.
/// @custom:member balance The balance.
/// @custom:member escrowAllowance The allowance of the escrow.
/// @custom:member routerAllowance The allowance of the router.
struct TokenReading {
    bytes balance;
    bytes escrowAllowance;
    bytes routerAllowance;
}

/// @dev The first word of the lens's result, so that no other answer of a node is mistaken for a reading. It does not
/// begin with 0xEF, with which no code may begin.
bytes32 constant READING = keccak256("levee.RescueLens.v1");
