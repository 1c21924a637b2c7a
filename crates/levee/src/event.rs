//! What the log says, one variant for each event of an escrow; those of the contracts around it are beside their calls.

use alloy::{
    primitives::{Address, Log},
    sol_types::SolEventInterface,
};
use levee_model::{Amendment, Asset, Bps, EndReason, Goal, PositionId, Rate, Terms, Timestamp, Units, Wei};

use crate::{
    bindings::PledgeEscrow::{self, PledgeEscrowEvents as Raw},
    board::BoardEvent,
    bonus::BonusEvent,
    convert,
    error::Error,
    recovery::RecoveryEvent,
    terms,
};

/// An event of an escrow or of a contract around it. Amounts are in the asset's own unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The escrow was created.
    RescueCreated {
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
    /// Of a recovery pool.
    Recovery(RecoveryEvent),
    /// Of a bonus pool.
    Bonus(BonusEvent),
    /// Of the board.
    Board(BoardEvent),
}

impl Event {
    /// Reads a log of an escrow or of a contract around it.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is no event of theirs.
    pub fn decode(log: &Log) -> Result<Self, Error> {
        match Raw::decode_log(log) {
            Ok(raw) => Self::of_escrow(raw.data),
            Err(_) => RecoveryEvent::decode(log)
                .map(Self::Recovery)
                .or_else(|_| BonusEvent::decode(log).map(Self::Bonus))
                .or_else(|_| BoardEvent::decode(log).map(Self::Board)),
        }
    }

    fn of_escrow(raw: Raw) -> Result<Self, Error> {
        match raw {
            Raw::RescueCreated(event) => Ok(Self::RescueCreated { terms: terms::decode(&event.terms)? }),
            Raw::Pledged(event) => Ok(Self::Pledged {
                position: convert::position(event.pledger, event.tier, event.asset)?,
                amount: convert::units(event.amount),
            }),
            Raw::AmendmentProposed(event) => Self::amendment(&event),
            Raw::Settled(event) => Self::settled(&event),
            Raw::Failed(event) => Ok(Self::Failed {
                reason: reason(event.reason)?,
                rate: convert::rate(event.rate),
                failed_at: event.failedAt.to(),
            }),
            Raw::Released(event) => Ok(Self::Released {
                asset: convert::asset(event.asset)?,
                tranches: event.tranches,
                amount: convert::units(event.amount),
            }),
            Raw::Objected(event) => Ok(Self::Objected {
                position: convert::position(event.pledger, event.tier, event.asset)?,
                weight: convert::wei(event.weight)?,
            }),
            stopped => Self::stopped(stopped),
        }
    }

    /// What stops or ends a rescue that was settled.
    fn stopped(raw: Raw) -> Result<Self, Error> {
        match raw {
            Raw::Cancelled(event) => Ok(Self::Cancelled {
                reason: reason(event.reason)?,
                kept: event.kept,
                cancelled_at: event.cancelledAt.to(),
            }),
            Raw::HoldLifted(event) => Ok(Self::HoldLifted { lifted_at: event.liftedAt.to() }),
            Raw::Lapsed(event) => Ok(Self::Lapsed { lapsed_at: event.lapsedAt.to() }),
            Raw::Finalized(event) => Ok(Self::Finalized { final_at: event.finalAt.to() }),
            returned => Self::returned(returned),
        }
    }

    /// The ways in which a position goes back, at once or later.
    fn returned(raw: Raw) -> Result<Self, Error> {
        match raw {
            Raw::Exited(event) => Ok(Self::Exited {
                position: convert::position(event.pledger, event.tier, event.asset)?,
                recipient: event.recipient,
                amount: convert::units(event.amount),
            }),
            Raw::Declined(event) => Ok(Self::Declined {
                position: convert::position(event.pledger, event.tier, event.asset)?,
                amount: convert::units(event.amount),
            }),
            Raw::Refunded(event) => Ok(Self::Refunded {
                position: convert::position(event.pledger, event.tier, event.asset)?,
                recipient: event.recipient,
                amount: convert::units(event.amount),
            }),
            Raw::Owed(event) => Ok(Self::Owed {
                pledger: event.pledger,
                asset: convert::asset(event.asset)?,
                amount: convert::units(event.amount),
            }),
            Raw::Collected(event) => Ok(Self::Collected {
                pledger: event.pledger,
                asset: convert::asset(event.asset)?,
                recipient: event.recipient,
                amount: convert::units(event.amount),
            }),
            _ => Err(Error::Malformed { what: "an event" }),
        }
    }

    fn amendment(event: &PledgeEscrow::AmendmentProposed) -> Result<Self, Error> {
        let goal = Goal {
            target: convert::wei(event.target)?,
            deadline: event.deadline.to(),
            terms_hash: event.termsHash,
        };
        Ok(Self::AmendmentProposed { amendment: Amendment { goal, effective_at: event.effectiveAt.to() } })
    }

    fn settled(event: &PledgeEscrow::Settled) -> Result<Self, Error> {
        Ok(Self::Settled {
            threshold: convert::bps(event.thresholdBps),
            rate: convert::rate(event.rate),
            target: convert::wei(event.target)?,
            drawn: convert::wei(event.drawn)?,
            settled_at: event.settledAt.to(),
            draws: event.draws.iter().copied().map(convert::units).collect(),
        })
    }
}

/// An event of an end always has a reason.
fn reason(number: u8) -> Result<EndReason, Error> {
    convert::end_reason(number)?.ok_or(Error::Malformed { what: "an event" })
}
