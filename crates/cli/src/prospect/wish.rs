//! What is supposed to be otherwise, in the order in which it is written.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use eyre::Result;
use levee_model::{Change, Lido, PositionId, Rate, Rescue, Status, Wei};
use schemars::JsonSchema;
use serde::Serialize;

use super::{roster::Roster, subject::Subject};
use crate::{
    amount::{self, Amount},
    error::UserError,
    percent,
};

/// Who pledges what nobody is said to pledge.
const NOBODY: &str = "a new pledger";

/// One thing that is supposed, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    Without(String),
    Add { amount: Amount, tier: String, from: Option<String> },
    Set { who: String, amount: Amount, tier: Option<String> },
    Target(Wei),
    ShareRate(RateWish),
}

/// Another share rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RateWish {
    Exactly(Rate),
    /// So many basis points of what it was before.
    Part(u16),
}

/// What a wish comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Supposed {
    /// Of the rescue.
    Rescue(Change),
    /// Of stETH.
    ShareRate(RateChange),
}

/// Another share rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "change", rename = "ShareRate")]
pub(crate) struct RateChange {
    #[serde(rename = "rateWeiPer1e27Shares")]
    rate: Rate,
}

/// All that is supposed, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes(pub(crate) Vec<Wish>);

type Parse = fn(&str) -> Result<Wish, UserError>;
/// An option, what it takes, what it means, and how it is read.
type WishOption = (&'static str, &'static str, &'static str, Parse);

const SHARE_RATE: &str = "share-rate";
const OPTIONS: [WishOption; 5] = [
    (
        "without",
        "WHO",
        "Suppose that this pledger, an address or a name of the file, pledges nothing.",
        |text| Ok(Wish::Without(text.to_owned())),
    ),
    (
        "add",
        "PLEDGE",
        "Suppose another pledge, as in `25000 ETH tier 0` or `25000 ETH tier 0 from WHO`; the tier by its number, or by its name in the \
         file.",
        parse_add,
    ),
    (
        "set",
        "WHO=AMOUNT",
        "Suppose that a pledger pledges another amount, as in `Mantle = 20000 ETH`, or `Mantle = 20000 ETH tier 1` if it is in several \
         tiers.",
        parse_set,
    ),
    ("target", "AMOUNT", "Suppose another target, as in `60000 ETH`.", |text| {
        amount::parse_eth(text).map(Wish::Target)
    }),
    (
        SHARE_RATE,
        "RATE",
        "Suppose that one share of stETH, or one wstETH, is worth this, as in `1.25 ETH`, or so much more or less, as in `-5%`.",
        |text| parse_rate(text).map(Wish::ShareRate),
    ),
];

impl Args for Wishes {
    fn augment_args(command: Command) -> Command {
        OPTIONS.into_iter().fold(command, |command, (name, value, help, parse)| {
            let option = Arg::new(name).long(name).value_name(value).help(help).value_parser(parse);
            let option = option.action(ArgAction::Append).help_heading("Suppositions");
            // Only a change can begin with a minus sign.
            command.arg(option.allow_hyphen_values(name == SHARE_RATE))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Wishes {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |name| {
            let wishes = matches.get_many::<Wish>(name).into_iter().flatten().cloned();
            matches.indices_of(name).into_iter().flatten().zip(wishes)
        };
        let mut all: Vec<_> = OPTIONS.into_iter().flat_map(|(name, ..)| given(name)).collect();
        all.sort_by_key(|(index, _)| *index);
        Ok(Self(all.into_iter().map(|(_, wish)| wish).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Reads `25000 ETH tier 0 from WHO`.
fn parse_add(text: &str) -> Result<Wish, UserError> {
    let (amount, rest) = text.split_once(" tier ").ok_or_else(|| {
        UserError::new(format!("`{text}` names no tier"))
            .hint("write the amount and the tier, as in `25000 ETH tier 0`")
    })?;
    let (tier, from) = match rest.rsplit_once(" from ") {
        Some((tier, from)) => (tier, Some(from.trim().to_owned())),
        None => (rest, None),
    };
    Ok(Wish::Add { amount: Amount::parse(amount)?, tier: tier.trim().to_owned(), from })
}

/// Reads `Mantle = 20000 ETH tier 1`.
fn parse_set(text: &str) -> Result<Wish, UserError> {
    let (who, pledge) = text.rsplit_once('=').ok_or_else(|| {
        UserError::new(format!("`{text}` has no `=`"))
            .hint("write who pledges what, as in `Mantle = 20000 ETH`")
    })?;
    let (amount, tier) = match pledge.split_once(" tier ") {
        Some((amount, tier)) => (amount, Some(tier.trim().to_owned())),
        None => (pledge, None),
    };
    Ok(Wish::Set { who: who.trim().to_owned(), amount: Amount::parse(amount)?, tier })
}

/// Reads `1.25 ETH`, `-5%` or `+0.5 %`.
fn parse_rate(text: &str) -> Result<RateWish, UserError> {
    let (less, change) = match (text.strip_prefix('-'), text.strip_prefix('+')) {
        (Some(change), _) => (true, change),
        (_, Some(change)) => (false, change),
        _ => return amount::parse_rate(text).map(RateWish::Exactly),
    };
    let bps = percent::parse(change)?.get();
    let part = if less { 10_000u16.checked_sub(bps) } else { 10_000u16.checked_add(bps) };
    part.filter(|part| *part > 0).map(RateWish::Part).ok_or_else(|| {
        UserError::new(format!("`{text}` is too large a change"))
            .hint("write the value itself, as in `1.25 ETH`")
    })
}

impl Wishes {
    /// The rate that is supposed before anything else, if one is: it is then that of the subject, if no other is known.
    pub(crate) fn first_rate(&self) -> Option<Rate> {
        match self.0.first() {
            Some(Wish::ShareRate(RateWish::Exactly(rate))) => Some(*rate),
            _ => None,
        }
    }

    /// Changes the subject as is supposed, one after the other.
    pub(crate) fn apply(&self, subject: &mut Subject) -> Result<Vec<Supposed>> {
        self.0.iter().map(|wish| wish.apply(subject)).collect()
    }
}

impl Wish {
    fn apply(&self, subject: &mut Subject) -> Result<Supposed> {
        let change = match self {
            Self::Without(who) => subject.without(who)?,
            Self::Add { amount, tier, from } => {
                subject.add(*amount, tier, from.as_deref().unwrap_or(NOBODY))?
            }
            Self::Set { who, amount, tier } => subject.set(who, *amount, tier.as_deref())?,
            Self::Target(target) => Change::Target { target: *target },
            Self::ShareRate(wish) => return subject.revalue(*wish).map(Supposed::ShareRate),
        };
        subject.suppose(change)?;
        Ok(Supposed::Rescue(change))
    }
}

impl Subject {
    fn without(&self, who: &str) -> Result<Change, UserError> {
        let pledger = self.roster.find(who)?;
        match self.rescue.positions_of(pledger).next() {
            Some(_) => Ok(Change::Without { pledger }),
            None => Err(UserError::new(format!("`{who}` has pledged nothing"))
                .hint("check the address or the name; without options, everyone's pledges are shown")),
        }
    }

    fn add(&mut self, amount: Amount, tier: &str, from: &str) -> Result<Change, UserError> {
        let (tier, booked) = (self.roster.tier(tier)?, self.booked(amount)?);
        let pledger = self.roster.find_or_add(from)?;
        let position = PositionId { pledger, tier, asset: booked.asset() };
        Ok(Change::Pledge { position, amount: booked.units() })
    }

    fn set(&self, who: &str, amount: Amount, tier: Option<&str>) -> Result<Change, UserError> {
        let (pledger, booked) = (self.roster.find(who)?, self.booked(amount)?);
        let tier = match tier {
            Some(tier) => self.roster.tier(tier)?,
            None => only_tier(&self.rescue, PositionId { pledger, tier: 0, asset: booked.asset() }, who)?,
        };
        let position = PositionId { pledger, tier, asset: booked.asset() };
        Ok(Change::Amount { position, amount: booked.units() })
    }

    fn revalue(&mut self, wish: RateWish) -> Result<RateChange> {
        if self.rescue.stored_status() != Status::Open {
            return Err(UserError::new("the rescue is decided, at the share rate that it recorded")
                .hint("leave `--share-rate` out")
                .into());
        }
        let rate = match wish {
            RateWish::Exactly(rate) => Some(rate),
            RateWish::Part(bps) => self.known_rate()?.part_down(bps),
        };
        let rate = rate.ok_or_else(|| {
            UserError::new("the share rate would be out of bounds")
                .hint("write the value itself, as in `1.25 ETH`")
        })?;
        self.now.lido = Lido::Working(rate);
        Ok(RateChange { rate })
    }
}

/// The only tier in which a pledger has a position in this asset.
fn only_tier(rescue: &Rescue, id: PositionId, who: &str) -> Result<u8, UserError> {
    let tiers: Vec<u8> = rescue
        .positions_of(id.pledger)
        .map(|(position, _)| position)
        .filter(|position| position.asset == id.asset)
        .map(|position| position.tier)
        .collect();
    match tiers[..] {
        [tier] => Ok(tier),
        [] => Err(UserError::new(format!("`{who}` has pledged no {}", id.asset))
            .hint("name the tier of a new pledge, as in `WHO = 5 ETH tier 0`")),
        _ => Err(UserError::new(format!("`{who}` has pledged {} into several tiers", id.asset))
            .hint("name the tier, as in `WHO = 5 ETH tier 0`")),
    }
}

/// What is looked at, what does not count, and what is supposed.
pub(crate) fn opening(subject: &Subject, supposed: &[Supposed]) -> Vec<(&'static str, String)> {
    let Subject { source, now, roster, uncounted, .. } = subject;
    let uncounted = uncounted.iter().map(|one| {
        let tier = roster.tier_text(one.tier);
        let link = one.link.as_ref().map_or_else(String::new, |link| format!("; see {link}"));
        ("not counted", format!("{} for tier {tier}: {}{link}", one.name, one.why.text()))
    });
    let supposed = supposed.iter().map(|one| ("suppose", text_of(one, roster, now.lido.rate())));
    std::iter::once(source.fact(now.time)).chain(uncounted).chain(supposed).collect()
}

/// A wish that came to something, as a sentence.
fn text_of(supposed: &Supposed, roster: &Roster, rate: Option<Rate>) -> String {
    let shown = |position: &PositionId, amount| amount::units(amount, position.asset, rate);
    let place = |position: &PositionId| roster.tier_text(position.tier);
    match supposed {
        Supposed::ShareRate(change) => format!("one share is worth {}", amount::per_share(change.rate)),
        Supposed::Rescue(Change::Without { pledger }) => format!("without {}", roster.name_of(*pledger)),
        Supposed::Rescue(Change::Pledge { position, amount }) => {
            let (amount, who) = (shown(position, *amount), roster.name_of(position.pledger));
            format!("{amount} more in tier {} from {who}", place(position))
        }
        Supposed::Rescue(Change::Amount { position, amount }) => {
            let (amount, who) = (shown(position, *amount), roster.name_of(position.pledger));
            format!("{amount} in tier {} from {who}", place(position))
        }
        Supposed::Rescue(Change::Target { target }) => format!("a target of {}", amount::eth(*target)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(arguments: &[&str]) -> Vec<Wish> {
        let command = Wishes::augment_args(Command::new("what-if"));
        let arguments = ["what-if"].iter().chain(arguments);
        Wishes::from_arg_matches(&command.get_matches_from(arguments)).unwrap().0
    }

    fn eth(amount: u128) -> Amount {
        Amount::Eth(Wei::new(amount * 10u128.pow(18)))
    }

    #[test]
    fn wishes_keep_the_order_in_which_they_are_written() {
        let add = |amount, tier: &str, from: Option<&str>| Wish::Add {
            amount: eth(amount),
            tier: tier.to_owned(),
            from: from.map(str::to_owned),
        };
        let wishes = given(&[
            "--add",
            "5 ETH tier only if fully funded",
            "--without",
            "Ada",
            "--share-rate",
            "-5%",
            "--add",
            "7 ETH tier 1 from Aave DAO",
            "--target=9 ETH",
        ]);
        let expected = [
            add(5, "only if fully funded", None),
            Wish::Without("Ada".to_owned()),
            Wish::ShareRate(RateWish::Part(9_500)),
            add(7, "1", Some("Aave DAO")),
            Wish::Target(Wei::new(9 * 10u128.pow(18))),
        ];
        assert_eq!(wishes, expected);
    }

    #[test]
    fn amounts_are_set_with_or_without_a_tier() {
        let set = |tier: Option<&str>| Wish::Set {
            who: "Ada = Co".to_owned(),
            amount: eth(5),
            tier: tier.map(str::to_owned),
        };
        assert_eq!(parse_set("Ada = Co = 5 ETH").unwrap(), set(None));
        assert_eq!(parse_set("Ada = Co=5 ETH tier grant").unwrap(), set(Some("grant")));
    }

    #[test]
    fn rates_are_exact_or_relative() {
        let rate = Rate::new(1_250_000_000_000_000_000_000_000_000).unwrap();
        assert_eq!(parse_rate("1.25 ETH").unwrap(), RateWish::Exactly(rate));
        assert_eq!(parse_rate("-0.5 %").unwrap(), RateWish::Part(9_950));
        assert_eq!(parse_rate("+5%").unwrap(), RateWish::Part(10_500));
    }

    #[test]
    fn what_cannot_be_supposed_is_refused() {
        let cases: [(Parse, &str, &str); 6] = [
            (parse_add, "5 ETH", "`5 ETH` names no tier"),
            (parse_add, "5 tier 0", "`5` has no unit"),
            (parse_set, "Ada 5 ETH", "`Ada 5 ETH` has no `=`"),
            (parse_set, "Ada = 5", "`5` has no unit"),
            (|text| parse_rate(text).map(Wish::ShareRate), "-100%", "`-100%` is too large a change"),
            (|text| parse_rate(text).map(Wish::ShareRate), "5%", "`5%` has no unit"),
        ];
        for (parse, text, message) in cases {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
    }
}
