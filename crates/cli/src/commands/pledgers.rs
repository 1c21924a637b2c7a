//! `levee pledgers`: everyone who has something in a rescue.

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{Block, History, PositionView};
use levee_model::{Asset, Operation, PledgerPosition, PledgerView, Rate, Wei, json::Account};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    amount, error::UserError, history::HistoryArgs, output, output::Output, spreadsheet, table, time,
};

/// The rescue, and the form.
#[derive(Debug, Args)]
#[command(after_help = "\
What each has pledged, what refunds, collections and claims would pay now, and which calls are possible now. It is made from logs \
alone. Refunds, collections and claims may be called by anyone: `levee refund --all` and its like do so for everyone.

Examples:
  levee pledgers --terms rescue.toml --rpc-url https://node.example
  levee pledgers --rescue 0x… --store index.db --csv")]
pub(crate) struct PledgersArgs {
    /// Write a line for each position and debt, for a spreadsheet or a program.
    #[arg(long, help_heading = "Output")]
    csv: bool,

    #[command(flatten)]
    history: HistoryArgs,
}

impl PledgersArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        if output.is_json() && self.csv {
            return Err(UserError::new("the list has one form: JSON or CSV")
                .hint("give one of `--json` and `--csv`")
                .into());
        }
        let history = self.history.read().await?;
        let pledgers = history.models()?.pledgers(history.moment());
        if self.csv {
            return output::write_stdout(&spreadsheet::document(pledgers.iter().flat_map(rows))?);
        }
        let rate = history.rescue.view(history.moment()).rate.known();
        let History { address: rescue, chain, block, .. } = history;
        output
            .result(&to_text(&pledgers, block, rate), &Pledgers { rescue, chain, block, pledgers: &pledgers })
    }
}

fn to_text(pledgers: &[PledgerView], block: Block, rate: Option<Rate>) -> String {
    let (number, time) = (block.number, time::time(block.time));
    let count = match pledgers.len() {
        0 => "nobody has anything".to_owned(),
        1 => "1 account has something".to_owned(),
        count => format!("{count} accounts have something"),
    };
    let blocks =
        pledgers.iter().map(|one| format!("\n{}\n{}", one.pledger, table::facts_below(&facts(one, rate))));
    format!("{count} in the rescue at block {number}, of {time}\n{}", blocks.collect::<String>())
}

/// What one has, is due and may do.
pub(crate) fn facts(one: &PledgerView, rate: Option<Rate>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    for position in &one.positions {
        let PositionView { tier, asset, amount, refunded, refundable, .. } = position.view;
        facts.push(("pledged", format!("{} into tier {tier}", amount::units(amount, asset, rate))));
        let parts = [("refunded", refunded), ("refundable", refundable)];
        let parts = parts.into_iter().filter(|(_, units)| !units.is_zero());
        facts.extend(
            parts.map(|(name, units)| {
                (name, format!("{} from tier {tier}", amount::units(units, asset, rate)))
            }),
        );
        let parts = [("recovered", position.recovered_due), ("bonus", position.bonus_due)];
        let parts = parts.into_iter().filter(|(_, due)| !due.is_zero());
        facts.extend(
            parts.map(|(name, due)| (name, format!("{} for the {asset} in tier {tier}", amount::eth(due)))),
        );
    }
    let owed = Asset::ALL.into_iter().filter(|asset| !one.owed[*asset].is_zero());
    facts.extend(owed.map(|asset| {
        ("owed", format!("{} from exits or declines", amount::units(one.owed[asset], asset, rate)))
    }));
    if !one.calls.is_empty() {
        facts.push(("may", calls(one.calls.iter())));
    }
    facts
}

/// The names of the commands that make some calls, each once.
fn calls<'a>(calls: impl Iterator<Item = &'a Operation>) -> String {
    let mut names: Vec<_> = calls.filter_map(command).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

/// The command that makes a call for a pledger.
const fn command(call: &Operation) -> Option<&'static str> {
    match call {
        Operation::Exit { .. } => Some("exit"),
        Operation::Object { .. } => Some("object"),
        Operation::Refund(_) => Some("refund"),
        Operation::Collect { .. } => Some("collect"),
        Operation::Claim(_) => Some("claim"),
        Operation::ClaimBonus(_) => Some("bonus claim"),
        _ => None,
    }
}

/// A position, or what is owed in an asset. Amounts are in the asset's own unit.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pledger: String,
    tier: Option<u8>,
    asset: String,
    unit: &'static str,
    pledged: Option<String>,
    refunded: Option<String>,
    refundable: Option<String>,
    owed: Option<String>,
    recovered_due_wei: Option<Wei>,
    bonus_due_wei: Option<Wei>,
    /// With commas between them.
    may: String,
}

/// The positions and debts of one, each as a line of a table.
pub(crate) fn rows(one: &PledgerView) -> Vec<Row> {
    let of_positions = one.positions.iter().map(|position| row(one, position));
    let debts = Asset::ALL.into_iter().filter(|asset| !one.owed[*asset].is_zero());
    let of_debts = debts.map(|asset| Row {
        pledger: one.pledger.to_string(),
        tier: None,
        asset: asset.to_string(),
        unit: asset.unit(),
        pledged: None,
        refunded: None,
        refundable: None,
        owed: Some(one.owed[asset].get().to_string()),
        recovered_due_wei: None,
        bonus_due_wei: None,
        may: "collect".into(),
    });
    of_positions.chain(of_debts).collect()
}

fn row(one: &PledgerView, position: &PledgerPosition) -> Row {
    let PositionView { tier, asset, amount, refunded, refundable, .. } = position.view;
    let number = |units: levee_model::Units| Some(units.get().to_string());
    let own = one.calls.iter().filter(|call| position_of(call) == Some((tier, asset)));
    Row {
        pledger: one.pledger.to_string(),
        tier: Some(tier),
        asset: asset.to_string(),
        unit: asset.unit(),
        pledged: number(amount),
        refunded: number(refunded),
        refundable: number(refundable),
        owed: None,
        recovered_due_wei: Some(position.recovered_due),
        bonus_due_wei: Some(position.bonus_due),
        may: calls(own),
    }
}

/// The tier and the asset of the position that a call is about.
const fn position_of(call: &Operation) -> Option<(u8, Asset)> {
    match *call {
        Operation::Refund(id) | Operation::Claim(id) | Operation::ClaimBonus(id) => Some((id.tier, id.asset)),
        Operation::Exit { tier, asset, .. } | Operation::Object { tier, asset } => Some((tier, asset)),
        _ => None,
    }
}

/// The result of `levee pledgers`: everyone who has something in a rescue.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Pledgers<'a> {
    #[serde(with = "Account")]
    pub(crate) rescue: Address,
    pub(crate) chain: u64,
    /// The block up to which it is.
    pub(crate) block: Block,
    /// By address.
    pub(crate) pledgers: &'a [PledgerView],
}
