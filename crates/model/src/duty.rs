//! What is to be done for a rescue: the calls that anyone may make now, since when, and until when they make sense.

use serde::Serialize;

use crate::{
    asset::Asset,
    lido::Moment,
    operation::Operation,
    rescue::Rescue,
    schedule::{self, Timestamp},
    state::State,
    status::Status,
};

/// A call that anyone may make, and that the rules accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Duty {
    /// The call.
    #[serde(flatten)]
    pub operation: Operation,
    /// Since when the clock allows it; none where others decide that, by what they pledge, or by what they cause to be owed.
    #[serde(rename = "sinceUnix")]
    pub since: Option<Timestamp>,
    /// The last second at which it serves its purpose, although it may still be accepted; none if there is no such second.
    #[serde(rename = "untilUnix")]
    pub until: Option<Timestamp>,
}

impl Duty {
    const fn since(operation: Operation, since: Timestamp) -> Self {
        Self { operation, since: Some(since), until: None }
    }

    /// Due by what others did.
    pub const fn at_any_time(operation: Operation) -> Self {
        Self { operation, since: None, until: None }
    }

    /// Whether it still serves its purpose.
    pub fn makes_sense(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now <= until)
    }
}

impl Rescue {
    /// What moves the rescue on: to settle, to expire, to release each asset, and to lapse; each if and only if the rules accept it at
    /// `at`. Once the release window is over, both a release and a lapse are accepted; only the lapse then [makes
    /// sense](Duty::makes_sense).
    pub fn duties(&self, at: Moment) -> Vec<Duty> {
        let found = self.found(at);
        let releases = Asset::ALL.into_iter().filter_map(|asset| self.release_duty(&found, at, asset));
        let once = [self.settle_duty(at), self.expire_duty(at)];
        once.into_iter().flatten().chain(releases).chain(self.lapse_duty(at)).collect()
    }

    /// What can be paid to pledgers: each refund and each collection that the rules accept at `at`. None of them ever expires.
    pub fn payouts(&self, at: Moment) -> impl Iterator<Item = Duty> + '_ {
        let found = self.found(at);
        let moves = move |asset| at.lido.moves(asset);
        let refunds = self.positions().filter(move |&(id, position)| {
            moves(id.asset) && !found.refundable_down(&self.terms, id, position, at.time).is_zero()
        });
        let owed = self.all_owed().filter(move |&(_, asset, amount)| moves(asset) && !amount.is_zero());
        let collections = owed.map(|(pledger, asset, _)| Operation::Collect { pledger, asset });
        refunds.map(|(id, _)| Operation::Refund(id)).chain(collections).map(Duty::at_any_time)
    }

    fn settle_duty(&self, at: Moment) -> Option<Duty> {
        let mut state = (self.stored_status() == Status::Open).then(|| self.state.clone())?;
        state.settle(&self.terms, at).ok()?;
        let after = self.goal(at.time).deadline.saturating_add(1);
        let is_late = self.state.is_late(at.time);
        // Before the deadline, it is the last pledge that makes it due, or what shares are worth.
        Some(Duty { operation: Operation::Settle, since: is_late.then_some(after), until: None })
    }

    fn expire_duty(&self, at: Moment) -> Option<Duty> {
        self.require_expirable(at).ok()?;
        let until = schedule::settleable_until(&self.terms, self.goal(at.time).deadline);
        Some(Duty::since(Operation::Expire, until.saturating_add(1)))
    }

    fn release_duty(&self, found: &State, at: Moment, asset: Asset) -> Option<Duty> {
        let delivered = found.delivered[asset];
        if found.deliverable(&self.terms, asset, at.time) == delivered || !at.lido.moves(asset) {
            return None;
        }
        let settled_at = found.settlement?.settled_at;
        // Fewer are delivered than are due.
        let since = schedule::due_at(&self.terms, settled_at, delivered + 1);
        Some(Duty { until: self.collectable_until(), ..Duty::since(Operation::Release(asset), since) })
    }

    fn lapse_duty(&self, at: Moment) -> Option<Duty> {
        // Whatever settles now cannot lapse in the same block.
        let until = self.collectable_until().filter(|until| at.time > *until)?;
        Some(Duty::since(Operation::Lapse, until.saturating_add(1)))
    }
}
