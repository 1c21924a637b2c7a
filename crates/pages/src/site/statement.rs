//! What became of all that one account has in a rescue.

use levee::{
    Entry, History, Statement,
    alloy::primitives::Address,
    statement::{Debt, PoolPayments, PositionStatement},
    text::{address::short, event},
};
use levee_model::{Asset, Rate, RescueView, Units, Wei};
use maud::{Markup, html};

use super::{Frame, path, path_of};
use crate::{
    html::{account, counted, eth, foreign_link, table, time, transaction, units},
    money::condition,
};

/// How many movements are listed, the latest ones: some can be made by anyone, in any number.
const LISTED: usize = 100;

/// The statement of an account.
#[derive(Debug)]
pub struct StatementPage<'a> {
    /// What happened in the rescue.
    pub history: &'a History,
    /// The rescue as the next call would find it.
    pub view: &'a RescueView,
    /// The account.
    pub account: Address,
    /// Its statement, see [`Statement::only`].
    pub statement: &'a Statement,
    /// What concerns it, in the order of the chain.
    pub movements: &'a [&'a Entry],
    /// How old the block is, in words.
    pub age: &'a str,
}

impl StatementPage<'_> {
    /// The page.
    pub fn document(&self) -> String {
        let title = format!("Statement of {}", short(self.account));
        let frame = Frame::new(&title, Some(self.history.address), self.header());
        frame.document(&html! {
            (self.positions())
            (self.debts())
            (self.pools())
            (self.movements())
            (self.check())
        })
    }

    fn header(&self) -> Markup {
        let History { chain, block, address, .. } = self.history;
        html! {
            h1 { "Statement of " span.address { (self.account.to_string()) } }
            p.meta {
                "In the rescue " a.address href=(path(*address)) { (short(*address)) } " on chain " (chain)
                ", at the end of block " (block.number) ", " (time(block.time)) " (" (self.age) "). "
                (account(self.account, None, *chain))
            }
        }
    }

    fn rate(&self) -> Option<Rate> {
        self.view.rate.known()
    }

    fn amount(&self, amount: Units, asset: Asset) -> Markup {
        units(amount, asset, self.rate())
    }

    fn positions(&self) -> Markup {
        let rows: Vec<_> = self.statement.escrow.positions.iter().map(|one| self.position(one)).collect();
        html! {
            section #positions {
                h2 { "What it pledged, and where that is" }
                @if rows.is_empty() { p { "It has pledged nothing." } }
                @else {
                    (table("Each position: the parts add up to what was pledged, to the unit", ["Position", "Condition", "Pledged", "Where it is"], &rows))
                    p.note {
                        "Reconciled to the unit: what was pledged by the events is what was returned, is owed, locked, drawn, held, refunded and refundable "
                        "by the rules, here and for the whole rescue."
                    }
                }
            }
        }
    }

    fn position(&self, position: &PositionStatement) -> [Markup; 4] {
        let (asset, tier) = (position.id.asset, position.id.tier);
        let parts = position.named().into_iter().filter(|(_, part)| !part.is_zero());
        [
            html! { (asset.to_string()) " in tier " (tier) },
            html! { (self.view.terms.tier(tier).map(condition).unwrap_or_default()) },
            self.amount(position.pledged, asset),
            html! { ul { @for (name, part) in parts { li { (self.amount(part, asset)) " " (name) } } } },
        ]
    }

    fn debts(&self) -> Markup {
        let row = |debt: &Debt| {
            let parts = [debt.owed, debt.collected].map(|part| self.amount(part, debt.asset));
            let [owed, collected] = parts;
            [html! { (debt.asset.to_string()) }, owed, collected]
        };
        let rows: Vec<_> = self.statement.escrow.debts.iter().map(row).collect();
        if rows.is_empty() {
            return html! {};
        }
        html! {
            section #debts {
                h2 { "What could not be paid at once" }
                (table("What exits and declines could not pay, by asset", ["Asset", "Owed", "Collected"], &rows))
            }
        }
    }

    fn pools(&self) -> Markup {
        let has_any = |one: &&PoolPayments| !one.earned.is_zero() || !one.bonus.is_zero();
        let rows: Vec<_> = self.statement.pool_payments.iter().filter(has_any).map(pool_row).collect();
        if rows.is_empty() {
            return html! {};
        }
        let header = ["Position", "Recovered", "Of it interest", "Claimed", "Bonus", "Bonus claimed"];
        html! {
            section #pools { h2 { "Recovered funds and bonus" } (table("What the pools have for each position", header, &rows)) }
        }
    }

    fn movements(&self) -> Markup {
        let rows: Vec<_> =
            self.movements.iter().rev().take(LISTED).map(|entry| self.movement(entry)).collect();
        let files = |form: &str| format!("/api/v1{}{form}", path_of(self.history.address, self.account));
        html! {
            section #movements {
                h2 { "Movements" }
                (table("What moved, latest first", ["Time", "What", "Block", "Where"], &rows))
                @if self.movements.len() > LISTED { p { (counted(self.movements.len() - LISTED, "earlier movement")) " not listed." } }
                p { "All of them, page by page: " a href=(files("/statement.csv")) { "CSV" } ", " a href=(files("/statement")) { "JSON" } "." }
            }
        }
    }

    fn movement(&self, entry: &Entry) -> [Markup; 4] {
        let link = entry.event.declared().map(|declared| declared.declaration.link.as_str());
        let link = link.filter(|link| !link.is_empty());
        [
            time(entry.time),
            html! {
                (event::to_text(&entry.event, self.rate()))
                @if let Some(link) = link { ": " (foreign_link(link)) }
            },
            html! { (entry.block) },
            transaction(entry.transaction, "transaction", self.history.chain),
        ]
    }

    fn check(&self) -> Markup {
        let History { chain, address, .. } = self.history;
        let command = format!(
            "levee statement --for {} --rescue {address} --chain {chain} --rpc-url https://node.example",
            self.account
        );
        html! {
            section #check {
                h2 { "Check it yourself" }
                p { "This command makes the same statement from a node that you trust:" }
                pre tabindex="0" { code { (command) } }
            }
        }
    }
}

fn pool_row(one: &PoolPayments) -> [Markup; 6] {
    let PoolPayments { id, earned, interest, claimed, bonus, bonus_claimed } = *one;
    let [earned, interest, claimed, bonus, bonus_claimed] =
        [earned, interest, claimed, bonus, bonus_claimed].map(|amount: Wei| eth(amount));
    [html! { (id.asset.to_string()) " in tier " (id.tier) }, earned, interest, claimed, bonus, bonus_claimed]
}
