// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { Destination, IPledgeRouter } from "levee/interfaces/IPledgeRouter.sol";
import { Asset, Shares, Wei, WstETHUnits } from "levee/types/Units.sol";

import { HostileEscrow, Move, WrappingEscrow } from "./HostileEscrow.sol";
import { RouterTest } from "./RouterTest.sol";

/// The router, given that the escrow is whatever its caller names. The rate is 1.2 wei a share throughout.
/// ├── when it takes nothing, or less: it reverts with {NotTaken}
/// ├── when it takes the shares in several goes
/// │   ├── so that some of the allowance is left: it reverts with {NotTaken}
/// │   └── so that it gets some of the strays: it reverts with {NotTaken}
/// ├── when it gives some of it back, as what it was or as WETH: it reverts with {NotTaken}; as ETH: with {NotWETH}
/// ├── when it pledges to itself meanwhile, which replaces its allowance: it reverts with {NotTaken}
/// ├── when it takes all, and the bonus pool gives some of it back: it reverts with {NotTaken}
/// ├── when the bonus pool wants what is stray, or what others allowed: it cannot
/// ├── when it takes all, and then pledges something of its own: it goes through
/// ├── when it wants to pledge what others allowed the router to take, or what is stray: it cannot
/// └── whatever two of them do together, what goes through leaves the router and everybody else as they were
contract RouterHostileTest is RouterTest {
    uint256 private constant PURSE = 10_000;

    HostileEscrow private first;
    HostileEscrow private second;

    function setUp() public override {
        super.setUp();
        first = new HostileEscrow();
        second = new HostileEscrow();
        address[4] memory accounts = [alice, bob, address(first), address(second)];
        for (uint256 i; i < accounts.length; ++i) {
            fundWETH(accounts[i], PURSE);
            fund(accounts[i], Asset.StETH, PURSE);
            fund(accounts[i], Asset.WstETH, PURSE);
            vm.startPrank(accounts[i]);
            weth.approve(address(router), type(uint256).max);
            stETH.approve(address(router), type(uint256).max);
            wstETH.approve(address(router), type(uint256).max);
            vm.stopPrank();
        }
    }

    // ---------------------------------------------------------------- what it takes

    function test_RevertWhen_NothingIsTaken() public {
        expectNotTaken(Asset.StETH);
        pledgeByAlice(Asset.StETH, 100);
        expectNotTaken(Asset.WstETH);
        pledgeByAlice(Asset.WstETH, 100);
    }

    function test_RevertWhen_LessIsTaken() public {
        plan(first, take(Asset.StETH, 99));
        expectNotTaken(Asset.StETH);
        pledgeByAlice(Asset.StETH, 100);
        first = new HostileEscrow();
        plan(first, take(Asset.WstETH, 99));
        expectNotTaken(Asset.WstETH);
        pledgeByAlice(Asset.WstETH, 100);
    }

    function test_RevertWhen_AllowanceIsLeft() public {
        // 100 shares are worth 120 wei, 51 and 49 of them 61 and 58.
        plan(first, take(Asset.StETH, 51), take(Asset.StETH, 49));
        expectNotTaken(Asset.StETH);
        pledgeByAlice(Asset.StETH, 100);
    }

    function test_RevertWhen_StraysAreTaken() public {
        // 4 shares are worth 4 wei, 29 and 72 of them 34 and 86: for 120 wei there are 101.
        plan(first, take(Asset.StETH, 29), take(Asset.StETH, 72));
        expectNotTaken(Asset.StETH);
        pledgeByAlice(Asset.StETH, 100);
        assertEq(stETH.sharesOf(address(router)), STRAY);
    }

    function test_RevertWhen_StraysAreOfferedAsThePledge() public {
        // One more than allowed is refused by the token.
        plan(first, take(Asset.WstETH, 101));
        vm.expectRevert("ERC20: transfer amount exceeds allowance");
        pledgeByAlice(Asset.WstETH, 100);
        first = new HostileEscrow();
        plan(first, take(Asset.StETH, 101));
        vm.expectRevert("ALLOWANCE_EXCEEDED");
        pledgeByAlice(Asset.StETH, 100);
    }

    function test_RevertWhen_SomeIsGivenBack() public {
        plan(first, take(Asset.StETH, 100), giveBack(Asset.StETH, 1));
        expectNotTaken(Asset.StETH);
        pledgeByAlice(Asset.StETH, 100);
        first = new HostileEscrow();
        plan(first, take(Asset.WstETH, 100), giveBack(Asset.WstETH, 1));
        expectNotTaken(Asset.WstETH);
        pledgeByAlice(Asset.WstETH, 100);
    }

    function test_RevertWhen_EtherIsGivenBack() public {
        first = HostileEscrow(payable(address(new WrappingEscrow(address(weth)))));
        expectNotTaken(Asset.ETH);
        pledgeByAlice(Asset.ETH, 100);
        assertEq(weth.balanceOf(alice), PURSE);

        first = HostileEscrow(payable(address(new EtherReturner())));
        vm.expectRevert(abi.encodeWithSelector(IPledgeRouter.NotWETH.selector, first));
        pledgeByAlice(Asset.ETH, 100);
    }

    // ---------------------------------------------------------------- what the bonus pool does

    function test_RevertWhen_TheBonusPoolGivesSomeBack() public {
        for (uint256 i = 1; i < 3; ++i) {
            Asset asset = Asset(i);
            (first, second) = (fundedEscrow(), fundedEscrow());
            bonusPool = IBonusPool(address(second));
            plan(first, take(asset, 100));
            plan(second, giveBack(asset, 1));
            expectNotTaken(asset);
            pledgeByAlice(asset, 100);
        }
    }

    /// @dev The escrow is the true one: when the pool is called, nothing of the pledge and no allowance is left.
    function test_RevertWhen_TheBonusPoolTakes() public {
        bonusPool = IBonusPool(address(second));
        first = HostileEscrow(payable(address(escrow)));
        plan(second, takeFor(second, Asset.WstETH, 1));
        vm.expectRevert("ERC20: transfer amount exceeds allowance");
        pledgeByAlice(Asset.WstETH, 100);
        second = fundedEscrow();
        bonusPool = IBonusPool(address(second));
        plan(second, takeFor(second, Asset.StETH, 1));
        vm.expectRevert("ALLOWANCE_EXCEEDED");
        pledgeByAlice(Asset.StETH, 100);
        assertEq(stETH.sharesOf(address(router)), STRAY);
    }

    // ---------------------------------------------------------------- when it calls back

    function test_RevertWhen_AllowanceIsReplaced() public {
        for (uint256 i = 1; i < 3; ++i) {
            Asset asset = Asset(i);
            first = fundedEscrow();
            plan(first, pledgeTo(first, asset, 1));
            plan(first, take(asset, 1));
            expectNotTaken(asset);
            pledgeByAlice(asset, 100);
        }
    }

    function test_PledgesOfItsOwn() public {
        for (uint256 i = 1; i < 3; ++i) {
            Asset asset = Asset(i);
            first = fundedEscrow();
            plan(first, take(asset, 100), pledgeTo(first, asset, 1));
            plan(first, take(asset, 1));
            pledgeByAlice(asset, 100);
            assertEq(first.begun(), 2);
            assertEq(balanceOf(address(first), asset), PURSE + 100);
            assertEq(balanceOf(alice, asset), PURSE - 100);
            assertRouterKeepsNothing();
            assertNoAllowance(address(first));
        }
    }

    function test_ReentersWithEther() public {
        Move memory again = Move(
            address(router),
            abi.encodeCall(IPledgeRouter.pledgeWETH, (destination(address(first), bob, 0), Wei.wrap(1))),
            false
        );
        plan(first, again);
        pledgeByAlice(Asset.ETH, 100);
        assertEq(address(first).balance, 101);
        assertEq(weth.balanceOf(alice), PURSE - 100);
        assertEq(weth.balanceOf(address(first)), PURSE - 1);
        assertEq(weth.balanceOf(bob), PURSE);
        assertRouterKeepsNothing();
    }

    function test_OthersAllowancesAndStrays_AreOutOfReach() public {
        first = new HostileEscrow();
        // It has allowed the router nothing, and names bob as pledger; the token says what is missing.
        plan(first, take(Asset.WstETH, 100), pledgeTo(first, Asset.WstETH, 1));
        vm.expectRevert("ERC20: transfer amount exceeds allowance");
        pledgeByAlice(Asset.WstETH, 100);

        first = new HostileEscrow();
        plan(first, take(Asset.StETH, 100), pledgeTo(first, Asset.StETH, 1));
        vm.expectRevert("ALLOWANCE_EXCEEDED");
        pledgeByAlice(Asset.StETH, 100);
    }

    /// @dev Each byte of `moves` is one move of one of the two. None but taking all must succeed, so that the outer
    /// call often does.
    function testFuzz_WhateverTheyDo(uint8 asset_, uint256 amount, uint8[12] memory moves) public {
        Asset asset = Asset(bound(asset_, 1, 2));
        amount = bound(amount, 1, 5);
        for (uint256 i; i < moves.length; i += 3) {
            HostileEscrow actor = moves[i] & 1 == 0 ? first : second;
            Move[] memory act = new Move[](3);
            for (uint256 j; j < 3; ++j) {
                act[j] = moveOf(moves[i + j], actor, asset, amount);
            }
            actor.plan(act);
        }
        vm.prank(alice);
        bool through = pledgeRaw(address(first), asset, amount);

        assertEq(balanceOf(bob, asset), PURSE);
        assertEq(balanceOf(alice, asset), through ? PURSE - amount : PURSE);
        assertEq(
            balanceOf(address(first), asset) + balanceOf(address(second), asset), 2 * PURSE + (through ? amount : 0)
        );
        assertRouterKeepsNothing();
        assertNoAllowance(address(first));
        assertNoAllowance(address(second));
    }

    // ---------------------------------------------------------------- helpers

    function expectNotTaken(Asset asset) private {
        vm.expectRevert(abi.encodeWithSelector(IPledgeRouter.NotTaken.selector, first, asset));
    }

    function pledgeByAlice(Asset asset, uint256 amount) private {
        vm.prank(alice);
        if (asset == Asset.ETH) router.pledgeWETH(toFirst(), Wei.wrap(amount));
        else if (asset == Asset.StETH) router.pledgeStETH(toFirst(), Shares.wrap(amount));
        else router.pledgeWstETH(toFirst(), WstETHUnits.wrap(amount));
    }

    function toFirst() private view returns (Destination memory) {
        return destination(address(first), alice, GRANT);
    }

    function pledgeRaw(address to, Asset asset, uint256 amount) private returns (bool through) {
        (through,) = address(router).call(pledgeCall(to, asset, amount));
    }

    /// @dev A call of the router for a token; the pledger is bob.
    function pledgeCall(address to, Asset asset, uint256 amount) private view returns (bytes memory) {
        return asset == Asset.StETH
            ? abi.encodeCall(IPledgeRouter.pledgeStETH, (destination(to, bob, GRANT), Shares.wrap(amount)))
            : abi.encodeCall(IPledgeRouter.pledgeWstETH, (destination(to, bob, GRANT), WstETHUnits.wrap(amount)));
    }

    function fundedEscrow() private returns (HostileEscrow hostile) {
        hostile = new HostileEscrow();
        fund(address(hostile), Asset.StETH, PURSE);
        fund(address(hostile), Asset.WstETH, PURSE);
        vm.startPrank(address(hostile));
        stETH.approve(address(router), type(uint256).max);
        wstETH.approve(address(router), type(uint256).max);
        vm.stopPrank();
    }

    function plan(HostileEscrow hostile, Move memory move) private {
        Move[] memory moves = new Move[](1);
        moves[0] = move;
        hostile.plan(moves);
    }

    function plan(HostileEscrow hostile, Move memory move, Move memory next) private {
        Move[] memory moves = new Move[](2);
        (moves[0], moves[1]) = (move, next);
        hostile.plan(moves);
    }

    // ---------------------------------------------------------------- moves

    /// @dev Takes tokens out of the router, for `first`.
    function take(Asset asset, uint256 amount) private view returns (Move memory) {
        return takeFor(first, asset, amount);
    }

    function takeFor(HostileEscrow actor, Asset asset, uint256 amount) private view returns (Move memory) {
        return asset == Asset.StETH
            ? Move(
                address(stETH),
                abi.encodeCall(stETH.transferSharesFrom, (address(router), address(actor), amount)),
                false
            )
            : Move(
                address(wstETH), abi.encodeCall(IERC20.transferFrom, (address(router), address(actor), amount)), false
            );
    }

    function giveBack(Asset asset, uint256 amount) private view returns (Move memory) {
        return asset == Asset.StETH
            ? Move(address(stETH), abi.encodeCall(stETH.transferShares, (address(router), amount)), false)
            : Move(address(wstETH), abi.encodeCall(IERC20.transfer, (address(router), amount)), false);
    }

    function pledgeTo(HostileEscrow to, Asset asset, uint256 amount) private view returns (Move memory) {
        return Move(address(router), pledgeCall(address(to), asset, amount), false);
    }

    /// @dev What a byte means.
    function moveOf(uint8 choice, HostileEscrow actor, Asset asset, uint256 amount)
        private
        view
        returns (Move memory move)
    {
        uint256 some = bound(choice >> 4, 1, 5);
        uint256 kind = (choice >> 1) % 8;
        if (kind == 0) move = pledgeTo(first, asset, some);
        else if (kind == 1) move = pledgeTo(second, asset, some);
        else if (kind == 2) move = giveBack(asset, some);
        else if (kind < 5) move = takeFor(actor, asset, some);
        else move = takeFor(actor, asset, amount);
        move.mayFail = true;
    }
}

/// @notice Sends back the ETH that was pledged.
contract EtherReturner {
    fallback() external payable {
        (bool success, bytes memory reason) = msg.sender.call{ value: msg.value }("");
        if (success) return;
        assembly ("memory-safe") {
            revert(add(reason, 0x20), mload(reason))
        }
    }
}
