//! What a scenario expects, and whether it holds.

use std::collections::BTreeMap;

use levee::PotView;
use levee_model::{Bps, EndReason, Status, Units, Wei};
use serde::Serialize;
use toml::Spanned;

use super::{
    compact::MemberLine,
    declared::Declared,
    format::{ExpectToml, OfContributor, OfGroup, OfTier, OneOrMore},
    pools::{Group, Sponsor},
    reader::Reader,
    statement::{Debt, Line, Statement},
};
use crate::{
    amount::{self, Amount},
    error::UserError,
    percent,
};

/// What must hold at the end. Anything none or empty is not checked.
#[derive(Debug)]
pub(crate) struct Expect {
    status: Status,
    end_reason: Option<EndReason>,
    threshold: Option<Bps>,
    target: Option<Wei>,
    pledged: Option<Wei>,
    drawn: Option<Wei>,
    uncovered: Option<Wei>,
    recovered: Option<Wei>,
    bonus: Option<Wei>,
    bonus_of_pledgers: Option<Wei>,
    groups: Vec<Part<u8, OfGroup>>,
    tiers: Vec<Part<u8, OfTier>>,
    contributors: Vec<Part<String, OfContributor>>,
}

/// An amount of a contributor or a tier.
#[derive(Debug)]
struct Part<T, K> {
    of: T,
    kind: K,
    amount: Amount,
}

