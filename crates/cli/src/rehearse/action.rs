//! The steps of a scenario: what can be done, and which keys each needs.

use levee_model::{Asset, Rate, Timestamp, Wei};
use toml::Spanned;

use super::{
    cast::GUARDIAN,
    format::{StepToml, TierToml},
    lido::worth_of_share,
    scenario::{Reader, parse_rate},
    when::When,
};
use crate::{
    amount::{self, Amount},
    error::UserError,
    time,
};

/// One step of a scenario.
#[derive(Debug)]
pub(crate) struct Step {
    /// When; none right after the step before.
    pub(crate) when: Option<When>,
    pub(crate) action: Action,
    /// The error that must refuse it; none when it must succeed.
    pub(crate) fails: Option<String>,
    pub(crate) note: Option<String>,
    /// Where it is in the file.
    pub(crate) place: String,
}

/// What a step does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Pledge {
        who: String,
        tier: u8,
        amount: Amount,
    },
    Settle,
    Expire,
    Lapse,
    /// Without an asset: of each of which something is due.
    Release(Option<Asset>),
    Refund(Positions),
    Exit(Positions),
    Object(Positions),
    Decline {
        by: String,
        positions: Positions,
    },
    Cancel {
        by: String,
    },
    /// Without a deadline the one in force stays.
    Amend {
        by: String,
        target: Wei,
        deadline: Option<Timestamp>,
    },
    Lido(LidoChange),
    /// `who` takes no ETH from now on, like a contract without a way to receive it.
    Refuse {
        who: String,
    },
    /// Time passes, nothing else.
    Wait,
}

/// Positions that a step is about: all that fit what is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Positions {
    pub(crate) who: Option<String>,
    pub(crate) tier: Option<u8>,
    pub(crate) asset: Option<Asset>,
}

/// What befalls stETH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LidoChange {
    /// Its shares are worth something else from now on.
    Rebase(Rate),
    /// It does not move, its rate can be read.
    Pause,
    /// It moves again.
    Resume,
    /// Every call to it reverts.
    Break,
    /// It is as it was before it broke.
    Mend,
}

const VERBS: &str = "pledge, settle, release, refund, exit, object, cancel, lapse, expire, decline, amend, rebase, \
    pause, resume, break, mend, refuse and wait";

impl Step {
    /// Reads a step: `do` says which keys it needs, and no others are taken.
    pub(crate) fn read(reader: &Reader<'_>, toml: &StepToml) -> Result<Self, UserError> {
        let keys = Keys { reader, toml };
        keys.only_allowed()?;
        let when = toml.at.as_ref().map(|at| reader.document.field("at", at, When::parse)).transpose()?;
        Ok(Self {
            when,
            action: keys.action()?,
            fails: toml.fails.clone(),
            note: toml.note.clone(),
            place: reader.document.place(toml.verb.span().start),
        })
    }
}

/// The keys that a verb may have besides `at`, `fails` and `note`; none for a verb that there is not.
fn allowed(verb: &str) -> Option<&'static [&'static str]> {
    Some(match verb {
        "pledge" => &["who", "amount", "tier"],
        "settle" | "expire" | "lapse" | "pause" | "resume" | "break" | "mend" | "wait" => &[],
        "release" => &["asset"],
        "refund" | "exit" | "object" => &["who", "tier", "asset"],
        "decline" => &["by", "who", "tier", "asset"],
        "cancel" => &["by"],
        "refuse" => &["who"],
        "amend" => &["by", "target", "deadline"],
        "rebase" => &["rate"],
        _ => return None,
    })
}

struct Keys<'a> {
    reader: &'a Reader<'a>,
    toml: &'a StepToml,
}

