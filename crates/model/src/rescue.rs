//! What does a call do, and when is it refused?

use std::collections::BTreeMap;

use alloy_primitives::Address;

use crate::{
    amendment::{Amendment, Goal},
    asset::Asset,
    books::{Position, PositionId},
    lido::{Lido, Moment},
    prorata,
    refusal::Refusal,
    schedule::{self, Timestamp},
    settlement,
    state::State,
    status::{FailReason, Status},
    terms::{self, Terms, TermsError},
    units::{Units, Wei},
};

/// What a call pays out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// To whom.
    pub to: Address,
    /// In what.
    pub asset: Asset,
    /// How much, in the asset's own unit. A tranche may round to nothing, and is then paid as that.
    pub amount: Units,
}

impl Payment {
    pub(crate) const fn ether(to: Address, amount: Wei) -> Self {
        Self { to, asset: Asset::Eth, amount: Units::new(amount.get()) }
    }
}

/// One rescue, from its creation on.
///
/// Every call takes the [`Moment`] at which it is made; time must not go back. It returns what it pays, or a
/// [`Refusal`], and then it has changed nothing. Whatever call comes first after the deadline settles first, except
/// [`pledge`](Self::pledge), [`exit`](Self::exit), [`decline`](Self::decline), [`amend`](Self::amend) and
/// [`expire`](Self::expire).
#[derive(Debug, Clone)]
pub struct Rescue {
    pub(crate) escrow: Address,
    pub(crate) terms: Terms,
    pub(crate) state: State,
    pub(crate) positions: BTreeMap<PositionId, Position>,
}

impl Rescue {
    /// Creates the rescue that the escrow at `escrow` holds.
    ///
    /// # Errors
    /// The first rule that the terms break.
    pub fn open(escrow: Address, terms: Terms, time: Timestamp) -> Result<Self, TermsError> {
        terms.check(time)?;
        Ok(Self { escrow, state: State::open(&terms), terms, positions: BTreeMap::new() })
    }

    /// Locks `amount` as a pledge of `id.pledger`. Anyone may pay for anyone.
    ///
    /// # Errors
    /// `PledgingClosed`, `ZeroAmount`, `AssetNotAccepted`, `InvalidAccount`, `UnknownTier`, `AmountTooLarge`,
    /// `TokenFailed`.
    pub fn pledge(&mut self, at: Moment, id: PositionId, amount: Units) -> Result<(), Refusal> {
        self.require_pledging(at.time)?;
        if amount.is_zero() {
            return Err(Refusal::ZeroAmount);
        }
        if !self.terms.accepts(id.asset) {
            return Err(Refusal::AssetNotAccepted { asset: id.asset });
        }
        self.require_account(id.pledger)?;
        self.require_tier(id.tier)?;
        let pot = self.state.pots.get_mut(id.tier, id.asset);
        let limit = Units::MAX_POT - pot.total;
        if amount > limit {
            return Err(Refusal::AmountTooLarge { amount, limit });
        }
        require_movable(id.asset, at.lido)?;
        pot.total += amount;
        self.positions.entry(id).or_default().amount += amount;
        Ok(())
    }

    /// Decides the rescue, and returns what it has become: `Settled`, or `Failed` past the deadline with no threshold
    /// met. Anyone may call.
    ///
    /// # Errors
    /// `WrongStatus` once decided, `RateUnreadable`, and up to the deadline `CoverageTooLow`.
    pub fn settle(&mut self, at: Moment) -> Result<Status, Refusal> {
        if self.state.status() != Status::Open {
            return Err(self.wrong_status());
        }
        self.state.settle(&self.terms, at)?;
        Ok(self.state.status())
    }

