// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.5.17;

import "openzeppelin-2/crowdsale/distribution/RefundableCrowdsale.sol";
import "openzeppelin-2/token/ERC20/ERC20.sol";

/// @notice OpenZeppelin's RefundableCrowdsale, which is abstract, with nothing added.
contract PeerCrowdsale is RefundableCrowdsale {
    constructor(uint256 goal, uint256 openingTime, uint256 closingTime, address payable wallet, IERC20 token)
        public
        Crowdsale(1, wallet, token)
        TimedCrowdsale(openingTime, closingTime)
        RefundableCrowdsale(goal)
    { }
}

/// @notice What a crowdsale sells.
contract PeerToken is ERC20 {
    constructor(uint256 supply) public {
        _mint(msg.sender, supply);
    }
}
