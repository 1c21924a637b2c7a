//! The state of a rescue, rebuilt from its logs alone.
//!
//! A [`History`] is the fold of an escrow's events in their order. What it shows at a [`Moment`] (block time and the
//! condition of stETH) equals what the escrow's views say then: whoever has the logs needs no node that knows the state.

use std::collections::BTreeMap;

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::{Filter, Log},
    transports::RpcError,
};
use levee_model::{
    Amendment, Asset, Bps, EndReason, Goal, Lido, Moment, PerAsset, Position, PositionId, Pot, Rate, Rescue,
    Settlement, Status, Terms, Timestamp, Units, Wei, prorata, schedule,
};

use crate::{
    error::Error,
    event::Event,
    view::{PositionView, PotView, RescueView, ShareRate},
};

/// Blocks of one request for logs at first: half as many when a node refuses, down to one.
const WINDOW: u64 = 10_000;

/// An event and where it stands in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number of its block.
    pub block: u64,
    /// The time of its block.
    pub time: Timestamp,
    /// The transaction that made it.
    pub transaction: B256,
    /// The event.
    pub event: Event,
}

/// Reads all events of the escrow at `address`, in order, from block `from_block` to the latest.
///
/// # Errors
/// [`Error::Rpc`], [`Error::Malformed`].
pub async fn fetch(provider: &impl Provider, address: Address, from_block: u64) -> Result<Vec<Entry>, Error> {
    fetch_matching(provider, &Filter::new().address(address), from_block).await
}