impl Keys<'_> {
    fn verb(&self) -> &str {
        self.toml.verb.get_ref()
    }

    /// An error at the step's own place.
    fn error(&self, message: String, hint: &str) -> UserError {
        let refuse = |_: &str| Err::<(), _>(UserError::new(message).hint(hint));
        match self.reader.document.field("do", &self.toml.verb, refuse) {
            Err(error) => error,
            Ok(()) => unreachable!("it only refuses"),
        }
    }

    fn only_allowed(&self) -> Result<(), UserError> {
        let allowed = allowed(self.verb())
            .ok_or_else(|| self.error(format!("there is no step `{}`", self.verb()), VERBS))?;
        let StepToml { who, by, amount, tier, asset, target, deadline, rate, .. } = self.toml;
        let given = [
            ("who", who.is_some()),
            ("by", by.is_some()),
            ("amount", amount.is_some()),
            ("tier", tier.is_some()),
            ("asset", asset.is_some()),
            ("target", target.is_some()),
            ("deadline", deadline.is_some()),
            ("rate", rate.is_some()),
        ];
        match given.into_iter().find(|(key, given)| *given && !allowed.contains(key)) {
            Some((key, _)) => Err(self.error(format!("`{}` takes no {key}", self.verb()), "leave it out")),
            None => Ok(()),
        }
    }

    fn action(&self) -> Result<Action, UserError> {
        Ok(match self.verb() {
            "pledge" => Action::Pledge {
                who: self.name("who", &self.toml.who)?,
                tier: self.required("tier", self.tier()?)?,
                amount: self.read("amount", &self.toml.amount, Amount::parse)?,
            },
            "settle" => Action::Settle,
            "expire" => Action::Expire,
            "lapse" => Action::Lapse,
            "release" => Action::Release(self.asset()?),
            "refund" => Action::Refund(self.positions()?),
            "exit" => Action::Exit(self.own_positions()?),
            "object" => Action::Object(self.own_positions()?),
            "decline" => Action::Decline { by: self.by()?, positions: self.own_positions()? },
            "cancel" => Action::Cancel { by: self.by()? },
            "amend" => self.amend()?,
            "rebase" => Action::Lido(LidoChange::Rebase(self.read("rate", &self.toml.rate, parse_rate)?)),
            "pause" => Action::Lido(LidoChange::Pause),
            "resume" => Action::Lido(LidoChange::Resume),
            "break" => Action::Lido(LidoChange::Break),
            "mend" => Action::Lido(LidoChange::Mend),
            "refuse" => Action::Refuse { who: self.name("who", &self.toml.who)? },
            _ => Action::Wait,
        })
    }

    fn amend(&self) -> Result<Action, UserError> {
        let deadline = self.toml.deadline.as_ref();
        Ok(Action::Amend {
            by: self.by()?,
            target: self.read("target", &self.toml.target, amount::parse_eth)?,
            deadline: deadline
                .map(|time| self.reader.document.field("deadline", time, time::parse_time))
                .transpose()?,
        })
    }

    fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, UserError> {
        value.ok_or_else(|| self.error(format!("`{}` needs {key}", self.verb()), "add it to the step"))
    }

    fn read<T>(
        &self,
        key: &str,
        value: &Option<Spanned<String>>,
        parse: impl FnOnce(&str) -> Result<T, UserError>,
    ) -> Result<T, UserError> {
        let value = self.required(key, value.as_ref())?;
        self.reader.document.field(key, value, parse)
    }

    fn name(&self, key: &str, value: &Option<Spanned<String>>) -> Result<String, UserError> {
        self.read(key, value, |name| self.reader.cast.find(name))
    }

    /// Who calls what only the guardian may.
    fn by(&self) -> Result<String, UserError> {
        match &self.toml.by {
            Some(_) => self.name("by", &self.toml.by),
            None => Ok(GUARDIAN.to_owned()),
        }
    }

    fn tier(&self) -> Result<Option<u8>, UserError> {
        let Some(tier) = &self.toml.tier else { return Ok(None) };
        let name = match tier.get_ref() {
            TierToml::Number(number) => number.to_string(),
            TierToml::Name(name) => name.clone(),
        };
        self.reader
            .tier(&name)
            .map(Some)
            .map_err(|error| error.within(self.reader.document.place(tier.span().start)))
    }

    fn asset(&self) -> Result<Option<Asset>, UserError> {
        let asset = self.toml.asset.as_ref();
        asset.map(|asset| self.reader.document.field("asset", asset, amount::parse_asset)).transpose()
    }

    fn positions(&self) -> Result<Positions, UserError> {
        let who = self.toml.who.as_ref().map(|_| self.name("who", &self.toml.who)).transpose()?;
        Ok(Positions { who, tier: self.tier()?, asset: self.asset()? })
    }

    /// Positions of somebody who must be named.
    fn own_positions(&self) -> Result<Positions, UserError> {
        self.required("who", self.toml.who.as_ref())?;
        self.positions()
    }
}

