//! What happened to a rescue? Its events, and the state that they add up to.

use alloy_primitives::Address;
use thiserror::Error;

use crate::{
    amendment::Amendment,
    asset::Asset,
    books::PositionId,
    lido::{Creation, Lido, Moment},
    refusal::Refusal,
    rescue::Rescue,
    schedule::Timestamp,
    status::{EndReason, Status},
    terms::{Terms, TermsError},
    units::{Bps, Rate, Units, Wei},
};

/// An event of an escrow. Amounts are in the asset's own unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RescueEvent {
    /// The escrow was created.
    Created {
        /// Its terms, before any amendment.
        terms: Terms,
    },
    /// `amount` was locked as a pledge, whoever paid it.
    Pledged {
        /// Whose and what.
        position: PositionId,
        /// How much.
        amount: Units,
    },
    /// A pledger left with a whole position during the exit window of an amendment.
    Exited {
        /// Whose and what.
        position: PositionId,
        /// Where it went.
        recipient: Address,
        /// How much.
        amount: Units,
    },
    /// The guardian returned a whole position.
    Declined {
        /// Whose and what.
        position: PositionId,
        /// How much.
        amount: Units,
    },
    /// An exit or a decline could not pay, just before this event.
    Owed {
        /// To whom.
        pledger: Address,
        /// In what.
        asset: Asset,
        /// How much.
        amount: Units,
    },
    /// All that was owed of an asset was paid.
    Collected {
        /// To whom it was owed.
        pledger: Address,
        /// In what.
        asset: Asset,
        /// Where it went.
        recipient: Address,
        /// How much.
        amount: Units,
    },
    /// A part of a position went back.
    Refunded {
        /// Whose and what.
        position: PositionId,
        /// Where it went.
        recipient: Address,
        /// How much.
        amount: Units,
    },
    /// The guardian proposed an amendment.
    AmendmentProposed {
        /// In force by itself from its time on, if the rescue is then still open.
        amendment: Amendment,
    },
    /// The rescue settled.
    Settled {
        /// Tiers up to this threshold are active.
        threshold: Bps,
        /// The rate that values shares; none when no pot held any.
        rate: Option<Rate>,
        /// The target in force.
        target: Wei,
        /// The value drawn, at most the target.
        drawn: Wei,
        /// When.
        settled_at: Timestamp,
        /// What was drawn of each pot: `draws[tier * 3 + asset]`.
        draws: Vec<Units>,
    },
    /// The rescue failed: everything goes back.
    Failed {
        /// Why.
        reason: EndReason,
        /// The rate that was recorded; none when no pot held shares, or the guardian ended it.
        rate: Option<Rate>,
        /// When.
        failed_at: Timestamp,
    },
    /// `amount` went to the beneficiary.
    Released {
        /// Of what.
        asset: Asset,
        /// Tranches of it that are now delivered in all.
        tranches: u8,
        /// How much.
        amount: Units,
    },
    /// A position objected.
    Objected {
        /// Whose and what.
        position: PositionId,
        /// Its drawn value.
        weight: Wei,
    },
    /// What was not yet due was stopped, by the guardian or a veto.
    Cancelled {
        /// By whom: what a veto stopped goes back at the times at which it would have fallen due.
        reason: EndReason,
        /// Tranches of each asset that the beneficiary keeps at most.
        kept: u8,
        /// When.
        cancelled_at: Timestamp,
    },
    /// The guardian lifted the hold: what a veto stopped goes back at once.
    HoldLifted {
        /// When.
        lifted_at: Timestamp,
    },
    /// What was due and not collected was stopped.
    Lapsed {
        /// When.
        lapsed_at: Timestamp,
    },
    /// Nothing more will go to the beneficiary.
    Finalized {
        /// When.
        final_at: Timestamp,
    },
}

