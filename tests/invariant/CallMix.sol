// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { console } from "forge-std/console.sol";

import { Setting } from "./Setting.sol";

/// @notice How often each action of the handlers succeeds, of the times it is attempted, and how often it is refused.
/// @dev Forge discards the state of a run when it begins the next one, so the runs are made here: like forge's, with
/// every action equally likely, but from one seed, so that the result is always the same.
abstract contract CallMix is Setting {
    uint256 private constant RUNS = 24;
    uint256 private constant DEPTH = 256;
    /// @dev The percentage of an action's calls that must succeed, and that must be refused.
    uint256 private constant MINIMUM = 3;

    function test_CallMix() public {
        vm.pauseGasMetering();
        uint256[] memory calls = new uint256[](actions.length);
        uint256[] memory done = new uint256[](actions.length);
        uint256[] memory refused = new uint256[](actions.length);
        uint256 start = vm.snapshotState();
        for (uint256 run; run < RUNS; ++run) {
            _run(run, calls, done, refused);
            assertTrue(vm.revertToState(start));
        }
        _report(calls, done, refused);
        for (uint256 i; i < actions.length; ++i) {
            if (actions[i].possible) assertGe(done[i] * 100, calls[i] * MINIMUM, actions[i].name);
            else assertEq(done[i], 0, actions[i].name);
            if (actions[i].refusable) assertGe(refused[i] * 100, calls[i] * MINIMUM, actions[i].name);
        }
    }

    function _run(uint256 run, uint256[] memory calls, uint256[] memory done, uint256[] memory refused) private {
        for (uint256 step; step < DEPTH; ++step) {
            uint256 draw = _draw(run, step, 0);
            uint256 number = draw % actions.length;
            Action memory action = actions[number];
            bytes memory call = abi.encodePacked(action.selector);
            for (uint256 word = 1; word <= ACTION_WORDS; ++word) {
                call = abi.encodePacked(call, _draw(run, step, word));
            }
            (bool success, bytes memory answer) = action.handler.call(call);
            assertTrue(success, string.concat(action.name, ": ", vm.toString(answer)));
            ++calls[number];
            if (store.acted()) ++done[number];
            if (store.refused()) ++refused[number];
        }
    }

    function _draw(uint256 run, uint256 step, uint256 word) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(run, step, word)));
    }

    function _report(uint256[] memory calls, uint256[] memory done, uint256[] memory refused) private view {
        console.log("| action | calls | went through % | refused % |");
        console.log("|---|---|---|---|");
        for (uint256 i; i < actions.length; ++i) {
            string memory shares =
                string.concat(vm.toString(done[i] * 100 / calls[i]), " | ", vm.toString(refused[i] * 100 / calls[i]));
            console.log(string.concat("| ", actions[i].name, " | ", vm.toString(calls[i]), " | ", shares, " |"));
        }
    }
}
