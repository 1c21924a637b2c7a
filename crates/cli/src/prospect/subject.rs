//! The rescue that is looked at: one on a chain, one that is only offered for, or that of a scenario.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{Blueprint, History};
use levee_model::{
    Amount as Booked, Change, Creation, Lido, Moment, PositionId, Rate, Refusal, Rescue, Terms, Timestamp,
    json::Account,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    offers::{Offer, Offers, Uncounted},
    roster::Roster,
};
use crate::{
    amount::Amount,
    document::Document,
    error::UserError,
    escape,
    history::HistoryArgs,
    rehearse::{
        cast,
        lido::Tokens,
        scenario::Scenario,
        step::{Action, Step},
    },
    terms::TermsFile,
    time,
};

/// Which rescue.
#[derive(Debug, Args)]
pub(crate) struct SubjectArgs {
    /// Look at the offers of this file (TOML) under the terms of `--terms`, before there is a rescue. No node is asked.
    #[arg(long, value_name = "FILE", requires = "terms", conflicts_with_all = ["rescue", "store", "scenario"])]
    offers: Option<PathBuf>,

    /// Look at the pledges with which this scenario of `levee rehearse` begins. No node is asked.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rescue", "terms", "store"])]
    scenario: Option<PathBuf>,

    /// When it is looked at, such as `2026-08-01T00:00:00Z`; default: now, for a scenario its start.
    #[arg(long, value_name = "TIME", value_parser = time::parse_time)]
    at: Option<Timestamp>,

    #[command(flatten)]
    history: HistoryArgs,
}

/// A rescue at a moment.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) source: Source,
    pub(crate) rescue: Rescue,
    /// Up to when everything is known: what is pledged or supposed is so then.
    known: Timestamp,
    /// When it is looked at.
    pub(crate) now: Moment,
    pub(crate) roster: Roster,
    pub(crate) uncounted: Vec<NotCounted>,
}

/// Where it comes from.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "from", rename_all_fields = "camelCase")]
pub(crate) enum Source {
    /// The logs of a rescue.
    #[serde(rename = "rescue")]
    Rescue {
        #[serde(with = "Account")]
        rescue: Address,
        chain: u64,
        block: u64,
    },
    /// A file of offers, and one of terms.
    #[serde(rename = "offers")]
    Offers { offers: PathBuf, terms: PathBuf },
    /// A scenario.
    #[serde(rename = "scenario")]
    Scenario {
        scenario: PathBuf,
        /// The first step that is not looked at; null if all are.
        until: Option<String>,
    },
}

/// Something that was said and is not counted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct NotCounted {
    pub(crate) name: String,
    pub(crate) tier: u8,
    pub(crate) why: Uncounted,
    /// Where more is said.
    pub(crate) link: Option<String>,
}

impl SubjectArgs {
    /// Reads it. `rate` is what a share is worth if nothing else says so.
    pub(crate) async fn read(&self, rate: Option<Rate>) -> Result<Subject> {
        let subject = match (&self.scenario, &self.offers, &self.history.rescue.terms) {
            (Some(scenario), ..) => of_scenario(scenario, self.at)?,
            (None, Some(offers), Some(terms)) => {
                of_offers(offers, terms, self.at.unwrap_or_else(time::clock), rate)?
            }
            _ => Subject::of_history(self.history.read().await?, self.at)?,
        };
        Ok(subject.with_rate(rate))
    }
}

impl Source {
    /// Its name, and what it is.
    pub(crate) fn fact(&self, now: Timestamp) -> (&'static str, String) {
        let shown = |path: &Path| escape::line(&path.display().to_string());
        match self {
            Self::Rescue { rescue, chain, block } => {
                ("rescue", format!("{rescue} on chain {chain}, as of block {block}, at {}", time::time(now)))
            }
            Self::Offers { offers, terms } => {
                ("offers", format!("{}, under the terms of {}", shown(offers), shown(terms)))
            }
            Self::Scenario { scenario, until } => {
                let until = until.as_ref().map_or_else(String::new, |step| format!(", up to {step}"));
                ("scenario", format!("the pledges of {}{until}", shown(scenario)))
            }
        }
    }
}

