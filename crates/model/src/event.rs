//! The events of a rescue, and the state that they add up to.

use alloy_primitives::Address;
use serde::Serialize;
use thiserror::Error;

use crate::{
    amendment::Amendment,
    asset::Asset,
    books::PositionId,
    compact::CompactTermsError,
    lido::{Creation, Lido, Moment},
    refusal::Refusal,
    rescue::Rescue,
    schedule::Timestamp,
    status::{EndReason, Status},
    terms::{Terms, TermsError},
    units::{Bps, Rate, Units, Wei},
};

/// An event of an escrow. Amounts are in the asset's own unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all_fields = "camelCase")]
pub enum RescueEvent {
    /// The escrow was created.
    #[serde(rename = "RescueCreated")]
    Created {
        /// Its terms, before any amendment.
        terms: Terms,
    },
    /// `amount` was locked as a pledge, whoever paid.
    Pledged {
        /// The position.
        #[serde(flatten, with = "crate::json::PositionAndUnit")]
        position: PositionId,
        /// The amount.
        amount: Units,
    },
    /// A pledger left with a whole position during the exit window of an amendment.
    Exited {
        /// The position.
        #[serde(flatten, with = "crate::json::PositionAndUnit")]
        position: PositionId,
        /// The recipient.
        #[serde(with = "crate::json::Account")]
        recipient: Address,
        /// The amount.
        amount: Units,
    },
    /// The guardian returned a whole position.
    Declined {
        /// The position.
        #[serde(flatten, with = "crate::json::PositionAndUnit")]
        position: PositionId,
        /// The amount.
        amount: Units,
    },
    /// The exit or decline just before this event could not pay.
    Owed {
        /// The account.
        #[serde(with = "crate::json::Account")]
        pledger: Address,
        /// The asset.
        #[serde(flatten, with = "crate::json::AssetAndUnit")]
        asset: Asset,
        /// The amount.
        amount: Units,
    },
    /// Everything owed of an asset was paid.
    Collected {
        /// To whom it was owed.
        #[serde(with = "crate::json::Account")]
        pledger: Address,
        /// The asset.
        #[serde(flatten, with = "crate::json::AssetAndUnit")]
        asset: Asset,
        /// The recipient.
        #[serde(with = "crate::json::Account")]
        recipient: Address,
        /// The amount.
        amount: Units,
    },
    /// A part of a position went back.
    Refunded {
        /// The position.
        #[serde(flatten, with = "crate::json::PositionAndUnit")]
        position: PositionId,
        /// The recipient.
        #[serde(with = "crate::json::Account")]
        recipient: Address,
        /// The amount.
        amount: Units,
    },
    /// The guardian proposed an amendment.
    AmendmentProposed {
        /// It takes effect by itself at its time, if the rescue is still open then.
        #[serde(flatten)]
        amendment: Amendment,
    },
    /// The rescue settled.
    Settled {
        /// Tiers up to this threshold are active.
        #[serde(rename = "thresholdBps")]
        threshold: Bps,
        /// The rate at which shares are valued; none if no pot held any.
        #[serde(rename = "rateWeiPer1e27Shares")]
        rate: Option<Rate>,
        /// The target in force.
        #[serde(rename = "targetWei")]
        target: Wei,
        /// The value drawn, at most the target.
        #[serde(rename = "drawnWei")]
        drawn: Wei,
        /// The time.
        #[serde(rename = "settledAtUnix")]
        settled_at: Timestamp,
        /// What was drawn of each pot: `draws[tier * 3 + asset]`.
        #[serde(with = "crate::json::Draws")]
        draws: Vec<Units>,
    },
    /// The rescue failed: everything goes back.
    Failed {
        /// The reason.
        reason: EndReason,
        /// The recorded rate; none if no pot held shares, or the guardian ended the rescue.
        #[serde(rename = "rateWeiPer1e27Shares")]
        rate: Option<Rate>,
        /// The time.
        #[serde(rename = "failedAtUnix")]
        failed_at: Timestamp,
    },
    /// `amount` went to the beneficiary.
    Released {
        /// The asset.
        #[serde(flatten, with = "crate::json::AssetAndUnit")]
        asset: Asset,
        /// Total tranches of it now delivered.
        tranches: u8,
        /// The amount.
        amount: Units,
    },
    /// A position objected.
    Objected {
        /// The position.
        #[serde(flatten, with = "crate::json::PositionAndUnit")]
        position: PositionId,
        /// Its drawn value.
        #[serde(rename = "weightWei")]
        weight: Wei,
    },
    /// What was not yet due was stopped, by the guardian or a veto.
    Cancelled {
        /// Who stopped it: what a veto stopped goes back at the times at which it would have fallen due.
        reason: EndReason,
        /// The maximum number of tranches of each asset that the beneficiary keeps.
        kept: u8,
        /// The time.
        #[serde(rename = "cancelledAtUnix")]
        cancelled_at: Timestamp,
    },
    /// The guardian lifted the hold: what a veto stopped goes back at once.
    HoldLifted {
        /// The time.
        #[serde(rename = "liftedAtUnix")]
        lifted_at: Timestamp,
    },
    /// What was due but not collected was given up.
    Lapsed {
        /// The time.
        #[serde(rename = "lapsedAtUnix")]
        lapsed_at: Timestamp,
    },
    /// Nothing more will go to the beneficiary.
    Finalized {
        /// The time.
        #[serde(rename = "finalAtUnix")]
        final_at: Timestamp,
    },
}

