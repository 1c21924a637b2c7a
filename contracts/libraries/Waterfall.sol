// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Wei, minWei } from "../types/Units.sol";
import { ProRata } from "./ProRata.sol";

/// @dev What a group of pledges is still owed before the next group gets anything.
/// @custom:member principal The value, at the settlement rate, of what was paid out of the group and is not repaid.
/// @custom:member interest The interest accrued on it and not paid.
struct Debt {
    Wei principal;
    Wei interest;
}

using Waterfall for Debt global;

/// @dev The rules of recovery within one group, as pure functions: who is repaid first.
library Waterfall {
    using ProRata for Wei;

    /// @dev The debt `elapsed` seconds later: simple interest on the outstanding principal alone, rounded down.
    function accrued(Debt memory debt, uint256 rateBps, uint256 elapsed) internal pure returns (Debt memory) {
        return Debt(debt.principal, debt.interest + debt.principal.interestDown(rateBps, elapsed));
    }

    /// @dev Pays as much of the debt as `amount` allows: the interest first, then the principal.
    /// @return owed The remaining debt.
    /// @return interest The part of `amount` that went to interest.
    /// @return principal The part of `amount` that went to principal; less than the remainder only if the debt is paid
    /// in full.
    function repaid(Debt memory debt, Wei amount)
        internal
        pure
        returns (Debt memory owed, Wei interest, Wei principal)
    {
        interest = minWei(amount, debt.interest);
        // Each is at most the two values from which it is subtracted.
        principal = minWei(amount - interest, debt.principal);
        owed = Debt(debt.principal - principal, debt.interest - interest);
    }
}
