//! A report for a forum.

use levee::{board::Compared, text::Hole};
use levee_model::{PledgerView, Wei};

use super::Report;
use crate::{
    amount,
    commands::pledgers,
    event::counted,
    markdown::{escaped, table},
    time,
};

impl Report<'_> {
    /// The report as Markdown.
    pub(super) fn to_markdown(&self) -> String {
        let state = &self.state;
        let facts = state.facts(time::clock()).into_iter();
        let facts = facts.map(|(name, value)| [name.to_owned(), escaped(&value)]);
        let mut parts = vec![format!("# Rescue `{}`", state.address), table(["what", "how it is"], facts)];
        parts.extend(self.hole.map(|hole| format!("## What the target is the net of\n\n{}", self.net(hole))));
        let blocks = [("Tiers", state.tiers()), ("Payments", state.tranches())];
        let blocks = blocks.into_iter().filter(|(_, block)| !block.is_empty());
        parts.extend(blocks.map(|(title, block)| format!("## {title}\n\n```text\n{block}```")));
        parts.push(format!("## Said against locked\n\n{}", self.said()));
        parts.push(format!("## Contributors\n\n{}", self.contributors()));
        parts.push(format!("## Check it yourself\n\n{}", self.check()));
        format!("{}\n", parts.join("\n\n"))
    }

    fn net(&self, hole: &Hole) -> String {
        let row =
            |what: &str, amount: Wei, source: &str| [what.to_owned(), amount::eth(amount), escaped(source)];
        let less = hole
            .less
            .iter()
            .map(|item| row(&format!("less {}", escaped(&item.what)), item.amount, &item.source));
        let rows = [row("gross loss", hole.gross, "")].into_iter().chain(less);
        let rows = rows.chain([row("left to cover", hole.net, "")]);
        let hash = self.state.view.terms.terms_hash;
        format!(
            "{}\n\nSo says the document with the hash `{hash}`, which is among the terms.",
            table(["what", "amount", "source"], rows)
        )
    }

    fn said(&self) -> String {
        if self.compared.is_empty() {
            return "Nothing stands on the board.".into();
        }
        let known = |amount: Option<Wei>| amount.map_or_else(|| "unknown".into(), amount::eth);
        let row = |one: &Compared| {
            let declaration = &one.declared.declaration;
            [
                format!("`{}`", one.declared.contributor),
                declaration.tier.to_string(),
                declaration.stage.to_string(),
                known(declaration.amount),
                known(one.locked),
                known(one.missing()),
                time::time(declaration.expiry),
                escaped(&declaration.link),
            ]
        };
        let header =
            ["contributor", "tier", "stage", "declared", "locked", "not yet locked", "valid until", "link"];
        table(header, self.compared.iter().map(row))
    }

    fn contributors(&self) -> String {
        let rate = self.state.rate();
        let row = |one: &PledgerView| {
            let facts = pledgers::facts(one, rate).into_iter();
            let facts: Vec<_> = facts.map(|(name, value)| format!("{name}: {}", escaped(&value))).collect();
            [format!("`{}`", one.pledger), facts.join("; ")]
        };
        let all = counted(self.count, "contributor");
        let (page, pages) = (self.page, self.pages);
        let listed = table(["contributor", "what it has"], self.pledgers.iter().map(row));
        format!("{all}, the largest first; page {page} of {pages}.\n\n{listed}")
    }

    fn check(&self) -> String {
        let (rescue, chain) = (self.state.address, self.state.chain);
        let node = format!("--chain {chain} --rpc-url https://node.example");
        format!("```sh\nlevee verify {rescue} {node}\nlevee report --rescue {rescue} {node} --markdown\n```")
    }
}
