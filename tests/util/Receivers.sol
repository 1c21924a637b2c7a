// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow } from "levee/interfaces/IPledgeEscrow.sol";

/// @notice Takes no ETH, until it is told to.
contract Refuser {
    error NoEther();

    bool private open;

    /// @notice From now on it takes ETH.
    function relent() external {
        open = true;
    }

    receive() external payable {
        if (!open) revert NoEther();
    }
}

/// @notice Calls back, each time it is paid, with every call it was armed with; and counts those that went through.
contract Reentrant {
    address private target;
    bytes[] private calls;

    /// @notice How often it was paid while armed.
    uint256 public entries;
    /// @notice How many of its calls went through.
    uint256 public successes;

    /// @notice Arms it.
    function arm(address target_, bytes[] memory calls_) external {
        target = target_;
        delete calls;
        for (uint256 i; i < calls_.length; ++i) {
            calls.push(calls_[i]);
        }
    }

    receive() external payable {
        if (target == address(0)) return;
        ++entries;
        for (uint256 i; i < calls.length; ++i) {
            (bool success,) = target.call(calls[i]);
            if (success) ++successes;
        }
    }
}

/// @notice Takes ETH, and returns `size` bytes.
contract LoudReceiver {
    uint256 private immutable SIZE;

    constructor(uint256 size) {
        SIZE = size;
    }

    receive() external payable {
        uint256 size = SIZE;
        assembly ("memory-safe") {
            return(0, size)
        }
    }
}

/// @notice Takes no ETH, and burns all the gas that it is given for saying so.
contract Burner {
    receive() external payable {
        assembly ("memory-safe") {
            invalid()
        }
    }
}

/// @notice Takes ETH, and remembers how much gas it was given for that.
contract GasMeter {
    uint256 public given;

    receive() external payable {
        given = gasleft();
    }
}

/// @notice Sends all its ETH to `recipient`, without asking it, in its own creation.
contract ForceEther {
    constructor(address payable recipient) payable {
        selfdestruct(recipient);
    }
}

/// @notice Pledges 3 wei of its own in the name of whoever calls it.
contract PledgeBack {
    IPledgeEscrow private immutable ESCROW;

    constructor(IPledgeEscrow escrow) {
        ESCROW = escrow;
    }

    fallback() external {
        ESCROW.pledgeETH{ value: 3 }(msg.sender, 0, ESCROW.pledging().amendment.effectiveAt);
    }
}
