// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Asset, MAX_POT } from "levee/types/Units.sol";

import { PledgeTest } from "../util/PledgeTest.sol";

/// pledgeETH: as in PledgeTest, and
/// └── when the pot holds exactly MAX_POT then
///     └── it is accepted
contract PledgeETHTest is PledgeTest {
    function asset() internal pure override returns (Asset) {
        return Asset.ETH;
    }

    function test_Pledge_FillsThePot() public {
        pledge(alice, GRANT, Asset.ETH, 5);
        pledge(alice, GRANT, Asset.ETH, MAX_POT - 5);
        assertPot(GRANT, Asset.ETH, MAX_POT, 0, 0);
        assertPosition(alice, GRANT, Asset.ETH, MAX_POT, 0, 0);
    }
}
