// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @notice Lends ETH to anyone, for one call and without a fee: the best that an attacker can hope for.
contract FlashLender {
    /// @notice Thrown when part of a loan is missing after the call.
    error NotRepaid(uint256 missing);

    /// @notice Lends `amount` to the caller, calls it back, and takes the loan back.
    function lend(uint256 amount) external {
        uint256 before = address(this).balance;
        Borrower(payable(msg.sender)).onLoan{ value: amount }();
        if (address(this).balance < before) revert NotRepaid(before - address(this).balance);
    }

    receive() external payable { }
}

/// @notice Borrows, makes its planned calls, and repays what it has, up to the loan.
contract Borrower {
    struct Step {
        address target;
        uint256 value;
        bytes data;
        bool mayFail;
    }

    FlashLender private immutable LENDER;
    Step[] private steps;

    constructor(FlashLender lender) {
        LENDER = lender;
    }

    /// @notice Adds a call that must succeed; otherwise the attack ends with its error.
    function plan(address target, uint256 value, bytes calldata data) external {
        steps.push(Step(target, value, data, false));
    }

    /// @notice Adds a call that may fail.
    function tryAlso(address target, uint256 value, bytes calldata data) external {
        steps.push(Step(target, value, data, true));
    }

    /// @notice Borrows `amount`, and attacks.
    function attack(uint256 amount) external {
        LENDER.lend(amount);
    }

    /// @notice In the middle of the loan.
    function onLoan() external payable {
        for (uint256 i; i < steps.length; ++i) {
            Step memory step = steps[i];
            (bool success, bytes memory answer) = step.target.call{ value: step.value }(step.data);
            if (success || step.mayFail) continue;
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
        uint256 left = address(this).balance;
        payable(address(LENDER)).transfer(left < msg.value ? left : msg.value);
    }

    receive() external payable { }
}
