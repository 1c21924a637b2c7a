// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Governor } from "@openzeppelin/contracts/governance/Governor.sol";
import { TimelockController } from "@openzeppelin/contracts/governance/TimelockController.sol";
import { GovernorCountingSimple } from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {
    GovernorSequentialProposalId
} from "@openzeppelin/contracts/governance/extensions/GovernorSequentialProposalId.sol";
import { GovernorTimelockControl } from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import { GovernorVotes } from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import { IVotes } from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ERC20Votes } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// All votes are its creator's.
contract Token is ERC20("Votes", "V"), EIP712("Votes", "1"), ERC20Votes {
    /// Whether time is counted in seconds.
    bool private immutable inSeconds;

    constructor(bool inSeconds_) {
        inSeconds = inSeconds_;
        _mint(msg.sender, 100 ether);
        _delegate(msg.sender, msg.sender);
    }

    function clock() public view override returns (uint48) {
        return uint48(inSeconds ? block.timestamp : block.number);
    }

    function CLOCK_MODE() public view override returns (string memory) {
        return inSeconds ? "mode=timestamp" : "mode=blocknumber&from=default";
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}

/// OpenZeppelin's governor, as its wizard puts it together. Votes for five minutes, counted in blocks.
contract Dao is Governor, GovernorCountingSimple, GovernorVotes, GovernorTimelockControl {
    constructor(IVotes token, TimelockController timelock)
        Governor("Dao")
        GovernorVotes(token)
        GovernorTimelockControl(timelock)
    { }

    function votingDelay() public pure override returns (uint256) {
        return 10;
    }

    function votingPeriod() public pure override returns (uint256) {
        return 300;
    }

    function quorum(uint256) public pure override returns (uint256) {
        return 50 ether;
    }

    function state(uint256 id) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(id);
    }

    function proposalNeedsQueuing(uint256 id) public view override(Governor, GovernorTimelockControl) returns (bool) {
        return super.proposalNeedsQueuing(id);
    }

    function _queueOperations(
        uint256 id,
        address[] memory to,
        uint256[] memory value,
        bytes[] memory data,
        bytes32 hash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(id, to, value, data, hash);
    }

    function _executeOperations(
        uint256 id,
        address[] memory to,
        uint256[] memory value,
        bytes[] memory data,
        bytes32 hash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(id, to, value, data, hash);
    }

    function _cancel(address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 hash)
        internal
        override(Governor, GovernorTimelockControl)
        returns (uint256)
    {
        return super._cancel(to, value, data, hash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}

/// A governor that holds its money itself, with numbers in a row, and time counted in seconds.
contract NumberedDao is Governor, GovernorCountingSimple, GovernorVotes, GovernorSequentialProposalId {
    constructor(IVotes token) Governor("NumberedDao") GovernorVotes(token) { }

    function votingDelay() public pure override returns (uint256) {
        return 10;
    }

    function votingPeriod() public pure override returns (uint256) {
        return 1 hours;
    }

    function quorum(uint256) public pure override returns (uint256) {
        return 50 ether;
    }

    function clock() public view override(Governor, GovernorVotes) returns (uint48) {
        return uint48(block.timestamp);
    }

    function CLOCK_MODE() public pure override(Governor, GovernorVotes) returns (string memory) {
        return "mode=timestamp";
    }

    function getProposalId(address[] memory to, uint256[] memory value, bytes[] memory data, bytes32 hash)
        public
        view
        override(Governor, GovernorSequentialProposalId)
        returns (uint256)
    {
        return super.getProposalId(to, value, data, hash);
    }

    function _propose(
        address[] memory to,
        uint256[] memory value,
        bytes[] memory data,
        string memory description,
        address proposer
    ) internal override(Governor, GovernorSequentialProposalId) returns (uint256) {
        return super._propose(to, value, data, description, proposer);
    }
}
