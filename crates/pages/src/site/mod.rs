//! Pages that are served beside each other: what they have in common, and those that are not about a rescue alone.
//!
//! All addresses are below the root of their host. A page loads its stylesheet, its script and its icon from there, and nothing from
//! elsewhere; without the script it is whole.

mod act;
mod assets;
mod badge;
mod compacts;
mod problem;
mod rescues;
mod statement;
mod what_if;

use levee::{History, alloy::primitives::Address, text::address::short};
use maud::{DOCTYPE, Markup, html};

use crate::html::time;

pub use act::{ActPage, Asked, Choice, Entered, PlannedCall, Reading};
pub use assets::{ALL as ASSETS, Asset, WALLET as WALLET_SCRIPT};
pub use badge::badge;
pub use compacts::CompactsPage;
pub use problem::problem;
pub use rescues::{Listed, RescuesPage};
pub use statement::StatementPage;
pub use what_if::{RATES, Supposed, WhatIfPage, WhatIfRow, thousandths};

use assets::{ICON, SCRIPT, SHEET};

/// What a response with a page must carry as its `Content-Security-Policy`.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                          form-action 'self'; frame-ancestors 'none'";

/// What surrounds the content of a page.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    /// The rescue that it is about; none if it is about several.
    pub(crate) rescue: Option<Address>,
    pub(crate) header: Markup,
    /// Its script; none if it follows the index, as nearly all do.
    script: Option<&'a Asset>,
    /// What programs can read instead: their title, media type and address.
    alternates: &'a [Alternate],
}

/// The same for a program.
#[derive(Debug)]
pub(crate) struct Alternate {
    pub(crate) title: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) address: String,
}

impl<'a> Frame<'a> {
    /// That of a page that follows the index.
    pub(crate) const fn new(title: &'a str, rescue: Option<Address>, header: Markup) -> Self {
        Self { title, rescue, header, script: None, alternates: &[] }
    }

    /// The same with a module of its own, which keeps what it has: it is not replaced when there is news.
    pub(crate) fn with_script(self, script: &'a Asset) -> Self {
        Self { script: Some(script), ..self }
    }

    /// The same with what programs can read instead.
    pub(crate) const fn with_alternates(mut self, alternates: &'a [Alternate]) -> Self {
        self.alternates = alternates;
        self
    }
}

/// What a page says first that is made for one visitor, about a rescue at the block of its history, which is so old.
fn header(what: &str, history: &History, age: &str) -> Markup {
    let History { chain, block, address, .. } = history;
    html! {
        h1 { (what) " " span.address { (address.to_string()) } }
        p.meta {
            "Chain " (chain) ", at the end of block " (block.number) ", " (time(block.time)) " (" (age) "). "
            a href=(path(*address)) { "Its page" } "."
        }
    }
}

impl Frame<'_> {
    /// The document with this content. The script replaces the two elements with `data-live` when there is news.
    pub(crate) fn document(&self, content: &Markup) -> String {
        let (rescue, live) = (self.rescue.map(|rescue| rescue.to_string()), self.script.is_none());
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · Levee" }
                    link rel="icon" href=(ICON.path()) type="image/svg+xml";
                    link rel="stylesheet" href=(SHEET.path());
                    @for Alternate { title, kind, address } in self.alternates {
                        link rel="alternate" type=(kind) title=(title) href=(address);
                    }
                    @match self.script {
                        Some(script) => script type="module" src=(script.path()) {},
                        None => script src=(SCRIPT.path()) defer {},
                    }
                }
                body data-rescue=[rescue] {
                    a.skip href="#main" { "Skip to the figures" }
                    header data-live=[live.then_some("header")] {
                        p.brand { a href="/" { "Levee" } }
                        (self.header)
                    }
                    main #main data-live=[live.then_some("main")] { (content) }
                    (self.footer())
                }
            }
        };
        document.into_string()
    }

    fn footer(&self) -> Markup {
        html! {
            footer {
                p {
                    "Made from an index of the chain's logs by " code { "levee serve" } ". Nobody vouches for this page: "
                    @match self.rescue {
                        Some(rescue) => { a href={ (path(rescue)) "/check" } { "check it yourself" } }
                        None => "check each rescue and compact by the commands on its page",
                    }
                    ". " a href="/compacts" { "Compacts" } ". For programs: " a href="/api/v1/openapi.json" { "the interface" } "."
                }
            }
        }
    }
}

/// The page about a rescue.
pub fn path(rescue: Address) -> String {
    format!("/rescue/{rescue}")
}

/// The page about a compact.
pub fn path_of_compact(compact: Address) -> String {
    format!("/compact/{compact}")
}

/// The page about what an account has in a rescue.
pub fn path_of(rescue: Address, account: Address) -> String {
    format!("{}/contributor/{account}", path(rescue))
}

/// What programs can read about a rescue.
pub(crate) fn alternates(rescue: Address) -> [Alternate; 3] {
    let at = |place: &str| format!("{}{place}", path(rescue));
    [
        Alternate { title: "News", kind: "application/atom+xml", address: at("/feed.atom") },
        Alternate { title: "Dates", kind: "text/calendar", address: at("/dates.ics") },
        Alternate { title: "State", kind: "application/json", address: format!("/api/v1{}", path(rescue)) },
    ]
}

/// The number of pages that a list of so many takes, at least one.
pub const fn pages_of(count: usize, on_a_page: usize) -> usize {
    match count.div_ceil(on_a_page) {
        0 => 1,
        pages => pages,
    }
}

/// An account that has something in a rescue, with a link to its page there.
pub(crate) fn contributor(rescue: Address, account: Address) -> Markup {
    html! { a.address href=(path_of(rescue, account)) title=(account) { (short(account)) } }
}

/// Leads to the other pages of a list; nothing if there are none. `place` is where on the page the list is.
pub(crate) fn turner(page: usize, pages: usize, place: &str, label: &str) -> Markup {
    let link = |number: usize, text: &str, rel: Option<&str>| {
        html! { a href={ "?page=" (number) (place) } rel=[rel] { (text) } }
    };
    if pages < 2 {
        return html! {};
    }
    html! {
        nav.pages aria-label=(label) {
            @if page > 1 {
                (link(1, "First", None))
                " " (link((page - 1).min(pages), "Previous", Some("prev")))
            }
            " " span { "Page " (page) " of " (pages) } " "
            @if page < pages {
                (link(page + 1, "Next", Some("next")))
                " " (link(pages, "Last", None))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_leads_to_its_neighbors() {
        assert_eq!([0, 1, 30, 31].map(|count| pages_of(count, 30)), [1, 1, 1, 2]);
        assert_eq!(turner(1, 1, "", "Pages").into_string(), "");
        let targets = |page| {
            let text = turner(page, 4, "#list", "Pages").into_string();
            let targets =
                text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
            targets.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(targets(1), ["?page=2#list", "?page=4#list"]);
        assert_eq!(targets(2), ["?page=1#list", "?page=1#list", "?page=3#list", "?page=4#list"]);
        assert_eq!(targets(4), ["?page=1#list", "?page=3#list"]);
        assert_eq!(targets(usize::MAX), ["?page=1#list", "?page=4#list"]);
    }
}
