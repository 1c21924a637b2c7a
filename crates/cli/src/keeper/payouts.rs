//! Which duties a keeper does: what moves rescues and the calls of compacts on, and what it was asked to do for single accounts.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use levee::History;
use levee_model::{Compact, Operation, PositionId, Timestamp, compact::CompactTask};

use super::agenda::Task;
use crate::service::watched::{Detail, Watched};

/// What a keeper does for single accounts, of what anyone may do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payouts {
    pub(crate) refund: bool,
    pub(crate) collect: bool,
    pub(crate) claim: bool,
    /// Whether what has left a rescue is struck from its bonus.
    pub(crate) strike: bool,
    /// To whom; everyone if it is empty.
    pub(crate) pledgers: BTreeSet<Address>,
    /// Whether what members of compacts have pending is activated.
    pub(crate) activate: bool,
    /// Whose; everyone's if it is empty.
    pub(crate) members: BTreeSet<Address>,
}

/// Members whose shares are pledged in one transaction: at most eight million gas, half of what a transaction may take.
const BATCH: usize = 40;

impl Payouts {
    /// How much of each rescue must be known to find them.
    pub(crate) const fn detail(&self) -> Detail {
        if self.claim || self.strike { Detail::Pools } else { Detail::Rescue }
    }

    /// All that is due by the clock of a block, at which the index is.
    pub(crate) fn tasks(&self, watched: &Watched, time: Timestamp) -> Vec<Task> {
        let of_rescues = watched.histories().flat_map(|history| self.tasks_of(watched, history, time));
        of_rescues
            .chain(watched.compacts().flat_map(|compact| self.tasks_of_compact(compact, time)))
            .collect()
    }

    fn tasks_of_compact(&self, compact: &Compact, time: Timestamp) -> Vec<Task> {
        let wanted = compact.duties(time).into_iter().filter_map(|mut duty| match &mut duty.task {
            CompactTask::Fulfill { members, .. } => {
                members.truncate(BATCH);
                Some(duty)
            }
            CompactTask::Activate { member } => {
                let is_wanted = self.members.is_empty() || self.members.contains(member);
                (self.activate && is_wanted).then_some(duty)
            }
        });
        wanted.map(|duty| Task::Compact { compact: compact.address(), duty }).collect()
    }

    fn tasks_of(&self, watched: &Watched, history: &History, time: Timestamp) -> Vec<Task> {
        let (rescue, at) = (&history.rescue, watched.moment(&history.rescue, time));
        // There can be many positions.
        let payouts = (self.refund || self.collect).then(|| rescue.payouts(at)).into_iter().flatten();
        let claims = history.pools.claims(rescue).filter(|_| self.claim);
        let payouts = payouts.chain(claims).filter(|duty| self.includes(duty.operation));
        let strikes = history.pools.strikes(rescue).filter(|_| self.strike);
        let duties = rescue.duties(at).into_iter().filter(|duty| duty.makes_sense(time));
        duties
            .chain(strikes)
            .chain(payouts)
            .map(|duty| Task::Rescue { rescue: history.address, duty })
            .collect()
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
