// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { IPledgeEscrow, Status } from "levee/interfaces/IPledgeEscrow.sol";
import { IPledgeRouter } from "levee/interfaces/IPledgeRouter.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { units } from "../../../util/EscrowTest.sol";
import { ForceEther } from "../../../util/Receivers.sol";
import { HostileEscrow, Move, WrappingEscrow } from "./HostileEscrow.sol";
import { RouterTest } from "./RouterTest.sol";

/// pledgeETH
/// ├── it moves what was sent with the call into the escrow, as the pledger's; the router keeps nothing
/// ├── when a bonus pool is named: the position is enlisted, and the refusal of the pool is one of the call
/// ├── when the pledger is the router or one of its tokens: it reverts with {InvalidAccount}
/// ├── when the escrow refuses: it reverts with the escrow's own error
/// ├── when the escrow is no contract, or the router: it reverts
/// ├── when it comes back as WETH: it reverts with {NotTaken}
/// ├── when ETH is forced back by the escrow: it reverts with {NotTaken}; by the bonus pool too
/// └── when the escrow pledges some of its own meanwhile: it goes through, and everybody else is as before
contract RouterPledgeETHTest is RouterTest {
    function setUp() public override {
        super.setUp();
        vm.deal(alice, 10 ether);
    }

    function test_Pledge() public {
        bonusPool = deployBonusPool(escrow);
        vm.expectEmit(address(escrow));
        emit IPledgeEscrow.Pledged(bob, LOAN, Asset.ETH, units(7 ether));
        vm.expectEmit(address(bonusPool));
        emit IBonusPool.Enlisted(bob, LOAN, Asset.ETH, 0, units(7 ether), 7 ether * 30 days);
        pledgeByAlice(address(escrow), bob, LOAN, 7 ether);
        assertEq(alice.balance, 3 ether);
        assertPosition(bob, LOAN, Asset.ETH, 7 ether, 0, 0);
        assertRouterKeepsNothing();
    }

    function test_Pledge_WithoutABonusPool() public {
        pledgeByAlice(address(escrow), alice, GRANT, 1);
        assertPosition(alice, GRANT, Asset.ETH, 1, 0, 0);
        assertRouterKeepsNothing();
    }

    function test_RevertWhen_ItCannotBeEnlisted() public {
        bonusPool = deployBonusPool(deploy(defaultTerms()));
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.NothingToEnlist.selector, alice, GRANT, Asset.ETH));
        pledgeByAlice(address(escrow), alice, GRANT, 1 ether);
        bonusPool = IBonusPool(stranger);
        vm.expectRevert();
        pledgeByAlice(address(escrow), alice, GRANT, 1 ether);
        assertEq(alice.balance, 10 ether);
    }

    function test_RevertWhen_ThePledgerIsTheRouterOrAToken() public {
        address[4] memory refused = [address(router), address(weth), address(stETH), address(wstETH)];
        for (uint256 i; i < refused.length; ++i) {
            expectRefusedPledger(refused[i]);
            pledgeByAlice(address(escrow), refused[i], GRANT, 1 ether);
        }
    }

    function test_RevertWhen_EscrowRefuses() public {
        vm.expectRevert(IPledgeEscrow.ZeroAmount.selector);
        pledgeByAlice(address(escrow), alice, GRANT, 0);
        expectUnknownTier(3);
        pledgeByAlice(address(escrow), alice, 3, 1);
        amendTarget(TARGET / 2);
        pledgeByAlice(address(escrow), alice, GRANT, 1);
        amendmentOf[escrow] = 0;
        expectAmendmentDiffers(0, START + EXIT_WINDOW);
        pledgeByAlice(address(escrow), alice, GRANT, 1);
        vm.warp(DEADLINE + 1);
        expectPledgingClosed(Status.Open, DEADLINE);
        pledgeByAlice(address(escrow), alice, GRANT, 1);
        assertEq(alice.balance, 10 ether - 1);
    }

    function test_RevertWhen_EscrowIsNone() public {
        address[3] memory none = [stranger, address(router), address(0)];
        for (uint256 i; i < none.length; ++i) {
            vm.expectRevert();
            pledgeByAlice(none[i], alice, GRANT, 7);
        }
        assertEq(alice.balance, 10 ether);
    }

    /// @dev As the WETH9 of public chains is, which takes any call with ETH as a deposit.
    function test_RevertWhen_ItComesBackAsWETH() public {
        address wrapping = address(new WrappingEscrow(address(weth)));
        expectNotTaken(wrapping);
        pledgeByAlice(wrapping, alice, GRANT, 7);
        assertEq(alice.balance, 10 ether);
    }

    function test_RevertWhen_EtherIsForcedBack() public {
        ForcingBack forcing = new ForcingBack();
        expectNotTaken(address(forcing));
        pledgeByAlice(address(forcing), alice, GRANT, 7);
        vm.deal(address(forcing), 1);
        bonusPool = IBonusPool(address(forcing));
        expectNotTaken(address(escrow));
        pledgeByAlice(address(escrow), alice, GRANT, 7);
        assertEq(alice.balance, 10 ether);
    }

    /// @dev It takes 100 wei, and pledges 1 of its own of WETH to itself, with nothing left of either.
    function test_PledgesOfItsOwn() public {
        HostileEscrow hostile = new HostileEscrow();
        fundWETH(address(hostile), 1);
        vm.prank(address(hostile));
        weth.approve(address(router), 1);
        Move[] memory moves = new Move[](1);
        moves[0].target = address(router);
        moves[0].data = abi.encodeCall(IPledgeRouter.pledgeWETH, (destination(address(hostile), bob, GRANT), oneWei()));
        hostile.plan(moves);
        pledgeByAlice(address(hostile), alice, GRANT, 100);
        assertEq(hostile.begun(), 1);
        assertEq(address(hostile).balance, 101);
        assertEq(alice.balance, 10 ether - 100);
        assertRouterKeepsNothing();
    }

    // ---------------------------------------------------------------- helpers

    function pledgeByAlice(address escrow_, address pledger, uint8 tier, uint256 amount) private {
        vm.prank(alice);
        router.pledgeETH{ value: amount }(destination(escrow_, pledger, tier));
    }

    function oneWei() private pure returns (Wei) {
        return Wei.wrap(1);
    }

    function expectNotTaken(address escrow_) private {
        vm.expectRevert(abi.encodeWithSelector(IPledgeRouter.NotTaken.selector, escrow_, Asset.ETH));
    }
}

/// @notice Forces what ETH it has back upon whoever calls it.
contract ForcingBack {
    fallback() external payable {
        new ForceEther{ value: address(this).balance }(payable(msg.sender));
    }
}
