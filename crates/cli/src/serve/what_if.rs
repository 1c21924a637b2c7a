//! What would come of a rescue, by the model and in the words of `levee what-if`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{FromRequestParts, Query, State},
    http::request::Parts,
    response::Response,
};
use eyre::Result;
use levee_model::{Bps, Moment, Outcome, Rate, RescueView, ShareRate, Wei, prorata};
use levee_pages::site::{RATES, Supposed, WhatIfPage, WhatIfRow, thousandths};

use super::{Site, archive::Told, asked::Subject as Named, pages::HTML, problem::Problem};
use crate::{
    amount::{self, Amount},
    commands::what_if::results,
    error::{self, UserError},
    prospect::{
        subject::Subject,
        wish::{RateWish, Wish, Wishes},
    },
};

/// The sliders, by their names.
#[derive(Debug)]
pub(super) struct Sliders(BTreeMap<String, u16>);

impl<S: Send + Sync> FromRequestParts<S> for Sliders {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Query::<BTreeMap<String, u16>>::from_request_parts(parts, state).await {
            Ok(Query(sliders)) => Ok(Self(sliders)),
            Err(_) => {
                let error = UserError::new("what is supposed cannot be read").hint("begin at the form");
                Err(Problem::unreadable(error).answer(parts.uri.path()))
            }
        }
    }
}

/// The page.
pub(super) async fn page(State(site): State<Arc<Site>>, named: Named, sliders: Sliders) -> Response {
    site.once(named.rescue, HTML, move |told, age| document(told, &sliders, age)).await
}

fn document(told: &Told, sliders: &Sliders, age: &str) -> Result<String> {
    let (history, view) = (&told.history, &told.view);
    let supposed = sliders.within(view);
    let wishes = sliders.wishes(view, &supposed);
    let mut subject = Subject::of_history(history.clone(), None)?.with_rate(wishes.first_rate());
    let before = results(&outcome(&subject));
    let (after, refused) = match wishes.apply(&mut subject) {
        Ok(_) => ((!wishes.0.is_empty()).then(|| results(&outcome(&subject))), None),
        Err(report) if error::exit_code(&report) == error::EXIT_USER => {
            (None, Some(error::in_a_line(&report)))
        }
        Err(report) => return Err(report),
    };
    let mut after = after.map(Vec::into_iter);
    let rows = before.into_iter().map(|(name, before)| {
        let after = after.as_mut().and_then(Iterator::next).map(|(_, text)| text);
        WhatIfRow { name, before, after }
    });
    let (rows, command) = (rows.collect(), command(told, &wishes));
    Ok(WhatIfPage { history, view, age, supposed, rows, refused, command }.document())
}

/// What comes of it for all together: there may be very many positions, and none is shown.
fn outcome(subject: &Subject) -> Outcome {
    let at = Moment { time: subject.rescue.decided_by(subject.now.time), ..subject.now };
    Outcome { at, view: subject.rescue.view(at), positions: Vec::new() }
}

impl Sliders {
    /// What they say, within what they can say.
    fn within(&self, view: &RescueView) -> Supposed {
        let percent = |number: u8| {
            let given = self.0.get(&format!("tier{number}")).copied().unwrap_or_default();
            u8::try_from(given.min(100)).unwrap_or(100)
        };
        let tiers = (0..view.terms.tier_count()).map(percent).collect();
        let given = self.0.get("rate").copied().unwrap_or(*RATES.start() * 2);
        let has_shares = view.rate == ShareRate::Unreadable;
        let rate = has_shares.then(|| given.clamp(*RATES.start(), *RATES.end()));
        Supposed { tiers, rate }
    }

    /// The same as the command takes it; nothing if no slider was moved.
    fn wishes(&self, view: &RescueView, supposed: &Supposed) -> Wishes {
        let rate = supposed.rate.filter(|_| self.0.contains_key("rate"));
        let rate = rate.and_then(|rate| Rate::new(u128::from(rate) * 10u128.pow(24)));
        let rate = rate.map(|rate| Wish::ShareRate(RateWish::Exactly(rate)));
        let pledged = (0u8..).zip(&supposed.tiers).filter(|(_, percent)| **percent > 0);
        let adds = pledged.map(|(tier, percent)| Wish::Add {
            amount: Amount::Eth(part(view.terms.target, *percent)),
            tier: tier.to_string(),
            from: None,
        });
        Wishes(rate.into_iter().chain(adds).collect())
    }
}

/// So many percent of the target.
fn part(target: Wei, percent: u8) -> Wei {
    prorata::required_up(target, Bps::new(u16::from(percent) * 100))
}

fn command(told: &Told, wishes: &Wishes) -> String {
    let (rescue, chain) = (told.history.address, told.history.chain);
    let words = wishes.0.iter().filter_map(|wish| match wish {
        Wish::Add { amount: Amount::Eth(wei), tier, .. } => {
            Some(format!(" --add '{} tier {tier}'", amount::eth(*wei)))
        }
        Wish::ShareRate(RateWish::Exactly(rate)) => {
            let rate = u16::try_from(rate.get() / 10u128.pow(24)).unwrap_or_default();
            Some(format!(" --share-rate '{} ETH'", thousandths(rate)))
        }
        _ => None,
    });
    let words: String = words.collect();
    format!("levee what-if --rescue {rescue} --chain {chain} --rpc-url https://node.example{words}")
}
