//! What is worth telling people about a rescue or a compact, and when: pure functions of its [`History`], a [`Moment`](levee_model::Moment), and what was told before.
//!
//! Everything that can be told is a [`Fact`] with a key that stands for it alone. What happened is a fact for good ([`events`]), a date
//! becomes one as it comes near and when it is there ([`reminders`]), and a state is one while it lasts ([`standing`]). [`news`] compares
//! them with what was [`Told`]: each fact becomes one [`Notice`], and what the chain dropped is taken back.
//!
//! None of the texts has a word of a stranger: they are made of addresses, amounts, times and hashes.

mod calendar;
mod compact;
mod event;
mod news;
mod standing;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use alloy::primitives::{Address, B256, hex, keccak256};
use levee_model::{Timestamp, Wei, json::optional_account};
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

pub use calendar::{Calendar, Date, DateKind, calendar, reminders};
pub use compact::{events_of_compact, standing_of_compact};
pub use event::events;
pub use news::{Depth, News, Stood, Told, news};
pub use standing::standing;

use crate::{
    history::{Entry, History},
    text::{address::short, event as event_text, percent},
};

/// What somebody wants to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest {
    /// How long before a date, in seconds.
    pub leads: BTreeSet<u32>,
    /// The accounts of which is told what they are owed, and what becomes of their positions.
    pub accounts: BTreeSet<Address>,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum NoticeKind {
    /// The rescue was created.
    Created,
    /// The guardian proposed an amendment: its exit window is open.
    AmendmentProposed,
    /// The exit window of an amendment closes soon.
    ExitWindowCloses,
    /// An amendment is in force.
    AmendmentInForce,
    /// An account can leave until an exit window closes.
    MayLeave,
    /// A threshold is met.
    ThresholdReached,
    /// A threshold that was met is not met any more.
    ThresholdLost,
    /// The deadline is near.
    DeadlineNear,
    /// The deadline has passed, and nobody has settled the rescue yet.
    DeadlinePassed,
    /// The rescue settled.
    Settled,
    /// The objection period begins.
    ObjectionPeriodBegins,
    /// The objection period ends soon.
    ObjectionPeriodEnds,
    /// More objections: the next quarter of what stops the rescue is reached.
    Objections,
    /// The rescue failed: everything goes back.
    Failed,
    /// What was not yet due was stopped, by the guardian or a veto.
    Cancelled,
    /// The guardian lifted the hold of a veto.
    HoldLifted,
    /// What was due but not delivered in time goes back.
    Lapsed,
    /// A tranche is due.
    TrancheDue,
    /// A tranche that a veto stopped goes back.
    TrancheReturns,
    /// Something was delivered to the beneficiary.
    Released,
    /// What is due goes back soon unless it is delivered.
    ReleaseWindowCloses,
    /// What is due and was not delivered can go back.
    ReleaseWindowClosed,
    /// Funds were recovered.
    Recovered,
    /// It was decided whose the bonus is.
    BonusDecided,
    /// The guardian returned a position.
    Declined,
    /// A position of an account left.
    Left,
    /// A position of an account was drawn, wholly or in part.
    Drawn,
    /// An account can be paid a refund.
    Refundable,
    /// An account is owed what an exit or a decline could not pay.
    Collectable,
    /// An account has a share of what was recovered.
    Claimable,
    /// An account has a share of the bonus.
    BonusClaimable,
    /// Something was paid for a position of an account.
    Paid,
    /// A compact was created.
    CompactCreated,
    /// A call of a compact was proposed.
    CallProposed,
    /// A call has reached the next quarter of its quorum.
    CallApproved,
    /// A call has passed: its members' parts can be pledged.
    CallPassed,
    /// A call has begun to give.
    CallGives,
    /// The next quarter of what is active in a compact is under notice.
    UnderNotice,
    /// An account's part of a call was pledged in its name.
    Given,
    /// What an account has committed can be activated.
    MayActivate,
    /// An account has earned a premium.
    PremiumDue,
    /// What was told before does not hold: the chain dropped the block in which it happened.
    TakenBack,
}

