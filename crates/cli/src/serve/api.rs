//! The same for programs, below `/api/v1`: the JSON of the commands, and where it is a list a page of it.

use std::sync::Arc;

use alloy::primitives::Address;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use eyre::Result;
use levee::{Block, History};
use levee_index::{Contract, Counterfeit, Verdict};
use levee_model::json::Account;
use levee_pages::site::pages_of;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Site,
    archive::{Issue, Told},
    asked::{Page, Subject},
    bodies::Body,
};
use crate::{
    commands::{
        declarations::{self, Declarations},
        pledgers::Pledgers,
        statement::{Ledger, StatementJson},
    },
    escape,
    page::Page as StatusPage,
};

/// How many entries of a list one answer has.
pub(super) const ON_A_PAGE: usize = 100;
/// How many movements one answer with CSV has.
pub(super) const ROWS: usize = 1_000;

const JSON: &str = "application/json";
const CSV: &str = "text/csv; charset=utf-8";

/// The rescues of a chain: a page of those that announced themselves, the latest first, and counterfeits last.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Rescues {
    chain: u64,
    /// The block that everything is told of.
    block: Block,
    rescues: Vec<Announced>,
    /// The page, from 1, and how many there are.
    page: usize,
    pages: usize,
}

/// A contract that announced itself as a rescue.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Announced {
    #[serde(with = "Account")]
    rescue: Address,
    created_block: u64,
    /// Why it is no rescue; null if it is genuine.
    counterfeit: Option<Counterfeit>,
}

/// A page of those who have something in a rescue, by the value of what they pledged, the largest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PledgersPage<'a> {
    #[serde(flatten)]
    pledgers: Pledgers<'a>,
    /// The page, from 1, and how many there are.
    page: usize,
    pages: usize,
}

/// A page of what was declared for a rescue and stands, by contributor and tier. The sum is that of all pages.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DeclarationsPage<'a> {
    chain: u64,
    /// The block that everything is told of.
    block: Block,
    #[serde(flatten)]
    declarations: Declarations<'a>,
    /// The page, from 1, and how many there are.
    page: usize,
    pages: usize,
}

/// The statement of an account with a page of its movements.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StatementPage<'a> {
    #[serde(flatten)]
    statement: StatementJson<'a>,
    /// The page, from 1, and how many there are.
    page: usize,
    pages: usize,
}

