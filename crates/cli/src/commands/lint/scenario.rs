//! Scenarios.

use levee_model::Rate;
use toml::Spanned;

use super::{
    Read,
    against::Against,
    amount, declaration,
    finding::{Finding, Kind, Place},
    offers::{loan_among_grants, says_loan},
    statement::plain,
};
use crate::{
    amount::Amount,
    document::Document,
    error::UserError,
    rehearse::{
        format::{ContributorToml, Offer, ScenarioToml, StepToml},
        scenario::Scenario,
        step::{Action, Step},
    },
};

/// Reads a scenario. Its contributors pledge in steps, in the order of a story, so that a second pledge is one more.
pub(super) fn lint(document: &Document, against: Option<&Against>) -> Result<Read, UserError> {
    let scenario = Scenario::read(document)?;
    let toml: ScenarioToml = document.parse()?;
    let linter = Linter { document, scenario: &scenario, toml: &toml };
    let mut findings = against.map(|against| against.terms(document, &scenario.terms)).unwrap_or_default();
    findings.extend(toml.contributor.iter().flat_map(|one| linter.holds(one)));
    findings.extend(linter.announcements());
    findings.extend(linter.steps(&toml.step, &scenario.steps));
    for (toml, ending) in toml.ending.iter().zip(&scenario.endings) {
        findings.extend(linter.steps(&toml.step, &ending.steps));
    }
    Ok(Read { findings, ..Read::default() })
}

struct Linter<'a> {
    document: &'a Document,
    scenario: &'a Scenario,
    toml: &'a ScenarioToml,
}

impl Linter<'_> {
    fn place<T>(&self, value: &Spanned<T>) -> Place {
        Place::of(self.document, value.span().start)
    }

    fn holds(&self, contributor: &ContributorToml) -> Vec<Finding> {
        let odd = |held: &Spanned<String>| amount::read(held.get_ref(), &self.place(held)).1;
        contributor.holds.iter().filter_map(odd).collect()
    }

    /// What is announced and not counted, of somebody who pledges.
    fn announcements(&self) -> Vec<Finding> {
        let is_contributor = |name: &str| {
            self.toml.contributor.iter().any(|contributor| plain(&contributor.name) == plain(name))
        };
        let announced = self.toml.offer.iter().filter(|offer| is_contributor(&offer.get_ref().name));
        let finding = |offer: &Spanned<Offer>| {
            let what = format!("`{}` is a `[[contributor]]` and an `[[offer]]` too", offer.get_ref().name);
            let why = "what it holds and pledges is counted, and what it announces is shown beside it as if it were more";
            let advice = "leave the offer out, or give it a name that tells them apart";
            self.place(offer).error(Kind::CountedTwice, what, why, advice)
        };
        announced.map(finding).collect()
    }

    fn steps(&self, toml: &[StepToml], steps: &[Step]) -> Vec<Finding> {
        // A step that must be refused shows what is wrong on purpose.
        let meant = toml.iter().zip(steps).filter(|(_, step)| step.fails.is_none());
        meant.flat_map(|(toml, step)| self.step(toml, step)).collect()
    }

    fn step(&self, toml: &StepToml, step: &Step) -> Vec<Finding> {
        let written = toml.amount.as_ref();
        let odd = written.and_then(|text| amount::read(text.get_ref(), &self.place(text)).1);
        let place = self.place(&toml.kind);
        let of_kind: Vec<Finding> = match &step.action {
            Action::Pledge { who, tier, amount, .. } => self.pledge(who, *tier, *amount, &place),
            Action::Declare(declare) if declare.amount.is_none() && !declare.stage.may_be_unknown() => {
                vec![declaration::no_amount(&format!("the declaration of `{}`", declare.who), false, &place)]
            }
            _ => Vec::new(),
        };
        odd.into_iter().chain(of_kind).collect()
    }

    fn pledge(&self, who: &str, tier: u8, pledged: Amount, place: &Place) -> Vec<Finding> {
        let Some(contributor) = self.scenario.contributors.iter().find(|one| one.name == who) else {
            return Vec::new();
        };
        let rate: Rate = self.scenario.rate;
        let mixed = contributor.holds.iter().filter_map(|held| amount::mixed_up(*held, pledged, rate, place));
        let is_grant = self.scenario.terms.tier(tier).is_some_and(|tier| tier.rate.get() == 0);
        let says = contributor.note.as_deref().is_some_and(says_loan);
        mixed.chain((is_grant && says).then(|| loan_among_grants(who, tier, place))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, find: &str, replace: &str) -> Vec<(Kind, Option<usize>)> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(find), "{find}");
        let document = Document::new(path, text.replacen(find, replace, 1));
        lint(&document, None).unwrap().findings.iter().map(|finding| (finding.kind, finding.line)).collect()
    }

    #[test]
    fn each_mistake_in_a_scenario_is_found() {
        let kinds = |name, find, replace| {
            found(name, find, replace).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>()
        };
        let article = "article-2026-04-24.toml";
        assert_eq!(kinds(article, "personal commitment", "a loan, in person"), [Kind::LoanAmongGrants]);
        assert_eq!(kinds(article, "name = \"Ethena\"", "name = \"mantle\""), [Kind::CountedTwice]);
        assert_eq!(kinds(article, "holds = [\"1000 ETH\"]", "holds = [\"1000 wei\"]"), [Kind::TooSmall]);
        // It holds 2,500 stETH and pledges as many shares, which are worth 3,078 stETH.
        let shares = "amount = \"2500000000000000000000 shares\"";
        assert_eq!(kinds("defi-united-2026.toml", "amount = \"2500 stETH\"", shares), [Kind::SharesForStEth]);
        let declared = "amount = \"25 ETH\"";
        assert_eq!(kinds("declarations.toml", declared, ""), [Kind::NoAmount]);
    }

    #[test]
    fn what_is_found_has_its_line() {
        let line = |text: &str, find: &str| text[..text.find(find).unwrap()].matches('\n').count() + 1;
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/article-2026-04-24.toml");
        let text = std::fs::read_to_string(path).unwrap();
        let expected = line(&text, "holds = [\"1000 ETH\"]");
        let found = found("article-2026-04-24.toml", "holds = [\"1000 ETH\"]", "holds = [\"1000 wei\"]");
        assert_eq!(found, [(Kind::TooSmall, Some(expected))]);
    }
}
