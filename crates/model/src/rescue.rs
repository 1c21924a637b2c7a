//! What each call does, and when it is refused.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use serde::Serialize;

use crate::{
    amendment::{Amendment, Goal},
    asset::{Amount, Asset},
    books::{Position, PositionId},
    lido::{Creation, Lido, Moment},
    prorata,
    refusal::Refusal,
    schedule::{self, Timestamp},
    settlement,
    state::State,
    status::{EndReason, Status},
    terms::{self, Terms, TermsError},
    units::{Rate, Units, Wei},
};

/// A payment made by a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Payment {
    /// The account.
    #[serde(with = "crate::json::Account")]
    pub to: Address,
    /// The asset.
    #[serde(flatten, with = "crate::json::AssetAndUnit")]
    pub asset: Asset,
    /// The amount, in the asset's own unit. A tranche may round to zero, and is then paid as zero.
    pub amount: Units,
}

impl Payment {
    pub(crate) const fn ether(to: Address, amount: Wei) -> Self {
        Self { to, asset: Asset::Eth, amount: Amount::Eth(amount).units() }
    }

    /// The token moves.
    fn require_possible(self, lido: Lido) -> Result<(), Refusal> {
        let Self { to: recipient, asset, amount } = self;
        if lido.moves(asset) { Ok(()) } else { Err(Refusal::PaymentFailed { recipient, asset, amount }) }
    }
}

/// The fate of a position that was taken out of the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Departure {
    /// It was paid in the same call.
    Paid(Payment),
    /// It could not be paid, and is owed to the pledger.
    Owed(Units),
}

impl Departure {
    /// The payment, if it was made.
    pub const fn payment(self) -> Option<Payment> {
        match self {
            Self::Paid(payment) => Some(payment),
            Self::Owed(_) => None,
        }
    }
}

/// One rescue, from its creation on.
///
/// Every call takes the [`Moment`] at which it is made; time must not go backward. It returns what it pays,
/// or a [`Refusal`] if it has changed nothing. The first call after the deadline settles the rescue first,
/// unless it is [`pledge`](Self::pledge), [`exit`](Self::exit), [`decline`](Self::decline),
/// [`collect`](Self::collect), [`amend`](Self::amend) or [`expire`](Self::expire).
#[derive(Debug, Clone)]
pub struct Rescue {
    pub(crate) escrow: Address,
    pub(crate) terms: Terms,
    pub(crate) state: State,
    pub(crate) positions: BTreeMap<PositionId, Position>,
    pub(crate) owed: BTreeMap<(Address, Asset), Units>,
    /// Where the escrow's logs begin.
    pub(crate) created_block: u64,
}

impl Rescue {
    /// Creates the rescue in the escrow at `escrow`.
    ///
    /// # Errors
    /// The first rule that the terms violate.
    pub fn open(escrow: Address, terms: Terms, creation: Creation) -> Result<Self, TermsError> {
        terms.check(creation.time)?;
        Ok(Self {
            escrow,
            state: State::open(&terms),
            terms,
            positions: BTreeMap::new(),
            owed: BTreeMap::new(),
            created_block: creation.block,
        })
    }

    /// The address of its escrow.
    pub const fn escrow(&self) -> Address {
        self.escrow
    }

    /// Locks `amount` as a pledge of `id.pledger`. Anyone may pay for anyone. `amendment` is the time of
    /// the latest amendment that the sender knows of, 0 for none, so that a pledge decided before an
    /// amendment never meets terms it was not meant for.
    ///
    /// # Errors
    /// `PledgingClosed`, `AmendmentDiffers`, `ZeroAmount`, `AssetNotAccepted`, `InvalidAccount`,
    /// `UnknownTier`, `AmountTooLarge`, `TokenFailed`.
    pub fn pledge(
        &mut self,
        at: Moment,
        id: PositionId,
        amendment: Timestamp,
        amount: Units,
    ) -> Result<(), Refusal> {
        self.require_pledging(at.time)?;
        self.require_latest(amendment)?;
        if amount.is_zero() {
            return Err(Refusal::ZeroAmount);
        }
        if !self.terms.accepts(id.asset) {
            return Err(Refusal::AssetNotAccepted { asset: id.asset });
        }
        self.require_account(id.pledger)?;
        self.require_room(id, amount)?;
        if !at.lido.moves(id.asset) {
            return Err(Refusal::TokenFailed { asset: id.asset });
        }
        self.book(id, amount);
        Ok(())
    }

