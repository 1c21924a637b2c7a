//! Files of offers.

use levee::Stage;
use levee_model::Timestamp;

use super::{
    Read,
    against::Against,
    amount, declaration,
    finding::{Finding, Kind, Place},
    statement::Statement,
};
use crate::{
    address,
    amount::parse_rate,
    document::Document,
    error::UserError,
    prospect::{
        offers::{OfferToml, OffersToml},
        roster::Roster,
    },
};

/// Reads a file of offers. What is wrong with one does not hide what is wrong with another.
pub(super) fn lint(
    document: &Document,
    against: Option<&Against>,
    now: Timestamp,
) -> Result<Read, UserError> {
    let toml: OffersToml =
        document.parse().map_err(|error| error.hint("docs/what-if.md explains every key"))?;
    let mut read = Read::default();
    if let Some(rescue) = &toml.rescue {
        let place = Place::of(document, rescue.span().start);
        let address = document.field("rescue", rescue, address::parse)?;
        read.findings.extend(against.and_then(|against| against.address(address, &place)));
    }
    if let Some(rate) = &toml.share_rate {
        document.field("share_rate", rate, parse_rate)?;
    }
    let tiers = Roster::new(Vec::new(), toml.tier_names);
    let linter = Linter { document, against, now, tiers: &tiers };
    for offer in &toml.offer {
        let place = Place::of(document, offer.name.span().start);
        let found = linter.offer(offer, &place);
        let found = found.unwrap_or_else(|error| (vec![Finding::unreadable(document.path(), &error)], None));
        read.findings.extend(found.0);
        read.statements.extend(found.1);
    }
    Ok(read)
}

struct Linter<'a> {
    document: &'a Document,
    against: Option<&'a Against>,
    now: Timestamp,
    tiers: &'a Roster,
}

impl Linter<'_> {
    /// What is wrong with an offer, and what it says if it counts.
    fn offer(
        &self,
        offer: &OfferToml,
        place: &Place,
    ) -> Result<(Vec<Finding>, Option<Statement>), UserError> {
        let document = self.document;
        let account = offer.account(document)?;
        let tier = offer.tier(document, self.tiers)?;
        let (stage, expiry) = (offer.stage(document)?, offer.expiry(document)?);
        if stage == Some(Stage::Withdrawn) {
            return Ok((Vec::new(), None));
        }
        let mut findings: Vec<Finding> = Vec::new();
        let amount = offer.amount.as_ref().map(|text| {
            let (amount, odd) = amount::read(text.get_ref(), &Place::of(document, text.span().start));
            findings.extend(odd);
            amount
        });
        if amount.is_none() {
            let may_be = stage.is_none_or(Stage::may_be_unknown);
            findings.push(declaration::no_amount(
                &format!("the offer of `{}`", offer.name.get_ref()),
                may_be,
                place,
            ));
        }
        if let Some(expiry) = expiry {
            findings.extend(declaration::expired(expiry, self.now, place));
        }
        let is_valid = expiry.is_none_or(|expiry| self.now <= expiry);
        let asset = amount.flatten().map(|amount| amount.asset());
        if let Some(against) = self.against {
            findings.extend(against.tier(tier, place).err());
            findings.extend(asset.and_then(|asset| against.asset(asset, place)));
            findings.extend(expiry.filter(|_| is_valid).and_then(|expiry| against.expiry(expiry, place)));
            findings.extend(account.and_then(|account| against.locked(account, tier, place)));
        }
        findings.extend(self.loan(offer, tier, place));
        let name = offer.name.get_ref().clone();
        let statement = Statement { name, account, tier, asset, place: place.clone() };
        Ok((findings, is_valid.then_some(statement)))
    }

    /// A loan for a tier of grants.
    fn loan(&self, offer: &OfferToml, tier: u8, place: &Place) -> Option<Finding> {
        let of_terms = self.against.and_then(|against| against.tier(tier, place).ok());
        let of_name =
            || self.tiers.tier_names().get(usize::from(tier)).is_some_and(|name| name.contains("grant"));
        let is_grant = of_terms.map_or_else(of_name, |tier| tier.rate.get() == 0);
        let says = offer.note.as_deref().is_some_and(says_loan);
        (is_grant && says).then(|| loan_among_grants(offer.name.get_ref(), tier, place))
    }
}

