//! All rescues of a chain.

use levee::{
    Block,
    alloy::primitives::Address,
    text::{escape, percent::of_down, status},
};
use levee_model::{RescueView, Status};
use maud::{Markup, html};

use super::{Frame, path, turner};
use crate::{
    headline::locked,
    html::{account, counted, eth, table, time, time_from},
};

/// The rescues of a chain at a block, a page of them.
#[derive(Debug)]
pub struct RescuesPage<'a> {
    /// The chain ID.
    pub chain: u64,
    /// The block.
    pub block: Block,
    /// How old it is, in words.
    pub age: &'a str,
    /// How many rescues there are on all pages, and how many counterfeits.
    pub genuine: usize,
    /// Contracts that only look like rescues.
    pub counterfeits: usize,
    /// Those of this page.
    pub listed: Vec<Listed>,
    /// The page, from 1, and how many there are.
    pub page: usize,
    /// The number of pages.
    pub pages: usize,
}

/// A contract that announced itself as a rescue.
#[derive(Debug)]
pub enum Listed {
    /// A rescue, whose address proves it.
    Genuine {
        /// Its address.
        rescue: Address,
        /// As the next call would find it.
        view: Box<RescueView>,
    },
    /// No rescue.
    Counterfeit {
        /// Its address.
        address: Address,
        /// The block in which it announced itself.
        block: u64,
        /// Why it is none.
        reason: String,
    },
    /// A rescue whose logs in the index do not add up.
    Broken {
        /// Its address.
        rescue: Address,
        /// What is wrong with them.
        reason: String,
    },
}

impl RescuesPage<'_> {
    /// The page.
    pub fn document(&self) -> String {
        let frame = Frame::new("Rescues", None, self.header());
        frame.document(&html! {
            section #rescues {
                h2 { "Rescues" }
                p.note { (self.which()) }
                @if !self.listed.is_empty() { (self.table()) }
                (turner(self.page, self.pages, "", "Pages of rescues"))
            }
        })
    }

    fn header(&self) -> Markup {
        html! {
            h1 { "Rescues on chain " (self.chain) }
            p.meta {
                "At the end of block " (self.block.number) ", " (time(self.block.time)) " (" (self.age) ")"
                ". What is locked, and what for, is on the page of each."
            }
        }
    }

    fn which(&self) -> String {
        let (rescues, counterfeits) =
            (counted(self.genuine, "rescue"), counted(self.counterfeits, "counterfeit"));
        format!(
            "{rescues}, the latest first, and {counterfeits}. A counterfeit is a contract that announced itself as a rescue and is none: do not \
             send anything to it. The amounts of different rescues are not added up."
        )
    }

    fn table(&self) -> Markup {
        let rows: Vec<_> = self.listed.iter().map(|one| self.row(one)).collect();
        let header = ["Rescue", "State", "Locked", "Target", "Of the target", "Deadline"];
        table("Rescues, and contracts that only look like one", header, &rows)
    }

    fn row(&self, listed: &Listed) -> [Markup; 6] {
        match listed {
            Listed::Genuine { rescue, view } => self.genuine(*rescue, view),
            Listed::Counterfeit { address, block, reason } => {
                let state = html! { strong { "counterfeit" } " of block " (block) ": " (reason) };
                unknown(account(*address, None, self.chain), state)
            }
            Listed::Broken { rescue, reason } => {
                let state = html! { "not known: " (escape::line(reason)) };
                unknown(link(*rescue), state)
            }
        }
    }

    fn genuine(&self, rescue: Address, view: &RescueView) -> [Markup; 6] {
        let share = view.coverage.map(|coverage| of_down(coverage, view.terms.target));
        let pledged = if view.status == Status::Open { "locked" } else { "pledged" };
        [
            link(rescue),
            html! { (status::text(view, self.block.time)) },
            html! { (locked(view)) " " span.dim { (pledged) } },
            eth(view.terms.target),
            html! { span.n { (share.unwrap_or_else(|| "unknown".into())) } },
            time_from(view.terms.deadline, self.block.time),
        ]
    }
}

fn link(rescue: Address) -> Markup {
    html! { a.address.whole-address href=(path(rescue)) { (rescue.to_string()) } }
}

/// A row without figures.
fn unknown(name: Markup, state: Markup) -> [Markup; 6] {
    [name, state, html! { "–" }, html! { "–" }, html! { "–" }, html! { "–" }]
}
