// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";

import { CompactShare } from "levee/libraries/CompactShare.sol";
import { Units } from "levee/types/Units.sol";

/// CompactShare: what is required is rounded up, what is given or paid is rounded down
/// ├── quorumUp: ceil(active * quorumBps / 10,000)
/// ├── calledDown: floor(active * bps / 10,000)
/// ├── indexDown: floor(amount * 2^128 / weight)
/// ├── earnedDown: floor(weight * gained / 2^128)
/// └── nothing overflows at the bounds that it states
contract CompactShareTest is Test {
    using CompactShare for Units;

    uint104 private constant MOST = 2 ** 104 - 1;

    function test_QuorumUp() public pure {
        assertEq(quorum(10, 5001), 6);
        assertEq(quorum(10, 6000), 6);
        assertEq(quorum(10, 6001), 7);
        assertEq(quorum(1, 5001), 1);
        // A ten-thousandth of a unit is a whole one.
        assertEq(quorum(5001, 5001), 2502);
        assertEq(quorum(0, 10_000), 0);
        assertEq(quorum(MOST, 10_000), MOST);
    }

    function test_CalledDown() public pure {
        assertEq(called(10, 5001), 5);
        assertEq(called(10, 6000), 6);
        assertEq(called(1, 9999), 0);
        assertEq(called(MOST, 10_000), MOST);
    }

    function test_IndexDown() public pure {
        assertEq(index(3, 2), 3 * 2 ** 127);
        // 2^128 = 3 * 113427455640312821154458202477256070485 + 1.
        assertEq(index(1, 3), 113_427_455_640_312_821_154_458_202_477_256_070_485);
        assertEq(index(MOST, 1), uint256(MOST) * 2 ** 128);
    }

    function test_EarnedDown() public pure {
        assertEq(earned(3, 2 ** 128), 3);
        assertEq(earned(3, 2 ** 128 - 1), 2);
        assertEq(earned(0, type(uint256).max), 0);
        // A product of 360 bits.
        assertEq(earned(MOST, type(uint256).max), 2 ** 232 - 2 ** 128 - 1);
    }

    /// @dev Two members never earn more than was paid, and at most one unit each is lost.
    function testFuzz_Premium(uint104 amount, uint104 a, uint104 b) public pure {
        a = uint104(bound(a, 0, MOST / 2));
        b = uint104(bound(b, 1, MOST / 2));
        uint256 gained = index(amount, a + b);
        uint256 paid = earned(a, gained) + earned(b, gained);
        assertLe(paid, amount);
        assertLe(amount - paid, 2);
    }

    function quorum(uint104 active, uint256 bps) private pure returns (uint256) {
        return Units.unwrap(Units.wrap(active).quorumUp(bps));
    }

    function called(uint104 active, uint256 bps) private pure returns (uint256) {
        return Units.unwrap(Units.wrap(active).calledDown(bps));
    }

    function index(uint104 amount, uint104 weight) private pure returns (uint256) {
        return Units.wrap(amount).indexDown(Units.wrap(weight));
    }

    function earned(uint104 weight, uint256 gained) private pure returns (uint256) {
        return Units.wrap(weight).earnedDown(gained);
    }
}