    /// The pot exists and can hold `amount` more.
    pub(crate) fn require_room(&self, id: PositionId, amount: Units) -> Result<(), Refusal> {
        self.require_tier(id.tier)?;
        let limit = Units::MAX_POT - self.state.pots.get(id.tier, id.asset).total;
        if amount > limit { Err(Refusal::AmountTooLarge { amount, limit }) } else { Ok(()) }
    }

    pub(crate) fn book(&mut self, id: PositionId, amount: Units) {
        self.state.pots.get_mut(id.tier, id.asset).total += amount;
        self.positions.entry(id).or_default().amount += amount;
    }

    /// Decides the rescue, and returns its new status: `Settled`, or past the deadline `Failed` if no
    /// threshold is met. Anyone may call.
    ///
    /// # Errors
    /// `WrongStatus` once decided, `RateUnreadable`, and up to the deadline `AmendmentPending` and
    /// `CoverageTooLow`.
    pub fn settle(&mut self, at: Moment) -> Result<Status, Refusal> {
        if self.state.status() != Status::Open {
            return Err(self.wrong_status());
        }
        self.state.settle(&self.terms, at)?;
        Ok(self.state.status())
    }

    /// Delivers what is due of one asset to the beneficiary. Anyone may call.
    ///
    /// # Errors
    /// `WrongStatus`, `NothingDue`, `PaymentFailed`, `RateUnreadable`.
    pub fn release(&mut self, at: Moment, asset: Asset) -> Result<Payment, Refusal> {
        self.after_settling(at, |rescue| rescue.deliver(at, asset))
    }

    fn deliver(&mut self, at: Moment, asset: Asset) -> Result<Payment, Refusal> {
        if !matches!(self.state.status(), Status::Settled | Status::Cancelled) {
            return Err(self.wrong_status());
        }
        let due = self.state.deliverable(&self.terms, asset, at.time);
        let delivered = self.state.delivered[asset];
        if due == delivered {
            return Err(Refusal::NothingDue { asset, due, delivered });
        }
        let of = |count| self.state.tranches_down(&self.terms, asset, count);
        let payment = Payment { to: self.terms.beneficiary, asset, amount: of(due) - of(delivered) };
        payment.require_possible(at.lido)?;
        self.state.delivered[asset] = due;
        self.state.finalize_if_delivered(at.time);
        Ok(payment)
    }

    /// Returns to the pledger the part of a position that is not held. Anyone may call.
    ///
    /// # Errors
    /// `WrongStatus` while open, `UnknownTier`, `NothingToReturn`, `PaymentFailed`, `RateUnreadable`.
    pub fn refund(&mut self, at: Moment, id: PositionId) -> Result<Payment, Refusal> {
        self.after_settling(at, |rescue| rescue.give_back(at, id, id.pledger))
    }

    /// Like [`refund`](Self::refund), but called by the pledger, and pays `recipient`.
    ///
    /// # Errors
    /// `InvalidAccount`, and those of [`refund`](Self::refund).
    pub fn refund_to(&mut self, at: Moment, id: PositionId, recipient: Address) -> Result<Payment, Refusal> {
        self.require_account(recipient)?;
        self.after_settling(at, |rescue| rescue.give_back(at, id, recipient))
    }

    fn give_back(&mut self, at: Moment, id: PositionId, to: Address) -> Result<Payment, Refusal> {
        if self.state.status() == Status::Open {
            return Err(self.wrong_status());
        }
        self.require_tier(id.tier)?;
        let position = self.positions.get_mut(&id).ok_or(Refusal::NothingToReturn { id })?;
        let amount = self.state.refundable_down(&self.terms, id, *position, at.time);
        if amount.is_zero() {
            return Err(Refusal::NothingToReturn { id });
        }
        let payment = Payment { to, asset: id.asset, amount };
        payment.require_possible(at.lido)?;
        position.refunded += amount;
        Ok(payment)
    }

