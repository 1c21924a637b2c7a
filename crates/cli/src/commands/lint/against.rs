//! Whether what a file says fits the rescue.

use std::sync::Arc;

use alloy::primitives::Address;
use eyre::Result;
use levee_model::{Asset, Rescue, Terms, Tier, Timestamp};

use super::finding::{Finding, Kind, Place};
use crate::{
    amount,
    commands::terms::{self},
    document::Document,
    history::HistoryArgs,
    rehearse::cast,
    terms::TermsFile,
    time,
};

/// The rescue that files are held against.
#[derive(Debug)]
pub(super) struct Against {
    address: Address,
    /// As in force now.
    terms: Terms,
    /// What is locked in it; none if only the terms are known.
    rescue: Option<Rescue>,
}

impl Against {
    /// The rescue on a chain that is named, or the terms of a file; none if neither is.
    pub(super) async fn read(args: &HistoryArgs) -> Result<Option<Self>> {
        if args.rescue.names_address() {
            let history = args.read().await?;
            let terms = history.rescue.terms_at(history.block.time);
            let rescue = Some(Arc::unwrap_or_clone(history.rescue));
            return Ok(Some(Self { address: history.address, terms, rescue }));
        }
        let Some(path) = &args.rescue.terms else { return Ok(None) };
        let file = TermsFile::read(path)?;
        Ok(Some(Self { address: file.address()?, terms: file.terms, rescue: None }))
    }

    /// The tier, or that there is none.
    pub(super) fn tier(&self, tier: u8, place: &Place) -> Result<Tier, Finding> {
        self.terms.tier(tier).ok_or_else(|| {
            let count = self.terms.tier_count();
            let what = format!("there is no tier {tier}");
            let why = format!("the rescue has {count} tiers, counted from 0");
            place.error(Kind::UnknownTier, what, why, "name one of them")
        })
    }

    /// An asset that the rescue does not take.
    pub(super) fn asset(&self, asset: Asset, place: &Place) -> Option<Finding> {
        let why = "the rescue accepts only ETH";
        (!self.terms.accepts(asset)).then(|| {
            place.error(Kind::AssetNotAccepted, format!("it is an offer of {asset}"), why, "ask for ETH")
        })
    }

    /// A statement for another rescue.
    pub(super) fn address(&self, found: Address, place: &Place) -> Option<Finding> {
        let what = || format!("it is for the rescue `{found}`");
        let why = format!("the rescue is `{}`", self.address);
        (found != self.address)
            .then(|| place.error(Kind::OtherTerms, what(), why, "check which of the two is meant"))
    }

    /// A statement that ends before it can be pledged for certain.
    pub(super) fn expiry(&self, expiry: Timestamp, place: &Place) -> Option<Finding> {
        let [expiry_text, deadline] = [expiry, self.terms.deadline].map(time::time);
        let what = format!("it is valid only until {expiry_text}");
        let why = format!("pledges are accepted until {deadline}: it may be gone before");
        (expiry < self.terms.deadline)
            .then(|| place.warning(Kind::ExpiresEarly, what, why, "ask for it to be renewed"))
    }

    /// What an account says it will pledge, and has.
    pub(super) fn locked(&self, account: Address, tier: u8, place: &Place) -> Option<Finding> {
        let positions = self.rescue.as_ref()?.positions_of(account);
        let amounts = positions.filter(|(id, _)| id.tier == tier);
        let amounts: Vec<_> =
            amounts.map(|(id, position)| amount::units(position.amount, id.asset, None)).collect();
        let what = || format!("`{account}` has {} locked in tier {tier}", amounts.join(" and "));
        let why = "what is locked counts already, and is no offer any more";
        let advice = "leave out the part that is locked";
        (!amounts.is_empty()).then(|| place.error(Kind::CountedTwice, what(), why, advice))
    }

    /// Every term of a scenario that is not that of the rescue, except for names, which stand for accounts of its own.
    pub(super) fn terms(&self, document: &Document, found: &Terms) -> Vec<Finding> {
        let (ours, theirs) = (terms::all_facts(&self.terms), terms::all_facts(found));
        if self.terms.tiers.len() != found.tiers.len() {
            let what = format!("it has {} tiers", found.tiers.len());
            let why = format!("the rescue has {}", self.terms.tiers.len());
            return vec![at_key(document, "tier_names").error(Kind::OtherTerms, what, why, ADVICE)];
        }
        let differing = ours.into_iter().zip(theirs).filter(|((name, ours), (_, theirs))| {
            ours != theirs && *name != "terms hash" && !is_of_rehearsals(theirs)
        });
        let finding = |((name, ours), (_, theirs)): ((&str, String), (&str, String))| {
            let key = name.to_lowercase().replace(' ', "_");
            let (what, why) = (format!("{name} is {theirs}"), format!("that of the rescue is {ours}"));
            at_key(document, &key).error(Kind::OtherTerms, what, why, ADVICE)
        };
        differing.map(finding).collect()
    }
}

const ADVICE: &str = "copy the terms of the rescue, or check which is meant";

/// The line of a key, or of the first key of the terms.
fn at_key(document: &Document, key: &str) -> Place {
    let line = document.line_of_key(key).or_else(|| document.line_of_key("target"));
    Place { file: document.path().to_owned(), line }
}

/// Whether an address exists in rehearsals only.
fn is_of_rehearsals(text: &str) -> bool {
    let [steth, wsteth] = cast::tokens();
    let accounts = [steth, wsteth, cast::address(cast::BENEFICIARY), cast::address(cast::GUARDIAN)];
    accounts.iter().any(|account| account.to_string() == text)
}
