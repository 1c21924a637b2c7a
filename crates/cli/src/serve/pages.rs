//! The pages.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use eyre::Result;
use levee::Block;
use levee_index::{Contract, IndexError, Verdict};
use levee_pages::{
    RescuePage,
    site::{Listed, RescuesPage, StatementPage, badge, pages_of},
};

use super::{
    Site,
    archive::{Issue, TRIES, Told, catching_up},
    asked::{Page, Subject},
    bodies::Body,
};
use crate::{
    commands::statement::Ledger,
    error::{self, UserError},
    time,
};

/// How many rescues one page lists.
pub(super) const RESCUES_ON_A_PAGE: usize = 30;

pub(super) const HTML: &str = "text/html; charset=utf-8";

/// How old a block is, in words. Pages are made again only when these change.
pub(super) fn age(block: Block) -> String {
    age_at(block, time::clock())
}

fn age_at(block: Block, now: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let age = now.saturating_sub(block.time);
    match UNITS.iter().find(|(length, _)| age >= *length) {
        Some((length, unit)) => {
            let count = age / length;
            format!("{count} {unit}{} old", if count == 1 { "" } else { "s" })
        }
        None => "less than a minute old".into(),
    }
}

/// All rescues.
pub(super) async fn rescues(State(site): State<Arc<Site>>, page: Page) -> Response {
    site.answer("/", async |site: &Site| {
        for _ in 0..TRIES {
            if let Some(body) = site.list(&site.archive.issue(), page).await? {
                return Ok(body);
            }
            site.archive.move_on().await?;
        }
        Err(catching_up())
    })
    .await
}

impl Site {
    /// The list of rescues in an issue; none if the index has moved on.
    async fn list(&self, issue: &Arc<Issue>, page: Page) -> Result<Option<Body>> {
        let pages = pages_of(issue.rescues.len(), RESCUES_ON_A_PAGE);
        let page = page.within(pages, "rescues")?;
        let age = age(issue.block);
        let key = format!("/?page={page} {age}");
        if let Some(body) = issue.bodies.get(&key) {
            return Ok(Some(body));
        }
        let Some(listed) = self.listed(issue, page).await? else { return Ok(None) };
        let genuine = issue.rescues.iter().filter(|one| one.verdict == Verdict::Genuine).count();
        let counterfeits = issue.rescues.len() - genuine;
        let (chain, block) = (self.archive.chain, issue.block);
        let document = move || {
            Ok(RescuesPage { chain, block, age: &age, genuine, counterfeits, listed, page, pages }.document())
        };
        self.made(issue, key, HTML, document).await.map(Some)
    }

    /// The rescues of a page, with what is known of each; none if the index has moved on.
    async fn listed(&self, issue: &Arc<Issue>, page: usize) -> Result<Option<Vec<Listed>>> {
        let mut listed = Vec::new();
        let first = (page - 1) * RESCUES_ON_A_PAGE;
        for contract in issue.rescues.iter().skip(first).take(RESCUES_ON_A_PAGE) {
            match self.one_listed(issue, contract).await? {
                Some(one) => listed.push(one),
                None => return Ok(None),
            }
        }
        Ok(Some(listed))
    }

