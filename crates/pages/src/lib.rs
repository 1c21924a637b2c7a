#![doc = include_str!("../README.md")]

mod calendar;
mod chart;
mod contributors;
mod declared;
mod feed;
mod headline;
mod html;
mod ladder;
mod money;
mod pools;
mod style;
mod timeline;
mod tranches;
mod verify;

use std::collections::BTreeMap;

use levee::{Declared, Error, History, alloy::primitives::Address, text::address};
use levee_model::{Models, Moment, PledgerView, RescueView};
use maud::{DOCTYPE, Markup, html};

pub use calendar::calendar;
pub use feed::feed;

use html::{account, facts, time};

/// How many contributors one page lists.
pub const CONTRIBUTORS_ON_A_PAGE: usize = 30;

/// Everything that the page of a rescue tells.
#[derive(Debug)]
pub struct RescuePage<'a> {
    history: &'a History,
    models: Models,
    view: RescueView,
    /// What was declared for the rescue, in the order of the log; none if that is not known.
    declarations: Option<&'a [Declared]>,
    names: &'a BTreeMap<Address, String>,
    /// Who has something in it, the largest first.
    contributors: Vec<PledgerView>,
}

impl<'a> RescuePage<'a> {
    /// The page of a rescue at the block of its history, with all that was declared for it, if that is known, and with names for
    /// accounts, which may be anyone's.
    ///
    /// # Errors
    /// [`Error::NotReconciled`] if the events of the pools are not what the rules give.
    pub fn new(
        history: &'a History,
        declarations: Option<&'a [Declared]>,
        names: &'a BTreeMap<Address, String>,
    ) -> Result<Self, Error> {
        let (models, at) = (history.models()?, history.moment());
        let view = history.rescue.view(at);
        let contributors = contributors::all(&models, at, view.rate.known());
        Ok(Self { history, models, view, declarations, names, contributors })
    }

    /// The number of pages that all contributors take, at least one.
    pub fn pages(&self) -> usize {
        self.contributors.len().div_ceil(CONTRIBUTORS_ON_A_PAGE).max(1)
    }

    /// The whole document, with the contributors of a page, counted from 1; beyond the last page there are none.
    pub fn document(&self, page: usize) -> String {
        let title = format!("Rescue {}", address::short(self.history.address));
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
                    (self.header())
                    main #main { (self.sections(page)) }
                    (self.footer())
                }
            }
        };
        document.into_string()
    }

    fn sections(&self, page: usize) -> Markup {
        html! {
            (self.headline())
            (self.money())
            (self.ladder())
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
            header {
                p.brand { "Levee" }
                h1 { "Rescue " span.address { (address.to_string()) } }
                p.meta {
                    "Chain " (chain) ", at the end of block " (block.number) ", " (time(block.time))
                    ". Every figure follows from the logs up to there."
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        html! {
            footer {
                p {
                    "Made by " code { "levee report" } " from logs, without a server and without scripts. "
                    "Nobody vouches for this page: " a href="#check" { "check it yourself" } "."
                }
            }
        }
    }

    /// The terms in force.
    fn terms(&self) -> Markup {
        let terms = &self.view.terms;
        let rows = [
            ("Beneficiary", self.account(terms.beneficiary)),
            (
                "Guardian",
                if terms.guardian.is_zero() {
                    html! { "none" }
                } else {
                    self.account(terms.guardian)
                },
            ),
            ("Deadline", self.time_from(terms.deadline)),
            ("Latest deadline", time(terms.latest_deadline)),
            ("Veto", html! { (headline::veto(terms.veto)) }),
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
        account(address, self.names.get(&address).map(String::as_str), self.history.chain)
    }

    fn time_from(&self, at: u64) -> Markup {
        html::time_from(at, self.now())
    }
}
