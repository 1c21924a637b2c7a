//! Offers as people write them down before there is a rescue: a TOML file.

use std::path::Path;

use alloy::primitives::Address;
use levee::Stage;
use levee_model::{Rate, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::roster::Roster;
use crate::{
    address,
    amount::{self, Amount},
    declaration::parse_stage,
    document::{Document, TimeText},
    error::UserError,
    rehearse::{cast, format::TierToml},
    time,
};

/// The keys of a file of offers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OffersToml {
    /// The address of the rescue that they are for.
    pub(crate) rescue: Option<Spanned<String>>,
    /// What one share of stETH is worth; needed for offers in stETH.
    pub(crate) share_rate: Option<Spanned<String>>,
    /// A name for each tier, in order.
    #[serde(default)]
    pub(crate) tier_names: Vec<String>,
    #[serde(default)]
    pub(crate) offer: Vec<OfferToml>,
}

/// One `[[offer]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfferToml {
    pub(crate) name: Spanned<String>,
    /// The account that it would be pledged for.
    pub(crate) account: Option<Spanned<String>>,
    /// By its name or its number.
    pub(crate) tier: Spanned<TierToml>,
    /// Left out if it is not known.
    pub(crate) amount: Option<Spanned<String>>,
    /// As of a declaration.
    pub(crate) stage: Option<Spanned<String>>,
    /// The last second at which it is valid.
    pub(crate) expiry: Option<Spanned<TimeText>>,
    pub(crate) link: Option<String>,
    pub(crate) note: Option<String>,
}

/// A file of offers, in which every name is known and every amount has a unit.
#[derive(Debug)]
pub(crate) struct Offers {
    /// The rescue that they are for, if the file says so.
    pub(crate) rescue: Option<Address>,
    pub(crate) rate: Option<Rate>,
    pub(crate) roster: Roster,
    pub(crate) offers: Vec<Offer>,
}

/// What somebody offers to pledge.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) name: String,
    pub(crate) account: Address,
    pub(crate) tier: u8,
    /// None if it is not known.
    pub(crate) amount: Option<Amount>,
    stage: Option<Stage>,
    expiry: Option<Timestamp>,
    /// Where more is said.
    pub(crate) link: Option<String>,
    /// Where it is in the file.
    pub(crate) place: String,
}

/// Why an offer is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) enum Uncounted {
    /// Its amount is not known.
    NoAmount,
    /// It was withdrawn.
    Withdrawn,
    /// It is not valid any more.
    Expired,
}

impl Uncounted {
    /// In words.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::NoAmount => "its amount is not known",
            Self::Withdrawn => "it was withdrawn",
            Self::Expired => "it has expired",
        }
    }
}

impl Offer {
    /// Its amount, if it counts at `now`.
    pub(crate) fn counted(&self, now: Timestamp) -> Result<Amount, Uncounted> {
        if self.stage == Some(Stage::Withdrawn) {
            return Err(Uncounted::Withdrawn);
        }
        if self.expiry.is_some_and(|expiry| now > expiry) {
            return Err(Uncounted::Expired);
        }
        self.amount.ok_or(Uncounted::NoAmount)
    }

    /// Whether both say how much of one asset the same account offers for a tier.
    fn repeats(&self, other: &Self) -> bool {
        let asset = |offer: &Self| offer.amount.map(Amount::asset);
        (self.account, self.tier, asset(self)) == (other.account, other.tier, asset(other))
    }
}

impl Offers {
    /// Reads a file of offers.
    pub(crate) fn read(path: &Path) -> Result<Self, UserError> {
        Self::parse(&Document::read(path)?)
    }

    /// Reads offers from a document.
    pub(crate) fn parse(document: &Document) -> Result<Self, UserError> {
        let toml: OffersToml = document.parse().map_err(|error| error.hint(HINT))?;
        let rescue = toml.rescue.as_ref();
        let rescue = rescue.map(|rescue| document.field("rescue", rescue, address::parse)).transpose()?;
        let rate = toml.share_rate.as_ref();
        let rate = rate.map(|rate| document.field("share_rate", rate, amount::parse_rate)).transpose()?;
        let tiers = Roster::new(Vec::new(), toml.tier_names);
        let offers =
            toml.offer.iter().map(|offer| offer.read(document, &tiers)).collect::<Result<Vec<_>, _>>()?;
        let mut names: Vec<(String, Address)> = Vec::new();
        for (index, offer) in offers.iter().enumerate() {
            offer.check_named_alike(&names)?;
            if let Some(first) = offers[..index].iter().find(|first| first.repeats(offer)) {
                return Err(repeated(offer, first));
            }
            if !names.iter().any(|(name, _)| *name == offer.name) {
                names.push((offer.name.clone(), offer.account));
            }
        }
        Ok(Self { rescue, rate, roster: Roster::new(names, tiers.tier_names().to_vec()), offers })
    }
}

const HINT: &str = "docs/what-if.md explains every key";

fn repeated(offer: &Offer, first: &Offer) -> UserError {
    let message = format!("`{}` offers twice for tier {}, also in {}", offer.name, offer.tier, first.place);
    UserError::new(message).within(&offer.place).hint("keep one of them, with the whole amount")
}

impl OfferToml {
    fn read(&self, document: &Document, tiers: &Roster) -> Result<Offer, UserError> {
        let name = self.name.get_ref();
        let amount = self.amount.as_ref();
        Ok(Offer {
            name: name.clone(),
            account: self.account(document)?.unwrap_or_else(|| cast::address(name)),
            tier: self.tier(document, tiers)?,
            amount: amount.map(|amount| document.field("amount", amount, Amount::parse)).transpose()?,
            stage: self.stage(document)?,
            expiry: self.expiry(document)?,
            link: self.link.clone(),
            place: document.place(self.name.span().start),
        })
    }

