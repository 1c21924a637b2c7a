//! How to check the page against a node.

use maud::{Markup, html};

use crate::RescuePage;

impl RescuePage<'_> {
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
