//! All compacts of a chain.

use levee::{Block, alloy::primitives::Address};
use maud::html;

use super::{Frame, path_of_compact, turner};
use crate::html::{account, counted, table, time};

/// The compacts of a chain at a block, a page of them.
#[derive(Debug)]
pub struct CompactsPage<'a> {
    /// The chain ID.
    pub chain: u64,
    /// The block.
    pub block: Block,
    /// How old it is, in words.
    pub age: &'a str,
    /// Those of this page: each by its address, with the block in which it announced itself, and why it is a counterfeit, if it is one.
    pub listed: Vec<(Address, u64, Option<String>)>,
    /// How many there are on all pages.
    pub count: usize,
    /// The page, from 1, and how many there are.
    pub page: usize,
    /// The number of pages.
    pub pages: usize,
}

impl CompactsPage<'_> {
    /// The page.
    pub fn document(&self) -> String {
        let header = html! {
            h1 { "Compacts on chain " (self.chain) }
            p.meta { "At the end of block " (self.block.number) ", " (time(self.block.time)) " (" (self.age) ")" ". " a href="/" { "All rescues" } }
        };
        let row = |(address, block, counterfeit): &(Address, u64, Option<String>)| match counterfeit {
            Some(reason) => [
                account(*address, None, self.chain),
                html! { (block) },
                html! { strong { "counterfeit" } ": " (reason) },
            ],
            None => {
                let link = html! { a.address.whole-address href=(path_of_compact(*address)) { (address.to_string()) } };
                [link, html! { (block) }, html! { "genuine" }]
            }
        };
        let rows: Vec<_> = self.listed.iter().map(row).collect();
        let announced = if self.count == 1 { "itself as a compact" } else { "themselves as compacts" };
        Frame::new("Compacts", None, header).document(&html! {
            section #compacts {
                h2 { "Compacts" }
                p.note {
                    (counted(self.count, "contract")) " that announced " (announced) ", the latest first. A counterfeit is no compact, or none to rely on: "
                    "do not send anything to it."
                }
                @if !rows.is_empty() { (table("Compacts, and contracts that only look like one", ["Compact", "Block", "State"], &rows)) }
                (turner(self.page, self.pages, "", "Pages of compacts"))
            }
        })
    }
}
