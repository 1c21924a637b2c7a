//! A walk on the deployed bytecode.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolCall,
};
use levee::{
    Contract, Contracts, Edition, Entry, Event, bindings::Compact as Abi, compact as client, history,
    operation,
};
use levee_model::{
    Compact, CompactEvent, CompactOperation, Operation, Payment, Rescue, RescueEvent, Terms, Timestamp,
    Units, compact::Standing,
};

use super::{
    format::{Books, Op},
    model::Ledger,
    replay::Subject,
    scene::{
        ASSET, Act, Known, OUTSIDER, Outcome, PEOPLE, Places, RATE, Scene, compact_terms, movement, name,
        people,
    },
};
use crate::{
    chain::{BLOCK, Failure, Receipt},
    escrow,
    lido::init_code,
    walk::{
        self, BENEFICIARY, Holdings, World, address_of, bytecode::BytecodeError, bytecode::refused, views,
    },
};

/// What a contract is stored as data at: code chunks of escrows, and of something else.
const CHUNKS: &str = "chunk";

/// A compact and its escrows in a world of their own, with everyone who takes part.
///
/// After every call its events are added up, and what they tell is compared with everyone's balances and with the views
/// of whom and what the call was about; at the end of a walk with all views.
#[derive(Debug)]
pub struct Bytecode {
    world: World,
    places: Places,
    history: Compact,
    rescues: Vec<Rescue>,
    holdings: Holdings,
    accounts: Vec<Address>,
    code: [Vec<Address>; 2],
    ledger: Ledger,
}

impl Known for Bytecode {
    fn places(&self) -> Places {
        self.places
    }

    fn rescue_count(&self) -> usize {
        self.rescues.len()
    }

    fn terms_of(&self, rescue: usize) -> Option<&Terms> {
        Some(self.rescues.get(rescue)?.terms())
    }

    fn latest_amendment(&self, rescue: usize) -> Timestamp {
        self.rescues[rescue].latest_amendment()
    }

    fn rescue_of(&self, call: u64) -> Option<usize> {
        let escrow = self.history.call_view(call)?.escrow;
        self.rescues.iter().position(|rescue| rescue.escrow() == escrow)
    }
}

impl Subject for Bytecode {
    type Error = BytecodeError;

    fn start(scene: &Scene) -> Result<Self, BytecodeError> {
        let mut world = World::new(scene.start, RATE)?;
        let lido = world.lido;
        let terms = client::encode_terms(&compact_terms(&scene.terms, lido.wsteth));
        let create = init_code(&scene.build, &Abi::constructorCall { terms_: terms });
        let (compact, receipt) = world.chain.deploy(address_of("deployer"), create)?;
        let places = Places { compact, steth: lido.steth, wsteth: lido.wsteth };
        for name in people() {
            world.fill_purse(address_of(name), compact)?;
        }
        let code = [Contract::PledgeEscrow, Contract::RecoveryPool].map(|contract| {
            let code = Edition::LATEST.creation_code(contract);
            store(&mut world, contract, code)
        });
        let accounts: Vec<_> = people().chain([BENEFICIARY]).map(address_of).chain([compact]).collect();
        let holdings = world.holdings(&accounts)?;
        let created = receipt.logs.first().ok_or(levee::Error::Malformed { what: "the creation" })?;
        let created = Compact::created(compact, &client::decode_event(created)?);
        let history = created.map_err(levee::Error::from)?;
        let (rescues, ledger) = (Vec::new(), Ledger::default());
        Ok(Self { world, places, history, rescues, holdings, accounts, code, ledger })
    }

    fn play(&mut self, time: Timestamp, op: &Op) -> Result<Outcome, BytecodeError> {
        self.world.chain.set_time(time);
        let outcome = match self.act(time, op) {
            Act::Nothing => Outcome::Changed,
            Act::Create(terms) => {
                self.create(time, &terms)?;
                Outcome::Changed
            }
            Act::OfLido(walk::Op::Rebase { rate }) => {
                self.world.rebase(rate)?;
                Outcome::Changed
            }
            Act::OfLido(walk::Op::Break { broken }) => {
                self.world.set_broken(broken);
                Outcome::Changed
            }
            Act::OfLido(other) => unreachable!("{other:?} is a call"),
            Act::OfRescue(rescue, caller, operation) => self.call_rescue(rescue, caller, operation)?,
            Act::OfCompact(fresh, caller, operation) => {
                if let Some(terms) = fresh {
                    self.create(time, &terms)?;
                }
                self.call(op, caller, &operation)?
            }
        };
        self.check_about(op)?;
        Ok(outcome)
    }

    fn compact(&self) -> &Compact {
        &self.history
    }