impl From<&Contract> for Announced {
    fn from(contract: &Contract) -> Self {
        let counterfeit = match contract.verdict {
            Verdict::Genuine => None,
            Verdict::Counterfeit(reason) => Some(reason),
        };
        Self { rescue: contract.address, created_block: contract.block, counterfeit }
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    Ok(escape::json(&format!("{}\n", serde_json::to_string(value)?)))
}

/// All rescues.
pub(super) async fn rescues(State(site): State<Arc<Site>>, page: Page) -> Response {
    site.answer("/api/", async |site: &Site| {
        let issue = site.archive.issue();
        let rescues = rescues_of(&issue, site.archive.chain, page)?;
        let text = json(&rescues)?;
        let place = site.room.place(text.len(), &issue.bodies).await?;
        Ok(Body::new(JSON, text, place, issue.at()))
    })
    .await
}

fn rescues_of(issue: &Issue, chain: u64, page: Page) -> Result<Rescues> {
    let pages = pages_of(issue.rescues.len(), ON_A_PAGE);
    let page = page.within(pages, "rescues")?;
    let listed = issue.rescues.iter().skip((page - 1) * ON_A_PAGE).take(ON_A_PAGE);
    Ok(Rescues { chain, block: issue.block, rescues: listed.map(Announced::from).collect(), page, pages })
}

/// The state of a rescue, as `levee status` tells it.
pub(super) async fn rescue(State(site): State<Arc<Site>>, subject: Subject) -> Response {
    site.about(subject, "", Page(1), JSON, |told, _, _| {
        json(&StatusPage::of_history(&told.history, &told.basis.models, told.edition).to_json())
    })
    .await
}

/// Those who have something in a rescue, as `levee pledgers` tells them.
pub(super) async fn pledgers(State(site): State<Arc<Site>>, subject: Subject, page: Page) -> Response {
    site.about(subject, "/pledgers", page, JSON, |told, page, _| json_of_pledgers(told, page)).await
}

fn json_of_pledgers(told: &Told, page: Page) -> Result<String> {
    let (history, ranking) = (&told.history, &told.basis.ranking);
    let pages = pages_of(ranking.len(), ON_A_PAGE);
    let page = page.within(pages, "pledgers")?;
    let listed = ranking.iter().skip((page - 1) * ON_A_PAGE).take(ON_A_PAGE);
    let pledgers = told.basis.models.pledgers_among(history.moment(), listed.copied());
    let (rescue, chain, block) = (history.address, history.chain, history.block);
    json(&PledgersPage { pledgers: Pledgers { rescue, chain, block, pledgers: &pledgers }, page, pages })
}

/// What stands on the board for a rescue, as `levee declarations` tells it.
pub(super) async fn declarations(State(site): State<Arc<Site>>, subject: Subject, page: Page) -> Response {
    site.about(subject, "/declarations", page, JSON, |told, page, _| json_of_declarations(told, page)).await
}

fn json_of_declarations(told: &Told, page: Page) -> Result<String> {
    let History { chain, block, address, .. } = told.history;
    let pages = pages_of(told.standing(), ON_A_PAGE);
    let page = page.within(pages, "declarations")?;
    let compared = told.standing_from((page - 1) * ON_A_PAGE, ON_A_PAGE);
    let declarations = declarations::page_of(&compared, address, told.board().missing);
    json(&DeclarationsPage { chain, block, declarations, page, pages })
}

/// The statement of an account, as `levee statement --for` tells it.
pub(super) async fn statement(State(site): State<Arc<Site>>, subject: Subject, page: Page) -> Response {
    of_ledger(site, (subject, page), ON_A_PAGE, JSON, |ledger, page, pages| {
        json(&StatementPage { statement: ledger.to_json(), page, pages })
    })
    .await
}

/// The same as `levee statement --for --csv` writes it.
pub(super) async fn statement_csv(State(site): State<Arc<Site>>, subject: Subject, page: Page) -> Response {
    of_ledger(site, (subject, page), ROWS, CSV, |ledger, _, _| Ok(escape::text(&ledger.to_csv()?))).await
}

/// Answers with what `write` makes of a page of a statement, its number and how many there are.
async fn of_ledger(
    site: Arc<Site>,
    (subject, page): (Subject, Page),
    rows: usize,
    kind: &'static str,
    write: impl FnOnce(&Ledger<'_>, usize, usize) -> Result<String> + Send + 'static,
) -> Response {
    site.about(subject, "/statement", page, kind, move |told, page, _| {
        let (account, declared) = (subject.account, told.declared_by(subject.account));
        let ledger = Ledger::of_account(&told.history, told.statement()?, &declared, account)?;
        let pages = pages_of(ledger.len(), rows);
        let page = page.within(pages, "movements")?;
        write(&ledger.paged((page - 1) * rows, rows), page, pages)
    })
    .await
}

/// What all of this is, for programs.
pub(super) async fn openapi() -> Response {
    Body::fixed(JSON, include_str!("openapi.json")).into_response()
}

/// Whether the server is healthy.
pub(super) async fn health(State(site): State<Arc<Site>>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], site.archive.metrics.checkup(site.stale)).into_response()
}

/// Figures for Prometheus.
pub(super) async fn metrics(State(site): State<Arc<Site>>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], site.archive.metrics.exposed()).into_response()
}

/// A file that pages load.
pub(super) async fn asset(request: axum::extract::Request) -> Response {
    let path = request.uri().path();
    let found = levee_pages::site::ASSETS.iter().find(|asset| asset.path() == path);
    match found {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.kind),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (StatusCode::OK, headers, &*asset.text).into_response()
        }
        None => super::nothing(path),
    }
}
