//! The pages about compacts.

use std::sync::Arc;

use alloy::primitives::Address;
use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use eyre::Result;
use levee::compact::CompactHistory;
use levee_index::{Contract, Kind, Look, Verdict};
use levee_pages::{
    CompactPage, Place,
    site::{CompactsPage, pages_of},
};

use super::{
    Site,
    archive::{Archive, Issue, TRIES, catching_up, sort},
    asked::Page,
    bodies::Body,
    pages::{HTML, age},
    problem::Problem,
};
use crate::{address, history};

/// How many compacts one page lists.
const COMPACTS_ON_A_PAGE: usize = 30;

/// The compacts of an index, in their order.
pub(super) fn of_look(look: &Look) -> Vec<Contract> {
    let is_compact = |contract: &&Contract| contract.kind == Kind::Compact;
    let mut compacts: Vec<_> = look.contracts.iter().filter(is_compact).copied().collect();
    sort(&mut compacts);
    compacts
}

/// All compacts.
pub(super) async fn list(State(site): State<Arc<Site>>, page: Page) -> Response {
    site.answer("/", async |site: &Site| {
        let issue = site.archive.issue();
        let (count, age) = (issue.compacts.len(), age(issue.block));
        let pages = pages_of(count, COMPACTS_ON_A_PAGE);
        let page = page.within(pages, "compacts")?;
        let (chain, block) = (site.archive.chain, issue.block);
        let listed = listed(&issue, page);
        let key = format!("/compacts?page={page} {age}");
        let document =
            move || Ok(CompactsPage { chain, block, age: &age, listed, count, page, pages }.document());
        site.made(&issue, key, HTML, document).await
    })
    .await
}

fn listed(issue: &Issue, page: usize) -> Vec<(Address, u64, Option<String>)> {
    let of_page = issue.compacts.iter().skip((page - 1) * COMPACTS_ON_A_PAGE).take(COMPACTS_ON_A_PAGE);
    let row = |contract: &Contract| {
        let counterfeit = match contract.verdict {
            Verdict::Genuine => None,
            Verdict::Counterfeit(reason) => Some(reason.to_string()),
        };
        (contract.address, contract.block, counterfeit)
    };
    of_page.map(row).collect()
}

/// The page of a compact.
pub(super) async fn compact(
    State(site): State<Arc<Site>>,
    Path(compact): Path<String>,
    uri: Uri,
) -> Response {
    match address::parse(&compact) {
        Ok(compact) => site.answer("/", async |site: &Site| site.compact(compact).await).await,
        Err(error) => Problem::unreadable(error).answer(uri.path()),
    }
}

impl Site {
    /// The page of a compact in the latest issue, made once for each block and age of it.
    async fn compact(&self, compact: Address) -> Result<Body> {
        for _ in 0..TRIES {
            let issue = self.archive.issue();
            let unknown = || history::unknown_compact(self.archive.chain, compact);
            history::require_genuine(&issue.compacts, compact, unknown)?;
            let age = age(issue.block);
            let key = format!("/compact/{compact} {age}");
            if let Some(body) = issue.bodies.get(&key) {
                return Ok(body);
            }
            if let Some(history) = self.archive.compact(&issue, compact).await? {
                let document = move || Ok(CompactPage::new(&history, Place::Site { age: &age }).document());
                return self.made(&issue, key, HTML, document).await;
            }
            self.archive.move_on().await?;
        }
        Err(catching_up())
    }
}

impl Archive {
    /// A compact at the block of an issue, added up by one request at a time; none if the index has moved on.
    async fn compact(&self, issue: &Issue, compact: Address) -> Result<Option<CompactHistory>> {
        let _adding = self.adding.lock().await;
        Ok(self.store.compact_at(self.chain, issue.cursor, compact).await?)
    }
}