    /// Takes out a whole position while an amendment is pending. Called by the pledger. What cannot be paid
    /// is owed to the pledger, whatever recipient was named.
    ///
    /// # Errors
    /// `NoExitWindow`, `InvalidAccount`, `UnknownTier`, `NothingToReturn`.
    pub fn exit(&mut self, at: Moment, id: PositionId, recipient: Address) -> Result<Departure, Refusal> {
        if self.state.pending(at.time).is_none() {
            let effective_at = self.state.latest_amendment();
            return Err(Refusal::NoExitWindow { effective_at, time: at.time });
        }
        self.require_account(recipient)?;
        self.take_out(at.lido, id, recipient)
    }

    /// Returns a whole position to its pledger. Called by the guardian, up to and including the deadline.
    /// What cannot be paid is owed to the pledger.
    ///
    /// # Errors
    /// `NotGuardian`, `PledgingClosed`, `UnknownTier`, `NothingToReturn`.
    pub fn decline(&mut self, at: Moment, caller: Address, id: PositionId) -> Result<Departure, Refusal> {
        self.require_guardian(caller)?;
        self.require_pledging(at.time)?;
        self.take_out(at.lido, id, id.pledger)
    }

    /// The books come first, whatever the token does: an amendment does not bind anyone who left while
    /// stETH was paused.
    fn take_out(&mut self, lido: Lido, id: PositionId, to: Address) -> Result<Departure, Refusal> {
        self.require_tier(id.tier)?;
        let amount = self.strike(id)?;
        if lido.moves(id.asset) {
            return Ok(Departure::Paid(Payment { to, asset: id.asset, amount }));
        }
        *self.owed.entry((id.pledger, id.asset)).or_default() += amount;
        Ok(Departure::Owed(amount))
    }

    /// Takes a position out of the books, and returns its amount.
    pub(crate) fn strike(&mut self, id: PositionId) -> Result<Units, Refusal> {
        let found = self.positions.get_mut(&id).filter(|position| !position.amount.is_zero());
        let position = found.ok_or(Refusal::NothingToReturn { id })?;
        let amount = position.amount;
        *position = position.departed();
        let pot = self.state.pots.get_mut(id.tier, id.asset);
        // The position is part of its pot.
        pot.total = pot.total - amount;
        Ok(amount)
    }

    /// Pays the pledger what an exit or a decline could not. Anyone may call, in any status; it never
    /// settles the rescue.
    ///
    /// # Errors
    /// `NothingOwed`, `PaymentFailed`.
    pub fn collect(&mut self, at: Moment, pledger: Address, asset: Asset) -> Result<Payment, Refusal> {
        self.pay_owed(at.lido, pledger, asset, pledger)
    }

    /// Like [`collect`](Self::collect), but called by the pledger, and pays `recipient`.
    ///
    /// # Errors
    /// `InvalidAccount`, and those of [`collect`](Self::collect).
    pub fn collect_to(
        &mut self,
        at: Moment,
        pledger: Address,
        asset: Asset,
        recipient: Address,
    ) -> Result<Payment, Refusal> {
        self.require_account(recipient)?;
        self.pay_owed(at.lido, pledger, asset, recipient)
    }

    fn pay_owed(
        &mut self,
        lido: Lido,
        pledger: Address,
        asset: Asset,
        to: Address,
    ) -> Result<Payment, Refusal> {
        let amount = self.owed(pledger, asset);
        if amount.is_zero() {
            return Err(Refusal::NothingOwed { pledger, asset });
        }
        let payment = Payment { to, asset, amount };
        payment.require_possible(lido)?;
        self.owed.remove(&(pledger, asset));
        Ok(payment)
    }

    /// Proposes a new goal, which takes effect by itself after the exit window. Called by the guardian.
    ///
    /// # Errors
    /// `NotGuardian`, `PledgingClosed`, `AmendmentPending`, `Terms`, `AmendmentTooLate`,
    /// `AmendedDeadlineTooEarly`, `AmendedDeadlineTooLate`.
    pub fn amend(&mut self, at: Moment, caller: Address, goal: Goal) -> Result<Amendment, Refusal> {
        let time = at.time;
        self.require_guardian(caller)?;
        self.require_pledging(time)?;
        if let Some(Amendment { effective_at, .. }) = self.state.pending(time) {
            return Err(Refusal::AmendmentPending { effective_at, time });
        }
        if !terms::target_in_bounds(goal.target) {
            return Err(TermsError::TargetOutOfBounds { target: goal.target }.into());
        }
        let effective_at = time.saturating_add(self.terms.exit_window.into());
        self.check_times(time, effective_at, goal.deadline)?;
        let amendment = Amendment { goal, effective_at };
        self.state.propose(amendment, time);
        Ok(amendment)
    }

