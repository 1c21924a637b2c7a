//! The keys of a step: which ones it accepts, and their meaning.

use levee::Stage;
use levee_model::{Asset, Wei};
use toml::Spanned;

use super::{
    action::{Action, Collect, Declare, Knows, LidoChange, Positions, With},
    cast::GUARDIAN,
    format::{StepToml, TierToml},
    scenario::{Reader, parse_rate},
    when::When,
};
use crate::{
    amount::{self, Amount},
    error::UserError,
    time,
};

/// Every kind of step, with its allowed keys apart from `at`, `fails` and `note`.
const VERBS: [(&str, &[&str]); 26] = [
    ("pledge", &["who", "amount", "tier", "with", "amendment"]),
    ("settle", &[]),
    ("release", &["asset"]),
    ("refund", &["who", "tier", "asset"]),
    ("exit", &["who", "tier", "asset"]),
    ("object", &["who", "tier", "asset"]),
    ("collect", &["who", "asset", "to"]),
    ("cancel", &["by"]),
    ("lapse", &[]),
    ("expire", &[]),
    ("decline", &["by", "who", "tier", "asset"]),
    ("amend", &["by", "target", "deadline"]),
    ("recover", &["by", "amount"]),
    ("claim", &["who", "tier", "asset"]),
    ("bonus add", &["who", "amount"]),
    ("bonus enlist", &["who", "tier", "asset"]),
    ("bonus claim", &["who", "tier", "asset"]),
    ("bonus take back", &["who"]),
    ("declare", &["who", "by", "stage", "tier", "amount", "expiry", "link"]),
    ("rebase", &["rate"]),
    ("pause", &[]),
    ("resume", &[]),
    ("break", &[]),
    ("repair", &[]),
    ("refuse", &["who"]),
    ("wait", &[]),
];

/// The keys of one step, all of which it accepts.
pub(crate) struct Keys<'a> {
    reader: &'a Reader<'a>,
    toml: &'a StepToml,
}

impl<'a> Keys<'a> {
    /// Fails on an unknown kind of step, and on a key that it does not accept.
    pub(crate) fn new(reader: &'a Reader<'a>, toml: &'a StepToml) -> Result<Self, UserError> {
        let keys = Self { reader, toml };
        let Some((_, allowed)) = VERBS.iter().find(|(verb, _)| *verb == keys.verb()) else {
            let all = VERBS.map(|(verb, _)| verb).join(", ");
            return Err(keys.error(format!("`{}` is not a step", keys.verb()), &format!("they are {all}")));
        };
        match keys.given().into_iter().find(|key| !allowed.contains(key)) {
            Some(key) => Err(keys.error(format!("`{}` does not take {key}", keys.verb()), "leave it out")),
            None => Ok(keys),
        }
    }

