// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @notice What to read of one rescue. Addresses that are zero are not asked.
/// @custom:member escrow The rescue's escrow. It may turn out to be none.
/// @custom:member recoveryPool Where its recovery pool is, if it was created: the address follows from the escrow's.
/// @custom:member bonusPool Where its bonus pool is, if it was created.
/// @custom:member account Whose positions, balances and allowances to read; zero for nobody's.
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

/// @notice What was read, all in one block. `bytes` are what a contract answered, as its ABI encodes it: empty if it
/// reverted, or if there is none.
/// @custom:member chainId The chain's id.
/// @custom:member blockNumber The block's number.
/// @custom:member parentHash The hash of the block before, which identifies the block together with its number: its own
/// hash cannot be read inside.
/// @custom:member blockTime Its time, in Unix seconds.
/// @custom:member codeHash The hash of the escrow's code.
/// @custom:member originalTerms IPledgeEscrow.originalTerms.
/// @custom:member rescue IPledgeEscrow.rescue.
/// @custom:member recoveryPool The recovery pool, with IRecoveryPool.recovery.
/// @custom:member bonusPool The bonus pool, with IBonusPool.bonus.
/// @custom:member account What is the account's; empty for nobody, or where there is no escrow.
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
/// @custom:member codeHash The hash of its code; without code it was not created.
/// @custom:member books What its books say.
struct PoolReading {
    bytes32 codeHash;
    bytes books;
}

/// @notice What an account has to do with the rescue.
/// @custom:member positions IPledgeEscrow.positions.
/// @custom:member shares What the pools have for each of these positions, in their order.
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

/// @notice What the pools have for one position; zero where there is no such pool.
/// @custom:member departures How often the position was taken out: see IPledgeEscrow.position.
/// @custom:member earned IRecoveryPool.earnings: in all, in wei.
/// @custom:member claimed Of that, paid.
/// @custom:member bonusShare IBonusPool.shareOf: its share of the bonus, in wei.
/// @custom:member bonusClaimed Whether it has had it.
/// @custom:member enlistedDepartures IBonusPool.enlisted: the count of its departures then.
/// @custom:member enlistedAmount How much of it is enlisted, in the asset's own unit.
/// @custom:member unitSeconds That, times the seconds for which it is locked.
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

/// @notice What an account holds of a token, and what others may take of it, in the token's unit.
/// @custom:member balance What it holds.
/// @custom:member escrowAllowance What the escrow may take.
/// @custom:member routerAllowance What the router may take.
struct TokenReading {
    bytes balance;
    bytes escrowAllowance;
    bytes routerAllowance;
}

/// @dev The first word of what the lens returns, so that no other answer of a node is taken for a reading. As code it
/// would not begin with 0xEF, which may not begin any.
bytes32 constant READING = keccak256("levee.RescueLens.v1");
