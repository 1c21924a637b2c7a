//! `levee declarations`: compare what was declared with what was locked.

use std::collections::btree_map::{self, BTreeMap};

use alloy::primitives::Address;
use clap::Args;
use eyre::Result;
use levee::{
    Board, Declared, Entry, Error, Escrow, History, PositionView, Query, Snapshot,
    board::{Compared, standing},
};
use levee_model::{Wei, json::Account};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    address, amount,
    connection::{Connection, NetworkArgs, RescueArgs},
    journal::SqliteJournal,
    output::Output,
    page::Page,
    table, time,
};

/// Arguments of `levee declarations`.
#[derive(Debug, Args)]
#[command(after_help = "\
Shows each contributor's latest declaration for each tier, if it is still valid, and what the same account \
has locked in that tier. Anyone can declare anything: rely only on contributors you know. No account is \
needed, \
and with `--terms` the rescue need not exist yet.

Examples:
  levee declarations --terms rescue.toml --rpc-url https://node.example
  levee declarations --rescue 0x… --contributor 0x… --from-block 22400000 --json")]
pub(crate) struct DeclarationsArgs {
    /// Show only this contributor; may be repeated.
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    contributor: Vec<Address>,

    /// Block from which to read the board; earlier declarations are not shown. Default: the first in which there can be one.
    #[arg(long, value_name = "NUMBER")]
    from_block: Option<u64>,

    /// Read all blocks again, and not only those that no earlier run has read.
    #[arg(long)]
    rescan: bool,

    #[command(flatten)]
    rescue: RescueArgs,

    #[command(flatten)]
    network: NetworkArgs,
}

impl DeclarationsArgs {
    /// Runs the command.
    pub(crate) async fn run(self, output: Output) -> Result<()> {
        let named = self.rescue.named()?;
        let connection = self.network.connect(named.terms.as_ref()).await?;
        let query = Query::of(named.address);
        let snapshot = match query.read(&connection.provider, Some(connection.chain)).await {
            Ok(snapshot) => Some(snapshot),
            Err(Error::NoCode { .. }) if named.terms.is_some() => None,
            Err(error) => return Err(error.into()),
        };
        let (_, now) = connection.latest_block().await?;
        let reading = Reading { from_block: self.from_block, rescan: self.rescan };
        let entries = reading.read(&connection, named.address, output).await?;
        let mut declarations = standing(&declared(&entries), now);
        declarations.retain(|one| self.contributor.is_empty() || self.contributor.contains(&one.contributor));
        let lines = against_locked(&connection, snapshot.as_ref(), declarations).await?;
        output.result(&to_text(&lines, named.address), &to_json(&lines, named.address))
    }
}

/// How the board is read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reading {
    from_block: Option<u64>,
    rescan: bool,
}

impl Reading {
    /// Reads the board, going on where an earlier run was cut off. What only reads needs no place to write to.
    pub(crate) async fn read(
        self,
        connection: &Connection,
        rescue: Address,
        output: Output,
    ) -> Result<Vec<Entry>> {
        let board = Board::new(connection.provider.clone(), connection.chain);
        let journal = match SqliteJournal::open(None).await {
            Ok(journal) => journal,
            Err(error) => {
                output.note(&format!("the next run reads the same blocks again, because {error}"));
                return Ok(board.entries(rescue, self.from_block).await?);
            }
        };
        if self.rescan {
            journal.forget_scans(connection.chain).await?;
        }
        Ok(board.kept_entries(rescue, self.from_block, &journal).await?)
    }
}

/// The declarations among entries.
pub(crate) fn declared(entries: &[Entry]) -> Vec<Declared> {
    entries.iter().filter_map(|entry| entry.event.declared().cloned()).collect()
}

/// Compares each declaration with what its contributor has locked in the tier: nothing before the rescue is
/// created.
async fn against_locked(
    connection: &Connection,
    snapshot: Option<&Snapshot>,
    declarations: Vec<Declared>,
) -> Result<Vec<Compared>> {
    let nothing = |declared| Compared::of(declared, &[], None);
    let Some(snapshot) = snapshot else { return Ok(declarations.into_iter().map(nothing).collect()) };
    let (escrow, rate) = (Escrow::of(&connection.provider, snapshot), Page::of(snapshot).rate());
    let mut positions: BTreeMap<Address, Vec<PositionView>> = BTreeMap::new();
    let mut lines = Vec::new();
    for declared in declarations {
        let contributor = declared.contributor;
        let known = match positions.entry(contributor) {
            btree_map::Entry::Occupied(known) => known.into_mut(),
            btree_map::Entry::Vacant(unknown) => unknown.insert(escrow.positions(contributor).await?),
        };
        lines.push(Compared::of(declared, known, rate));
    }
    Ok(lines)
}

