// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import { IDebtRepayer } from "levee/interfaces/IDebtRepayer.sol";
import { Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { IAavePool } from "levee/interfaces/external/IAavePool.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { AaveMarket } from "../../aave/AaveMarket.sol";
import { IPoolUser, IToken } from "../../aave/IAave.sol";
import { EscrowTest } from "../../util/EscrowTest.sol";
import { ForceEther, Refuser } from "../../util/Receivers.sol";

/// @notice A pool in which the debtor owes 10 WETH, whatever it takes. Told how, it takes less, fails, sends WETH, or has
/// the debt repaid once more before it takes.
contract HostilePool {
    IToken private immutable WETH;
    uint256 private takes = 10 ether;
    uint256 private gives;
    bool private callsBack;
    bytes private failure;

    constructor(IToken weth) {
        WETH = weth;
    }

    function take(uint256 amount) external {
        takes = amount;
    }

    function give(uint256 amount) external {
        gives = amount;
    }

    function callBack() external {
        callsBack = true;
    }

    function fail(bytes calldata reason) external {
        failure = reason;
    }

    function repay(address, uint256 amount, uint256, address) external returns (uint256) {
        bytes memory reason = failure;
        if (reason.length != 0) {
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
        if (callsBack) {
            callsBack = false;
            IDebtRepayer(payable(msg.sender)).repay();
        }
        if (takes < amount) amount = takes;
        if (gives != 0) WETH.transfer(msg.sender, gives);
        IPull(address(WETH)).transferFrom(msg.sender, address(this), amount);
        return amount;
    }

    function getReserveData(address) external view returns (IAavePool.ReserveData memory data) {
        data.variableDebtToken = address(this);
    }

    function balanceOf(address) external pure returns (uint256) {
        return 10 ether;
    }
}

interface IPull {
    function transferFrom(address owner, address recipient, uint256 amount) external returns (bool);
}

/// @notice A token that has the debt repaid while it is forwarded.
contract MeddlingToken {
    function balanceOf(address) external pure returns (uint256) {
        return 1;
    }

    function transfer(address, uint256) external returns (bool) {
        IDebtRepayer(payable(msg.sender)).repay();
        return true;
    }
}

/// @notice On the bytecode of Aave v3.0.2. The debtor owes 700 WETH of 10,000 at the variable rate, against 1,000 USD.
///
/// constructor
/// ├── it records the pool, WETH, debtor and rest
/// ├── when the debtor or the rest is zero or the repayer
/// │   └── it reverts with {InvalidAccount}
/// └── when the pool does not lend the asset
///     └── it reverts with {UnknownReserve}
/// repay
/// ├── it repays the least of balance and debt, sends the rest to rest, leaves no balance and no allowance
/// ├── given ETH, WETH, or ETH forced in
/// │   └── it counts all of it
/// ├── given interest has accrued
/// │   └── it repays it too, to the wei
/// ├── given no debt, or debt at the stable rate alone
/// │   └── everything goes to rest, even if the pool is paused
/// ├── given a rest that refuses ETH
/// │   └── it gets WETH
/// ├── given the reserve is frozen, or the debtor under water
/// │   └── it repays; but the debtor may withdraw its collateral after it, or borrow again
/// ├── given the pool takes less than is offered, or sends WETH meanwhile
/// │   └── what it did not take stays for the next call, what was above the debt goes to rest, no allowance is left
/// ├── given the reserve or the pool is paused, the amount is too small for the pool's books, or the pool takes nothing
/// │   ├── given something is above the debt
/// │   │   └── that goes to rest, and what was offered stays for the next call
/// │   └── given nothing is
/// │       └── it reverts with {NothingTaken}, and the first 256 bytes of the pool's error; it goes through later
/// ├── given the pool calls back
/// │   └── nothing of what is for the debt goes to rest
/// ├── given the pool tells no debt
/// │   └── it reverts
/// └── when nothing is here
///     └── it reverts with {NothingHeld}
/// forward
/// ├── it sends all of the token to rest
/// ├── given a token that calls back
/// │   └── the repayment that it asks for happens
/// ├── when the token is WETH
/// │   └── it reverts with {OnlyForDebt}
/// ├── when there is none of it
/// │   └── it reverts with {NothingHeld}
/// └── when the token refuses
///     └── it reverts with its error, or {SafeERC20FailedOperation}
contract DebtRepayerTest is EscrowTest {
    /// @dev What the pool answers, by its numbers.
    bytes private constant INVALID_BURN_AMOUNT = "25";
    bytes private constant RESERVE_PAUSED = "29";

    uint256 private constant VARIABLE = 2;
    uint256 private constant LENT = 10_000 ether;
    uint256 private constant OWED = 700 ether;

    address private immutable lender = makeAddr("lender");
    address private immutable debtor = makeAddr("debtor");
    address private immutable rest = makeAddr("rest");

    AaveMarket private market;
    IPoolUser private pool;
    IToken private weth;
    IToken private usd;
    IDebtRepayer private repayer;

    function setUp() public override {
        super.setUp();
        market = new AaveMarket();
        pool = IPoolUser(market.pool());
        weth = market.weth();
        usd = market.usd();
        supplyWETH(lender, LENT);
        borrow(debtor, OWED, 1000 ether);
        repayer = deployRepayer(address(pool), address(weth), debtor, rest);
    }

    // ---------------------------------------------------------------- constructor

    function test_Constructor() public view {
        assertEq(repayer.pool(), address(pool));
        assertEq(repayer.weth(), address(weth));
        assertEq(repayer.debtor(), debtor);
        assertEq(repayer.rest(), rest);
        assertEq(repayer.debt(), OWED);
    }

    function test_RevertWhen_AccountInvalid() public {
        expectInvalid(address(0));
        deployRepayer(address(pool), address(weth), address(0), rest);
        expectInvalid(address(0));
        deployRepayer(address(pool), address(weth), debtor, address(0));
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        expectInvalid(next);
        deployRepayer(address(pool), address(weth), next, rest);
        next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        expectInvalid(next);
        deployRepayer(address(pool), address(weth), debtor, next);
    }

    function test_RevertWhen_ReserveUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IDebtRepayer.UnknownReserve.selector, address(pool), address(stETH)));
        deployRepayer(address(pool), address(stETH), debtor, rest);
        vm.expectRevert();
        deployRepayer(stranger, address(weth), debtor, rest);
    }

    // ---------------------------------------------------------------- repay

    function test_Repay_LessThanTheDebt() public {
        give(300 ether);
        uint256 before = poolWETH();
        repay({ debt: OWED, repaid: 300 ether, above: 0 });
        assertEq(repayer.debt(), 400 ether);
        assertEq(poolWETH() - before, 300 ether);
    }

    function test_Repay_TheDebt() public {
        give(OWED);
        repay({ debt: OWED, repaid: OWED, above: 0 });
        assertEq(repayer.debt(), 0);
    }

    function test_Repay_MoreThanTheDebt() public {
        give(OWED + 1);
        repay({ debt: OWED, repaid: OWED, above: 1 });
        assertEq(repayer.debt(), 0);

        give(50 ether);
        repay({ debt: 0, repaid: 0, above: 50 ether });
    }

    function test_Repay_OneWei() public {
        give(1);
        repay({ debt: OWED, repaid: 1, above: 0 });
        assertEq(repayer.debt(), OWED - 1);
    }

    function test_Repay_WETHAndForcedEther() public {
        give(100 ether);
        wrapFor(stranger, 20 ether);
        vm.prank(stranger);
        weth.transfer(address(repayer), 20 ether);
        vm.deal(address(this), 3 ether);
        new ForceEther{ value: 3 ether }(payable(address(repayer)));
        repay({ debt: OWED, repaid: 123 ether, above: 0 });
    }

    /// @dev 7 % of the WETH is lent: 0.3325 % a year, compounded. Aave rounds what is left up by 1 wei.
    function test_Repay_WithInterest() public {
        vm.warp(START + 365 days);
        give(OWED);
        repay({ debt: 702_331_369_468_443_363_790, repaid: OWED, above: 0 });
        assertEq(repayer.debt(), 2_331_369_468_443_363_791);

        vm.warp(START + 730 days);
        uint256 owed = Wei.unwrap(repayer.debt());
        assertGt(owed, 2_331_369_468_443_363_791);
        give(owed + 5);
        repay({ debt: owed, repaid: owed, above: 5 });
        assertEq(repayer.debt(), 0);
    }

    /// @dev Whatever was owed, given and waited: all leaves, the debt falls by what was repaid (to the wei or two that
    /// Aave rounds), and rest gets exactly what is above it.
    function testFuzz_Repay(uint256 amount, uint256 time, uint256 secondAmount) public {
        amount = bound(amount, 1, 1000 ether);
        secondAmount = bound(secondAmount, 10, 1000 ether);
        vm.warp(START + bound(time, 0, 3650 days));
        uint256 owed = Wei.unwrap(repayer.debt());
        give(amount);
        repayer.repay();
        uint256 repaid = amount < owed ? amount : owed;
        assertEq(weth.balanceOf(rest), amount - repaid);
        assertApproxEqAbs(Wei.unwrap(repayer.debt()), owed - repaid, 1);
        assertNothingStays();

        vm.warp(vm.getBlockTimestamp() + bound(time, 0, 30 days));
        owed = Wei.unwrap(repayer.debt());
        give(secondAmount);
        repayer.repay();
        uint256 repaidNow = secondAmount < owed ? secondAmount : owed;
        assertEq(weth.balanceOf(rest), amount - repaid + secondAmount - repaidNow);
        assertApproxEqAbs(Wei.unwrap(repayer.debt()), owed - repaidNow, 1);
        assertNothingStays();
    }

    function test_Repay_ARestThatRefusesEther() public {
        address refuser = address(new Refuser());
        repayer = deployRepayer(address(pool), address(weth), debtor, refuser);
        give(OWED + 8);
        repayer.repay();
        assertEq(weth.balanceOf(refuser), 8);
        assertEq(repayer.debt(), 0);
    }

    function test_Repay_FrozenAndUnderWater() public {
        market.freeze(weth);
        market.setPrice(usd, 0.1 ether);
        (,,,,, uint256 healthFactor) = pool.getUserAccountData(debtor);
        assertLt(healthFactor, 1 ether);
        give(650 ether);
        repay({ debt: OWED, repaid: 650 ether, above: 0 });
        (,,,,, healthFactor) = pool.getUserAccountData(debtor);
        assertEq(healthFactor, 1.7 ether);
    }

    /// @dev A documented limit: under water when it is repaid, it is not any more then, and what was repaid is out again.
    function test_Repay_ADebtorUnderWaterBorrowsAgain() public {
        market.setPrice(usd, 0.8 ether);
        (,,,,, uint256 healthFactor) = pool.getUserAccountData(debtor);
        assertLt(healthFactor, 1 ether);
        expectCannotBorrow(1);
        give(300 ether);
        repay({ debt: OWED, repaid: 300 ether, above: 0 });
        // 80 % of 800 ETH, less the 400 that are owed.
        vm.prank(debtor);
        pool.borrow(address(weth), 240 ether, VARIABLE, 0, debtor);
        assertEq(weth.balanceOf(debtor), OWED + 240 ether);
        assertEq(repayer.debt(), 640 ether);
    }

    /// @dev A documented limit: though both markets are frozen, so that nobody can borrow, collateral comes out as debt falls.
    function test_Repay_ADebtorInAFrozenMarketWithdraws() public {
        market.freeze(weth);
        market.freeze(usd);
        expectCannotBorrow(1);
        // 85 % of the collateral must stay above 700.
        expectCannotWithdraw(200 ether);
        give(300 ether);
        repay({ debt: OWED, repaid: 300 ether, above: 0 });
        // 85 % of 471 is still above the 400 that are owed.
        vm.prank(debtor);
        pool.withdraw(address(usd), 529 ether, debtor);
        assertEq(usd.balanceOf(debtor), 529 ether);
    }

    /// @dev What makes a debtor safe: its collateral is worth nothing. Nothing comes out again, however much is repaid of
    /// its debt.
    function test_Repay_ADebtorWithWorthlessCollateral() public {
        market.setPrice(usd, 0);
        give(300 ether);
        repay({ debt: OWED, repaid: 300 ether, above: 0 });
        expectCannotBorrow(1);
        expectCannotWithdraw(1);
    }

    function test_Repay_PausedReserve() public {
        give(OWED);
        market.pauseWETH(true);
        expectNothingTaken(OWED, OWED, failureOf(RESERVE_PAUSED));
        repayer.repay();
        assertEq(address(repayer).balance, OWED);
        market.pauseWETH(false);
        repay({ debt: OWED, repaid: OWED, above: 0 });
    }

    /// @dev A pause holds nothing of what is above the debt.
    function test_Repay_PausedPool() public {
        give(OWED + 30);
        market.pausePool(true);
        repayHeld({ debt: OWED, repaid: 0, above: 30, left: OWED });
        expectNothingTaken(OWED, OWED, failureOf(RESERVE_PAUSED));
        repayer.repay();
        market.pausePool(false);
        repay({ debt: OWED, repaid: OWED, above: 0 });

        market.pausePool(true);
        give(40);
        repay({ debt: 0, repaid: 0, above: 40 });
    }

    /// @dev A documented limit: only debt at the variable rate is repaid.
    function test_Repay_DebtAtTheStableRateIsNotOwed() public {
        vm.prank(debtor);
        pool.swapBorrowRateMode(address(weth), VARIABLE);
        give(100 ether);
        repay({ debt: 0, repaid: 0, above: 100 ether });
    }

    /// @dev A documented limit: once the index of the debt is 2, 1 wei is none of its units.
    function test_Repay_TooSmallForThePoolsBooks() public {
        borrow(stranger, 8500 ether, 11_000 ether);
        vm.warp(START + 1095 days);
        assertGt(pool.getReserveNormalizedVariableDebt(address(weth)), 2e27);
        give(1);
        expectNothingTaken(Wei.unwrap(repayer.debt()), 1, failureOf(INVALID_BURN_AMOUNT));
        repayer.repay();
        assertEq(address(repayer).balance, 1);
        give(2);
        repay({ debt: Wei.unwrap(repayer.debt()), repaid: 3, above: 0 });
    }

    /// @dev One wei less, as by rounding, or 4 of 10 ETH.
    function test_Repay_ThePoolTakesLess() public {
        HostilePool hostile = deployHostile();
        hostile.take(10 ether - 1);
        give(500 ether);
        repayHeld({ debt: 10 ether, repaid: 10 ether - 1, above: 490 ether, left: 1 });
        hostile.take(4 ether);
        give(9 ether);
        repayHeld({ debt: 10 ether, repaid: 4 ether, above: 0, left: 5 ether + 1 });
        hostile.take(10 ether);
        repayHeld({ debt: 10 ether, repaid: 5 ether + 1, above: 0, left: 0 });
    }

    /// @dev It says that it took all: WETH is asked, not the pool.
    function test_Repay_ThePoolTakesNothing() public {
        give(1000 ether);
        vm.mockCall(address(pool), abi.encodeWithSelector(IAavePool.repay.selector), abi.encode(OWED));
        repayHeld({ debt: OWED, repaid: 0, above: 300 ether, left: OWED });
        expectNothingTaken(OWED, OWED, "");
        repayer.repay();
        assertEq(weth.balanceOf(address(repayer)), OWED);
        vm.clearMockedCalls();
        repay({ debt: OWED, repaid: OWED, above: 0 });
    }

    function test_RevertWhen_ThePoolFails_WithALongError() public {
        HostilePool hostile = deployHostile();
        bytes memory first = new bytes(256);
        first[255] = 0x2a;
        hostile.fail(bytes.concat(first, hex"2b"));
        give(10 ether);
        expectNothingTaken(10 ether, 10 ether, first);
        repayer.repay();
    }

    /// @dev It takes 4 and sends 6: the balance is higher than before, and nothing counts as repaid.
    function test_Repay_ThePoolSendsWETH() public {
        HostilePool hostile = deployHostile();
        wrapFor(address(hostile), 6 ether);
        hostile.take(4 ether);
        hostile.give(6 ether);
        give(10 ether + 1);
        repayHeld({ debt: 10 ether, repaid: 0, above: 1, left: 12 ether });
    }

    /// @dev Of 20 ETH 10 are above the debt. The inner call takes 10; the outer one finds nothing to take, and fails, so that
    /// the inner one is undone: what is for the debt stays.
    function test_Repay_ThePoolCallsBack() public {
        HostilePool hostile = deployHostile();
        hostile.callBack();
        give(20 ether);
        repayHeld({ debt: 10 ether, repaid: 0, above: 10 ether, left: 10 ether });
        assertEq(weth.balanceOf(address(hostile)), 0);
    }

    /// @dev It takes half in each: both are seen by the outer call, and all that is above the debt went to rest, once.
    function test_Repay_ThePoolCallsBackAndTakesLess() public {
        HostilePool hostile = deployHostile();
        hostile.callBack();
        hostile.take(3 ether);
        give(20 ether);
        repayer.repay();
        assertEq(weth.balanceOf(rest), 10 ether);
        assertEq(weth.balanceOf(address(hostile)) + weth.balanceOf(address(repayer)), 10 ether);
    }

    function test_RevertWhen_ThePoolTellsNoDebt() public {
        give(OWED + 1);
        vm.mockCallRevert(address(pool), abi.encodeWithSelector(IAavePool.getReserveData.selector), "gone");
        vm.expectRevert(bytes("gone"));
        repayer.repay();
        assertEq(address(repayer).balance, OWED + 1);
    }

    function test_RevertWhen_NothingIsHere() public {
        expectNothingHeld(address(weth));
        repayer.repay();
    }

    // ---------------------------------------------------------------- forward

    function test_Forward() public {
        usd.mint(address(repayer), 70);
        vm.expectEmit(address(repayer));
        emit IDebtRepayer.Forwarded(address(usd), 70);
        vm.prank(stranger);
        repayer.forward(address(usd));
        assertEq(usd.balanceOf(rest), 70);
        expectNothingHeld(address(usd));
        repayer.forward(address(usd));
    }

    function test_Forward_ATokenThatCallsBack() public {
        give(OWED + 9);
        repayer.forward(address(new MeddlingToken()));
        assertEq(repayer.debt(), 0);
        assertEq(weth.balanceOf(rest), 9);
        assertNothingStays();
    }

    function test_RevertWhen_ForwardOfWETH() public {
        wrapFor(stranger, 5);
        vm.prank(stranger);
        weth.transfer(address(repayer), 5);
        vm.expectRevert(abi.encodeWithSelector(IDebtRepayer.OnlyForDebt.selector, address(weth)));
        repayer.forward(address(weth));
    }

    function test_RevertWhen_TheTokenRefuses() public {
        stETH.transferShares(address(repayer), 10);
        stETH.stop();
        vm.expectRevert("CONTRACT_IS_STOPPED");
        repayer.forward(address(stETH));

        usd.mint(address(repayer), 1);
        vm.mockCall(address(usd), abi.encodeWithSelector(IToken.transfer.selector), abi.encode(false));
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(usd)));
        repayer.forward(address(usd));
        // No token at all.
        vm.expectRevert();
        repayer.forward(stranger);
    }

    // ---------------------------------------------------------------- as a beneficiary

    /// @dev A rescue of 1,000 ETH delivered in four tranches: 400 ETH in all for the debt, which grows meanwhile, and what
    /// came in stETH and wstETH for rest.
    function test_Beneficiary_EndToEnd() public {
        Terms memory terms = defaultTerms();
        terms.beneficiary = address(repayer);
        escrow = deploy(terms);
        pledgeFull();
        settleLate();
        vm.warp(trancheAt(SETTLED_AT, 1));
        escrow.release(Asset.ETH);
        uint256 owed = Wei.unwrap(repayer.debt());
        repay({ debt: owed, repaid: 100 ether, above: 0 });

        vm.warp(trancheAt(SETTLED_AT, 4));
        escrow.release(Asset.ETH);
        escrow.release(Asset.StETH);
        escrow.release(Asset.WstETH);
        assertStatus(Status.Released);
        assertGt(Wei.unwrap(repayer.debt()), owed - 100 ether);
        owed = Wei.unwrap(repayer.debt());
        repay({ debt: owed, repaid: 300 ether, above: 0 });
        assertApproxEqAbs(Wei.unwrap(repayer.debt()), owed - 300 ether, 1);

        repayer.forward(address(stETH));
        repayer.forward(address(wstETH));
        assertEq(stETH.sharesOf(rest), 250 ether);
        assertEq(wstETH.balanceOf(rest), 250 ether);
        assertNothingStays();
    }

    /// @dev stETH moves by rounded shares: one may stay, worth 1 wei, and comes along with the next.
    function test_Forward_LeavesAtMostOneShare() public {
        stETH.transferShares(address(repayer), 7);
        repayer.forward(address(stETH));
        assertEq(stETH.sharesOf(rest), 6);
        assertEq(stETH.sharesOf(address(repayer)), 1);
        stETH.transferShares(address(repayer), 9);
        repayer.forward(address(stETH));
        assertEq(stETH.sharesOf(rest), 16);
    }

    // ---------------------------------------------------------------- helpers

    function deployRepayer(address pool_, address weth_, address debtor_, address rest_)
        private
        returns (IDebtRepayer)
    {
        bytes memory arguments = abi.encode(pool_, weth_, debtor_, rest_);
        return IDebtRepayer(payable(deployCode("DebtRepayer.sol:DebtRepayer", arguments)));
    }

    /// @dev Sends ETH to the repayer, as a release does.
    function give(uint256 amount) private {
        vm.deal(address(this), amount);
        (bool taken,) = address(repayer).call{ value: amount }("");
        assertTrue(taken);
    }

    /// @dev Repays, by whoever comes, and expects so much of each; then that all of it left.
    function repay(uint256 debt, uint256 repaid, uint256 above) private {
        repayHeld(debt, repaid, above, 0);
    }

    /// @dev The same, with so much WETH left for the next call.
    function repayHeld(uint256 debt, uint256 repaid, uint256 above, uint256 left) private {
        uint256 before = weth.balanceOf(rest);
        vm.expectEmit(address(repayer));
        emit IDebtRepayer.Repaid(Wei.wrap(debt), Wei.wrap(repaid), Wei.wrap(above));
        vm.prank(stranger);
        repayer.repay();
        assertEq(weth.balanceOf(rest) - before, above, "rest");
        assertStays(left);
    }

    function assertNothingStays() private view {
        assertStays(0);
    }

    /// @dev So much WETH, no ETH, and no allowance.
    function assertStays(uint256 left) private view {
        assertEq(address(repayer).balance, 0, "ETH stays");
        assertEq(weth.balanceOf(address(repayer)), left, "WETH stays");
        assertEq(weth.allowance(address(repayer), repayer.pool()), 0, "an allowance stays");
    }

    /// @dev Repays a pool that is none of Aave's from now on.
    function deployHostile() private returns (HostilePool hostile) {
        hostile = new HostilePool(weth);
        repayer = deployRepayer(address(hostile), address(weth), debtor, rest);
    }

    function expectCannotBorrow(uint256 amount) private {
        vm.prank(debtor);
        vm.expectRevert();
        pool.borrow(address(weth), amount, VARIABLE, 0, debtor);
    }

    function expectCannotWithdraw(uint256 amount) private {
        vm.prank(debtor);
        vm.expectRevert();
        pool.withdraw(address(usd), amount, debtor);
    }

    function expectNothingTaken(uint256 debt, uint256 offered, bytes memory failure) private {
        vm.expectRevert(abi.encodeWithSelector(IDebtRepayer.NothingTaken.selector, debt, offered, failure));
    }

    /// @dev An error of Aave's, as it is encoded.
    function failureOf(bytes memory message) private pure returns (bytes memory) {
        return abi.encodeWithSignature("Error(string)", message);
    }

    function poolWETH() private view returns (uint256) {
        return weth.balanceOf(IAavePool(address(pool)).getReserveData(address(weth)).aToken);
    }

    function wrapFor(address account, uint256 amount) private {
        vm.deal(account, amount);
        vm.prank(account);
        weth.deposit{ value: amount }();
    }

    function supplyWETH(address account, uint256 amount) private {
        wrapFor(account, amount);
        vm.startPrank(account);
        weth.approve(address(pool), amount);
        pool.supply(address(weth), amount, account, 0);
        vm.stopPrank();
    }

    function borrow(address account, uint256 amount, uint256 collateral) private {
        usd.mint(account, collateral);
        vm.startPrank(account);
        usd.approve(address(pool), collateral);
        pool.supply(address(usd), collateral, account, 0);
        pool.borrow(address(weth), amount, VARIABLE, 0, account);
        vm.stopPrank();
    }

    function expectInvalid(address account) private {
        vm.expectRevert(abi.encodeWithSelector(IDebtRepayer.InvalidAccount.selector, account));
    }

    function expectNothingHeld(address token) private {
        vm.expectRevert(abi.encodeWithSelector(IDebtRepayer.NothingHeld.selector, token));
    }
}
