//! Which duties a keeper does: what moves rescues on, and the payments that it was asked to make.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use levee::History;
use levee_model::{Operation, PositionId, Timestamp};

use super::agenda::Task;
use crate::service::watched::{Detail, Watched};

/// Which payments to pledgers a keeper makes, of those that anyone may make.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payouts {
    pub(crate) refund: bool,
    pub(crate) collect: bool,
    pub(crate) claim: bool,
    /// To whom; everyone if it is empty.
    pub(crate) pledgers: BTreeSet<Address>,
}

impl Payouts {
    /// How much of each rescue must be known to find them.
    pub(crate) const fn detail(&self) -> Detail {
        if self.claim { Detail::Pools } else { Detail::Rescue }
    }

    /// All that is due by the clock of a block, at which the index is.
    pub(crate) fn tasks(&self, watched: &Watched, time: Timestamp) -> Vec<Task> {
        watched.histories().flat_map(|history| self.tasks_of(watched, history, time)).collect()
    }

    fn tasks_of(&self, watched: &Watched, history: &History, time: Timestamp) -> Vec<Task> {
        let (rescue, at) = (&history.rescue, watched.moment(&history.rescue, time));
        // There can be many positions.
        let payouts = (self.refund || self.collect).then(|| rescue.payouts(at)).into_iter().flatten();
        let claims = history.pools.claims(rescue).filter(|_| self.claim);
        let payouts = payouts.chain(claims).filter(|duty| self.includes(duty.operation));
        let duties = rescue.duties(at).into_iter().filter(|duty| duty.makes_sense(time));
        duties.chain(payouts).map(|duty| Task { rescue: history.address, duty }).collect()
    }

    /// Whether a keeper makes this one.
    fn includes(&self, operation: Operation) -> bool {
        let (is_wanted, pledger) = match operation {
            Operation::Refund(PositionId { pledger, .. }) => (self.refund, pledger),
            Operation::Collect { pledger, .. } => (self.collect, pledger),
            Operation::Claim(PositionId { pledger, .. }) => (self.claim, pledger),
            _ => return false,
        };
        is_wanted && (self.pledgers.is_empty() || self.pledgers.contains(&pledger))
    }
}