/// Whether a note calls an offer a loan, and does not only speak of one.
pub(super) fn says_loan(note: &str) -> bool {
    let note = note.to_lowercase();
    ["a loan", "as loan", "lends", "will lend"].iter().any(|word| note.contains(word))
}

/// A loan for a tier of grants.
pub(super) fn loan_among_grants(name: &str, tier: u8, place: &Place) -> Finding {
    let what = format!("`{name}` speaks of a loan, but tier {tier} is of grants");
    let why = "a loan in a tier of grants is counted with them, and is never repaid as one";
    place.error(Kind::LoanAmongGrants, what, why, "use a tier of loans, or correct the note")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::lint::Severity;

    const TEXT: &str = r#"share_rate = "1.2 ETH"
tier_names = ["grant", "loan"]
[[offer]]
name = "Ada"
tier = "grant"
amount = "5 ETH"
note = "no strings"
[[offer]]
name = "Ben"
tier = 1
amount = "7 ETH"
stage = "Approved"
expiry = 2027-01-01T00:00:00Z
note = "a loan at 3.8 %"
"#;
    const EXPIRY: u64 = 1_798_761_600;

    fn found(find: &str, replace: &str, now: Timestamp) -> Vec<(Kind, Severity, Option<usize>)> {
        assert!(TEXT.contains(find), "{find}");
        let document = Document::new("offers.toml", TEXT.replacen(find, replace, 1));
        let read = lint(&document, None, now).unwrap();
        let twice = super::super::statement::said_twice(&read.statements);
        let all = read.findings.into_iter().chain(twice);
        all.map(|finding| (finding.kind, finding.severity, finding.line)).collect()
    }

    #[test]
    fn each_mistake_is_found_on_its_line() {
        use Severity::{Error, Warning};
        assert_eq!(found("Ada", "Ada", EXPIRY), []);
        let cases = [
            ("5 ETH", "5", Kind::Unreadable, Error, 6),
            ("5 ETH", "5 wei", Kind::TooSmall, Warning, 6),
            ("\"5 ETH\"", "\"5000000000000000000000 ETH\"", Kind::TooLarge, Error, 6),
            ("amount = \"5 ETH\"", "", Kind::NoAmount, Warning, 4),
            ("amount = \"7 ETH\"", "", Kind::NoAmount, Error, 9),
            ("no strings", "as a loan", Kind::LoanAmongGrants, Error, 4),
            ("tier = 1", "tier = \"gift\"", Kind::Unreadable, Error, 10),
            ("\"Approved\"", "\"Promised\"", Kind::Unreadable, Error, 12),
            ("\"Ben\"\ntier = 1", "\"ada \"\ntier = 0", Kind::LoanAmongGrants, Error, 9),
        ];
        for (find, replace, kind, severity, line) in cases {
            assert_eq!(
                found(find, replace, EXPIRY).first(),
                Some(&(kind, severity, Some(line))),
                "{replace}"
            );
        }
        let twice = found("\"Ben\"\ntier = 1", "\"ada \"\ntier = 0", EXPIRY);
        assert_eq!(twice.last(), Some(&(Kind::SaidTwice, Error, Some(9))));
        assert_eq!(found("Ada", "Ada", EXPIRY + 1), [(Kind::Expired, Warning, Some(9))]);
    }

    #[test]
    fn what_is_withdrawn_is_not_counted_and_need_not_be_right() {
        let withdrawn = "\"7 ETH\"\nstage = \"Withdrawn\"\nlink = \"x\"\n[[offer]]\nname = \"Cleo\"\ntier = 1\namount = \"1 ETH\"";
        assert_eq!(found("\"7 ETH\"", withdrawn, EXPIRY), []);
    }

    #[test]
    fn a_loan_is_one_only_if_the_note_says_so() {
        assert!(says_loan("maximum, as a loan at Lido's yield"));
        assert!(!says_loan("anchored: what others add reduces the loan, not this grant"));
    }
}