/// Compares each declaration that stands at the block of a history with what its contributor has locked in the tier.
pub(crate) fn against_history(history: &History, declared: &[Declared]) -> Vec<Compared> {
    let rate = history.rescue.view(history.moment()).rate.known();
    let standing = standing(declared, history.block.time).into_iter();
    standing.map(|declared| Compared::in_history(declared, history, rate)).collect()
}

/// Of the lines whose amounts are known.
fn total_missing(lines: &[Compared]) -> Wei {
    lines.iter().filter_map(Compared::missing).fold(Wei::ZERO, |sum, missing| sum + missing)
}

fn to_text(lines: &[Compared], rescue: Address) -> String {
    if lines.is_empty() {
        return format!("there are no declarations for the rescue {rescue}\n");
    }
    let known = |amount: Option<Wei>| amount.map_or_else(|| "unknown".into(), amount::eth);
    let row = |line: &Compared| {
        let declaration = &line.declared.declaration;
        [
            line.declared.contributor.to_string(),
            declaration.tier.to_string(),
            declaration.stage.to_string(),
            known(declaration.amount),
            known(line.locked),
            known(line.missing()),
            time::time(declaration.expiry),
            if declaration.link.is_empty() { "-".into() } else { declaration.link.clone() },
        ]
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    let header =
        ["contributor", "tier", "stage", "declared", "locked", "not yet locked", "valid until", "link"];
    let total = amount::eth(total_missing(lines));
    format!("{}\nnot yet locked, in total: {total}\n", table::render(header, &rows))
}

/// The result of `levee declarations`: declarations for a rescue, compared with locked pledges.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Declarations<'a> {
    #[serde(with = "Account")]
    rescue: Address,
    declarations: Vec<StandingJson<'a>>,
    /// The sum over declarations whose amounts are known.
    not_yet_locked_wei: Wei,
}

/// A valid declaration.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StandingJson<'a> {
    #[serde(flatten)]
    declared: &'a Declared,
    /// Null while shares cannot be valued.
    locked_wei: Option<Wei>,
    /// Null where either is unknown.
    not_yet_locked_wei: Option<Wei>,
}

impl<'a> From<&'a Compared> for StandingJson<'a> {
    fn from(line: &'a Compared) -> Self {
        let Compared { declared, locked } = line;
        Self { declared, locked_wei: *locked, not_yet_locked_wei: line.missing() }
    }
}

pub(crate) fn to_json(lines: &[Compared], rescue: Address) -> Declarations<'_> {
    page_of(lines, rescue, total_missing(lines))
}

/// Some of the declarations for a rescue, where the sum over all is known.
pub(crate) fn page_of(lines: &[Compared], rescue: Address, not_yet_locked_wei: Wei) -> Declarations<'_> {
    let declarations = lines.iter().map(StandingJson::from).collect();
    Declarations { rescue, declarations, not_yet_locked_wei }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::tests::position;
    use levee::{Declaration, Stage};
    use levee_model::{Asset, Rate};

    fn line(amount: Option<u128>, locked: Option<u128>) -> Compared {
        let declaration = Declaration {
            escrow: Address::ZERO,
            stage: Stage::Expressed,
            tier: 1,
            amount: amount.map(Wei::new),
            expiry: 1_785_542_400,
            link: "a\u{1b}[2J".into(),
        };
        let declared = Declared { contributor: Address::ZERO, declaration, made_at: 1, digest: None };
        Compared { declared, locked: locked.map(Wei::new) }
    }

    #[test]
    fn what_is_locked_is_the_value_of_the_tier() {
        let positions =
            [position(0, Asset::Eth, 100), position(1, Asset::Eth, 5), position(1, Asset::StEth, 10)];
        let locked = |tier, rate| {
            let mut declared = line(None, None).declared;
            declared.declaration.tier = tier;
            Compared::of(declared, &positions, rate).locked
        };
        let rate = Rate::new(1_200_000_000_000_000_000_000_000_000);
        assert_eq!(locked(1, rate), Some(Wei::new(17)));
        assert_eq!(locked(1, None), None);
        assert_eq!(locked(0, None), Some(Wei::new(100)));
        assert_eq!(locked(2, rate), Some(Wei::ZERO));
    }

    #[test]
    fn what_is_missing_is_never_less_than_nothing() {
        let cases = [
            (Some(5), Some(3), Some(2)),
            (Some(5), Some(7), Some(0)),
            (None, Some(1), None),
            (Some(5), None, None),
        ];
        for (declared, locked, missing) in cases {
            assert_eq!(line(declared, locked).missing(), missing.map(Wei::new));
        }
        let lines = [line(Some(5), Some(3)), line(None, Some(1)), line(Some(4), Some(0))];
        assert_eq!(total_missing(&lines), Wei::new(6));
    }

    #[test]
    fn a_link_cannot_move_the_cursor() {
        let text = to_text(&[line(None, Some(0))], Address::ZERO);
        assert!(text.contains("a\\u{1b}[2J\n"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
