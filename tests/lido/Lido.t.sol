// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";

import { StETH } from "./StETH.sol";
import { WstETH } from "./WstETH.sol";

/// @dev A wallet without a key of its own: it approves of one digest, whatever the signature.
contract OneDigestWallet {
    bytes32 private immutable APPROVED;

    constructor(bytes32 approved) {
        APPROVED = approved;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == APPROVED ? this.isValidSignature.selector : bytes4(0);
    }
}

/// @notice What the recording in `tests/vectors/steth.json` does not show: permits, events, the rarer refusals.
/// The replay of that recording is `crates/lab/tests/steth.rs`.
contract LidoTest is Test {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    StETH private stETH;
    WstETH private wstETH;
    address private alice;
    uint256 private aliceKey;
    address private bob = makeAddr("bob");

    function setUp() public {
        (alice, aliceKey) = makeAddrAndKey("alice");
        stETH = new StETH(1000 ether, 1500 ether);
        wstETH = new WstETH(stETH);
        stETH.transferShares(alice, 100 ether);
    }

    // ---------------------------------------------------------------- permits

    function test_Permit_StETH() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, _stETHDigest(alice, 0));
        vm.expectEmit(address(stETH));
        emit StETH.Approval(alice, bob, 7);
        stETH.permit(alice, bob, 7, 100, v, r, s);
        assertEq(stETH.allowance(alice, bob), 7);
        assertEq(stETH.nonces(alice), 1);

        vm.expectRevert("INVALID_SIGNATURE");
        stETH.permit(alice, bob, 7, 100, v, r, s);
    }

    function test_Permit_WstETH() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, _wstETHDigest(alice, 0));
        vm.expectEmit(address(wstETH));
        emit WstETH.Approval(alice, bob, 7);
        wstETH.permit(alice, bob, 7, 100, v, r, s);
        assertEq(wstETH.allowance(alice, bob), 7);
        assertEq(wstETH.nonces(alice), 1);

        vm.expectRevert("ERC20Permit: invalid signature");
        wstETH.permit(alice, bob, 7, 100, v, r, s);
    }

    function test_Permit_LastSecond() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, _stETHDigest(alice, 0));
        vm.warp(101);
        vm.expectRevert("DEADLINE_EXPIRED");
        stETH.permit(alice, bob, 7, 100, v, r, s);
        vm.expectRevert("ERC20Permit: expired deadline");
        wstETH.permit(alice, bob, 7, 100, v, r, s);

        vm.warp(100);
        stETH.permit(alice, bob, 7, 100, v, r, s);
        assertEq(stETH.allowance(alice, bob), 7);
    }

    function test_Permit_ContractWallet() public {
        // The wallet approves of a digest that holds its own address, so that is computed first.
        address wallet = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        new OneDigestWallet(_stETHDigest(wallet, 0));
        stETH.permit(wallet, bob, 7, 100, 27, 0, 0);
        assertEq(stETH.allowance(wallet, bob), 7);

        vm.expectRevert("INVALID_SIGNATURE");
        stETH.permit(wallet, bob, 7, 100, 27, 0, 0);
        vm.expectRevert("ECDSA: invalid signature");
        wstETH.permit(wallet, bob, 7, 100, 27, 0, 0);
    }

    function test_RevertWhen_PermitMalformed() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(aliceKey, _stETHDigest(alice, 0));
        bytes32 twin = bytes32(ORDER - uint256(s));
        vm.expectRevert("ECDSA: invalid signature 's' value");
        stETH.permit(alice, bob, 7, 100, v == 27 ? 28 : 27, r, twin);
        vm.expectRevert("ECDSA: invalid signature");
        stETH.permit(alice, bob, 7, 100, 1, r, s);
        vm.expectRevert("ECDSA: invalid signature 'v' value");
        wstETH.permit(alice, bob, 7, 100, 1, r, s);
    }

    function test_Domain() public view {
        (string memory name, string memory version, uint256 chainId, address token) = stETH.eip712Domain();
        assertEq(name, "Liquid staked Ether 2.0");
        assertEq(version, "2");
        assertEq(chainId, block.chainid);
        assertEq(token, address(stETH));
        assertEq(stETH.DOMAIN_SEPARATOR(), _domain(name, version, token));
        assertEq(wstETH.DOMAIN_SEPARATOR(), _domain("Wrapped liquid staked Ether 2.0", "1", address(wstETH)));
    }

    // ---------------------------------------------------------------- events

    function test_Events_StETH() public {
        // 2 wei are floor(2 / 1.5) = 1 share: the event tells what was asked, the share what was moved.
        _expectTransfer(alice, bob, 2, 1);
        vm.prank(alice);
        stETH.transfer(bob, 2);
        assertEq(stETH.balanceOf(bob), 1);

        _expectTransfer(alice, bob, 4, 3);
        vm.prank(alice);
        stETH.transferShares(bob, 3);

        vm.deal(bob, 3);
        vm.expectEmit(address(stETH));
        emit StETH.Submitted(bob, 3, alice);
        _expectTransfer(address(0), bob, 3, 2);
        vm.prank(bob);
        assertEq(stETH.submit{ value: 3 }(alice), 2);
    }

    function test_Events_WstETH() public {
        vm.startPrank(alice);
        stETH.approve(address(wstETH), 3);
        vm.expectEmit(address(wstETH));
        emit WstETH.Transfer(address(0), alice, 2);
        _expectTransfer(alice, address(wstETH), 3, 2);
        assertEq(wstETH.wrap(3), 2);

        // One unit is floor(1.5) = 1 wei, and that is floor(1 / 1.5) = 0 shares: a share stays behind.
        vm.expectEmit(address(wstETH));
        emit WstETH.Transfer(alice, address(0), 1);
        _expectTransfer(address(wstETH), alice, 1, 0);
        assertEq(wstETH.unwrap(1), 1);
        assertEq(stETH.sharesOf(address(wstETH)), 2);
        assertEq(wstETH.totalSupply(), 1);
    }

    function test_PlainEther() public {
        vm.deal(bob, 6);
        vm.startPrank(bob);
        (bool submitted,) = address(stETH).call{ value: 3 }("");
        (bool wrapped,) = address(wstETH).call{ value: 3 }("");
        assertTrue(submitted && wrapped);
        assertEq(stETH.sharesOf(bob), 2);
        assertEq(wstETH.balanceOf(bob), 2);
        assertEq(stETH.sharesOf(address(wstETH)), 2);
        assertEq(stETH.getTotalPooledEther(), 1500 ether + 6);
    }

    // ---------------------------------------------------------------- allowances

    function test_InfiniteAllowance_KeptByStETHOnly() public {
        _wrapForAlice(3);
        vm.startPrank(alice);
        stETH.approve(bob, type(uint256).max);
        wstETH.approve(bob, type(uint256).max);
        vm.startPrank(bob);
        stETH.transferFrom(alice, bob, 2);
        wstETH.transferFrom(alice, bob, 2);
        assertEq(stETH.allowance(alice, bob), type(uint256).max);
        assertEq(wstETH.allowance(alice, bob), type(uint256).max - 2);
    }

    function test_AllowanceSteps() public {
        stETH.increaseAllowance(bob, 5);
        stETH.decreaseAllowance(bob, 2);
        assertEq(stETH.allowance(address(this), bob), 3);
        wstETH.increaseAllowance(bob, 5);
        wstETH.decreaseAllowance(bob, 2);
        assertEq(wstETH.allowance(address(this), bob), 3);

        vm.expectRevert("ALLOWANCE_BELOW_ZERO");
        stETH.decreaseAllowance(bob, 4);
        vm.expectRevert("ERC20: decreased allowance below zero");
        wstETH.decreaseAllowance(bob, 4);
    }

    // ---------------------------------------------------------------- refusals

    function test_RevertWhen_StETHRefuses() public {
        vm.expectRevert("TRANSFER_TO_ZERO_ADDR");
        stETH.transfer(address(0), 1);
        vm.expectRevert("TRANSFER_TO_STETH_CONTRACT");
        stETH.transferShares(address(stETH), 1);
        vm.expectRevert("APPROVE_FROM_ZERO_ADDR");
        stETH.transferFrom(address(0), bob, 0);
        vm.expectRevert("APPROVE_TO_ZERO_ADDR");
        stETH.approve(address(0), 1);
        vm.expectRevert("BALANCE_EXCEEDED");
        stETH.transferShares(bob, type(uint256).max);
        vm.expectRevert("ETH_TOO_LARGE");
        stETH.getSharesByPooledEth(type(uint128).max);
        vm.expectRevert("SHARES_TOO_LARGE");
        stETH.getPooledEthByShares(type(uint128).max);
        vm.expectRevert("ZERO_DEPOSIT");
        stETH.submit(address(0));
        vm.expectRevert("CONTRACT_IS_ACTIVE");
        stETH.resume();
    }

    function test_RevertWhen_WstETHRefuses() public {
        _wrapForAlice(3);
        vm.expectRevert("ERC20: transfer to the zero address");
        wstETH.transfer(address(0), 0);
        vm.expectRevert("ERC20: transfer from the zero address");
        wstETH.transferFrom(address(0), bob, 0);
        vm.expectRevert("ERC20: transfer amount exceeds balance");
        wstETH.transfer(bob, 1);
        vm.expectRevert("ERC20: transfer amount exceeds allowance");
        wstETH.transferFrom(alice, bob, 1);
        vm.expectRevert("ERC20: approve to the zero address");
        wstETH.approve(address(0), 1);
    }

    function test_StopAndResume() public {
        vm.expectEmit(address(stETH));
        emit StETH.Stopped();
        stETH.stop();
        assertTrue(stETH.isStopped());
        vm.expectRevert("CONTRACT_IS_STOPPED");
        stETH.stop();
        vm.deal(address(this), 1);
        vm.expectRevert("STAKING_PAUSED");
        stETH.submit{ value: 1 }(address(0));

        vm.expectEmit(address(stETH));
        emit StETH.Resumed();
        stETH.resume();
        stETH.transferShares(bob, 1);
        assertEq(stETH.sharesOf(bob), 1);
    }

    function test_RebaseMovesBalancesNotShares() public {
        stETH.setTotalPooledEther(750 ether);
        assertEq(stETH.balanceOf(alice), 75 ether);
        assertEq(stETH.totalSupply(), 750 ether);
        assertEq(stETH.sharesOf(alice), 100 ether);
        assertEq(wstETH.stEthPerToken(), 0.75 ether);
        assertEq(wstETH.tokensPerStEth(), 1_333_333_333_333_333_333);
        vm.expectRevert("model: pooled ether out of range");
        stETH.setTotalPooledEther(0);
    }

    // ---------------------------------------------------------------- helpers

    function _wrapForAlice(uint256 stETHAmount) private {
        vm.startPrank(alice);
        stETH.approve(address(wstETH), stETHAmount);
        wstETH.wrap(stETHAmount);
        vm.stopPrank();
    }

    function _expectTransfer(address from, address to, uint256 amount, uint256 shares) private {
        vm.expectEmit(address(stETH));
        emit StETH.Transfer(from, to, amount);
        vm.expectEmit(address(stETH));
        emit StETH.TransferShares(from, to, shares);
    }

    /// @dev What `owner` signs to let bob have 7 until second 100.
    function _stETHDigest(address owner, uint256 nonce) private view returns (bytes32) {
        return _digest(_domain("Liquid staked Ether 2.0", "2", address(stETH)), owner, nonce);
    }

    function _wstETHDigest(address owner, uint256 nonce) private view returns (bytes32) {
        return _digest(_domain("Wrapped liquid staked Ether 2.0", "1", address(wstETH)), owner, nonce);
    }

    function _digest(bytes32 domain, address owner, uint256 nonce) private view returns (bytes32) {
        bytes32 structHash = keccak256(abi.encode(PERMIT_TYPEHASH, owner, bob, uint256(7), nonce, uint256(100)));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _domain(string memory name, string memory version, address token) private view returns (bytes32) {
        bytes32 typeHash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        return keccak256(abi.encode(typeHash, keccak256(bytes(name)), keccak256(bytes(version)), block.chainid, token));
    }
}
