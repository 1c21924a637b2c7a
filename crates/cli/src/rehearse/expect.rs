//! What a scenario says must come out, and whether it did.

use std::collections::BTreeMap;

use levee::PotView;
use levee_model::{Bps, Status, Wei};
use serde::Serialize;
use toml::Spanned;

use super::{
    format::{ExpectToml, OfContributor, OfTier, OneOrMore},
    scenario::Reader,
    statement::{Line, Statement},
};
use crate::{
    amount::{self, Amount},
    error::UserError,
    percent,
};

/// What must hold at the end. What is none or empty is not checked.
#[derive(Debug)]
pub(crate) struct Expect {
    status: Status,
    threshold: Option<Bps>,
    target: Option<Wei>,
    pledged: Option<Wei>,
    drawn: Option<Wei>,
    uncovered: Option<Wei>,
    tiers: Vec<Part<u8, OfTier>>,
    contributors: Vec<Part<String, OfContributor>>,
}

/// An amount of somebody's or of a tier's.
#[derive(Debug)]
struct Part<T, K> {
    of: T,
    kind: K,
    amount: Amount,
}

/// One expectation beside what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// Of what.
    pub(crate) what: String,
    /// What the scenario says.
    pub(crate) expected: String,
    /// What came out.
    pub(crate) found: String,
    /// Whether these are the same.
    pub(crate) holds: bool,
}

impl Check {
    fn new(what: impl Into<String>, expected: String, found: String) -> Self {
        Self { what: what.into(), holds: expected == found, expected, found }
    }
}

impl Expect {
    /// Reads what a scenario expects.
    pub(crate) fn read(reader: &Reader<'_>, toml: &ExpectToml) -> Result<Self, UserError> {
        let document = reader.document;
        let eth = |key, value: &Option<Spanned<String>>| {
            value.as_ref().map(|value| document.field(key, value, amount::parse_eth)).transpose()
        };
        let threshold = toml.threshold.as_ref();
        Ok(Self {
            status: document.field("status", &toml.status, parse_status)?,
            threshold: threshold
                .map(|threshold| document.field("threshold", threshold, percent::parse))
                .transpose()?,
            target: eth("target", &toml.target)?,
            pledged: eth("pledged", &toml.pledged)?,
            drawn: eth("drawn", &toml.drawn)?,
            uncovered: eth("uncovered", &toml.uncovered)?,
            tiers: read_parts(reader, "tiers", &toml.tiers, |name| reader.tier(name))?,
            contributors: read_parts(reader, "contributors", &toml.contributors, |name| {
                reader.cast.find(name)
            })?,
        })
    }

    /// Holds it against what came out.
    pub(crate) fn check(&self, statement: &Statement) -> Vec<Check> {
        let mut checks = vec![Check::new("status", self.status.to_string(), statement.status.to_string())];
        if let Some(threshold) = self.threshold {
            let found = percent::percent(statement.threshold_met);
            checks.push(Check::new("threshold met", percent::percent(threshold), found));
        }
        let totals = [
            ("target", self.target, statement.target),
            ("pledged", self.pledged, statement.pledged),
            ("drawn", self.drawn, statement.drawn),
            ("uncovered", self.uncovered, statement.uncovered()),
        ];
        for (what, expected, found) in totals {
            checks
                .extend(expected.map(|expected| Check::new(what, amount::eth(expected), amount::eth(found))));
        }
        checks.extend(self.tiers.iter().map(|part| part.check(statement)));
        checks.extend(self.contributors.iter().map(|part| part.check(statement)));
        checks
    }
}

impl Part<u8, OfTier> {
    fn check(&self, statement: &Statement) -> Check {
        let pots =
            statement.pots.iter().filter(|pot| pot.tier == self.of && pot.asset == self.amount.asset());
        let part = |pot: &PotView| match self.kind {
            OfTier::Pledged => pot.total,
            OfTier::Drawn => pot.drawn,
            OfTier::Delivered => pot.delivered,
        };
        let found = statement.in_unit_of(self.amount, pots.map(part).sum());
        let what = format!("tier {} ({}): {}", self.of, statement.tier_name(self.of), self.kind);
        Check::new(what, self.amount.to_string(), found.to_string())
    }
}

impl Part<String, OfContributor> {
    fn check(&self, statement: &Statement) -> Check {
        let lines =
            statement.lines.iter().filter(|line| line.who == self.of && line.asset == self.amount.asset());
        let part = |line: &Line| match self.kind {
            OfContributor::Pledged => line.pledged,
            OfContributor::Returned => line.returned,
            OfContributor::Drawn => line.drawn,
            OfContributor::Refunded => line.refunded,
            OfContributor::Owed => line.owed,
        };
        let found = statement.in_unit_of(self.amount, lines.map(part).sum());
        Check::new(format!("{}: {}", self.of, self.kind), self.amount.to_string(), found.to_string())
    }
}

