//! A statement for a forum.

use levee::statement::{PositionStatement, Statement};

use super::{Ledger, text};
use crate::{
    amount,
    markdown::{escaped, table},
    time,
};

impl Ledger<'_> {
    /// The statement as Markdown.
    pub(super) fn to_markdown(&self) -> String {
        let (block, address, chain) = (&self.history.block, self.history.address, self.history.chain);
        let mut parts = vec![format!("# Statement of the rescue `{address}`")];
        let number = block.number;
        let of = self.of.map_or_else(String::new, |account| format!(" Only what concerns `{account}`."));
        parts.push(format!(
            "On chain {chain}, up to block {number} of {}, from its logs. Status: {}.{of}",
            time::time(block.time),
            escaped(&self.status())
        ));
        parts.extend(self.rate_text().map(|rate| format!("Share rate: {}.", escaped(&rate))));
        parts.push(format!("## Totals\n\n{}", self.totals_table()));
        parts.push(format!("## Contributors\n\n{}", self.positions_table()));
        let pools = [
            ("Recovered", text::recovered(&self.statement.recovery)),
            ("Bonus", text::bonus(&self.statement.bonus)),
        ];
        let pools = pools.into_iter().filter(|(_, facts)| !facts.is_empty());
        parts.extend(pools.map(|(title, facts)| format!("## {title}\n\n```text\n{facts}```")));
        parts.push(format!("## Movements\n\n{}", self.movements_table()));
        parts.push(self.reconciled().to_owned());
        format!("{}\n", parts.join("\n\n"))
    }

    fn totals_table(&self) -> String {
        let escrow = &self.statement.escrow;
        let pots = escrow.pots.iter().map(|pot| (format!("tier {}", pot.tier), pot.asset, &pot.parts));
        let assets = escrow.assets.iter().map(|of| ("all".to_owned(), of.asset, &of.parts));
        let rows = pots
            .chain(assets)
            .map(|(of, asset, parts)| [of, asset.to_string(), self.identity_of(asset, parts)]);
        table(["of", "asset", "where it is"], rows)
    }

    fn positions_table(&self) -> String {
        let Statement { escrow, pool_payments, .. } = &self.statement;
        let rows = escrow.positions.iter().zip(pool_payments).map(|(position, payments)| {
            let PositionStatement { id, pledged, drawn, .. } = *position;
            let units = [pledged, drawn, position.came_back(), position.to_come()]
                .map(|units| amount::units(units, id.asset, self.rate()));
            let [pledged, drawn, came_back, to_come] = units;
            let [recovered, bonus] = [payments.earned, payments.bonus].map(amount::eth);
            let pledger = format!("`{}`", id.pledger);
            [pledger, id.tier.to_string(), pledged, drawn, came_back, to_come, recovered, bonus]
        });
        let header = [
            "contributor",
            "tier",
            "pledged",
            "drawn",
            "came back",
            "locked or to come back",
            "recovered",
            "bonus",
        ];
        table(header, rows)
    }

    fn movements_table(&self) -> String {
        let rows = self.lines.iter().map(|line| {
            let (time, block) = (time::time(line.entry.time), line.entry.block.to_string());
            let transaction = format!("`{}`", line.entry.transaction);
            [time, block, escaped(&line.what(self.rate())), transaction]
        });
        table(["time", "block", "what", "transaction"], rows)
    }
}
