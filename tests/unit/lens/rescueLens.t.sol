// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { Terms, Tier } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { PoolShares, Query, READING, Reading, TokenReading } from "levee/interfaces/IRescueLens.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../../util/EscrowTest.sol";
import { WrappedEther } from "../../util/WrappedEther.sol";

/// @notice RescueLens, as a node runs it: its creation code is run, and what it returns is looked at.
///
/// RescueLens
/// ├── it reads the chain, the block, the escrow's code and its views
/// ├── given a pool was created
/// │   └── it reads its code and its books
/// ├── when an account is named
/// │   ├── it reads its positions, with what the pools have for each, and what it is owed
/// │   ├── it reads its balances, and what escrow and router may take
/// │   └── given a token is broken
/// │       └── it leaves that out, and reads the rest
/// ├── given there is no escrow, or another contract
/// │   └── it reads nothing of it
/// ├── given something that answers like an escrow, and with nonsense
/// │   └── it reverts
/// └── whatever is in the rescue
///     └── code and answer fit what a node allows
contract RescueLensTest is EscrowTest {
    address private immutable router = makeAddr("router");
    WrappedEther private weth;
    IRecoveryPool private recovery;
    IBonusPool private bonus;

    function setUp() public override {
        super.setUp();
        weth = new WrappedEther();
        vm.roll(1000);
        vm.chainId(7);
    }

    function test_ReadsTheChainAndTheRescue() public {
        pledge(alice, GRANT, Asset.ETH, 7);
        Reading memory reading = read(query());

        assertEq(reading.chainId, 7);
        assertEq(reading.blockNumber, 1000);
        assertEq(reading.parentHash, blockhash(999));
        assertNotEq(reading.parentHash, 0);
        assertEq(reading.blockTime, START);
        assertEq(reading.codeHash, keccak256(address(escrow).code));
        assertEq(reading.originalTerms, abi.encode(defaultTerms()));
        assertEq(reading.rescue, abi.encode(escrow.rescue()));
    }

    function test_WithoutPoolsAndAccount() public {
        createPools();
        Query memory asked;
        asked.escrow = address(escrow);
        Reading memory reading = read(asked);

        assertEq(reading.recoveryPool.books, "");
        assertEq(reading.bonusPool.books, "");
        assertEq(reading.account.positions, "");
        assertEq(reading.account.owed, "");
        assertEq(reading.account.shares.length, 0);
    }

    function test_ReadsThePools() public {
        Query memory asked = query();
        createPools();
        asked.recoveryPool = address(recovery);
        Reading memory reading = read(asked);
        assertEq(reading.recoveryPool.codeHash, keccak256(address(recovery).code));
        assertEq(reading.recoveryPool.books, answerOf(address(recovery), abi.encodeCall(IRecoveryPool.recovery, ())));
        assertEq(reading.bonusPool.codeHash, 0);
        assertEq(reading.bonusPool.books, "");

        asked.bonusPool = address(bonus);
        reading = read(asked);
        assertEq(reading.bonusPool.codeHash, keccak256(address(bonus).code));
        assertEq(reading.bonusPool.books, answerOf(address(bonus), abi.encodeCall(IBonusPool.bonus, ())));
    }

    function test_ReadsPositionsInThePools() public {
        createPools();
        fundBonus(8 ether);
        pledge(alice, GRANT, Asset.ETH, 700 ether);
        pledge(bob, LOAN, Asset.ETH, 1 ether);
        pledge(alice, LOAN, Asset.StETH, 10 ether);
        bonus.enlist(alice, LOAN, Asset.StETH);
        settleLate();
        vm.warp(DEADLINE + EXIT_WINDOW + 1);
        bonus.claim(alice, LOAN, Asset.StETH);

        Reading memory reading = read(fullQuery());
        assertEq(reading.account.positions, abi.encode(escrow.positions(alice)));
        PoolShares[] memory shares = reading.account.shares;
        assertEq(shares.length, 2);
        assertEmpty(shares[0]);
        assertEq(shares[1].bonusShare, 8 ether, "nobody else was enlisted");
        assertTrue(shares[1].bonusClaimed);
        assertEq(shares[1].enlistedAmount, 10 ether);
        assertEq(shares[1].unitSeconds, 10 ether * 30 days);
    }

    function test_ReadsWhatWasRecovered() public {
        createPools();
        pledgeFull();
        escrow.settle();
        vm.warp(trancheAt(vm.getBlockTimestamp(), TRANCHES));
        releaseAll();
        vm.deal(stranger, 11 ether);
        vm.prank(stranger);
        recovery.recover{ value: 10 ether }();
        recovery.claim(carol, LOAN, Asset.WstETH);
        vm.prank(stranger);
        recovery.recover{ value: 1 ether }();

        Query memory asked = fullQuery();
        asked.account = carol;
        PoolShares memory shares = read(asked).account.shares[0];
        assertEq(shares.claimed, 10 ether, "the loan is repaid first, and carol alone has lent");
        assertEq(shares.earned, 11 ether);
    }

    function test_ReadsDepartures() public {
        createPools();
        pledge(alice, GRANT, Asset.ETH, 3);
        bonus.enlist(alice, GRANT, Asset.ETH);
        vm.prank(guardian);
        escrow.decline(alice, GRANT, Asset.ETH);
        pledge(alice, GRANT, Asset.ETH, 4);

        PoolShares memory shares = read(fullQuery()).account.shares[0];
        assertEq(shares.departures, 1);
        assertEq(shares.enlistedDepartures, 0);
        bonus.enlist(alice, GRANT, Asset.ETH);
        assertEq(read(fullQuery()).account.shares[0].enlistedDepartures, 1);
    }

    function test_ReadsWhatIsOwed() public {
        pledge(address(this), GRANT, Asset.ETH, 5);
        vm.prank(guardian);
        escrow.decline(address(this), GRANT, Asset.ETH);
        Query memory asked = query();
        asked.account = address(this);
        assertEq(read(asked).account.owed, abi.encode([uint256(5), 0, 0]));
    }

    function test_ReadsBalancesAndAllowances() public {
        hold();
        Reading memory reading = read(query());
        assertEq(reading.account.balance, 11);
        assertEq(reading.account.stETHShares, abi.encode(10 ether));
        assertToken(reading.account.stETH, 12 ether, 1, 2);
        assertToken(reading.account.wstETH, 5 ether, 3, 4);
        assertToken(reading.account.weth, 9, 5, 6);
    }

    function test_GivenTokensAreBroken() public {
        hold();
        // PUSH0, PUSH0, REVERT.
        vm.etch(address(stETH), hex"5f5ffd");
        vm.etch(address(weth), "");
        Reading memory reading = read(query());
        assertEq(reading.account.stETHShares, "");
        assertEq(reading.account.stETH.balance, "");
        assertEq(reading.account.stETH.escrowAllowance, "");
        assertEq(reading.account.weth.routerAllowance, "");
        assertToken(reading.account.wstETH, 5 ether, 3, 4);
        assertEq(reading.rescue, abi.encode(escrow.rescue()));
    }

    function test_GivenThereIsNoEscrow() public {
        Query memory asked = query();
        asked.escrow = address(weth);
        Reading memory reading = read(asked);
        assertEq(reading.codeHash, keccak256(address(weth).code));
        assertEq(reading.originalTerms, "");
        assertEq(reading.rescue, "");
        assertEq(reading.account.positions, "");

        asked.escrow = stranger;
        assertEq(read(asked).originalTerms, "");
    }

    function test_GivenAnAnswerThatIsNonsense() public {
        // PUSH1 0x20, PUSH0, RETURN: a word of zeros to every question.
        vm.etch(stranger, hex"60205ff3");
        Query memory asked = query();
        asked.escrow = stranger;
        assertEq(run(asked), address(0), "it reverts");
    }

    function test_TheLargestReadingFits() public {
        Terms memory terms = defaultTerms();
        terms.tiers = new Tier[](8);
        for (uint8 i; i < 8; ++i) {
            terms.tiers[i] = Tier({ thresholdBps: 10_000, drawOrder: i, rateBps: i });
        }
        escrow = deploy(terms);
        createPools();
        for (uint8 id; id < 8 * ASSETS; ++id) {
            pledge(alice, id / uint8(ASSETS), Asset(id % ASSETS), 1 ether);
        }
        bytes memory code = creationCode(fullQuery());
        assertLe(code.length, 49_152, "EIP-3860");
        uint256 gas = gasleft();
        bytes memory answer = run(fullQuery()).code;
        assertLe(gas - gasleft(), 10_000_000, "nodes give a call no more than a transaction");
        assertLe(answer.length, 24_576, "EIP-170");
        assertNotEq(answer[0], bytes1(0xEF), "EIP-3541");
        assertEq(read(fullQuery()).account.shares.length, 24);
    }

    // ---------------------------------------------------------------- the lens

    /// @dev Without pools.
    function query() private view returns (Query memory asked) {
        asked.escrow = address(escrow);
        asked.account = alice;
        asked.router = router;
        asked.weth = address(weth);
    }

    function fullQuery() private view returns (Query memory asked) {
        asked = query();
        (asked.recoveryPool, asked.bonusPool) = (address(recovery), address(bonus));
    }

    function creationCode(Query memory asked) private view returns (bytes memory) {
        return bytes.concat(vm.getCode("RescueLens.sol:RescueLens"), abi.encode(asked));
    }

    /// @dev The account whose code is what the lens returned; zero if it reverted.
    function run(Query memory asked) private returns (address answer) {
        bytes memory code = creationCode(asked);
        assembly ("memory-safe") {
            answer := create(0, add(code, 0x20), mload(code))
        }
    }

    function read(Query memory asked) private returns (Reading memory reading) {
        bytes32 magic;
        (magic, reading) = abi.decode(run(asked).code, (bytes32, Reading));
        assertEq(magic, READING);
    }

    // ---------------------------------------------------------------- what is to be read

    function createPools() private {
        recovery = IRecoveryPool(deployCode("RecoveryPool.sol:RecoveryPool", abi.encode(escrow)));
        bonus = IBonusPool(deployCode("BonusPool.sol:BonusPool", abi.encode(escrow)));
    }

    function fundBonus(uint256 amount) private {
        vm.deal(stranger, amount);
        vm.prank(stranger);
        bonus.add{ value: amount }(stranger);
    }

    /// @dev Something of everything for alice.
    function hold() private {
        vm.deal(alice, 11);
        fund(alice, Asset.StETH, 10 ether);
        fund(alice, Asset.WstETH, 5 ether);
        vm.deal(address(this), 9);
        weth.deposit{ value: 9 }();
        weth.transfer(alice, 9);
        vm.startPrank(alice);
        stETH.approve(address(escrow), 1);
        stETH.approve(router, 2);
        wstETH.approve(address(escrow), 3);
        wstETH.approve(router, 4);
        weth.approve(address(escrow), 5);
        weth.approve(router, 6);
        vm.stopPrank();
    }

    function releaseAll() private {
        for (uint8 i; i < ASSETS; ++i) {
            escrow.release(Asset(i));
        }
    }

    function answerOf(address target, bytes memory call) private view returns (bytes memory answer) {
        (, answer) = target.staticcall(call);
    }

    function assertToken(TokenReading memory token, uint256 balance, uint256 ofEscrow, uint256 ofRouter) private pure {
        assertEq(token.balance, abi.encode(balance));
        assertEq(token.escrowAllowance, abi.encode(ofEscrow));
        assertEq(token.routerAllowance, abi.encode(ofRouter));
    }

    function assertEmpty(PoolShares memory shares) private pure {
        PoolShares memory none;
        assertEq(abi.encode(shares), abi.encode(none));
    }
}
