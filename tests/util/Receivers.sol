// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IPledgeEscrow } from "levee/interfaces/IPledgeEscrow.sol";

/// @notice Refuses ETH until it is told to accept it.
contract Refuser {
    error NoEther();

    bool private open;

    /// @notice From now on it accepts ETH.
    function relent() external {
        open = true;
    }

    receive() external payable {
        if (!open) revert NoEther();
    }
}

/// @notice Calls back, each time it is paid, with every armed call, and counts those that succeed.
contract Reentrant {
    address private target;
    bytes[] private calls;

    /// @notice How often it was paid while armed.
    uint256 public entries;
    /// @notice How many of its calls succeeded.
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

/// @notice Accepts ETH, and returns `size` bytes.
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

/// @notice Refuses ETH, and burns all its gas in doing so.
contract Burner {
    receive() external payable {
        assembly ("memory-safe") {
            invalid()
        }
    }
}

/// @notice Accepts ETH, and records how much gas it was given for that.
contract GasMeter {
    uint256 public given;

    receive() external payable {
        given = gasleft();
    }
}

/// @notice Forces all its ETH on `recipient` in its own constructor.
contract ForceEther {
    constructor(address payable recipient) payable {
        selfdestruct(recipient);
    }
}

/// @notice Pledges 3 wei of its own in the name of its caller.
contract PledgeBack {
    IPledgeEscrow private immutable ESCROW;

    constructor(IPledgeEscrow escrow) {
        ESCROW = escrow;
    }

    fallback() external {
        ESCROW.pledgeETH{ value: 3 }(msg.sender, 0, ESCROW.pledging().amendment.effectiveAt);
    }
}
