//! The keys of a scenario file in TOML. [`super::scenario`] interprets them.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use levee::text::{compact::CompactToml, hole::HoleToml};

use crate::{document::TimeText, terms::TermsToml};

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScenarioToml {
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) start: Spanned<TimeText>,
    pub(crate) share_rate: Option<Spanned<String>>,
    pub(crate) tier_names: Vec<String>,
    #[serde(default)]
    pub(crate) source: Vec<Source>,
    pub(crate) terms: TermsToml,
    /// What the target is the net of.
    pub(crate) hole: Option<HoleToml>,
    pub(crate) compact: Option<AgreementToml>,
    pub(crate) contributor: Vec<ContributorToml>,
    #[serde(default)]
    pub(crate) offer: Vec<Spanned<Offer>>,
    #[serde(default)]
    pub(crate) step: Vec<StepToml>,
    #[serde(default)]
    pub(crate) ending: Vec<EndingToml>,
    pub(crate) expect: Option<ExpectToml>,
}

/// A compact that stands before there is a rescue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgreementToml {
    /// When it is created.
    pub(crate) since: Spanned<TimeText>,
    pub(crate) terms: CompactToml,
    /// What happens before the rescue is created.
    #[serde(default)]
    pub(crate) step: Vec<StepToml>,
}

/// Where a fact comes from.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// The id by which the scenario cites it.
    pub(crate) id: String,
    /// What it is.
    pub(crate) what: String,
    /// Where it can be found.
    #[serde(rename = "where")]
    pub(crate) place: String,
}

/// A contributor, and what it holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContributorToml {
    pub(crate) name: String,
    pub(crate) holds: Vec<Spanned<String>>,
    pub(crate) stage: Option<String>,
    pub(crate) note: Option<String>,
    #[serde(default)]
    pub(crate) source: Vec<String>,
}

/// An announcement that is not a pledge: shown, never counted.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Offer {
    /// Who made it.
    pub(crate) name: String,
    /// The amount as announced; none if there was none.
    pub(crate) amount: Option<String>,
    /// Its stage.
    pub(crate) stage: String,
    /// Why it is not locked.
    pub(crate) why: String,
    /// Ids of its sources.
    #[serde(default)]
    pub(crate) source: Vec<String>,
}

/// One step; which keys it may have depends on `do`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepToml {
    pub(crate) at: Option<Spanned<TimeText>>,
    #[serde(rename = "do")]
    pub(crate) kind: Spanned<String>,
    pub(crate) who: Option<Spanned<String>>,
    pub(crate) by: Option<Spanned<String>>,
    pub(crate) amount: Option<Spanned<String>>,
    pub(crate) tier: Option<Spanned<TierToml>>,
    pub(crate) asset: Option<Spanned<String>>,
    pub(crate) target: Option<Spanned<String>>,
    pub(crate) deadline: Option<Spanned<TimeText>>,
    pub(crate) rate: Option<Spanned<String>>,
    pub(crate) with: Option<Spanned<String>>,
    pub(crate) amendment: Option<Spanned<String>>,
    pub(crate) to: Option<Spanned<String>>,
    pub(crate) stage: Option<Spanned<String>>,
    pub(crate) expiry: Option<Spanned<TimeText>>,
    pub(crate) link: Option<Spanned<String>>,
    pub(crate) part: Option<Spanned<String>>,
    pub(crate) call: Option<u64>,
    pub(crate) fails: Option<String>,
    pub(crate) note: Option<String>,
}

/// A tier by its number, from 0, or by the name that the scenario gives it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum TierToml {
    Number(u8),
    Name(String),
}

impl fmt::Display for TierToml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// One ending of the scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndingToml {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) step: Vec<StepToml>,
    pub(crate) expect: ExpectToml,
}

/// What must hold at the end. Anything left out is not checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectToml {
    pub(crate) status: Spanned<String>,
    pub(crate) end_reason: Option<Spanned<String>>,
    pub(crate) threshold: Option<Spanned<String>>,
    pub(crate) target: Option<Spanned<String>>,
    pub(crate) pledged: Option<Spanned<String>>,
    pub(crate) drawn: Option<Spanned<String>>,
    pub(crate) uncovered: Option<Spanned<String>>,
    pub(crate) recovered: Option<Spanned<String>>,
    pub(crate) bonus: Option<Spanned<String>>,
    pub(crate) bonus_of_pledgers: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) groups: BTreeMap<String, BTreeMap<OfGroup, OneOrMore>>,
    #[serde(default)]
    pub(crate) tiers: BTreeMap<String, BTreeMap<OfTier, OneOrMore>>,
    #[serde(default)]
    pub(crate) contributors: BTreeMap<String, BTreeMap<OfContributor, OneOrMore>>,
}

/// What can be expected of a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OfTier {
    Pledged,
    Drawn,
    Delivered,
}

/// What can be expected of a draw order in the waterfall of recoveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OfGroup {
    Principal,
    Interest,
    Received,
}

/// What can be expected of a contributor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OfContributor {
    Pledged,
    Returned,
    Drawn,
    Held,
    Refunded,
    Refundable,
    Owed,
    Collected,
    Earned,
    Claimed,
    Bonus,
    Sponsored,
    Reclaimed,
    Declared,
    Missing,
    Active,
    Noticed,
    Pending,
    Given,
    Premiums,
}

/// Each is shown as written.
macro_rules! shown_as_written {
    ($($kind:ty),*) => {$(
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&format!("{self:?}").to_lowercase())
            }
        }
    )*};
}

shown_as_written!(OfTier, OfGroup, OfContributor);

/// One amount, or a list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Default for OneOrMore {
    fn default() -> Self {
        Self::More(Vec::new())
    }
}

impl OneOrMore {
    /// All of them.
    pub(crate) fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}
