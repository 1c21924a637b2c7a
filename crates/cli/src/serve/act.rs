//! What a visitor can do with their own wallet: the calls, planned as the commands plan them, from the index alone. The server sends nothing and
//! asks no node: what only a node can say, the visitor's own says, through the page.

use std::sync::Arc;

use alloy::{
    primitives::{Address, U256, hex},
    sol_types::SolCall,
};
use axum::{
    extract::{FromRequestParts, Query, State},
    http::{HeaderValue, header, request::Parts},
    response::Response,
};
use eyre::Result;
use levee::{Contracts, Error, Transaction, bindings::StETH, network, safe::Batch};
use levee_model::{
    Amount as Booked, Asset, Operation, Pledge as Pledged, PledgerPosition, PledgerView, PositionId, Route,
    Shares, Tier, Units, Wei,
};
use levee_pages::site::{ActPage, Asked, Choice, Entered, PlannedCall, Reading, path};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Site, archive::Told, asked::Subject, pages::HTML, problem::Problem};
use crate::{
    address,
    amount::{self, Amount},
    commands::{
        bonus::enlistment,
        collect, exit, object,
        pledge::{open_tier, require_some, would_count},
        refund,
    },
    error::{self, UserError},
    json,
    page::Page,
    plan::Summary,
    pledging::{Pledge, allowing},
    position::{self, parse_tier},
    route::allowance_text,
};

/// What is asked for: the fields of the forms, as they were filled in. An empty one is none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    account: String,
    #[serde(rename = "do")]
    act: String,
    amount: String,
    unit: String,
    tier: String,
    amendment: String,
    /// How many shares the stETH of a pledge is, by the visitor's node.
    shares: String,
    /// What these shares are worth in stETH, by the same node.
    worth: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Wish {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Query::<Self>::from_request_parts(parts, state).await {
            Ok(Query(wish)) => Ok(wish),
            Err(_) => {
                let error = UserError::new("what is asked for cannot be read").hint("begin at the form");
                Err(Problem::unreadable(error).answer(parts.uri.path()))
            }
        }
    }
}

/// The page on which a visitor acts.
pub(super) async fn page(State(site): State<Arc<Site>>, subject: Subject, wish: Wish) -> Response {
    let node = site.wallet_node.clone();
    site.once(subject.rescue, HTML, move |told, age| document(told, &wish, node.as_deref(), age)).await
}