impl Subject {
    /// What a share is worth.
    ///
    /// # Errors
    /// If nobody said so.
    pub(crate) fn known_rate(&self) -> Result<Rate, UserError> {
        self.now.lido.rate().ok_or_else(no_rate)
    }

    /// An amount as the books hold it: stETH in shares, at the rate of now.
    pub(crate) fn booked(&self, amount: Amount) -> Result<Booked, UserError> {
        booked(amount, self.now.lido.rate())
    }

    /// The rescue of a history, looked at later than its block if that is said.
    pub(crate) fn of_history(history: History, at: Option<Timestamp>) -> Result<Self> {
        let now = history.moment();
        if let Some(at) = at.filter(|at| *at < now.time) {
            let [at, known] = [at, now.time].map(time::time);
            return Err(UserError::new(format!(
                "`--at {at}` is before {known}, up to when everything is known"
            ))
            .hint("choose a later time, or leave it out")
            .into());
        }
        let History { chain, block, address, rescue, .. } = history;
        Ok(Self {
            source: Source::Rescue { rescue: address, chain, block: block.number },
            rescue: Arc::unwrap_or_clone(rescue),
            known: now.time,
            now: Moment { time: at.unwrap_or(now.time), ..now },
            roster: Roster::default(),
            uncounted: Vec::new(),
        })
    }

    /// With a rate, if none is known.
    pub(crate) fn with_rate(mut self, rate: Option<Rate>) -> Self {
        if self.now.lido.rate().is_none() {
            self.now.lido = rate.map_or(Lido::Broken, Lido::Working);
        }
        self
    }

    /// Adds a pledge, by the rules.
    fn pledge(&mut self, pledger: Address, tier: u8, amount: Booked) -> Result<(), levee::Error> {
        let position = PositionId { pledger, tier, asset: amount.asset() };
        self.suppose(Change::Pledge { position, amount: amount.units() })
    }

    /// Changes the rescue, which takes pledges at the time up to which everything is known, whenever it is looked at.
    pub(crate) fn suppose(&mut self, change: Change) -> Result<(), levee::Error> {
        Ok(self.rescue.suppose(self.known, change)?)
    }
}

fn booked(amount: Amount, rate: Option<Rate>) -> Result<Booked, UserError> {
    match (amount, rate) {
        (Amount::StEth(_), None) => Err(no_rate()),
        // Only an amount of stETH is converted.
        (_, None) => Ok(Tokens::at(Rate::PAR).booked(amount)),
        (_, Some(rate)) => Ok(Tokens::at(rate).booked(amount)),
    }
}

fn no_rate() -> UserError {
    UserError::new("it is not known what a share of stETH is worth")
        .hint("give the value of one share first, as in `--share-rate '1.25 ETH'`")
}

fn of_offers(offers: &Path, terms: &Path, now: Timestamp, rate: Option<Rate>) -> Result<Subject> {
    let file = TermsFile::read(terms)?;
    file.check(now)?;
    let read = Offers::read(offers)?;
    let source = Source::Offers { offers: offers.to_owned(), terms: terms.to_owned() };
    let escrow = file.address()?;
    if let Some(rescue) = read.rescue.filter(|rescue| *rescue != escrow) {
        let [offers, terms] = [offers, terms].map(|path| path.display().to_string());
        return Err(UserError::new(format!(
            "the offers in `{offers}` are for the rescue `{rescue}`, but the terms in `{terms}` make `{escrow}`"
        ))
        .hint("check which of the two is meant")
        .into());
    }
    let mut subject = opened(source, escrow, file.terms, now, read.rate.or(rate))?;
    subject.roster = read.roster;
    for offer in read.offers {
        subject.offer(offer)?;
    }
    Ok(subject)
}

/// A rescue in which nobody has pledged anything yet.
fn opened(
    source: Source,
    escrow: Address,
    terms: Terms,
    now: Timestamp,
    rate: Option<Rate>,
) -> Result<Subject, levee::Error> {
    Ok(Subject {
        source,
        rescue: Rescue::open(escrow, terms, Creation { block: 0, time: now }).map_err(Refusal::from)?,
        known: now,
        now: Moment { time: now, lido: rate.map_or(Lido::Broken, Lido::Working) },
        roster: Roster::default(),
        uncounted: Vec::new(),
    })
}