impl LidoChange {
    /// The verb, as a scenario has it.
    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::Rebase(_) => "rebase",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Break => "break",
            Self::Mend => "mend",
        }
    }

    /// What it means.
    pub(crate) fn told(self) -> String {
        match self {
            Self::Rebase(rate) => format!("one stETH share is worth {}", worth_of_share(rate)),
            Self::Pause => "stETH does not move; its rate can be read".into(),
            Self::Resume => "stETH moves again".into(),
            Self::Break => "every call of stETH reverts".into(),
            Self::Mend => "stETH works again".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cast::Cast;
    use super::*;
    use crate::document::Document;

    fn read(text: &str) -> Result<Step, String> {
        let document = Document::new("s.toml", text);
        let cast = Cast::new(vec!["Ada".to_owned()]).unwrap();
        let tier_names = ["grant".to_owned(), "loan".to_owned()];
        let reader = Reader { document: &document, cast: &cast, tier_names: &tier_names };
        let toml: StepToml = document.parse().map_err(|error| error.to_string())?;
        Step::read(&reader, &toml).map_err(|error| error.to_string())
    }

    #[test]
    fn a_pledge_names_its_tier_by_name_or_number() {
        for tier in ["\"loan\"", "1"] {
            let step =
                read(&format!("do = \"pledge\"\nwho = \"Ada\"\namount = \"5 ETH\"\ntier = {tier}")).unwrap();
            let amount = Amount::Eth(Wei::new(5 * 10u128.pow(18)));
            assert_eq!(step.action, Action::Pledge { who: "Ada".to_owned(), tier: 1, amount });
            assert_eq!((step.when, step.fails, step.place.as_str()), (None, None, "s.toml:1"));
        }
    }

    #[test]
    fn only_the_guardian_decides_unless_somebody_else_tries() {
        let cancel = |by: &str| Action::Cancel { by: by.to_owned() };
        assert_eq!(read("do = \"cancel\"").unwrap().action, cancel("guardian"));
        assert_eq!(read("do = \"cancel\"\nby = \"Ada\"").unwrap().action, cancel("Ada"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_at_its_line() {
        let cases = [
            ("do = \"dance\"", "s.toml:1: do: there is no step `dance`"),
            ("\ndo = \"pledge\"", "s.toml:2: do: `pledge` needs who"),
            ("do = \"settle\"\nwho = \"Ada\"", "s.toml:1: do: `settle` takes no who"),
            ("do = \"exit\"", "s.toml:1: do: `exit` needs who"),
            ("do = \"exit\"\nwho = \"Bob\"", "s.toml:2: who: nobody is called `Bob`"),
            ("do = \"refund\"\ntier = \"gift\"", "s.toml:2: no tier is called `gift`"),
            ("do = \"wait\"\nat = \"soon\"", "s.toml:2: at: `soon` is not a moment of a rescue"),
            ("do = \"rebase\"\nrate = \"1.2\"", "s.toml:2: rate: `1.2` has no unit"),
        ];
        for (text, message) in cases {
            assert_eq!(read(text).unwrap_err(), message);
        }
    }

    #[test]
    fn every_verb_is_known_and_listed() {
        let listed = VERBS.replace(" and ", ", ");
        let listed: Vec<_> = listed.split(", ").map(str::trim).collect();
        assert_eq!(listed.len(), 18);
        assert!(listed.iter().all(|verb| allowed(verb).is_some()), "{listed:?}");
    }
}