impl RescueEvent {
    /// The position that it changes; none if it changes none.
    pub const fn position(&self) -> Option<PositionId> {
        match *self {
            Self::Pledged { position, .. }
            | Self::Exited { position, .. }
            | Self::Declined { position, .. }
            | Self::Refunded { position, .. }
            | Self::Objected { position, .. } => Some(position),
            _ => None,
        }
    }
}

/// Why events are not the complete history of one rescue: some are missing, or belong to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Inconsistent {
    /// The first event is not a creation.
    #[error("they do not begin with its creation")]
    NoCreation,
    /// The terms are not valid.
    #[error("no escrow accepts the terms: {0}")]
    Terms(#[from] TermsError),
    /// The terms of a compact are not valid.
    #[error("no compact accepts the terms: {0}")]
    CompactTerms(#[from] CompactTermsError),
    /// The rules refuse what an event reports.
    #[error("{event} was not possible: {refusal}")]
    Refused {
        /// What the event reports.
        event: &'static str,
        /// The reason.
        refusal: Refusal,
    },
    /// An event does not follow from those before it.
    #[error("{event} does not follow from what came before")]
    OutOfPlace {
        /// What the event reports.
        event: &'static str,
    },
}

/// Refuses an event that does not follow.
fn require(follows: bool, event: &'static str) -> Result<(), Inconsistent> {
    if follows { Ok(()) } else { Err(Inconsistent::OutOfPlace { event }) }
}

impl Rescue {
    /// The rescue in the escrow at `escrow`, from its creation event.
    ///
    /// # Errors
    /// `NoCreation`, `Terms`.
    pub fn created(escrow: Address, event: &RescueEvent, creation: Creation) -> Result<Self, Inconsistent> {
        let RescueEvent::Created { terms } = event else { return Err(Inconsistent::NoCreation) };
        Ok(Self::open(escrow, terms.clone(), creation)?)
    }

    /// Applies the next event.
    ///
    /// # Errors
    /// If no escrow would have emitted it now; the rescue must not be used after that.
    pub fn apply(&mut self, event: &RescueEvent) -> Result<(), Inconsistent> {
        use RescueEvent as E;
        match *event {
            E::Created { .. } => require(false, "a second creation"),
            E::Pledged { position, amount } => self.apply_pledge(position, amount),
            E::Exited { position, amount, .. } => self.apply_departure(position, amount, "an exit"),
            E::Declined { position, amount } => self.apply_departure(position, amount, "a decline"),
            E::Owed { pledger, asset, amount } => {
                // In any status: a token that is not Lido's may have ended the rescue while it was called.
                *self.owed.entry((pledger, asset)).or_default() += amount;
                Ok(())
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

    /// Events that change the status, or what is kept and held.
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
        // Nothing beyond what is not kept ever goes back.
        let most = self.state.entitled_down(&self.terms, id, position.amount, self.state.kept[id.asset]);
        let refunded = position.refunded + amount;
        require(refunded <= most && self.positions.contains_key(&id), "a refund")?;
        self.positions.entry(id).or_default().refunded = refunded;
        Ok(())
    }

    /// Only one amendment can be pending, so an earlier one was in force when this one was proposed.
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

    /// Decides an open rescue by the rules, at the rate that the event recorded.
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

    /// Whether a settlement event reports what the rules gave.
    fn is_settled_as(&self, event: &RescueEvent) -> bool {
        let (RescueEvent::Settled { threshold, rate, target, drawn, settled_at, draws }, Some(settlement)) =
            (event, self.state.settlement)
        else {
            return false;
        };
        let recorded = (*threshold, *rate, *target, *drawn);
        let goal = self.state.goal(*settled_at);
        let pots = &self.state.pots;
        let of_tier = |tier| Asset::ALL.map(|asset| pots.get(tier, asset).drawn);
        recorded == (settlement.threshold, settlement.rate, goal.target, settlement.drawn_value)
            && (0..self.terms.tier_count()).flat_map(of_tier).eq(draws.iter().copied())
    }
}