/// What is asked for, as a batch for a Safe.
pub(super) async fn batch(State(site): State<Arc<Site>>, subject: Subject, wish: Wish) -> Response {
    let make = move |told: &Told, _: &str| {
        let planner = Planner::of(told, &wish)?;
        match planner.plan(&wish)? {
            Outcome::Planned { steps, .. } => Ok(json::document(&planner.batch(&steps)?)?),
            Outcome::Nothing | Outcome::Reading { .. } => {
                Err(UserError::new("there is no plan to make a batch of").hint("begin at the form").into())
            }
        }
    };
    let mut response = site.once(subject.rescue, "application/json", make).await;
    if response.status().is_success() {
        let name = HeaderValue::from_static("attachment; filename=\"levee-batch.json\"");
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

fn document(told: &Told, wish: &Wish, node: Option<&str>, age: &str) -> Result<String> {
    let planned = Planner::of(told, wish).map(|planner| {
        let asked = planner.plan(wish).map(|outcome| planner.asked(outcome, wish));
        (planner.account, planner.choices(), asked)
    });
    let (account, choices, asked) = match planned {
        Ok((account, choices, asked)) => (account, choices, asked.or_else(refused)?),
        Err(error) => (None, Vec::new(), refused(error)?),
    };
    let (history, view) = (&told.history, &told.view);
    let code = hex::encode(Sha256::digest(history.code()?));
    let entered = Entered { amount: &wish.amount, unit: &wish.unit, tier: &wish.tier };
    Ok(ActPage { history, view, age, code, node, account, entered, choices, asked }.document())
}

/// Why it cannot be done, if the visitor can do something about it.
fn refused(report: eyre::Report) -> Result<Asked> {
    if error::exit_code(&report) != error::EXIT_USER {
        return Err(report);
    }
    let (message, hint) = (error::in_a_line(&report), error::hint_for(&report).map(str::to_owned));
    Ok(Asked::Refused { message, hint })
}

/// A call, and what it does.
type Planned = (Summary, Transaction);

/// What comes of a wish.
enum Outcome {
    Nothing,
    /// Something must be asked of a node first. The command does all of it.
    Reading {
        call: Reading,
        command: String,
    },
    Planned {
        steps: Vec<Planned>,
        command: String,
    },
}

/// What an amount comes to.
enum Counted {
    /// In the unit of the books, and with the allowance that it needs.
    As { booked: Booked, allowance: Option<u128> },
    /// What this question says.
    By(Reading),
}

/// Plans for an account, by the state of a rescue.
struct Planner<'a> {
    told: &'a Told,
    page: Page,
    contracts: Contracts,
    account: Option<Address>,
    /// What the account has.
    pledger: Option<PledgerView>,
}

impl<'a> Planner<'a> {
    fn of(told: &'a Told, wish: &Wish) -> Result<Self> {
        let history = &told.history;
        network::check_tokens(history.chain, history.rescue.terms())?;
        let account = (!wish.account.is_empty()).then(|| address::parse(&wish.account)).transpose()?;
        let page = Page::of_history(history, &told.basis.models, told.edition);
        let contracts = Contracts::of(history.address, told.edition);
        let pledger = told.basis.models.pledgers_among(history.moment(), account).pop();
        Ok(Self { told, page, contracts, account, pledger })
    }

    fn account(&self) -> Result<Address, UserError> {
        self.account.ok_or_else(|| UserError::new("no account is named").hint("enter it, or choose a wallet"))
    }

    fn plan(&self, wish: &Wish) -> Result<Outcome> {
        match wish.act.as_str() {
            "" => Ok(Outcome::Nothing),
            "pledge" => self.pledge(wish),
            other => self.call(other),
        }
    }

    // ------------------------------------------------------------------------------------- what the account has

    /// What the account can do now, by the rules.
    fn calls(&self) -> impl Iterator<Item = (String, Summary, Operation)> {
        let calls = self
            .pledger
            .iter()
            .flat_map(move |pledger| pledger.calls.iter().map(move |call| (pledger, *call)));
        calls.filter_map(|(pledger, call)| {
            let (name, summary) = self.told_of(pledger, call)?;
            Some((name, summary, call))
        })
    }

    /// The arguments of the command that does the same, and what that does.
    fn told_of(&self, pledger: &PledgerView, call: Operation) -> Option<(String, Summary)> {
        let owner = pledger.pledger;
        let of = |tier, asset| {
            let found = pledger.positions.iter();
            found.copied().find(|one| (one.view.tier, one.view.asset) == (tier, asset))
        };
        let of_position = |verb: &str, tier, asset, told: &dyn Fn(PledgerPosition) -> Summary| {
            Some((format!("{verb} --tier {tier} --asset {asset}"), told(of(tier, asset)?)))
        };
        let page = &self.page;
        match call {
            Operation::Exit { tier, asset, to } => {
                of_position("exit", tier, asset, &|one| exit::summary(page, &one.view, to))
            }
            Operation::Object { tier, asset } => {
                of_position("object", tier, asset, &|one| object::summary(page, &one.view))
            }
            Operation::Refund(id) => of_position("refund", id.tier, id.asset, &|one| {
                refund::summary(page, &one.view, (owner, owner))
            }),
            Operation::Claim(id) => of_position("claim", id.tier, id.asset, &|one| {
                position::claim(id, "recovered funds", amount::eth_and_wei(one.recovered_due), owner)
            }),
            Operation::ClaimBonus(id) => of_position("bonus claim", id.tier, id.asset, &|one| {
                position::claim(id, "the bonus", amount::eth_and_wei(one.bonus_due), owner)
            }),
            Operation::Collect { asset, .. } => {
                let owed = pledger.owed[asset].of(asset);
                Some((format!("collect {asset}"), collect::summary(page, owed, (owner, owner))))
            }
            _ => None,
        }
    }

    fn choices(&self) -> Vec<Choice> {
        let choice = |(command, summary, _): (String, Summary, Operation)| {
            let amount = summary.facts.first().map_or_else(String::new, |(_, amount)| format!(": {amount}"));
            Choice { name: name_of(&command), text: format!("{}{amount}", summary.headline) }
        };
        self.calls().map(choice).collect()
    }

    fn call(&self, name: &str) -> Result<Outcome> {
        let account = self.account()?;
        let found = self.calls().find(|(command, ..)| name_of(command) == name);
        let (command, summary, operation) = found.ok_or_else(|| {
            UserError::new(format!("`{account}` cannot do that now"))
                .hint("choose what it can do from the list; the rescue may have moved on since you looked")
        })?;
        let steps = vec![(summary, self.contracts.transaction(operation)?)];
        Ok(Outcome::Planned { steps, command: self.command(&command) })
    }

    // ------------------------------------------------------------------------------------------------ a pledge

    fn pledge(&self, wish: &Wish) -> Result<Outcome> {
        let (pledger, index) = (self.account()?, parse_tier(&wish.tier)?);
        let tier = self.open_tier(index)?;
        self.require_known(&wish.amendment)?;
        let amount = self.amount(wish)?;
        let approves = if amount.asset() == Asset::Eth { "" } else { " --approve" };
        let command = self.command(&format!("pledge {amount} --tier {index}{approves}"));
        let (booked, allowance) = match self.counted(amount, wish)? {
            Counted::As { booked, allowance } => (booked, allowance),
            Counted::By(call) => return Ok(Outcome::Reading { call, command }),
        };
        let enlists = would_count(&self.page, self.told.history.rescue.terms());
        let already = self.already(index, booked.asset());
        let pledge = Pledge { pledger, index, tier, amount, booked, already, enlists };
        Ok(Outcome::Planned { steps: self.steps(&pledge, allowance)?, command })
    }

    /// The tier, if the rescue takes pledges at its block.
    fn open_tier(&self, index: u8) -> Result<Tier, UserError> {
        let tier = open_tier(&self.page.view, index)?;
        if self.page.view.is_pledging(self.page.now) {
            return Ok(tier);
        }
        Err(UserError::new("the deadline of the rescue has passed")
            .hint("nothing can be pledged to it any more"))
    }

    fn amount(&self, wish: &Wish) -> Result<Amount> {
        let amount = Amount::parse(&format!("{} {}", wish.amount, wish.unit))?;
        match self.page.view.terms.accepts(amount.asset()) {
            true => Ok(amount),
            false => Err(Error::NoSuchAsset { asset: amount.asset() }.into()),
        }
    }

    /// An amount as the books count it, and what must be allowed for it. How many shares it is, and what these are worth, only a node says.
    fn counted(&self, amount: Amount, wish: &Wish) -> Result<Counted> {
        let (booked, allowance) = match amount {
            Amount::StEth(wei) if wish.shares.is_empty() => return Ok(Counted::By(self.shares_of(wei))),
            Amount::StEth(wei) => {
                // An address that says another number is refused: the approval is for no more than what was entered.
                require_at_most(wei, &wish.worth)?;
                return self.counted(Amount::Shares(Shares::new(answer(&wish.shares)?)), wish);
            }
            Amount::Shares(shares) if wish.worth.is_empty() => return Ok(Counted::By(self.worth_of(shares))),
            Amount::Shares(shares) => (Booked::StEth(shares), Some(answer(&wish.worth)?)),
            Amount::WstEth(units) => (Booked::WstEth(units), Some(units.get())),
            Amount::Eth(wei) => (Booked::Eth(wei), None),
        };
        require_some(amount, booked)?;
        Ok(Counted::As { booked, allowance })
    }

    /// What the account has in a position already.
    fn already(&self, tier: u8, asset: Asset) -> Option<Units> {
        let mut own = self.pledger.iter().flat_map(|one| &one.positions).map(|one| one.view);
        own.find(|one| (one.tier, one.asset) == (tier, asset)).map(|one| one.amount)
    }

    /// The approval, if it is of a token, the pledge, and its enlistment, if it counts for a bonus.
    fn steps(&self, pledge: &Pledge, allowance: Option<u128>) -> Result<Vec<Planned>> {
        let Pledge { pledger, index: tier, booked: amount, .. } = *pledge;
        let asset = amount.asset();
        let mut steps = Vec::new();
        if let Some(units) = allowance {
            let token = self.token(asset);
            let summary = allowing("rescue", &allowance_text(asset, units), token);
            steps.push((summary, self.contracts.allowance(token, U256::from(units))));
        }
        let amendment = self.page.view.latest_amendment();
        let call = Pledged { pledger, tier, amount, amendment, route: Route::Direct };
        let created = self.told.history.rescue.terms();
        let summary = pledge.summary(&self.page, created, &amount_text(pledge, allowance));
        steps.push((summary, self.contracts.pledge(call, None)?));
        if pledge.enlists {
            let id = PositionId { pledger, tier, asset };
            let summary = enlistment(id, self.contracts.bonus);
            steps.push((summary, self.contracts.transaction(Operation::Enlist(id))?));
        }
        Ok(steps)
    }

    /// Refuses to plan under an amendment that the visitor was not shown.
    fn require_known(&self, amendment: &str) -> Result<(), UserError> {
        if amendment == self.page.view.latest_amendment().to_string() {
            return Ok(());
        }
        Err(UserError::new("the terms have been amended since this form was loaded")
            .hint("read the terms on the page of the rescue, and fill in the form again"))
    }

    fn token(&self, asset: Asset) -> Address {
        let terms = &self.page.view.terms;
        if asset == Asset::StEth { terms.steth } else { terms.wsteth }
    }

    fn shares_of(&self, wei: Wei) -> Reading {
        let data = StETH::getSharesByPooledEthCall { ethAmount: U256::from(wei.get()) }.abi_encode().into();
        let what = format!("how many shares {} is", Amount::StEth(wei));
        Reading { what, to: self.token(Asset::StEth), data, name: "shares" }
    }

    fn worth_of(&self, shares: Shares) -> Reading {
        let data = StETH::getPooledEthBySharesCall { shares: U256::from(shares.get()) }.abi_encode().into();
        let what = format!("how much stETH {shares} are, which the approval must name");
        Reading { what, to: self.token(Asset::StEth), data, name: "worth" }
    }

    // -------------------------------------------------------------------------------------------------- the page

    fn asked(&self, outcome: Outcome, wish: &Wish) -> Asked {
        match outcome {
            Outcome::Nothing => Asked::Nothing,
            Outcome::Reading { call, command } => Asked::Reading { call, command },
            Outcome::Planned { steps, command } => {
                let calls = steps.into_iter().map(|(summary, transaction)| {
                    let Summary { headline, facts, .. } = summary;
                    let Transaction { to, value, input: data, .. } = transaction;
                    PlannedCall { headline, facts, to, value, data }
                });
                Asked::Planned { calls: calls.collect(), command, batch: self.batch_address(wish) }
            }
        }
    }

    fn batch(&self, steps: &[Planned]) -> Result<Batch> {
        let transactions: Vec<_> = steps.iter().map(|(_, transaction)| transaction.clone()).collect();
        let headlines: Vec<_> = steps.iter().map(|(summary, _)| summary.headline.as_str()).collect();
        // So that all servers make the same of one block.
        let made_at = self.page.now.saturating_mul(1_000);
        Ok(Batch::new(self.page.chain, self.account()?, made_at, &headlines.join("; "), &transactions))
    }

    fn batch_address(&self, wish: &Wish) -> String {
        let fields = [
            ("account", &wish.account),
            ("do", &wish.act),
            ("amount", &wish.amount),
            ("unit", &wish.unit),
            ("tier", &wish.tier),
            ("amendment", &wish.amendment),
            ("shares", &wish.shares),
            ("worth", &wish.worth),
        ];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(given);
        format!("{}/act/batch.json?{}", path(self.page.address), query.finish())
    }

    /// The whole command with these arguments.
    fn command(&self, arguments: &str) -> String {
        let (rescue, chain) = (self.page.address, self.page.chain);
        format!(
            "levee {arguments} --rescue {rescue} --chain {chain} --rpc-url https://node.example --account NAME"
        )
    }
}

/// The name of a choice in an address: the words of its command.
fn name_of(command: &str) -> String {
    let words = command.split(' ').filter(|word| !word.starts_with("--"));
    words.collect::<Vec<_>>().join("-")
}

/// What the visitor's node says about shares. The plan shows it, and the rescue can take no more than is pledged.
fn answer(text: &str) -> Result<u128, UserError> {
    text.parse().map_err(|_| UserError::new(format!("`{text}` is not an amount")).hint("begin at the form"))
}

/// Refuses what shares are worth, if that is known yet and more than the stETH that was entered.
fn require_at_most(entered: Wei, worth: &str) -> Result<(), UserError> {
    if worth.is_empty() {
        return Ok(());
    }
    let worth = Wei::new(answer(worth)?);
    if worth <= entered {
        return Ok(());
    }
    let [worth, entered] = [worth, entered].map(Amount::StEth);
    Err(UserError::new(format!("the shares are worth {worth}, more than {entered}"))
        .hint("begin at the form"))
}

/// The amount of a pledge; of shares, with what they are worth in stETH.
fn amount_text(pledge: &Pledge, allowance: Option<u128>) -> String {
    let entered = match (pledge.amount, allowance) {
        (Amount::Shares(_), Some(worth)) => Amount::StEth(Wei::new(worth)),
        (amount, _) => amount,
    };
    match pledge.booked {
        Booked::StEth(shares) => format!("{entered} ({shares})"),
        _ => entered.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_named_by_the_words_of_its_command() {
        assert_eq!(name_of("refund --tier 0 --asset stETH"), "refund-0-stETH");
        assert_eq!(name_of("bonus claim --tier 1 --asset ETH"), "bonus-claim-1-ETH");
        assert_eq!(name_of("collect ETH"), "collect-ETH");
    }
}
