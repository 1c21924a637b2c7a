//! What anyone may do for a compact now, since when, and until when.

use std::cmp::Reverse;

use alloy_primitives::Address;
use serde::Serialize;

use super::{
    operation::CompactOperation,
    state::Compact,
    view::{CallState, Window},
};
use crate::schedule::Timestamp;

/// A call of a compact that anyone may make, and that its rules accept. Whether the rescue takes what a call gives is its own affair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CompactDuty {
    /// The call.
    #[serde(flatten)]
    pub task: CompactTask,
    /// The first second at which it is accepted.
    #[serde(rename = "sinceUnix")]
    pub since: Timestamp,
    /// The last.
    #[serde(rename = "untilUnix")]
    pub until: Timestamp,
}

/// What is to be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "operation")]
pub enum CompactTask {
    /// Members' shares in a call are to be pledged.
    Fulfill {
        /// The number of the call.
        call: u64,
        /// The members that have something to give, the largest share first.
        #[serde(serialize_with = "accounts")]
        #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::json::Account>"))]
        members: Vec<Address>,
    },
    /// What a member has pending has seasoned.
    Activate {
        /// The member.
        #[serde(with = "crate::json::Account")]
        member: Address,
    },
}

fn accounts<S: serde::Serializer>(accounts: &[Address], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(accounts.iter().map(Address::to_string))
}

impl CompactTask {
    /// The call of the contract.
    pub fn operation(&self) -> CompactOperation {
        match *self {
            Self::Fulfill { call, ref members } => {
                CompactOperation::Fulfill { call, members: members.clone() }
            }
            Self::Activate { member } => CompactOperation::Activate { member },
        }
    }
}

impl Compact {
    /// What anyone may do at `time`: pledge the shares in a call, and activate what has seasoned.
    ///
    /// Of several calls that have passed, the one that passed first comes first: as soon as one gives, the others must wait, and may
    /// be over before they can give.
    pub fn duties(&self, time: Timestamp) -> Vec<CompactDuty> {
        self.fulfillment(time).into_iter().chain(self.activations(time)).collect()
    }

    fn fulfillment(&self, time: Timestamp) -> Option<CompactDuty> {
        let view = self.view(time);
        let open = (0..).zip(&view.calls).filter_map(|(call, (of, state))| match *state {
            CallState::Passed { window } if includes(window, time) => {
                let members = self.givers(call);
                (!members.is_empty()).then_some((of.passed_at, call, window, members))
            }
            _ => None,
        });
        let (_, call, Window { from: since, until }, members) =
            open.min_by_key(|(passed_at, call, ..)| (*passed_at, *call))?;
        Some(CompactDuty { task: CompactTask::Fulfill { call, members }, since, until })
    }

    /// The members that have something to give, the largest share first.
    fn givers(&self, call: u64) -> Vec<Address> {
        let share = |member: &Address| self.share(call, *member).unwrap_or_default();
        let mut givers: Vec<_> =
            self.members.keys().copied().filter(|member| !share(member).is_zero()).collect();
        givers.sort_by_key(|member| (Reverse(share(member)), *member));
        givers
    }

    fn activations(&self, time: Timestamp) -> impl Iterator<Item = CompactDuty> {
        self.members.keys().filter_map(move |&member| {
            let Window { from: since, until } =
                self.windows(member).activation.filter(|window| includes(*window, time))?;
            Some(CompactDuty { task: CompactTask::Activate { member }, since, until })
        })
    }
}

const fn includes(window: Window, time: Timestamp) -> bool {
    window.from <= time && time <= window.until
}
