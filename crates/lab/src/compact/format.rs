//! The file format of a walk of a compact. Amounts are decimal strings of units of wstETH, times are Unix seconds.
//!
//! Recorded walks (`tests/vectors/compact.json`) use a part of it; those that the campaign finds use all of it.

use levee_model::{Bps, CompactRefusal, CompactRefused, Refusal, Timestamp, Units, Wei};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::walk::{self, WalkTerms};

/// Reads a file of walks.
///
/// # Errors
/// What of it is not a walk.
pub fn read(json: &str) -> Result<Vec<Walk>, serde_json::Error> {
    serde_json::from_str(json)
}

/// One walk: a compact from its creation through many calls, with what each of them did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Walk {
    /// What the walk was made from; its name.
    pub seed: u64,
    /// When the compact was created.
    pub start: Timestamp,
    /// The terms, as far as they matter to the rules.
    pub terms: CompactWalkTerms,
    /// The calls, by rising time.
    pub steps: Vec<Step>,
    /// The books after the last of them.
    #[serde(rename = "final")]
    pub books: Books,
}

/// The terms of a compact in a walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompactWalkTerms {
    /// See [`levee_model::CompactTerms`].
    pub quorum_bps: u16,
    /// See [`levee_model::CompactTerms`].
    pub max_call_bps: u16,
    /// See [`levee_model::CompactTerms`].
    pub voting_period: u32,
    /// See [`levee_model::CompactTerms`].
    #[serde(rename = "fulfilPeriod")]
    pub fulfill_period: u32,
    /// See [`levee_model::CompactTerms`].
    pub notice_period: u32,
    /// See [`levee_model::CompactTerms`].
    pub leave_window: u32,
    /// See [`levee_model::CompactTerms`].
    pub seasoning: u32,
    /// What a rescue must be; left out where each proposal is for one that is.
    #[serde(default, skip_serializing_if = "Policy::is_default")]
    pub policy: Policy,
}

/// Who may commit, and which rescues may be called for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// Whether only who was admitted may commit.
    pub admitter: bool,
    /// Whether a rescue may have a guardian.
    pub guardian: bool,
    /// See [`levee_model::CompactTerms`].
    pub min_threshold_bps: u16,
    /// See [`levee_model::CompactTerms`].
    pub min_rate_bps: u16,
    /// See [`levee_model::CompactTerms`].
    pub max_veto_bps: u16,
    /// See [`levee_model::CompactTerms`].
    pub max_lock: u32,
}

impl Policy {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            admitter: false,
            guardian: true,
            min_threshold_bps: 1,
            min_rate_bps: 0,
            max_veto_bps: 9_999,
            max_lock: u32::MAX,
        }
    }
}

/// One call, or one change of the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub t: Timestamp,
    /// What.
    #[serde(flatten)]
    pub op: Op,
    /// Whether the call went through; none where the walk does not ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    /// Why it was refused: a word of the recorded walks, or the name of the contract's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pays: Vec<Pay>,
}

