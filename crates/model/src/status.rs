//! The status of a rescue, and its transitions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The status of a rescue, as stored by a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Status {
    /// Pledges are accepted. Next: [`Settled`](Self::Settled), [`Failed`](Self::Failed).
    #[default]
    Open,
    /// The draw is fixed; tranches fall due. Next: [`Released`](Self::Released),
    /// [`Cancelled`](Self::Cancelled).
    Settled,
    /// Everything drawn has been delivered. Terminal.
    Released,
    /// Nothing is drawn; everything goes back. Terminal.
    Failed,
    /// What was not yet due, or was not delivered in time, goes back. Terminal.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Open, Self::Settled, Self::Released, Self::Failed, Self::Cancelled];

    /// The table of allowed transitions.
    pub const fn can_transition_to(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Open, Self::Settled | Self::Failed) | (Self::Settled, Self::Released | Self::Cancelled)
        )
    }

    /// Whether nothing can follow.
    pub fn is_terminal(self) -> bool {
        !Self::ALL.into_iter().any(|next| self.can_transition_to(next))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Why a rescue failed (the first three), or what first cancelled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum EndReason {
    /// The deadline passed and no tier's threshold was met.
    NoThresholdMet,
    /// The guardian ended it while it was open.
    EndedByGuardian,
    /// Its shares could not be valued for longer than the release window after the deadline.
    RateUnreadable,
    /// The guardian stopped what was not yet due.
    StoppedByGuardian,
    /// Objections stopped what was not yet due.
    Vetoed,
    /// What was due stayed undelivered for longer than the release window.
    Lapsed,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoThresholdMet => "no threshold was met",
            Self::EndedByGuardian => "the guardian ended it",
            Self::RateUnreadable => "the share rate could not be read",
            Self::StoppedByGuardian => "the guardian stopped it",
            Self::Vetoed => "objections stopped it",
            Self::Lapsed => "what was due was not delivered in time",
        })
    }
}

/// Holds the status; only [`advance`](Self::advance) can change it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Life {
    status: Status,
}

impl Life {
    /// A life that was advanced to `status` elsewhere.
    pub(crate) const fn at(status: Status) -> Self {
        Self { status }
    }

    pub(crate) const fn status(self) -> Status {
        self.status
    }

    /// Moves to `next`. A transition that is not in the table is a bug in this crate, not in its caller.
    pub(crate) fn advance(&mut self, next: Status) {
        assert!(self.status.can_transition_to(next), "there is no transition from {} to {next}", self.status);
        self.status = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::*;

    #[test]
    fn every_pair_is_as_the_rules_say() {
        let allowed = [(Open, Settled), (Open, Failed), (Settled, Released), (Settled, Cancelled)];
        for from in Status::ALL {
            for to in Status::ALL {
                assert_eq!(from.can_transition_to(to), allowed.contains(&(from, to)), "{from} to {to}");
            }
        }
    }

    #[test]
    fn three_are_terminal() {
        assert_eq!(Status::ALL.map(Status::is_terminal), [false, false, true, true, true]);
    }

    #[test]
    #[should_panic(expected = "there is no transition from Open to Released")]
    fn a_forbidden_transition_is_a_bug() {
        Life::default().advance(Released);
    }
}
