// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { Status } from "levee/interfaces/IPledgeEscrow.sol";
import { Asset, Wei } from "levee/types/Units.sol";

import { BonusTest } from "./BonusTest.sol";

/// add
/// ├── given the rescue is open, up to the deadline in force
/// │   ├── it books the ETH for the named sponsor, whoever pays, and emits {BonusAdded}
/// │   ├── when it is of nothing
/// │   │   └── it reverts with {ZeroAmount}
/// │   └── when the sponsor is zero, the pool, the escrow or one of its tokens
/// │       └── it reverts with {InvalidAccount}
/// ├── given the deadline has passed, or the rescue is not open
/// │   └── it reverts with {AddingClosed}
/// └── plain ether is refused
contract AddTest is BonusTest {
    function test_Constructor() public {
        vm.expectEmit();
        emit IBonusPool.BonusPoolCreated(address(escrow));
        deployPool();
        assertEq(pool.escrow(), address(escrow));
        assertUndecided(0);
        assertShare(alice, GRANT, Asset.ETH, 0, false);
    }

    function test_Add() public {
        vm.deal(stranger, 5 ether);
        vm.expectEmit(address(pool));
        emit IBonusPool.BonusAdded(sponsor, Wei.wrap(3 ether));
        vm.prank(stranger);
        pool.add{ value: 3 ether }(sponsor);
        vm.warp(DEADLINE);
        add(sponsor, 1 ether);
        add(bob, 2 ether);
        assertEq(pool.contributionOf(sponsor), 4 ether);
        assertEq(pool.contributionOf(bob), 2 ether);
        assertEq(pool.contributionOf(stranger), 0);
        assertUndecided(6 ether);
        assertEq(address(pool).balance, 6 ether);
    }

    function test_Add_RevertWhen_OfNothing() public {
        vm.expectRevert(IBonusPool.ZeroAmount.selector);
        pool.add(sponsor);
    }

    function test_Add_RevertWhen_SponsorInvalid() public {
        vm.deal(address(this), 1 ether);
        address[5] memory refused = [address(0), address(pool), address(escrow), address(stETH), address(wstETH)];
        for (uint256 i; i < refused.length; ++i) {
            expectRefusedAccount(refused[i]);
            pool.add{ value: 1 }(refused[i]);
        }
    }

    function test_Add_RevertGiven_DeadlinePassed() public {
        vm.warp(DEADLINE + 1);
        expectAddingClosed(Status.Open, DEADLINE);
        add(sponsor, 1 ether);
    }

    /// @dev With a rate that cannot be read the rescue is open past its deadline; adding is closed all the same.
    function test_Add_RevertGiven_OpenPastTheDeadline() public {
        pledgeLittle();
        vm.etch(address(stETH), hex"fe");
        vm.warp(DEADLINE + 1);
        expectAddingClosed(Status.Open, DEADLINE);
        add(sponsor, 1 ether);
    }

    function test_Add_UpToTheAmendedDeadline() public {
        amend(TARGET, DEADLINE + 9 days, TERMS_HASH);
        vm.warp(DEADLINE + 9 days);
        add(sponsor, 1 ether);
        vm.warp(DEADLINE + 9 days + 1);
        expectAddingClosed(Status.Open, DEADLINE + 9 days);
        add(sponsor, 1 ether);
    }

    function test_Add_RevertGiven_NotOpen() public {
        pledgeFull();
        escrow.settle();
        expectAddingClosed(Status.Settled, DEADLINE);
        add(sponsor, 1 ether);
    }

    function test_RevertWhen_PlainEther() public {
        vm.deal(stranger, 1 ether);
        vm.prank(stranger);
        (bool success,) = address(pool).call{ value: 1 ether }("");
        assertFalse(success);
    }

    function expectAddingClosed(Status status, uint256 deadline) internal {
        uint256 time = vm.getBlockTimestamp();
        vm.expectRevert(abi.encodeWithSelector(IBonusPool.AddingClosed.selector, status, deadline, time));
    }
}
