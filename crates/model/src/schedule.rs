//! When tranches fall due.

use crate::terms::Terms;

/// Unix seconds.
pub type Timestamp = u64;

/// When the first tranche falls due: the objection period after settlement.
pub fn first_due(terms: &Terms, settled_at: Timestamp) -> Timestamp {
    settled_at.saturating_add(terms.objection_period.into())
}

/// When the last tranche falls due.
pub fn last_due(terms: &Terms, settled_at: Timestamp) -> Timestamp {
    let rest = u64::from(terms.tranches - 1) * u64::from(terms.tranche_interval);
    first_due(terms, settled_at).saturating_add(rest)
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
        let due_at = |now| due(&terms, 100, now);
        assert_eq!([99, 109, 110, 114, 115, 119, 120, 1_000].map(due_at), [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!((first_due(&terms, 100), last_due(&terms, 100)), (110, 120));
    }

    #[test]
    fn a_single_tranche_needs_no_interval() {
        let terms = Terms { objection_period: 10, tranches: 1, tranche_interval: 0, ..terms() };
        assert_eq!([109, 110].map(|now| due(&terms, 100, now)), [0, 1]);
        assert_eq!(last_due(&terms, 100), 110);
    }
}
