//! News and dates of a rescue, for programs that people subscribe with. As in `levee watch`, but by what the index has alone: what happened, and which
//! dates are near or there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{extract::State, response::Response};
use levee::notice::{self, Depth, Interest, Notice};

use super::{
    Site,
    archive::Told,
    asked::{Page, Subject},
};

/// How many notices a feed has, the latest ones.
const LENGTH: usize = 100;
/// How long before a date it is told: a day.
const LEAD: u32 = 86_400;

const ATOM: &str = "application/atom+xml; charset=utf-8";
const ICS: &str = "text/calendar; charset=utf-8";

/// What happened in a rescue, and what is about to, as an Atom feed.
pub(super) async fn news(State(site): State<Arc<Site>>, subject: Subject) -> Response {
    site.about(subject, "/feed.atom", Page(1), ATOM, |told, _, _| {
        Ok(levee_pages::feed(told.history.chain, &notices(told)))
    })
    .await
}

/// The dates of a rescue that are not over, as a calendar.
pub(super) async fn dates(State(site): State<Arc<Site>>, subject: Subject) -> Response {
    site.about(subject, "/dates.ics", Page(1), ICS, |told, _, _| {
        let history = &told.history;
        let calendar = notice::calendar(history, history.moment());
        Ok(levee_pages::calendar(&[calendar], history.block.time))
    })
    .await
}

/// All that there is to tell, the latest first. Nobody is remembered, so what is told is what there is at the block: states, which come and go, are
/// on the page.
fn notices(told: &Told) -> Vec<Notice> {
    let (history, at) = (&told.history, told.history.moment());
    let interest = Interest { leads: BTreeSet::from([LEAD]), accounts: BTreeSet::new() };
    let mut facts = notice::events(history, at, &interest);
    facts.extend(notice::reminders(&notice::calendar(history, at), at.time, &interest));
    let block = history.block.number;
    let depth = Depth { deep: block, finalized: block, through: Some(0) };
    let mut notices = notice::news(&facts, &BTreeMap::new(), at.time, depth).notices;
    // Those of one time stay in the order of the chain, the latest first.
    notices.reverse();
    notices.sort_by_key(|notice| std::cmp::Reverse(notice.content.at));
    notices.truncate(LENGTH);
    notices
}
