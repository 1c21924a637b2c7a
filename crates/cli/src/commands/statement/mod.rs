//! `levee statement`: what became of every wei and share of a rescue, from its logs, reconciled.

mod csv;
mod markdown;
mod text;

use std::ops::Range;

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{
    Block, Entry, Event, History, Movement, RescueEvent, RescueView, ShareRate, Statement, statement::Parts,
};
use levee_model::{
    Asset, EndReason, Rate, Status, Units,
    json::{Account, AccountOrNone},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{address, amount, error::UserError, event, history::HistoryArgs, output, output::Output};

/// Whose statement, and in which form.
#[derive(Debug, Args)]
#[command(after_help = "\
For each contributor and for the whole rescue: what was declared, pledged, returned, drawn, delivered, refunded, recovered, \
paid as interest and as a bonus, and what is owed, each with its transaction. It is made from logs alone, and reconciles to the \
wei: what moved by the events is what the rules make of it. If it does not, nothing is printed, and the exit code is 2.

stETH is booked in shares. Values are at the share rate that was recorded when the rescue was decided; before that, at the node's; \
an index does not know any.

With `--csv`, each movement is a line. `amount` is in the asset's own unit, `decimal` the same in units of 10^18, and `value_wei` its \
value, if the rate is known.

Examples:
  levee statement --terms rescue.toml --rpc-url https://node.example
  levee statement --for 0x… --rescue 0x… --store index.db --csv")]
pub(crate) struct StatementArgs {
    /// Only what this account pledged, declared, added, deposited or was paid.
    #[arg(long = "for", value_name = "ADDRESS", value_parser = address::parse)]
    account: Option<Address>,

    /// Write a line for each movement, for a spreadsheet or a program.
    #[arg(long, conflicts_with = "markdown", help_heading = "Output")]
    csv: bool,

    /// Write Markdown, for a forum.
    #[arg(long, help_heading = "Output")]
    markdown: bool,

    #[command(flatten)]
    history: HistoryArgs,
}

impl StatementArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        if output.is_json() && (self.csv || self.markdown) {
            return Err(UserError::new("a statement has one form: JSON, CSV or Markdown")
                .hint("give one of `--json`, `--csv` and `--markdown`")
                .into());
        }
        let (history, declarations) = self.history.read_with_declarations(output).await?;
        let account = Ledger::of(&history, &declarations, self.account)?;
        if self.csv {
            return output::write_stdout(&account.to_csv()?);
        }
        let text = if self.markdown { account.to_markdown() } else { account.to_text() };
        output.result(&text, &account.to_json())
    }
}

/// A statement, and the events behind it.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    history: &'a History,
    view: RescueView,
    statement: Statement,
    lines: Vec<Line<'a>>,
    /// The lines that are told: all, or a page of them.
    told: Range<usize>,
    /// The account that it is for; none if it is for everyone.
    of: Option<Address>,
}

/// An event that is about money.
#[derive(Debug)]
struct Line<'a> {
    entry: &'a Entry,
    movements: Vec<Movement>,
}

impl<'a> Ledger<'a> {
    fn of(history: &'a History, declarations: &'a [Entry], of: Option<Address>) -> Result<Self> {
        let statement = Statement::of(history)?;
        let statement = match of {
            Some(account) => statement.only(account),
            None => statement,
        };
        Self::from(history, statement, declarations, of)
    }

    /// The statement of an account, of everything that a history adds up to.
    pub(crate) fn of_account(
        history: &'a History,
        whole: &Statement,
        declarations: &'a [Entry],
        account: Address,
    ) -> Result<Self> {
        Self::from(history, whole.only(account), declarations, Some(account))
    }

    fn from(
        history: &'a History,
        statement: Statement,
        declarations: &'a [Entry],
        of: Option<Address>,
    ) -> Result<Self> {
        let view = history.rescue.view(history.moment());
        let mut entries: Vec<_> = declarations.iter().chain(history.entries.iter()).collect();
        // Both are in the order of the chain, which within a block is only known of each by itself.
        entries.sort_by_key(|entry| entry.block);
        let drawn: Vec<_> = match of {
            Some(_) => statement.escrow.positions.iter().filter_map(Movement::drawn_of).collect(),
            None => Vec::new(),
        };
        let movements = |entry: &Entry| match of {
            Some(account) => movements_of(account, entry, &view, &drawn),
            None => Movement::all_of(&entry.event, &view.terms),
        };
        let line = |entry: &'a Entry| Line { entry, movements: movements(entry) };
        let lines = entries.into_iter().map(line).filter(|line| !line.movements.is_empty());
        let lines: Vec<_> = lines.collect();
        let ledger = Self { history, told: 0..lines.len(), lines, view, statement, of };
        match of {
            Some(account) if ledger.is_empty() => Err(unknown(account, history).into()),
            _ => Ok(ledger),
        }
    }

    /// How many events are about money.
    pub(crate) const fn len(&self) -> usize {
        self.lines.len()
    }

    /// The same with only these movements told.
    pub(crate) fn paged(self, first: usize, count: usize) -> Self {
        let last = first.saturating_add(count).min(self.lines.len());
        Self { told: first.min(last)..last, ..self }
    }