/// The same of all logs that match a filter.
pub(crate) async fn fetch_matching(
    provider: &impl Provider,
    filter: &Filter,
    from_block: u64,
) -> Result<Vec<Entry>, Error> {
    let latest = provider.get_block_number().await?;
    let mut entries = Vec::new();
    let (mut first, mut window) = (from_block, WINDOW);
    while first <= latest {
        let last = latest.min(first.saturating_add(window - 1));
        let logs = match provider.get_logs(&filter.clone().from_block(first).to_block(last)).await {
            Ok(logs) => logs,
            // Nodes limit the blocks or the results of a request, each at another number and in other words.
            Err(RpcError::ErrorResp(_)) if window > 1 => {
                window /= 2;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for log in logs {
            entries.push(entry(provider, &log).await?);
        }
        first = last + 1;
    }
    Ok(entries)
}

/// Not every node gives a log its time.
async fn entry(provider: &impl Provider, log: &Log) -> Result<Entry, Error> {
    let malformed = Error::Malformed { what: "a log" };
    let (Some(block), Some(transaction)) = (log.block_number, log.transaction_hash) else {
        return Err(malformed);
    };
    let time = match log.block_timestamp {
        Some(time) => time,
        None => {
            let block = provider.get_block_by_number(BlockNumberOrTag::Number(block)).await?;
            block.ok_or(malformed)?.header.timestamp
        }
    };
    Ok(Entry { block, time, transaction, event: Event::decode(&log.inner)? })
}

/// What an escrow's events have told so far.
#[derive(Debug, Clone)]
pub struct History {
    escrow: Address,
    created: Terms,
    created_block: u64,
    goal: Goal,
    amendment: Option<Amendment>,
    status: Status,
    end_reason: Option<EndReason>,
    failed_rate: Option<Rate>,
    pots: BTreeMap<(u8, Asset), Pot>,
    positions: BTreeMap<PositionId, Position>,
    owed: BTreeMap<(Address, Asset), Units>,
    settlement: Option<Settlement>,
    kept: PerAsset<u8>,
    delivered: PerAsset<u8>,
    returns_by_calendar: bool,
    objected: Wei,
    cancelled_at: Option<Timestamp>,
    lapsed_at: Option<Timestamp>,
    final_at: Option<Timestamp>,
}

/// What the next call would find, where that is not what is stored.
struct Found {
    status: Status,
    end_reason: Option<EndReason>,
    settlement: Option<Settlement>,
    pots: BTreeMap<(u8, Asset), Pot>,
    kept: PerAsset<u8>,
}

const fn broken<T>(reason: &'static str) -> Result<T, Error> {
    Err(Error::BrokenHistory { reason })
}

impl History {
    /// Folds all events of the escrow at `escrow`, in their order, from its creation on.
    ///
    /// # Errors
    /// [`Error::BrokenHistory`].
    pub fn of(escrow: Address, entries: &[Entry]) -> Result<Self, Error> {
        let Some((Entry { event: Event::RescueCreated { terms }, block, .. }, rest)) = entries.split_first()
        else {
            return broken("it does not begin with the escrow's creation");
        };
        let mut history = Self::created(escrow, terms.clone(), *block);
        for entry in rest {
            history.apply(&entry.event)?;
        }
        Ok(history)
    }

    /// A rescue that was just created with these terms, in this block.
    pub fn created(escrow: Address, terms: Terms, created_block: u64) -> Self {
        Self {
            escrow,
            goal: Goal::from(&terms),
            created: terms,
            created_block,
            amendment: None,
            status: Status::Open,
            end_reason: None,
            failed_rate: None,
            pots: BTreeMap::new(),
            positions: BTreeMap::new(),
            owed: BTreeMap::new(),
            settlement: None,
            kept: PerAsset::default(),
            delivered: PerAsset::default(),
            returns_by_calendar: false,
            objected: Wei::ZERO,
            cancelled_at: None,
            lapsed_at: None,
            final_at: None,
        }
    }

    /// The terms that the escrow was created with, to which its address commits.
    pub const fn original_terms(&self) -> &Terms {
        &self.created
    }

    /// The status that the last event left.
    pub const fn stored_status(&self) -> Status {
        self.status
    }

    /// What a pledge has to name now: when the amendment proposed last comes or came into force; 0 for none.
    pub fn latest_amendment(&self) -> Timestamp {
        self.amendment.map_or(0, |amendment| amendment.effective_at)
    }

    /// Everyone who has a position, or had one that was taken out.
    pub fn pledgers(&self) -> Vec<Address> {
        let mut pledgers: Vec<_> = self.positions.keys().map(|id| id.pledger).collect();
        pledgers.dedup();
        pledgers
    }

    // ---------------------------------------------------------------------------------------------- the fold

    /// Takes in the next event.
    ///
    /// # Errors
    /// [`Error::BrokenHistory`] when no escrow would have emitted it now; the history is then of no more use.
    pub fn apply(&mut self, event: &Event) -> Result<(), Error> {
        match event {
            Event::RescueCreated { .. } => broken("the escrow is created twice"),
            Event::Pledged { position, amount } => self.pledged(*position, *amount),
            Event::Exited { position, amount, .. } | Event::Declined { position, amount } => {
                self.taken_out(*position, *amount)
            }
            Event::Owed { pledger, asset, amount } => self.owes(*pledger, *asset, *amount),
            Event::Collected { pledger, asset, amount, .. } => self.collected(*pledger, *asset, *amount),
            Event::Refunded { position, amount, .. } => self.refunded(*position, *amount),
            Event::AmendmentProposed { amendment } => self.amended(*amendment),
            Event::Settled { .. } => self.settled(event),
            Event::Failed { reason, rate, failed_at } => {
                (self.end_reason, self.failed_rate) = (Some(*reason), *rate);
                self.close(Status::Failed, *failed_at)
            }
            Event::Objected { position, weight } => self.objected(*position, *weight),
            payout => self.paid_or_stopped(payout),
        }
    }

    fn paid_or_stopped(&mut self, event: &Event) -> Result<(), Error> {
        match *event {
            Event::Released { asset, tranches, .. } => self.delivered[asset] = tranches,
            Event::Cancelled { reason, kept, cancelled_at } => {
                self.kept = PerAsset::from_fn(|asset| self.kept[asset].min(kept));
                self.returns_by_calendar = reason == EndReason::Vetoed;
                self.cancelled(reason, cancelled_at)?;
            }
            Event::HoldLifted { .. } if self.returns_by_calendar => self.returns_by_calendar = false,
            Event::Lapsed { lapsed_at } => {
                self.kept = self.delivered;
                self.lapsed_at = Some(lapsed_at);
                if self.status != Status::Cancelled {
                    self.cancelled(EndReason::Lapsed, lapsed_at)?;
                }
            }
            Event::Finalized { final_at } => {
                self.final_at = Some(final_at);
                if self.status != Status::Cancelled {
                    self.advance(Status::Released)?;
                }
            }
            _ => return broken("an event is out of place"),
        }
        Ok(())
    }

    fn cancelled(&mut self, reason: EndReason, time: Timestamp) -> Result<(), Error> {
        (self.end_reason, self.cancelled_at) = (Some(reason), Some(time));
        self.advance(Status::Cancelled)
    }

    fn advance(&mut self, next: Status) -> Result<(), Error> {
        if !self.status.can_transition_to(next) {
            return broken("the status goes a way that there is not");
        }
        self.status = next;
        Ok(())
    }

    /// Leaves `Open`: an amendment in force stays, a pending one dies.
    fn close(&mut self, next: Status, time: Timestamp) -> Result<(), Error> {
        self.amendment = self.amendment.filter(|amendment| amendment.in_force(time));
        self.advance(next)
    }

    /// There is one pending amendment at most, so an earlier one is in force by now.
    fn amended(&mut self, amendment: Amendment) -> Result<(), Error> {
        if let Some(earlier) = self.amendment.replace(amendment) {
            self.goal = earlier.goal;
        }
        if self.status == Status::Open { Ok(()) } else { broken("an amendment that was not possible") }
    }

    fn pledged(&mut self, id: PositionId, amount: Units) -> Result<(), Error> {
        if self.status != Status::Open || id.tier >= self.created.tier_count() {
            return broken("a pledge that was not possible");
        }
        self.pots.entry((id.tier, id.asset)).or_default().total += amount;
        self.positions.entry(id).or_default().amount += amount;
        Ok(())
    }

    fn taken_out(&mut self, id: PositionId, amount: Units) -> Result<(), Error> {
        let position = self.positions.get_mut(&id).filter(|position| position.amount == amount);
        let pot = self.pots.get_mut(&(id.tier, id.asset));
        let (Some(position), Some(pot), Status::Open) = (position, pot, self.status) else {
            return broken("a position was taken out that was not there");
        };
        *position = position.departed();
        // The total is the sum of its positions.
        pot.total = pot.total - amount;
        Ok(())
    }

    fn owes(&mut self, pledger: Address, asset: Asset, amount: Units) -> Result<(), Error> {
        if self.status != Status::Open {
            return broken("a debt of a rescue that nobody could leave");
        }
        *self.owed.entry((pledger, asset)).or_default() += amount;
        Ok(())
    }

    fn collected(&mut self, pledger: Address, asset: Asset, amount: Units) -> Result<(), Error> {
        match self.owed.remove(&(pledger, asset)) {
            Some(owed) if owed == amount => Ok(()),
            _ => broken("a collection of what was not owed"),
        }
    }

    fn refunded(&mut self, id: PositionId, amount: Units) -> Result<(), Error> {
        let Some(position) = self.positions.get_mut(&id) else {
            return broken("a refund of a position that was not there");
        };
        position.refunded += amount;
        if position.refunded > position.amount || self.status == Status::Open {
            return broken("a refund that was not owed");
        }
        Ok(())
    }

    fn objected(&mut self, id: PositionId, weight: Wei) -> Result<(), Error> {
        let Some(position) = self.positions.get_mut(&id).filter(|position| !position.objected) else {
            return broken("an objection that was not possible");
        };
        position.objected = true;
        self.objected += weight;
        Ok(())
    }

    /// Settles by the rules, and checks that the event says the same: it leaves out how far each group was drawn.
    fn settled(&mut self, event: &Event) -> Result<(), Error> {
        let Event::Settled { threshold, rate, target, drawn, settled_at, draws } = event else {
            return broken("an event is out of place");
        };
        let at = Moment { time: *settled_at, lido: rate.map_or(Lido::Broken, Lido::Working) };
        let Some(found) = self.decide(at).filter(|found| found.status == Status::Settled) else {
            return broken("a settlement that was not possible");
        };
        let facts = found.settlement.map(|settled| (settled.threshold, settled.rate, settled.drawn_value));
        let drawn_of = |tier, asset| found.pots.get(&(tier, asset)).map_or(Units::ZERO, |pot| pot.drawn);
        let expected =
            (0..self.created.tier_count()).flat_map(|tier| Asset::ALL.map(|asset| drawn_of(tier, asset)));
        let same_goal = self.goal_at(*settled_at).target == *target;
        if facts != Some((*threshold, *rate, *drawn)) || !expected.eq(draws.iter().copied()) || !same_goal {
            return broken("a settlement that is not what the pledges give");
        }
        (self.settlement, self.pots, self.kept) = (found.settlement, found.pots, found.kept);
        self.close(Status::Settled, *settled_at)
    }

    // ---------------------------------------------------------------------------------------------- what it shows

    /// The target, deadline and terms hash in force at `now`.
    pub fn goal_at(&self, now: Timestamp) -> Goal {
        self.amendment
            .filter(|amendment| amendment.in_force(now))
            .map_or(self.goal, |amendment| amendment.goal)
    }

    /// The same terms with the goal in force at `now`.
    pub fn terms_at(&self, now: Timestamp) -> Terms {
        let Goal { target, deadline, terms_hash } = self.goal_at(now);
        Terms { target, deadline, terms_hash, ..self.created.clone() }
    }

    /// What the escrow's view of the rescue says at `at`.
    ///
    /// # Errors
    /// [`Error::BrokenHistory`] when the terms are such as no escrow accepts.
    pub fn rescue(&self, at: Moment) -> Result<RescueView, Error> {
        let terms = self.terms_at(at.time);
        let open = self.open_model(at.time)?;
        let found = self.found(at);
        let rate = self.rate_at(at.lido);
        let lido = lido_at(rate);
        let (due, next_tranche_at) = self.clock(&found, at.time);
        Ok(RescueView {
            status: found.status,
            end_reason: found.end_reason,
            created_block: self.created_block,
            amendment: self.amendment,
            pots: self.pot_views(&found),
            rate,
            coverage: open.coverage(lido).ok(),
            threshold_met: threshold_met(&terms, &found, &open, lido),
            drawn: found.settlement.map_or(Wei::ZERO, |settlement| settlement.drawn_value),
            objected: self.objected,
            settled_at: self.settlement.map(|settlement| settlement.settled_at),
            cancelled_at: self.cancelled_at,
            lapsed_at: self.lapsed_at,
            final_at: self.final_at,
            due,
            kept: found.kept,
            delivered: self.delivered,
            held: self.held(&found, at.time),
            returns_by_calendar: self.returns_by_calendar,
            next_tranche_at,
            terms,
        })
    }

    /// What the escrow's view of the positions of `pledger` says at `at`.
    pub fn positions(&self, pledger: Address, at: Moment) -> Vec<PositionView> {
        let found = self.found(at);
        let first = PositionId { pledger, tier: 0, asset: Asset::Eth };
        let last = PositionId { pledger, tier: u8::MAX, asset: Asset::WstEth };
        let of_pledger =
            self.positions.range(first..=last).filter(|(_, position)| !position.amount.is_zero());
        of_pledger.map(|(&id, &position)| self.position_view(&found, id, position, at.time)).collect()
    }

    /// A position as it is booked; empty when there never was one.
    pub fn position(&self, id: PositionId) -> Position {
        self.positions.get(&id).copied().unwrap_or_default()
    }

    /// What exits and declines could not pay `pledger`.
    pub fn owed(&self, pledger: Address) -> PerAsset<Units> {
        PerAsset::from_fn(|asset| self.owed.get(&(pledger, asset)).copied().unwrap_or_default())
    }

    fn position_view(
        &self,
        found: &Found,
        id: PositionId,
        position: Position,
        now: Timestamp,
    ) -> PositionView {
        let weight = |settlement: Settlement| {
            settlement.drawn_value_down(&self.created.tiers, id.tier, id.asset, position.amount)
        };
        // Once decided, entitlement never falls, and what is refunded was entitled earlier.
        let entitled = self.entitled_down(found, id, position.amount, now);
        PositionView {
            tier: id.tier,
            asset: id.asset,
            amount: position.amount,
            refunded: position.refunded,
            refundable: entitled.checked_sub(position.refunded).unwrap_or(Units::ZERO),
            weight: found.settlement.map_or(Wei::ZERO, weight),
            objected: position.objected,
        }
    }

    fn entitled_down(&self, found: &Found, id: PositionId, amount: Units, now: Timestamp) -> Units {
        match (found.status, found.settlement) {
            (Status::Open, _) => Units::ZERO,
            (_, Some(settlement)) if settlement.is_active(id.tier) => {
                let pot = found.pots.get(&(id.tier, id.asset)).copied().unwrap_or_default();
                let held = self.held(found, now)[id.asset];
                let reserved = prorata::tranches_down(pot.drawn, held, self.created.tranches);
                prorata::entitled_down(amount, pot.total, reserved)
            }
            _ => amount,
        }
    }

    fn pot_views(&self, found: &Found) -> Vec<PotView> {
        let delivered =
            |asset, drawn| prorata::tranches_down(drawn, self.delivered[asset], self.created.tranches);
        let filled = found.pots.iter().filter(|(_, pot)| !pot.total.is_zero());
        let view = |(&(tier, asset), pot): (&(u8, Asset), &Pot)| PotView {
            tier,
            asset,
            total: pot.total,
            drawn: pot.drawn,
            delivered: delivered(asset, pot.drawn),
        };
        filled.map(view).collect()
    }

    /// The rate now while open, then as recorded, where it tells what shares were worth.
    fn rate_at(&self, lido: Lido) -> ShareRate {
        if !self.pots.iter().any(|((_, asset), pot)| asset.is_shares() && !pot.total.is_zero()) {
            return ShareRate::NotNeeded;
        }
        let rate = match (self.settlement, self.end_reason) {
            (Some(settlement), _) => settlement.rate,
            (None, None) => lido.rate(),
            (None, Some(EndReason::NoThresholdMet)) => self.failed_rate,
            // It was ended without one.
            (None, Some(_)) => None,
        };
        rate.map_or(ShareRate::Unreadable, ShareRate::Known)
    }

    /// Tranches that do not go back yet: those kept, and after a veto those that are not yet due.
    fn held(&self, found: &Found, now: Timestamp) -> PerAsset<u8> {
        let is_held = |settlement: &Settlement| self.returns_by_calendar.then_some(settlement.settled_at);
        let stopped = found.settlement.as_ref().and_then(is_held).map_or(0, |settled_at| {
            // No more are due than there are.
            self.created.tranches - schedule::due(&self.created, settled_at, now)
        });
        PerAsset::from_fn(|asset| found.kept[asset] + stopped)
    }

    /// Tranches due, and when the next one will be, or goes back after a veto: none once the rest was stopped at once.
    fn clock(&self, found: &Found, now: Timestamp) -> (u8, Option<Timestamp>) {
        let (terms, Some(settlement)) = (&self.created, found.settlement) else { return (0, None) };
        let due = schedule::due(terms, settlement.settled_at, now);
        let goes_on = found.status == Status::Settled || self.returns_by_calendar;
        if !goes_on || due == terms.tranches {
            return (due, None);
        }
        let waits = u64::from(due) * u64::from(terms.tranche_interval);
        (due, Some(schedule::first_due(terms, settlement.settled_at) + waits))
    }

    /// What is stored or, past the deadline and if the rate can be read, what settling now would make of it.
    fn found(&self, at: Moment) -> Found {
        let is_late = self.status == Status::Open && at.time > self.goal_at(at.time).deadline;
        Some(at).filter(|_| is_late).and_then(|at| self.decide(at)).unwrap_or_else(|| Found {
            status: self.status,
            end_reason: self.end_reason,
            settlement: self.settlement,
            pots: self.pots.clone(),
            kept: self.kept,
        })
    }

    /// What settling at `at` makes of an open rescue; none when it would be refused.
    fn decide(&self, at: Moment) -> Option<Found> {
        let mut model = self.open_model(at.time).ok()?;
        let status = model.settle(at).ok()?;
        let decided = |&(tier, asset): &(u8, Asset)| ((tier, asset), model.pot(at, tier, asset));
        Some(Found {
            status,
            end_reason: model.end_reason(at),
            settlement: model.settlement(at),
            pots: self.pots.keys().map(decided).collect(),
            kept: model.kept(at),
        })
    }

    /// The rules' own rescue with the same goal and pots, still open: settlement asks for no more than that.
    fn open_model(&self, time: Timestamp) -> Result<Rescue, Error> {
        let impossible = Error::BrokenHistory { reason: "terms or pledges that no escrow accepts" };
        // Any account but zero and the escrow.
        let pledger = self.escrow.create(0);
        let at = Moment { time: 0, lido: Lido::Working(Rate::MAX) };
        let mut model =
            Rescue::open(self.escrow, self.terms_at(time), at.time).map_err(|_| impossible.clone())?;
        for (&(tier, asset), pot) in self.pots.iter().filter(|(_, pot)| !pot.total.is_zero()) {
            let id = PositionId { pledger, tier, asset };
            model.pledge(at, id, 0, pot.total).map_err(|_| impossible.clone())?;
        }
        Ok(model)
    }
}

/// The condition of stETH in which it has this rate.
fn lido_at(rate: ShareRate) -> Lido {
    match rate {
        ShareRate::Known(rate) => Lido::Working(rate),
        ShareRate::NotNeeded | ShareRate::Unreadable => Lido::Broken,
    }
}

/// While open, of the tiers that are covered now; then, of those that settlement chose.
fn threshold_met(terms: &Terms, found: &Found, open: &Rescue, lido: Lido) -> Bps {
    if found.status != Status::Open {
        return found.settlement.map_or(Bps::ZERO, |settlement| settlement.threshold);
    }
    let thresholds = terms.tiers.iter().map(|tier| tier.threshold);
    let met = |&(count, threshold): &(u8, Bps)| {
        let coverage = open.coverage_up_to(count, lido);
        coverage.is_ok_and(|coverage| coverage >= prorata::required_up(terms.target, threshold))
    };
    (1u8..).zip(thresholds).filter(met).last().map_or(Bps::ZERO, |(_, threshold)| threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{
        primitives::{U64, address},
        providers::ProviderBuilder,
        transports::mock::Asserter,
    };

    const ESCROW: Address = address!("00000000000000000000000000000000000000e5");
    const ID: PositionId = PositionId { pledger: ESCROW, tier: 0, asset: Asset::Eth };

    fn terms() -> Terms {
        Terms {
            beneficiary: Address::repeat_byte(1),
            guardian: Address::ZERO,
            steth: Address::ZERO,
            wsteth: Address::ZERO,
            target: Wei::new(1_000_000_000),
            deadline: 1_000,
            latest_deadline: 1_000,
            tiers: vec![levee_model::Tier { threshold: Bps::ONE, draw_order: 0, rate: Bps::ZERO }],
            objection_period: 1,
            veto: Bps::ZERO,
            tranches: 1,
            tranche_interval: 0,
            release_window: 60,
            exit_window: 60,
            terms_hash: B256::ZERO,
        }
    }

    /// What folding `events` after the creation says, if it fails.
    fn reason(events: &[Event]) -> Option<&'static str> {
        let mut history = History::created(ESCROW, terms(), 1);
        match events.iter().try_for_each(|event| history.apply(event)) {
            Err(Error::BrokenHistory { reason }) => Some(reason),
            Err(other) => panic!("{other}"),
            Ok(()) => None,
        }
    }

    fn settled(drawn: u128) -> Event {
        Event::Settled {
            threshold: Bps::ONE,
            rate: None,
            target: Wei::new(1_000_000_000),
            drawn: Wei::new(drawn),
            settled_at: 10,
            draws: vec![Units::new(drawn), Units::ZERO, Units::ZERO],
        }
    }

    #[test]
    fn logs_that_do_not_add_up_are_noticed() {
        let pledged = Event::Pledged { position: ID, amount: Units::new(2_000_000_000) };
        let declined = |amount| Event::Declined { position: ID, amount: Units::new(amount) };
        let refunded =
            |amount| Event::Refunded { position: ID, recipient: ESCROW, amount: Units::new(amount) };
        let (pledger, asset) = (ESCROW, Asset::Eth);
        let owed = |amount| Event::Owed { pledger, asset, amount: Units::new(amount) };
        let collected =
            |amount| Event::Collected { pledger, asset, recipient: ESCROW, amount: Units::new(amount) };
        let settle = settled(1_000_000_000);
        assert_eq!(reason(&[pledged.clone(), settle.clone(), refunded(1_000_000_000)]), None);

        let cases = [
            (vec![declined(5)], "a position was taken out that was not there"),
            (vec![pledged.clone(), declined(5)], "a position was taken out that was not there"),
            (vec![settle.clone()], "a settlement that was not possible"),
            (vec![pledged.clone(), settled(999_999_999)], "a settlement that is not what the pledges give"),
            (vec![pledged.clone(), settle.clone(), pledged.clone()], "a pledge that was not possible"),
            (vec![pledged.clone(), settle.clone(), refunded(2_000_000_001)], "a refund that was not owed"),
            (vec![pledged.clone(), refunded(1)], "a refund that was not owed"),
            (vec![Event::Finalized { final_at: 1 }], "the status goes a way that there is not"),
            (vec![Event::RescueCreated { terms: terms() }], "the escrow is created twice"),
            (vec![pledged.clone(), settle.clone(), owed(1)], "a debt of a rescue that nobody could leave"),
            (vec![owed(2), collected(1)], "a collection of what was not owed"),
            (vec![collected(1)], "a collection of what was not owed"),
            (vec![Event::HoldLifted { lifted_at: 1 }], "an event is out of place"),
        ];
        for (events, expected) in cases {
            assert_eq!(reason(&events), Some(expected), "{events:?}");
        }
    }

    #[test]
    fn only_an_amendment_in_force_outlives_the_end() {
        let goal = Goal { target: Wei::new(3_000_000_000), ..Goal::from(&terms()) };
        let amendment = Amendment { goal, effective_at: 20 };
        for (failed_at, target) in [(19, 1_000_000_000), (20, 3_000_000_000)] {
            let mut history = History::created(ESCROW, terms(), 1);
            let failed = Event::Failed { reason: EndReason::EndedByGuardian, rate: None, failed_at };
            for event in [Event::AmendmentProposed { amendment }, failed] {
                history.apply(&event).unwrap();
            }
            assert_eq!(history.terms_at(1_000).target, Wei::new(target));
        }
    }

    #[tokio::test]
    async fn a_node_that_gives_few_logs_at_a_time_is_asked_for_fewer() {
        let asserter = Asserter::new();
        asserter.push_success(&U64::from(WINDOW - 1));
        asserter.push_failure_msg("query exceeds limits");
        for _ in 0..2 {
            asserter.push_success(&Vec::<Log>::new());
        }
        let provider = ProviderBuilder::new().connect_mocked_client(asserter.clone());
        assert_eq!(fetch(&provider, ESCROW, 0).await, Ok(vec![]));
        assert!(asserter.read_q().is_empty(), "two halves were asked for");
        // Thirteen halves make one block: whatever else is wrong is told then.
        asserter.push_success(&U64::from(1));
        for _ in 0..14 {
            asserter.push_failure_msg("out of order");
        }
        let told = fetch(&provider, ESCROW, 0).await;
        assert_eq!(told, Err(Error::Rpc { message: "out of order".to_owned() }));
    }

    #[test]
    fn a_history_begins_with_the_creation() {
        let event = Event::Finalized { final_at: 1 };
        let entry = Entry { block: 1, time: 1, transaction: B256::ZERO, event };
        let expected = Error::BrokenHistory { reason: "it does not begin with the escrow's creation" };
        assert_eq!(History::of(ESCROW, &[entry]).unwrap_err(), expected);
        assert_eq!(History::of(ESCROW, &[]).unwrap_err(), expected);
    }
}