    fn books(&mut self) -> Result<Books, BytecodeError> {
        self.check_all()?;
        let held = self.holdings.of(self.places.compact, ASSET);
        let held = held.try_into().map(Units::new).map_err(|_| BytecodeError::TooMuch(held))?;
        Ok(self.ledger.books(&self.history, held))
    }
}

impl Bytecode {
    /// Where the contracts are.
    pub const fn contracts(&self) -> Places {
        self.places
    }

    /// The rescues as their events have told them, in the order of their creation.
    pub fn rescues(&self) -> &[Rescue] {
        &self.rescues
    }

    fn create(&mut self, time: Timestamp, terms: &Terms) -> Result<(), BytecodeError> {
        // The deployer does not say why.
        let Ok((escrow, receipt)) = escrow::create(&mut self.world.chain, terms) else { return Ok(()) };
        let log = receipt.logs.first().ok_or(levee::Error::Malformed { what: "the creation" })?;
        let entry = Entry { block: BLOCK, time, transaction: B256::ZERO, event: Event::decode(log)? };
        self.rescues.push(history::fold(escrow, &[entry])?);
        self.world.allow(address_of(OUTSIDER), escrow)?;
        self.accounts.push(escrow);
        self.holdings = self.world.holdings(&self.accounts)?;
        Ok(())
    }

    fn call_rescue(
        &mut self,
        rescue: usize,
        caller: Address,
        operation: Operation,
    ) -> Result<Outcome, BytecodeError> {
        let contracts = Contracts::of(self.rescues[rescue].escrow(), Edition::LATEST);
        let transaction = contracts.transaction(operation)?;
        match self.world.chain.execute(caller, &transaction) {
            Ok(receipt) => Ok(Outcome::Paid(self.follow_rescue(rescue, caller, &receipt)?)),
            Err(failure) => match refused(operation, Contract::PledgeEscrow, &failure) {
                Some(refused) => Ok(Outcome::RescueRefused(refused)),
                None => Err(BytecodeError::NoRule(failure)),
            },
        }
    }

    fn follow_rescue(
        &mut self,
        rescue: usize,
        caller: Address,
        receipt: &Receipt,
    ) -> Result<Vec<Payment>, BytecodeError> {
        let escrow = self.rescues[rescue].escrow();
        let logs = receipt.logs.iter().filter(|log| log.address == escrow);
        let events: Vec<_> = logs.map(Event::decode).collect::<Result<_, _>>()?;
        for event in events.iter().filter_map(Event::of_rescue) {
            self.rescues[rescue].apply(event).map_err(levee::Error::from)?;
            if let RescueEvent::Pledged { position, amount } = *event {
                self.holdings.transfer(caller, escrow, position.asset, amount);
            }
        }
        let payments = operation::payments(&events, address_of(BENEFICIARY));
        for &Payment { to, asset, amount } in &payments {
            self.holdings.transfer(escrow, to, asset, amount);
        }
        self.expect_holdings()?;
        Ok(payments)
    }

    fn call(
        &mut self,
        op: &Op,
        caller: Address,
        operation: &CompactOperation,
    ) -> Result<Outcome, BytecodeError> {
        let is_false = matches!(op, Op::Propose { forged: Some(super::Forgery::Code), .. });
        let input = client::encode(operation, &self.code[usize::from(is_false)])?;
        match self.world.chain.call(caller, self.places.compact, U256::ZERO, input) {
            Ok(receipt) => Ok(Outcome::Made(self.follow(&receipt)?)),
            Err(Failure::Revert(data)) => match client::decode_refusal(operation, &data) {
                Some(refused) => Ok(Outcome::Refused(refused)),
                None => Err(BytecodeError::NoRule(Failure::Revert(data))),
            },
            Err(failure) => Err(BytecodeError::NoRule(failure)),
        }
    }

    /// Adds up what a call has emitted. The balances of everyone must have moved by just what that says.
    fn follow(&mut self, receipt: &Receipt) -> Result<Vec<CompactEvent>, BytecodeError> {
        let compact = self.places.compact;
        let mut events = Vec::new();
        for log in &receipt.logs {
            if log.address == compact {
                let event = client::decode_event(log)?;
                self.history.apply(&event).map_err(levee::Error::from)?;
                self.ledger.add(compact, &event);
                let escrow = |call| self.history.call_view(call).map(|view| view.escrow).unwrap_or_default();
                if let Some((from, to, amount)) = movement(compact, &event, escrow) {
                    self.holdings.transfer(from, to, ASSET, amount);
                }
                events.push(event);
            } else if let Some(index) = self.rescues.iter().position(|one| one.escrow() == log.address) {
                if let Event::Rescue(event) = Event::decode(log)? {
                    self.rescues[index].apply(&event).map_err(levee::Error::from)?;
                }
            }
        }
        self.expect_holdings()?;
        Ok(events)
    }

