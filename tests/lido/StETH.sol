// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { SignatureCheckerLib } from "solady/utils/SignatureCheckerLib.sol";

import { Permit } from "./Permit.sol";

/// @title A model of Lido v3.0.2's stETH, for local chains and tests
/// @notice NEVER deploy this on a public chain: anyone can set the pooled ether and stop the token.
/// @dev Behaves like the real token toward holders and spenders: the same rounding, return values, events and revert
/// reasons, checked against `tests/vectors/steth.json`, a recording of the real contracts.
///
/// Omitted: everything behind the two totals (oracle reports, fees, external shares, staking limits, withdrawals) and
/// who may stop or rebase. A rebase is `setTotalPooledEther` and emits nothing. Submitted ETH stays here for good.
/// There is no proxy, so calls cost less gas than the real token's. An allowance increased beyond 256 bits reverts with
/// a panic instead of MATH_ADD_OVERFLOW.
///
/// Units: "shares" are what is booked; "stETH" amounts and "ether" are wei.
contract StETH is Permit {
    uint256 private constant AMOUNT_LIMIT = type(uint128).max;

    /// @notice The token's name, also in its EIP-712 domain.
    string public constant name = "Liquid staked Ether 2.0";
    /// @notice The token's symbol.
    string public constant symbol = "stETH";
    /// @notice One stETH is 10^18 wei.
    uint8 public constant decimals = 18;

    /// @notice The total number of shares.
    uint256 public getTotalShares;
    /// @notice The ether, in wei, that all shares together represent.
    uint256 public getTotalPooledEther;
    /// @notice While stopped, there are no transfers and submissions; approvals and permits still work.
    bool public isStopped;

    /// @notice The shares of `account`.
    mapping(address account => uint256 shares) public sharesOf;
    /// @notice How much of `owner`'s stETH `spender` may still move; the maximum value is never used up.
    mapping(address owner => mapping(address spender => uint256 stETHAmount)) public allowance;

    /// @notice `value` stETH was moved, or minted when `from` is zero; what arrives may be up to 2 wei less.
    event Transfer(address indexed from, address indexed to, uint256 value);
    /// @notice The same move in shares, exact.
    event TransferShares(address indexed from, address indexed to, uint256 sharesValue);
    /// @notice The allowance of `spender` is now `value` stETH.
    event Approval(address indexed owner, address indexed spender, uint256 value);
    /// @notice `sender` submitted `amount` wei.
    event Submitted(address indexed sender, uint256 amount, address referral);
    /// @notice Transfers and submissions stopped.
    event Stopped();
    /// @notice The stop ended.
    event Resumed();

    /// @param totalShares the starting shares, all given to the deployer; not zero, below 2^128
    /// @param totalPooledEther the wei they stand for; not zero, below 2^128
    constructor(uint256 totalShares, uint256 totalPooledEther) {
        require(totalShares != 0, "model: no shares");
        _mintShares(msg.sender, totalShares);
        setTotalPooledEther(totalPooledEther);
        _emitTransfer(address(0), msg.sender, totalPooledEther, totalShares);
    }

    /// @notice Submits the ETH sent, without a referral.
    receive() external payable {
        _submit(address(0));
    }

    // ---------------------------------------------------------------- levers of the model

    /// @notice Rebases, up or down, to `wei_` pooled ether; shares stay as they are. Open to anyone.
    function setTotalPooledEther(uint256 wei_) public {
        require(wei_ != 0 && wei_ < AMOUNT_LIMIT, "model: pooled ether out of range");
        getTotalPooledEther = wei_;
    }

    /// @notice Stops all transfers and submissions. Open to anyone.
    function stop() external {
        _requireNotStopped();
        isStopped = true;
        emit Stopped();
    }

    /// @notice Ends a stop. Open to anyone.
    function resume() external {
        require(isStopped, "CONTRACT_IS_ACTIVE");
        isStopped = false;
        emit Resumed();
    }

    // ---------------------------------------------------------------- submitting

    /// @notice Mints shares to the caller for the ETH sent, at the current rate, rounded down.
    /// @return The shares minted.
    function submit(address referral) external payable returns (uint256) {
        return _submit(referral);
    }

    // ---------------------------------------------------------------- moving

    /// @notice Moves floor(`amount` in shares) to `to`; it may arrive up to 2 wei short of `amount`.
    function transfer(address to, uint256 amount) external returns (bool) {
        _transfer(msg.sender, to, amount);
        return true;
    }

    /// @notice `transfer` from `from`, against the caller's allowance of `amount`.
    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        _spendAllowance(from, amount);
        _transfer(from, to, amount);
        return true;
    }

    /// @notice Moves exactly `shares` to `to`.
    /// @return amount what they stand for in stETH, rounded down.
    function transferShares(address to, uint256 shares) external returns (uint256 amount) {
        _transferShares(msg.sender, to, shares);
        amount = getPooledEthByShares(shares);
        _emitTransfer(msg.sender, to, amount, shares);
    }

    /// @notice `transferShares` from `from`, against the caller's allowance of the returned amount.
    /// @return amount what the shares stand for in stETH, rounded down.
    function transferSharesFrom(address from, address to, uint256 shares) external returns (uint256 amount) {
        amount = getPooledEthByShares(shares);
        _spendAllowance(from, amount);
        _transferShares(from, to, shares);
        _emitTransfer(from, to, amount, shares);
    }

    // ---------------------------------------------------------------- allowances

    /// @notice Lets `spender` move `amount` of the caller's stETH.
    function approve(address spender, uint256 amount) external returns (bool) {
        _approve(msg.sender, spender, amount);
        return true;
    }

    /// @notice Raises an allowance by `added`.
    function increaseAllowance(address spender, uint256 added) external returns (bool) {
        _approve(msg.sender, spender, allowance[msg.sender][spender] + added);
        return true;
    }

    /// @notice Lowers an allowance by `subtracted`.
    function decreaseAllowance(address spender, uint256 subtracted) external returns (bool) {
        uint256 current = allowance[msg.sender][spender];
        require(current >= subtracted, "ALLOWANCE_BELOW_ZERO");
        _approve(msg.sender, spender, current - subtracted);
        return true;
    }

    /// @notice Sets an allowance by signature (EIP-2612); an owner with code is asked by EIP-1271.
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        require(block.timestamp <= deadline, "DEADLINE_EXPIRED");
        bytes32 digest = _usePermitDigest(owner, spender, value, deadline);
        bool valid = owner.code.length == 0
            ? _recover(digest, v, r, s) == owner
            : SignatureCheckerLib.isValidERC1271SignatureNow(owner, digest, v, r, s);
        require(valid, "INVALID_SIGNATURE");
        _approve(owner, spender, value);
    }

    // ---------------------------------------------------------------- reading

    /// @notice All stETH there is: the pooled ether, in wei.
    function totalSupply() external view returns (uint256) {
        return getTotalPooledEther;
    }

    /// @notice The stETH that `account`'s shares stand for, rounded down.
    function balanceOf(address account) external view returns (uint256) {
        return getPooledEthByShares(sharesOf[account]);
    }

    /// @notice The shares that `ethAmount` wei stand for, rounded down.
    function getSharesByPooledEth(uint256 ethAmount) public view returns (uint256) {
        require(ethAmount < AMOUNT_LIMIT, "ETH_TOO_LARGE");
        return ethAmount * getTotalShares / getTotalPooledEther;
    }

    /// @notice The wei that `shares` stand for, rounded down.
    function getPooledEthByShares(uint256 shares) public view returns (uint256) {
        require(shares < AMOUNT_LIMIT, "SHARES_TOO_LARGE");
        return shares * getTotalPooledEther / getTotalShares;
    }

    /// @notice The EIP-712 domain of permits, in the real token's own shape (not EIP-5267's).
    function eip712Domain()
        external
        view
        returns (string memory domainName, string memory version, uint256 chainId, address verifyingContract)
    {
        (domainName, version) = _domainNameAndVersion();
        return (domainName, version, block.chainid, address(this));
    }

    // ---------------------------------------------------------------- internal

    function _submit(address referral) private returns (uint256 shares) {
        require(msg.value != 0, "ZERO_DEPOSIT");
        // A stop of the protocol is always a stop of staking, which has a reason of its own.
        require(!isStopped, "STAKING_PAUSED");
        shares = getSharesByPooledEth(msg.value);
        _mintShares(msg.sender, shares);
        getTotalPooledEther += msg.value;
        emit Submitted(msg.sender, msg.value, referral);
        _emitTransfer(address(0), msg.sender, getPooledEthByShares(shares), shares);
    }

    function _mintShares(address to, uint256 shares) private {
        getTotalShares += shares;
        require(getTotalShares <= type(uint128).max, "SHARES_OVERFLOW");
        sharesOf[to] += shares;
    }

    function _transfer(address from, address to, uint256 amount) private {
        uint256 shares = getSharesByPooledEth(amount);
        _transferShares(from, to, shares);
        _emitTransfer(from, to, amount, shares);
    }

    function _transferShares(address from, address to, uint256 shares) private {
        require(from != address(0), "TRANSFER_FROM_ZERO_ADDR");
        require(to != address(0), "TRANSFER_TO_ZERO_ADDR");
        require(to != address(this), "TRANSFER_TO_STETH_CONTRACT");
        _requireNotStopped();
        require(shares <= sharesOf[from], "BALANCE_EXCEEDED");
        sharesOf[from] -= shares;
        sharesOf[to] += shares;
    }

    function _spendAllowance(address owner, uint256 amount) private {
        uint256 current = allowance[owner][msg.sender];
        if (current == type(uint256).max) return;
        require(current >= amount, "ALLOWANCE_EXCEEDED");
        _approve(owner, msg.sender, current - amount);
    }

    function _approve(address owner, address spender, uint256 amount) private {
        require(owner != address(0), "APPROVE_FROM_ZERO_ADDR");
        require(spender != address(0), "APPROVE_TO_ZERO_ADDR");
        allowance[owner][spender] = amount;
        emit Approval(owner, spender, amount);
    }

    /// @dev `amount` is what was asked for in a transfer of stETH, else what the shares stand for.
    function _emitTransfer(address from, address to, uint256 amount, uint256 shares) private {
        emit Transfer(from, to, amount);
        emit TransferShares(from, to, shares);
    }

    function _requireNotStopped() private view {
        require(!isStopped, "CONTRACT_IS_STOPPED");
    }

    /// @inheritdoc Permit
    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return (name, "2");
    }
}
