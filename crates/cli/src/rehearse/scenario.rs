//! A rescue as data: who holds what, what was announced, what happens when, and what is expected.

use levee::{Edition, text::CompactFile};
use levee_model::{Rate, Terms, Timestamp};
use levee_pages::Holes;
use toml::Spanned;

use super::{
    cast::Cast,
    compact,
    expect::Expect,
    format::{AgreementToml, ContributorToml, EndingToml, ExpectToml, Offer, ScenarioToml, Source, StepToml},
    reader::Reader,
    step::{Action, Step},
    when::When,
};
use crate::{
    account::DEV_CHAIN,
    amount::{self, Amount},
    document::Document,
    error::UserError,
    terms::TermsFile,
    time,
};

/// The chain ID of an anvil. A rehearsal's keys are public, so it is never that of a public chain.
pub(crate) const CHAIN: u64 = DEV_CHAIN;

/// A valid scenario: every name in it is known, and every amount has a unit.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) sources: Vec<Source>,
    /// When the escrow is created.
    pub(crate) start: Timestamp,
    /// The value of a share then.
    pub(crate) rate: Rate,
    pub(crate) terms: Terms,
    /// What the target is the net of, by the document of the terms.
    pub(crate) holes: Holes,
    /// The edition of the contracts that it is played on.
    pub(crate) edition: Edition,
    /// The name of each tier.
    pub(crate) tier_names: Vec<String>,
    /// The compact that stands before the rescue.
    pub(crate) compact: Option<Agreed>,
    pub(crate) cast: Cast,
    pub(crate) contributors: Vec<Contributor>,
    pub(crate) offers: Vec<Offer>,
    /// The steps that all endings share.
    pub(crate) steps: Vec<Step>,
    /// At least one; the only one may have no name.
    pub(crate) endings: Vec<Ending>,
}

/// A compact, and what happens before the rescue is created.
#[derive(Debug)]
pub(crate) struct Agreed {
    /// When it is created.
    pub(crate) since: Timestamp,
    pub(crate) file: CompactFile,
    pub(crate) steps: Vec<Step>,
}

/// A contributor.
#[derive(Debug)]
pub(crate) struct Contributor {
    pub(crate) name: String,
    pub(crate) holds: Vec<Amount>,
    pub(crate) stage: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) source: Vec<String>,
}

/// One ending of the scenario.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) name: Option<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) expect: Expect,
}

impl Scenario {
    /// Reads a scenario, and checks everything that can be checked before it is played.
    pub(crate) fn read(document: &Document) -> Result<Self, UserError> {
        let hint = "scenarios/README.md explains every key";
        let toml: ScenarioToml = document.parse().map_err(|error| error.hint(hint))?;
        let within = |error: UserError| error.within(document.path().display());
        let cast = Cast::new(toml.contributor.iter().map(|contributor| contributor.name.clone()).collect());
        let cast = cast.map_err(within)?;
        let start = document.field("start", &toml.start, time::parse_time)?;
        let TermsFile { terms, edition, .. } = read_terms(document, &toml, &cast, start)?;
        check_sources(&toml).map_err(within)?;
        let reader = Reader { document, cast: &cast, tier_names: &toml.tier_names };
        let rate = toml.share_rate.as_ref();
        let rate = rate.map(|rate| document.field("share_rate", rate, amount::parse_rate)).transpose()?;
        let compact =
            toml.compact.as_ref().map(|compact| reader.compact(compact, (start, edition))).transpose()?;
        let scenario = Self {
            start,
            holes: holes(document, &toml, &terms)?,
            compact,
            rate: rate.unwrap_or(ONE_ETH),
            contributors: reader.contributors(&toml.contributor)?,
            steps: reader.steps(&toml.step)?,
            endings: reader.endings(toml.ending, toml.expect)?,
            terms,
            edition,
            title: toml.title,
            about: toml.about.trim().to_owned(),
            sources: toml.source,
            tier_names: toml.tier_names,
            offers: toml.offer.into_iter().map(Spanned::into_inner).collect(),
            cast: cast.clone(),
        };
        scenario.require_compact()?;
        Ok(scenario)
    }

    /// When the chain's story begins: with the compact, or with the rescue.
    pub(crate) fn begin(&self) -> Timestamp {
        self.compact.as_ref().map_or(self.start, |compact| compact.since)
    }

    /// Refuses steps of a compact if there is none.
    fn require_compact(&self) -> Result<(), UserError> {
        let steps = self.steps.iter().chain(self.endings.iter().flat_map(|ending| &ending.steps));
        let mut of_compact = steps.filter(|step| matches!(step.action, Action::Compact(_)));
        match (&self.compact, of_compact.next()) {
            (None, Some(step)) => Err(compact::missing(&step.place)),
            _ => Ok(()),
        }
    }
}

/// 1 share is worth 1 ETH.
const ONE_ETH: Rate = match Rate::new(levee_model::units::RATE_UNIT) {
    Some(rate) => rate,
    None => Rate::MAX,
};

