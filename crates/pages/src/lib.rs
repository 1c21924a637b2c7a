#![doc = include_str!("../README.md")]

mod amendment;
mod calendar;
mod chart;
mod compact;
mod contributors;
mod declared;
mod feed;
mod headline;
mod hole;
mod html;
mod ladder;
mod money;
mod pools;
pub mod site;
mod style;
mod timeline;
mod tranches;
mod verify;

use std::{borrow::Cow, collections::BTreeMap};

use levee::{
    Declared, Error, History,
    alloy::primitives::Address,
    text::{address, time::duration},
};
use levee_model::{Asset, Models, Moment, RescueView, Terms};
use maud::{DOCTYPE, Markup, html};

pub use calendar::calendar;
pub use compact::CompactPage;
pub use declared::Said;
pub use feed::feed;
pub use hole::Holes;

use html::{account, facts, time};

/// How many contributors one page lists.
pub const CONTRIBUTORS_ON_A_PAGE: usize = 30;

/// What all pages about a rescue at one block rest on, worked out once from its history.
#[derive(Debug, Clone)]
pub struct Basis {
    /// The models of the escrow and its pools.
    pub models: Models,
    /// Who has something in it, the largest first.
    pub ranking: Vec<Address>,
}

impl Basis {
    /// That of a history.
    ///
    /// # Errors
    /// [`Error::NotReconciled`] if the events of the pools are not what the rules give.
    pub fn of(history: &History) -> Result<Self, Error> {
        let models = history.models()?;
        let ranking = contributors::ranking(&models, history.rescue.view(history.moment()).rate.known());
        Ok(Self { models, ranking })
    }

    /// The contributors of a page, from 1; beyond the last page there are none.
    pub fn listed(&self, page: usize) -> impl Iterator<Item = Address> {
        let first = page.saturating_sub(1).saturating_mul(CONTRIBUTORS_ON_A_PAGE);
        self.ranking.iter().skip(first).take(CONTRIBUTORS_ON_A_PAGE).copied()
    }

    /// The number of pages that all contributors take, at least one.
    pub const fn pages(&self) -> usize {
        site::pages_of(self.ranking.len(), CONTRIBUTORS_ON_A_PAGE)
    }
}

/// Where a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// As a file, which needs nothing else.
    File,
    /// On a site, beside others.
    Site {
        /// How old its block is, in words.
        age: &'a str,
    },
}

/// A document that needs nothing else.
pub(crate) fn document_of_file(title: &str, header: &Markup, sections: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(style::policy());
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Levee" }
                style { (style::sheet()) }
            }
            body {
                a.skip href="#main" { "Skip to the figures" }
                header { p.brand { "Levee" } (header) }
                main #main { (sections) }
                footer {
                    p {
                        "Made by " code { "levee report" } " from logs, without a server and without scripts. "
                        "Nobody vouches for this page: " a href="#check" { "check it yourself" } "."
                    }
                }
            }
        }
    };
    document.into_string()
}

/// Everything that the page of a rescue tells.
#[derive(Debug)]
pub struct RescuePage<'a> {
    history: &'a History,
    basis: Cow<'a, Basis>,
    view: RescueView,
    /// What stands on the board for the rescue; none if that is not known.
    said: Option<Cow<'a, Said>>,
    names: &'a BTreeMap<Address, String>,
    /// What documents say that a target is the net of.
    holes: &'a Holes,
    place: Place<'a>,
}

static NO_HOLES: Holes = Holes::new();

impl<'a> RescuePage<'a> {
    /// The page of a rescue at the block of its history, as a file, with all that was declared for it, if that is known, and with names for
    /// accounts, which may be anyone's.
    ///
    /// # Errors
    /// [`Error::NotReconciled`] if the events of the pools are not what the rules give.
    pub fn new(
        history: &'a History,
        declarations: Option<&'a [Declared]>,
        names: &'a BTreeMap<Address, String>,
    ) -> Result<Self, Error> {
        let (basis, view) = (Cow::Owned(Basis::of(history)?), history.rescue.view(history.moment()));
        let said = declarations.map(|declared| Cow::Owned(Said::of(history, declared)));
        Ok(Self { history, basis, view, said, names, holes: &NO_HOLES, place: Place::File })
    }

