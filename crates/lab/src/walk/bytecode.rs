//! A walk on the deployed bytecode.

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolValue,
};
use levee::{
    Blueprint, BonusEvent, Contract, Contracts, Entry, Event, PoolBooks, PositionView, PotView,
    RecoveryEvent, RescueEvent, RescueView, history, operation,
};
use levee_model::{
    Amount, Asset, Operation, Payment, Pledge, PositionId, Refused, Rescue, Route, Status, Timestamp, Units,
};
use thiserror::Error;

use super::{
    bonus::{self, Bonus},
    cast::{BENEFICIARY, Cast, SIGNER, Scene, address_of, anyone, terms},
    format::{Balances, Books, Op, OwedBook, PositionBook, PotBook, Via},
    holdings::Holdings,
    recovery::{self, Recovery},
    replay::{Outcome, Subject},
    router::Router,
    views,
    world::{BROKEN_DATA, PURSE, World},
};
use crate::{
    chain::{BLOCK, Failure, Receipt},
    escrow::{self, EscrowError},
};

/// An escrow, its pools and the router in a world of their own, with everyone who takes part.
///
/// After every step their views are compared with what their events have told, and after every call that went through
/// the balances of everyone too.
#[derive(Debug)]
pub struct Bytecode {
    world: World,
    contracts: Contracts,
    router: Router,
    cast: Cast,
    accounts: Vec<Address>,
    holdings: Holdings,
    history: Rescue,
    pools: PoolBooks,
}

/// From whom, to whom, of which asset, how much.
type Movement = (Address, Address, Asset, Units);

