//! Logs: the events of an escrow, decoded into those of the model. The events of the contracts around it
//! are next to their calls.

use alloy::{primitives::Log, sol_types::SolEventInterface};
use levee_model::{Amendment, EndReason, Goal, RescueEvent};

use crate::{
    bindings::PledgeEscrow::{self, PledgeEscrowEvents as Raw},
    board::BoardEvent,
    bonus::BonusEvent,
    convert,
    error::Error,
    recovery::RecoveryEvent,
    terms,
};

/// An event of an escrow or of a contract around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Of an escrow.
    Rescue(RescueEvent),
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
    /// [`Error::Malformed`] if it is not one of their events.
    pub fn decode(log: &Log) -> Result<Self, Error> {
        match Raw::decode_log(log) {
            Ok(raw) => decode(raw.data).map(Self::Rescue),
            Err(_) => RecoveryEvent::decode(log)
                .map(Self::Recovery)
                .or_else(|_| BonusEvent::decode(log).map(Self::Bonus))
                .or_else(|_| BoardEvent::decode(log).map(Self::Board)),
        }
    }

    /// The event, if it is an escrow's.
    pub const fn of_rescue(&self) -> Option<&RescueEvent> {
        match self {
            Self::Rescue(event) => Some(event),
            _ => None,
        }
    }
}

fn decode(raw: Raw) -> Result<RescueEvent, Error> {
    match raw {
        Raw::RescueCreated(event) => Ok(RescueEvent::Created { terms: terms::decode(&event.terms)? }),
        Raw::Pledged(event) => Ok(RescueEvent::Pledged {
            position: convert::position(event.pledger, event.tier, event.asset)?,
            amount: convert::units(event.amount),
        }),
        Raw::AmendmentProposed(event) => decode_amendment(&event),
        Raw::Settled(event) => decode_settlement(&event),
        Raw::Failed(event) => Ok(RescueEvent::Failed {
            reason: reason(event.reason)?,
            rate: convert::rate(event.rate),
            failed_at: event.failedAt.to(),
        }),
        Raw::Released(event) => Ok(RescueEvent::Released {
            asset: convert::asset(event.asset)?,
            tranches: event.tranches,
            amount: convert::units(event.amount),
        }),
        Raw::Objected(event) => Ok(RescueEvent::Objected {
            position: convert::position(event.pledger, event.tier, event.asset)?,
            weight: convert::wei(event.weight)?,
        }),
        stopped => decode_stop(stopped),
    }
}

/// What stops or ends a rescue that was settled.
fn decode_stop(raw: Raw) -> Result<RescueEvent, Error> {
    match raw {
        Raw::Cancelled(event) => Ok(RescueEvent::Cancelled {
            reason: reason(event.reason)?,
            kept: event.kept,
            cancelled_at: event.cancelledAt.to(),
        }),
        Raw::HoldLifted(event) => Ok(RescueEvent::HoldLifted { lifted_at: event.liftedAt.to() }),
        Raw::Lapsed(event) => Ok(RescueEvent::Lapsed { lapsed_at: event.lapsedAt.to() }),
        Raw::Finalized(event) => Ok(RescueEvent::Finalized { final_at: event.finalAt.to() }),
        returned => decode_return(returned),
    }
}

/// The ways in which a position goes back, at once or later.
fn decode_return(raw: Raw) -> Result<RescueEvent, Error> {
    match raw {
        Raw::Exited(event) => Ok(RescueEvent::Exited {
            position: convert::position(event.pledger, event.tier, event.asset)?,
            recipient: event.recipient,
            amount: convert::units(event.amount),
        }),
        Raw::Declined(event) => Ok(RescueEvent::Declined {
            position: convert::position(event.pledger, event.tier, event.asset)?,
            amount: convert::units(event.amount),
        }),
        Raw::Refunded(event) => Ok(RescueEvent::Refunded {
            position: convert::position(event.pledger, event.tier, event.asset)?,
            recipient: event.recipient,
            amount: convert::units(event.amount),
        }),
        Raw::Owed(event) => Ok(RescueEvent::Owed {
            pledger: event.pledger,
            asset: convert::asset(event.asset)?,
            amount: convert::units(event.amount),
        }),
        Raw::Collected(event) => Ok(RescueEvent::Collected {
            pledger: event.pledger,
            asset: convert::asset(event.asset)?,
            recipient: event.recipient,
            amount: convert::units(event.amount),
        }),
        _ => Err(Error::Malformed { what: "an event" }),
    }
}

fn decode_amendment(event: &PledgeEscrow::AmendmentProposed) -> Result<RescueEvent, Error> {
    let goal = Goal {
        target: convert::wei(event.target)?,
        deadline: event.deadline.to(),
        terms_hash: event.termsHash,
    };
    Ok(RescueEvent::AmendmentProposed { amendment: Amendment { goal, effective_at: event.effectiveAt.to() } })
}

fn decode_settlement(event: &PledgeEscrow::Settled) -> Result<RescueEvent, Error> {
    Ok(RescueEvent::Settled {
        threshold: convert::bps(event.thresholdBps),
        rate: convert::rate(event.rate),
        target: convert::wei(event.target)?,
        drawn: convert::wei(event.drawn)?,
        settled_at: event.settledAt.to(),
        draws: event.draws.iter().copied().map(convert::units).collect(),
    })
}

/// An event of an end always has a reason.
fn reason(number: u8) -> Result<EndReason, Error> {
    convert::end_reason(number)?.ok_or(Error::Malformed { what: "an event" })
}
