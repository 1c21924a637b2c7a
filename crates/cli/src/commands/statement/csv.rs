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
    pub(super) fn to_csv(&self) -> Result<String> {
        let rows =
            self.lines.iter().flat_map(|line| line.movements.iter().map(|movement| self.row(line, movement)));
        spreadsheet::document(rows)
    }

    fn row(&self, line: &Line<'_>, movement: &Movement) -> Row {
        let Movement { kind, account, tier, draw_order, amount, recipient } = *movement;
        let value = amount.and_then(|amount| prorata::value_down(amount, self.rate()));
        Row {
            time: time::time(line.entry.time),
            block: line.entry.block,
            transaction: line.entry.transaction.to_string(),
            movement: kind,
            direction: match kind.is_paid_in() {
                Some(true) => "paid",
                Some(false) => "received",
                None => "",
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