/// What no walk speaks of.
#[derive(Debug, Error)]
pub enum BytecodeError {
    /// A read, or a change of the world around the escrow, failed.
    #[error(transparent)]
    World(#[from] Failure),
    /// A call failed by no rule.
    #[error("by no rule: {0}")]
    NoRule(Failure),
    /// There is no escrow to play on.
    #[error(transparent)]
    Create(#[from] EscrowError),
    /// What the escrow says cannot be read, or its events do not go together.
    #[error(transparent)]
    Client(#[from] levee::Error),
    /// Balances did not move as the events say.
    #[error("{account} holds {found} of {asset}, and {expected} by the events")]
    Holdings {
        /// Who.
        account: String,
        /// Of what.
        asset: Asset,
        /// By the events.
        expected: U256,
        /// On the chain.
        found: U256,
    },
    /// The state rebuilt from the events is not what a view says.
    #[error("{what}: {told} by the events, {view} by the view")]
    View {
        /// Of what.
        what: String,
        /// By the events.
        told: String,
        /// By the view.
        view: String,
    },
    /// An amount is beyond all bounds.
    #[error("{0} is more than there can be")]
    TooMuch(U256),
}

impl Subject for Bytecode {
    type Error = BytecodeError;

    fn start(scene: &Scene) -> Result<Self, BytecodeError> {
        let mut world = World::new(scene.start, scene.rate)?;
        let terms = terms(&scene.terms, world.lido.steth, world.lido.wsteth);
        let (escrow, receipt) = escrow::create_with(&mut world.chain, &scene.builds.escrow, &terms)?;
        let mut create = |init_code: &[u8], blueprint: Blueprint| -> Result<Address, Failure> {
            let init_code = [init_code, &escrow.abi_encode()].concat();
            Ok(world.chain.deploy_create2(blueprint.salt(), &init_code)?.0)
        };
        let recovery = create(&scene.builds.pool, Blueprint::recovery_pool(escrow))?;
        let bonus = create(&scene.builds.bonus, Blueprint::bonus_pool(escrow))?;
        let router = Router::create(&mut world)?;
        let cast = scene.cast.clone();
        world.chain.set_balance(anyone(), U256::from(PURSE));
        for name in cast.names().into_iter().filter(|&name| name != BENEFICIARY) {
            world.fill_purse(address_of(name), escrow)?;
            if name != SIGNER {
                router.fill_purse(&mut world, address_of(name))?;
            }
        }
        let contracts = Contracts { escrow, recovery, bonus, router: Some(router.address) };
        let accounts = [anyone(), escrow, recovery, bonus, router.address, router.weth];
        let accounts: Vec<_> = cast.addresses().chain(accounts).collect();
        let holdings = world.holdings(&accounts)?;
        let history = created(escrow, &receipt, scene.start)?;
        let pools = PoolBooks::default();
        Ok(Self { world, contracts, router, cast, accounts, holdings, history, pools })
    }

    fn play(&mut self, time: Timestamp, op: &Op) -> Result<Outcome, BytecodeError> {
        self.world.chain.set_time(time);
        match op {
            Op::Rebase { rate } => self.world.rebase(*rate)?,
            Op::Break { broken } => self.world.set_broken(*broken),
            _ => {}
        }
        let outcome = match op.call(self.history.latest_amendment()) {
            None => Ok(Vec::new()),
            Some((caller, operation)) => self.call(caller, operation, op.via())?,
        };
        self.checked_view(time)?;
        Ok(outcome)
    }

    fn stored_status(&mut self) -> Result<Status, BytecodeError> {
        Ok(self.history.stored_status())
    }

    fn is_pledged(&mut self, tier: u8) -> Result<bool, BytecodeError> {
        let rescue = views::rescue(&mut self.world.chain, self.contracts.escrow)?;
        Ok(rescue.pots.iter().any(|pot| pot.tier == tier))
    }

    fn recovery(&mut self, time: Timestamp) -> Result<Recovery, BytecodeError> {
        self.world.chain.set_time(time);
        let ids = self.history.positions().map(|(id, _)| id);
        recovery::checked(&mut self.world.chain, self.contracts.recovery, &self.pools, ids)
    }

    fn bonus(&mut self) -> Result<Bonus, BytecodeError> {
        bonus::checked(&mut self.world.chain, self.contracts.bonus, &self.pools, &self.cast)
    }

    fn books(&mut self, time: Timestamp) -> Result<Books, BytecodeError> {
        self.world.chain.set_time(time);
        let rescue = self.checked_view(time)?;
        let settled = rescue.settled_at.is_some();
        Ok(Books {
            status: self.history.stored_status(),
            target: rescue.terms.target,
            deadline: rescue.terms.deadline,
            active_threshold_bps: settled.then_some(rescue.threshold_met.get()),
            settlement_rate: settled.then_some(rescue.rate.known()),
            pots: rescue.pots.iter().map(pot_book).collect(),
            positions: self.position_books()?,
            owed: self.owed_books()?,
            beneficiary: Balances {
                eth: self.received(Asset::Eth)?,
                steth: self.received(Asset::StEth)?,
                wsteth: self.received(Asset::WstEth)?,
            },
        })
    }
}

impl Bytecode {
    /// What the escrow's events have told.
    pub const fn history(&self) -> &Rescue {
        &self.history
    }

    fn call(
        &mut self,
        caller: Address,
        operation: Operation,
        via: Option<Via>,
    ) -> Result<Outcome, BytecodeError> {
        let transaction = self.contracts.transaction(operation)?;
        let executed = match (operation, via) {
            (Operation::Pledge(pledge), Some(Via { route, .. })) if route.has_permit() => {
                self.router.pledge(&mut self.world, &self.contracts, caller, pledge, route)
            }
            _ => self.world.chain.execute(caller, &transaction),
        };
        match executed {
            Ok(receipt) => self.follow(caller, operation, transaction.to, &receipt).map(Ok),
            Err(failure) => refused(operation, transaction.contract, &failure)
                .map(Err)
                .ok_or(BytecodeError::NoRule(failure)),
        }
    }

    /// What a call of `called` paid, by its events. The balances of everyone must have moved by just what these say.
    fn follow(
        &mut self,
        caller: Address,
        operation: Operation,
        called: Address,
        receipt: &Receipt,
    ) -> Result<Vec<Payment>, BytecodeError> {
        let Contracts { escrow, recovery, bonus, .. } = self.contracts;
        let logs = receipt.logs.iter().filter(|log| [escrow, recovery, bonus].contains(&log.address));
        let events: Vec<_> = logs.map(Event::decode).collect::<Result<_, _>>()?;
        for event in &events {
            if let Event::Rescue(event) = event {
                self.history.apply(event).map_err(levee::Error::from)?;
            }
            self.pools.apply(event)?;
            if let Some((from, to, asset, amount)) = self.deposit(caller, operation, event) {
                self.holdings.transfer(from, to, asset, amount);
            }
        }
        let payments = operation::payments(&events, address_of(BENEFICIARY));
        for &Payment { to, asset, amount } in &payments {
            self.holdings.transfer(called, to, asset, amount);
        }
        self.expect_holdings()?;
        let people: Vec<_> = self.cast.addresses().collect();
        views::check_owed(&mut self.world.chain, escrow, &self.history, &people)?;
        Ok(payments)
    }

    /// What an event says was paid in: by whom, to which contract, of which asset, how much.
    fn deposit(&self, caller: Address, operation: Operation, event: &Event) -> Option<Movement> {
        let Contracts { escrow, recovery, bonus, .. } = self.contracts;
        let units = |wei| Amount::Eth(wei).units();
        match *event {
            // The events of a pledge and of a bonus do not say who paid.
            Event::Rescue(RescueEvent::Pledged { position, amount }) => {
                let is_wrapped =
                    matches!(operation, Operation::Pledge(Pledge { route: Route::Weth { .. }, .. }));
                let from = if is_wrapped { self.router.weth } else { caller };
                Some((from, escrow, position.asset, amount))
            }
            Event::Bonus(BonusEvent::Added { amount, .. }) => {
                Some((caller, bonus, Asset::Eth, units(amount)))
            }
            Event::Recovery(RecoveryEvent::Recovered { payer, amount, .. }) => {
                Some((payer, recovery, Asset::Eth, units(amount)))
            }
            _ => None,
        }
    }

    fn expect_holdings(&mut self) -> Result<(), BytecodeError> {
        let found = self.world.holdings(&self.accounts)?;
        let Some((account, asset, expected, found)) = self.holdings.difference(&found) else { return Ok(()) };
        Err(BytecodeError::Holdings { account: self.cast.name(account), asset, expected, found })
    }

    fn checked_view(&mut self, time: Timestamp) -> Result<RescueView, BytecodeError> {
        let at = self.world.moment(time);
        let people: Vec<_> = self.cast.addresses().collect();
        views::checked(&mut self.world.chain, self.contracts.escrow, &self.history, at, &people)
    }

    fn owed_books(&mut self) -> Result<Vec<OwedBook>, BytecodeError> {
        let mut books = Vec::new();
        for who in self.cast.names() {
            let owed = views::owed(&mut self.world.chain, self.contracts.escrow, address_of(who))?;
            let book = |asset| OwedBook { who: who.to_owned(), asset, amount: owed[asset] };
            books.extend(Asset::ALL.map(book).into_iter().filter(|book| !book.amount.is_zero()));
        }
        Ok(books)
    }

    /// All of the beneficiary's: it started with nothing.
    fn received(&self, asset: Asset) -> Result<Units, BytecodeError> {
        let held = self.holdings.of(address_of(BENEFICIARY), asset);
        held.try_into().map(Units::new).map_err(|_| BytecodeError::TooMuch(held))
    }

    fn position_books(&mut self) -> Result<Vec<PositionBook>, BytecodeError> {
        let mut books = Vec::new();
        for who in self.cast.names() {
            let views = views::positions(&mut self.world.chain, self.contracts.escrow, address_of(who))?;
            books.extend(views.iter().map(|view| position_book(who, view, &self.pools)));
        }
        Ok(books)
    }
}

/// By which rule a call failed; none when it is no rule's refusal.
pub(crate) fn refused(operation: Operation, contract: Contract, failure: &Failure) -> Option<Refused> {
    let Failure::Revert(data) = failure else { return None };
    let error = levee::Error::from_revert_of(contract, data);
    // Of all that reverts without a reason that is known, only a broken stETH is meant to.
    let is_known = *data == BROKEN_DATA || !matches!(error, levee::Error::UnknownRevert { .. });
    operation::refused(operation, &error).filter(|_| is_known)
}

/// The rescue that the escrow's creation begins.
fn created(escrow: Address, receipt: &Receipt, time: Timestamp) -> Result<Rescue, BytecodeError> {
    let malformed = levee::Error::Malformed { what: "the creation" };
    let log = receipt.logs.first().ok_or(malformed)?;
    let entry = Entry { block: BLOCK, time, transaction: B256::ZERO, event: Event::decode(log)? };
    Ok(history::fold(escrow, &[entry])?)
}

fn position_book(who: &str, view: &PositionView, pools: &PoolBooks) -> PositionBook {
    let id = PositionId { pledger: address_of(who), tier: view.tier, asset: view.asset };
    PositionBook {
        who: who.to_owned(),
        tier: view.tier,
        asset: view.asset,
        amount: view.amount,
        refunded: view.refunded,
        recovered: pools.claimed.get(&id).copied().unwrap_or_default(),
    }
}

fn pot_book(pot: &PotView) -> PotBook {
    PotBook { tier: pot.tier, asset: pot.asset, total: pot.total, drawn: pot.drawn }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::{Walk, read};

    fn walk() -> Walk {
        let walks = read(include_str!("../../../../tests/vectors/rescue.json")).unwrap();
        walks.into_iter().next().unwrap()
    }

    #[test]
    fn a_balance_that_moves_without_an_event_is_noticed() {
        let walk = walk();
        let (first, next) = (&walk.steps[0], &walk.steps[1]);
        for account in [address_of(BENEFICIARY), address_of(first.op.who().unwrap())] {
            let mut subject = Bytecode::start(&Scene::of(&walk)).unwrap();
            assert_eq!(subject.play(first.t, &first.op).unwrap(), Ok(Vec::new()));
            let balance = subject.world.chain.balance(account);
            subject.world.chain.set_balance(account, balance + U256::ONE);
            let error = subject.play(next.t, &next.op).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "{} holds {} of ETH, and {balance} by the events",
                    subject.cast.name(account),
                    balance + U256::ONE
                )
            );
        }
    }
    #[test]
    fn a_view_that_the_events_have_not_told_is_noticed() {
        let walk = walk();
        let mut subject = Bytecode::start(&Scene::of(&walk)).unwrap();
        let untold = subject.history.clone();
        let (first, next) = (&walk.steps[0], &walk.steps[2]);
        subject.play(first.t, &first.op).unwrap().unwrap();
        subject.history = untold;
        let error = subject.play(next.t, &next.op).unwrap_err().to_string();
        assert!(error.starts_with("rescue: RescueView"), "{error}");
        assert_eq!(error.matches("pots: []").count(), 1, "{error}");
    }
}
