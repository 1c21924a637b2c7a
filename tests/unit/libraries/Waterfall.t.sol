// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Test } from "forge-std/Test.sol";
import { ProRata } from "levee/libraries/ProRata.sol";
import { Debt } from "levee/libraries/Waterfall.sol";
import { Wei } from "levee/types/Units.sol";

/// Waterfall, and the interest it adds
/// ├── interestDown: the greatest i with i * 10,000 * 365 days <= principal * rate * seconds
/// ├── accrued: adds that to the interest; the principal stays
/// └── repaid: the interest first, then the principal, and no more than the debt
contract WaterfallTest is Test {
    using ProRata for Wei;

    function test_InterestDown() public pure {
        assertEq(Wei.unwrap(Wei.wrap(300 ether).interestDown(250, 365 days)), 7.5 ether);
        assertEq(Wei.unwrap(Wei.wrap(300 ether).interestDown(250, 1)), 237_823_439_878);
        assertEq(Wei.unwrap(Wei.wrap(300 ether).interestDown(0, 365 days)), 0);
        assertEq(Wei.unwrap(Wei.wrap(0).interestDown(250, 365 days)), 0);
        assertEq(Wei.unwrap(Wei.wrap(1).interestDown(10_000, 365 days - 1)), 0);
        assertEq(Wei.unwrap(Wei.wrap(1).interestDown(10_000, 365 days)), 1);
    }

    /// @dev At every size there can be: 96, 16 and 40 bits.
    function testFuzz_InterestDown(uint96 principal, uint16 rateBps, uint40 elapsed) public pure {
        uint256 interest = Wei.unwrap(Wei.wrap(principal).interestDown(rateBps, elapsed));
        uint256 exact = uint256(principal) * rateBps * elapsed;
        assertLe(interest * 10_000 * 365 days, exact);
        assertGt((interest + 1) * 10_000 * 365 days, exact);
        assertLt(interest, 2 ** 114);
    }

    function testFuzz_Accrued(uint96 principal, uint112 interest, uint16 rateBps, uint40 elapsed) public pure {
        Debt memory debt = Debt(Wei.wrap(principal), Wei.wrap(interest)).accrued(rateBps, elapsed);
        assertEq(Wei.unwrap(debt.principal), principal);
        uint256 added = Wei.unwrap(Wei.wrap(principal).interestDown(rateBps, elapsed));
        assertEq(Wei.unwrap(debt.interest), interest + added);
    }

    function test_Repaid() public pure {
        assertRepaid(99, 0, 99, 1000, 1);
        assertRepaid(100, 0, 100, 1000, 0);
        assertRepaid(101, 1, 100, 999, 0);
        assertRepaid(1099, 999, 100, 1, 0);
        assertRepaid(1100, 1000, 100, 0, 0);
        assertRepaid(9999, 1000, 100, 0, 0);
        assertRepaid(0, 0, 0, 1000, 100);
    }

    /// @dev Of a debt of 1,000 and 100 of interest.
    function assertRepaid(
        uint256 amount,
        uint256 principal,
        uint256 interest,
        uint256 principalLeft,
        uint256 interestLeft
    ) internal pure {
        Debt memory debt = Debt(Wei.wrap(1000), Wei.wrap(100));
        (Debt memory owed, Wei ofInterest, Wei ofPrincipal) = debt.repaid(Wei.wrap(amount));
        assertEq(Wei.unwrap(ofInterest), interest);
        assertEq(Wei.unwrap(ofPrincipal), principal);
        assertEq(Wei.unwrap(owed.principal), principalLeft);
        assertEq(Wei.unwrap(owed.interest), interestLeft);
    }
}