    /// The names of the keys that the step has.
    fn given(&self) -> Vec<&'static str> {
        let StepToml {
            who,
            by,
            amount,
            tier,
            asset,
            target,
            deadline,
            rate,
            with,
            amendment,
            to,
            stage,
            expiry,
            link,
            ..
        } = self.toml;
        let all = [
            ("who", who.is_some()),
            ("by", by.is_some()),
            ("amount", amount.is_some()),
            ("tier", tier.is_some()),
            ("asset", asset.is_some()),
            ("target", target.is_some()),
            ("deadline", deadline.is_some()),
            ("rate", rate.is_some()),
            ("with", with.is_some()),
            ("amendment", amendment.is_some()),
            ("to", to.is_some()),
            ("stage", stage.is_some()),
            ("expiry", expiry.is_some()),
            ("link", link.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect()
    }

    fn verb(&self) -> &str {
        self.toml.verb.get_ref()
    }

    /// An error located at the step.
    fn error(&self, message: String, hint: &str) -> UserError {
        let refuse = |_: &str| Err::<(), _>(UserError::new(message).hint(hint));
        match self.reader.document.field("do", &self.toml.verb, refuse) {
            Err(error) => error,
            Ok(()) => unreachable!("it only refuses"),
        }
    }

    /// What the step does.
    pub(crate) fn action(&self) -> Result<Action, UserError> {
        Ok(match self.verb() {
            "pledge" => self.pledge()?,
            "settle" => Action::Settle,
            "expire" => Action::Expire,
            "lapse" => Action::Lapse,
            "release" => Action::Release(self.asset()?),
            "refund" => Action::Refund(self.positions()?),
            "exit" => Action::Exit(self.own_positions()?),
            "object" => Action::Object(self.own_positions()?),
            "collect" => Action::Collect(self.collect()?),
            "decline" => Action::Decline { by: self.by()?, positions: self.own_positions()? },
            "cancel" => Action::Cancel { by: self.by()? },
            "amend" => self.amend()?,
            "recover" => {
                Action::Recover { by: self.name_if_given("by", &self.toml.by)?, amount: self.eth()? }
            }
            "claim" => Action::Claim(self.positions()?),
            "declare" => Action::Declare(self.declare()?),
            _ => self.action_around()?,
        })
    }

    /// Of the bonus pool, of stETH, of an account or of time alone.
    fn action_around(&self) -> Result<Action, UserError> {
        Ok(match self.verb() {
            "bonus add" => Action::AddBonus { who: self.name("who", &self.toml.who)?, amount: self.eth()? },
            "bonus enlist" => Action::Enlist(self.positions()?),
            "bonus claim" => Action::ClaimBonus(self.positions()?),
            "bonus take back" => Action::TakeBack { who: self.name_if_given("who", &self.toml.who)? },
            "rebase" => Action::Lido(LidoChange::Rebase(self.read("rate", &self.toml.rate, parse_rate)?)),
            "pause" => Action::Lido(LidoChange::Pause),
            "resume" => Action::Lido(LidoChange::Resume),
            "break" => Action::Lido(LidoChange::Break),
            "repair" => Action::Lido(LidoChange::Repair),
            "refuse" => Action::Refuse { who: self.name("who", &self.toml.who)? },
            _ => Action::Wait,
        })
    }

    fn pledge(&self) -> Result<Action, UserError> {
        let (who, tier) = (self.name("who", &self.toml.who)?, self.required("tier", self.tier()?)?);
        let amount = self.read("amount", &self.toml.amount, Amount::parse)?;
        let with = match &self.toml.with {
            Some(with) => self.reader.document.field("with", with, |text| parse_with(text, amount))?,
            None => With::Itself,
        };
        let amendment = self.toml.amendment.as_ref();
        let knows = amendment.map(|text| self.reader.document.field("amendment", text, parse_knows));
        Ok(Action::Pledge { who, tier, amount, with, knows: knows.transpose()?.unwrap_or(Knows::Latest) })
    }

    fn collect(&self) -> Result<Collect, UserError> {
        let who = self.name("who", &self.toml.who)?;
        Ok(Collect { who, asset: self.asset()?, to: self.name_if_given("to", &self.toml.to)? })
    }

    fn declare(&self) -> Result<Declare, UserError> {
        let document = self.reader.document;
        let amount = self.toml.amount.as_ref().map(|_| self.eth()).transpose()?;
        // To the board, zero is unknown.
        let amount = amount.filter(|amount| !amount.is_zero());
        let expiry = self.toml.expiry.as_ref();
        let link = self.toml.link.as_ref();
        Ok(Declare {
            who: self.name("who", &self.toml.who)?,
            by: self.name_if_given("by", &self.toml.by)?,
            stage: self.read("stage", &self.toml.stage, parse_stage)?,
            tier: self.required("tier", self.tier()?)?,
            amount,
            expiry: expiry.map(|expiry| document.field("expiry", expiry, When::parse)).transpose()?,
            link: link.map_or_else(String::new, |link| link.get_ref().clone()),
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

    fn name_if_given(&self, key: &str, value: &Option<Spanned<String>>) -> Result<Option<String>, UserError> {
        value.as_ref().map(|_| self.name(key, value)).transpose()
    }

    fn eth(&self) -> Result<Wei, UserError> {
        self.read("amount", &self.toml.amount, amount::parse_eth)
    }

    /// Who makes a call reserved to the guardian.
    fn by(&self) -> Result<String, UserError> {
        Ok(self.name_if_given("by", &self.toml.by)?.unwrap_or_else(|| GUARDIAN.to_owned()))
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
        let who = self.name_if_given("who", &self.toml.who)?;
        Ok(Positions { who, tier: self.tier()?, asset: self.asset()? })
    }

    /// Positions of a contributor that must be named.
    fn own_positions(&self) -> Result<Positions, UserError> {
        self.required("who", self.toml.who.as_ref())?;
        self.positions()
    }
}

/// Reads what `amount` is paid with besides itself.
fn parse_with(text: &str, amount: Amount) -> Result<With, UserError> {
    match (text, amount.asset()) {
        ("router", Asset::Eth) => Ok(With::Router),
        ("WETH", Asset::Eth) => Ok(With::Weth),
        ("permit", Asset::StEth | Asset::WstEth) => Ok(With::Permit),
        (_, asset) => Err(UserError::new(format!("{asset} cannot be pledged with `{text}`"))
            .hint("write `router` or `WETH` for ETH, `permit` for stETH and wstETH, or leave it out")),
    }
}

/// Reads which amendment a pledge names.
fn parse_knows(text: &str) -> Result<Knows, UserError> {
    match text {
        "latest" => Ok(Knows::Latest),
        "none" => Ok(Knows::Nothing),
        _ => Err(UserError::new(format!("`{text}` is not an amendment that a pledge can name"))
            .hint("write `latest`, or `none` for a pledge that was decided before there was an amendment")),
    }
}

/// Reads the stage of a declaration.
fn parse_stage(text: &str) -> Result<Stage, UserError> {
    Stage::ALL.into_iter().find(|stage| stage.to_string() == text).ok_or_else(|| {
        let all = Stage::ALL.map(|stage| stage.to_string()).join(", ");
        UserError::new(format!("`{text}` is not a stage")).hint(format!("they are {all}"))
    })
}
