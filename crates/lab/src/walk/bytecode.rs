//! A walk on the deployed bytecode.

use alloy::{
    primitives::{Address, B256, Log, U256, aliases::U40},
    sol_types::SolCall,
};
use levee::{Entry, Event, PositionView, PotView, RescueEvent, RescueView, bindings::PledgeEscrow, history};
use levee_model::{Asset, PositionId, Rescue, Status, Timestamp, Units, Wei};
use thiserror::Error;

use super::{
    bonus::{self, Bonus},
    cast::{BENEFICIARY, Cast, GUARDIAN, SIGNER, Scene, address_of, anyone, terms},
    format::{Balances, Books, Op, OwedBook, Pay, PositionBook, PotBook},
    holdings::Holdings,
    recovery::{Pool, Recovery},
    refusal,
    replay::{Outcome, Subject},
    router::{Router, destination},
    views,
    world::{PURSE, World},
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
    escrow: Address,
    pool: Pool,
    bonus: bonus::Pool,
    router: Router,
    cast: Cast,
    accounts: Vec<Address>,
    holdings: Holdings,
    history: Rescue,
}

/// From whom, to whom, of which asset, how much.
type Movement = (Address, Address, Asset, Units);

/// What a log tells of balances.
enum Told {
    /// Nothing.
    Nothing,
    /// Something was moved.
    Moved(Movement),
    /// What was said to be paid just before is owed instead.
    Owed,
}

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
        let mut world = World::new(scene)?;
        let terms = terms(&scene.terms, world.lido.steth, world.lido.wsteth);
        let (escrow, receipt) = escrow::create_with(&mut world.chain, &scene.builds.escrow, &terms)?;
        let pool = Pool::create(&mut world.chain, &scene.builds.pool, escrow)?;
        let bonus = bonus::Pool::create(&mut world.chain, &scene.builds.bonus, escrow)?;
        let router = Router::create(&mut world)?;
        let cast = scene.cast.clone();
        world.chain.set_balance(anyone(), U256::from(PURSE));
        for name in cast.names().into_iter().filter(|&name| name != BENEFICIARY) {
            world.fill_purse(address_of(name), escrow)?;
            if name != SIGNER {
                router.fill_purse(&mut world, address_of(name))?;
            }
        }
        let contracts = [escrow, pool.address, bonus.address, router.address, router.weth];
        let accounts: Vec<_> =
            cast.names().into_iter().map(address_of).chain([anyone()]).chain(contracts).collect();
        let holdings = world.holdings(&accounts)?;
        let history = created(escrow, &receipt, scene.start)?;
        Ok(Self { world, escrow, pool, bonus, router, cast, accounts, holdings, history })
    }

    fn play(&mut self, time: Timestamp, op: &Op) -> Result<Outcome, BytecodeError> {
        self.world.chain.set_time(time);
        match op {
            Op::Rebase { rate } => self.world.rebase(*rate)?,
            Op::Break { broken } => self.world.set_broken(*broken),
            _ => return self.play_call(time, op),
        }
        self.checked_view(time)?;
        Ok(Ok(Vec::new()))
    }

    fn stored_status(&mut self) -> Result<Status, BytecodeError> {
        Ok(self.history.stored_status())
    }

    fn is_pledged(&mut self, tier: u8) -> Result<bool, BytecodeError> {
        let rescue = views::rescue(&mut self.world.chain, self.escrow)?;
        Ok(rescue.pots.iter().any(|pot| pot.tier == tier))
    }

    fn recovery(&mut self, time: Timestamp) -> Result<Recovery, BytecodeError> {
        self.world.chain.set_time(time);
        let ids = self.history.positions().map(|(id, _)| id);
        self.pool.checked_view(&mut self.world.chain, ids)
    }

    fn bonus(&mut self) -> Result<Bonus, BytecodeError> {
        self.bonus.checked_view(&mut self.world.chain, &self.cast)
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

    fn play_call(&mut self, time: Timestamp, op: &Op) -> Result<Outcome, BytecodeError> {
        match self.call(op) {
            Ok(receipt) => {
                let pays = self.follow(op, &receipt)?;
                self.checked_view(time)?;
                Ok(Ok(pays))
            }
            Err(failure) => {
                self.checked_view(time)?;
                refusal::refused(&failure, op).map(Err).ok_or(BytecodeError::NoRule(failure))
            }
        }
    }

    /// Makes a call, from whom a walk means: the pledger, the guardian, or anyone.
    fn call(&mut self, op: &Op) -> Result<Receipt, Failure> {
        use PledgeEscrow as E;
        let (guardian, anyone) = (address_of(GUARDIAN), anyone());
        match op {
            Op::Pledge { .. } => self.pledge(op),
            Op::Settle => self.send(anyone, &E::settleCall {}),
            Op::Release { asset } => self.send(anyone, &E::releaseCall { asset: *asset as u8 }),
            Op::Refund { who, tier, asset, to: None } => {
                let call = E::refundCall { pledger: address_of(who), tier: *tier, asset: *asset as u8 };
                self.send(anyone, &call)
            }
            Op::Refund { who, tier, asset, to: Some(to) } => {
                let call = E::refundToCall { tier: *tier, asset: *asset as u8, recipient: address_of(to) };
                self.send(address_of(who), &call)
            }
            Op::Exit { who, tier, asset, to } => {
                let recipient = address_of(to.as_ref().unwrap_or(who));
                self.send(address_of(who), &E::exitCall { tier: *tier, asset: *asset as u8, recipient })
            }
            Op::Decline { who, tier, asset } => {
                let call = E::declineCall { pledger: address_of(who), tier: *tier, asset: *asset as u8 };
                self.send(guardian, &call)
            }
            Op::Collect { who, asset, to: None } => {
                let call = E::collectCall { pledger: address_of(who), asset: *asset as u8 };
                self.send(anyone, &call)
            }
            Op::Collect { who, asset, to: Some(to) } => {
                let call = E::collectToCall { asset: *asset as u8, recipient: address_of(to) };
                self.send(address_of(who), &call)
            }
            Op::Amend { target, deadline } => {
                let (target, deadline) = (U256::from(target.get()), U40::from(*deadline));
                self.send(guardian, &E::amendCall { target, deadline, termsHash: B256::ZERO })
            }
            Op::Cancel { by } => self.send(by.as_deref().map_or(guardian, address_of), &E::cancelCall {}),
            Op::Object { who, tier, asset } => {
                self.send(address_of(who), &E::objectCall { tier: *tier, asset: *asset as u8 })
            }
            Op::Lapse => self.send(anyone, &E::lapseCall {}),
            Op::Expire => self.send(anyone, &E::expireCall {}),
            Op::Recover { amount } => self.pool.recover(&mut self.world.chain, anyone, *amount),
            Op::Claim { who, tier, asset, to } => {
                let recipient = to.as_deref().map(address_of);
                self.pool.claim(&mut self.world.chain, anyone, id(who, *tier, *asset), recipient)
            }
            Op::Add { .. } | Op::Enlist { .. } | Op::Bonus { .. } | Op::TakeBack { .. } => {
                self.bonus.call(&mut self.world.chain, op)
            }
            Op::Rebase { .. } | Op::Break { .. } => unreachable!("{op:?} is no call"),
        }
    }

    fn pledge(&mut self, op: &Op) -> Result<Receipt, Failure> {
        use PledgeEscrow as E;
        let Op::Pledge { who, tier, asset, amount, names, via, .. } = op else {
            unreachable!("{op:?} is no pledge")
        };
        let (payer, amount) = (address_of(op.payer().unwrap_or(who)), U256::from(amount.get()));
        let (pledger, tier) = (address_of(who), *tier);
        let amendment = names.unwrap_or_else(|| self.history.latest_amendment());
        if let Some(via) = via {
            let bonus_pool = via.enlist.then_some(self.bonus.address);
            let to = destination(self.escrow, id(who, tier, *asset), amendment, bonus_pool);
            return self.router.pledge(&mut self.world, payer, via.route, *asset, to, amount);
        }
        match asset {
            Asset::Eth => {
                let call = E::pledgeETHCall { pledger, tier, amendment };
                self.world.chain.send_value(payer, self.escrow, amount, &call)
            }
            Asset::StEth => {
                self.send(payer, &E::pledgeStETHCall { pledger, tier, amendment, shares: amount })
            }
            Asset::WstEth => self.send(payer, &E::pledgeWstETHCall { pledger, tier, amendment, amount }),
        }
    }

    fn send<C: SolCall>(&mut self, from: Address, call: &C) -> Result<Receipt, Failure> {
        self.world.chain.send(from, self.escrow, call)
    }

    /// What a call paid, by its events. The balances of everyone must have moved by just what these say.
    fn follow(&mut self, op: &Op, receipt: &Receipt) -> Result<Vec<Pay>, BytecodeError> {
        let mut moved = Vec::new();
        for log in &receipt.logs {
            match self.told(op, log)? {
                Told::Nothing => {}
                Told::Moved(movement) => moved.push(movement),
                // What the event before it says has left the books, and not the escrow.
                Told::Owed => drop(moved.pop()),
            }
        }
        let mut pays = Vec::new();
        for (from, to, asset, amount) in moved {
            self.holdings.transfer(from, to, asset, amount);
            if [self.escrow, self.pool.address, self.bonus.address].contains(&from) {
                pays.push(Pay(self.cast.name(to), asset, amount));
            }
        }
        self.expect_holdings()?;
        let people: Vec<_> = self.cast.addresses().collect();
        views::check_owed(&mut self.world.chain, self.escrow, &self.history, &people)?;
        Ok(pays)
    }

    /// What a log of the escrow or of a pool says was moved.
    fn told(&mut self, op: &Op, log: &Log) -> Result<Told, BytecodeError> {
        let payer = op.payer().map(address_of);
        let moved = match log.address {
            address if address == self.pool.address => self.pool.follow(log)?,
            address if address == self.bonus.address => self.bonus.follow(payer, log)?,
            address if address == self.escrow => return self.told_by_escrow(op, log),
            _ => None,
        };
        let ether = |(from, to, wei): (_, _, Wei)| (from, to, Asset::Eth, Units::new(wei.get()));
        Ok(moved.map(ether).map_or(Told::Nothing, Told::Moved))
    }

    fn told_by_escrow(&mut self, op: &Op, log: &Log) -> Result<Told, BytecodeError> {
        let Event::Rescue(event) = Event::decode(log)? else { return Ok(Told::Nothing) };
        self.history.apply(&event).map_err(levee::Error::from)?;
        if matches!(event, RescueEvent::Owed { .. }) {
            return Ok(Told::Owed);
        }
        Ok(self.movement(op, &event).map_or(Told::Nothing, Told::Moved))
    }

    /// What an event of the escrow says was moved, to whom, of which asset, how much.
    fn movement(&self, op: &Op, event: &RescueEvent) -> Option<Movement> {
        let escrow = self.escrow;
        match *event {
            RescueEvent::Pledged { position, amount } => {
                // The event does not say who paid.
                let payer = op.payer().map_or(position.pledger, address_of);
                let source = op.via().map_or(payer, |via| self.router.source(via, payer));
                Some((source, escrow, position.asset, amount))
            }
            RescueEvent::Declined { position, amount } => {
                Some((escrow, position.pledger, position.asset, amount))
            }
            RescueEvent::Exited { position, recipient, amount }
            | RescueEvent::Refunded { position, recipient, amount } => {
                Some((escrow, recipient, position.asset, amount))
            }
            RescueEvent::Collected { asset, recipient, amount, .. } => {
                Some((escrow, recipient, asset, amount))
            }
            RescueEvent::Released { asset, amount, .. } => {
                Some((escrow, address_of(BENEFICIARY), asset, amount))
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
        views::checked(&mut self.world.chain, self.escrow, &self.history, at, &people)
    }

    fn owed_books(&mut self) -> Result<Vec<OwedBook>, BytecodeError> {
        let mut books = Vec::new();
        for who in self.cast.names() {
            let owed = views::owed(&mut self.world.chain, self.escrow, address_of(who))?;
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
            let views = views::positions(&mut self.world.chain, self.escrow, address_of(who))?;
            books.extend(views.iter().map(|view| position_book(who, view, &self.pool)));
        }
        Ok(books)
    }
}

/// The rescue that the escrow's creation begins.
fn created(escrow: Address, receipt: &Receipt, time: Timestamp) -> Result<Rescue, BytecodeError> {
    let malformed = levee::Error::Malformed { what: "the creation" };
    let log = receipt.logs.first().ok_or(malformed)?;
    let entry = Entry { block: BLOCK, time, transaction: B256::ZERO, event: Event::decode(log)? };
    Ok(history::fold(escrow, &[entry])?)
}

fn position_book(who: &str, view: &PositionView, pool: &Pool) -> PositionBook {
    let id = id(who, view.tier, view.asset);
    PositionBook {
        who: who.to_owned(),
        tier: view.tier,
        asset: view.asset,
        amount: view.amount,
        refunded: view.refunded,
        recovered: pool.claimed(id),
    }
}

fn pot_book(pot: &PotView) -> PotBook {
    PotBook { tier: pot.tier, asset: pot.asset, total: pot.total, drawn: pot.drawn }
}

fn id(who: &str, tier: u8, asset: Asset) -> PositionId {
    PositionId { pledger: address_of(who), tier, asset }
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