/// One expectation, compared with what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// Of what.
    pub(crate) what: String,
    /// What the scenario says.
    pub(crate) expected: String,
    /// What was found.
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
        let (threshold, end_reason) = (toml.threshold.as_ref(), toml.end_reason.as_ref());
        Ok(Self {
            status: document.field("status", &toml.status, parse_status)?,
            end_reason: end_reason
                .map(|reason| document.field("end_reason", reason, parse_end_reason))
                .transpose()?,
            threshold: threshold
                .map(|threshold| document.field("threshold", threshold, percent::parse))
                .transpose()?,
            target: eth("target", &toml.target)?,
            pledged: eth("pledged", &toml.pledged)?,
            drawn: eth("drawn", &toml.drawn)?,
            uncovered: eth("uncovered", &toml.uncovered)?,
            recovered: eth("recovered", &toml.recovered)?,
            bonus: eth("bonus", &toml.bonus)?,
            bonus_of_pledgers: eth("bonus_of_pledgers", &toml.bonus_of_pledgers)?,
            groups: read_parts(reader, "groups", &toml.groups, parse_order)?,
            tiers: read_parts(reader, "tiers", &toml.tiers, |name| reader.tier(name))?,
            contributors: read_parts(reader, "contributors", &toml.contributors, |name| {
                reader.cast.find(name)
            })?,
        })
    }

    /// Compares it with what came out.
    pub(crate) fn check(&self, statement: &Statement) -> Vec<Check> {
        let mut checks = vec![Check::new("status", self.status.to_string(), statement.status.to_string())];
        if let Some(reason) = self.end_reason {
            let found = statement.end_reason.map_or_else(|| "none".to_owned(), |found| format!("{found:?}"));
            checks.push(Check::new("end reason", format!("{reason:?}"), found));
        }
        if let Some(threshold) = self.threshold {
            let found = percent::percent(statement.threshold_met);
            checks.push(Check::new("threshold met", percent::percent(threshold), found));
        }
        let totals = [
            ("target", self.target, statement.target),
            ("pledged", self.pledged, statement.pledged),
            ("drawn", self.drawn, statement.drawn),
            ("uncovered", self.uncovered, statement.uncovered()),
            ("recovered", self.recovered, statement.recovery.total),
            ("bonus", self.bonus, statement.bonus.total),
        ];
        for (what, expected, found) in totals {
            checks
                .extend(expected.map(|expected| Check::new(what, amount::eth(expected), amount::eth(found))));
        }
        if let Some(part) = self.bonus_of_pledgers {
            let found = statement.bonus.pledgers.map_or_else(|| "undecided".to_owned(), amount::eth);
            checks.push(Check::new("bonus of pledgers", amount::eth(part), found));
        }
        checks.extend(self.groups.iter().map(|part| part.check(statement)));
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

impl Part<u8, OfGroup> {
    fn check(&self, statement: &Statement) -> Check {
        let groups = statement.recovery.groups.iter().filter(|group| group.order == self.of);
        let part = |group: &Group| match self.kind {
            OfGroup::Principal => group.principal,
            OfGroup::Interest => group.interest,
            OfGroup::Received => group.received,
        };
        let found = amount::eth(groups.map(part).sum());
        Check::new(format!("draw order {}: {}", self.of, self.kind), self.amount.to_string(), found)
    }
}

impl Part<String, OfContributor> {
    fn check(&self, statement: &Statement) -> Check {
        let found = self.found(statement).to_string();
        Check::new(format!("{}: {}", self.of, self.kind), self.amount.to_string(), found)
    }

    /// Pledges are in the unit of the amount; payments from the pools are in ETH.
    fn found(&self, statement: &Statement) -> Amount {
        let of_asset = |part: fn(&Line) -> Units| {
            let own = statement.lines.iter().filter(|line| line.who == self.of);
            let units = own.filter(|line| line.asset == self.amount.asset()).map(part).sum();
            statement.in_unit_of(self.amount, units)
        };
        let debt = |part: fn(&Debt) -> Units| {
            let own = statement.debts.iter().filter(|debt| debt.who == self.of);
            let units = own.filter(|debt| debt.asset == self.amount.asset()).map(part).sum();
            statement.in_unit_of(self.amount, units)
        };
        let eth = |part: fn(&Line) -> Wei| {
            Amount::Eth(statement.lines.iter().filter(|line| line.who == self.of).map(part).sum())
        };
        let sponsored = |part: fn(&Sponsor) -> Wei| {
            Amount::Eth(statement.bonus.sponsors.iter().filter(|one| one.who == self.of).map(part).sum())
        };
        let declared = |part: fn(&Declared) -> Wei| {
            Amount::Eth(statement.declared.iter().filter(|one| one.who == self.of).map(part).sum())
        };
        let member = |part: fn(&MemberLine) -> Units| {
            let own = statement.members.iter().filter(|member| member.who == self.of);
            Amount::WstEth(own.map(part).sum())
        };
        match self.kind {
            OfContributor::Active => member(|member| member.view.standing.active),
            OfContributor::Noticed => member(|member| member.view.standing.noticed),
            OfContributor::Pending => member(|member| member.view.pending),
            OfContributor::Given => member(|member| member.given),
            OfContributor::Premiums => member(|member| member.premiums),
            OfContributor::Pledged => of_asset(|line| line.pledged),
            OfContributor::Returned => of_asset(|line| line.returned),
            OfContributor::Drawn => of_asset(|line| line.drawn),
            OfContributor::Held => of_asset(|line| line.held),
            OfContributor::Refunded => of_asset(|line| line.refunded),
            OfContributor::Refundable => of_asset(|line| line.refundable),
            OfContributor::Owed => debt(|debt| debt.owed),
            OfContributor::Collected => debt(|debt| debt.collected),
            OfContributor::Earned => eth(|line| line.earned),
            OfContributor::Claimed => eth(|line| line.claimed),
            OfContributor::Bonus => eth(|line| line.bonus),
            OfContributor::Sponsored => sponsored(|one| one.added),
            OfContributor::Reclaimed => sponsored(|one| one.reclaimed),
            OfContributor::Declared => declared(Declared::standing),
            OfContributor::Missing => declared(Declared::missing),
        }
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

/// Reads a draw order.
fn parse_order(text: &str) -> Result<u8, UserError> {
    text.parse().map_err(|_| {
        UserError::new(format!("`{text}` is not a draw order"))
            .hint("write the `order` of a tier, such as `1`")
    })
}

/// Reads why a rescue ended, by the name in the rules.
fn parse_end_reason(text: &str) -> Result<EndReason, UserError> {
    let all = [
        EndReason::NoThresholdMet,
        EndReason::EndedByGuardian,
        EndReason::RateUnreadable,
        EndReason::StoppedByGuardian,
        EndReason::Vetoed,
        EndReason::Lapsed,
    ];
    all.into_iter().find(|reason| format!("{reason:?}") == text).ok_or_else(|| {
        let all = all.map(|reason| format!("{reason:?}")).join(", ");
        UserError::new(format!("`{text}` is not an end reason")).hint(format!("they are {all}"))
    })
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
    use super::super::pools::{Bonus, Recovery};
    use super::*;
    use crate::document::Document;
    use levee::statement::RecoveryParts;
    use levee_model::{Asset, Rate};

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
            held: units(0),
            refunded: units(3),
            refundable: units(1),
            earned: Wei::new(5),
            claimed: Wei::new(4),
            bonus: Wei::new(3),
        };
        let pot =
            PotView { tier: 0, asset: Asset::StEth, total: units(10), drawn: units(6), delivered: units(2) };
        let debt = Debt { who: "Ada".to_owned(), asset: Asset::StEth, owed: units(2), collected: units(4) };
        Statement {
            status: Status::Settled,
            end_reason: None,
            threshold_met: Bps::new(5_000),
            target: Wei::new(20),
            pledged: Wei::new(12),
            drawn: Wei::new(7),
            rate: Rate::new(1_200_000_000_000_000_000_000_000_000).unwrap(),
            tier_names: vec!["grant".to_owned()],
            draw_orders: vec![0],
            pots: vec![pot],
            lines: vec![line],
            debts: vec![debt],
            sums: Vec::new(),
            recovery: recovery(),
            bonus: bonus(),
            declared: vec![declared()],
            members: vec![member()],
        }
    }

    fn recovery() -> Recovery {
        let wei = Wei::new;
        let group = |order, principal, received| Group {
            order,
            rate: Bps::ZERO,
            principal: wei(principal),
            interest: wei(2),
            received: wei(received),
        };
        let groups = vec![group(1, 7, 6), group(0, 0, 5)];
        let parts = RecoveryParts { claimed: wei(4), claimable: wei(1), dust: wei(6) };
        Recovery { total: wei(11), parts, groups }
    }

    fn bonus() -> Bonus {
        let sponsor = Sponsor { who: "Ada".to_owned(), added: Wei::new(9), reclaimed: Wei::new(8) };
        Bonus { pledgers: Some(Wei::new(1)), total: Wei::new(9), paid: Wei::ZERO, sponsors: vec![sponsor] }
    }

    fn declared() -> Declared {
        Declared {
            who: "Ada".to_owned(),
            tier: 0,
            stage: "Approved".to_owned(),
            amount: Some(Wei::new(15)),
            expiry: 1,
            link: String::new(),
            stands: true,
            locked: Wei::new(12),
        }
    }

    fn member() -> MemberLine {
        let units = Units::new;
        let standing = levee_model::compact::Standing { active: units(5), noticed: units(4) };
        let view = levee_model::compact::MemberView {
            admitted: true,
            approver: Default::default(),
            pending: units(3),
            committed_at: None,
            standing,
            noticed_at: None,
            earned: units(0),
        };
        MemberLine { who: "Ada".to_owned(), view, given: units(2), premiums: units(1) }
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
            recovered = "11 wei"
            bonus = "9 wei"
            bonus_of_pledgers = "1 wei"
            groups.1 = { principal = "7 wei", interest = "2 wei", received = "6 wei" }
            groups.0 = { received = "5 wei" }
            tiers.grant = { pledged = "10 shares", drawn = "6 shares", delivered = ["2 shares", "0 ETH"] }
            contributors.Ada = { pledged = "10 shares", returned = "0 shares", drawn = "0.000000000000000007 stETH",
                held = "0 shares", refunded = "3 shares", refundable = "1 shares", owed = "2 shares",
                collected = "4 shares", earned = "5 wei", claimed = "4 wei", bonus = "3 wei",
                sponsored = "9 wei", reclaimed = "8 wei", declared = "15 wei", missing = "3 wei",
                active = "0.000000000000000005 wstETH", noticed = "0.000000000000000004 wstETH",
                pending = "0.000000000000000003 wstETH", given = "0.000000000000000002 wstETH",
                premiums = "0.000000000000000001 wstETH" }
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
            ("end_reason = \"Lapsed\"", "end reason: Lapsed / none"),
            ("contributors.Ada.refundable = \"0 shares\"", "Ada: refundable: 0 shares / 1 shares"),
            ("contributors.Ada.owed = \"0 shares\"", "Ada: owed: 0 shares / 2 shares"),
            ("contributors.Ada.drawn = \"1 ETH\"", "Ada: drawn: 1 ETH / 0 ETH"),
            ("recovered = \"1 ETH\"", "recovered: 1 ETH / 0.000000000000000011 ETH"),
            ("bonus_of_pledgers = \"0 ETH\"", "bonus of pledgers: 0 ETH / 0.000000000000000001 ETH"),
            ("groups.1.principal = \"0 ETH\"", "draw order 1: principal: 0 ETH / 0.000000000000000007 ETH"),
            ("contributors.Ada.claimed = \"0 ETH\"", "Ada: claimed: 0 ETH / 0.000000000000000004 ETH"),
            ("contributors.Ada.earned = \"5 shares\"", "Ada: earned: 5 shares / 0.000000000000000005 ETH"),
            ("contributors.Ada.reclaimed = \"0 ETH\"", "Ada: reclaimed: 0 ETH / 0.000000000000000008 ETH"),
            ("contributors.Ada.given = \"1 wstETH\"", "Ada: given: 1 wstETH / 0.000000000000000002 wstETH"),
            ("contributors.Ada.missing = \"0 ETH\"", "Ada: missing: 0 ETH / 0.000000000000000003 ETH"),
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
            "s.toml: expect.contributors.\"Bob\": no one is named `Bob`"
        );
        assert_eq!(
            refusal("tiers.gift.drawn = \"1 ETH\""),
            "s.toml: expect.tiers.\"gift\": no tier is named `gift`"
        );
        assert_eq!(refusal("tiers.grant.drawn = \"1\""), "s.toml: expect.tiers.\"grant\": `1` has no unit");
        assert_eq!(
            refusal("groups.loan.received = \"1 ETH\""),
            "s.toml: expect.groups.\"loan\": `loan` is not a draw order"
        );
        assert_eq!(refusal("end_reason = \"Ada\""), "s.toml:2: end_reason: `Ada` is not an end reason");
        assert!(refusal("tiers.grant.lost = \"1 ETH\"").contains("unknown variant `lost`"));
    }
}