impl NoticeKind {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that was told, once to each who wants to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notice {
    /// Tells it from all others, and is the same each time it is delivered.
    pub id: String,
    /// What it says.
    #[serde(flatten)]
    pub content: Content,
    /// The ID of the notice that it takes back; null if it takes none back.
    pub corrects: Option<String>,
}

/// What a notice says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Content {
    /// What it is about.
    pub kind: NoticeKind,
    /// The chain ID.
    pub chain: u64,
    /// The rescue, or the compact.
    #[serde(with = "levee_model::json::Account")]
    pub rescue: Address,
    /// The account that it concerns; null if it concerns all.
    #[serde(with = "optional_account")]
    #[cfg_attr(feature = "schema", schemars(with = "levee_model::json::AccountOrNone"))]
    pub account: Option<Address>,
    /// When it happened, or came to be so.
    #[serde(rename = "atUnix")]
    pub at: Timestamp,
    /// Until when there is something to do about it; null if there is no such time.
    #[serde(rename = "untilUnix")]
    pub until: Option<Timestamp>,
    /// The transaction in which it happened; null if it is of no single one.
    #[cfg_attr(feature = "schema", schemars(with = "Option<levee_model::json::Hash>"))]
    pub transaction: Option<B256>,
    /// In a few words, with the rescue.
    pub title: String,
    /// As a sentence.
    pub text: String,
}

/// Something that can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Stands for it, whoever asks, and for nothing else.
    pub key: String,
    /// What kind of fact it is.
    pub basis: Basis,
    /// What would be told.
    pub content: Content,
}

/// What a fact stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// It happened in this block.
    Event {
        /// The number of the block.
        block: u64,
    },
    /// A date is near, or there.
    Date,
    /// It is so now. It is told when `step` rises above what was told last, which is 0 at first, and when it falls, if `tells_fall`.
    State {
        /// How far it has come.
        step: u64,
        /// Whether a fall is told.
        tells_fall: bool,
    },
}

/// Makes facts about a rescue.
#[derive(Debug, Clone, Copy)]
struct About {
    chain: u64,
    rescue: Address,
}

impl About {
    const fn of(history: &History) -> Self {
        Self { chain: history.chain, rescue: history.address }
    }

    /// The content without its text.
    fn content(self, kind: NoticeKind, at: Timestamp, title: &str) -> Content {
        let Self { chain, rescue } = self;
        let title = format!("{title} · {}", short(rescue));
        let (account, until, transaction, text) = (None, None, None, String::new());
        Content { kind, chain, rescue, account, at, until, transaction, title, text }
    }

    /// What is told of an event, in its own words.
    fn plain(self, entry: &Entry, kind: NoticeKind, title: &str) -> Content {
        // Shares are told by their number: what they are worth changes.
        let text = sentence(&event_text::to_text(&entry.event, None));
        let content = self.content(kind, entry.time, title);
        Content { transaction: Some(entry.transaction), text, ..content }
    }

    /// That an event happened, which has this place in its transaction.
    fn happened(self, entry: &Entry, place: u32, content: Content) -> Fact {
        let account = content.account.map(|account| account.to_string()).unwrap_or_default();
        let place = format!("{} {} {} {place}", entry.block, entry.time, entry.transaction);
        // Its texts and numbers are always written.
        let said = serde_json::to_string(&entry.event).unwrap_or_default();
        let key = self.key(&["event", content.kind.name(), &account, &place, &said]);
        Fact { key, basis: Basis::Event { block: entry.block }, content }
    }

    /// The key of what is told by these words of the rescue.
    fn key(self, words: &[&str]) -> String {
        let place = format!("{} {} {}", self.chain, self.rescue, words.join(" "));
        let hash = keccak256(place);
        let (half, _) = hash.split_at(16);
        hex::encode(half)
    }
}

impl Content {
    fn text(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    fn until(self, until: Timestamp) -> Self {
        Self { until: Some(until), ..self }
    }

    fn account(self, account: Address) -> Self {
        Self { account: Some(account), ..self }
    }
}

/// How many hundredths of a draw something is, rounded down; none of nothing.
fn hundredths(part: Wei, draw: Wei) -> u64 {
    if draw.is_zero() {
        return 0;
    }
    u64::try_from(percent::bps_down(part, draw) / 100).unwrap_or(u64::MAX)
}

/// What was paid so far, told in steps: with the first payment, and each time that all of them reach another hundredth of a whole. Anyone can
/// deposit little and have it paid, any number of times.
#[derive(Debug)]
struct Steps<K>(BTreeMap<K, Wei>);

impl<K: Ord> Steps<K> {
    const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a payment. Whether it is told.
    fn add(&mut self, to: K, amount: Wei, whole: Wei) -> bool {
        let paid = self.0.entry(to).or_default();
        let before = *paid;
        // The amounts of a history add up.
        *paid = before.checked_add(amount).unwrap_or(before);
        before.is_zero() || hundredths(*paid, whole) > hundredths(before, whole)
    }
}

/// A text that begins with a capital letter and ends with a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
