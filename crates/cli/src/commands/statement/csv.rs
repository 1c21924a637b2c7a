//! A statement for accountants: a line for each movement.

use eyre::Result;
use levee::{Movement, MovementKind};
use levee_model::{Amount, display, prorata};
use serde::Serialize;

use super::{Ledger, Line};
use crate::{spreadsheet, time};

/// A line.
#[derive(Debug, Serialize)]
struct Row {
    time: String,
    block: u64,
    transaction: String,
    movement: MovementKind,
    /// From where the account stands.
    direction: &'static str,
    account: Option<String>,
    tier: Option<u8>,
    draw_order: Option<u8>,
    asset: Option<String>,
    unit: Option<&'static str>,
    /// In that unit.
    amount: Option<String>,
    /// In 10^18 of that unit.
    decimal: Option<String>,
    /// At the rate of the statement.
    value_wei: Option<String>,
    recipient: Option<String>,
    link: Option<String>,
}

impl Ledger<'_> {
    /// The movements as CSV.
    pub(crate) fn to_csv(&self) -> Result<String> {
        let told = self.told.clone();
        let rows = told.clone().zip(&self.lines[told]).flat_map(|(index, line)| {
            line.movements.iter().map(move |movement| self.row(line, movement, self.lines.get(index + 1)))
        });
        spreadsheet::document(rows)
    }

    /// `next` is the line after it.
    fn row(&self, line: &Line<'_>, movement: &Movement, next: Option<&Line<'_>>) -> Row {
        let Movement { kind, account, tier, draw_order, amount, .. } = *movement;
        let is_unpaid = next.is_some_and(|next| line.is_unpaid(movement, next));
        let recipient = movement.recipient.filter(|_| !is_unpaid);
        let value = amount.and_then(|amount| prorata::value_down(amount, self.rate()));
        Row {
            time: time::time(line.entry.time),
            block: line.entry.block,
            transaction: line.entry.transaction.to_string(),
            movement: kind,
            direction: match kind.is_paid_in() {
                Some(true) => "paid",
                Some(false) if !is_unpaid => "received",
                Some(false) | None => "",
            },
            account: account.map(|account| account.to_string()),
            tier,
            draw_order,
            asset: amount.map(|amount| amount.asset().to_string()),
            unit: amount.map(|amount| amount.asset().unit()),
            amount: amount.map(|amount| amount.units().get().to_string()),
            decimal: amount.map(|amount: Amount| display::decimal(amount.units().get())),
            value_wei: value.map(|value| value.get().to_string()),
            recipient: recipient.map(|recipient| recipient.to_string()),
            link: line.link().map(spreadsheet::foreign),
        }
    }
}

impl Line<'_> {
    /// Whether an exit or a decline could not pay: the contract says so directly after it, and what is owed is collected later.
    fn is_unpaid(&self, movement: &Movement, next: &Line<'_>) -> bool {
        let is_owed = |other: &Movement| {
            other.kind == MovementKind::Owed
                && (other.account, other.amount) == (movement.account, movement.amount)
        };
        matches!(movement.kind, MovementKind::Exited | MovementKind::Declined)
            && next.entry.transaction == self.entry.transaction
            && next.movements.iter().any(is_owed)
    }
}
