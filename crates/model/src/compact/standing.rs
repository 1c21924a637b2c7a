//! What a member has in a compact, and how that changed over time.

use serde::Serialize;

use crate::{
    schedule::Timestamp,
    units::{Bps, Units},
};

/// What a member, or all members together, have active, and the part of it that is under notice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// What can be called.
    #[serde(rename = "activeUnits")]
    pub active: Units,
    /// The part of it that is under notice: it is called last, and neither votes nor earns.
    #[serde(rename = "noticedUnits")]
    pub noticed: Units,
}

impl Standing {
    /// What votes and earns: the part that is not under notice.
    pub fn weight(self) -> Units {
        // What is noticed is a part of what is active.
        self.active - self.noticed
    }

    /// With `amount` more that is active.
    pub(super) fn joined(self, amount: Units) -> Self {
        Self { active: self.active + amount, ..self }
    }

    /// With `amount` under notice, which is at most what is active, instead of what was.
    pub(super) const fn with_notice(self, amount: Units) -> Self {
        Self { noticed: amount, ..self }
    }

    /// Without what was under notice.
    pub(super) fn left(self) -> Self {
        Self { active: self.weight(), noticed: Units::ZERO }
    }

    /// After a call took `amount`, which is at most what is active: what is not under notice first.
    pub(super) fn called(self, amount: Units) -> Self {
        let active = self.active - amount;
        Self { active, noticed: self.noticed.min(active) }
    }

    /// The sum of all standings, in which that of one member, `before`, becomes `after`.
    pub(super) fn replaced(self, before: Self, after: Self) -> Self {
        // The sum contains what the member had.
        Self {
            active: self.active - before.active + after.active,
            noticed: self.noticed - before.noticed + after.noticed,
        }
    }

    /// What a call of `bps` asks of it: floor(active * bps / 10,000).
    pub fn called_down(self, bps: Bps) -> Units {
        // 104 and 16 bits.
        Units::new(self.active.get() * u128::from(bps.get()) / u128::from(Bps::ONE.get()))
    }
}

/// A standing with its history, to be asked of any second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standings(Vec<(Timestamp, Standing)>);

impl Standings {
    /// As it is now.
    pub fn now(&self) -> Standing {
        self.0.last().map(|&(_, standing)| standing).unwrap_or_default()
    }

    /// As it was at the end of the second `time`.
    pub fn at(&self, time: Timestamp) -> Standing {
        let later = self.0.partition_point(|&(since, _)| since <= time);
        later.checked_sub(1).map(|last| self.0[last].1).unwrap_or_default()
    }

    /// From `time` on it is this. No earlier time may follow a later one.
    pub(super) fn set(&mut self, time: Timestamp, standing: Standing) {
        // Within a second, the last counts.
        self.0.pop_if(|&mut (since, _)| since == time);
        self.0.push((time, standing));
    }

    /// When it changed last.
    pub(super) fn changed_at(&self) -> Timestamp {
        self.0.last().map(|&(since, _)| since).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(active: u128, noticed: u128) -> Standing {
        Standing { active: Units::new(active), noticed: Units::new(noticed) }
    }

    #[test]
    fn a_call_takes_what_is_not_under_notice_first() {
        assert_eq!(standing(10, 4).called(Units::new(6)), standing(4, 4));
        assert_eq!(standing(10, 4).called(Units::new(7)), standing(3, 3));
        assert_eq!(standing(10, 4).called(Units::new(10)), standing(0, 0));
        assert_eq!(standing(10, 4).left(), standing(6, 0));
        assert_eq!(standing(9_999, 0).called_down(Bps::new(5_000)), Units::new(4_999));
    }

    #[test]
    fn a_history_says_what_was_at_the_end_of_each_second() {
        let mut history = Standings::default();
        history.set(5, standing(1, 0));
        history.set(5, standing(2, 0));
        history.set(9, standing(3, 1));
        let at = [4, 5, 8, 9, 10].map(|time| history.at(time));
        assert_eq!(at, [standing(0, 0), standing(2, 0), standing(2, 0), standing(3, 1), standing(3, 1)]);
        assert_eq!(history.now(), standing(3, 1));
    }
}