/// What the target is the net of.
fn holes(document: &Document, toml: &ScenarioToml, terms: &Terms) -> Result<Holes, UserError> {
    let Some(hole) = &toml.hole else { return Ok(Holes::new()) };
    let hole = hole.read(document)?;
    if hole.net == terms.target {
        return Ok(Holes::from([(terms.terms_hash, hole)]));
    }
    let [net, target] = [hole.net, terms.target].map(amount::eth);
    Err(UserError::new(format!("the hole leaves {net} to cover, and the target is {target}"))
        .within(document.path().display())
        .hint("correct one of them"))
}

fn read_terms(
    document: &Document,
    toml: &ScenarioToml,
    cast: &Cast,
    start: Timestamp,
) -> Result<TermsFile, UserError> {
    let (terms, source) = toml.terms.read(document, |text| cast.address_in_terms(text))?;
    let within = |error: UserError| error.within(document.path().display());
    if toml.terms.chain != CHAIN {
        let message = format!("a rehearsal is played on chain {CHAIN}, not {}", toml.terms.chain);
        return Err(within(UserError::new(message).hint(format!("write `chain = {CHAIN}` in `[terms]`"))));
    }
    if toml.tier_names.len() != terms.tiers.len() {
        let message =
            format!("there are {} tiers and {} tier_names", terms.tiers.len(), toml.tier_names.len());
        return Err(within(
            UserError::new(message).hint("give each `[[terms.tier]]` one name, in their order"),
        ));
    }
    let (path, edition) = (document.path().to_owned(), toml.terms.edition(document)?);
    let file = TermsFile { path, chain: CHAIN, edition, terms, document: source };
    file.check(start)?;
    Ok(file)
}

/// A source that is cited must be listed.
fn check_sources(toml: &ScenarioToml) -> Result<(), UserError> {
    let of_contributors = toml.contributor.iter().flat_map(|contributor| &contributor.source);
    let of_offers = toml.offer.iter().flat_map(|offer| &offer.get_ref().source);
    for cited in of_contributors.chain(of_offers) {
        if !toml.source.iter().any(|source| source.id == *cited) {
            return Err(UserError::new(format!("the source `{cited}` is cited but not listed"))
                .hint("add a `[[source]]` with its id, what it is and where it is"));
        }
    }
    Ok(())
}

