//! The goal of a rescue, and how it is amended.

use alloy_primitives::B256;
use serde::Serialize;

use crate::{schedule::Timestamp, terms::Terms, units::Wei};

/// The three terms that an amendment can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Goal {
    /// The target to cover.
    #[serde(rename = "targetWei")]
    pub target: Wei,
    /// Last second at which a pledge is accepted.
    #[serde(rename = "deadlineUnix")]
    pub deadline: Timestamp,
    /// Hash of the human-readable document.
    #[serde(with = "crate::json::Hash")]
    pub terms_hash: B256,
}

impl From<&Terms> for Goal {
    fn from(terms: &Terms) -> Self {
        Self { target: terms.target, deadline: terms.deadline, terms_hash: terms.terms_hash }
    }
}

/// A proposed change of the goal. It takes effect by itself; until then, pledgers may exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Amendment {
    /// The new goal.
    #[serde(flatten)]
    pub goal: Goal,
    /// The second at which it takes effect.
    #[serde(rename = "inForceFromUnix")]
    pub effective_at: Timestamp,
}

impl Amendment {
    /// What a pledge has to name: when the amendment proposed last takes or took effect; 0 for none.
    pub(crate) fn latest(proposed: Option<Self>) -> Timestamp {
        proposed.map_or(0, |amendment| amendment.effective_at)
    }

    /// Whether it is in force at `now`.
    pub const fn in_force(&self, now: Timestamp) -> bool {
        now >= self.effective_at
    }

    /// Whether it is pending and less than half of its exit window has passed. Sponsors may withdraw then,
    /// so that pledgers see it and can still follow.
    pub fn is_in_first_half(&self, exit_window: u32, now: Timestamp) -> bool {
        2 * self.effective_at.saturating_sub(now) > exit_window.into()
    }
}