    /// The account, if the file says it.
    pub(crate) fn account(&self, document: &Document) -> Result<Option<Address>, UserError> {
        let account = self.account.as_ref();
        account.map(|account| document.field("account", account, address::parse)).transpose()
    }

    /// How far it has come, if the file says so.
    pub(crate) fn stage(&self, document: &Document) -> Result<Option<Stage>, UserError> {
        let stage = self.stage.as_ref();
        stage.map(|stage| document.field("stage", stage, parse_stage)).transpose()
    }

    /// Until when it is valid, if the file says so.
    pub(crate) fn expiry(&self, document: &Document) -> Result<Option<Timestamp>, UserError> {
        let expiry = self.expiry.as_ref();
        expiry.map(|expiry| document.field("expiry", expiry, time::parse_time)).transpose()
    }

    /// The number of the tier.
    pub(crate) fn tier(&self, document: &Document, tiers: &Roster) -> Result<u8, UserError> {
        let within =
            |error: UserError| error.within(format!("{}: tier", document.place(self.tier.span().start)));
        tiers.tier(&self.tier.get_ref().to_string()).map_err(within)
    }
}

impl Offer {
    /// One name is that of one account.
    fn check_named_alike(&self, names: &[(String, Address)]) -> Result<(), UserError> {
        match names.iter().find(|(name, _)| *name == self.name) {
            Some((name, account)) if *account != self.account => {
                let message = format!("`{name}` is `{account}` before, and `{}` here", self.account);
                Err(UserError::new(message).within(&self.place).hint("give each account a name of its own"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use levee_model::Wei;

    const TEXT: &str = r#"
        share_rate = "1.2 ETH"
        tier_names = ["grant", "loan"]
        [[offer]]
        name = "Ada"
        tier = "loan"
        amount = "5 ETH"
        stage = "Proposed"
        expiry = 2027-01-01T00:00:00Z
        link = "https://example.org"
        [[offer]]
        name = "Ada"
        tier = 0
        amount = "2 stETH"
        note = "both"
        [[offer]]
        name = "Ben"
        account = "0x0202020202020202020202020202020202020202"
        tier = 0
    "#;

    fn parse(text: &str) -> Result<Offers, UserError> {
        Offers::parse(&Document::new("offers.toml", text))
    }

    fn refusal(find: &str, replace: &str) -> String {
        assert!(TEXT.contains(find), "{find}");
        parse(&TEXT.replacen(find, replace, 1)).unwrap_err().to_string()
    }

    #[test]
    fn offers_say_what_they_say() {
        let Offers { rescue, rate, roster, offers } = parse(TEXT).unwrap();
        assert_eq!(rescue, None);
        assert_eq!(rate.unwrap().get(), 1_200_000_000_000_000_000_000_000_000);
        let [first, second, third] = &offers[..] else { panic!("{offers:?}") };
        assert_eq!(first.amount, Some(Amount::Eth(Wei::new(5 * 10u128.pow(18)))));
        assert_eq!((first.tier, second.tier, third.tier), (1, 0, 0));
        assert_eq!((first.account, third.account), (cast::address("Ada"), Address::repeat_byte(2)));
        assert_eq!(roster.find("Ben").unwrap(), Address::repeat_byte(2));
        assert_eq!((first.place.as_str(), third.place.as_str()), ("offers.toml:5", "offers.toml:17"));
    }

    #[test]
    fn an_offer_counts_as_long_as_it_is_valid_and_says_how_much() {
        let expiry = 1_798_761_600;
        let counted = |find: &str, replace: &str, now| {
            parse(&TEXT.replacen(find, replace, 1)).unwrap().offers[0].counted(now).map(drop)
        };
        assert_eq!(counted("Ada", "Ada", expiry), Ok(()));
        assert_eq!(counted("Ada", "Ada", expiry + 1), Err(Uncounted::Expired));
        assert_eq!(counted("Proposed", "Withdrawn", expiry), Err(Uncounted::Withdrawn));
        assert_eq!(counted("amount = \"5 ETH\"", "", expiry), Err(Uncounted::NoAmount));
    }

    #[test]
    fn what_is_said_twice_or_not_understood_is_refused_with_its_line() {
        let twice = "offers.toml:12: `Ada` offers twice for tier 0, also in offers.toml:5";
        let text = TEXT.replace("\"loan\"\n", "0\n").replace("\"5 ETH\"", "\"5 shares\"");
        assert_eq!(parse(&text).unwrap_err().to_string(), twice);
        assert_eq!(
            refusal("tier = \"loan\"", "tier = \"gift\""),
            "offers.toml:6: tier: no tier is named `gift`"
        );
        assert_eq!(refusal("5 ETH", "5"), "offers.toml:7: amount: `5` has no unit");
        assert_eq!(refusal("Proposed", "Promised"), "offers.toml:8: stage: `Promised` is not a stage");
        assert!(refusal("note", "notes").starts_with("offers.toml:15: unknown field `notes`"));
        let [ada, ben] = [cast::address("Ada"), Address::repeat_byte(2)];
        assert_eq!(
            refusal("\"Ben\"", "\"Ada\""),
            format!("offers.toml:17: `Ada` is `{ada}` before, and `{ben}` here")
        );
    }
}
