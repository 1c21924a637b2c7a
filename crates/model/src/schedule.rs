//! When tranches fall due.

use crate::terms::Terms;

/// Unix seconds.
pub type Timestamp = u64;

/// When the first tranche falls due: the objection period after settlement.
pub fn first_due(terms: &Terms, settled_at: Timestamp) -> Timestamp {
    settled_at.saturating_add(terms.objection_period.into())
}

/// When a tranche, counted from 1, falls due.
pub fn due_at(terms: &Terms, settled_at: Timestamp, tranche: u8) -> Timestamp {
    later(terms, first_due(terms, settled_at), tranche.saturating_sub(1))
}

/// When the last tranche falls due.
pub fn last_due(terms: &Terms, settled_at: Timestamp) -> Timestamp {
    due_at(terms, settled_at, terms.tranches)
}

/// The time some intervals later.
pub(crate) fn later(terms: &Terms, time: Timestamp, intervals: u8) -> Timestamp {
    time.saturating_add(u64::from(intervals) * u64::from(terms.tranche_interval))
}

/// The last second at which what is due cannot lapse: the end of the release window after the last tranche
/// fell due, or after the cancellation.
pub fn collectable_until(terms: &Terms, settled_at: Timestamp, cancelled_at: Option<Timestamp>) -> Timestamp {
    let since = cancelled_at.unwrap_or_else(|| last_due(terms, settled_at));
    since.saturating_add(terms.release_window.into())
}

/// The last second at which an open rescue with this deadline cannot expire.
pub fn settleable_until(terms: &Terms, deadline: Timestamp) -> Timestamp {
    deadline.saturating_add(terms.release_window.into())
}

/// The last second at which a shared bonus cannot be decided, for a rescue with this deadline.
pub fn enlistable_until(terms: &Terms, deadline: Timestamp) -> Timestamp {
    deadline.saturating_add(terms.exit_window.into())
}

/// The number of tranches due at `now`. A tranche is due from its second on; only a single tranche may have
/// no interval.
pub fn due(terms: &Terms, settled_at: Timestamp, now: Timestamp) -> u8 {
    let Some(elapsed) = now.checked_sub(first_due(terms, settled_at)) else { return 0 };
    match elapsed.checked_div(terms.tranche_interval.into()) {
        Some(intervals) => intervals.saturating_add(1).min(terms.tranches.into()) as u8,
        None => terms.tranches,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::tests::terms;

    #[test]
    fn tranches_fall_due_one_by_one() {
        let terms = Terms { objection_period: 10, tranches: 3, tranche_interval: 5, ..terms() };
        let due_by = |now| due(&terms, 100, now);
        assert_eq!([99, 109, 110, 114, 115, 119, 120, 1_000].map(due_by), [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!([1, 2, 3].map(|tranche| due_at(&terms, 100, tranche)), [110, 115, 120]);
        assert_eq!((first_due(&terms, 100), last_due(&terms, 100)), (110, 120));
    }

    #[test]
    fn a_single_tranche_needs_no_interval() {
        let terms = Terms { objection_period: 10, tranches: 1, tranche_interval: 0, ..terms() };
        assert_eq!([109, 110].map(|now| due(&terms, 100, now)), [0, 1]);
        assert_eq!(last_due(&terms, 100), 110);
    }

    #[test]
    fn what_is_due_can_be_collected_for_a_release_window() {
        let terms =
            Terms { objection_period: 10, tranches: 3, tranche_interval: 5, release_window: 50, ..terms() };
        assert_eq!(collectable_until(&terms, 100, None), 170);
        assert_eq!(collectable_until(&terms, 100, Some(112)), 162);
    }
}