impl Reader<'_> {
    fn compact(
        &self,
        toml: &AgreementToml,
        (start, edition): (Timestamp, Edition),
    ) -> Result<Agreed, UserError> {
        let since = self.document.field("since", &toml.since, time::parse_time)?;
        let wrong = |message: String, hint: &str| {
            Err(UserError::new(message).within(self.document.path().display()).hint(hint))
        };
        if since >= start {
            let hint = "a compact stands before there is a rescue: choose an earlier time";
            return wrong("the compact is created after the rescue".into(), hint);
        }
        if toml.terms.chain != CHAIN {
            let message = format!("a rehearsal is played on chain {CHAIN}, not {}", toml.terms.chain);
            return wrong(message, &format!("write `chain = {CHAIN}` in `[compact.terms]`"));
        }
        let file = toml.terms.read(self.document, Some(edition), |text| self.cast.address_in_terms(text))?;
        if file.edition != edition {
            let message = format!(
                "the compact takes rescues of edition {}, and the rescue is of {edition}",
                file.edition
            );
            return wrong(message, "leave `edition` out of `[compact.terms]`, and choose it in `[terms]`");
        }
        file.check()?;
        let steps = self.steps(&toml.step)?;
        let is_possible = |step: &&Step| {
            matches!(step.action, Action::Compact(_) | Action::Lido(_) | Action::Wait)
                && !matches!(step.when, Some(When::Around(..)))
        };
        if let Some(step) = steps.iter().find(|step| !is_possible(step)) {
            return Err(UserError::new(
                "before the rescue is created, this is not possible, or not at such a time",
            )
            .within(&step.place)
            .hint("put it into a `[[step]]`, or write a time as in `2026-01-05T12:00:00Z` or `+2 days`"));
        }
        Ok(Agreed { since, file, steps })
    }

    fn contributors(&self, toml: &[ContributorToml]) -> Result<Vec<Contributor>, UserError> {
        let read = |contributor: &ContributorToml| {
            let holds = contributor.holds.iter();
            Ok(Contributor {
                name: contributor.name.clone(),
                holds: holds
                    .map(|held| self.document.field("holds", held, Amount::parse))
                    .collect::<Result<_, _>>()?,
                stage: contributor.stage.clone(),
                note: contributor.note.clone(),
                source: contributor.source.clone(),
            })
        };
        toml.iter().map(read).collect()
    }

    fn steps(&self, toml: &[StepToml]) -> Result<Vec<Step>, UserError> {
        toml.iter().map(|step| Step::read(self, step)).collect()
    }

    fn endings(
        &self,
        endings: Vec<EndingToml>,
        expect: Option<ExpectToml>,
    ) -> Result<Vec<Ending>, UserError> {
        let wrong = |message| {
            Err(UserError::new(message)
                .within(self.document.path().display())
                .hint("write what must hold at the end in `[expect]`, or in `[ending.expect]` for each `[[ending]]`"))
        };
        match (endings.is_empty(), expect) {
            (true, Some(expect)) => {
                Ok(vec![Ending { name: None, steps: Vec::new(), expect: Expect::read(self, &expect)? }])
            }
            (false, None) => endings.iter().map(|ending| self.ending(ending)).collect(),
            (true, None) => wrong("it expects nothing"),
            (false, Some(_)) => wrong("it has both `[[ending]]` and `[expect]`"),
        }
    }

    fn ending(&self, ending: &EndingToml) -> Result<Ending, UserError> {
        Ok(Ending {
            name: Some(ending.name.clone()),
            steps: self.steps(&ending.step)?,
            expect: Expect::read(self, &ending.expect)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee_model::Asset;

    /// A scenario with one of everything.
    const TEXT: &str = r#"
        title = "t"
        about = "a"
        start = 2027-01-01T00:00:00Z
        share_rate = "1.2 ETH"
        tier_names = ["grant"]
        [[source]]
        id = "S1"
        what = "w"
        where = "p"
        [hole]
        gross = "130 ETH"
        [[hole.less]]
        what = "frozen"
        amount = "30 ETH"
        [terms]
        chain = 31337
        beneficiary = "beneficiary"
        steth = "stETH"
        wsteth = "wstETH"
        target = "100 ETH"
        deadline = "2027-01-15T00:00:00Z"
        latest_deadline = "2027-02-15T00:00:00Z"
        objection_period = "3 days"
        veto = "0 %"
        tranches = 1
        tranche_interval = "0 seconds"
        release_window = "30 days"
        exit_window = "3 days"
        terms_hash = "0x0707070707070707070707070707070707070707070707070707070707070707"
        [[terms.tier]]
        threshold = "100 %"
        order = 0
        rate = "0 %"
        [[contributor]]
        name = "Ada"
        holds = ["5 ETH", "1 wstETH"]
        source = ["S1"]
        [[offer]]
        name = "Bob"
        stage = "Expressed"
        why = "no amount"
        [[step]]
        do = "settle"
        [expect]
        status = "Open"
    "#;

    fn refusal(find: &str, replace: &str) -> String {
        assert!(TEXT.contains(find), "{find}");
        let document = Document::new("s.toml", TEXT.replacen(find, replace, 1));
        Scenario::read(&document).unwrap_err().to_string()
    }

    #[test]
    fn a_scenario_says_what_it_says() {
        let scenario = Scenario::read(&Document::new("s.toml", TEXT)).unwrap();
        assert_eq!(scenario.start, 1_798_761_600);
        assert_eq!(scenario.rate.get(), 1_200_000_000_000_000_000_000_000_000);
        assert_eq!(scenario.terms.steth, super::super::cast::tokens()[0]);
        assert_eq!(
            scenario.contributors[0].holds.iter().map(|held| held.asset()).collect::<Vec<_>>(),
            [Asset::Eth, Asset::WstEth]
        );
        assert_eq!((scenario.steps.len(), scenario.endings.len(), scenario.offers.len()), (1, 1, 1));
        assert_eq!(scenario.endings[0].name, None);
        let hole = &scenario.holes[&scenario.terms.terms_hash];
        assert_eq!([hole.gross, hole.net].map(amount::eth), ["130 ETH", "100 ETH"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_it_is_played() {
        let cases = [
            ("chain = 31337", "chain = 1", "s.toml: a rehearsal is played on chain 31337, not 1"),
            ("[\"grant\"]", "[\"grant\", \"loan\"]", "s.toml: there are 1 tiers and 2 tier_names"),
            (
                "\"30 ETH\"",
                "\"31 ETH\"",
                "s.toml: the hole leaves 99 ETH to cover, and the target is 100 ETH",
            ),
            ("[\"S1\"]", "[\"S2\"]", "s.toml: the source `S2` is cited but not listed"),
            (
                "[expect]",
                "[[ending]]\nname = \"e\"\n[ending.expect]\nstatus = \"Open\"\n[expect]",
                "s.toml: it has both `[[ending]]` and `[expect]`",
            ),
            ("[expect]\n        status = \"Open\"", "", "s.toml: it expects nothing"),
            ("\"100 %\"", "\"99 %\"", "s.toml: the last tier has a threshold of 99 %"),
        ];
        for (find, replace, message) in cases {
            assert_eq!(refusal(find, replace), message);
        }
        assert!(refusal("title = ", "titel = ").contains("unknown field `titel`"));
        assert!(refusal("\"1.2 ETH\"", "\"0 ETH\"").ends_with("share_rate: `0 ETH` is not a share rate"));
    }
}
