// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { IBonusPool } from "levee/interfaces/IBonusPool.sol";
import { Status, Terms } from "levee/interfaces/IPledgeEscrow.sol";
import { IRecoveryPool } from "levee/interfaces/IRecoveryPool.sol";
import { ASSETS, Asset } from "levee/types/Units.sol";

import { EscrowTest } from "../util/EscrowTest.sol";
import { GreedyPledger, MoodyBeneficiary } from "./Actors.sol";
import { BonusBooks } from "./BonusBooks.sol";
import { Drain } from "./Drain.sol";
import { Lido } from "./Lido.sol";
import { LogBooks } from "./LogBooks.sol";
import { RecoveryBooks } from "./RecoveryBooks.sol";
import { Reference } from "./Reference.sol";
import { Store } from "./Store.sol";
import { Twin } from "./Twin.sol";
import { BonusHandler } from "./handlers/BonusHandler.sol";
import { GuardianHandler } from "./handlers/GuardianHandler.sol";
import { KeeperHandler } from "./handlers/KeeperHandler.sol";
import { PledgerHandler } from "./handlers/PledgerHandler.sol";
import { RecoveryHandler } from "./handlers/RecoveryHandler.sol";
import { WorldHandler } from "./handlers/WorldHandler.sol";

/// @notice One rescue after the other, who acts in them, and the list of what they can do.
abstract contract Setting is EscrowTest {
    /// @dev What a handler can do. Every action takes at most `ACTION_WORDS` words, each any number.
    struct Action {
        address handler;
        bytes4 selector;
        string name;
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
    Reference internal ruling;
    MoodyBeneficiary internal moody;
    GreedyPledger internal greedy;
    PledgerHandler private pledgers;
    KeeperHandler private keeper;
    WorldHandler private world;
    GuardianHandler private guard;
    RecoveryHandler private finder;
    BonusHandler private sponsor;

    /// @dev What can happen in this rescue: nothing that its terms rule out for good. Forge draws from these too.
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
        keeper = new KeeperHandler(KEEPER);
        world = new WorldHandler(DONOR);
        guard = new GuardianHandler(guardian);
        finder = new RecoveryHandler(DONOR, VAULT);
        sponsor = new BonusHandler(DONOR);
        _begin();
        _listActions(escrow.terms());
    }

    /// @notice When a rescue is over, now and then the same people begin another one: else a run would have one
    /// settlement at most, and spend the rest of its calls on what is over.
    function beginAgain(uint256 seed) external {
        bool over = store.status() == Status.Failed || books.finalAt() != 0;
        // Where something can be recovered, there is more to do.
        bool again = over && seed % (store.recovery().anythingPaid() ? 5 : 2) == 0;
        if (again) _begin();
        store.noteActed(again);
    }

    /// @dev A rescue, the books that are kept of it, and money for those who act in it.
    function _begin() private {
        wakeLido();
        Terms memory terms = defaultTerms();
        terms.beneficiary = address(moody);
        terms.deadline = uint40(vm.getBlockTimestamp() + 30 days);
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
        ruling = new Reference(store);
        pledgers.attend(store, twin);
        keeper.attend(store, twin);
        world.attend(store, twin);
        guard.attend(store, twin);
        finder.attend(store, twin);
        sponsor.attend(store, twin);
    }

    /// @dev Both tokens move, and the rate can be read.
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

    /// @dev Gives an account what it lacks to `amount` of each asset, and lets the escrow take it.
    function _endow(address account, uint256 amount) private {
        for (uint256 asset; asset < ASSETS; ++asset) {
            uint256 has = balanceOf(account, Asset(asset));
            if (has < amount) fund(account, Asset(asset), amount - has);
            approve(account, Asset(asset));
        }
    }

    function _listActions(Terms memory terms) private {
        bool shares = terms.stETH != address(0);
        _list(address(pledgers), PledgerHandler.pledgeETH.selector, "pledgeETH");
        if (shares) _list(address(pledgers), PledgerHandler.pledgeStETH.selector, "pledgeStETH");
        if (shares) _list(address(pledgers), PledgerHandler.pledgeWstETH.selector, "pledgeWstETH");
        _list(address(pledgers), PledgerHandler.refund.selector, "refund");
        _list(address(pledgers), PledgerHandler.refundTo.selector, "refundTo");
        if (terms.vetoBps != 0) _list(address(pledgers), PledgerHandler.object.selector, "object");
        _list(address(keeper), KeeperHandler.settle.selector, "settle");
        _list(address(keeper), KeeperHandler.release.selector, "release");
        _list(address(keeper), KeeperHandler.lapse.selector, "lapse");
        if (shares) _list(address(keeper), KeeperHandler.expire.selector, "expire");
        _list(address(finder), RecoveryHandler.recover.selector, "recover");
        _list(address(finder), RecoveryHandler.claimRecovery.selector, "claimRecovery");
        _list(address(finder), RecoveryHandler.claimRecoveryTo.selector, "claimRecoveryTo");
        _list(address(sponsor), BonusHandler.addBonus.selector, "addBonus");
        _list(address(sponsor), BonusHandler.claimBonus.selector, "claimBonus");
        _list(address(sponsor), BonusHandler.takeBackBonus.selector, "takeBackBonus");
        _list(address(world), WorldHandler.wait.selector, "wait");
        _list(address(world), WorldHandler.disturb.selector, "disturb");
        _list(address(this), this.beginAgain.selector, "beginAgain");
        if (terms.guardian == address(0)) return;
        // Only an amendment opens an exit.
        _list(address(pledgers), PledgerHandler.exit.selector, "exit");
        _list(address(guard), GuardianHandler.decline.selector, "decline");
        _list(address(guard), GuardianHandler.amend.selector, "amend");
        _list(address(guard), GuardianHandler.cancel.selector, "cancel");
    }

    function _list(address handler, bytes4 selector, string memory name) private {
        actions.push(Action(handler, selector, name));
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        targetContract(handler);
        targetSelector(FuzzSelector(handler, selectors));
    }
}