    async fn one_listed(&self, issue: &Arc<Issue>, contract: &Contract) -> Result<Option<Listed>> {
        let (address, block) = (contract.address, contract.block);
        if let Verdict::Counterfeit(reason) = contract.verdict {
            return Ok(Some(Listed::Counterfeit { address, block, reason: reason.to_string() }));
        }
        match self.archive.told_in(issue, address).await {
            Ok(told) => {
                Ok(told.map(|told| Listed::Genuine { rescue: address, view: Box::new(told.view.clone()) }))
            }
            Err(error) if error.downcast_ref().is_some_and(is_of_rescue) => {
                Ok(Some(Listed::Broken { rescue: address, reason: error::in_a_line(&error) }))
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether it is only one rescue that cannot be told.
const fn is_of_rescue(error: &IndexError) -> bool {
    matches!(error, IndexError::HistoryBroken { .. } | IndexError::Client(_))
}

/// The page of a rescue.
pub(super) async fn rescue(State(site): State<Arc<Site>>, subject: Subject, page: Page) -> Response {
    let holes = Arc::clone(&site.holes);
    site.about(subject, "", page, HTML, move |told, page, age| {
        let page = page.within(told.basis.pages(), "contributors")?;
        Ok(rescue_page(told, age).with_holes(&holes).document(page))
    })
    .await
}

/// How to check a rescue.
pub(super) async fn check(State(site): State<Arc<Site>>, subject: Subject) -> Response {
    site.about(subject, "/check", Page(1), HTML, |told, _, age| Ok(rescue_page(told, age).check_document()))
        .await
}

fn rescue_page<'a>(told: &'a Told, age: &'a str) -> RescuePage<'a> {
    RescuePage::on_site(&told.history, &told.basis, &told.board().said, age)
}

/// What an account has in a rescue.
pub(super) async fn contributor(State(site): State<Arc<Site>>, subject: Subject) -> Response {
    let account = subject.account;
    site.about(subject, "/contributor", Page(1), HTML, move |told, _, age| {
        let declared = told.declared_by(account);
        let ledger = Ledger::of_account(&told.history, told.statement()?, &declared, account)?;
        let (view, statement, movements) = (ledger.view(), ledger.statement(), ledger.events());
        let (history, movements) = (&told.history, movements.as_slice());
        Ok(StatementPage { history, view, account, statement, movements, age }.document())
    })
    .await
}

/// How much is locked, as a picture.
pub(super) async fn picture(State(site): State<Arc<Site>>, subject: Subject) -> Response {
    site.about(subject, "/badge.svg", Page(1), "image/svg+xml", |told, _, _| {
        Ok(badge(&told.view, told.history.block))
    })
    .await
}

/// What was locked over time, as a picture.
pub(super) async fn chart(State(site): State<Arc<Site>>, subject: Subject) -> Response {
    site.about(subject, "/chart.svg", Page(1), "image/svg+xml", |told, _, age| {
        Ok(rescue_page(told, age).picture().ok_or_else(|| {
            UserError::new("what is locked is not known: no log says what the shares are worth before the rescue is decided")
                .hint("the page of the rescue shows the shares")
        })?)
    })
    .await
}

impl Site {
    /// Answers about a rescue with what `make` makes, once for each block and age of it.
    pub(super) async fn about(
        &self,
        subject: Subject,
        what: &str,
        page: Page,
        kind: &'static str,
        make: impl FnOnce(&Told, Page, &str) -> Result<String> + Send + 'static,
    ) -> Response {
        let Subject { rescue, account } = subject;
        let path = format!("/rescue/{rescue}{what}");
        let is_api = kind != HTML && kind != "image/svg+xml";
        let shown = if is_api { "/api/" } else { "/" };
        self.answer(shown, async |site: &Self| {
            let (issue, told) = site.archive.told(rescue).await?;
            let age = if is_api { String::new() } else { age(issue.block) };
            let key = format!("{path}/{account}?page={} {age} {kind}", page.0);
            match issue.bodies.get(&key) {
                Some(body) => Ok(body),
                None => site.made(&issue, key, kind, move || make(&told, page, &age)).await,
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::B256;

    #[test]
    fn an_age_is_told_in_whole_units() {
        let block = Block { number: 1, parent_hash: B256::ZERO, time: 1_000 };
        for (seconds, told) in [
            (0, "less than a minute old"),
            (59, "less than a minute old"),
            (60, "1 minute old"),
            (3_599, "59 minutes old"),
            (7_200, "2 hours old"),
            (86_400 * 9, "9 days old"),
        ] {
            assert_eq!(age_at(block, 1_000 + seconds), told);
        }
        assert_eq!(age_at(block, 10), "less than a minute old");
    }
}
