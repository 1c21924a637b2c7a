// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { GreedyPledger, MoodyBeneficiary } from "./Actors.sol";
import { BonusBooks } from "./BonusBooks.sol";
import { Facts } from "./Course.sol";
import { Drain } from "./Drain.sol";
import { Lido } from "./Lido.sol";
import { LogBooks } from "./LogBooks.sol";
import { RecoveryBooks } from "./RecoveryBooks.sol";
import { Refusals } from "./Refusals.sol";
import { Store } from "./Store.sol";
import { Twin } from "./Twin.sol";
import { BonusHandler } from "./handlers/BonusHandler.sol";
import { GuardianHandler } from "./handlers/GuardianHandler.sol";
import { KeeperHandler } from "./handlers/KeeperHandler.sol";
import { PledgerHandler } from "./handlers/PledgerHandler.sol";
import { RecoveryHandler } from "./handlers/RecoveryHandler.sol";
import { SchemerHandler } from "./handlers/SchemerHandler.sol";
import { WorldHandler } from "./handlers/WorldHandler.sol";

/// @notice One rescue after the other, their actors, and the list of what they can do.
abstract contract Setting is EscrowTest {
    /// @dev An action of a handler. Every action takes at most `ACTION_WORDS` words, each of any value.
    /// @custom:member possible Whether the terms of the rescue ever allow it.
    /// @custom:member refusable Whether it can be refused.
    struct Action {
        address handler;
        bytes4 selector;
        string name;
        bool possible;
        bool refusable;
    }

    uint256 internal constant ACTION_WORDS = 4;

    address private immutable KEEPER = makeAddr("keeper");
    address private immutable DONOR = makeAddr("donor");
    address private immutable VAULT = makeAddr("vault");

    Store internal store;
    LogBooks internal books;
    Lido internal lido;
    Twin internal twin;
    Drain internal drain;
    MoodyBeneficiary internal moody;
    GreedyPledger internal greedy;
    PledgerHandler private pledgers;
    SchemerHandler private schemer;
    KeeperHandler private keeper;
    WorldHandler private world;
    GuardianHandler private guard;
    RecoveryHandler private finder;
    BonusHandler private sponsor;

    /// @dev The actions in this rescue. Forge chooses from these too.
    Action[] internal actions;

    /// @dev The terms of this rescue; `defaultTerms` with the moody beneficiary to begin with.
    function shape(Terms memory terms) internal view virtual returns (Terms memory);

    function setUp() public override {
        vm.warp(START);
        deployLido();
        lido = new Lido(stETH, wstETH);
        moody = new MoodyBeneficiary();
        greedy = new GreedyPledger();
        pledgers = new PledgerHandler(VAULT);
        schemer = new SchemerHandler(VAULT);
        keeper = new KeeperHandler(KEEPER);
        world = new WorldHandler(DONOR);
        guard = new GuardianHandler(guardian);
        finder = new RecoveryHandler(DONOR, VAULT);
        sponsor = new BonusHandler(DONOR, VAULT);
        _begin();
        _listActions(escrow.terms());
    }

    /// @notice When a rescue is over, the same actors sooner or later begin another one: otherwise a run would have at
    /// most one settlement, and spend its remaining calls on a finished rescue.
    function beginAgain(uint256 seed) external {
        store.begin();
        Facts memory state = store.facts();
        bool over = state.status == Status.Failed || state.finalAt != 0;
        // If something can be recovered, there is more to do.
        bool again = over && (seed % 2 == 0 || !store.recovery().anythingPaid());
        if (again) _begin();
        if (again) store.noteActed();
    }

    /// @dev A rescue, its books, and money for its actors.
    function _begin() private {
        wakeLido();
        Terms memory terms = defaultTerms();
        terms.beneficiary = address(moody);
        terms.deadline = uint40(vm.getBlockTimestamp() + 30 days);
        terms.latestDeadline = terms.deadline + 40 days;
        terms = shape(terms);
        vm.recordLogs();
        escrow = deploy(terms);
        books = new LogBooks(address(escrow));
        books.absorb(vm.getRecordedLogs());
        store = new Store(escrow, terms, lido, books, _pledgers());
        twin = new Twin(store);
        _endow(address(twin), 20_000 ether);
        _createPools();
        _endowAndFollow();
        drain = new Drain(store);
        Refusals refusals = new Refusals(store);
        pledgers.attend(store, refusals, twin);
        schemer.attend(store, refusals, twin);
        keeper.attend(store, refusals, twin);
        world.attend(store, refusals, twin);
        guard.attend(store, refusals, twin);
        finder.attend(store, refusals, twin);
        sponsor.attend(store, refusals, twin);
    }

    /// @dev Both tokens can be transferred, and the rate can be read.
    function wakeLido() internal {
        lido.mend();
        if (stETH.isStopped()) stETH.resume();
    }

    function _createPools() private {
        address pool = deployCode("RecoveryPool.sol:RecoveryPool", abi.encode(escrow));
        address bonus = deployCode("BonusPool.sol:BonusPool", abi.encode(escrow));
        store.adopt(IRecoveryPool(pool), IBonusPool(bonus), new RecoveryBooks(store), new BonusBooks(store));
        store.follow(pool);
        store.follow(bonus);
    }

    function _pledgers() private view returns (address[] memory list) {
        list = new address[](4);
        (list[0], list[1], list[2], list[3]) = (alice, bob, carol, address(greedy));
    }

    function _endowAndFollow() private {
        address[] memory list = store.pledgers();
        for (uint256 i; i < list.length; ++i) {
            _endow(list[i], 10_000 ether);
            store.follow(list[i]);
        }
        _endow(DONOR, 3000 ether);
        store.follow(DONOR);
        store.follow(VAULT);
        store.follow(KEEPER);
        store.follow(guardian);
        store.follow(address(moody));
        store.follow(address(escrow));
    }

    /// @dev Tops an account up to `amount` of each asset, and lets the escrow take it.
    function _endow(address account, uint256 amount) private {
        for (uint256 asset; asset < ASSETS; ++asset) {
            uint256 has = balanceOf(account, Asset(asset));
            if (has < amount) fund(account, Asset(asset), amount - has);
            approve(account, Asset(asset));
        }
    }

    function _listActions(Terms memory terms) private {
        bool shares = terms.stETH != address(0);
        bool guarded = terms.guardian != address(0);
        bool vetoed = terms.vetoBps != 0;
        _list(address(pledgers), PledgerHandler.pledgeETH.selector, "pledgeETH", true);
        _list(address(pledgers), PledgerHandler.pledgeStETH.selector, "pledgeStETH", shares);
        _list(address(pledgers), PledgerHandler.pledgeWstETH.selector, "pledgeWstETH", shares);
        // Only an amendment opens an exit, and only an exit or a decline leaves something to collect.
        _list(address(pledgers), PledgerHandler.exit.selector, "exit", guarded);
        _list(address(pledgers), PledgerHandler.collect.selector, "collect", guarded);
        _list(address(pledgers), PledgerHandler.collectTo.selector, "collectTo", guarded);
        _list(address(pledgers), PledgerHandler.refund.selector, "refund", true);
        _list(address(pledgers), PledgerHandler.refundTo.selector, "refundTo", true);
        _list(address(pledgers), PledgerHandler.object.selector, "object", vetoed);
        _list(address(schemer), SchemerHandler.flash.selector, "flash", true);
        _list(address(schemer), SchemerHandler.snipe.selector, "snipe", true);
        _list(address(schemer), SchemerHandler.move.selector, "move", guarded);
        _list(address(schemer), SchemerHandler.revolt.selector, "revolt", vetoed);
        _list(address(keeper), KeeperHandler.settle.selector, "settle", true);
        _list(address(keeper), KeeperHandler.release.selector, "release", true);
        _list(address(keeper), KeeperHandler.lapse.selector, "lapse", true);
        _list(address(keeper), KeeperHandler.expire.selector, "expire", shares);
        _list(address(guard), GuardianHandler.decline.selector, "decline", guarded);
        _list(address(guard), GuardianHandler.amend.selector, "amend", guarded);
        _list(address(guard), GuardianHandler.cancel.selector, "cancel", guarded);
        _list(address(finder), RecoveryHandler.recover.selector, "recover", true);
        // A claim may make a deposit first.
        _list(address(finder), RecoveryHandler.claimRecovery.selector, "claimRecovery", true);
        _list(address(finder), RecoveryHandler.claimRecoveryTo.selector, "claimRecoveryTo", true);
        _listBonusActions();
        _listAlways(address(world), WorldHandler.wait.selector, "wait");
        _listAlways(address(world), WorldHandler.disturb.selector, "disturb");
        _listAlways(address(this), this.beginAgain.selector, "beginAgain");
    }

    function _listBonusActions() private {
        _list(address(sponsor), BonusHandler.addBonus.selector, "addBonus", true);
        _list(address(sponsor), BonusHandler.enlist.selector, "enlist", true);
        _list(address(sponsor), BonusHandler.claimBonus.selector, "claimBonus", true);
        _list(address(sponsor), BonusHandler.claimBonusTo.selector, "claimBonusTo", true);
        _list(address(sponsor), BonusHandler.takeBackBonus.selector, "takeBackBonus", true);
        _list(address(sponsor), BonusHandler.takeBackBonusTo.selector, "takeBackBonusTo", true);
    }

    function _list(address handler, bytes4 selector, string memory name, bool possible) private {
        actions.push(Action(handler, selector, name, possible, true));
        _target(handler, selector);
    }

    /// @dev An action that nobody can refuse.
    function _listAlways(address handler, bytes4 selector, string memory name) private {
        actions.push(Action(handler, selector, name, true, false));
        _target(handler, selector);
    }

    function _target(address handler, bytes4 selector) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        targetContract(handler);
        targetSelector(FuzzSelector(handler, selectors));
    }
}
