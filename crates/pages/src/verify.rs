//! How to check the page against a node.

use levee::text::address::short;
use maud::{Markup, html};

use crate::{RescuePage, site};

impl RescuePage<'_> {
    /// A page that says how to check the other one.
    pub fn check_document(&self) -> String {
        let title = format!("Check rescue {}", short(self.history.address));
        let header = html! {
            h1 { "Check the rescue " span.address { (self.history.address.to_string()) } }
            p.meta { "Back to " a href=(site::path(self.history.address)) { "its page" } "." }
        };
        let frame = site::Frame::new(&title, Some(self.history.address), header);
        frame.document(&html! { (self.check_it_yourself()) (self.check_this_server()) })
    }

    /// What the server itself could have made up: the figures, and the index that they are from.
    fn check_this_server(&self) -> Markup {
        let (rescue, chain) = (self.history.address, self.history.chain);
        let number = self.history.block.number;
        let index =
            format!("levee index --once --store check.db --chain {chain} --rpc-url https://node.example");
        let report = format!("levee report --rescue {rescue} --store check.db --html rescue.html");
        html! {
            section #server {
                h2 { "Check this server" }
                p {
                    "The figures here are of block " (number) ". With an index of your own, from a node that you trust, the command makes the same page; "
                    "the figures are the same where the blocks are:"
                }
                pre tabindex="0" { code { (index) "\n" (report) } }
            }
        }
    }

    pub(crate) fn check_it_yourself(&self) -> Markup {
        html! {
            section #check {
                h2 { "Check it yourself" }
                p { "Replace the address of the node by one that you trust. These commands ask it, and nobody else." }
                ul.commands { @for (command, what) in self.commands() { li { p { (what) } pre tabindex="0" { code { (command) } } } } }
                p.note {
                    "The first proves the code, the terms, the books and the balances against the hash of a block. The value of stETH before the rescue "
                    "is decided comes from the node, and cannot be proven."
                }
            }
        }
    }

    fn commands(&self) -> [(String, &'static str); 4] {
        let (rescue, chain) = (self.history.address, self.history.chain);
        let node = format!("--chain {chain} --rpc-url https://node.example");
        [
            (format!("levee verify {rescue} {node}"), "Prove the rescue from its address:"),
            (
                format!("levee status --rescue {rescue} {node}"),
                "Compare the figures with what the contracts say now:",
            ),
            (
                format!("levee declarations --rescue {rescue} {node}"),
                "Compare what was said with what is locked:",
            ),
            (format!("levee report --rescue {rescue} {node} --html rescue.html"), "Make this page again:"),
        ]
    }
}
