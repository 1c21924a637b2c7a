//! What became of a duty, for people and for programs.

use alloy::primitives::B256;
use levee::Executed;
use levee_model::{Asset, Duty, Operation, PositionId, Wei, compact::CompactTask, json::Hash};
use schemars::JsonSchema;
use serde::Serialize;

use super::agenda::Task;
use crate::{amount, event, time};

/// A duty that a keeper has tried, or would try.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Handled {
    #[serde(flatten)]
    pub(crate) task: Task,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// What became of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Outcome {
    /// In a dry run: what it would send.
    Planned {
        /// The gas that it needs.
        gas: u64,
        /// The most that it could cost.
        #[serde(rename = "feeLimitWei")]
        fee_limit: Wei,
    },
    /// It is done.
    Done(Executed),
    /// It was done before, although the node has not yet told so.
    DoneBefore,
    /// The transaction is in no block yet. The journal has it, and it is followed until it is.
    Pending {
        /// Its hash.
        #[serde(with = "Hash")]
        transaction: B256,
    },
    /// The transaction failed in its block, most likely because somebody else was faster.
    Reverted {
        /// Its hash.
        #[serde(with = "Hash")]
        transaction: B256,
    },
    /// It waits, because a gas costs more than may be paid for it now.
    TooDear {
        /// What a gas costs.
        #[serde(rename = "priceWei")]
        price: Wei,
        /// What may be paid.
        #[serde(rename = "capWei")]
        cap: Wei,
    },
    /// The account cannot pay for it.
    Unfunded {
        /// What the account has.
        #[serde(rename = "balanceWei")]
        balance: Wei,
        /// What it could cost.
        #[serde(rename = "feeLimitWei")]
        fee_limit: Wei,
    },
    /// It would fail now: somebody else has done it, or is about to, or its recipient cannot be paid.
    Refused {
        /// Why.
        reason: String,
    },
}

/// The result of `levee keeper --once`, and with `--dry-run`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Round {
    /// The block that the index has come to.
    pub(crate) block: u64,
    /// How many rescues are looked after.
    pub(crate) rescues: usize,
    /// How many compacts are.
    pub(crate) compacts: usize,
    /// What was due.
    pub(crate) duties: Vec<Handled>,
}

impl Outcome {
    /// Its name, as in JSON.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Planned { .. } => "planned",
            Self::Done(_) => "done",
            Self::DoneBefore => "doneBefore",
            Self::Pending { .. } => "pending",
            Self::Reverted { .. } => "reverted",
            Self::TooDear { .. } => "tooDear",
            Self::Unfunded { .. } => "unfunded",
            Self::Refused { .. } => "refused",
        }
    }

    /// As a sentence without a full stop.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Planned { gas, fee_limit } => {
                format!("would need {gas} gas, at most {}", amount::eth(*fee_limit))
            }
            Self::Done(executed) => format!("done in block {} by {}", executed.block, executed.transaction),
            Self::DoneBefore => "done before, but the node has not told so yet".into(),
            Self::Pending { transaction } => format!("sent as {transaction}, which is in no block yet"),
            Self::Reverted { transaction } => {
                format!("{transaction} failed in its block; somebody else may have been faster")
            }
            Self::TooDear { price, cap } => {
                format!("waits: a gas costs {price}, and at most {cap} may be paid")
            }
            Self::Unfunded { balance, fee_limit } => {
                format!(
                    "the account has {}, and it could cost {}",
                    amount::eth(*balance),
                    amount::eth(*fee_limit)
                )
            }
            Self::Refused { reason } => format!("would fail: {reason}"),
        }
    }
}

impl Handled {
    /// In a line.
    pub(crate) fn text(&self) -> String {
        format!("{}  {}: {}", self.task.contract(), title(&self.task), self.outcome.text())
    }
}

impl Round {
    /// A line for each duty.
    pub(crate) fn text(&self) -> String {
        let Self { block, rescues, compacts, duties } = self;
        let of_rescues = event::counted(*rescues, "rescue");
        let of = match compacts {
            0 => of_rescues,
            _ => format!("{of_rescues} and {}", event::counted(*compacts, "compact")),
        };
        if duties.is_empty() {
            return format!("nothing is due for {of} at block {block}\n");
        }
        duties.iter().map(|handled| format!("{}\n", handled.text())).collect()
    }
}

/// A duty for people: what, for whom, and since when.
pub(crate) fn title(task: &Task) -> String {
    match task {
        Task::Rescue { duty, .. } => title_of_rescue(duty),
        Task::Compact { duty, .. } => {
            let what = match &duty.task {
                CompactTask::Fulfill { call, members } => {
                    format!("fulfillment of call {call} for {}", event::counted(members.len(), "member"))
                }
                CompactTask::Activate { member } => format!("activation for {member}"),
            };
            format!("{what}, due since {}", time::time(duty.since))
        }
    }
}

fn title_of_rescue(duty: &Duty) -> String {
    let of = |name: &str, PositionId { pledger, tier, asset }: PositionId| {
        format!("{name} of {asset} in tier {tier} for {pledger}")
    };
    let what = match duty.operation {
        Operation::Settle => "settle".to_owned(),
        Operation::Expire => "expire".to_owned(),
        Operation::Lapse => "lapse".to_owned(),
        Operation::Release(asset) => release(asset),
        Operation::Refund(id) => of("refund", id),
        Operation::Claim(id) => of("claim", id),
        Operation::Enlist(id) => of("strike from the bonus", id),
        Operation::Collect { pledger, asset } => format!("collection of {asset} for {pledger}"),
        other => format!("{other:?}"),
    };
    duty.since.map_or_else(|| what.clone(), |since| format!("{what}, due since {}", time::time(since)))
}

fn release(asset: Asset) -> String {
    format!("release of {asset}")
}