/// To whom, how much, and for a pledge in whose name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Pay {
    /// Into the rescue of a call.
    Into(String, Units, String),
    /// To an account.
    To(String, Units),
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
pub enum Op {
    /// A rescue is created.
    Rescue {
        /// Its terms.
        terms: WalkTerms,
    },
    /// Something happens to a rescue, or to stETH.
    Outside {
        /// Which rescue, in the order of their creation.
        rescue: usize,
        /// What.
        call: walk::Op,
    },
    /// The guardian ends the rescue of a call.
    Close {
        /// The call.
        call: u64,
    },
    /// An account is admitted.
    Admit {
        /// The account.
        who: String,
        /// By whom, if not the admitter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// A member commits.
    Commit {
        /// The member.
        who: String,
        /// How much.
        amount: Units,
    },
    /// A member takes back what is pending.
    TakeBack {
        /// The member.
        who: String,
        /// Who gets it, if not the member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// Anyone activates.
    Activate {
        /// The member.
        who: String,
    },
    /// A member gives notice.
    Notice {
        /// The member.
        who: String,
        /// Of how much.
        amount: Units,
    },
    /// A member leaves.
    Leave {
        /// The member.
        who: String,
        /// Who gets it, if not the member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// A member names an approver.
    Name {
        /// The member.
        who: String,
        /// The approver; nobody if none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approver: Option<String>,
    },
    /// A call is proposed.
    Propose {
        /// For whom.
        who: String,
        /// By whom, if not the member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// What it takes.
        bps: Bps,
        /// What the rescue misses, if it is a new one with a single tier.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<Wei>,
        /// Which rescue, if it is not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rescue: Option<usize>,
        /// Which tier.
        #[serde(default, skip_serializing_if = "is_first")]
        tier: u8,
        /// What of it is false.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        forged: Option<Forgery>,
    },
    /// A call is approved.
    Approve {
        /// For whom.
        who: String,
        /// By whom, if not the member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// The call.
        call: u64,
    },
    /// A member withdraws its approval.
    Withdraw {
        /// The member.
        who: String,
        /// The call.
        call: u64,
    },
    /// Anyone fulfills a call.
    #[serde(rename = "fulfil")]
    Fulfill {
        /// For whom.
        who: String,
        /// For whom else.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        others: Vec<String>,
        /// The call.
        call: u64,
    },
    /// Someone pays a premium.
    Premium {
        /// How much.
        amount: Units,
    },
    /// Anyone claims for a member.
    Claim {
        /// The member.
        who: String,
    },
}

/// What is false of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Forgery {
    /// The code is not that of escrows.
    Code,
    /// There is no rescue with the terms.
    Terms,
}

const fn is_first(tier: &u8) -> bool {
    *tier == 0
}

impl Op {
    /// Whose call it is, or whom it is for.
    pub fn who(&self) -> Option<&str> {
        match self {
            Self::Rescue { .. } | Self::Outside { .. } | Self::Close { .. } | Self::Premium { .. } => None,
            Self::Admit { who, .. }
            | Self::Commit { who, .. }
            | Self::TakeBack { who, .. }
            | Self::Activate { who }
            | Self::Notice { who, .. }
            | Self::Leave { who, .. }
            | Self::Name { who, .. }
            | Self::Propose { who, .. }
            | Self::Approve { who, .. }
            | Self::Withdraw { who, .. }
            | Self::Fulfill { who, .. }
            | Self::Claim { who } => Some(who),
        }
    }

    /// What it is called in the count of calls.
    pub(super) fn title(&self) -> String {
        let (name, is_by_other) = match self {
            Self::Rescue { .. } => ("(rescue)", false),
            Self::Outside { call, .. } if call.is_call() => ("of a rescue", false),
            Self::Outside { .. } => ("(stETH)", false),
            Self::Close { .. } => ("close", false),
            Self::Admit { by, .. } => ("admit", by.is_some()),
            Self::Commit { .. } => ("commit", false),
            Self::TakeBack { to, .. } => ("take back", to.is_some()),
            Self::Activate { .. } => ("activate", false),
            Self::Notice { .. } => ("notice", false),
            Self::Leave { to, .. } => ("leave", to.is_some()),
            Self::Name { .. } => ("(approver)", false),
            Self::Propose { by, .. } => ("propose", by.is_some()),
            Self::Approve { by, .. } => ("approve", by.is_some()),
            Self::Withdraw { .. } => ("withdraw", false),
            Self::Fulfill { others, .. } => ("fulfill", !others.is_empty()),
            Self::Premium { .. } => ("premium", false),
            Self::Claim { .. } => ("claim", false),
        };
        let other = match self {
            Self::TakeBack { .. } | Self::Leave { .. } => " to other",
            Self::Fulfill { .. } => ", several",
            _ => " by other",
        };
        format!("{name}{}", if is_by_other { other } else { "" })
    }

    /// Which call of the compact it is about.
    pub const fn call(&self) -> Option<u64> {
        match self {
            Self::Close { call }
            | Self::Approve { call, .. }
            | Self::Withdraw { call, .. }
            | Self::Fulfill { call, .. } => Some(*call),
            _ => None,
        }
    }
}

/// The books at the end of a walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Books {
    /// All that is active.
    pub total: Units,
    /// The wstETH of the compact.
    pub balance: Units,
    /// Everyone who has or claimed anything, by name.
    pub members: Vec<MemberBook>,
    /// The calls, by number.
    pub calls: Vec<CallBook>,
}

/// A member at the end of a walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberBook {
    /// The name.
    pub who: String,
    /// What is pending.
    pub pending: Units,
    /// What is active.
    pub active: Units,
    /// What of it is under notice.
    pub noticed: Units,
    /// The premiums that it received.
    pub claimed: Units,
}