/// Why events are not the whole history of one rescue: some are missing, or are not of this rescue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Inconsistent {
    /// The first event is another.
    #[error("they do not begin with the rescue's creation")]
    NoCreation,
    /// No escrow accepts the terms.
    #[error("no escrow accepts the terms: {0}")]
    Terms(#[from] TermsError),
    /// The rules refuse what an event tells.
    #[error("{event} was not possible: {refusal}")]
    Refused {
        /// What the event tells.
        event: &'static str,
        /// Why.
        refusal: Refusal,
    },
    /// An event does not follow from those before it.
    #[error("{event} does not follow from what came before")]
    OutOfPlace {
        /// What the event tells.
        event: &'static str,
    },
}

/// Refuses an event that does not follow.
fn require(follows: bool, event: &'static str) -> Result<(), Inconsistent> {
    if follows { Ok(()) } else { Err(Inconsistent::OutOfPlace { event }) }
}

impl Rescue {
    /// The rescue that the escrow at `escrow` holds, by the event of its creation.
    ///
    /// # Errors
    /// `NoCreation`, `Terms`.
    pub fn created(escrow: Address, event: &RescueEvent, creation: Creation) -> Result<Self, Inconsistent> {
        let RescueEvent::Created { terms } = event else { return Err(Inconsistent::NoCreation) };
        Ok(Self::open(escrow, terms.clone(), creation)?)
    }

    /// Takes in the event that came next.
    ///
    /// # Errors
    /// When no escrow would have emitted it now; the rescue is then of no more use.
    pub fn apply(&mut self, event: &RescueEvent) -> Result<(), Inconsistent> {
        use RescueEvent as E;
        match *event {
            E::Created { .. } => require(false, "a second creation"),
            E::Pledged { position, amount } => self.apply_pledge(position, amount),
            E::Exited { position, amount, .. } => self.apply_departure(position, amount, "an exit"),
            E::Declined { position, amount } => self.apply_departure(position, amount, "a decline"),
            E::Owed { pledger, asset, amount } => {
                *self.owed.entry((pledger, asset)).or_default() += amount;
                require(self.state.status() == Status::Open, "a debt")
            }
            E::Collected { pledger, asset, amount, .. } => {
                let owed = self.owed.remove(&(pledger, asset));
                require(owed == Some(amount), "a collection")
            }
            E::Refunded { position, amount, .. } => self.apply_refund(position, amount),
            E::AmendmentProposed { amendment } => self.apply_amendment(amendment),
            E::Objected { position, weight } => self.apply_objection(position, weight),
            E::Released { asset, tranches, amount } => self.apply_release(asset, tranches, amount),
            _ => self.apply_decision(event),
        }
    }

    /// What changes the status, or what is kept and held.
    fn apply_decision(&mut self, event: &RescueEvent) -> Result<(), Inconsistent> {
        use RescueEvent as E;
        let is_settled = self.state.status() == Status::Settled;
        match *event {
            E::Settled { rate, settled_at, .. } => {
                self.apply_settlement("a settlement", settled_at, rate)?;
                require(self.is_settled_as(event), "a settlement")?;
            }
            E::Failed { reason: EndReason::NoThresholdMet, rate, failed_at } => {
                self.apply_settlement("a failure", failed_at, rate)?;
                require(self.state.status() == Status::Failed, "a failure")?;
            }
            E::Failed { reason, rate, failed_at } => {
                require(self.state.status() == Status::Open, "a failure")?;
                self.state.fail(reason, rate, failed_at);
            }
            E::Cancelled { reason, kept, cancelled_at } => {
                require(is_settled, "a cancellation")?;
                self.state.returns_by_calendar = reason == EndReason::Vetoed;
                self.state.stop(reason, self.state.kept_of(kept), cancelled_at);
            }
            E::HoldLifted { .. } => {
                require(self.state.returns_by_calendar, "a lifted hold")?;
                self.state.lift_hold();
            }
            E::Lapsed { lapsed_at } => {
                require(is_settled || self.state.status() == Status::Cancelled, "a lapse")?;
                self.state.stop_undelivered(lapsed_at);
            }
            E::Finalized { final_at } => {
                let is_stopped = self.state.status() == Status::Cancelled;
                require((is_settled || is_stopped) && self.state.final_at.is_none(), "an end")?;
                self.state.finalize_if_delivered(final_at);
                require(self.state.final_at.is_some(), "an end")?;
            }
            _ => unreachable!("{event:?} is applied elsewhere"),
        }
        Ok(())
    }