    fn expect_holdings(&mut self) -> Result<(), BytecodeError> {
        let found = self.world.holdings(&self.accounts)?;
        let Some((account, asset, expected, found)) = self.holdings.difference(&found) else { return Ok(()) };
        Err(BytecodeError::Holdings { account: name(account), asset, expected, found })
    }

    /// The views of all together, and of whom and which call a step was about.
    fn check_about(&mut self, op: &Op) -> Result<(), BytecodeError> {
        self.check_sums()?;
        let Some(who) = op.who().map(address_of) else { return Ok(()) };
        self.check_member(who)?;
        let call = op.call().filter(|&call| call < self.history.call_count());
        call.map_or(Ok(()), |call| {
            self.check_call(call)?;
            self.check_vote(call, who)
        })
    }

    fn check_all(&mut self) -> Result<(), BytecodeError> {
        self.check_sums()?;
        for who in PEOPLE.map(address_of) {
            self.check_member(who)?;
            self.check_past(who)?;
            for call in 0..self.history.call_count() {
                self.check_vote(call, who)?;
            }
        }
        for call in 0..self.history.call_count() {
            self.check_call(call)?;
        }
        let count = self.read(&Abi::callCountCall {})?;
        views::compare("calls", &U256::from(self.history.call_count()), &count)
    }

    fn check_sums(&mut self) -> Result<(), BytecodeError> {
        let view = self.read(&Abi::allCall {})?;
        let all = self.history.all().now();
        let told = (all.active.get(), all.weight().get(), self.history.index());
        views::compare("all", &told, &(view.active.to(), view.weight.to(), view.index))?;
        let view = self.read(&Abi::lastStartedCall {})?;
        let told = self.history.started().map(|started| (U256::from(started.call), started.started_at));
        let view = Some((view.call, view.startedAt.to())).filter(|&(_, time): &(U256, u64)| time != 0);
        views::compare("last started", &told, &view)
    }

    fn check_member(&mut self, who: Address) -> Result<(), BytecodeError> {
        let view = client::decode_member(&self.read(&Abi::memberOfCall { account: who })?);
        views::compare(&name(who), &self.history.member_view(who), &view)
    }

    /// What a member and all had, in the seconds around each proposal.
    fn check_past(&mut self, who: Address) -> Result<(), BytecodeError> {
        let now = self.world.chain.time();
        let calls = (0..self.history.call_count()).filter_map(|call| self.history.call_view(call));
        let times: Vec<_> = calls.flat_map(|view| [view.proposed_at - 1, view.proposed_at]).collect();
        for time in times.into_iter().chain([now - 1]).filter(|&time| time < now) {
            let view = self.read(&Abi::standingAtCall { account: who, time: U256::from(time) })?;
            let told = parts(self.history.standing_at(who, time));
            views::compare("standing", &told, &(view.active.to(), view.weight.to()))?;
            let view = self.read(&Abi::allAtCall { time: U256::from(time) })?;
            let told = parts(self.history.all().at(time));
            views::compare("all", &told, &(view.active.to(), view.weight.to()))?;
        }
        Ok(())
    }

    fn check_call(&mut self, call: u64) -> Result<(), BytecodeError> {
        let view = client::decode_call(&self.read(&Abi::callAtCall { number: U256::from(call) })?);
        views::compare("call", &self.history.call_view(call), &Some(view))
    }

    fn check_vote(&mut self, call: u64, who: Address) -> Result<(), BytecodeError> {
        let number = U256::from(call);
        let view = self.read(&Abi::voteOfCall { number, account: who })?;
        views::compare("vote", &self.history.vote_of(call, who), &(view.approved, view.given))?;
        let view = self.read(&Abi::shareOfCall { number, account: who })?;
        views::compare("share", &self.history.share(call, who), &Some(Units::new(view.to())))
    }

    fn read<C: SolCall>(&mut self, call: &C) -> Result<C::Return, Failure> {
        self.world.chain.read(self.places.compact, call)
    }
}

fn parts(standing: Standing) -> (u128, u128) {
    (standing.active.get(), standing.weight().get())
}

/// Stores code as data, where `propose` can read it.
fn store(world: &mut World, contract: Contract, code: &Bytes) -> Vec<Address> {
    let chunks = (0u8..).zip(client::code_chunks(code));
    let place = |(index, chunk)| {
        let address = address_of(&format!("{CHUNKS} {contract:?} {index}"));
        world.chain.set_code(address, chunk);
        address
    };
    chunks.map(place).collect()
}