impl MemberBook {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        [self.pending, self.active, self.noticed, self.claimed].iter().all(|amount| amount.is_zero())
    }
}

/// A call at the end of a walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallBook {
    /// What it takes.
    pub bps: Bps,
    /// The weight that approves it.
    pub yes: Units,
    /// When it passed.
    pub passed_at: Option<Timestamp>,
    /// Who gave, and how much.
    pub given: BTreeMap<String, Units>,
}

/// What a refusal is called in the recorded walks; by the name of the contract's error if they do not know it.
pub(super) fn word(op: &Op, refused: CompactRefused, has_approved: bool, has_given: bool) -> &'static str {
    use CompactRefusal as R;
    let CompactRefused::ByCompact(refusal) = refused else {
        return match refused {
            CompactRefused::ByRescue(Refusal::PledgingClosed { .. }) => "rescue",
            other => other.kind(),
        };
    };
    match (op, refusal) {
        (Op::Activate { .. }, R::StillSeasoning { .. }) => "early",
        (Op::Activate { .. }, R::SeasonedTooLong { .. }) => "stale",
        (Op::Activate { .. } | Op::TakeBack { .. }, R::NothingPending { .. }) => "nothing",
        (Op::Claim { .. }, R::NothingToClaim { .. }) => "nothing",
        (Op::Commit { .. } | Op::Premium { .. }, R::ZeroAmount) => "zero",
        (Op::Premium { .. }, R::NobodyEarns) => "nobody",
        (Op::Notice { .. }, R::NoticeTooLarge { .. }) => "too much",
        (Op::Leave { .. }, R::NothingNoticed { .. }) => "no notice",
        (Op::Leave { .. }, R::NoticeRunning { .. } | R::NoticeLapsed { .. }) => "window",
        (Op::Propose { .. } | Op::Approve { .. }, R::NoWeight { .. }) => "no weight",
        (Op::Propose { .. }, R::BpsOutOfBounds { .. }) => "bps",
        (Op::Propose { .. }, R::CallTooLarge { .. }) => "room",
        (_, R::UnknownCall { .. }) => "unknown",
        // The walks ask for the approval before the time.
        (Op::Withdraw { .. }, R::VotingOver { .. }) if !has_approved => "nothing",
        (Op::Withdraw { .. }, R::NotApproved { .. }) => "nothing",
        (Op::Approve { .. } | Op::Withdraw { .. }, R::VotingOver { .. }) => "late",
        (Op::Approve { .. } | Op::Withdraw { .. }, R::CallHasPassed { .. }) => "passed",
        (Op::Approve { .. }, R::AlreadyApproved { .. }) => "twice",
        (Op::Fulfill { .. }, R::CallNotPassed { .. }) => "not passed",
        (Op::Fulfill { .. }, R::FulfillmentOver { .. }) => "late",
        (Op::Fulfill { .. }, R::CallTooSoon { .. }) => "spacing",
        (Op::Fulfill { .. }, R::NothingToGive { .. }) if has_given => "twice",
        (Op::Fulfill { .. }, R::NothingToGive { .. }) => "nothing",
        (_, other) => CompactRefused::from(other).kind(),
    }
}