    /// The same on a site, from what was worked out before.
    pub fn on_site(history: &'a History, basis: &'a Basis, said: &'a Said, age: &'a str) -> Self {
        static NOBODY: BTreeMap<Address, String> = BTreeMap::new();
        let (basis, view) = (Cow::Borrowed(basis), history.rescue.view(history.moment()));
        let (said, place) = (Some(Cow::Borrowed(said)), Place::Site { age });
        Self { history, basis, view, said, names: &NOBODY, holes: &NO_HOLES, place }
    }

    /// The same with what documents say that the target is the net of, of which those count whose hashes are among the terms.
    #[must_use]
    pub fn with_holes(self, holes: &'a Holes) -> Self {
        Self { holes, ..self }
    }

    /// The number of pages that all contributors take, at least one.
    pub fn pages(&self) -> usize {
        self.basis.pages()
    }

    /// The whole document, with the contributors of a page, counted from 1; beyond the last page there are none.
    pub fn document(&self, page: usize) -> String {
        let title = format!("Rescue {}", address::short(self.history.address));
        match self.place {
            Place::File => document_of_file(&title, &self.header(), &self.sections(page)),
            Place::Site { .. } => site::Frame::new(&title, Some(self.history.address), self.header())
                .with_alternates(&site::alternates(self.history.address))
                .document(&self.sections(page)),
        }
    }

    fn sections(&self, page: usize) -> Markup {
        html! {
            (amendment::pending(&self.view, self.now()))
            (self.headline())
            (self.money())
            (self.ladder())
            (self.hole())
            (self.said())
            (self.tranches())
            (self.recovery())
            (self.bonus())
            (self.guardian())
            (self.timeline())
            (self.contributor_table(page))
            (self.terms())
            (self.check_it_yourself())
        }
    }

    fn header(&self) -> Markup {
        let History { chain, block, address, .. } = self.history;
        html! {
            h1 { "Rescue " span.address { (address.to_string()) } }
            p.meta {
                "Chain " (chain) ", at the end of block " (block.number) ", " (time(block.time))
                @if let Place::Site { age } = self.place { " (" (age) ")" }
                ". Every figure follows from the logs up to there."
                @if self.is_served() {
                    " " a href={ (site::path(*address)) "/act" } { "Pledge, or do what you can" }
                    ", see " a href={ (site::path(*address)) "/what-if" } { "what if" } " others give"
                    ", " a href={ (site::path(*address)) "/feed.atom" } { "follow its news" }
                    ", or " a href={ (site::path(*address)) "/dates.ics" } { "its dates" } "."
                }
            }
        }
    }

    const fn is_served(&self) -> bool {
        matches!(self.place, Place::Site { .. })
    }

    /// The terms in force.
    fn terms(&self) -> Markup {
        let terms = &self.view.terms;
        let guardian = if terms.guardian.is_zero() {
            html! { "none" }
        } else {
            self.whole_account(terms.guardian)
        };
        let [objection, exit, release] = [terms.objection_period, terms.exit_window, terms.release_window]
            .map(|seconds| duration(seconds.into()));
        let rows = [
            ("Beneficiary", self.whole_account(terms.beneficiary)),
            ("Guardian", guardian),
            ("Accepted assets", html! { (accepted(terms).join(", ")) }),
            ("Deadline", self.time_from(terms.deadline)),
            ("Latest deadline", time(terms.latest_deadline)),
            ("Objection period", html! { (objection) " from settlement to the first tranche" }),
            ("Veto", html! { (headline::veto(terms.veto)) }),
            ("Exit window", html! { (exit) " before an amendment takes effect" }),
            (
                "Release window",
                html! { (release) " after the last tranche is due; then what is not delivered can go back" },
            ),
            ("Document", html! { code.hash { (terms.terms_hash.to_string()) } }),
        ];
        html! { section #terms { h2 { "Terms in force" } (facts(rows)) } }
    }

    fn moment(&self) -> Moment {
        self.history.moment()
    }

    /// The time of the block that the page is of.
    fn now(&self) -> u64 {
        self.history.block.time
    }

    fn account(&self, address: Address) -> Markup {
        account(address, self.name(address), self.history.chain)
    }

    fn whole_account(&self, address: Address) -> Markup {
        html::whole_account(address, self.name(address), self.history.chain)
    }

    fn name(&self, address: Address) -> Option<&str> {
        self.names.get(&address).map(String::as_str)
    }

    fn time_from(&self, at: u64) -> Markup {
        html::time_from(at, self.now())
    }
}

/// The assets that a rescue with these terms accepts.
fn accepted(terms: &Terms) -> Vec<String> {
    Asset::ALL.into_iter().filter(|asset| terms.accepts(*asset)).map(|asset| asset.to_string()).collect()
}
