//! A walk on the model of the rules.

use alloy::primitives::Address;
use levee_model::{
    Compact, CompactEvent, Creation, Lido, Models, Moment, Rate, Terms, Timestamp, Units,
    compact::CompactTermsError,
};
use std::collections::BTreeMap;

use super::{
    format::{Books, CallBook, MemberBook, Op},
    replay::Subject,
    scene::{Act, Known, Outcome, PEOPLE, Places, RATE, Scene, compact_terms, movement, name},
};
use crate::{
    chain::BLOCK,
    walk::{self, address_of},
};

/// The compact and the rescues of a walk.
#[derive(Debug, Clone)]
pub struct Model {
    places: Places,
    compact: Compact,
    rescues: Vec<Models>,
    rate: Rate,
    broken: bool,
    books: Ledger,
}

/// What the events of a compact have moved.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    pub(super) held: Units,
    pub(super) claimed: BTreeMap<Address, Units>,
}

impl Ledger {
    pub(super) fn add(&mut self, compact: Address, event: &CompactEvent) {
        if let Some((from, _, amount)) = movement(compact, event, |_| Address::ZERO) {
            let held = self.held;
            self.held = if from == compact { held - amount } else { held + amount };
        }
        if let CompactEvent::PremiumClaimed { member, amount } = *event {
            *self.claimed.entry(member).or_default() += amount;
        }
    }

    /// The books of a compact that holds `balance`.
    pub(super) fn books(&self, compact: &Compact, balance: Units) -> Books {
        let member = |who: &&str| {
            let view = compact.member_view(address_of(who));
            let claimed = self.claimed.get(&address_of(who)).copied().unwrap_or_default();
            let (active, noticed) = (view.standing.active, view.standing.noticed);
            MemberBook { who: (*who).to_owned(), pending: view.pending, active, noticed, claimed }
        };
        let call = |number| {
            let view = compact.call_view(number)?;
            let given = compact.given(number)?.iter().map(|(&member, &amount)| (name(member), amount));
            let (bps, yes, passed_at) = (view.bps, view.approvals, view.passed_at);
            Some(CallBook { bps, yes, passed_at, given: given.collect() })
        };
        Books {
            total: compact.all().now().active,
            balance,
            members: PEOPLE.iter().map(member).filter(|book| !book.is_empty()).collect(),
            calls: (0..compact.call_count()).filter_map(call).collect(),
        }
    }
}

impl Known for Model {
    fn places(&self) -> Places {
        self.places
    }

    fn rescue_count(&self) -> usize {
        self.rescues.len()
    }

    fn terms_of(&self, rescue: usize) -> Option<&Terms> {
        Some(self.rescues.get(rescue)?.rescue.terms())
    }

    fn latest_amendment(&self, rescue: usize) -> Timestamp {
        self.rescues[rescue].rescue.latest_amendment()
    }

    fn rescue_of(&self, call: u64) -> Option<usize> {
        self.index_of(self.compact.call_view(call)?.escrow)
    }
}

impl Subject for Model {
    type Error = CompactTermsError;

    fn start(scene: &Scene) -> Result<Self, CompactTermsError> {
        Self::start_at(scene, Places::default())
    }

    fn play(&mut self, time: Timestamp, op: &Op) -> Result<Outcome, CompactTermsError> {
        let at = self.moment(time);
        Ok(match self.act(time, op) {
            Act::Nothing => Outcome::Changed,
            Act::Create(terms) => {
                self.create(time, terms);
                Outcome::Changed
            }
            Act::OfLido(walk::Op::Rebase { rate }) => {
                self.rate = rate;
                Outcome::Changed
            }
            Act::OfLido(walk::Op::Break { broken }) => {
                self.broken = broken;
                Outcome::Changed
            }
            Act::OfLido(other) => unreachable!("{other:?} is a call"),
            Act::OfRescue(rescue, caller, operation) => {
                match self.rescues[rescue].play(at, caller, operation) {
                    Ok(payment) => Outcome::Paid(payment.into_iter().collect()),
                    Err(refused) => Outcome::RescueRefused(refused),
                }
            }
            Act::OfCompact(fresh, caller, operation) => {
                if let Some(terms) = fresh {
                    self.create(time, terms);
                }
                self.call(at, caller, &operation)
            }
        })
    }

    fn compact(&self) -> &Compact {
        &self.compact
    }

    fn books(&mut self) -> Result<Books, CompactTermsError> {
        Ok(self.books.books(&self.compact, self.books.held))
    }
}

impl Model {
    /// As [`start`](Subject::start), with the contracts at these places.
    ///
    /// # Errors
    /// The first rule that the terms violate.
    pub fn start_at(scene: &Scene, places: Places) -> Result<Self, CompactTermsError> {
        let compact = Compact::create(places.compact, compact_terms(&scene.terms, places.wsteth))?;
        let books = Ledger::default();
        Ok(Self { places, compact, rescues: Vec::new(), rate: RATE, broken: false, books })
    }

    /// The rescues, in the order of their creation.
    pub fn rescues(&self) -> &[Models] {
        &self.rescues
    }

    /// The share rate, even while it cannot be read.
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// Whether stETH is broken.
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// What a call at `time` finds outside the compact.
    pub const fn moment(&self, time: Timestamp) -> Moment {
        Moment { time, lido: if self.broken { Lido::Broken } else { Lido::Working(self.rate) } }
    }

    fn index_of(&self, escrow: Address) -> Option<usize> {
        self.rescues.iter().position(|models| models.rescue.escrow() == escrow)
    }

    fn create(&mut self, time: Timestamp, terms: Terms) {
        let proposal = levee::Blueprint::escrow(&terms).expect("the times of a walk fit");
        let places = [proposal.address(), Address::repeat_byte(1), Address::repeat_byte(2)];
        let models = Models::open(places, terms, Creation { block: BLOCK, time });
        // What no escrow accepts is not created on the other side either.
        self.rescues.extend(models.ok());
    }

    fn call(&mut self, at: Moment, caller: Address, operation: &levee_model::CompactOperation) -> Outcome {
        let index = self.compact.escrow_of(operation).and_then(|escrow| self.index_of(escrow));
        let rescue = index.map(|index| &mut self.rescues[index].rescue);
        match self.compact.play(at, caller, operation, rescue) {
            Ok(events) => {
                events.iter().for_each(|event| self.books.add(self.places.compact, event));
                Outcome::Made(events)
            }
            Err(refused) => Outcome::Refused(refused),
        }
    }
}
