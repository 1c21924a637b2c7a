// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Permit } from "./Permit.sol";
import { StETH } from "./StETH.sol";

/// @title A model of Lido's wstETH, for local chains and tests
/// @notice NEVER deploy this on a public chain: it wraps a token that anyone can rebase.
/// @dev One unit is one stETH share, so balances do not rebase. Behaves as the real wrapper: the same return values,
/// events and revert reasons, checked against `tests/vectors/steth.json`, a recording of the real contracts. Written
/// out instead of taken from a library because those reasons are strings, and because the real token uses up even an
/// infinite allowance. An allowance increased beyond 256 bits reverts with a panic instead of a reason.
contract WstETH is Permit {
    /// @notice The token's name, also in its EIP-712 domain.
    string public constant name = "Wrapped liquid staked Ether 2.0";
    /// @notice The token's symbol.
    string public constant symbol = "wstETH";
    /// @notice One wstETH is 10^18 units.
    uint8 public constant decimals = 18;

    /// @notice The wrapped token.
    StETH public immutable stETH;

    /// @notice All units there are.
    uint256 public totalSupply;
    /// @notice The units of `account`.
    mapping(address account => uint256 units) public balanceOf;
    /// @notice What `spender` may still move of `owner`'s units.
    mapping(address owner => mapping(address spender => uint256 units)) public allowance;

    /// @notice `value` units were moved; minted when `from` is zero, burned when `to` is.
    event Transfer(address indexed from, address indexed to, uint256 value);
    /// @notice The allowance of `spender` is now `value` units.
    event Approval(address indexed owner, address indexed spender, uint256 value);

    /// @param stETH_ the token to wrap
    constructor(StETH stETH_) {
        stETH = stETH_;
    }

    /// @notice Submits the ETH sent and wraps the shares for the caller.
    receive() external payable {
        _mint(msg.sender, stETH.submit{ value: msg.value }(address(0)));
    }

    // ---------------------------------------------------------------- wrapping

    /// @notice Takes `stETHAmount` from the caller, by allowance, and mints its shares, rounded down.
    /// @return units what was minted.
    function wrap(uint256 stETHAmount) external returns (uint256 units) {
        require(stETHAmount > 0, "wstETH: can't wrap zero stETH");
        units = stETH.getSharesByPooledEth(stETHAmount);
        _mint(msg.sender, units);
        stETH.transferFrom(msg.sender, address(this), stETHAmount);
    }

    /// @notice Burns `units` and pays the stETH they stand for.
    /// @dev That amount is rounded down, and rounded down again into shares: up to one share stays behind here.
    /// @return stETHAmount what was asked of stETH, in wei.
    function unwrap(uint256 units) external returns (uint256 stETHAmount) {
        require(units > 0, "wstETH: zero amount unwrap not allowed");
        stETHAmount = stETH.getPooledEthByShares(units);
        _burn(msg.sender, units);
        stETH.transfer(msg.sender, stETHAmount);
    }

    // ---------------------------------------------------------------- moving

    /// @notice Moves exactly `units` to `to`; works while stETH is stopped.
    function transfer(address to, uint256 units) external returns (bool) {
        _transfer(msg.sender, to, units);
        return true;
    }

    /// @notice `transfer` from `from`, against the caller's allowance.
    function transferFrom(address from, address to, uint256 units) external returns (bool) {
        _transfer(from, to, units);
        uint256 current = allowance[from][msg.sender];
        require(current >= units, "ERC20: transfer amount exceeds allowance");
        _approve(from, msg.sender, current - units);
        return true;
    }

    // ---------------------------------------------------------------- allowances

    /// @notice Lets `spender` move `units` of the caller's.
    function approve(address spender, uint256 units) external returns (bool) {
        _approve(msg.sender, spender, units);
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
        require(current >= subtracted, "ERC20: decreased allowance below zero");
        _approve(msg.sender, spender, current - subtracted);
        return true;
    }

    /// @notice Sets an allowance by signature (EIP-2612); unlike stETH it knows no contract wallets.
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        require(block.timestamp <= deadline, "ERC20Permit: expired deadline");
        bytes32 digest = _usePermitDigest(owner, spender, value, deadline);
        require(v == 27 || v == 28, "ECDSA: invalid signature 'v' value");
        require(_recover(digest, v, r, s) == owner, "ERC20Permit: invalid signature");
        _approve(owner, spender, value);
    }

    // ---------------------------------------------------------------- reading

    /// @notice The units that `stETHAmount` wraps into, rounded down.
    function getWstETHByStETH(uint256 stETHAmount) external view returns (uint256) {
        return stETH.getSharesByPooledEth(stETHAmount);
    }

    /// @notice The stETH that `units` stand for, rounded down.
    function getStETHByWstETH(uint256 units) external view returns (uint256) {
        return stETH.getPooledEthByShares(units);
    }

    /// @notice The stETH that 10^18 units stand for, rounded down.
    function stEthPerToken() external view returns (uint256) {
        return stETH.getPooledEthByShares(1 ether);
    }

    /// @notice The units that 10^18 wei of stETH wrap into, rounded down.
    function tokensPerStEth() external view returns (uint256) {
        return stETH.getSharesByPooledEth(1 ether);
    }

    // ---------------------------------------------------------------- internal

    function _transfer(address from, address to, uint256 units) private {
        require(from != address(0), "ERC20: transfer from the zero address");
        require(to != address(0), "ERC20: transfer to the zero address");
        require(balanceOf[from] >= units, "ERC20: transfer amount exceeds balance");
        balanceOf[from] -= units;
        balanceOf[to] += units;
        emit Transfer(from, to, units);
    }

    function _mint(address to, uint256 units) private {
        totalSupply += units;
        balanceOf[to] += units;
        emit Transfer(address(0), to, units);
    }

    function _burn(address from, uint256 units) private {
        require(balanceOf[from] >= units, "ERC20: burn amount exceeds balance");
        balanceOf[from] -= units;
        totalSupply -= units;
        emit Transfer(from, address(0), units);
    }

    function _approve(address owner, address spender, uint256 units) private {
        require(owner != address(0), "ERC20: approve from the zero address");
        require(spender != address(0), "ERC20: approve to the zero address");
        allowance[owner][spender] = units;
        emit Approval(owner, spender, units);
    }

    /// @inheritdoc Permit
    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return (name, "1");
    }
}