    fn apply_pledge(&mut self, id: PositionId, amount: Units) -> Result<(), Inconsistent> {
        let event = "a pledge";
        require(self.state.status() == Status::Open && self.terms.accepts(id.asset), event)?;
        self.require_room(id, amount).map_err(|refusal| Inconsistent::Refused { event, refusal })?;
        self.book(id, amount);
        Ok(())
    }

    fn apply_departure(
        &mut self,
        id: PositionId,
        amount: Units,
        event: &'static str,
    ) -> Result<(), Inconsistent> {
        require(self.state.status() == Status::Open && self.position(id).amount == amount, event)?;
        self.strike(id).map(drop).map_err(|refusal| Inconsistent::Refused { event, refusal })
    }

    fn apply_refund(&mut self, id: PositionId, amount: Units) -> Result<(), Inconsistent> {
        let position = self.position(id);
        // No more ever goes back than what is not kept.
        let most = self.state.entitled_down(&self.terms, id, position.amount, self.state.kept[id.asset]);
        let refunded = position.refunded + amount;
        require(refunded <= most && self.positions.contains_key(&id), "a refund")?;
        self.positions.entry(id).or_default().refunded = refunded;
        Ok(())
    }

    /// There is one pending amendment at most, so an earlier one was in force when this was proposed.
    fn apply_amendment(&mut self, amendment: Amendment) -> Result<(), Inconsistent> {
        let proposed_at = amendment.effective_at.saturating_sub(self.terms.exit_window.into());
        let is_possible = self.state.status() == Status::Open && self.state.pending(proposed_at).is_none();
        require(is_possible, "an amendment")?;
        self.state.propose(amendment, proposed_at);
        Ok(())
    }

    fn apply_objection(&mut self, id: PositionId, weight: Wei) -> Result<(), Inconsistent> {
        let position = self.positions.get(&id).copied().filter(|position| !position.objected);
        let own = position.map(|position| self.weight_in(&self.state, id, position));
        require(own == Some(weight) && self.state.status() == Status::Settled, "an objection")?;
        self.positions.entry(id).or_default().objected = true;
        self.state.objected += weight;
        Ok(())
    }

    fn apply_release(&mut self, asset: Asset, tranches: u8, amount: Units) -> Result<(), Inconsistent> {
        let delivered = self.state.delivered[asset];
        require(delivered < tranches && tranches <= self.state.kept[asset], "a release")?;
        let of = |count| self.state.tranches_down(&self.terms, asset, count);
        require(of(tranches) - of(delivered) == amount, "a release")?;
        self.state.delivered[asset] = tranches;
        Ok(())
    }

    /// Decides an open rescue by the rules, with the rate that the event recorded.
    fn apply_settlement(
        &mut self,
        event: &'static str,
        time: Timestamp,
        rate: Option<Rate>,
    ) -> Result<(), Inconsistent> {
        require(self.state.status() == Status::Open, event)?;
        let at = Moment { time, lido: rate.map_or(Lido::Broken, Lido::Working) };
        let refused = |refusal| Inconsistent::Refused { event, refusal };
        self.state.settle(&self.terms, at).map_err(refused)?;
        require(self.state.recorded_rate() == rate, event)
    }

    /// Whether an event of settlement tells what the rules gave.
    fn is_settled_as(&self, event: &RescueEvent) -> bool {
        let (RescueEvent::Settled { threshold, rate, target, drawn, settled_at, draws }, Some(settlement)) =
            (event, self.state.settlement)
        else {
            return false;
        };
        let told = (*threshold, *rate, *target, *drawn);
        let goal = self.state.goal(*settled_at);
        let pots = &self.state.pots;
        let of_tier = |tier| Asset::ALL.map(|asset| pots.get(tier, asset).drawn);
        told == (settlement.threshold, settlement.rate, goal.target, settlement.drawn_value)
            && (0..self.terms.tier_count()).flat_map(of_tier).eq(draws.iter().copied())
    }
}
