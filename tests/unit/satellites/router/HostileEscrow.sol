// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @notice One call that a hostile escrow makes.
/// @custom:member target Whom it calls.
/// @custom:member data With what.
/// @custom:member mayFail Whether it goes on if the call fails.
struct Move {
    address target;
    bytes data;
    bool mayFail;
}

/// @notice What an attacker names as the escrow. Each time it is called, whatever with, it makes the moves of its next
/// act; after its last act it does nothing more, and is content.
contract HostileEscrow {
    Move[][] private acts;

    /// @notice How many acts were begun.
    uint256 public begun;

    /// @notice Adds an act.
    function plan(Move[] memory moves) external {
        Move[] storage act = acts.push();
        for (uint256 i; i < moves.length; ++i) {
            act.push(moves[i]);
        }
    }

    receive() external payable {
        perform();
    }

    fallback() external payable {
        perform();
    }

    function perform() private {
        if (begun == acts.length) return;
        Move[] storage act = acts[begun++];
        for (uint256 i; i < act.length; ++i) {
            (bool success, bytes memory reason) = act[i].target.call(act[i].data);
            if (success || act[i].mayFail) continue;
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
    }
}

/// @notice Gives back, as WETH, the ETH that was pledged.
contract WrappingEscrow {
    address private immutable WETH;

    constructor(address weth) {
        WETH = weth;
    }

    fallback() external payable {
        (bool wrapped,) = WETH.call{ value: msg.value }(abi.encodeWithSignature("deposit()"));
        (bool sent,) = WETH.call(abi.encodeWithSignature("transfer(address,uint256)", msg.sender, msg.value));
        assert(wrapped && sent);
    }
}
