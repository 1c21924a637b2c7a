//! A statement for the eye.

use levee::statement::{BonusStatement, GroupStatement, PoolPayments, PositionStatement, RecoveryStatement};
use levee_model::Wei;

use super::{Ledger, Line};
use crate::{amount, table, time};

impl Ledger<'_> {
    /// The statement as text.
    pub(super) fn to_text(&self) -> String {
        let parts = [
            self.head(),
            self.totals(),
            self.contributors(),
            titled("Recovered", &recovered(&self.statement.recovery)),
            titled("Bonus", &bonus(&self.statement.bonus)),
            self.movements(),
            table::hanging(self.reconciled(), 0),
        ];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    }

    fn head(&self) -> String {
        let (block, address) = (&self.history.block, self.history.address);
        let up_to = format!("{}, of {}", block.number, time::time(block.time));
        let mut facts = vec![
            ("statement", format!("of the rescue {address} on chain {}", self.history.chain)),
            ("block", up_to),
            ("status", self.status()),
        ];
        facts.extend(self.of.map(|account| ("for", account.to_string())));
        facts.extend(self.rate_text().map(|rate| ("share rate", rate)));
        table::facts(&facts)
    }

    /// All of each asset, and of each pot.
    fn totals(&self) -> String {
        let escrow = &self.statement.escrow;
        let of_assets =
            escrow.assets.iter().map(|of| (of.asset.to_string(), self.identity_of(of.asset, &of.parts)));
        let of_pots = escrow.pots.iter().map(|pot| {
            (format!("{} in tier {}", pot.asset, pot.tier), self.identity_of(pot.asset, &pot.parts))
        });
        titled("Totals", &facts(of_assets.chain(of_pots)))
    }

    /// Each position, below its pledger.
    fn contributors(&self) -> String {
        let (escrow, payments) = (&self.statement.escrow, &self.statement.pool_payments);
        let mut text = String::new();
        let mut lines = escrow.positions.iter().zip(payments).peekable();
        while let Some((first, _)) = lines.peek() {
            let pledger = first.id.pledger;
            let mut own = Vec::new();
            while let Some((position, payments)) =
                lines.next_if(|(position, _)| position.id.pledger == pledger)
            {
                own.extend(self.position(position, payments));
            }
            text.push_str(&format!("{pledger}\n{}", facts(own.into_iter())));
        }
        titled("Contributors", &text)
    }

    fn position(&self, position: &PositionStatement, payments: &PoolPayments) -> Vec<(String, String)> {
        let PositionStatement { id, pledged, .. } = *position;
        let name = format!("{} in tier {}", id.asset, id.tier);
        let mut facts = vec![(name, self.identity(id.asset, pledged, position.named()))];
        facts.extend(pool_facts(payments));
        facts
    }

    fn movements(&self) -> String {
        let line = |line: &Line<'_>| {
            let (time, block) = (time::time(line.entry.time), line.entry.block);
            let what = table::hanging(&format!("{time}  {}", line.what(self.rate())), 22);
            format!("{what}{:22}block {block}\n  {}\n", "", line.entry.transaction)
        };
        titled("Movements", &self.lines.iter().map(line).collect::<String>())
    }
}

/// What the pools have for a position.
fn pool_facts(payments: &PoolPayments) -> Vec<(String, String)> {
    let PoolPayments { earned, interest, claimed, bonus, bonus_claimed, .. } = *payments;
    let mut facts = Vec::new();
    if !earned.is_zero() {
        let [earned, interest, claimed] = [earned, interest, claimed].map(amount::eth);
        facts.push((
            "recovered".into(),
            format!("{earned} earned, of which {interest} is interest; {claimed} claimed"),
        ));
    }
    if !bonus.is_zero() {
        let [bonus, claimed] = [bonus, bonus_claimed].map(amount::eth);
        facts.push(("bonus".into(), format!("{bonus}; {claimed} claimed")));
    }
    facts
}

/// What was recovered, and who was repaid; empty if nothing was.
pub(super) fn recovered(recovery: &RecoveryStatement) -> String {
    if recovery.total.is_zero() {
        return String::new();
    }
    let parts = &recovery.parts;
    let parts = [("claimed", parts.claimed), ("claimable", parts.claimable), ("dust", parts.dust)];
    let total = ("total".to_owned(), sum(recovery.total, "recovered", &parts));
    let group = |group: &GroupStatement| {
        let parts = [("interest", group.interest), ("principal", group.principal), ("rest", group.rest)];
        let received = group.interest + group.principal + group.rest;
        (format!("draw order {}", group.draw_order), sum(received, "received", &parts))
    };
    facts([total].into_iter().chain(recovery.groups.iter().map(group)))
}

/// What became of the bonus; empty if there was none.
pub(super) fn bonus(bonus: &BonusStatement) -> String {
    if bonus.added.is_zero() {
        return String::new();
    }
    let BonusStatement { added, withdrawn, paid, returned, left, pledgers } = *bonus;
    let parts = [("withdrawn", withdrawn), ("paid", paid), ("returned", returned), ("left", left)];
    let decided = pledgers.map_or_else(|| "not decided yet".into(), amount::eth);
    let lines = [("total".to_owned(), sum(added, "added", &parts)), ("pledgers' part".to_owned(), decided)];
    facts(lines.into_iter())
}

/// `3 ETH recovered = 2 ETH claimed + 1 ETH claimable`.
fn sum(total: Wei, what: &str, parts: &[(&str, Wei)]) -> String {
    let parts = parts.iter().filter(|(_, part)| !part.is_zero());
    let parts: Vec<_> = parts.map(|(name, part)| format!("{} {name}", amount::eth(*part))).collect();
    format!("{} {what} = {}", amount::eth(total), parts.join(" + "))
}

fn facts(facts: impl Iterator<Item = (String, String)>) -> String {
    let facts: Vec<_> = facts.collect();
    let facts: Vec<_> = facts.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    table::facts_below(&facts)
}

/// Some lines under a title; empty without any.
fn titled(title: &str, lines: &str) -> String {
    if lines.is_empty() { String::new() } else { format!("{title}\n{lines}") }
}
