// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Wei, minWei } from "../types/Units.sol";
import { ProRata } from "./ProRata.sol";

/// @dev What a group of pledges is still owed before the next group gets anything.
/// @custom:member principal The value, at the settlement rate, of what was paid out of it and is not repaid.
/// @custom:member interest The interest added to that and not paid.
struct Debt {
    Wei principal;
    Wei interest;
}

using Waterfall for Debt global;

/// @dev Who is repaid first: the pure rules of recovery within one group.
library Waterfall {
    using ProRata for Wei;

    /// @dev The debt `elapsed` seconds later: simple interest, on the outstanding principal alone, rounded down.
    function accrued(Debt memory debt, uint256 rateBps, uint256 elapsed) internal pure returns (Debt memory) {
        return Debt(debt.principal, debt.interest + debt.principal.interestDown(rateBps, elapsed));
    }

    /// @dev Pays what `amount` suffices for: the interest first, then the principal.
    /// @return owed The debt after it.
    /// @return interest Of `amount`, what went to interest.
    /// @return principal Of `amount`, what went to principal; less than the rest of it only if the debt is paid.
    function repaid(Debt memory debt, Wei amount)
        internal
        pure
        returns (Debt memory owed, Wei interest, Wei principal)
    {
        interest = minWei(amount, debt.interest);
        // Each is the least of the two that it is taken from.
        principal = minWei(amount - interest, debt.principal);
        owed = Debt(debt.principal - principal, debt.interest - interest);
    }
}
