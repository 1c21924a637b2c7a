// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { Checkpoints } from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

import { Compact } from "levee/Compact.sol";
import { CompactTerms } from "levee/interfaces/ICompact.sol";
import { Standing, standing } from "levee/types/Standings.sol";
import { Units } from "levee/types/Units.sol";

/// @dev The books of a compact, as far as a call of one member reads or writes them: what it has, and the sum of all.
struct Books {
    uint104 pending;
    uint40 committedAt;
    uint104 earned;
    uint40 noticedAt;
    uint104 active;
    uint104 weight;
    uint104 allActive;
    uint104 allWeight;
}

/// @notice The compact, with books that can be set and read: proofs start from any state.
contract Agreement is Compact {
    using Checkpoints for Checkpoints.Trace208;

    constructor(CompactTerms memory terms_) Compact(terms_) { }

    /// @dev Each history has one entry, of the first second, and no premium is accrued anew.
    function write(Books calldata books, address account) external {
        Member storage member_ = _members[account];
        (member_.pending, member_.committedAt) = (Units.wrap(books.pending), books.committedAt);
        (member_.earned, member_.index) = (Units.wrap(books.earned), _index);
        member_.noticedAt = books.noticedAt;
        member_.history.push(1, word(books.active, books.weight));
        _all.push(_now(), word(books.allActive, books.allWeight));
    }

    function read(address account) external view returns (Books memory books) {
        Member storage member_ = _members[account];
        (books.pending, books.committedAt) = (Units.unwrap(member_.pending), member_.committedAt);
        (books.earned, books.noticedAt) = (Units.unwrap(member_.earned), member_.noticedAt);
        Standing own = _standing(member_);
        (books.active, books.weight) = (Units.unwrap(own.active()), Units.unwrap(own.weight()));
        Standing sum = _allNow();
        (books.allActive, books.allWeight) = (Units.unwrap(sum.active()), Units.unwrap(sum.weight()));
    }

    function word(uint104 active, uint104 weight) private pure returns (uint208) {
        return Standing.unwrap(standing(Units.wrap(active), Units.wrap(weight)));
    }
}