/// Reads one section: amounts by what they are of and by kind.
fn read_parts<T: Clone, K: Copy>(
    reader: &Reader<'_>,
    section: &str,
    toml: &BTreeMap<String, BTreeMap<K, OneOrMore>>,
    find: impl Fn(&str) -> Result<T, UserError>,
) -> Result<Vec<Part<T, K>>, UserError> {
    let mut parts = Vec::new();
    for (name, amounts) in toml {
        let place = format!("{}: expect.{section}.\"{name}\"", reader.document.path().display());
        let of = find(name).map_err(|error| error.within(&place))?;
        for (&kind, texts) in amounts {
            for text in texts.all() {
                let amount = Amount::parse(text).map_err(|error| error.within(&place))?;
                parts.push(Part { of: of.clone(), kind, amount });
            }
        }
    }
    Ok(parts)
}

fn parse_status(text: &str) -> Result<Status, UserError> {
    Status::ALL.into_iter().find(|status| status.to_string() == text).ok_or_else(|| {
        let all = Status::ALL.map(|status| status.to_string()).join(", ");
        UserError::new(format!("`{text}` is not a status")).hint(format!("they are {all}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::cast::Cast;
    use super::*;
    use crate::document::Document;
    use levee_model::{Asset, Rate, Units};

    fn statement() -> Statement {
        let units = Units::new;
        let line = Line {
            who: "Ada".to_owned(),
            tier: 0,
            asset: Asset::StEth,
            pledged: units(10),
            returned: units(0),
            locked: units(0),
            drawn: units(6),
            refunded: units(3),
            owed: units(1),
        };
        let pot =
            PotView { tier: 0, asset: Asset::StEth, total: units(10), drawn: units(6), delivered: units(2) };
        Statement {
            status: Status::Settled,
            threshold_met: Bps::new(5_000),
            target: Wei::new(20),
            pledged: Wei::new(12),
            drawn: Wei::new(7),
            rate: Rate::new(1_200_000_000_000_000_000_000_000_000).unwrap(),
            tier_names: vec!["grant".to_owned()],
            pots: vec![pot],
            lines: vec![line],
            sums: Vec::new(),
        }
    }

    fn unmet(text: &str) -> Result<Vec<String>, String> {
        let document = Document::new("s.toml", text);
        let cast = Cast::new(vec!["Ada".to_owned()]).unwrap();
        let reader = Reader { document: &document, cast: &cast, tier_names: &["grant".to_owned()] };
        let toml: ExpectToml = document.parse().map_err(|error| error.to_string())?;
        let checks = Expect::read(&reader, &toml).map_err(|error| error.to_string())?.check(&statement());
        let failed = checks.into_iter().filter(|check| !check.holds);
        Ok(failed.map(|check| format!("{}: {} / {}", check.what, check.expected, check.found)).collect())
    }

    #[test]
    fn what_holds_passes() {
        let text = r#"
            status = "Settled"
            threshold = "50 %"
            target = "20 wei"
            pledged = "12 wei"
            drawn = "7 wei"
            uncovered = "13 wei"
            tiers.grant = { pledged = "10 shares", drawn = "6 shares", delivered = ["2 shares", "0 ETH"] }
            contributors.Ada = { pledged = "10 shares", returned = "0 shares", drawn = "0.000000000000000007 stETH",
                refunded = "3 shares", owed = "1 shares" }
        "#;
        assert_eq!(unmet(text), Ok(vec![]));
    }

    #[test]
    fn each_thing_that_does_not_hold_is_named_with_both_values() {
        let cases = [
            ("status = \"Failed\"", "status: Failed / Settled"),
            ("threshold = \"100 %\"", "threshold met: 100 % / 50 %"),
            ("uncovered = \"0 ETH\"", "uncovered: 0 ETH / 0.000000000000000013 ETH"),
            ("tiers.grant.drawn = \"7 shares\"", "tier 0 (grant): drawn: 7 shares / 6 shares"),
            ("contributors.Ada.owed = \"0 shares\"", "Ada: owed: 0 shares / 1 shares"),
            ("contributors.Ada.drawn = \"1 ETH\"", "Ada: drawn: 1 ETH / 0 ETH"),
        ];
        for (line, message) in cases {
            let status = if line.starts_with("status") { "" } else { "status = \"Settled\"\n" };
            assert_eq!(unmet(&format!("{status}{line}")), Ok(vec![message.to_owned()]));
        }
    }

    #[test]
    fn what_cannot_be_expected_is_refused() {
        let refusal = |line: &str| unmet(&format!("status = \"Settled\"\n{line}")).unwrap_err();
        assert_eq!(
            refusal("contributors.Bob.drawn = \"1 ETH\""),
            "s.toml: expect.contributors.\"Bob\": nobody is called `Bob`"
        );
        assert_eq!(
            refusal("tiers.gift.drawn = \"1 ETH\""),
            "s.toml: expect.tiers.\"gift\": no tier is called `gift`"
        );
        assert_eq!(refusal("tiers.grant.drawn = \"1\""), "s.toml: expect.tiers.\"grant\": `1` has no unit");
        assert!(refusal("tiers.grant.lost = \"1 ETH\"").contains("unknown variant `lost`"));
    }
}
