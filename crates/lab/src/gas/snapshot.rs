//! The figures that are checked in, and what the escrow may cost.

use super::{Figure, MANY_SUFFIX};
use std::collections::BTreeMap;
use thiserror::Error;

/// The most that each call may cost, in gas; of the code's size, in bytes (EIP-170).
const LIMITS: [(&str, u64); 18] = [
    ("pledge_eth_new", 54_300),
    ("pledge_eth_next", 37_200),
    ("pledge_wsteth_new", 78_500),
    ("pledge_steth_new", 105_500),
    ("refund_eth", 46_500),
    ("collect_eth", 60_000),
    ("enlist_new", 75_000),
    ("release_asset", 90_000),
    ("settle_full", 300_000),
    ("create", 5_000_000),
    ("code_size", 24_576),
    ("recover_first", 150_000),
    ("recover", 150_000),
    ("claim_new", 75_000),
    ("router_wsteth_permit_new", 155_000),
    ("router_steth_permit_new", 230_000),
    ("declare", 40_000),
    ("declare_for", 80_000),
];

/// What is wrong with a figure.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// It is not as in the snapshot.
    #[error("{name}: measured {measured}, but {recorded} in the snapshot")]
    Changed {
        /// The figure.
        name: String,
        /// What was measured.
        measured: u64,
        /// What the snapshot says.
        recorded: u64,
    },
    /// The snapshot does not have it.
    #[error("{0}: not in the snapshot")]
    Unrecorded(String),
    /// Only the snapshot has it.
    #[error("{0}: in the snapshot, but not measured")]
    Unmeasured(String),
    /// It is above its limit.
    #[error("{name}: {measured} is above the limit of {limit}")]
    AboveLimit {
        /// The figure.
        name: String,
        /// What was measured.
        measured: u64,
        /// The most it may be.
        limit: u64,
    },
    /// It depends on the number of pledgers.
    #[error("{name}: {few} among few pledgers, but {many} among many")]
    Grows {
        /// The figure.
        name: String,
        /// Among few.
        few: u64,
        /// Among many.
        many: u64,
    },
}

/// A line of a snapshot is not a name and a number.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line} of the snapshot is not a name and a number: `{text}`")]
pub struct ParseError {
    line: usize,
    text: String,
}

/// The text of a snapshot: one figure a line.
pub fn render(figures: &[Figure]) -> String {
    figures.iter().map(|figure| format!("{figure}\n")).collect()
}

/// Reads the text of a snapshot.
///
/// # Errors
/// The first line that is no figure.
pub fn parse(text: &str) -> Result<Vec<Figure>, ParseError> {
    let figure = |(index, line): (usize, &str)| {
        let parts = line.split_once(' ').and_then(|(name, amount)| Some((name, amount.parse().ok()?)));
        let (name, amount) = parts.ok_or_else(|| ParseError { line: index + 1, text: line.to_owned() })?;
        Ok(Figure { name: name.to_owned(), amount })
    };
    text.lines().enumerate().map(figure).collect()
}

/// Every difference between what was measured and what is recorded.
pub fn differences(measured: &[Figure], recorded: &[Figure]) -> Vec<Fault> {
    let (measured, recorded) = (by_name(measured), by_name(recorded));
    let wrong = measured.iter().filter_map(|(&name, &amount)| match recorded.get(name) {
        Some(&found) if found == amount => None,
        Some(&found) => Some(Fault::Changed { name: name.to_owned(), measured: amount, recorded: found }),
        None => Some(Fault::Unrecorded(name.to_owned())),
    });
    let gone = recorded.keys().filter(|&name| !measured.contains_key(name));
    wrong.chain(gone.map(|&name| Fault::Unmeasured(name.to_owned()))).collect()
}

/// Every figure that is above its limit, or that depends on the number of pledgers.
pub fn violations(measured: &[Figure]) -> Vec<Fault> {
    let few = by_name(measured);
    let above = measured.iter().filter_map(|figure| {
        let limit = limit(&figure.name)?;
        (figure.amount > limit).then(|| Fault::AboveLimit {
            name: figure.name.clone(),
            measured: figure.amount,
            limit,
        })
    });
    let grown = measured.iter().filter_map(|figure| {
        let name = figure.name.strip_suffix(MANY_SUFFIX)?;
        let few = few.get(name).copied().unwrap_or_default();
        (few != figure.amount).then(|| Fault::Grows { name: name.to_owned(), few, many: figure.amount })
    });
    above.chain(grown).collect()
}

fn limit(name: &str) -> Option<u64> {
    let name = name.strip_suffix(MANY_SUFFIX).unwrap_or(name);
    LIMITS.into_iter().find_map(|(limited, limit)| (limited == name).then_some(limit))
}

fn by_name(figures: &[Figure]) -> BTreeMap<&str, u64> {
    figures.iter().map(|figure| (figure.name.as_str(), figure.amount)).collect()
}