    /// Delivers to the beneficiary what is due of one asset. Anyone may call.
    ///
    /// # Errors
    /// `WrongStatus`, `NothingDue`, `TokenFailed`, `RateUnreadable`.
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
        require_movable(asset, at.lido)?;
        let of = |count| self.state.tranches_down(&self.terms, asset, count);
        let payment = Payment { to: self.terms.beneficiary, asset, amount: of(due) - of(delivered) };
        self.state.delivered[asset] = due;
        self.state.finalize_if_delivered(at.time);
        Ok(payment)
    }

    /// Returns to the pledger what a position is owed. Anyone may call.
    ///
    /// # Errors
    /// `WrongStatus` while open, `UnknownTier`, `NothingToReturn`, `TokenFailed`, `RateUnreadable`.
    pub fn refund(&mut self, at: Moment, id: PositionId) -> Result<Payment, Refusal> {
        self.after_settling(at, |rescue| rescue.give_back(at, id, id.pledger))
    }

    /// As [`refund`](Self::refund), called by the pledger, to `recipient`.
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
        let amount = self.state.owed_down(&self.terms, id, *position);
        if amount.is_zero() {
            return Err(Refusal::NothingToReturn { id });
        }
        require_movable(id.asset, at.lido)?;
        position.refunded += amount;
        Ok(Payment { to, asset: id.asset, amount })
    }

    /// Takes a position out, whole, while an amendment is pending. Called by the pledger.
    ///
    /// # Errors
    /// `NoExitWindow`, `InvalidAccount`, `UnknownTier`, `NothingToReturn`, `TokenFailed`.
    pub fn exit(&mut self, at: Moment, id: PositionId, recipient: Address) -> Result<Payment, Refusal> {
        if self.state.pending(at.time).is_none() {
            return Err(Refusal::NoExitWindow { time: at.time });
        }
        self.require_account(recipient)?;
        self.take_out(at.lido, id, recipient)
    }

    /// Returns a position, whole, to its pledger. Called by the guardian, up to and including the deadline.
    ///
    /// # Errors
    /// `NotGuardian`, `PledgingClosed`, `UnknownTier`, `NothingToReturn`, `TokenFailed`.
    pub fn decline(&mut self, at: Moment, caller: Address, id: PositionId) -> Result<Payment, Refusal> {
        self.require_guardian(caller)?;
        self.require_pledging(at.time)?;
        self.take_out(at.lido, id, id.pledger)
    }

    fn take_out(&mut self, lido: Lido, id: PositionId, to: Address) -> Result<Payment, Refusal> {
        self.require_tier(id.tier)?;
        let Position { amount, .. } = *self.positions.get(&id).ok_or(Refusal::NothingToReturn { id })?;
        require_movable(id.asset, lido)?;
        self.positions.remove(&id);
        let pot = self.state.pots.get_mut(id.tier, id.asset);
        pot.total = pot.total - amount;
        Ok(Payment { to, asset: id.asset, amount })
    }

    /// Proposes a new goal, in force by itself after the exit window. Called by the guardian.
    ///
    /// # Errors
    /// `NotGuardian`, `PledgingClosed`, `AmendmentPending`, `TargetOutOfBounds`, `AmendmentTooLate`,
    /// `AmendedDeadlineTooEarly`.
    pub fn amend(&mut self, at: Moment, caller: Address, goal: Goal) -> Result<Amendment, Refusal> {
        let time = at.time;
        self.require_guardian(caller)?;
        self.require_pledging(time)?;
        if let Some(Amendment { in_force_from, .. }) = self.state.pending(time) {
            return Err(Refusal::AmendmentPending { in_force_from, time });
        }
        if !terms::target_in_bounds(goal.target) {
            return Err(Refusal::TargetOutOfBounds { target: goal.target });
        }
        let in_force_from = time.saturating_add(self.terms.exit_window.into());
        let deadline = self.state.goal(time).deadline;
        if in_force_from > deadline {
            return Err(Refusal::AmendmentTooLate { in_force_from, deadline });
        }
        if goal.deadline <= in_force_from {
            return Err(Refusal::AmendedDeadlineTooEarly { new_deadline: goal.deadline, in_force_from });
        }
        let amendment = Amendment { goal, in_force_from };
        self.state.propose(amendment, time);
        Ok(amendment)
    }

    /// Ends an open rescue, or stops what is not yet due of a settled one. Called by the guardian.
    ///
    /// # Errors
    /// `NotGuardian`, `WrongStatus`, `NothingToStop`, `RateUnreadable`.
    pub fn cancel(&mut self, at: Moment, caller: Address) -> Result<(), Refusal> {
        self.require_guardian(caller)?;
        self.after_settling(at, |rescue| {
            if rescue.state.status() == Status::Open {
                rescue.state.fail(FailReason::EndedByGuardian, at.time);
            } else {
                let due = rescue.require_stoppable(at.time)?;
                rescue.state.cancel(due, at.time);
            }
            Ok(())
        })
    }

    /// Objects with a position's drawn value, once; cancels when objections reach the veto. Called by the pledger.
    ///
    /// # Errors
    /// `NoVeto`, `WrongStatus`, `NothingToStop`, `UnknownTier`, `AlreadyObjected`, `NothingDrawn`, `RateUnreadable`.
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
            self.state.cancel(due, now);
        }
        Ok(())
    }

    /// Ends what was due and not collected within the release window. Anyone may call.
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

    /// The last second at which the beneficiary cannot lose what is due; none unless something may still be delivered.
    fn collectable_until(&self) -> Option<Timestamp> {
        let settlement = self.state.settlement.filter(|_| self.state.final_at.is_none())?;
        let last_due = || schedule::last_due(&self.terms, settlement.settled_at);
        let since = self.state.cancelled_at.unwrap_or_else(last_due);
        Some(since.saturating_add(self.terms.release_window.into()))
    }

    /// Fails a rescue whose shares cannot be valued for longer than the release window after the deadline. Anyone may
    /// call.
    ///
    /// # Errors
    /// `WrongStatus`, `TooEarly`, `RateReadable`.
    pub fn expire(&mut self, at: Moment) -> Result<(), Refusal> {
        if self.state.status() != Status::Open {
            return Err(self.wrong_status());
        }
        require_later(at.time, self.rate_awaited_until(at.time))?;
        if let Ok(rate) = settlement::rate_of(&self.state.pots, at.lido) {
            return Err(Refusal::RateReadable { rate });
        }
        self.state.fail(FailReason::RateUnreadable, at.time);
        Ok(())
    }

    /// The last second at which deciding waits for an unreadable rate.
    pub(crate) fn rate_awaited_until(&self, now: Timestamp) -> Timestamp {
        self.state.goal(now).deadline.saturating_add(self.terms.release_window.into())
    }

    /// Settles first if the deadline has passed; undone, like the call itself, when the call is refused.
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

    fn require_pledging(&self, time: Timestamp) -> Result<(), Refusal> {
        if self.state.is_pledging(time) {
            return Ok(());
        }
        let deadline = self.state.goal(time).deadline;
        Err(Refusal::PledgingClosed { status: self.state.status(), deadline, time })
    }

    pub(crate) fn require_tier(&self, tier: u8) -> Result<(), Refusal> {
        let count = self.terms.tier_count();
        if tier < count { Ok(()) } else { Err(Refusal::UnknownTier { tier, count }) }
    }

    fn require_account(&self, account: Address) -> Result<(), Refusal> {
        if account.is_zero() || account == self.escrow {
            return Err(Refusal::InvalidAccount { account });
        }
        Ok(())
    }

    /// Tranches due, of a settled rescue of which something is not yet due.
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

fn require_movable(asset: Asset, lido: Lido) -> Result<(), Refusal> {
    if lido.moves(asset) { Ok(()) } else { Err(Refusal::TokenFailed { asset }) }
}

fn require_later(time: Timestamp, limit: Timestamp) -> Result<(), Refusal> {
    if time > limit { Ok(()) } else { Err(Refusal::TooEarly { limit, time }) }
}