impl Subject {
    /// Pledges what is offered, if it counts.
    fn offer(&mut self, offer: Offer) -> Result<()> {
        let counted = offer.counted(self.now.time);
        let Offer { name, account, tier, place, link, .. } = offer;
        match counted {
            Ok(amount) => {
                let amount = self.booked(amount).map_err(|error| error.within(&place))?;
                self.pledge(account, tier, amount).map_err(|error| at_place(&error, &place))?;
            }
            Err(why) => self.uncounted.push(NotCounted { name, tier, why, link }),
        }
        Ok(())
    }
}

/// A refusal of what a file says.
fn at_place(error: &levee::Error, place: &str) -> UserError {
    UserError::new(error.to_string()).within(place).hint("correct the file")
}

fn of_scenario(path: &Path, at: Option<Timestamp>) -> Result<Subject> {
    let scenario = Scenario::read(&Document::read(path)?)?;
    let escrow = Blueprint::escrow(&scenario.terms)?.in_edition(scenario.edition).address();
    let end = scenario.steps.iter().find(|step| !is_pledging(step));
    let until = end.map(|step| format!("`{}` in {}", step.kind, step.place));
    let source = Source::Scenario { scenario: path.to_owned(), until };
    let now = at.unwrap_or(scenario.start);
    let mut subject = opened(source, escrow, scenario.terms, now.min(scenario.start), Some(scenario.rate))?;
    subject.now.time = now;
    let named = scenario.cast.contributors().map(|name| (name.to_owned(), cast::address(name)));
    subject.roster = Roster::new(named.collect(), scenario.tier_names);
    for step in scenario.steps.iter().take_while(|step| is_pledging(step)) {
        if let (Action::Pledge { who, tier, amount, .. }, None) = (&step.action, &step.fails) {
            let amount = subject.booked(*amount)?;
            let made = subject.pledge(cast::address(who), *tier, amount);
            made.map_err(|error| at_place(&error, &step.place))?;
        }
    }
    Ok(subject)
}