    /// The window ends no later than the deadline in force, and before the new one, which the terms must
    /// allow.
    fn check_times(
        &self,
        time: Timestamp,
        effective_at: Timestamp,
        new_deadline: Timestamp,
    ) -> Result<(), Refusal> {
        let deadline = self.state.goal(time).deadline;
        if effective_at > deadline {
            return Err(Refusal::AmendmentTooLate { effective_at, deadline });
        }
        if new_deadline <= effective_at {
            return Err(Refusal::AmendedDeadlineTooEarly { new_deadline, effective_at });
        }
        let latest_deadline = self.terms.latest_deadline;
        if new_deadline > latest_deadline {
            return Err(Refusal::AmendedDeadlineTooLate { new_deadline, latest_deadline });
        }
        Ok(())
    }

    /// Ends an open rescue, stops what is not yet due of a settled one, or lifts the hold of a veto, while
    /// something is not yet due. Called by the guardian.
    ///
    /// # Errors
    /// `NotGuardian`, `WrongStatus`, `NothingToStop`, `RateUnreadable`.
    pub fn cancel(&mut self, at: Moment, caller: Address) -> Result<(), Refusal> {
        self.require_guardian(caller)?;
        self.after_settling(at, |rescue| rescue.stop_or_free(at.time))
    }

    fn stop_or_free(&mut self, now: Timestamp) -> Result<(), Refusal> {
        if self.state.status() == Status::Open {
            self.state.fail(EndReason::EndedByGuardian, None, now);
        } else if self.state.returns_by_calendar && self.state.due(&self.terms, now) < self.terms.tranches {
            // A veto that came first must not trap honest money.
            self.state.lift_hold();
        } else {
            let due = self.require_stoppable(now)?;
            self.state.cancel(due, now);
        }
        Ok(())
    }

    /// Objects with a position's drawn value, once; cancels the rescue when objections reach the veto. What
    /// they stop goes back when it would have fallen due: a veto changes who is paid, never when. Called by
    /// the pledger.
    ///
    /// # Errors
    /// `NoVeto`, `WrongStatus`, `NothingToStop`, `UnknownTier`, `AlreadyObjected`, `NothingDrawn`,
    /// `RateUnreadable`.
    pub fn object(&mut self, at: Moment, id: PositionId) -> Result<(), Refusal> {
        self.after_settling(at, |rescue| rescue.count_objection(at.time, id))
    }

    fn count_objection(&mut self, now: Timestamp, id: PositionId) -> Result<(), Refusal> {
        if self.terms.veto.get() == 0 {
            return Err(Refusal::NoVeto);
        }
        let due = self.require_stoppable(now)?;
        self.require_tier(id.tier)?;
        let position = self.positions.get_mut(&id).ok_or(Refusal::NothingDrawn { id })?;
        if position.objected {
            return Err(Refusal::AlreadyObjected { id });
        }
        let settlement = self.state.settlement.ok_or(Refusal::NothingDrawn { id })?;
        let weight = settlement.drawn_value_down(&self.terms.tiers, id.tier, id.asset, position.amount);
        if weight.is_zero() {
            return Err(Refusal::NothingDrawn { id });
        }
        position.objected = true;
        self.state.objected += weight;
        if prorata::veto_reached(self.state.objected, settlement.drawn_value, self.terms.veto) {
            self.state.veto(due, now);
        }
        Ok(())
    }

    /// Gives up what was due but not collected within the release window. Anyone may call.
    ///
    /// # Errors
    /// `WrongStatus` unless settled, or cancelled and not final; `TooEarly`, `RateUnreadable`.
    pub fn lapse(&mut self, at: Moment) -> Result<(), Refusal> {
        self.after_settling(at, |rescue| {
            let limit = rescue.collectable_until().ok_or_else(|| rescue.wrong_status())?;
            require_later(at.time, limit)?;
            rescue.state.lapse(at.time);
            Ok(())
        })
    }

