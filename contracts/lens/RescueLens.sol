// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import { IBonusPool } from "../interfaces/IBonusPool.sol";
import { IPledgeEscrow, PositionView, Terms } from "../interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "../interfaces/IRecoveryPool.sol";
import {
    AccountReading,
    PoolReading,
    PoolShares,
    Query,
    READING,
    Reading,
    TokenReading
} from "../interfaces/IRescueLens.sol";
import { IStETH } from "../interfaces/external/ILido.sol";
import { Asset, Units, Wei } from "../types/Units.sol";

/// @title Reads everything that a page about one rescue shows, at one block and with one call
/// @notice This contract is never deployed, holds nothing and changes nothing. A client sends its creation code with an
/// `eth_call` that has no recipient. The node runs the constructor, which returns what it read instead of a contract's
/// code, and discards everything.
///
/// The result begins with the word READING, followed by a Reading, ABI-encoded. It fits in the 24,576 bytes that a
/// contract's code may have, whatever the rescue: there are at most 24 pots, and an account has at most 24 positions.
///
/// It proves nothing by itself: the client compares the hash of the escrow's code, and checks that its address follows
/// from the code and the original terms. A contract that is not an escrow may make the whole call revert.
contract RescueLens {
    /// @dev Never emitted. A constructor's answer is in no ABI: this puts its type there, for clients to decode it by.
    event Read(Reading reading);

    /// @param query What to read.
    constructor(Query memory query) {
        bytes memory answer = abi.encode(READING, _read(query));
        assembly ("memory-safe") {
            return(add(answer, 0x20), mload(answer))
        }
    }

    function _read(Query memory query) private view returns (Reading memory reading) {
        reading.chainId = block.chainid;
        reading.blockNumber = block.number;
        // At the first block, which has none before it, the node refuses the call.
        reading.parentHash = blockhash(block.number - 1);
        reading.blockTime = block.timestamp;
        reading.codeHash = query.escrow.codehash;
        reading.originalTerms = _ask(query.escrow, abi.encodeCall(IPledgeEscrow.originalTerms, ()));
        reading.rescue = _ask(query.escrow, abi.encodeCall(IPledgeEscrow.rescue, ()));
        reading.recoveryPool = _pool(query.recoveryPool, abi.encodeCall(IRecoveryPool.recovery, ()));
        reading.bonusPool = _pool(query.bonusPool, abi.encodeCall(IBonusPool.bonus, ()));
        if (query.account != address(0) && reading.originalTerms.length != 0) {
            reading.account = _account(query, abi.decode(reading.originalTerms, (Terms)));
        }
    }

    /// @dev A pool, if it exists.
    /// @param books The call that returns its books.
    function _pool(address pool, bytes memory books) private view returns (PoolReading memory) {
        return PoolReading(pool.codehash, _ask(pool, books));
    }

    /// @dev What the account has in a rescue with these terms.
    function _account(Query memory query, Terms memory terms) private view returns (AccountReading memory reading) {
        reading.positions = _ask(query.escrow, abi.encodeCall(IPledgeEscrow.positions, (query.account)));
        reading.shares = _shares(query, abi.decode(reading.positions, (PositionView[])));
        reading.owed = _ask(query.escrow, abi.encodeCall(IPledgeEscrow.owed, (query.account)));
        reading.balance = query.account.balance;
        reading.stETHShares = _ask(terms.stETH, abi.encodeCall(IStETH.sharesOf, (query.account)));
        reading.stETH = _token(query, terms.stETH);
        reading.wstETH = _token(query, terms.wstETH);
        reading.weth = _token(query, query.weth);
    }

    /// @dev What the pools hold for each position.
    function _shares(Query memory query, PositionView[] memory positions)
        private
        view
        returns (PoolShares[] memory list)
    {
        list = new PoolShares[](positions.length);
        for (uint256 i; i < positions.length; ++i) {
            list[i] = _sharesOf(query, positions[i].tier, positions[i].asset);
        }
    }

    function _sharesOf(Query memory query, uint8 tier, Asset asset) private view returns (PoolShares memory shares) {
        (,,, shares.departures) = IPledgeEscrow(query.escrow).position(query.account, tier, asset);
        if (query.recoveryPool.code.length != 0) {
            (Wei earned, Wei claimed) = IRecoveryPool(query.recoveryPool).earnings(query.account, tier, asset);
            (shares.earned, shares.claimed) = (Wei.unwrap(earned), Wei.unwrap(claimed));
        }
        if (query.bonusPool.code.length != 0) {
            IBonusPool pool = IBonusPool(query.bonusPool);
            (Wei share, bool claimed) = pool.shareOf(query.account, tier, asset);
            (shares.bonusShare, shares.bonusClaimed) = (Wei.unwrap(share), claimed);
            (uint256 departures, Units amount, uint256 unitSeconds) = pool.enlisted(query.account, tier, asset);
            (shares.enlistedDepartures, shares.unitSeconds) = (departures, unitSeconds);
            shares.enlistedAmount = Units.unwrap(amount);
        }
    }

    /// @dev The account's balance and allowances of a token. A broken token leaves only a gap.
    function _token(Query memory query, address token) private view returns (TokenReading memory) {
        return TokenReading({
            balance: _ask(token, abi.encodeCall(IERC20.balanceOf, (query.account))),
            escrowAllowance: _ask(token, abi.encodeCall(IERC20.allowance, (query.account, query.escrow))),
            routerAllowance: _ask(token, abi.encodeCall(IERC20.allowance, (query.account, query.router)))
        });
    }

    /// @dev The result of a view; empty if it reverts, or if there is no code.
    function _ask(address target, bytes memory call) private view returns (bytes memory) {
        (bool success, bytes memory answer) = target.staticcall(call);
        return success ? answer : bytes("");
    }
}