/// Whether a step pledges, or changes nothing in the rescue.
const fn is_pledging(step: &Step) -> bool {
    let is_idle =
        matches!(step.action, Action::Pledge { .. } | Action::Declare(_) | Action::Enlist(_) | Action::Wait);
    is_idle || step.fails.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{prospect::wish::Wishes, terms::filled_template};
    use clap::{Command, FromArgMatches as _};
    use levee_model::{Bps, Status, Wei};

    const NOW: Timestamp = 1_785_542_400;
    const OFFERS: &str = r#"
        share_rate = "1.25 ETH"
        tier_names = ["grant", "loan", "full"]
        [[offer]]
        name = "Ada"
        tier = "grant"
        amount = "30000 ETH"
        [[offer]]
        name = "Ben"
        tier = "full"
        amount = "2500 stETH"
        [[offer]]
        name = "Cleo"
        tier = "loan"
        amount = "10000 wstETH"
        [[offer]]
        name = "Dora"
        tier = "grant"
    "#;

    /// Offers for a target of 68,900 ETH, half of which is 34,450.
    fn subject(offers: &str) -> Result<Subject> {
        let directory = tempfile::tempdir().unwrap();
        let [terms, path] = ["rescue.toml", "offers.toml"].map(|name| directory.path().join(name));
        std::fs::write(&terms, filled_template(NOW + 86_400)).unwrap();
        std::fs::write(&path, offers).unwrap();
        of_offers(&path, &terms, NOW, None)
    }

    /// The threshold that is met, coverage and draw in ETH.
    fn outcome(wishes: &[&str]) -> (u16, u128, u128) {
        let mut subject = subject(OFFERS).unwrap();
        let command = Wishes::augment_args(Command::new("what-if"));
        let matches = command.get_matches_from(["what-if"].iter().chain(wishes));
        Wishes::from_arg_matches(&matches).unwrap().apply(&mut subject).unwrap();
        let outcome = subject.rescue.outcome(subject.now);
        let whole = |wei: Wei| wei.get() / 10u128.pow(18);
        (outcome.view.threshold_met.get(), outcome.view.coverage.map_or(0, whole), whole(outcome.view.drawn))
    }

    #[test]
    fn offers_are_pledges_that_count_if_they_say_how_much() {
        let subject = subject(OFFERS).unwrap();
        let found: Vec<_> = subject.uncounted.iter().map(|one| (one.name.as_str(), one.why)).collect();
        assert_eq!(found, [("Dora", Uncounted::NoAmount)]);
        let ended = subject.rescue.outcome(subject.now);
        // 30,000 and 10,000 * 1.25 count toward 50 %, and 2,500 more toward 100 %.
        assert_eq!((ended.view.status, ended.view.threshold_met), (Status::Settled, Bps::new(5_000)));
        assert_eq!(outcome(&[]), (5_000, 45_000, 42_500));
    }

    #[test]
    fn suppositions_name_people_and_tiers_of_the_file() {
        assert_eq!(outcome(&["--without", "Cleo"]), (0, 32_500, 0));
        assert_eq!(
            outcome(&["--without", "Cleo", "--add", "4450 ETH tier grant from Eve"]),
            (5_000, 36_950, 34_450)
        );
        assert_eq!(outcome(&["--set", "Cleo = 3560 wstETH"]), (5_000, 36_950, 34_450));
        assert_eq!(outcome(&["--set", "Ben = 2500 stETH tier loan"]), (5_000, 47_500, 45_000));
        assert_eq!(outcome(&["--target", "45000 ETH"]), (10_000, 45_000, 45_000));
        // 12,000 shares at 1.
        assert_eq!(outcome(&["--share-rate", "-20%"]), (5_000, 42_000, 40_000));
    }

    #[test]
    fn what_is_not_there_cannot_be_changed() {
        let refusal = |wishes: &[&str]| {
            let mut subject = subject(OFFERS).unwrap();
            let matches = Wishes::augment_args(Command::new("what-if"))
                .get_matches_from(["what-if"].iter().chain(wishes));
            Wishes::from_arg_matches(&matches).unwrap().apply(&mut subject).unwrap_err().to_string()
        };
        assert_eq!(refusal(&["--without", "Eve"]), "no one is named `Eve`");
        assert_eq!(refusal(&["--without", "Dora"]), "`Dora` has pledged nothing");
        assert_eq!(refusal(&["--set", "Ada = 5 stETH"]), "`Ada` has pledged no stETH");
        assert_eq!(refusal(&["--add", "5 ETH tier gift"]), "no tier is named `gift`");
        assert_eq!(
            refusal(&["--add", "5 ETH tier 3"]),
            "there is no tier 3: the rescue has 3, counted from 0"
        );
        let twice = ["--add", "5 ETH tier loan from Ada", "--set", "Ada = 5 ETH"];
        assert_eq!(refusal(&twice), "`Ada` has pledged ETH into several tiers");
    }

    #[test]
    fn offers_in_steth_need_a_rate() {
        let error = subject(&OFFERS.replace("share_rate = \"1.25 ETH\"", "")).unwrap_err();
        assert!(
            error.to_string().ends_with("offers.toml:9: it is not known what a share of stETH is worth"),
            "{error}"
        );
        let error = subject(&OFFERS.replace("tier = \"full\"", "tier = 3")).unwrap_err().to_string();
        assert!(
            error.ends_with("offers.toml:9: there is no tier 3: the rescue has 3, counted from 0"),
            "{error}"
        );
    }

    #[test]
    fn a_scenario_begins_with_its_pledges() {
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let subject = of_scenario(&scenarios.join("article-2026-04-24.toml"), None).unwrap();
        let outcome = subject.rescue.outcome(subject.now);
        assert_eq!(outcome.view.coverage, Some(Wei::new(43_500 * 10u128.pow(18))));
        let far = subject.now.time + 1_000 * 86_400;
        let late = of_scenario(&scenarios.join("article-2026-04-24.toml"), Some(far)).unwrap();
        assert_eq!(late.rescue.outcome(late.now).view.coverage, outcome.view.coverage);
        assert!(matches!(subject.source, Source::Scenario { until: None, .. }));
        let subject = of_scenario(&scenarios.join("amendment.toml"), None).unwrap();
        let Source::Scenario { until: Some(until), .. } = subject.source else {
            panic!("{:?}", subject.source)
        };
        assert!(until.starts_with("`decline` in "), "{until}");
    }
}