    /// The last second at which what is due cannot lapse; none unless something may still be delivered.
    pub(crate) fn collectable_until(&self) -> Option<Timestamp> {
        let settlement = self.state.settlement.filter(|_| self.state.final_at.is_none())?;
        Some(schedule::collectable_until(&self.terms, settlement.settled_at, self.state.cancelled_at))
    }

    /// Fails a rescue whose shares cannot be valued for longer than the release window after the deadline. Anyone may
    /// call.
    ///
    /// # Errors
    /// `WrongStatus`, `TooEarly`, `RateNotNeeded`, `RateReadable`.
    pub fn expire(&mut self, at: Moment) -> Result<(), Refusal> {
        self.require_expirable(at)?;
        // Where pledges must be valued after that, a share counts as one wei.
        self.state.fail(EndReason::RateUnreadable, Some(Rate::PAR), at.time);
        Ok(())
    }

    pub(crate) fn require_expirable(&self, at: Moment) -> Result<(), Refusal> {
        if self.state.status() != Status::Open {
            return Err(self.wrong_status());
        }
        let deadline = self.state.goal(at.time).deadline;
        require_later(at.time, schedule::settleable_until(&self.terms, deadline))?;
        match settlement::rate_of(&self.state.pots, at.lido) {
            Ok(None) => Err(Refusal::RateNotNeeded),
            Ok(Some(rate)) => Err(Refusal::RateReadable { rate }),
            Err(_) => Ok(()),
        }
    }

    /// Settles first if the deadline has passed; undone, like the call itself, if the call is refused.
    fn after_settling<T>(
        &mut self,
        at: Moment,
        call: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if !self.state.is_late(at.time) {
            return call(self);
        }
        let before = self.state.clone();
        let result = self.state.settle(&self.terms, at).and_then(|()| call(self));
        if result.is_err() {
            self.state = before;
        }
        result
    }

    fn wrong_status(&self) -> Refusal {
        Refusal::WrongStatus { status: self.state.status() }
    }

    fn require_guardian(&self, caller: Address) -> Result<(), Refusal> {
        let guardian = self.terms.guardian;
        if guardian.is_zero() || caller != guardian {
            return Err(Refusal::NotGuardian { caller, guardian });
        }
        Ok(())
    }

    pub(crate) fn require_pledging(&self, time: Timestamp) -> Result<(), Refusal> {
        if self.state.is_pledging(time) {
            return Ok(());
        }
        let deadline = self.state.goal(time).deadline;
        Err(Refusal::PledgingClosed { status: self.state.status(), deadline, time })
    }

    fn require_latest(&self, named: Timestamp) -> Result<(), Refusal> {
        let latest = self.state.latest_amendment();
        if named == latest { Ok(()) } else { Err(Refusal::AmendmentDiffers { named, latest }) }
    }

    pub(crate) fn require_tier(&self, tier: u8) -> Result<(), Refusal> {
        let count = self.terms.tier_count();
        if tier < count { Ok(()) } else { Err(Refusal::UnknownTier { tier, count }) }
    }

    fn require_account(&self, account: Address) -> Result<(), Refusal> {
        let Terms { steth, wsteth, .. } = self.terms;
        if [Address::ZERO, self.escrow, steth, wsteth].contains(&account) {
            return Err(Refusal::InvalidAccount { account });
        }
        Ok(())
    }

    /// Tranches due in a settled rescue, if something is not yet due.
    fn require_stoppable(&self, now: Timestamp) -> Result<u8, Refusal> {
        if self.state.status() != Status::Settled {
            return Err(self.wrong_status());
        }
        let due = self.state.due(&self.terms, now);
        if due == self.terms.tranches {
            return Err(Refusal::NothingToStop { due, tranches: self.terms.tranches });
        }
        Ok(due)
    }
}

fn require_later(time: Timestamp, limit: Timestamp) -> Result<(), Refusal> {
    if time > limit { Ok(()) } else { Err(Refusal::TooEarly { limit, time }) }
}