    fn is_empty(&self) -> bool {
        self.statement.escrow.positions.is_empty() && self.lines.is_empty()
    }

    /// What shares are worth, if that is known.
    fn rate(&self) -> Option<Rate> {
        self.view.rate.known()
    }

    /// `41 ETH pledged = 12 ETH delivered + 29 ETH refunded`.
    fn identity(
        &self,
        asset: Asset,
        pledged: Units,
        parts: impl IntoIterator<Item = (&'static str, Units)>,
    ) -> String {
        let shown = |units| amount::units(units, asset, self.rate());
        let parts = parts.into_iter().filter(|(_, part)| !part.is_zero());
        let parts: Vec<_> = parts.map(|(name, part)| format!("{} {name}", shown(part))).collect();
        format!("{} pledged = {}", shown(pledged), parts.join(" + "))
    }

    fn identity_of(&self, asset: Asset, parts: &Parts) -> String {
        self.identity(asset, parts.pledged, parts.named())
    }

    /// `Released`, or why it ended.
    fn status(&self) -> String {
        let reason = self.view.end_reason.map_or_else(String::new, |reason| format!(": {reason}"));
        format!("{}{reason}", self.view.status)
    }

    /// What is known of the value of shares; none if there are none.
    fn rate_text(&self) -> Option<String> {
        let is_open = self.history.rescue.stored_status() == Status::Open;
        match self.view.rate {
            ShareRate::NotNeeded => None,
            ShareRate::Known(rate) => {
                let when = if is_open { "now" } else { "as recorded when the rescue was decided" };
                Some(format!("{rate}, {when}"))
            }
            ShareRate::Unreadable if is_open => {
                Some("unknown: no log says it before the rescue is decided, so shares are not valued".into())
            }
            ShareRate::Unreadable => Some("none was recorded, so shares are not valued".into()),
        }
    }

    /// That it adds up, and how that was checked.
    fn reconciled(&self) -> &'static str {
        "Reconciled to the unit, for every position, tier and asset: what was pledged by the events is what was returned, is owed, locked, \
         delivered, reserved, held, refunded and refundable by the rules, and less than one unit of dust for each position. Both pools \
         add up as well."
    }

    /// The rescue as the next call would find it.
    pub(crate) const fn view(&self) -> &RescueView {
        &self.view
    }

    pub(crate) const fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The events that are about money, in the order of the chain.
    pub(crate) fn events(&self) -> Vec<&'a Entry> {
        self.lines[self.told.clone()].iter().map(|line| line.entry).collect()
    }

    pub(crate) fn to_json(&self) -> StatementJson<'_> {
        let History { chain, block, address, .. } = *self.history;
        StatementJson {
            rescue: address,
            chain,
            block,
            account: self.of.unwrap_or_default(),
            status: self.view.status,
            end_reason: self.view.end_reason,
            rate: self.view.rate,
            statement: &self.statement,
            movements: self.events(),
        }
    }
}

/// The movements of an event that are of an account. What settlement drew of whole pots gives way to what is `drawn` of its own positions.
fn movements_of(account: Address, entry: &Entry, view: &RescueView, drawn: &[Movement]) -> Vec<Movement> {
    let mut movements = match entry.event {
        Event::Rescue(RescueEvent::Settled { .. }) => drawn.to_vec(),
        _ => Movement::all_of(&entry.event, &view.terms),
    };
    movements.retain(|movement| [movement.account, movement.recipient].contains(&Some(account)));
    movements
}

impl Line<'_> {
    /// What happened, and for a declaration where that is said too.
    fn what(&self, rate: Option<Rate>) -> String {
        let link = self.link().map_or_else(String::new, |link| format!(": {link}"));
        format!("{}{link}", event::to_text(&self.entry.event, rate))
    }

    /// The link of a declaration.
    fn link(&self) -> Option<&str> {
        let declared = self.entry.event.declared()?;
        Some(declared.declaration.link.as_str()).filter(|link| !link.is_empty())
    }
}

fn unknown(account: Address, history: &History) -> UserError {
    let History { address, block, .. } = history;
    UserError::new(format!("`{account}` has no part in the rescue `{address}` up to block {}", block.number))
        .hint("`levee pledgers` lists everyone who has something in it")
}

/// The result of `levee statement`. Amounts without a unit in their name are in the asset's own unit. It reconciles: if it did not, it would
/// be an error.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatementJson<'a> {
    #[serde(with = "Account")]
    rescue: Address,
    chain: u64,
    /// The block up to which it is.
    block: Block,
    /// The account that positions, payments and movements are of; null for everyone.
    #[serde(with = "AccountOrNone")]
    account: Address,
    status: Status,
    /// Why the rescue failed, or what first cancelled it.
    end_reason: Option<EndReason>,
    /// The rate recorded when the rescue was decided; before, the node's; null if it is not known or not needed.
    #[serde(rename = "rateWeiPer1e27Shares")]
    rate: ShareRate,
    #[serde(flatten)]
    statement: &'a Statement,
    /// The events that are about money, in the order of the chain.
    movements: Vec<&'a Entry>,
}
